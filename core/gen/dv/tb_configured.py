# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bench of cw_accelerator_configured: a program runs, every integer of every layer is compared."""

from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from corewright.testing.accelerator import Accelerator
from corewright.testing.cocotb_runner import bench_parameters


@cocotb.test
async def a_program_is_bit_exact(dut):
    accelerator = Accelerator(dut, "", Path(bench_parameters()["vectors"]))
    cocotb.start_soon(Clock(dut.clk_i, 10, unit="ns").start())
    dut.rst_ni.value = 0
    await ClockCycles(dut.clk_i, 5)
    dut.rst_ni.value = 1
    await ClockCycles(dut.clk_i, 5)
    await accelerator.run()
    assert len(accelerator.integers) == 3
    assert all(accelerator.integers.values())
