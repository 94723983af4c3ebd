# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the benches of the engine's blocks share: packing, descriptors, the two edges of a cycle."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cocotb.triggers import FallingEdge, ReadOnly

from corewright.program.format import encode_descriptor


def pack(values: Iterable[int], bits: int) -> int:
    """Join values of ``bits`` bits (two's complement), the first in the lowest bits."""
    packed = 0
    for index, value in enumerate(values):
        packed |= (value & ((1 << bits) - 1)) << index * bits
    return packed


def unpack(packed: int, bits: int, count: int) -> list[int]:
    """Split into ``count`` unsigned values of ``bits`` bits, the lowest first."""
    return [(packed >> index * bits) & ((1 << bits) - 1) for index in range(count)]


def signed(value: int, bits: int) -> int:
    """Read the lowest ``bits`` bits as two's complement."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def descriptor_words(fields: Mapping[str, int]) -> int:
    """Return a descriptor as the value of a ``words_i`` port."""
    return int.from_bytes(encode_descriptor(fields), "little")


def scramble(rng: random.Random, *signals: Any) -> None:
    """Put nonsense on inputs that must not matter now."""
    for signal in signals:
        signal.value = rng.getrandbits(len(signal))


def beats_of(
    memory: bytes, address: int, offset: int, size: int, axi_bytes: int
) -> Iterator[tuple[int, int, int]]:
    """Yield a command's beats (data, bytes, last) as the reader gives them.

    Args:
        memory: the window's bytes.
        address: of the command on the bus; the first beat ends at the next multiple of axi_bytes.
        offset: of the same byte in ``memory``.
        size: bytes of the command, at least 1.
        axi_bytes: bytes of a full beat.
    """
    first = axi_bytes - address % axi_bytes
    at, left = offset, size
    while left:
        count = min(left, first)
        data = int.from_bytes(memory[at : at + count], "little")
        at, left, first = at + count, left - count, axi_bytes
        yield data, count, int(left == 0)


class Chance:
    """Coin flips with rare long runs of tails, which fill and drain every buffer on the way."""

    def __init__(self, rng: random.Random, stall: float) -> None:
        self._rng = rng
        self._stall = stall
        self._run = 0

    def go(self) -> bool:
        """Decide whether something may happen in this cycle."""
        if self._run:
            self._run -= 1
            return False
        if self._stall == 0.0:
            return True
        if self._rng.random() < 0.02:
            self._run = self._rng.randrange(5, 30)
        return self._rng.random() >= self._stall


async def drive_phase(dut: Any) -> None:
    """Wait until inputs for the next rising edge may be set."""
    await FallingEdge(dut.clk_i)


async def sample_phase() -> None:
    """Wait until all signals have settled before the rising edge."""
    await ReadOnly()
