// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_postproc with packed ports for the cocotb bench: element (j, r) of an array port lies at
/// index j*Rows + r, element 0 in the lowest bits.
module cw_postproc_flat #(
  parameter int unsigned Rows = 8,
  parameter int unsigned Words = 4,
  parameter int unsigned PixelBits = 8,
  parameter int unsigned SumBits = 32,
  parameter int unsigned PostBits = SumBits + cw_pkg::PostGuardBits,
  parameter int unsigned CountBits = 16,
  parameter int unsigned AverageBeats = 1,
  localparam int unsigned WordsBits = $clog2(Words + 1),
  localparam int unsigned ResultBits = cw_pkg::number_bits(PixelBits),
  localparam int unsigned WordBits = 8 * ((Rows * PixelBits + 7) / 8)
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,
  input  logic [3:0]                    pre_shift_i,
  input  logic [5:0]                    shift_i,
  input  logic [5:0]                    negative_shift_i,
  input  logic signed [15:0]            clip_low_i,
  input  logic signed [15:0]            clip_high_i,
  input  logic                          bias_enable_i,
  input  logic                          average_i,
  input  logic                          round_first_i,
  input  logic                          in_valid_i,
  input  logic [Words*Rows*SumBits-1:0] sums_i,
  input  logic [Words*Rows*ResultBits-1:0] maxima_i,
  input  logic [Words*PostBits-1:0]     bias_i,
  input  logic [Rows*CountBits-1:0]     counts_i,
  input  logic [WordsBits-1:0]          in_words_i,
  input  logic                          in_last_i,
  output logic                          out_valid_o,
  output logic [Words*WordBits-1:0]     out_data_o,
  output logic [WordsBits-1:0]          out_words_o,
  output logic                          out_last_o,
  output logic [15:0]                   latency_o,
  output logic [15:0]                   average_cycles_o,
  output logic [15:0]                   average_latency_o
);

  logic signed [SumBits-1:0] sums[Words][Rows];
  logic signed [ResultBits-1:0] maxima[Words][Rows];
  logic signed [PostBits-1:0] bias[Words];
  logic [CountBits-1:0] counts[Rows];

  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) counts[r] = counts_i[r*CountBits+:CountBits];
    for (int unsigned j = 0; j < Words; j++) begin
      bias[j] = bias_i[j*PostBits+:PostBits];
      for (int unsigned r = 0; r < Rows; r++) begin
        sums[j][r]   = sums_i[(j*Rows+r)*SumBits+:SumBits];
        maxima[j][r] = maxima_i[(j*Rows+r)*ResultBits+:ResultBits];
      end
    end
  end

  assign latency_o = 16'(cw_postproc_pkg::Latency);
  assign average_cycles_o = 16'(cw_postproc_pkg::average_cycles(Words * Rows));
  assign average_latency_o =
      16'(cw_postproc_pkg::average_latency(Words * Rows, PixelBits));

  cw_postproc #(
    .Rows(Rows),
    .Words(Words),
    .PixelBits(PixelBits),
    .SumBits(SumBits),
    .PostBits(PostBits),
    .CountBits(CountBits),
    .AverageBeats(AverageBeats)
  ) u_postproc (
    .clk_i,
    .rst_ni,
    .pre_shift_i,
    .shift_i,
    .negative_shift_i,
    .clip_low_i,
    .clip_high_i,
    .bias_enable_i,
    .average_i,
    .round_first_i,
    .in_valid_i,
    .sums_i(sums),
    .maxima_i(maxima),
    .bias_i(bias),
    .counts_i(counts),
    .in_words_i,
    .in_last_i,
    .out_valid_o,
    .out_data_o,
    .out_words_o,
    .out_last_o
  );

endmodule
