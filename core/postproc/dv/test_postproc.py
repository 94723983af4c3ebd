# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb bench of cw_postproc, and proves that it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.flow.block_benches import block_benches
from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import must_fail, run_cocotb, run_declared, sources_of

BENCH = next(
    each for each in block_benches(Path(__file__).parent) if each.top == "cw_postproc_flat"
)
CONFIGURATIONS = {name: each.parameters for name, each in BENCH.configurations.items()}
SMALL = CONFIGURATIONS["5x3_4bit"]
BINARY = CONFIGURATIONS["11x2_binary"]

# Seeds after which a bug counts as not found.
ATTEMPTS = 4
# correct text, injected bug
MUTANTS = {
    "half_up": ("halves[0] && (halves[1] || ", "halves[0] && (1'b1 || "),
    "half_down": ("halves[0] && (halves[1] || ", "halves[0] && (1'b0 || "),
    "sticky_one_bit_short": ("shift - ShiftBits'(1)));", "shift - ShiftBits'(2)));"),
    "one_shift_for_both_signs": ("{negative_shift_q, shift_q}", "{2{shift_q}}"),
    "one_mask_for_both_signs": ("{negative_sticky_mask_q, sticky_mask_q}",
                                "{2{sticky_mask_q}}"),
    "bias_always_added": ("(bias_enable ? value_t'(biases[j]) : '0)", "value_t'(biases[j])"),
    "upper_clip_unsigned_compare": ("$signed(shifted.floor) >= value_t'(high)",
                                    "$unsigned(shifted.floor) >= value_t'(high)"),
    "lower_clip_left_out": ("$signed(shifted.floor) < value_t'(low)",
                            "1'b0 && $signed(shifted.floor) < value_t'(low)"),
    "words_behind_the_last_not_zero": ("if (WordsBits'(j) < count) begin",
                                       "if (WordsBits'(j) <= count) begin"),
    "remainder_forgotten": ("division.remainder != '0", "1'b0"),
    "division_rounds_half_up": ("(above_half || whole[0])", "1'b1"),
    "round_first_ignored": ("divisions_q, round_first_i)", "divisions_q, 1'b0)"),
    "one_quotient_bit_short": ("if (divide_start) steps_q <= StepBits'(QuotientBits);",
                               "if (divide_start) steps_q <= StepBits'(QuotientBits - 1);"),
    "count_not_fitted_when_equal": ("rest >= {1'b0, count}", "rest > {1'b0, count}"),
    "last_of_the_wrong_beat": ("out_last_q <= shifted_last_q", "out_last_q <= value_last_q"),
    "binary_result_is_the_lowest_bit": ("result[ResultBits-1]", "result[0]"),
    "binary_result_not_rounded": ("+ ResultBits'(shifted.up)", ""),
}  # fmt: skip
BUGS = Mutants({name: Mutation("cw_postproc.sv", *bug) for name, bug in MUTANTS.items()})

VIOLATIONS = [
    "AverageFits_A",
    "AverageGap_A",
    "ClipsFitPixels_A",
    "ClipsOrdered_A",
    "ConfigurationStable_A",
    "ValueFits_A",
    "WordsLegal_A",
]


@pytest.fixture(name="sources")
def _sources():
    return sources_of("corewright:core:postproc", "sim")


@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_postproc(name):
    run_declared(BENCH, name)


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_the_bench_catches(name, sources, tmp_path: Path):
    bug = BUGS.inject(name, sources, tmp_path)
    must_fail(
        "cw_postproc_flat",
        "tb_postproc",
        bug.sources,
        BINARY if "binary" in name else SMALL,
        tmp_path / "run",
        attempts=ATTEMPTS,
        plusargs=bug.plusargs,
        # A mutant may leave a signal without a reader.
        extra_args=["-Wno-fatal"],
    )


def test_the_bench_passes_where_no_bug_is_chosen(sources, tmp_path: Path):
    arguments = ("cw_postproc_flat", "tb_postproc", BUGS.sources(sources, tmp_path), SMALL)
    run_cocotb(*arguments, extra_args=["-Wno-fatal"])


@pytest.mark.parametrize("assertion", VIOLATIONS)
def test_illegal_use_trips(assertion, sources, tmp_path: Path):
    must_fail(
        "cw_postproc_flat",
        "tb_postproc",
        sources,
        SMALL,
        tmp_path / "run",
        match=assertion,
        bench_options={"violation": assertion},
    )
