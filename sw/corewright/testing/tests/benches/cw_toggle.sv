// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Follows its input by one cycle. The smallest design that the runner's own tests can use.
module cw_toggle #(
  parameter int unsigned Width = 1
) (
  input  logic             clk_i,
  input  logic             fail_i,
  input  logic [Width-1:0] data_i,
  output logic [Width-1:0] data_o
);

  always_ff @(posedge clk_i) data_o <= data_i;

`ifndef SYNTHESIS
  NoFail_A :
  assert property (@(posedge clk_i) !fail_i);
`endif

endmodule
