# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Proves cw_axis_fifo for all inputs and any length of time, and that the proof finds bugs."""

from pathlib import Path

import pytest

from corewright.testing.formal import Mutation, prove, refute, sources_of

SBY = Path(__file__).parent / "formal" / "axis_fifo.sby"
RTL = "cw_axis_fifo.sv"


@pytest.mark.parametrize("task", ["depth1", "depth2", "depth3", "depth4", "depth7", "cover3"])
def test_proof(task, tmp_path):
    prove(SBY, task, sources_of("corewright:ip:axis_fifo", "formal"), tmp_path)


@pytest.mark.parametrize(
    ("task", "mutation"),
    [
        ("depth3", Mutation(RTL, "count_q != CountBits'(Depth) && !clear_i", "!clear_i")),
        ("depth3", Mutation(RTL, "read_q == LastSlot ? '0 :", "")),
        ("depth4", Mutation(RTL, "push != pop", "push || pop")),
        ("depth1", Mutation(RTL, "count_q == '0 || m_axis_tready", "1'b1")),
        ("depth2", Mutation(RTL, "count_q != '0 && !clear_i", "count_q != '0")),
    ],
    ids=["overflow", "pointer_runs_on", "miscount", "overwritten_single", "valid_in_clear"],
)
def test_proof_finds_the_bug(task, mutation, tmp_path):
    assert refute(SBY, task, sources_of("corewright:ip:axis_fifo", "formal"), tmp_path, mutation)
