# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Proves every provider of corewright:prim:ram_1r1w, and that the proof finds bugs."""

from pathlib import Path

import pytest

from corewright.testing.formal import Mutation, prove, refute, sources_of

SBY = Path(__file__).parent / "formal" / "prim_ram.sby"
RTL = "cw_ram_1r1w.sv"


@pytest.mark.parametrize("provider", ["prim_generic", "prim_xilinx", "prim_asic"])
@pytest.mark.parametrize("task", ["slots", "whole"])
def test_proof(provider, task, tmp_path):
    prove(SBY, task, sources_of(f"corewright:{provider}:ram_1r1w", "formal"), tmp_path)


def test_proof_is_not_empty(tmp_path):
    prove(SBY, "reached", sources_of("corewright:prim_generic:ram_1r1w", "formal"), tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("provider", "task", "mutation"),
    [
        ("prim_generic", "slots", Mutation(RTL, "if (wslot_i[s])", "if (1'b1)")),
        ("prim_generic", "whole", Mutation(RTL, "we_i && wslot_i[0]", "we_i")),
        ("prim_xilinx", "slots", Mutation(RTL, "if (re_i) rdata_q", "rdata_q")),
        ("prim_asic", "slots", Mutation(RTL, ".wmask_i(bit_enable)", ".wmask_i('1)")),
    ],
    ids=["slots_ignored", "slot_ignored", "does_not_hold", "mask_ignored"],
)
def test_proof_finds_the_bug(provider, task, mutation, tmp_path):
    sources = sources_of(f"corewright:{provider}:ram_1r1w", "formal")
    assert refute(SBY, task, sources, tmp_path, mutation)
