# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb bench of cw_residual_add, and proves that it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.flow.block_benches import block_benches
from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import must_fail, run_cocotb, run_declared, sources_of

BENCH = next(each for each in block_benches(Path(__file__).parent) if each.top == "cw_residual_add")
CONFIGURATIONS = {name: each.parameters for name, each in BENCH.configurations.items()}

# Seeds after which a bug counts as not found.
ATTEMPTS = 4
# correct text, injected bug
MUTANTS = {
    "half_up": ("(rest == half && floor[0])", "rest == half"),
    "half_down": ("(rest == half && floor[0])", "1'b0"),
    "one_shift_for_both_signs": ("sums_q[j][r] < 0 ? negative_shift_i : shift_i", "shift_i"),
    "sum_one_bit_short": ("SumBits = NumberBits + 16;", "SumBits = NumberBits + 15;"),
    "shifts_beyond_the_sum_wrap": ("32'(s) >= SumBits ? '0 : floor + sum_t'(up)",
                                   "floor + sum_t'(up)"),
    "operand_behind_the_last_word_added": ("if (j < 32'(words_q[1])) begin", "begin"),
    "other_shift_forgotten": ("<<< other_shift_i", "<<< 0"),
    "lower_clip_left_out": ("if (v < sum_t'(clip_low_i))", "if (1'b0)"),
    "binary_sum_one_bit_short": ("NumberBits = cw_pkg::number_bits(PixelBits);",
                                 "NumberBits = PixelBits;"),
    "binary_operands_as_two_s_complement": ("sum_t'($signed({pixel[0], 1'b1}))", "sum_t'(pixel)"),
    "binary_zero_negative": ("PixelBits'(z < 0)", "PixelBits'(z <= 0)"),
    "binary_result_is_the_lowest_bit": ("PixelBits'(z < 0)", "PixelBits'(z)"),
}  # fmt: skip
BUGS = Mutants({name: Mutation("cw_residual_add.sv", *bug) for name, bug in MUTANTS.items()})


VIOLATIONS = ["ClipsFitPixels_A", "ClipsOrdered_A", "ConfigurationStable_A", "WordsLegal_A"]


def _configuration(name: str) -> dict[str, int]:
    return CONFIGURATIONS["11x2_binary" if "binary" in name else "5x3_4bit"]


@pytest.fixture(name="sources")
def _sources():
    return sources_of("corewright:core:postproc", "sim")


@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_residual_add(name):
    run_declared(BENCH, name)


@pytest.mark.parametrize("name", sorted(MUTANTS))
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
