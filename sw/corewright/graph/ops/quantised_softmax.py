# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Softmax in integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from corewright.graph.arithmetic import round_half_even_divide
from corewright.graph.checks import MAX_FRACTION, IntArray, checked_integer
from corewright.graph.errors import GraphError
from corewright.graph.node import Bounds, ComputeNode, Int64Array, Range, ReadsOne, Shape, operator
from corewright.graph.tensor import Tensor

# Largest fraction that a quantised softmax may have, and the width of its sums.
MAX_SOFTMAX_FRACTION = 30
SOFTMAX_SUM_BITS = 48


def _table(where: str, value: object) -> npt.NDArray[np.int64]:
    """Validate a softmax table and return a read-only int64 copy."""
    array = np.asarray(value)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer) or array.size == 0:
        raise GraphError(
            f"{where}: table has shape {array.shape} and type {array.dtype}, "
            "legal is one non-empty dimension of integers"
        )
    if int(array.min()) < 0 or int(array.max()) >= 1 << 32:
        raise GraphError(
            f"{where}: table spans {int(array.min())}..{int(array.max())}, legal is 0..2**32-1"
        )
    result = np.array(array, dtype=np.int64)
    if result[0] == 0 or (np.diff(result) > 0).any():
        raise GraphError(
            f"{where}: table starts with {result[0]} and falls or rises by "
            f"{np.diff(result, append=0).min()}..{np.diff(result, append=0).max()}, "
            "legal is a first entry above 0 and no rise"
        )
    result.flags.writeable = False
    return result


@operator("quantised_softmax")
@dataclass(frozen=True, eq=False)
class QuantisedSoftmax(ReadsOne, ComputeNode):
    """Softmax in integers over each of ``runs`` runs of C/runs consecutive channels of a pixel.

    With m the largest integer of a run, ``e[c] = table[m - x[c]]`` (0 behind the table's end) and
    ``y[c] = clip(round_half_even(e[c] * 2**fraction / sum(e)), low, high)``, ``fraction`` the
    output's. ``table`` is int64[entries] of unsigned 32-bit integers that never rise, the first
    above 0; :func:`softmax_table` makes the one of the exponential.
    """

    arrays = ("table",)

    input: str
    output: Tensor
    runs: int
    table: IntArray
    low: int
    high: int

    def __post_init__(self) -> None:
        where = self.check_border()
        self.check_no_sign()
        channels = self.output.channels
        runs = checked_integer(where, "runs", self.runs, 1, channels)
        if channels % runs:
            raise GraphError(f"{where}: runs is {runs}, legal is a divisor of {channels} channels")
        object.__setattr__(self, "runs", runs)
        checked_integer(
            where, "fraction of the output", self.output.fraction, 0, MAX_SOFTMAX_FRACTION
        )
        for what in ("low", "high"):
            limit = checked_integer(
                where, what, getattr(self, what), self.output.low, self.output.high
            )
            object.__setattr__(self, what, limit)
        if self.low > self.high:
            raise GraphError(f"{where}: low {self.low} is above high {self.high}")
        object.__setattr__(self, "table", _table(where, self.table))
        if self.run_channels * int(self.table[0]) >= 1 << SOFTMAX_SUM_BITS:
            raise GraphError(
                f"{where}: {self.run_channels} channels of table[0] = {self.table[0]} sum up to "
                f"{self.run_channels * int(self.table[0])}, legal is below 2**{SOFTMAX_SUM_BITS}"
            )

    @property
    def run_channels(self) -> int:
        """Channels that one softmax runs over."""
        return self.output.channels // self.runs

    @property
    def value_range(self) -> tuple[int, int]:
        """(low, high) of the results: those of 0 and of 1."""
        one = 1 << self.output.fraction
        return min(max(0, self.low), self.high), min(max(one, self.low), self.high)

    def shape(self, *sources: Tensor) -> Shape:
        """That of what it reads."""
        return sources[0].shape

    def output_range(self, *ranges: Range) -> Range:
        """Between its 0 and its 1."""
        return self.value_range

    def accumulator_bounds(
        self,
        sources: Sequence[Tensor],
        ranges: Sequence[Range],
    ) -> Bounds:
        """Its results."""
        low, high = self.value_range
        return np.full(self.output.channels, low), np.full(self.output.channels, high)

    def cropped(self, *sources: Tensor) -> dict[str, Any]:
        """Runs that the channels split into."""
        return {"runs": math.gcd(self.runs, sources[0].channels)}

    def narrowed(self, output: Tensor) -> Self:
        """Its limits become the output's."""
        low, high = (min(max(limit, output.low), output.high) for limit in (self.low, self.high))
        return replace(self, output=output, low=low, high=high)

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """Each run of channels, in 62 bits."""
        (x,) = sources
        runs = x.reshape(*x.shape[:3], self.runs, -1)
        below = runs.max(axis=-1, keepdims=True) - runs
        entries = len(self.table)
        terms = np.where(below < entries, self.table[np.minimum(below, entries - 1)], 0)
        # 32-bit entries and a shift of at most 30: 62 bits.
        quotients = round_half_even_divide(
            terms << self.output.fraction, terms.sum(axis=-1, keepdims=True)
        )
        return np.clip(quotients, self.low, self.high).reshape(x.shape)


def softmax_table(fraction: int, entries_limit: int = 1 << 16) -> npt.NDArray[np.int64]:
    """The table of ``exp`` for integers of ``fraction``: ``round(2**16 * exp(-i * 2**-fraction))``.

    It ends behind its last entry that is not 0, at most ``entries_limit`` entries: ``2**bits``
    are enough for an input of that many bits, as no difference of its integers is larger.

    Raises:
        GraphError: an argument out of range.
    """
    where = "softmax_table"
    fraction = checked_integer(where, "fraction", fraction, -MAX_FRACTION, MAX_FRACTION)
    limit = checked_integer(where, "entries_limit", entries_limit, 1, 1 << 24)
    # exp(-12) * 2**16 is below a half: what is behind is 0.
    entries = limit if fraction > 24 else min(limit, int(12 * 2.0**fraction) + 1)
    exponents = -np.ldexp(np.arange(entries, dtype=np.float64), -fraction)
    table: npt.NDArray[np.int64] = np.rint(np.exp(exponents) * (1 << 16)).astype(np.int64)
    return table[: np.count_nonzero(table)]
