# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_engine: small random networks, layer by layer, as a program orders them.

The compiler makes the program, the golden model says what every tensor has to be; what the ports
bring comes straight from the program's bytes and the arena's (layer_traffic.py). Only the contract
of the ports is checked, nothing of the insides.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import islice

import cocotb
import numpy as np
from engine_bench import Chance, beats_of, descriptor_words, drive_phase, sample_phase, scramble
from layer_traffic import Command, Traffic

from corewright import golden
from corewright.compiler import CompiledProgram, CompileError, compile_graph
from corewright.facts.tables import Cause
from corewright.hardware import Hardware
from corewright.program import decode_stages
from corewright.regress.random_graphs import random_graph
from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
HARDWARE = Hardware(
    processing_elements=(PARAMETERS["Rows"], PARAMETERS["Columns"]),
    bits_input=PARAMETERS["PixelBits"],
    bits_weights=PARAMETERS["WeightBits"],
    bits_sum=PARAMETERS["SumBits"],
    axi_width=PARAMETERS["AxiBits"],
    drain_width=PARAMETERS["Drain"],
    pixel_buffer_depth=PARAMETERS["PixelRows"] * PARAMETERS["Drain"],
    ram_weights_depth=PARAMETERS["WeightRows"],
    bias_buffer_depth=PARAMETERS["BiasRows"] * PARAMETERS["Drain"],
)
AXI_BYTES = HARDWARE.axi_bytes
# Of the queue between drain and packer.
QUEUE_BEATS = 2 * HARDWARE.columns // HARDWARE.drain_words + 24
QUEUE_BYTES = QUEUE_BEATS * HARDWARE.drain_words * HARDWARE.word_bytes
# Networks of a test.
NETWORKS = PARAMETERS["networks"]
LAYERS, LARGEST, BATCH = 3, 6, 2
# Draws of a network.
ATTEMPTS = 400
# Steps of a network: what a bench simulates in a second.
MOST_STEPS = 700
# What the accelerator's control takes for a clear: longer than any pipeline of the engine.
CLEAR_CYCLES = 100
# Cycles in which nothing moves over any port before a layer counts as stuck.
PATIENCE = 600


@dataclass
class Network:
    """A compiled network of one stage, and what memory has to hold behind it."""

    program: CompiledProgram
    images: np.ndarray
    values: dict[str, np.ndarray]

    @property
    def layers(self) -> list[Traffic]:
        """Its layers in order."""
        (stage,) = decode_stages(self.program.program)
        return [Traffic(fields, HARDWARE) for fields in stage.descriptors]

    def arena(self, rng) -> bytearray:
        """Memory before the run: the input, and anything else elsewhere."""
        return bytearray(self.program.make_arena(self.images, fill=rng.randrange(256)).tobytes())

    def check(self, arena) -> None:
        """Compare all specified bits of all tensors."""
        expected, mask = self.program.expected_arena(self.values)
        wrong = (np.frombuffer(arena, np.uint8) ^ expected) & mask
        for layer in self.program.layers:
            tensor = self.program.tensors[layer.output]
            place = slice(tensor.offset, tensor.offset + tensor.nbytes)
            assert not wrong[place].any(), f"layer {layer.name}, {layer.type}: wrong bits"
        assert not wrong.any(), "what no layer writes has changed"


def random_network(rng) -> Network:
    """Draw a network that the hardware can hold, short enough to be simulated."""
    draw = np.random.default_rng(rng.getrandbits(64))
    for attempt in range(ATTEMPTS):
        # Small hardware takes small networks.
        smaller = attempt // 8
        graph = random_graph(
            draw, HARDWARE, layers=max(LAYERS - smaller, 1), largest=max(LARGEST - smaller, 2)
        )
        try:
            program = compile_graph(graph, HARDWARE, int(draw.integers(1, BATCH + 1)))
        except CompileError:
            continue
        stages = decode_stages(program.program)
        steps = sum(layer.compute_cycles for layer in program.layers)
        if len(stages) == 1 and not stages[0].host_operations and steps <= MOST_STEPS:
            images = golden.random_input(draw, graph, program.batch)
            return Network(program, images, golden.run(graph, images))
    raise AssertionError(f"none of {ATTEMPTS} networks is short enough and fits {HARDWARE}")


def longest_run(network: Network) -> int:
    """Bytes of the network's largest tensor that is written by one command."""
    runs = (
        layer.fields["output_bytes"] * layer.fields["output_contiguous"] for layer in network.layers
    )
    return max(runs)


