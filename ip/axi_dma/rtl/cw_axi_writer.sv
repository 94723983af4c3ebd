// Copyright corewright contributors
// SPDX-License-Identifier: Apache-2.0

/// AXI4 write mover: stores one packet of address-aligned beats per command.
///
/// A command is (byte address, byte count); its packet holds one beat for every full-width beat
/// that the range touches, bytes at their lanes of the address, s_axis_tkeep as the byte strobes,
/// tlast on the last. It does not shift data: see cw_axis_gearbox, whose toffset aligns a packet.
/// Throughput: 1 W beat a cycle back to back across bursts and commands, and a command every second
/// cycle, while fewer than MaxOutstanding bursts await their response. Bursts are INCR, full width,
/// at most MaxBurstBeats beats and never across 4 KiB, see cw_axi_burst_split; W follows the order
/// of AW, may be accepted before its AW but is never valid before it. Latency: 2 cycles from command
/// to AW, 1 cycle from s_axis to W. No AXI input reaches an AXI output combinationally; bready is
/// constant.
/// A response other than OKAY gives an error_o pulse one cycle after it; later bursts still go out.
/// abort_i (hold it until idle_o and the stream's source is stopped): takes no command, issues no
/// new AW (a pending one stays), completes what was issued with beats of strobe 0, swallows the
/// stream and waits for all responses; a pulse suffices to start that. clear_i takes no
/// command either, and may be asserted only while idle_o, when nothing is left to be cleared.
/// error_resp_o means something beside error_o only.
/// Does not check address windows, and trusts tkeep: that is the caller's.
module cw_axi_writer #(
  parameter  int unsigned AddrBits       = 40,
  parameter  int unsigned DataBits       = 64,
  parameter  int unsigned IdBits         = 1,
  parameter  int unsigned MaxBurstBeats  = 64,
  parameter  int unsigned MaxOutstanding = 8,
  localparam int unsigned BeatBytes      = DataBits / 8
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 clear_i,
  input  logic                 abort_i,
  output logic                 idle_o,
  output logic                 error_o,
  output logic [1:0]           error_resp_o,

  input  logic                 cmd_valid_i,
  output logic                 cmd_ready_o,
  input  logic [AddrBits-1:0]  cmd_addr_i,
  input  logic [31:0]          cmd_bytes_i,

  input  logic [DataBits-1:0]  s_axis_tdata,
  input  logic [BeatBytes-1:0] s_axis_tkeep,
  input  logic                 s_axis_tlast,
  input  logic                 s_axis_tvalid,
  output logic                 s_axis_tready,

  output logic [IdBits-1:0]    m_axi_awid,
  output logic [AddrBits-1:0]  m_axi_awaddr,
  output logic [7:0]           m_axi_awlen,
  output logic [2:0]           m_axi_awsize,
  output logic [1:0]           m_axi_awburst,
  output logic                 m_axi_awlock,
  output logic [3:0]           m_axi_awcache,
  output logic [2:0]           m_axi_awprot,
  output logic [3:0]           m_axi_awqos,
  output logic                 m_axi_awvalid,
  input  logic                 m_axi_awready,

  output logic [DataBits-1:0]  m_axi_wdata,
  output logic [BeatBytes-1:0] m_axi_wstrb,
  output logic                 m_axi_wlast,
  output logic                 m_axi_wvalid,
  input  logic                 m_axi_wready,

  input  logic [IdBits-1:0]    m_axi_bid,
  input  logic [1:0]           m_axi_bresp,
  input  logic                 m_axi_bvalid,
  output logic                 m_axi_bready
);

  localparam int unsigned OffsetBits = $clog2(BeatBytes);
  localparam int unsigned CountBits  = $clog2(MaxOutstanding + 1);

  typedef struct packed {
    logic       last;  // holds the command's last beat
    logic [7:0] len;   // beats - 1
  } burst_t;

  typedef struct packed {
    logic [DataBits-1:0]  data;
    logic [BeatBytes-1:0] strb;
    logic                 last;
  } beat_t;

  if (MaxOutstanding < 1) begin : gen_bad_outstanding
    $error("cw_axi_writer: MaxOutstanding must be at least 1");
  end

  logic drain, drain_q, stop;
  assign drain = abort_i || drain_q;
  assign stop  = drain || clear_i;

  // ------------------------------------------------------------------ command to AW
  logic                  split_busy, burst_valid, burst_ready;
  logic [AddrBits-1:0]   burst_addr;
  burst_t                burst;
  logic                  unused_first;
  logic [OffsetBits-1:0] unused_offset;
  logic [OffsetBits:0]   unused_last_bytes;

  cw_axi_burst_split #(
    .AddrBits      (AddrBits),
    .BeatBytes     (BeatBytes),
    .MaxBurstBeats (MaxBurstBeats)
  ) u_split (
    .clk_i,
    .rst_ni,
    .stop_i             (stop),
    .busy_o             (split_busy),
    .cmd_valid_i,
    .cmd_ready_o,
    .cmd_addr_i,
    .cmd_bytes_i,
    .burst_valid_o      (burst_valid),
    .burst_ready_i      (burst_ready),
    .burst_addr_o       (burst_addr),
    .burst_len_o        (burst.len),
    .burst_first_o      (unused_first),
    .burst_last_o       (burst.last),
    .burst_offset_o     (unused_offset),
    .burst_last_bytes_o (unused_last_bytes)
  );

  logic                 info_ready, issue;
  logic                 aw_valid_q;
  logic [AddrBits-1:0]  aw_addr_q;
  logic [7:0]           aw_len_q;
  logic [CountBits-1:0] outstanding_q;
  logic                 b_done;

  assign b_done      = m_axi_bvalid && m_axi_bready;
  assign burst_ready = (!aw_valid_q || m_axi_awready) &&
                       outstanding_q != CountBits'(MaxOutstanding);
  assign issue       = burst_valid && burst_ready;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      aw_valid_q    <= 1'b0;
      outstanding_q <= '0;
    end else begin
      aw_valid_q <= issue || (aw_valid_q && !m_axi_awready);
      if (issue && !b_done)      outstanding_q <= outstanding_q + CountBits'(1);
      else if (!issue && b_done) outstanding_q <= outstanding_q - CountBits'(1);
    end
  end
  always_ff @(posedge clk_i) begin
    if (issue) begin
      aw_addr_q <= burst_addr;
      aw_len_q  <= burst.len;
    end
  end

  assign m_axi_awid    = '0;
  assign m_axi_awaddr  = aw_addr_q;
  assign m_axi_awlen   = aw_len_q;
  assign m_axi_awsize  = 3'(OffsetBits);
  assign m_axi_awburst = 2'b01;    // INCR
  assign m_axi_awlock  = 1'b0;
  assign m_axi_awcache = 4'b0011;  // normal, non-cacheable, bufferable
  assign m_axi_awprot  = 3'b000;
  assign m_axi_awqos   = 4'b0000;
  assign m_axi_awvalid = aw_valid_q;

  // ------------------------------------------------------------------ bursts whose W is due
  // Filled together with AW: W is then never valid before its AW, and never waits for AWREADY,
  // which AXI forbids. Each burst in it owes its response, so there is room.
  burst_t               info;
  logic                 info_valid, info_pop;
  logic [CountBits-1:0] info_count;

  cw_axis_fifo #(
    .Width ($bits(burst_t)),
    .Depth (MaxOutstanding)
  ) u_info (
    .clk_i,
    .rst_ni,
    .clear_i       (1'b0),
    .s_axis_tdata  (burst),
    .s_axis_tvalid (issue),
    .s_axis_tready (info_ready),
    .m_axis_tdata  (info),
    .m_axis_tvalid (info_valid),
    .m_axis_tready (info_pop),
    .count_o       (info_count)
  );

  // ------------------------------------------------------------------ stream to W
  logic       w_push, w_ready;
  logic [7:0] beat_q;
  beat_t      w_in, w_head;
  logic [1:0] w_count;

  assign w_in.data = s_axis_tdata;
  assign w_in.strb = drain ? '0 : s_axis_tkeep;
  assign w_in.last = beat_q == info.len;
  assign w_push    = info_valid && w_ready && (drain || s_axis_tvalid);
  assign info_pop  = w_push && w_in.last;

  assign s_axis_tready = drain || (info_valid && w_ready);

  // Two entries: a skid that registers both directions at full throughput.
  cw_axis_fifo #(
    .Width ($bits(beat_t)),
    .Depth (2)
  ) u_out (
    .clk_i,
    .rst_ni,
    .clear_i       (1'b0),
    .s_axis_tdata  (w_in),
    .s_axis_tvalid (w_push),
    .s_axis_tready (w_ready),
    .m_axis_tdata  (w_head),
    .m_axis_tvalid (m_axi_wvalid),
    .m_axis_tready (m_axi_wready),
    .count_o       (w_count)
  );

  assign m_axi_wdata  = w_head.data;
  assign m_axi_wstrb  = w_head.strb;
  assign m_axi_wlast  = w_head.last;
  assign m_axi_bready = 1'b1;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      beat_q  <= '0;
      drain_q <= 1'b0;
      error_o <= 1'b0;
    end else begin
      if (w_push) beat_q <= w_in.last ? '0 : beat_q + 8'd1;
      drain_q <= abort_i || (drain_q && !idle_o);
      error_o <= b_done && m_axi_bresp != 2'b00;
    end
  end
  always_ff @(posedge clk_i) if (b_done) error_resp_o <= m_axi_bresp;

  // AW and W pending are covered by the responses still owed.
  assign idle_o = !split_busy && outstanding_q == '0;

  logic unused;
  assign unused = ^{1'b0, m_axi_bid, s_axis_tlast, info.last, info_count, w_count, unused_first,
                    unused_offset, unused_last_bytes};

`ifndef SYNTHESIS
  // A name of its own: rst_ni itself in `disable iff` counts as a synchronous use of the reset.
  logic in_reset;
  assign in_reset = !rst_ni;

  InfoRoom_A : assert property (@(posedge clk_i) disable iff (in_reset) issue |-> info_ready)
    else $error("a burst without an entry for its W");

  AwStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    m_axi_awvalid && !m_axi_awready |=>
      m_axi_awvalid && $stable(m_axi_awaddr) && $stable(m_axi_awlen))
    else $error("AW changed before it was accepted");

  WStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    m_axi_wvalid && !m_axi_wready |=>
      m_axi_wvalid && $stable(m_axi_wdata) && $stable(m_axi_wstrb) && $stable(m_axi_wlast))
    else $error("W changed before it was accepted");

  logic [16:0] aw_end;
  assign aw_end = 17'(m_axi_awaddr[11:0]) + ((17'(m_axi_awlen) + 17'd1) << OffsetBits);
  AwInsidePage_A : assert property (@(posedge clk_i) disable iff (in_reset)
    m_axi_awvalid |-> aw_end <= 17'd4096)
    else $error("AW crosses 4 KiB");

  OutstandingBounded_A : assert property (@(posedge clk_i) disable iff (in_reset)
    32'(outstanding_q) <= MaxOutstanding && info_count <= outstanding_q)
    else $error("too many outstanding bursts");

  IdleIsEmpty_A : assert property (@(posedge clk_i) disable iff (in_reset)
    idle_o |-> !m_axi_awvalid && !m_axi_wvalid && w_count == '0 && info_count == '0)
    else $error("idle with something left inside");

  TlastMatchesCommand_A : assert property (@(posedge clk_i) disable iff (in_reset)
    s_axis_tvalid && s_axis_tready && !drain |-> s_axis_tlast == (info.last && w_in.last))
    else $error("tlast disagrees with the command's length");

  ClearOnlyWhenIdle_A : assert property (@(posedge clk_i) disable iff (in_reset)
    clear_i |-> idle_o)
    else $error("clear_i while busy");

  // The subordinate's part of the contract.
  ResponseSolicited_A : assert property (@(posedge clk_i) disable iff (in_reset)
    m_axi_bvalid |-> outstanding_q != '0 && m_axi_bid == '0)
    else $error("a write response that nobody is owed");
`endif

endmodule
