# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Nodes with constant weights and a bias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.graph.arithmetic import finish, sign
from corewright.graph.checks import (
    MAX_FRACTION,
    IntArray,
    checked_bias,
    checked_integer,
    checked_weights,
)
from corewright.graph.node import Bounds, Int64Array, Range, ReadsOne, RequantNode
from corewright.graph.tensor import Tensor

MAX_WEIGHT_BITS = 16


@dataclass(frozen=True, eq=False)
class WeightedNode(ReadsOne, RequantNode):
    """Sums of products with constants, a bias, requantisation.

    The last axis of ``weights`` is the output's channels; ``bias`` is int[channels] or None and
    aligned to the fraction ``input.fraction + weight_fraction + requant.pre_shift``.

    Attributes:
        weight_axes: dimensions of ``weights``.
    """

    arrays = ("weights", "bias")
    simplest: ClassVar[Mapping[str, Any]] = {"bias": None}
    weight_axes: ClassVar[int]

    if TYPE_CHECKING:

        @property
        def weights(self) -> IntArray:
            """Integers of ``weight_bits``."""

        @property
        def bias(self) -> IntArray | None:
            """Integers, or None."""

        @property
        def weight_bits(self) -> int:
            """Width of the weights' words."""

        @property
        def weight_fraction(self) -> int:
            """Of the weights."""

    def __post_init__(self) -> None:
        where = self.check_common()
        bits = checked_integer(where, "weight_bits", self.weight_bits, 1, MAX_WEIGHT_BITS)
        fraction = self.weight_fraction
        checked_integer(where, "weight_fraction", fraction, -MAX_FRACTION, MAX_FRACTION)
        weights = checked_weights(where, self.weights, self.weight_axes, bits)
        object.__setattr__(self, "weights", weights)
        bias = checked_bias(where, self.bias, weights.shape[-1])
        object.__setattr__(self, "bias", bias)

    @property
    def added(self) -> IntArray | None:
        """The bias."""
        return self.bias

    def macs(self, *sources: Tensor) -> int:
        """Each weight once a pixel."""
        return self.output.height * self.output.width * int(self.weights.size)

    def accumulator_bounds(
        self,
        sources: Sequence[Tensor],
        ranges: Sequence[Range],
    ) -> Bounds:
        """With every input element free in its range, extended to zero."""
        low, high = min(ranges[0][0], 0), max(ranges[0][1], 0)
        weights = self.weights.reshape(-1, self.weights.shape[-1])
        positive = np.maximum(weights, 0).sum(axis=0, dtype=np.int64)
        negative = np.minimum(weights, 0).sum(axis=0, dtype=np.int64)
        return positive * low + negative * high, positive * high + negative * low

    def finished(self, sums: npt.NDArray[Any]) -> Int64Array:
        """What it makes of its sums (..., channels), exact in their own type; overwrites them."""
        values = finish(sums, self.bias, self.requant)
        # Of a single bit the shifts are 0, so that saturating to -1..1 has kept the sign.
        return sign(values) if is_sign(self.output.bits) else values

    @classmethod
    def bins(cls) -> dict[str, tuple[str, ...]]:
        """Those of its bias, too."""
        bins = super().bins()
        return {**bins, "post-processing": ("bias", "no bias", *bins["post-processing"])}

    def coverage(self, *sources: Tensor) -> set[str]:
        """Those of its bias, too."""
        kind = "no bias" if self.bias is None else "bias"
        return super().coverage(*sources) | {f"post-processing:{kind}"}
