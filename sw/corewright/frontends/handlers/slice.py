# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Slices of channels."""

from __future__ import annotations

import dataclasses
from typing import Any

from corewright.frontends.converter import Converter, handles
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import called, evaluates
from corewright.frontends.exporter import Exporter, exports
from corewright.frontends.states import State
from corewright.graph import Slice


@handles("ChannelSlice")
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """Channels of a feature map."""
    source = converter.value(layer, states[0])
    if source.flat:
        raise FrontendError(
            f"layer '{layer.name}': cuts the flattened {source.tensor.shape} tensor "
            f"'{source.tensor.name}'; cut feature maps before flattening them"
        )
    output = dataclasses.replace(source.tensor, name=layer.name, channels=layer.channels)
    converter.nodes.append(Slice(layer.name, source.tensor.name, output, layer.first_channel))
    return dataclasses.replace(source, tensor=output)


@exports(Slice)
def export(exporter: Exporter, node: Slice) -> Any:
    """A ChannelSlice."""
    x, options = exporter.alike(node.inputs)[0], (node.first_channel, node.output.channels)
    return exporter.copied(node, exporter.own.ChannelSlice, x, *options)


evaluates("ChannelSlice")(called)
