# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb bench of cw_residual_add, and proves that it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.flow.block_benches import block_benches
from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import must_fail, run_cocotb, run_declared, sources_of
from corewright.testing.selection import first_of_each

BENCH = next(each for each in block_benches(Path(__file__).parent) if each.top == "cw_residual_add")
CONFIGURATIONS = {name: each.parameters for name, each in BENCH.configurations.items()}

# Seeds after which a bug counts as not found.
ATTEMPTS = 4
ADD, LANE = "cw_residual_add.sv", "cw_requantise_lane.sv"
# file, correct text, injected bug
MUTANTS = {
    "half_up": (LANE, "fine.half && (fine.floor[0] || fine.rest)", "fine.half"),
    "half_down": (LANE, "fine.half && (fine.floor[0] || fine.rest)", "fine.half && fine.rest"),
    "one_shift_for_both_signs": (ADD, "({1'b0, negative_shift_i})", "({1'b0, shift_i})"),
    "sum_one_bit_short": (ADD, "SumBits = NumberBits + 16;", "SumBits = NumberBits + 15;"),
    "shifts_beyond_the_sum_wrap": (
        LANE, "32'(eighths) > Bytes ? byte_index_t'(Bytes) : byte_index_t'(eighths)",
        "byte_index_t'(eighths)"),
    "operand_behind_the_last_word_added": (ADD, ".blank_i(blank_q)", ".blank_i(1'b0)"),
    "other_shift_forgotten": (ADD, "<<< other_shift_i", "<<< 0"),
    "lower_clip_left_out": (
        LANE, "else if ($signed(rounded.value) < (ResultBits + 1)'(clip_low_i)) clip",
        "else if (1'b0) clip"),
    "binary_sum_one_bit_short": (
        ADD, "NumberBits = cw_pkg::number_bits(PixelBits);", "NumberBits = PixelBits;"),
    "binary_operands_as_two_s_complement": (
        ADD, "number_t'($signed({pixel[0], 1'b1}))", "number_t'(pixel)"),
    "binary_zero_negative": (
        ADD, "PixelBits'(number[NumberBits-1])", "PixelBits'(number != NumberBits'(1))"),
    "binary_result_is_the_lowest_bit": (
        ADD, "PixelBits'(number[NumberBits-1])", "PixelBits'(number[0])"),
}  # fmt: skip
BUGS = Mutants({name: Mutation(*bug) for name, bug in MUTANTS.items()})


VIOLATIONS = ["ClipsFitPixels_A", "ClipsOrdered_A", "ConfigurationStable_A", "WordsLegal_A"]


def _configuration(name: str) -> dict[str, int]:
    return CONFIGURATIONS["11x2_binary" if "binary" in name else "5x3_4bit"]


@pytest.fixture(name="sources")
def _sources():
    return sources_of("corewright:core:postproc", "sim")


@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_residual_add(name):
    run_declared(BENCH, name)


@pytest.mark.parametrize("name", first_of_each(sorted(MUTANTS), lambda name: "binary" in name))
def test_the_bench_catches(name, sources, tmp_path: Path):
    bug = BUGS.inject(name, sources, tmp_path)
    must_fail(
        "cw_residual_add",
        "tb_residual_add",
        bug.sources,
        _configuration(name),
        tmp_path / "run",
        attempts=ATTEMPTS,
        plusargs=bug.plusargs,
        # A mutant may leave a signal without a reader.
        extra_args=["-Wno-fatal"],
    )


@pytest.mark.nightly
def test_the_bench_passes_where_no_bug_is_chosen(sources, tmp_path: Path):
    copies = BUGS.sources(sources, tmp_path)
    arguments = ("cw_residual_add", "tb_residual_add", copies, _configuration("small"))
    run_cocotb(*arguments, extra_args=["-Wno-fatal"])


@pytest.mark.parametrize("assertion", VIOLATIONS)
def test_illegal_use_trips(assertion, sources, tmp_path: Path):
    must_fail(
        "cw_residual_add",
        "tb_residual_add",
        sources,
        _configuration("small"),
        tmp_path / "run",
        match=assertion,
        bench_options={"violation": assertion},
    )
