# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb bench of cw_axis_gearbox."""

from pathlib import Path

import pytest

from corewright.flow.block_benches import block_benches
from corewright.testing.cocotb_runner import run_declared

(BENCH,) = block_benches(Path(__file__).parent)


@pytest.mark.parametrize("configuration", BENCH.configurations)
def test_axis_gearbox(configuration):
    run_declared(BENCH, configuration)
