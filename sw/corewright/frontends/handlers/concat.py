# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Concatenations along the channels."""

from __future__ import annotations

from typing import Any

from corewright.frontends.converter import Converter, handles
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import evaluates
from corewright.frontends.exporter import Exporter, exports
from corewright.frontends.layers import shape_of
from corewright.frontends.states import State, Value
from corewright.graph import Concat, Tensor


@handles("Concatenate", inputs=None)
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """Tensors of one fraction, side by side."""
    values = [converter.value(layer, state) for state in states]
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
    converter.nodes.append(Concat(layer.name, tuple(v.tensor.name for v in values), output))
    return Value(output, min(v.low for v in values), max(v.high for v in values))


@exports(Concat)
def export(exporter: Exporter, node: Concat) -> Any:
    """A Concatenate."""
    return exporter.copied(node, exporter.keras.Concatenate, exporter.alike(node.inputs))


@evaluates("Concatenate")
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """Side by side."""
    return tf.concat(inputs, axis=layer.axis)
