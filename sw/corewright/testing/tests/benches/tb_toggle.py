# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Benches for the runner's own tests; the option "case" says how to behave."""

import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from corewright.testing.cocotb_runner import bench_parameters


@cocotb.test
async def behaves_as_told(dut):
    case = bench_parameters()["case"]
    dut.fail_i.value = 0
    dut.data_i.value = 1
    cocotb.start_soon(Clock(dut.clk_i, 10, unit="ns").start())
    await FallingEdge(dut.clk_i)
    await FallingEdge(dut.clk_i)
    assert int(dut.data_o.value) == 1
    assert len(dut.data_o) == bench_parameters()["Width"]
    if case == "wrong":
        raise AssertionError("told to fail")
    if case == "assertion":
        dut.fail_i.value = 1
        await FallingEdge(dut.clk_i)
        await FallingEdge(dut.clk_i)
    if case == "exit":
        os._exit(0)
    if case == "hang":
        while True:
            await FallingEdge(dut.clk_i)
    if case == "seed":
        Path("seed.txt").write_text(f"{random.random()}", encoding="utf-8")
