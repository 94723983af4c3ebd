# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Nearest upsampling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from corewright.graph.checks import checked_integers
from corewright.graph.node import CopyNode, Int64Array, ReadsOne, Shape, operator, steps
from corewright.graph.tensor import Tensor


@operator("upsample")
@dataclass(frozen=True)
class Upsample(ReadsOne, CopyNode):
    """Repeats every pixel ``factors`` = (rows, columns) times; integers are copied unchanged."""

    input: str
    output: Tensor
    factors: tuple[int, int]

    def __post_init__(self) -> None:
        where = self.check_border()
        factors = checked_integers(where, "factors", self.factors, 2, 1, 1 << 15)
        object.__setattr__(self, "factors", factors)

    def shape(self, *sources: Tensor) -> Shape:
        """Height and width times the factors."""
        source = sources[0]
        self.check_copies(*sources)
        height, width = source.height * self.factors[0], source.width * self.factors[1]
        return height, width, source.channels

    def smaller(self) -> Iterator[Self]:
        """Smaller factors."""
        for axis in (0, 1):
            for factor in steps(self.factors[axis]):
                pair = (factor, self.factors[1]) if axis == 0 else (self.factors[0], factor)
                # A factor of 1 in both directions would be no node.
                if pair != (1, 1):
                    yield replace(self, factors=pair)

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """Repeat rows and columns."""
        return sources[0].repeat(self.factors[0], axis=1).repeat(self.factors[1], axis=2)
