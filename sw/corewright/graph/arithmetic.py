# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Exact integer arithmetic that operators share.

Convolutions run as matrix products in floating point wherever the worst-case sum proves that
every partial sum is exact: BLAS is some fifty times faster than NumPy's integer product.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.graph.tensor import Requant

Int64Array = npt.NDArray[np.int64]

# Elements of the largest temporary; larger batches are processed in slices.
_CHUNK_ELEMENTS = 1 << 23


def round_half_even_shift(value: Int64Array, shift: int) -> Int64Array:
    """``round_half_even(value / 2**shift)`` for 0 <= shift <= 62, exact for |value| <= 2**62."""
    if shift == 0:
        return value
    quotient = value >> shift
    remainder = value - (quotient << shift)
    # Up above the half, and at the half only from an odd quotient. (Not ``value + half``, which
    # could leave 64 bits.)
    half = 1 << (shift - 1)
    result: Int64Array = quotient + (remainder + (quotient & 1) > half)
    return result


def round_half_even_divide(value: Int64Array, divisor: Int64Array) -> Int64Array:
    """``round_half_even(value / divisor)`` for divisors > 0 that broadcast with ``value``."""
    quotient = value // divisor
    remainder = value - quotient * divisor
    # Twice the remainder could leave 64 bits: compare it with what is left to the next integer.
    rest = divisor - remainder
    up = (remainder > rest) | ((remainder == rest) & (quotient % 2 == 1))
    result: Int64Array = quotient + up
    return result


def requantise(
    accumulator: Int64Array, bias: npt.NDArray[np.integer[Any]] | None, requant: Requant
) -> Int64Array:
    """Apply ``requant`` to an accumulator (..., C) and an aligned bias (C,); int64."""
    value = accumulator << requant.pre_shift
    if bias is not None:
        value = value + bias
    result = round_half_even_shift(value, requant.shift)
    if requant.negative_shift != requant.shift:
        negative = round_half_even_shift(value, requant.negative_shift)
        result = np.where(value < 0, negative, result)
    return np.clip(result, requant.low, requant.high)


def sign(value: npt.NDArray[Any]) -> Int64Array:
    """1 where ``value >= 0``, else -1: what a tensor of a single bit keeps."""
    return np.where(value < 0, np.int64(-1), np.int64(1))


def product_type(bound: int) -> type[np.floating[Any] | np.integer[Any]]:
    """The fastest type in which sums of integers up to ``bound`` in magnitude are exact."""
    if bound < 1 << 24:
        return np.float32
    if bound < 1 << 53:
        return np.float64
    return np.int64


def finish(
    sums: npt.NDArray[Any], bias: npt.NDArray[np.integer[Any]] | None, requant: Requant
) -> Int64Array:
    """Requantise accumulators that are exact in their own type, with bias and pre-shift too.

    In floating point a scaling by a power of two is exact and ``rint`` rounds half to even, so
    this equals :func:`requantise` in a fraction of its time. ``sums`` is overwritten.
    """
    if not np.issubdtype(sums.dtype, np.floating):
        return requantise(sums, bias, requant)
    scale = sums.dtype.type
    if requant.pre_shift:
        sums *= scale(2.0**requant.pre_shift)
    if bias is not None:
        sums += bias.astype(sums.dtype)
    factor: Any = scale(2.0**-requant.shift)
    if requant.negative_shift != requant.shift:
        factor = np.where(sums < 0, scale(2.0**-requant.negative_shift), factor)
    sums *= factor
    np.rint(sums, out=sums)
    np.clip(sums, requant.low, requant.high, out=sums)
    return sums.astype(np.int64)


def batches(count: int, elements: int) -> Iterator[slice]:
    """Slices of ``count`` images with temporaries of ``elements`` each, none of them too large."""
    step = max(1, _CHUNK_ELEMENTS // elements)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
