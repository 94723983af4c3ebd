// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// R x C output-stationary multiply-accumulate array: the integer provider of the virtual core
/// `corewright:core:pe_array`.
///
/// Each cycle with `valid_i` is one step: with OpMac channel c adds pixels_i[0] lanes times weight c; with
/// OpVec / OpSum / OpMax only the channels j < D count, each on the lanes of pixels_i[j]: sums of products,
/// sums, maxima. `first_i` starts a tile. Beat b of a tile whose last step is at cycle t, its
/// channels b*W .. b*W+W-1, is on `sums_o`, or `maxima_o`, at cycle t + Latency + b and then only, if
/// `drain_index_i` was b IndexLatency cycles before; the other one is 0 then. Constants: `cw_pe_array_pkg`.
/// Pixels are two's complement. So are weights, but for WeightBits = 1: a bit b is the weight 1 - 2b.
/// Does not detect overflow: the compiler proves from the weights that there is none.
/// Does not stall: the caller leaves as many cycles between two last steps as it reads beats.
///
///   cycle    t         t+1        t+2        t+3        t+4     t+5
///   group 0  operands  operand_q  product_q  sum_q      sums_o
///   group 1  operands  (delay)    operand_q  product_q  sum_q   sums_o
///
/// Group b, the columns of beat b, sees the operands b cycles later. So its sums are final just when
/// its beat is due: there is no copy of the sums, and no operand fans out to the whole array.
module cw_pe_array
  import cw_pkg::*;
