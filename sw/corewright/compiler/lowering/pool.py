# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Pools: maxima, averages, and averages that are sums."""

from __future__ import annotations

from dataclasses import replace

from corewright.compiler.errors import CompileError
from corewright.compiler.limits import check_shifted_sums, check_sums
from corewright.compiler.lowering.weighted import window_fields
from corewright.compiler.operation import Operation, TensorSlice
from corewright.compiler.room import Context, LayerLowering, lowers
from corewright.graph import Graph, Pool, value_bounds
from corewright.hardware import Hardware
from corewright.program import Opcode

# The elements of a window are counted in 16 bits.
_MAX_AVERAGE = (1 << 16) - 1


@lowers(Pool)
class PoolLowering(LayerLowering[Pool]):
    """One layer."""

    def check(self, graph: Graph, node: Pool, hw: Hardware) -> None:
        """What an average counts, and sums."""
        taps = node.window[0] * node.window[1]
        if _opcode(graph, node) == Opcode.AVERAGE_POOL and taps > _MAX_AVERAGE:
            raise CompileError(
                node.name,
                f"the window has {taps} elements, an average counts {_MAX_AVERAGE} at most",
            )
        check_sums(graph, node, hw)
        check_shifted_sums(node.name, value_bounds(graph, node), hw)

    def layer(
        self, context: Context, node: Pool, source: TensorSlice, target: TensorSlice
    ) -> Operation:
        """With the node's window; a sum shifts by what an average divides by."""
        opcode, requant = _opcode(context.graph, node), node.requant
        if opcode == Opcode.SUM_POOL:
            shift = _sum_shift(context.graph, node) or 0
            requant = replace(
                requant, shift=requant.shift + shift, negative_shift=requant.negative_shift + shift
            )
        return Operation(
            name=node.name,
            kind=opcode.name.lower(),
            opcode=opcode,
            source=source,
            target=target,
            size=context.size(node.input),
            out_size=(node.output.height, node.output.width),
            weights=None,
            bias=None,
            requant=requant,
            round_first=opcode == Opcode.AVERAGE_POOL and node.round_first,
            macs=0,
            result=TensorSlice.whole(node.output.name, node.output.channels),
            **window_fields(node),
        )


def _opcode(graph: Graph, node: Pool) -> Opcode:
    """The engine's operation."""
    if node.kind == "average":
        return Opcode.AVERAGE_POOL if _sum_shift(graph, node) is None else Opcode.SUM_POOL
    return Opcode.MAX_POOL


def _sum_shift(graph: Graph, node: Pool) -> int | None:
    """The k of an average that is a sum shifted right by k, its windows full; else None."""
    source, window = graph.tensor(node.input), node.window
    count = window[0] * window[1]
    ends = [
        (length - 1) * stride + taps
        for length, stride, taps in zip(
            (node.output.height, node.output.width), node.strides, window, strict=True
        )
    ]
    full = node.padding[0] == node.padding[2] == 0
    full &= ends[0] <= source.height and ends[1] <= source.width
    if not full or count & (count - 1):
        return None
    shift, requant = count.bit_length() - 1, node.requant
    shifts = requant.pre_shift, requant.shift, requant.negative_shift
    # (A pool's own limits see to it that the larger shift still has six bits.)
    # Rounding twice is rounding once only where one of the two changes nothing.
    if node.round_first and shift and any(shifts):
        return None
    return shift
