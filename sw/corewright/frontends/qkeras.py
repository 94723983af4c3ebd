# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QKeras models to integer graphs.

Supported layers:

- QConv2D, QConv2DBatchnorm, QDepthwiseConv2D, QDepthwiseConv2DBatchnorm, QDense; a separable
  convolution is a pair of them with a QActivation in between;
- BatchNormalization behind one of these, its max pools, or a quantised tensor. It is exact where
  its factors are powers of two that the hardware's weights hold, and in front of a sign. Otherwise
  the scaled kernel is rounded anew to all the bits that the hardware's weights have: how far that
  is off is said, measured against the model's own ``predict`` where inputs are given, and refused
  beyond the bounds of :mod:`corewright.frontends.agreement`. QConv2DBatchnorm, which folds in
  training, too, is always exact;
- QActivation, ReLU, Activation of relu, linear or softmax, Softmax (last);
- MaxPooling2D, AveragePooling2D, UpSampling2D (nearest), their global forms, the QKeras averages
  without average_quantizer;
- Add of two tensors, aligned by shifts; Concatenate of tensors of one fraction, along channels;
- ZeroPadding2D in front of convolutions, and of max pools where nothing is negative;
- Flatten, Reshape that flattens or changes nothing; Dropout (ignored at inference);
- the layers of :mod:`corewright.frontends.operators`: QMatMul (a product of two activations),
  QSoftmax (a softmax in integers, anywhere), ChannelSlice, and those that ``to_keras`` makes of
  what Keras cannot say.

A convolution or dense layer, with any max pools or upsampling behind it, an average pool and an
addition are followed by the quantiser of their output: a QActivation, or the layer's own
``activation``. A QActivation behind a quantised tensor is a 1x1 pool.

Quantisers of one bit, ``quantized_bits(1,...)`` and ``binary(alpha=1)``, have the values -1 and +1:
tensors and weights of one bit on hardware of one bit, words of two on other. QKeras's stochastic
options and classes count as what they are at inference, ``stochastic_binary`` as ``binary``;
``bernoulli``, which is random then, too, is refused. ``quantized_tanh`` and, behind a convolution
or dense layer, ``quantized_sigmoid`` are exact with QKeras's hard sigmoid.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.announce import announce
from corewright.facts.widths import is_sign
from corewright.frontends import agreement
from corewright.frontends import tensorflow as lazy
from corewright.frontends.alignment import (
    addition,
    max_pool_requantisation,
    requantisation,
    shortened_bias,
    with_offset,
)
from corewright.frontends.errors import FrontendError, first_line
from corewright.frontends.evaluate import keras_layer_outputs
from corewright.frontends.layers import (
    ADDITIONS,
    CORES,
    DEPTHWISE,
    NORM,
    OWN_JOINS,
    OWN_LAYERS,
    OWN_POOLS,
    POOLS,
    QUANTISERS,
    ROUND_LAYER,
    TRANSPARENT,
    activation_name,
    check_options,
    is_linear,
    is_relu,
    is_softmax,
    kind_of,
    ordered_layers,
    pair,
    quantised_constants,
    readers_of,
    real_constants,
    shape_of,
    sources_of,
)
from corewright.frontends.loading import as_model
from corewright.frontends.normalisation import Approximation, ChannelScale, ScaledLayer
from corewright.frontends.order import ordered_nodes, with_equal_words
from corewright.frontends.quantisers import (
    MAX_BIAS_BITS,
    MAX_WEIGHT_BITS,
    REQUANTISE,
    ActivationFormat,
    activation_format,
    constants_on_grid,
)
from corewright.graph import (
    MAX_PRE_SHIFT,
    Add,
    ComputeNode,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    GraphError,
    MatMul,
    Node,
    Pool,
    QuantisedSoftmax,
    Requant,
    Slice,
    Softmax,
    Tensor,
    Upsample,
    same_padding,
    softmax_table,
)

Padding = tuple[int, int, int, int]
_Int64Array = npt.NDArray[np.int64]

_NO_PADDING: Padding = (0, 0, 0, 0)
# By how many bits post-processing's sums are wider than accumulators.
_POST_BITS = 8
_WIDEST_WORD = 16
_NEAREST = {
    "Conv2D": "QConv2D",
    "Conv2DTranspose": "UpSampling2D(interpolation='nearest') and a QConv2D",
    "QConv2DTranspose": "UpSampling2D(interpolation='nearest') and a QConv2D",
    "Dense": "QDense",
    "DepthwiseConv2D": "QDepthwiseConv2D",
    "SeparableConv2D": "QDepthwiseConv2D, QActivation, QConv2D with a 1x1 kernel",
    "QSeparableConv2D": "QDepthwiseConv2D, QActivation, QConv2D with a 1x1 kernel",
    "QBatchNormalization": "BatchNormalization, which is folded, or QConv2DBatchnorm",
    "QDenseBatchnorm": "QDense and a BatchNormalization behind it",
    "LeakyReLU": "QActivation('quantized_relu(bits,integer,negative_slope=0.125)')",
    "PReLU": "QActivation('quantized_relu(bits,integer,negative_slope=0.125)')",
    "Subtract": "Add, with the sign in the weights",
    "Average": "Add and a QActivation('quantized_bits(bits,integer+1,0,1,alpha=0.5)')",
    "Cropping2D": "padding='valid' in the layer before",
    "Conv1D": "QConv2D with a (1, k) kernel on feature maps of height 1",
    "QConv1D": "QConv2D with a (1, k) kernel on feature maps of height 1",
    "MaxPooling1D": "MaxPooling2D with a (1, k) window on feature maps of height 1",
    "AveragePooling1D": "AveragePooling2D with a (1, k) window on feature maps of height 1",
    **dict.fromkeys(
        ("LSTM", "GRU", "SimpleRNN", "QLSTM", "QGRU", "QSimpleRNN", "Bidirectional"),
        "convolutions over a window of time steps",
    ),
    **dict.fromkeys(
        ("MultiHeadAttention", "Attention", "Dot"), "QMatMul and QSoftmax: see docs/frontends.md"
    ),
    **dict.fromkeys(
        ("LayerNormalization", "GroupNormalization"),
        "BatchNormalization directly behind a convolution or dense layer",
    ),
    "Multiply": "QMatMul for a product of matrices, or factors in the weights",
    "Rescaling": "images that are scaled before, and a QActivation for their first quantiser",
    "Normalization": "images that are scaled before, and a QActivation for their first quantiser",
    "Embedding": "its rows as the model's input",
    "Maximum": "b + relu(a - b): a Concatenate, a QConv2D with a 1x1 kernel of 1 and -1, a "
    "quantized_relu, and an Add of b",
    "Minimum": "a - relu(a - b): a Concatenate, a QConv2D with a 1x1 kernel of 1 and -1, a "
    "quantized_relu, and the same way its difference from a",
    "PruneLowMagnitude": "tfmot.sparsity.keras.strip_pruning(model), which leaves the layer in it",
    "Permute": "data in (height, width, channels) order from the beginning",
}
_SATURATING = "quantized_bits or quantized_relu, which saturate at 2**integer"
_NEAREST_OF_ACTIVATIONS = {
    **dict.fromkeys(("tanh", "hard_tanh", "smooth_tanh"), "quantized_tanh(bits)"),
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "smooth_sigmoid"), "quantized_sigmoid(bits)"),
}
# The same for TensorFlow functions among Keras layers.
_NEAREST_OF_FUNCTIONS = {
    "add": "Add()([a, b])",
    "concat": "Concatenate()([a, b])",
    "reshape": "Flatten()",
    "relu": "QActivation('quantized_relu(bits,integer)')",
    "softmax": "Activation('softmax')",
    "pad": "ZeroPadding2D",
    "reduce_mean": "GlobalAveragePooling2D",
    "matmul": "QMatMul",
    "getitem": "ChannelSlice",
}
_ORDINARY = (
    "one of QConv2D, QConv2DBatchnorm, QDepthwiseConv2D, QDense, QActivation, MaxPooling2D, "
    "AveragePooling2D, GlobalAveragePooling2D, UpSampling2D, Add, Concatenate, Flatten"
)
_SUPPORTED = frozenset(
    {
        *("InputLayer", "Activation", "ReLU", "Softmax", "Flatten", "Reshape", "ZeroPadding2D"),
        *("Concatenate", "UpSampling2D", NORM, ROUND_LAYER),
        *(*CORES, *POOLS, *ADDITIONS, *QUANTISERS, *TRANSPARENT, *OWN_LAYERS, *OWN_JOINS),
    }
)


