// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Post-processing of finished sums: bias, shift with a single rounding (half to even), clipping.
/// Takes D channels of R lanes a cycle and makes one output word of each channel:
///
///   v = (sum << pre_shift) + (bias_enable ? bias : maximum << pre_shift)
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
/// Throughput one beat a cycle, latency `cw_postproc_pkg::Latency`; a beat's bias stands on `bias_i` a cycle
/// before it. An average beat is divided lane by lane, for `cw_postproc_pkg::average_cycles`: AverageBeats of
/// them may be inside and not divided, and the latency of one that finds none is
/// `cw_postproc_pkg::average_latency`.
/// There is no back-pressure: the caller reserves room for the results before it sends a beat.
///
///   bias ---> align ----> + ---> requantise: 4 stages, all lanes side by side -------> result
///   sums, maxima ---------^                                             shift in ^
///   sums ---> hold ---> a lane a cycle ---> divide ---> value ---> requantise ---+     averages
///
/// The caller guarantees: the configuration is stable while data is inside; v fits PostBits; clips
/// fit PixelBits (-1 to 1 for a single bit); maxima are 0 beside a bias and in averages; an average's
/// sum is one of `count` values of PixelBits each. A lane with count 0 gets an unspecified value. It adds no residuals: see cw_residual_add.
module cw_postproc #(
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
  input  logic signed [SumBits-1:0]         sums_i [Words][Rows],
  input  logic signed [ResultBits-1:0]      maxima_i [Words][Rows],
  input  logic signed [PostBits-1:0]        bias_i [Words],
  input  logic [CountBits-1:0]              counts_i [Rows],
  input  logic [WordsBits-1:0]              in_words_i,
  input  logic                              in_last_i,
  // Words: word j in bits [j*WordBits +: WordBits], words from out_words_o on are zero.
  output logic                              out_valid_o,
  output logic [Words*WordBits-1:0]         out_data_o,
  output logic [WordsBits-1:0]              out_words_o,
  output logic                              out_last_o
);

  import cw_postproc_pkg::FractionBits;
  import cw_postproc_pkg::QuotientFraction;
  import cw_postproc_pkg::ShiftBits;

  localparam int unsigned ValueBits = PostBits + FractionBits;

  typedef logic signed [ResultBits-1:0] result_t;

  // ---------------------------------------------------------------------------
  // Control. Averages come from elsewhere, and their lanes shift in behind each other.
  // ---------------------------------------------------------------------------
  logic [3:0] stage_q;  // a beat is in front of stage k
  logic [3:0] last_q;
  logic [WordsBits-1:0] words_q[4];
  logic out_valid_q;
  logic average_done, average_last, push;
  logic [WordsBits-1:0] average_words;
  logic [3:0] lane_stages;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      stage_q <= '0;
      out_valid_q <= 1'b0;
    end else begin
      stage_q <= {stage_q[2:0], in_valid_i && !average_i};
      out_valid_q <= stage_q[3] || average_done;
    end
  end

  logic out_last_q;
  logic [WordsBits-1:0] out_words_q;
  always_ff @(posedge clk_i) begin
    last_q <= {last_q[2:0], in_last_i};
    words_q[0] <= in_words_i;
    for (int unsigned k = 1; k < 4; k++) words_q[k] <= words_q[k-1];
    out_words_q <= average_done ? average_words : words_q[3];
    out_last_q <= average_done ? average_last : last_q[3];
  end

  assign lane_stages = {stage_q[3] || push, stage_q[2:0]};

  // ---------------------------------------------------------------------------
  // Values: sums and biases with FractionBits, whatever pre_shift is. The fraction is the bias's
  // alone, so that a lane's adder is no wider than a sum.
  // ---------------------------------------------------------------------------
  logic [ShiftBits-1:0] shift_q, negative_shift_q;
  logic signed [ValueBits-1:0] bias_q[Words];

  always_ff @(posedge clk_i) begin
    shift_q <= ShiftBits'(shift_i) + ShiftBits'(FractionBits) - ShiftBits'(pre_shift_i);
    negative_shift_q <=
        ShiftBits'(negative_shift_i) + ShiftBits'(FractionBits) - ShiftBits'(pre_shift_i);
    for (int unsigned j = 0; j < Words; j++) begin
      bias_q[j] <= bias_enable_i
          ? ValueBits'(bias_i[j]) <<< (4'(FractionBits) - pre_shift_i) : '0;
    end
  end

  // What of a value all lanes of a word have in common stands once.
  logic [FractionBits-1:0] fractions_q[Words];
  result_t results[Words][Rows], average;
  result_t clip_low, clip_high;
  assign clip_low = clip_low_i[ResultBits-1:0];
  assign clip_high = clip_high_i[ResultBits-1:0];

  always_ff @(posedge clk_i) begin
    if (in_valid_i) begin
      for (int unsigned j = 0; j < Words; j++) fractions_q[j] <= bias_q[j][FractionBits-1:0];
    end
  end

  for (genvar j = 0; j < Words; j++) begin : gen_word
    // Words behind the last are zero.
    logic blank_q;
    always_ff @(posedge clk_i) begin
      blank_q <= words_q[2] <= WordsBits'(j);
    end

    for (genvar r = 0; r < Rows; r++) begin : gen_lane
      logic signed [PostBits-1:0] whole_q;
      always_ff @(posedge clk_i) begin
        if (in_valid_i) begin
          whole_q <= PostBits'(sums_i[j][r])
              + ($signed(bias_q[j][ValueBits-1:FractionBits]) | PostBits'(maxima_i[j][r]));
        end
      end

      // Averages enter at the last lane of the last word, and each lane's comes to its own.
      result_t previous;
      if (r < Rows - 1) begin : gen_next_row
        assign previous = results[j][r+1];
      end else if (j < Words - 1) begin : gen_next_word
        assign previous = results[j+1][0];
      end else begin : gen_average
        assign previous = average;
      end

      cw_requantise_lane #(
        .ValueBits(ValueBits),
        .ResultBits(ResultBits)
      ) u_lane (
        .clk_i,
        .stage_i(lane_stages),
        .value_i({whole_q, fractions_q[j]}),
        .shift_i(shift_q),
        .negative_shift_i(negative_shift_q),
        .clip_low_i(clip_low),
        .clip_high_i(clip_high),
        .blank_i(blank_q && !average_i),
        .shift_in_i(average_i),
        .load_i(previous),
        .result_o(results[j][r])
      );
    end
  end

  function automatic logic [PixelBits-1:0] pixel_of(result_t result);
    return cw_pkg::is_sign(PixelBits) ? PixelBits'(result[ResultBits-1]) : result[PixelBits-1:0];
  endfunction

  always_comb begin
    out_data_o = '0;
    for (int unsigned j = 0; j < Words; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        out_data_o[j*WordBits+r*PixelBits+:PixelBits] = pixel_of(results[j][r]);
      end
    end
  end
  assign out_valid_o = out_valid_q;
  assign out_words_o = out_words_q;
  assign out_last_o = out_last_q;

  // ---------------------------------------------------------------------------
  // Averages: a lane a cycle through one divider and a lane of requantisation.
  // ---------------------------------------------------------------------------
  localparam int unsigned AverageSumBits =
      SumBits < CountBits + PixelBits ? SumBits : CountBits + PixelBits;
  localparam int unsigned RowBits = Rows > 1 ? $clog2(Rows) : 1;
  localparam int unsigned WordIndexBits = Words > 1 ? $clog2(Words) : 1;
  // Behind the quotient stands a bit that is set where the division leaves a remainder.
  localparam int unsigned QuotientBits = cw_postproc_pkg::quotient_bits(PixelBits);
  localparam int unsigned AverageBits = QuotientBits + 2;  // remainder and sign
  localparam int unsigned DivideStages = cw_postproc_pkg::divide_stages(PixelBits);

  // A beat waits until the beats before it are divided.
  localparam int unsigned BeatBits = AverageBeats > 1 ? $clog2(AverageBeats) : 1;
  localparam int unsigned WaitingBits = $clog2(AverageBeats + 1);
  typedef struct packed {
    logic                 last;
    logic [WordsBits-1:0] words;
  } beat_t;
  logic signed [AverageSumBits-1:0] held_q[AverageBeats][Words][Rows];
  logic [CountBits-1:0] counts_q[AverageBeats][Rows];
  beat_t beats_q[AverageBeats];
  logic [WaitingBits-1:0] waiting_q;  // beats of which a lane is left
  logic [BeatBits-1:0] in_q, beat_q;
  logic [RowBits-1:0] row_q;
  logic [WordIndexBits-1:0] word_q;
  logic start, choose, word_end, beat_end;
  assign start = in_valid_i && average_i;
  assign choose = waiting_q != '0;
  assign word_end = 32'(row_q) == Rows - 1;
  assign beat_end = word_end && 32'(word_q) == Words - 1;

  function automatic logic [BeatBits-1:0] next_beat(logic [BeatBits-1:0] index);
    return 32'(index) == AverageBeats - 1 ? '0 : index + 1'b1;
  endfunction

  // From the choice of a lane to its value, and then to its result.
  localparam int unsigned AverageStages = 1 + DivideStages + 1 + 4;
  logic [AverageStages-1:0] average_valid_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waiting_q <= '0;
      in_q <= '0;
      beat_q <= '0;
      row_q <= '0;
      word_q <= '0;
      average_valid_q <= '0;
    end else begin
      if (start && !(choose && beat_end)) waiting_q <= waiting_q + 1'b1;
      if (!start && choose && beat_end) waiting_q <= waiting_q - 1'b1;
      if (start) in_q <= next_beat(in_q);
      if (choose) begin
        row_q <= word_end ? '0 : row_q + 1'b1;
        if (word_end) word_q <= beat_end ? '0 : word_q + 1'b1;
        if (beat_end) beat_q <= next_beat(beat_q);
      end
      average_valid_q <= AverageStages'({average_valid_q, choose});
    end
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      for (int unsigned w = 0; w < Words; w++) begin
        for (int unsigned r = 0; r < Rows; r++) begin
          held_q[in_q][w][r] <= sums_i[w][r][AverageSumBits-1:0];
        end
      end
      counts_q[in_q] <= counts_i;
      beats_q[in_q] <= '{last: in_last_i, words: in_words_i};
    end
  end

  // What is to be known of a beat travels with each of its lanes.
  typedef struct packed {
    beat_t beat;
    logic  beat_end;
    logic  blank;  // the lane is behind the last word
  } lane_t;
  lane_t lanes_q[AverageStages];
  logic signed [AverageSumBits-1:0] chosen;
  logic negative_q;
  logic [AverageSumBits-1:0] magnitude_q;
  logic [CountBits-1:0] count_q;
  assign chosen = held_q[beat_q][word_q][row_q];

  // Complement and carry, behind which no choice is left.
  function automatic logic [AverageSumBits-1:0] magnitude_of(logic [AverageSumBits-1:0] sum);
    automatic logic negative = sum[AverageSumBits-1];
    return AverageSumBits'(negative) + (sum ^ {AverageSumBits{negative}});
  endfunction

  always_ff @(posedge clk_i) begin
    if (choose) begin
      negative_q <= chosen < 0;
      magnitude_q <= magnitude_of(chosen);
      count_q <= counts_q[beat_q][row_q];
    end
    lanes_q[0] <= '{beat: beats_q[beat_q], beat_end: beat_end,
                    blank: 32'(word_q) >= 32'(beats_q[beat_q].words)};
    for (int unsigned k = 1; k < AverageStages; k++) lanes_q[k] <= lanes_q[k-1];
  end

  assign push = average_valid_q[AverageStages-1];
  assign average_done = push && lanes_q[AverageStages-1].beat_end;
  assign average_words = lanes_q[AverageStages-1].beat.words;
  assign average_last = lanes_q[AverageStages-1].beat.last;

  logic divided_negative, divided_inexact;
  logic [QuotientBits-1:0] quotient;
  cw_average_divider #(
    .SumBits(AverageSumBits),
    .CountBits(CountBits),
    .QuotientBits(QuotientBits)
  ) u_divider (
    .clk_i,
    .stage_i(average_valid_q[0+:DivideStages]),
    .negative_i(negative_q),
    .magnitude_i(magnitude_q),
    .count_i(count_q),
    .negative_o(divided_negative),
    .quotient_o(quotient),
    .inexact_o(divided_inexact)
  );

  // A quotient with its remainder bit, as a signed number. Set below the half, the remainder bit
  // rounds as any true remainder would.
  function automatic logic signed [AverageBits-1:0] value_of(
      logic negative, logic [QuotientBits-1:0] ratio, logic inexact, logic round_first);
    automatic logic [QuotientBits-QuotientFraction-1:0] whole =
        ratio[QuotientBits-1:QuotientFraction];
    automatic logic above_half = ratio[QuotientFraction-2:0] != '0 || inexact;
    automatic logic up = ratio[QuotientFraction-1] && (above_half || whole[0]);
    automatic logic [AverageBits-1:0] magnitude = {1'b0, ratio, inexact};
    if (round_first) begin
      magnitude = '0;
      magnitude[AverageBits-2:QuotientFraction+1] = whole + (QuotientBits - QuotientFraction)'(up);
    end
    return AverageBits'(negative) + (magnitude ^ {AverageBits{negative}});
  endfunction

  logic signed [AverageBits-1:0] value_q;
  always_ff @(posedge clk_i) begin
    if (average_valid_q[DivideStages]) begin
      value_q <= value_of(divided_negative, quotient, divided_inexact, round_first_i);
    end
  end

  logic [ShiftBits-1:0] average_shift_q, average_negative_shift_q;
  always_ff @(posedge clk_i) begin
    average_shift_q <=
        ShiftBits'(shift_i) + ShiftBits'(QuotientFraction + 1) - ShiftBits'(pre_shift_i);
    average_negative_shift_q <=
        ShiftBits'(negative_shift_i) + ShiftBits'(QuotientFraction + 1) - ShiftBits'(pre_shift_i);
  end

  cw_requantise_lane #(
    .ValueBits(AverageBits),
    .ResultBits(ResultBits)
  ) u_average (
    .clk_i,
    .stage_i(average_valid_q[DivideStages+1+:4]),
    .value_i(value_q),
    .shift_i(average_shift_q),
    .negative_shift_i(average_negative_shift_q),
    .clip_low_i(clip_low),
    .clip_high_i(clip_high),
    .blank_i(lanes_q[AverageStages-2].blank),
    .shift_in_i(1'b0),
    .load_i('0),
    .result_o(average)
  );

`ifndef SYNTHESIS
  typedef logic signed [SumBits-1:0] sums_t[Words][Rows];
  typedef logic signed [ResultBits-1:0] maxima_t[Words][Rows];
  typedef logic signed [PostBits-1:0] biases_t[Words];
  typedef logic [CountBits-1:0] counts_t[Rows];

  initial begin
    RowsLegal_A : assert (Rows >= 1 && Words >= 1)
    else $fatal(1, "cw_postproc: Rows and Words must be at least 1");
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

  function automatic logic values_fit(sums_t sums, maxima_t maxima, logic [3:0] pre_shift,
                                      biases_t biases, logic bias_enable,
                                      logic [WordsBits-1:0] count);
    // verilator no_inline_task
    values_fit = 1'b1;
    // verilator unroll_disable
    for (int unsigned j = 0; j < Words; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        automatic check_t value = ((check_t'(sums[j][r]) + check_t'(maxima[j][r])) <<< pre_shift)
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
    for (int unsigned j = 0; j < Words; j++) begin
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

  function automatic logic any_maximum(maxima_t maxima);
    any_maximum = 1'b0;
    for (int unsigned j = 0; j < Words; j++) begin
      for (int unsigned r = 0; r < Rows; r++) any_maximum |= maxima[j][r] != '0;
    end
  endfunction

  // That sums fit is what the compiler proves of its weights, not what this block does: +untrusted
  // says that the programs of a simulation come from no compiler.
  biases_t given_bias_q;
  always_ff @(posedge clk_i) given_bias_q <= bias_i;

  logic trusted;
  initial trusted = !$test$plusargs("untrusted");

  always_ff @(posedge clk_i) begin
    if (trusted && rst_ni && in_valid_i && !average_i) begin
      ValueFits_A :
      assert (values_fit(sums_i, maxima_i, pre_shift_i, given_bias_q, bias_enable_i, in_words_i))
      else $error("cw_postproc: a sum, shifted and with its bias, exceeds PostBits");
    end
    if (trusted && rst_ni && in_valid_i && average_i) begin
      AverageFits_A : assert (averages_fit(sums_i, counts_i, in_words_i))
      else $error("cw_postproc: a sum is not one of count pixels");
    end
    if (trusted && rst_ni && in_valid_i && (bias_enable_i || average_i)) begin
      MaximaAlone_A : assert (!any_maximum(maxima_i))
      else $error("cw_postproc: a maximum beside a bias, or in an average");
    end
  end

  logic busy;
  assign busy = stage_q != '0 || choose || average_valid_q != '0;

  ConfigurationStable_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   busy |-> $stable({pre_shift_i, shift_i, negative_shift_i, clip_low_i,
                                     clip_high_i, bias_enable_i, average_i, round_first_i}));
  AverageGap_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i |-> 32'(waiting_q) < AverageBeats || beat_end);
  WordsLegal_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i |-> in_words_i >= WordsBits'(1) && 32'(in_words_i) <= Words);
  ClipsOrdered_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i |-> clip_low_i <= clip_high_i);
  ClipsFitPixels_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   in_valid_i |-> 32'(clip_low_i) >= PixelLow && 32'(clip_high_i) <= PixelHigh);
  OneSource_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni) !(stage_q[3] && push));
  // verilator lint_on SYNCASYNCNET
`endif

endmodule
