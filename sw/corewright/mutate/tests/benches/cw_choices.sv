// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// One output for each kind of place that a bug can stand in; for the tests of the injected bugs.
module cw_choices #(
  parameter int unsigned Step = 1
) (
  input  logic [7:0] a_i,
  output logic [7:0] assigned_o,
  output logic [7:0] stated_o,
  output logic [7:0] called_o,
  output logic [7:0] connected_o,
  output logic [7:0] stepped_o
);

  localparam int unsigned Twice = 2 * Step;

  wire [7:0] net = a_i + 8'd3;

  function automatic logic [7:0] larger(logic [7:0] a, logic [7:0] b);
    // verilator no_inline_task
    automatic logic [7:0] best = a;
    if (b > best) best = b;
    return best;
  endfunction

  always_comb begin
    stated_o = a_i;
    for (int i = 0; i < 3; i++) begin
      stated_o = stated_o + 8'd1;
    end
  end

  assign assigned_o = net;
  assign called_o   = larger(a_i, 8'd20);
  assign stepped_o  = a_i + 8'(Twice);

  cw_passes u_passes (
      .a_i(a_i + 8'd7),
      .b_o(connected_o)
  );

endmodule
