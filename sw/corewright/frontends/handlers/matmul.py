# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Products of two activations."""

from __future__ import annotations

from typing import Any

from corewright.frontends.alignment import requantisation
from corewright.frontends.converter import Converter, emits, handles
from corewright.frontends.evaluation import called, evaluates
from corewright.frontends.exporter import Exporter, Sums, exports
from corewright.frontends.layers import shape_of
from corewright.frontends.quantisers import ActivationFormat
from corewright.frontends.states import Pending, State, Value
from corewright.graph import MatMul, Tensor


@handles("QMatMul", inputs=2)
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """Two tensors, which a quantiser follows."""
    return Pending(layer, tuple(converter.value(layer, state) for state in states))


@emits("QMatMul")
def emit(converter: Converter, pending: Pending, word: ActivationFormat, name: str) -> Value:
    """A product with its words."""
    layer, (own, other) = pending.layer, pending.sources
    fraction = own.tensor.fraction + other.tensor.fraction
    requant = requantisation(layer.name, fraction, None, word)
    output = Tensor(name, *shape_of(layer, layer.output_shape), word.bits, word.fraction)
    names = (own.tensor.name, other.tensor.name)
    converter.nodes.append(MatMul(pending.name, names, output, layer.transpose_b, requant))
    return Value(output, word.low, word.high)


@exports(MatMul)
def export(exporter: Exporter, node: MatMul) -> Any:
    """A QMatMul."""
    own, other = (exporter.graph.tensor(name).fraction for name in node.inputs)
    layer = exporter.own.QMatMul(node.transpose_b, name=exporter.sums(node), dtype="float64")
    product = layer([exporter.map(name) for name in node.inputs])
    return exporter.quantise(node, product, Sums.of(node, own + other))


evaluates("QMatMul")(called)
