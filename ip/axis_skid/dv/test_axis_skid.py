# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb bench of cw_axis_skid."""

import pytest

from corewright.testing.cocotb_runner import run_cocotb, sources_of


@pytest.mark.parametrize("width", [1, 8, 129])
def test_axis_skid(width):
    run_cocotb(
        "cw_axis_skid", "tb_axis_skid", sources_of("corewright:ip:axis_skid"), {"Width": width}
    )
