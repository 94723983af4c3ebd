# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QDepthwiseConv2D, and its strided form."""

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
from corewright.frontends.layers import DEPTHWISE, NORM, Float64Array, pair
from corewright.frontends.quantisers import ActivationFormat
from corewright.frontends.states import NO_PADDING, Pending, Value
from corewright.graph import Depthwise

handles(*DEPTHWISE)(convert_weighted)


@emits(*DEPTHWISE, adds=True)
def emit(converter: Converter, pending: Pending, word: ActivationFormat, name: str) -> Value:
    """A depthwise convolution."""

    def make(**common: Any) -> Depthwise:
        return Depthwise(**common, **window_of(pending))

    return emit_weighted(converter, pending, word, name, make)


@exports(Depthwise)
def export(exporter: Exporter, node: Depthwise) -> Any:
    """A QDepthwiseConv2D, or the form with strides that differ."""
    x, options = kernel_options(exporter, node)
    equal = node.strides[0] == node.strides[1]
    make = exporter.qkeras.QDepthwiseConv2D if equal else exporter.own.QStridedDepthwiseConv2D
    return export_weighted(exporter, node, make, x, options, depthwise=True)


@evaluates(*DEPTHWISE)
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """In float64."""
    return activated(tf, layer, sums(tf, layer, inputs))


@sums_of(*DEPTHWISE)
def sums(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """What its activation rounds."""
    # Late: it defines Keras layers, so it needs TensorFlow when it is imported.
    from corewright.frontends.operators import depthwise

    def multiply(kernel: Float64Array) -> Any:
        return depthwise(inputs[0], kernel[..., None], pair(layer.strides), layer.padding)

    return evaluate_weighted(layer, multiply)


@emits(NORM, adds=True)
def emit_norm(converter: Converter, pending: Pending, word: ActivationFormat, name: str) -> Value:
    """A factor a channel: a depthwise convolution of one tap."""

    def make(**common: Any) -> Depthwise:
        return Depthwise(**common, strides=(1, 1), padding=NO_PADDING)

    return emit_weighted(converter, pending, word, name, make)
