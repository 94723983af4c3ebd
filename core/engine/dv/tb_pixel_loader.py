# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_pixel_loader: every written lane against the contract page, under stalls."""

from __future__ import annotations

import random
from collections import deque

import cocotb
from engine_bench import (
    Chance,
    descriptor_words,
    drive_phase,
    sample_phase,
    scramble,
    signed,
    unpack,
)
from loader_model import KINDS, Shape, random_loading

from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
SHAPE = Shape(
    rows=PARAMETERS["Rows"],
    drain=PARAMETERS["Drain"],
    pixel_bits=PARAMETERS["PixelBits"],
    pixel_rows=PARAMETERS["PixelRows"],
)
VIOLATION = PARAMETERS.get("violation")
# Words that the loader takes ahead of their writes.
AHEAD = 2
LAYERS = 4
# A write is decided two cycles before it appears, and with the release that held then.
DECISION = 2
# Cycles of the stages from start_i to done_o, behind the setup.
PIPELINE = 10
# Cycles in which a loader that need not wait may write nothing: the walk of a block without stored
# lanes, and the stages.
PATIENCE = 2 * SHAPE.rows + 24


class Bench:
    """One loader, its memory and its reader, cycle by cycle."""

    def __init__(self, dut):
        self.dut = Pins(dut)
        self.rng = random.Random(random.getrandbits(64))
        self.doubled = 0  # writes of two runs

    async def open(self):
        dut = self.dut
        for signal in (dut.start_i, dut.clear_i, dut.cmd_ready_i, dut.word_valid_i):
            signal.value = 0
        dut.release_all_i.value = 0
        scramble(self.rng, dut.words_i, dut.released_i, dut.arena_base_i, dut.arena_bytes_i)
        scramble(self.rng, dut.program_base_i, dut.program_bytes_i)
        await start(dut)

    def words(self, loading):
        bits = SHAPE.rows * SHAPE.pixel_bits
        return [self.rng.getrandbits(bits) for _ in range(loading.words)]

    async def begin(self, loading, window_bytes=None, **changes):
        """Pulse start_i; returns the base of the window that the layer reads from.

        Args:
            loading: the layer.
            window_bytes: length of the window; as much as the layer needs when None.
            **changes: fields of the descriptor that are to be wrong.
        """
        dut, rng = self.dut, self.rng
        end = max(offset + size for offset, size in loading.commands)
        base = rng.randrange(3 << len(dut.arena_base_i) - 2) & ~63
        await drive_phase(dut)
        dut.words_i.value = descriptor_words({**loading.fields(rng), **changes})
        scramble(rng, dut.arena_base_i, dut.program_base_i, dut.arena_bytes_i, dut.program_bytes_i)
        base_port, bytes_port = (
            (dut.program_base_i, dut.program_bytes_i)
            if loading.constant
            else (dut.arena_base_i, dut.arena_bytes_i)
        )
        base_port.value = base
        bytes_port.value = end if window_bytes is None else window_bytes
        dut.start_i.value = 1
        dut.word_valid_i.value = 0
        dut.cmd_ready_i.value = 0
        dut.release_all_i.value = 0
        await drive_phase(dut)
        dut.start_i.value = 0
        return base

    async def load(self, loading, stall, release, abort_after=None, by_reset=False, extra=0):
        """Run one pass and check it; returns its cycles.

        Args:
            loading: the layer.
            stall: probability that memory stalls.
            release: "all": release_all_i from the start; "ahead": released_i moves at random;
                "lazy": it moves by one block, and only when the loader has been waiting for it.
            abort_after: clear_i after so many cycles, whatever has happened.
            by_reset: it is a reset instead.
            extra: words that come and belong to nothing; a clear follows.
        """
        dut, rng = self.dut, self.rng
        targets = list(loading.targets())
        data = self.words(loading)
        expected = []
        for word, value in zip(targets, data, strict=True):
            lanes = unpack(value, SHAPE.pixel_bits, SHAPE.rows)
            expected.append({(t.row, t.bank, t.slot): (lanes[t.lane], t.block) for t in word})
        data += [rng.getrandbits(SHAPE.rows * SHAPE.pixel_bits) for _ in range(extra)]
        base = await self.begin(loading)
        commands = deque(loading.commands)
        granted = taken = 0  # words that the memory was asked for, that the loader took
        stored = 0  # words of which every lane has been written
        offering = False
        lowest = min((t.block for word in targets for t in word), default=0)
        released = lowest - loading.ring_blocks + 1 - rng.randrange(4)
        history = deque([released] * (DECISION + 1), maxlen=DECISION + 1)
        words_chance, commands_chance = Chance(rng, stall), Chance(rng, stall)
        idle = cycle = 0
        limit = 60 * loading.cycles() + 4000

        def skip_stored():
            nonlocal stored
            while stored < len(expected) and not expected[stored]:
                stored += 1

        skip_stored()
        while True:
            dut.release_all_i.value = int(release == "all")
            if release == "ahead" and rng.random() < 0.2:
                released += rng.randrange(3)
            elif release == "lazy" and idle > PATIENCE:
                last = max(block for _, block in expected[stored].values())
                assert last >= released + loading.ring_blocks, (
                    f"waits though plane block {last} is free from {released}: {loading}"
                )
                released += 1
                idle = 0
            dut.released_i.value = released & 0xFFFF_FFFF
            history.append(released)
            dut.cmd_ready_i.value = int(commands_chance.go())
            if not offering and taken < granted and words_chance.go():
                offering = True
                bits = SHAPE.rows * SHAPE.pixel_bits
                padding = rng.getrandbits(8 * SHAPE.word_bytes) >> bits << bits
                dut.word_i.value = data[taken] | padding
            elif not offering:
                scramble(rng, dut.word_i)
            dut.word_valid_i.value = int(offering)
            if cycle == abort_after and by_reset:
                await self.reset(loading)
                return cycle
            dut.clear_i.value = int(cycle == abort_after)
            await sample_phase()

            assert not int(dut.window_o.value), loading
            waiting = stored < taken + offering
            idle = idle + 1 if waiting and not int(dut.wr_en_o.value) else 0
            if offering and int(dut.word_ready_o.value):
                offering, idle = False, 0
                taken += 1
            assert int(dut.cmd_left_o.value) == bool(commands), loading
            if int(dut.cmd_valid_o.value) and int(dut.cmd_ready_i.value):
                assert commands, f"a command too many: {loading}"
                offset, size = commands.popleft()
                assert int(dut.cmd_addr_o.value) == base + offset, loading
                assert int(dut.cmd_bytes_o.value) == size, loading
                granted += loading.words // loading.segments
                granted += 0 if commands else extra

            # A block counts as loaded only in a cycle behind its last write.
            loaded, rest = divmod(
                signed(int(dut.loaded_positions_o.value), 33), loading.block_positions
            )
            assert rest == 0, loading
            assert loaded * loading.channels <= stored, (
                f"{loaded} blocks reported, {stored} words stored: {loading}"
            )
            all_loaded = int(dut.loaded_all_o.value)
            assert int(dut.done_o.value) == all_loaded

            if int(dut.wr_en_o.value):
                for key, value in self.lanes():
                    where = f"word {stored}, (row, bank, slot) {key}: {loading}"
                    assert stored < len(expected), f"a write too many, {where}"
                    assert key in expected[stored], f"stray write, {where}"
                    right, block = expected[stored].pop(key)
                    assert value == right, f"pixel {value}, not {right}, {where}"
                    assert release == "all" or block < history[0] + loading.ring_blocks, (
                        f"plane block {block} written before it was free, {where}"
                    )
                    skip_stored()
            if cycle == abort_after:
                await self.expect_silence(loading)
                return cycle
            if all_loaded:
                break
            cycle += 1
            assert cycle < limit, f"stuck at word {taken}, released {released}: {loading}"
            await drive_phase(dut)

        assert stored == len(expected), f"word {stored} was not stored: {loading}"
        assert loading.words <= taken <= loading.words + min(extra, AHEAD), loading
        assert int(dut.word_left_o.value) == int(taken > loading.words), loading
        assert not commands, loading
        assert loaded == loading.stream_blocks, loading
        await self.expect_silence(loading, done=True)
        if extra:
            dut.clear_i.value = 1
            await drive_phase(dut)
            dut.clear_i.value = 0
            await sample_phase()
            assert not int(dut.word_left_o.value), loading
            await drive_phase(dut)
        return taken - loading.words if extra else cycle

    async def reset(self, loading):
        """Reset in mid-pass: it acts at once, and nothing of the pass is left behind it."""
        dut = self.dut
        dut.rst_ni.value = 0
        dut.word_valid_i.value = 1
        await sample_phase()
        for signal in (
            dut.wr_en_o, dut.cmd_valid_o, dut.word_ready_o, dut.window_o, dut.done_o,
            dut.loaded_all_o, dut.loaded_positions_o,
        ):  # fmt: skip
            assert not int(signal.value), loading
        await drive_phase(dut)
        dut.rst_ni.value = 1
        await self.expect_silence(loading)
        assert not int(dut.done_o.value) and not int(dut.loaded_positions_o.value), loading

    def lanes(self):
        """((row, bank, slot), value) of each lane of the two runs on the ports."""
        dut = self.dut
        counts, lanes, rows, rows_next = (
            unpack(int(signal.value), len(signal) // 2, 2)
            for signal in (dut.wr_count_o, dut.wr_lane_o, dut.wr_row_o, dut.wr_row_next_o)
        )
        slot = int(dut.wr_slot_o.value)
        values = unpack(int(dut.wr_lanes_o.value), SHAPE.pixel_bits, 2 * SHAPE.rows)
        assert counts[0], "the first run of a write is empty"
        assert sum(counts) <= SHAPE.rows
        self.doubled += counts[1] > 0
        banks = set()
        for run, (count, lane) in enumerate(zip(counts, lanes, strict=True)):
            for index in range(count):
                wraps, bank = divmod(lane + index, SHAPE.rows)
                assert bank not in banks, f"both runs write bank {bank}"
                banks.add(bank)
                row = (rows, rows_next)[wraps][run]
                yield (row, bank, slot), values[run * SHAPE.rows + index]

    async def expect_silence(self, loading, done=False):
        """Nothing moves any more, even if memory offers words."""
        dut = self.dut
        for _ in range(4):
            await drive_phase(dut)
            dut.clear_i.value = 0
            dut.word_valid_i.value = 1
            await sample_phase()
            assert not done or int(dut.done_o.value), loading
            assert not int(dut.wr_en_o.value), loading
            assert not int(dut.cmd_valid_o.value), loading
            assert not int(dut.word_ready_o.value), loading
        await drive_phase(dut)
        dut.word_valid_i.value = 0


@cocotb.test(skip=VIOLATION is not None)
@cocotb.parametrize(kind=KINDS, release=("all", "ahead", "lazy"))
async def every_lane_lands_where_the_contract_says(dut, kind, release):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        loading = random_loading(bench.rng, SHAPE, kind)
        # The second pass begins again at the start, whatever the first one left.
        for _ in range(bench.rng.choice([1, 1, 2])):
            await bench.load(loading, bench.rng.choice([0.0, 0.3, 0.7]), release)


@cocotb.test(skip=VIOLATION is not None)
@cocotb.parametrize(kind=KINDS)
async def full_rate_is_kept_without_stalls(dut, kind):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        loading = random_loading(bench.rng, SHAPE, kind)
        cycles = await bench.load(loading, 0.0, "all")
        limit = loading.cycles() + loading.setup() + PIPELINE
        assert cycles <= limit, f"{cycles} cycles for {loading.cycles()} writes: {loading}"
        if kind == "stride_2_full":
            # The model itself has to find the skew good, and both phases have to be there.
            assert loading.cycles() == loading.words, loading
    assert bench.doubled or kind != "stride_2_full" or SHAPE.rows == 1, "nothing was written twice"


@cocotb.test(skip=VIOLATION is not None)
@cocotb.parametrize(by_reset=(False, True))
async def clear_stops_a_pass_and_the_next_one_is_whole(dut, by_reset):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        loading = random_loading(bench.rng, SHAPE, bench.rng.choice(KINDS))
        while loading.cycles() < 8:
            loading = random_loading(bench.rng, SHAPE, bench.rng.choice(KINDS))
        abort = bench.rng.randrange(1, loading.cycles() - 4)
        await bench.load(loading, 0.3, "all", abort_after=abort, by_reset=by_reset)
        kind = bench.rng.choice(("strided", *KINDS))
        await bench.load(random_loading(bench.rng, SHAPE, kind), 0.3, "ahead")


@cocotb.test(skip=VIOLATION is not None)
async def words_too_many_are_reported_and_cleared(dut):
    bench = Bench(dut)
    await bench.open()
    taken = set()
    for extra in (1, 2, 3) * LAYERS:
        loading = random_loading(bench.rng, SHAPE, bench.rng.choice(KINDS))
        taken.add(await bench.load(loading, bench.rng.choice([0.0, 0.4]), "all", extra=extra))
        await bench.load(random_loading(bench.rng, SHAPE, bench.rng.choice(KINDS)), 0.2, "all")
    assert max(taken) > 0, "no word was taken ahead"


@cocotb.test(skip=VIOLATION is not None)
async def a_read_outside_its_window_is_reported_and_not_issued(dut):
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    for _ in range(LAYERS):
        loading = random_loading(bench.rng, SHAPE, bench.rng.choice(KINDS))
        commands = loading.commands
        bad = bench.rng.randrange(len(commands))
        # One byte too few for command `bad`: offsets only grow.
        base = await bench.begin(loading, window_bytes=sum(commands[bad]) - 1)
        seen, pulses = [], 0
        for _ in range(2 * len(commands) + 6):
            dut.cmd_ready_i.value = 1
            await sample_phase()
            if int(dut.cmd_valid_o.value):
                seen.append((int(dut.cmd_addr_o.value) - base, int(dut.cmd_bytes_o.value)))
            if int(dut.window_o.value):
                pulses += 1
                assert int(dut.window_offset_o.value) == commands[bad][0]
            await drive_phase(dut)
        assert seen == commands[:bad]
        assert pulses == 1
        dut.clear_i.value = 1
        await drive_phase(dut)
        dut.clear_i.value = 0


@cocotb.test(skip=VIOLATION is None)
async def illegal_use_is_reported(dut):
    """Break one rule of the contract; the launcher expects the assertion of that name."""
    bench = Bench(dut)
    await bench.open()
    loading = random_loading(bench.rng, SHAPE, "upsample")
    match VIOLATION:
        case "UpsamplingHasNoStrides_A":
            await bench.begin(loading, stride_w=2)
        case "LoadsNoMoreThanItHas_A":
            await bench.begin(loading, load_width=loading.input_pitch + 1)
        case _:
            raise ValueError(f"unknown violation {VIOLATION}")
    for _ in range(loading.setup() + 3):
        await drive_phase(dut)
