// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Walks a layer's loop nest and issues one array step a cycle: pass, set, group, block, kernel row,
/// kernel column, channel (see docs/architecture.md for every field).
///
/// A step issues when its pixels are in the pixel buffer, its weight row is in the ring and, for the last
/// step of a tile, when the drain is free and the output has room for the whole tile. So nothing behind
/// this module ever stalls. Pixels are seen a cycle after `loaded_positions_i` says so. Tiles end at
/// least two cycles apart. Outputs of a step appear in its cycle (registered state, combinational
/// `step_o`). Its lanes' masks follow two cycles later on `mask_o`, aligned with the pixels that leave
/// the pixel buffer; without a step they mean nothing. `start_i` begins a layer with the descriptor
/// stable from then on until `done_o`, a level that stays until the next start. The lane table costs
/// Rows cycles after the start.
/// `released_o` moves on behind each tile of a pass's last group, with `release_rows` behind each
/// of its kernel rows.
/// Does not check the descriptor: a contradictory one may wait for ever, which the watchdog ends.
module cw_sequencer
  import cw_pkg::*;
  import cw_program_pkg::*;
#(
    parameter  int unsigned Rows           = 8,
    parameter  int unsigned Drain          = 4,
    parameter  int unsigned Words          = Drain,  // of a beat of the drain
    parameter  int unsigned WordBytes      = 8,
    parameter  int unsigned PixelRows      = 512,
    parameter  int unsigned MaxDrainBeats  = 6,
    parameter  int unsigned AverageCycles  = 16,
    parameter  int unsigned BiasRows       = 128,
    localparam int unsigned RowBits        = PixelRows > 1 ? $clog2(PixelRows) : 1,
    localparam int unsigned LaneBits       = Rows > 1 ? $clog2(Rows) : 1,
    localparam int unsigned SlotBits       = Drain > 1 ? $clog2(Drain) : 1,
    localparam int unsigned BeatBits       = $clog2(MaxDrainBeats + 1),
    localparam int unsigned BiasBits       = BiasRows > 1 ? $clog2(BiasRows) : 1
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               clear_i,
    input  descriptor_t        desc_i,
    input  logic               start_i,
    output logic               done_o,
    // pixel loader
    output logic               pass_start_o,       // (re)start the input stream
    output logic signed [31:0] released_o,         // plane blocks before this one are free
    output logic               release_all_o,      // nothing of this pass is read any more
    input  logic signed [32:0] loaded_positions_i, // stream positions that have been stored
    input  logic               loaded_all_i,       // the pass's whole stream has been stored
    input  logic               loader_done_i,
    // weight ring
    input  logic               weights_available_i,
    output logic               weight_step_o,
    output logic               weight_to_group_o,
    output logic               weight_to_pass_o,
    output logic               weight_new_group_o,
    output logic               weight_new_pass_o,
    output logic               weight_release_o,
    // room behind the array
    input  logic               tile_room_i,        // a cycle ago there was room for tile_beats_o
    output logic [BeatBits-1:0] tile_beats_o,
    // the step
    output logic               step_o,
    output logic               step_first_o,
    output logic               step_last_o,
    output logic [RowBits-1:0] row_o,
    output logic [RowBits-1:0] row_next_o,
    output logic [LaneBits-1:0] lane_o,
    output logic [SlotBits-1:0] slot_o,
    output logic [Rows-1:0]    mask_o,             // two cycles after the step
    // the tile that a last step ends
    output logic [15:0]        tile_channels_o,
    output logic [BiasBits-1:0] tile_bias_row_o,
    output logic [31:0]        tile_offset_o,      // arena offset of its first byte
    output logic [31:0]        tile_bytes_o,
    output logic               tile_last_o,        // last tile of the layer
    // why nothing was issued
    output cause_e             cause_o
);

  typedef struct packed {
    logic [RowBits-1:0]  row;       // of the slot that holds lane 0's position
    logic [RowBits-1:0]  row_next;  // of the slot behind it
    logic [LaneBits-1:0] lane;
  } place_t;

  typedef logic [$bits(desc_i.row_blocks)-1:0] blocks_t;
  typedef logic signed [$bits(desc_i.gather_block)-1:0] block_t;

  // One block further in the output raster.
  typedef struct packed {
    logic [15:0]        left_w;    // of lane 0 to the wrap, input units
    logic [15:0]        left_h;
    logic signed [32:0] need;      // last stream position for its first kernel row
    place_t             place;
    block_t             block;     // absolute plane block of place
    // Complements that count up, see channels_n_q.
    blocks_t            row_n;     // blocks of the image row from this one on (row-aligned)
    logic [15:0]        rows_n;    // rows of the image from this one on
    logic               row_end;   // the block is the last of its image row (row-aligned)
    logic               last_row;  // the row is the last of its image
    logic [31:0]        offset;    // of the block in the output tensor
  } walk_t;

  typedef enum logic [1:0] {
    StIdle,
    StLanes,
    StRun,
    StPassEnd
  } state_e;

  // verilator lint_off UNUSEDSIGNAL
  descriptor_t d;  // each block reads its part of it
  // verilator lint_on UNUSEDSIGNAL
  assign d = desc_i;

  // A distance in rows of the ring, and how far it is from there to the ring's end: so a sum and the
  // same less the ring stand side by side, and neither waits for the other.
  typedef struct packed {
    logic [RowBits-1:0] rows;
    logic [RowBits:0]   to_end;
  } distance_t;

  function automatic distance_t distance_of(logic [RowBits-1:0] rows, logic [RowBits:0] size);
    return '{rows: rows, to_end: size - {1'b0, rows}};
  endfunction

  function automatic logic [RowBits-1:0] wrap_add(logic [RowBits-1:0] row, distance_t distance);
    automatic logic [RowBits:0] wrapped = {1'b0, row} - distance.to_end;
    return wrapped[RowBits] ? row + distance.rows : wrapped[RowBits-1:0];
  endfunction

  function automatic place_t advance(place_t p, distance_t distance, logic [LaneBits-1:0] lanes,
                                     distance_t block, output logic carry);
    automatic logic [LaneBits:0] lane = {1'b0, p.lane} + {1'b0, lanes};
    automatic logic [RowBits-1:0] row = wrap_add(p.row, distance);
    automatic logic [RowBits-1:0] row_next = wrap_add(p.row_next, distance);
    carry = lane >= (LaneBits + 1)'(Rows);
    if (carry) begin
      advance.lane     = LaneBits'(lane - (LaneBits + 1)'(Rows));
      advance.row      = row_next;
      advance.row_next = wrap_add(row_next, block);
    end else begin
      advance.lane     = lane[LaneBits-1:0];
      advance.row      = row;
      advance.row_next = row_next;
    end
  endfunction

  state_e state_q;
  logic lanes_ready;
  walk_t walk_q, set_walk_q, walk_next, walk_first, tile_walk;
  logic [15:0] kh_q, kw_q;
  logic first_q;  // the tile's first step
  logic [31:0] group_offset_q, pass_offset_q;  // with the output's own
  logic [BiasBits-1:0] bias_row_q, pass_bias_row_q;
  place_t row_place_q;  // first position of the kernel row's taps
  block_t row_block_q;  // its absolute plane block
  place_t position_q;   // of this tap, in plane 0
  place_t tap_place_q;  // of this tap, in its own plane
  // What is left, as complements that count up: a carry chain that counts down has an inverter before
  // each bit. Channels of the tap, and phases of the stride, from this one on.
  logic [15:0] channels_n_q, phases_h_n_q, phases_w_n_q;
  logic [RowBits-1:0] plane_h_q, plane_q, channel_row_q;
  logic [SlotBits-1:0] slot_q;
  logic signed [32:0] need_q;
  logic any_issued_q;
  localparam int unsigned BusyCycles =
      AverageCycles > MaxDrainBeats ? AverageCycles : MaxDrainBeats;
  logic [$clog2(BusyCycles+1)-1:0] drain_busy_q;
  logic drain_free_q;  // it is 0

  // ---------------------------------------------------------------- walk by blocks
  // Of the descriptor, a cycle behind the start, which StLanes waits for.
  distance_t block_q, pitch_q, row_step_q, image_step_q;
  logic [RowBits:0] ring;
  assign ring = (RowBits + 1)'(d.ring_rows);
  always_ff @(posedge clk_i) begin
    block_q      <= distance_of(RowBits'(d.block_rows), ring);
    pitch_q      <= distance_of(RowBits'(d.pitch_rows), ring);
    row_step_q   <= distance_of(RowBits'(d.row_step_rows), ring);
    image_step_q <= distance_of(RowBits'(d.image_step_rows), ring);
  end

  always_comb begin
    walk_first           = '0;
    walk_first.need      = 33'(d.need_offset);
    walk_first.left_w    = d.wrap_w;
    walk_first.left_h    = d.wrap_h;
    walk_first.place.row = RowBits'(d.gather_row);
    walk_first.place.row_next = wrap_add(RowBits'(d.gather_row), block_q);
    walk_first.place.lane = LaneBits'(d.gather_lane);
    walk_first.block      = d.gather_block;
    walk_first.row_n      = ~d.row_blocks;
    walk_first.rows_n     = ~d.image_rows;
    walk_first.row_end    = d.row_blocks == blocks_t'(1);
    walk_first.last_row   = d.image_rows == 16'd1;
  end

  // The next block's place, and whether its coordinates wrap, go through the longest sums, and have
  // a cycle of their own for them: tiles end at least two cycles apart.
  logic image_end, wrap_w, wrap_h, wrap_w_q, wrap_h_q, carry_block, next_carry_q;
  place_t next_place, next_place_q;
  assign image_end = walk_q.row_end && walk_q.last_row;
  assign wrap_w    = walk_q.left_w <= d.step_w;
  assign wrap_h    = 17'(walk_q.left_h) <= 17'(d.step_h) + (wrap_w ? 17'(d.stride_h) : '0);
  always_comb begin
    carry_block = 1'b0;
    if (!walk_q.row_end) begin
      next_place.lane     = walk_q.place.lane;
      next_place.row      = walk_q.place.row_next;
      next_place.row_next = wrap_add(walk_q.place.row_next, block_q);
    end else begin
      next_place = advance(
          walk_q.place,
          image_end ? image_step_q : row_step_q,
          image_end ? LaneBits'(d.image_step_lane) : LaneBits'(d.row_step_lane),
          block_q, carry_block);
    end
  end
  always_ff @(posedge clk_i) begin
    next_place_q <= next_place;
    next_carry_q <= carry_block;
    wrap_w_q     <= wrap_w;
    wrap_h_q     <= wrap_h;
  end

  always_comb begin
    walk_next   = walk_q;
    walk_next.left_w = walk_q.left_w - d.step_w + (wrap_w_q ? d.wrap_w : '0);
    walk_next.left_h = walk_q.left_h - d.step_h - (wrap_w_q ? d.stride_h : '0)
        + (wrap_h_q ? d.wrap_h : '0);
    walk_next.need = walk_q.need + 33'(d.position_step)
        + (wrap_w_q ? 33'(d.position_wrap_w) : '0) + (wrap_h_q ? 33'(d.position_wrap_h) : '0);
    walk_next.place = next_place_q;
    if (!walk_q.row_end) begin
      walk_next.block   = walk_q.block + 1;
      walk_next.row_n   = walk_q.row_n + 1'b1;
      walk_next.row_end = walk_q.row_n == ~blocks_t'(2);
    end else begin
      walk_next.block = walk_q.block + (image_end ? d.image_step_blocks : d.row_step_blocks)
          + block_t'(next_carry_q);
      walk_next.row_n    = ~d.row_blocks;
      walk_next.row_end  = walk_first.row_end;
      walk_next.rows_n   = image_end ? ~d.image_rows : walk_q.rows_n + 1'b1;
      walk_next.last_row = image_end ? walk_first.last_row : walk_q.rows_n == ~16'd2;
    end
    walk_next.offset = walk_q.offset + d.output_block_bytes;
  end

  // ---------------------------------------------------------------- what ends with this step
  // Whether a counter is at its end is a register beside it: the step waits for no comparison.
  logic last_channel_q, last_kw_q, last_kh_q, last_phase_w_q, last_phase_h_q;
  logic pool, one_channel, tile_end, group_end, set_end, pass_end;
  logic [15:0] group, next_group;
  logic last_group, last_of_pass, last_block, ends_group, ends_set, ends_pass, ends_layer, finished;
  cw_tile_walk u_tiles (
      .clk_i,
      .desc_i,
      .once_i        (1'b0),
      .one_set_i     (1'b0),
      .start_i       (state_q == StIdle && start_i),
      .next_i        (step_o && tile_end),
      .group_o       (group),
      .next_group_o  (next_group),
      .last_group_o  (last_group),
      .last_of_pass_o(last_of_pass),
      .last_block_o  (last_block),
      .group_end_o   (ends_group),
      .set_end_o     (ends_set),
      .pass_end_o    (ends_pass),
      .layer_end_o   (ends_layer),
      .finished_o    (finished)
  );
  always_comb begin
    pool         = d.opcode != 4'(OpcodeConv);
    one_channel  = pool || d.channels_in == 16'd1;
    tile_end     = last_channel_q && last_kw_q && last_kh_q;
    group_end    = tile_end && ends_group;
    set_end      = tile_end && ends_set;
    pass_end     = tile_end && ends_pass;
  end

  // ---------------------------------------------------------------- may it issue
  logic pixels_ok_q, weights_ok, output_ok, uses_weights_q;
  always_ff @(posedge clk_i) uses_weights_q <= d.weight_rows != '0;
  // Pixels are asked for a cycle ahead, so that no step waits for a comparison: in the same row of steps,
  // in the next one, and in the next tile, of which a step chooses. In the cycle of a pass's start the
  // loader still shows the pass before.
  logic signed [32:0] row_need;
  logic in_row, in_next_row, in_next_tile, loaded;
  assign row_need     = need_q + 33'(d.need_step);
  assign in_row       = need_q < loaded_positions_i;
  assign in_next_row  = row_need < loaded_positions_i;
  assign in_next_tile = tile_walk.need < loaded_positions_i;
  assign loaded       = !(step_o && last_channel_q && last_kw_q) ? in_row
      : last_kh_q ? in_next_tile : in_next_row;
  always_ff @(posedge clk_i) begin
    pixels_ok_q <= (state_q == StLanes || state_q == StRun) && !pass_start_o
        && (loaded_all_i || loaded);
  end
  assign weights_ok   = !uses_weights_q || weights_available_i;
  assign output_ok    = !tile_end || (drain_free_q && tile_room_i);
  assign step_o       = state_q == StRun && pixels_ok_q && weights_ok && output_ok;
  assign step_first_o = first_q;
  assign step_last_o  = tile_end;
  assign lane_o       = tap_place_q.lane;
  assign slot_o       = slot_q;

  // Plane and channel offsets stay inside a slot, so they never wrap.
  logic [RowBits-1:0] in_slot;
  assign in_slot     = plane_q + channel_row_q;
  assign row_o      = tap_place_q.row + in_slot;
  assign row_next_o = tap_place_q.row_next + in_slot;

  always_comb begin
    if (step_o) cause_o = CauseCompute;
    else if (state_q == StRun && any_issued_q) begin
      cause_o = !pixels_ok_q ? CauseWaitPixels : !weights_ok ? CauseWaitWeights : CauseWaitOutput;
    end else if (state_q == StPassEnd) begin
      cause_o = finished ? CauseLayerEnd : CauseWaitPixels;
    end else if (state_q == StIdle) cause_o = CauseLayerEnd;
    else cause_o = CauseLayerStart;
  end

  // ---------------------------------------------------------------- weight ring commands
  assign weight_step_o      = step_o && uses_weights_q;
  assign weight_to_pass_o   = set_end && !pass_end && d.weights_resident;
  assign weight_to_group_o  = tile_end && !group_end && !d.weights_streamed;
  assign weight_new_group_o = group_end && !weight_to_pass_o;
  assign weight_new_pass_o  = pass_end;
  assign weight_release_o   = d.weights_streamed || pass_end || (group_end && !d.weights_resident);

  // ---------------------------------------------------------------- tile
  logic [BeatBits-1:0] group_beats_q, last_group_beats_q;
  logic [BiasBits-1:0] bias_rows;  // of any group but the last
  assign bias_rows       = BiasBits'((d.group_channels + 16'(Drain - 1)) / 16'(Drain));
  assign tile_channels_o = last_group ? d.last_group_channels : d.group_channels;
  assign tile_beats_o    = last_group ? last_group_beats_q : group_beats_q;
  always_ff @(posedge clk_i) begin
    group_beats_q      <= BeatBits'((d.group_channels + 16'(Words - 1)) / 16'(Words));
    last_group_beats_q <= BeatBits'((d.last_group_channels + 16'(Words - 1)) / 16'(Words));
  end
  assign tile_bias_row_o = bias_row_q;
  assign tile_offset_o   = walk_q.offset + group_offset_q;
  assign tile_bytes_o    = 32'(tile_channels_o) * WordBytes;
  assign tile_last_o     = tile_end && ends_layer;

  // ---------------------------------------------------------------- next tap, next tile
  place_t next_tap, next_row, skewed;
  block_t next_row_block;
  logic carry_row;

  /// Some lanes further, less than a block.
  function automatic place_t advance_lanes(place_t p, logic [LaneBits-1:0] lanes);
    automatic logic [LaneBits:0] lane = {1'b0, p.lane} + {1'b0, lanes};
    advance_lanes      = p;
    advance_lanes.lane = lane[LaneBits-1:0];
    if (lane >= (LaneBits + 1)'(Rows)) begin
      advance_lanes.lane     = LaneBits'(lane - (LaneBits + 1)'(Rows));
      advance_lanes.row      = p.row_next;
      advance_lanes.row_next = wrap_add(p.row_next, block_q);
    end
  endfunction
  always_comb begin
    next_tap = advance_lanes(position_q, LaneBits'(Rows > 1));
    if (Rows == 1) begin
      // One lane: a position further is a block further.
      next_tap.row      = position_q.row_next;
      next_tap.row_next = wrap_add(position_q.row_next, block_q);
    end
    skewed         = advance_lanes(position_q, LaneBits'(d.phase_skew));
    next_row       = advance(row_place_q, pitch_q, LaneBits'(d.pitch_lane), block_q, carry_row);
    next_row_block = row_block_q + $signed(d.pitch_blocks) + block_t'(carry_row);
  end

  // Of the tile that follows this one.
  assign tile_walk = ends_pass ? walk_first : ends_group && !ends_set ? set_walk_q : walk_next;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q      <= StIdle;
      drain_busy_q <= '0;
      pass_start_o <= 1'b0;
    end else begin
      pass_start_o <= 1'b0;
      if (drain_busy_q != '0) drain_busy_q <= drain_busy_q - 1'b1;
      case (state_q)
        StIdle: begin
          if (start_i) begin
            state_q      <= StLanes;
            pass_start_o <= 1'b1;
          end
        end
        StLanes: if (lanes_ready) state_q <= StRun;
        StRun: begin
          if (step_o && tile_end) begin
            drain_busy_q <= d.opcode == 4'(OpcodeAveragePool)
                ? $bits(drain_busy_q)'(AverageCycles)
                : 32'(tile_beats_o) > 2 ? $bits(drain_busy_q)'(32'(tile_beats_o) - 1)
                : $bits(drain_busy_q)'(1);
          end
          if (step_o && pass_end) state_q <= StPassEnd;
        end
        StPassEnd: begin
          // The rest of the stream, which no tile needs, still has to pass through the loader.
          if (loader_done_i) begin
            if (finished) state_q <= StIdle;
            else begin
              state_q      <= StRun;
              pass_start_o <= 1'b1;
            end
          end
        end
        default: state_q <= StIdle;
      endcase
      if (clear_i) begin
        state_q      <= StIdle;
        drain_busy_q <= '0;
        pass_start_o <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) drain_free_q <= 1'b1;
    else if (clear_i) drain_free_q <= 1'b1;
    else if (step_o && tile_end) drain_free_q <= 1'b0;
    else drain_free_q <= drain_busy_q == '0 || drain_busy_q == 1;
  end

  // Where the walk is: StLanes sets all of it.
  always_ff @(posedge clk_i) begin
    case (state_q)
      StIdle: if (start_i) released_o <= 32'(d.gather_block);
      StLanes: begin
        any_issued_q    <= 1'b0;
        walk_q          <= walk_first;
        group_offset_q  <= d.output_offset;
        bias_row_q      <= '0;
        row_place_q     <= walk_first.place;
        row_block_q     <= walk_first.block;
        position_q      <= walk_first.place;
        tap_place_q     <= walk_first.place;
        need_q          <= walk_first.need;
        kh_q            <= '0;
        kw_q            <= '0;
        first_q         <= 1'b1;
        channels_n_q    <= ~d.channels_in;
        last_channel_q  <= one_channel;
        last_kw_q       <= d.kernel_width == 16'd1;
        last_kh_q       <= d.kernel_height == 16'd1;
        phases_h_n_q    <= ~d.stride_h;
        last_phase_h_q  <= d.stride_h == 16'd1;
        phases_w_n_q    <= ~d.stride_w;
        last_phase_w_q  <= d.stride_w == 16'd1;
        plane_h_q       <= '0;
        plane_q         <= '0;
        channel_row_q   <= '0;
        slot_q          <= '0;
      end
      StRun: begin
        if (step_o) begin
          any_issued_q <= 1'b1;
          first_q      <= tile_end;
          if (!last_channel_q) begin
            channels_n_q   <= channels_n_q + 1'b1;
            last_channel_q <= channels_n_q == ~16'd2;
            if (32'(slot_q) == Drain - 1) begin
              slot_q        <= '0;
              channel_row_q <= channel_row_q + 1'b1;
            end else slot_q <= slot_q + 1'b1;
          end else begin
            channels_n_q    <= ~d.channels_in;
            last_channel_q  <= one_channel;
            slot_q          <= '0;
            channel_row_q   <= pool ? RowBits'(tile_end ? next_group : group) : '0;
            if (!last_kw_q) begin
              kw_q      <= kw_q + 1'b1;
              last_kw_q <= kw_q + 16'd2 == d.kernel_width;
              if (last_phase_w_q) begin
                phases_w_n_q   <= ~d.stride_w;
                last_phase_w_q <= d.stride_w == 16'd1;
                plane_q        <= plane_h_q;
                position_q     <= next_tap;
                tap_place_q    <= next_tap;
              end else begin
                phases_w_n_q   <= phases_w_n_q + 1'b1;
                last_phase_w_q <= phases_w_n_q == ~16'd2;
                plane_q        <= plane_q + RowBits'(d.plane_rows);
                tap_place_q    <= skewed;
              end
            end else begin
              kw_q           <= '0;
              last_kw_q      <= d.kernel_width == 16'd1;
              phases_w_n_q   <= ~d.stride_w;
              last_phase_w_q <= d.stride_w == 16'd1;
              if (!last_kh_q) begin
                kh_q      <= kh_q + 1'b1;
                last_kh_q <= kh_q + 16'd2 == d.kernel_height;
                need_q    <= row_need;
                if (last_phase_h_q) begin
                  phases_h_n_q   <= ~d.stride_h;
                  last_phase_h_q <= d.stride_h == 16'd1;
                  plane_h_q      <= '0;
                  plane_q        <= '0;
                  row_place_q    <= next_row;
                  row_block_q    <= next_row_block;
                  position_q     <= next_row;
                  tap_place_q    <= next_row;
                  if (d.release_rows && last_of_pass) released_o <= 32'(next_row_block);
                end else begin
                  phases_h_n_q   <= phases_h_n_q + 1'b1;
                  last_phase_h_q <= phases_h_n_q == ~16'd2;
                  plane_h_q      <= plane_h_q + RowBits'(d.phase_rows);
                  plane_q        <= plane_h_q + RowBits'(d.phase_rows);
                  position_q     <= row_place_q;
                  tap_place_q    <= row_place_q;
                end
              end else begin
                kh_q           <= '0;
                last_kh_q      <= d.kernel_height == 16'd1;
                phases_h_n_q   <= ~d.stride_h;
                last_phase_h_q <= d.stride_h == 16'd1;
                plane_h_q      <= '0;
                plane_q        <= '0;
                walk_q         <= tile_walk;
                row_place_q    <= tile_walk.place;
                row_block_q    <= tile_walk.block;
                position_q     <= tile_walk.place;
                tap_place_q    <= tile_walk.place;
                need_q         <= tile_walk.need;
                if (last_of_pass) released_o <= 32'(walk_next.block);
                if (group_end && !set_end) begin
                  group_offset_q <= group_offset_q + d.output_group_bytes;
                  bias_row_q     <= bias_row_q + bias_rows;
                end
                if (set_end) begin
                  group_offset_q <= pass_offset_q;
                  bias_row_q     <= pass_bias_row_q;
                end
                if (pass_end) begin
                  group_offset_q <= group_offset_q + d.output_group_bytes;
                  bias_row_q     <= bias_row_q + bias_rows;
                end
              end
            end
          end
        end
      end
      StPassEnd: if (loader_done_i) released_o <= 32'(d.gather_block);
      default: ;
    endcase
  end

  // Where a set and a pass begin is what the walk shows a cycle behind the end of the one before. The next
  // tile that asks for it ends later.
  logic set_ended_q, pass_ended_q;
  always_ff @(posedge clk_i) begin
    set_ended_q  <= step_o && set_end;
    pass_ended_q <= step_o && pass_end;
    if (state_q == StLanes) begin
      set_walk_q      <= walk_first;
      pass_offset_q   <= d.output_offset;
      pass_bias_row_q <= '0;
    end else begin
      if (set_ended_q) set_walk_q <= walk_q;
      if (pass_ended_q) begin
        pass_offset_q   <= group_offset_q;
        pass_bias_row_q <= bias_row_q;
      end
    end
  end

  assign done_o        = state_q == StIdle;
  assign release_all_o = state_q == StPassEnd;

  // ---------------------------------------------------------------- lane table and masks
  // Lane r is r single steps from lane 0; the table is made once a layer, one lane a cycle.
  logic [15:0] lane_dw_q[Rows], lane_dh_q[Rows];
  logic [LaneBits:0] lane_count_q;
  logic [15:0] lane_w_q, lane_h_q;
  assign lanes_ready = 32'(lane_count_q) == Rows;

  logic [16:0] lane_w_next, lane_h_next;
  always_comb begin
    lane_w_next = {1'b0, lane_w_q} + {1'b0, d.stride_w};
    lane_h_next = {1'b0, lane_h_q};
    if (lane_w_next >= {1'b0, d.wrap_w}) begin
      lane_w_next = '0;
      lane_h_next = lane_h_next + {1'b0, d.stride_h};
      if (lane_h_next >= {1'b0, d.wrap_h}) lane_h_next = '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q != StLanes) begin
      lane_count_q <= '0;
      lane_w_q     <= '0;
      lane_h_q     <= '0;
    end else begin
      lane_count_q <= lane_count_q + 1'b1;
      lane_w_q     <= lane_w_next[15:0];
      lane_h_q     <= lane_h_next[15:0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StLanes && !lanes_ready) begin
      lane_dw_q[LaneBits'(lane_count_q)] <= lane_w_q;
      lane_dh_q[LaneBits'(lane_count_q)] <= lane_h_q;
    end
  end

  // Cycle t+1: coordinates of each lane, which change with the block only, and of the tap, padding
  // taken off. A lane's distance less what lane 0 has to the wrap is its coordinate behind the wrap;
  // before it, that is negative and the wrap is added again.
  logic [15:0] coordinate_w_q[Rows], coordinate_h_q[Rows];
  logic [17:0] tap_w_q, tap_h_q;
  logic tail_q;
  logic [16:0] left_h[2];  // in this row of steps and in the next
  // Subtracted, so that it is the operand in front of which logic is free.
  logic [15:0] minus_wrap_w, minus_wrap_h;
  assign minus_wrap_w = -d.wrap_w;
  assign minus_wrap_h = -d.wrap_h;
  assign left_h[0] = 17'(walk_q.left_h);
  assign left_h[1] = 17'(walk_q.left_h) - 17'(d.stride_h);
  always_ff @(posedge clk_i) begin
    tap_w_q <= 18'(kw_q) - 18'(d.pad_left);
    tap_h_q <= 18'(kh_q) - 18'(d.pad_top);
    tail_q  <= last_block;
    // Until the tile's first step has issued: the block is the same all that time.
    if (step_first_o) begin
      // verilator unroll_full
      for (int unsigned r = 0; r < Rows; r++) begin
        // Lane 0 is no step away from itself.
        automatic logic [15:0] dw = r == 0 ? '0 : lane_dw_q[r];
        automatic logic [15:0] dh = r == 0 ? '0 : lane_dh_q[r];
        automatic logic [16:0] w = 17'(dw) - 17'(walk_q.left_w);
        automatic logic [16:0] h = 17'(dh) - left_h[!w[16]];
        coordinate_w_q[r] <= w[15:0] - (w[16] ? minus_wrap_w : '0);
        coordinate_h_q[r] <= h[15:0] - (h[16] ? minus_wrap_h : '0);
      end
    end
  end

  // Cycle t+2: is the tap inside the image? Nobody asks where there was no step.
  always_ff @(posedge clk_i) begin
    // verilator unroll_full
    for (int unsigned r = 0; r < Rows; r++) begin
      automatic logic [17:0] w = 18'(coordinate_w_q[r]) + tap_w_q;
      automatic logic [17:0] h = 18'(coordinate_h_q[r]) + tap_h_q;
      mask_o[r] <= w < {2'b0, d.width} && h < {2'b0, d.height}
          && (!tail_q || r < 32'(d.tail_lanes));
    end
  end

`ifndef SYNTHESIS
  // An assertion may look at the asynchronous reset synchronously.
  // verilator lint_off SYNCASYNCNET
  DrainBeatsFit_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   step_o && tile_end |->
                   tile_beats_o != '0 && 32'(tile_beats_o) <= MaxDrainBeats);
  // What is known a cycle ahead is so.
  StepHasItsPixels_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   step_o |-> loaded_all_i || need_q < loaded_positions_i);
  DrainFree_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni) drain_free_q == (drain_busy_q == '0));
  // verilator lint_on SYNCASYNCNET
`endif

endmodule
