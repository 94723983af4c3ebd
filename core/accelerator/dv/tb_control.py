# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_control between models of its partners: port, weight loader, engine, movers.

Each run is predicted from the program's bytes (control_model.py): which commands, which hand-overs
in which order, how it ends, and what every counter shows.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly, Timer
from control_model import (
    ADDED_UNITS,
    LANES,
    UNITS,
    Shape,
    any_value,
    image_of,
    legal_fields,
    packed,
)

from corewright.facts.tables import Cause
from corewright.program import DESCRIPTOR_BYTES, DESCRIPTOR_FIELDS, HEADER_BYTES, Opcode
from corewright.program.errors import ErrorCode
from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
SHAPE = Shape(
    rows=PARAMETERS["Rows"],
    columns=PARAMETERS["Columns"],
    drain=PARAMETERS["Drain"],
    pixel_bits=PARAMETERS["PixelBits"],
    weight_bits=PARAMETERS["WeightBits"],
    pixel_rows=PARAMETERS["PixelRows"],
    axi_bits=PARAMETERS["AxiBits"],
)
HASH, PERF_LAYERS = PARAMETERS["Hash"], PARAMETERS["PerfLayers"]
AXI_BYTES = PARAMETERS["AxiBits"] // 8
# Programs of a test.
RUNS = PARAMETERS["runs"]
CAUSES = len(Cause)
# Of the contract: a clear outlasts what array, drain and post-processing hold, beats of all columns
# and an average of all lanes for the longest; and a run without progress ends in the cycle behind
# the last that it is given.
AVERAGE = (
    *(PARAMETERS["Rows"] * PARAMETERS["Drain"], 1, -(-(PARAMETERS["PixelBits"] + 16) // 2), 1, 5),
)
CLEAR_CYCLES = 21 + PARAMETERS["Columns"] + sum(AVERAGE)
# Cycles in which a record that is being written would be complete.
RECORD_CYCLES = 10
# Cycles of the shortest layer: reads and writes alone take more than the record of a layer does.
SHORTEST = 10
# Cycles within which a run reacts to what goes wrong.
REACTION = 1
# Cycles from a descriptor's last word, and the end of its checksum, to its weights' start at most.
PROMPT = 6
# What means nothing to a control that does not run.
FAULTS = ("abort_i", "window_i", "mismatch_i", "input_left_i", "weights_left_i", "axi_error_i")


@dataclass(frozen=True)
class Program:
    """What lies in the program window, and how a run of it has to end.

    Attributes:
        image: header and descriptors.
        fields: the descriptors.
        error: the code that it ends with.
        info: ERROR_INFO behind it.
        handed: layers that are handed on before.
        window: bytes of the program window.
    """

    image: bytes
    fields: tuple
    error: ErrorCode = ErrorCode.NONE
    info: int = 0
    handed: int = 0
    window: int = 0

    def descriptor(self, number):
        at = HEADER_BYTES + number * DESCRIPTOR_BYTES
        return bytes(self.image[at : at + DESCRIPTOR_BYTES])


def sound(rng, layers=None):
    """Draw a program without a fault."""
    count = layers or rng.randint(1, PERF_LAYERS + 2)
    fields = tuple(legal_fields(rng, SHAPE, number, count) for number in range(count))
    image = image_of(HASH, fields)
    return Program(bytes(image), fields, handed=count, window=len(image))


class Bench:
    """Control and its partners, cycle by cycle."""

    def __init__(self, dut):
        self.dut = Pins(dut)
        self.rng = random.Random(random.getrandbits(64))
        self.stall = 0.3

    async def open(self):
        dut = self.dut
        for signal in (
            dut.start_i, dut.abort_i, dut.cmd_ready_i, dut.s_axis_tvalid, dut.window_i,
            dut.mismatch_i, dut.input_left_i, dut.weights_left_i, dut.axi_error_i,
            dut.watchdog_i,
        ):  # fmt: skip
            signal.value = 0
        for signal in (dut.weight_done_i, dut.engine_done_i, dut.movers_idle_i, dut.progress_i):
            signal.value = 1
        dut.engine_cause_i.value = int(Cause.LAYER_END)
        self.scramble()
        await start(dut)
        await ReadOnly()
        self.check_reset()
        await FallingEdge(dut.clk_i)

    def check_reset(self):
        """What a reset leaves, in its own cycles, too."""
        dut = self.dut
        for name in (
            "busy_o", "done_o", "error_o", "set_done_o", "set_error_o", "error_code_o",
            "error_info_o", "layer_o", "cycles_o", "perf_layers_o", "fetching_o", "cmd_valid_o",
            "s_axis_tready", "weight_start_o", "engine_start_o", "abort_movers_o", "clear_o",
        ):  # fmt: skip
            assert getattr(dut, name).value == 0, name

    async def reset(self):
        """Reset in the cycle that is, and its partners with it."""
        dut, rng = self.dut, self.rng
        dut.rst_ni.value = 0
        for _ in range(rng.randint(1, 3)):
            dut.start_i.value = dut.s_axis_tvalid.value = dut.axi_error_i.value = 0
            for name in ("abort_i", "window_i", "mismatch_i", "input_left_i", "weights_left_i"):
                getattr(dut, name).value = 0
            dut.engine_done_i.value = dut.weight_done_i.value = 1
            await ReadOnly()
            self.check_reset()
            await FallingEdge(dut.clk_i)
        dut.rst_ni.value = 1
        # A record that was being written goes on no further.
        for _ in range(rng.choice((0, RECORD_CYCLES))):
            await ReadOnly()
            self.check_reset()
            await FallingEdge(dut.clk_i)

    def scramble(self):
        dut, rng = self.dut, self.rng
        for signal in (dut.program_base_i, dut.program_bytes_i, dut.window_offset_i):
            signal.value = rng.getrandbits(len(signal))
        dut.axi_resp_i.value = rng.getrandbits(8)

    async def run(self, program, *, event=None, watchdog=0, silent=False, early=False, cut=None):
        """Run a program and check all of it.

        Args:
            program: what it is, and how it has to end.
            event: (when, signals): driven for a cycle in which the engine works on this
                layer, or at its end if a signal's name ends with ``left_i``; None: at any time;
                (layer, cycles): so long behind the end of the layer.
            watchdog: of the register.
            silent: the engine never ends, and nothing moves.
            early: the last layer ends before its weights have been read.
            cut: return after so many cycles, in the middle of it all.
        """
        dut, rng = self.dut, self.rng
        base = rng.randrange(3 << len(dut.program_base_i) - 2) & ~63
        dut.program_base_i.value, dut.program_bytes_i.value = base, program.window
        dut.watchdog_i.value = watchdog
        dut.movers_idle_i.value = int(program.error == ErrorCode.NONE)
        dut.start_i.value = 1
        beats = deque()
        offering = False
        loaded, started, ended = 0, 0, 0  # layers: weights handed, engine started, engine ended
        weight_left = engine_left = None
        engine_desc = None
        next_fetch, cycles, counts, records = 0, 0, [0] * CAUSES, []
        quiet, fired = 0, event is None
        where, signals = event or (None, {})
        at_end = {name: value for name, value in signals.items() if name.endswith("left_i")}
        when = rng.randrange(1, 60) if where is None else None
        behind = None
        held, state = None, 0
        summed, due = 0, None
        pulses = {"set_done_o": 0, "set_error_o": 0}
        first = True
        for number in range(4000 + 3 * watchdog):
            if number == cut:
                return
            # -------------------------------------------------------- drive
            dut.cmd_ready_i.value = int(rng.random() >= self.stall)
            if not offering and beats and rng.random() >= self.stall:
                offering = True
                dut.s_axis_tdata.value, dut.s_axis_tlast.value = beats[0]
            elif not offering:
                dut.s_axis_tdata.value = rng.getrandbits(8 * AXI_BYTES)
                dut.s_axis_tlast.value = rng.getrandbits(1)
            dut.s_axis_tvalid.value = int(offering)
            weight_busy = weight_left is not None
            engine_busy = engine_left is not None
            if weight_busy and weight_left > 0:
                weight_left -= 1
            if engine_busy and engine_left > 0 and not silent:
                engine_left -= 1
            dut.weight_done_i.value = int(not weight_busy or weight_left == 0)
            engine_done = not engine_busy or engine_left == 0
            # The last layer ends behind its weights.
            waits = loaded < started or (weight_busy and not (early and loaded == program.handed))
            if engine_busy and waits and engine_done:
                engine_done, engine_left = False, 1
            cause = rng.randrange(CAUSES - 1) if engine_busy else int(Cause.LAYER_END)
            dut.engine_cause_i.value = cause
            dut.engine_done_i.value = int(engine_done)
            moves = not silent and (watchdog == 0 or quiet + 2 >= watchdog or rng.random() < 0.5)
            if silent and not engine_busy:
                moves = True
            dut.progress_i.value = int(moves)
            if program.error == ErrorCode.NONE:
                dut.movers_idle_i.value = rng.getrandbits(1)
            if event is None:
                # What is left counts where a layer ends.
                amid = engine_busy and engine_left > 2
                dut.input_left_i.value = int(amid and rng.random() < 0.5)
                dut.weights_left_i.value = int(amid and rng.random() < 0.5)
            fire = False
            if not fired:
                if at_end:
                    # Registered, so it stands from the cycle before the end.
                    working = engine_busy and started - 1 == where
                    for name, value in at_end.items():
                        getattr(dut, name).value = value if working else 0
                elif where is None:
                    fire = cycles >= when
                elif isinstance(where, tuple):
                    if ended > where[0]:
                        behind = where[1] if behind is None else behind - 1
                    fire = behind == 0
                else:
                    fire = engine_busy and started - 1 == where and not first
                for name, value in signals.items():
                    if name not in at_end:
                        idle = rng.getrandbits(len(getattr(dut, name)))
                        plain = idle if name in ("window_offset_i", "axi_resp_i") else 0
                        getattr(dut, name).value = value if fire else plain
                fired = fire
            elif event is not None:
                for name in signals:
                    if name not in ("window_offset_i", "axi_resp_i"):
                        getattr(dut, name).value = 0
            # -------------------------------------------------------- sample
            await ReadOnly()
            for name in pulses:
                pulses[name] += getattr(dut, name).value
            if first:
                assert not dut.busy_o.value
            elif not dut.busy_o.value or dut.abort_movers_o.value:
                break
            else:
                cycles += 1
                assert not dut.done_o.value and not dut.error_o.value
            assert not dut.clear_o.value
            self._check_debug(engine_busy, engine_done, cause, first)
            state = dut.debug_state_o.value
            quiet = 0 if moves or first else quiet + 1
            fetching = dut.fetching_o.value
            assert not (weight_busy and weight_left and fetching), "two on the program port"
            offered = (dut.cmd_addr_o.value, dut.cmd_bytes_o.value)
            assert held is None or (dut.cmd_valid_o.value and held == offered), "command withdrawn"
            held = None
            if dut.cmd_valid_o.value:
                assert fetching
                held = None if dut.cmd_ready_i.value else offered
                offset = 0 if next_fetch == 0 else HEADER_BYTES + next_fetch * DESCRIPTOR_BYTES
                size = DESCRIPTOR_BYTES + (0 if next_fetch else HEADER_BYTES)
                assert dut.cmd_addr_o.value == base + offset, f"layer {next_fetch}"
                assert dut.cmd_bytes_o.value == size
                assert offset + size <= program.window, "a fetch outside the window"
                if dut.cmd_ready_i.value:
                    data = program.image[offset : offset + size].ljust(size, b"\0")
                    cuts = range(0, size, AXI_BYTES)
                    beats.extend(
                        (
                            int.from_bytes(data[at : at + AXI_BYTES], "little"),
                            int(at + AXI_BYTES >= size),
                        )
                        for at in cuts
                    )
                    next_fetch += 1
            if offering and dut.s_axis_tready.value:
                assert fetching
                offering = False
                # The checksum takes two words a cycle as they come.
                summed = max(cycles, summed) + -(-AXI_BYTES // 8)
                if beats.popleft()[1]:
                    due = summed + PROMPT
            waits = loaded < len(program.fields) and (
                weight_busy or (program.fields[loaded]["weights_arena"] and engine_busy)
            )
            if due is not None and (waits or dut.weight_start_o.value):
                due = None
            assert due is None or cycles <= due, "the descriptor is not handed on"
            if dut.weight_start_o.value:
                assert not weight_busy or weight_left == 0
                assert loaded < program.handed, f"the weights of layer {loaded} are not to be read"
                assert dut.weight_desc_o.value == packed(program.descriptor(loaded))
                if program.fields[loaded]["weights_arena"]:
                    assert ended == loaded, "weights that are activations, too early"
                assert loaded <= started + 1
                loaded, weight_left = loaded + 1, rng.choice((1, 2, rng.randrange(1, 40)))
                if early and loaded == program.handed:
                    weight_left = 400
            elif weight_busy:
                assert dut.weight_desc_o.value == packed(program.descriptor(loaded - 1))
                if weight_left == 0:
                    weight_left = None
            starts = bool(dut.engine_start_o.value)
            if starts:
                assert not engine_busy, "the engine has not ended"
                assert started < program.handed, f"layer {started} is not to be run"
                engine_desc = packed(program.descriptor(started))
                started, engine_left = started + 1, rng.randrange(SHORTEST, 80)
            if engine_desc is not None and (engine_busy or starts):
                assert dut.engine_desc_o.value == engine_desc, "the descriptor has changed"
                assert dut.layer_o.value == started - 1
            if not first:
                counts[cause if engine_busy else int(Cause.CONTROL)] += 1
            if engine_busy and engine_done:
                engine_left = None
                ended += 1
                records.append([*counts, sum(counts)])
                counts = [0] * CAUSES
            first = False
            await FallingEdge(dut.clk_i)
            # Another start while it runs means nothing.
            over = program.error == ErrorCode.NONE and ended == program.handed
            dut.start_i.value = int(not over and rng.random() < 0.05)
        else:
            raise AssertionError("the run does not end")
        if program.error == ErrorCode.NONE:
            assert not dut.busy_o.value and dut.done_o.value and not dut.error_o.value
            assert dut.error_code_o.value == ErrorCode.NONE and dut.error_info_o.value == 0
            assert (loaded, started, ended) == (program.handed,) * 3
            assert dut.cycles_o.value == cycles == sum(record[-1] for record in records)
            await self._settle(pulses)
            assert pulses == {"set_done_o": 1, "set_error_o": 0}
            assert dut.layer_o.value == started - 1
            assert dut.cycles_o.value == cycles, "it counts on"
            await self._check_counters(records)
        else:
            assert dut.abort_movers_o.value, "it ended well"
            assert fired or at_end, "it ended before the fault"
            assert dut.cycles_o.value == cycles
            if silent:
                assert quiet == watchdog + REACTION, f"after {quiet} cycles"
                assert dut.error_info_o.value == state
            assert dut.error_code_o.value == program.error, ErrorCode(dut.error_code_o.value).name
            if program.info is not None:
                assert dut.error_info_o.value == program.info
            await self._check_stop(pulses, len(records))
            assert dut.layer_o.value == max(started - 1, 0)
            assert dut.cycles_o.value == cycles, "it counts on"

    def _check_debug(self, engine_busy, engine_done, cause, first):
        """The bits of DEBUG_STATE that the module's header tells."""
        dut = self.dut
        state = dut.debug_state_o.value
        assert state & 0xFF == dut.layer_o.value & 0xFF
        assert state >> 8 & 7 == cause
        assert state >> 16 & 1 == engine_done and state >> 17 & 1 == dut.weight_done_i.value
        assert bool(state >> 18 & 1) == (engine_busy or bool(dut.engine_start_o.value))
        assert state >> 24 == int(not first)
        assert not state >> 11 & 31 and not state >> 19 & 1

    async def _settle(self, pulses):
        """Nothing follows, whatever goes wrong elsewhere while control is idle."""
        dut, rng = self.dut, self.rng
        kept = (dut.done_o.value, dut.error_o.value, dut.error_code_o.value)
        for _ in range(5):
            await FallingEdge(dut.clk_i)
            dut.start_i.value = 0
            for name in FAULTS:
                getattr(dut, name).value = rng.getrandbits(len(getattr(dut, name)))
            await ReadOnly()
            for name in pulses:
                pulses[name] += getattr(dut, name).value
            for name in ("busy_o", "fetching_o", "cmd_valid_o", "abort_movers_o", "clear_o",
                         "weight_start_o", "engine_start_o", "s_axis_tready"):  # fmt: skip
                assert not getattr(dut, name).value, name
            assert kept == (dut.done_o.value, dut.error_o.value, dut.error_code_o.value)
        await FallingEdge(dut.clk_i)
        for name in FAULTS:
            getattr(dut, name).value = 0

    async def until(self, name, *, abort):
        """Run a program of one layer without delays, or abort it, until an output is high."""
        dut = self.dut
        program = sound(self.rng, 1)
        dut.program_base_i.value, dut.program_bytes_i.value = 0, program.window
        dut.watchdog_i.value = 0
        dut.cmd_ready_i.value = dut.movers_idle_i.value = 1
        dut.weight_done_i.value = dut.engine_done_i.value = 1
        at = 0
        for cycle in range(1000):
            dut.start_i.value = int(cycle == 0)
            dut.abort_i.value = int(abort and cycle == 20)
            data = program.image[at : at + AXI_BYTES]
            dut.s_axis_tdata.value = int.from_bytes(data, "little")
            dut.s_axis_tlast.value = int(at + AXI_BYTES >= len(program.image))
            dut.s_axis_tvalid.value = 1
            await ReadOnly()
            at += AXI_BYTES * dut.s_axis_tready.value
            if getattr(dut, name).value:
                # Still before the clock's edge.
                await Timer(1, "ns")
                return
            await FallingEdge(dut.clk_i)
        raise AssertionError(f"{name} never comes")

    async def _check_stop(self, pulses, ended):
        """Movers stop, everything is cleared, and only then the run has ended."""
        dut, rng = self.dut, self.rng
        wait = rng.randrange(12)
        cleared = 0
        for cycle in range(400):
            await FallingEdge(dut.clk_i)
            dut.s_axis_tvalid.value = dut.cmd_ready_i.value = 0
            # Neither a start nor another fault means anything before the end.
            dut.start_i.value = int(cleared < 5 and rng.random() < 0.3)
            for name in FAULTS:
                pin = getattr(dut, name)
                pin.value = rng.getrandbits(len(pin)) if cleared < 5 else 0
            dut.movers_idle_i.value = int(cycle >= wait)
            # An engine that comes to its end now has ended no layer of the run.
            dut.engine_done_i.value = rng.getrandbits(1)
            await ReadOnly()
            for name in pulses:
                pulses[name] += getattr(dut, name).value
            if not dut.busy_o.value:
                break
            assert not dut.error_o.value and not dut.done_o.value
            assert not dut.engine_start_o.value and not dut.weight_start_o.value
            assert not dut.cmd_valid_o.value
            if cycle < wait:
                assert dut.abort_movers_o.value and not dut.clear_o.value
            cleared += dut.clear_o.value
            assert not (dut.clear_o.value and dut.abort_movers_o.value)
            if cleared:
                assert dut.clear_o.value, "the clear has a gap"
        else:
            raise AssertionError("the stop does not end")
        assert cleared == CLEAR_CYCLES
        assert dut.error_o.value and not dut.done_o.value
        await self._settle(pulses)
        assert pulses == {"set_done_o": 0, "set_error_o": 1}
        assert dut.perf_layers_o.value == min(ended, PERF_LAYERS)
        dut.engine_done_i.value = dut.weight_done_i.value = 1

    async def _check_counters(self, records):
        dut = self.dut
        for _ in range(10):
            await FallingEdge(dut.clk_i)
        await ReadOnly()
        recorded = min(len(records), PERF_LAYERS)
        assert dut.perf_layers_o.value == recorded
        for layer, record in enumerate(records[:recorded]):
            for word, count in enumerate(record):
                await FallingEdge(dut.clk_i)
                dut.perf_index_i.value = 8 * layer + word
                await FallingEdge(dut.clk_i)
                await ReadOnly()
                assert dut.perf_data_o.value == count, f"layer {layer}, word {word}"
        await FallingEdge(dut.clk_i)


@cocotb.test
@cocotb.parametrize(stall=(0.0, 0.4, 0.8))
async def layers_are_handed_on_in_order_and_counted(dut, stall):
    bench = Bench(dut)
    bench.stall = stall
    await bench.open()
    for _ in range(RUNS):
        await bench.run(sound(bench.rng))


@cocotb.test
async def a_run_right_behind_another_counts_its_own_layers(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(RUNS):
        # Its last layer's record is still being written.
        await bench.until("set_done_o", abort=False)
        for _ in range(bench.rng.randint(1, 10)):
            await FallingEdge(dut.clk_i)
            dut.start_i.value = dut.s_axis_tvalid.value = 0
        await bench.run(sound(bench.rng))


@cocotb.test
async def a_descriptor_is_taken_exactly_if_it_is_legal(dut):
    bench = Bench(dut)
    rng = bench.rng
    await bench.open()
    refused = 0
    names = [field.name for field in DESCRIPTOR_FIELDS if field.name != "crc"]
    for _ in range(25 * RUNS):
        program = sound(rng, rng.choice((1, 1, 2)))
        bad = rng.randrange(len(program.fields))
        changed = {**program.fields[bad]}
        for name in rng.sample(names, rng.choice((1, 1, 2))):
            changed[name] = any_value(rng, name)
        fields = list(program.fields)
        fields[bad] = changed
        told = Program(bytes(image_of(HASH, fields)), tuple(fields), handed=len(fields),
                       window=program.window)  # fmt: skip
        if not SHAPE.legal(changed, bad, len(fields)):
            refused += 1
            told = Program(told.image, told.fields, ErrorCode.BAD_DESCRIPTOR,
                           changed["layer_index"], bad, told.window)  # fmt: skip
            await bench.run(told)
        else:
            await bench.run(told)
    assert refused


# Field: a value that the hardware refuses, as a function of a shape.
ILLEGAL = {
    "opcode": lambda rng: max(Opcode) + 1,
    "ring_rows": lambda rng: SHAPE.pixel_rows + 1,
    "row_bytes": lambda rng: SHAPE.row_bytes + 1,
    "last_row_bytes": lambda rng: SHAPE.row_bytes + 1,
    "group_channels": lambda rng: rng.choice((0, SHAPE.columns + 1)),
    "last_group_channels": lambda rng: rng.choice((0, SHAPE.columns + 1)),
    "clip_high": lambda rng: SHAPE.pixels[1] + 1,
    "clip_low": lambda rng: SHAPE.pixels[0] - 1,
    "copies_w": lambda rng: 4,
    **dict.fromkeys(
        ("kernel_height", "kernel_width", "channels_in", "groups", "groups_per_pass", "blocks",
         "set_blocks", "stride_h", "stride_w", "wrap_w", "wrap_h", "ring_blocks", "segments",
         "segment_bytes", "stream_blocks", "output_bytes"),
        lambda rng: 0,
    ),
    **dict.fromkeys(
        ("gather_lane", "pitch_lane", "row_step_lane", "image_step_lane", "scatter_lane",
         "scatter_image_lane", "phase_skew"),
        lambda rng: SHAPE.rows,
    ),
}  # fmt: skip
if SHAPE.unit > 1:
    ILLEGAL |= {
        name: lambda rng: SHAPE.unit * rng.randint(1, 9) + rng.choice((1, SHAPE.unit // 2))
        for name in UNITS
        if name not in ILLEGAL
    }


# Fields that are checked together: what legal() says of the model decides, about each border.
STORED = {"weight_rows": 5, "weights_arena": 0, "groups": 2}
UNIT = {"stride_h": 1, "stride_w": 1, "direct_load": 0, "copies_w": 1, "copies_h": 1}
LARGEST = {
    "ring_rows": SHAPE.pixel_rows,
    "row_bytes": SHAPE.row_bytes,
    "last_row_bytes": SHAPE.row_bytes,
    "clip_low": SHAPE.pixels[0],
    "clip_high": SHAPE.pixels[1],
    "add_clip_low": SHAPE.pixels[0],
    "add_clip_high": SHAPE.pixels[1],
    "add_enable": 1,
    **dict.fromkeys(LANES, SHAPE.rows - 1),
}
TOGETHER = [
    LARGEST,
    *(
        {**base, **dict.fromkeys(names, 0), **changes}
        for changes in ({}, {"groups": 1}, {"weights_arena": 1}, {"weight_rows": 0})
        for base in (STORED,)
        for names in (
            ("row_bytes",), ("group_bytes",), ("last_row_bytes",), ("last_group_bytes",), (),
            ("row_bytes", "group_bytes"),
        )
    ),
    *(
        {**UNIT, **changes}
        for changes in (
            {}, {"copies_w": 0}, {"copies_h": 0}, {"copies_w": 3}, {"copies_w": 4},
            *(
                {name: value, **copies}
                for name, value in (("stride_h", 2), ("stride_w", 2), ("direct_load", 1))
                for copies in (
                    {}, {"copies_w": 0}, {"copies_h": 0}, {"copies_w": 0, "copies_h": 0}
                )
            ),
        )
    ),
    *(
        {"opcode": opcode, "group_channels": first, "last_group_channels": last}
        for opcode in Opcode
        for most in (SHAPE.columns if opcode == Opcode.CONV else SHAPE.drain,)
        for first, last in ((most, most), (most + 1, 1), (1, most + 1), (0, 1), (1, 0))
    ),
    *(
        {"direct_load": load, "input_pitch": pitch, "load_width": width,
         "copies_w": 0, "copies_h": 0}
        for load in (0, 1)
        for pitch, width in ((0, 0), (5, 5), (5, 6))
    ),
    *({"weights_resident": a, "weights_streamed": b} for a in (0, 1) for b in (0, 1)),
    *(
        {name: SHAPE.unit + SHAPE.unit // 2, "add_enable": add}
        for add in (0, 1)
        for name in (*UNITS, *ADDED_UNITS)
    ),
    *({"layer_index": 1, "last_layer": last} for last in (0, 1)),
    {"last_layer": 0},
    *(
        {f"{prefix}clip_low": low, f"{prefix}clip_high": high, "add_enable": add}
        for prefix in ("", "add_")
        for add in (0, 1)
        for low, high in (
            (SHAPE.pixels[0] - 1, SHAPE.pixels[1]), (SHAPE.pixels[0], SHAPE.pixels[1] + 1),
            (1, 0), (0, 0),
        )
        if SHAPE.pixel_bits < 16 or (low, high) in ((1, 0), (0, 0))
    ),
]  # fmt: skip


@cocotb.test
async def fields_that_depend_on_each_other_are_checked_together(dut):
    bench = Bench(dut)
    bench.stall = 0.0
    await bench.open()
    told = {True: 0, False: 0}
    for changes in TOGETHER:
        program = sound(bench.rng, 1)
        changed = {**program.fields[0], **changes}
        image = bytes(image_of(HASH, [changed]))
        legal = SHAPE.legal(changed, 0, 1)
        told[legal] += 1
        error = ErrorCode.NONE if legal else ErrorCode.BAD_DESCRIPTOR
        info = 0 if legal else changed["layer_index"]
        await bench.run(Program(image, (changed,), error, info, int(legal), len(image)))
    assert min(told.values()) > 10, told


@cocotb.test
async def each_illegal_field_alone_is_refused(dut):
    bench = Bench(dut)
    bench.stall = 0.0
    await bench.open()
    for name, value in ILLEGAL.items():
        program = sound(bench.rng, 1)
        changed = {**program.fields[0], name: value(bench.rng)}
        if name == "phase_skew" and not changed[name]:
            continue
        if changed[name] < -(1 << 15) or (name.startswith("clip") and changed[name] >= 1 << 15):
            continue
        assert not SHAPE.legal(changed, 0, 1), name
        image = bytes(image_of(HASH, [changed]))
        await bench.run(Program(image, (changed,), ErrorCode.BAD_DESCRIPTOR, 0, 0, len(image)))
    await bench.run(sound(bench.rng))


@cocotb.test
async def a_wrong_checksum_of_a_descriptor_is_refused(dut):
    bench = Bench(dut)
    rng = bench.rng
    await bench.open()
    for _ in range(4 * RUNS):
        program = sound(rng, rng.randint(1, 3))
        bad = rng.randrange(len(program.fields))
        image = bytearray(program.image)
        bit = rng.randrange(8 * DESCRIPTOR_BYTES)
        image[HEADER_BYTES + bad * DESCRIPTOR_BYTES + bit // 8] ^= 1 << bit % 8
        index = bad ^ (1 << bit - 16 if 16 <= bit < 32 else 0)
        await bench.run(
            Program(
                bytes(image), program.fields, ErrorCode.BAD_DESCRIPTOR, index, bad, program.window
            )
        )
        await bench.run(program)


@cocotb.test
async def a_wrong_header_is_refused(dut):
    bench = Bench(dut)
    rng = bench.rng
    await bench.open()
    for _ in range(RUNS):
        program = sound(rng, rng.randint(1, 3))
        count, bit = len(program.fields), 1 << rng.randrange(32)
        magic = int.from_bytes(program.image[:4], "little")
        version = int.from_bytes(program.image[4:8], "little")
        for changes, error, info in (
            ({"magic": magic ^ bit}, ErrorCode.BAD_PROGRAM, magic ^ bit),
            ({"version": version ^ bit}, ErrorCode.BAD_PROGRAM, magic),
            ({"descriptor_offset": HEADER_BYTES ^ bit}, ErrorCode.BAD_PROGRAM, magic),
            ({"layers": 0}, ErrorCode.BAD_PROGRAM, None),
            ({"layers": count + (1 << 16)}, ErrorCode.BAD_PROGRAM, None),
            ({"hardware_hash": HASH ^ bit}, ErrorCode.WRONG_HARDWARE, HASH ^ bit),
        ):
            image = bytes(image_of(HASH, program.fields, changes))
            await bench.run(Program(image, program.fields, error, info, 0, program.window))
        await bench.run(program)


@cocotb.test
async def no_fetch_leaves_the_window(dut):
    bench = Bench(dut)
    rng = bench.rng
    await bench.open()
    for _ in range(2 * RUNS):
        program = sound(rng, rng.randint(1, 3))
        bad = rng.randrange(len(program.fields))
        offset = HEADER_BYTES + bad * DESCRIPTOR_BYTES
        window = offset + rng.choice((0, DESCRIPTOR_BYTES - 1, rng.randrange(DESCRIPTOR_BYTES)))
        await bench.run(
            Program(program.image, program.fields, ErrorCode.WINDOW, offset, bad, window)
        )
        await bench.run(program)


@cocotb.test
async def what_goes_wrong_in_a_layer_ends_the_run_with_its_code(dut):
    bench = Bench(dut)
    rng = bench.rng
    await bench.open()
    for _ in range(RUNS):
        program = sound(rng, 3)
        layer, offset, responses = rng.randrange(3), rng.getrandbits(32), rng.getrandbits(8)
        response = [responses >> 2 * port & 3 for port in range(4)]
        events = [
            (layer, {"window_i": 1, "window_offset_i": offset}, ErrorCode.WINDOW, offset),
            (layer, {"mismatch_i": 1}, ErrorCode.BAD_DESCRIPTOR, layer),
            (layer, {"input_left_i": 1}, ErrorCode.BAD_DESCRIPTOR, layer),
            (2, {"weights_left_i": 1}, ErrorCode.BAD_DESCRIPTOR, 2),
            (None, {"abort_i": 1}, ErrorCode.ABORTED, 0),
        ]
        for port, code in enumerate(
            (ErrorCode.AXI_READ_PROGRAM, ErrorCode.AXI_READ_PIXELS, ErrorCode.AXI_WRITE,
             ErrorCode.AXI_READ_PIXELS)
        ):  # fmt: skip
            signals = {"axi_error_i": 1 << port, "axi_resp_i": responses}
            events.append((layer, signals, code, response[port]))
        for where, signals, error, info in events:
            told = Program(program.image, program.fields, error, info, 3, program.window)
            await bench.run(told, event=(where, signals))
            if rng.randrange(2):
                await bench.run(program)


@cocotb.test
async def weights_left_before_the_last_layer_are_the_next_ones(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(RUNS):
        await bench.run(sound(bench.rng, 3), event=(bench.rng.randrange(2), {"weights_left_i": 1}))


@cocotb.test
async def the_watchdog_ends_a_run_that_stands_still_and_no_other(dut):
    bench = Bench(dut)
    rng = bench.rng
    await bench.open()
    for _ in range(2 * RUNS):
        limit = rng.randint(8, 60)
        program = sound(rng, 1)
        await bench.run(
            Program(program.image, program.fields, ErrorCode.WATCHDOG, None, 1, program.window),
            watchdog=limit,
            silent=True,
        )
        # Something moves often enough.
        await bench.run(sound(rng, 2), watchdog=limit)


@cocotb.test
async def a_fault_between_layers_starts_no_other(dut):
    """In each cycle about a hand-over: what has started is what the registers say."""
    bench = Bench(dut)
    rng = bench.rng
    await bench.open()
    for delay in range(6):
        for _ in range(RUNS):
            program = sound(rng, 3)
            told = Program(program.image, program.fields, ErrorCode.ABORTED, 0, 3, program.window)
            await bench.run(told, event=((rng.randrange(2), delay), {"abort_i": 1}))
            await bench.run(program)


@cocotb.test
async def an_abort_in_any_cycle_of_a_fetch_leaves_nothing(dut):
    bench = Bench(dut)
    bench.stall = 0.2
    await bench.open()
    for _ in range(12 * RUNS):
        # Long enough that the abort comes before its end.
        program = sound(bench.rng, 4)
        told = Program(program.image, program.fields, ErrorCode.ABORTED, 0, 4, program.window)
        await bench.run(told, event=(None, {"abort_i": 1}))
        if bench.rng.randrange(2):
            await bench.run(program)


@cocotb.test
async def a_last_layer_that_ends_before_its_weights_is_refused(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(RUNS):
        program = sound(bench.rng)
        last = len(program.fields) - 1
        told = Program(program.image, program.fields, ErrorCode.BAD_DESCRIPTOR, last, last + 1,
                       program.window)  # fmt: skip
        await bench.run(told, early=True, event=(last, {"input_left_i": 0}))
        await bench.run(program)


@cocotb.test
async def a_reset_in_any_cycle_leaves_nothing(dut):
    """Within a fetch, a layer, a stop, and in the cycles about a run's end."""
    bench = Bench(dut)
    rng = bench.rng
    await bench.open()
    for _ in range(10 * RUNS):
        await bench.run(sound(rng), cut=rng.randrange(1, 200))
        await bench.reset()
        if rng.randrange(2):
            await bench.run(sound(rng, rng.randint(1, 2)))
    for ending in ("set_done_o", "set_error_o", "abort_movers_o", "clear_o"):
        await bench.until(ending, abort=ending != "set_done_o")
        await bench.reset()
        await bench.run(sound(rng, 1))