@dataclass(frozen=True)
class _Value:
    """A quantised tensor with the range that its producer saturates to.

    ``flat``: Keras sees a vector of it, in (height, width, channel) order.
    """

    tensor: Tensor
    low: int
    high: int
    flat: bool = False


@dataclass(frozen=True)
class _Padded:
    """A quantised tensor inside a frame of zeros (top, bottom, left, right)."""

    layer: str
    value: _Value
    padding: Padding


@dataclass
class _Pending:
    """A layer whose output quantiser has not come yet.

    ``moves`` are the max pools and upsamplings in between: they move values only, so quantising
    first gives the same.
    """

    layer: Any
    sources: tuple[_Value, ...]
    padding: Padding = _NO_PADDING
    scale: ChannelScale | None = None
    moves: list[Any] = field(default_factory=list)
    round_first: bool = False
    rectified: bool = False
    flat: bool = False
    node: str | None = None

    @property
    def source(self) -> _Value:
        return self.sources[0]

    @property
    def name(self) -> str:
        """The node's."""
        return str(self.node or self.layer.name)


@dataclass(frozen=True)
class _RawInput:
    layer: str
    shape: tuple[int, int, int]
    flat: bool = False


@dataclass(frozen=True)
class _Probabilities:
    layer: str


_State = _Value | _Padded | _Pending | _RawInput | _Probabilities
# Weights, their bits and fraction, bias and its fraction.
_Constants = tuple[_Int64Array, int, int, _Int64Array | None, int | None]


