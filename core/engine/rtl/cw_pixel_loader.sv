// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Streams a layer's input tensor from memory into the pixel buffer, once a pass.
///
///     desc --> commands ----------------> cmd_*           word_* --+
///         |                                                        v
///         +--> setup --> cw_load_walker --> operations --> cw_load_writer --> wr_*
///                        where lanes go     of a block     joins words      |
///                                                          and operations   +--> loaded_*
///
/// Issues the descriptor's read commands (each checked against its window, the arena or with
/// `input_program` the program: outside, `window_o` pulses and nothing is read), takes the words
/// that come back, one a cycle at best, and writes them to the ring: directly (a word is one
/// write), or scattered over phase planes (a write for each image-row segment of the word and each
/// stored phase in w, see docs/architecture.md; with stride 2 both phases in one write where
/// `phase_skew` keeps their banks apart), or upsampled by FH = copies_h + 1 and FW = copies_w + 1
/// (a segment of n stored lanes takes FH * ceil(n * FW / R) writes). Where lanes go depends on the
/// descriptor only: the walk runs ahead of the words, once a block, and is its limit (an operation
/// a cycle, also for dropped lanes) where a block has few words. Upsampling needs strides of 1,
/// FW <= 4 and no direct load; a pass's setup takes FH + 1 cycles, or its first phases.
/// Waits while a plane block is not free: absolute block a is written only when
/// a < released_i + ring_blocks, unless `release_all_i`, both a cycle old. Blocks are compared
/// modulo 2^24: an operation's and the released one are never 2^23 apart.
/// `loaded_positions_o` counts stream positions whose every write is visible to reads, in units of
/// 1/(FH*FW): it grows by R*FH*FW a block. `done_o` is high when the pass's stream has ended,
/// until the next `start_i`. `word_ready_o` is a register: two words may be taken ahead, at the
/// stream's end, too, where `word_left_o` says that nobody has asked for them.
module cw_pixel_loader
  import cw_program_pkg::*;
