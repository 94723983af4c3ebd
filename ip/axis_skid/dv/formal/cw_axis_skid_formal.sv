// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Proof harness of cw_axis_skid. One beat, chosen freely (mark_i), is followed from the slave
/// port to the master port: it leaves once, unchanged, and behind exactly the beats that came
/// before it. As every beat may be the chosen one, none is lost, duplicated, altered or overtaken.
module cw_axis_skid_formal #(
  parameter int unsigned Width = 3
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic             mark_i,
  input logic [Width-1:0] s_axis_tdata,
  input logic             s_axis_tvalid,
  input logic             m_axis_tready
);

  logic s_axis_tready, m_axis_tvalid;
  logic [Width-1:0] m_axis_tdata;

  cw_axis_skid #(
    .Width(Width)
  ) u_dut (
    .clk_i,
    .rst_ni,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

  logic push, pop;
  assign push = s_axis_tvalid && s_axis_tready;
  assign pop = m_axis_tvalid && m_axis_tready;

  // inside_q: beats in the slice. ahead_q: beats that leave before the marked one.
  logic running_q = 1'b0;
  logic marked_q = 1'b0;
  logic [Width-1:0] data_q;
  logic [1:0] inside_q = '0;
  logic [1:0] ahead_q;
  logic held_q = 1'b0;
  logic [Width-1:0] held_data_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    held_q <= rst_ni && m_axis_tvalid && !m_axis_tready;
    held_data_q <= m_axis_tdata;
    if (rst_ni) begin
      inside_q <= inside_q + 2'(push) - 2'(pop);
      if (!marked_q && push && mark_i) begin
        marked_q <= 1'b1;
        data_q <= s_axis_tdata;
        ahead_q <= inside_q - 2'(pop);
      end else if (marked_q && pop) begin
        marked_q <= ahead_q != '0;
        ahead_q <= ahead_q - 2'd1;
      end
    end
  end

  always_comb begin
    // Reset in the first cycle, and never again.
    assume (rst_ni == running_q);

    if (rst_ni) begin
      CapacityTwo_A : assert (inside_q <= 2'd2);
      ValidWhenHolding_A : assert (m_axis_tvalid == (inside_q != '0));
      ReadyWhileRoom_A : assert (!s_axis_tready || inside_q < 2'd2);
      if (held_q) begin
        ValidStays_A : assert (m_axis_tvalid);
        PayloadStable_A : assert (m_axis_tdata == held_data_q);
      end
      if (marked_q) begin
        MarkedInside_A : assert (ahead_q < inside_q);
        if (ahead_q == '0) MarkedAtOutput_A : assert (m_axis_tdata == data_q);
        // Inductive invariant: the second place holds the marked beat until it moves up.
        else MarkedInSkid_A : assert (u_dut.skid_q == data_q);
      end
      SkidIsSecondBeat_A : assert (u_dut.skid_valid_q == (inside_q == 2'd2));
    end
  end

  // Reachability: the proof is not empty.
  always_comb begin
    if (rst_ni) begin
      Full_C : cover (inside_q == 2'd2 && marked_q && ahead_q == 2'd1);
    end
  end

endmodule
