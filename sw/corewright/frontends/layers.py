# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Keras layers as the front end sees them: order, sources, shapes, options, quantised constants."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError, OffGridError, first_line
from corewright.frontends.quantisers import REQUANTISE, check_repeatable, constants_on_grid

Float64Array = npt.NDArray[np.float64]

# Layers that do nothing at inference.
TRANSPARENT = ("Dropout", "SpatialDropout2D", "GaussianNoise", "ActivityRegularization")
POOLS: dict[str, tuple[Literal["max", "average"], bool]] = {
    "MaxPooling2D": ("max", False),
    "AveragePooling2D": ("average", False),
    "QAveragePooling2D": ("average", False),
    "GlobalMaxPooling2D": ("max", True),
    "GlobalAveragePooling2D": ("average", True),
    "QGlobalAveragePooling2D": ("average", True),
    "PaddedMaxPooling2D": ("max", False),
    "PaddedAveragePooling2D": ("average", False),
}
DEPTHWISE = ("QDepthwiseConv2D", "QDepthwiseConv2DBatchnorm", "QStridedDepthwiseConv2D")
CORES = ("QConv2D", "QConv2DBatchnorm", "QDense", *DEPTHWISE)
NORM = "BatchNormalization"
ADDITIONS = ("Add", "ScaledAdd")
# The Bundle API's marker layer behind an average pool that rounds to integers first.
ROUND_LAYER = "RoundToGrid"
_NEAREST_OPTION = {
    "dilation_rate": "; nearest is a larger kernel with zeros between its elements",
    "groups": "; nearest are a QDepthwiseConv2D, or ChannelSlice, QConv2D and Concatenate",
    "data_format": "; nearest is a model of (height, width, channels) feature maps",
}
# Layers that quantise their input, or the sums of the layer before them.
QUANTISERS = ("QActivation", REQUANTISE)
# What layers quantise once, before they compute.
_CONSTANT_QUANTISERS = ("kernel", "depthwise", "bias")
_LEAST_DRAWS = 128
# More than any grid has.
_ANY_BITS = 64
# Layers of corewright.frontends.operators that compute in the type that they are given, and have
# one input or two.
OWN_LAYERS = (ROUND_LAYER, REQUANTISE, "TensorName", "ChannelSlice", "QSoftmax")
OWN_POOLS = ("PaddedMaxPooling2D", "PaddedAveragePooling2D")
OWN_JOINS = ("ScaledAdd", "QMatMul")


class LayerUse:
    """A layer as one model uses it.

    Keras keeps the calls of a layer in the layer, those of all models that share it: its own
    ``input``, ``input_shape``, ``output_shape`` are then refused or another model's. Here they are
    those of the call in this model; everything else is the layer's.

    Attributes:
        keras_layer: the layer.
        nodes: its calls in this model.
    """

    def __init__(self, keras_layer: Any, nodes: list[Any]) -> None:
        self.keras_layer = keras_layer
        self.nodes = nodes

    def __getattr__(self, name: str) -> Any:
        # Only asked for what is not found here.
        return getattr(self.keras_layer, name)

    @cached_property
    def call_node(self) -> Any:
        """The one call in this model; raises FrontendError if there are several."""
        if len(self.nodes) != 1:
            raise FrontendError(
                f"layer '{self.name}' is used {len(self.nodes)} times in this model, legal is "
                "once: make a layer for each use"
            )
        return self.nodes[0]

    @property
    def input(self) -> Any:
        """The Keras tensor, or the list of them, that the layer reads."""
        tensors = list(self.call_node.keras_inputs)
        return tensors if len(tensors) != 1 else tensors[0]

    @property
    def input_shape(self) -> Any:
        """Of :attr:`input`, the batch first."""
        tensors = [tuple(tensor.shape) for tensor in self.call_node.keras_inputs]
        return tensors if len(tensors) != 1 else tensors[0]

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Of the first output, the batch first."""
        outputs = self.call_node.outputs
        first = outputs[0] if isinstance(outputs, (list, tuple)) else outputs
        return tuple(first.shape)

    @property
    def sources(self) -> list[str]:
        """Names of the layers that it reads."""
        return [tensor._keras_history.layer.name for tensor in self.call_node.keras_inputs]

    def check_call(self) -> None:
        """Refuse arguments of the call that a graph does not have: constants, training=True."""
        node = self.call_node
        known = {id(tensor) for tensor in node.keras_inputs}
        tf, _ = lazy.load()
        for name, value in (("an argument", node.call_args), *node.call_kwargs.items()):
            for part in tf.nest.flatten(value):
                if id(part) in known or part is None or part is False:
                    continue
                if part is True or (name == "training" and part):
                    raise FrontendError(
                        f"layer '{self.name}' is called with training={part}, legal is without: "
                        "a graph computes what the layer does at inference"
                    )
                if tf.is_tensor(part) or isinstance(part, np.ndarray):
                    raise FrontendError(
                        f"layer '{self.name}' reads a constant of shape {tuple(part.shape)}, legal "
                        "are layers' outputs; nearest is a bias in the layer before"
                    )


def kind_of(layer: Any) -> str:
    """The name of a layer's class."""
    return type(layer.keras_layer if isinstance(layer, LayerUse) else layer).__name__


