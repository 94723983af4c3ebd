# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_weight_loader: rows and biases in the contract's order, from raw memory.

Rows come from the program, or are gathered from words of a tensor in the arena.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cocotb
from engine_bench import (
    Chance,
    beats_of,
    descriptor_words,
    drive_phase,
    pack,
    sample_phase,
    scramble,
    signed,
    unpack,
)

from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
ROWS, COLUMNS, DRAIN, PIXEL_BITS, WEIGHT_BITS, POST_BITS, BIAS_ROWS, AXI_BITS = (
    PARAMETERS[name]
    for name in (
        "Rows", "Columns", "Drain", "PixelBits", "WeightBits", "PostBits", "BiasRows", "AxiBits",
    )
)  # fmt: skip
AXI_BYTES = AXI_BITS // 8
BIAS_BYTES = -(-POST_BITS // 8)
WORD_BYTES = -(-ROWS * PIXEL_BITS // 8)
MODES = ("resident", "again", "streamed", "pool")
LAYERS = 4
# Cycles around the transfers: commands, gearbox, done.
LATENCY = 12
# Commands whose data have not begun to come.
AHEAD = 16
PROGRAM_BYTES = 1 << 14
ARENA_BYTES = 1 << 13
PROGRAM, ARENA = "program", "arena"


def weight_of(pixel: int) -> int:
    """Return a pixel's bits as a weight's bits; where either has one bit b, it means 1 - 2b."""
    number = 1 - 2 * pixel if PIXEL_BITS == 1 else signed(pixel, PIXEL_BITS)
    return int(number < 0) if WEIGHT_BITS == 1 else number & ((1 << WEIGHT_BITS) - 1)


@dataclass(frozen=True)
class Layer:
    """Where a layer's streams lie and how often they are read.

    Attributes:
        arena: the weights are a tensor in the arena.
        channels: of a full group.
        block_bytes: arena: from one of the tensor's blocks to the next.
    """

    mode: str
    arena: bool
    index: int
    groups: int
    channels: int
    last_channels: int
    per_pass: int
    blocks: int
    set_blocks: int
    steps: int
    has_bias: bool
    bias_offset: int
    weight_offset: int
    block_bytes: int

    @property
    def row_bytes(self) -> int:
        return -(-self.channels * WEIGHT_BITS // 8)

    @property
    def last_row_bytes(self) -> int:
        return -(-self.last_channels * WEIGHT_BITS // 8)

    @property
    def bias_beats(self) -> int:
        full = (self.groups - 1) * -(-self.channels // DRAIN)
        return full + -(-self.last_channels // DRAIN) if self.has_bias else 0

    @property
    def bias_bytes(self) -> int:
        return self.bias_beats * DRAIN * BIAS_BYTES

    def group(self, group: int) -> tuple[int, int]:
        """(program offset, bytes of a row) of a group's rows."""
        size = self.last_row_bytes if group == self.groups - 1 else self.row_bytes
        return self.weight_offset + group * self.steps * self.row_bytes, size

    def group_loads(self) -> Iterator[int]:
        """Groups in the order in which they are loaded."""
        if self.mode == "pool":
            return
        for first in range(0, self.groups, self.per_pass):
            groups = range(first, min(first + self.per_pass, self.groups))
            for start_block in range(0, self.blocks, self.set_blocks):
                if start_block and self.mode == "resident":
                    break
                size = min(self.set_blocks, self.blocks - start_block)
                for group in groups:
                    yield from [group] * (size if self.mode == "streamed" else 1)

    def parts(self, group: int) -> list[tuple[int, int, int]]:
        """(block, first lane, lanes) of the words of each row of a group of the arena's tensor."""
        count = self.last_channels if group == self.groups - 1 else self.channels
        at, end = group * self.channels, group * self.channels + count
        found = []
        while at < end:
            lanes = min(ROWS - at % ROWS, end - at)
            found.append((at // ROWS, at % ROWS, lanes))
            at += lanes
        return found

    def word_offset(self, block: int, row: int) -> int:
        """Arena offset of word (block, row) of the tensor."""
        return self.weight_offset + block * self.block_bytes + row * WORD_BYTES

    def commands(self) -> list[tuple[str, int, int]]:
        """(window, offset, bytes) of the read commands."""
        found = [(PROGRAM, self.bias_offset, self.bias_bytes)] if self.has_bias else []
        for group in self.group_loads():
            if self.arena:
                found += [
                    (ARENA, self.word_offset(block, row), WORD_BYTES)
                    for row in range(self.steps)
                    for block, _, _ in self.parts(group)
                ]
            else:
                offset, size = self.group(group)
                found.append((PROGRAM, offset, size * self.steps))
        return found

    def fields(self) -> dict[str, int]:
        """The descriptor's fields that the loader reads."""
        return {
            "layer_index": self.index,
            "weights_resident": int(self.mode == "resident"),
            "weights_streamed": int(self.mode == "streamed"),
            "weights_arena": int(self.arena),
            "bias_enable": int(self.has_bias),
            "groups": self.groups,
            "group_channels": self.channels,
            "last_group_channels": self.last_channels,
            "groups_per_pass": self.per_pass,
            "blocks": self.blocks,
            "set_blocks": self.set_blocks,
            "bias_offset": self.bias_offset,
            "bias_bytes": self.bias_bytes,
            "weight_offset": self.weight_offset,
            "weight_rows": 0 if self.mode == "pool" else self.steps,
            "row_bytes": 0 if self.arena else self.row_bytes,
            "last_row_bytes": 0 if self.arena else self.last_row_bytes,
            "group_bytes": self.block_bytes if self.arena else self.row_bytes * self.steps,
            "last_group_bytes": 0 if self.arena else self.last_row_bytes * self.steps,
        }

    def arena_row(self, memory: bytes, group: int, row: int) -> tuple[int, int]:
        """A row gathered from the arena, and a mask of the columns that it fills."""
        weights = []
        for block, first, lanes in self.parts(group):
            at = self.word_offset(block, row)
            word = int.from_bytes(memory[at : at + WORD_BYTES], "little")
            weights += unpack(word, PIXEL_BITS, ROWS)[first : first + lanes]
        filled = (1 << len(weights) * WEIGHT_BITS) - 1
        return pack(map(weight_of, weights), WEIGHT_BITS), filled

    def program_row(self, memory: bytes, group: int, row: int) -> tuple[int, int]:
        """A row of the program: columns that it does not fill are zero."""
        offset, size = self.group(group)
        start = offset + row * size
        whole = (1 << COLUMNS * WEIGHT_BITS) - 1
        return int.from_bytes(memory[start : start + size], "little") & whole, whole

    def items(
        self, memories: Mapping[str, bytes]
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(row, mask) for the ring and (row, biases) for the bias buffer, as the ports show."""
        rows = []
        for group in self.group_loads():
            for k in range(self.steps):
                if self.arena:
                    rows.append(self.arena_row(memories[ARENA], group, k))
                else:
                    rows.append(self.program_row(memories[PROGRAM], group, k))
        memory = memories[PROGRAM]
        biases = []
        half = self.index % 2 << max(1, (BIAS_ROWS - 1).bit_length())
        for beat in range(self.bias_beats):
            at = self.bias_offset + beat * DRAIN * BIAS_BYTES
            values = [
                int.from_bytes(memory[at + j * BIAS_BYTES : at + (j + 1) * BIAS_BYTES], "little")
                for j in range(DRAIN)
            ]
            biases.append((half | beat, pack(values, POST_BITS)))
        return rows, biases


def random_layer(rng, mode, arena, whole_groups=False):
    """Draw a layer whose streams fit their windows and whose run is short."""
    while True:
        blocks = rng.randint(1, 6)
        groups = rng.randint(1, 5)
        channels = rng.choice([COLUMNS, rng.randint(1, COLUMNS)]) if arena else COLUMNS
        layer = Layer(
            mode=mode,
            arena=arena,
            index=rng.randrange(1 << 16),
            groups=groups,
            channels=channels,
            last_channels=channels if whole_groups else rng.randint(1, channels),
            per_pass=rng.choice([1, groups, rng.randint(1, 6)]),
            blocks=blocks,
            set_blocks=rng.choice([1, blocks, rng.randint(1, 8)]),
            steps=rng.randint(1, 12),
            has_bias=bool(rng.randrange(2)),
            bias_offset=rng.randrange(2000),
            weight_offset=rng.randrange(4000),
            block_bytes=rng.randint(1, 40) * WORD_BYTES,
        )
        commands = layer.commands()
        ends = {PROGRAM: 0, ARENA: 0}
        for window, offset, size in commands:
            ends[window] = max(ends[window], offset + size)
        rows = sum(1 for _ in layer.group_loads()) * layer.steps
        if (
            layer.bias_beats <= BIAS_ROWS
            and ends[PROGRAM] <= PROGRAM_BYTES
            and ends[ARENA] <= ARENA_BYTES
            and rows <= 200
            and len(commands) <= 400
        ):
            return layer


class Bench:
    """The loader between two memories and a ring."""

    def __init__(self, dut):
        self.dut = Pins(dut)
        self.rng = random.Random(random.getrandbits(64))
        self.memories = {
            PROGRAM: self.rng.randbytes(PROGRAM_BYTES),
            ARENA: self.rng.randbytes(ARENA_BYTES),
        }

    async def open(self):
        dut = self.dut
        for signal in (dut.start_i, dut.clear_i, dut.cmd_ready_i, dut.s_axis_tvalid):
            signal.value = 0
        dut.s_axis_tbytes.value = 1
        dut.row_ready_i.value = 0
        scramble(self.rng, dut.words_i, dut.program_base_i, dut.program_bytes_i)
        scramble(self.rng, dut.arena_base_i, dut.arena_bytes_i)
        await start(dut)

    async def begin(self, layer, program_bytes=PROGRAM_BYTES, arena_bytes=ARENA_BYTES):
        """Start a layer; returns the bus addresses of the windows."""
        dut, rng = self.dut, self.rng
        bases = {
            window: rng.randrange(3 << len(dut.program_base_i) - 2) & ~63
            for window in (PROGRAM, ARENA)
        }
        await drive_phase(dut)
        dut.program_base_i.value, dut.arena_base_i.value = bases[PROGRAM], bases[ARENA]
        dut.program_bytes_i.value, dut.arena_bytes_i.value = program_bytes, arena_bytes
        dut.words_i.value = descriptor_words(layer.fields())
        dut.start_i.value = 1
        await drive_phase(dut)
        dut.start_i.value = 0
        # The descriptor may change as soon as the layer has been started.
        scramble(rng, dut.words_i)
        return bases

    async def run(self, layer, stall, clear_after=None, clear_on_row=False, by_reset=False):
        """Load one layer and check all of it, or up to a clear; returns its cycles.

        Args:
            layer: what to load.
            stall: probability of a pause, of each partner in each cycle.
            clear_after: cycle of a clear, if the layer takes that long.
            clear_on_row: the ring takes nothing, and a clear comes when a row waits for it.
            by_reset: it is a reset instead of a clear.
        """
        dut, rng = self.dut, self.rng
        rows, biases = map(deque, layer.items(self.memories))
        commands = deque(layer.commands())
        total = max(len(rows), len(commands)) + len(biases)
        bases = await self.begin(layer)
        beats = deque()
        cycle, offering = 0, False
        memory, reader, ring = Chance(rng, stall), Chance(rng, stall), Chance(rng, stall)
        held = None
        while True:
            ready, row_ready = reader.go(), ring.go() and not clear_on_row
            clear = cycle == clear_after or (clear_on_row and held is not None)
            dut.cmd_ready_i.value, dut.row_ready_i.value = int(ready), int(row_ready)
            if not offering and beats and memory.go():
                offering = True
                data, count, last = beats[0]
                # Bytes beyond tbytes mean nothing.
                junk = rng.getrandbits(AXI_BITS) >> 8 * count << 8 * count
                dut.s_axis_tdata.value = data | junk
                dut.s_axis_tbytes.value, dut.s_axis_tlast.value = count, last
            elif not offering:
                scramble(rng, dut.s_axis_tdata, dut.s_axis_tlast)
            dut.s_axis_tvalid.value = int(offering)
            dut.clear_i.value = int(clear and not by_reset)
            dut.rst_ni.value = int(not (clear and by_reset))
            await sample_phase()
            if clear:
                break
            assert not int(dut.window_o.value), layer
            if offering and int(dut.s_axis_tready.value):
                offering = False
                beats.popleft()
            if ready and int(dut.cmd_valid_o.value):
                assert commands, f"a command too many: {layer}"
                window, offset, size = commands.popleft()
                address = int(dut.cmd_addr_o.value)
                assert address == bases[window] + offset, layer
                assert int(dut.cmd_bytes_o.value) == size, layer
                beats.extend(beats_of(self.memories[window], address, offset, size, AXI_BYTES))
            row = int(dut.row_o.value) if int(dut.row_valid_o.value) else None
            assert held is None or row == held, f"a row changed or left under stall: {layer}"
            held = None if row_ready else row
            if row is not None and row_ready:
                assert rows, f"a row too many: {layer}"
                assert not biases, f"a row before the bias table: {layer}"
                expected, mask = rows.popleft()
                assert row & mask == expected, f"{len(rows)} rows to go: {layer}"
            if int(dut.bias_we_o.value):
                assert biases, f"a bias too many: {layer}"
                got = (int(dut.bias_row_o.value), int(dut.bias_o.value))
                assert got == biases.popleft(), f"{len(biases)} beats to go: {layer}"
            if int(dut.done_o.value):
                break
            cycle += 1
            assert cycle < 80 * (total + 10) * (1 + 64 // AXI_BYTES), f"stuck: {layer}"
            await drive_phase(dut)
        if not int(dut.rst_ni.value):
            # It acts at once.
            assert int(dut.done_o.value), layer
            for signal in (dut.cmd_valid_o, dut.row_valid_o, dut.bias_we_o, dut.window_o):
                assert not int(signal.value), layer
        await drive_phase(dut)
        dut.clear_i.value = 0
        dut.rst_ni.value = 1
        dut.s_axis_tvalid.value = 0
        if clear_after is None and not clear_on_row:
            assert not rows and not biases and not commands and not beats, f"not all: {layer}"
        for _ in range(3):
            await sample_phase()
            assert int(dut.done_o.value), layer
            assert not int(dut.cmd_valid_o.value) and not int(dut.row_valid_o.value), layer
            await drive_phase(dut)
        return cycle


@cocotb.test
@cocotb.parametrize(mode=MODES, arena=(False, True), stall=(0.0, 0.4, 0.8))
async def rows_and_biases_come_in_the_order_of_use(dut, mode, arena, stall):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        await bench.run(random_layer(bench.rng, mode, arena), stall)


@cocotb.test
async def layers_with_both_kinds_of_weights_follow_each_other(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        for arena in (True, False):
            await bench.run(random_layer(bench.rng, bench.rng.choice(MODES), arena), 0.3)


@cocotb.test
async def full_rate_is_kept_across_commands(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        mode = bench.rng.choice(["resident", "again"])
        layer = random_layer(bench.rng, mode, arena=False, whole_groups=True)
        cycles = await bench.run(layer, 0.0)
        loads = sum(1 for _ in layer.group_loads())
        # An unaligned command has a beat more; its rows are cut one a cycle at best.
        beats = -(-layer.steps * layer.row_bytes // AXI_BYTES) + 1
        best = loads * max(beats, layer.steps)
        best += max(-(-layer.bias_bytes // AXI_BYTES) + 1, layer.bias_beats)
        assert cycles <= best + LATENCY, f"{cycles} cycles, {best} are due: {layer}"


@cocotb.test
async def a_word_of_the_arena_takes_its_beats_and_a_cycle(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        layer = random_layer(bench.rng, bench.rng.choice(MODES[:3]), arena=True)
        cycles = await bench.run(layer, 0.0)
        # Window bases are multiples of a beat.
        best = max(-(-layer.bias_bytes // AXI_BYTES) + 1, layer.bias_beats)
        for window, offset, size in layer.commands():
            if window == ARENA:
                best += -(-(offset % AXI_BYTES + size) // AXI_BYTES) + 1
        assert cycles <= best + LATENCY, f"{cycles} cycles, {best} are due: {layer}"


@cocotb.test
@cocotb.parametrize(by_reset=(False, True))
async def clear_stops_a_layer_and_the_next_one_is_whole(dut, by_reset):
    bench = Bench(dut)
    await bench.open()
    for _ in range(2 * LAYERS):
        first, second = (bool(bench.rng.randrange(2)) for _ in range(2))
        layer = random_layer(bench.rng, bench.rng.choice(MODES[:3]), first)
        rows = sum(1 for _ in layer.group_loads()) * layer.steps
        at = bench.rng.randrange(rows + 2)
        await bench.run(layer, 0.3, clear_after=at, by_reset=by_reset)
        await bench.run(random_layer(bench.rng, bench.rng.choice(MODES), second), 0.3)


@cocotb.test
@cocotb.parametrize(by_reset=(False, True))
async def clear_drops_a_row_that_waits(dut, by_reset):
    bench = Bench(dut)
    await bench.open()
    for arena in (False, True):
        for _ in range(LAYERS // 2):
            layer = random_layer(bench.rng, bench.rng.choice(MODES[:3]), arena)
            await bench.run(layer, 0.0, clear_on_row=True, by_reset=by_reset)


@cocotb.test
@cocotb.parametrize(arena=(False, True))
async def sixteen_commands_run_ahead_of_their_data(dut, arena):
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    for _ in range(LAYERS):
        while True:
            layer = random_layer(bench.rng, "streamed", arena)
            if len(layer.commands()) > AHEAD:
                break
        await bench.begin(layer)
        dut.cmd_ready_i.value = 1
        taken = 0
        for _ in range(2 * AHEAD + 10):
            await sample_phase()
            taken += int(dut.cmd_valid_o.value)
            await drive_phase(dut)
        assert taken == AHEAD, layer
        dut.clear_i.value = 1
        await drive_phase(dut)
        dut.clear_i.value = 0


def layer_with_an_early_worst_command(rng, window):
    """Draw a layer and a window's length that its command number ``bad`` is the first to exceed."""
    while True:
        layer = random_layer(rng, "resident", arena=window == ARENA)
        commands = layer.commands()
        ends = [offset + size if where == window else 0 for where, offset, size in commands]
        limit = max(ends) - 1
        bad = next(i for i, end in enumerate(ends) if end > limit)
        if bad < AHEAD:
            return layer, limit, bad


@cocotb.test
@cocotb.parametrize(window=(PROGRAM, ARENA))
async def a_read_outside_its_window_is_reported_and_not_issued(dut, window):
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    for _ in range(LAYERS):
        layer, limit, bad = layer_with_an_early_worst_command(bench.rng, window)
        commands = layer.commands()
        bases = await bench.begin(layer, **{f"{window}_bytes": limit})
        seen, pulses = [], 0
        for _ in range(2 * bad + 8):
            dut.cmd_ready_i.value = 1
            await sample_phase()
            if int(dut.cmd_valid_o.value):
                seen.append((int(dut.cmd_addr_o.value), int(dut.cmd_bytes_o.value)))
            if int(dut.window_o.value):
                pulses += 1
                assert int(dut.window_offset_o.value) == commands[bad][1], layer
            await drive_phase(dut)
        due = [(bases[where] + offset, size) for where, offset, size in commands[:bad]]
        assert seen == due, layer
        assert pulses == 1, layer
        dut.clear_i.value = 1
        await drive_phase(dut)
        dut.clear_i.value = 0
