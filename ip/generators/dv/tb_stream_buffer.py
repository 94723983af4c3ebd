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