class Reader:
    """A memory port that reads: commands, then their beats, each stream in order."""

    def __init__(self, rng, stall, *signals):
        self.valid, self.ready, self.address, self.size = signals[:4]
        self.tdata, self.tbytes, self.tlast, self.tvalid, self.tready = signals[4:]
        self.rng = rng
        self.commands, self.beats = Chance(rng, stall), Chance(rng, stall)
        self.due: deque[Command] = deque()
        self.queue: deque[tuple[int, int, int]] = deque()
        self.offering = False

    def drive(self):
        self.ready.value = int(self.commands.go())
        if not self.offering and self.queue and self.beats.go():
            self.offering = True
            data, count, last = self.queue[0]
            # Bytes beyond tbytes mean nothing.
            self.tdata.value = data | self.rng.getrandbits(8 * AXI_BYTES) >> 8 * count << 8 * count
            self.tbytes.value, self.tlast.value = count, last
        elif not self.offering:
            scramble(self.rng, self.tdata, self.tlast)
        self.tvalid.value = int(self.offering)

    def sample(self, base, memory, limit):
        """Follow a cycle; returns whether something moved."""
        moved = self.offering and bool(self.tready.value)
        if moved:
            self.queue.popleft()
            self.offering = False
        if self.valid.value and self.ready.value:
            address, size = self.address.value, self.size.value
            offset = address - base
            assert offset >= 0 and offset + size <= limit, "a read outside its window"
            assert self.due, f"a read too many: {offset}, {size} bytes"
            assert (offset, size) == self.due.popleft(), f"read of {size} at {offset}"
            self.queue.extend(beats_of(memory, address, offset, size, AXI_BYTES))
            moved = True
        return moved

    def drop(self):
        """Forget everything, as an aborted mover does."""
        self.due.clear()
        self.queue.clear()
        self.offering = False


class Writer:
    """The memory port that writes; a command's response comes some cycles behind its data."""

    def __init__(self, rng, stall, dut):
        self.dut, self.rng = dut, rng
        self.commands, self.beats = Chance(rng, stall), Chance(rng, stall)
        self.due: deque[Command] = deque()
        self.open: deque[list[int]] = deque()
        self.responses: deque[int] = deque()
        self.held = None
        self.written: Counter[int] = Counter()

    @property
    def idle(self):
        return not self.open and not self.responses

    def drive(self):
        dut = self.dut
        dut.write_ready_i.value = int(self.commands.go())
        dut.m_axis_tready.value = int(bool(self.open) and self.beats.go())
        dut.writer_idle_i.value = int(self.idle)

    def sample(self, base, arena, limit):
        dut = self.dut
        moved = False
        self.responses = deque(left - 1 for left in self.responses if left > 1)
        if dut.m_axis_tvalid.value:
            beat = (dut.m_axis_tdata.value, dut.m_axis_tkeep.value, dut.m_axis_tlast.value)
            assert self.held is None or beat == self.held, "a beat changed under back-pressure"
            self.held = beat
            if dut.m_axis_tready.value:
                self.held = None
                self._store(arena, *beat)
                moved = True
        else:
            assert self.held is None, "a beat was withdrawn"
        if dut.write_valid_o.value and dut.write_ready_i.value:
            offset, size = dut.write_addr_o.value - base, dut.write_bytes_o.value
            assert offset >= 0 and offset + size <= limit, "a write outside the arena"
            assert self.due, f"a write too many: {offset}, {size} bytes"
            assert (offset, size) == self.due.popleft(), f"write of {size} at {offset}"
            self.open.append([offset, (base + offset) % AXI_BYTES, size])
            moved = True
        return moved

    def _store(self, arena, data, keep, last):
        offset, lane, left = self.open[0]
        count = min(left, AXI_BYTES - lane)
        assert keep == ((1 << count) - 1) << lane, f"strobes {keep:b}, {count} bytes from {lane}"
        assert last == (count == left), "tlast is not at the command's end"
        arena[offset : offset + count] = data.to_bytes(AXI_BYTES, "little")[lane : lane + count]
        self.written.update(range(offset, offset + count))
        self.open[0] = [offset + count, 0, left - count]
        if count == left:
            self.open.popleft()
            self.responses.append(self.rng.randrange(1, 8))

    def drop(self):
        self.due.clear()
        self.open.clear()
        self.responses.clear()
        self.held = None


