# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_weight_loader: rows and biases in the contract's order, from raw memory."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
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
)

from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters

PARAMETERS = bench_parameters()
COLUMNS, DRAIN, WEIGHT_BITS, POST_BITS, BIAS_ROWS, AXI_BITS = (
    PARAMETERS[name]
    for name in ("Columns", "Drain", "WeightBits", "PostBits", "BiasRows", "AxiBits")
)
AXI_BYTES = AXI_BITS // 8
BIAS_BYTES = -(-POST_BITS // 8)
MODES = ("resident", "again", "streamed", "pool")
LAYERS = 8
# Cycles around the transfers: commands, gearbox, done.
LATENCY = 12
PROGRAM_BYTES = 1 << 14


@dataclass(frozen=True)
class Layer:
    """Where a layer's streams lie and how often they are read."""

    mode: str
    index: int
    groups: int
    last_channels: int
    per_pass: int
    blocks: int
    set_blocks: int
    steps: int
    has_bias: bool
    bias_offset: int
    weight_offset: int

    @property
    def row_bytes(self) -> int:
        return -(-COLUMNS * WEIGHT_BITS // 8)

    @property
    def last_row_bytes(self) -> int:
        return -(-self.last_channels * WEIGHT_BITS // 8)

    @property
    def bias_beats(self) -> int:
        full = (self.groups - 1) * (COLUMNS // DRAIN)
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

    def commands(self) -> list[tuple[int, int]]:
        """(program offset, bytes) of the read commands."""
        found = [(self.bias_offset, self.bias_bytes)] if self.has_bias else []
        for group in self.group_loads():
            offset, size = self.group(group)
            found.append((offset, size * self.steps))
        return found

    def fields(self) -> dict[str, int]:
        """The descriptor's fields that the loader reads."""
        return {
            "layer_index": self.index,
            "weights_resident": int(self.mode == "resident"),
            "weights_streamed": int(self.mode == "streamed"),
            "bias_enable": int(self.has_bias),
            "groups": self.groups,
            "groups_per_pass": self.per_pass,
            "blocks": self.blocks,
            "set_blocks": self.set_blocks,
            "bias_offset": self.bias_offset,
            "bias_bytes": self.bias_bytes,
            "weight_offset": self.weight_offset,
            "weight_rows": 0 if self.mode == "pool" else self.steps,
            "row_bytes": self.row_bytes,
            "last_row_bytes": self.last_row_bytes,
            "group_bytes": self.row_bytes * self.steps,
            "last_group_bytes": self.last_row_bytes * self.steps,
        }

    def items(self, memory: bytes) -> tuple[list[int], list[tuple[int, int]]]:
        """Rows for the ring, and (row, biases) for the bias buffer, as the ports show them."""
        rows = []
        for group in self.group_loads():
            offset, size = self.group(group)
            for k in range(self.steps):
                row = int.from_bytes(memory[offset + k * size : offset + (k + 1) * size], "little")
                rows.append(row & ((1 << COLUMNS * WEIGHT_BITS) - 1))
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


def random_layer(rng, mode, whole_groups=False):
    """Draw a layer whose streams fit the program and whose run is short."""
    while True:
        blocks = rng.randint(1, 6)
        groups = rng.randint(1, 5)
        layer = Layer(
            mode=mode,
            index=rng.randrange(1 << 16),
            groups=groups,
            last_channels=COLUMNS if whole_groups else rng.randint(1, COLUMNS),
            per_pass=rng.choice([1, groups, rng.randint(1, 6)]),
            blocks=blocks,
            set_blocks=rng.choice([1, blocks, rng.randint(1, 8)]),
            steps=rng.randint(1, 12),
            has_bias=bool(rng.randrange(2)),
            bias_offset=rng.randrange(2000),
            weight_offset=rng.randrange(4000),
        )
        end = max((sum(command) for command in layer.commands()), default=0)
        rows = sum(1 for _ in layer.group_loads()) * layer.steps
        if layer.bias_beats <= BIAS_ROWS and end <= PROGRAM_BYTES and rows <= 200:
            return layer


class Bench:
    """The loader between a memory and a ring."""

    def __init__(self, dut):
        self.dut = dut
        self.rng = random.Random(random.getrandbits(64))
        self.memory = self.rng.randbytes(PROGRAM_BYTES)

    async def open(self):
        dut = self.dut
        for signal in (dut.start_i, dut.clear_i, dut.cmd_ready_i, dut.s_axis_tvalid):
            signal.value = 0
        dut.s_axis_tbytes.value = 1
        dut.row_ready_i.value = 0
        scramble(self.rng, dut.words_i, dut.program_base_i, dut.program_bytes_i)
        await start(dut)

    async def begin(self, layer, program_bytes=PROGRAM_BYTES):
        dut, rng = self.dut, self.rng
        base = rng.getrandbits(len(dut.program_base_i) - 2) & ~63
        await drive_phase(dut)
        dut.program_base_i.value = base
        dut.program_bytes_i.value = program_bytes
        dut.words_i.value = descriptor_words(layer.fields())
        dut.start_i.value = 1
        await drive_phase(dut)
        dut.start_i.value = 0
        # The descriptor may change as soon as the layer has been started.
        scramble(rng, dut.words_i)
        return base

    async def run(self, layer, stall, clear_after=None):
        """Load one layer and check all of it; returns its cycles."""
        dut, rng = self.dut, self.rng
        rows, biases = map(deque, layer.items(self.memory))
        commands = deque(layer.commands())
        total = len(rows) + len(biases)
        base = await self.begin(layer)
        beats = deque()
        cycle, offering = 0, False
        memory, reader, ring = Chance(rng, stall), Chance(rng, stall), Chance(rng, stall)
        held = None
        while True:
            ready, row_ready = reader.go(), ring.go()
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
            dut.clear_i.value = int(cycle == clear_after)
            await sample_phase()
            if cycle == clear_after:
                break
            assert not int(dut.window_o.value), layer
            if offering and int(dut.s_axis_tready.value):
                offering = False
                beats.popleft()
            if ready and int(dut.cmd_valid_o.value):
                assert commands, f"a command too many: {layer}"
                offset, size = commands.popleft()
                address = int(dut.cmd_addr_o.value)
                assert (address, int(dut.cmd_bytes_o.value)) == (base + offset, size), layer
                beats.extend(beats_of(self.memory, address, offset, size, AXI_BYTES))
            row = int(dut.row_o.value) if int(dut.row_valid_o.value) else None
            assert held is None or row == held, f"a row changed or left under stall: {layer}"
            held = None if row_ready else row
            if row is not None and row_ready:
                assert rows, f"a row too many: {layer}"
                assert not biases, f"a row before the bias table: {layer}"
                assert row == rows.popleft(), f"{len(rows)} rows to go: {layer}"
            if int(dut.bias_we_o.value):
                assert biases, f"a bias too many: {layer}"
                got = (int(dut.bias_row_o.value), int(dut.bias_o.value))
                assert got == biases.popleft(), f"{len(biases)} beats to go: {layer}"
            if int(dut.done_o.value):
                break
            cycle += 1
            assert cycle < 80 * (total + 10) * (1 + 64 // AXI_BYTES), f"stuck: {layer}"
            await drive_phase(dut)
        await drive_phase(dut)
        dut.clear_i.value = 0
        dut.s_axis_tvalid.value = 0
        if clear_after is None:
            assert not rows and not biases and not commands and not beats, f"not all: {layer}"
        for _ in range(3):
            await sample_phase()
            assert int(dut.done_o.value), layer
            assert not int(dut.cmd_valid_o.value) and not int(dut.row_valid_o.value), layer
            await drive_phase(dut)
        return cycle


@cocotb.test
@cocotb.parametrize(mode=MODES, stall=(0.0, 0.4, 0.8))
async def rows_and_biases_come_in_the_order_of_use(dut, mode, stall):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        await bench.run(random_layer(bench.rng, mode), stall)


@cocotb.test
async def full_rate_is_kept_across_commands(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        layer = random_layer(bench.rng, bench.rng.choice(["resident", "again"]), whole_groups=True)
        cycles = await bench.run(layer, 0.0)
        loads = sum(1 for _ in layer.group_loads())
        # An unaligned command has a beat more; its rows are cut one a cycle at best.
        beats = -(-layer.steps * layer.row_bytes // AXI_BYTES) + 1
        best = loads * max(beats, layer.steps)
        best += max(-(-layer.bias_bytes // AXI_BYTES) + 1, layer.bias_beats)
        assert cycles <= best + LATENCY, f"{cycles} cycles, {best} are due: {layer}"


@cocotb.test
async def clear_stops_a_layer_and_the_next_one_is_whole(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        layer = random_layer(bench.rng, bench.rng.choice(MODES[:3]))
        rows = sum(1 for _ in layer.group_loads()) * layer.steps
        await bench.run(layer, 0.3, clear_after=bench.rng.randrange(rows + 2))
        await bench.run(random_layer(bench.rng, bench.rng.choice(MODES)), 0.3)


@cocotb.test
async def a_read_outside_the_program_is_reported_and_not_issued(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        layer = random_layer(bench.rng, "resident")
        commands = layer.commands()
        limit = max(sum(command) for command in commands) - 1
        bad = next(i for i, command in enumerate(commands) if sum(command) > limit)
        base = await bench.begin(layer, program_bytes=limit)
        seen, pulses = [], 0
        for _ in range(len(commands) + 6):
            dut.cmd_ready_i.value = 1
            await sample_phase()
            if int(dut.cmd_valid_o.value):
                seen.append((int(dut.cmd_addr_o.value) - base, int(dut.cmd_bytes_o.value)))
            if int(dut.window_o.value):
                pulses += 1
                assert int(dut.window_offset_o.value) == commands[bad][0], layer
            await drive_phase(dut)
        assert seen == commands[:bad], layer
        assert pulses == 1, layer
        dut.clear_i.value = 1
        await drive_phase(dut)
        dut.clear_i.value = 0
