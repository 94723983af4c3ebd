// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Proof harness of cw_axis_fifo. One beat, chosen freely (mark_i), is followed from the slave
/// port to the master port: it leaves once, unchanged, and behind exactly the beats that came
/// before it. As every beat may be the chosen one, none is lost, duplicated, altered or overtaken.
module cw_axis_fifo_formal #(
  parameter int unsigned Width = 3,
  parameter int unsigned Depth = 4,
  localparam int unsigned CountBits = $clog2(Depth + 1)
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic             clear_i,
  input logic             mark_i,
  input logic [Width-1:0] s_axis_tdata,
  input logic             s_axis_tvalid,
  input logic             m_axis_tready
);

  logic s_axis_tready, m_axis_tvalid;
  logic [Width-1:0] m_axis_tdata;
  logic [CountBits-1:0] count;

  cw_axis_fifo #(
    .Width(Width),
    .Depth(Depth)
  ) u_dut (
    .clk_i,
    .rst_ni,
    .clear_i,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready,
    .count_o(count)
  );

  logic push, pop;
  assign push = s_axis_tvalid && s_axis_tready;
  assign pop = m_axis_tvalid && m_axis_tready;

  // inside_q: beats in the FIFO, one bit wider than count_o so that an overflow shows.
  // ahead_q: beats that leave before the marked one.
  logic running_q = 1'b0;
  logic marked_q = 1'b0;
  logic [Width-1:0] data_q;
  logic [CountBits:0] inside_q = '0;
  logic [CountBits:0] ahead_q;
  logic held_q = 1'b0;
  logic [Width-1:0] held_data_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    held_q <= rst_ni && m_axis_tvalid && !m_axis_tready;
    held_data_q <= m_axis_tdata;
    if (rst_ni && clear_i) begin
      inside_q <= '0;
      marked_q <= 1'b0;
    end else if (rst_ni) begin
      inside_q <= inside_q + (CountBits + 1)'(push) - (CountBits + 1)'(pop);
      if (!marked_q && push && mark_i) begin
        marked_q <= 1'b1;
        data_q <= s_axis_tdata;
        ahead_q <= inside_q - (CountBits + 1)'(pop);
      end else if (marked_q && pop) begin
        marked_q <= ahead_q != '0;
        ahead_q <= ahead_q - 1'b1;
      end
    end
  end

  always_comb begin
    // Reset in the first cycle, and never again.
    assume (rst_ni == running_q);

    if (rst_ni) begin
      CapacityDepth_A : assert (inside_q <= (CountBits + 1)'(Depth));
      CountExact_A : assert ((CountBits + 1)'(count) == inside_q);
      ValidWhenHolding_A : assert (m_axis_tvalid == (inside_q != '0 && !clear_i));
      if (Depth > 1) begin
        ReadyWhileRoom_A :
        assert (s_axis_tready == (inside_q != (CountBits + 1)'(Depth) && !clear_i));
      end
      NothingMovesInClear_A : assert (!clear_i || !(push || pop));
      if (held_q && !clear_i) begin
        ValidStays_A : assert (m_axis_tvalid);
        PayloadStable_A : assert (m_axis_tdata == held_data_q);
      end
      if (marked_q) begin
        MarkedInside_A : assert (ahead_q < inside_q);
        if (ahead_q == '0) MarkedAtOutput_A : assert (m_axis_tdata == data_q);
      end
    end
  end

  // Inductive invariants: where the ring keeps the beats.
  if (Depth > 1) begin : gen_ring
    localparam int unsigned SumBits = CountBits + 2;
    logic [SumBits-1:0] write_at, marked_at;

    always_comb begin
      write_at = SumBits'(u_dut.gen_ring.read_q) + SumBits'(inside_q);
      if (write_at >= SumBits'(Depth)) write_at = write_at - SumBits'(Depth);
      marked_at = SumBits'(u_dut.gen_ring.read_q) + SumBits'(ahead_q);
      if (marked_at >= SumBits'(Depth)) marked_at = marked_at - SumBits'(Depth);

      if (rst_ni) begin
        ReadInRange_A : assert (SumBits'(u_dut.gen_ring.read_q) < SumBits'(Depth));
        WriteBehindRead_A : assert (SumBits'(u_dut.gen_ring.write_q) == write_at);
        if (marked_q) begin
          MarkedInRing_A :
          assert (u_dut.gen_ring.mem_q[marked_at[$clog2(Depth)-1:0]] == data_q);
        end
      end
    end
  end

  // Reachability: the proof is not empty.
  always_comb begin
    if (rst_ni) begin
      FullBehindMark_C : cover (inside_q == (CountBits + 1)'(Depth) && marked_q && ahead_q == '0);
      MarkLeaves_C : cover (marked_q && ahead_q == '0 && pop && inside_q == 1);
    end
  end

endmodule
