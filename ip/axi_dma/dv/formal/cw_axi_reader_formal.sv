// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Proof harness of cw_axi_reader: any commands, any stalls, aborts and clears, any subordinate
/// that sends no data unasked. AR and the stream stay until they are taken, AR stays in its 4 KiB,
/// no more than MaxOutstanding bursts are out, no beat is lost or made up, and idle means idle.
module cw_axi_reader_formal #(
  parameter int unsigned AddrBits = 13,
  parameter int unsigned DataBits = 32,
  parameter int unsigned MaxBurstBeats = 4,
  parameter int unsigned MaxOutstanding = 2,
  localparam int unsigned BeatBytes = DataBits / 8,
  localparam int unsigned TBytesBits = $clog2(BeatBytes + 1)
) (
  input logic                clk_i,
  input logic                rst_ni,
  input logic                clear_i,
  input logic                abort_i,
  input logic                cmd_valid_i,
  input logic [AddrBits-1:0] cmd_addr_i,
  input logic [31:0]         cmd_bytes_i,
  input logic                m_axi_arready,
  input logic [DataBits-1:0] m_axi_rdata,
  input logic [1:0]          m_axi_rresp,
  input logic                m_axi_rlast,
  input logic                m_axi_rvalid,
  input logic                m_axis_tready
);

  logic idle, error, cmd_ready, arid, arvalid, arlock, rready, tlast, tvalid;
  logic [1:0] error_resp, arburst;
  logic [AddrBits-1:0] araddr;
  logic [7:0] arlen;
  logic [2:0] arsize, arprot;
  logic [3:0] arcache, arqos;
  logic [DataBits-1:0] tdata;
  logic [TBytesBits-1:0] tbytes;

  cw_axi_reader #(
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
    .m_axi_arid(arid),
    .m_axi_araddr(araddr),
    .m_axi_arlen(arlen),
    .m_axi_arsize(arsize),
    .m_axi_arburst(arburst),
    .m_axi_arlock(arlock),
    .m_axi_arcache(arcache),
    .m_axi_arprot(arprot),
    .m_axi_arqos(arqos),
    .m_axi_arvalid(arvalid),
    .m_axi_arready,
    .m_axi_rid(1'b0),
    .m_axi_rdata,
    .m_axi_rresp,
    .m_axi_rlast,
    .m_axi_rvalid,
    .m_axi_rready(rready),
    .m_axis_tdata(tdata),
    .m_axis_tbytes(tbytes),
    .m_axis_tlast(tlast),
    .m_axis_tvalid(tvalid),
    .m_axis_tready(m_axis_tready)
  );

  localparam int unsigned Bits = $clog2(MaxOutstanding + 1) + 1;

  logic running_q = 1'b0;
  logic [Bits-1:0] owed_q = '0;   // bursts whose AR was taken and whose last beat is to come
  logic [2:0] beats_q = '0;       // beats taken from R that the stream has not given
  logic draining_q = 1'b0;        // an abort has not ended
  logic ar_held_q = 1'b0;
  logic [AddrBits+7:0] ar_q;
  logic stream_held_q = 1'b0;
  logic [DataBits+TBytesBits:0] stream_q;
  logic error_due_q = 1'b0;

  logic ar_taken, r_taken, stopped;
  assign ar_taken = arvalid && m_axi_arready;
  assign r_taken = m_axi_rvalid && rready;
  assign stopped = abort_i || draining_q || clear_i;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    ar_held_q <= rst_ni && arvalid && !m_axi_arready;
    ar_q <= {araddr, arlen};
    stream_held_q <= rst_ni && tvalid && !m_axis_tready;
    stream_q <= {tdata, tbytes, tlast};
    error_due_q <= rst_ni && r_taken && m_axi_rresp != 2'b00;
    if (rst_ni) begin
      owed_q <= owed_q + Bits'(ar_taken) - Bits'(r_taken && m_axi_rlast);
      beats_q <= stopped ? '0 : beats_q + 3'(r_taken) - 3'(tvalid && m_axis_tready);
      draining_q <= abort_i || (draining_q && !idle);
    end
  end

  logic [AddrBits:0] ar_end;
  assign ar_end = (AddrBits + 1)'(araddr) + (AddrBits + 1)'(
                  ((AddrBits + 1)'(arlen) + 1'b1) * (AddrBits + 1)'(BeatBytes));

  always_comb begin
    // Reset in the first cycle, and never again.
    assume (rst_ni == running_q);
    // The caller's part.
    assume (cmd_bytes_i != '0);
    assume (64'(cmd_addr_i) + 64'(cmd_bytes_i) <= 64'd1 << AddrBits);
    assume (!rst_ni || !clear_i || idle);
    // The subordinate's part; how many beats it sends is left open.
    assume (!m_axi_rvalid || owed_q != '0);

    if (rst_ni) begin
      if (ar_held_q) begin
        ArStays_A : assert (arvalid);
        ArStable_A : assert ({araddr, arlen} == ar_q);
      end
      if (arvalid) begin
        ArInPage_A : assert ((ar_end - 1'b1) >> 12 == (AddrBits + 1)'(araddr) >> 12);
        ArNotTooLong_A : assert (32'(arlen) < MaxBurstBeats);
        ArAligned_A : assert (araddr[$clog2(BeatBytes)-1:0] == '0);
        ArIncrFullWidth_A : assert (arburst == 2'b01 && (8'd1 << arsize) == 8'(BeatBytes));
      end
      OutstandingBounded_A : assert (32'(owed_q) + 32'(arvalid) <= MaxOutstanding);
      if (stream_held_q && !stopped) begin
        StreamStays_A : assert (tvalid);
        StreamStable_A : assert ({tdata, tbytes, tlast} == stream_q);
      end
      StreamHidden_A : assert (!tvalid || !(abort_i || draining_q));
      NoBeatLostOrMade_A : assert (beats_q == 3'(u_dut.out_count));
      AbortTakesNothing_A : assert (!(abort_i || draining_q) || !(cmd_valid_i && cmd_ready));
      IdleIsEmpty_A : assert (!idle || (owed_q == '0 && !arvalid && !tvalid));
      ErrorReported_A : assert (error == error_due_q);
    end
  end

  // Inductive invariants.
  always_comb begin
    if (rst_ni) begin
      BurstInBlock_A :
      assert (!u_dut.u_split.active_q || u_dut.u_split.index <= u_dut.u_split.end_index);
      InfoIsOwed_A : assert (32'(u_dut.info_count) == 32'(owed_q) + 32'(arvalid));
      DrainKnown_A : assert (u_dut.drain_q == draining_q);
      OutBounded_A : assert (beats_q <= 3'd2);
      RingConsistent_A :
      assert (u_dut.u_out.gen_ring.write_q == (u_dut.u_out.gen_ring.read_q ^ beats_q[0]));
    end
  end

  // Reachability: the proof is not empty.
  always_comb begin
    if (rst_ni) begin
      AllOutstanding_C : cover (32'(owed_q) == MaxOutstanding && tvalid && !m_axis_tready);
      AbortEnds_C : cover (draining_q && idle && !abort_i);
    end
  end

endmodule
