# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Slices of channels, which are read where they lie."""

from __future__ import annotations

from corewright.compiler.lowering.copies import CopyLowering
from corewright.compiler.operation import TensorSlice
from corewright.compiler.room import lowers
from corewright.graph import Slice


@lowers(Slice)
class SliceLowering(CopyLowering[Slice]):
    """Nothing, but a copy where the slice is the network's output."""

    # It has no bytes of its own.
    whole = True

    def view(self, node: Slice, source: TensorSlice) -> TensorSlice:
        """Its channels."""
        return source.part(node.first_channel, node.output.channels)
