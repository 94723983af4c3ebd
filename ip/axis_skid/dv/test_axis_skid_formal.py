# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Proves cw_axis_skid for all inputs and any length of time, and that the proof finds bugs."""

from pathlib import Path

import pytest

from corewright.testing.formal import Mutation, prove, refute, sources_of

SBY = Path(__file__).parent / "formal" / "axis_skid.sby"
RTL = "cw_axis_skid.sv"


@pytest.mark.parametrize("task", ["prove", "cover"])
def test_proof(task, tmp_path):
    prove(SBY, task, sources_of("corewright:ip:axis_skid", "formal"), tmp_path)


@pytest.mark.parametrize(
    "mutation",
    [
        Mutation(RTL, "skid_valid_q ? skid_q : s_axis_tdata", "s_axis_tdata"),
        Mutation(RTL, "ready_q <= !skid_valid_d;", "ready_q <= 1'b1;"),
        Mutation(RTL, "if (out_free) out_q", "if (out_free || accept) out_q"),
        Mutation(RTL, "out_valid_q <= skid_valid_q || accept;", "out_valid_q <= accept;"),
    ],
    ids=["skid_beat_lost", "ready_when_full", "payload_changes", "valid_forgets_skid"],
)
def test_proof_finds_the_bug(mutation, tmp_path):
    assert refute(SBY, "prove", sources_of("corewright:ip:axis_skid", "formal"), tmp_path, mutation)
