# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb bench of cw_postproc, and proves that it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.flow.block_benches import block_benches
from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import must_fail, run_cocotb, run_declared, sources_of
from corewright.testing.selection import first_of_each

BENCH = next(
    each for each in block_benches(Path(__file__).parent) if each.top == "cw_postproc_flat"
)
CONFIGURATIONS = {name: each.parameters for name, each in BENCH.configurations.items()}
SMALL = CONFIGURATIONS["5x3_4bit"]
BINARY = CONFIGURATIONS["11x2_binary"]

# Seeds after which a bug counts as not found.
ATTEMPTS = 4
# file, correct text, injected bug
MUTANTS = {
    "half_up": ("cw_requantise_lane", "(fine.floor[0] || fine.rest)", "1'b1"),
    "half_down": ("cw_requantise_lane", "(fine.floor[0] || fine.rest)", "1'b0"),
    "rest_one_bit_short": ("cw_requantise_lane", "WindowBits'((1 << k) - 1)",
                           "WindowBits'(((1 << k) - 1) >> 1)"),
    "rest_one_byte_short": ("cw_requantise_lane", "(~zero & below(index))",
                            "(~zero & (below(index) >> 1))"),
    "one_byte_shift_for_both_signs": ("cw_requantise_lane",
                                      "index = negative ? negative_index : positive_index",
                                      "index = positive_index"),
    "one_bit_shift_for_both_signs": ("cw_requantise_lane",
                                     "bits = coarse.negative ? negative_bits : positive_bits",
                                     "bits = positive_bits"),
    "sign_of_the_floor_not_looked_at": ("cw_requantise_lane", ">> (k + ResultBits)",
                                        ">> (k + ResultBits + 1)"),
    "bytes_above_not_looked_at": ("cw_requantise_lane", "outside: coarse.outside || outside[bits]",
                                  "outside: outside[bits]"),
    "upper_clip_left_out": ("cw_requantise_lane",
                            "$signed(rounded.value) > (ResultBits + 1)'(clip_high_i)", "1'b0"),
    "lower_clip_unsigned_compare": ("cw_requantise_lane",
                                    "$signed(rounded.value) < (ResultBits + 1)'(clip_low_i)",
                                    "rounded.value < $unsigned((ResultBits + 1)'(clip_low_i))"),
    "clips_of_the_other_sign": ("cw_requantise_lane",
                                "rounded.negative ? clip_low_i : clip_high_i",
                                "rounded.negative ? clip_high_i : clip_low_i"),
    "bias_always_added": ("cw_postproc", "bias_q[j] <= bias_enable_i", "bias_q[j] <= 1'b1"),
    "bias_not_aligned": ("cw_postproc", "<<< (4'(FractionBits) - pre_shift_i)",
                         "<<< 4'(FractionBits)"),
    "fraction_of_the_bias_forgotten": ("cw_postproc", "<= bias_q[j][FractionBits-1:0]", "<= '0"),
    "words_behind_the_last_not_zero": ("cw_postproc", "words_q[2] <= WordsBits'(j)",
                                       "words_q[2] < WordsBits'(j)"),
    "averages_behind_the_last_not_zero": ("cw_postproc",
                                          "32'(word_q) >= 32'(beats_q[beat_q].words)",
                                          "32'(word_q) > 32'(beats_q[beat_q].words)"),
    "remainder_forgotten": ("cw_average_divider", "divisions_q[Stages-1].remainder != '0", "1'b0"),
    "count_not_fitted_when_equal": ("cw_average_divider", "fits = !less[CountBits]",
                                    "fits = $signed(less) > 0"),
    "quotient_rounds_half_up": ("cw_postproc", "(above_half || whole[0])", "1'b1"),
    "round_first_ignored": ("cw_postproc", "divided_inexact, round_first_i)",
                            "divided_inexact, 1'b0)"),
    "lanes_in_another_order": ("cw_postproc", "held_q[beat_q][word_q][row_q]",
                               "held_q[beat_q][word_q][(32'(row_q) + 1) % Rows]"),
    "last_of_the_next_beat": ("cw_postproc", "average_last = lanes_q[AverageStages-1].beat.last",
                              "average_last = beats_q[beat_q].last"),
    "last_of_the_wrong_beat": ("cw_postproc", "average_last : last_q[3]",
                               "average_last : last_q[2]"),
    "binary_result_is_the_lowest_bit": ("cw_postproc", "PixelBits'(result[ResultBits-1])",
                                        "PixelBits'(result[0])"),
    "binary_result_not_rounded": ("cw_requantise_lane", "up = fine.half &&", "up = 1'b0 &&"),
}  # fmt: skip
BUGS = Mutants({name: Mutation(f"{file}.sv", *bug) for name, (file, *bug) in MUTANTS.items()})

VIOLATIONS = [
    "AverageFits_A",
    "AverageGap_A",
    "ClipsFitPixels_A",
    "ClipsOrdered_A",
    "ConfigurationStable_A",
    "MaximaAlone_A",
    "ValueFits_A",
    "WordsLegal_A",
]


@pytest.fixture(name="sources")
def _sources():
    return sources_of("corewright:core:postproc", "sim")


@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_postproc(name):
    run_declared(BENCH, name)


@pytest.mark.parametrize("name", first_of_each(sorted(MUTANTS), lambda name: MUTANTS[name][0]))
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


@pytest.mark.nightly
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