#(
    parameter  int unsigned Rows       = 8,
    parameter  int unsigned Columns    = 24,
    parameter  int unsigned Drain      = 4,      // D: channels of OpVec, OpSum, OpMax
    parameter  int unsigned Words      = Drain,  // W: channels of a beat, a divisor of D
    parameter  int unsigned PixelBits  = 8,
    parameter  int unsigned WeightBits = 8,
    parameter  int unsigned SumBits    = 32,
    localparam int unsigned DrainBeats = Columns / Words,
    localparam int unsigned IndexBits  = DrainBeats > 1 ? $clog2(DrainBeats) : 1
) (
    input  logic                           clk_i,
    input  logic                           rst_ni,
    input  logic                           valid_i,
    input  logic                           first_i,
    input  array_op_e                      op_i,
    input  logic signed [   PixelBits-1:0] pixels_i     [Drain][Rows],
    input  logic        [  Columns*WeightBits-1:0] weights_i,
    input  logic        [   IndexBits-1:0] drain_index_i,
    output logic signed [     SumBits-1:0] sums_o       [Words][Rows],
    output logic signed [   PixelBits-1:0] maxima_o     [Words][Rows]
);

  localparam int unsigned FactorBits = number_bits(WeightBits);
  localparam int unsigned ProductBits = PixelBits + FactorBits;
  localparam int unsigned VectorBeats = Drain / Words;  // groups that work with all operations

  // A weight as a number.
  function automatic logic signed [FactorBits-1:0] factor_of(logic signed [WeightBits-1:0] weight);
    if (is_sign(WeightBits)) return FactorBits'($signed({weight[0], 1'b1}));
    return FactorBits'(32'(weight));
  endfunction

  // ---------------------------------------------------------------- operands
  // Stage k of a step is k+1 cycles behind it: group b multiplies at stage b, and adds at stage b+1.
  localparam int unsigned Stages = DrainBeats + 1;
  logic [Stages-1:0] valid_q, first_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= Stages'({valid_q, valid_i});
  end
  always_ff @(posedge clk_i) first_q <= Stages'({first_q, first_i});

  // Registers of data have no reset, and no enable: so they fit those of a multiplier block.
  logic signed [PixelBits-1:0] pixels_q[DrainBeats][Rows];
  // Element i of a weight row belongs to channel i. Row k is read by the groups from k on.
  logic signed [FactorBits-1:0] weights_q[DrainBeats][Columns];
  always_ff @(posedge clk_i) begin
    pixels_q[0] <= pixels_i[0];
    for (int unsigned k = 1; k < DrainBeats; k++) pixels_q[k] <= pixels_q[k-1];
    for (int unsigned i = 0; i < Columns; i++) begin
      weights_q[0][i] <= i < Drain && op_i == OpSum ? FactorBits'(1)
          : factor_of(weights_i[i*WeightBits+:WeightBits]);
    end
    for (int unsigned k = 1; k < DrainBeats; k++) weights_q[k] <= weights_q[k-1];
  end

  // The channels below D have operands of their own, for all operations but OpMac: those of group b
  // come from stage b - 1.
  localparam int unsigned Delays = VectorBeats > 1 ? VectorBeats - 1 : 1;
  logic [Delays-1:0] mac_q;
  logic signed [PixelBits-1:0] delayed_q[Delays][Drain][Rows];
  logic signed [PixelBits-1:0] own_pixels_q[Drain][Rows];
  always_ff @(posedge clk_i) begin
    mac_q <= Delays'({mac_q, op_i == OpMac});
    delayed_q[0] <= pixels_i;
    for (int unsigned k = 1; k < Delays; k++) delayed_q[k] <= delayed_q[k-1];
    for (int unsigned j = 0; j < Drain; j++) begin
      if (j < Words) own_pixels_q[j] <= op_i == OpMac ? pixels_i[0] : pixels_i[j];
      else begin
        own_pixels_q[j] <= mac_q[j/Words-1] ? pixels_q[j/Words-1] : delayed_q[j/Words-1][j];
      end
    end
  end

  // ---------------------------------------------------------------- multiply and accumulate
  // Each unit's registers are declared in a scope of its own: only so does synthesis find them for
  // the multiplier blocks. No reset: the first step of a tile overwrites the sum.
  logic signed [SumBits-1:0] sums[Columns][Rows];
  for (genvar c = 0; c < Columns; c++) begin : gen_column
    localparam int unsigned Group = c / Words;
    for (genvar r = 0; r < Rows; r++) begin : gen_unit
      logic signed [ProductBits-1:0] product_q;
      logic signed [SumBits-1:0] sum_q;
      if (c < Drain) begin : gen_own
        always_ff @(posedge clk_i) product_q <= own_pixels_q[c][r] * weights_q[Group][c];
      end else begin : gen_shared
        always_ff @(posedge clk_i) product_q <= pixels_q[Group][r] * weights_q[Group][c];
      end
      always_ff @(posedge clk_i) begin
        if (valid_q[Group+1]) sum_q <= (first_q[Group+1] ? '0 : sum_q) + SumBits'(product_q);
      end
      assign sums[c][r] = sum_q;
    end
  end

  // ---------------------------------------------------------------- maxima, in step with the sums
  logic signed [PixelBits-1:0] candidates_q[Drain][Rows], maxima_q[Drain][Rows];
  always_ff @(posedge clk_i) begin
    for (int unsigned j = 0; j < Drain; j++) begin
      candidates_q[j] <= own_pixels_q[j];
      if (valid_q[j/Words+1]) begin
        for (int unsigned r = 0; r < Rows; r++) begin
          if (first_q[j/Words+1] || candidates_q[j][r] > maxima_q[j][r]) begin
            maxima_q[j][r] <= candidates_q[j][r];
          end
        end
      end
    end
  end

  // ---------------------------------------------------------------- drain
  // Bit k: the step k+1 cycles ago was of maxima. Beat b of a tile is asked for b + 2 cycles behind its
  // last step.
  logic [VectorBeats:0] maximum_q;
  logic [IndexBits-1:0] index_q;
  logic select_maximum_q;
  always_ff @(posedge clk_i) begin
    maximum_q        <= (VectorBeats + 1)'({maximum_q, op_i == OpMax});
    index_q          <= drain_index_i;
    select_maximum_q <= 1'b0;
    for (int unsigned b = 0; b < VectorBeats; b++) begin
      if (drain_index_i == IndexBits'(b)) select_maximum_q <= maximum_q[b+1];
    end
  end

  // A choice of four fits a LUT of six inputs: groups four by four, whole fours of these four by four, the
  // rest of them in the last choice. Kept, as logic optimisation shares the decoded index between all
  // bits instead, and needs half as many LUTs more.
  localparam int unsigned VectorIndexBits = VectorBeats > 1 ? $clog2(VectorBeats) : 1;
  localparam int unsigned Fours = (DrainBeats + 3) / 4;
  localparam int unsigned Sixteens = Fours / 4;
  logic [31:0] group, vector;  // whose sums and whose maxima are read
  assign group  = DrainBeats > 1 ? 32'(index_q) : '0;
  assign vector = VectorBeats > 1 ? 32'(index_q[VectorIndexBits-1:0]) : '0;
  for (genvar w = 0; w < Words; w++) begin : gen_word
    for (genvar r = 0; r < Rows; r++) begin : gen_lane
      logic signed [SumBits-1:0] fours[Fours], sum;
      for (genvar f = 0; f < Fours; f++) begin : gen_four
        (* keep *) logic signed [SumBits-1:0] one_of_four;
        logic signed [SumBits-1:0] items[4];
        for (genvar i = 0; i < 4; i++) begin : gen_item
          assign items[i] = sums[(4*f+i)%DrainBeats*Words+w][r];
        end
        assign one_of_four = items[group[1:0]];
        assign fours[f]    = one_of_four;
      end
      if (Sixteens == 0) begin : gen_few
        assign sum = fours[group/4];
      end else begin : gen_many
        logic signed [SumBits-1:0] sixteens[Sixteens];
        for (genvar s = 0; s < Sixteens; s++) begin : gen_sixteen
          (* keep *) logic signed [SumBits-1:0] one_of_sixteen;
          logic signed [SumBits-1:0] items[4];
          for (genvar i = 0; i < 4; i++) begin : gen_item
            assign items[i] = fours[4*s+i];
          end
          assign one_of_sixteen = items[group[3:2]];
          assign sixteens[s]    = one_of_sixteen;
        end
        assign sum = group < 16 * Sixteens ? sixteens[group/16] : fours[group/4];
      end

      // With a reset instead of one choice more: who adds sum and maximum needs none either.
      always_ff @(posedge clk_i) begin
        if (select_maximum_q) sums_o[w][r] <= '0;
        else sums_o[w][r] <= sum;
        if (!select_maximum_q) maxima_o[w][r] <= '0;
        else maxima_o[w][r] <= maxima_q[vector*Words+w][r];
      end
    end
  end

endmodule
