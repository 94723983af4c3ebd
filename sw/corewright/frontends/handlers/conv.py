# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QConv2D, with a batch norm of its own or without."""

from __future__ import annotations

from typing import Any

from corewright.frontends.converter import Converter, emits, handles
from corewright.frontends.evaluation import activated, evaluates, sums_of
from corewright.frontends.exporter import Exporter, exports
from corewright.frontends.handlers.weighted import (
    convert_weighted,
    emit_weighted,
    evaluate_weighted,
    export_weighted,
    kernel_options,
    window_of,
)
from corewright.frontends.layers import Float64Array, pair
from corewright.frontends.quantisers import ActivationFormat
from corewright.frontends.states import Pending, Value
from corewright.graph import Conv

_KINDS = ("QConv2D", "QConv2DBatchnorm")

handles(*_KINDS)(convert_weighted)


@emits(*_KINDS, adds=True)
def emit(converter: Converter, pending: Pending, word: ActivationFormat, name: str) -> Value:
    """A convolution."""

    def make(**common: Any) -> Conv:
        return Conv(**common, **window_of(pending))

    return emit_weighted(converter, pending, word, name, make)


@exports(Conv)
def export(exporter: Exporter, node: Conv) -> Any:
    """A QConv2D."""
    x, options = kernel_options(exporter, node)
    options["filters"] = node.output.channels
    return export_weighted(exporter, node, exporter.qkeras.QConv2D, x, options)


@evaluates(*_KINDS)
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """In float64."""
    return activated(tf, layer, sums(tf, layer, inputs))


@sums_of(*_KINDS)
def sums(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """What its activation rounds."""

    def multiply(kernel: Float64Array) -> Any:
        return tf.nn.conv2d(inputs[0], kernel, pair(layer.strides), layer.padding.upper())

    return evaluate_weighted(layer, multiply)