class Loader:
    """What brings biases and weight rows, at most a layer ahead of the engine."""

    def __init__(self, rng, stall, dut):
        self.dut, self.rng = dut, rng
        self.go = Chance(rng, stall)
        self.biases: deque[tuple[int, int]] = deque()
        self.rows: deque[int] = deque()
        self.offering = False

    def load(self, layer, program, arena):
        self.biases.extend(layer.biases(program))
        self.rows.extend(layer.rows(program, bytes(arena), self.rng))

    @property
    def done(self):
        return not self.biases and not self.rows

    def drive(self):
        dut = self.dut
        bias = bool(self.biases) and self.go.go()
        if bias:
            dut.bias_row_i.value, dut.bias_i.value = self.biases.popleft()
        elif not self.biases and not self.offering and self.rows and self.go.go():
            self.offering = True
            dut.row_i.value = self.rows[0]
        if not self.offering:
            scramble(self.rng, dut.row_i)
        if not bias:
            scramble(self.rng, dut.bias_row_i, dut.bias_i)
        dut.bias_we_i.value = int(bias)
        dut.row_valid_i.value = int(self.offering)

    def sample(self):
        moved = self.offering and bool(self.dut.row_ready_o.value)
        if moved:
            self.rows.popleft()
            self.offering = False
        return moved

    def drop(self):
        self.biases.clear()
        self.rows.clear()
        self.offering = False


@dataclass
class Outcome:
    """What a layer's run has shown."""

    causes: Counter = field(default_factory=Counter)
    tile_ends: int = 0
    windows: list[int] = field(default_factory=list)
    mismatch: bool = False
    input_left: bool = False
    weights_left: bool = False
    ended: bool = False


