# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Concatenation along the channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from corewright.graph.errors import GraphError
from corewright.graph.node import CopyNode, Int64Array, Shape, operator, two_inputs
from corewright.graph.tensor import Tensor


@operator("concat")
@dataclass(frozen=True)
class Concat(CopyNode):
    """Joins tensors along the channels, in order; integers are copied unchanged.

    All inputs and the output have one height, width, bits and fraction.
    """

    inputs: tuple[str, ...]
    output: Tensor

    def __post_init__(self) -> None:
        two_inputs(self, 1 << 15)
        self.check_border()

    def shape(self, *sources: Tensor) -> Shape:
        """All channels."""
        first = sources[0]
        for other in sources[1:]:
            if other.shape[:2] != first.shape[:2]:
                raise GraphError(
                    f"{self.where}: inputs '{first.name}' {first.shape} and '{other.name}' "
                    f"{other.shape}, legal are equal heights and widths"
                )
        self.check_copies(*sources)
        return first.height, first.width, sum(source.channels for source in sources)

    def with_fewer_inputs(self) -> Iterator[Self]:
        """One less, down to two."""
        if len(self.inputs) > 2:
            for left in range(len(self.inputs)):
                yield replace(self, inputs=self.inputs[:left] + self.inputs[left + 1 :])

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """Side by side."""
        return np.concatenate(sources, axis=-1)
