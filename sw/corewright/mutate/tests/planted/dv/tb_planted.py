# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bench of cw_planted: a weak one, which never waits, nor resets what runs, and a strong one."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

from corewright.flow.cocotb_bench import bench_parameters

TOP = 5


async def reset(dut):
    dut.step_i.value = dut.go_i.value = 0
    dut.rst_ni.value = 1
    await Timer(1, "ns")
    dut.rst_ni.value = 0
    await FallingEdge(dut.clk_i)
    assert int(dut.count_o.value) == 0
    dut.rst_ni.value = 1


@cocotb.test()
async def counts_and_wraps(dut):
    strong = bench_parameters()["strong"]
    cocotb.start_soon(Clock(dut.clk_i, 10, "ns").start())
    await reset(dut)
    expected = 0
    for _ in range(40):
        step, go = (random.getrandbits(1), random.getrandbits(1)) if strong else (1, 1)
        dut.step_i.value, dut.go_i.value = step, go
        await FallingEdge(dut.clk_i)
        if step and go:
            expected = 0 if expected == TOP else expected + 1
        assert int(dut.count_o.value) == expected
        assert int(dut.top_o.value) == (expected == TOP)
    if strong:
        assert expected != 0
        await reset(dut)
