// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_pixel_loader for the cocotb bench: the descriptor as the program's words (word 0 in the
/// lowest bits); run 0 of a write and lane 0 of a run in the lowest bits.
module cw_pixel_loader_flat
  import cw_program_pkg::*;
#(
    parameter  int unsigned Rows      = 8,
    parameter  int unsigned Drain     = 4,
    parameter  int unsigned PixelBits = 8,
    parameter  int unsigned PixelRows = 512,
    parameter  int unsigned AddrBits  = 40,
    localparam int unsigned WordBytes = (Rows * PixelBits + 7) / 8,
    localparam int unsigned RowBits   = PixelRows > 1 ? $clog2(PixelRows) : 1,
    localparam int unsigned LaneBits  = Rows > 1 ? $clog2(Rows) : 1,
    localparam int unsigned SlotBits  = Drain > 1 ? $clog2(Drain) : 1,
    localparam int unsigned CountBits = $clog2(Rows + 1)
) (
    input  logic                         clk_i,
    input  logic                         rst_ni,
    input  logic                         clear_i,
    input  logic [DescriptorWords*32-1:0] words_i,
    input  logic                         start_i,
    input  logic [         AddrBits-1:0] arena_base_i,
    input  logic [                 31:0] arena_bytes_i,
    input  logic [         AddrBits-1:0] program_base_i,
    input  logic [                 31:0] program_bytes_i,
    output logic                         window_o,
    output logic [                 31:0] window_offset_o,
    input  logic [                 31:0] released_i,
    input  logic                         release_all_i,
    output logic signed [          32:0] loaded_positions_o,
    output logic                         loaded_all_o,
    output logic                         done_o,
    output logic                         cmd_valid_o,
    input  logic                         cmd_ready_i,
    output logic [         AddrBits-1:0] cmd_addr_o,
    output logic [                 31:0] cmd_bytes_o,
    input  logic                         word_valid_i,
    output logic                         word_ready_o,
    output logic                         word_left_o,
    output logic                         cmd_left_o,
    input  logic [      WordBytes*8-1:0] word_i,
    output logic                         wr_en_o,
    output logic [        2*RowBits-1:0] wr_row_o,
    output logic [        2*RowBits-1:0] wr_row_next_o,
    output logic [       2*LaneBits-1:0] wr_lane_o,
    output logic [      2*CountBits-1:0] wr_count_o,
    output logic [         SlotBits-1:0] wr_slot_o,
    output logic [ 2*Rows*PixelBits-1:0] wr_lanes_o
);

  logic [RowBits-1:0] row[2], row_next[2];
  logic [LaneBits-1:0] lane[2];
  logic [CountBits-1:0] count[2];
  logic [PixelBits-1:0] lanes[2][Rows];
  always_comb begin
    for (int unsigned k = 0; k < 2; k++) begin
      wr_row_o[k*RowBits+:RowBits]       = row[k];
      wr_row_next_o[k*RowBits+:RowBits]  = row_next[k];
      wr_lane_o[k*LaneBits+:LaneBits]    = lane[k];
      wr_count_o[k*CountBits+:CountBits] = count[k];
      for (int unsigned r = 0; r < Rows; r++) begin
        wr_lanes_o[(k*Rows+r)*PixelBits+:PixelBits] = lanes[k][r];
      end
    end
  end

  cw_pixel_loader #(
      .Rows     (Rows),
      .Drain    (Drain),
      .PixelBits(PixelBits),
      .PixelRows(PixelRows),
      .AddrBits (AddrBits)
  ) u_loader (
      .clk_i,
      .rst_ni,
      .clear_i,
      .desc_i            (decode_descriptor(words_i)),
      .start_i,
      .arena_base_i,
      .arena_bytes_i,
      .program_base_i,
      .program_bytes_i,
      .window_o,
      .window_offset_o,
      .released_i        ($signed(released_i)),
      .release_all_i,
      .loaded_positions_o,
      .loaded_all_o,
      .done_o,
      .cmd_valid_o,
      .cmd_ready_i,
      .cmd_addr_o,
      .cmd_bytes_o,
      .word_valid_i,
      .word_ready_o,
      .word_left_o,
      .cmd_left_o,
      .word_i,
      .wr_en_o,
      .wr_row_o          (row),
      .wr_row_next_o     (row_next),
      .wr_lane_o         (lane),
      .wr_count_o        (count),
      .wr_slot_o,
      .wr_lanes_o        (lanes)
  );

endmodule
