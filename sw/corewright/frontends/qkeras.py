# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QKeras models to integer graphs, and their exact evaluation in float64.

Supported layers: QActivation, QConv2D, QConv2DBatchnorm, QDense, MaxPooling2D, AveragePooling2D,
their global forms, Flatten, Softmax, and Dropout (ignored at inference). A convolution or dense
layer, with any max pools behind it, and an average pool are followed by the quantiser of their
output: a QActivation, or the layer's own ``activation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError
from corewright.frontends.quantisers import (
    MAX_WEIGHT_BITS,
    ActivationFormat,
    activation_format,
    constants_on_grid,
)
from corewright.graph import (
    MAX_PRE_SHIFT,
    Conv,
    Dense,
    Graph,
    GraphError,
    Node,
    Pool,
    Requant,
    Softmax,
    Tensor,
    same_padding,
)

Float64Array = npt.NDArray[np.float64]

_TRANSPARENT = ("Flatten", "Dropout", "SpatialDropout2D", "GaussianNoise", "ActivityRegularization")
_POOLS: dict[str, tuple[Literal["max", "average"], bool]] = {
    "MaxPooling2D": ("max", False),
    "AveragePooling2D": ("average", False),
    "GlobalMaxPooling2D": ("max", True),
    "GlobalAveragePooling2D": ("average", True),
}
_CORES = ("QConv2D", "QConv2DBatchnorm", "QDense")
# The Bundle API's marker layer behind an average pool that rounds to integers first.
ROUND_LAYER = "RoundToGrid"
_NEAREST = {
    "Conv2D": "QConv2D",
    "Dense": "QDense",
    "BatchNormalization": "QConv2DBatchnorm, which folds it into the convolution",
    "QBatchNormalization": "QConv2DBatchnorm, which folds it into the convolution",
    "ReLU": "QActivation('quantized_relu(bits,integer)')",
    "LeakyReLU": "QActivation('quantized_relu(bits,integer,negative_slope=0.125)')",
    "QAveragePooling2D": "AveragePooling2D followed by QActivation",
    "QGlobalAveragePooling2D": "GlobalAveragePooling2D followed by QActivation",
    "ZeroPadding2D": "padding='same' in the convolution",
    "DepthwiseConv2D": "QConv2D, depthwise convolution is not supported yet",
    "QDepthwiseConv2D": "QConv2D, depthwise convolution is not supported yet",
    "Add": "a chain of layers, the residual add is not supported yet",
    "Concatenate": "a chain of layers, concatenation is not supported yet",
}


@dataclass(frozen=True)
class _Value:
    """A quantised tensor of the graph with the range that its producer saturates to."""

    tensor: Tensor
    low: int
    high: int


@dataclass
class _Pending:
    """A layer whose output quantiser has not come yet, and the max pools in between."""

    layer: Any
    source: _Value
    pools: list[Any] = field(default_factory=list)
    round_first: bool = False


@dataclass(frozen=True)
class _RawInput:
    layer: str
    shape: tuple[int, int, int]


@dataclass(frozen=True)
class _Probabilities:
    layer: str


_State = _Value | _Pending | _RawInput | _Probabilities


def _kind(layer: Any) -> str:
    return type(layer).__name__


def _ordered_layers(model: Any) -> list[Any]:
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


def _sources(layer: Any) -> list[str]:
    """Names of the layers that ``layer`` reads."""
    if len(layer.inbound_nodes) != 1:
        raise FrontendError(
            f"layer '{layer.name}' is used {len(layer.inbound_nodes)} times, legal is once: "
            "make a layer for each use"
        )
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    return [tensor._keras_history.layer.name for tensor in inputs]


def _shape(layer: Any, shape: Any) -> tuple[int, int, int]:
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


def _pair(value: Any) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)


def _is_linear(activation: Any) -> bool:
    return activation is None or getattr(activation, "__name__", "") == "linear"


