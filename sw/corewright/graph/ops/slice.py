# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Consecutive channels of a tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from corewright.graph.checks import checked_integer
from corewright.graph.errors import GraphError
from corewright.graph.node import (
    Bounds,
    CopyNode,
    Int64Array,
    Range,
    ReadsOne,
    Shape,
    operator,
    steps,
)
from corewright.graph.tensor import Tensor


@operator("slice")
@dataclass(frozen=True)
class Slice(ReadsOne, CopyNode):
    """Channels ``first_channel`` and up, as many as the output has; integers are unchanged."""

    selects = True

    input: str
    output: Tensor
    first_channel: int

    def __post_init__(self) -> None:
        where = self.check_border()
        first = checked_integer(where, "first_channel", self.first_channel, 0, 1 << 30)
        object.__setattr__(self, "first_channel", first)

    def shape(self, *sources: Tensor) -> Shape:
        """As many channels as the output has."""
        source = sources[0]
        self.check_copies(*sources)
        last = self.first_channel + self.output.channels
        if last > source.channels:
            raise GraphError(
                f"{self.where}: takes channels {self.first_channel}..{last - 1}, "
                f"the input '{source.name}' has {source.channels}"
            )
        return source.height, source.width, self.output.channels

    def accumulator_bounds(
        self,
        sources: Sequence[Tensor],
        ranges: Sequence[Range],
    ) -> Bounds:
        """The elements of its channels."""
        low_high = np.tile(ranges[0], (self.output.channels, 1)).astype(np.int64)
        return low_high[:, 0], low_high[:, 1]

    def cropped(self, *sources: Tensor) -> dict[str, Any]:
        """Channels that are there."""
        output: Tensor = super().cropped(*sources)["output"]
        there = sources[0].channels
        channels = min(output.channels, there)
        return {
            "output": replace(output, channels=channels),
            "first_channel": min(self.first_channel, there - channels),
        }

    def smaller(self) -> Iterator[Self]:
        """Fewer channels, or the first ones."""
        for channels in steps(self.output.channels):
            yield replace(self, output=replace(self.output, channels=channels))
        if self.first_channel:
            yield replace(self, first_channel=0)

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """A view."""
        return sources[0][..., self.first_channel : self.first_channel + self.output.channels]
