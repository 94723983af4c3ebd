// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Memory behind an AXI4 write port, for simulation: takes bursts and answers in order.
///
/// Data is accepted from the cycle behind its address on, though wready is high while nothing is
/// offered, as it is of most memories; without random stalls a beat a cycle, without a gap between
/// bursts whose addresses came ahead, and the response follows the last beat by stalls_i.latency
/// cycles. Memory is written when a beat is accepted, a DPI call a beat.
/// bvalid never drops before bready.
module cw_bench_memory_write
  import cw_bench_pkg::*;
#(
  parameter int          Port = 0,
  parameter int unsigned AddrBits = 40,
  parameter int unsigned DataBits = 64,
  parameter int unsigned QueueDepth = 32  // bursts that wait; a power of two
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  stalls_t               stalls_i,
  input  logic [63:0]           seed_i,
  // verilator lint_off UNUSEDSIGNAL
  input  bad_burst_t            bad_i,  // a write has one response, whatever its beats
  // verilator lint_on UNUSEDSIGNAL
  output logic                  moved_o,   // a handshake in this cycle
  output logic                  quiet_o,   // no burst is inside
  output logic [31:0]           bursts_o,  // since the reset

  input  logic [0:0]            s_axi_awid,
  input  logic [AddrBits-1:0]   s_axi_awaddr,
  input  logic [7:0]            s_axi_awlen,
  input  logic                  s_axi_awvalid,
  output logic                  s_axi_awready,
  input  logic [DataBits-1:0]   s_axi_wdata,
  input  logic [DataBits/8-1:0] s_axi_wstrb,
  input  logic                  s_axi_wvalid,
  output logic                  s_axi_wready,
  output logic [0:0]            s_axi_bid,
  output logic [1:0]            s_axi_bresp,
  output logic                  s_axi_bvalid,
  input  logic                  s_axi_bready
);

  localparam int unsigned Size = $clog2(DataBits / 8);
  localparam int unsigned PointerBits = $clog2(QueueDepth);

  typedef struct packed {
    logic [AddrBits-1:0] addr;
    logic [7:0]          len;
    logic                id;
    logic                bad;
  } burst_t;

  typedef struct packed {
    logic        id;
    logic        bad;
    logic [31:0] due;
  } answer_t;

  burst_t      queue_q [QueueDepth];
  answer_t     answer_q [QueueDepth];
  logic [PointerBits-1:0] head_q, tail_q, answer_head_q, answer_tail_q;
  logic [PointerBits:0]   count_q, answers_q;
  logic [31:0] now_q;
  logic [31:0] bursts_q;
  logic [7:0]  beat_q;
  logic [63:0] random_q;
  logic [15:0] hold_q;
  logic        block_aw_q, block_w_q, block_b;
  burst_t      head;
  answer_t     answer;
  logic        push, take, pop, give;

  assign s_axi_awready = rst_ni && !block_aw_q && count_q != (PointerBits + 1)'(QueueDepth);
  // Ready while nobody asks, as most memories are; data ahead of its address waits.
  assign s_axi_wready = rst_ni && (count_q != '0 || !s_axi_wvalid) && !block_w_q &&
                        answers_q != (PointerBits + 1)'(QueueDepth);
  assign push = s_axi_awvalid && s_axi_awready;
  assign take = s_axi_wvalid && s_axi_wready;
  assign head = queue_q[head_q];
  assign pop = take && beat_q == head.len;
  assign answer = answer_q[answer_head_q];
  assign block_b = stalls_i.random && (hold_q != '0 || random_q[15:0] < stalls_i.valid_stall);
  assign give = (!s_axi_bvalid || s_axi_bready) && answers_q != '0 && !block_b &&
                signed'(now_q - answer.due) >= 0;
  assign bursts_o = bursts_q;
  assign moved_o = push || take || (s_axi_bvalid && s_axi_bready);
  assign quiet_o = count_q == '0 && answers_q == '0 && !s_axi_bvalid;

  function automatic void store(
    input longint address, input logic [DataBits-1:0] data, input logic [DataBits/8-1:0] strobe
  );
    bit [511:0] wide;
    bit [63:0]  strobes;
    wide[DataBits-1:0] = data;
    strobes[DataBits/8-1:0] = strobe;
    if (DataBits <= 64) cw_bench_write64(Port, address, wide[63:0], strobes[31:0]);
    else cw_bench_write512(Port, address, wide, strobes);
  endfunction

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_q        <= '0;
      tail_q        <= '0;
      count_q       <= '0;
      answer_head_q <= '0;
      answer_tail_q <= '0;
      answers_q     <= '0;
      now_q         <= '0;
      bursts_q      <= '0;
      beat_q        <= '0;
      s_axi_bvalid  <= 1'b0;
      s_axi_bid     <= '0;
      s_axi_bresp   <= '0;
    end else begin
      now_q     <= now_q + 32'd1;
      count_q   <= count_q + (PointerBits + 1)'(push) - (PointerBits + 1)'(pop);
      answers_q <= answers_q + (PointerBits + 1)'(pop) - (PointerBits + 1)'(give);
      if (push) begin
        queue_q[tail_q] <= '{
          addr: s_axi_awaddr, len: s_axi_awlen, id: s_axi_awid[0],
          bad: bad_i.burst != '0 && bursts_q + 32'd1 == bad_i.burst
        };
        tail_q   <= tail_q + 1'b1;
        bursts_q <= bursts_q + 32'd1;
      end
      if (take) begin
        store((64'(head.addr) >> Size << Size) + (64'(beat_q) << Size), s_axi_wdata, s_axi_wstrb);
        beat_q <= pop ? 8'd0 : beat_q + 8'd1;
      end
      if (pop) begin
        head_q <= head_q + 1'b1;
        answer_q[answer_tail_q] <= '{
          id: head.id, bad: head.bad,
          due: now_q + 32'(stalls_i.latency) - 32'd1 + 32'(random_q[47:32] & stalls_i.spread)
        };
        answer_tail_q <= answer_tail_q + 1'b1;
      end
      if (give) begin
        s_axi_bvalid  <= 1'b1;
        s_axi_bid     <= answer.id;
        s_axi_bresp   <= answer.bad ? bad_i.resp : 2'b00;
        if (answer.bad) cw_bench_bad_beat(Port);
        answer_head_q <= answer_head_q + 1'b1;
      end else if (s_axi_bready) begin
        s_axi_bvalid <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      random_q   <= random_start(seed_i, Port);
      hold_q     <= '0;
      block_aw_q <= 1'b0;
      block_w_q  <= 1'b0;
    end else if (stalls_i.random) begin
      random_q   <= next_random(random_q);
      block_aw_q <= hold_q != '0 || random_q[31:16] < stalls_i.ready_stall;
      block_w_q  <= hold_q != '0 || random_q[47:32] < stalls_i.ready_stall;
      if (hold_q != '0) hold_q <= hold_q - 16'd1;
      else if (random_q[63:48] < stalls_i.long_stall)
        hold_q <= random_q[31:16] & stalls_i.long_mask;
    end
  end

endmodule
