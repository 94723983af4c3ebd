// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_pixel_buffer with packed ports for the cocotb bench: lane 0 in the lowest bits; pixel (j, r) of
/// a read at index j*Rows + r.
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
    input  logic [             RowBits-1:0] wr_row_i,
    input  logic [             RowBits-1:0] wr_row_next_i,
    input  logic [            LaneBits-1:0] wr_lane_i,
    input  logic [           CountBits-1:0] wr_count_i,
    input  logic [            SlotBits-1:0] wr_slot_i,
    input  logic [      Rows*PixelBits-1:0] wr_lanes_i,
    input  logic                            rd_en_i,
    input  logic [             RowBits-1:0] rd_row_i,
    input  logic [             RowBits-1:0] rd_row_next_i,
    input  logic [            LaneBits-1:0] rd_lane_i,
    output logic [Drain*Rows*PixelBits-1:0] rd_pixels_o
);

  logic        [PixelBits-1:0] lanes [Rows];
  logic signed [PixelBits-1:0] pixels[Drain][Rows];

  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      lanes[r] = wr_lanes_i[r*PixelBits+:PixelBits];
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
      .wr_row_i,
      .wr_row_next_i,
      .wr_lane_i,
      .wr_count_i,
      .wr_slot_i,
      .wr_lanes_i (lanes),
      .rd_en_i,
      .rd_row_i,
      .rd_row_next_i,
      .rd_lane_i,
      .rd_pixels_o(pixels)
  );

endmodule
