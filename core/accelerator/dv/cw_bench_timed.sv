// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Gives cw_bench a clock, for simulators that run without a C++ main.
module cw_bench_timed;

  timeunit 1ns;
  timeprecision 1ps;

  logic clk = 1'b0;
  always #5ns clk = ~clk;

  cw_bench u_bench (.clk_i(clk));

endmodule