def _check_options(layer: Any) -> None:
    """Refuse options of a layer that would change its meaning."""
    legal = {"data_format": "channels_last", "dilation_rate": (1, 1), "groups": 1}
    for option, value in legal.items():
        actual = getattr(layer, option, value)
        actual = _pair(actual) if option == "dilation_rate" else actual
        if actual != value:
            raise FrontendError(f"layer '{layer.name}': {option} is {actual!r}, legal is {value!r}")
    if getattr(layer, "padding", "valid") not in ("valid", "same"):
        raise FrontendError(
            f"layer '{layer.name}': padding is {layer.padding!r}, legal is 'valid' or 'same'"
        )
    if getattr(layer, "keepdims", False):
        raise FrontendError(f"layer '{layer.name}': keepdims is True, legal is False")


def quantised_constants(layer: Any) -> tuple[Float64Array, Float64Array | None, Any, Any]:
    """What a QKeras layer multiplies with: (kernel, bias or None, and their quantisers).

    Batch norm is folded by the layer's own ``get_folded_weights``; the quantisers are the
    layer's. Values are computed in the layer's own precision.
    """
    kernel_quantiser = layer.kernel_quantizer_internal
    bias_quantiser = layer.bias_quantizer_internal
    if _kind(layer) == "QConv2DBatchnorm":
        kernel, bias = layer.get_folded_weights()
    else:
        kernel = layer.kernel
        bias = layer.bias if layer.use_bias else None
    for what, quantiser in (("kernel", kernel_quantiser), ("bias", bias_quantiser)):
        if quantiser is None and not (what == "bias" and bias is None):
            raise FrontendError(
                f"layer '{layer.name}': {what}_quantizer is None; "
                f"nearest is {what}_quantizer='quantized_bits(8,0,0,1,alpha=1)'"
            )
    kernel = np.asarray(kernel_quantiser(kernel), dtype=np.float64)
    if bias is not None:
        bias = np.asarray(bias_quantiser(bias), dtype=np.float64)
    return kernel, bias, kernel_quantiser, bias_quantiser


