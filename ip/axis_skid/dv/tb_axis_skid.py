# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bench of cw_axis_skid; run it with pytest test_axis_skid.py."""

import random

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly, Timer

from corewright.testing.axis import AxisSink, AxisSource, run_cycles, run_until, start
from corewright.testing.pins import Pins

STALLS = (0.0, 0.2, 0.8)


def agents(dut, source_stall=0.0, sink_stall=0.0):
    rng = random.Random(random.getrandbits(64))
    source = AxisSource(dut, "s_axis", ["tdata"], rng, source_stall)
    sink = AxisSink(dut, "m_axis", ["tdata"], rng, sink_stall)
    return source, sink


def beats(dut, count):
    return [{"tdata": random.getrandbits(len(dut.s_axis_tdata))} for _ in range(count)]


@cocotb.test
@cocotb.parametrize(source_stall=STALLS, sink_stall=STALLS)
async def beats_arrive_in_order_under_stalls(dut, source_stall, sink_stall):
    dut = Pins(dut)
    source, sink = agents(dut, source_stall, sink_stall)
    await start(dut)
    sent = beats(dut, 400)
    source.send(sent)
    await run_until(dut.clk_i, [source, sink], sink.holds(len(sent)))
    # Nothing more may follow.
    await run_cycles(dut.clk_i, [source, sink], 20)
    assert sink.beats == sent


@cocotb.test
async def moves_a_beat_every_cycle(dut):
    dut = Pins(dut)
    source, sink = agents(dut)
    await start(dut)
    await run_cycles(dut.clk_i, [source, sink], 2)
    source.send(beats(dut, 100))
    cycles = await run_until(dut.clk_i, [source, sink], sink.holds(100))
    assert cycles == 101, "100 beats and one cycle of latency"


@cocotb.test
async def holds_two_beats_and_no_more(dut):
    dut = Pins(dut)
    source, sink = agents(dut)
    await start(dut)
    sent = beats(dut, 5)
    source.send(sent)
    sink.blocked = True
    await run_cycles(dut.clk_i, [source, sink], 10)
    assert source.accepted == 2
    sink.blocked = False
    await run_until(dut.clk_i, [source, sink], sink.holds(5))
    assert sink.beats == sent


@cocotb.test
async def no_output_depends_on_an_input_of_the_same_cycle(dut):
    dut = Pins(dut)
    source, sink = agents(dut, 0.3, 0.5)
    await start(dut)
    source.send(beats(dut, 100_000))
    outputs = (dut.s_axis_tready, dut.m_axis_tvalid)
    for _ in range(200):
        await run_cycles(dut.clk_i, [source, sink], 1)
        await FallingEdge(dut.clk_i)
        seen = set()
        for ready in (0, 1):
            for valid in (0, 1):
                dut.m_axis_tready.value = ready
                dut.s_axis_tvalid.value = valid
                await Timer(1, "ns")
                await ReadOnly()
                seen.add(tuple(int(output.value) for output in outputs))
                await Timer(1, "ps")
        assert len(seen) == 1
        # The clock edge must see what the agents believe: nothing offered, nothing taken.
        dut.m_axis_tready.value = 0
        dut.s_axis_tvalid.value = int(source._offering)
        source.drive()


@cocotb.test
async def reset_empties_it(dut):
    dut = Pins(dut)
    source, sink = agents(dut)
    await start(dut)
    source.send(beats(dut, 2))
    sink.blocked = True
    await run_cycles(dut.clk_i, [source, sink], 5)
    await FallingEdge(dut.clk_i)
    assert int(dut.m_axis_tvalid.value) == 1
    dut.rst_ni.value = 0
    sink.forget()
    await Timer(1, "ns")
    assert int(dut.m_axis_tvalid.value) == 0, "the reset is asynchronous"
    await FallingEdge(dut.clk_i)
    dut.rst_ni.value = 1
    sink.blocked = False
    sent = beats(dut, 3)
    source.send(sent)
    await run_until(dut.clk_i, [source, sink], sink.holds(3))
    assert sink.beats == sent


@cocotb.test
async def ready_falls_with_the_reset_and_rises_a_cycle_behind_it(dut):
    dut = Pins(dut)
    source, sink = agents(dut)
    await start(dut)
    await run_cycles(dut.clk_i, [source, sink], 3)
    await FallingEdge(dut.clk_i)
    assert int(dut.s_axis_tready.value) == 1
    dut.rst_ni.value = 0
    await Timer(1, "ns")
    assert int(dut.s_axis_tready.value) == 0, "the reset is asynchronous"
    await FallingEdge(dut.clk_i)
    dut.rst_ni.value = 1
    await Timer(1, "ns")
    assert int(dut.s_axis_tready.value) == 0
    await FallingEdge(dut.clk_i)
    assert int(dut.s_axis_tready.value) == 1
