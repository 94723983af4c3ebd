# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QDense."""

from __future__ import annotations

from typing import Any

from corewright.frontends.converter import Converter, emits, handles
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import activated, evaluates, sums_of
from corewright.frontends.exporter import Exporter, exports
from corewright.frontends.handlers.weighted import (
    convert_weighted,
    emit_weighted,
    evaluate_weighted,
    export_weighted,
)
from corewright.frontends.quantisers import ActivationFormat
from corewright.frontends.states import Pending, State, Value
from corewright.graph import Dense


@handles("QDense")
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """A layer with weights, of a vector."""
    if len(layer.input.shape) != 2:
        raise FrontendError(
            f"layer '{layer.name}': QDense on input {tuple(layer.input.shape)} works on the "
            "last axis only; put a Flatten before it or use a QConv2D with a 1x1 kernel"
        )
    return convert_weighted(converter, layer, states)


@emits("QDense", adds=True)
def emit(converter: Converter, pending: Pending, word: ActivationFormat, name: str) -> Value:
    """A dense layer."""
    return emit_weighted(converter, pending, word, name, Dense)


@exports(Dense, flattens=True)
def export(exporter: Exporter, node: Dense) -> Any:
    """A QDense, of a vector."""
    options = {"units": node.output.channels}
    x = exporter.vector(node.input)
    return export_weighted(exporter, node, exporter.qkeras.QDense, x, options)


@evaluates("QDense")
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """In float64."""
    return activated(tf, layer, sums(tf, layer, inputs))


@sums_of("QDense")
def sums(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """What its activation rounds."""
    return evaluate_weighted(layer, lambda kernel: tf.matmul(inputs[0], kernel))
