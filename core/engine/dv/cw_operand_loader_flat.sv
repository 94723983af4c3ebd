// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_operand_loader for the cocotb bench: the descriptor as the program's words (word 0 in the
/// lowest bits).
module cw_operand_loader_flat
  import cw_program_pkg::*;
#(
    parameter  int unsigned Words      = 4,
    parameter  int unsigned WordBytes  = 8,
    parameter  int unsigned UnitBytes  = 1,
    parameter  int unsigned MaxBeats   = 6,
    parameter  int unsigned AxiBits    = 64,
    parameter  int unsigned AddrBits   = 40,
    localparam int unsigned TBytesBits = $clog2(AxiBits / 8 + 1),
    localparam int unsigned BeatBytes  = Words * WordBytes
) (
    input  logic                          clk_i,
    input  logic                          rst_ni,
    input  logic                          clear_i,
    input  logic [DescriptorWords*32-1:0] words_i,
    input  logic                          start_i,
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
    output logic                          ready_o,
    input  logic                          take_i,
    input  logic                          pop_i,
    output logic [       BeatBytes*8-1:0] data_o
);

  cw_operand_loader #(
      .Words    (Words),
      .WordBytes(WordBytes),
      .UnitBytes(UnitBytes),
      .MaxBeats (MaxBeats),
      .AxiBits  (AxiBits),
      .AddrBits (AddrBits)
  ) u_loader (
      .clk_i,
      .rst_ni,
      .clear_i,
      .desc_i(decode_descriptor(words_i)),
      .start_i,
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
      .ready_o,
      .take_i,
      .pop_i,
      .data_o
  );

endmodule
