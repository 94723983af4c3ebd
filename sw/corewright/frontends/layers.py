# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Keras layers as the front end sees them: order, sources, shapes, options, quantised constants."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError
from corewright.frontends.quantisers import REQUANTISE

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
# Layers of corewright.frontends.operators that compute in the type that they are given, and have
# one input or two.
OWN_LAYERS = (ROUND_LAYER, REQUANTISE, "TensorName", "ChannelSlice", "QSoftmax")
OWN_POOLS = ("PaddedMaxPooling2D", "PaddedAveragePooling2D")
OWN_JOINS = ("ScaledAdd", "QMatMul")


def kind_of(layer: Any) -> str:
    """The name of a layer's class."""
    return type(layer).__name__


def ordered_layers(model: Any) -> list[Any]:
    """All layers of a chain or graph model in topological order, the input layer first."""
    if not getattr(model, "inputs", None):
        raise FrontendError(
            f"model '{model.name}' has no inputs yet; build it, or give its first layer a shape"
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise FrontendError(
            f"model '{model.name}' has {len(model.inputs)} inputs and {len(model.outputs)} "
            "outputs, legal is one of each"
        )
    layers = list(model.layers)
    first = model.inputs[0]._keras_history.layer
    # Sequential.layers leaves its input layer out.
    return layers if any(layer is first for layer in layers) else [first, *layers]


def sources_of(layer: Any) -> list[str]:
    """Names of the layers that ``layer`` reads."""
    if len(layer.inbound_nodes) != 1:
        raise FrontendError(
            f"layer '{layer.name}' is used {len(layer.inbound_nodes)} times, legal is once: "
            "make a layer for each use"
        )
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    return [tensor._keras_history.layer.name for tensor in inputs]


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


def check_options(layer: Any) -> None:
    """Refuse options of a layer that would change its meaning."""
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


def batch_norms(layers: list[Any]) -> dict[str, Any]:
    """BatchNormalization layers by the name of the core layer that they are folded into.

    Foldable is one that is the only reader of a core layer without activation.
    """
    by_name = {layer.name: layer for layer in layers}
    readers = readers_of(layers)
    result: dict[str, Any] = {}
    for layer in layers:
        if kind_of(layer) != NORM:
            continue
        core = by_name[sources_of(layer)[0]]
        if (
            kind_of(core) in CORES
            and not kind_of(core).endswith("Batchnorm")
            and is_linear(core.activation)
            and len(readers[core.name]) == 1
            and _axis(layer) == len(layer.input.shape) - 1
        ):
            result[core.name] = layer
    return result


def _axis(norm: Any) -> int:
    axis = norm.axis if isinstance(norm.axis, int) else next(iter(norm.axis))
    return int(axis) % len(norm.input.shape)


def _fold(norm: Any, kernel: Any, bias: Any, depthwise: bool) -> tuple[Any, Any]:
    """Kernel and bias with batch norm's moving statistics, in the layers' own precision.

    The formula, and its order of operations, of ``QConv2DBatchnorm.get_folded_weights``.
    """
    tf, _ = lazy.load()
    inverse = tf.math.rsqrt(norm.moving_variance + norm.epsilon)
    if norm.gamma is not None:
        inverse = inverse * norm.gamma
    folded = inverse * ((0.0 if bias is None else bias) - norm.moving_mean)
    if norm.beta is not None:
        folded = folded + norm.beta
    # A depthwise kernel is (KH, KW, C, 1).
    return kernel * (inverse[:, None] if depthwise else inverse), folded


def quantised_constants(
    layer: Any, norm: Any = None
) -> tuple[Float64Array, Float64Array | None, Any, Any]:
    """What a QKeras layer multiplies with: (kernel, bias or None, and their quantisers).

    Batch norm, the layer's own or the layer ``norm`` behind it, is folded into kernel and bias
    before the layer's quantisers round them. Values are computed in the layer's own precision.
    A depthwise kernel is (KH, KW, C). Raises FrontendError if a quantiser is missing.
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
        if norm is not None:
            kernel, bias = _fold(norm, kernel, bias, depthwise)
    for what, quantiser in ((name, kernel_quantiser), ("bias", bias_quantiser)):
        if quantiser is None and not (what == "bias" and bias is None):
            why = f" (batch norm '{norm.name}' gives it a bias)" if norm is not None else ""
            raise FrontendError(
                f"layer '{layer.name}': {what}_quantizer is None{why if what == 'bias' else ''}; "
                f"nearest is {what}_quantizer='quantized_bits(8,0,0,1,alpha=1)'"
            )
    with lazy.default_float("float64" if kernel.dtype == "float64" else "float32"):
        kernel = np.asarray(kernel_quantiser(kernel), dtype=np.float64)
        if bias is not None:
            bias = np.asarray(bias_quantiser(bias), dtype=np.float64)
    return kernel[..., 0] if depthwise else kernel, bias, kernel_quantiser, bias_quantiser
