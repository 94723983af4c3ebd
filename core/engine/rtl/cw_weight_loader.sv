// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Streams a layer's bias table and weight rows from the program into the bias buffer and the ring, in
/// the order in which the sequencer uses them, ahead of it as far as the ring has room.
///
/// `start_i` takes what it needs of the descriptor, which may change afterwards; `done_o` is high when
/// everything has been stored, until the next start. Every read command is checked against the program:
/// outside, `window_o` pulses and nothing is read. The bias table goes to half `layer_index mod 2` of
/// the bias buffer, so that a layer's biases load while the layer before still uses its own.
/// Rate: one beat of the read port or one row a cycle, whichever is slower, also across commands, of
/// which 16 run ahead of their data.
///
/// With `weights_arena` the rows are put together from words of a tensor in the arena, each read by
/// a command of its own, row by row and within a row block by block; the caller starts such a layer
/// when the tensor has been written. Rate: one command, and one word, a cycle. Unused columns of
/// such a row hold anything.
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
  logic [15:0] groups_q, per_pass_q, group_q, pass_group_q, pass_end_q;
  logic [15:0] row_bytes_q, last_row_bytes_q;
  logic [31:0] blocks_q, set_blocks_q, left_q, size_q, repeat_q;
  logic [31:0] bias_offset_q, bias_bytes_q, group_bytes_q, last_group_bytes_q;
  logic [31:0] offset_q;
  logic has_weights_q, packets_inside;

  // Where a group's weights begin: with weights_arena in lane `lane` of the word at `offset`.
  localparam int unsigned CountBits = $clog2((Rows > Columns ? Rows : Columns) + 1);
  typedef struct packed {
    logic [31:0]          offset;
    logic [CountBits-1:0] lane;
  } place_t;
  place_t group_start_q, pass_start_q, behind_q;
  // Where in its row the next command's word is. Rows in the program: a group is a row of one word.
  logic arena_q, first_row_q;
  logic [CountBits-1:0] lane_q, column_q, channels_q, last_channels_q;
  logic [31:0] rows_q, rows_left_q, row_offset_q;

  // ---------------------------------------------------------------- commands
  // Whether a counter is at its end is a register beside it: a command waits for no comparison.
  logic last_group_q, last_of_pass_q, last_repeat_q, last_row_q, last_set_q;
  logic issue, bad_window, item_room, part_room, arena;
  logic [31:0] offset, bytes;
  logic [ItemBits-1:0] item_bytes;
  assign arena      = arena_q && state_q == StGroups;
  assign offset     = state_q == StBias ? bias_offset_q : offset_q;
  assign bytes      = state_q == StBias ? bias_bytes_q
      : arena_q ? WordBytes : last_group_q ? last_group_bytes_q : group_bytes_q;
  assign item_bytes = state_q == StBias ? ItemBits'(BeatBytes)
      : arena_q ? ItemBits'(WordBytes) : ItemBits'(last_group_q ? last_row_bytes_q : row_bytes_q);
  assign bad_window      = 33'(offset) + 33'(bytes) > 33'(arena ? arena_bytes_i : program_bytes_i);
  assign issue           = state_q == StBias || state_q == StGroups;
  assign window_o        = issue && bad_window;
  assign window_offset_o = offset;
  assign cmd_valid_o     = issue && !bad_window && item_room && part_room;
  assign cmd_addr_o      = (arena ? arena_base_i : program_base_i) + AddrBits'(offset);
  assign cmd_bytes_o     = bytes;

  // The next word of a row begins in lane 0 of the next block; the next group begins where this one
  // ended, maybe in the same word.
  logic row_end, block_end;
  logic [CountBits-1:0] lanes_left, columns_left;
  place_t behind, next_group;
  assign columns_left  = (last_group_q ? last_channels_q : channels_q) - column_q;
  assign lanes_left    = CountBits'(Rows) - lane_q;
  assign row_end       = !arena_q || columns_left <= lanes_left;
  assign block_end     = !arena_q || lanes_left <= columns_left;
  assign behind.offset = block_end ? offset_q + group_bytes_q : offset_q;
  assign behind.lane   = block_end ? '0 : lane_q + columns_left;
  assign next_group    = first_row_q ? behind : behind_q;

  logic taken, group_end, repeat_end, set_end, pass_end;
  place_t start;
  assign taken      = cmd_valid_o && cmd_ready_i;
  assign group_end  = row_end && last_row_q;
  assign repeat_end = last_repeat_q;
  assign set_end    = repeat_end && last_of_pass_q;
  assign pass_end   = set_end && (resident_q || last_set_q);
  assign start      = pass_end ? next_group : set_end ? pass_start_q
      : repeat_end ? next_group : group_start_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) state_q <= StIdle;
    else begin
      case (state_q)
        StIdle: begin
          if (start_i) begin
            state_q <= desc_i.bias_bytes != '0 ? StBias
                : desc_i.weight_rows != '0 ? StGroups : StFinish;
          end
        end
        StBias: if (taken) state_q <= has_weights_q ? StGroups : StFinish;
        StGroups: begin
          if (taken && group_end && pass_end && pass_end_q == groups_q) state_q <= StFinish;
        end
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
          group_q            <= '0;
          pass_group_q       <= '0;
          pass_end_q         <= end_of_pass('0, desc_i.groups, desc_i.groups_per_pass);
          row_bytes_q        <= desc_i.row_bytes;
          last_row_bytes_q   <= desc_i.last_row_bytes;
          blocks_q           <= desc_i.blocks;
          set_blocks_q       <= desc_i.set_blocks;
          size_q             <= smaller(desc_i.blocks, desc_i.set_blocks);
          left_q             <= desc_i.blocks - smaller(desc_i.blocks, desc_i.set_blocks);
          repeat_q           <= desc_i.weights_streamed
              ? smaller(desc_i.blocks, desc_i.set_blocks) : 32'd1;
          last_group_q       <= desc_i.groups == 16'd1;
          last_of_pass_q     <= desc_i.groups == 16'd1 || desc_i.groups_per_pass == 16'd1;
          last_set_q         <= desc_i.blocks <= desc_i.set_blocks;
          last_repeat_q      <= !desc_i.weights_streamed || desc_i.blocks == 32'd1
              || desc_i.set_blocks == 32'd1;
          last_row_q         <= !desc_i.weights_arena || desc_i.weight_rows == 32'd1;
          bias_offset_q      <= desc_i.bias_offset;
          bias_bytes_q       <= desc_i.bias_bytes;
          group_bytes_q      <= desc_i.group_bytes;
          last_group_bytes_q <= desc_i.last_group_bytes;
          offset_q           <= desc_i.weight_offset;
          group_start_q      <= '{offset: desc_i.weight_offset, lane: '0};
          pass_start_q       <= '{offset: desc_i.weight_offset, lane: '0};
          arena_q            <= desc_i.weights_arena;
          first_row_q        <= 1'b1;
          lane_q             <= '0;
          column_q           <= '0;
          channels_q         <= CountBits'(desc_i.group_channels);
          last_channels_q    <= CountBits'(desc_i.last_group_channels);
          rows_q             <= desc_i.weights_arena ? desc_i.weight_rows : 32'd1;
          rows_left_q        <= desc_i.weight_rows;
          row_offset_q       <= desc_i.weight_offset;
        end
      end
      StGroups: begin
        if (taken) begin
          offset_q <= behind.offset;
          lane_q   <= behind.lane;
          column_q <= column_q + lanes_left;
        end
        if (taken && row_end) begin
          column_q     <= '0;
          first_row_q  <= 1'b0;
          rows_left_q  <= rows_left_q - 1;
          last_row_q   <= rows_left_q == 32'd2;
          offset_q     <= row_offset_q + WordBytes;
          row_offset_q <= row_offset_q + WordBytes;
          lane_q       <= group_start_q.lane;
          if (first_row_q) behind_q <= behind;
        end
        if (taken && group_end) begin
          first_row_q   <= 1'b1;
          rows_left_q   <= rows_q;
          last_row_q    <= rows_q == 32'd1;
          offset_q      <= start.offset;
          row_offset_q  <= start.offset;
          lane_q        <= start.lane;
          group_start_q <= start;
          repeat_q      <= repeat_q - 1;
          last_repeat_q <= repeat_q == 32'd2;
          if (repeat_end) begin
            group_q        <= group_q + 1'b1;
            last_group_q   <= group_q + 16'd2 == groups_q;
            last_of_pass_q <= group_q + 16'd2 == pass_end_q;
            repeat_q       <= streamed_q ? size_q : 32'd1;
            last_repeat_q  <= !streamed_q || size_q == 32'd1;
          end
          if (set_end) begin
            // The same groups again for the next set.
            group_q        <= pass_group_q;
            last_group_q   <= pass_group_q + 16'd1 == groups_q;
            last_of_pass_q <= pass_group_q + 16'd1 == pass_end_q;
            size_q         <= smaller(left_q, set_blocks_q);
            left_q         <= left_q - smaller(left_q, set_blocks_q);
            last_set_q     <= left_q <= set_blocks_q;
            repeat_q       <= streamed_q ? smaller(left_q, set_blocks_q) : 32'd1;
            last_repeat_q  <= !streamed_q || left_q == 32'd1 || set_blocks_q == 32'd1;
          end
          if (pass_end) begin
            group_q        <= pass_end_q;
            last_group_q   <= pass_end_q + 16'd1 == groups_q;
            last_of_pass_q <= pass_end_q + 16'd1 == groups_q || per_pass_q == 16'd1;
            pass_group_q   <= pass_end_q;
            pass_end_q     <= end_of_pass(pass_end_q, groups_q, per_pass_q);
            pass_start_q   <= next_group;
            size_q         <= smaller(blocks_q, set_blocks_q);
            left_q         <= blocks_q - smaller(blocks_q, set_blocks_q);
            last_set_q     <= blocks_q <= set_blocks_q;
            repeat_q       <= streamed_q ? smaller(blocks_q, set_blocks_q) : 32'd1;
            last_repeat_q  <= !streamed_q || blocks_q == 32'd1 || set_blocks_q == 32'd1;
          end
        end
      end
      default: ;
    endcase
  end

  assign done_o = state_q == StIdle;

  // ---------------------------------------------------------------- what each packet holds
  logic [ItemBits:0] kind, kind_in;
  logic kind_valid, kind_take;
  logic [4:0] kinds;
  cw_axis_fifo #(
      .Width(ItemBits + 1),
      .Depth(16)
  ) u_kinds (
      .clk_i,
      .rst_ni,
      .clear_i,
      .s_axis_tdata (kind_in),
      .s_axis_tvalid(taken),
      .s_axis_tready(item_room),
      .m_axis_tdata (kind),
      .m_axis_tvalid(kind_valid),
      .m_axis_tready(kind_take),
      .count_o      (kinds)
  );
  assign kind_in = {state_q == StBias, item_bytes};

  // Which part of its row each of the arena's words is. As many entries as packets can be on their
  // way: in u_kinds, in the gearbox's buffer and in its output.
  typedef struct packed {
    logic                 last;    // the row is complete
    logic [CountBits-1:0] lane;    // the first that counts, in column `column`
    logic [CountBits-1:0] column;
  } part_t;
  part_t part_in, part;
  logic part_take, unused_part_valid;
  logic [4:0] unused_parts;
  assign part_in = '{last: row_end, lane: lane_q, column: column_q};
  cw_axis_fifo #(
      .Width($bits(part_t)),
      .Depth(18)
  ) u_parts (
      .clk_i,
      .rst_ni,
      .clear_i,
      .s_axis_tdata (part_in),
      .s_axis_tvalid(taken && arena),
      .s_axis_tready(part_room),
      .m_axis_tdata (part),
      .m_axis_tvalid(unused_part_valid),
      .m_axis_tready(part_take),
      .count_o      (unused_parts)
  );

  // The gearbox cuts one packet kind at a time: another kind waits until the packets before are out.
  logic [ItemBits:0] current_q;
  logic in_packet_q;
  logic [4:0] inside_q;  // packets that began to enter and have not left
  logic item_valid, item_ready, item_last, enter, leave, same_kind, start_packet;
  logic gear_ready, row_full_q;
  assign same_kind      = kind == current_q;
  assign start_packet   = kind_valid && !in_packet_q && (same_kind || inside_q == '0)
      && inside_q != '1;
  assign enter          = s_axis_tvalid && gear_ready && (in_packet_q || start_packet);
  assign s_axis_tready  = gear_ready && (in_packet_q || start_packet);
  assign kind_take      = enter && s_axis_tlast;
  assign leave          = item_valid && item_ready && item_last;
  assign packets_inside = inside_q != '0 || kinds != '0 || row_full_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      in_packet_q <= 1'b0;
      inside_q    <= '0;
    end else if (clear_i) begin
      in_packet_q <= 1'b0;
      inside_q    <= '0;
    end else begin
      if (enter) in_packet_q <= !s_axis_tlast;
      inside_q <= inside_q + 5'(enter && !in_packet_q) - 5'(leave);
    end
  end

  // Means something while a packet is inside.
  always_ff @(posedge clk_i) if (enter && !in_packet_q) current_q <= kind;

  // A packet's first beat may complete an item in its own cycle.
  logic [ItemBits-1:0] now;
  assign now = in_packet_q || inside_q != '0 ? current_q[ItemBits-1:0] : kind[ItemBits-1:0];

  logic [ItemBytes*8-1:0] item;
  logic [ItemBytes-1:0] unused_keep;
  cw_axis_gearbox #(
      .InBytes (AxiBits / 8),
      .OutBytes(ItemBytes)
  ) u_gearbox (
      .clk_i,
      .rst_ni,
      .clear_i,
      .item_bytes_i (now),
      .s_axis_tdata,
      .s_axis_tbytes,
      .s_axis_tlast,
      .s_axis_toffset('0),
      .s_axis_tvalid (s_axis_tvalid && (in_packet_q || start_packet)),
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
  // a row can begin behind lane 0.
  logic [Columns*WeightBits-1:0] placed;
  logic [Rows*WeightBits-1:0] word;
  assign part_take = arena_q && item_valid && item_ready && !is_bias;
  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      word[r*WeightBits+:WeightBits] = weight_of(item[r*PixelBits+:PixelBits]);
    end
    placed = (Columns * WeightBits)'(word >> (32'(part.lane) * WeightBits))
        << (32'(part.column) * WeightBits);
  end

  always_ff @(posedge clk_i) begin
    if (part_take) begin
      // verilator unroll_full
      for (int unsigned c = 0; c < Columns; c++) begin
        if (c >= 32'(part.column)) begin
          row_q[c*WeightBits+:WeightBits] <= placed[c*WeightBits+:WeightBits];
        end
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
