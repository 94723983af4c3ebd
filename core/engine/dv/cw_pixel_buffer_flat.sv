// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_pixel_buffer with packed ports for the cocotb bench: run 0 of a write and lane 0 of a run in
/// the lowest bits; pixel (j, r) of a read at index j*Rows + r.
module cw_pixel_buffer_flat #(
    parameter  int unsigned Rows      = 8,
    parameter  int unsigned Drain     = 4,
    parameter  int unsigned PixelBits = 8,
    parameter  int unsigned Depth     = 512,
    localparam int unsigned RowBits   = Depth > 1 ? $clog2(Depth) : 1,
    localparam int unsigned LaneBits  = Rows > 1 ? $clog2(Rows) : 1,
    localparam int unsigned SlotBits  = Drain > 1 ? $clog2(Drain) : 1,
    localparam int unsigned CountBits = $clog2(Rows + 1)
) (
    input  logic                            clk_i,
    input  logic                            wr_en_i,
    input  logic [           2*RowBits-1:0] wr_row_i,
    input  logic [           2*RowBits-1:0] wr_row_next_i,
    input  logic [          2*LaneBits-1:0] wr_lane_i,
    input  logic [         2*CountBits-1:0] wr_count_i,
    input  logic [            SlotBits-1:0] wr_slot_i,
    input  logic [    2*Rows*PixelBits-1:0] wr_lanes_i,
    input  logic [             RowBits-1:0] rd_row_i,
    input  logic [             RowBits-1:0] rd_row_next_i,
    input  logic [            LaneBits-1:0] rd_lane_i,
    output logic [Drain*Rows*PixelBits-1:0] rd_pixels_o
);

  logic        [  RowBits-1:0] row[2], row_next[2];
  logic        [ LaneBits-1:0] lane[2];
  logic        [CountBits-1:0] count[2];
  logic        [PixelBits-1:0] lanes[2][Rows];
  logic signed [PixelBits-1:0] pixels[Drain][Rows];

  always_comb begin
    for (int unsigned k = 0; k < 2; k++) begin
      row[k]      = wr_row_i[k*RowBits+:RowBits];
      row_next[k] = wr_row_next_i[k*RowBits+:RowBits];
      lane[k]     = wr_lane_i[k*LaneBits+:LaneBits];
      count[k]    = wr_count_i[k*CountBits+:CountBits];
      for (int unsigned r = 0; r < Rows; r++) begin
        lanes[k][r] = wr_lanes_i[(k*Rows+r)*PixelBits+:PixelBits];
      end
    end
    for (int unsigned r = 0; r < Rows; r++) begin
      for (int unsigned j = 0; j < Drain; j++) begin
        rd_pixels_o[(j*Rows+r)*PixelBits+:PixelBits] = pixels[j][r];
      end
    end
  end

  cw_pixel_buffer #(
      .Rows     (Rows),
      .Drain    (Drain),
      .PixelBits(PixelBits),
      .Depth    (Depth)
  ) u_buffer (
      .clk_i,
      .wr_en_i,
      .wr_row_i     (row),
      .wr_row_next_i(row_next),
      .wr_lane_i    (lane),
      .wr_count_i   (count),
      .wr_slot_i,
      .wr_lanes_i   (lanes),
      .rd_row_i,
      .rd_row_next_i,
      .rd_lane_i,
      .rd_pixels_o  (pixels)
  );

endmodule
