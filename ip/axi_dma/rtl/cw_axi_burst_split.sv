// Copyright corewright contributors
// SPDX-License-Identifier: Apache-2.0

/// Cuts a byte-granular transfer command into legal AXI4 INCR bursts of full-width beats.
///
/// A command is (any byte address, 1..2^32-1 bytes). Its bursts start at the address rounded down
/// to a beat, never cross a 4 KiB boundary and have at most MaxBurstBeats beats. One burst a cycle;
/// a command is accepted in the cycle in which the previous one's last burst leaves, so commands
/// follow one another without a bubble. Latency: 1 cycle from command to its first burst.
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

  localparam int unsigned WordBits  = AddrBits - OffsetBits;
  localparam int unsigned PageBits  = 12 - OffsetBits;
  localparam int unsigned PageBeats = 1 << PageBits;
  localparam int unsigned CapBits   = PageBits + 1;
  localparam int unsigned CountBits = 33 - OffsetBits;
  localparam int unsigned MaxBeats  = MaxBurstBeats < PageBeats ? MaxBurstBeats : PageBeats;

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
  logic [WordBits-1:0]   word_d, word_q;
  logic [CountBits-1:0]  beats_d, beats_q;
  logic [OffsetBits-1:0] offset_d, offset_q;
  logic [OffsetBits:0]   last_bytes_d, last_bytes_q;

  // The burst at hand.
  logic [CapBits-1:0] page_left, cap, take;
  logic               last;

  assign page_left = CapBits'(PageBeats) - CapBits'(word_q[PageBits-1:0]);
  assign cap       = page_left > CapBits'(MaxBeats) ? CapBits'(MaxBeats) : page_left;
  assign last      = beats_q <= CountBits'(cap);
  assign take      = last ? beats_q[CapBits-1:0] : cap;

  assign busy_o             = active_q;
  assign burst_valid_o      = active_q && !stop_i;
  assign burst_addr_o       = {word_q, OffsetBits'(0)};
  assign burst_len_o        = 8'(take - CapBits'(1));
  assign burst_first_o      = first_q;
  assign burst_last_o       = last;
  assign burst_offset_o     = offset_q;
  assign burst_last_bytes_o = last_bytes_q;

  logic burst_done, cmd_done;
  assign burst_done  = burst_valid_o && burst_ready_i;
  assign cmd_done    = burst_done && last;
  assign cmd_ready_o = (!active_q || cmd_done) && !stop_i;

  // The command at the door. Its end, counted from the first beat's byte 0, gives beats and tail.
  logic [32:0]          end_byte;
  logic [CountBits-1:0] whole_beats;
  logic                 has_tail;

  assign end_byte    = 33'(cmd_bytes_i) + 33'(cmd_addr_i[OffsetBits-1:0]);
  assign whole_beats = end_byte[32:OffsetBits];
  assign has_tail    = end_byte[OffsetBits-1:0] != '0;

  always_comb begin
    active_d     = active_q;
    first_d      = first_q;
    word_d       = word_q;
    beats_d      = beats_q;
    offset_d     = offset_q;
    last_bytes_d = last_bytes_q;
    if (burst_done) begin
      active_d = !last;
      first_d  = 1'b0;
      word_d   = word_q + WordBits'(take);
      beats_d  = beats_q - CountBits'(take);
    end
    if (cmd_valid_i && cmd_ready_o) begin
      active_d = 1'b1;
      first_d  = 1'b1;
      word_d   = cmd_addr_i[AddrBits-1:OffsetBits];
      beats_d  = whole_beats + CountBits'(has_tail);
      offset_d = cmd_addr_i[OffsetBits-1:0];
      if (end_byte <= 33'(BeatBytes)) begin
        last_bytes_d = cmd_bytes_i[OffsetBits:0];
      end else if (has_tail) begin
        last_bytes_d = {1'b0, end_byte[OffsetBits-1:0]};
      end else begin
        last_bytes_d = (OffsetBits + 1)'(BeatBytes);
      end
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
    beats_q      <= beats_d;
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

  BeatsNeverUnderflow_A : assert property (@(posedge clk_i) disable iff (in_reset)
    burst_valid_o |-> take != '0 && CountBits'(take) <= beats_q)
    else $error("a burst takes more beats than its command has left");

  BurstStaysInPage_A : assert property (@(posedge clk_i) disable iff (in_reset)
    burst_valid_o |-> take <= page_left && take <= CapBits'(MaxBeats))
    else $error("a burst crosses 4 KiB or is too long");
`endif

endmodule
