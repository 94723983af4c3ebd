// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Walks the lanes of a pass's stream blocks and says what has to be written: one operation a
/// cycle. Nothing here depends on data, so it runs ahead of the words.
///
///     start --> A segment --> B operation --> C step --> D place --> E merge --> op_*
///               lanes left    phase, copy,    what the   row, lane,  lanes that
///               in word, row  counts          place      block       are dropped
///                                             moves by               cost nothing
///
/// A cuts a block at ends of image rows (strides above 4: lane by lane). B makes an operation for
/// each phase of a segment (stride 2: one for both where `phase_skew` keeps their banks apart) or
/// for each R positions of an upsampled one, of its first copy in h. An operation that stores
/// nothing goes on only where its word has no other. A block has at most R + 4 operations.
/// All stages move with `go_i`; `op_valid_o` is masked by nothing, so it counts only with `go_i`.
/// `setup_i` is high behind `start_i` until the starting phases are summed up (`ready_o`) and the
/// caller's own sums, too. A loads no more of an image row than it has: load_width <= input_pitch.
module cw_load_walker
  import cw_program_pkg::*;
#(
    parameter  int unsigned Rows      = 8,
    parameter  int unsigned RowBits   = 9,
    parameter  int unsigned BlockBits = 24,
    localparam int unsigned LaneBits  = Rows > 1 ? $clog2(Rows) : 1,
    localparam int unsigned CountBits = $clog2(Rows + 1)
) (
    input  logic                 clk_i,
    input  logic                 rst_ni,
    input  logic                 clear_i,
    input  descriptor_t          desc_i,
    input  logic                 single_i,       // strides above 4: lane by lane
    input  logic                 upsample_i,
    input  logic [          1:0] stride_i,       // less one; 0 where direct, any where single
    input  logic                 start_i,
    input  logic                 setup_i,
    output logic                 ready_o,
    // from an image row of the stream to the next, in plane positions
    input  logic [  RowBits-1:0] step_row_i,
    input  logic [ LaneBits-1:0] step_lane_i,
    input  logic [BlockBits-1:0] step_block_i,
    input  logic                 go_i,
    output logic                 op_valid_o,
    output logic [  RowBits-1:0] op_row_o,      // place of the first lane, phase_skew left out
    output logic [ LaneBits-1:0] op_lane_o,
    output logic [BlockBits-1:0] op_block_o,
    output logic [  RowBits-1:0] op_plane_o,    // buffer rows from the block's first to the plane's
    output logic                 op_odd_o,      // the plane is w' = 1
    output logic [ LaneBits-1:0] op_first_o,    // lane of the word
    output logic [          1:0] op_copy_o,     // positions of it that are stored already
    output logic [CountBits-1:0] op_count_o[2], // second run: the other phase, a lane further
    output logic                 op_word_end_o,
    output logic                 op_last_o      // and the end of the stream
);

  // verilator lint_off UNUSEDSIGNAL
  descriptor_t d;
  // verilator lint_on UNUSEDSIGNAL
  assign d = desc_i;

  localparam int unsigned SumBits = CountBits + 3;
  localparam logic [CountBits-1:0] R = CountBits'(Rows);

  logic [RowBits:0] ring;
  assign ring = (RowBits + 1)'(d.ring_rows);

  // With the phase before them, or rounded up, the lanes of a word in thirds.
  localparam int unsigned MostThirds = Rows + 2;

  /// a div (by + 1), a table.
  function automatic logic [CountBits-1:0] divide(logic [SumBits-1:0] a, logic [1:0] by);
    automatic logic [CountBits-1:0] third = '0;
    for (int unsigned k = 0; k <= MostThirds; k++) begin
      if (32'(a) == k) third = CountBits'(k / 3);
    end
    unique case (by)
      2'd0: divide = CountBits'(a);
      2'd1: divide = CountBits'(a >> 1);
      2'd2: divide = third;
      2'd3: divide = CountBits'(a >> 2);
    endcase
  endfunction

  /// a mod (by + 1), a table, too.
  function automatic logic [1:0] modulo(logic [SumBits-1:0] a, logic [1:0] by);
    automatic logic [1:0] third = '0;
    for (int unsigned k = 0; k <= MostThirds; k++) if (32'(a) == k) third = 2'(k % 3);
    unique case (by)
      2'd0: modulo = '0;
      2'd1: modulo = {1'b0, a[0]};
      2'd2: modulo = third;
      2'd3: modulo = a[1:0];
    endcase
  endfunction

  // ---------------------------------------------------------------- starting phases
  // The rows of the planes in which an image and an image row start: no multiplier.
  // Whether a phase is its stride's last, or one that is stored, is a register beside it.
  // In h those left, and those that are stored: complements that count up, as a carry chain that
  // counts down has an inverter before each bit.
  logic [15:0] phases_h_n_q, planes_h_n_q, phase_w_q;
  logic last_phase_h_q, last_phase_w_q, phase_h_stored_q;
  // Of the descriptor, a cycle behind the start.
  logic [15:0] phase_before_last_q;  // in w
  logic first_is_last_h_q, first_is_last_w_q;
  always_ff @(posedge clk_i) begin
    phase_before_last_q <= d.stride_w - 16'd2;
    first_is_last_h_q   <= d.start_phase_h + 16'd1 == d.stride_h;
    first_is_last_w_q   <= d.start_phase_w + 16'd1 == d.stride_w;
  end
  logic [RowBits-1:0] plane_h_q, plane_w_q, first_plane_h_q, first_plane_w_q;
  logic [RowBits-1:0] setup_h_q, setup_w_q;  // phases to go
  assign ready_o = setup_h_q == '0 && setup_w_q == '0;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      setup_h_q       <= d.start_phase_h < d.planes_h ? RowBits'(d.start_phase_h) : '0;
      setup_w_q       <= d.start_phase_w < d.planes_w ? RowBits'(d.start_phase_w) : '0;
      first_plane_h_q <= '0;
      first_plane_w_q <= '0;
    end else if (setup_i) begin
      if (setup_h_q != '0) begin
        setup_h_q       <= setup_h_q - 1'b1;
        first_plane_h_q <= first_plane_h_q + RowBits'(d.phase_rows);
      end
      if (setup_w_q != '0) begin
        setup_w_q       <= setup_w_q - 1'b1;
        first_plane_w_q <= first_plane_w_q + RowBits'(d.plane_rows);
      end
    end
  end

  // ---------------------------------------------------------------- A: segments
  logic a_valid_q, a_go, b_ready;
  typedef logic [$bits(d.stream_blocks)-1:0] blocks_t;
  blocks_t blocks_n_q;               // of the stream, a complement
  logic [CountBits-1:0] room_q;      // lanes left in the word
  logic [LaneBits-1:0] lane_q;       // R - room_q
  logic [15:0] row_left_q;           // lanes left in the image row
  logic [15:0] stored_left_q;        // those of them that are stored
  logic [15:0] rows_n_q;             // left of the image, a complement
  logic [15:0] height_left_q;        // h until load_height
  assign a_go = go_i && a_valid_q && !setup_i && b_ready;

  logic [CountBits-1:0] take, lanes, stored;
  logic [16:0] row_behind, stored_behind;
  logic row_end, image_end, word_end, row_stored, row_keeps, row_wraps;
  logic [SumBits-1:0] walked;
  logic [15:0] phase_w_next;
  logic phase_w_wraps;
  always_comb begin
    take          = single_i ? CountBits'(1) : room_q;
    row_behind    = {1'b0, row_left_q} - 17'(take);
    stored_behind = {1'b0, stored_left_q} - 17'(take);
    row_end       = !d.direct_load && (row_behind[16] || row_behind == '0);
    lanes         = row_behind[16] && !d.direct_load ? CountBits'(row_left_q) : take;
    word_end      = single_i ? room_q == CountBits'(1) : d.direct_load || !row_behind[16];
    stored        = stored_behind[16] && !d.direct_load ? CountBits'(stored_left_q) : take;
    image_end     = rows_n_q == ~16'd1;
    row_stored    = d.direct_load || (height_left_q != '0 && phase_h_stored_q
                                      && (!single_i || phase_w_q < d.planes_w));
    row_keeps     = d.row_advance == d.stride_h;
    row_wraps     = last_phase_h_q;
    walked        = SumBits'(phase_w_q[1:0]) + SumBits'(room_q);
    phase_w_wraps = last_phase_w_q;
    if (!single_i) phase_w_next = 16'(modulo(walked, stride_i));
    else phase_w_next = phase_w_wraps ? '0 : phase_w_q + 16'd1;
  end

  logic last_block;
  assign last_block = blocks_n_q == ~blocks_t'(1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) a_valid_q <= 1'b0;
    else if (clear_i || start_i) a_valid_q <= 1'b0;
    else if (setup_i) a_valid_q <= 1'b1;
    else if (a_go && word_end && last_block) a_valid_q <= 1'b0;
  end

  logic [16:0] height_behind;
  assign height_behind = {1'b0, height_left_q} - {1'b0, d.row_advance};

  always_ff @(posedge clk_i) begin
    if (setup_i) begin
      blocks_n_q <= ~d.stream_blocks;
      room_q     <= R;
      lane_q     <= '0;
    end else if (a_go) begin
      room_q <= word_end ? R : room_q - lanes;
      lane_q <= word_end ? '0 : lane_q + lanes[LaneBits-1:0];
      if (word_end) blocks_n_q <= blocks_n_q + 1'b1;
    end
    if (setup_i || (a_go && row_end)) begin
      row_left_q     <= d.input_pitch;
      stored_left_q  <= d.load_width;
      phase_w_q      <= d.direct_load ? '0 : d.start_phase_w;
      last_phase_w_q <= first_is_last_w_q;
      plane_w_q      <= first_plane_w_q;
    end else if (a_go) begin
      row_left_q     <= row_behind[15:0];
      stored_left_q  <= stored_behind[16] ? '0 : stored_behind[15:0];
      phase_w_q      <= phase_w_next;
      last_phase_w_q <= phase_w_wraps ? d.stride_w == 16'd1 : phase_w_q == phase_before_last_q;
      plane_w_q      <= phase_w_wraps ? '0 : plane_w_q + RowBits'(d.plane_rows);
    end
    if (setup_i || (a_go && row_end && image_end)) begin
      rows_n_q         <= ~d.input_rows;
      height_left_q    <= d.load_height;
      phases_h_n_q     <= ~(d.stride_h - d.start_phase_h);
      planes_h_n_q     <= ~(d.planes_h - d.start_phase_h);
      last_phase_h_q   <= first_is_last_h_q;
      phase_h_stored_q <= d.start_phase_h < d.planes_h;
      plane_h_q        <= d.direct_load ? '0 : first_plane_h_q;
    end else if (a_go && row_end) begin
      rows_n_q      <= rows_n_q + 16'd1;
      height_left_q <= height_behind[16] ? '0 : height_behind[15:0];
      if (!row_keeps) begin
        // A row advance of one stride keeps the phase, any other is one of a row.
        phases_h_n_q     <= row_wraps ? ~d.stride_h : phases_h_n_q + 16'd1;
        planes_h_n_q     <= row_wraps ? ~d.planes_h : planes_h_n_q + 16'd1;
        last_phase_h_q   <= row_wraps ? d.stride_h == 16'd1 : phases_h_n_q == ~16'd2;
        phase_h_stored_q <= row_wraps ? d.planes_h != '0
            : phase_h_stored_q && planes_h_n_q != ~16'd1;
        plane_h_q        <= row_wraps ? '0 : plane_h_q + RowBits'(d.phase_rows);
      end
    end
  end

  // ---------------------------------------------------------------- B: operations
  typedef struct packed {
    logic [CountBits-1:0] stored;
    logic [CountBits-1:0] positions;  // by which the place moves
    logic [1:0]           phase;
    logic [LaneBits-1:0]  lane;
    logic [RowBits-1:0]   plane_h;
    logic [RowBits-1:0]   plane_w;
    logic                 row_end;
    logic                 row_moves;
    logic                 image_end;
    logic                 word_end;
    logic                 last;
  } segment_t;
  segment_t b_q;
  logic b_valid_q;
  logic b_last_q;  // this is the segment's last operation
  logic b_last_first, b_last_next;
  logic [1:0] turn_q;  // phases, or R positions, of the segment that have had their operation

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) b_valid_q <= 1'b0;
    else if (clear_i || start_i) b_valid_q <= 1'b0;
    else if (go_i && b_ready) b_valid_q <= a_valid_q && !setup_i;
  end
  always_ff @(posedge clk_i) begin
    if (go_i && b_ready) begin
      b_q.stored    <= row_stored ? stored : '0;
      b_q.positions <= single_i ? CountBits'(phase_w_wraps) : divide(walked, stride_i);
      b_q.phase     <= phase_w_q[1:0];
      b_q.lane      <= lane_q;
      b_q.plane_h   <= plane_h_q;
      b_q.plane_w   <= plane_w_q;
      b_q.row_end   <= row_end;
      b_q.row_moves <= row_keeps || row_wraps;
      b_q.image_end <= image_end;
      b_q.word_end  <= word_end;
      b_q.last      <= word_end && last_block;
      b_last_q      <= b_last_first;
      turn_q        <= '0;
    end else if (go_i) begin
      b_last_q <= b_last_next;
      turn_q   <= turn_q + 2'd1;
    end
  end

  /// Lanes of which n * R positions are full copies, and the positions of the next lane.
  function automatic logic [LaneBits+1:0] turn_start(logic [1:0] n, logic [1:0] fw);
    turn_start = '0;
    for (int unsigned k = 0; k < 4; k++) begin
      for (int unsigned c = 1; c < 4; c++) begin
        if (32'(n) == k && 32'(fw) == c) begin
          turn_start = {LaneBits'(k * Rows / (c + 1)), 2'(k * Rows % (c + 1))};
        end
      end
    end
  endfunction

  // Two phases in one write: with up to so many lanes, the first of them in phase 0 or 1, their
  // banks are apart.
  logic [CountBits-1:0] pair_limit_q[2];
  function automatic logic [CountBits-1:0] pair_limit(logic [CountBits:0] gap);
    automatic logic [CountBits+1:0] twice = {gap, 1'b0};
    automatic logic [CountBits+1:0] back = (CountBits + 2)'(2 * Rows + 1) - twice;
    automatic logic [CountBits+1:0] least = twice < back ? twice : back;
    return least < (CountBits + 2)'(Rows) ? CountBits'(least) : R;
  endfunction

  // Plane 1 lies phase_skew lanes behind plane 0; plane 0 of the next position behind plane 1.
  logic [CountBits:0] skew;
  assign skew = (CountBits + 1)'(d.phase_skew);
  always_ff @(posedge clk_i) begin
    if (setup_i) begin
      pair_limit_q[0] <= '0;
      pair_limit_q[1] <= '0;
      if (stride_i == 2'd1 && d.planes_w > 16'd1) begin
        pair_limit_q[0] <= pair_limit(skew);
        pair_limit_q[1] <= pair_limit(skew == '0 ? (CountBits + 1)'(1 % Rows)
                                      : (CountBits + 1)'(Rows + 1) - skew);
      end
    end
  end

  // Segments wait for the last operation of the one before, so it is known a cycle ahead: of the first
  // operation when the segment comes, of any other in the operation before it.
  logic copies_fit;  // those of all its lanes are R at most
  logic [SumBits-1:0] copies;
  logic [2:0] turn_next;
  always_comb begin
    copies_fit = 1'b0;
    for (int unsigned c = 0; c < 4; c++) begin
      if (32'(d.copies_w[1:0]) == c && 32'(stored) <= Rows / (c + 1)) copies_fit = 1'b1;
    end
    b_last_first = !row_stored || (upsample_i ? copies_fit
        : stored <= pair_limit_q[phase_w_q[0]] || stride_i == '0 || (stored >> 1) == '0);
    turn_next    = {1'b0, turn_q} + 3'd1;
    b_last_next  = upsample_i ? copies <= SumBits'((32'(turn_q) + 32'd2) * Rows)
        : turn_next == {1'b0, stride_i} || SumBits'(b_q.stored) <= SumBits'(turn_next) + 1'b1;
  end

  logic pair, wrapped;
  logic [2:0] phase_sum;
  logic [1:0] phase;
  logic [CountBits-1:0] count, second, left, copies_left;
  logic [SumBits-1:0] rounded;
  logic [LaneBits+1:0] turn_lane;
  logic [CountBits-1:0] positions;
  logic [LaneBits-1:0] first;
  logic [RowBits-1:0] plane_w;
  always_comb begin
    phase_sum = {1'b0, b_q.phase} + {1'b0, turn_q};
    wrapped   = phase_sum > {1'b0, stride_i};
    phase     = wrapped ? 2'(phase_sum - {1'b0, stride_i} - 3'd1) : phase_sum[1:0];
    pair      = b_q.stored <= pair_limit_q[b_q.phase[0]];
    left      = b_q.stored > CountBits'(32'(turn_q)) ? b_q.stored - CountBits'(32'(turn_q)) : '0;

    // A phase's lanes: each stride-th of those that are left.
    rounded   = SumBits'(left) + SumBits'(stride_i);
    count     = divide(rounded, stride_i);
    second    = pair ? b_q.stored >> 1 : '0;
    positions = b_last_q ? b_q.positions - CountBits'(wrapped) : CountBits'(phase == stride_i);
    first     = b_q.lane + LaneBits'(32'(turn_q));
    turn_lane = turn_start(turn_q, d.copies_w[1:0]);
    plane_w   = (phase[0] ? RowBits'(d.plane_rows) : '0)
        + (phase[1] ? RowBits'({d.plane_rows, 1'b0}) : '0);
    if (single_i) begin
      wrapped   = 1'b0;
      positions = b_q.positions;
      plane_w   = b_q.plane_w;
    end else if (!d.direct_load && 16'(phase) >= d.planes_w) count = '0;

    copies      = SumBits'(b_q.stored) + (d.copies_w[0] ? SumBits'(b_q.stored) : '0)
        + (d.copies_w[1] ? SumBits'({b_q.stored, 1'b0}) : '0);
    copies_left = CountBits'(copies - SumBits'(turn_q * Rows));  // where they are R at most
    if (upsample_i) begin
      count     = b_last_q ? copies_left : R;
      positions = count;
      plane_w   = '0;
      first     = b_q.lane + turn_lane[LaneBits+1:2];
    end
  end
  assign b_ready = !b_valid_q || b_last_q;

  // ---------------------------------------------------------------- C: what the place moves by
  typedef struct packed {
    logic [RowBits-1:0]        plane;
    logic                      odd;
    logic [LaneBits-1:0]       first;
    logic [1:0]                copy;
    logic [1:0][CountBits-1:0] count;
    logic                      word_end;
    logic                      last;
  } op_t;
  op_t c_q, d_q, e_q;
  logic c_valid_q, c_row_end_q, c_row_moves_q, c_image_end_q;
  logic [CountBits-1:0] c_positions_q;

  always_ff @(posedge clk_i) begin
    if (go_i) begin
      c_q.plane     <= b_q.plane_h + plane_w;
      c_q.odd       <= phase == 2'd1;
      c_q.first     <= first;
      c_q.copy      <= turn_lane[1:0];
      c_q.count[0]  <= count;
      c_q.count[1]  <= second;
      c_q.word_end  <= b_last_q && b_q.word_end;
      c_q.last      <= b_last_q && b_q.last;
      c_row_end_q   <= b_last_q && b_q.row_end;
      c_row_moves_q <= b_q.row_moves;
      c_image_end_q <= b_q.image_end;
      c_positions_q <= positions;
    end
  end

  function automatic logic [RowBits-1:0] wrap_add(logic [RowBits-1:0] a, logic [RowBits-1:0] b);
    automatic logic [RowBits:0] sum = {1'b0, a} + {1'b0, b};
    automatic logic [RowBits+1:0] rest = {1'b0, sum} - {1'b0, ring};
    return rest[RowBits+1] ? sum[RowBits-1:0] : rest[RowBits-1:0];
  endfunction

  typedef struct packed {
    logic [RowBits-1:0]   row;
    logic [LaneBits-1:0]  lane;
    logic [BlockBits-1:0] block;
  } place_t;

  // The step with and without a carry of its lanes into the next plane block.
  logic [CountBits-1:0] step_lanes;
  logic [RowBits-1:0] step_row;
  logic [BlockBits-1:0] step_block;
  always_comb begin
    step_row   = '0;
    step_block = '0;
    step_lanes = c_positions_q;
    if (c_row_end_q) begin
      step_lanes = '0;
      if (c_image_end_q) begin
        step_row   = RowBits'(d.scatter_image_rows);
        step_block = d.scatter_image_blocks;
        step_lanes = CountBits'(d.scatter_image_lane);
      end else if (c_row_moves_q) begin
        step_row   = step_row_i;
        step_block = step_block_i;
        step_lanes = CountBits'(32'(step_lane_i));
      end
    end
  end

  // ---------------------------------------------------------------- D: place
  logic d_valid_q, d_row_end_q, d_image_end_q;
  logic [RowBits-1:0] d_row_q, d_row_carry_q;
  logic [CountBits-1:0] d_lanes_q;
  logic [BlockBits-1:0] d_block_q;
  always_ff @(posedge clk_i) begin
    if (go_i) begin
      d_q           <= c_q;
      d_row_end_q   <= c_row_end_q;
      d_image_end_q <= c_row_end_q && c_image_end_q;
      d_row_q       <= step_row;
      d_row_carry_q <= wrap_add(step_row, RowBits'(d.block_rows));
      d_lanes_q     <= step_lanes;
      d_block_q     <= step_block;
    end
  end

  place_t place_q, row_start_q, image_start_q, base, place_next, place_first;
  logic [CountBits:0] lane_sum, lane_rest;
  logic lane_carry;
  always_comb begin
    base = place_q;
    if (d_row_end_q) base = d_image_end_q ? image_start_q : row_start_q;
    lane_sum   = (CountBits + 1)'(base.lane) + {1'b0, d_lanes_q};
    lane_rest  = lane_sum - (CountBits + 1)'(Rows);
    lane_carry = lane_sum >= (CountBits + 1)'(Rows);
    place_next.lane  = LaneBits'(lane_carry ? lane_rest : lane_sum);
    place_next.row   = wrap_add(base.row, lane_carry ? d_row_carry_q : d_row_q);
    place_next.block = base.block + d_block_q + BlockBits'(lane_carry);
    place_first.row   = d.direct_load ? '0 : RowBits'(d.scatter_row);
    place_first.lane  = d.direct_load ? '0 : LaneBits'(d.scatter_lane);
    place_first.block = d.direct_load ? '0 : d.scatter_block;
  end
  always_ff @(posedge clk_i) begin
    if (setup_i) begin
      place_q       <= place_first;
      row_start_q   <= place_first;
      image_start_q <= place_first;
    end else if (go_i && d_valid_q) begin
      place_q <= place_next;
      if (d_row_end_q) row_start_q <= place_next;
      if (d_image_end_q) image_start_q <= place_next;
    end
  end

  // ---------------------------------------------------------------- E: merge
  logic e_valid_q, d_stores, e_stores;
  place_t e_place_q;
  assign d_stores = d_q.count[0] != '0;
  assign e_stores = e_q.count[0] != '0;

  // A start empties these stages; what is in them before finds no word.
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      c_valid_q <= 1'b0;
      d_valid_q <= 1'b0;
      e_valid_q <= 1'b0;
    end else if (go_i) begin
      c_valid_q <= b_valid_q;
      d_valid_q <= c_valid_q;
      e_valid_q <= d_valid_q || (e_valid_q && !op_valid_o);
    end
  end
  always_ff @(posedge clk_i) begin
    if (go_i && d_valid_q) begin
      e_q.word_end <= d_q.word_end;
      e_q.last     <= d_q.last;
      if (d_stores || !e_valid_q || e_q.word_end) begin
        e_place_q  <= place_q;
        e_q.plane  <= d_q.plane;
        e_q.odd    <= d_q.odd;
        e_q.first  <= d_q.first;
        e_q.copy   <= d_q.copy;
        e_q.count  <= d_q.count;
      end
    end
  end

  assign op_valid_o    = e_valid_q && (e_q.word_end || (d_valid_q && d_stores && e_stores));
  assign op_row_o      = e_place_q.row;
  assign op_lane_o     = e_place_q.lane;
  assign op_block_o    = e_place_q.block;
  assign op_plane_o    = e_q.plane;
  assign op_odd_o      = e_q.odd;
  assign op_first_o    = e_q.first;
  assign op_copy_o     = e_q.copy;
  assign op_count_o[0] = e_q.count[0];
  assign op_count_o[1] = e_q.count[1];
  assign op_word_end_o = e_q.word_end;
  assign op_last_o     = e_q.last;

`ifndef SYNTHESIS
  // An assertion may look at the asynchronous reset synchronously.
  // verilator lint_off SYNCASYNCNET
  UpsamplingHasNoStrides_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   a_valid_q && upsample_i |-> d.stride_h == 1 && d.stride_w == 1
                   && d.copies_w <= 8'd3);
  LoadsNoMoreThanItHas_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   a_valid_q && !d.direct_load |-> d.load_width <= d.input_pitch);
  // What is known of an operation before it comes is what it says itself.
  LastOperation_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   b_valid_q |-> b_last_q == (upsample_i ? 32'(copies) <= (32'(turn_q) + 1) * Rows
                   : pair || turn_q == stride_i || left == '0 || left == CountBits'(1)));
  // verilator lint_on SYNCASYNCNET
`endif

endmodule
