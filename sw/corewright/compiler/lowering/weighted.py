# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What layers with constant weights share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from corewright.compiler.limits import check_shifted_sums, check_sums, check_weights
from corewright.compiler.operation import Operation, TensorSlice
from corewright.compiler.room import Context, LayerLowering
from corewright.facts.widths import is_sign
from corewright.graph import Graph, WeightedNode, WindowNode, macs, value_bounds
from corewright.hardware import Hardware
from corewright.program import Opcode

W = TypeVar("W", bound=WeightedNode)


class WeightedLowering(LayerLowering[W]):
    """A layer with constant weights and a bias."""

    def check(self, graph: Graph, node: W, hw: Hardware) -> None:
        """Weights, sums, and sums with the bias."""
        span = int(node.weights.min()), int(node.weights.max())
        check_weights(node.name, span, bool((np.abs(node.weights) == 1).all()), hw)
        self.check_window(node, hw)
        lows, highs = check_sums(graph, node, hw)
        if is_sign(node.output.bits):
            # A sign's sum is not shifted, but doubled.
            floor = np.zeros(1, dtype=np.int64)
            if node.bias is not None:
                floor = node.bias.astype(np.int64) >> node.requant.pre_shift
            bounds = 2 * (lows + floor), 2 * (highs + floor) + 1
            check_shifted_sums(node.name, bounds, hw, 2 * floor)
        else:
            bias = None if node.bias is None else node.bias.astype(np.int64)
            check_shifted_sums(node.name, value_bounds(graph, node), hw, bias)

    def check_window(self, node: W, hw: Hardware) -> None:
        """Refuse a kernel that is too large."""


def weighted_layer(
    context: Context,
    node: WeightedNode,
    opcode: Opcode,
    source: TensorSlice,
    target: TensorSlice,
    **window: Any,
) -> Operation:
    """The layer of a node.

    Args:
        context: what is known.
        node: has the weights.
        opcode: the engine's operation.
        source: what is read.
        target: what is written.
        window: kernel, strides, padding, and other fields that are not as the node has them.
    """
    tensor = context.graph.tensor(node.input)
    bias, requant = node.bias, node.requant
    if is_sign(node.output.bits):
        # v = (sum << p) + b is negative where sum + floor(b / 2^p) is, and 0 counts as positive:
        # its sign is that of twice that plus 1, which never is 0.
        floor = np.zeros(node.output.channels, dtype=np.int64)
        if bias is not None:
            floor = floor + (bias >> requant.pre_shift)
        bias = 2 * floor + 1
        requant = replace(requant, pre_shift=1)
    fields: dict[str, Any] = {
        "kind": opcode.name.lower(),
        "weights": node.weights,
        "size": (tensor.height, tensor.width),
        "out_size": (node.output.height, node.output.width),
        **window,
    }
    return Operation(
        name=node.name,
        opcode=opcode,
        source=source,
        target=target,
        bias=bias,
        requant=requant,
        round_first=False,
        macs=macs(node, context.graph),
        result=TensorSlice.whole(node.output.name, node.output.channels),
        **fields,
    )


def window_fields(node: WindowNode) -> dict[str, Any]:
    """Kernel, strides and padding of a node that slides a window."""
    return {
        "kernel": node.window_size,
        "strides": node.strides,
        "padding": (node.padding[0], node.padding[2]),
    }