class _Converter:
    """Walks the layers and gathers nodes; one instance a conversion."""

    def __init__(self, bits_input: int, int_bits_input: int, bits_weights: int) -> None:
        self.bits_input = bits_input
        self.int_bits_input = int_bits_input
        self.bits_weights = bits_weights
        self.input: _Value | None = None
        self.nodes: list[Node] = []

    # Values ---------------------------------------------------------------------------------

    def value(self, layer: Any, state: _State) -> _Value:
        """The quantised tensor that ``layer`` reads; raises if there is none."""
        if isinstance(state, _Value):
            return state
        if isinstance(state, _RawInput):
            fraction = self.bits_input - 1 - self.int_bits_input
            high = 1 << (self.bits_input - 1)
            return self.define_input(
                state,
                state.layer,
                ActivationFormat(self.bits_input, fraction, -high, high - 1),
            )
        if isinstance(state, _Probabilities):
            raise FrontendError(
                f"layer '{layer.name}' follows the softmax '{state.layer}', legal is softmax last"
            )
        raise FrontendError(
            f"layer '{layer.name}' reads '{state.layer.name}', whose output is not quantised; "
            "put a QActivation('quantized_bits(...)') or ('quantized_relu(...)') between them"
        )

    def define_input(self, state: _RawInput, name: str, word: ActivationFormat) -> _Value:
        tensor = Tensor(name, *state.shape, word.bits, word.fraction)
        value = _Value(tensor, word.low, word.high)
        if self.input is not None and self.input != value:
            raise FrontendError(
                f"input '{state.layer}' is quantised in two ways, legal is one QActivation for all"
            )
        self.input = value
        return value

    # Layers ---------------------------------------------------------------------------------

    def convert(self, layer: Any, state: _State) -> _State:
        kind = _kind(layer)
        _check_options(layer)
        if kind in _TRANSPARENT:
            return state
        if kind == "QActivation":
            return self.quantise(layer, layer.quantizer, state)
        if kind in _CORES:
            return self.core(layer, state)
        if kind in _POOLS:
            return self.pool(layer, state)
        if kind == ROUND_LAYER and isinstance(state, _Pending):
            if layer.fraction != state.source.tensor.fraction:
                raise FrontendError(
                    f"layer '{layer.name}': fraction is {layer.fraction}, legal is its average's, "
                    f"{state.source.tensor.fraction}"
                )
            state.round_first = True
            return state
        if kind == "Softmax" or (
            kind == "Activation" and getattr(layer.activation, "__name__", "") == "softmax"
        ):
            return self.softmax(layer, state)
        nearest = _NEAREST.get(kind, "one of " + ", ".join((*_CORES, *_POOLS, "QActivation")))
        if kind == "Activation":
            nearest = "QActivation with quantized_bits or quantized_relu"
        raise FrontendError(f"layer '{layer.name}' of type {kind} is not supported; use {nearest}")

    def softmax(self, layer: Any, state: _State) -> _State:
        source = self.value(layer, state)
        if getattr(layer, "axis", -1) not in (-1, len(layer.input.shape) - 1):
            raise FrontendError(f"layer '{layer.name}': axis is {layer.axis}, legal is -1")
        self.nodes.append(Softmax(layer.name, source.tensor.name))
        return _Probabilities(layer.name)

    def core(self, layer: Any, state: _State) -> _State:
        pending = _Pending(layer, self.value(layer, state))
        if _kind(layer) == "QDense" and len(layer.input.shape) != 2:
            raise FrontendError(
                f"layer '{layer.name}': QDense on input {tuple(layer.input.shape)} works on the "
                "last axis only; put a Flatten before it or use a QConv2D with a 1x1 kernel"
            )
        if _is_linear(layer.activation):
            return pending
        return self.quantise(layer, layer.activation, pending)

    def pool(self, layer: Any, state: _State) -> _State:
        kind, _ = _POOLS[_kind(layer)]
        if kind == "max" and isinstance(state, _Pending):
            # Quantisers never decrease, so they commute with the maximum: quantise first.
            state.pools.append(layer)
            return state
        source = self.value(layer, state)
        readers = [_kind(node.outbound_layer) for node in layer.outbound_nodes]
        if kind == "average" or readers == ["QActivation"]:
            return _Pending(layer, source)
        return self.emit_max_pool(layer, source, layer.name, None)

    def quantise(self, layer: Any, quantiser: Any, state: _State) -> _State:
        word = activation_format(layer.name, quantiser, self.bits_input)
        if isinstance(state, _RawInput):
            if word.slope_shift:
                raise FrontendError(
                    f"layer '{layer.name}': the input's quantiser has a slope, "
                    "legal is quantized_bits or quantized_relu without one"
                )
            return self.define_input(state, layer.name, word)
        if isinstance(state, _Value):
            held = word.low <= state.low and state.high <= word.high
            if word.fraction == state.tensor.fraction and held and not word.slope_shift:
                return state
            raise FrontendError(
                f"layer '{layer.name}' quantises '{state.tensor.name}' a second time, "
                "which would change it; remove one of the two or put a layer between them"
            )
        if isinstance(state, _Probabilities):
            raise FrontendError(
                f"layer '{layer.name}' follows the softmax '{state.layer}', legal is softmax last"
            )
        return self.emit(layer, word, state)

    # Nodes ----------------------------------------------------------------------------------

    def emit(self, layer: Any, word: ActivationFormat, pending: _Pending) -> _Value:
        """The nodes of a core or average pool, its quantiser and the max pools in between."""
        name = layer.name
        core_output = f"{pending.layer.name}_quantised" if pending.pools else name
        pool_kind = _POOLS.get(_kind(pending.layer), (None, False))[0]
        if pool_kind == "average":
            value = self.emit_average_pool(pending, word, core_output)
        elif pool_kind == "max":
            value = self.emit_max_pool(pending.layer, pending.source, core_output, word)
        else:
            value = self.emit_core(pending, word, core_output)
        for index, pool in enumerate(pending.pools):
            last = index == len(pending.pools) - 1
            value = self.emit_max_pool(
                pool, value, name if last else f"{pool.name}_quantised", None
            )
        return value

    def emit_max_pool(
        self, layer: Any, source: _Value, name: str, word: ActivationFormat | None
    ) -> _Value:
        """A max pool, requantised to ``word`` unless that is None or changes nothing."""
        tensor, shape = source.tensor, _shape(layer, layer.output_shape)
        output = Tensor(name, *shape, tensor.bits, tensor.fraction)
        requant = Requant.identity(source.low, source.high)
        if word is not None and (word.fraction != tensor.fraction or word.slope_shift):
            requant = self.requant(layer.name, tensor.fraction, None, word)
        elif word is not None:
            # Same grid: what the source cannot hold, the output does not either.
            requant = Requant.identity(max(source.low, word.low), min(source.high, word.high))
        if word is not None:
            output = Tensor(name, *shape, word.bits, word.fraction)
        self.nodes.append(self.pool_node(layer, source, output, requant, False))
        return _Value(output, requant.low, requant.high)

    def emit_average_pool(self, pending: _Pending, word: ActivationFormat, name: str) -> _Value:
        layer, source = pending.layer, pending.source
        output = Tensor(name, *_shape(layer, layer.output_shape), word.bits, word.fraction)
        requant = self.requant(layer.name, source.tensor.fraction, None, word)
        self.nodes.append(self.pool_node(layer, source, output, requant, pending.round_first))
        return _Value(output, word.low, word.high)

    def pool_node(
        self, layer: Any, source: _Value, output: Tensor, requant: Requant, round_first: bool
    ) -> Pool:
        kind, is_global = _POOLS[_kind(layer)]
        size = (source.tensor.height, source.tensor.width)
        window, strides, padding = size, (1, 1), (0, 0, 0, 0)
        if not is_global:
            window, strides = _pair(layer.pool_size), _pair(layer.strides)
            if layer.padding == "same":
                padding = same_padding(size, window, strides)
        return Pool(
            layer.name,
            kind,
            source.tensor.name,
            output,
            window,
            strides,
            padding,
            requant,
            round_first,
        )

    def emit_core(self, pending: _Pending, word: ActivationFormat, name: str) -> _Value:
        layer, source = pending.layer, pending.source
        kernel, bias, kernel_quantiser, bias_quantiser = quantised_constants(layer)
        weights, weight_bits, weight_fraction = constants_on_grid(
            layer.name, "kernel", kernel, kernel_quantiser, self.bits_weights
        )
        accumulator_fraction = source.tensor.fraction + weight_fraction
        aligned, bias_fraction = None, None
        if bias is not None:
            aligned, _, bias_fraction = constants_on_grid(
                layer.name, "bias", bias, bias_quantiser, 32
            )
        requant = self.requant(layer.name, accumulator_fraction, bias_fraction, word)
        if aligned is not None and bias_fraction is not None:
            aligned = aligned << (accumulator_fraction + requant.pre_shift - bias_fraction)
        output = Tensor(name, *_shape(layer, layer.output_shape), word.bits, word.fraction)
        common = (layer.name, source.tensor.name, output, weights, aligned)
        if _kind(layer) == "QDense":
            self.nodes.append(Dense(*common, requant, weight_bits, weight_fraction))
        else:
            strides, padding = _pair(layer.strides), (0, 0, 0, 0)
            if layer.padding == "same":
                size = (source.tensor.height, source.tensor.width)
                padding = same_padding(size, _pair(layer.kernel_size), strides)
            self.nodes.append(
                Conv(*common, strides, padding, requant, weight_bits, weight_fraction)
            )
        return _Value(output, word.low, word.high)

    @staticmethod
    def requant(
        layer: str, accumulator_fraction: int, bias_fraction: int | None, word: ActivationFormat
    ) -> Requant:
        """From the accumulator's fraction to the word's, over a fraction that holds the bias."""
        finest = max(accumulator_fraction, word.fraction)
        if bias_fraction is not None:
            finest = max(finest, bias_fraction)
        pre_shift = finest - accumulator_fraction
        if pre_shift > MAX_PRE_SHIFT:
            raise FrontendError(
                f"layer '{layer}': its accumulator has {accumulator_fraction} fractional bits, its "
                f"bias {bias_fraction}, its output {word.fraction}; legal are up to "
                f"{MAX_PRE_SHIFT} more than the accumulator's: use fewer in the bias or the output"
            )
        shift = finest - word.fraction
        return Requant(pre_shift, shift, shift + word.slope_shift, word.low, word.high)


