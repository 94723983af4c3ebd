// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// AXI-Stream register slice: cuts the combinational paths in both directions. Full throughput,
/// latency one cycle, two beats of storage. Every output is a register; out of reset s_axis_tready
/// rises one cycle late. Sideband signals travel as part of tdata. For more storage, a fill count
/// or a flush see cw_axis_fifo.
module cw_axis_skid #(
  parameter int unsigned Width = 8
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [Width-1:0] s_axis_tdata,
  input  logic             s_axis_tvalid,
  output logic             s_axis_tready,
  output logic [Width-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready
);

  logic [Width-1:0] out_q, skid_q;
  logic out_valid_q, skid_valid_q, ready_q;
  logic out_free, accept, skid_valid_d;

  assign s_axis_tready = ready_q;
  assign m_axis_tdata = out_q;
  assign m_axis_tvalid = out_valid_q;

  assign out_free = !out_valid_q || m_axis_tready;
  assign accept = s_axis_tvalid && ready_q;
  // The skid register fills only when a beat arrives that the output register cannot take.
  assign skid_valid_d = !out_free && (skid_valid_q || accept);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      out_valid_q <= 1'b0;
      skid_valid_q <= 1'b0;
      ready_q <= 1'b0;
    end else begin
      if (out_free) out_valid_q <= skid_valid_q || accept;
      skid_valid_q <= skid_valid_d;
      ready_q <= !skid_valid_d;
    end
  end

  // Payload needs no reset: it is only looked at beside its valid bit.
  always_ff @(posedge clk_i) begin
    if (out_free) out_q <= skid_valid_q ? skid_q : s_axis_tdata;
    if (accept) skid_q <= s_axis_tdata;
  end

`ifndef SYNTHESIS
  // Assertions sample the asynchronous reset, and only they do.
  // verilator lint_off SYNCASYNCNET
  initial begin
    WidthLegal_A : assert (Width >= 1)
    else $fatal(1, "cw_axis_skid: Width must be at least 1");
  end

  ValidStays_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid);
  PayloadStable_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   m_axis_tvalid && !m_axis_tready |=> $stable(m_axis_tdata));
  NeverReadyWhenFull_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni) !(ready_q && skid_valid_q));
  // verilator lint_on SYNCASYNCNET
`endif

endmodule