class _Converter:
    """Walks the layers and gathers nodes; one instance a conversion."""

    def __init__(
        self,
        layers: list[Any],
        bits_input: int,
        int_bits_input: int,
        bits_weights: int,
        bits_sum: int | None,
        output_quantiser: Any = None,
    ) -> None:
        self.output_quantiser = output_quantiser
        # What ``output_quantiser`` has made, for the graph's metadata.
        self.output: dict[str, Any] | None = None
        # Of layers first: names that are made up give way.
        self.names = {layer.name for layer in layers}
        self.bits_input = bits_input
        self.bits_sum = bits_sum
        self.int_bits_input = int_bits_input
        self.bits_weights = bits_weights
        self.readers = readers_of(layers)
        self.input: _Value | None = None
        self.nodes: list[Node] = []
        # By node, where a normalisation is not exact.
        self.approximations: dict[str, Approximation] = {}

    def unique(self, name: str) -> str:
        """A name like ``name`` that neither a layer nor a tensor or node made before has.

        All names come from Keras's layers, which are unique, or from here.
        """
        result, number = name, 1
        while result in self.names:
            number += 1
            result = f"{name}_{number}"
        self.names.add(result)
        return result

    # Values ---------------------------------------------------------------------------------

    def value(self, layer: Any, state: _State) -> _Value:
        """The quantised tensor that ``layer`` reads; raises if there is none."""
        if isinstance(state, _Value):
            return state
        if isinstance(state, _RawInput):
            bits = self.bits_input
            half, sign = 1 << (bits - 1), is_sign(bits)
            high = 1 if sign else half - 1
            fraction = bits - 1 - self.int_bits_input
            word = ActivationFormat(bits, fraction, -half, high, binary=sign)
            return self.define_input(state, state.layer, word)
        if isinstance(state, _Probabilities):
            raise FrontendError(
                f"layer '{layer.name}' follows the softmax '{state.layer}', legal is softmax last; "
                "nearest in the middle is QSoftmax(bits, fraction), a softmax in integers"
            )
        if isinstance(state, _Padded):
            raise FrontendError(
                f"layer '{layer.name}' of type {kind_of(layer)} reads the zero padding "
                f"'{state.layer}', legal behind it are convolutions and max pools; put the padding "
                "directly in front of one"
            )
        raise FrontendError(
            f"layer '{layer.name}' reads '{state.layer.name}', whose output is not quantised; "
            "put a QActivation('quantized_bits(...)') or ('quantized_relu(...)') between them"
        )

    def padded(self, layer: Any, state: _State) -> tuple[_Value, Padding]:
        """What ``layer`` reads, with the explicit zeros around it."""
        if isinstance(state, _Padded):
            return state.value, state.padding
        return self.value(layer, state), _NO_PADDING

    def define_input(self, state: _RawInput, name: str, word: ActivationFormat) -> _Value:
        tensor = Tensor(name, *state.shape, word.bits, word.fraction)
        value = _Value(tensor, word.low, word.high)
        if self.input is not None and self.input != value:
            raise FrontendError(
                f"input '{state.layer}' is quantised in two ways, legal is one QActivation for all"
            )
        self.input = value
        return dataclasses.replace(value, flat=state.flat)

    # Layers ---------------------------------------------------------------------------------

    def convert(self, layer: Any, states: list[_State]) -> _State:
        """What ``layer`` makes of what it reads."""
        kind = kind_of(layer)
        check_options(layer)
        if kind in ADDITIONS:
            return self.add(layer, states)
        if kind == "Concatenate":
            return self.concatenate(layer, states)
        if kind == "QMatMul" and len(states) == 2:
            return _Pending(layer, tuple(self.value(layer, state) for state in states))
        if len(states) == 1:
            state = states[0]
            if kind in TRANSPARENT:
                return state
            if kind in QUANTISERS:
                return self.quantise(layer, getattr(layer, "quantizer", layer.keras_layer), state)
            if kind == "TensorName":
                return self.rename(layer, state)
            if kind == "ChannelSlice":
                return self.slice(layer, self.value(layer, state))
            if kind == "QSoftmax":
                return self.quantised_softmax(layer, self.value(layer, state))
            if kind in CORES:
                return self.core(layer, state)
            if kind in POOLS:
                return self.pool(layer, state)
            if kind == "UpSampling2D":
                return self.upsample(layer, state)
            if kind == "ZeroPadding2D":
                return self.zero_padding(layer, state)
            if kind in ("Flatten", "Reshape"):
                return self.reshape(layer, state)
            if kind == NORM:
                return self.batch_norm(layer, state)
            if kind == ROUND_LAYER and isinstance(state, _Pending):
                return self.round_first(layer, state)
            if kind in ("Softmax", "Activation", "ReLU"):
                return self.activation(layer, state)
        raise _unsupported(layer)

    def activation(self, layer: Any, state: _State) -> _State:
        """Softmax, ReLU and Activation layers."""
        name = activation_name(layer)
        if name == "softmax":
            return self.softmax(layer, state)
        if name == "linear":
            return state
        if name != "relu":
            nearest = _NEAREST_OF_ACTIVATIONS.get(name, _SATURATING)
            raise FrontendError(
                f"layer '{layer.name}' of type {kind_of(layer)} ({name}) is not supported; use "
                f"QActivation with {nearest}"
            )
        if isinstance(state, _Pending):
            state.rectified = True
            return state
        source = self.value(layer, state)
        if source.low >= 0:
            return source
        requant = Requant.identity(0, max(source.high, 0))
        return self.emit_rescale(layer, source, source.tensor, requant)

    def softmax(self, layer: Any, state: _State) -> _State:
        if isinstance(state, _Pending) and self.output_quantiser is not None:
            # The state is the source's, or that of the layer whose own activation this is.
            own = is_softmax(getattr(layer, "activation", None)) and kind_of(layer) in CORES
            state = self.quantise_output(layer.name if own else sources_of(layer)[0], state)
        if isinstance(state, _Pending):
            raise FrontendError(
                f"layer '{layer.name}': softmax of '{state.layer.name}', whose output is not "
                f"quantised; put a QActivation('quantized_bits({self.bits_input},integer,alpha=1)')"
                " between them or pass output_quantiser"
            )
        source = self.value(layer, state)
        if getattr(layer, "axis", -1) not in (-1, len(layer.input.shape) - 1):
            raise FrontendError(f"layer '{layer.name}': axis is {layer.axis}, legal is -1")
        if source.flat:
            raise FrontendError(
                f"layer '{layer.name}': softmax over the flattened {source.tensor.shape} tensor "
                f"'{source.tensor.name}', legal is a vector of channels; nearest is a QDense or a "
                "global pool before it"
            )
        taken = any(node.name == layer.name for node in self.nodes)
        name = self.unique(f"{layer.name}_softmax") if taken else layer.name
        self.nodes.append(Softmax(name, source.tensor.name))
        return _Probabilities(layer.name)

    def quantise_output(self, layer: str, pending: _Pending) -> _Value:
        """What ``output_quantiser`` makes of the sums of ``layer``, a tensor that Keras has not."""
        name = self.unique(f"{layer}_quantised")
        word = activation_format(layer, self.output_quantiser, self.bits_input)
        value = self.emit(name, word, pending)
        self.output = {"layer": layer, "tensor": name, **dataclasses.asdict(word)}
        return value

    def rename(self, layer: Any, state: _State) -> _State:
        """The tensor that the layer before has made, with the name of this one."""
        value = self.value(layer, state)
        output = dataclasses.replace(value.tensor, name=layer.name)
        for index, node in enumerate(self.nodes):
            if (
                isinstance(node, ComputeNode)
                and node.output == value.tensor
                and len(self.readers[sources_of(layer)[0]]) == 1
            ):
                self.nodes[index] = node.changed(output=output)
                return dataclasses.replace(value, tensor=output)
        raise FrontendError(
            f"layer '{layer.name}' names the tensor '{value.tensor.name}', legal is directly "
            "behind the layer that makes it, and as its only reader"
        )

    def slice(self, layer: Any, source: _Value) -> _Value:
        if source.flat:
            raise FrontendError(
                f"layer '{layer.name}': cuts the flattened {source.tensor.shape} tensor "
                f"'{source.tensor.name}'; cut feature maps before flattening them"
            )
        output = dataclasses.replace(source.tensor, name=layer.name, channels=layer.channels)
        self.nodes.append(Slice(layer.name, source.tensor.name, output, layer.first_channel))
        return dataclasses.replace(source, tensor=output)

    def quantised_softmax(self, layer: Any, source: _Value) -> _Value:
        tensor = source.tensor
        if source.flat:
            raise FrontendError(
                f"layer '{layer.name}': softmax over the flattened {tensor.shape} tensor "
                f"'{tensor.name}', legal are the channels of a feature map or vector"
            )
        if layer.bits > self.bits_input:
            raise FrontendError(
                f"layer '{layer.name}': bits is {layer.bits}, legal is up to "
                f"bits_input={self.bits_input}"
            )
        if layer.input_fraction not in (None, tensor.fraction):
            raise FrontendError(
                f"layer '{layer.name}': input_fraction is {layer.input_fraction}, legal is that of "
                f"'{tensor.name}', {tensor.fraction}"
            )
        table = layer.table
        if table is None:
            table = softmax_table(tensor.fraction, 1 << tensor.bits)
        output = dataclasses.replace(
            tensor, name=layer.name, bits=layer.bits, fraction=layer.fraction
        )
        node = QuantisedSoftmax(
            layer.name,
            tensor.name,
            output,
            layer.runs,
            np.asarray(table, dtype=np.int64),
            layer.low,
            layer.high,
        )
        self.nodes.append(node)
        return _Value(output, *node.value_range)

    def batch_norm(self, layer: Any, state: _State) -> _State:
        """A normalisation of sums, or of a quantised tensor: a layer with weights of its own."""
        if not isinstance(state, _Pending):
            source = self.value(layer, state)
            if source.flat:
                raise FrontendError(
                    f"layer '{layer.name}': normalises the flattened {source.tensor.shape} tensor "
                    f"'{source.tensor.name}'; normalise feature maps before flattening them"
                )
            return _Pending(layer, (source,), scale=ChannelScale.of_norm(layer))
        core = state.layer
        if kind_of(core) not in (*CORES, NORM) or state.rectified:
            what = "a ReLU" if state.rectified else f"'{core.name}' of type {kind_of(core)}"
            raise FrontendError(
                f"layer '{layer.name}': a BatchNormalization behind {what}, legal are one behind a "
                "convolution or dense layer, its max pools, or a quantised tensor; put a "
                "QActivation between them"
            )
        scale = ChannelScale.of_norm(layer)
        if state.flat and len(scale.factor) != shape_of(core, core.output_shape)[2]:
            raise FrontendError(
                f"layer '{layer.name}': normalises what '{core.name}' makes, after it was "
                "flattened; normalise feature maps before flattening them"
            )
        pools = [move.name for move in state.moves if kind_of(move) in POOLS]
        if pools and (scale.factor < 0).any():
            channels = np.flatnonzero(scale.factor < 0).tolist()
            raise FrontendError(
                f"layer '{layer.name}': gamma is negative in channels {channels[:8]} behind the "
                f"max pool '{pools[0]}', which it would make a minimum; legal there is 0 or "
                "more; put the normalisation in front of the pool, or a QActivation between them"
            )
        state.scale = scale.behind(state.scale)
        return state

    def round_first(self, layer: Any, state: _Pending) -> _State:
        if layer.fraction != state.source.tensor.fraction:
            raise FrontendError(
                f"layer '{layer.name}': fraction is {layer.fraction}, legal is its average's, "
                f"{state.source.tensor.fraction}"
            )
        state.round_first = True
        return state

    def reshape(self, layer: Any, state: _State) -> _State:
        """A flatten, or a reshape that changes nothing in memory."""
        if isinstance(state, _Padded):
            state = self.value(layer, state)
        if isinstance(state, _Probabilities):
            return state
        before, after = layer.input_shape[1:], layer.output_shape[1:]
        spread = len(before) == 3 and before[0] * before[1] > 1
        if len(after) == 1:
            flat = spread or state.flat
        elif before == after or (not state.flat and _vector(before) == _vector(after) != 0):
            flat = state.flat
        else:
            raise FrontendError(
                f"layer '{layer.name}': reshapes {before} to {after}, legal is to flatten, or to "
                "add or remove a height and width of 1; give the input its shape"
            )
        if isinstance(state, _Pending):
            state.flat = flat
            return state
        return dataclasses.replace(state, flat=flat)

    def zero_padding(self, layer: Any, state: _State) -> _State:
        source, padding = self.padded(layer, state)
        (top, bottom), (left, right) = layer.padding
        total = (padding[0] + top, padding[1] + bottom, padding[2] + left, padding[3] + right)
        return _Padded(layer.name, source, total)

    def core(self, layer: Any, state: _State) -> _State:
        source, padding = self.padded(layer, state)
        pending = _Pending(layer, (source,), padding)
        if kind_of(layer) == "QDense" and len(layer.input.shape) != 2:
            raise FrontendError(
                f"layer '{layer.name}': QDense on input {tuple(layer.input.shape)} works on the "
                "last axis only; put a Flatten before it or use a QConv2D with a 1x1 kernel"
            )
        if is_linear(layer.activation):
            return pending
        if is_relu(layer.activation):
            pending.rectified = True
            return pending
        if is_softmax(layer.activation) and self.output_quantiser is not None:
            return self.softmax(layer, pending)
        return self.quantise(layer, layer.activation, pending)

    def add(self, layer: Any, states: list[_State]) -> _State:
        if len(states) != 2:
            raise FrontendError(
                f"layer '{layer.name}' adds {len(states)} tensors, legal are two; add two at a "
                "time, with a QActivation behind each sum"
            )
        own, other = (self.value(layer, state) for state in states)
        if own.tensor.shape != other.tensor.shape:
            raise FrontendError(
                f"layer '{layer.name}' adds '{own.tensor.name}' {own.tensor.shape} and "
                f"'{other.tensor.name}' {other.tensor.shape}, legal are equal shapes"
            )
        return _Pending(layer, (own, other), flat=own.flat)

    def concatenate(self, layer: Any, states: list[_State]) -> _State:
        values = [self.value(layer, state) for state in states]
        rank = len(layer.output_shape)
        if layer.axis not in (-1, rank - 1):
            raise FrontendError(
                f"layer '{layer.name}': axis is {layer.axis}, legal is -1, the channels"
            )
        first = values[0].tensor
        for value in values:
            if value.flat:
                raise FrontendError(
                    f"layer '{layer.name}': joins the flattened {value.tensor.shape} tensor "
                    f"'{value.tensor.name}'; join feature maps before flattening them"
                )
            if value.tensor.fraction != first.fraction:
                raise FrontendError(
                    f"layer '{layer.name}' joins '{first.name}' of fraction {first.fraction} and "
                    f"'{value.tensor.name}' of fraction {value.tensor.fraction}, legal are equal "
                    f"fractions; nearest is a QActivation of fraction {first.fraction} behind "
                    f"'{value.tensor.name}', or the same quantiser for both"
                )
        if len(values) == 1:
            return values[0]
        bits = max(value.tensor.bits for value in values)
        shape = shape_of(layer, layer.output_shape)
        output = Tensor(layer.name, *shape, bits, first.fraction)
        self.nodes.append(Concat(layer.name, tuple(v.tensor.name for v in values), output))
        return _Value(output, min(v.low for v in values), max(v.high for v in values))

    def upsample(self, layer: Any, state: _State) -> _State:
        if layer.interpolation != "nearest":
            raise FrontendError(
                f"layer '{layer.name}': interpolation is {layer.interpolation!r}, "
                "legal is 'nearest'"
            )
        if isinstance(state, _Pending):
            state.moves.append(layer)
            return state
        return self.emit_upsample(layer, self.value(layer, state), layer.name)

    def pool(self, layer: Any, state: _State) -> _State:
        kind, _ = POOLS[kind_of(layer)]
        if kind == "max" and isinstance(state, _Pending):
            # Quantisers never decrease, so they commute with the maximum: quantise first.
            state.moves.append(layer)
            return state
        source, padding = self.padded(layer, state)
        if any(padding) and (kind == "average" or source.low < 0):
            what = "an average counts them" if kind == "average" else "they win over negatives"
            raise FrontendError(
                f"layer '{layer.name}' pools explicit zeros ({what}), legal is a max pool of a "
                "tensor without negative values, such as quantized_relu's; nearest is "
                "padding='same' in the pool"
            )
        pending = _Pending(layer, (source,), padding)
        activation = getattr(layer, "activation", None)
        if not is_linear(activation):
            return self.quantise(layer, activation, pending)
        readers = [kind_of(reader) for reader in self.readers[layer.name]]
        if kind == "average" or (len(readers) == 1 and readers[0] in QUANTISERS):
            return pending
        return self.emit_max_pool(pending, layer.name, None)

    def quantise(self, layer: Any, quantiser: Any, state: _State) -> _State:
        if isinstance(state, _RawInput):
            word = self.input_format(layer, quantiser)
            if word.slope_shift or word.offset or (word.gain and not word.binary):
                raise FrontendError(
                    f"layer '{layer.name}': the input's quantiser has a slope or an alpha that is "
                    "not 1, or is quantized_sigmoid, legal is quantized_bits or quantized_relu"
                )
            if word.binary and not is_sign(word.bits):
                raise _no_sign(layer.name)
            return self.define_input(state, layer.name, word)
        word = activation_format(layer.name, quantiser, self.bits_input)
        if isinstance(state, _Pending):
            state.node = getattr(layer, "node", None)
            return self.emit(layer.name, word, state)
        source = self.value(layer, state)
        if word.offset:
            raise _no_offset(layer.name)
        held = word.low <= source.low and source.high <= word.high
        if word.binary:
            held = self.is_sign(source, word)
            if not held:
                raise _no_sign(layer.name)
        same = word.fraction == source.tensor.fraction and not (word.slope_shift or word.gain)
        if same and held and kind_of(layer) != REQUANTISE:
            return source
        requant = requantisation(layer.name, source.tensor.fraction, None, word)
        output = dataclasses.replace(source.tensor, bits=word.bits, fraction=word.fraction)
        return self.emit_rescale(layer, source, output, requant)

    def input_format(self, layer: Any, quantiser: Any) -> ActivationFormat:
        """The words of the model's input; of images without a sign the error says more."""
        word = activation_format(layer.name, quantiser, _WIDEST_WORD)
        if word.low >= 0 and word.bits == self.bits_input + 1:
            raise FrontendError(
                f"layer '{layer.name}': the input has {self.bits_input} bits without a sign, so a "
                f"signed word needs {word.bits}, legal is up to bits_input={self.bits_input}; "
                f"nearest is hardware of bits_input={2 * self.bits_input}, or images shifted by "
                "half their range, such as uint8 - 128, and "
                f"quantized_bits({self.bits_input},integer,0,1)"
            )
        return activation_format(layer.name, quantiser, self.bits_input)

    def is_maximum_of_signs(self, pending: _Pending, word: ActivationFormat) -> bool:
        """Whether the layer is a max pool of a tensor of one bit, whose maxima are signs."""
        kind, _ = POOLS.get(kind_of(pending.layer), ("", False))
        return kind == "max" and self.is_sign(pending.source, word)

    @staticmethod
    def is_sign(source: _Value, word: ActivationFormat) -> bool:
        """Whether ``source`` has one bit, as ``word`` has, so that its sign is itself."""
        return is_sign(source.tensor.bits) and is_sign(word.bits)

    # Nodes ----------------------------------------------------------------------------------

    def emit(self, name: str, word: ActivationFormat, pending: _Pending) -> _Value:
        """The nodes of a pending layer, its quantiser and the moves in between.

        ``name`` is that of the tensor which they end with.
        """
        kind = kind_of(pending.layer)
        if pending.rectified:
            if word.binary:
                raise _no_sign(name)
            word = word.rectified()
        inner = self.unique(f"{pending.layer.name}_quantised") if pending.moves else name
        if kind in (*CORES, NORM):
            value = self.emit_core(pending, word, inner)
            if word.offset:
                self.nodes[-1] = with_offset(self.nodes[-1], value.tensor, word)
        elif word.offset:
            raise _no_offset(name)
        elif word.binary and not self.is_maximum_of_signs(pending, word):
            raise _no_sign(name)
        elif kind in ADDITIONS:
            value = self.emit_add(pending, word, inner)
        elif kind == "QMatMul":
            value = self.emit_product(pending, word, inner)
        elif POOLS[kind][0] == "average":
            value = self.emit_average_pool(pending, word, inner)
        else:
            value = self.emit_max_pool(pending, inner, word)
        for index, move in enumerate(pending.moves):
            last = index == len(pending.moves) - 1
            output = name if last else self.unique(f"{move.name}_quantised")
            if kind_of(move) == "UpSampling2D":
                value = self.emit_upsample(move, value, output)
            else:
                value = self.emit_max_pool(_Pending(move, (value,)), output, None)
        return dataclasses.replace(value, flat=pending.flat)

    def emit_rescale(self, layer: Any, source: _Value, output: Tensor, requant: Requant) -> _Value:
        """A tensor requantised in a pass of its own: a max pool of 1x1 windows."""
        output = dataclasses.replace(output, name=layer.name)
        name = getattr(layer, "node", None) or layer.name
        self.nodes.append(
            Pool(
                name, "max", source.tensor.name, output, (1, 1), (1, 1), _NO_PADDING, requant, False
            )
        )
        return _Value(output, requant.low, requant.high, source.flat)

    def emit_upsample(self, layer: Any, source: _Value, name: str) -> _Value:
        factors = pair(layer.size)
        tensor = source.tensor
        output = dataclasses.replace(
            tensor, name=name, height=tensor.height * factors[0], width=tensor.width * factors[1]
        )
        self.nodes.append(Upsample(layer.name, tensor.name, output, factors))
        return _Value(output, source.low, source.high)

    def emit_add(self, pending: _Pending, word: ActivationFormat, name: str) -> _Value:
        """Operands in Keras's order; ``ordered_nodes`` chooses the main one."""
        layer, (own, other) = pending.layer, pending.sources
        # A factor of the second operand is as good as another fraction.
        exponent = getattr(layer, "exponent", 0)
        fractions = own.tensor.fraction, other.tensor.fraction - exponent
        own_shift, other_shift, requant = addition(layer.name, fractions, word)
        shape = own.tensor.shape
        output = Tensor(name, *shape, word.bits, word.fraction)
        names = (own.tensor.name, other.tensor.name)
        self.nodes.append(Add(pending.name, names, output, own_shift, other_shift, requant))
        return _Value(output, word.low, word.high)

    def emit_product(self, pending: _Pending, word: ActivationFormat, name: str) -> _Value:
        layer, (own, other) = pending.layer, pending.sources
        fraction = own.tensor.fraction + other.tensor.fraction
        requant = requantisation(layer.name, fraction, None, word)
        output = Tensor(name, *shape_of(layer, layer.output_shape), word.bits, word.fraction)
        names = (own.tensor.name, other.tensor.name)
        self.nodes.append(MatMul(pending.name, names, output, layer.transpose_b, requant))
        return _Value(output, word.low, word.high)

    def emit_max_pool(self, pending: _Pending, name: str, word: ActivationFormat | None) -> _Value:
        """A max pool, requantised to ``word`` unless that is None or changes nothing."""
        layer, source = pending.layer, pending.source
        tensor, shape = source.tensor, shape_of(layer, layer.output_shape)
        output = Tensor(name, *shape, tensor.bits, tensor.fraction)
        requant = Requant.identity(source.low, source.high)
        if word is not None:
            span = source.low, source.high
            requant = max_pool_requantisation(layer.name, tensor.fraction, span, word)
            output = Tensor(name, *shape, word.bits, word.fraction)
        self.nodes.append(self.pool_node(pending, output, requant))
        return _Value(output, requant.low, requant.high)

    def emit_average_pool(self, pending: _Pending, word: ActivationFormat, name: str) -> _Value:
        layer, source = pending.layer, pending.source
        output = Tensor(name, *shape_of(layer, layer.output_shape), word.bits, word.fraction)
        requant = requantisation(layer.name, source.tensor.fraction, None, word)
        self.nodes.append(self.pool_node(pending, output, requant))
        return _Value(output, word.low, word.high)

    def pool_node(self, pending: _Pending, output: Tensor, requant: Requant) -> Pool:
        layer, tensor = pending.layer, pending.source.tensor
        kind, is_global = POOLS[kind_of(layer)]
        window = (tensor.height, tensor.width)
        strides, padding = (1, 1), _NO_PADDING
        if is_global and any(pending.padding):
            raise FrontendError(
                f"layer '{layer.name}' pools explicit zeros globally; remove the zero padding, "
                "which does not change the maximum of a tensor without negative values"
            )
        if not is_global:
            window, strides = pair(layer.pool_size), pair(layer.strides)
            padding = self.window_padding(pending, window, strides)
        return Pool(
            pending.name,
            kind,
            tensor.name,
            output,
            window,
            strides,
            padding,
            requant,
            pending.round_first,
        )

    @staticmethod
    def window_padding(
        pending: _Pending, window: tuple[int, int], strides: tuple[int, int]
    ) -> Padding:
        """Explicit zeros and those of padding='same' around what is so padded."""
        layer, tensor, explicit = pending.layer, pending.source.tensor, pending.padding
        implicit = _NO_PADDING
        if kind_of(layer) in OWN_POOLS:
            implicit = layer.padding
        elif layer.padding == "same":
            size = (
                tensor.height + explicit[0] + explicit[1],
                tensor.width + explicit[2] + explicit[3],
            )
            implicit = same_padding(size, window, strides)
        top, bottom, left, right = (a + b for a, b in zip(explicit, implicit, strict=True))
        if max(top, bottom) >= window[0] or max(left, right) >= window[1]:
            raise FrontendError(
                f"layer '{layer.name}': padding (top, bottom, left, right) is "
                f"{(top, bottom, left, right)} with its zero padding, legal is below its "
                f"{window[0]}x{window[1]} window"
            )
        return top, bottom, left, right

    def emit_core(self, pending: _Pending, word: ActivationFormat, name: str) -> _Value:
        layer, source = pending.layer, pending.source
        if pending.scale is None:
            constants = self.constants(pending, word)
        else:
            constants = self.scaled_constants(pending, word, pending.scale)
        weights, weight_bits, weight_fraction, aligned, bias_fraction = constants
        fraction, accumulator_fraction = word.fraction, source.tensor.fraction + weight_fraction
        doubled = word.binary and not is_sign(word.bits)
        if doubled:
            # Only the sign counts: 2 v + 1 has the sign of v, +1 at zero, and saturates to it.
            finest = max(accumulator_fraction, bias_fraction or accumulator_fraction)
            word = dataclasses.replace(word, fraction=finest + 1)
        requant = requantisation(layer.name, accumulator_fraction, bias_fraction, word)
        if aligned is not None and bias_fraction is not None:
            aligned = aligned << (accumulator_fraction + requant.pre_shift - bias_fraction)
        if doubled:
            aligned = (0 if aligned is None else aligned) + np.ones(weights.shape[-1], np.int64)
        output = Tensor(name, *shape_of(layer, layer.output_shape), word.bits, fraction)
        common = (pending.name, source.tensor.name, output, weights, aligned)
        if kind_of(layer) == "QDense":
            self.nodes.append(Dense(*common, requant, weight_bits, weight_fraction))
        else:
            strides, padding = (1, 1), _NO_PADDING
            if kind_of(layer) != NORM:
                strides = pair(layer.strides)
                padding = self.window_padding(pending, pair(layer.kernel_size), strides)
            make = Depthwise if kind_of(layer) in (*DEPTHWISE, NORM) else Conv
            self.nodes.append(
                make(*common, strides, padding, requant, weight_bits, weight_fraction)
            )
        return _Value(output, word.low, word.high)

    def constants(self, pending: _Pending, word: ActivationFormat) -> _Constants:
        """What a layer without a normalisation behind it multiplies with and adds."""
        layer, source = pending.layer, pending.source
        kernel, bias, kernel_quantiser, bias_quantiser = quantised_constants(layer)
        weights, weight_bits, weight_fraction = constants_on_grid(
            layer.name, "kernel", kernel, kernel_quantiser, self.bits_weights
        )
        if bias is None:
            return weights, weight_bits, weight_fraction, None, None
        accumulator_fraction = source.tensor.fraction + weight_fraction
        aligned, _, bias_fraction = constants_on_grid(
            layer.name, "bias", bias, bias_quantiser, MAX_BIAS_BITS
        )
        extra = max(bias_fraction, word.fraction + word.gain) - accumulator_fraction
        # A sign takes a bit more: 2 v + 1 is never 0.
        extra += word.binary
        if extra > MAX_PRE_SHIFT or not self.holds(source, weights, aligned, extra):
            aligned, bias_fraction = shortened_bias(
                aligned, bias_fraction, accumulator_fraction, word
            )
        return weights, weight_bits, weight_fraction, aligned, bias_fraction

    def scaled_constants(
        self, pending: _Pending, word: ActivationFormat, scale: ChannelScale
    ) -> _Constants:
        """The same with the normalisation behind it; what is not exact is noted."""
        layer, tensor = pending.layer, pending.source.tensor
        channels = shape_of(layer, layer.output_shape)[2]
        kernel, bias = np.ones((1, 1, channels)), None
        if kind_of(layer) != NORM:
            kernel, bias = real_constants(layer)
        scaled = ScaledLayer(
            layer.name,
            kernel,
            np.zeros(channels) if bias is None else bias,
            scale,
            tensor.fraction,
            max(abs(pending.source.low), abs(pending.source.high)),
        ).constants(word, self.bits_weights, self.bits_sum)
        if scaled.approximation is not None:
            self.approximations[pending.name] = scaled.approximation
        return (
            scaled.weights,
            scaled.weight_bits,
            scaled.weight_fraction,
            scaled.bias,
            scaled.bias_fraction,
        )

    def holds(self, source: _Value, weights: Any, bias: Any, pre_shift: int) -> bool:
        """Whether post-processing's sums surely hold these, shifted to the bias's fraction."""
        if self.bits_sum is None:
            return True
        largest = max(abs(source.low), abs(source.high))
        work = int(np.abs(weights).reshape(-1, weights.shape[-1]).sum(axis=0).max()) * largest
        reach = (work << max(pre_shift, 0)) + int(np.abs(bias).max(initial=0))
        return reach.bit_length() < self.bits_sum + _POST_BITS


