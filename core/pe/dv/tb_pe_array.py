# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_pe_array, for any provider: sums and their cycles, exactly."""

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
WORDS = PARAMETERS.get("Words", DRAIN)
BEATS = COLUMNS // WORDS
MAC, MAX, SUM, VEC = 0, 1, 2, 3
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
        beats: that are read of it, from the first.
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
        most = BEATS if op == MAC else DRAIN // WORDS
        self.beats = rng.choice([1, most, rng.randint(1, most)])
        for beat in range(self.beats):
            for j in range(WORDS):
                self.sums[beat, j] = [self._lane(beat, j, r) for r in range(ROWS)]

    def _lane(self, beat, j, r):
        channel = beat * WORDS + j
        if self.op == MAC:
            # Every channel has the lanes of pixels[0].
            return sum(pixels[0][r] * weights[channel] for pixels, weights in self.steps)
        if self.op == VEC:
            return sum(pixels[channel][r] * weights[channel] for pixels, weights in self.steps)
        lane = [pixels[channel][r] for pixels, _ in self.steps]
        return max(lane) if self.op == MAX else sum(lane)


@cocotb.test
@cocotb.parametrize(stall=(0.0, 0.5))
async def tiles_are_exact_and_come_when_they_are_due(dut, stall):
    dut = Pins(dut)
    rng = random.Random(random.getrandbits(64))
    dut.valid_i.value = dut.first_i.value = 0
    dut.op_i.value, dut.drain_index_i.value = 0, 0
    await start(dut)
    latency, index_latency = int(dut.latency_o.value), int(dut.index_latency_o.value)
    coming = {}  # (tile, beat) by the cycle of its sums
    op, ended = MAC, 0
    drained = 0  # the cycle from which on the next tile may end
    todo = deque()
    tile = None
    for cycle in range(60 * TILES):
        if not todo and ended < TILES and (tile is None or rng.random() >= stall):
            op = rng.choice([MAC, MAX, SUM, VEC]) if rng.random() < 0.3 else op
            tile = Tile(rng, op)
            todo = deque(enumerate(tile.steps))
        step = bool(todo) and rng.random() >= stall and (len(todo) > 1 or cycle >= drained)
        for signal in (dut.pixels_i, dut.weights_i, dut.first_i, dut.op_i):
            # Without valid_i they mean nothing.
            signal.value = rng.getrandbits(len(signal))
        dut.valid_i.value = int(step)
        if step:
            number, (pixels, weights) = todo.popleft()
            dut.op_i.value = op
            dut.first_i.value = int(number == 0)
            dut.pixels_i.value = pack((p for lanes in pixels for p in lanes), PIXEL_BITS)
            dut.weights_i.value = pack_weights(weights)
            if not todo:
                ended += 1
                drained = cycle + tile.beats
                for beat in range(tile.beats):
                    coming[cycle + latency + beat] = tile, beat
        _, index = coming.get(cycle + index_latency, (None, rng.randrange(BEATS)))
        dut.drain_index_i.value = index
        await ReadOnly()
        if cycle in coming:
            shown, beat = coming.pop(cycle)
            expected = [lane for j in range(WORDS) for lane in shown.sums[beat, j]]
            zeros = [0] * len(expected)
            sums, maxima = (zeros, expected) if shown.op == MAX else (expected, zeros)
            what = f"op {shown.op}, {len(shown.steps)} steps, beat {beat}"
            assert int(dut.sums_o.value) == pack(sums, SUM_BITS), what
            assert int(dut.maxima_o.value) == pack(maxima, PIXEL_BITS), what
        if ended == TILES and not coming:
            return
        await FallingEdge(dut.clk_i)
    raise AssertionError(f"only {ended} tiles came")
