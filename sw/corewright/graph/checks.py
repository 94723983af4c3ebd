# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What nodes check their fields with: each raises :class:`GraphError`, which says what is legal."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign, number_range
from corewright.graph.errors import GraphError

IntArray = npt.NDArray[np.integer[Any]]

MAX_BITS = 32
MAX_FRACTION = 64
# What is known of each channel is kept in memory; no hardware comes near.
MAX_CHANNELS = 1 << 20


def checked_integer(where: str, what: str, value: object, low: int, high: int) -> int:
    """Return ``value`` as an int in [low, high]; raise :class:`GraphError` otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise GraphError(f"{where}: {what} is {value!r}, legal is an integer {low}..{high}")
    number = int(value)
    if not low <= number <= high:
        raise GraphError(f"{where}: {what} is {number}, legal is {low}..{high}")
    return number


def checked_integers(
    where: str, what: str, values: object, count: int, low: int, high: int
) -> tuple[int, ...]:
    """Return ``values`` as ``count`` ints in [low, high]; raise :class:`GraphError` otherwise."""
    if not isinstance(values, (tuple, list)) or len(values) != count:
        raise GraphError(f"{where}: {what} is {values!r}, legal are {count} integers {low}..{high}")
    return tuple(checked_integer(where, what, value, low, high) for value in values)


def checked_name(where: str, value: object) -> str:
    """Return ``value`` if it can be a name; raise :class:`GraphError` otherwise."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise GraphError(f"{where}: name is {value!r}, legal is a non-empty printable string")
    return value


def checked_weights(where: str, value: object, dimensions: int, bits: int) -> npt.NDArray[np.int32]:
    """Validate weights and return a read-only contiguous int32 copy; a single bit is -1 or 1."""
    array = np.asarray(value)
    if array.ndim != dimensions or not np.issubdtype(array.dtype, np.integer) or array.size == 0:
        raise GraphError(
            f"{where}: weights have shape {array.shape} and type {array.dtype}, "
            f"legal are {dimensions} non-empty dimensions of integers"
        )
    low, high = number_range(bits)
    if int(array.min()) < low or int(array.max()) > high:
        raise GraphError(
            f"{where}: weights span {int(array.min())}..{int(array.max())}, "
            f"legal for weight_bits={bits} is {low}..{high}"
        )
    if is_sign(bits) and not array.all():
        raise GraphError(f"{where}: weights hold 0, legal for weight_bits=1 are -1 and 1")
    result = np.array(array, dtype=np.int32, order="C")
    result.flags.writeable = False
    return result


def checked_bias(where: str, value: object, channels: int) -> npt.NDArray[np.int64] | None:
    """Validate a bias of 48 signed bits and return a read-only int64 copy of it."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.shape != (channels,) or not np.issubdtype(array.dtype, np.integer):
        raise GraphError(
            f"{where}: bias has shape {array.shape} and type {array.dtype}, "
            f"legal is None or ({channels},) integers"
        )
    limit = 1 << 47
    if int(array.min()) < -limit or int(array.max()) >= limit:
        raise GraphError(
            f"{where}: bias spans {int(array.min())}..{int(array.max())}, legal are 48 signed bits"
        )
    result = np.array(array, dtype=np.int64, order="C")
    result.flags.writeable = False
    return result
