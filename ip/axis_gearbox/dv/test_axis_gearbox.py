# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb bench of cw_axis_gearbox."""

import pytest

from corewright.testing.cocotb_runner import run_cocotb, sources_of


@pytest.mark.parametrize(
    ("in_bytes", "out_bytes"),
    [(1, 1), (1, 5), (5, 1), (4, 20), (8, 7), (8, 24), (16, 8), (32, 8)],
)
def test_axis_gearbox(in_bytes, out_bytes):
    run_cocotb(
        "cw_axis_gearbox",
        "tb_axis_gearbox",
        sources_of("corewright:ip:axis_gearbox"),
        {"InBytes": in_bytes, "OutBytes": out_bytes},
    )
