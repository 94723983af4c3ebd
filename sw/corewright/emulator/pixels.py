# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Values that stand for unspecified elements of words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign, number_range


def random_elements(
    rng: np.random.Generator, bits: int, shape: tuple[int, ...]
) -> npt.NDArray[np.int16]:
    """Random elements of ``bits`` bits: what stands for unspecified values."""
    if is_sign(bits):
        return 1 - 2 * rng.integers(0, 2, shape, dtype=np.int16)
    low, high = number_range(bits)
    return rng.integers(low, high, shape, dtype=np.int16, endpoint=True)
