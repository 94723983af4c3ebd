# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Tensors that are rounded anew, in a pass of their own."""

from __future__ import annotations

import dataclasses
from typing import Any

from corewright.frontends.converter import Converter
from corewright.frontends.states import Value
from corewright.graph import Requant, Tensor, rescaling_pool


def rescaled(
    converter: Converter, layer: Any, source: Value, output: Tensor, requant: Requant
) -> Value:
    """A tensor requantised in a pass of its own: a max pool of 1x1 windows."""
    output = dataclasses.replace(output, name=layer.name)
    name = getattr(layer, "node", None) or layer.name
    converter.nodes.append(rescaling_pool(name, source.tensor.name, output, requant))
    return Value(output, requant.low, requant.high, source.flat)
