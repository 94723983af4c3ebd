// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Adds two words lane by lane, aligned, with one exact rounding (half to even), and clips:
///
///   v = (own << own_shift) + (other << other_shift)
///   z = clip(round_half_even(v / 2^(v < 0 ? negative_shift : shift)), clip_low, clip_high)
///
/// With PixelBits = 1 a bit b of own, other and result stands for 1 - 2b: the result's bit is z < 0.
/// D words a cycle, latency 3 cycles with `enable_i`; without it beats pass in the same cycle. There is no
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

  function automatic sum_t number_of(logic signed [PixelBits-1:0] pixel);
    return cw_pkg::is_sign(PixelBits) ? sum_t'($signed({pixel[0], 1'b1})) : sum_t'(pixel);
  endfunction

  function automatic sum_t round_shift(sum_t v, logic [5:0] s);
    automatic sum_t floor = v >>> s;
    automatic sum_t rest = v - (floor <<< s);
    automatic sum_t half = sum_t'(1) <<< (s - 1'b1);
    automatic logic up = s != '0 && (rest > half || (rest == half && floor[0]));
    // Beyond the sum's width everything is below one half.
    return 32'(s) >= SumBits ? '0 : floor + sum_t'(up);
  endfunction

  function automatic logic [PixelBits-1:0] clip(sum_t v);
    automatic sum_t z = v;
    if (v < sum_t'(clip_low_i)) z = sum_t'(clip_low_i);
    if (v > sum_t'(clip_high_i)) z = sum_t'(clip_high_i);
    return cw_pkg::is_sign(PixelBits) ? PixelBits'(z < 0) : PixelBits'(z);
  endfunction

  logic [2:0] valid_q, last_q;
  logic [WordsBits-1:0] words_q[3];
  sum_t sums_q[Words][Rows], rounded_q[Words][Rows];
  logic [Words*WordBits-1:0] data_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[1:0], in_valid_i && enable_i};
  end

  always_ff @(posedge clk_i) begin
    last_q     <= {last_q[1:0], in_last_i};
    words_q[0] <= in_words_i;
    words_q[1] <= words_q[0];
    words_q[2] <= words_q[1];
  end

  always_ff @(posedge clk_i) begin
    // verilator unroll_full
    for (int unsigned j = 0; j < Words; j++) begin
      // verilator unroll_full
      for (int unsigned r = 0; r < Rows; r++) begin
        if (in_valid_i && enable_i) begin
          sums_q[j][r] <=
              (number_of(in_data_i[j*WordBits+r*PixelBits+:PixelBits]) <<< own_shift_i)
              + (number_of(other_i[j*WordBits+r*PixelBits+:PixelBits]) <<< other_shift_i);
        end
        if (valid_q[0]) begin
          rounded_q[j][r] <=
              round_shift(sums_q[j][r], sums_q[j][r] < 0 ? negative_shift_i : shift_i);
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_q[1]) begin
      data_q <= '0;
      // verilator unroll_full
      for (int unsigned j = 0; j < Words; j++) begin
        // verilator unroll_full
        for (int unsigned r = 0; r < Rows; r++) begin
          if (j < 32'(words_q[1])) begin
            data_q[j*WordBits+r*PixelBits+:PixelBits] <= clip(rounded_q[j][r]);
          end
        end
      end
    end
  end

  assign out_valid_o = enable_i ? valid_q[2] : in_valid_i;
  assign out_data_o  = enable_i ? data_q : in_data_i;
  assign out_words_o = enable_i ? words_q[2] : in_words_i;
  assign out_last_o  = enable_i ? last_q[2] : in_last_i;

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
