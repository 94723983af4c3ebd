// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_pe_array with packed ports for the cocotb bench: element (j, r) of an array port lies at index
/// j*Rows + r, element 0 in the lowest bits.
module cw_pe_array_flat
  import cw_pkg::*;
#(
    parameter  int unsigned Rows       = 8,
    parameter  int unsigned Columns    = 24,
    parameter  int unsigned Drain      = 4,
    parameter  int unsigned Words      = Drain,
    parameter  int unsigned PixelBits  = 8,
    parameter  int unsigned WeightBits = 8,
    parameter  int unsigned SumBits    = 32,
    localparam int unsigned DrainBeats = Columns / Words,
    localparam int unsigned IndexBits  = DrainBeats > 1 ? $clog2(DrainBeats) : 1
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  logic                            valid_i,
    input  logic                            first_i,
    input  logic [                     1:0] op_i,
    input  logic [Drain*Rows*PixelBits-1:0] pixels_i,
    input  logic [  Columns*WeightBits-1:0] weights_i,
    input  logic [           IndexBits-1:0] drain_index_i,
    output logic [  Words*Rows*SumBits-1:0] sums_o,
    output logic [Words*Rows*PixelBits-1:0] maxima_o,
    output logic [                     7:0] latency_o,
    output logic [                     7:0] index_latency_o
);

  assign latency_o       = 8'(cw_pe_array_pkg::Latency);
  assign index_latency_o = 8'(cw_pe_array_pkg::IndexLatency);

  logic signed [PixelBits-1:0] pixels[Drain][Rows];
  logic signed [SumBits-1:0] sums[Words][Rows];
  logic signed [PixelBits-1:0] maxima[Words][Rows];

  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      for (int unsigned j = 0; j < Drain; j++) begin
        pixels[j][r] = pixels_i[(j*Rows+r)*PixelBits+:PixelBits];
      end
      for (int unsigned w = 0; w < Words; w++) begin
        sums_o[(w*Rows+r)*SumBits+:SumBits]       = sums[w][r];
        maxima_o[(w*Rows+r)*PixelBits+:PixelBits] = maxima[w][r];
      end
    end
  end

  cw_pe_array #(
      .Rows      (Rows),
      .Columns   (Columns),
      .Drain     (Drain),
      .Words     (Words),
      .PixelBits (PixelBits),
      .WeightBits(WeightBits),
      .SumBits   (SumBits)
  ) u_array (
      .clk_i,
      .rst_ni,
      .valid_i,
      .first_i,
      .op_i    (array_op_e'(op_i)),
      .pixels_i(pixels),
      .weights_i,
      // Of a tile of one beat the index has a bit that is never set.
      .drain_index_i(DrainBeats > 1 ? drain_index_i : '0),
      .sums_o  (sums),
      .maxima_o(maxima)
  );

endmodule
