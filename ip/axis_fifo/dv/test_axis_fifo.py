# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb bench of cw_axis_fifo."""

import pytest

from corewright.testing.cocotb_runner import run_cocotb, sources_of


@pytest.mark.parametrize(("width", "depth"), [(8, 1), (64, 2), (1, 3), (8, 4), (200, 7), (16, 16)])
def test_axis_fifo(width, depth):
    run_cocotb(
        "cw_axis_fifo",
        "tb_axis_fifo",
        sources_of("corewright:ip:axis_fifo"),
        {"Width": width, "Depth": depth},
    )