def _vector(shape: tuple[int, ...]) -> int:
    """Channels of a Keras shape (C,) or (1, 1, C); 0 for any other."""
    return shape[-1] if len(shape) == 1 or shape[:-1] == (1, 1) else 0


def _unsupported(layer: Any) -> FrontendError:
    kind = kind_of(layer)
    if hasattr(layer, "layers"):
        return FrontendError(
            f"layer '{layer.name}' is a model in the model, legal are layers; nearest is the same "
            "layers called one after the other in one model"
        )
    if kind in ("TFOpLambda", "SlicingOpLambda"):
        operator = str(getattr(layer, "symbol", None) or layer.name).rpartition(".")[2]
        return FrontendError(
            f"layer '{layer.name}' is the TensorFlow function '{operator}', legal are Keras "
            f"layers; nearest is {_NEAREST_OF_FUNCTIONS.get(operator, 'the layer that does it')}"
        )
    nearest = _NEAREST.get(kind, _ORDINARY)
    return FrontendError(f"layer '{layer.name}' of type {kind} is not supported; use {nearest}")


def _no_offset(layer: str) -> FrontendError:
    return FrontendError(
        f"layer '{layer}': quantized_sigmoid adds 1/2, which only a bias can, legal is directly "
        "behind a convolution or dense layer, or the max pools and upsampling behind one; nearest "
        "is a QDepthwiseConv2D with a 1x1 kernel of ones in front of it"
    )


