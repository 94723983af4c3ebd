// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Reads the second operand of a residual addition: for each tile, in the order in which the sequencer ends
/// tiles, the words of the same block and channels of another tensor.
///
/// A read command a tile, at most every second cycle, runs ahead of the array as far as the queue has room for the tile's beats, so the
/// port never waits for the array. `ready_o` says that all beats of the next tile to end are in the
/// queue; `take_i` pulses when the sequencer ends it, and each of its beats is popped later by `pop_i`,
/// D words a beat. `start_i` begins a layer; without `add_enable` nothing happens and `ready_o` is high.
/// A command outside the arena pulses `window_o` and is not issued.
module cw_operand_loader
  import cw_pkg::*;
  import cw_program_pkg::*;
#(
    parameter  int unsigned Words      = 4,
    parameter  int unsigned WordBytes  = 8,
    parameter  int unsigned UnitBytes  = 1,  // divides every address and size of words
    parameter  int unsigned MaxBeats   = 6,
    parameter  int unsigned AxiBits    = 64,
    parameter  int unsigned AddrBits   = 40,
    localparam int unsigned TBytesBits = $clog2(AxiBits / 8 + 1),
    localparam int unsigned BeatBytes  = Words * WordBytes
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   clear_i,
    input  descriptor_t            desc_i,
    input  logic                   start_i,
    input  logic [   AddrBits-1:0] arena_base_i,
    input  logic [           31:0] arena_bytes_i,
    output logic                   window_o,
    output logic [           31:0] window_offset_o,
    // read commands and the bytes that they bring
    output logic                   cmd_valid_o,
    input  logic                   cmd_ready_i,
    output logic [   AddrBits-1:0] cmd_addr_o,
    output logic [           31:0] cmd_bytes_o,
    input  logic [    AxiBits-1:0] s_axis_tdata,
    input  logic [ TBytesBits-1:0] s_axis_tbytes,
    input  logic                   s_axis_tlast,
    input  logic                   s_axis_tvalid,
    output logic                   s_axis_tready,
    // tiles
    output logic                   ready_o,
    input  logic                   take_i,
    input  logic                   pop_i,
    output logic [BeatBytes*8-1:0] data_o
);

  // Four tiles in flight hide the memory's latency behind short tiles.
  localparam int unsigned Depth = 4 * MaxBeats;
  localparam int unsigned DepthBits = $clog2(Depth + 1);

  // verilator lint_off UNUSEDSIGNAL
  descriptor_t d;  // each block reads its part of it
  // verilator lint_on UNUSEDSIGNAL
  assign d = desc_i;

  // ---------------------------------------------------------------- walk by tiles
  logic active_q, room_q;
  logic [15:0] channels, beats;
  logic [31:0] block_offset_q, set_offset_q, group_offset_q, pass_offset_q, offset, bytes;
  logic taken, last_group, group_end, set_end, pass_end, layer_end;
  logic [DepthBits-1:0] reserved_q;

  assign channels        = last_group ? d.last_group_channels : d.group_channels;
  assign beats           = (channels + 16'(Words - 1)) / 16'(Words);
  assign offset          = d.add_offset + block_offset_q + group_offset_q;
  assign bytes           = 32'(channels) * WordBytes;
  assign window_offset_o = offset;
  // Known a cycle later, as commands come every second one.
  always_ff @(posedge clk_i) room_q <= 32'(reserved_q) + 32'(beats) <= Depth;

  cw_read_command #(
      .AddrBits(AddrBits)
  ) u_command (
      .clk_i,
      .valid_i  (active_q),
      .changed_i(start_i),
      .room_i   (room_q),
      .base_i   (arena_base_i),
      .limit_i  (arena_bytes_i),
      .offset_i (offset),
      .bytes_i  (bytes),
      .outside_o(window_o),
      .taken_o  (taken),
      .cmd_valid_o,
      .cmd_ready_i,
      .cmd_addr_o,
      .cmd_bytes_o
  );

  logic [15:0] unused_group, unused_next_group;
  logic unused_last_of_pass, unused_last_block, unused_finished;
  cw_tile_walk u_tiles (
      .clk_i,
      .desc_i,
      .once_i        (1'b0),
      .one_set_i     (1'b0),
      .start_i,
      .next_i        (taken),
      .group_o       (unused_group),
      .next_group_o  (unused_next_group),
      .last_group_o  (last_group),
      .last_of_pass_o(unused_last_of_pass),
      .last_block_o  (unused_last_block),
      .group_end_o   (group_end),
      .set_end_o     (set_end),
      .pass_end_o    (pass_end),
      .layer_end_o   (layer_end),
      .finished_o    (unused_finished)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) active_q <= 1'b0;
    else if (clear_i || window_o) active_q <= 1'b0;
    else if (start_i) active_q <= d.add_enable;
    else if (taken && layer_end) active_q <= 1'b0;
  end

  // Where the next command reads: a start sets all of it.
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      block_offset_q <= '0;
      set_offset_q   <= '0;
      group_offset_q <= '0;
      pass_offset_q  <= '0;
    end else if (taken) begin
      block_offset_q <= block_offset_q + d.add_block_bytes;
      if (group_end) begin
        block_offset_q <= set_offset_q;
        group_offset_q <= group_offset_q + d.output_group_bytes;
      end
      if (set_end) begin
        group_offset_q <= pass_offset_q;
        block_offset_q <= block_offset_q + d.add_block_bytes;
        set_offset_q   <= block_offset_q + d.add_block_bytes;
      end
      if (pass_end) begin
        group_offset_q <= group_offset_q + d.output_group_bytes;
        pass_offset_q  <= group_offset_q + d.output_group_bytes;
        block_offset_q <= '0;
        set_offset_q   <= '0;
      end
    end
  end

  // ---------------------------------------------------------------- beats of D words
  logic item_valid, item_last, queue_ready, unused_queue_valid;
  logic [BeatBytes*8-1:0] item;
  logic [BeatBytes-1:0] unused_keep;
  logic [DepthBits-1:0] unused_count;
  cw_axis_gearbox #(
      .InBytes  (AxiBits / 8),
      .OutBytes (BeatBytes),
      .UnitBytes(UnitBytes)
  ) u_gearbox (
      .clk_i,
      .rst_ni,
      .clear_i,
      .item_bytes_i  ($clog2(BeatBytes + 1)'(BeatBytes)),
      .s_axis_tdata,
      .s_axis_tbytes,
      .s_axis_tlast,
      .s_axis_toffset('0),
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tdata  (item),
      .m_axis_tkeep  (unused_keep),
      .m_axis_tlast  (item_last),
      .m_axis_tvalid (item_valid),
      .m_axis_tready (queue_ready)
  );

  cw_axis_fifo #(
      .Width(BeatBytes * 8),
      .Depth(Depth)
  ) u_queue (
      .clk_i,
      .rst_ni,
      .clear_i,
      .s_axis_tdata (item),
      .s_axis_tvalid(item_valid),
      .s_axis_tready(queue_ready),
      .m_axis_tdata (data_o),
      .m_axis_tvalid(unused_queue_valid),
      .m_axis_tready(pop_i),
      .count_o      (unused_count)
  );

  logic [DepthBits-1:0] tiles_q;  // complete in the queue, not yet ended by the sequencer
  assign ready_o = !d.add_enable || tiles_q != '0;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      reserved_q <= '0;
      tiles_q    <= '0;
    end else if (clear_i) begin
      reserved_q <= '0;
      tiles_q    <= '0;
    end else begin
      reserved_q <= reserved_q + (taken ? DepthBits'(beats) : '0) - DepthBits'(pop_i);
      tiles_q    <= tiles_q + DepthBits'(item_valid && queue_ready && item_last)
          - DepthBits'(take_i && d.add_enable);
    end
  end

`ifndef SYNTHESIS
  // An assertion may look at the asynchronous reset synchronously.
  // verilator lint_off SYNCASYNCNET
  PopOnlyWhatIsThere_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni || clear_i) pop_i |-> unused_queue_valid);
  TakeOnlyWhatIsComplete_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni || clear_i)
                   take_i && d.add_enable |-> tiles_q != '0);
  // verilator lint_on SYNCASYNCNET
`endif

endmodule