class Bench:
    """The engine between its memories."""

    def __init__(self, dut, stall, write_stall=None):
        """``write_stall``: of the output's port; left out: as of the others."""
        self.dut = dut = Pins(dut)
        self.rng = rng = random.Random(random.getrandbits(64))
        self.reader = Reader(
            rng, stall, dut.read_valid_o, dut.read_ready_i, dut.read_addr_o, dut.read_bytes_o,
            dut.s_axis_tdata, dut.s_axis_tbytes, dut.s_axis_tlast, dut.s_axis_tvalid,
            dut.s_axis_tready,
        )  # fmt: skip
        self.operand = Reader(
            rng, stall, dut.operand_valid_o, dut.operand_ready_i, dut.operand_addr_o,
            dut.operand_bytes_o, dut.operand_tdata_i, dut.operand_tbytes_i, dut.operand_tlast_i,
            dut.operand_tvalid_i, dut.operand_tready_o,
        )  # fmt: skip
        self.writer = Writer(rng, stall if write_stall is None else write_stall, dut)
        self.loader = Loader(rng, stall, dut)
        self.movers = (self.reader, self.operand, self.writer, self.loader)

    async def open(self):
        dut = self.dut
        for signal in (dut.start_i, dut.clear_i, dut.row_valid_i, dut.bias_we_i):
            signal.value = 0
        for signal in (dut.s_axis_tvalid, dut.operand_tvalid_i, dut.m_axis_tready):
            signal.value = 0
        for signal in (dut.read_ready_i, dut.operand_ready_i, dut.write_ready_i):
            signal.value = 0
        dut.s_axis_tbytes.value = dut.operand_tbytes_i.value = 1
        dut.writer_idle_i.value = 1
        scramble(self.rng, dut.words_i)
        await start(dut)

    def place(self, network):
        """Put a network into memory, anywhere; returns its arena."""
        dut, rng = self.dut, self.rng
        # Multiples of 64 that leave room behind them.
        self.bases = {
            name: rng.randrange(3 << len(dut.arena_base_i) - 2) & ~63
            for name in ("arena", "program")
        }
        self.arena, self.program = network.arena(rng), network.program.program
        self.arena_limit, self.program_limit = len(self.arena), len(self.program)
        return self.arena

    async def layer(self, layer, *, following=None, abandon_after=None):
        """Run a layer until it is done, reports an error or is abandoned.

        Args:
            layer: what runs; its weights have been given to the loader.
            following: the layer behind it, whose weights may come at once.
            abandon_after: cycles until the bench looks away.

        Returns:
            What has been seen.
        """
        dut, seen = self.dut, Outcome()
        self.reader.due.extend(layer.reads())
        self.operand.due.extend(layer.operands())
        self.writer.due.extend(layer.runs())
        self.writer.written.clear()
        dut.arena_base_i.value, dut.program_base_i.value = self.bases.values()
        dut.arena_bytes_i.value, dut.program_bytes_i.value = self.arena_limit, self.program_limit
        dut.words_i.value = descriptor_words(layer.fields)
        dut.start_i.value = 1
        constant = bool(layer["input_program"])
        where, memory, limit = ("arena", self.arena, self.arena_limit)
        if constant:
            where, memory, limit = "program", self.program, self.program_limit
        cycle, quiet, ahead = 0, 0, False
        while True:
            for mover in self.movers:
                mover.drive()
            await sample_phase()
            if dut.mismatch_o.value:
                # The accelerator stops here: no byte of a wrong length has left.
                seen.mismatch = True
                await drive_phase(dut)
                dut.start_i.value = 0
                return seen
            moved = bool(dut.start_i.value)
            moved |= self.reader.sample(self.bases[where], memory, limit)
            moved |= self.operand.sample(self.bases["arena"], self.arena, self.arena_limit)
            moved |= self.writer.sample(self.bases["arena"], self.arena, self.arena_limit)
            moved |= self.loader.sample()
            seen.causes[dut.cause_o.value] += 1
            seen.tile_ends += dut.tile_end_o.value
            if dut.window_o.value:
                seen.windows.append(dut.window_offset_o.value)
            done = bool(dut.done_o.value)
            if done:
                seen.ended = True
                seen.input_left = bool(dut.input_left_o.value)
                seen.weights_left = bool(dut.weights_left_o.value)
            if following is not None and not ahead and not following["weights_arena"]:
                ahead = self.loader.done
                if ahead:
                    self.loader.load(following, self.program, self.arena)
            cycle += 1
            quiet = 0 if moved or dut.cause_o.value == Cause.COMPUTE else quiet + 1
            await drive_phase(dut)
            dut.start_i.value = 0
            if done or cycle == abandon_after:
                break
            if seen.windows and quiet > 60:
                break
            assert quiet < PATIENCE, f"stuck: {layer.fields}"
        if done:
            scramble(self.rng, dut.words_i)
            if following is not None and not ahead:
                self.loader.load(following, self.program, self.arena)
        return seen

    async def clear(self):
        """Stop as the accelerator's control does: the movers first, then the engine."""
        dut = self.dut
        for mover in self.movers:
            mover.drop()
        dut.clear_i.value = 1
        dut.writer_idle_i.value = 1
        for signal in (dut.row_valid_i, dut.bias_we_i, dut.s_axis_tvalid, dut.operand_tvalid_i):
            signal.value = 0
        for _ in range(CLEAR_CYCLES):
            await drive_phase(dut)
        await sample_phase()
        self.check_silence()
        await drive_phase(dut)
        dut.clear_i.value = 0

    def check_silence(self):
        """Nothing of a layer is left: the engine waits for a start, and nothing moves."""
        dut = self.dut
        assert dut.done_o.value and dut.cause_o.value == Cause.LAYER_END
        for signal in (
            dut.read_valid_o, dut.operand_valid_o, dut.write_valid_o, dut.m_axis_tvalid,
            dut.window_o, dut.mismatch_o, dut.tile_end_o, dut.input_left_o, dut.weights_left_o,
        ):  # fmt: skip
            assert not signal.value

    async def reset(self):
        """Reset with the memory's side: it acts at once, whatever the engine does."""
        dut = self.dut
        for mover in self.movers:
            mover.drop()
        for signal in (dut.row_valid_i, dut.bias_we_i, dut.s_axis_tvalid, dut.operand_tvalid_i):
            signal.value = 0
        dut.writer_idle_i.value = 1
        dut.rst_ni.value = 0
        await sample_phase()
        self.check_silence()
        await drive_phase(dut)
        dut.rst_ni.value = 1

    async def run(self, network):
        """Run a network from its first layer and compare everything."""
        arena = self.place(network)
        layers = network.layers
        self.loader.load(layers[0], self.program, arena)
        for index, layer in enumerate(layers):
            following = layers[index + 1] if index + 1 < len(layers) else None
            seen = await self.layer(layer, following=following)
            told = f"layer {index} of {network.program.report['layers']}"
            assert seen.ended and not seen.windows and not seen.mismatch, told
            assert not seen.input_left, told
            assert following is not None or not seen.weights_left, told
            assert not self.reader.due and not self.reader.queue, told
            assert not self.operand.due and not self.operand.queue, told
            assert not self.writer.due and self.writer.idle, told
            assert seen.causes[Cause.COMPUTE] == layer.steps, told
            assert not seen.causes[Cause.CONTROL], told
            assert seen.tile_ends == sum(1 for _ in layer.tiles()), told
            due = Counter(
                byte for offset, size in layer.runs() for byte in range(offset, offset + size)
            )
            assert self.writer.written == due, told
        network.check(arena)


