# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb benches of cw_control and cw_crc32, and proves that they can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.flow.block_benches import block_benches
from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import must_fail, run_cocotb, run_declared, sources_of
from corewright.testing.selection import first_of_each

BENCHES = {bench.top: bench for bench in block_benches(Path(__file__).parent)}
CONFIGURATIONS = [(top, name) for top, bench in BENCHES.items() for name in bench.configurations]
# The configuration that bugs are looked for in.
MUTATED = {"cw_crc32": "default", "cw_control_flat": "control_5x10_axi64"}

# Seeds after which a bug counts as not found.
ATTEMPTS = 4
CRC, CONTROL = "cw_crc32.sv", "cw_control.sv"
# top, file, correct text, injected bug
MUTANTS = {
    "crc_polynomial": ("cw_crc32", CRC, "32'hEDB88320", "32'hEDB88321"),
    "crc_not_inverted": ("cw_crc32", CRC, "crc_o = ~crc_q", "crc_o = crc_q"),
    "crc_second_word_first": ("cw_crc32", CRC, "data_i[63:32] & OneWord[b]",
                              "data_i[31:0] & OneWord[b]"),
    "crc_two_words_as_one": ("cw_crc32", CRC, "words_i[1] ? two : one", "one"),
    "crc_words_win_over_clear": ("cw_crc32", CRC, "else if (clear_i) crc_q <= '1;",
                                 "else if (clear_i && words_i == '0) crc_q <= '1;"),
    "crc_reset_to_zero": ("cw_crc32", CRC, "if (!rst_ni) crc_q <= '1;",
                          "if (!rst_ni) crc_q <= '0;"),
    "control_checksum_unchecked": ("cw_control_flat", CONTROL, "fetched.crc == crc", "1'b1"),
    "control_windows_end_a_byte_late": (
        "cw_control_flat", CONTROL, ".limit_i  (program_bytes_i)",
        ".limit_i  (program_bytes_i + 32'd1)"),
    "control_lane_of_the_next_row": (
        "cw_control_flat", CONTROL, "32'(fetched.gather_lane) < Cfg.Rows",
        "32'(fetched.gather_lane) <= Cfg.Rows"),
    "control_pools_as_wide_as_convolutions": (
        "cw_control_flat", CONTROL, "(opcode == 4'(OpcodeConv) ? Cfg.Columns : Cfg.Drain)",
        "Cfg.Columns"),
    "control_wrong_hash_runs": (
        "cw_control_flat", CONTROL, "header.hardware_hash == Cfg.Hash", "1'b1"),
    "control_arena_weights_too_early": (
        "cw_control_flat", CONTROL,
        "(!fetched.weights_arena || !engine_busy_q || engine_taken_q)", "1'b1"),
    "control_input_left_unseen": (
        "cw_control_flat", CONTROL, "left_over_q <= input_left_i", "left_over_q <= 1'b0"),
    "control_weights_left_of_every_layer": (
        "cw_control_flat", CONTROL,
        "(engine_desc_o.last_layer && (!weight_done_i || weights_left_i))", "weights_left_i"),
    "control_watchdog_never_fed": (
        "cw_control_flat", CONTROL, "state_q != StRun || progress_i", "state_q != StRun"),
    "control_clear_cut_short": (
        "cw_control_flat", CONTROL, "if (clear_left_q == '0) begin", "begin"),
    "control_last_cycle_of_a_layer_uncounted": (
        "cw_control_flat", CONTROL, "ended_cycles_q <= layer_cycles_q + 1;",
        "ended_cycles_q <= layer_cycles_q;"),
    "control_movers_not_waited_for": (
        "cw_control_flat", CONTROL, "if (movers_idle_i) state_q <= StClear;",
        "state_q <= StClear;"),
    "control_residual_errors_unseen": (
        "cw_control_flat", CONTROL, "axi_error_i[1] || axi_error_i[3]", "axi_error_i[1]"),
    "control_records_a_layer_too_many": (
        "cw_control_flat", CONTROL, "recorded_q < Cfg.PerfLayers", "recorded_q <= Cfg.PerfLayers"),
}  # fmt: skip
BUGS = Mutants({name: Mutation(*bug) for name, (_, *bug) in MUTANTS.items()})


def _sources() -> list[Path]:
    return sources_of("corewright:core:accelerator", "sim")


@pytest.mark.parametrize(("top", "name"), CONFIGURATIONS)
def test_control(top: str, name: str):
    run_declared(BENCHES[top], name)


@pytest.mark.parametrize(
    "name",
    first_of_each(
        sorted(MUTANTS, key=lambda name: (MUTANTS[name][0], name)), lambda name: MUTANTS[name][0]
    ),
)
def test_the_bench_catches(name: str, tmp_path: Path):
    bench = BENCHES[MUTANTS[name][0]]
    configuration = bench.configurations[MUTATED[bench.top]]
    bug = BUGS.inject(name, _sources(), tmp_path)
    must_fail(
        bench.top,
        bench.module,
        bug.sources,
        configuration.parameters,
        tmp_path / "run",
        attempts=ATTEMPTS,
        plusargs=bug.plusargs,
        # A mutant may leave a signal without a reader.
        extra_args=[*bench.arguments, "-Wno-fatal"],
        bench_options=configuration.options,
    )


@pytest.mark.nightly
@pytest.mark.parametrize("top", sorted(BENCHES))
def test_the_bench_passes_where_no_bug_is_chosen(top: str, tmp_path: Path):
    bench = BENCHES[top]
    configuration = bench.configurations[MUTATED[top]]
    run_cocotb(
        top,
        bench.module,
        BUGS.sources(_sources(), tmp_path),
        configuration.parameters,
        extra_args=[*bench.arguments, "-Wno-fatal"],
        bench_options=configuration.options,
    )
