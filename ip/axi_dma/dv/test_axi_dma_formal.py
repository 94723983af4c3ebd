# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Proves the AXI movers for all inputs and any length of time, and that the proofs find bugs."""

from pathlib import Path

import pytest

from corewright.testing.formal import Mutation, prove, refute, sources_of

SBY = Path(__file__).parent / "formal" / "axi_dma.sby"
SPLIT, READER, WRITER = "cw_axi_burst_split.sv", "cw_axi_reader.sv", "cw_axi_writer.sv"

TASKS = [
    *("split_narrow", "split_wide", "split_odd", "split_reached"),
    *("reader_one", "reader_two", "reader_three", "reader_reached"),
    *("writer_two", "writer_four", "writer_reached"),
]
# By bug, the part that has it.
BUGS = {
    "crosses_4k": ("split", Mutation(SPLIT, "4096 / BeatBytes", "8192 / BeatBytes")),
    "tail_forgotten": (
        "split",
        Mutation(SPLIT, "- IndexBits'(!has_tail)", "- IndexBits'(1)"),
    ),
    "longer_than_told": (
        "split",
        Mutation(
            SPLIT, "MaxBurstBeats < PageBeats ? MaxBurstBeats : PageBeats", "MaxBurstBeats + 1"
        ),
    ),
    "end_of_block_forgotten": (
        "split",
        Mutation(SPLIT, "whole_q ? BlocksBits'(2) : BlocksBits'(1)", "BlocksBits'(1)"),
    ),
    "read_burst_too_many": (
        "reader",
        Mutation(
            READER,
            "(!ar_valid_q || m_axi_arready) && info_ready",
            "(!ar_valid_q || m_axi_arready)",
        ),
    ),
    "ar_withdrawn": (
        "reader",
        Mutation(READER, "issue || (ar_valid_q && !m_axi_arready)", "issue"),
    ),
    "beat_taken_without_room": (
        "reader",
        Mutation(READER, "info_valid && (out_ready || drain)", "info_valid"),
    ),
    "beat_kept_in_abort": (
        "reader",
        Mutation(READER, ".clear_i       (stop),", ".clear_i       (clear_i),"),
    ),
    "write_burst_too_many": (
        "writer",
        Mutation(WRITER, "outstanding_q != CountBits'(MaxOutstanding)", "1'b1"),
    ),
    "aw_overwritten": (
        "writer",
        Mutation(WRITER, "burst_ready = (!aw_valid_q || m_axi_awready) &&", "burst_ready ="),
    ),
    "aborted_beat_writes": (
        "writer",
        Mutation(WRITER, "drain ? '0 : s_axis_tkeep", "s_axis_tkeep"),
    ),
}


@pytest.mark.parametrize("task", TASKS)
def test_proof(task: str, tmp_path: Path):
    prove(SBY, task, sources_of("corewright:ip:axi_dma", "formal"), tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(BUGS))
def test_proof_finds_the_bug(name: str, tmp_path: Path):
    part, mutation = BUGS[name]
    assert refute(
        SBY, f"{part}_search", sources_of("corewright:ip:axi_dma", "formal"), tmp_path, mutation
    )