@cocotb.test
@cocotb.parametrize(stall=(0.0, 0.3, 0.7))
async def every_tensor_of_a_network_is_exact(dut, stall):
    bench = Bench(dut, stall)
    await bench.open()
    for _ in range(NETWORKS):
        await bench.run(random_network(bench.rng))


@cocotb.test
async def every_tensor_is_exact_behind_a_full_output_queue(dut):
    bench = Bench(dut, 0.0, write_stall=0.97)
    await bench.open()
    # Only runs of many tiles fill the queue: of others eight wait, which it has room for.
    networks = (random_network(bench.rng) for _ in range(200 * NETWORKS))
    long = list(islice((n for n in networks if longest_run(n) > QUEUE_BYTES), NETWORKS))
    assert long, f"no network has a run of {QUEUE_BYTES} bytes"
    for network in long:
        await bench.run(network)


@cocotb.test
async def clear_leaves_nothing_of_a_layer(dut):
    bench = Bench(dut, 0.3)
    await bench.open()
    for _ in range(2 * NETWORKS):
        network = random_network(bench.rng)
        bench.place(network)
        first = network.layers[0]
        bench.loader.load(first, bench.program, bench.arena)
        # Later than most layers end, too: then it is the next one's weights that go.
        following = network.layers[1] if len(network.layers) > 1 else None
        cycles = bench.rng.randrange(1, 60 + 3 * first.steps)
        await bench.layer(first, following=following, abandon_after=cycles)
        await bench.clear()
        await bench.run(network)


@cocotb.test
async def a_reset_in_mid_layer_leaves_nothing_of_it(dut):
    bench = Bench(dut, 0.3)
    await bench.open()
    for _ in range(2 * NETWORKS):
        network = random_network(bench.rng)
        bench.place(network)
        first = network.layers[0]
        following = network.layers[1] if len(network.layers) > 1 else None
        # The engine stands wherever the resets before have stopped it.
        for _ in range(6):
            bench.loader.load(first, bench.program, bench.arena)
            cycles = bench.rng.randrange(1, 60 + 2 * first.steps)
            await bench.layer(first, following=following, abandon_after=cycles)
            await bench.reset()
        # No cycle between the reset and the next layer.
        await bench.run(network)


@cocotb.test
async def what_lies_outside_the_arena_is_reported_and_not_accessed(dut):
    bench = Bench(dut, 0.2)
    await bench.open()
    for _ in range(2 * NETWORKS):
        network = random_network(bench.rng)
        bench.place(network)
        layer = network.layers[0]
        kinds = [
            layer.operands(),
            layer.runs(),
            *([] if layer["input_program"] else [layer.reads()]),
        ]
        commands = [each for kind in kinds for each in kind]
        bench.arena_limit = max(offset + size for offset, size in commands) - 1
        outside = {offset for offset, size in commands if offset + size > bench.arena_limit}
        bench.loader.load(layer, bench.program, bench.arena)
        # The ports issue what is inside, in order, and stand still behind what is not.
        seen = await bench.layer(layer)
        assert seen.windows, f"nothing reported: {layer.fields}"
        assert set(seen.windows) <= outside, f"{seen.windows} reported, {outside} are outside"
        await bench.clear()
        await bench.run(network)


@cocotb.test
@cocotb.parametrize(words=(-1, 1))
async def an_output_of_another_length_is_reported(dut, words):
    bench = Bench(dut, 0.2)
    await bench.open()
    for _ in range(NETWORKS):
        network = random_network(bench.rng)
        bench.place(network)
        layer = network.layers[0]
        change = {"output_bytes": layer["output_bytes"] + words * HARDWARE.word_bytes}
        told = Traffic({**layer.fields, **change}, HARDWARE)
        # A longer run may lie behind the window, which is another error.
        bench.arena_limit += HARDWARE.word_bytes
        bench.arena.extend(bytes(HARDWARE.word_bytes))
        bench.loader.load(layer, bench.program, bench.arena)
        seen = await bench.layer(told)
        assert seen.mismatch, f"{words} words: {layer.fields}"
        await bench.clear()
        await bench.run(network)


@cocotb.test
async def weights_that_nobody_uses_are_seen_at_the_end(dut):
    bench = Bench(dut, 0.2)
    await bench.open()
    for _ in range(NETWORKS):
        network = random_network(bench.rng)
        bench.place(network)
        layer = network.layers[0]
        bench.loader.load(layer, bench.program, bench.arena)
        bench.loader.rows.append(bench.rng.getrandbits(len(bench.dut.row_i)))
        seen = await bench.layer(layer)
        assert seen.ended
        if not bench.loader.rows:
            assert seen.weights_left
        await bench.clear()
        await bench.run(network)
