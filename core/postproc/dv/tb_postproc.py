# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_postproc: every output cycle against the exact model."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Sequence

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge
from postproc_model import Beat, Configuration, Shape, words

from corewright.facts.widths import post_bits
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
SHAPE = Shape(
    rows=PARAMETERS["Rows"],
    drain=PARAMETERS["Words"],
    pixel_bits=PARAMETERS["PixelBits"],
    sum_bits=PARAMETERS["SumBits"],
    post_bits=PARAMETERS.get("PostBits", post_bits(PARAMETERS["SumBits"])),
    count_bits=PARAMETERS.get("CountBits", 16),
)
AVERAGE_BEATS = PARAMETERS.get("AverageBeats", 1)
VIOLATION = PARAMETERS.get("violation")
LANES = SHAPE.rows * SHAPE.drain
PIXEL_LOW, PIXEL_HIGH = SHAPE.pixel_limits


def limits(bits: int) -> tuple[int, int]:
    return -(1 << bits - 1), (1 << bits - 1) - 1


def clamp(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def pack(values: Iterable[int], bits: int) -> int:
    packed = 0
    for index, value in enumerate(values):
        packed |= (value & ((1 << bits) - 1)) << index * bits
    return packed


class Bench:
    """Moves the design cycle by cycle: outputs are read and inputs driven at the falling edge."""

    def __init__(self, dut, rng):
        self.dut = dut = Pins(dut)
        self.rng = rng
        self.seen: Counter[str] = Counter()
        self.cycle = 0
        # (cycle in which the result must be there, data, specified bits, words, last)
        self.expected: deque[tuple[int, int, int, int, bool]] = deque()
        # Until then the divider has lanes of the beats before.
        self.divided = 0
        self.inputs = [
            dut.sums_i,
            dut.maxima_i,
            dut.bias_i,
            dut.counts_i,
            dut.in_words_i,
            dut.in_last_i,
        ]

    async def start(self):
        dut = self.dut
        cocotb.start_soon(Clock(dut.clk_i, 10, unit="ns").start())
        self.configure(Configuration(0, 0, 0, 0, 0))
        self.idle()
        dut.rst_ni.value = 0
        await FallingEdge(dut.clk_i)
        await FallingEdge(dut.clk_i)
        dut.rst_ni.value = 1
        self.latency = int(dut.latency_o.value)
        self.average_cycles = int(dut.average_cycles_o.value)
        self.average_latency = int(dut.average_latency_o.value)
        # Of the contract: two bits of the quotient a stage, 16 of them behind the point. Whoever
        # waits for an average (a clear, the compiler's cycles) counts on it.
        stages = -(-(SHAPE.pixel_bits + 16) // 2)
        assert self.average_latency == SHAPE.rows * SHAPE.drain + 1 + stages + 1 + self.latency

    def configure(self, configuration):
        dut = self.dut
        self.configuration = c = configuration
        dut.pre_shift_i.value = c.pre_shift
        dut.shift_i.value = c.shift
        dut.negative_shift_i.value = c.negative_shift
        dut.clip_low_i.value = c.clip_low
        dut.clip_high_i.value = c.clip_high
        dut.bias_enable_i.value = int(c.bias_enable)
        dut.average_i.value = int(c.average)
        dut.round_first_i.value = int(c.round_first)

    def idle(self):
        """Offer nothing; what stands on the inputs then must not matter."""
        self.dut.in_valid_i.value = 0
        for signal in self.inputs:
            signal.value = self.rng.getrandbits(len(signal))

    def offer(self, beat):
        dut = self.dut
        dut.in_valid_i.value = 1
        sums = [s for lanes in beat.sums for s in lanes]
        maxima = [0] * LANES
        if self.are_maxima(sums):
            sums, maxima = maxima, sums
        dut.sums_i.value = pack(sums, SHAPE.sum_bits)
        dut.maxima_i.value = pack(maxima, max(SHAPE.pixel_bits, 2))
        dut.counts_i.value = pack(beat.counts, SHAPE.count_bits)
        dut.in_words_i.value = beat.words
        dut.in_last_i.value = int(beat.last)
        data, mask = words(SHAPE, self.configuration, beat, self.seen)
        due = self.cycle + self.latency
        if self.configuration.average:
            # Beats are divided one behind the other.
            self.divided = max(self.divided, self.cycle) + self.average_cycles
            due = self.divided + self.average_latency - self.average_cycles
        self.expected.append((due, data, mask, beat.words, beat.last))

    def are_maxima(self, sums):
        """Whether a beat comes as maxima, which stand in the place of the bias."""
        c = self.configuration
        if c.bias_enable or c.average or self.rng.random() < 0.5:
            return False
        fit = all(PIXEL_LOW <= s <= PIXEL_HIGH for s in sums)
        self.seen["maxima"] += fit
        return fit

    def bias(self, beat):
        self.dut.bias_i.value = pack(beat.bias, SHAPE.post_bits)

    async def step(self):
        """Let a clock edge pass, then compare the outputs."""
        dut = self.dut
        await FallingEdge(dut.clk_i)
        self.cycle += 1
        due = bool(self.expected) and self.expected[0][0] == self.cycle
        assert int(dut.out_valid_o.value) == due, (
            f"cycle {self.cycle}: out_valid_o is {int(dut.out_valid_o.value)}, expected {due}"
        )
        if due:
            _, data, mask, count, last = self.expected.popleft()
            got = int(dut.out_data_o.value)
            assert got & mask == data, (
                f"{self.configuration}: got {got & mask:#x}, expected {data:#x}"
            )
            assert int(dut.out_words_o.value) == count
            assert int(dut.out_last_o.value) == last

    async def run(
        self, configuration: Configuration, beats: Sequence[Beat], cycles: int | None = None
    ):
        """Send beats as fast as their gaps and the divider allow; return when all have left.

        With ``cycles``, or after so many.
        """
        self.configure(configuration)
        slots: list[Beat | None] = []
        divided = [0] * AVERAGE_BEATS  # when each of the last ones will be
        for beat in beats:
            slots += [None] * beat.gap
            if configuration.average:
                slots += [None] * max(0, divided[-AVERAGE_BEATS] - len(slots))
                divided.append(max(divided[-1], len(slots)) + self.average_cycles)
            slots.append(beat)
        end = None if cycles is None else self.cycle + cycles
        for beat, after in zip([None, *slots], [*slots, None], strict=True):
            if self.cycle == end:
                return
            self.idle()
            if beat is not None:
                self.offer(beat)
            # A beat's bias stands a cycle before it.
            if after is not None:
                self.bias(after)
            await self.step()
        self.idle()
        while self.expected and self.cycle != end:
            await self.step()


def random_clips(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return PIXEL_LOW, PIXEL_HIGH
    if kind == 1:
        return 0, PIXEL_HIGH
    low, high = sorted(rng.randint(PIXEL_LOW, PIXEL_HIGH) for _ in range(2))
    return low, high


def random_configuration(rng, average):
    low, high = random_clips(rng)
    shift = rng.choice([0, 1, 2, rng.randrange(48), rng.randrange(24), 47, 63])
    leaky = rng.choice([0, 0, 1, 3, rng.randrange(16)])
    return Configuration(
        pre_shift=rng.choice([0, 0, 15, rng.randrange(16)]),
        shift=shift,
        negative_shift=min(63, shift + leaky) if rng.random() < 0.9 else rng.randrange(64),
        clip_low=low,
        clip_high=high,
        bias_enable=not average and rng.random() < 0.7,
        average=average,
        round_first=average and rng.random() < 0.5,
    )


def interesting_quotient(rng, c):
    """Return (twice the wanted result, a small offset): ties, their neighbours, clips."""
    target = rng.choice(
        [
            rng.randint(PIXEL_LOW, PIXEL_HIGH),
            rng.randint(-2, 2),
            c.clip_low + rng.randint(-1, 1),
            c.clip_high + rng.randint(-1, 1),
        ]
    )
    return 2 * target + rng.choice([0, 1, 1]), rng.choice([0, 0, 0, 1, -1])


def random_sum(rng, c, bias):
    """Return a sum with which v fits PostBits, often one that makes a corner case."""
    post_low, post_high = limits(SHAPE.post_bits)
    sum_low, sum_high = limits(SHAPE.sum_bits)
    bias = bias if c.bias_enable else 0
    kind = rng.randrange(10)
    if kind == 0:
        value = rng.choice([post_low, post_high])
    elif kind == 1:
        value = rng.randint(post_low, post_high)
    elif kind == 2:
        value = bias + (rng.choice([sum_low, sum_high]) << c.pre_shift)
    else:
        twice, offset = interesting_quotient(rng, c)
        shift = c.negative_shift if twice < 0 else c.shift
        value = (twice << shift >> 1) + offset
    value = clamp(value, post_low, post_high)
    total = clamp((value - bias) >> c.pre_shift, sum_low, sum_high)
    if (total << c.pre_shift) + bias < post_low:
        total += 1
    return total


def random_bias(rng, c):
    low, high = limits(SHAPE.post_bits)
    halves = [1 << s >> 1 for s in (c.shift, c.negative_shift)]
    bias = rng.choice([0, *halves, rng.randint(low, high), rng.randint(-300, 300), low, high])
    return clamp(bias, low, high)


def random_average(rng, c, count):
    """Return a sum of ``count`` pixels, often one whose average is a tie or next to one."""
    low, high = limits(SHAPE.sum_bits)
    low, high = max(low, PIXEL_LOW * count), min(high, PIXEL_HIGH * count)
    kind = rng.randrange(8)
    if kind == 0 or count == 0:
        return rng.choice([low, high])
    if kind == 1:
        return rng.randint(low, high)
    twice, offset = interesting_quotient(rng, c)
    if kind < 4:  # about the rounding of the quotient itself
        total = (twice * count >> 1) + offset
    else:
        shift = c.negative_shift if twice < 0 else c.shift
        total = ((twice * count << shift) >> (c.pre_shift + 1)) + offset
    return clamp(total, low, high)


def random_count(rng):
    highest = (1 << SHAPE.count_bits) - 1
    return min(highest, rng.choice([rng.randint(1, 169), 1 << rng.randrange(8), 9, highest, 0]))


def random_beat(rng, c, gaps=True):
    bias = [random_bias(rng, c) for _ in range(SHAPE.drain)]
    counts = [random_count(rng) for _ in range(SHAPE.rows)]
    if c.average:
        sums = [[random_average(rng, c, count) for count in counts] for _ in bias]
    elif not c.bias_enable and rng.random() < 0.3:
        # May come as maxima.
        low, high = limits(SHAPE.post_bits)
        low, high = max(-(-low >> c.pre_shift), PIXEL_LOW), min(high >> c.pre_shift, PIXEL_HIGH)
        sums = [[rng.randint(low, high) for _ in range(SHAPE.rows)] for _ in bias]
    else:
        sums = [[random_sum(rng, c, b) for _ in range(SHAPE.rows)] for b in bias]
    return Beat(
        sums=sums,
        bias=bias,
        counts=counts,
        words=rng.choice([SHAPE.drain, rng.randint(1, SHAPE.drain)]),
        last=rng.random() < 0.3,
        gap=rng.choice([0, 0, 0, 1, 2, 5]) if gaps else 0,
    )


async def begin(dut):
    bench = Bench(dut, random.Random(random.getrandbits(64)))
    await bench.start()
    return bench


def require(seen, *kinds):
    """Fail if the stimulus did not reach what the test is there for."""
    missing = [kind for kind in kinds if not seen[kind]]
    assert not missing, f"never seen: {missing} in {dict(seen)}"


# From -1 to 1 only the ties at 1/2 and -1/2 are not clipped.
TIES = ["positive tie down", "negative tie up"]
if SHAPE.pixel_bits > 1:
    TIES += ["positive tie up", "negative tie down"]


@cocotb.test(skip=VIOLATION is not None)
async def random_layers_are_exact(dut):
    bench = await begin(dut)
    for _ in range(60 + 2000 // LANES):
        configuration = random_configuration(bench.rng, average=False)
        gaps = bench.rng.random() < 0.5
        beats = [
            random_beat(bench.rng, configuration, gaps) for _ in range(bench.rng.randrange(1, 12))
        ]
        await bench.run(configuration, beats)
    require(bench.seen, *TIES, "above", "below", "exact", "positive inexact", "negative inexact")
    require(bench.seen, "maxima")


@cocotb.test(skip=VIOLATION is not None)
async def random_averages_are_exact(dut):
    bench = await begin(dut)
    for _ in range(60 + 1500 // LANES):
        configuration = random_configuration(bench.rng, average=True)
        beats = [random_beat(bench.rng, configuration) for _ in range(bench.rng.randrange(1, 4))]
        await bench.run(configuration, beats)
    require(bench.seen, *TIES, "above", "below", "exact", "positive inexact", "negative inexact")


def directed_beats(sums, bias=0, counts=None):
    """Fill beats with a list of sums; the last one repeats."""
    counts = counts or [1] * SHAPE.rows
    for start in range(0, len(sums), LANES):
        part = (list(sums[start : start + LANES]) + [sums[-1]] * LANES)[:LANES]
        lanes = [part[j * SHAPE.rows : (j + 1) * SHAPE.rows] for j in range(SHAPE.drain)]
        yield Beat(lanes, [bias] * SHAPE.drain, counts, SHAPE.drain, False)


@cocotb.test(skip=VIOLATION is not None)
async def every_shift_rounds_half_to_even(dut):
    """For each shift 0 to 63 and both signs: ties at even and odd, and their neighbours."""
    bench = await begin(dut)
    low, high = limits(SHAPE.post_bits)
    for shift in range(64):
        for pre_shift, negative_shift in ((0, shift), (15, min(63, shift + 3))):
            c = Configuration(pre_shift, shift, negative_shift, PIXEL_LOW, PIXEL_HIGH, True)
            half = 1 << shift >> 1
            bias = clamp(half, low, high)
            whole = [k << shift for k in (-2, -1, 0, 1)]
            values = [w + d for w in whole for d in (0, 1, -1, half, -half, half + 1, half - 1)]
            sum_low, sum_high = limits(SHAPE.sum_bits)
            sums = [clamp((v - bias) >> pre_shift, sum_low, sum_high) for v in values]
            sums += [sum_low, sum_high]
            fitting = [s for s in sums if low <= (s << pre_shift) + bias <= high]
            await bench.run(c, list(directed_beats(fitting, bias)))
    require(bench.seen, *TIES)


@cocotb.test(skip=VIOLATION is not None)
async def averages_of_every_window_are_exact(dut):
    """Counts 1 to 169 (a 13 x 13 window), extreme sums and ties; rounding once and twice."""
    bench = await begin(dut)
    highest = min(169, (1 << SHAPE.count_bits) - 1)
    for first in range(1, highest + 1, SHAPE.rows):
        counts = [min(highest, first + lane) for lane in range(SHAPE.rows)]
        c = Configuration(
            pre_shift=bench.rng.choice([0, 7, 15]),
            shift=bench.rng.choice([0, 1, 7, 15]),
            negative_shift=bench.rng.choice([0, 1, 7, 15]),
            clip_low=PIXEL_LOW,
            clip_high=PIXEL_HIGH,
            average=True,
            round_first=bench.rng.random() < 0.5,
        )
        sum_low, sum_high = limits(SHAPE.sum_bits)
        beats = []
        for twice in (2 * PIXEL_LOW, 2 * PIXEL_HIGH, 1, -1, 3, -3, 5):
            lanes = [clamp(twice * n >> 1, PIXEL_LOW * n, PIXEL_HIGH * n) for n in counts]
            lanes = [clamp(total, sum_low, sum_high) for total in lanes]
            beats.append(Beat([lanes] * SHAPE.drain, [0] * SHAPE.drain, counts, SHAPE.drain, True))
        await bench.run(c, beats)


@cocotb.test(skip=VIOLATION is not None)
async def reset_forgets_what_is_inside(dut):
    """A reset in any cycle of any traffic; what comes behind it is as from the start."""
    bench = await begin(dut)
    dut, rng = bench.dut, bench.rng
    for _ in range(12):
        average = rng.random() < 0.7
        c = random_configuration(rng, average)
        beats = [random_beat(rng, c) for _ in range(rng.randint(1, 2 + AVERAGE_BEATS))]
        # The traffic is cut off: from its first cycles to the last result's own.
        length = bench.average_cycles * len(beats) + bench.average_latency if average else 20
        await bench.run(c, beats, cycles=rng.randint(1, length))
        dut.rst_ni.value = 0
        bench.expected.clear()
        bench.divided = 0
        bench.idle()
        for _ in range(rng.randint(1, 3)):
            await bench.step()
        dut.rst_ni.value = 1
        if rng.random() < 0.5:
            for _ in range(bench.average_latency + 2):
                await bench.step()
        c = random_configuration(rng, rng.random() < 0.7)
        await bench.run(c, [random_beat(rng, c) for _ in range(rng.randint(1, 2))])


@cocotb.test(skip=VIOLATION is None)
async def illegal_use_is_reported(dut):
    """Break one rule of the contract; the launcher expects the assertion of that name."""
    bench = await begin(dut)
    dut = bench.dut
    plain = Configuration(0, 4, 4, PIXEL_LOW, PIXEL_HIGH, bias_enable=True)
    average = Configuration(0, 0, 0, PIXEL_LOW, PIXEL_HIGH, average=True)
    nothing = Beat(
        [[0] * SHAPE.rows] * SHAPE.drain, [0] * SHAPE.drain, [1] * SHAPE.rows, SHAPE.drain, True
    )
    bench.configure(average if VIOLATION in ("AverageGap_A", "AverageFits_A") else plain)
    bench.bias(nothing)
    await bench.step()
    if VIOLATION == "AverageGap_A":
        bench.offer(nothing)
        await bench.step()
        bench.idle()
        for _ in range(bench.average_cycles - 2):
            await bench.step()
        bench.offer(nothing)
    elif VIOLATION == "AverageFits_A":
        bench.offer(next(directed_beats([PIXEL_HIGH + 1])))
    elif VIOLATION == "ConfigurationStable_A":
        bench.offer(nothing)
        await bench.step()
        bench.idle()
        dut.shift_i.value = 5
    elif VIOLATION == "ValueFits_A":
        dut.pre_shift_i.value = 15
        bench.offer(next(directed_beats([limits(SHAPE.sum_bits)[1]])))
    elif VIOLATION == "MaximaAlone_A":
        bench.offer(nothing)
        dut.maxima_i.value = 1
    elif VIOLATION == "WordsLegal_A":
        bench.offer(nothing)
        dut.in_words_i.value = 0
    elif VIOLATION == "ClipsFitPixels_A":
        dut.clip_high_i.value = PIXEL_HIGH + 1
        bench.offer(nothing)
    elif VIOLATION == "ClipsOrdered_A":
        dut.clip_low_i.value = 1
        dut.clip_high_i.value = 0
        bench.offer(nothing)
    else:
        raise ValueError(f"unknown violation {VIOLATION}")
    # Long enough for the assertion to sample it, too short for a result to be compared.
    await FallingEdge(dut.clk_i)
    await FallingEdge(dut.clk_i)
