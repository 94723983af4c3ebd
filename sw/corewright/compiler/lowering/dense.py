# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Dense layers: convolutions whose kernel is the image."""

from __future__ import annotations

from corewright.compiler.lowering.weighted import WeightedLowering, weighted_layer
from corewright.compiler.operation import Operation, TensorSlice
from corewright.compiler.room import Context, lowers
from corewright.graph import Dense
from corewright.program import Opcode


@lowers(Dense)
class DenseLowering(WeightedLowering[Dense]):
    """One layer."""

    def layer(
        self, context: Context, node: Dense, source: TensorSlice, target: TensorSlice
    ) -> Operation:
        """With a kernel of the image's size."""
        kernel = context.size(node.input)
        channels = context.graph.tensor(node.input).channels
        return weighted_layer(
            context,
            node,
            Opcode.CONV,
            source,
            target,
            kind="dense",
            kernel=kernel,
            strides=kernel,
            padding=(0, 0),
            weights=node.weights.reshape(*kernel, channels, -1),
        )
