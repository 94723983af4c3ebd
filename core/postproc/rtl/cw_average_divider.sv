// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Divides a sum by its count, one a cycle: restoring division, `cw_postproc_pkg::BitsPerStage` quotient
/// bits a stage. quotient_o = floor(magnitude * 2^QuotientFraction / count); `inexact_o`: it leaves a
/// remainder; the sum's sign comes through beside it.
/// The registers of stage k take what is in front of them in the cycles with `stage_i[k]`; results come
/// `cw_postproc_pkg::divide_stages` cycles after their sum.
/// The caller guarantees that the quotient fits. A count of 0 gives an unspecified one.
module cw_average_divider
  import cw_postproc_pkg::BitsPerStage;
  import cw_postproc_pkg::QuotientFraction;
#(
  parameter int unsigned SumBits = 24,
  parameter int unsigned CountBits = 16,
  parameter int unsigned QuotientBits = 24,
  localparam int unsigned Stages = (QuotientBits + BitsPerStage - 1) / BitsPerStage
) (
  input  logic                      clk_i,
  input  logic [Stages-1:0]         stage_i,
  input  logic                      negative_i,
  input  logic [SumBits-1:0]        magnitude_i,
  input  logic [CountBits-1:0]      count_i,
  output logic                      negative_o,
  output logic [QuotientBits-1:0]   quotient_o,
  output logic                      inexact_o
);

  localparam int unsigned IntegerBits = QuotientBits - QuotientFraction;

  // The numerator leaves `quotient` at the top while the quotient enters it at the bottom.
  typedef struct packed {
    logic                    negative;
    logic [CountBits-1:0]    count;
    logic [CountBits-1:0]    remainder;  // less than the count
    logic [QuotientBits-1:0] quotient;
  } division_t;

  // Bits of a magnitude whose quotient fits.
  logic [CountBits+IntegerBits-1:0] magnitude;
  for (genvar i = 0; i < CountBits + IntegerBits; i++) begin : gen_magnitude
    if (i < SumBits) begin : gen_bit
      assign magnitude[i] = magnitude_i[i];
    end else begin : gen_zero
      assign magnitude[i] = 1'b0;
    end
  end

  function automatic division_t find_bits(division_t division, int unsigned bits);
    find_bits = division;
    for (int unsigned i = 0; i < BitsPerStage; i++) begin
      if (i < bits) begin
        automatic logic [CountBits:0] rest =
            {find_bits.remainder, find_bits.quotient[QuotientBits-1]};
        // One subtraction for both, as the rest is less than twice the count: its sign is the
        // comparison. Written as a sum onto the count, a register: what is added may be logic.
        automatic logic [CountBits:0] less = ~({1'b0, find_bits.count} + ~rest);
        automatic logic fits = !less[CountBits];
        find_bits.remainder = CountBits'(fits ? less : rest);
        find_bits.quotient = {find_bits.quotient[QuotientBits-2:0], fits};
      end
    end
  endfunction

  division_t divisions_q[Stages];
  for (genvar k = 0; k < Stages; k++) begin : gen_stage
    localparam int unsigned Left = QuotientBits - k * BitsPerStage;
    localparam int unsigned Bits = Left < BitsPerStage ? Left : BitsPerStage;
    division_t previous;
    if (k == 0) begin : gen_first
      assign previous = '{
          negative: negative_i,
          count: count_i,
          remainder: magnitude[IntegerBits+:CountBits],
          quotient: {magnitude[IntegerBits-1:0], QuotientFraction'(0)}
      };
    end else begin : gen_next
      assign previous = divisions_q[k-1];
    end
    always_ff @(posedge clk_i) if (stage_i[k]) divisions_q[k] <= find_bits(previous, Bits);
  end

  assign negative_o = divisions_q[Stages-1].negative;
  assign quotient_o = divisions_q[Stages-1].quotient;
  assign inexact_o  = divisions_q[Stages-1].remainder != '0;

endmodule
