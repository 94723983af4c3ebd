// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Memory behind an AXI4 read port, for simulation: answers in order, many bursts at a time.
///
/// Without random stalls it takes a request a cycle, gives its first beat stalls_i.latency cycles
/// later and then a beat a cycle, without a gap between bursts that wait. rvalid never drops and
/// its data never changes before rready. Beats with an error response have inverted data. Only INCR
/// bursts of the full width: cw_axi_read_checker says so. Data comes from the C side, a DPI call a
/// beat and none when idle.
module cw_bench_memory_read
  import cw_bench_pkg::*;
#(
  parameter int          Port = 0,
  parameter int unsigned AddrBits = 40,
  parameter int unsigned DataBits = 64,
  parameter int unsigned QueueDepth = 32  // bursts that wait; a power of two
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  stalls_t             stalls_i,
  input  logic [63:0]         seed_i,
  input  bad_burst_t          bad_i,
  output logic                moved_o,   // a handshake in this cycle
  output logic                quiet_o,   // no burst is inside
  output logic [31:0]         bursts_o,  // since the reset

  input  logic [0:0]          s_axi_arid,
  input  logic [AddrBits-1:0] s_axi_araddr,
  input  logic [7:0]          s_axi_arlen,
  input  logic                s_axi_arvalid,
  output logic                s_axi_arready,
  output logic [0:0]          s_axi_rid,
  output logic [DataBits-1:0] s_axi_rdata,
  output logic [1:0]          s_axi_rresp,
  output logic                s_axi_rlast,
  output logic                s_axi_rvalid,
  input  logic                s_axi_rready
);

  localparam int unsigned Size = $clog2(DataBits / 8);
  localparam int unsigned PointerBits = $clog2(QueueDepth);

  typedef struct packed {
    logic [AddrBits-1:0] addr;
    logic [7:0]          len;
    logic                id;
    logic                bad;
  } burst_t;

  burst_t      queue_q [QueueDepth];
  logic [31:0] due_q   [QueueDepth];
  logic [PointerBits-1:0] head_q, tail_q;
  logic [PointerBits:0]   count_q;
  logic [31:0] now_q;
  logic [31:0] bursts_q;
  logic [7:0]  beat_q;
  logic [63:0] random_q;
  logic [15:0] hold_q;
  logic        block_ar_q;
  logic        block_r;
  burst_t      head;
  logic        push, give, pop, bad;

  assign s_axi_arready = rst_ni && !block_ar_q && count_q != (PointerBits + 1)'(QueueDepth);
  assign push = s_axi_arvalid && s_axi_arready;
  assign head = queue_q[head_q];
  assign block_r = stalls_i.random && (hold_q != '0 || random_q[15:0] < stalls_i.valid_stall);
  assign give = (!s_axi_rvalid || s_axi_rready) && count_q != '0 && !block_r &&
                signed'(now_q - due_q[head_q]) >= 0;
  assign pop = give && beat_q == head.len;
  assign bad = head.bad && (bad_i.beats == BadBeatsAll ||
                            (bad_i.beats == BadBeatsFirst && beat_q == '0) ||
                            (bad_i.beats == BadBeatsLast && beat_q == head.len));
  assign bursts_o = bursts_q;
  assign moved_o = push || (s_axi_rvalid && s_axi_rready);
  assign quiet_o = count_q == '0 && !s_axi_rvalid;

  // The C side knows two widths, of which a narrow port leaves bits over:
  // verilator lint_off UNUSEDSIGNAL
  function automatic logic [DataBits-1:0] fetch(input longint address);
    bit [511:0] wide;
    if (DataBits <= 64) wide[63:0] = cw_bench_read64(Port, address);
    else cw_bench_read512(Port, address, wide);
    return wide[DataBits-1:0];
  endfunction
  // verilator lint_on UNUSEDSIGNAL

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_q       <= '0;
      tail_q       <= '0;
      count_q      <= '0;
      now_q        <= '0;
      bursts_q     <= '0;
      beat_q       <= '0;
      s_axi_rvalid <= 1'b0;
      s_axi_rid    <= '0;
      s_axi_rdata  <= '0;
      s_axi_rresp  <= '0;
      s_axi_rlast  <= 1'b0;
    end else begin
      now_q   <= now_q + 32'd1;
      count_q <= count_q + (PointerBits + 1)'(push) - (PointerBits + 1)'(pop);
      if (push) begin
        queue_q[tail_q] <= '{
          addr: s_axi_araddr, len: s_axi_arlen, id: s_axi_arid[0],
          bad: bad_i.burst != '0 && bursts_q + 32'd1 == bad_i.burst
        };
        due_q[tail_q] <= now_q + 32'(stalls_i.latency) - 32'd1 +
                         32'(random_q[47:32] & stalls_i.spread);
        tail_q        <= tail_q + 1'b1;
        bursts_q      <= bursts_q + 32'd1;
      end
      if (give) begin
        s_axi_rvalid <= 1'b1;
        s_axi_rid    <= head.id;
        // Behind an error anything may stand.
        s_axi_rdata  <= fetch((64'(head.addr) >> Size << Size) + (64'(beat_q) << Size)) ^
                        {DataBits{bad}};
        s_axi_rresp  <= bad ? bad_i.resp : 2'b00;
        if (bad) cw_bench_bad_beat(Port);
        s_axi_rlast  <= pop;
        beat_q       <= pop ? 8'd0 : beat_q + 8'd1;
        if (pop) head_q <= head_q + 1'b1;
      end else if (s_axi_rready) begin
        s_axi_rvalid <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      random_q   <= random_start(seed_i, Port);
      hold_q     <= '0;
      block_ar_q <= 1'b0;
    end else if (stalls_i.random) begin
      random_q   <= next_random(random_q);
      block_ar_q <= hold_q != '0 || random_q[31:16] < stalls_i.ready_stall;
      if (hold_q != '0) hold_q <= hold_q - 16'd1;
      else if (random_q[63:48] < stalls_i.long_stall)
        hold_q <= random_q[47:32] & stalls_i.long_mask;
    end
  end

endmodule
