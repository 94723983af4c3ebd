// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Post-processing of finished sums: bias, shift with a single rounding (half to even), clipping.
/// Takes D channels of R lanes a cycle and makes one output word of each channel:
///
///   v = (sum << pre_shift) + (bias_enable ? bias : 0)
///   y = clip(round_half_even(v / 2^(v < 0 ? negative_shift : shift)), clip_low, clip_high)
///
/// and with `average_i`, where the bias is not looked at and count may differ from lane to lane,
///
///   round_first = 0:  y = clip(round_half_even(sum * 2^pre_shift / (count * 2^s)), ...)
///   round_first = 1:  v = round_half_even(sum / count) << pre_shift, then y as above
///
/// with s chosen by the sign of the sum. Results are exact for every legal configuration: there is
/// one rounding (two with round_first), however large shifts and counts are.
///
/// With PixelBits = 1 the result is the bit y < 0, as a stored bit b stands for 1 - 2b.
///
/// Throughput one beat a cycle, latency `cw_postproc_pkg::Latency`. An average beat is divided bit
/// by bit: the next beat comes `cw_postproc_pkg::average_cycles` after it or later, and the latency
/// is `cw_postproc_pkg::average_latency`.
/// There is no back-pressure: the caller reserves room for the results before it sends a beat.
///
/// The caller guarantees: the configuration is stable while data is inside; v fits PostBits; clips
/// fit PixelBits (-1 to 1 for a single bit); an average's sum is one of `count` values of PixelBits
/// each. A lane with count 0 gets an unspecified value. It adds no residuals: see cw_residual_add.
module cw_postproc #(
  parameter int unsigned Rows = 8,
  parameter int unsigned Drain = 4,
  parameter int unsigned PixelBits = 8,
  parameter int unsigned SumBits = 32,
  parameter int unsigned PostBits = SumBits + cw_pkg::PostGuardBits,
  parameter int unsigned CountBits = 16,
  localparam int unsigned WordsBits = $clog2(Drain + 1),
  localparam int unsigned WordBits = 8 * ((Rows * PixelBits + 7) / 8),
  localparam int unsigned AverageCycles = cw_postproc_pkg::average_cycles(SumBits, PixelBits)
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,
  // Configuration, stable while data is inside.
  input  logic [3:0]                        pre_shift_i,
  input  logic [5:0]                        shift_i,
  input  logic [5:0]                        negative_shift_i,
  input  logic signed [15:0]                clip_low_i,
  input  logic signed [15:0]                clip_high_i,
  input  logic                              bias_enable_i,
  input  logic                              average_i,
  input  logic                              round_first_i,
  // Sums: channel j of in_words_i, lane r.
  input  logic                              in_valid_i,
  input  logic signed [SumBits-1:0]         sums_i [Drain][Rows],
  input  logic signed [PostBits-1:0]        bias_i [Drain],
  input  logic [CountBits-1:0]              counts_i [Rows],
  input  logic [WordsBits-1:0]              in_words_i,
  input  logic                              in_last_i,
  // Words: word j in bits [j*WordBits +: WordBits], words from out_words_o on are zero.
  output logic                              out_valid_o,
  output logic [Drain*WordBits-1:0]         out_data_o,
  output logic [WordsBits-1:0]              out_words_o,
  output logic                              out_last_o
);

  localparam int unsigned QuotientFraction = cw_postproc_pkg::QuotientFraction;
  // A quotient's integer and fraction bits, one of which is found a cycle.
  localparam int unsigned QuotientBits = AverageCycles - 1;
  localparam int unsigned IntegerBits = QuotientBits - QuotientFraction;
  localparam int unsigned StepBits = $clog2(QuotientBits + 1);
  // Behind the quotient stands a bit that is set where the division leaves a remainder.
  localparam int unsigned AverageFraction = QuotientFraction + 1;
  localparam int unsigned AverageBits = QuotientBits + 2;  // remainder and sign
  localparam int unsigned ValueBits = PostBits > AverageBits ? PostBits : AverageBits;
  localparam int unsigned ShiftBits = 7;  // 63 + AverageFraction at most

  typedef logic signed [ValueBits-1:0] value_t;
  typedef logic [CountBits+IntegerBits-1:0] magnitude_t;

  // Each stage is one function from arrays to an array: a register array that is assigned as a
  // whole costs a simulator nothing in the cycles in which it keeps its value. Inlined, the
  // functions' arguments would be cleared each cycle, hence no_inline_task. Unrolled over
  // all lanes, they would take most of the model's compile time, hence unroll_disable.
  typedef logic signed [SumBits-1:0] sums_t[Drain][Rows];
  typedef logic signed [PostBits-1:0] biases_t[Drain];
  typedef logic [CountBits-1:0] counts_t[Rows];
  typedef value_t values_t[Drain][Rows];

  // ---------------------------------------------------------------------------
  // Control
  // ---------------------------------------------------------------------------
  logic scaled_valid_q, value_valid_q, shifted_valid_q, out_valid_q;
  logic scaled_last_q, value_last_q, shifted_last_q, out_last_q;
  logic [WordsBits-1:0] scaled_words_q, value_words_q, shifted_words_q, out_words_q;

  logic divide_last_q, quotient_valid_q;
  logic [WordsBits-1:0] divide_words_q;
  logic [StepBits-1:0] steps_q;  // quotient bits still to be found
  logic dividing, divide_start;

  assign dividing = steps_q != '0;
  assign divide_start = in_valid_i && average_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      scaled_valid_q <= 1'b0;
      value_valid_q <= 1'b0;
      shifted_valid_q <= 1'b0;
      out_valid_q <= 1'b0;
      quotient_valid_q <= 1'b0;
      steps_q <= '0;
    end else begin
      scaled_valid_q <= in_valid_i && !average_i;
      value_valid_q <= scaled_valid_q || quotient_valid_q;
      shifted_valid_q <= value_valid_q;
      out_valid_q <= shifted_valid_q;
      quotient_valid_q <= steps_q == StepBits'(1);
      if (divide_start) steps_q <= StepBits'(QuotientBits);
      else if (dividing) steps_q <= steps_q - StepBits'(1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (in_valid_i) begin
      scaled_words_q <= in_words_i;
      scaled_last_q <= in_last_i;
    end
    if (divide_start) begin
      divide_words_q <= in_words_i;
      divide_last_q <= in_last_i;
    end
    value_words_q <= quotient_valid_q ? divide_words_q : scaled_words_q;
    value_last_q <= quotient_valid_q ? divide_last_q : scaled_last_q;
    shifted_words_q <= value_words_q;
    shifted_last_q <= value_last_q;
    out_words_q <= shifted_words_q;
    out_last_q <= shifted_last_q;
  end

  // ---------------------------------------------------------------------------
  // Stage 1: scale. The shifts' masks are made once for all lanes.
  // ---------------------------------------------------------------------------
  function automatic values_t scale(sums_t sums, logic [3:0] pre_shift);
    // verilator no_inline_task
    // verilator unroll_disable
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        scale[j][r] = value_t'(sums[j][r]) <<< pre_shift;
      end
    end
  endfunction

  values_t scaled_q;
  biases_t bias_q;

  always_ff @(posedge clk_i) begin
    if (in_valid_i && !average_i) begin
      scaled_q <= scale(sums_i, pre_shift_i);
      bias_q <= bias_i;
    end
  end

  logic [ShiftBits-1:0] shift_d, shift_q, negative_shift_d, negative_shift_q;
  value_t sticky_mask_q, negative_sticky_mask_q;

  // The bits below the one that is worth a half.
  function automatic value_t sticky_mask(logic [ShiftBits-1:0] shift);
    return ~(value_t'(-1) << (shift == '0 ? shift : shift - ShiftBits'(1)));
  endfunction

  // A quotient has not been multiplied by 2^pre_shift and has AverageFraction fraction bits.
  always_comb begin
    shift_d = ShiftBits'(shift_i);
    negative_shift_d = ShiftBits'(negative_shift_i);
    if (average_i) begin
      shift_d = shift_d + ShiftBits'(AverageFraction) - ShiftBits'(pre_shift_i);
      negative_shift_d = negative_shift_d + ShiftBits'(AverageFraction) - ShiftBits'(pre_shift_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (in_valid_i) begin
      shift_q <= shift_d;
      negative_shift_q <= negative_shift_d;
      sticky_mask_q <= sticky_mask(shift_d);
      negative_sticky_mask_q <= sticky_mask(negative_shift_d);
    end
  end

  // ---------------------------------------------------------------------------
  // Beside stage 1: restoring division of the sums' magnitudes, a quotient bit a cycle. The
  // numerator leaves its register at the top while the quotient enters it at the bottom.
  // ---------------------------------------------------------------------------
  typedef struct packed {
    logic                    negative;
    logic [CountBits-1:0]    remainder;  // less than the count
    logic [QuotientBits-1:0] quotient;
  } division_t;

  function automatic division_t division_start(logic signed [SumBits-1:0] sum);
    magnitude_t magnitude;
    magnitude = magnitude_t'(sum);
    if (sum < 0) magnitude = -magnitude;
    return '{negative: sum < 0,
             remainder: magnitude[IntegerBits+:CountBits],
             quotient: {magnitude[IntegerBits-1:0], QuotientFraction'(0)}};
  endfunction

  function automatic division_t division_step(division_t division, logic [CountBits-1:0] count);
    logic [CountBits:0] rest;
    logic fits;
    rest = {division.remainder, division.quotient[QuotientBits-1]};
    fits = rest >= {1'b0, count};
    return '{negative: division.negative,
             remainder: CountBits'(fits ? rest - {1'b0, count} : rest),
             quotient: {division.quotient[QuotientBits-2:0], fits}};
  endfunction

  typedef division_t divisions_t[Drain][Rows];

  function automatic divisions_t divisions_start(sums_t sums);
    // verilator no_inline_task
    // verilator unroll_disable
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) divisions_start[j][r] = division_start(sums[j][r]);
    end
  endfunction

  function automatic divisions_t divisions_step(divisions_t divisions, counts_t counts);
    // verilator no_inline_task
    // verilator unroll_disable
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        divisions_step[j][r] = division_step(divisions[j][r], counts[r]);
      end
    end
  endfunction

  counts_t counts_q;
  divisions_t divisions_q;

  always_ff @(posedge clk_i) begin
    if (divide_start) begin
      counts_q <= counts_i;
      divisions_q <= divisions_start(sums_i);
    end else if (dividing) begin
      divisions_q <= divisions_step(divisions_q, counts_q);
    end
  end

  // ---------------------------------------------------------------------------
  // Stage 2: the value v, from sum and bias or from the quotient.
  // ---------------------------------------------------------------------------
  // A quotient with its remainder bit, as a signed number with AverageFraction fraction bits. Set
  // below the half, the remainder bit rounds as any true remainder would.
  function automatic value_t average_value(division_t division, logic round_first);
    logic [IntegerBits-1:0] whole;
    logic inexact, above_half;
    value_t magnitude;
    whole = division.quotient[QuotientFraction+:IntegerBits];
    inexact = division.remainder != '0;
    above_half = division.quotient[0+:QuotientFraction-1] != '0 || inexact;
    if (round_first) begin
      whole += IntegerBits'(division.quotient[QuotientFraction-1] && (above_half || whole[0]));
      magnitude = value_t'({whole, AverageFraction'(0)});
    end else begin
      magnitude = value_t'({division.quotient, inexact});
    end
    return division.negative ? -magnitude : magnitude;
  endfunction

  function automatic values_t average_values(divisions_t divisions, logic round_first);
    // verilator no_inline_task
    // verilator unroll_disable
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        average_values[j][r] = average_value(divisions[j][r], round_first);
      end
    end
  endfunction

  function automatic values_t biased_values(values_t scaled, biases_t biases, logic bias_enable);
    // verilator no_inline_task
    // verilator unroll_disable
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        biased_values[j][r] = scaled[j][r] + (bias_enable ? value_t'(biases[j]) : '0);
      end
    end
  endfunction

  values_t values_q;

  always_ff @(posedge clk_i) begin
    if (scaled_valid_q) values_q <= biased_values(scaled_q, bias_q, bias_enable_i);
    else if (quotient_valid_q) values_q <= average_values(divisions_q, round_first_i);
  end

  // ---------------------------------------------------------------------------
  // Stage 3: shift to the floor, and whether the rest rounds up.
  // ---------------------------------------------------------------------------
  typedef struct packed {
    value_t floor;
    logic   up;
  } shifted_t;

  function automatic shifted_t shift_down(value_t value, logic [ShiftBits-1:0] shift,
                                          value_t sticky);
    logic signed [ValueBits:0] halves;  // one bit more at the bottom
    halves = $signed({value, 1'b0}) >>> shift;
    return '{floor: value_t'(halves >>> 1),
             up: halves[0] && (halves[1] || (value & sticky) != '0)};
  endfunction

  typedef shifted_t shifteds_t[Drain][Rows];

  // Index 1 of a pair is for negative values.
  function automatic shifteds_t shift_all_down(values_t values, logic [1:0][ShiftBits-1:0] shifts,
                                               logic [1:0][ValueBits-1:0] stickies);
    // verilator no_inline_task
    // verilator unroll_disable
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        shift_all_down[j][r] = shift_down(values[j][r], shifts[values[j][r] < 0],
                                          stickies[values[j][r] < 0]);
      end
    end
  endfunction

  shifteds_t shifted_q;

  always_ff @(posedge clk_i) begin
    if (value_valid_q) begin
      shifted_q <= shift_all_down(values_q, {negative_shift_q, shift_q},
                                  {negative_sticky_mask_q, sticky_mask_q});
    end
  end

  // ---------------------------------------------------------------------------
  // Stage 4: round and clip, side by side: a floor that reaches the upper clip stays there when
  // rounded up, and one below the lower clip does not pass it.
  // ---------------------------------------------------------------------------
  localparam int unsigned ResultBits = cw_pkg::number_bits(PixelBits);

  function automatic logic [ResultBits-1:0] clip(shifted_t shifted, logic signed [15:0] low,
                                                 logic signed [15:0] high);
    if ($signed(shifted.floor) >= value_t'(high)) return ResultBits'(high);
    if ($signed(shifted.floor) < value_t'(low)) return ResultBits'(low);
    return ResultBits'(shifted.floor) + ResultBits'(shifted.up);
  endfunction

  function automatic logic [PixelBits-1:0] pixel_of(logic [ResultBits-1:0] result);
    return cw_pkg::is_sign(PixelBits) ? PixelBits'(result[ResultBits-1]) : result[PixelBits-1:0];
  endfunction

  function automatic logic [Drain*WordBits-1:0] packed_words(
      shifteds_t shifted, logic [WordsBits-1:0] count, logic signed [15:0] low,
      logic signed [15:0] high);
    // verilator no_inline_task
    packed_words = '0;
    // verilator unroll_disable
    for (int unsigned j = 0; j < Drain; j++) begin
      if (WordsBits'(j) < count) begin
        for (int unsigned r = 0; r < Rows; r++) begin
          packed_words[j*WordBits+r*PixelBits+:PixelBits] =
              pixel_of(clip(shifted[j][r], low, high));
        end
      end
    end
  endfunction

  logic [Drain*WordBits-1:0] out_data_q;

  always_ff @(posedge clk_i) begin
    if (shifted_valid_q) begin
      out_data_q <= packed_words(shifted_q, shifted_words_q, clip_low_i, clip_high_i);
    end
  end

  assign out_valid_o = out_valid_q;
  assign out_data_o = out_data_q;
  assign out_words_o = out_words_q;
  assign out_last_o = out_last_q;

`ifndef SYNTHESIS
  initial begin
    RowsLegal_A : assert (Rows >= 1 && Drain >= 1)
    else $fatal(1, "cw_postproc: Rows and Drain must be at least 1");
    PixelBitsLegal_A : assert (PixelBits >= 1 && PixelBits <= 16)
    else $fatal(1, "cw_postproc: PixelBits must be 1 to 16");
    SumBitsLegal_A : assert (SumBits >= PixelBits && PostBits >= SumBits)
    else $fatal(1, "cw_postproc: needs PixelBits <= SumBits <= PostBits");
    CountBitsLegal_A : assert (CountBits >= 2)
    else $fatal(1, "cw_postproc: CountBits must be at least 2");
  end

  // Assertions sample the asynchronous reset, and only they do.
  // verilator lint_off SYNCASYNCNET
  // Wide enough for every scaled sum plus bias.
  localparam int unsigned CheckBits = PostBits + 17;
  localparam int PixelLow = -(1 << (PixelBits - 1));
  localparam int PixelHigh = cw_pkg::largest(PixelBits);
  typedef logic signed [CheckBits-1:0] check_t;

  function automatic logic values_fit(sums_t sums, logic [3:0] pre_shift, biases_t biases,
                                      logic bias_enable, logic [WordsBits-1:0] count);
    // verilator no_inline_task
    values_fit = 1'b1;
    // verilator unroll_disable
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        automatic check_t value = (check_t'(sums[j][r]) <<< pre_shift)
            + (bias_enable ? check_t'(biases[j]) : '0);
        if (WordsBits'(j) < count && value != check_t'($signed(value[PostBits-1:0]))) begin
          values_fit = 1'b0;
        end
      end
    end
  endfunction

  function automatic logic averages_fit(sums_t sums, counts_t counts,
                                        logic [WordsBits-1:0] count);
    // verilator no_inline_task
    averages_fit = 1'b1;
    // verilator unroll_disable
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        automatic check_t sum = check_t'(sums[j][r]);
        automatic check_t limit = check_t'(counts[r]) <<< (PixelBits - 1);
        automatic logic above = cw_pkg::is_sign(PixelBits) ? sum > limit : sum >= limit;
        if (WordsBits'(j) < count && counts[r] != '0 && (above || sum < -limit)) begin
          averages_fit = 1'b0;
        end
      end
    end
  endfunction

  // That sums fit is what the compiler proves of its weights, not what this block does: +untrusted
  // says that the programs of a simulation come from no compiler.
  logic trusted;
  initial trusted = !$test$plusargs("untrusted");

  always_ff @(posedge clk_i) begin
    if (trusted && rst_ni && in_valid_i && !average_i) begin
      ValueFits_A : assert (values_fit(sums_i, pre_shift_i, bias_i, bias_enable_i, in_words_i))
      else $error("cw_postproc: a sum, shifted and with its bias, exceeds PostBits");
    end
    if (trusted && rst_ni && in_valid_i && average_i) begin
      AverageFits_A : assert (averages_fit(sums_i, counts_i, in_words_i))
      else $error("cw_postproc: a sum is not one of count pixels");
    end
  end

  logic busy;
  assign busy = scaled_valid_q || value_valid_q || shifted_valid_q || quotient_valid_q || dividing;

  ConfigurationStable_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   busy |-> $stable({pre_shift_i, shift_i, negative_shift_i, clip_low_i,
                                     clip_high_i, bias_enable_i, average_i, round_first_i}));
  AverageGap_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni) in_valid_i |-> !dividing);
  WordsLegal_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i |-> in_words_i >= WordsBits'(1) && 32'(in_words_i) <= Drain);
  ClipsOrdered_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i |-> clip_low_i <= clip_high_i);
  ClipsFitPixels_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i |-> 32'(clip_low_i) >= PixelLow && 32'(clip_high_i) <= PixelHigh);
  OneSource_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni) !(scaled_valid_q && quotient_valid_q));
  // verilator lint_on SYNCASYNCNET
`endif

endmodule
