# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_crc32 against zlib: after each cycle the checksum of what has come so far."""

from __future__ import annotations

import random
import zlib

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from corewright.testing.axis import start
from corewright.testing.pins import Pins

EMPTY = zlib.crc32(b"")


class Bench:
    """The checksum, driven a cycle at a time."""

    def __init__(self, dut):
        self.dut = Pins(dut)
        self.rng = random.Random(random.getrandbits(64))
        self.message = b""

    async def open(self):
        self.dut.clear_i.value = 0
        self.dut.words_i.value = 0
        await start(self.dut)

    async def cycle(self, words, data=None, clear=False):
        """Give words from the low end of ``data`` (random: those that do not count, too)."""
        dut = self.dut
        data = self.rng.getrandbits(64) if data is None else data
        dut.words_i.value, dut.data_i.value, dut.clear_i.value = words, data, int(clear)
        await ReadOnly()
        # What comes in this cycle does not count yet.
        assert dut.crc_o.value == zlib.crc32(self.message)
        await FallingEdge(dut.clk_i)
        self.message += data.to_bytes(8, "little")[: 4 * words]
        if clear:
            self.message = b""


@cocotb.test
async def reset_begins_a_message(dut):
    bench = Bench(dut)
    await bench.open()
    await ReadOnly()
    assert bench.dut.crc_o.value == EMPTY


@cocotb.test
async def any_mix_of_none_one_and_two_words_is_the_checksum_of_the_message(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(200):
        await bench.cycle(bench.rng.choice((0, 1, 1, 2, 2)))
    await bench.cycle(0)
    # Of every single bit, in both places.
    for bit in range(64):
        await bench.cycle(0, clear=True)
        await bench.cycle(2, data=1 << bit)
        await bench.cycle(0)


@cocotb.test
async def clear_begins_anew_and_wins_over_words(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(60):
        for _ in range(bench.rng.randrange(4)):
            await bench.cycle(bench.rng.randrange(3))
        await bench.cycle(bench.rng.randrange(3), clear=True)
    await bench.cycle(0)


@cocotb.test
async def reset_ends_a_message_at_once(dut):
    bench = Bench(dut)
    await bench.open()
    await bench.cycle(2)
    await bench.cycle(0)
    bench.dut.rst_ni.value = 0
    await ReadOnly()
    assert bench.dut.crc_o.value == EMPTY
