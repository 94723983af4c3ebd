// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// What a generated configuration package says about one accelerator, and what follows from it.
/// Modules take a `cfg_t` parameter, so that differently configured engines fit on one chip.
package cw_pkg;

  // Begin: written by corewright.facts.generate, do not edit.
  typedef struct packed {
    int unsigned Rows;            // R: pixel lanes
    int unsigned Columns;         // C: output channels of a group
    int unsigned Drain;           // D: channels of a buffer entry, of pools and depthwise layers
    int unsigned PixelBits;       // width of an activation; 1: a sign
    int unsigned WeightBits;      // width of a weight; 1: a sign
    int unsigned SumBits;         // accumulator width
    int unsigned AxiBits;         // data width of the AXI4 ports
    int unsigned AddrBits;        // address width of the AXI4 ports
    int unsigned PixelRows;       // entries of a pixel-buffer bank, D channels each
    int unsigned WeightRows;      // entries of the weight ring, C weights each
    int unsigned BiasRows;        // entries of the bias buffer a layer, D biases each
    int unsigned MaxBurst;        // beats of the longest burst
    int unsigned MaxOutstanding;  // bursts in flight a port
    int unsigned PerfLayers;      // layers that the performance RAM records
    logic [31:0] Hash;            // a program for other hardware is refused by this
  } cfg_t;

  // What pre-shift and bias add to the width of an accumulator; not every user needs it.
  // verilator lint_off UNUSEDPARAM
  localparam int unsigned PostGuardBits = 8;
  // verilator lint_on UNUSEDPARAM

  // Each function reads its part of the configuration.
  // verilator lint_off UNUSEDSIGNAL

  /// Bytes of a word: the R lanes of one channel.
  function automatic int unsigned word_bytes(cfg_t cfg);
    return (cfg.Rows * cfg.PixelBits + 7) / 8;
  endfunction

  /// Width of post-processing's sums: pre-shift and bias are compile-time checked to fit.
  function automatic int unsigned post_bits(cfg_t cfg);
    return cfg.SumBits + 8;
  endfunction

  /// Bytes of one bias in the program.
  function automatic int unsigned bias_bytes(cfg_t cfg);
    return (post_bits(cfg) + 7) / 8;
  endfunction

  /// Widest weight row of the program, in bytes.
  function automatic int unsigned weight_row_bytes(cfg_t cfg);
    return (cfg.Columns * cfg.WeightBits + 7) / 8;
  endfunction

  /// Words that the output port takes a cycle; 0 if it takes a part of one.
  function automatic int unsigned port_words(cfg_t cfg);
    return cfg.AxiBits / 8 / word_bytes(cfg);
  endfunction

  /// Half of D if that is whole and the output port takes so many words, else 1.
  function automatic int unsigned half_drain(cfg_t cfg);
    return cfg.Drain / 2 + cfg.Drain % 2 * cfg.AxiBits <= port_words(cfg) ? cfg.Drain / 2 : 1;
  endfunction

  /// Words that leave the array a cycle: D or its half if the output port takes them, else one.
  function automatic int unsigned drain_words(cfg_t cfg);
    return cfg.Drain <= port_words(cfg) ? cfg.Drain : half_drain(cfg);
  endfunction

  /// Beats of a full tile's drain.
  function automatic int unsigned drain_beats(cfg_t cfg);
    return cfg.Columns / drain_words(cfg);
  endfunction

  /// Bytes of a beat, and those that a word has behind its whole beats.
  function automatic int unsigned beat_and_rest(cfg_t cfg);
    return cfg.AxiBits / 8 + word_bytes(cfg) % (cfg.AxiBits / 8);
  endfunction

  /// Bytes of which words and beats are multiples, so every word's address: a power of two.
  function automatic int unsigned unit_bytes(cfg_t cfg);
    return beat_and_rest(cfg) - (beat_and_rest(cfg) & (beat_and_rest(cfg) - 1));
  endfunction

  // verilator lint_on UNUSEDSIGNAL

  // A word of one bit is a sign: bit b stands for 1 - 2b.

  /// Whether words of so many bits are signs, +1 or -1.
  function automatic bit is_sign(int unsigned bits);
    return bits == 1;
  endfunction

  /// Bits of the two's complement number that a word of so many bits stands for.
  function automatic int unsigned number_bits(int unsigned bits);
    return bits == 1 ? 2 : bits;
  endfunction

  /// Largest number that a word of so many bits stands for.
  function automatic int unsigned largest(int unsigned bits);
    return bits == 1 ? 1 : (1 << (bits - 1)) - 1;
  endfunction

  /// Categories of the performance counters, in the order of the performance RAM.
  typedef enum logic [2:0] {
    CauseCompute     = 3'd0,
    CauseWaitWeights = 3'd1,
    CauseWaitPixels  = 3'd2,
    CauseWaitOutput  = 3'd3,
    CauseLayerStart  = 3'd4,
    CauseLayerEnd    = 3'd5,
    CauseControl     = 3'd6
  } cause_e;
  // End.

  /// What the array does in a step.
  typedef enum logic [1:0] {
    OpMac = 2'd0,  // every channel: sum += broadcast pixel * weight
    OpMax = 2'd1,  // channels j < D: the maximum of pixel j
    OpSum = 2'd2,  // channels j < D: sum += pixel j
    OpVec = 2'd3   // channels j < D: sum += pixel j * weight
  } array_op_e;

endpackage
