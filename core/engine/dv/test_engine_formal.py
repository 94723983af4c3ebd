# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Proves cw_weight_ring for all inputs and any length of time, and that the proof finds bugs."""

from pathlib import Path

import pytest

from corewright.testing.formal import Mutation, prove, refute, sources_of

SBY = Path(__file__).parent / "formal" / "weight_ring.sby"
RTL = "cw_weight_ring.sv"


@pytest.mark.parametrize("task", ["depth2", "depth3", "depth4", "cover3"])
def test_proof(task, tmp_path):
    prove(SBY, task, sources_of("corewright:core:engine", "formal"), tmp_path)


@pytest.mark.parametrize(
    ("task", "mutation"),
    [
        ("depth3", Mutation(RTL, "held < CountBits'(Depth)", "held <= CountBits'(Depth)")),
        ("depth3", Mutation(RTL, "p.ptr == PtrBits'(Depth - 1) ? '0 :", "")),
        ("depth4", Mutation(RTL, "if (to_pass_i) group_q <= pass_q;", "")),
        ("depth2", Mutation(RTL, "<= row;", "<= step_i ? row : weights_o;")),
        ("depth3", Mutation(RTL, "to_pass_i || to_group_i || more", "more")),
        ("depth3", Mutation(RTL, "pushed || (step_i ?", "(step_i ?")),
    ],
    ids=[
        "overflow",
        "pointer_runs_on",
        "stale_group",
        "weights_not_aligned",
        "nothing_behind_a_step_back",
        "row_not_seen",
    ],
)
def test_proof_finds_the_bug(task, mutation, tmp_path):
    assert refute(SBY, task, sources_of("corewright:core:engine", "formal"), tmp_path, mutation)
