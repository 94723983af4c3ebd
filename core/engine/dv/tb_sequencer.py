# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_sequencer: each step against the loop nest, under random availability."""

from __future__ import annotations

import random
from collections import Counter, deque

import cocotb
from engine_bench import (
    Chance,
    descriptor_words,
    drive_phase,
    sample_phase,
    scramble,
    signed,
)
from sequencer_model import KINDS, Shape, random_layer

from corewright.facts.tables import Cause
from corewright.program.format import Opcode
from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
SHAPE = Shape(
    rows=PARAMETERS["Rows"],
    drain=PARAMETERS["Drain"],
    words=PARAMETERS.get("Words", PARAMETERS["Drain"]),
    word_bytes=PARAMETERS["WordBytes"],
    pixel_rows=PARAMETERS["PixelRows"],
    max_beats=PARAMETERS["MaxDrainBeats"],
    bias_rows=PARAMETERS["BiasRows"],
)
AVERAGE_CYCLES = PARAMETERS["AverageCycles"]
LAYERS = 3
COMPUTE, WAIT_WEIGHTS, WAIT_PIXELS, WAIT_OUTPUT, LAYER_START, LAYER_END, _ = Cause
# Cycles from the first pass's start in which the table of lanes is made.
LANE_TABLE = SHAPE.rows + 1


class Ring:
    """The rows that the weight loader brings, and the pointers that the sequencer moves."""

    def __init__(self, layer):
        self.rows = list(layer.weight_rows())
        self.held = layer.rows_held()
        self.read = self.group = self.first = self.released = 0

    def step(self, dut, wanted):
        """Follow a step's commands; the row that it reads has to be ``wanted``."""
        assert self.read < len(self.rows), "a weight row is read that nobody loads"
        assert self.rows[self.read] == wanted, f"row {self.rows[self.read]}, wanted {wanted}"
        assert self.read >= self.released, "a released weight row is read"
        assert self.read - self.released < self.held, "the ring holds more rows than it must"
        following = self.read + 1
        to_pass, to_group = int(dut.weight_to_pass_o.value), int(dut.weight_to_group_o.value)
        self.read = self.first if to_pass else self.group if to_group else following
        if to_pass:
            self.group = self.first
        if int(dut.weight_new_group_o.value):
            self.group = following
        if int(dut.weight_new_pass_o.value):
            self.first = following
        if int(dut.weight_release_o.value):
            self.released = following

    def check_end(self):
        """Nothing is left over for the next layer."""
        assert self.read == self.group == self.first == self.released == len(self.rows)


