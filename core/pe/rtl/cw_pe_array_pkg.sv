// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Timing of the provider of cw_pe_array, for whoever feeds it: each provider has its own.
package cw_pe_array_pkg;

  // Not every user needs all of it.
  // verilator lint_off UNUSEDPARAM

  /// Cycles from a tile's last step to its first beat of sums (`sums_o`).
  parameter int unsigned Latency = 4;

  /// Cycles from the index of a beat (`drain_index_i`) to its sums: Latency at most.
  parameter int unsigned IndexLatency = 2;

  // verilator lint_on UNUSEDPARAM

endpackage
