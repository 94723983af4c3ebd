// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Gives cw_bench a clock, for simulators that run without a C++ main.
/// Has no time scale, as all other sources: the tool's own setting decides how long a cycle is.
module cw_bench_timed;

  logic clk = 1'b1;
  always #5 clk = ~clk;

  cw_bench u_bench (.clk_i(clk));

endmodule