def ordered_layers(model: Any) -> list[LayerUse]:
    """All layers of a chain or graph model in topological order, the input layer first.

    They are those that the output depends on, as this model calls them.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise FrontendError(
            f"model '{model.name}' has {len(model.inputs)} inputs and {len(model.outputs)} "
            "outputs, legal is one of each"
        )
    uses: dict[int, LayerUse] = {}
    tensors = list(model.outputs)
    while tensors:
        tensor = tensors.pop()
        layer, node = tensor._keras_history.layer, _call_of(tensor)
        use = uses.setdefault(id(layer), LayerUse(layer, []))
        if node not in use.nodes:
            use.nodes.append(node)
            tensors += node.keras_inputs
    # Sequential.layers leaves its input layer out.
    first = model.inputs[0]._keras_history.layer
    layers = [first, *(layer for layer in model.layers if layer is not first)]
    return [uses[id(layer)] for layer in layers if id(layer) in uses]


def _call_of(tensor: Any) -> Any:
    """The call that made a Keras tensor."""
    layer = tensor._keras_history.layer
    # Not by the index that the tensor knows: Sequential takes calls away when it is built again.
    return next(node for node in layer.inbound_nodes if str(id(tensor)) in node.flat_output_ids)


def sources_of(layer: LayerUse) -> list[str]:
    """Names of the layers that ``layer`` reads."""
    return layer.sources


def readers_of(layers: list[Any]) -> dict[str, list[Any]]:
    """The layers among ``layers`` that read each of them, by its name."""
    result: dict[str, list[Any]] = {layer.name: [] for layer in layers}
    for layer in layers:
        if kind_of(layer) != "InputLayer":
            for name in sources_of(layer):
                result[name].append(layer)
    return result


def shape_of(layer: Any, shape: Any) -> tuple[int, int, int]:
    """(height, width, channels) of a Keras shape with its batch dimension."""
    if isinstance(shape, list):
        shape = shape[0]
    dimensions = tuple(shape[1:])
    if len(dimensions) not in (1, 3) or any(size is None for size in dimensions):
        raise FrontendError(
            f"layer '{layer.name}' has shape {tuple(shape)}, legal are (batch, channels) and "
            "(batch, height, width, channels) with known sizes"
        )
    return dimensions if len(dimensions) == 3 else (1, 1, dimensions[0])


def pair(value: Any) -> tuple[int, int]:
    """An int or a pair as a pair."""
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)


def is_linear(activation: Any) -> bool:
    """Whether a layer's ``activation`` does nothing."""
    return activation is None or getattr(activation, "__name__", "") == "linear"


def is_relu(activation: Any) -> bool:
    """Whether a layer's ``activation`` is Keras's own relu, which rounds nothing."""
    return getattr(activation, "__name__", "") == "relu"


def is_softmax(activation: Any) -> bool:
    """Whether a layer's ``activation`` is Keras's softmax."""
    return getattr(activation, "__name__", "") == "softmax"


def check_options(layer: Any) -> None:
    """Refuse options of a layer, or of its call, that would change its meaning."""
    layer.check_call()
    _check_constants(layer)
    legal = {"data_format": "channels_last", "dilation_rate": (1, 1), "groups": 1}
    for option, value in legal.items():
        actual = getattr(layer, option, value)
        actual = pair(actual) if option == "dilation_rate" else actual
        if actual != value:
            raise FrontendError(
                f"layer '{layer.name}': {option} is {actual!r}, legal is {value!r}"
                f"{_NEAREST_OPTION.get(option, '')}"
            )
    padding = getattr(layer, "padding", "valid")
    if kind_of(layer) not in ("ZeroPadding2D", *OWN_POOLS) and padding not in ("valid", "same"):
        raise FrontendError(
            f"layer '{layer.name}': padding is {layer.padding!r}, legal is 'valid' or 'same'"
        )
    if getattr(layer, "depth_multiplier", 1) != 1:
        raise FrontendError(
            f"layer '{layer.name}': depth_multiplier is {layer.depth_multiplier}, legal is 1; "
            "nearest is a QConv2D with a 1x1 kernel behind it"
        )
    if getattr(layer, "average_quantizer_internal", None) is not None:
        raise FrontendError(
            f"layer '{layer.name}': average_quantizer multiplies by a rounded 1/n, legal is None: "
            "the hardware divides"
        )


