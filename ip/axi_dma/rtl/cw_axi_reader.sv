// Copyright corewright contributors
// SPDX-License-Identifier: Apache-2.0

/// AXI4 read mover: turns commands (byte address, byte count) into a packet of bytes each.
///
/// Per command it gives one packet on m_axis: the first beat is shifted down so that the bytes
/// start at lane 0, every beat carries `tbytes` (>= 1) valid bytes from lane 0 up, the last beat
/// has tlast. Beats are not merged across the shift: see cw_axis_gearbox for repacking.
/// Throughput: 1 beat a cycle, also across bursts and across commands, and a command every second
/// cycle; AR runs ahead of the data by up to MaxOutstanding bursts, over as many commands as that
/// spans. Bursts are INCR, full width, aligned down at the start, at most MaxBurstBeats beats and
/// never across 4 KiB, see cw_axi_burst_split.
/// Latency: 2 cycles from command to AR, 1 cycle from R to m_axis. No R beat is ever dropped;
/// rready comes from a register, no AXI input reaches an AXI output combinationally.
/// A response other than OKAY gives an error_o pulse one cycle after the beat; the packet goes on
/// with undefined data and keeps its length. All bursts use ID 0, so the subordinate keeps order.
/// abort_i (hold it until idle_o): takes no command, issues no new AR (a pending one stays), hides
/// the stream and swallows what is outstanding; a pulse suffices to start that. clear_i takes no
/// command either, and may be asserted only while idle_o, when nothing is left to be cleared.
/// error_resp_o means something beside error_o only.
/// Addresses and byte counts of commands are multiples of UnitBytes, a power of two up to a beat: so
/// beats are shifted by whole units, or not at all. Does not check address windows: that is the
/// caller's.
module cw_axi_reader #(
  parameter  int unsigned AddrBits       = 40,
  parameter  int unsigned DataBits       = 64,
  parameter  int unsigned IdBits         = 1,
  parameter  int unsigned MaxBurstBeats  = 64,
  parameter  int unsigned MaxOutstanding = 8,
  parameter  int unsigned UnitBytes      = 1,
  localparam int unsigned BeatBytes      = DataBits / 8,
  localparam int unsigned TBytesBits     = $clog2(BeatBytes + 1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  clear_i,
  input  logic                  abort_i,
  output logic                  idle_o,
  output logic                  error_o,
  output logic [1:0]            error_resp_o,

  input  logic                  cmd_valid_i,
  output logic                  cmd_ready_o,
  input  logic [AddrBits-1:0]   cmd_addr_i,
  input  logic [31:0]           cmd_bytes_i,

  output logic [IdBits-1:0]     m_axi_arid,
  output logic [AddrBits-1:0]   m_axi_araddr,
  output logic [7:0]            m_axi_arlen,
  output logic [2:0]            m_axi_arsize,
  output logic [1:0]            m_axi_arburst,
  output logic                  m_axi_arlock,
  output logic [3:0]            m_axi_arcache,
  output logic [2:0]            m_axi_arprot,
  output logic [3:0]            m_axi_arqos,
  output logic                  m_axi_arvalid,
  input  logic                  m_axi_arready,

  input  logic [IdBits-1:0]     m_axi_rid,
  input  logic [DataBits-1:0]   m_axi_rdata,
  input  logic [1:0]            m_axi_rresp,
  input  logic                  m_axi_rlast,
  input  logic                  m_axi_rvalid,
  output logic                  m_axi_rready,

  output logic [DataBits-1:0]   m_axis_tdata,
  output logic [TBytesBits-1:0] m_axis_tbytes,
  output logic                  m_axis_tlast,
  output logic                  m_axis_tvalid,
  input  logic                  m_axis_tready
);

  localparam int unsigned OffsetBits = $clog2(BeatBytes);

  // What the data side has to know of each outstanding burst.
  typedef struct packed {
    logic                  first;       // holds the command's first beat
    logic                  last;        // holds the command's last beat
    logic [OffsetBits-1:0] offset;      // bytes to drop from the first beat
    logic [OffsetBits:0]   last_bytes;  // valid bytes of the last beat
  } burst_t;

  // What is said of a beat beside its data.
  typedef struct packed {
    logic [TBytesBits-1:0] bytes;
    logic                  last;
  } extent_t;

  if (UnitBytes < 1 || UnitBytes > BeatBytes || UnitBytes != 1 << $clog2(UnitBytes))
  begin : gen_bad_unit
    $error("cw_axi_reader: UnitBytes must be a power of two up to a beat");
  end
  if (MaxOutstanding < 1) begin : gen_bad_outstanding
    $error("cw_axi_reader: MaxOutstanding must be at least 1");
  end

  logic drain, drain_q, stop;
  assign drain = abort_i || drain_q;
  assign stop  = drain || clear_i;

  // ------------------------------------------------------------------ command to AR
  logic                split_busy, burst_valid, burst_ready;
  logic [AddrBits-1:0] burst_addr;
  logic [7:0]          burst_len;
  burst_t              burst;

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
    .cmd_addr_i         (cmd_addr_i & ~AddrBits'(UnitBytes - 1)),
    .cmd_bytes_i        (cmd_bytes_i & ~(UnitBytes - 1)),
    .burst_valid_o      (burst_valid),
    .burst_ready_i      (burst_ready),
    .burst_addr_o       (burst_addr),
    .burst_len_o        (burst_len),
    .burst_first_o      (burst.first),
    .burst_last_o       (burst.last),
    .burst_offset_o     (burst.offset),
    .burst_last_bytes_o (burst.last_bytes)
  );

  logic                info_ready, issue;
  logic                ar_valid_q;
  logic [AddrBits-1:0] ar_addr_q;
  logic [7:0]          ar_len_q;

  assign burst_ready = (!ar_valid_q || m_axi_arready) && info_ready;
  assign issue       = burst_valid && burst_ready;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ar_valid_q <= 1'b0;
    else ar_valid_q <= issue || (ar_valid_q && !m_axi_arready);
  end
  always_ff @(posedge clk_i) begin
    if (issue) begin
      ar_addr_q <= burst_addr;
      ar_len_q  <= burst_len;
    end
  end

  assign m_axi_arid    = '0;
  assign m_axi_araddr  = ar_addr_q;
  assign m_axi_arlen   = ar_len_q;
  assign m_axi_arsize  = 3'(OffsetBits);
  assign m_axi_arburst = 2'b01;    // INCR
  assign m_axi_arlock  = 1'b0;
  assign m_axi_arcache = 4'b0011;  // normal, non-cacheable, bufferable
  assign m_axi_arprot  = 3'b000;
  assign m_axi_arqos   = 4'b0000;
  assign m_axi_arvalid = ar_valid_q;

  // ------------------------------------------------------------------ outstanding bursts
  // An entry lives from the issue of AR to its last beat, so the depth is the outstanding limit.
  burst_t info;
  logic   info_valid, info_pop;

  localparam int unsigned InfoCountBits = $clog2(MaxOutstanding + 1);
  logic [InfoCountBits-1:0] info_count;

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

  // ------------------------------------------------------------------ R to stream
  logic       out_ready, r_beat;
  logic       burst_start_q;
  logic       first_beat, last_beat;
  extent_t    extent, head_q, behind_q;
  logic       out_valid, out_free;
  logic [1:0] out_count;
  logic [DataBits-1:0] data;

  assign m_axi_rready = info_valid && (out_ready || drain);
  assign r_beat       = m_axi_rvalid && m_axi_rready;
  assign info_pop     = r_beat && m_axi_rlast;
  assign first_beat   = info.first && burst_start_q;
  assign last_beat    = info.last && m_axi_rlast;

  always_comb begin
    data = m_axi_rdata;
    if (first_beat) data = m_axi_rdata >> {info.offset, 3'b000};
    extent.last = last_beat;
    if (last_beat) begin
      extent.bytes = info.last_bytes;
    end else if (first_beat) begin
      extent.bytes = TBytesBits'(BeatBytes) - TBytesBits'(info.offset);
    end else begin
      extent.bytes = TBytesBits'(BeatBytes);
    end
  end

  // Two entries: a skid that registers both directions at full throughput. Data stands in a memory;
  // what the stream's user computes with, as a gearbox does, in registers.
  cw_axis_fifo #(
    .Width (DataBits),
    .Depth (2)
  ) u_out (
    .clk_i,
    .rst_ni,
    .clear_i       (stop),
    .s_axis_tdata  (data),
    .s_axis_tvalid (r_beat),
    .s_axis_tready (out_ready),
    .m_axis_tdata,
    .m_axis_tvalid (out_valid),
    .m_axis_tready (m_axis_tready),
    .count_o       (out_count)
  );

  assign out_free      = out_count == '0 || (out_valid && m_axis_tready);
  always_ff @(posedge clk_i) begin
    if (out_free) head_q <= out_count[1] ? behind_q : extent;
    if (r_beat) behind_q <= extent;
  end

  assign m_axis_tbytes = head_q.bytes;
  assign m_axis_tlast  = head_q.last;
  assign m_axis_tvalid = out_valid && !drain;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      burst_start_q <= 1'b1;
      drain_q       <= 1'b0;
      error_o       <= 1'b0;
    end else begin
      if (r_beat) burst_start_q <= m_axi_rlast;
      drain_q <= abort_i || (drain_q && !idle_o);
      error_o <= r_beat && m_axi_rresp != 2'b00;
    end
  end
  always_ff @(posedge clk_i) if (r_beat) error_resp_o <= m_axi_rresp;

  assign idle_o = !split_busy && info_count == '0 && !ar_valid_q && out_count == '0;

  logic unused;
  assign unused = ^{1'b0, m_axi_rid};

`ifndef SYNTHESIS
  // A name of its own: rst_ni itself in `disable iff` counts as a synchronous use of the reset.
  logic in_reset;
  assign in_reset = !rst_ni;

  ArStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    m_axi_arvalid && !m_axi_arready |=>
      m_axi_arvalid && $stable(m_axi_araddr) && $stable(m_axi_arlen))
    else $error("AR changed before it was accepted");

  CommandOfUnits_A : assert property (@(posedge clk_i) disable iff (in_reset)
    cmd_valid_i |-> 32'(cmd_addr_i) % UnitBytes == 0 && cmd_bytes_i % UnitBytes == 0)
    else $error("a command that is not of whole units");

  logic [16:0] ar_end;
  assign ar_end = 17'(m_axi_araddr[11:0]) + ((17'(m_axi_arlen) + 17'd1) << OffsetBits);
  ArInsidePage_A : assert property (@(posedge clk_i) disable iff (in_reset)
    m_axi_arvalid |-> ar_end <= 17'd4096)
    else $error("AR crosses 4 KiB");

  OutstandingBounded_A : assert property (@(posedge clk_i) disable iff (in_reset)
    32'(info_count) <= MaxOutstanding)
    else $error("too many outstanding bursts");

  NoBeatLost_A : assert property (@(posedge clk_i) disable iff (in_reset)
    r_beat && !drain |-> out_ready)
    else $error("an R beat had no place");

  StreamStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    m_axis_tvalid && !m_axis_tready && !stop |=>
      drain || (m_axis_tvalid && $stable(m_axis_tdata) && $stable(m_axis_tbytes) &&
                $stable(m_axis_tlast)))
    else $error("the stream changed before it was accepted");

  StreamBeatNotEmpty_A : assert property (@(posedge clk_i) disable iff (in_reset)
    m_axis_tvalid |-> m_axis_tbytes != '0 && 32'(m_axis_tbytes) <= BeatBytes)
    else $error("a beat with no bytes or too many");

  ClearOnlyWhenIdle_A : assert property (@(posedge clk_i) disable iff (in_reset)
    clear_i |-> idle_o)
    else $error("clear_i while busy");

  // The subordinate's part of the contract.
  ReadDataSolicited_A : assert property (@(posedge clk_i) disable iff (in_reset)
    m_axi_rvalid |-> info_valid && m_axi_rid == '0)
    else $error("R data that nobody asked for");

  // Every packet holds exactly the bytes of its command.
  logic [31:0] want_bytes [$];
  logic [31:0] seen_bytes;
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      want_bytes.delete();
      seen_bytes <= '0;
    end else if (stop) begin
      want_bytes.delete();
      seen_bytes <= '0;
    end else begin
      if (cmd_valid_i && cmd_ready_o) want_bytes.push_back(cmd_bytes_i);
      if (m_axis_tvalid && m_axis_tready) begin
        TlastMatchesCommand_A :
        assert (want_bytes.size() != 0 &&
                m_axis_tlast == (seen_bytes + 32'(m_axis_tbytes) == want_bytes[0]) &&
                seen_bytes + 32'(m_axis_tbytes) <= want_bytes[0])
        else $error("tlast disagrees with the command's length");
        seen_bytes <= m_axis_tlast ? '0 : seen_bytes + 32'(m_axis_tbytes);
        if (m_axis_tlast) void'(want_bytes.pop_front());
      end
    end
  end
`endif

endmodule
