# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Residual addition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from corewright.graph.arithmetic import requantise
from corewright.graph.checks import checked_integer
from corewright.graph.errors import GraphError
from corewright.graph.node import (
    Bounds,
    Int64Array,
    Range,
    RequantNode,
    Shape,
    operator,
    two_inputs,
)
from corewright.graph.tensor import MAX_PRE_SHIFT, Requant, Tensor


@operator("add")
@dataclass(frozen=True)
class Add(RequantNode):
    """Sum of two tensors of one shape (a residual), aligned by shifts, then a requantisation.

    With ``inputs = (a, b)``: ``v = (a << own_shift) + (b << other_shift)`` and
    ``y = clip(round_half_even(v / 2**s), low, high)`` with ``s`` as in :class:`Requant`, whose
    ``pre_shift`` is 0. ``a`` is the main operand: the one that a compiler adds ``b`` to while it
    still has it at hand. Both may name the same tensor.
    """

    residual = True
    simplest: ClassVar[Mapping[str, Any]] = {"own_shift": 0, "other_shift": 0}

    inputs: tuple[str, str]
    output: Tensor
    own_shift: int
    other_shift: int
    requant: Requant

    def __post_init__(self) -> None:
        two_inputs(self)
        where = self.check_common()
        self.check_no_sign()
        for what in ("own_shift", "other_shift"):
            value = checked_integer(where, what, getattr(self, what), 0, MAX_PRE_SHIFT)
            object.__setattr__(self, what, value)
        if self.requant.pre_shift != 0:
            raise GraphError(
                f"{where}: pre_shift is {self.requant.pre_shift}, legal for an addition is 0 "
                "(own_shift and other_shift align its operands)"
            )

    def shape(self, *sources: Tensor) -> Shape:
        """That of both."""
        first, other = sources
        if other.shape != first.shape:
            raise GraphError(
                f"{self.where}: inputs '{first.name}' {first.shape} and '{other.name}' "
                f"{other.shape}, legal are equal shapes"
            )
        return first.shape

    def accumulator_bounds(
        self,
        sources: Sequence[Tensor],
        ranges: Sequence[Range],
    ) -> Bounds:
        """The aligned sum, which is no sum of an array's."""
        own, other = ranges
        channels = self.output.channels
        return (
            np.full(channels, (own[0] << self.own_shift) + (other[0] << self.other_shift)),
            np.full(channels, (own[1] << self.own_shift) + (other[1] << self.other_shift)),
        )

    def exchanged(self) -> Self:
        """The other operand as the main one."""
        own, other = self.inputs
        return replace(
            self, inputs=(other, own), own_shift=self.other_shift, other_shift=self.own_shift
        )

    @classmethod
    def bins(cls) -> dict[str, tuple[str, ...]]:
        """Those of its operands, too."""
        names = ("aligned alike", "aligned differently", "one tensor twice")
        return {**super().bins(), "operands of an addition": names}

    def coverage(self, *sources: Tensor) -> set[str]:
        """Those of its operands, too."""
        bins = super().coverage(*sources)
        kind = "aligned alike" if self.own_shift == self.other_shift else "aligned differently"
        bins.add(f"operands of an addition:{kind}")
        if self.inputs[0] == self.inputs[1]:
            bins.add("operands of an addition:one tensor twice")
        return bins

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """Align, add, round."""
        own, other = sources
        return requantise((own << self.own_shift) + (other << self.other_shift), None, self.requant)
