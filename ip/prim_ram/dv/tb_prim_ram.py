# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bench of cw_ram_1r1w, the same for every provider; run it with pytest test_prim_ram.py."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

WIDTH = bench_parameters().get("Width", 32)
DEPTH = bench_parameters().get("Depth", 512)
SLOT_BITS = bench_parameters().get("SlotBits", WIDTH)
SLOTS = WIDTH // SLOT_BITS
# A collision returns unspecified data here, and the old word in the inferred providers.
COLLISION_READS_OLD = bench_parameters().get("CollisionReadsOld", False)


def slot_mask(slots):
    mask = 0
    for slot in range(SLOTS):
        if slots >> slot & 1:
            mask |= ((1 << SLOT_BITS) - 1) << (slot * SLOT_BITS)
    return mask


class Model:
    """Drives one access a cycle and knows what must be read."""

    def __init__(self, dut):
        self.dut = Pins(dut)
        self.words = [None] * DEPTH
        self.expected = None
        self.known = 0

    async def start(self):
        self.dut.clk_i.value = 0
        self.dut.we_i.value = 0
        self.dut.re_i.value = 0
        cocotb.start_soon(Clock(self.dut.clk_i, 10, unit="ns").start(start_high=False))
        await FallingEdge(self.dut.clk_i)

    async def cycle(self, write=None, read=None):
        """Write (address, data, slots) and read an address, then compare rdata_o."""
        dut = self.dut
        address, data, slots = write or (random.randrange(DEPTH), random.getrandbits(WIDTH), 0)
        dut.we_i.value = int(write is not None)
        dut.waddr_i.value = address
        dut.wdata_i.value = data
        # Slots mean nothing without the write enable.
        dut.wslot_i.value = slots if write else random.getrandbits(SLOTS)
        dut.re_i.value = int(read is not None)
        dut.raddr_i.value = random.randrange(DEPTH) if read is None else read
        if read is not None and self.words[read] is not None:
            self.expected = self.words[read]
            collides = write is not None and read == address
            unknown = slot_mask(slots) if collides and not COLLISION_READS_OLD else 0
            self.known = ~unknown & ((1 << WIDTH) - 1)
        elif read is not None:
            self.known = 0
            self.expected = 0
        if write is not None:
            mask = slot_mask(slots)
            self.words[address] = ((self.words[address] or 0) & ~mask) | (data & mask)
        await FallingEdge(dut.clk_i)
        if self.expected is not None:
            got = int(dut.rdata_o.value)
            assert got & self.known == self.expected & self.known


@cocotb.test
async def every_word_keeps_what_was_written(dut):
    model = Model(dut)
    await model.start()
    for address in range(DEPTH):
        await model.cycle(write=(address, random.getrandbits(WIDTH), (1 << SLOTS) - 1))
    for address in random.sample(range(DEPTH), DEPTH):
        await model.cycle(read=address)


@cocotb.test
async def random_accesses_slots_and_collisions(dut):
    model = Model(dut)
    await model.start()
    for address in range(DEPTH):
        await model.cycle(write=(address, random.getrandbits(WIDTH), (1 << SLOTS) - 1))
    # Few addresses, so that accesses meet.
    hot = [0, DEPTH - 1, *(random.randrange(DEPTH) for _ in range(3))]
    collisions = 0
    for _ in range(2000):
        write = read = None
        if random.random() < 0.6:
            write = (random.choice(hot), random.getrandbits(WIDTH), random.getrandbits(SLOTS))
        if random.random() < 0.6:
            read = random.choice(hot)
        collisions += write is not None and write[0] == read
        await model.cycle(write, read)
    assert collisions > 50


@cocotb.test
async def read_data_holds_without_read_enable(dut):
    model = Model(dut)
    await model.start()
    first = random.getrandbits(WIDTH)
    await model.cycle(write=(0, first, (1 << SLOTS) - 1))
    await model.cycle(read=0)
    for _ in range(20):
        # Also while the very word is overwritten.
        await model.cycle(write=(0, random.getrandbits(WIDTH), (1 << SLOTS) - 1))
        assert int(dut.rdata_o.value) == first
