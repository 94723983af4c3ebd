# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The softmax of docs/architecture.md: integers only, so that each implementation agrees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corewright.emulator.host import HostRun, computes
from corewright.emulator.layer import Int64Array
from corewright.emulator.postprocess import round_divide
from corewright.program import HostOpcode

# Entries have 32 bits: shifted by this much they still fit 63.
MAX_SHIFT = 30


def softmax(
    x: npt.NDArray[np.signedinteger], table: Int64Array, *, shift: int, low: int, high: int
) -> Int64Array:
    """The softmax over the last axis.

    Args:
        x: (..., channels) integers.
        table: (entries,) weights below 2**32 of the distances 0, 1, ... to the largest value;
            the first is above 0. Distances behind the table weigh nothing.
        shift: fraction of the result, ``MAX_SHIFT`` at most.
        low: smallest result.
        high: largest result.

    Returns:
        (..., channels) of clip(round_half_even(e * 2**shift / sum(e)), low, high).
    """
    distance = x.max(axis=-1, keepdims=True).astype(np.int64) - x
    weights = np.append(table, 0)[np.minimum(distance, table.size)]
    total = weights.sum(axis=-1, keepdims=True)
    return np.clip(round_divide(weights << shift, total), low, high)


@computes(HostOpcode.SOFTMAX)
class SoftmaxRun(HostRun):
    """A softmax over each run of channels of a pixel."""

    def check_fields(self) -> None:
        """The shift."""
        if self["shift"] > MAX_SHIFT:
            raise self.error("shift", f"is {MAX_SHIFT} at most")

    def compute(self, pixels: Int64Array, table: Int64Array) -> Int64Array:
        """The softmax of each run."""
        y = softmax(
            pixels.reshape(-1, self["runs"], self["channels"]),
            table,
            shift=self["shift"],
            low=self["clip_low"],
            high=self["clip_high"],
        )
        return y.reshape(-1, self.channels)

    def check_table(self, table: Int64Array) -> None:
        """Its first entry, which a sum never lacks."""
        if table[0] == 0:
            raise self.error("table_offset", "the table's first entry is 0")
