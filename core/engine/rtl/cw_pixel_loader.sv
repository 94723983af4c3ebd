// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Streams a layer's input tensor from memory into the pixel buffer, once a pass.
///
/// Issues the descriptor's read commands (each checked against its window, the arena or with
/// `input_program` the program: outside, `window_o` pulses and nothing is read), takes the words
/// that come back, one a cycle at best, and writes them to the ring: directly (a word is one
/// write), or scattered over phase planes (a write for each image-row segment of the word and each
/// stored phase in w, see docs/architecture.md; with stride 2 both phases in one write where
/// `phase_skew` keeps their banks apart), or upsampled by FH = copies_h + 1 and FW = copies_w + 1
/// (a segment of n stored lanes takes FH * ceil(n * FW / R) writes). Upsampling needs strides of 1,
/// FW <= 4 and no direct load; a pass's first word waits for copies_h cycles behind the start.
/// Waits while a plane block is not free: absolute block a is written only when
/// a < released_i + ring_blocks, unless `release_all_i`. `loaded_positions_o` counts stream
/// positions whose every write is visible to reads, in units of 1/(FH*FW): it grows by R*FH*FW a
/// stream block. `done_o` is high when the pass's stream has ended, until the next `start_i`.
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
    input  logic                    word_valid_i,
    output logic                    word_ready_o,
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

  // A plane position: the slot's buffer row, the one behind it, the lane, the absolute block.
  typedef struct packed {
    logic [RowBits-1:0]  row;
    logic [RowBits-1:0]  row_next;
    logic [LaneBits-1:0] lane;
    logic signed [31:0]  block;
  } place_t;

  // Where the next lane of the stream belongs.
  typedef struct packed {
    logic [15:0] w;
    logic [15:0] h;
    logic [15:0] phase_w;
    logic [15:0] phase_h;
    logic [15:0] stream_row;  // of the image
    place_t      place;       // of (h, w)
    place_t      row_start;   // of (h, 0)
    place_t      image_start; // of (0, 0)
  } cursor_t;

  function automatic logic [RowBits-1:0] wrap_add(logic [RowBits-1:0] a, logic [RowBits-1:0] b,
                                                  logic [23:0] ring);
    automatic logic [RowBits:0] sum = {1'b0, a} + {1'b0, b};
    if (25'(sum) >= 25'(ring)) sum = sum - (RowBits + 1)'(ring);
    return sum[RowBits-1:0];
  endfunction

  /// `lanes` is at most Rows.
  function automatic place_t advance(place_t p, logic [RowBits-1:0] rows, logic [31:0] blocks,
                                     logic [CountBits-1:0] lanes,
                                     logic [RowBits-1:0] block_rows,
                                     logic [23:0] ring);
    automatic logic [CountBits:0] lane = (CountBits + 1)'(p.lane) + {1'b0, lanes};
    automatic logic [RowBits-1:0] row = wrap_add(p.row, rows, ring);
    automatic logic [RowBits-1:0] row_next = wrap_add(p.row_next, rows, ring);
    if (lane >= (CountBits + 1)'(Rows)) begin
      advance.lane     = LaneBits'(lane - (CountBits + 1)'(Rows));
      advance.row      = row_next;
      advance.row_next = wrap_add(row_next, block_rows, ring);
      advance.block    = p.block + $signed(blocks) + 1;
    end else begin
      advance.lane     = LaneBits'(lane);
      advance.row      = row;
      advance.row_next = row_next;
      advance.block    = p.block + $signed(blocks);
    end
  endfunction

  // ---------------------------------------------------------------- read commands
  logic [31:0] segments_left_q, offset_q, window_bytes;
  logic bad_window;
  assign window_bytes    = d.input_program ? program_bytes_i : arena_bytes_i;
  assign bad_window      = 33'(offset_q) + 33'(d.segment_bytes) > 33'(window_bytes);
  assign cmd_valid_o     = segments_left_q != '0 && !bad_window;
  assign cmd_addr_o      = AddrBits'(offset_q) + (d.input_program ? program_base_i : arena_base_i);
  assign cmd_bytes_o     = d.segment_bytes;
  assign window_o        = segments_left_q != '0 && bad_window;
  assign window_offset_o = offset_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) segments_left_q <= '0;
    else if (clear_i) segments_left_q <= '0;
    else if (start_i) segments_left_q <= d.segments;
    else if (window_o) segments_left_q <= '0;
    else if (cmd_valid_o && cmd_ready_i) segments_left_q <= segments_left_q - 1;
  end
  always_ff @(posedge clk_i) begin
    if (start_i) offset_q <= d.input_offset;
    else if (cmd_valid_o && cmd_ready_i) offset_q <= offset_q + d.segment_stride;
  end

  // ---------------------------------------------------------------- words to writes
  // Strides above 4 (flatten) go lane by lane: a lane's neighbours lie in other planes anyway.
  logic single;
  assign single = d.stride_w > 16'd4;

  // Each stored pixel becomes copies_h + 1 rows of copies_w + 1 positions.
  logic upsample;
  assign upsample = !d.direct_load && (d.copies_h != '0 || d.copies_w != '0);

  /// Division by a stride, or a number of copies, of at most 4.
  function automatic logic [CountBits+1:0] divide(logic [CountBits+1:0] a, logic [15:0] by);
    case (by)
      16'd2:   return a / 2;
      16'd3:   return a / 3;
      16'd4:   return a / 4;
      default: return a;
    endcase
  endfunction

  /// Positions of some lanes with `extra` more copies of each.
  function automatic logic [CountBits+1:0] copies_of(logic [CountBits-1:0] lanes,
                                                     logic [1:0] extra);
    return (CountBits + 2)'(lanes) + (extra[0] ? (CountBits + 2)'(lanes) : '0)
        + (extra[1] ? {1'b0, lanes, 1'b0} : '0);
  endfunction

  // What a stream row and a stream block amount to, summed up once a pass: no multiplier.
  localparam int unsigned PositionBits = CountBits + 10;
  logic [7:0] copies_left_q;
  place_t row_step_q;                            // from an image row of the stream to the next
  logic [PositionBits-1:0] block_positions_q;    // of a stream block, in units of 1/(FH*FW)
  logic [PositionBits-1:0] row_copies_positions; // R*FW
  logic steps_ready;
  assign row_copies_positions = PositionBits'(copies_of(CountBits'(Rows), d.copies_w[1:0]));
  assign steps_ready          = copies_left_q == '0;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      copies_left_q       <= d.copies_h;
      row_step_q.row      <= RowBits'(d.pitch_rows);
      row_step_q.row_next <= wrap_add(RowBits'(d.pitch_rows), RowBits'(d.block_rows), d.ring_rows);
      row_step_q.lane     <= LaneBits'(d.pitch_lane);
      row_step_q.block    <= $signed(d.pitch_blocks);
      block_positions_q   <= row_copies_positions;
    end else if (!steps_ready) begin
      copies_left_q     <= copies_left_q - 1'b1;
      row_step_q        <= advance(row_step_q, RowBits'(d.pitch_rows), d.pitch_blocks,
                                   CountBits'(d.pitch_lane), RowBits'(d.block_rows), d.ring_rows);
      block_positions_q <= block_positions_q + row_copies_positions;
    end
  end

  logic active_q;
  logic [31:0] blocks_left_q;
  logic [15:0] channel_q;
  logic [RowBits-1:0] channel_row_q;
  logic [SlotBits-1:0] slot_q;
  // A word's lanes are cut into segments at ends of image rows; a segment is written phase by phase.
  // cursor_q is at lane lane_q + phase_lane_q of the word, but its w is the segment's first lane's.
  cursor_t block_cursor_q, cursor_q, cursor_first, cursor_next;
  logic [CountBits-1:0] lane_q, phase_lane_q;
  logic [CountBits+1:0] segment_phase_q;  // of the segment's first lane; used for strides up to 4
  place_t segment_place_q;
  // Upsampling writes a segment row by row: cursor_q's place is the next write's, segment_place_q
  // the row's first, and copy_w_q positions of lane lane_q + phase_lane_q are in this row already.
  logic [7:0] copy_h_q;
  logic [1:0] copy_w_q;
  place_t behind_q;  // position behind the segment's first row

  always_comb begin
    cursor_first.w           = '0;
    cursor_first.h           = '0;
    cursor_first.phase_w     = d.start_phase_w;
    cursor_first.phase_h     = d.start_phase_h;
    cursor_first.stream_row  = '0;
    cursor_first.place.row   = d.direct_load ? '0 : RowBits'(d.scatter_row);
    cursor_first.place.row_next =
        wrap_add(cursor_first.place.row, RowBits'(d.block_rows), d.ring_rows);
    cursor_first.place.lane  = d.direct_load ? '0 : LaneBits'(d.scatter_lane);
    cursor_first.place.block = d.direct_load ? '0 : d.scatter_block;
    cursor_first.row_start   = cursor_first.place;
    cursor_first.image_start = cursor_first.place;
  end

  // The segment: what the word has of the image row.
  logic [15:0] left_in_row, left_stored;
  logic [CountBits-1:0] segment_lanes, stored_lanes;
  logic row_end, image_end;
  always_comb begin
    left_in_row   = d.input_pitch - cursor_q.w;
    row_end       = left_in_row <= 16'(Rows) - 16'(lane_q);
    segment_lanes = row_end ? CountBits'(left_in_row) : CountBits'(Rows) - lane_q;
    image_end     = row_end && cursor_q.stream_row + 1'b1 == d.input_rows;
    left_stored   = cursor_q.w < d.load_width ? d.load_width - cursor_q.w : '0;
    stored_lanes  = 16'(segment_lanes) < left_stored ? segment_lanes : CountBits'(left_stored);
  end

  // An upsampled row of a segment takes writes of R positions, and a last one of what is left.
  logic [CountBits+1:0] copies_left, copies_walked;
  logic [CountBits-1:0] copies_count, copies_lanes;
  logic [1:0] copies_rest;
  logic copies_row_end;
  place_t copies_behind, copies_below;
  always_comb begin
    copies_left    = copies_of(stored_lanes - phase_lane_q, d.copies_w[1:0])
        - (CountBits + 2)'(copy_w_q);
    copies_row_end = copies_left <= (CountBits + 2)'(Rows);
    copies_count   = copies_row_end ? CountBits'(copies_left) : CountBits'(Rows);
    copies_walked  = (CountBits + 2)'(Rows) + (CountBits + 2)'(copy_w_q);
    copies_lanes   = CountBits'(divide(copies_walked, 16'(d.copies_w[1:0]) + 16'd1));
    copies_rest    = 2'(copies_walked - copies_of(copies_lanes, d.copies_w[1:0]));
    copies_behind  = advance(cursor_q.place, '0, '0, copies_count, RowBits'(d.block_rows),
                             d.ring_rows);
    copies_below   = advance(segment_place_q, RowBits'(d.pitch_rows), d.pitch_blocks,
                             CountBits'(d.pitch_lane), RowBits'(d.block_rows), d.ring_rows);
  end

  // In it the write of the cursor's phase: lanes first, first + stride, ...
  logic [15:0] first, after, after_first, phase_w, after_phase;
  logic [CountBits-1:0] count;
  place_t place, place_after, place_further;
  logic skip, store, others, more;
  always_comb begin
    // Phases that no tap reads are passed over at no cost.
    place_further = advance(cursor_q.place, '0, '0, CountBits'(1), RowBits'(d.block_rows),
                            d.ring_rows);
    skip    = !d.direct_load && cursor_q.phase_w >= d.planes_w;
    first   = 16'(phase_lane_q) + (skip ? d.stride_w - cursor_q.phase_w : '0);
    phase_w = skip ? '0 : cursor_q.phase_w;
    place   = skip ? place_further : cursor_q.place;
    store   = cursor_q.h < d.load_height && cursor_q.phase_h < d.planes_h
        && first < 16'(stored_lanes) && (single || upsample || first < d.stride_w);
    count   = single ? CountBits'(1) : CountBits'(divide((CountBits + 2)'(stored_lanes)
        - (CountBits + 2)'(first) + (CountBits + 2)'(d.stride_w) - 1'b1, d.stride_w));
    if (upsample) count = copies_count;

    // The lane behind `first` is in the next plane, or in plane 0 a position further.
    after       = first + 1'b1;
    after_phase = phase_w + 1'b1 == d.stride_w ? '0 : phase_w + 1'b1;
    place_after = phase_w + 1'b1 == d.stride_w
        ? advance(place, '0, '0, CountBits'(1), RowBits'(d.block_rows), d.ring_rows) : place;
    after_first = after + (after_phase >= d.planes_w ? d.stride_w - after_phase : '0);
    others      = store && after_first < 16'(stored_lanes) && (single || after_first < d.stride_w);
  end

  // Plane 1 of stride 2 lies `phase_skew` lanes further, so that a word's two runs share no bank.
  place_t written[2];
  logic [CountBits-1:0] counts[2];
  logic both;
  always_comb begin
    automatic logic [CountBits:0] gap, gap_back;
    written[0] = phase_w == 16'd1 ? advance(place, '0, '0, CountBits'(d.phase_skew),
                                            RowBits'(d.block_rows), d.ring_rows) : place;
    written[1] = after_phase == 16'd1 ? advance(place_after, '0, '0, CountBits'(d.phase_skew),
                                                RowBits'(d.block_rows), d.ring_rows) : place_after;
    counts[0] = count;
    counts[1] = CountBits'((17'(stored_lanes) - 17'(after) + 17'd1) / 17'd2);
    gap = (CountBits + 1)'(written[1].lane) - (CountBits + 1)'(written[0].lane);
    if (written[1].lane < written[0].lane) gap = gap + (CountBits + 1)'(Rows);
    gap_back = (CountBits + 1)'(Rows) - gap;
    both = others && d.stride_w == 16'd2 && gap >= (CountBits + 1)'(counts[0])
        && gap_back >= (CountBits + 1)'(counts[1]);
    if (!both) counts[1] = '0;
    more = upsample ? store && !(copies_row_end && copy_h_q == d.copies_h) : others && !both;
  end

  logic segment_end, word_end, block_end, fits, go;
  logic signed [32:0] distance, further;
  assign segment_end = d.direct_load || !more;
  assign word_end    = segment_end
      && (d.direct_load || 32'(lane_q) + 32'(segment_lanes) == Rows);
  assign block_end   = word_end && channel_q + 1'b1 == d.channels_in;

  // Is the last plane block of this write free?
  always_comb begin
    distance = 33'(written[0].block) - 33'(released_i);
    if (!d.direct_load && 32'(written[0].lane) + 32'(count) > Rows) distance = distance + 1;
    further = 33'(written[1].block) - 33'(released_i);
    if (32'(written[1].lane) + 32'(counts[1]) > Rows) further = further + 1;
    if (both && further > distance) distance = further;
    fits = release_all_i || (!store && !d.direct_load)
        || distance < $signed({9'b0, d.ring_blocks});
  end

  assign go           = active_q && steps_ready && word_valid_i && fits;
  assign word_ready_o = active_q && steps_ready && fits && word_end;

  // Where the stream goes on behind this segment.
  logic [CountBits+1:0] walked, quotient;
  logic [15:0] single_phase;
  always_comb begin
    cursor_next  = cursor_q;
    walked       = (CountBits + 2)'(segment_lanes) + segment_phase_q;
    quotient     = divide(walked, d.stride_w);
    single_phase = store ? after_phase + 16'(segment_lanes) - after
        : cursor_q.phase_w + 16'(segment_lanes) - 16'(phase_lane_q);
    if (row_end) begin
      cursor_next.w       = '0;
      cursor_next.phase_w = d.start_phase_w;
      if (image_end) begin
        cursor_next.h           = '0;
        cursor_next.stream_row  = '0;
        cursor_next.phase_h     = d.start_phase_h;
        cursor_next.image_start = advance(cursor_q.image_start, RowBits'(d.scatter_image_rows),
                                          d.scatter_image_blocks, CountBits'(d.scatter_image_lane),
                                          RowBits'(d.block_rows), d.ring_rows);
        cursor_next.row_start   = cursor_next.image_start;
      end else begin
        cursor_next.h          = cursor_q.h + d.row_advance;
        cursor_next.stream_row = cursor_q.stream_row + 1'b1;
        if (d.row_advance == d.stride_h || cursor_q.phase_h + 1'b1 == d.stride_h) begin
          // A row advance of one stride keeps the phase.
          cursor_next.phase_h   = d.row_advance == d.stride_h ? cursor_q.phase_h : '0;
          cursor_next.row_start = advance(cursor_q.row_start, row_step_q.row,
                                          row_step_q.block, CountBits'(32'(row_step_q.lane)),
                                          RowBits'(d.block_rows), d.ring_rows);
        end else begin
          cursor_next.phase_h = cursor_q.phase_h + 1'b1;
        end
      end
      cursor_next.place = cursor_next.row_start;
    end else begin
      cursor_next.w = cursor_q.w + 16'(segment_lanes);
      if (single) begin
        // Behind the last stored lane follow lanes of one run of skipped phases at most; where
        // lanes fall beyond load_width the rest of the row is not stored either.
        cursor_next.phase_w = single_phase;
        cursor_next.place   = store ? place_after : cursor_q.place;
        if (single_phase >= d.stride_w) begin
          cursor_next.phase_w = single_phase - d.stride_w;
          cursor_next.place   = advance(store ? place_after : cursor_q.place, '0, '0,
                                        CountBits'(1), RowBits'(d.block_rows), d.ring_rows);
        end
      end else if (upsample) begin
        // Where nothing was stored nothing of this row will be: the place does not matter.
        cursor_next.place = copy_h_q == '0 ? copies_behind : behind_q;
      end else begin
        cursor_next.phase_w = 16'(walked) - 16'(quotient) * 16'(d.stride_w[2:0]);
        cursor_next.place   = advance(segment_place_q, '0, '0, CountBits'(quotient),
                                      RowBits'(d.block_rows), d.ring_rows);
      end
    end
    if (d.direct_load) begin
      cursor_next = cursor_q;
      if (block_end) begin
        cursor_next.place.row      = cursor_q.place.row_next;
        cursor_next.place.row_next =
            wrap_add(cursor_q.place.row_next, RowBits'(d.block_rows), d.ring_rows);
        cursor_next.place.block    = cursor_q.place.block + 1;
      end
    end else if (word_end && !block_end) begin
      cursor_next = block_cursor_q;  // the next channel's word covers the same lanes
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) active_q <= 1'b0;
    else if (clear_i) active_q <= 1'b0;
    else if (start_i) active_q <= 1'b1;
    else if (go && block_end && blocks_left_q == 1) active_q <= 1'b0;
  end

  // Where the stream is: a start sets all of it.
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      blocks_left_q   <= d.stream_blocks;
      channel_q       <= '0;
      channel_row_q   <= '0;
      slot_q          <= '0;
      block_cursor_q  <= cursor_first;
      cursor_q        <= cursor_first;
      lane_q          <= '0;
      phase_lane_q    <= '0;
      segment_phase_q <= (CountBits + 2)'(cursor_first.phase_w);
      segment_place_q <= cursor_first.place;
      copy_h_q        <= '0;
      copy_w_q        <= '0;
    end else if (go) begin
      if (upsample && !segment_end) begin
        if (!copies_row_end) begin
          phase_lane_q   <= phase_lane_q + copies_lanes;
          copy_w_q       <= copies_rest;
          cursor_q.place <= copies_behind;
        end else begin
          phase_lane_q    <= '0;
          copy_w_q        <= '0;
          copy_h_q        <= copy_h_q + 1'b1;
          cursor_q.place  <= copies_below;
          segment_place_q <= copies_below;
          if (copy_h_q == '0) behind_q <= copies_behind;
        end
      end else if (!segment_end) begin
        phase_lane_q     <= CountBits'(after);
        cursor_q.phase_w <= after_phase;
        cursor_q.place   <= place_after;
      end else begin
        phase_lane_q    <= '0;
        copy_h_q        <= '0;
        copy_w_q        <= '0;
        cursor_q        <= cursor_next;
        segment_phase_q <= (CountBits + 2)'(cursor_next.phase_w);
        segment_place_q <= cursor_next.place;
        lane_q          <= word_end ? '0 : lane_q + segment_lanes;
        if (word_end) begin
          channel_q <= channel_q + 1'b1;
          if (32'(slot_q) == Drain - 1) begin
            slot_q        <= '0;
            channel_row_q <= channel_row_q + 1'b1;
          end else slot_q <= slot_q + 1'b1;
        end
        if (block_end) begin
          channel_q      <= '0;
          channel_row_q  <= '0;
          slot_q         <= '0;
          block_cursor_q <= cursor_next;
          blocks_left_q  <= blocks_left_q - 1;
        end
      end
    end
  end

  // ---------------------------------------------------------------- write pipeline
  // Cycle t+1: pick the phase's lanes from the word. Cycle t+2: the buffer writes.
  typedef struct packed {
    logic                valid;
    logic                block_end;
    logic                last;
    place_t [1:0]        place;
    logic [15:0]         phase_w;
    logic [15:0]         phase_h;
    logic [1:0][CountBits-1:0] lane;
    logic [1:0][CountBits-1:0] count;
    logic [1:0]          copy_w;
    logic [RowBits-1:0]  channel_row;
    logic [SlotBits-1:0] slot;
  } write_t;
  write_t op_q;
  logic [Rows*PixelBits-1:0] word_q;

  // Off in reset as well: nothing is active then.
  always_ff @(posedge clk_i) begin
    if (clear_i || start_i || !go) op_q <= '0;
    else begin
      op_q.valid       <= d.direct_load || store;
      op_q.block_end   <= block_end;
      op_q.last        <= block_end && blocks_left_q == 1;
      op_q.place[0]    <= d.direct_load ? cursor_q.place : written[0];
      op_q.place[1]    <= written[1];
      op_q.phase_w     <= d.direct_load ? '0 : phase_w;
      op_q.phase_h     <= d.direct_load ? '0 : cursor_q.phase_h;
      op_q.lane[0]     <= d.direct_load ? '0 : lane_q + CountBits'(first);
      op_q.lane[1]     <= lane_q + CountBits'(after);
      op_q.count[0]    <= d.direct_load ? CountBits'(Rows) : counts[0];
      op_q.count[1]    <= d.direct_load ? '0 : counts[1];
      op_q.copy_w      <= copy_w_q;
      op_q.channel_row <= channel_row_q;
      op_q.slot        <= slot_q;
    end
  end
  always_ff @(posedge clk_i) if (go) word_q <= word_i[Rows*PixelBits-1:0];

  // The second run is the other phase: plane 1 behind plane 0, or plane 0 before plane 1.
  logic [RowBits-1:0] row_in_slot, in_slot[2];
  assign row_in_slot = RowBits'(op_q.phase_h * d.phase_rows) + op_q.channel_row;
  assign in_slot[0]  = row_in_slot + RowBits'(op_q.phase_w * d.plane_rows);
  assign in_slot[1]  = row_in_slot + (op_q.phase_w == '0 ? RowBits'(d.plane_rows) : '0);

  logic block_end_q, last_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      wr_en_o            <= 1'b0;
      block_end_q        <= 1'b0;
      last_q             <= 1'b0;
      loaded_positions_o <= '0;
      loaded_all_o       <= 1'b0;
    end else begin
      wr_en_o     <= op_q.valid && !clear_i;
      block_end_q <= op_q.block_end;
      last_q      <= op_q.last;
      if (start_i || clear_i) begin
        block_end_q        <= 1'b0;
        last_q             <= 1'b0;
        loaded_positions_o <= '0;
        loaded_all_o       <= 1'b0;
      end else begin
        if (block_end_q) loaded_positions_o <= loaded_positions_o + 33'(block_positions_q);
        if (last_q) loaded_all_o <= 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (op_q.valid) begin
      wr_slot_o <= op_q.slot;
      // verilator unroll_full
      for (int unsigned i = 0; i < 2; i++) begin
        wr_row_o[i]      <= op_q.place[i].row + in_slot[i];
        wr_row_next_o[i] <= op_q.place[i].row_next + in_slot[i];
        wr_lane_o[i]     <= op_q.place[i].lane;
        wr_count_o[i]    <= op_q.count[i];
        // verilator unroll_full
        for (int unsigned k = 0; k < Rows; k++) begin
          automatic logic [31:0] step = single || d.direct_load ? 32'd1 : 32'(d.stride_w[2:0]);
          automatic logic [CountBits+1:0] copies = (CountBits + 2)'(op_q.copy_w)
              + (CountBits + 2)'(k);
          automatic logic [31:0] lane = 32'(op_q.lane[i]) + (upsample
              ? 32'(divide(copies, 16'(d.copies_w[1:0]) + 16'd1)) : k * step);
          wr_lanes_o[i][k] <= lane < Rows ? word_q[LaneBits'(lane)*PixelBits+:PixelBits] : '0;
        end
      end
    end
  end

  assign done_o = loaded_all_o;

`ifndef SYNTHESIS
  // An assertion may look at the asynchronous reset synchronously.
  // verilator lint_off SYNCASYNCNET
  UpsamplingHasNoStrides_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   active_q && upsample |-> d.stride_h == 1 && d.stride_w == 1
                   && d.copies_w <= 8'd3);
  // verilator lint_on SYNCASYNCNET
`endif

  if (WordBytes * 8 > Rows * PixelBits) begin : gen_unused_pad
    logic [WordBytes*8-Rows*PixelBits-1:0] unused_pad;
    assign unused_pad = word_i[WordBytes*8-1:Rows*PixelBits];
  end

endmodule
