# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Pools, global ones and those with any padding."""

from __future__ import annotations

from typing import Any

from corewright.facts.widths import is_sign
from corewright.frontends.alignment import max_pool_requantisation, requantisation
from corewright.frontends.converter import Converter, emits, handles, moves
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import activated, called, evaluates
from corewright.frontends.exporter import Exporter, Sums, exports
from corewright.frontends.handlers.quantiser import keeps_sign, quantised
from corewright.frontends.handlers.window import window_padding
from corewright.frontends.layers import (
    OWN_POOLS,
    POOLS,
    QUANTISERS,
    ROUND_LAYER,
    is_linear,
    kind_of,
    pair,
    shape_of,
)
from corewright.frontends.quantisers import ActivationFormat
from corewright.frontends.refusals import unsupported
from corewright.frontends.states import NO_PADDING, Pending, State, Value
from corewright.graph import Pool, Requant, Tensor, same_padding


def _maximum_of_signs(pending: Pending, word: ActivationFormat) -> bool:
    """Whether the layer is a max pool of a tensor of one bit, whose maxima are signs."""
    return POOLS[kind_of(pending.layer)][0] == "max" and keeps_sign(pending.source, word)


@handles(*POOLS)
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """A pool, which a quantiser follows, or moves values only."""
    (state,) = states
    kind, _ = POOLS[kind_of(layer)]
    if kind == "max" and isinstance(state, Pending):
        # Quantisers never decrease, so they commute with the maximum: quantise first.
        state.moves.append(layer)
        return state
    source, padding = converter.padded(layer, state)
    if any(padding) and (kind == "average" or source.low < 0):
        what = "an average counts them" if kind == "average" else "they win over negatives"
        raise FrontendError(
            f"layer '{layer.name}' pools explicit zeros ({what}), legal is a max pool of a "
            "tensor without negative values, such as quantized_relu's; nearest is "
            "padding='same' in the pool"
        )
    pending = Pending(layer, (source,), padding)
    activation = getattr(layer, "activation", None)
    if not is_linear(activation):
        return quantised(converter, layer, activation, pending)
    readers = [kind_of(reader) for reader in converter.readers[layer.name]]
    if kind == "average" or (len(readers) == 1 and readers[0] in QUANTISERS):
        return pending
    return _emit_max_pool(converter, pending, layer.name, None)


@handles(ROUND_LAYER)
def round_first(converter: Converter, layer: Any, states: list[State]) -> State:
    """The average before it rounds to integers."""
    (state,) = states
    if not isinstance(state, Pending):
        raise unsupported(layer)
    if layer.fraction != state.source.tensor.fraction:
        raise FrontendError(
            f"layer '{layer.name}': fraction is {layer.fraction}, legal is its average's, "
            f"{state.source.tensor.fraction}"
        )
    state.round_first = True
    return state


@emits(*POOLS, keeps_sign=_maximum_of_signs)
def emit(converter: Converter, pending: Pending, word: ActivationFormat, name: str) -> Value:
    """A pool with its words."""
    if POOLS[kind_of(pending.layer)][0] == "average":
        return _emit_average_pool(converter, pending, word, name)
    return _emit_max_pool(converter, pending, name, word)


@moves(*(kind for kind, (name, _) in POOLS.items() if name == "max"))
def move(converter: Converter, layer: Any, source: Value, name: str) -> Value:
    """A maximum of words."""
    return _emit_max_pool(converter, Pending(layer, (source,)), name, None)


def _emit_max_pool(
    converter: Converter, pending: Pending, name: str, word: ActivationFormat | None
) -> Value:
    """A max pool, requantised to ``word`` unless that is None or changes nothing."""
    layer, source = pending.layer, pending.source
    tensor, shape = source.tensor, shape_of(layer, layer.output_shape)
    output = Tensor(name, *shape, tensor.bits, tensor.fraction)
    requant = Requant.identity(source.low, source.high)
    if word is not None:
        span = source.low, source.high
        requant = max_pool_requantisation(layer.name, tensor.fraction, span, word)
        output = Tensor(name, *shape, word.bits, word.fraction)
    converter.nodes.append(_pool_node(pending, output, requant))
    return Value(output, requant.low, requant.high)


def _emit_average_pool(
    converter: Converter, pending: Pending, word: ActivationFormat, name: str
) -> Value:
    layer, source = pending.layer, pending.source
    output = Tensor(name, *shape_of(layer, layer.output_shape), word.bits, word.fraction)
    requant = requantisation(layer.name, source.tensor.fraction, None, word)
    converter.nodes.append(_pool_node(pending, output, requant))
    return Value(output, word.low, word.high)


