# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Softmax at the end: a layer, or an activation."""

from __future__ import annotations

from typing import Any

from corewright.frontends.converter import Converter
from corewright.frontends.errors import FrontendError
from corewright.frontends.exporter import Exporter, exports
from corewright.frontends.layers import CORES, is_softmax, kind_of, sources_of
from corewright.frontends.states import Pending, Probabilities, State
from corewright.graph import Softmax


def final_softmax(converter: Converter, layer: Any, state: State) -> State:
    """The softmax that ends a model."""
    if isinstance(state, Pending) and converter.output_quantiser is not None:
        # The state is the source's, or that of the layer whose own activation this is.
        own = is_softmax(getattr(layer, "activation", None)) and kind_of(layer) in CORES
        state = converter.quantise_output(layer.name if own else sources_of(layer)[0], state)
    if isinstance(state, Pending):
        raise FrontendError(
            f"layer '{layer.name}': softmax of '{state.layer.name}', whose output is not "
            "quantised; put a QActivation('quantized_bits("
            f"{converter.bits_input},integer,alpha=1)') between them or pass output_quantiser"
        )
    source = converter.value(layer, state)
    if getattr(layer, "axis", -1) not in (-1, len(layer.input.shape) - 1):
        raise FrontendError(f"layer '{layer.name}': axis is {layer.axis}, legal is -1")
    if source.flat:
        raise FrontendError(
            f"layer '{layer.name}': softmax over the flattened {source.tensor.shape} tensor "
            f"'{source.tensor.name}', legal is a vector of channels; nearest is a QDense or a "
            "global pool before it"
        )
    taken = any(node.name == layer.name for node in converter.nodes)
    name = converter.unique(f"{layer.name}_softmax") if taken else layer.name
    converter.nodes.append(Softmax(name, source.tensor.name))
    return Probabilities(layer.name)


@exports(Softmax)
def export(exporter: Exporter, node: Softmax) -> Any:
    """A Softmax layer."""
    layer = exporter.keras.Softmax(name=exporter.legal(node.name), dtype="float64")
    return layer(exporter.alike(node.inputs)[0])
