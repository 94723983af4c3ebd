# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_pixel_buffer: random writes and reads against a table of (bank, row, slot)."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

import cocotb
from cocotb.clock import Clock
from engine_bench import drive_phase, pack, sample_phase, scramble, unpack

from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
ROWS, DRAIN, BITS, DEPTH = (PARAMETERS[n] for n in ("Rows", "Drain", "PixelBits", "Depth"))
# Visited often, so that reads find what was written, and writes what is there.
NEAR = min(DEPTH, 5)
ROW_BITS = max(1, (DEPTH - 1).bit_length())
LANE_BITS = max(1, (ROWS - 1).bit_length())
COUNT_BITS = ROWS.bit_length()


@dataclass(frozen=True)
class Run:
    """One of the two runs of consecutive lanes of a write."""

    row: int
    row_next: int
    lane: int
    count: int
    lanes: int


def spans(rng):
    """(lane, count) of two runs that share no bank, in any order; a count may be 0."""
    lane = rng.randrange(ROWS)
    first = rng.randint(1, ROWS)
    gap = rng.randint(0, ROWS - first)
    second = rng.randint(0, ROWS - first - gap)
    found = [(lane, first), ((lane + first + gap) % ROWS, second)]
    return found if rng.randrange(2) else found[::-1]


def places(lane, row, row_next, count):
    """(bank, row) of lanes 0 .. count-1."""
    for index in range(count):
        wraps, bank = divmod(lane + index, ROWS)
        yield bank, (row, row_next)[wraps]


@cocotb.test
@cocotb.parametrize(rate=(0.3, 0.9, 1.0))
async def a_read_sees_every_earlier_write_two_cycles_later(dut, rate):
    dut = Pins(dut)
    rng = random.Random(random.getrandbits(64))
    cocotb.start_soon(Clock(dut.clk_i, 10, unit="ns").start(start_high=False))
    table = {}  # (bank, row, slot): value
    reads = deque([None, None])
    checked = wrapped = doubled = 0

    def any_row():
        return rng.randrange(NEAR) if rng.random() < 0.9 else rng.randrange(DEPTH)

    for _ in range(3000):
        await drive_phase(dut)
        write = rng.random() < rate
        scramble(rng, dut.wr_lanes_i, dut.wr_slot_i, dut.rd_row_i, dut.rd_row_next_i)
        dut.wr_en_i.value = int(write)
        slot = rng.randrange(DRAIN)
        runs = [
            Run(any_row(), any_row(), *span, rng.getrandbits(ROWS * BITS)) for span in spans(rng)
        ]
        dut.wr_slot_i.value = slot
        dut.wr_row_i.value = pack((run.row for run in runs), ROW_BITS)
        dut.wr_row_next_i.value = pack((run.row_next for run in runs), ROW_BITS)
        dut.wr_lane_i.value = pack((run.lane for run in runs), LANE_BITS)
        dut.wr_count_i.value = pack((run.count for run in runs), COUNT_BITS)
        dut.wr_lanes_i.value = pack((run.lanes for run in runs), ROWS * BITS)
        written = {}
        for run in runs if write else ():
            values = unpack(run.lanes, BITS, ROWS)
            for index, place in enumerate(places(run.lane, run.row, run.row_next, run.count)):
                written[*place, slot] = values[index]
        doubled += write and all(run.count for run in runs)
        due = {}
        row, row_next, lane = any_row(), any_row(), rng.randrange(ROWS)
        dut.rd_row_i.value, dut.rd_row_next_i.value, dut.rd_lane_i.value = row, row_next, lane
        for index, (bank, at) in enumerate(places(lane, row, row_next, ROWS)):
            for j in range(DRAIN):
                # What is written in this very cycle reads as anything.
                if (bank, at, j) in table and (bank, at, j) not in written:
                    due[j * ROWS + index] = table[bank, at, j]
        wrapped += lane > 0
        reads.append(due)
        table.update(written)
        await sample_phase()
        due = reads.popleft()
        if due:
            got = unpack(int(dut.rd_pixels_o.value), BITS, DRAIN * ROWS)
            for index, value in due.items():
                assert got[index] == value, f"pixel {divmod(index, ROWS)}: {got[index]} not {value}"
            checked += len(due)
    assert checked > 300 * ROWS, "the bench hardly checked anything"
    assert (wrapped and doubled > 100) or ROWS == 1
