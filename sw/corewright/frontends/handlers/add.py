# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Residual additions."""

from __future__ import annotations

from typing import Any

from corewright.frontends.alignment import addition
from corewright.frontends.converter import Converter, emits, handles
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import called, evaluates
from corewright.frontends.exporter import Exporter, Sums, exports
from corewright.frontends.layers import ADDITIONS
from corewright.frontends.quantisers import ActivationFormat
from corewright.frontends.states import Pending, State, Value
from corewright.graph import Add, Tensor


@handles(*ADDITIONS, inputs=None)
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """Two tensors of one shape, which a quantiser follows."""
    if len(states) != 2:
        raise FrontendError(
            f"layer '{layer.name}' adds {len(states)} tensors, legal are two; add two at a "
            "time, with a QActivation behind each sum"
        )
    own, other = (converter.value(layer, state) for state in states)
    if own.tensor.shape != other.tensor.shape:
        raise FrontendError(
            f"layer '{layer.name}' adds '{own.tensor.name}' {own.tensor.shape} and "
            f"'{other.tensor.name}' {other.tensor.shape}, legal are equal shapes"
        )
    return Pending(layer, (own, other), flat=own.flat)


@emits(*ADDITIONS)
def emit(converter: Converter, pending: Pending, word: ActivationFormat, name: str) -> Value:
    """Operands in Keras's order; ``ordered_nodes`` chooses the main one."""
    layer, (own, other) = pending.layer, pending.sources
    # A factor of the second operand is as good as another fraction.
    exponent = getattr(layer, "exponent", 0)
    fractions = own.tensor.fraction, other.tensor.fraction - exponent
    own_shift, other_shift, requant = addition(layer.name, fractions, word)
    shape = own.tensor.shape
    output = Tensor(name, *shape, word.bits, word.fraction)
    names = (own.tensor.name, other.tensor.name)
    converter.nodes.append(Add(pending.name, names, output, own_shift, other_shift, requant))
    return Value(output, word.low, word.high)


@exports(Add)
def export(exporter: Exporter, node: Add) -> Any:
    """An Add, or ours that scales an operand."""
    own, other = (exporter.graph.tensor(name).fraction for name in node.inputs)
    # Both operands in units of 2**-(own + own_shift).
    exponent = node.other_shift + other - own - node.own_shift
    common = {"name": exporter.sums(node), "dtype": "float64"}
    scaled, plain = exporter.own.ScaledAdd, exporter.keras.Add
    layer = scaled(exponent, **common) if exponent else plain(**common)

    def derive(word: ActivationFormat) -> object:
        return addition(node.name, (own, other - exponent), word)

    expected = node.own_shift, node.other_shift, node.requant
    sums = Sums(own, node.own_shift, derive, expected)
    return exporter.quantise(node, layer(exporter.alike(node.inputs)), sums)


@evaluates("Add")
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """In float64."""
    return tf.add_n(inputs)


evaluates("ScaledAdd")(called)
