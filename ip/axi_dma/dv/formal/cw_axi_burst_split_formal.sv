// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Proof harness of cw_axi_burst_split: any commands, any back-pressure, any stop. The bursts of a
/// command cover exactly the beats that it touches, in order and without a gap, none crosses 4 KiB
/// or is longer than MaxBurstBeats, all but the last end with a block, and a burst on offer stays
/// until it is taken.
module cw_axi_burst_split_formal #(
  parameter int unsigned AddrBits = 13,
  parameter int unsigned BeatBytes = 4,
  parameter int unsigned MaxBurstBeats = 256,
  localparam int unsigned OffsetBits = $clog2(BeatBytes)
) (
  input logic                clk_i,
  input logic                rst_ni,
  input logic                stop_i,
  input logic                cmd_valid_i,
  input logic [AddrBits-1:0] cmd_addr_i,
  input logic [31:0]         cmd_bytes_i,
  input logic                burst_ready_i
);

  logic busy, cmd_ready, burst_valid, burst_first, burst_last;
  logic [AddrBits-1:0] burst_addr;
  logic [7:0] burst_len;
  logic [OffsetBits-1:0] burst_offset;
  logic [OffsetBits:0] burst_last_bytes;

  cw_axi_burst_split #(
    .AddrBits(AddrBits),
    .BeatBytes(BeatBytes),
    .MaxBurstBeats(MaxBurstBeats)
  ) u_dut (
    .clk_i,
    .rst_ni,
    .stop_i,
    .busy_o(busy),
    .cmd_valid_i,
    .cmd_ready_o(cmd_ready),
    .cmd_addr_i,
    .cmd_bytes_i,
    .burst_valid_o(burst_valid),
    .burst_ready_i,
    .burst_addr_o(burst_addr),
    .burst_len_o(burst_len),
    .burst_first_o(burst_first),
    .burst_last_o(burst_last),
    .burst_offset_o(burst_offset),
    .burst_last_bytes_o(burst_last_bytes)
  );

  // Beats of the address space, and one bit for sums.
  localparam int unsigned PageBeats = 4096 / BeatBytes;
  // As the contract says: the largest power of two that is neither above MaxBurstBeats nor 4 KiB.
  function automatic int unsigned block_beats();
    block_beats = PageBeats;
    while (block_beats > MaxBurstBeats) block_beats = block_beats / 2;
  endfunction
  localparam int unsigned Block = block_beats();
  typedef logic [AddrBits-OffsetBits:0] word_t;
  typedef logic [OffsetBits:0] bytes_t;

  logic running_q = 1'b0;
  logic inside_q = 1'b0;        // a command is inside
  logic begun_q;                // it has given a burst
  word_t next_q;                // the beat that has to come next
  word_t end_q;                 // the beat behind the command
  logic [OffsetBits-1:0] offset_q;  // where in its first beat it starts
  bytes_t tail_q;               // bytes in its last beat
  logic full_q;                 // its last byte is a beat's last
  logic ended_q = 1'b0;         // a command's last burst has just been taken
  logic held_q = 1'b0;
  logic [AddrBits+8:0] held_burst_q;

  // Where a command ends: its last byte's beat, and that byte's place in it.
  logic [AddrBits-1:0] last_byte;
  word_t first_beat, last_beat;
  assign last_byte = cmd_addr_i + AddrBits'(cmd_bytes_i) - 1'b1;
  assign first_beat = word_t'(cmd_addr_i[AddrBits-1:OffsetBits]);
  assign last_beat = word_t'(last_byte[AddrBits-1:OffsetBits]);

  word_t burst_at, burst_beats, burst_end;
  logic accept, taken;
  assign accept = cmd_valid_i && cmd_ready;
  assign taken = burst_valid && burst_ready_i;
  assign burst_at = word_t'(burst_addr[AddrBits-1:OffsetBits]);
  assign burst_beats = word_t'(9'(burst_len) + 9'd1);
  assign burst_end = burst_at + burst_beats;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    ended_q <= rst_ni && taken && burst_last;
    held_q <= rst_ni && burst_valid && !burst_ready_i;
    held_burst_q <= {burst_addr, burst_len, burst_last};
    if (rst_ni) begin
      if (taken) begin
        next_q <= burst_end;
        begun_q <= 1'b1;
        inside_q <= burst_end != end_q;
      end
      if (accept) begin
        inside_q <= 1'b1;
        begun_q <= 1'b0;
        next_q <= first_beat;
        end_q <= last_beat + 1'b1;
        offset_q <= cmd_addr_i[OffsetBits-1:0];
        full_q <= &last_byte[OffsetBits-1:0];
        tail_q <= bytes_t'(last_byte[OffsetBits-1:0]) + 1'b1 -
                  (first_beat == last_beat ? bytes_t'(cmd_addr_i[OffsetBits-1:0]) : '0);
      end
      if (stop_i) inside_q <= 1'b0;
    end
  end

  always_comb begin
    // Reset in the first cycle, and never again.
    assume (rst_ni == running_q);
    // The caller's part: a command has bytes, and they lie in the address space.
    assume (cmd_bytes_i != '0);
    assume (cmd_bytes_i[31:AddrBits+1] == '0);
    assume ((AddrBits + 2)'(cmd_addr_i) + (AddrBits + 2)'(cmd_bytes_i) <=
            (AddrBits + 2)'(1) << AddrBits);

    if (rst_ni) begin
      BusyMeansInside_A : assert (busy == inside_q);
      StopHolds_A : assert (!stop_i || !(burst_valid || accept));
      if (burst_valid) begin
        Aligned_A : assert (burst_addr[OffsetBits-1:0] == '0);
        NoGapNoOverlap_A : assert (burst_at == next_q);
        StaysInPage_A :
        assert (32'(burst_at % word_t'(PageBeats)) + 32'(burst_beats) <= PageBeats);
        NotTooLong_A : assert (32'(burst_len) < MaxBurstBeats);
        EndsWithBlock_A : assert (burst_last || burst_end % word_t'(Block) == '0);
        NothingBehindCommand_A : assert (burst_end <= end_q);
        LastEndsCommand_A : assert (burst_last == (burst_end == end_q));
        FirstIsFirst_A : assert (burst_first == !begun_q);
        OffsetOfCommand_A : assert (burst_offset == offset_q);
        LastBytesOfCommand_A : assert (burst_last_bytes == tail_q);
      end
      if (held_q && !stop_i) begin
        BurstStays_A : assert (burst_valid);
        BurstStable_A : assert ({burst_addr, burst_len, burst_last} == held_burst_q);
      end
    end
  end

  // Inductive invariants: what is left inside is what the command has left, counted from the
  // beginning of the block at hand.
  word_t left;
  assign left = end_q - (next_q - next_q % word_t'(Block));
  always_comb begin
    if (rst_ni && inside_q) begin
      SomethingLeft_A : assert (next_q < end_q && end_q <= word_t'(1) << (AddrBits - OffsetBits));
      WordIsNext_A : assert (word_t'(u_dut.word_q) == next_q);
      LastKept_A : assert (u_dut.last_q == (left <= word_t'(Block)));
      EndsLeft_A : assert (32'({~u_dut.ends_n_q}) == 32'(left - word_t'(!full_q)) / Block);
      WholeKept_A : assert (u_dut.whole_q == (full_q && end_q % word_t'(Block) == '0));
      LastIndexKept_A :
      assert (word_t'(u_dut.last_index_q) == (end_q - 1'b1) % word_t'(Block));
      FirstKept_A : assert (u_dut.first_q == !begun_q);
      OffsetKept_A : assert (u_dut.offset_q == offset_q);
      TailKept_A : assert (u_dut.last_bytes_q == tail_q);
    end
  end

  // Reachability: the proof is not empty.
  always_comb begin
    if (rst_ni) begin
      SecondBurstAtPage_C : cover (taken && !burst_first && burst_last && burst_addr[11:0] == '0);
      NextCommand_C : cover (accept && ended_q);
    end
  end

endmodule
