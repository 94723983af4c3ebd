// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Rules that an AXI4-Lite subordinate must keep, and the answers that firmware relies on;
/// assertions only.
///
/// Responses stay until they are accepted and never come unasked; every access of the firmware is
/// to a register that exists, so anything but OKAY is an error.
module cw_axil_checker (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        awvalid,
  input logic        awready,
  input logic        wvalid,
  input logic        wready,
  input logic [1:0]  bresp,
  input logic        bvalid,
  input logic        bready,
  input logic        arvalid,
  input logic        arready,
  input logic [31:0] rdata,
  input logic [1:0]  rresp,
  input logic        rvalid,
  input logic        rready
);

  logic in_reset;
  assign in_reset = !rst_ni;

  logic aw_q, w_q, ar_q;  // accepted and not answered; the master has one access at a time
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      aw_q <= 1'b0;
      w_q  <= 1'b0;
      ar_q <= 1'b0;
    end else begin
      if (awvalid && awready) aw_q <= 1'b1;
      else if (bvalid && bready) aw_q <= 1'b0;
      if (wvalid && wready) w_q <= 1'b1;
      else if (bvalid && bready) w_q <= 1'b0;
      if (arvalid && arready) ar_q <= 1'b1;
      else if (rvalid && rready) ar_q <= 1'b0;
    end
  end

  RegisterResponseStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    bvalid && !bready |=> bvalid && $stable(bresp))
    else $error("B changed before it was accepted");

  RegisterDataStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    rvalid && !rready |=> rvalid && $stable({rdata, rresp}))
    else $error("R changed before it was accepted");

  // Behind acceptance, or in the same cycle where the block answers at once.
  RegisterResponseAsked_A : assert property (@(posedge clk_i) disable iff (in_reset)
    bvalid |-> (aw_q || (awvalid && awready)) && (w_q || (wvalid && wready)))
    else $error("B without a write");

  RegisterDataAsked_A : assert property (@(posedge clk_i) disable iff (in_reset)
    rvalid |-> ar_q || (arvalid && arready))
    else $error("R without a read");

  RegisterWriteOkay_A : assert property (@(posedge clk_i) disable iff (in_reset)
    bvalid |-> bresp == 2'b00)
    else $error("register write answered %b", bresp);

  RegisterReadOkay_A : assert property (@(posedge clk_i) disable iff (in_reset)
    rvalid |-> rresp == 2'b00)
    else $error("register read answered %b", rresp);

endmodule
