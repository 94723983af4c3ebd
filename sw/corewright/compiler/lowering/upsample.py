# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Nearest upsampling: identity passes that repeat pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from corewright.compiler.errors import CompileError
from corewright.compiler.operation import (
    Contents,
    HostOperation,
    Operation,
    Pair,
    TensorSlice,
    copy_operation,
)
from corewright.compiler.room import Context, Lowering, lowers
from corewright.graph import Upsample

# The loader stores up to four copies of a pixel beside each other.
_MAX_REPEAT_W = 4
_MAX_REPEAT_H = 256


@lowers(Upsample)
class UpsampleLowering(Lowering[Upsample]):
    """Identity passes, several where one cannot repeat pixels so often."""

    def lower(self, context: Context, node: Upsample) -> Iterator[Operation | HostOperation]:
        """Yield a pass a factor."""
        first = size = context.size(node.input)
        source, final = context.places[node.input], context.places[node.output.name]
        steps = _repeats(node)
        for index, repeat in enumerate(steps):
            last = index == len(steps) - 1
            target, holds = final, None
            size = size[0] * repeat[0], size[1] * repeat[1]
            if not last:
                name = context.own_name(f"{node.name}.part{index}")
                target = TensorSlice.whole(name, final.channels)
                repeated = size[0] // first[0], size[1] // first[1]
                own = TensorSlice.whole(node.input, final.channels)
                holds = Contents(own, repeat=repeated)
            operation = copy_operation(node.name, size, source, target, context.hardware)
            yield replace(operation, kind="upsample", repeat=repeat, holds=holds)
            source = target


def _repeats(node: Upsample) -> list[Pair]:
    """The factors of an upsampling that a pass each can do.

    Raises:
        CompileError: a factor of the width has a prime factor above three.
    """
    down, right = node.factors
    factors = []
    for factor in (4, 3, 2):
        while right % factor == 0:
            factors.append(factor)
            right //= factor
    if right != 1 or down > _MAX_REPEAT_H:
        raise CompileError(
            node.name,
            f"upsampling by {node.factors} is not supported: the nearest are up to "
            f"{_MAX_REPEAT_H} times in height, and products of 2, 3 and {_MAX_REPEAT_W} in width",
        )
    return [(down, factors[0] if factors else 1), *((1, factor) for factor in factors[1:])]