def _check_constants(layer: Any) -> None:
    """Refuse quantisers of weights and biases that have no fixed result at inference."""
    for option in _CONSTANT_QUANTISERS:
        quantiser = getattr(layer, f"{option}_quantizer_internal", None)
        if quantiser is None:
            continue
        where = f"layer '{layer.name}': {option}_quantizer"
        check_repeatable(where, quantiser)
        foreign = not type(quantiser).__module__.startswith("qkeras.")
        values = getattr(layer, "depthwise_kernel" if option == "depthwise" else option, None)
        if values is not None and (foreign or getattr(quantiser, "use_stochastic_rounding", False)):
            _check_draws(where, quantiser, values)


def _check_draws(where: str, quantiser: Any, values: Any) -> None:
    """Refuse a quantiser that makes of ``values`` another shape, or not the same every time."""
    tf, _ = lazy.load()
    name = getattr(quantiser, "__name__", kind_of(quantiser))
    shape = tuple(values.shape)
    # Few weights may be drawn alike: as many draws as tell a coin from a constant.
    draws = 2 + _LEAST_DRAWS // max(int(np.prod(shape)), 1)
    try:
        results = [np.asarray(quantiser(values)) for _ in range(draws)]
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise FrontendError(f"{where} {name} fails for {shape}: {first_line(error)}") from error
    if results[0].shape != shape:
        raise FrontendError(
            f"{where} {name} makes {results[0].shape} of {shape}, legal is the same shape"
        )
    if any(not np.array_equal(results[0], other, equal_nan=True) for other in results):
        raise FrontendError(
            f"{where} {name} draws random numbers at inference, legal is one with a fixed result; "
            "nearest is quantized_bits(8,0,0,1,alpha=1)"
        )


def activation_name(layer: Any) -> str:
    """What an Activation, Softmax or ReLU layer computes: 'relu', 'softmax', 'linear', ...

    A ReLU with a slope, a threshold or a maximum is 'parametric'.
    """
    kind = kind_of(layer)
    if kind == "ReLU":
        plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
        return "relu" if plain else "parametric"
    if kind == "Activation":
        return str(getattr(layer.activation, "__name__", kind_of(layer.activation)))
    return kind.lower()


def quantised_constants(
    layer: Any, *, normalised: bool = False
) -> tuple[Float64Array, Float64Array | None, Any, Any]:
    """What a QKeras layer multiplies with: (kernel, bias or None, and their quantisers).

    The layer's own batch norm is folded into kernel and bias before its quantisers round them.
    Values are computed in the layer's own precision. A depthwise kernel is (KH, KW, C). Raises
    FrontendError if a quantiser is missing; the bias of a layer that a normalisation follows
    (``normalised``) needs none.
    """
    depthwise = kind_of(layer) in DEPTHWISE
    name = "depthwise" if depthwise else "kernel"
    kernel_quantiser = getattr(layer, f"{name}_quantizer_internal")
    bias_quantiser = layer.bias_quantizer_internal
    if kind_of(layer).endswith("Batchnorm"):
        kernel, bias = layer.get_folded_weights()
    else:
        kernel = layer.depthwise_kernel if depthwise else layer.kernel
        bias = layer.bias if layer.use_bias else None
    needed = {name: kernel_quantiser}
    if bias is not None and not normalised:
        needed["bias"] = bias_quantiser
    for what, quantiser in needed.items():
        if quantiser is None:
            raise FrontendError(
                f"layer '{layer.name}': {what}_quantizer is None; "
                f"nearest is {what}_quantizer='quantized_bits(8,0,0,1,alpha=1)'"
            )
    with lazy.default_float("float64" if kernel.dtype == "float64" else "float32"):
        kernel = np.asarray(kernel_quantiser(kernel), dtype=np.float64)
        if bias is not None:
            rounded = bias if bias_quantiser is None else bias_quantiser(bias)
            bias = np.asarray(rounded, dtype=np.float64)
    return kernel[..., 0] if depthwise else kernel, bias, kernel_quantiser, bias_quantiser


def real_constants(layer: Any) -> tuple[Float64Array, Float64Array | None]:
    """What a QKeras layer multiplies with and adds, in real numbers: (kernel, bias or None).

    Without the rounding errors of float32, wherever its quantisers have a grid; scales that are no
    powers of two have none. See :func:`quantised_constants`.
    """
    kernel, bias, kernel_quantiser, bias_quantiser = quantised_constants(layer, normalised=True)
    kernel = _snapped(layer.name, "kernel", kernel, kernel_quantiser)
    if bias is not None and bias_quantiser is not None:
        bias = _snapped(layer.name, "bias", bias, bias_quantiser)
    return kernel, bias


def _snapped(layer: str, what: str, values: Float64Array, quantiser: Any) -> Float64Array:
    """``values`` without the rounding error of the straight-through estimator."""
    try:
        integers, _, fraction = constants_on_grid(layer, what, values, quantiser, _ANY_BITS)
    except OffGridError:
        return values
    return np.ldexp(integers.astype(np.float64), -fraction)
