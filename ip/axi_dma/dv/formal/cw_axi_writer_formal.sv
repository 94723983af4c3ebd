// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Proof harness of cw_axi_writer: any commands, any stalls, aborts and clears, any subordinate
/// that answers what it was sent. AW and W stay until they are taken, AW stays in its 4 KiB, no
/// more than MaxOutstanding bursts are out, W never runs ahead of AW, an aborted beat writes
/// nothing, and idle means idle.
module cw_axi_writer_formal #(
  parameter int unsigned AddrBits = 13,
  parameter int unsigned DataBits = 32,
  parameter int unsigned MaxBurstBeats = 4,
  parameter int unsigned MaxOutstanding = 2,
  localparam int unsigned BeatBytes = DataBits / 8
) (
  input logic                 clk_i,
  input logic                 rst_ni,
  input logic                 clear_i,
  input logic                 abort_i,
  input logic                 cmd_valid_i,
  input logic [AddrBits-1:0]  cmd_addr_i,
  input logic [31:0]          cmd_bytes_i,
  input logic [DataBits-1:0]  s_axis_tdata,
  input logic [BeatBytes-1:0] s_axis_tkeep,
  input logic                 s_axis_tlast,
  input logic                 s_axis_tvalid,
  input logic                 m_axi_awready,
  input logic                 m_axi_wready,
  input logic [1:0]           m_axi_bresp,
  input logic                 m_axi_bvalid
);

  logic idle, error, cmd_ready, tready, awid, awvalid, awlock, wlast, wvalid, bready;
  logic [1:0] error_resp, awburst;
  logic [AddrBits-1:0] awaddr;
  logic [7:0] awlen;
  logic [2:0] awsize, awprot;
  logic [3:0] awcache, awqos;
  logic [DataBits-1:0] wdata;
  logic [BeatBytes-1:0] wstrb;

  cw_axi_writer #(
    .AddrBits(AddrBits),
    .DataBits(DataBits),
    .IdBits(1),
    .MaxBurstBeats(MaxBurstBeats),
    .MaxOutstanding(MaxOutstanding)
  ) u_dut (
    .clk_i,
    .rst_ni,
    .clear_i,
    .abort_i,
    .idle_o(idle),
    .error_o(error),
    .error_resp_o(error_resp),
    .cmd_valid_i,
    .cmd_ready_o(cmd_ready),
    .cmd_addr_i,
    .cmd_bytes_i,
    .s_axis_tdata,
    .s_axis_tkeep,
    .s_axis_tlast,
    .s_axis_tvalid,
    .s_axis_tready(tready),
    .m_axi_awid(awid),
    .m_axi_awaddr(awaddr),
    .m_axi_awlen(awlen),
    .m_axi_awsize(awsize),
    .m_axi_awburst(awburst),
    .m_axi_awlock(awlock),
    .m_axi_awcache(awcache),
    .m_axi_awprot(awprot),
    .m_axi_awqos(awqos),
    .m_axi_awvalid(awvalid),
    .m_axi_awready,
    .m_axi_wdata(wdata),
    .m_axi_wstrb(wstrb),
    .m_axi_wlast(wlast),
    .m_axi_wvalid(wvalid),
    .m_axi_wready,
    .m_axi_bid(1'b0),
    .m_axi_bresp,
    .m_axi_bvalid,
    .m_axi_bready(bready)
  );

  localparam int unsigned Bits = $clog2(MaxOutstanding + 1) + 2;
  typedef logic [Bits-1:0] count_t;

  logic running_q = 1'b0;
  count_t aw_owed_q = '0;         // bursts whose AW was taken, not answered
  count_t w_owed_q = '0;          // bursts whose last W was taken, not answered
  logic draining_q = 1'b0;        // an abort has not ended
  logic drained_q = 1'b0;         // all beats that could be inside at the abort have left
  logic aw_held_q = 1'b0;
  logic [AddrBits+7:0] aw_q;
  logic w_held_q = 1'b0;
  logic [DataBits+BeatBytes:0] w_q;
  logic error_due_q = 1'b0;

  logic aw_taken, w_taken, b_taken;
  assign aw_taken = awvalid && m_axi_awready;
  assign w_taken = wvalid && m_axi_wready;
  assign b_taken = m_axi_bvalid && bready;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    aw_held_q <= rst_ni && awvalid && !m_axi_awready;
    aw_q <= {awaddr, awlen};
    w_held_q <= rst_ni && wvalid && !m_axi_wready;
    w_q <= {wdata, wstrb, wlast};
    error_due_q <= rst_ni && b_taken && m_axi_bresp != 2'b00;
    if (rst_ni) begin
      aw_owed_q <= aw_owed_q + count_t'(aw_taken) - count_t'(b_taken);
      w_owed_q <= w_owed_q + count_t'(w_taken && wlast) - count_t'(b_taken);
      draining_q <= abort_i || (draining_q && !idle);
      // Beats leave in order: with none inside, all that follow are the abort's.
      drained_q <= (abort_i || draining_q) && (drained_q || !wvalid);
    end
  end

  logic [AddrBits:0] aw_end;
  assign aw_end = (AddrBits + 1)'(awaddr) + (AddrBits + 1)'(
                  ((AddrBits + 1)'(awlen) + 1'b1) * (AddrBits + 1)'(BeatBytes));

  always_comb begin
    // Reset in the first cycle, and never again.
    assume (rst_ni == running_q);
    // The caller's part.
    assume (cmd_bytes_i != '0);
    assume (64'(cmd_addr_i) + 64'(cmd_bytes_i) <= 64'd1 << AddrBits);
    assume (!rst_ni || !clear_i || idle);
    // The subordinate's part.
    assume (!m_axi_bvalid || (aw_owed_q != '0 && w_owed_q != '0));

    if (rst_ni) begin
      if (aw_held_q) begin
        AwStays_A : assert (awvalid);
        AwStable_A : assert ({awaddr, awlen} == aw_q);
      end
      if (awvalid) begin
        AwInPage_A : assert ((aw_end - 1'b1) >> 12 == (AddrBits + 1)'(awaddr) >> 12);
        AwNotTooLong_A : assert (32'(awlen) < MaxBurstBeats);
        AwAligned_A : assert (awaddr[$clog2(BeatBytes)-1:0] == '0);
        AwIncrFullWidth_A : assert (awburst == 2'b01 && (8'd1 << awsize) == 8'(BeatBytes));
      end
      if (w_held_q) begin
        WStays_A : assert (wvalid);
        WStable_A : assert ({wdata, wstrb, wlast} == w_q);
      end
      OutstandingBounded_A : assert (32'(aw_owed_q) + 32'(awvalid) <= MaxOutstanding);
      WBehindAw_A : assert (w_owed_q + count_t'(wvalid) <= aw_owed_q + count_t'(awvalid));
      AbortTakesNothing_A : assert (!(abort_i || draining_q) || !(cmd_valid_i && cmd_ready));
      AbortWritesNothing_A : assert (!(drained_q && draining_q && wvalid) || wstrb == '0);
      IdleIsEmpty_A : assert (!idle || (aw_owed_q == '0 && w_owed_q == '0 && !awvalid && !wvalid));
      ErrorReported_A : assert (error == error_due_q);
    end
  end

  // Inductive invariants: each burst is answered, has its last beat in the FIFO, or is due. The
  // packing of a beat is cw_axi_writer's: data, strobes, last.
  logic [DataBits+BeatBytes:0] oldest, newest;
  count_t lasts;
  assign oldest = u_dut.u_out.gen_ring.mem_q[u_dut.u_out.gen_ring.read_q];
  assign newest = u_dut.u_out.gen_ring.mem_q[!u_dut.u_out.gen_ring.write_q];
  assign lasts = count_t'(u_dut.w_count != '0 && newest[0]) +
                 count_t'(u_dut.w_count == 2'd2 && oldest[0]);
  always_comb begin
    if (rst_ni) begin
      BurstInBlock_A :
      assert (!u_dut.u_split.active_q || u_dut.u_split.index <= u_dut.u_split.end_index);
      CountBounded_A : assert (u_dut.w_count <= 2'd2);
      RingConsistent_A :
      assert (u_dut.u_out.gen_ring.write_q == (u_dut.u_out.gen_ring.read_q ^ u_dut.w_count[0]));
      CountIsAw_A : assert (32'(u_dut.outstanding_q) == 32'(aw_owed_q) + 32'(awvalid));
      CountIsW_A :
      assert (32'(u_dut.outstanding_q) == 32'(w_owed_q) + 32'(u_dut.info_count) + 32'(lasts));
      InfoBounded_A : assert (32'(u_dut.info_count) <= MaxOutstanding);
      InfoRingConsistent_A :
      assert (u_dut.u_info.gen_ring.write_q ==
              u_dut.u_info.gen_ring.read_q + $clog2(MaxOutstanding)'(u_dut.info_count));
      BeatInBurst_A : assert (u_dut.info_count == '0 || u_dut.beat_q <= u_dut.info.len);
      BurstBegunIsDue_A : assert (u_dut.beat_q == '0 || u_dut.info_count != '0);
      BeatBelongs_A : assert (u_dut.w_count == '0 || newest[0] || u_dut.beat_q != '0);
      DrainKnown_A : assert (u_dut.drain_q == draining_q);
      if (drained_q && draining_q) begin
        OldestEmpty_A : assert (u_dut.w_count == '0 || oldest[BeatBytes:1] == '0);
        NewestEmpty_A : assert (u_dut.w_count == '0 || newest[BeatBytes:1] == '0);
      end
    end
  end

  // Reachability: the proof is not empty.
  always_comb begin
    if (rst_ni) begin
      AllOutstanding_C : cover (32'(aw_owed_q) == MaxOutstanding && wvalid && !m_axi_wready);
      AbortEnds_C : cover (drained_q && idle && !abort_i && draining_q);
    end
  end

endmodule
