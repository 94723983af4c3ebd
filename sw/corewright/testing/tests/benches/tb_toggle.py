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
from corewright.testing.pins import Pins


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
    if case == "wrong" or case == f"wrong at {os.environ['COCOTB_RANDOM_SEED']}":
        raise AssertionError("told to fail")
    if case == "compares":
        assert int(dut.data_o.value) == 2
    if case == "assertion":
        dut.fail_i.value = 1
        await FallingEdge(dut.clk_i)
        await FallingEdge(dut.clk_i)
    if case == "exit":
        os._exit(0)
    if case == "hang":
        while True:
            await FallingEdge(dut.clk_i)
    if case == "pins":
        pins = Pins(dut)
        for value in (5, 5, 2):
            pins.data_i.value = value
            await FallingEdge(pins.clk_i)
            assert pins.data_o.value == value == int(dut.data_o.value)
        assert len(pins.data_i) == len(dut.data_i)
    if case == "seed":
        Path("seed.txt").write_text(f"{random.random()}", encoding="utf-8")
