// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Rules that an AXI4 read manager must keep; assertions only.
///
/// Stable requests, INCR bursts of the full width, no crossing of 4 KiB, at most MaxBurst beats,
/// nothing outside the window [window_base_i, + window_bytes_i) rounded up to whole beats and
/// another one like it (of 0 bytes: there is none), and no request while quiet_i.
module cw_axi_read_checker #(
  parameter int unsigned AddrBits = 40,
  parameter int unsigned DataBits = 64,
  parameter int unsigned MaxBurst = 64
) (
  input logic                clk_i,
  input logic                rst_ni,
  input logic [63:0]         window_base_i,
  input logic [63:0]         window_bytes_i,
  input logic [63:0]         other_base_i,
  input logic [63:0]         other_bytes_i,
  input logic                quiet_i,  // the accelerator has no run
  input logic [0:0]          arid,
  input logic [AddrBits-1:0] araddr,
  input logic [7:0]          arlen,
  input logic [2:0]          arsize,
  input logic [1:0]          arburst,
  input logic                arlock,
  input logic [3:0]          arcache,
  input logic [2:0]          arprot,
  input logic [3:0]          arqos,
  input logic                arvalid,
  input logic                arready
);

  localparam int unsigned Bytes = DataBits / 8;

  logic in_reset, in_window, in_other;
  logic [63:0] first, last;
  assign in_reset = !rst_ni;
  assign first = 64'(araddr) & ~64'(Bytes - 1);
  assign last  = first + (64'(arlen) + 64'd1) * 64'(Bytes) - 64'd1;

  // Whether bytes [from, to] begin in a window and end with its last beat.
  function automatic logic is_inside(input logic [63:0] from, input logic [63:0] to,
                                     input logic [63:0] base, input logic [63:0] bytes);
    return from >= base && from < base + bytes &&
        to < ((base + bytes + 64'(Bytes - 1)) & ~64'(Bytes - 1));
  endfunction
  assign in_window = is_inside(64'(araddr), last, window_base_i, window_bytes_i);
  assign in_other  = is_inside(64'(araddr), last, other_base_i, other_bytes_i);

  ReadRequestStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    arvalid && !arready |=> arvalid &&
      $stable({arid, araddr, arlen, arsize, arburst, arlock, arcache, arprot, arqos}))
    else $error("AR changed before it was accepted");

  ReadBurstIsFullWidthIncr_A : assert property (@(posedge clk_i) disable iff (in_reset)
    arvalid |-> arburst == 2'b01 && arsize == 3'($clog2(Bytes)) && !arlock)
    else $error("burst=%0d size=%0d lock=%0d", arburst, arsize, arlock);

  ReadBurstInsideOnePage_A : assert property (@(posedge clk_i) disable iff (in_reset)
    arvalid |-> first[63:12] == last[63:12])
    else $error("read burst %h to %h crosses 4 KiB", first, last);

  ReadBurstLength_A : assert property (@(posedge clk_i) disable iff (in_reset)
    arvalid |-> 32'(arlen) < MaxBurst)
    else $error("read burst of %0d beats, at most %0d", 32'(arlen) + 1, MaxBurst);

  ReadInsideWindow_A : assert property (@(posedge clk_i) disable iff (in_reset)
    arvalid |-> in_window || in_other)
    else $error("read %h to %h outside window %h + %h and %h + %h", araddr, last, window_base_i,
                window_bytes_i, other_base_i, other_bytes_i);

  NoReadWithoutRun_A : assert property (@(posedge clk_i) disable iff (in_reset)
    quiet_i |-> !arvalid)
    else $error("read of %h before the start or behind the interrupt", araddr);

endmodule
