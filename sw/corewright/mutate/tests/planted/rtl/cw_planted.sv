// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// A counter from 0 to Top, and whether it is there; for the tests of `./cw mutate`.
module cw_planted #(
  localparam int unsigned Bits = 3
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic            step_i,
  input  logic            go_i,
  output logic [Bits-1:0] count_o,
  output logic            top_o
);

  localparam logic [Bits-1:0] Top = Bits'(5);

  logic [Bits-1:0] count_q;

  assign count_o = count_q;
  assign top_o = count_q >= Top;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= '0;
    end else if (step_i && go_i) begin
      count_q <= top_o ? '0 : count_q + Bits'(1);
    end
  end

`ifndef SYNTHESIS
  // Nothing of this is changed.
  CountInRange_A :
  assert property (@(posedge clk_i) count_q < 3'd6);
`endif

endmodule
