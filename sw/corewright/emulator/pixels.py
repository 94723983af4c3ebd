# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Values that an element of a word can have; a single bit is +1 or -1, never 0."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def element_range(bits: int) -> tuple[int, int]:
    """(smallest, largest) value of an element of ``bits`` bits."""
    if bits == 1:
        return -1, 1
    half = 1 << (bits - 1)
    return -half, half - 1


def random_elements(
    rng: np.random.Generator, bits: int, shape: tuple[int, ...]
) -> npt.NDArray[np.int16]:
    """Random elements of ``bits`` bits: what stands for unspecified values."""
    if bits == 1:
        return 1 - 2 * rng.integers(0, 2, shape, dtype=np.int16)
    low, high = element_range(bits)
    return rng.integers(low, high, shape, dtype=np.int16, endpoint=True)
