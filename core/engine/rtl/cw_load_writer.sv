// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Joins the walker's operations with the words and writes the pixel buffer: one write a cycle.
///
///     op_* --> queue --> place --> runs --> join --> wr_*
///              a block   copies    lanes,   free?    lanes of
///              CI times  in h      carries  word?    the word
///                                            ^
///     word_* --> two words ------------------+
///
/// The queue plays a block's operations once for each of its CI words. An upsampled operation is
/// repeated copies_h times, a plane pitch further each time. The stages behind the queue move
/// together: when the join's operation goes, or there is none. It goes when its word is there and
/// its last plane block is free: a < limit_i, compared modulo 2^BlockBits, or `release_all_i`.
/// `room_o` is a register: behind it the walker may still push two operations.
/// `word_ready_o` is a register: two words may be taken ahead of their operations, or at the
/// stream's end without one. `word_left_o` says that one is here.
/// `block_end_o` and `last_o` are high in the cycle of the write that they belong to.
/// In a pass's setup (`setup_i`) the place stage is an adder for the caller: `place_*_o` grows by
/// the plane pitch from 0 on, a step a cycle.
module cw_load_writer
  import cw_program_pkg::*;
#(
    parameter  int unsigned Rows      = 8,
    parameter  int unsigned Drain     = 4,
    parameter  int unsigned PixelBits = 8,
    parameter  int unsigned RowBits   = 9,
    parameter  int unsigned BlockBits = 24,
    localparam int unsigned WordBits  = Rows * PixelBits,
    localparam int unsigned LaneBits  = Rows > 1 ? $clog2(Rows) : 1,
    localparam int unsigned SlotBits  = Drain > 1 ? $clog2(Drain) : 1,
    localparam int unsigned CountBits = $clog2(Rows + 1)
) (
    input  logic                 clk_i,
    input  logic                 rst_ni,
    input  logic                 clear_i,
    input  descriptor_t          desc_i,
    input  logic                 upsample_i,
    input  logic [          1:0] stride_i,       // less one; 0 where direct, any where single
    input  logic [          1:0] copies_i,       // FW - 1; 0 where direct
    input  logic                 start_i,
    input  logic                 setup_i,
    output logic [  RowBits-1:0] place_row_o,
    output logic [ LaneBits-1:0] place_lane_o,
    output logic [BlockBits-1:0] place_block_o,
    input  logic [BlockBits-1:0] limit_i,
    input  logic                 release_all_i,
    // operations: see cw_load_walker
    output logic                 room_o,
    input  logic                 op_valid_i,
    input  logic [  RowBits-1:0] op_row_i,
    input  logic [ LaneBits-1:0] op_lane_i,
    input  logic [BlockBits-1:0] op_block_i,
    input  logic [  RowBits-1:0] op_plane_i,
    input  logic                 op_odd_i,
    input  logic [ LaneBits-1:0] op_first_i,
    input  logic [          1:0] op_copy_i,
    input  logic [CountBits-1:0] op_count_i[2],
    input  logic                 op_word_end_i,
    input  logic                 op_last_i,
    // words
    input  logic                 word_valid_i,
    output logic                 word_ready_o,
    output logic                 word_left_o,
    input  logic [ WordBits-1:0] word_i,
    // pixel buffer
    output logic                 block_end_o,
    output logic                 last_o,
    output logic                 wr_en_o,
    output logic [  RowBits-1:0] wr_row_o[2],
    output logic [  RowBits-1:0] wr_row_next_o[2],
    output logic [ LaneBits-1:0] wr_lane_o[2],
    output logic [CountBits-1:0] wr_count_o[2],
    output logic [ SlotBits-1:0] wr_slot_o,
    output logic [PixelBits-1:0] wr_lanes_o[2][Rows]
);

  // verilator lint_off UNUSEDSIGNAL
  descriptor_t d;
  // verilator lint_on UNUSEDSIGNAL
  assign d = desc_i;

  localparam logic [CountBits:0] R = (CountBits + 1)'(Rows);

  logic [RowBits:0] ring;
  assign ring = (RowBits + 1)'(d.ring_rows);

  function automatic logic [RowBits-1:0] wrap_add(logic [RowBits-1:0] a, logic [RowBits-1:0] b);
    automatic logic [RowBits:0] sum = {1'b0, a} + {1'b0, b};
    automatic logic [RowBits+1:0] rest = {1'b0, sum} - {1'b0, ring};
    return rest[RowBits+1] ? sum[RowBits-1:0] : rest[RowBits-1:0];
  endfunction

  // ---------------------------------------------------------------- queue with replay
  typedef struct packed {
    logic [RowBits-1:0]        row;
    logic [LaneBits-1:0]       lane;
    logic [BlockBits-1:0]      block;
    logic [RowBits-1:0]        plane;
    logic                      odd;
    logic [LaneBits-1:0]       first;
    logic [1:0]                copy;
    logic [1:0][CountBits-1:0] count;
    logic                      word_end;
    logic                      last;
  } op_t;

  // A block, the walker's two late operations, and the next block's first ones.
  localparam int unsigned PointerBits = $clog2(Rows + 12);
  localparam int unsigned Depth = 1 << PointerBits;
  op_t mem_q[Depth];
  op_t head;
  logic [PointerBits:0] write_q, block_q, read_q, used;
  logic push, head_valid, load, head_last;
  logic [15:0] channels_n_q;  // left, a complement that counts up: no inverters before its carries
  logic [RowBits-1:0] channel_row_q;
  logic [SlotBits-1:0] slot_q;

  assign push       = room_o && op_valid_i;
  assign used       = write_q - block_q;
  assign head       = mem_q[read_q[PointerBits-1:0]];
  assign head_valid = read_q != write_q;
  assign head_last  = channels_n_q == ~16'd1;

  always_ff @(posedge clk_i) begin
    if (push) begin
      mem_q[write_q[PointerBits-1:0]] <= '{
          row: op_row_i, lane: op_lane_i, block: op_block_i, plane: op_plane_i, odd: op_odd_i,
          first: op_first_i, copy: op_copy_i, count: {op_count_i[1], op_count_i[0]},
          word_end: op_word_end_i, last: op_last_i};
    end
  end

  // A start empties the queue; what is in it before finds no word.
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      write_q <= '0;
      block_q <= '0;
      read_q  <= '0;
      room_o  <= 1'b0;
    end else begin
      room_o <= used < (PointerBits + 1)'(Depth - 3);
      if (push) write_q <= write_q + 1'b1;
      if (load) begin
        read_q <= head.word_end && !head_last ? block_q : read_q + 1'b1;
        if (head.word_end && head_last) block_q <= read_q + 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (setup_i || (load && head.word_end && head_last)) begin
      channels_n_q  <= ~d.channels_in;
      channel_row_q <= '0;
      slot_q        <= '0;
    end else if (load && head.word_end) begin
      channels_n_q <= channels_n_q + 16'd1;
      if (32'(slot_q) == Drain - 1) begin
        slot_q        <= '0;
        channel_row_q <= channel_row_q + 1'b1;
      end else slot_q <= slot_q + 1'b1;
    end
  end

  // ---------------------------------------------------------------- place
  logic go, step, copied, p_valid_q, p_block_end_q;
  op_t p_q;
  logic [SlotBits-1:0] p_slot_q;
  logic [7:0] copies_left_q;
  assign copied = copies_left_q == '0;
  assign load   = step && head_valid && (!p_valid_q || copied);

  // One copy, or one of the setup's steps, further.
  logic [CountBits:0] pitch_sum;
  logic pitch_carry;
  logic [RowBits-1:0] pitch_carry_row_q;  // a plane block more
  always_ff @(posedge clk_i) begin
    pitch_carry_row_q <= wrap_add(RowBits'(d.pitch_rows), RowBits'(d.block_rows));
  end
  assign pitch_sum   = (CountBits + 1)'(p_q.lane) + (CountBits + 1)'(d.pitch_lane);
  assign pitch_carry = pitch_sum >= R;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      p_q.row   <= '0;
      p_q.lane  <= '0;
      p_q.block <= '0;
    end else if (load) begin
      p_q           <= head;
      p_q.plane     <= head.plane + channel_row_q;
      p_q.last      <= head.last && head_last;
      p_block_end_q <= head.word_end && head_last;
      p_slot_q      <= slot_q;
      copies_left_q <= upsample_i && head.count[0] != '0 ? d.copies_h : '0;
    end else if (setup_i || (step && p_valid_q)) begin
      p_q.row       <= wrap_add(p_q.row, pitch_carry ? pitch_carry_row_q
                                : RowBits'(d.pitch_rows));
      p_q.lane      <= LaneBits'(pitch_carry ? pitch_sum - R : pitch_sum);
      p_q.block     <= p_q.block + d.pitch_blocks + BlockBits'(pitch_carry);
      copies_left_q <= copies_left_q - 8'd1;
    end
  end
  assign place_row_o   = p_q.row;
  assign place_lane_o  = p_q.lane;
  assign place_block_o = p_q.block;

  // ---------------------------------------------------------------- runs
  typedef struct packed {
    logic [RowBits-1:0]        row;
    logic [RowBits-1:0]        row_next;
    logic [1:0][LaneBits-1:0]  lane;
    logic [1:0]                carry;  // the run starts in the next plane block
    logic [BlockBits-1:0]      block;
    logic [RowBits-1:0]        plane;
    logic                      odd;
    logic [LaneBits-1:0]       first;
    logic [1:0]                copy;
    logic [1:0][CountBits-1:0] count;
    logic [SlotBits-1:0]       slot;
    logic                      word_end;
    logic                      block_end;
    logic                      last;
  } runs_t;
  runs_t r_q;
  logic r_valid_q;

  // Plane 1 lies phase_skew lanes further; behind it comes plane 0 of the next position.
  logic [1:0][CountBits:0] run_sum;
  always_comb begin
    run_sum[0] = (CountBits + 1)'(p_q.lane)
        + (p_q.odd ? (CountBits + 1)'(d.phase_skew) : '0);
    run_sum[1] = (CountBits + 1)'(p_q.lane)
        + (p_q.odd ? (CountBits + 1)'(1) : (CountBits + 1)'(d.phase_skew));
  end

  always_ff @(posedge clk_i) begin
    if (step) begin
      r_q.row       <= p_q.row;
      r_q.row_next  <= wrap_add(p_q.row, RowBits'(d.block_rows));
      for (int unsigned i = 0; i < 2; i++) begin
        r_q.carry[i] <= run_sum[i] >= R;
        r_q.lane[i]  <= LaneBits'(run_sum[i] >= R ? run_sum[i] - R : run_sum[i]);
      end
      r_q.block     <= p_q.block;
      r_q.plane     <= p_q.plane;
      r_q.odd       <= p_q.odd;
      r_q.first     <= p_q.first;
      r_q.copy      <= p_q.copy;
      r_q.count     <= p_q.count;
      r_q.slot      <= p_slot_q;
      r_q.word_end  <= p_q.word_end && copied;
      r_q.block_end <= p_block_end_q && copied;
      r_q.last      <= p_q.last && copied;
    end
  end

  // ---------------------------------------------------------------- join
  typedef struct packed {
    logic [1:0][RowBits-1:0]   row;
    logic [1:0][RowBits-1:0]   row_next;
    logic [1:0][LaneBits-1:0]  lane;
    logic [BlockBits-1:0]      block;  // the last one that is written
    logic [1:0][RowBits-1:0]   plane;
    logic [LaneBits-1:0]       first;
    logic [1:0]                copy;
    logic [1:0][CountBits-1:0] count;
    logic [SlotBits-1:0]       slot;
    logic                      stores;
    logic                      word_end;
    logic                      block_end;
    logic                      last;
  } join_t;
  join_t j_q;
  logic j_valid_q;

  logic [1:0][1:0] blocks;  // of each run behind the place's
  logic [RowBits-1:0] row_further;
  always_comb begin
    for (int unsigned i = 0; i < 2; i++) begin
      blocks[i] = 2'(r_q.carry[i])
          + 2'((CountBits + 1)'(r_q.lane[i]) + (CountBits + 1)'(r_q.count[i]) > R);
    end
    if (r_q.count[1] == '0) blocks[1] = '0;
    row_further = wrap_add(r_q.row_next, RowBits'(d.block_rows));
  end

  always_ff @(posedge clk_i) begin
    if (step) begin
      for (int unsigned i = 0; i < 2; i++) begin
        j_q.row[i]      <= r_q.carry[i] ? r_q.row_next : r_q.row;
        j_q.row_next[i] <= r_q.carry[i] ? row_further : r_q.row_next;
      end
      j_q.lane      <= r_q.lane;
      j_q.block     <= r_q.block + BlockBits'(blocks[0] > blocks[1] ? blocks[0] : blocks[1]);
      j_q.plane[0]  <= r_q.plane;
      j_q.plane[1]  <= r_q.odd ? r_q.plane - RowBits'(d.plane_rows)
          : r_q.plane + RowBits'(d.plane_rows);
      j_q.first     <= r_q.first;
      j_q.copy      <= r_q.copy;
      j_q.count     <= r_q.count;
      j_q.slot      <= r_q.slot;
      j_q.stores    <= r_q.count[0] != '0;
      j_q.word_end  <= r_q.word_end;
      j_q.block_end <= r_q.block_end;
      j_q.last      <= r_q.last;
    end
  end

  logic [BlockBits-1:0] distance;
  logic fits, word_valid_q;
  assign distance = j_q.block - limit_i;
  assign fits     = release_all_i || !j_q.stores || distance[BlockBits-1];
  assign go       = j_valid_q && fits && word_valid_q;
  assign step     = !j_valid_q || go;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      p_valid_q <= 1'b0;
      r_valid_q <= 1'b0;
      j_valid_q <= 1'b0;
    end else if (clear_i || start_i) begin
      p_valid_q <= 1'b0;
      r_valid_q <= 1'b0;
      j_valid_q <= 1'b0;
    end else if (step) begin
      p_valid_q <= load || (p_valid_q && !copied);
      r_valid_q <= p_valid_q;
      j_valid_q <= r_valid_q;
    end
  end

  // ---------------------------------------------------------------- words
  logic [WordBits-1:0] word_q, spare_q;
  logic open_q, spare_valid_q, word_taken, word_done, word_free, open_next, spare_next;
  assign word_taken = word_valid_i && word_ready_o;
  assign word_done  = go && j_q.word_end;
  assign word_free  = !word_valid_q || word_done;
  assign open_next  = start_i || (open_q && !(go && j_q.last));
  assign spare_next = !word_free && (spare_valid_q || word_taken);
  assign word_left_o = word_valid_q || spare_valid_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      open_q        <= 1'b0;
      word_ready_o  <= 1'b0;
      word_valid_q  <= 1'b0;
      spare_valid_q <= 1'b0;
    end else if (clear_i) begin
      open_q        <= 1'b0;
      word_ready_o  <= 1'b0;
      word_valid_q  <= 1'b0;
      spare_valid_q <= 1'b0;
    end else begin
      open_q        <= open_next;
      word_ready_o  <= open_next && !spare_next;
      spare_valid_q <= spare_next;
      if (word_free) word_valid_q <= spare_valid_q || word_taken;
    end
  end
  always_ff @(posedge clk_i) begin
    if (word_free) word_q <= spare_valid_q ? spare_q : word_i;
    if (word_ready_o) spare_q <= word_i;
  end

  // ---------------------------------------------------------------- writes
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      wr_en_o     <= 1'b0;
      block_end_o <= 1'b0;
      last_o      <= 1'b0;
    end else if (clear_i || start_i) begin
      wr_en_o     <= 1'b0;
      block_end_o <= 1'b0;
      last_o      <= 1'b0;
    end else begin
      wr_en_o     <= go && j_q.stores;
      block_end_o <= go && j_q.block_end;
      last_o      <= go && j_q.last;
    end
  end

  // Lane k of run 0: each stride-th of the word from `first` on, or each lane FW times.
  function automatic logic [LaneBits-1:0] lane_of(int unsigned k, logic [LaneBits-1:0] first,
                                                  logic [1:0] by, logic [1:0] copy,
                                                  logic [1:0] copies);
    automatic logic [LaneBits-1:0] lane = '0;
    for (int unsigned s = 0; s < 4; s++) if (32'(by) == s) lane = LaneBits'(k * (s + 1));
    for (int unsigned c = 1; c < 4; c++) begin
      for (int unsigned j = 0; j <= c; j++) begin
        if (32'(copies) == c && 32'(copy) == j) lane = LaneBits'((j + k) / (c + 1));
      end
    end
    return first + lane;
  endfunction

  logic [(1<<LaneBits)-1:0][PixelBits-1:0] lanes;
  always_comb begin
    lanes           = '0;
    lanes[Rows-1:0] = word_q;
  end

  always_ff @(posedge clk_i) begin
    if (go) begin
      wr_slot_o  <= j_q.slot;
      // verilator unroll_full
      for (int unsigned i = 0; i < 2; i++) begin
        wr_row_o[i]      <= j_q.row[i] + j_q.plane[i];
        wr_row_next_o[i] <= j_q.row_next[i] + j_q.plane[i];
        wr_lane_o[i]     <= j_q.lane[i];
        wr_count_o[i]    <= j_q.count[i];
      end
      // verilator unroll_full
      for (int unsigned k = 0; k < Rows; k++) begin
        wr_lanes_o[0][k] <= lanes[lane_of(k, j_q.first, stride_i, j_q.copy, copies_i)];
        // Run 1 is the other phase of stride 2: at most every other lane behind the first.
        wr_lanes_o[1][k] <= 2 * k + 1 < Rows
            ? lanes[j_q.first+LaneBits'(2*k+1)] : '0;
      end
    end
  end

endmodule
