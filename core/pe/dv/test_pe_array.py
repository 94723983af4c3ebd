# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb bench of cw_pe_array on the integer provider, and proves that it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.flow.block_benches import block_benches
from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import must_fail, run_cocotb, run_declared, sources_of
from corewright.testing.selection import first_of_each

BENCH = next(
    each for each in block_benches(Path(__file__).parent) if each.top == "cw_pe_array_flat"
)
CONFIGURATIONS = {name: each.parameters for name, each in BENCH.configurations.items()}

# Seeds after which a bug counts as not found.
ATTEMPTS = 4
# correct text, injected bug
MUTANTS = {
    "binary_weights_as_two_s_complement": ("if (is_sign(WeightBits)) return", "if (1'b0) return"),
    "binary_weights_upside_down": ("$signed({weight[0], 1'b1})", "$signed({!weight[0], 1'b1})"),
    "sums_not_cleared": ("(first_q[Group+1] ? '0 : sum_q)", "sum_q"),
    "group_too_early": ("if (valid_q[Group+1]) sum_q",
                        "if (valid_q[Group == 0 ? 1 : Group]) sum_q"),
    "operands_of_the_first_group": ("pixels_q[Group][r] * weights_q", "pixels_q[0][r] * weights_q"),
    "own_operands_of_the_first_group": ("mac_q[j/Words-1] ? pixels_q[j/Words-1]",
                                        "mac_q[j/Words-1] ? pixels_i[0]"),
    "operation_of_a_later_step": ("own_pixels_q[j] <= mac_q[j/Words-1]",
                                  "own_pixels_q[j] <= (op_i == OpMac)"),
    "depthwise_without_weights": ("i < Drain && op_i == OpSum ?", "i < Drain && op_i != OpMac ?"),
    "depthwise_of_one_channel": ("op_i == OpMac ? pixels_i[0]", "1'b1 ? pixels_i[0]"),
    "depthwise_weights_in_sum_pools": ("i < Drain && op_i == OpSum ?", "1'b0 ?"),
    "maximum_of_the_tile_before": ("if (first_q[j/Words+1] || candidates_q", "if (candidates_q"),
    "maximum_counts_pauses": ("if (valid_q[j/Words+1]) begin", "begin"),
    "sums_instead_of_maxima": ("select_maximum_q <= maximum_q[b+1]", "select_maximum_q <= 1'b0"),
    "maxima_of_another_tile": ("select_maximum_q <= maximum_q[b+1]",
                               "select_maximum_q <= maximum_q[b]"),
    "unsigned_maximum": ("candidates_q[j][r] > maxima_q[j][r]",
                         "$unsigned(candidates_q[j][r]) > $unsigned(maxima_q[j][r])"),
}  # fmt: skip
BUGS = Mutants({name: Mutation("cw_pe_array.sv", *bug) for name, bug in MUTANTS.items()})


def _configuration(case: str) -> dict[str, int]:
    return CONFIGURATIONS["3x4_binary_weights" if "binary" in case else "7x8_mixed"]


def _sources() -> list[Path]:
    return sources_of("corewright:core:pe_integer", "sim")


@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_pe_array(name):
    run_declared(BENCH, name)


@pytest.mark.parametrize("case", first_of_each(sorted(MUTANTS), lambda case: "binary" in case))
def test_the_bench_catches(case, tmp_path: Path):
    bug = BUGS.inject(case, _sources(), tmp_path)
    must_fail(
        "cw_pe_array_flat",
        "tb_pe_array",
        bug.sources,
        _configuration(case),
        tmp_path / "run",
        attempts=ATTEMPTS,
        plusargs=bug.plusargs,
        # A mutant may leave a signal without a reader.
        extra_args=["-Wno-fatal"],
    )


@pytest.mark.nightly
def test_the_bench_passes_where_no_bug_is_chosen(tmp_path: Path):
    sources = BUGS.sources(_sources(), tmp_path)
    arguments = ("cw_pe_array_flat", "tb_pe_array", sources, _configuration("binary"))
    run_cocotb(*arguments, extra_args=["-Wno-fatal"])