def _no_sign(layer: str) -> FrontendError:
    return FrontendError(
        f"layer '{layer}': the one-bit quantized_bits(1,...), which is -1 or +1 and never 0, is "
        "legal behind a convolution or dense layer only (its bias decides the sign of 0); nearest "
        "is quantized_bits(2,...)"
    )


@lazy.inference()
def from_keras(
    model: Any,
    *,
    bits_input: int,
    int_bits_input: int = 0,
    bits_weights: int = MAX_WEIGHT_BITS,
    bits_sum: int | None = None,
    output_quantiser: Any = None,
    inputs: npt.ArrayLike | None = None,
    allow_deviation: bool = False,
    name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Graph:
    """Convert a built Sequential or functional QKeras model into an integer graph.

    Args:
        model: one input, one output, the layers listed in this module's docstring; or the path of
            a saved one, .h5 or a SavedModel folder.
        bits_input: width of the hardware's signed activation words; no tensor is wider. One bit is
            a sign, -1 or +1: then all quantisers have one bit.
        int_bits_input: integer bits of the input, where no QActivation quantises it.
        bits_weights: widest legal weight; one-bit weights (-1 and +1) have two bits, unless this
            is 1.
        bits_sum: width of the hardware's accumulators. A bias finer than sums of this width leave
            room for is shortened, without a change of any result.
        output_quantiser: quantiser (object or string) of an output that has none, or of what a
            final softmax reads, where that has none. The tensor that it makes, and its words, stand
            in the graph's metadata as ``output_quantiser``.
        inputs: (N, H, W, C) or (N, C) real inputs: it is printed which share of them the input's
            words cannot hold, and how far the graph is from the model's ``predict`` where it is
            not exact.
        allow_deviation: take a graph however far it is from the model.
        name: the graph's name, by default the model's.
        metadata: JSON-compatible, kept in the graph.

    Tensors are named after the Keras layer that quantises them: the names of
    :func:`keras_layer_outputs`, which the graph equals exactly. Tensors that Keras has not end with
    ``_quantised``, and a number where a layer has that name. Only behind a BatchNormalization that
    is not exact tensors differ; the graph's metadata has these as ``approximations``. Raises
    :class:`FrontendError` (a ValueError) for anything that has no exact integer equivalent,
    :class:`DeviationError` (a FrontendError) for a normalisation that is too far off, and
    GraphError for a graph that is not legal.
    """
    _, qkeras = lazy.load()
    model = as_model(model)
    for what, number, low, high in (
        ("bits_input", bits_input, 1, _WIDEST_WORD),
        ("bits_weights", bits_weights, 1, MAX_WEIGHT_BITS),
    ):
        if not low <= number <= high:
            raise FrontendError(f"{what} is {number}, legal is {low}..{high}")
    layers = ordered_layers(model)
    for layer in layers:
        if kind_of(layer) not in _SUPPORTED:
            raise _unsupported(layer)
    if output_quantiser is not None:
        output_quantiser = _quantiser(qkeras, output_quantiser)
    converter = _Converter(
        layers, bits_input, int_bits_input, bits_weights, bits_sum, output_quantiser
    )
    states: dict[str, _State] = {}
    for layer in layers:
        if kind_of(layer) == "InputLayer":
            states[layer.name] = _RawInput(layer.name, shape_of(layer, layer.output_shape))
            continue
        sources = sources_of(layer)
        for source in sources:
            readers = converter.readers[source]
            if isinstance(states[source], _Pending) and len(readers) > 1:
                names = "' and '".join(reader.name for reader in readers[:2])
                raise FrontendError(
                    f"layers '{names}' both read '{source}' before it is quantised; "
                    "put one QActivation behind it for both"
                )
        states[layer.name] = converter.convert(layer, [states[source] for source in sources])
    output_layer = model.outputs[0]._keras_history.layer
    state = states[output_layer.name]
    if isinstance(state, _Pending) and output_quantiser is not None:
        state = converter.quantise_output(output_layer.name, state)
    if isinstance(state, _Pending):
        raise FrontendError(
            f"layer '{state.layer.name}': the model's output is not quantised; put a "
            "QActivation('quantized_bits(...)') behind it or pass output_quantiser"
        )
    if isinstance(state, _Padded):
        raise FrontendError(f"layer '{state.layer}': zero padding is the model's output; remove it")
    if converter.input is None or not converter.nodes:
        raise FrontendError(f"model '{model.name}' has no layer that computes")
    final = state.tensor.name if isinstance(state, _Value) else None
    nodes = ordered_nodes(converter.nodes, final)
    first, nodes = with_equal_words(converter.input.tensor, nodes)
    extra = {} if converter.output is None else {"output_quantiser": converter.output}
    if converter.approximations:
        extra[agreement.APPROXIMATIONS] = {
            node: dataclasses.asdict(how) for node, how in converter.approximations.items()
        }
    graph = Graph(
        name or model.name,
        first,
        nodes,
        {**(metadata or {}), **extra},
        (converter.input.low, converter.input.high),
    )
    _report(graph, model, inputs, allow_deviation)
    return graph


def _report(graph: Graph, model: Any, inputs: npt.ArrayLike | None, allow_deviation: bool) -> None:
    """Say what a conversion cannot hold, and refuse what is too far off."""
    inexact = agreement.describe_approximations(graph)
    if inputs is None:
        for line in inexact:
            warnings.warn(line, agreement.ApproximationWarning, stacklevel=5)
        if not allow_deviation:
            agreement.check_weights(graph)
        return
    clipping = agreement.clipping(graph, inputs)
    if clipping.share:
        announce(f"{graph.name}: {clipping.text}")
    if inexact:
        found = agreement.deviation(graph, model, inputs)
        announce(*inexact, f"{graph.name} against the model's predict: {found.text}")
        if not allow_deviation:
            agreement.check_deviation(graph, found)


def _quantiser(qkeras: Any, quantiser: Any) -> Any:
    """A quantiser of an object or string."""
    try:
        return qkeras.get_quantizer(quantiser)
    # A string is a Python expression, which can fail in any way.
    except Exception as error:
        raise FrontendError(
            f"output_quantiser is {quantiser!r}, legal is a QKeras quantiser or a string such as "
            f"'quantized_bits(8,3,alpha=1)': {first_line(error)}"
        ) from error


def _hardware_bits(hw: Any, name: str) -> int:
    """An attribute of the hardware; raises FrontendError if ``hw`` is none."""
    bits = getattr(hw, name, None)
    if isinstance(hw, type) or isinstance(bits, bool) or not isinstance(bits, (int, np.integer)):
        what = f"the class {hw.__name__}" if isinstance(hw, type) else f"{hw!r:.80}"
        raise FrontendError(
            f"hw is {what}, which has no {name}; legal is a Hardware, such as "
            "Hardware(bits_input=8) or Hardware.from_json(path)"
        )
    return int(bits)


def convert(
    model: Any,
    hw: Any,
    *,
    int_bits_input: int | None = None,
    output_quantiser: Any = None,
    inputs: npt.ArrayLike | None = None,
    allow_deviation: bool = False,
    name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Graph:
    """Convert a QKeras model into an integer graph for the hardware ``hw``.

    :func:`from_keras` with the widths of ``hw`` (attributes ``bits_input``, ``bits_weights`` and,
    if there is one, ``bits_sum``).
    ``int_bits_input`` is by default that of a QModel's QInput, else 0; the other arguments and
    what is raised are those of :func:`from_keras`.
    """
    bits_input, bits_weights = (_hardware_bits(hw, name) for name in ("bits_input", "bits_weights"))
    model = as_model(model)
    if int_bits_input is None:
        int_bits_input = int(getattr(getattr(model, "_corewright_source", None), "int_bits", 0))
    return from_keras(
        model,
        bits_input=bits_input,
        int_bits_input=int_bits_input,
        bits_weights=bits_weights,
        bits_sum=getattr(hw, "bits_sum", None),
        output_quantiser=output_quantiser,
        inputs=inputs,
        allow_deviation=allow_deviation,
        name=name,
        metadata=metadata,
    )


__all__ = ["FrontendError", "GraphError", "convert", "from_keras", "keras_layer_outputs"]
