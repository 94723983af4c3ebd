# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Compares all outputs of ``cw_choices`` with what the option "expected" says."""

import cocotb
from cocotb.triggers import Timer

from corewright.testing.cocotb_runner import bench_parameters


@cocotb.test
async def outputs_are_as_expected(dut):
    dut.a_i.value = 10
    await Timer(1, "ns")
    expected = bench_parameters()["expected"]
    assert {name: int(getattr(dut, name).value) for name in expected} == expected
