// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Adds two words lane by lane, aligned, with one exact rounding (half to even), and clips:
///
///   v = (own << own_shift) + (other << other_shift)
///   z = clip(round_half_even(v / 2^(v < 0 ? negative_shift : shift)), clip_low, clip_high)
///
/// With PixelBits = 1 a bit b of own, other and result stands for 1 - 2b: the result's bit is z < 0.
/// D words a cycle, latency 5 cycles with `enable_i`; without it beats pass in the same cycle. There is no
/// back-pressure. The configuration is stable while data is inside. In the cycle of `in_valid_i` with
/// `enable_i` the caller shows the other operand's beat on `other_i` and moves on to the next one.
/// Words from `in_words_i` on come out as zero whatever `other_i` holds there.
module cw_residual_add #(
  parameter  int unsigned Rows      = 8,
  parameter  int unsigned Words     = 4,
  parameter  int unsigned PixelBits = 8,
  localparam int unsigned WordsBits = $clog2(Words + 1),
  localparam int unsigned WordBits  = 8 * ((Rows * PixelBits + 7) / 8)
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      enable_i,
  input  logic [3:0]                own_shift_i,
  input  logic [3:0]                other_shift_i,
  input  logic [5:0]                shift_i,
  input  logic [5:0]                negative_shift_i,
  input  logic signed [15:0]        clip_low_i,
  input  logic signed [15:0]        clip_high_i,
  input  logic                      in_valid_i,
  input  logic [Words*WordBits-1:0] in_data_i,
  input  logic [WordsBits-1:0]      in_words_i,
  input  logic                      in_last_i,
  input  logic [Words*WordBits-1:0] other_i,
  output logic                      out_valid_o,
  output logic [Words*WordBits-1:0] out_data_o,
  output logic [WordsBits-1:0]      out_words_o,
  output logic                      out_last_o
);

  // Pixels as numbers: the sum of two, each shifted by 15 bits at most, has 16 bits more.
  localparam int unsigned NumberBits = cw_pkg::number_bits(PixelBits);
  localparam int unsigned SumBits = NumberBits + 16;
  typedef logic signed [SumBits-1:0] sum_t;
  typedef logic signed [NumberBits-1:0] number_t;

  function automatic number_t number_of(logic signed [PixelBits-1:0] pixel);
    return cw_pkg::is_sign(PixelBits) ? number_t'($signed({pixel[0], 1'b1})) : number_t'(pixel);
  endfunction

  function automatic logic [PixelBits-1:0] pixel_of(number_t number);
    return cw_pkg::is_sign(PixelBits) ? PixelBits'(number[NumberBits-1]) : number[PixelBits-1:0];
  endfunction

  // Bit 0: its sum is there; bits 1 to 4: it is behind stage 0 to 3 of the lanes.
  logic [4:0] valid_q, last_q;
  logic [WordsBits-1:0] words_q[5];
  logic [Words*WordBits-1:0] data;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[3:0], in_valid_i && enable_i};
  end

  always_ff @(posedge clk_i) begin
    last_q     <= {last_q[3:0], in_last_i};
    words_q[0] <= in_words_i;
    for (int unsigned k = 1; k < 5; k++) words_q[k] <= words_q[k-1];
  end

  number_t clip_low, clip_high, results[Words][Rows];
  assign clip_low  = clip_low_i[NumberBits-1:0];
  assign clip_high = clip_high_i[NumberBits-1:0];

  for (genvar j = 0; j < Words; j++) begin : gen_word
    // Words behind the last are zero.
    logic blank_q;
    always_ff @(posedge clk_i) blank_q <= words_q[2] <= WordsBits'(j);

    localparam int unsigned PadBits = WordBits - Rows * PixelBits;
    if (PadBits > 0) begin : gen_unused_pad
      logic [PadBits-1:0] unused_pad;
      assign unused_pad = other_i[j*WordBits+Rows*PixelBits+:PadBits];
    end

    for (genvar r = 0; r < Rows; r++) begin : gen_lane
      sum_t sum_q;
      always_ff @(posedge clk_i) begin
        if (in_valid_i && enable_i) begin
          sum_q <= (sum_t'(number_of(in_data_i[j*WordBits+r*PixelBits+:PixelBits])) <<< own_shift_i)
              + (sum_t'(number_of(other_i[j*WordBits+r*PixelBits+:PixelBits])) <<< other_shift_i);
        end
      end

      cw_requantise_lane #(
        .ValueBits(SumBits),
        .ResultBits(NumberBits)
      ) u_lane (
        .clk_i,
        .stage_i(valid_q[3:0]),
        .value_i(sum_q),
        .shift_i({1'b0, shift_i}),
        .negative_shift_i({1'b0, negative_shift_i}),
        .clip_low_i(clip_low),
        .clip_high_i(clip_high),
        .blank_i(blank_q),
        .shift_in_i(1'b0),
        .load_i('0),
        .result_o(results[j][r])
      );
    end
  end

  always_comb begin
    data = '0;
    for (int unsigned j = 0; j < Words; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        data[j*WordBits+r*PixelBits+:PixelBits] = pixel_of(results[j][r]);
      end
    end
  end

  assign out_valid_o = enable_i ? valid_q[4] : in_valid_i;
  assign out_data_o  = enable_i ? data : in_data_i;
  assign out_words_o = enable_i ? words_q[4] : in_words_i;
  assign out_last_o  = enable_i ? last_q[4] : in_last_i;

`ifndef SYNTHESIS
  localparam int PixelLow = -(1 << (PixelBits - 1));
  localparam int PixelHigh = cw_pkg::largest(PixelBits);

  // Assertions sample the asynchronous reset, and only they do.
  // verilator lint_off SYNCASYNCNET
  ConfigurationStable_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   valid_q != '0 |-> $stable({enable_i, own_shift_i, other_shift_i, shift_i,
                                              negative_shift_i, clip_low_i, clip_high_i}))
  else $error("cw_residual_add: the configuration changed while data was inside");
  WordsLegal_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i |-> in_words_i >= WordsBits'(1) && 32'(in_words_i) <= Words)
  else $error("cw_residual_add: no words, or more than there are");
  ClipsOrdered_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i && enable_i |-> clip_low_i <= clip_high_i)
  else $error("cw_residual_add: the lower clip is above the upper");
  ClipsFitPixels_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i && enable_i
                   |-> 32'(clip_low_i) >= PixelLow && 32'(clip_high_i) <= PixelHigh)
  else $error("cw_residual_add: a clip is no pixel");
  // verilator lint_on SYNCASYNCNET
`endif

endmodule
