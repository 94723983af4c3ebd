# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Nearest upsampling."""

from __future__ import annotations

import dataclasses
from typing import Any

from corewright.frontends.converter import Converter, handles, moves
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import evaluates
from corewright.frontends.exporter import Exporter, exports
from corewright.frontends.layers import pair
from corewright.frontends.states import Pending, State, Value
from corewright.graph import Upsample


@handles("UpSampling2D")
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """It only moves values."""
    (state,) = states
    if layer.interpolation != "nearest":
        raise FrontendError(
            f"layer '{layer.name}': interpolation is {layer.interpolation!r}, legal is 'nearest'"
        )
    if isinstance(state, Pending):
        state.moves.append(layer)
        return state
    return emit(converter, layer, converter.value(layer, state), layer.name)


@moves("UpSampling2D")
def emit(converter: Converter, layer: Any, source: Value, name: str) -> Value:
    """Repeated words."""
    factors = pair(layer.size)
    tensor = source.tensor
    output = dataclasses.replace(
        tensor, name=name, height=tensor.height * factors[0], width=tensor.width * factors[1]
    )
    converter.nodes.append(Upsample(layer.name, tensor.name, output, factors))
    return Value(output, source.low, source.high)


@exports(Upsample)
def export(exporter: Exporter, node: Upsample) -> Any:
    """An UpSampling2D."""
    x = exporter.map(node.input)
    return exporter.copied(node, exporter.keras.UpSampling2D, x, node.factors)


@evaluates("UpSampling2D")
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """Rows and columns repeated."""
    rows, columns = pair(layer.size)
    return tf.repeat(tf.repeat(inputs[0], rows, axis=1), columns, axis=2)
