# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs one bench on every provider of corewright:prim:ram_1r1w."""

from pathlib import Path

import pytest

from corewright.flow.block_benches import block_benches
from corewright.testing.cocotb_runner import run_declared

# By provider; that of Xilinx in all styles, which change no behaviour.
BENCHES = {bench.tests[0].parent.name: bench for bench in block_benches(Path(__file__).parent)}


@pytest.mark.parametrize(
    ("provider", "configuration"),
    [(provider, name) for provider, bench in BENCHES.items() for name in bench.configurations],
)
def test_prim_ram(provider, configuration):
    run_declared(BENCHES[provider], configuration)


def test_each_provider_has_a_bench():
    rtl = Path(__file__).parents[1] / "rtl"
    assert sorted(BENCHES) == sorted(folder.name for folder in rtl.iterdir())
