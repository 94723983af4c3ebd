# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Offsets of tensors in the arena."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 64


@dataclass(frozen=True)
class Lifetime:
    """A tensor's size and the layers between which its bytes must stay."""

    name: str
    nbytes: int
    first: int
    last: int


def align(value: int) -> int:
    """``value`` rounded up to the arena's alignment."""
    return -(-value // ALIGNMENT) * ALIGNMENT


def place(tensors: Sequence[Lifetime], *, reuse: bool) -> tuple[dict[str, int], int]:
    """Offsets by name and the bytes of the whole arena.

    With ``reuse`` tensors whose lifetimes do not meet may share bytes (first fit, in order of
    definition); else each has its own.
    """
    offsets: dict[str, int] = {}
    total = 0
    placed: list[tuple[int, int, Lifetime]] = []
    for tensor in tensors:
        size = align(tensor.nbytes)
        offset = total
        if reuse:
            offset = 0
            live = sorted(
                (start, end)
                for start, end, other in placed
                if other.last >= tensor.first and tensor.last >= other.first
            )
            for start, end in live:
                if offset + size <= start:
                    break
                offset = max(offset, end)
        offsets[tensor.name] = offset
        placed.append((offset, offset + size, tensor))
        total = max(total, offset + size)
    return offsets, total
