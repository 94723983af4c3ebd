// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Timing of cw_postproc, for whoever feeds it.
package cw_postproc_pkg;

  /// Cycles from a beat that is not an average (`in_valid_i`) to its result (`out_valid_o`).
  parameter int unsigned Latency = 4;

  /// Fraction bits of an average's quotient: pre_shift is at most 15, one bit decides between
  /// up and down, and the quotient is the same whatever pre_shift is.
  parameter int unsigned QuotientFraction = 16;

  /// Cycles from an average beat to the next beat at the least: one to load the dividers, then one
  /// for each quotient bit. An average's magnitude has no more integer bits than the pixels that it
  /// is made of; that of single bits, which are +1 or -1, has one.
  function automatic int unsigned average_cycles(int unsigned sum_bits, int unsigned pixel_bits);
    return 1 + (pixel_bits < sum_bits ? pixel_bits : sum_bits) + QuotientFraction;
  endfunction

  /// Cycles from an average beat to its result.
  function automatic int unsigned average_latency(int unsigned sum_bits, int unsigned pixel_bits);
    return Latency - 1 + average_cycles(sum_bits, pixel_bits);
  endfunction

endpackage
