# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Concatenations: their inputs are written straight into the output."""

from __future__ import annotations

from collections.abc import Iterator

from corewright.compiler.lowering.copies import CopyLowering
from corewright.compiler.operation import TensorSlice
from corewright.compiler.room import lowers
from corewright.graph import Concat, Graph


@lowers(Concat)
class ConcatLowering(CopyLowering[Concat]):
    """Nothing but copies of what has a place already."""

    def parts(
        self, graph: Graph, node: Concat, place: TensorSlice
    ) -> Iterator[tuple[str, TensorSlice]]:
        """One input behind the other."""
        first = 0
        for name in node.inputs:
            channels = graph.tensor(name).channels
            yield name, place.part(first, channels)
            first += channels
