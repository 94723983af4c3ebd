# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs the cocotb benches of the engine's blocks, and proves that they can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.flow.block_benches import block_benches
from corewright.mutate.choices import Mutants, Mutation
from corewright.testing.cocotb_runner import must_fail, run_cocotb, run_declared, sources_of
from corewright.testing.selection import first_of_each

BENCHES = {
    name: bench for bench in block_benches(Path(__file__).parent) for name in bench.configurations
}
# top, bench, parameters
CONFIGURATIONS = {
    name: (bench.top, bench.module, bench.configurations[name].parameters)
    for name, bench in BENCHES.items()
}

# Seeds after which a bug counts as not found.
ATTEMPTS = 8
# configuration, file, correct text, injected bug
MUTANTS = {
    "loader_ring_one_block_too_large": (
        "pixel_loader_7x2_5bit", "cw_load_writer.sv",
        "distance = j_q.block - limit_i;", "distance = j_q.block - limit_i - 1'b1;",
    ),
    "loader_wrapped_write_counts_its_first_block": (
        "pixel_loader_7x2_5bit", "cw_load_writer.sv",
        "(CountBits + 1)'(r_q.count[i]) > R", "(CountBits + 1)'(r_q.count[i]) > R + R",
    ),
    "loader_progress_a_cycle_early": (
        "pixel_loader_7x2_5bit", "cw_pixel_loader.sv",
        "if (block_end) loaded_positions_o", "if (op_valid && op_word_end) loaded_positions_o",
    ),
    "loader_images_at_the_same_lane": (
        "pixel_loader_7x2_5bit", "cw_load_walker.sv",
        "CountBits'(d.scatter_image_lane)", "CountBits'(0)",
    ),
    "loader_phases_share_a_bank": (
        "pixel_loader_8x4", "cw_load_walker.sv",
        "pair      = b_q.stored <= pair_limit_q[b_q.phase[0]];",
        "pair      = pair_limit_q[0] != '0;",
    ),
    "loader_both_phases_in_one_plane": (
        "pixel_loader_7x2_5bit", "cw_load_writer.sv",
        ": r_q.plane + RowBits'(d.plane_rows);", ": r_q.plane;",
    ),
    "loader_second_run_written_before_it_is_free": (
        "pixel_loader_7x2_5bit", "cw_load_writer.sv",
        "blocks[0] > blocks[1] ? blocks[0] : blocks[1]", "blocks[0]",
    ),
    "loader_phases_never_together": (
        "pixel_loader_8x4", "cw_load_walker.sv",
        "pair_limit_q[0] <= pair_limit(skew);", "",
    ),
    "loader_constants_read_from_the_arena": (
        "pixel_loader_8x4", "cw_pixel_loader.sv",
        "d.input_program ? program_base_i : arena_base_i", "arena_base_i",
    ),
    "loader_constants_checked_against_the_arena": (
        "pixel_loader_7x2_5bit", "cw_pixel_loader.sv",
        "d.input_program ? program_bytes_i : arena_bytes_i", "arena_bytes_i",
    ),
    "loader_copies_begin_anew_with_each_write": (
        "pixel_loader_7x2_5bit", "cw_load_walker.sv",
        "<= turn_lane[1:0];", "<= '0;",
    ),
    "loader_upsampled_rows_as_close_as_stored_ones": (
        "pixel_loader_8x4", "cw_load_walker.sv",
        "step_row   = step_row_i;", "step_row   = RowBits'(d.pitch_rows);",
    ),
    "loader_copies_rows_above_one_another": (
        "pixel_loader_7x2_5bit", "cw_load_writer.sv",
        "LaneBits'(pitch_carry ? pitch_sum - R : pitch_sum)", "p_q.lane",
    ),
    "loader_words_end_with_their_first_copy": (
        "pixel_loader_8x4", "cw_load_writer.sv",
        "p_q.word_end && copied;", "p_q.word_end;",
    ),
    "loader_forgets_a_word_whose_lanes_are_dropped": (
        "pixel_loader_8x4", "cw_load_walker.sv",
        "e_valid_q && (e_q.word_end ||", "e_valid_q && ((e_q.word_end && e_stores) ||",
    ),
    "loader_queue_forgets_what_it_will_play_again": (
        "pixel_loader_1x1", "cw_load_writer.sv",
        "used       = write_q - block_q;", "used       = write_q - read_q;",
    ),
    "loader_upsampled_progress_in_stored_pixels": (
        "pixel_loader_1x1", "cw_pixel_loader.sv", "33'(block_positions_q)", "33'(Rows)",
    ),
    "sequencer_skew_adds_up": (
        "sequencer_8x4", "cw_sequencer.sv",
        "next_tap = advance_lanes(position_q, ", "next_tap = advance_lanes(tap_place_q, ",
    ),
    "sequencer_sum_pools_wait_for_the_divider": (
        "sequencer_8x4", "cw_sequencer.sv",
        "d.opcode == 4'(OpcodeAveragePool)", "d.opcode != 4'(OpcodeConv)",
    ),
    "sequencer_tiles_end_without_their_operand": (
        "sequencer_8x4", "cw_sequencer.sv",
        "(drain_free_q && tile_room_i)", "drain_free_q",
    ),
    "sequencer_need_forgets_image_wraps": (
        "sequencer_8x4", "cw_sequencer.sv",
        "+ (wrap_h_q ? 33'(d.position_wrap_h) : '0)", "",
    ),
    "sequencer_releases_one_block_early": (
        "sequencer_8x4", "cw_sequencer.sv",
        "32'(walk_next.block);", "32'(walk_next.block + 1);",
    ),
    "sequencer_kernel_rows_release_nothing": (
        "sequencer_8x4", "cw_sequencer.sv", "if (d.release_rows && last_of_pass)", "if (1'b0)",
    ),
    "sequencer_kernel_rows_release_in_every_group": (
        "sequencer_8x4", "cw_sequencer.sv",
        "if (d.release_rows && last_of_pass)", "if (d.release_rows)",
    ),
    "sequencer_kernel_rows_release_unasked": (
        "sequencer_7x2_one_beat", "cw_sequencer.sv",
        "if (d.release_rows && last_of_pass)", "if (last_of_pass)",
    ),
    "sequencer_kernel_row_released_without_its_carry": (
        "sequencer_7x2_one_beat", "cw_sequencer.sv", " + block_t'(carry_row);", ";",
    ),
    "sequencer_cut_columns_taken_for_padding": (
        "sequencer_8x4", "cw_sequencer.sv", "18'(d.pad_left)", "{2'b0, d.pad_left}",
    ),
    "sequencer_tail_lanes_live": (
        "sequencer_8x4", "cw_sequencer.sv", "&& (!tail_q || r < 32'(d.tail_lanes))", "",
    ),
    "sequencer_second_pass_biases_of_the_first": (
        "sequencer_8x4", "cw_sequencer.sv",
        "pass_bias_row_q <= bias_row_q;", "pass_bias_row_q <= pass_bias_row_q;",
    ),
    "buffer_reads_the_row_before_the_wrap": (
        "pixel_buffer_7x2_5bit", "cw_pixel_buffer.sv",
        "b < 32'(rd_lane_i) ? rd_row_next : rd_row", "rd_row",
    ),
    "buffer_second_run_at_the_row_of_the_first": (
        "pixel_buffer_7x2_5bit", "cw_pixel_buffer.sv",
        "wr_row_next[1] : wr_row[1]", "wr_row_next[1] : wr_row[0]",
    ),
    "buffer_second_run_left_out": (
        "pixel_buffer_8x4", "cw_pixel_buffer.sv",
        "wr_en_i && reached != '0", "wr_en_i && reached[0]",
    ),
    "operand_reads_run_beyond_the_queue": (
        "operand_loader_4x8_axi64", "cw_operand_loader.sv",
        "+ 32'(beats) <= Depth;", "+ 32'(beats) <= Depth + 1;",
    ),
    "operand_ready_before_its_last_beat": (
        "operand_loader_4x8_axi64", "cw_operand_loader.sv",
        "item_valid && queue_ready && item_last", "item_valid && queue_ready",
    ),
    "operand_second_set_repeats_the_first": (
        "operand_loader_2x5_axi128", "cw_operand_loader.sv",
        "set_offset_q <= block_offset_q + d.add_block_bytes;", "set_offset_q <= set_offset_q;",
    ),
    "operand_last_group_read_in_full": (
        "operand_loader_2x5_axi128", "cw_operand_loader.sv",
        "d.last_group_channels : d.group_channels", "d.group_channels : d.group_channels",
    ),
    "ring_keeps_the_group_behind_a_pass": (
        "weight_ring_5", "cw_weight_ring.sv", "if (to_pass_i) group_q <= pass_q;", "",
    ),
    "weights_of_a_second_set_missing": (
        "weight_loader_6x5_axi128", "cw_weight_loader.sv",
        ".one_set_i     (resident_q)", ".one_set_i     (1'b1)",
    ),
    "rows_cut_by_the_kind_behind": (
        "weight_loader_6x5_axi128", "cw_weight_loader.sv",
        "(kind == current_q || inside_q == '0)", "1'b1",
    ),
    "arena_group_begins_with_a_block": (
        "weight_loader_24x8_axi64", "cw_weight_loader.sv",
        "block_end_q ? '0 : lane_q + columns_left", "'0",
    ),
    "arena_block_left_before_its_last_lane": (
        "weight_loader_6x5_axi128", "cw_weight_loader.sv",
        "lanes_left <= columns_left", "1'b1",
    ),
    "arena_full_block_kept": (
        "weight_loader_24x8_axi64", "cw_weight_loader.sv",
        "lanes_left <= columns_left", "lanes_left < columns_left",
    ),
    "arena_second_pass_at_the_first": (
        "weight_loader_16x4_axi32", "cw_weight_loader.sv",
        "pass_start_q <= next_group;", "pass_start_q <= pass_start_q;",
    ),
    "arena_rows_behind_the_first_in_lane_0": (
        "weight_loader_6x5_axi128", "cw_weight_loader.sv",
        "lane_q <= group_start_q.lane;", "lane_q <= '0;",
    ),
    "arena_group_repeated_from_the_next": (
        "weight_loader_24x8_axi64", "cw_weight_loader.sv",
        ": repeat_end ? next_group : group_start_q;", ": next_group;",
    ),
    "arena_next_group_taken_from_the_last_row": (
        "weight_loader_16x4_axi32", "cw_weight_loader.sv",
        "first_row_q ? behind : behind_q", "behind",
    ),
    "arena_last_group_as_wide_as_the_others": (
        "weight_loader_16x4_axi32", "cw_weight_loader.sv",
        "(last_group ? last_channels_q : channels_q)", "channels_q",
    ),
    "arena_row_given_with_its_first_word": (
        "weight_loader_16x4_axi32", "cw_weight_loader.sv",
        "row_full_q <= part.last;", "row_full_q <= 1'b1;",
    ),
    "arena_word_overwrites_a_waiting_row": (
        "weight_loader_24x8_axi64", "cw_weight_loader.sv",
        "(arena_q && !row_full_q)", "arena_q",
    ),
    "arena_done_before_the_last_row": (
        "weight_loader_16x4_axi32", "cw_weight_loader.sv",
        "kinds != '0 || row_full_q;", "kinds != '0;",
    ),
    "arena_clear_keeps_a_row": (
        "weight_loader_24x8_axi64", "cw_weight_loader.sv",
        "else if (clear_i) row_full_q <= 1'b0;", "",
    ),
    "arena_checked_against_the_program": (
        "weight_loader_24x8_axi64", "cw_weight_loader.sv",
        ".limit_i  (arena ? arena_bytes_i : program_bytes_i)", ".limit_i  (program_bytes_i)",
    ),
    "biases_of_arena_layers_from_the_arena": (
        "weight_loader_24x8_axi64", "cw_weight_loader.sv",
        "arena_q && state_q == StGroups;", "arena_q;",
    ),
    "arena_pixels_not_sign_extended": (
        "weight_loader_6x5_axi128", "cw_weight_loader.sv",
        "32'($signed(pixel))", "32'(pixel)",
    ),
    "arena_binary_pixels_as_two_s_complement": (
        "weight_loader_10x3_from_binary", "cw_weight_loader.sv",
        "is_sign(PixelBits) && WeightBits > 1", "1'b0",
    ),
    "arena_binary_weights_from_the_lowest_bit": (
        "weight_loader_2x1_to_binary_wide_words", "cw_weight_loader.sv",
        "WeightBits'(pixel[PixelBits-1])", "WeightBits'(pixel[0])",
    ),
    "engine_pixels_of_a_masked_lane_count": (
        "engine_4x6", "cw_engine.sv",
        "if (!mask[r]) pixels[j][r] = op == OpMax ? Smallest : '0;",
        "if (!mask[r]) pixels[j][r] = '0;",
    ),
    "engine_second_layer_biases_of_the_first": (
        "engine_3x4_5bit", "cw_engine.sv",
        "({desc_i.layer_index[0], tile.bias_row})", "({1'b0, tile.bias_row})",
    ),
    "engine_tile_ends_without_room": (
        "engine_4x6", "cw_engine.sv",
        "32'(reserved_q) + 32'(tile_beats) <= QueueDepth", "1'b1",
    ),
    "engine_last_beat_of_a_group_as_wide_as_the_others": (
        "engine_4x6", "cw_engine.sv",
        "tile.channels >= 16'(Words) ? WordsBits'(Words)", "1'b1 ? WordsBits'(Words)",
    ),
    "engine_every_beat_has_the_first_words_biases": (
        "engine_3x4_5bit", "cw_engine.sv", "(32'(part_q)*Words+w)", "w",
    ),
    "engine_done_before_the_writes_are_answered": (
        "engine_4x6", "cw_engine.sv", "&& !write_valid_o && writer_idle_i;", "&& !write_valid_o;",
    ),
    "engine_runs_may_leave_the_arena": (
        "engine_3x4_5bit", "cw_engine.sv",
        "run_push && run_outside_q", "1'b0",
    ),
    "engine_tiles_too_few_go_unseen": (
        "engine_4x6", "cw_engine.sv",
        "(output_left_q[32] || (output_left_q == '0) != output_ended_q)", "output_left_q[32]",
    ),
    "engine_clear_keeps_reservations": (
        "engine_3x4_5bit", "cw_engine.sv", "else if (clear_i) reserved_q <= '0;", "",
    ),
    "engine_weights_left_go_unseen": (
        "engine_4x6", "cw_engine.sv",
        "weights_left_o = weights_available;", "weights_left_o = 1'b0;",
    ),
}  # fmt: skip
BUGS = Mutants({name: Mutation(*bug) for name, (_, *bug) in MUTANTS.items()})

