# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Depthwise convolutions."""

from __future__ import annotations

from corewright.compiler.limits import check_kernel
from corewright.compiler.lowering.weighted import WeightedLowering, weighted_layer, window_fields
from corewright.compiler.operation import Operation, TensorSlice
from corewright.compiler.room import Context, lowers
from corewright.graph import Depthwise
from corewright.hardware import Hardware
from corewright.program import Opcode


@lowers(Depthwise)
class DepthwiseLowering(WeightedLowering[Depthwise]):
    """One layer."""

    def check_window(self, node: Depthwise, hw: Hardware) -> None:
        """Its kernel."""
        check_kernel(node.name, node.kernel_size, hw)

    def layer(
        self, context: Context, node: Depthwise, source: TensorSlice, target: TensorSlice
    ) -> Operation:
        """With the node's window."""
        window = window_fields(node)
        return weighted_layer(context, node, Opcode.DEPTHWISE, source, target, **window)
