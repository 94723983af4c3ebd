# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_pe_array, for any provider: sums and their cycle, exactly."""

from __future__ import annotations

import random
from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
ROWS, COLUMNS, DRAIN, PIXEL_BITS, WEIGHT_BITS, SUM_BITS = (
    PARAMETERS[name] for name in ("Rows", "Columns", "Drain", "PixelBits", "WeightBits", "SumBits")
)
BEATS = COLUMNS // DRAIN
MAC, MAX, SUM, VEC = 0, 1, 2, 3
LATENCY = 3  # from last_i to tile_valid_o
TILES = 150


def pack(values, bits):
    return sum((value & ((1 << bits) - 1)) << index * bits for index, value in enumerate(values))


def draw(rng, bits, extreme):
    """A signed value; extreme: one of the two ends, which make the largest sums."""
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return rng.choice([low, high]) if extreme else rng.randint(low, high)


def draw_weight(rng, extreme):
    """A weight: a single bit is +1 or -1."""
    return rng.choice([1, -1]) if WEIGHT_BITS == 1 else draw(rng, WEIGHT_BITS, extreme)


def pack_weights(weights):
    """A row of weights: a single bit says that the weight is negative."""
    return pack([int(w < 0) for w in weights] if WEIGHT_BITS == 1 else weights, WEIGHT_BITS)


class Tile:
    """A tile's steps and what they come to.

    Attributes:
        steps: (pixels[j][r], weights[channel]) of each step.
        sums: {(beat, j): lanes} of what the drain has to deliver.
    """

    def __init__(self, rng, op):
        self.op = op
        extreme = rng.random() < 0.2
        self.steps = [
            (
                [[draw(rng, PIXEL_BITS, extreme) for _ in range(ROWS)] for _ in range(DRAIN)],
                [draw_weight(rng, extreme) for _ in range(COLUMNS)],
            )
            for _ in range(rng.choice([1, 1, 2, 3, rng.randint(1, 20)]))
        ]
        self.sums = {}
        for beat in range(BEATS if op == MAC else 1):
            for j in range(DRAIN):
                self.sums[beat, j] = [self._lane(beat, j, r) for r in range(ROWS)]

    def _lane(self, beat, j, r):
        if self.op == MAC:
            # Drain beat t delivers channels t*D .. t*D+D-1, each times the lanes of pixels[0].
            return sum(pixels[0][r] * weights[beat * DRAIN + j] for pixels, weights in self.steps)
        if self.op == VEC:
            return sum(pixels[j][r] * weights[j] for pixels, weights in self.steps)
        lane = [pixels[j][r] for pixels, _ in self.steps]
        return max(lane) if self.op == MAX else sum(lane)


@cocotb.test
@cocotb.parametrize(stall=(0.0, 0.5))
async def tiles_are_exact_and_come_three_cycles_after_their_end(dut, stall):
    dut = Pins(dut)
    rng = random.Random(random.getrandbits(64))
    dut.valid_i.value = dut.last_i.value = dut.first_i.value = 0
    dut.op_i.value, dut.drain_index_i.value = 0, 0
    await start(dut)
    coming = deque()  # (cycle of tile_valid_o, tile)
    shown, op, seen = None, MAC, 0
    todo = deque()
    tile = None
    for cycle in range(60 * TILES):
        if not todo and (tile is None or rng.random() >= stall):
            op = rng.choice([MAC, MAX, SUM, VEC]) if rng.random() < 0.3 else op
            tile = Tile(rng, op)
            todo = deque(enumerate(tile.steps))
        step = bool(todo) and rng.random() >= stall
        for signal in (dut.pixels_i, dut.weights_i, dut.first_i, dut.last_i):
            # Without valid_i they mean nothing.
            signal.value = rng.getrandbits(len(signal))
        dut.valid_i.value = int(step)
        dut.op_i.value = op
        if step:
            number, (pixels, weights) = todo.popleft()
            dut.first_i.value, dut.last_i.value = int(number == 0), int(not todo)
            dut.pixels_i.value = pack((p for lanes in pixels for p in lanes), PIXEL_BITS)
            dut.weights_i.value = pack_weights(weights)
            if not todo:
                coming.append((cycle + LATENCY, tile))
        index = rng.randrange(BEATS)
        dut.drain_index_i.value = index
        await ReadOnly()
        due = bool(coming) and coming[0][0] == cycle
        assert int(dut.tile_valid_o.value) == due
        if due:
            shown = coming.popleft()[1]
            seen += 1
        if shown is not None:
            sums = int(dut.sums_o.value)
            for j in range(DRAIN):
                if (index, j) in shown.sums:
                    got = sums >> j * ROWS * SUM_BITS & ((1 << ROWS * SUM_BITS) - 1)
                    assert got == pack(shown.sums[index, j], SUM_BITS), (
                        f"op {shown.op}, {len(shown.steps)} steps, beat {index}, channel {j}"
                    )
        if seen == TILES:
            return
        await FallingEdge(dut.clk_i)
    raise AssertionError(f"only {seen} tiles came")