class Bench:
    """One sequencer between models of loader, weight ring and drain."""

    def __init__(self, dut):
        self.dut = Pins(dut)
        self.rng = random.Random(random.getrandbits(64))
        self.waits = Counter()  # cycles without a step, by cause
        self.drain_left = 0  # cycles for which the last tile of the layer before keeps the drain

    async def open(self):
        dut = self.dut
        dut.start_i.value = 0
        dut.clear_i.value = 0
        scramble(self.rng, dut.words_i, dut.loaded_positions_i, dut.loaded_all_i)
        scramble(self.rng, dut.loader_done_i, dut.weights_available_i, dut.tile_room_i)
        await start(dut)

    async def run(
        self, layer, stall, clear_after=None, room_stall=None, lazy=False, by_reset=False
    ):
        """Run one layer and check every step; returns (cycles, steps).

        Args:
            layer: what to run.
            stall: probability that pixels, weights or room are missing in a cycle.
            clear_after: clear_i after so many cycles.
            room_stall: the same for room alone (output or operand); ``stall`` when None.
            lazy: the loader loads a block only when the sequencer has been waiting for it.
            by_reset: what comes after ``clear_after`` cycles is a reset.
        """
        dut, rng = self.dut, self.rng
        steps = deque(layer.steps())
        count = len(steps)
        ring = Ring(layer)
        await drive_phase(dut)
        dut.words_i.value = descriptor_words(layer.fields())
        dut.start_i.value = 1
        await drive_phase(dut)
        dut.start_i.value = 0
        pixels, weights = Chance(rng, stall), Chance(rng, stall)
        room = Chance(rng, stall if room_stall is None else room_stall)
        # As a loader that has ended the layer before.
        loaded, all_loaded = 1 << 20, True
        end = layer.stream_blocks * SHAPE.rows
        known, all_known = -(1 << 33), False  # of what is loaded, a cycle later
        masks = deque([None, None])
        cycle = since_pass = 0
        passes = len(list(layer.passes()))
        drain_from = drain_at_latest = self.drain_left
        issued = late = waiting = False
        while True:
            dut.loaded_positions_i.value = loaded
            dut.loaded_all_i.value = int(all_loaded)
            done = all_loaded
            dut.loader_done_i.value = int(done)
            has_weights, has_room = weights.go(), room.go()
            dut.weights_available_i.value = int(has_weights)
            dut.tile_room_i.value = int(has_room)
            if cycle == clear_after and by_reset:
                await self.reset()
                return cycle, count
            dut.clear_i.value = int(cycle == clear_after)
            await sample_phase()

            step = int(dut.step_o.value)
            cause = int(dut.cause_o.value)
            new_pass = int(dut.pass_start_o.value)
            assert (cause == COMPUTE) == bool(step), layer
            mask = masks.popleft()
            assert mask is None or int(dut.mask_o.value) == mask, layer
            masks.append(None)
            if new_pass:
                passes -= 1
                since_pass = 0
                waiting = late = False
                assert passes >= 0, f"a pass too many: {layer}"
                assert not steps or steps[0].new_pass, layer
                assert signed(int(dut.released_o.value), 32) == layer.gather // SHAPE.rows, layer
            since_pass += 1
            assert int(dut.weight_step_o.value) == (step and layer.weighted), layer
            starved = True
            if not steps:
                assert not step, f"a step too many: {layer}"
                if int(dut.done_o.value):
                    break
                assert int(dut.release_all_o.value), layer
                assert cause == LAYER_END, layer
                assert not late, f"done_o is late: {layer}"
                late = done
            else:
                due = steps[0]
                assert not int(dut.done_o.value), layer
                pixels_ok = not new_pass and (all_known or due.need < known)
                weights_ok = not layer.weighted or has_weights
                may = must = pixels_ok and weights_ok
                if due.last:
                    may = may and has_room and cycle >= drain_from
                    must = must and has_room and cycle >= drain_at_latest
                if waiting:
                    # The rest of the pass's stream goes through the loader before the next pass.
                    assert not step and cause == WAIT_PIXELS, layer
                    assert int(dut.release_all_o.value), layer
                    assert not late, f"cycle {cycle}, the next pass is late: {layer}"
                    late = done
                elif step:
                    assert may, f"cycle {cycle}, a step before its time: {layer}"
                elif not issued:
                    assert cause == LAYER_START, layer
                    assert not must or since_pass <= LANE_TABLE, f"the first step is late: {layer}"
                else:
                    assert not must, f"cycle {cycle}, no step: {layer}"
                    wanted = WAIT_PIXELS if not pixels_ok else WAIT_WEIGHTS
                    wanted = WAIT_OUTPUT if pixels_ok and weights_ok else wanted
                    assert cause == wanted, layer
                    self.waits[cause] += 1
                if step:
                    issued = True
                    self.check(due, layer)
                    masks[-1] = due.mask
                    if layer.weighted:
                        ring.step(dut, due.weight)
                    if due.last:
                        average = layer.opcode is Opcode.AVERAGE_POOL
                        drain_from = cycle + (AVERAGE_CYCLES if average else max(due.tile.beats, 2))
                        drain_at_latest = drain_from + int(average)
                    steps.popleft()
                    waiting = bool(steps) and steps[0].new_pass
                starved = waiting or not (step or pixels_ok)
            if cycle == clear_after:
                await drive_phase(dut)
                dut.clear_i.value = 0
                self.drain_left = 0
                for _ in range(3):
                    await sample_phase()
                    assert int(dut.done_o.value) and not int(dut.step_o.value)
                    assert not int(dut.pass_start_o.value)
                    await drive_phase(dut)
                return cycle, count
            known, all_known = (-(1 << 33), False) if new_pass else (loaded, all_loaded)
            # The loader's next state.
            if new_pass:
                loaded, all_loaded = 0, False
            elif not all_loaded and pixels.go() and (starved or not lazy):
                loaded += SHAPE.rows
                all_loaded = loaded >= end
            cycle += 1
            assert cycle < 60 * (count + layer.stream_blocks * 20) + 2000, f"stuck: {layer}"
            await drive_phase(dut)
        # Two more cycles pass until the next layer's first.
        self.drain_left = max(0, drain_at_latest - cycle - 2)
        assert passes == 0, layer
        if layer.weighted:
            ring.check_end()
        return cycle, count

    async def reset(self):
        """Reset in mid-layer: it acts at once, and nothing of the layer is left behind it."""
        dut = self.dut
        for level in (0, 1, 1):
            dut.rst_ni.value = level
            await sample_phase()
            assert int(dut.done_o.value) and int(dut.cause_o.value) == LAYER_END
            for signal in (dut.step_o, dut.weight_step_o, dut.pass_start_o, dut.release_all_o):
                assert not int(signal.value)
            await drive_phase(dut)
        self.drain_left = 0

    def check(self, due, layer):
        """Compare the ports with the step that is due."""
        dut = self.dut
        got = {
            "first": int(dut.step_first_o.value),
            "last": int(dut.step_last_o.value),
            "row": int(dut.row_o.value),
            "lane": int(dut.lane_o.value),
            "released": signed(int(dut.released_o.value), 32),
        }
        for name, value in got.items():
            assert value == getattr(due, name), f"{name} is {value}, due {due}: {layer}"
        assert not int(dut.release_all_o.value), layer
        if due.lane:
            assert int(dut.row_next_o.value) == due.row_next, f"row_next, due {due}: {layer}"
        if due.slot is not None:
            assert int(dut.slot_o.value) == due.slot, f"slot, due {due}: {layer}"
        if due.tile is not None:
            tile = {
                "beats": int(dut.tile_beats_o.value),
                "channels": int(dut.tile_channels_o.value),
                "bias_row": int(dut.tile_bias_row_o.value),
                "offset": int(dut.tile_offset_o.value),
                "size": int(dut.tile_bytes_o.value),
                "last": bool(int(dut.tile_last_o.value)),
            }
            assert tile == due.tile.__dict__, f"{tile}, due {due.tile}: {layer}"


