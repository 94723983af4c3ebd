// Copyright corewright contributors
// SPDX-License-Identifier: Apache-2.0

/// Cuts a byte-granular transfer command into legal AXI4 INCR bursts of full-width beats.
///
/// A command is (any byte address, 1..2^32-1 bytes). Its bursts start at the address rounded down
/// to a beat and end at multiples of BlockBeats beats, the largest power of two that is neither
/// above MaxBurstBeats nor above 4 KiB: so only the first and the last may be shorter, and none
/// crosses 4 KiB. One burst a cycle; a command is accepted in the cycle behind the one in which the
/// last burst before it leaves, so that cmd_ready_o comes from a register. Latency: 1 cycle from
/// command to its first burst.
/// `stop_i` drops the command inside and accepts none. It drives no AXI channel: the neighbours
/// cw_axi_reader and cw_axi_writer register its bursts as AR and AW.
module cw_axi_burst_split #(
  parameter  int unsigned AddrBits      = 40,
  parameter  int unsigned BeatBytes     = 8,
  parameter  int unsigned MaxBurstBeats = 64,
  localparam int unsigned OffsetBits    = $clog2(BeatBytes)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  stop_i,
  output logic                  busy_o,              // a command is inside

  input  logic                  cmd_valid_i,
  output logic                  cmd_ready_o,
  input  logic [AddrBits-1:0]   cmd_addr_i,
  input  logic [31:0]           cmd_bytes_i,

  output logic                  burst_valid_o,
  input  logic                  burst_ready_i,
  output logic [AddrBits-1:0]   burst_addr_o,        // aligned to a beat
  output logic [7:0]            burst_len_o,         // beats - 1, as AxLEN
  output logic                  burst_first_o,       // first burst of its command
  output logic                  burst_last_o,        // last burst of its command
  output logic [OffsetBits-1:0] burst_offset_o,      // the command's address modulo the beat
  output logic [OffsetBits:0]   burst_last_bytes_o   // bytes in the command's last beat
);

  localparam int unsigned WordBits   = AddrBits - OffsetBits;
  localparam int unsigned CountBits  = 33 - OffsetBits;
  localparam int unsigned PageBeats  = 4096 / BeatBytes;
  localparam int unsigned MaxBeats   = MaxBurstBeats < PageBeats ? MaxBurstBeats : PageBeats;
  localparam int unsigned BlockBits  = $clog2(MaxBeats + 1) - 1;
  localparam int unsigned BlockBeats = 1 << BlockBits;
  // Of the place in a block, which has no bits where a block is one beat.
  localparam int unsigned IndexBits  = BlockBits > 0 ? BlockBits : 1;
  localparam int unsigned BlocksBits = CountBits - BlockBits;

  if (BeatBytes < 4 || BeatBytes > 64 || (1 << OffsetBits) != BeatBytes) begin : gen_bad_beat
    $error("cw_axi_burst_split: BeatBytes must be 4, 8, 16, 32 or 64");
  end
  if (MaxBurstBeats < 1 || MaxBurstBeats > 256) begin : gen_bad_burst
    $error("cw_axi_burst_split: MaxBurstBeats must be 1..256");
  end
  if (AddrBits < 13 || AddrBits > 64) begin : gen_bad_addr
    $error("cw_axi_burst_split: AddrBits must be 13..64");
  end

  logic                  active_d, active_q;
  logic                  first_d, first_q;
  logic                  last_d, last_q;              // the burst at hand is the command's last
  logic [WordBits-1:0]   word_d, word_q;              // its first beat
  // Ends of blocks at or before the command's: a complement that counts up, as a carry chain that
  // counts down has an inverter before each bit.
  logic [BlocksBits-1:0] ends_n_d, ends_n_q;
  logic                  whole_d, whole_q;            // the command ends with a block
  logic [IndexBits-1:0]  last_index_d, last_index_q;  // in its block, of the command's last beat
  logic [OffsetBits-1:0] offset_d, offset_q;
  logic [OffsetBits:0]   last_bytes_d, last_bytes_q;

  // In their block, of the first and the last beat of the burst at hand.
  logic [IndexBits-1:0] index, end_index;
  assign index     = IndexBits'(word_q) & IndexBits'(BlockBeats - 1);
  assign end_index = last_q ? last_index_q : IndexBits'(BlockBeats - 1);

  assign busy_o             = active_q;
  assign burst_valid_o      = active_q && !stop_i;
  assign burst_addr_o       = {word_q, OffsetBits'(0)};
  assign burst_len_o        = 8'(end_index - index);
  assign burst_first_o      = first_q;
  assign burst_last_o       = last_q;
  assign burst_offset_o     = offset_q;
  assign burst_last_bytes_o = last_bytes_q;

  logic burst_done;
  assign burst_done  = burst_valid_o && burst_ready_i;
  assign cmd_ready_o = !active_q && !stop_i;

  // The command at the door. Its end, counted from the first byte of its first block.
  localparam int unsigned BlockShift = BlockBits + OffsetBits;
  logic [32:0]           end_byte;
  logic [32:0]           block_offset;
  logic [BlocksBits-1:0] ends;
  logic                  whole, has_tail, one_beat, one_block;
  logic [BlockShift:0]   room;  // bytes from there to the block's end

  assign block_offset = 33'(cmd_addr_i[11:0] & 12'((1 << BlockShift) - 1));
  assign end_byte     = 33'(cmd_bytes_i) + block_offset;
  assign ends         = end_byte[32:BlockShift];
  assign whole        = end_byte[BlockShift-1:0] == '0;
  assign has_tail     = end_byte[OffsetBits-1:0] != '0;
  // Neither waits for the sum.
  assign room         = (BlockShift + 1)'(1 << BlockShift) - block_offset[BlockShift:0];
  assign one_block    = cmd_bytes_i[31:BlockShift+1] == '0 && cmd_bytes_i[BlockShift:0] <= room;
  assign one_beat     = cmd_bytes_i[31:OffsetBits+1] == '0 &&
      (OffsetBits + 2)'(cmd_bytes_i[OffsetBits:0]) + (OffsetBits + 2)'(cmd_addr_i[OffsetBits-1:0])
      <= (OffsetBits + 2)'(BeatBytes);

  always_comb begin
    active_d     = active_q;
    first_d      = first_q;
    last_d       = last_q;
    word_d       = word_q;
    ends_n_d     = ends_n_q;
    whole_d      = whole_q;
    last_index_d = last_index_q;
    offset_d     = offset_q;
    last_bytes_d = last_bytes_q;
    if (burst_done) begin
      active_d = !last_q;
      first_d  = 1'b0;
      last_d   = ends_n_q == ~(whole_q ? BlocksBits'(2) : BlocksBits'(1));
      word_d   = ((word_q >> BlockBits) + 1'b1) << BlockBits;
      ends_n_d = ends_n_q + 1'b1;
    end
    if (!active_q) begin
      active_d     = cmd_valid_i;
      first_d      = 1'b1;
      last_d       = one_block;
      word_d       = cmd_addr_i[AddrBits-1:OffsetBits];
      ends_n_d     = ~ends;
      whole_d      = whole;
      last_index_d = (IndexBits'(end_byte >> OffsetBits) - IndexBits'(!has_tail))
          & IndexBits'(BlockBeats - 1);
      offset_d     = cmd_addr_i[OffsetBits-1:0];
      if (one_beat) last_bytes_d = cmd_bytes_i[OffsetBits:0];
      else last_bytes_d = {!has_tail, end_byte[OffsetBits-1:0]};
    end
    if (stop_i) active_d = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) active_q <= 1'b0;
    else active_q <= active_d;
  end

  // Of the active command: nobody looks at it before one is.
  always_ff @(posedge clk_i) begin
    first_q      <= first_d;
    word_q       <= word_d;
    last_q       <= last_d;
    ends_n_q     <= ends_n_d;
    whole_q      <= whole_d;
    last_index_q <= last_index_d;
    offset_q     <= offset_d;
    last_bytes_q <= last_bytes_d;
  end

