// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Rules that an AXI4 write manager must keep; assertions only.
///
/// Stable requests and data, INCR bursts of the full width, no crossing of 4 KiB, at most MaxBurst
/// beats, wlast on the beat that the burst's length says, requests inside the window
/// [window_base_i, + window_bytes_i) rounded up to whole beats, and nothing while quiet_i.
/// Needs a memory that takes data only behind its address, as cw_bench_memory_write does.
module cw_axi_write_checker #(
  parameter int unsigned AddrBits = 40,
  parameter int unsigned DataBits = 64,
  parameter int unsigned MaxBurst = 64,
  parameter int unsigned QueueDepth = 64  // a power of two, no less than the memory's
) (
  input logic                  clk_i,
  input logic                  rst_ni,
  input logic [63:0]           window_base_i,
  input logic [63:0]           window_bytes_i,
  input logic                  quiet_i,  // the accelerator has no run
  input logic [0:0]            awid,
  input logic [AddrBits-1:0]   awaddr,
  input logic [7:0]            awlen,
  input logic [2:0]            awsize,
  input logic [1:0]            awburst,
  input logic                  awlock,
  input logic [3:0]            awcache,
  input logic [2:0]            awprot,
  input logic [3:0]            awqos,
  input logic                  awvalid,
  input logic                  awready,
  input logic [DataBits-1:0]   wdata,
  input logic [DataBits/8-1:0] wstrb,
  input logic                  wlast,
  input logic                  wvalid,
  input logic                  wready
);

  localparam int unsigned Bytes = DataBits / 8;
  localparam int unsigned PointerBits = $clog2(QueueDepth);

  logic in_reset;
  logic [63:0] first, last;
  assign in_reset = !rst_ni;
  assign first = 64'(awaddr) & ~64'(Bytes - 1);
  assign last  = first + (64'(awlen) + 64'd1) * 64'(Bytes) - 64'd1;

  // Lengths of the bursts whose data has not come yet.
  logic [7:0] len_q [QueueDepth];
  logic [PointerBits-1:0] head_q, tail_q;
  logic [7:0] beat_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_q <= '0;
      tail_q <= '0;
      beat_q <= '0;
    end else begin
      if (awvalid && awready) begin
        len_q[tail_q] <= awlen;
        tail_q        <= tail_q + 1'b1;
      end
      if (wvalid && wready) begin
        beat_q <= wlast ? 8'd0 : beat_q + 8'd1;
        if (wlast) head_q <= head_q + 1'b1;
      end
    end
  end

  WriteRequestStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    awvalid && !awready |=> awvalid &&
      $stable({awid, awaddr, awlen, awsize, awburst, awlock, awcache, awprot, awqos}))
    else $error("AW changed before it was accepted");

  WriteDataStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    wvalid && !wready |=> wvalid && $stable({wdata, wstrb, wlast}))
    else $error("W changed before it was accepted");

  WriteBurstIsFullWidthIncr_A : assert property (@(posedge clk_i) disable iff (in_reset)
    awvalid |-> awburst == 2'b01 && awsize == 3'($clog2(Bytes)) && !awlock)
    else $error("burst=%0d size=%0d lock=%0d", awburst, awsize, awlock);

  WriteBurstInsideOnePage_A : assert property (@(posedge clk_i) disable iff (in_reset)
    awvalid |-> first[63:12] == last[63:12])
    else $error("write burst %h to %h crosses 4 KiB", first, last);

  WriteBurstLength_A : assert property (@(posedge clk_i) disable iff (in_reset)
    awvalid |-> 32'(awlen) < MaxBurst)
    else $error("write burst of %0d beats, at most %0d", 32'(awlen) + 1, MaxBurst);

  WriteLastAgreesWithLength_A : assert property (@(posedge clk_i) disable iff (in_reset)
    wvalid && wready |-> head_q != tail_q && wlast == (beat_q == len_q[head_q]))
    else $error("wlast=%0d in beat %0d of a burst of %0d", wlast, beat_q, len_q[head_q] + 8'd1);

  WriteInsideWindow_A : assert property (@(posedge clk_i) disable iff (in_reset)
    awvalid |-> 64'(awaddr) >= window_base_i && 64'(awaddr) < window_base_i + window_bytes_i &&
      last < ((window_base_i + window_bytes_i + 64'(Bytes - 1)) & ~64'(Bytes - 1)))
    else $error("write %h to %h outside window %h + %h", awaddr, last, window_base_i,
                window_bytes_i);

  NoWriteWithoutRun_A : assert property (@(posedge clk_i) disable iff (in_reset)
    quiet_i |-> !awvalid && !wvalid)
    else $error("write to %h before the start or behind the interrupt", awaddr);

endmodule
