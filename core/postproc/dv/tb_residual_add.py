# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_residual_add: every output cycle against rational numbers."""

from __future__ import annotations

import random
from collections import Counter, deque
from dataclasses import dataclass
from fractions import Fraction

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
ROWS, DRAIN, PIXEL_BITS = (PARAMETERS[name] for name in ("Rows", "Words", "PixelBits"))
WORD_BITS = -(-ROWS * PIXEL_BITS // 8) * 8
BINARY = PIXEL_BITS == 1  # a bit b is the pixel 1 - 2b
LOW, HIGH = (-1, 1) if BINARY else (-(1 << PIXEL_BITS - 1), (1 << PIXEL_BITS - 1) - 1)
LATENCY = 5
VIOLATION = PARAMETERS.get("violation")
LAYERS = 60
# From -1 to 1 only the ties at 1/2 and -1/2 are not clipped.
TIES = ["positive tie down", "negative tie up"]
if not BINARY:
    TIES += ["positive tie up", "negative tie down"]


@dataclass(frozen=True)
class Configuration:
    """The configuration inputs, by the names of the ports."""

    enable: bool
    own_shift: int
    other_shift: int
    shift: int
    negative_shift: int
    clip_low: int
    clip_high: int


def result(c: Configuration, own: int, other: int) -> tuple[int, str]:
    """Return z of docs/architecture.md and what kind of case it was (for coverage).

    Python's ``round`` of a Fraction rounds half to even.
    """
    value = own * 2**c.own_shift + other * 2**c.other_shift
    exact = Fraction(value, 2 ** (c.negative_shift if value < 0 else c.shift))
    rounded = round(exact)
    if rounded > c.clip_high:
        return c.clip_high, "above"
    if rounded < c.clip_low:
        return c.clip_low, "below"
    if exact.denominator == 2:
        sign = "negative" if exact < 0 else "positive"
        return rounded, f"{sign} tie {'up' if rounded > exact else 'down'}"
    return rounded, "exact" if exact.denominator == 1 else "inexact"


def words_of(channels: list[list[int]]) -> int:
    """Join channels of lanes to a beat: each word in whole bytes, padded with zeros."""
    packed = 0
    for j, lanes in enumerate(channels):
        for r, lane in enumerate(lanes):
            stored = int(lane < 0) if BINARY else lane & ((1 << PIXEL_BITS) - 1)
            packed |= stored << j * WORD_BITS + r * PIXEL_BITS
    return packed


def random_configuration(rng):
    """Draw a configuration, often one in which the two operands meet at the rounding bit."""
    own_shift, other_shift = (
        rng.choice([0, 0, rng.randrange(16)]),
        rng.choice([0, rng.randrange(16)]),
    )
    shift = rng.choice(
        [0, 1, rng.randrange(20), min(own_shift, other_shift) + 1, rng.randrange(64)]
    )
    negative = rng.choice([shift, min(63, shift + rng.randrange(4)), rng.randrange(64)])
    if BINARY and rng.randrange(3) == 0:
        # Signs meet at a half only where one of them counts twice as much as the other.
        own_shift = min(other_shift + 1, 15)
        shift = negative = other_shift + 1
    low, high = rng.choice([(LOW, HIGH), (0, HIGH), None]) or sorted(
        rng.randint(LOW, HIGH) for _ in range(2)
    )
    return Configuration(True, own_shift, other_shift, shift, negative, low, high)


def draw(rng):
    if BINARY:
        return rng.choice([LOW, HIGH])
    return rng.choice(
        [LOW, HIGH, rng.randint(-3, 3), rng.randint(LOW, HIGH), rng.randint(LOW, HIGH)]
    )


class Bench:
    """Moves the design cycle by cycle and compares every cycle's outputs."""

    def __init__(self, dut):
        self.dut = Pins(dut)
        self.rng = random.Random(random.getrandbits(64))
        self.seen: Counter[str] = Counter()
        # What has to be on the outputs, from this cycle on: (data, words, last) or None.
        self.due = deque([None] * LATENCY)

    async def open(self):
        self.configure(Configuration(False, 0, 0, 0, 0, LOW, HIGH))
        self.dut.in_valid_i.value = 0
        await start(self.dut)

    def configure(self, configuration):
        dut, c = self.dut, configuration
        self.configuration = c
        dut.enable_i.value = int(c.enable)
        dut.own_shift_i.value, dut.other_shift_i.value = c.own_shift, c.other_shift
        dut.shift_i.value, dut.negative_shift_i.value = c.shift, c.negative_shift
        dut.clip_low_i.value, dut.clip_high_i.value = c.clip_low, c.clip_high

    async def cycle(self, beat=None):
        """One cycle with a beat (own, other, words), or without one; inputs mean nothing then."""
        dut, rng = self.dut, self.rng
        for signal in (dut.in_data_i, dut.other_i, dut.in_words_i, dut.in_last_i):
            signal.value = rng.getrandbits(len(signal))
        dut.in_valid_i.value = int(beat is not None)
        expected = None
        if beat is not None:
            own, other, count = beat
            last = rng.randrange(2)
            # Post-processing leaves zeros in words that are none; the operand anything.
            data = words_of([lanes if j < count else [0] * ROWS for j, lanes in enumerate(own)])
            dut.in_data_i.value, dut.other_i.value = data, words_of(other)
            dut.in_words_i.value, dut.in_last_i.value = count, last
            expected = (
                self.sums(own, other, count) if self.configuration.enable else data,
                count,
                last,
            )
        if self.configuration.enable:
            self.due.append(expected)
            expected = self.due.popleft()
        await ReadOnly()
        assert bool(int(dut.out_valid_o.value)) == (expected is not None), self.configuration
        if expected is not None:
            got = (int(dut.out_data_o.value), int(dut.out_words_o.value), int(dut.out_last_o.value))
            assert got == expected, f"{self.configuration}: {got[0]:#x}, not {expected[0]:#x}"
        await FallingEdge(dut.clk_i)

    def sums(self, own, other, count):
        channels = []
        for j in range(count):
            found = [
                result(self.configuration, *pair) for pair in zip(own[j], other[j], strict=True)
            ]
            self.seen.update(kind for _, kind in found)
            channels.append([z for z, _ in found])
        return words_of(channels)

    async def flush(self):
        for _ in range(LATENCY):
            await self.cycle()

    def beat(self, count=None):
        own, other = (
            [[draw(self.rng) for _ in range(ROWS)] for _ in range(DRAIN)] for _ in range(2)
        )
        return own, other, count or self.rng.choice([DRAIN, self.rng.randint(1, DRAIN)])


@cocotb.test(skip=VIOLATION is not None)
@cocotb.parametrize(stall=(0.0, 0.5))
async def random_additions_are_exact(dut, stall):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS + 1500 // (ROWS * DRAIN)):
        bench.configure(random_configuration(bench.rng))
        for _ in range(bench.rng.randrange(1, 12)):
            await bench.cycle(bench.beat() if bench.rng.random() >= stall else None)
        await bench.flush()
    missing = {*TIES, "above", "below", "exact", "inexact"} - set(bench.seen)
    assert not missing, f"never seen: {missing} in {bench.seen}"


@cocotb.test(skip=VIOLATION is not None)
async def every_shift_rounds_half_to_even(dut):
    """Shifts 0 to 63, both signs: values around each tie that two operands can make."""
    bench = Bench(dut)
    await bench.open()
    pairs = [(a, b) for a in (LOW, LOW + 1, -3, -2, -1, 0, 1, 2, 3, HIGH - 1, HIGH)
             for b in (LOW, -1, 0, 1, HIGH)]  # fmt: skip
    if BINARY:
        pairs = [(a, b) for a in (LOW, HIGH) for b in (LOW, HIGH)]
    for shift in range(64):
        # The own operand reaches the bits above the rounding bit, the other one those below.
        for own_shift, other_shift in {
            (max(0, min(15, shift - 1)), 0),
            (0, min(15, shift)),
            (15, 15),
        }:
            bench.configure(Configuration(True, own_shift, other_shift, shift, shift, LOW, HIGH))
            for first in range(0, len(pairs), ROWS * DRAIN):
                part = pairs[first : first + ROWS * DRAIN]
                part += [(HIGH, HIGH)] * (ROWS * DRAIN - len(part))
                rows = [part[j * ROWS : (j + 1) * ROWS] for j in range(DRAIN)]
                own, other = ([[pair[k] for pair in lanes] for lanes in rows] for k in (0, 1))
                await bench.cycle((own, other, DRAIN))
            await bench.flush()
    missing = set(TIES) - set(bench.seen)
    assert not missing, f"never seen: {missing} in {bench.seen}"


@cocotb.test(skip=VIOLATION is not None)
async def without_an_addition_beats_pass_in_the_same_cycle(dut):
    bench = Bench(dut)
    await bench.open()
    for enable in (False, True, False):
        c = random_configuration(bench.rng)
        bench.configure(c if enable else Configuration(False, 3, 5, 7, 9, -1, 0))
        for _ in range(30):
            await bench.cycle(bench.beat() if bench.rng.randrange(3) else None)
        await bench.flush()


@cocotb.test(skip=VIOLATION is not None)
async def reset_forgets_what_is_inside(dut):
    bench = Bench(dut)
    dut, rng = bench.dut, bench.rng
    await bench.open()
    for _ in range(12):
        bench.configure(random_configuration(rng))
        for _ in range(rng.randint(1, LATENCY + 2)):
            await bench.cycle(bench.beat() if rng.randrange(3) else None)
        dut.rst_ni.value = 0
        bench.due = deque([None] * LATENCY)
        for _ in range(rng.randint(1, LATENCY + 1)):
            await bench.cycle()
        dut.rst_ni.value = 1
        await bench.flush()
        await bench.cycle(bench.beat())
        await bench.flush()


@cocotb.test(skip=VIOLATION is None)
async def illegal_use_is_reported(dut):
    """Break one rule of the contract; the launcher expects the assertion of that name."""
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    bench.configure(Configuration(True, 0, 0, 1, 1, LOW, HIGH))
    await bench.cycle()
    await bench.cycle(bench.beat() if VIOLATION == "ConfigurationStable_A" else None)
    dut.in_valid_i.value = 1
    dut.in_words_i.value = DRAIN
    if VIOLATION == "ConfigurationStable_A":
        dut.in_valid_i.value = 0
        changed = bench.rng.choice(
            [dut.enable_i, dut.own_shift_i, dut.other_shift_i, dut.shift_i, dut.negative_shift_i]
        )
        changed.value = 1 - changed.value
    elif VIOLATION == "WordsLegal_A":
        dut.in_words_i.value = 0
    elif VIOLATION == "ClipsOrdered_A":
        dut.clip_low_i.value, dut.clip_high_i.value = 1, 0
    elif VIOLATION == "ClipsFitPixels_A":
        dut.clip_low_i.value = LOW - 2
    else:
        raise ValueError(f"unknown violation {VIOLATION}")
    await FallingEdge(dut.clk_i)
    await FallingEdge(dut.clk_i)
