# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bench of a module that the generator stream_buffer made."""

import random

import cocotb

from corewright.testing.axis import AxisSink, AxisSource, run_cycles, run_until, start
from corewright.testing.cocotb_runner import bench_parameters

EXPECTED = bench_parameters()


async def prepare(dut, stall=0.0):
    assert len(dut.s_axis_tdata) == EXPECTED["width"]
    rng = random.Random(random.getrandbits(64))
    source = AxisSource(dut, "s_axis", ["tdata"], rng, stall)
    sink = AxisSink(dut, "m_axis", ["tdata"], rng, stall)
    await start(dut)
    return source, sink


def beats(count):
    return [{"tdata": random.getrandbits(EXPECTED["width"])} for _ in range(count)]


@cocotb.test
@cocotb.parametrize(stall=(0.0, 0.5))
async def beats_arrive_in_order(dut, stall):
    source, sink = await prepare(dut, stall)
    sent = beats(200)
    source.send(sent)
    cycles = await run_until(dut.clk_i, [source, sink], sink.holds(len(sent)))
    assert sink.beats == sent
    if not stall:
        assert cycles == len(sent) + EXPECTED["latency"]


@cocotb.test
async def holds_what_it_says_and_no_more(dut):
    source, sink = await prepare(dut)
    sink.blocked = True
    source.send(beats(EXPECTED["beats"] + 5))
    await run_cycles(dut.clk_i, [source, sink], EXPECTED["beats"] + 30)
    assert source.accepted == EXPECTED["beats"]


class AlmostFull:
    """Checks, cycle by cycle, that a buffer that is not almost full takes the next two beats."""

    def __init__(self, dut):
        self._dut = dut
        self._room = 0
        self.seen = set()

    def drive(self):
        """Set nothing."""

    def sample(self):
        high, ready = int(self._dut.almost_full_o.value), int(self._dut.s_axis_tready.value)
        self.seen.add(high)
        if self._room or not high:
            assert ready
        self._room = 1 if not high else self._room - (ready and int(self._dut.s_axis_tvalid.value))
        self._room = max(self._room, 0)


@cocotb.test(skip=not EXPECTED.get("almost_full"))
async def almost_full_leaves_room_for_one_beat(dut):
    source, sink = await prepare(dut)
    sink.blocked = True
    for accepted in range(EXPECTED["beats"] + 1):
        assert source.accepted == accepted
        assert int(dut.almost_full_o.value) == (accepted >= EXPECTED["beats"] - 1)
        source.send(beats(1))
        # Until the beat is where it stays.
        await run_cycles(dut.clk_i, [source, sink], EXPECTED["latency"] + 2)


@cocotb.test(skip=not EXPECTED.get("almost_full"))
async def no_beat_is_refused_before_almost_full(dut):
    source, sink = await prepare(dut, 0.5)
    watch = AlmostFull(dut)
    sent = beats(500)
    source.send(sent)
    await run_until(dut.clk_i, [source, sink, watch], sink.holds(len(sent)))
    assert watch.seen == {0, 1}
