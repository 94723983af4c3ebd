# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""LeNet-5 through RTL and firmware: exact without stalls and under twenty different stall seeds."""

from __future__ import annotations

import pytest

from corewright.flow import find_system, simulate_system

# The requirement for 8 bit, 8x24, batch 16, everything included.
MOST_CYCLES_AN_IMAGE = 5000


@pytest.mark.parametrize(
    "model", ["lenet5", pytest.param("lenet5_w4a4", marks=pytest.mark.nightly)]
)
def test_all_four_executions_agree_under_every_stall_pattern(model: str) -> None:
    system = find_system(model)
    quiet = simulate_system(system, stalls="none")
    assert quiet["images"] == 16
    assert quiet["passed"], f"./cw sim {model}"
    assert quiet["framework"]["bit_exact"]
    assert quiet["emulator"]["bit_exact"]
    assert quiet["cycles_per_image"] < MOST_CYCLES_AN_IMAGE
    assert sum(quiet["cycles_by_cause"].values()) == quiet["cycles"]
    cycles = set()
    for seed in range(1, 21):
        stalls = "heavy" if seed % 2 else "light"
        result = simulate_system(system, seed=seed, stalls=stalls)
        assert result["passed"], f"./cw sim {model} --seed {seed} --stalls {stalls}"
        cycles.add(result["cycles"])
    # Otherwise the seeds would not have stalled differently.
    assert len(cycles) > 10
    assert min(cycles) > quiet["cycles"]
