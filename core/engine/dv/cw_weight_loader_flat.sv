// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_weight_loader for the cocotb bench: the descriptor as the program's words (word 0 in the lowest
/// bits).
module cw_weight_loader_flat
  import cw_program_pkg::*;
#(
    parameter  int unsigned Rows       = 8,
    parameter  int unsigned Columns    = 24,
    parameter  int unsigned Drain      = 4,
    parameter  int unsigned PixelBits  = 8,
    parameter  int unsigned WeightBits = 8,
    parameter  int unsigned PostBits   = 40,
    parameter  int unsigned BiasRows   = 128,
    parameter  int unsigned AxiBits    = 64,
    parameter  int unsigned AddrBits   = 40,
    localparam int unsigned BiasBits   = BiasRows > 1 ? $clog2(BiasRows) : 1,
    localparam int unsigned TBytesBits = $clog2(AxiBits / 8 + 1)
) (
    input  logic                          clk_i,
    input  logic                          rst_ni,
    input  logic                          clear_i,
    input  logic [DescriptorWords*32-1:0] words_i,
    input  logic                          start_i,
    output logic                          done_o,
    input  logic [          AddrBits-1:0] program_base_i,
    input  logic [                  31:0] program_bytes_i,
    input  logic [          AddrBits-1:0] arena_base_i,
    input  logic [                  31:0] arena_bytes_i,
    output logic                          window_o,
    output logic [                  31:0] window_offset_o,
    output logic                          cmd_valid_o,
    input  logic                          cmd_ready_i,
    output logic [          AddrBits-1:0] cmd_addr_o,
    output logic [                  31:0] cmd_bytes_o,
    input  logic [           AxiBits-1:0] s_axis_tdata,
    input  logic [        TBytesBits-1:0] s_axis_tbytes,
    input  logic                          s_axis_tlast,
    input  logic                          s_axis_tvalid,
    output logic                          s_axis_tready,
    output logic                          row_valid_o,
    input  logic                          row_ready_i,
    output logic [Columns*WeightBits-1:0] row_o,
    output logic                          bias_we_o,
    output logic [            BiasBits:0] bias_row_o,
    output logic [    Drain*PostBits-1:0] bias_o
);

  cw_weight_loader #(
      .Rows      (Rows),
      .Columns   (Columns),
      .Drain     (Drain),
      .PixelBits (PixelBits),
      .WeightBits(WeightBits),
      .PostBits  (PostBits),
      .BiasRows  (BiasRows),
      .AxiBits   (AxiBits),
      .AddrBits  (AddrBits)
  ) u_loader (
      .clk_i,
      .rst_ni,
      .clear_i,
      .desc_i(decode_descriptor(words_i)),
      .start_i,
      .done_o,
      .program_base_i,
      .program_bytes_i,
      .arena_base_i,
      .arena_bytes_i,
      .window_o,
      .window_offset_o,
      .cmd_valid_o,
      .cmd_ready_i,
      .cmd_addr_o,
      .cmd_bytes_o,
      .s_axis_tdata,
      .s_axis_tbytes,
      .s_axis_tlast,
      .s_axis_tvalid,
      .s_axis_tready,
      .row_valid_o,
      .row_ready_i,
      .row_o,
      .bias_we_o,
      .bias_row_o,
      .bias_o
  );

endmodule