# assertion: configuration
VIOLATIONS = {
    "PopOnlyWhatIsThere_A": "operand_loader_4x8_axi64",
    "TakeOnlyWhatIsComplete_A": "operand_loader_4x8_axi64",
    "UpsamplingHasNoStrides_A": "pixel_loader_8x4",
    "LoadsNoMoreThanItHas_A": "pixel_loader_8x4",
}


def _sources() -> list[Path]:
    return sources_of("corewright:core:engine", "sim")


@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_engine(name):
    run_declared(BENCHES[name], name)


@pytest.mark.parametrize(
    "name",
    first_of_each(
        # Those of a model behind each other; one of each source.
        sorted(MUTANTS, key=lambda name: (MUTANTS[name][0], name)),
        lambda name: MUTANTS[name][1],
    ),
)
def test_the_bench_catches(name, tmp_path: Path):
    configuration = MUTANTS[name][0]
    top, bench, parameters = CONFIGURATIONS[configuration]
    bug = BUGS.inject(name, _sources(), tmp_path)
    must_fail(
        top,
        bench,
        bug.sources,
        parameters,
        tmp_path / "run",
        attempts=ATTEMPTS,
        plusargs=bug.plusargs,
        # A mutant may leave a signal without a reader.
        extra_args=["-Wno-fatal"],
        bench_options=BENCHES[configuration].configurations[configuration].options,
    )


# One of each block: all of its configurations have the same copy.
@pytest.mark.nightly
@pytest.mark.parametrize(
    "name",
    [
        "engine_4x6",
        "operand_loader_2x5_axi128",
        "pixel_buffer_7x2_5bit",
        "pixel_loader_1x1",
        "sequencer_7x2_one_beat",
        "weight_loader_2x1_to_binary_wide_words",
        "weight_ring_5",
    ],
)
def test_the_bench_passes_where_no_bug_is_chosen(name, tmp_path: Path):
    top, bench, parameters = CONFIGURATIONS[name]
    sources = BUGS.sources(_sources(), tmp_path)
    options = BENCHES[name].configurations[name].options
    run_cocotb(top, bench, sources, parameters, extra_args=["-Wno-fatal"], bench_options=options)


@pytest.mark.parametrize("assertion", sorted(VIOLATIONS))
def test_illegal_use_trips(assertion, tmp_path: Path):
    top, bench, parameters = CONFIGURATIONS[VIOLATIONS[assertion]]
    must_fail(
        top,
        bench,
        _sources(),
        parameters,
        tmp_path / "run",
        match=assertion,
        bench_options={"violation": assertion},
    )