`ifndef SYNTHESIS
  // A name of its own: rst_ni itself in `disable iff` counts as a synchronous use of the reset.
  logic in_reset;
  assign in_reset = !rst_ni;

  CommandNotEmpty_A : assert property (@(posedge clk_i) disable iff (in_reset)
    cmd_valid_i && cmd_ready_o |-> cmd_bytes_i != 32'd0)
    else $error("a command of zero bytes");

  logic [64:0] cmd_end;
  assign cmd_end = 65'(cmd_addr_i) + 65'(cmd_bytes_i);
  CommandInsideAddressSpace_A : assert property (@(posedge clk_i) disable iff (in_reset)
    cmd_valid_i && cmd_ready_o |-> cmd_end <= (65'd1 << AddrBits))
    else $error("a command runs past the end of the address space");

  BurstStaysInBlock_A : assert property (@(posedge clk_i) disable iff (in_reset)
    burst_valid_o |-> 32'(index) + 32'(burst_len_o) < BlockBeats)
    else $error("a burst crosses its block's end, or has no beat");

  LastInItsBlock_A : assert property (@(posedge clk_i) disable iff (in_reset)
    burst_valid_o |-> last_q == (ends_n_q == '1 || (whole_q && ends_n_q == ~BlocksBits'(1))))
    else $error("the last burst is another one than the command's end says");
`endif

endmodule
