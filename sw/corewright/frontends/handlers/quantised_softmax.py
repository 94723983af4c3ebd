# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Softmax in integers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from corewright.frontends.converter import Converter, handles
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import called, evaluates
from corewright.frontends.exporter import Exporter, exports
from corewright.frontends.states import State, Value
from corewright.graph import QuantisedSoftmax, softmax_table


@handles("QSoftmax")
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """The softmax of a tensor's channels."""
    source = converter.value(layer, states[0])
    tensor = source.tensor
    if source.flat:
        raise FrontendError(
            f"layer '{layer.name}': softmax over the flattened {tensor.shape} tensor "
            f"'{tensor.name}', legal are the channels of a feature map or vector"
        )
    if layer.bits > converter.bits_input:
        raise FrontendError(
            f"layer '{layer.name}': bits is {layer.bits}, legal is up to "
            f"bits_input={converter.bits_input}"
        )
    if layer.input_fraction not in (None, tensor.fraction):
        raise FrontendError(
            f"layer '{layer.name}': input_fraction is {layer.input_fraction}, legal is that of "
            f"'{tensor.name}', {tensor.fraction}"
        )
    table = layer.table
    if table is None:
        table = softmax_table(tensor.fraction, 1 << tensor.bits)
    output = dataclasses.replace(tensor, name=layer.name, bits=layer.bits, fraction=layer.fraction)
    node = QuantisedSoftmax(
        layer.name,
        tensor.name,
        output,
        layer.runs,
        np.asarray(table, dtype=np.int64),
        layer.low,
        layer.high,
    )
    converter.nodes.append(node)
    return Value(output, *node.value_range)


@exports(QuantisedSoftmax)
def export(exporter: Exporter, node: QuantisedSoftmax) -> Any:
    """A QSoftmax with the node's table."""
    options = (
        node.output.bits,
        node.output.fraction,
        node.runs,
        node.table.tolist(),
        exporter.graph.tensor(node.input).fraction,
        node.low,
        node.high,
    )
    x = exporter.alike(node.inputs)[0]
    return exporter.copied(node, exporter.own.QSoftmax, x, *options)


evaluates("QSoftmax")(called)
