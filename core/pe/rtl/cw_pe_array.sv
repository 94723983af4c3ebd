// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// R x C output-stationary multiply-accumulate array with a shadow copy for the drain: the integer
/// provider of the virtual core `corewright:core:pe_array`.
///
/// Each cycle with `valid_i` is one step: with OpMac column c adds pixel_i[0] lanes times weight c; with
/// OpMax / OpSum / OpVec only the columns j*(C/D), j < D, work, each on channel j's lanes. `first_i` starts a
/// tile (the accumulator takes the step's value), `last_i` ends it: three cycles later `tile_valid_o` is
/// high for a cycle and `sums_o` shows the finished tile, D channels at a time selected by
/// `drain_index_i` (combinational), until the next tile's `tile_valid_o`.
/// Pixels are two's complement. So are weights, but for WeightBits = 1: a bit b is the weight 1 - 2b.
/// Does not detect overflow: the compiler proves from the weights that there is none.
/// Does not stall: the caller leaves enough cycles between two ends of tiles.
module cw_pe_array
  import cw_pkg::*;
#(
    parameter  int unsigned Rows       = 8,
    parameter  int unsigned Columns    = 24,
    parameter  int unsigned Drain      = 4,
    parameter  int unsigned PixelBits  = 8,
    parameter  int unsigned WeightBits = 8,
    parameter  int unsigned SumBits    = 32,
    localparam int unsigned DrainBeats = Columns / Drain,
    localparam int unsigned IndexBits  = DrainBeats > 1 ? $clog2(DrainBeats) : 1
) (
    input  logic                           clk_i,
    input  logic                           rst_ni,
    input  logic                           valid_i,
    input  logic                           first_i,
    input  logic                           last_i,
    input  array_op_e                      op_i,
    input  logic signed [   PixelBits-1:0] pixels_i     [Drain][Rows],
    input  logic        [  Columns*WeightBits-1:0] weights_i,
    output logic                           tile_valid_o,
    input  logic        [   IndexBits-1:0] drain_index_i,
    output logic signed [     SumBits-1:0] sums_o       [Drain][Rows]
);

  logic valid_q, first_q, end_q;
  localparam int unsigned FactorBits = number_bits(WeightBits);

  // A weight as a number.
  function automatic logic signed [FactorBits-1:0] factor_of(logic signed [WeightBits-1:0] weight);
    if (is_sign(WeightBits)) return FactorBits'($signed({weight[0], 1'b1}));
    return FactorBits'(32'(weight));
  endfunction

  array_op_e op_q;
  logic signed [PixelBits-1:0] pixels_q[Drain][Rows];
  logic signed [FactorBits-1:0] weights_q[Columns];
  logic signed [SumBits-1:0] sums_q[Columns][Rows];
  logic signed [SumBits-1:0] shadow_q[Columns][Rows];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      first_q <= 1'b0;
      end_q   <= 1'b0;
      op_q    <= OpMac;
    end else begin
      valid_q <= valid_i;
      first_q <= first_i;
      end_q   <= valid_i && last_i;
      op_q    <= op_i;
    end
  end

  // Element i of a weight row belongs to channel i, which beat i / D of the drain delivers.
  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      pixels_q <= pixels_i;
      // verilator unroll_full
      for (int unsigned i = 0; i < Columns; i++) begin
        weights_q[(i%Drain)*DrainBeats+i/Drain] <= factor_of(weights_i[i*WeightBits+:WeightBits]);
      end
    end
  end

  // Simulation: unrolled, the assignments are an order of magnitude faster than in a loop.
  // The accumulators need no reset: the first step of a tile overwrites them.
  always_ff @(posedge clk_i) begin
    if (valid_q && op_q == OpMac) begin
      // verilator unroll_full
      for (int unsigned c = 0; c < Columns; c++) begin
        // verilator unroll_full
        for (int unsigned r = 0; r < Rows; r++) begin
          sums_q[c][r] <= (first_q ? '0 : sums_q[c][r])
              + SumBits'(pixels_q[0][r]) * SumBits'(weights_q[c]);
        end
      end
    end else if (valid_q) begin
      // verilator unroll_full
      for (int unsigned j = 0; j < Drain; j++) begin
        // verilator unroll_full
        for (int unsigned r = 0; r < Rows; r++) begin
          if (op_q == OpMax) begin
            if (first_q || SumBits'(pixels_q[j][r]) > sums_q[j*DrainBeats][r]) begin
              sums_q[j*DrainBeats][r] <= SumBits'(pixels_q[j][r]);
            end
          end else begin
            sums_q[j*DrainBeats][r] <= (first_q ? '0 : sums_q[j*DrainBeats][r])
                + (op_q == OpVec ? SumBits'(pixels_q[j][r]) * SumBits'(weights_q[j*DrainBeats])
                   : SumBits'(pixels_q[j][r]));
          end
        end
      end
    end
  end

  logic copy_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      copy_q       <= 1'b0;
      tile_valid_o <= 1'b0;
    end else begin
      copy_q       <= end_q;
      tile_valid_o <= copy_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (copy_q) shadow_q <= sums_q;
  end

  always_comb begin
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        sums_o[j][r] = shadow_q[j*DrainBeats+32'(drain_index_i)][r];
      end
    end
  end

endmodule
