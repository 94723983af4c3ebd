# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bench of cw_axis_fifo; run it with pytest test_axis_fifo.py."""

import random

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from corewright.testing.axis import AxisSink, AxisSource, run_cycles, run_until, start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

STALLS = (0.0, 0.3, 0.8)
DEPTH = bench_parameters().get("Depth", 4)


class CountCheck:
    """Compares count_o, in every cycle, with the beats that went in and did not come out."""

    def __init__(self, dut, source, sink):
        self._count = dut.count_o
        self._source = source
        self._sink = sink
        self._expected = 0
        self.seen = set()
        self.removed = 0

    def drive(self):
        """Drive nothing."""

    def sample(self):
        """Compare."""
        # Runs behind source and sink, which have already counted this cycle's handshakes.
        count = int(self._count.value)
        assert count == self._expected
        self.seen.add(count)
        self._expected = self._source.accepted - len(self._sink.beats) - self.removed


async def prepare(dut, source_stall=0.0, sink_stall=0.0):
    rng = random.Random(random.getrandbits(64))
    dut.clear_i.value = 0
    source = AxisSource(dut, "s_axis", ["tdata"], rng, source_stall)
    sink = AxisSink(dut, "m_axis", ["tdata"], rng, sink_stall)
    await start(dut)
    return source, sink, CountCheck(dut, source, sink)


def beats(dut, count):
    return [{"tdata": random.getrandbits(len(dut.s_axis_tdata))} for _ in range(count)]


@cocotb.test
@cocotb.parametrize(source_stall=STALLS, sink_stall=STALLS)
async def beats_arrive_in_order_and_are_counted_under_stalls(dut, source_stall, sink_stall):
    dut = Pins(dut)
    source, sink, check = await prepare(dut, source_stall, sink_stall)
    sent = beats(dut, 400)
    source.send(sent)
    await run_until(dut.clk_i, [source, sink, check], sink.holds(len(sent)))
    await run_cycles(dut.clk_i, [source, sink, check], 20)
    assert sink.beats == sent
    if sink_stall > source_stall:
        assert check.seen == set(range(DEPTH + 1)), "the run met every fill level"


@cocotb.test
async def moves_a_beat_every_cycle(dut):
    dut = Pins(dut)
    source, sink, check = await prepare(dut)
    source.send(beats(dut, 100))
    cycles = await run_until(dut.clk_i, [source, sink, check], sink.holds(100))
    # ready = not full: with Depth of 2 and more the FIFO never fills at this rate.
    assert cycles == 101, "100 beats and one cycle of latency"


@cocotb.test
async def moves_a_beat_every_cycle_also_when_nearly_full(dut):
    dut = Pins(dut)
    source, sink, check = await prepare(dut)
    source.send(beats(dut, 200))
    sink.blocked = True
    await run_until(dut.clk_i, [source, sink, check], lambda: source.accepted == max(DEPTH - 1, 1))
    sink.blocked = False
    before = source.accepted
    await run_cycles(dut.clk_i, [source, sink, check], 50)
    assert source.accepted - before == 50
    assert len(sink.beats) == 50


@cocotb.test
async def holds_depth_beats_and_no_more(dut):
    dut = Pins(dut)
    source, sink, check = await prepare(dut)
    sent = beats(dut, DEPTH + 3)
    source.send(sent)
    sink.blocked = True
    await run_cycles(dut.clk_i, [source, sink, check], DEPTH + 10)
    assert source.accepted == DEPTH
    assert int(dut.count_o.value) == DEPTH
    sink.blocked = False
    await run_until(dut.clk_i, [source, sink, check], sink.holds(len(sent)))
    assert sink.beats == sent


@cocotb.test
async def clear_drops_what_is_inside_and_moves_nothing(dut):
    dut = Pins(dut)
    source, sink, check = await prepare(dut, 0.2, 0.6)
    for _ in range(60):
        # A fresh payload each round, so that a stale beat cannot pass for a new one.
        source.send(beats(dut, 50))
        await run_cycles(dut.clk_i, [source, sink, check], random.randrange(1, 30))
        await FallingEdge(dut.clk_i)
        inside = source.accepted - len(sink.beats) - check.removed
        assert int(dut.count_o.value) == inside
        dut.clear_i.value = 1
        dut.s_axis_tvalid.value = 1
        dut.m_axis_tready.value = 1
        source.drop()
        sink.forget()
        await ReadOnly()
        assert int(dut.s_axis_tready.value) == 0
        assert int(dut.m_axis_tvalid.value) == 0
        await FallingEdge(dut.clk_i)
        dut.clear_i.value = 0
        dut.s_axis_tvalid.value = 0
        assert int(dut.count_o.value) == 0
        check.removed += inside
        check._expected = 0
        start_of_round = len(sink.beats)
        sent = beats(dut, 5)
        source.send(sent)
        await run_until(
            dut.clk_i,
            [source, sink, check],
            sink.holds(start_of_round + 5),
        )
        assert sink.beats[start_of_round:] == sent


@cocotb.test
async def reset_with_beats_inside_empties_it(dut):
    dut = Pins(dut)
    source, sink, check = await prepare(dut, 0.2, 0.6)
    for _ in range(30):
        source.send(beats(dut, 50))
        await run_cycles(dut.clk_i, [source, sink, check], random.randrange(1, 30))
        await FallingEdge(dut.clk_i)
        inside = source.accepted - len(sink.beats) - check.removed
        dut.rst_ni.value = 0
        dut.s_axis_tvalid.value = 0
        source.drop()
        sink.forget()
        # The reset needs no clock.
        await ReadOnly()
        assert int(dut.m_axis_tvalid.value) == 0
        assert int(dut.count_o.value) == 0
        await FallingEdge(dut.clk_i)
        dut.rst_ni.value = 1
        await run_cycles(dut.clk_i, [source, sink], 2)
        assert int(dut.m_axis_tvalid.value) == 0
        check.removed += inside
        check._expected = 0
        start_of_round = len(sink.beats)
        sent = beats(dut, 5)
        source.send(sent)
        await run_until(dut.clk_i, [source, sink, check], sink.holds(start_of_round + 5))
        assert sink.beats[start_of_round:] == sent