def _pool_node(pending: Pending, output: Tensor, requant: Requant) -> Pool:
    layer, tensor = pending.layer, pending.source.tensor
    kind, is_global = POOLS[kind_of(layer)]
    window = (tensor.height, tensor.width)
    strides, padding = (1, 1), NO_PADDING
    if is_global and any(pending.padding):
        raise FrontendError(
            f"layer '{layer.name}' pools explicit zeros globally; remove the zero padding, "
            "which does not change the maximum of a tensor without negative values"
        )
    if not is_global:
        window, strides = pair(layer.pool_size), pair(layer.strides)
        padding = window_padding(pending, window, strides)
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


@exports(Pool)
def export(exporter: Exporter, node: Pool) -> Any:
    """A pool of Keras or our own, or nothing but the quantiser of single elements."""
    source = exporter.graph.tensor(node.input)
    identity = Requant.identity(*exporter.graph.value_ranges[node.input])
    kept = (source.bits, source.fraction) == (node.output.bits, node.output.fraction)
    maximum = node.kind == "max"
    plain = maximum and kept and node.requant == identity
    if node.name == node.output.name:
        # ``convert`` takes a quantiser that alone reads a pool for the pool's own.
        readers = exporter.graph.consumers(node.output.name)
        plain &= not any(isinstance(r, Pool) and r.window == (1, 1) for r in readers)
    if maximum and node.window == (1, 1) == node.strides and not plain:
        value = exporter.alike((node.input,))[0]
        return exporter.quantise(node, value, _sums(exporter, node, True))
    name = exporter.legal(node.name) if plain else exporter.sums(node)
    common = {"name": name, "dtype": "float64"}
    same = same_padding((source.height, source.width), node.window, node.strides)
    if any(node.padding) and node.padding != same:
        make = exporter.own.PaddedMaxPooling2D if maximum else exporter.own.PaddedAveragePooling2D
        layer = make(node.window, node.strides, node.padding, **common)
    else:
        make = exporter.keras.MaxPooling2D if maximum else exporter.keras.AveragePooling2D
        mode = "same" if any(node.padding) else "valid"
        layer = make(node.window, node.strides, mode, **common)
    value = layer(exporter.map(node.input))
    if plain:
        return exporter.named(node, value)
    if node.round_first:
        rounded = exporter.unique(f"{node.name}_rounded")
        value = exporter.own.RoundToGrid(source.fraction, name=rounded, dtype="float64")(value)
    return exporter.quantise(node, value, _sums(exporter, node, False))


def _sums(exporter: Exporter, node: Pool, rescale: bool) -> Sums:
    """What the quantiser behind a pool, or instead of it, rounds."""
    fraction = exporter.graph.tensor(node.input).fraction
    span = exporter.graph.value_ranges[node.input]

    def derive(word: ActivationFormat) -> object:
        if node.window == (1, 1) == node.strides:
            # A quantiser that changes nothing makes no node.
            if word.fraction == fraction and word.low <= span[0] and span[1] <= word.high:
                return None
            return requantisation(node.name, fraction, None, word)
        if node.kind == "max":
            return max_pool_requantisation(node.name, fraction, span, word)
        return requantisation(node.name, fraction, None, word)

    # A maximum of signs is a sign: it has no use for a quantiser.
    usual = not is_sign(node.output.bits)
    if node.kind == "average" and not node.round_first:
        area = node.window[0] * node.window[1]
        usual &= not any(node.padding) and not area & (area - 1)
    shift = node.requant.pre_shift
    return Sums(fraction, shift, derive if usual else None, node.requant, rescale)


@evaluates(*POOLS)
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """In float64."""
    return activated(tf, layer, _pooled(tf, layer, inputs[0]))


evaluates(ROUND_LAYER)(called)


def _pooled(tf: Any, layer: Any, x: Any) -> Any:
    if kind_of(layer) in OWN_POOLS:
        return layer.call(x)
    name, is_global = POOLS[kind_of(layer)]
    if is_global:
        reduce = tf.reduce_max if name == "max" else tf.reduce_mean
        return reduce(x, axis=(1, 2), keepdims=layer.keepdims)
    operate = tf.nn.max_pool2d if name == "max" else tf.nn.avg_pool2d
    return operate(x, pair(layer.pool_size), pair(layer.strides), layer.padding.upper())