@cocotb.test
@cocotb.parametrize(kind=KINDS, stall=(0.0, 0.4, 0.8))
async def steps_follow_the_loop_nest(dut, kind, stall):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        await bench.run(random_layer(bench.rng, SHAPE, kind), stall)


@cocotb.test
@cocotb.parametrize(kind=KINDS)
async def a_step_waits_for_its_last_pixel_and_no_longer(dut, kind):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        await bench.run(random_layer(bench.rng, SHAPE, kind), 0.0, lazy=True)


@cocotb.test
@cocotb.parametrize(kind=("flat", "depthwise", "sum_pool"))
async def only_ends_of_tiles_wait_for_a_late_operand(dut, kind):
    """With an addition tile_room_i also says that the other operand's tile is there."""
    bench = Bench(dut)
    await bench.open()
    for _ in range(2):
        await bench.run(random_layer(bench.rng, SHAPE, kind), 0.0, room_stall=0.93)
    assert bench.waits[WAIT_OUTPUT], "no tile has waited"
    assert not bench.waits[WAIT_WEIGHTS]


@cocotb.test
@cocotb.parametrize(by_reset=(False, True))
async def clear_stops_a_layer_and_the_next_one_is_whole(dut, by_reset):
    bench = Bench(dut)
    await bench.open()
    for _ in range(2 * LAYERS):
        layer = random_layer(bench.rng, SHAPE, bench.rng.choice(KINDS))
        at = bench.rng.randrange(SHAPE.rows + sum(1 for _ in layer.steps()))
        await bench.run(layer, 0.0, clear_after=at, by_reset=by_reset)
        await bench.run(random_layer(bench.rng, SHAPE, bench.rng.choice(KINDS)), 0.3)
