// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// First-word fall-through AXI-Stream FIFO on inferred distributed RAM, any Depth from 1. Latency
/// one cycle, full throughput. s_axis_tready means "not full" and depends on no input but clear_i,
/// except with Depth 1, where it also passes m_axis_tready through to keep full throughput.
/// clear_i empties the FIFO at the clock edge; no beat moves on either side in a cycle with
/// clear_i, so m_axis_tvalid falls without a handshake: the consumer has to expect that.
/// m_axis_tdata is an asynchronous read of the storage: put a cw_axis_skid behind it to register
/// it.
module cw_axis_fifo #(
  parameter int unsigned Width = 8,
  parameter int unsigned Depth = 4,
  localparam int unsigned CountBits = $clog2(Depth + 1)
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 clear_i,
  input  logic [Width-1:0]     s_axis_tdata,
  input  logic                 s_axis_tvalid,
  output logic                 s_axis_tready,
  output logic [Width-1:0]     m_axis_tdata,
  output logic                 m_axis_tvalid,
  input  logic                 m_axis_tready,
  output logic [CountBits-1:0] count_o
);

  logic [CountBits-1:0] count_q;
  logic push, pop;

  assign push = s_axis_tvalid && s_axis_tready;
  assign pop = m_axis_tvalid && m_axis_tready;
  assign m_axis_tvalid = count_q != '0 && !clear_i;
  assign count_o = count_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= '0;
    end else if (clear_i) begin
      count_q <= '0;
    end else if (push != pop) begin
      count_q <= push ? count_q + CountBits'(1) : count_q - CountBits'(1);
    end
  end

  if (Depth == 1) begin : gen_single
    logic [Width-1:0] data_q;

    assign s_axis_tready = (count_q == '0 || m_axis_tready) && !clear_i;
    assign m_axis_tdata = data_q;

    always_ff @(posedge clk_i) begin
      if (push) data_q <= s_axis_tdata;
    end
  end else begin : gen_ring
    localparam int unsigned PointerBits = $clog2(Depth);
    localparam logic [PointerBits-1:0] LastSlot = PointerBits'(Depth - 1);

    logic [Width-1:0] mem_q[Depth];
    logic [PointerBits-1:0] write_q, read_q;

    assign s_axis_tready = count_q != CountBits'(Depth) && !clear_i;
    assign m_axis_tdata = mem_q[read_q];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        write_q <= '0;
        read_q <= '0;
      end else if (clear_i) begin
        write_q <= '0;
        read_q <= '0;
      end else begin
        if (push) write_q <= write_q == LastSlot ? '0 : write_q + PointerBits'(1);
        if (pop) read_q <= read_q == LastSlot ? '0 : read_q + PointerBits'(1);
      end
    end

    // Storage has no reset, so that it can be distributed RAM.
    always_ff @(posedge clk_i) begin
      if (push) mem_q[write_q] <= s_axis_tdata;
    end
  end

`ifndef SYNTHESIS
  // Assertions sample the asynchronous reset, and only they do.
  // verilator lint_off SYNCASYNCNET
  initial begin
    WidthLegal_A : assert (Width >= 1)
    else $fatal(1, "cw_axis_fifo: Width must be at least 1");
    DepthLegal_A : assert (Depth >= 1)
    else $fatal(1, "cw_axis_fifo: Depth must be at least 1");
  end

  NoOverflow_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni) count_q <= CountBits'(Depth));
  ValidStays_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid || clear_i);
  PayloadStable_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   m_axis_tvalid && !m_axis_tready |=> clear_i || $stable(m_axis_tdata));
  // verilator lint_on SYNCASYNCNET
`endif

endmodule
