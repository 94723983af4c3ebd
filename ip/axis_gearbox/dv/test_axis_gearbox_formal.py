# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Proves cw_axis_gearbox of small sizes for any length of time, and that the proof finds bugs."""

from pathlib import Path

import pytest

from corewright.testing.formal import Mutation, prove, refute, sources_of

SBY = Path(__file__).parent / "formal" / "axis_gearbox.sby"
RTL = "cw_axis_gearbox.sv"


SIZES = ["in1out1", "in1out2", "in2out1", "in2out3", "in3out2", "in4out3"]


@pytest.mark.parametrize("task", [*SIZES, "cover23"])
def test_proof(task, tmp_path):
    prove(SBY, task, sources_of("corewright:ip:axis_gearbox", "formal"), tmp_path)


@pytest.mark.parametrize(
    "mutation",
    [
        Mutation(RTL, "ending ? out_free && !passed", "ending ? 1'b1"),
        Mutation(RTL, "s_axis_tlast && merged <= item", "s_axis_tlast"),
        Mutation(RTL, "ending && level_q <= item", "ending && level_q < item"),
        Mutation(RTL, "if (!pop_merged) keep_d |= place;", ""),
        Mutation(RTL, "&& u < 32'(total)", ""),
        Mutation(RTL, "!reached || (out_free && {1'b0, level_q} < {item, 1'b0})", "1'b1"),
    ],
    ids=["packets_mix", "last_early", "last_missing", "beat_lost", "invalid_bytes_leak", "overrun"],
)
def test_proof_finds_the_bug(mutation, tmp_path):
    sources = sources_of("corewright:ip:axis_gearbox", "formal")
    assert refute(SBY, "in2out3", sources, tmp_path, mutation)