#(
    parameter  int unsigned Rows      = 8,
    parameter  int unsigned Drain     = 4,
    parameter  int unsigned PixelBits = 8,
    parameter  int unsigned PixelRows = 512,
    parameter  int unsigned AddrBits  = 40,
    localparam int unsigned WordBytes = (Rows * PixelBits + 7) / 8,
    localparam int unsigned RowBits   = PixelRows > 1 ? $clog2(PixelRows) : 1,
    localparam int unsigned LaneBits  = Rows > 1 ? $clog2(Rows) : 1,
    localparam int unsigned SlotBits  = Drain > 1 ? $clog2(Drain) : 1,
    localparam int unsigned CountBits = $clog2(Rows + 1)
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    clear_i,
    input  descriptor_t             desc_i,
    input  logic                    start_i,
    input  logic [    AddrBits-1:0] arena_base_i,
    input  logic [            31:0] arena_bytes_i,
    input  logic [    AddrBits-1:0] program_base_i,
    input  logic [            31:0] program_bytes_i,
    output logic                    window_o,
    output logic [            31:0] window_offset_o,
    // progress
    input  logic signed [     31:0] released_i,
    input  logic                    release_all_i,
    output logic signed [     32:0] loaded_positions_o,
    output logic                    loaded_all_o,
    output logic                    done_o,
    // read commands and the words that they bring
    output logic                    cmd_valid_o,
    input  logic                    cmd_ready_i,
    output logic [    AddrBits-1:0] cmd_addr_o,
    output logic [            31:0] cmd_bytes_o,
    output logic                    cmd_left_o,         // there are commands to come
    input  logic                    word_valid_i,
    output logic                    word_ready_o,
    output logic                    word_left_o,
    input  logic [ WordBytes*8-1:0] word_i,
    // pixel buffer
    output logic                    wr_en_o,
    output logic [     RowBits-1:0] wr_row_o[2],
    output logic [     RowBits-1:0] wr_row_next_o[2],
    output logic [    LaneBits-1:0] wr_lane_o[2],
    output logic [   CountBits-1:0] wr_count_o[2],
    output logic [    SlotBits-1:0] wr_slot_o,
    output logic [   PixelBits-1:0] wr_lanes_o[2][Rows]
);

  // verilator lint_off UNUSEDSIGNAL
  descriptor_t d;  // each block reads its part of it
  // verilator lint_on UNUSEDSIGNAL
  assign d = desc_i;

  // ---------------------------------------------------------------- read commands
  // Those left, as a complement that counts up: no inverters before its carries.
  logic [31:0] segments_n_q, offset_q;
  logic reading_q, last_segment_q, taken;
  cw_read_command #(
      .AddrBits(AddrBits)
  ) u_command (
      .clk_i,
      .valid_i  (reading_q),
      .changed_i(start_i),
      .room_i   (1'b1),
      .base_i   (d.input_program ? program_base_i : arena_base_i),
      .limit_i  (d.input_program ? program_bytes_i : arena_bytes_i),
      .offset_i (offset_q),
      .bytes_i  (d.segment_bytes),
      .outside_o(window_o),
      .taken_o  (taken),
      .cmd_valid_o,
      .cmd_ready_i,
      .cmd_addr_o,
      .cmd_bytes_o
  );
  assign cmd_left_o      = reading_q;
  assign window_offset_o = offset_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) reading_q <= 1'b0;
    else if (clear_i) reading_q <= 1'b0;
    else if (start_i) reading_q <= 1'b1;
    else if (window_o || (taken && last_segment_q)) reading_q <= 1'b0;
  end
  always_ff @(posedge clk_i) begin
    // Known a cycle later, as commands come every second one.
    last_segment_q <= segments_n_q == ~32'd1;
    if (start_i) begin
      offset_q     <= d.input_offset;
      segments_n_q <= ~d.segments;
    end else if (taken) begin
      offset_q     <= offset_q + d.segment_stride;
      segments_n_q <= segments_n_q + 1'b1;
    end
  end

  // ---------------------------------------------------------------- setup
  // Decoded a cycle behind the start.
  logic single_q, upsample_q;
  logic [1:0] stride_q, copies_q;
  always_ff @(posedge clk_i) begin
    single_q   <= !d.direct_load && d.stride_w > 16'd4;
    upsample_q <= !d.direct_load && (d.copies_h != '0 || d.copies_w != '0);
    stride_q   <= d.direct_load ? 2'd0 : 2'(d.stride_w[2:0] - 3'd1);
    copies_q   <= d.direct_load ? 2'd0 : d.copies_w[1:0];
  end

  // What a stream row and a stream block amount to, summed up once a pass: no multiplier.
  localparam int unsigned PositionBits = CountBits + 10;
  localparam int unsigned BlockBits = 24;  // of a plane block's number
  logic setup_q, walker_ready, summed;
  logic [8:0] copies_left_q;
  logic [PositionBits-1:0] row_positions, block_positions_q;  // in units of 1/(FH*FW)
  logic [RowBits-1:0] step_row;
  logic [LaneBits-1:0] step_lane;
  logic [BlockBits-1:0] step_block;
  logic [RowBits-1:0] step_row_q;
  logic [LaneBits-1:0] step_lane_q;
  logic [BlockBits-1:0] step_block_q;
  assign summed        = copies_left_q == '0;
  assign row_positions = PositionBits'(Rows) + (d.copies_w[0] ? PositionBits'(Rows) : '0)
      + (d.copies_w[1] ? PositionBits'(2 * Rows) : '0);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) setup_q <= 1'b0;
    else if (clear_i) setup_q <= 1'b0;
    else if (start_i) setup_q <= 1'b1;
    else if (walker_ready && summed) setup_q <= 1'b0;
  end
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      copies_left_q     <= {1'b0, d.copies_h} + 9'd1;
      block_positions_q <= '0;
    end else if (!summed) begin
      copies_left_q     <= copies_left_q - 9'd1;
      block_positions_q <= block_positions_q + row_positions;
    end
    if (setup_q) begin
      step_row_q   <= step_row;
      step_lane_q  <= step_lane;
      step_block_q <= step_block;
    end
  end

  // ---------------------------------------------------------------- words to writes
  logic room, op_valid, op_odd, op_word_end, op_last;
  logic [RowBits-1:0] op_row, op_plane;
  logic [LaneBits-1:0] op_lane, op_first;
  logic [BlockBits-1:0] op_block;
  logic [1:0] op_copy;
  logic [CountBits-1:0] op_count[2];

  cw_load_walker #(
      .Rows     (Rows),
      .RowBits  (RowBits),
      .BlockBits(BlockBits)
  ) u_walker (
      .clk_i,
      .rst_ni,
      .clear_i,
      .desc_i,
      .single_i     (single_q),
      .upsample_i   (upsample_q),
      .stride_i     (stride_q),
      .start_i,
      .setup_i      (setup_q),
      .ready_o      (walker_ready),
      .step_row_i   (step_row_q),
      .step_lane_i  (step_lane_q),
      .step_block_i (step_block_q),
      .go_i         (room),
      .op_valid_o   (op_valid),
      .op_row_o     (op_row),
      .op_lane_o    (op_lane),
      .op_block_o   (op_block),
      .op_plane_o   (op_plane),
      .op_odd_o     (op_odd),
      .op_first_o   (op_first),
      .op_copy_o    (op_copy),
      .op_count_o   (op_count),
      .op_word_end_o(op_word_end),
      .op_last_o    (op_last)
  );

  // A cycle old: what is free stays free.
  // verilator lint_off UNUSEDSIGNAL
  logic signed [31:0] released;  // modulo 2^BlockBits
  // verilator lint_on UNUSEDSIGNAL
  assign released = released_i;
  logic [BlockBits-1:0] limit_q;
  logic release_all_q;
  always_ff @(posedge clk_i) begin
    limit_q       <= BlockBits'(released) + d.ring_blocks;
    release_all_q <= release_all_i;
  end

  logic block_end, last;
  cw_load_writer #(
      .Rows     (Rows),
      .Drain    (Drain),
      .PixelBits(PixelBits),
      .RowBits  (RowBits),
      .BlockBits(BlockBits)
  ) u_writer (
      .clk_i,
      .rst_ni,
      .clear_i,
      .desc_i,
      .upsample_i   (upsample_q),
      .stride_i     (stride_q),
      .copies_i     (copies_q),
      .start_i,
      .setup_i      (setup_q && !summed),
      .place_row_o  (step_row),
      .place_lane_o (step_lane),
      .place_block_o(step_block),
      .limit_i      (limit_q),
      .release_all_i(release_all_q),
      .room_o       (room),
      .op_valid_i   (op_valid),
      .op_row_i     (op_row),
      .op_lane_i    (op_lane),
      .op_block_i   (op_block),
      .op_plane_i   (op_plane),
      .op_odd_i     (op_odd),
      .op_first_i   (op_first),
      .op_copy_i    (op_copy),
      .op_count_i   (op_count),
      .op_word_end_i(op_word_end),
      .op_last_i    (op_last),
      .word_valid_i,
      .word_ready_o,
      .word_left_o,
      .word_i       (word_i[Rows*PixelBits-1:0]),
      .block_end_o  (block_end),
      .last_o       (last),
      .wr_en_o,
      .wr_row_o,
      .wr_row_next_o,
      .wr_lane_o,
      .wr_count_o,
      .wr_slot_o,
      .wr_lanes_o
  );

  // ---------------------------------------------------------------- progress
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      loaded_positions_o <= '0;
      loaded_all_o       <= 1'b0;
    end else if (start_i || clear_i) begin
      loaded_positions_o <= '0;
      loaded_all_o       <= 1'b0;
    end else begin
      if (block_end) loaded_positions_o <= loaded_positions_o + 33'(block_positions_q);
      if (last) loaded_all_o <= 1'b1;
    end
  end

  assign done_o = loaded_all_o;

  if (WordBytes * 8 > Rows * PixelBits) begin : gen_unused_pad
    logic [WordBytes*8-Rows*PixelBits-1:0] unused_pad;
    assign unused_pad = word_i[WordBytes*8-1:Rows*PixelBits];
  end

endmodule
