// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Streams a layer's bias table and weight rows from the program into the bias buffer and the ring, in
/// the order in which the sequencer uses them, ahead of it as far as the ring has room.
///
/// `start_i` takes what it needs of the descriptor, which may change afterwards; `done_o` is high when
/// everything has been stored, until the next start. Every read command is checked against the program:
/// outside, `window_o` pulses and nothing is read. The bias table goes to half `layer_index mod 2` of
/// the bias buffer, so that a layer's biases load while the layer before still uses its own.
/// Rate: one beat of the read port or one row a cycle, whichever is slower, but for a cycle between
/// packets; 16 commands, at most one every second cycle, run ahead of their data.
///
/// With `weights_arena` the rows are put together from words of a tensor in the arena, each read by
/// a command of its own, row by row and within a row block by block; the caller starts such a layer
/// when the tensor has been written. Rate: one command, and one word, every second cycle. Unused
/// columns of such a row hold anything.
module cw_weight_loader
  import cw_pkg::*;
  import cw_program_pkg::*;
#(
    parameter  int unsigned Rows       = 8,
    parameter  int unsigned Columns    = 24,
    parameter  int unsigned Drain      = 4,
    parameter  int unsigned PixelBits  = 8,
    parameter  int unsigned WeightBits = 8,
    parameter  int unsigned PostBits   = 40,
    parameter  int unsigned BiasRows   = 128,
    parameter  int unsigned AxiBits    = 64,
    parameter  int unsigned AddrBits   = 40,
    localparam int unsigned BiasBytes  = (PostBits + 7) / 8,
    localparam int unsigned RowBytes   = (Columns * WeightBits + 7) / 8,
    localparam int unsigned BeatBytes  = Drain * BiasBytes,
    localparam int unsigned WordBytes  = (Rows * PixelBits + 7) / 8,
    localparam int unsigned LongBytes  = RowBytes > BeatBytes ? RowBytes : BeatBytes,
    localparam int unsigned ItemBytes  = LongBytes > WordBytes ? LongBytes : WordBytes,
    localparam int unsigned ItemBits   = $clog2(ItemBytes + 1),
    localparam int unsigned BiasBits   = BiasRows > 1 ? $clog2(BiasRows) : 1,
    localparam int unsigned TBytesBits = $clog2(AxiBits / 8 + 1)
) (
    input  logic                          clk_i,
    input  logic                          rst_ni,
    input  logic                          clear_i,
    // verilator lint_off UNUSEDSIGNAL
    input  descriptor_t                   desc_i,  // each block reads its part of it
    // verilator lint_on UNUSEDSIGNAL
    input  logic                          start_i,
    output logic                          done_o,
    input  logic [          AddrBits-1:0] program_base_i,
    input  logic [                  31:0] program_bytes_i,
    input  logic [          AddrBits-1:0] arena_base_i,
    input  logic [                  31:0] arena_bytes_i,
    output logic                          window_o,
    output logic [                  31:0] window_offset_o,
    // read commands and the beats that they bring
    output logic                          cmd_valid_o,
    input  logic                          cmd_ready_i,
    output logic [          AddrBits-1:0] cmd_addr_o,
    output logic [                  31:0] cmd_bytes_o,
    input  logic [           AxiBits-1:0] s_axis_tdata,
    input  logic [        TBytesBits-1:0] s_axis_tbytes,
    input  logic                          s_axis_tlast,
    input  logic                          s_axis_tvalid,
    output logic                          s_axis_tready,
    // ring
    output logic                          row_valid_o,
    input  logic                          row_ready_i,
    output logic [Columns*WeightBits-1:0] row_o,
    // bias buffer
    output logic                          bias_we_o,
    output logic [            BiasBits:0] bias_row_o,
    output logic [    Drain*PostBits-1:0] bias_o
);

  typedef enum logic [1:0] {
    StIdle,
    StBias,
    StGroups,
    StFinish
  } state_e;

  state_e state_q;
  logic half_q, resident_q, streamed_q;
  logic [15:0] row_bytes_q, last_row_bytes_q;
  logic [31:0] bias_offset_q, bias_bytes_q, group_bytes_q, last_group_bytes_q;
  logic [31:0] offset_q;
  logic has_weights_q, packets_inside;

  localparam int unsigned LaneBits = Rows > 1 ? $clog2(Rows) : 1;
  // Where a group's weights begin: with weights_arena in lane `lane` of the word at `offset`.
  localparam int unsigned CountBits = $clog2((Rows > Columns ? Rows : Columns) + 1);
  typedef struct packed {
    logic [31:0]          offset;
    logic [CountBits-1:0] lane;
  } place_t;
  place_t group_start_q, pass_start_q, behind_q;
  // Where in its row the next command's word is. Rows in the program: a group is a row of one word.
  logic arena_q, first_row_q, last_row_q;
  logic [CountBits-1:0] lane_q, column_q, channels_q, last_channels_q;
  typedef logic [$bits(desc_i.weight_rows)-1:0] rows_t;
  rows_t rows_q, rows_n_q;  // rows_n_q: those left, a complement that counts up
  logic [31:0] row_offset_q;

  // ---------------------------------------------------------------- commands
  // Commands that run ahead; their words, which are in u_kinds, in the gearbox's buffer and its output.
  localparam int unsigned KindsDepth = 16;
  localparam int unsigned PartsDepth = KindsDepth + 2;
  logic [4:0] kinds, parts;
  // What ends with a command is known a cycle later, as they come every second one.
  logic row_end_q, block_end_q, room_q, walk_start_q;
  logic taken, arena, last_group;
  logic [31:0] offset, bytes;
  logic [ItemBits-1:0] item_bytes;
  assign arena      = arena_q && state_q == StGroups;
  assign offset     = state_q == StBias ? bias_offset_q : offset_q;
  assign bytes      = state_q == StBias ? bias_bytes_q
      : arena_q ? WordBytes : last_group ? last_group_bytes_q : group_bytes_q;
  assign item_bytes = state_q == StBias ? ItemBits'(BeatBytes)
      : arena_q ? ItemBits'(WordBytes) : ItemBits'(last_group ? last_row_bytes_q : row_bytes_q);
  assign window_offset_o = offset;
  cw_read_command #(
      .AddrBits(AddrBits)
  ) u_command (
      .clk_i,
      .valid_i  (state_q == StBias || state_q == StGroups),
      .changed_i(start_i || walk_start_q),
      .room_i   (room_q),
      .base_i   (arena ? arena_base_i : program_base_i),
      .limit_i  (arena ? arena_bytes_i : program_bytes_i),
      .offset_i (offset),
      .bytes_i  (bytes),
      .outside_o(window_o),
      .taken_o  (taken),
      .cmd_valid_o,
      .cmd_ready_i,
      .cmd_addr_o,
      .cmd_bytes_o
  );

  // The next word of a row begins in lane 0 of the next block; the next group begins where this one
  // ended, maybe in the same word.
  logic [CountBits-1:0] lanes_left, columns_left;
  place_t behind, next_group;
  assign columns_left  = (last_group ? last_channels_q : channels_q) - column_q;
  assign lanes_left    = CountBits'(Rows) - lane_q;
  assign behind.offset = block_end_q ? offset_q + group_bytes_q : offset_q;
  assign behind.lane   = block_end_q ? '0 : lane_q + columns_left;
  assign next_group    = first_row_q ? behind : behind_q;
  always_ff @(posedge clk_i) begin
    row_end_q   <= !arena_q || columns_left <= lanes_left;
    block_end_q <= !arena_q || lanes_left <= columns_left;
    room_q      <= kinds != 5'(KindsDepth) && parts != 5'(PartsDepth);
  end

  // The sequencer's order, but that a group's rows come once where they stay in the ring for all its
  // blocks, and a pass's groups once where they stay for all its sets.
  descriptor_t walk;
  logic group_taken, repeat_end, set_end, pass_end, layer_end;
  logic [15:0] unused_group, unused_next_group;
  logic unused_last_of_pass, unused_last_block, unused_finished;
  logic [15:0] groups_q, per_pass_q;
  logic [$bits(walk.blocks)-1:0] blocks_q, set_blocks_q;
  always_comb begin
    walk                 = '0;
    walk.groups          = groups_q;
    walk.groups_per_pass = per_pass_q;
    walk.blocks          = blocks_q;
    walk.set_blocks      = set_blocks_q;
  end
  assign group_taken = taken && state_q == StGroups && row_end_q && last_row_q;
  cw_tile_walk u_walk (
      .clk_i,
      .desc_i        (walk),
      .once_i        (!streamed_q),
      .one_set_i     (resident_q),
      .start_i       (walk_start_q),
      .next_i        (group_taken),
      .group_o       (unused_group),
      .next_group_o  (unused_next_group),
      .last_group_o  (last_group),
      .last_of_pass_o(unused_last_of_pass),
      .last_block_o  (unused_last_block),
      .group_end_o   (repeat_end),
      .set_end_o     (set_end),
      .pass_end_o    (pass_end),
      .layer_end_o   (layer_end),
      .finished_o    (unused_finished)
  );

  place_t start;
  assign start = pass_end ? next_group : set_end ? pass_start_q
      : repeat_end ? next_group : group_start_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q      <= StIdle;
      walk_start_q <= 1'b0;
    end else begin
      walk_start_q <= state_q == StIdle && start_i;
      case (state_q)
        StIdle: begin
          if (start_i) begin
            state_q <= desc_i.bias_bytes != '0 ? StBias
                : desc_i.weight_rows != '0 ? StGroups : StFinish;
          end
        end
        StBias: if (taken) state_q <= has_weights_q ? StGroups : StFinish;
        StGroups: if (group_taken && layer_end) state_q <= StFinish;
        StFinish: if (!packets_inside) state_q <= StIdle;
        default: state_q <= StIdle;
      endcase
      if (clear_i || window_o) state_q <= StIdle;
    end
  end

  // Where the next command reads: a start sets all of it.
  always_ff @(posedge clk_i) begin
    case (state_q)
      StIdle: begin
        if (start_i) begin
          half_q             <= desc_i.layer_index[0];
          resident_q         <= desc_i.weights_resident;
          streamed_q         <= desc_i.weights_streamed;
          has_weights_q      <= desc_i.weight_rows != '0;
          groups_q           <= desc_i.groups;
          per_pass_q         <= desc_i.groups_per_pass;
          blocks_q           <= desc_i.blocks;
          set_blocks_q       <= desc_i.set_blocks;
          row_bytes_q        <= desc_i.row_bytes;
          last_row_bytes_q   <= desc_i.last_row_bytes;
          bias_offset_q      <= desc_i.bias_offset;
          bias_bytes_q       <= desc_i.bias_bytes;
          group_bytes_q      <= desc_i.group_bytes;
          last_group_bytes_q <= desc_i.last_group_bytes;
          offset_q           <= desc_i.weight_offset;
          group_start_q      <= '{offset: desc_i.weight_offset, lane: '0};
          pass_start_q       <= '{offset: desc_i.weight_offset, lane: '0};
          arena_q            <= desc_i.weights_arena;
          first_row_q        <= 1'b1;
          last_row_q         <= !desc_i.weights_arena || desc_i.weight_rows == rows_t'(1);
          lane_q             <= '0;
          column_q           <= '0;
          channels_q         <= CountBits'(desc_i.group_channels);
          last_channels_q    <= CountBits'(desc_i.last_group_channels);
          rows_q             <= desc_i.weights_arena ? desc_i.weight_rows : rows_t'(1);
          rows_n_q           <= ~desc_i.weight_rows;
          row_offset_q       <= desc_i.weight_offset;
        end
      end
      StGroups: begin
        if (taken) begin
          offset_q <= behind.offset;
          lane_q   <= behind.lane;
          column_q <= column_q + lanes_left;
        end
        if (taken && row_end_q) begin
          column_q     <= '0;
          first_row_q  <= 1'b0;
          rows_n_q     <= rows_n_q + 1'b1;
          last_row_q   <= rows_n_q == ~rows_t'(2);
          offset_q     <= row_offset_q + WordBytes;
          row_offset_q <= row_offset_q + WordBytes;
          lane_q       <= group_start_q.lane;
          if (first_row_q) behind_q <= behind;
        end
        if (group_taken) begin
          first_row_q   <= 1'b1;
          rows_n_q      <= ~rows_q;
          last_row_q    <= rows_q == rows_t'(1);
          offset_q      <= start.offset;
          row_offset_q  <= start.offset;
          lane_q        <= start.lane;
          group_start_q <= start;
          if (pass_end) pass_start_q <= next_group;
        end
      end
      default: ;
    endcase
  end

  assign done_o = state_q == StIdle;

  // ---------------------------------------------------------------- what each packet holds
  logic [ItemBits:0] kind, kind_in;
  logic kind_valid, kind_take;
  logic unused_kind_ready;
  cw_axis_fifo #(
      .Width(ItemBits + 1),
      .Depth(KindsDepth)
  ) u_kinds (
      .clk_i,
      .rst_ni,
      .clear_i,
      .s_axis_tdata (kind_in),
      .s_axis_tvalid(taken),
      .s_axis_tready(unused_kind_ready),
      .m_axis_tdata (kind),
      .m_axis_tvalid(kind_valid),
      .m_axis_tready(kind_take),
      .count_o      (kinds)
  );
  assign kind_in = {state_q == StBias, item_bytes};

  // Which part of its row each of the arena's words is.
  typedef struct packed {
    logic                 last;    // the row is complete
    logic [LaneBits-1:0]  lane;    // of the row's first column
    logic [CountBits-1:0] column;
  } part_t;
  part_t part_in, part;
  logic part_take, unused_part_valid, unused_part_ready;
  assign part_in = '{last: row_end_q, lane: LaneBits'(group_start_q.lane), column: column_q};
  cw_axis_fifo #(
      .Width($bits(part_t)),
      .Depth(PartsDepth)
  ) u_parts (
      .clk_i,
      .rst_ni,
      .clear_i,
      .s_axis_tdata (part_in),
      .s_axis_tvalid(taken && arena),
      .s_axis_tready(unused_part_ready),
      .m_axis_tdata (part),
      .m_axis_tvalid(unused_part_valid),
      .m_axis_tready(part_take),
      .count_o      (parts)
  );

  // The gearbox cuts one packet kind at a time: another kind waits until the packets before are out.
  // A packet is opened in the cycle before its first beat, so that no beat waits for a comparison.
  logic [ItemBits:0] current_q;
  logic open_q;
  logic [4:0] inside_q;  // packets that were opened and have not left
  logic item_valid, item_ready, item_last, leave, opening;
  logic gear_ready, row_full_q;
  assign opening        = !open_q && kind_valid && (kind == current_q || inside_q == '0)
      && inside_q != '1;
  assign s_axis_tready  = gear_ready && open_q;
  assign kind_take      = s_axis_tvalid && s_axis_tready && s_axis_tlast;
  assign leave          = item_valid && item_ready && item_last;
  assign packets_inside = inside_q != '0 || kinds != '0 || row_full_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      open_q   <= 1'b0;
      inside_q <= '0;
    end else if (clear_i) begin
      open_q   <= 1'b0;
      inside_q <= '0;
    end else begin
      open_q   <= opening || (open_q && !kind_take);
      inside_q <= inside_q + 5'(opening) - 5'(leave);
    end
  end

  // Means something while a packet is inside.
  always_ff @(posedge clk_i) if (opening) current_q <= kind;

  logic [ItemBytes*8-1:0] item;
  logic [ItemBytes-1:0] unused_keep;
  cw_axis_gearbox #(
      .InBytes (AxiBits / 8),
      .OutBytes(ItemBytes)
  ) u_gearbox (
      .clk_i,
      .rst_ni,
      .clear_i,
      .item_bytes_i (current_q[ItemBits-1:0]),
      .s_axis_tdata,
      .s_axis_tbytes,
      .s_axis_tlast,
      .s_axis_toffset('0),
      .s_axis_tvalid (s_axis_tvalid && open_q),
      .s_axis_tready (gear_ready),
      .m_axis_tdata  (item),
      .m_axis_tkeep  (unused_keep),
      .m_axis_tlast  (item_last),
      .m_axis_tvalid (item_valid),
      .m_axis_tready (item_ready)
  );

  // ---------------------------------------------------------------- rows and biases out
  // A pixel as a weight. Where either has one bit, that bit b stands for 1 - 2b.
  function automatic logic [WeightBits-1:0] weight_of(logic [PixelBits-1:0] pixel);
    if (is_sign(PixelBits) && WeightBits > 1) return WeightBits'($signed({pixel[0], 1'b1}));
    if (is_sign(WeightBits)) return WeightBits'(pixel[PixelBits-1]);
    return WeightBits'(32'($signed(pixel)));
  endfunction

  logic is_bias;
  logic [Columns*WeightBits-1:0] row_q;
  assign is_bias     = current_q[ItemBits];
  assign item_ready  = is_bias || row_ready_i || (arena_q && !row_full_q);
  assign row_valid_o = arena_q ? row_full_q : item_valid && !is_bias;
  assign row_o       = arena_q ? row_q : item[Columns*WeightBits-1:0];

  // A row of the arena's words: a register that they fill from column 0 on. Only the first word of
  // a row can begin behind lane 0; all are turned by as many lanes, so that those of column c, and of
  // the columns whole words behind it, are in lane c.
  logic [Rows-1:0][WeightBits-1:0] word, turned;
  assign part_take = arena_q && item_valid && item_ready && !is_bias;
  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) word[r] = weight_of(item[r*PixelBits+:PixelBits]);
  end
  cw_rotate #(
      .Items(Rows),
      .Bits (WeightBits)
  ) u_rotate (
      .items_i(word),
      .by_i   (part.lane),
      .items_o(turned)
  );

  always_ff @(posedge clk_i) begin
    if (part_take) begin
      // verilator unroll_full
      for (int unsigned c = 0; c < Columns; c++) begin
        if (c >= 32'(part.column)) row_q[c*WeightBits+:WeightBits] <= turned[c%Rows];
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) row_full_q <= 1'b0;
    else if (clear_i) row_full_q <= 1'b0;
    else if (part_take) row_full_q <= part.last;
    else if (row_ready_i) row_full_q <= 1'b0;
  end

  logic [BiasBits-1:0] bias_row_q;
  assign bias_we_o  = item_valid && is_bias;
  assign bias_row_o = {half_q, bias_row_q};
  for (genvar j = 0; j < Drain; j++) begin : gen_bias
    assign bias_o[j*PostBits+:PostBits] = item[j*BiasBytes*8+:PostBits];
  end

  always_ff @(posedge clk_i) begin
    if (start_i) bias_row_q <= '0;
    else if (bias_we_o) bias_row_q <= bias_row_q + 1'b1;
  end

  localparam int unsigned UsedBits = Columns * WeightBits > Rows * PixelBits
      ? Columns * WeightBits : Rows * PixelBits;
  if (ItemBytes * 8 > UsedBits) begin : gen_unused_row
    logic [ItemBytes*8-UsedBits-1:0] unused_item;
    assign unused_item = item[ItemBytes*8-1:UsedBits];
  end

`ifndef SYNTHESIS
  // A name of its own: rst_ni in `disable iff` would count as a synchronous use of the reset.
  logic in_reset;
  assign in_reset = !rst_ni;

  WordHasItsPart_A :
  assert property (@(posedge clk_i) disable iff (in_reset || clear_i)
                   part_take |-> unused_part_valid);
  WordsAreOneItem_A :
  assert property (@(posedge clk_i) disable iff (in_reset || clear_i) part_take |-> item_last);
`endif

endmodule
