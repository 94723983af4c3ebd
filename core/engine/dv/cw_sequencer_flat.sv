// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_sequencer for the cocotb bench: the descriptor as the program's words (word 0 in the lowest
/// bits).
module cw_sequencer_flat
  import cw_pkg::*;
  import cw_program_pkg::*;
#(
    parameter  int unsigned Rows          = 8,
    parameter  int unsigned Drain         = 4,
    parameter  int unsigned Words         = Drain,
    parameter  int unsigned WordBytes     = 8,
    parameter  int unsigned PixelRows     = 512,
    parameter  int unsigned MaxDrainBeats = 6,
    parameter  int unsigned AverageCycles = 16,
    parameter  int unsigned BiasRows      = 128,
    localparam int unsigned RowBits       = PixelRows > 1 ? $clog2(PixelRows) : 1,
    localparam int unsigned LaneBits      = Rows > 1 ? $clog2(Rows) : 1,
    localparam int unsigned SlotBits      = Drain > 1 ? $clog2(Drain) : 1,
    localparam int unsigned BeatBits      = $clog2(MaxDrainBeats + 1),
    localparam int unsigned BiasBits      = BiasRows > 1 ? $clog2(BiasRows) : 1
) (
    input  logic                          clk_i,
    input  logic                          rst_ni,
    input  logic                          clear_i,
    input  logic [DescriptorWords*32-1:0] words_i,
    input  logic                          start_i,
    output logic                          done_o,
    output logic                          pass_start_o,
    output logic signed [           31:0] released_o,
    output logic                          release_all_o,
    input  logic [                  32:0] loaded_positions_i,
    input  logic                          loaded_all_i,
    input  logic                          loader_done_i,
    input  logic                          weights_available_i,
    output logic                          weight_step_o,
    output logic                          weight_to_group_o,
    output logic                          weight_to_pass_o,
    output logic                          weight_new_group_o,
    output logic                          weight_new_pass_o,
    output logic                          weight_release_o,
    input  logic                          tile_room_i,
    output logic [          BeatBits-1:0] tile_beats_o,
    output logic                          step_o,
    output logic                          step_first_o,
    output logic                          step_last_o,
    output logic [           RowBits-1:0] row_o,
    output logic [           RowBits-1:0] row_next_o,
    output logic [          LaneBits-1:0] lane_o,
    output logic [          SlotBits-1:0] slot_o,
    output logic [              Rows-1:0] mask_o,
    output logic [                  15:0] tile_channels_o,
    output logic [          BiasBits-1:0] tile_bias_row_o,
    output logic [                  31:0] tile_offset_o,
    output logic [                  31:0] tile_bytes_o,
    output logic                          tile_last_o,
    output logic [                   2:0] cause_o
);

  cause_e cause;
  assign cause_o = cause;

  cw_sequencer #(
      .Rows         (Rows),
      .Drain        (Drain),
      .Words        (Words),
      .WordBytes    (WordBytes),
      .PixelRows    (PixelRows),
      .MaxDrainBeats(MaxDrainBeats),
      .AverageCycles(AverageCycles),
      .BiasRows     (BiasRows)
  ) u_sequencer (
      .clk_i,
      .rst_ni,
      .clear_i,
      .desc_i            (decode_descriptor(words_i)),
      .start_i,
      .done_o,
      .pass_start_o,
      .released_o,
      .release_all_o,
      .loaded_positions_i($signed(loaded_positions_i)),
      .loaded_all_i,
      .loader_done_i,
      .weights_available_i,
      .weight_step_o,
      .weight_to_group_o,
      .weight_to_pass_o,
      .weight_new_group_o,
      .weight_new_pass_o,
      .weight_release_o,
      .tile_room_i,
      .tile_beats_o,
      .step_o,
      .step_first_o,
      .step_last_o,
      .row_o,
      .row_next_o,
      .lane_o,
      .slot_o,
      .mask_o,
      .tile_channels_o,
      .tile_bias_row_o,
      .tile_offset_o,
      .tile_bytes_o,
      .tile_last_o,
      .cause_o           (cause)
  );

endmodule