def from_keras(
    model: Any,
    *,
    bits_input: int,
    int_bits_input: int = 0,
    bits_weights: int = MAX_WEIGHT_BITS,
    output_quantiser: Any = None,
    name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Graph:
    """Convert a built Sequential or functional QKeras model into an integer graph.

    Args:
        model: one input, one output, the layers listed in this module's docstring.
        bits_input: width of the hardware's signed activation words; no tensor is wider.
        int_bits_input: integer bits of the input, where no QActivation quantises it.
        bits_weights: widest legal weight.
        output_quantiser: quantiser (object or string) of an output that has none.
        name: the graph's name, by default the model's.
        metadata: JSON-compatible, kept in the graph.

    Tensors are named after the Keras layer that quantises them: the names of
    :func:`keras_layer_outputs`. Raises :class:`FrontendError` (a ValueError) for anything that
    has no exact integer equivalent, and GraphError for a graph that is not legal.
    """
    _, qkeras = lazy.load()
    for what, number, low, high in (
        ("bits_input", bits_input, 2, 16),
        ("bits_weights", bits_weights, 2, MAX_WEIGHT_BITS),
    ):
        if not low <= number <= high:
            raise FrontendError(f"{what} is {number}, legal is {low}..{high}")
    converter = _Converter(bits_input, int_bits_input, bits_weights)
    states: dict[str, _State] = {}
    readers: dict[str, str] = {}
    state: _State
    for layer in _ordered_layers(model):
        if _kind(layer) == "InputLayer":
            states[layer.name] = _RawInput(layer.name, _shape(layer, layer.output_shape))
            continue
        sources = _sources(layer)
        if len(sources) != 1:
            nearest = _NEAREST.get(_kind(layer), "layers with one input")
            raise FrontendError(
                f"layer '{layer.name}' of type {_kind(layer)} is not supported; use {nearest}"
            )
        state = states[sources[0]]
        if isinstance(state, _Pending) and readers.setdefault(sources[0], layer.name) != layer.name:
            raise FrontendError(
                f"layers '{readers[sources[0]]}' and '{layer.name}' both read '{sources[0]}' "
                "before it is quantised; put one QActivation behind it for both"
            )
        states[layer.name] = converter.convert(layer, state)
    output_layer = model.outputs[0]._keras_history.layer
    state = states[output_layer.name]
    if isinstance(state, _Pending) and output_quantiser is not None:
        quantiser = qkeras.get_quantizer(output_quantiser)
        state = converter.quantise(output_layer, quantiser, state)
    if isinstance(state, _Pending):
        raise FrontendError(
            f"layer '{state.layer.name}': the model's output is not quantised; put a "
            "QActivation('quantized_bits(...)') behind it or pass output_quantiser"
        )
    if converter.input is None:
        raise FrontendError(f"model '{model.name}' has no layer that computes")
    final = state.tensor.name if isinstance(state, _Value) else None
    nodes = converter.nodes
    if final is not None and nodes and getattr(nodes[-1], "output", None) != state.tensor:  # type: ignore[union-attr]
        raise FrontendError(
            f"model '{model.name}': its output '{final}' is not the last layer's; "
            "remove the layers that do not lead to the output"
        )
    return Graph(
        name or model.name,
        converter.input.tensor,
        tuple(nodes),
        metadata or {},
        (converter.input.low, converter.input.high),
    )


# Evaluation in float64 --------------------------------------------------------------------------


def keras_layer_outputs(model: Any, x: npt.ArrayLike) -> dict[str, Float64Array]:
    """Every layer's inference output by layer name, computed by TensorFlow in float64.

    ``x`` is a batch of real inputs. Kernels and quantisers are QKeras's own (weights quantised in
    the precision the model was trained in), sums are float64: exact for all that fits the
    hardware, where Keras's float32 sums are not above 2**24.
    """
    tf, _ = lazy.load()
    values: dict[str, Any] = {}
    for layer in _ordered_layers(model):
        if _kind(layer) == "InputLayer":
            shape = (
                (-1, *layer.output_shape[0][1:])
                if isinstance(layer.output_shape, list)
                else (-1, *layer.output_shape[1:])
            )
            values[layer.name] = tf.constant(np.asarray(x, dtype=np.float64).reshape(shape))
            continue
        sources = _sources(layer)
        if len(sources) != 1:
            raise FrontendError(f"layer '{layer.name}' has {len(sources)} inputs, legal is one")
        values[layer.name] = _evaluate(tf, layer, values[sources[0]])
    return {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}


def _evaluate(tf: Any, layer: Any, x: Any) -> Any:
    """One layer on a float64 tensor."""
    kind = _kind(layer)
    _check_options(layer)
    if kind == "QActivation":
        return _apply_quantiser(tf, layer.name, layer.quantizer, x)
    if kind in _CORES:
        kernel, bias, kernel_quantiser, bias_quantiser = quantised_constants(layer)
        kernel = _snapped(layer.name, "kernel", kernel, kernel_quantiser)
        if kind == "QDense":
            result = tf.matmul(x, kernel)
        else:
            result = tf.nn.conv2d(x, kernel, _pair(layer.strides), layer.padding.upper())
        if bias is not None:
            result = result + _snapped(layer.name, "bias", bias, bias_quantiser)
        if _is_linear(layer.activation):
            return result
        return _apply_quantiser(tf, layer.name, layer.activation, result)
    if kind in _POOLS:
        name, is_global = _POOLS[kind]
        if is_global:
            reduce = tf.reduce_max if name == "max" else tf.reduce_mean
            return reduce(x, axis=(1, 2))
        operate = tf.nn.max_pool2d if name == "max" else tf.nn.avg_pool2d
        return operate(x, _pair(layer.pool_size), _pair(layer.strides), layer.padding.upper())
    if kind == "Flatten":
        return tf.reshape(x, (x.shape[0], -1))
    if kind in _TRANSPARENT:
        return x
    if kind in (ROUND_LAYER, "Softmax", "Activation"):
        # These compute in the type that they are given, but a Keras layer casts to its own.
        return layer.call(x)
    raise FrontendError(f"layer '{layer.name}' of type {kind} is not supported")


def _snapped(layer: str, what: str, values: Float64Array, quantiser: Any) -> Float64Array:
    """``values`` without the float32 rounding error of the straight-through estimator."""
    integers, _, fraction = constants_on_grid(layer, what, values, quantiser, 64)
    return np.ldexp(integers.astype(np.float64), -fraction)


def _apply_quantiser(tf: Any, layer: str, quantiser: Any, x: Any) -> Any:
    """A QKeras activation quantiser in float64, on the exact grid of its words.

    quantized_relu always computes in float32: it is asked only about numbers that float32 holds,
    otherwise its formula (qkeras/quantizers.py, quantized_relu.__call__) is evaluated here.
    """
    word = activation_format(layer, quantiser, 64)
    backend = tf.keras.backend
    if type(quantiser).__name__ == "quantized_relu":
        if np.array_equal(np.asarray(x, np.float32).astype(np.float64), np.asarray(x)):
            result = tf.cast(quantiser(tf.cast(x, tf.float32)), tf.float64)
        else:
            result = _relu_in_float64(tf, quantiser, x)
    else:
        before = backend.floatx()
        # quantized_bits casts to Keras's default type.
        backend.set_floatx("float64")
        try:
            result = tf.cast(quantiser(x), tf.float64)
        finally:
            backend.set_floatx(before)
    # The straight-through estimator computes x + (q - x), which for an average such as 1/3 can
    # miss q by a rounding error.
    scaled = np.ldexp(np.asarray(result), word.fraction)
    integers = np.rint(scaled)
    if np.abs(scaled - integers).max() > 2.0**-16:
        raise FrontendError(f"layer '{layer}': QKeras's output is off the grid of its quantiser")
    return tf.constant(np.ldexp(integers, -word.fraction))


def _relu_in_float64(tf: Any, quantiser: Any, x: Any) -> Any:
    if quantiser.use_sigmoid or (quantiser.relu_upper_bound and not quantiser.is_quantized_clip):
        raise FrontendError("quantized_relu with use_sigmoid or relu_upper_bound is not supported")
    slope = float(quantiser.negative_slope)
    levels = 2.0 ** (int(quantiser.bits) - (slope != 0.0))
    scale = 2.0 ** float(quantiser.integer)
    position = x * (levels / scale)
    result = scale * tf.clip_by_value(tf.round(position) / levels, 0.0, 1.0 - 1.0 / levels)
    if slope:
        negative = tf.round(position * slope) / (slope * levels)
        result += scale * slope * tf.clip_by_value(negative, -1.0, 0.0)
    return result


__all__ = ["FrontendError", "GraphError", "from_keras", "keras_layer_outputs"]
