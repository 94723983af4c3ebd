// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Timing of cw_postproc, for whoever feeds it, and what its parts share.
package cw_postproc_pkg;

  // Not every user needs all of it.
  // verilator lint_off UNUSEDPARAM

  /// Cycles from a beat that is not an average (`in_valid_i`) to its result (`out_valid_o`).
  parameter int unsigned Latency = 5;

  /// Fraction bits of a scaled sum: as many as the largest pre_shift.
  parameter int unsigned FractionBits = 15;

  /// Bits of the shift of a value with its fraction: 63 + FractionBits + 2 at most.
  parameter int unsigned ShiftBits = 7;

  /// Fraction bits of an average's quotient: pre_shift is at most 15, one bit decides between
  /// up and down, and the quotient is the same whatever pre_shift is.
  parameter int unsigned QuotientFraction = 16;

  /// Quotient bits that a stage of the divider finds.
  parameter int unsigned BitsPerStage = 2;

  // verilator lint_on UNUSEDPARAM

  /// Bits of a quotient. An average's magnitude has no more integer bits than the pixels that it is
  /// made of; that of single bits, which are +1 or -1, has one.
  function automatic int unsigned quotient_bits(int unsigned pixel_bits);
    return pixel_bits + QuotientFraction;
  endfunction

  /// Stages of the divider.
  function automatic int unsigned divide_stages(int unsigned pixel_bits);
    return (quotient_bits(pixel_bits) + BitsPerStage - 1) / BitsPerStage;
  endfunction

  /// Cycles from an average beat of so many lanes to the next beat at the least: the divider takes
  /// a lane a cycle.
  function automatic int unsigned average_cycles(int unsigned lanes);
    return lanes;
  endfunction

  /// Cycles from an average beat of so many lanes to its result: its last lane is chosen, divided,
  /// rounded and made a value, and goes the way of a value.
  function automatic int unsigned average_latency(int unsigned lanes, int unsigned pixel_bits);
    return lanes + 1 + divide_stages(pixel_bits) + 1 + Latency;
  endfunction

endpackage
