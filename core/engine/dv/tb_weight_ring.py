# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_weight_ring: random replays and releases against a plain list of rows."""

from __future__ import annotations

import random
from collections import deque

import cocotb
from engine_bench import Chance, drive_phase, sample_phase, scramble

from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

DEPTH = bench_parameters()["Depth"]
COMMANDS = ("to_group", "to_pass", "new_group", "new_pass", "release")


class Model:
    """All rows ever written, and where reading stands."""

    def __init__(self):
        self.rows = []
        self.read = self.group = self.first = self.released = 0

    def choose(self, rng):
        """Commands of a legal step: never back to a released row, never ahead for ever."""
        following = self.read + 1
        full = following - self.released >= DEPTH
        ways = []
        if self.group >= self.released:
            ways.append({"to_group"})
        if self.first >= self.released:
            ways.append({"to_pass"})
        if not full:
            ways += [set(), set(), {"new_group"}, {"new_pass", "new_group"}]
        # Releasing while going on, as streamed weights do, or with a new group or pass.
        ways += [{"release"}, {"release", "new_group"}, {"release", "new_group", "new_pass"}]
        return rng.choice(ways)

    def step(self, commands):
        """Apply a step."""
        following = self.read + 1
        if "to_pass" in commands:
            self.read = self.group = self.first
        elif "to_group" in commands:
            self.read = self.group
        else:
            self.read = following
        if "new_group" in commands:
            self.group = following
        if "new_pass" in commands:
            self.first = following
        if "release" in commands:
            self.released = following


@cocotb.test
@cocotb.parametrize(write_stall=(0.0, 0.5, 0.9), read_stall=(0.0, 0.5, 0.9))
async def replayed_rows_come_in_order_and_unchanged(dut, write_stall, read_stall):
    dut = Pins(dut)
    rng = random.Random(random.getrandbits(64))
    signals = {name: getattr(dut, f"{name}_i") for name in COMMANDS}
    for signal in (dut.clear_i, dut.wr_valid_i, dut.step_i, *signals.values()):
        signal.value = 0
    await start(dut)
    model = Model()
    writes, steps = Chance(rng, write_stall), Chance(rng, read_stall)
    due = deque([None, None])
    row, full, taken = None, 0, 0
    room = False  # for a row, a cycle ago: what was released since is not counted
    for _ in range(1500):
        clear, reset = rng.random() < 0.004, rng.random() < 0.004
        dut.clear_i.value, dut.rst_ni.value = int(clear), int(not reset)
        if reset:
            # It acts at once: the ring is empty in this cycle.
            model, row = Model(), None
        if row is None and not reset and writes.go():
            row = rng.getrandbits(len(dut.wr_row_i))
            dut.wr_row_i.value = row
        elif row is None:
            scramble(rng, dut.wr_row_i)
        dut.wr_valid_i.value = int(row is not None)
        available = len(model.rows) > model.read
        step = available and steps.go() and not clear
        commands = model.choose(rng) if step else set()
        dut.step_i.value = int(step)
        for name, signal in signals.items():
            # Without a step they mean nothing.
            signal.value = int(name in commands) if step else rng.getrandbits(1)
        await sample_phase()
        held = len(model.rows) - model.released
        assert held <= DEPTH
        assert int(dut.available_o.value) == available
        assert int(dut.wr_ready_o.value) == (room and not reset)
        weights = due.popleft()
        if weights is not None:
            assert int(dut.weights_o.value) == weights
        due.append(model.rows[model.read] if step else None)
        full += held == DEPTH
        taken += step
        if clear:
            model, row, room = Model(), None, False
        else:
            written = row is not None and room and not reset
            if written:
                model.rows.append(row)
                row = None
            room = not reset and held + written < DEPTH
            if step:
                model.step(commands)
        await drive_phase(dut)
    assert taken > 50
    # A deep ring fills for sure only behind a reader that is slower.
    assert full or write_stall > read_stall or (DEPTH > 8 and write_stall == read_stall)
