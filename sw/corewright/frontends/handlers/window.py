# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Windows: their padding in Keras and in a graph."""

from __future__ import annotations

from typing import Any

from corewright.frontends.errors import FrontendError
from corewright.frontends.exporter import Exporter
from corewright.frontends.layers import OWN_POOLS, kind_of
from corewright.frontends.states import NO_PADDING, Padding, Pending
from corewright.graph import Tensor, WindowNode, same_padding


def window_padding(pending: Pending, window: tuple[int, int], strides: tuple[int, int]) -> Padding:
    """Explicit zeros and those of padding='same' around what is so padded."""
    layer, tensor, explicit = pending.layer, pending.source.tensor, pending.padding
    implicit = NO_PADDING
    if kind_of(layer) in OWN_POOLS:
        implicit = layer.padding
    elif layer.padding == "same":
        size = (
            tensor.height + explicit[0] + explicit[1],
            tensor.width + explicit[2] + explicit[3],
        )
        implicit = same_padding(size, window, strides)
    top, bottom, left, right = (a + b for a, b in zip(explicit, implicit, strict=True))
    if max(top, bottom) >= window[0] or max(left, right) >= window[1]:
        raise FrontendError(
            f"layer '{layer.name}': padding (top, bottom, left, right) is "
            f"{(top, bottom, left, right)} with its zero padding, legal is below its "
            f"{window[0]}x{window[1]} window"
        )
    return top, bottom, left, right


def padded_input(
    exporter: Exporter, node: WindowNode, source: Tensor, window: tuple[int, int]
) -> tuple[Any, str]:
    """What a window runs over, and Keras's padding around it."""
    x = exporter.map(node.input)
    if not any(node.padding):
        return x, "valid"
    if node.padding == same_padding((source.height, source.width), window, node.strides):
        return x, "same"
    top, bottom, left, right = node.padding
    name = exporter.unique(f"{node.name}_padding")
    pads = ((top, bottom), (left, right))
    return exporter.keras.ZeroPadding2D(pads, name=name, dtype="float64")(x), "valid"
