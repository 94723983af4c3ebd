# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of two_accelerators: each runs its own network, both at the same time."""

from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Combine, with_timeout

from corewright.testing.accelerator import Accelerator

# What the generator has made lies where FuseSoC has put this file.
VECTORS = Path(__file__).parent / "vectors"


@cocotb.test
async def both_compute_their_own_network_at_the_same_time(dut):
    dut.rst_ni.value = 0
    wide = Accelerator(dut, "wide", VECTORS / "example_wide")
    narrow = Accelerator(dut, "narrow", VECTORS / "example_narrow")
    cocotb.start_soon(Clock(dut.clk_i, 10, unit="ns").start())
    await ClockCycles(dut.clk_i, 5)
    dut.rst_ni.value = 1
    await ClockCycles(dut.clk_i, 2)

    runs = [cocotb.start_soon(each.run()) for each in (wide, narrow)]
    await with_timeout(Combine(*runs), 1, "ms")

    for each in (wide, narrow):
        cocotb.log.info("%s: equal integers by layer: %s", each.prefix, each.integers)
        cocotb.log.info("%s: busy (ns) %s", each.prefix, each.busy)
    overlap = [
        min(w_end, n_end) - max(w_start, n_start)
        for w_start, w_end in wide.busy
        for n_start, n_end in narrow.busy
    ]
    assert max(overlap) > 0, "they were never at work at the same time"
