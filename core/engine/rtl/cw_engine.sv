// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// One layer at a time: input words in, output words out.
///
///   words -> loader -> pixel buffer -> gather -> array -> drain -> postproc -> queue -> packer -> writer
///                                      ^ weight ring, bias buffer        ^ residual operand
///
/// `start_i` begins the layer of `desc_i` (stable until `done_o`); `done_o` is a level, high when every
/// write of the layer has been answered. The sequencer reserves room before a tile ends, so nothing
/// between the gather and the output queue stalls. Weight rows and biases may arrive before the start.
/// `window_o` pulses on a read command or output run outside its window (the arena; the program for
/// an input with `input_program`). `mismatch_o` pulses when a layer's tiles are not `output_bytes`
/// together, long before a byte too many could leave. At `done_o` `input_left_o` says that the input
/// has words that nobody read, `weights_left_o` that rows are in the ring. After an error or abort
/// the caller waits until the movers are idle and pulses `clear_i`.
module cw_engine
  import cw_pkg::*;
  import cw_program_pkg::*;
#(
    parameter  cfg_t        Cfg        = '0,
    localparam int unsigned Rows       = Cfg.Rows,
    localparam int unsigned Drain      = Cfg.Drain,
    localparam int unsigned Words      = drain_words(Cfg),
    localparam int unsigned PixelBits  = Cfg.PixelBits,
    localparam int unsigned ArrayBits  = number_bits(PixelBits),
    localparam int unsigned WordBytes  = word_bytes(Cfg),
    localparam int unsigned UnitBytes  = unit_bytes(Cfg),
    localparam int unsigned PostBits   = post_bits(Cfg),
    localparam int unsigned AxiBytes   = Cfg.AxiBits / 8,
    localparam int unsigned TBytesBits = $clog2(AxiBytes + 1),
    localparam int unsigned BiasBits   = Cfg.BiasRows > 1 ? $clog2(Cfg.BiasRows) : 1
) (
    input  logic                                 clk_i,
    input  logic                                 rst_ni,
    input  logic                                 clear_i,
    input  descriptor_t                          desc_i,
    input  logic                                 start_i,
    output logic                                 done_o,
    input  logic [             Cfg.AddrBits-1:0] arena_base_i,
    input  logic [                         31:0] arena_bytes_i,
    input  logic [             Cfg.AddrBits-1:0] program_base_i,
    input  logic [                         31:0] program_bytes_i,
    output logic                                 window_o,
    output logic [                         31:0] window_offset_o,
    output logic                                 mismatch_o,
    output logic                                 input_left_o,
    output logic                                 weights_left_o,
    output logic                                 tile_end_o,
    output cause_e                               cause_o,
    // input: read commands, bytes that they bring
    output logic                                 read_valid_o,
    input  logic                                 read_ready_i,
    output logic [             Cfg.AddrBits-1:0] read_addr_o,
    output logic [                         31:0] read_bytes_o,
    input  logic [              Cfg.AxiBits-1:0] s_axis_tdata,
    input  logic [               TBytesBits-1:0] s_axis_tbytes,
    input  logic                                 s_axis_tlast,
    input  logic                                 s_axis_tvalid,
    output logic                                 s_axis_tready,
    // residual operand: read commands, bytes that they bring
    output logic                                 operand_valid_o,
    input  logic                                 operand_ready_i,
    output logic [             Cfg.AddrBits-1:0] operand_addr_o,
    output logic [                         31:0] operand_bytes_o,
    input  logic [              Cfg.AxiBits-1:0] operand_tdata_i,
    input  logic [               TBytesBits-1:0] operand_tbytes_i,
    input  logic                                 operand_tlast_i,
    input  logic                                 operand_tvalid_i,
    output logic                                 operand_tready_o,
    // weights and biases
    input  logic                                 row_valid_i,
    output logic                                 row_ready_o,
    input  logic [Cfg.Columns*Cfg.WeightBits-1:0] row_i,
    input  logic                                 bias_we_i,
    input  logic [                   BiasBits:0] bias_row_i,
    input  logic [           Drain*PostBits-1:0] bias_i,
    // output: write commands, address-aligned beats
    output logic                                 write_valid_o,
    input  logic                                 write_ready_i,
    output logic [             Cfg.AddrBits-1:0] write_addr_o,
    output logic [                         31:0] write_bytes_o,
    input  logic                                 writer_idle_i,
    output logic [              Cfg.AxiBits-1:0] m_axis_tdata,
    output logic [                 AxiBytes-1:0] m_axis_tkeep,
    output logic                                 m_axis_tlast,
    output logic                                 m_axis_tvalid,
    input  logic                                 m_axis_tready
);

  localparam int unsigned RowBits = Cfg.PixelRows > 1 ? $clog2(Cfg.PixelRows) : 1;
  localparam int unsigned LaneBits = Rows > 1 ? $clog2(Rows) : 1;
  localparam int unsigned SlotBits = Drain > 1 ? $clog2(Drain) : 1;
  localparam int unsigned CountBits = $clog2(Rows + 1);
  localparam int unsigned MaxBeats = drain_beats(Cfg);
  localparam int unsigned BeatBits = $clog2(MaxBeats + 1);
  localparam int unsigned IndexBits = MaxBeats > 1 ? $clog2(MaxBeats) : 1;
  localparam int unsigned WordsBits = $clog2(Words + 1);
  localparam int unsigned BeatBytes = Words * WordBytes;
  // Beats that share a row of the bias buffer.
  localparam int unsigned RowBeats = Drain / Words;
  localparam int unsigned PartBits = RowBeats > 1 ? $clog2(RowBeats) : 1;
  localparam int unsigned AverageCycles =
      cw_postproc_pkg::average_cycles(Rows * Words) * RowBeats;
  localparam int unsigned OffsetBits = $clog2(AxiBytes);
  // Two tiles and what the pipeline holds: a tile may end every MaxBeats cycles.
  localparam int unsigned QueueDepth = 2 * MaxBeats + 24;
  localparam int unsigned QueueBits = $clog2(QueueDepth + 1);

  // ---------------------------------------------------------------- input words
  logic word_valid, word_ready, word_left, read_left;
  logic [WordBytes*8-1:0] word;
  logic [WordBytes-1:0] unused_word_keep;
  logic unused_word_last;
  cw_axis_gearbox #(
      .InBytes  (AxiBytes),
      .OutBytes (WordBytes),
      .UnitBytes(UnitBytes)
  ) u_words (
      .clk_i,
      .rst_ni,
      .clear_i,
      .item_bytes_i  ($clog2(WordBytes + 1)'(WordBytes)),
      .s_axis_tdata,
      .s_axis_tbytes,
      .s_axis_tlast,
      .s_axis_toffset('0),
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tdata  (word),
      .m_axis_tkeep  (unused_word_keep),
      .m_axis_tlast  (unused_word_last),
      .m_axis_tvalid (word_valid),
      .m_axis_tready (word_ready)
  );

  logic pass_start, release_all, loaded_all, loader_done, loader_window;
  logic [31:0] loader_window_offset;
  logic signed [31:0] released;
  logic signed [32:0] loaded_positions;
  logic wr_en;
  logic [RowBits-1:0] wr_row[2], wr_row_next[2];
  logic [LaneBits-1:0] wr_lane[2];
  logic [CountBits-1:0] wr_count[2];
  logic [SlotBits-1:0] wr_slot;
  logic [PixelBits-1:0] wr_lanes[2][Rows];
  cw_pixel_loader #(
      .Rows(Rows),
      .Drain(Drain),
      .PixelBits(PixelBits),
      .PixelRows(Cfg.PixelRows),
      .AddrBits (Cfg.AddrBits)
  ) u_loader (
      .clk_i,
      .rst_ni,
      .clear_i,
      .desc_i,
      .start_i           (pass_start),
      .arena_base_i,
      .arena_bytes_i,
      .program_base_i,
      .program_bytes_i,
      .window_o          (loader_window),
      .window_offset_o   (loader_window_offset),
      .released_i        (released),
      .release_all_i     (release_all),
      .loaded_positions_o(loaded_positions),
      .loaded_all_o      (loaded_all),
      .done_o            (loader_done),
      .cmd_valid_o       (read_valid_o),
      .cmd_ready_i       (read_ready_i),
      .cmd_addr_o        (read_addr_o),
      .cmd_bytes_o       (read_bytes_o),
      .cmd_left_o        (read_left),
      .word_valid_i      (word_valid),
      .word_ready_o      (word_ready),
      .word_left_o       (word_left),
      .word_i            (word),
      .wr_en_o           (wr_en),
      .wr_row_o          (wr_row),
      .wr_row_next_o     (wr_row_next),
      .wr_lane_o         (wr_lane),
      .wr_count_o        (wr_count),
      .wr_slot_o         (wr_slot),
      .wr_lanes_o        (wr_lanes)
  );

  // ---------------------------------------------------------------- steps
  logic weights_available, weight_step, to_group, to_pass, new_group, new_pass, release_weights;
  logic tile_room_q, sequencer_done, operand_complete;
  logic [BeatBits-1:0] tile_beats;
  logic step, step_first, step_last, tile_last;
  logic [RowBits-1:0] rd_row, rd_row_next;
  logic [LaneBits-1:0] rd_lane;
  logic [SlotBits-1:0] rd_slot;
  logic [Rows-1:0] mask;
  logic [15:0] tile_channels;
  logic [BiasBits-1:0] tile_bias_row;
  logic [31:0] tile_offset, tile_bytes;
  cw_sequencer #(
      .Rows(Rows),
      .Drain(Drain),
      .Words(Words),
      .WordBytes(WordBytes),
      .PixelRows    (Cfg.PixelRows),
      .MaxDrainBeats(MaxBeats),
      .AverageCycles(AverageCycles),
      .BiasRows     (Cfg.BiasRows)
  ) u_sequencer (
      .clk_i,
      .rst_ni,
      .clear_i,
      .desc_i,
      .start_i,
      .done_o             (sequencer_done),
      .pass_start_o       (pass_start),
      .released_o         (released),
      .release_all_o      (release_all),
      .loaded_positions_i (loaded_positions),
      .loaded_all_i       (loaded_all),
      .loader_done_i      (loader_done),
      .weights_available_i(weights_available),
      .weight_step_o      (weight_step),
      .weight_to_group_o  (to_group),
      .weight_to_pass_o   (to_pass),
      .weight_new_group_o (new_group),
      .weight_new_pass_o  (new_pass),
      .weight_release_o   (release_weights),
      .tile_room_i        (tile_room_q),
      .tile_beats_o       (tile_beats),
      .step_o             (step),
      .step_first_o       (step_first),
      .step_last_o        (step_last),
      .row_o              (rd_row),
      .row_next_o         (rd_row_next),
      .lane_o             (rd_lane),
      .slot_o             (rd_slot),
      .mask_o             (mask),
      .tile_channels_o    (tile_channels),
      .tile_bias_row_o    (tile_bias_row),
      .tile_offset_o      (tile_offset),
      .tile_bytes_o       (tile_bytes),
      .tile_last_o        (tile_last),
      .cause_o
  );

  logic signed [PixelBits-1:0] gathered[Drain][Rows];
  cw_pixel_buffer #(
      .Rows(Rows),
      .Drain(Drain),
      .PixelBits(PixelBits),
      .Depth(Cfg.PixelRows)
  ) u_pixels (
      .clk_i,
      .wr_en_i      (wr_en),
      .wr_row_i     (wr_row),
      .wr_row_next_i(wr_row_next),
      .wr_lane_i    (wr_lane),
      .wr_count_i   (wr_count),
      .wr_slot_i    (wr_slot),
      .wr_lanes_i   (wr_lanes),
      .rd_row_i     (rd_row),
      .rd_row_next_i(rd_row_next),
      .rd_lane_i    (rd_lane),
      .rd_pixels_o  (gathered)
  );

  logic [Cfg.Columns*Cfg.WeightBits-1:0] weights;
  cw_weight_ring #(
      .Width(Cfg.Columns * Cfg.WeightBits),
      .Depth(Cfg.WeightRows)
  ) u_weights (
      .clk_i,
      .rst_ni,
      .clear_i,
      .wr_valid_i (row_valid_i),
      .wr_ready_o (row_ready_o),
      .wr_row_i   (row_i),
      .available_o(weights_available),
      .step_i     (weight_step),
      .to_group_i (to_group),
      .to_pass_i  (to_pass),
      .new_group_i(new_group),
      .new_pass_i (new_pass),
      .release_i  (release_weights),
      .weights_o  (weights)
  );

  // ---------------------------------------------------------------- array, two cycles behind the step
  logic [1:0] step_q, first_q, last_q;
  logic [SlotBits-1:0] slot_q, slot_qq;
  array_op_e op;
  // A step of a layer that has ended goes into a sum that nothing drains.
  always_ff @(posedge clk_i) begin
    step_q  <= {step_q[0], step};
    first_q <= {first_q[0], step_first};
    last_q  <= {last_q[0], step_last};
    slot_q  <= rd_slot;
    slot_qq <= slot_q;
  end

  always_comb begin
    case (desc_i.opcode)
      4'(OpcodeConv):      op = OpMac;
      4'(OpcodeMaxPool):   op = OpMax;
      4'(OpcodeDepthwise): op = OpVec;
      default:             op = OpSum;
    endcase
  end

  // The array computes with numbers: a single bit b is 1 - 2b, +1 or -1.
  function automatic logic signed [ArrayBits-1:0] number_of(logic signed [PixelBits-1:0] pixel);
    if (is_sign(PixelBits)) return ArrayBits'($signed({pixel[0], 1'b1}));
    return ArrayBits'(32'(pixel));
  endfunction

  // A masked lane adds nothing; to a maximum it is the smallest value.
  localparam logic signed [ArrayBits-1:0] Smallest =
      is_sign(PixelBits) ? '1 : {1'b1, {(ArrayBits - 1) {1'b0}}};
  logic signed [ArrayBits-1:0] pixels[Drain][Rows];
  always_comb begin
    for (int unsigned j = 0; j < Drain; j++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        pixels[j][r] = number_of(gathered[j][r]);
        if (j == 0 && op == OpMac) pixels[j][r] = number_of(gathered[slot_qq][r]);
        if (!mask[r]) pixels[j][r] = op == OpMax ? Smallest : '0;
      end
    end
  end

  logic [IndexBits-1:0] drain_index_q;
  logic signed [Cfg.SumBits-1:0] sums[Words][Rows];
  logic signed [ArrayBits-1:0] maxima[Words][Rows];
  cw_pe_array #(
      .Rows(Rows),
      .Columns   (Cfg.Columns),
      .Drain(Drain),
      .Words(Words),
      .PixelBits(ArrayBits),
      .WeightBits(Cfg.WeightBits),
      .SumBits   (Cfg.SumBits)
  ) u_array (
      .clk_i,
      .rst_ni,
      .valid_i      (step_q[1]),
      .first_i      (first_q[1]),
      .op_i         (op),
      .pixels_i     (pixels),
      .weights_i    (weights),
      .drain_index_i(drain_index_q),
      .sums_o       (sums),
      .maxima_o     (maxima)
  );

  // Elements inside the image, for averages.
  logic [15:0] count_q[Rows], counts_q[Rows];
  logic count_last_q;
  always_ff @(posedge clk_i) begin
    count_last_q <= step_q[1] && last_q[1];
    if (step_q[1] && op == OpSum) begin
      foreach (count_q[r]) count_q[r] <= (first_q[1] ? '0 : count_q[r]) + 16'(mask[r]);
    end
    if (count_last_q) counts_q <= count_q;
  end

  // ---------------------------------------------------------------- drain
  // A tile's facts travel beside it. A beat's bias is read two cycles before its sums come, and goes
  // into post-processing one cycle before them.
  typedef struct packed {
    logic                valid;
    logic [BeatBits-1:0] beats;
    logic [15:0]         channels;
    logic [BiasBits-1:0] bias_row;
    logic [PartBits-1:0] part;  // of the bias row
    logic                run_last;
  } tile_t;
  // The array takes a step two cycles behind it.
  localparam int unsigned BiasStage = cw_pe_array_pkg::Latency;
  localparam int unsigned IndexStage = BiasStage + 1 - cw_pe_array_pkg::IndexLatency;
  tile_t tile_q[BiasStage], tile_in, tile, draining_q;
  logic row_last;  // the last beat of its bias row
  assign row_last = 32'(tile.part) == RowBeats - 1;
  always_comb begin
    tile_in.valid    = step && step_last && !clear_i;
    tile_in.beats    = tile_beats;
    tile_in.channels = tile_channels;
    tile_in.bias_row = tile_bias_row;
    tile_in.part     = '0;
    tile_in.run_last = !desc_i.output_contiguous || tile_last;
    tile             = tile_q[BiasStage-1].valid ? tile_q[BiasStage-1] : draining_q;
  end

  // Bit 0: its bias is there; bit 1: its sums are there.
  logic beat_last;
  logic [1:0] beat_valid_q, beat_last_q;
  logic [WordsBits-1:0] beat_words_q[2];
  logic [PartBits-1:0] part_q;
  assign beat_last = tile.beats == 1;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      // verilator unroll_full
      for (int unsigned i = 0; i < BiasStage; i++) tile_q[i] <= '0;
      draining_q    <= '0;
      beat_valid_q  <= '0;
      drain_index_q <= '0;
    end else begin
      tile_q[0] <= tile_in;
      for (int unsigned i = 1; i < BiasStage; i++) tile_q[i] <= tile_q[i-1];
      beat_valid_q <= {beat_valid_q[0], tile.valid};
      if (tile.valid) begin
        draining_q          <= tile;
        draining_q.valid    <= !beat_last;
        draining_q.beats    <= tile.beats - 1'b1;
        draining_q.channels <= tile.channels - 16'(Words);
        draining_q.bias_row <= tile.bias_row + BiasBits'(row_last);
        draining_q.part     <= row_last ? '0 : tile.part + 1'b1;
      end
      // Beat b's index is b cycles behind the tile, whether there is such a beat or not.
      drain_index_q <= tile_q[IndexStage-1].valid ? '0 : drain_index_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    beat_last_q     <= {beat_last_q[0], beat_last && tile.run_last};
    beat_words_q[0] <= tile.channels >= 16'(Words) ? WordsBits'(Words) : WordsBits'(tile.channels);
    beat_words_q[1] <= beat_words_q[0];
    part_q          <= tile.part;
  end

  logic [Drain*PostBits-1:0] bias_row;
  cw_ram_1r1w #(
      .Width(Drain * PostBits),
      .Depth(2 << BiasBits)
  ) u_bias (
      .clk_i,
      .we_i   (bias_we_i),
      .waddr_i(bias_row_i),
      .wdata_i(bias_i),
      .wslot_i(1'b1),
      .re_i   (tile.valid && desc_i.bias_enable),
      .raddr_i({desc_i.layer_index[0], tile.bias_row}),
      .rdata_o(bias_row)
  );

  logic signed [PostBits-1:0] bias[Words];
  always_comb begin
    for (int unsigned w = 0; w < Words; w++) begin
      bias[w] = bias_row[(32'(part_q)*Words+w)*PostBits+:PostBits];
    end
  end

  logic post_valid, post_last;
  logic [BeatBytes*8-1:0] post_data;
  logic [WordsBits-1:0] post_words;
  cw_postproc #(
      .Rows(Rows),
      .Words(Words),
      .PixelBits(PixelBits),
      .SumBits  (Cfg.SumBits),
      .PostBits(PostBits),
      .CountBits(16),
      .AverageBeats(RowBeats)
  ) u_postproc (
      .clk_i,
      .rst_ni,
      .pre_shift_i     (desc_i.pre_shift),
      .shift_i         (desc_i.shift),
      .negative_shift_i(desc_i.negative_shift),
      .clip_low_i      (desc_i.clip_low),
      .clip_high_i     (desc_i.clip_high),
      .bias_enable_i   (desc_i.bias_enable),
      .average_i       (desc_i.opcode == 4'(OpcodeAveragePool)),
      .round_first_i   (desc_i.round_first),
      .in_valid_i      (beat_valid_q[1] && !clear_i),
      .sums_i          (sums),
      .maxima_i        (maxima),
      .bias_i          (bias),
      .counts_i        (counts_q),
      .in_words_i      (beat_words_q[1]),
      .in_last_i       (beat_last_q[1]),
      .out_valid_o     (post_valid),
      .out_data_o      (post_data),
      .out_words_o     (post_words),
      .out_last_o      (post_last)
  );

  // ---------------------------------------------------------------- residual operand
  logic operand_window, operand_pop, sum_valid, sum_last;
  logic [31:0] operand_window_offset;
  logic [BeatBytes*8-1:0] operand, sum_data;
  logic [WordsBits-1:0] sum_words;
  assign operand_pop = post_valid && desc_i.add_enable;
  cw_operand_loader #(
      .Words    (Words),
      .WordBytes(WordBytes),
      .UnitBytes(UnitBytes),
      .MaxBeats (MaxBeats),
      .AxiBits  (Cfg.AxiBits),
      .AddrBits (Cfg.AddrBits)
  ) u_operand (
      .clk_i,
      .rst_ni,
      .clear_i,
      .desc_i,
      .start_i,
      .arena_base_i,
      .arena_bytes_i,
      .window_o       (operand_window),
      .window_offset_o(operand_window_offset),
      .cmd_valid_o    (operand_valid_o),
      .cmd_ready_i    (operand_ready_i),
      .cmd_addr_o     (operand_addr_o),
      .cmd_bytes_o    (operand_bytes_o),
      .s_axis_tdata   (operand_tdata_i),
      .s_axis_tbytes  (operand_tbytes_i),
      .s_axis_tlast   (operand_tlast_i),
      .s_axis_tvalid  (operand_tvalid_i),
      .s_axis_tready  (operand_tready_o),
      .ready_o        (operand_complete),
      .take_i         (tile_in.valid),
      .pop_i          (operand_pop),
      .data_o         (operand)
  );

  cw_residual_add #(
      .Rows     (Rows),
      .Words    (Words),
      .PixelBits(PixelBits)
  ) u_residual (
      .clk_i,
      .rst_ni,
      .enable_i        (desc_i.add_enable),
      .own_shift_i     (desc_i.add_own_shift),
      .other_shift_i   (desc_i.add_other_shift),
      .shift_i         (desc_i.add_shift),
      .negative_shift_i(desc_i.add_negative_shift),
      .clip_low_i      (desc_i.add_clip_low),
      .clip_high_i     (desc_i.add_clip_high),
      .in_valid_i      (post_valid),
      .in_data_i       (post_data),
      .in_words_i      (post_words),
      .in_last_i       (post_last),
      .other_i         (operand),
      .out_valid_o     (sum_valid),
      .out_data_o      (sum_data),
      .out_words_o     (sum_words),
      .out_last_o      (sum_last)
  );

  // ---------------------------------------------------------------- output queue, reserved in advance
  logic queue_valid, queue_ready, queue_last;
  logic [BeatBytes*8-1:0] queue_data;
  logic [WordsBits-1:0] queue_words;
  logic [QueueBits-1:0] reserved_q, unused_queue_count;
  logic unused_queue_ready;
  cw_axis_fifo #(
      .Width(BeatBytes * 8 + WordsBits + 1),
      .Depth(QueueDepth)
  ) u_queue (
      .clk_i,
      .rst_ni,
      .clear_i,
      .s_axis_tdata ({sum_last, sum_words, sum_data}),
      .s_axis_tvalid(sum_valid),
      .s_axis_tready(unused_queue_ready),
      .m_axis_tdata ({queue_last, queue_words, queue_data}),
      .m_axis_tvalid(queue_valid),
      .m_axis_tready(queue_ready),
      .count_o      (unused_queue_count)
  );

  logic runs_ready, aligns_ready, run_push, run_window, run_outside_q, started_q;
  logic [31:0] run_offset, run_bytes;
  // Tiles end at least two cycles apart: what the one before reserved is counted when it is asked.
  always_ff @(posedge clk_i) begin
    tile_room_q <= 32'(reserved_q) + 32'(tile_beats) <= QueueDepth && operand_complete
        && (desc_i.output_contiguous || (runs_ready && aligns_ready));
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) reserved_q <= '0;
    else if (clear_i) reserved_q <= '0;
    else begin
      reserved_q <= reserved_q + (tile_in.valid ? QueueBits'(tile_beats) : '0)
          - QueueBits'(queue_valid && queue_ready);
    end
  end

  // ---------------------------------------------------------------- runs of consecutive bytes
  assign run_offset      = desc_i.output_contiguous ? desc_i.output_offset : tile_offset;
  assign run_bytes       = desc_i.output_contiguous ? desc_i.output_bytes : tile_bytes;
  assign run_push        = desc_i.output_contiguous ? started_q : tile_in.valid;
  assign run_window      = run_push && run_outside_q;
  // Known before the tile ends, for tiles end at least two cycles apart.
  always_ff @(posedge clk_i) begin
    started_q     <= start_i;
    run_outside_q <= 33'(run_offset) + 33'(run_bytes) > 33'(arena_bytes_i);
  end
  assign window_o        = loader_window || run_window || operand_window;
  assign window_offset_o = loader_window ? loader_window_offset
      : operand_window ? operand_window_offset : run_offset;

  // ---------------------------------------------------------------- do the tiles fill the output?
  // A tile more than it has would meet no write command, a tile less leave one open: the layer's last
  // tile, and no other, leaves nothing.
  logic [32:0] output_left_q;  // negative: too many
  logic tile_ended_q, output_ended_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      tile_ended_q <= 1'b0;
      mismatch_o   <= 1'b0;
    end else begin
      tile_ended_q <= tile_in.valid;
      mismatch_o   <= !clear_i && tile_ended_q
          && (output_left_q[32] || (output_left_q == '0) != output_ended_q);
    end
  end
  always_ff @(posedge clk_i) begin
    if (start_i) output_left_q <= {1'b0, desc_i.output_bytes};
    else if (tile_in.valid) output_left_q <= output_left_q - {1'b0, tile_bytes};
    output_ended_q <= tile_last;
  end
  assign tile_end_o     = tile_ended_q;
  assign input_left_o   = read_left || word_valid || word_left;
  assign weights_left_o = weights_available;

  logic [Cfg.AddrBits-1:0] run_addr;
  assign run_addr = arena_base_i + Cfg.AddrBits'(run_offset);
  logic [3:0] unused_runs, unused_aligns;
  cw_axis_fifo #(
      .Width(Cfg.AddrBits + 32),
      .Depth(8)
  ) u_runs (
      .clk_i,
      .rst_ni,
      .clear_i,
      .s_axis_tdata ({run_addr, run_bytes}),
      .s_axis_tvalid(run_push && !run_window),
      .s_axis_tready(runs_ready),
      .m_axis_tdata ({write_addr_o, write_bytes_o}),
      .m_axis_tvalid(write_valid_o),
      .m_axis_tready(write_ready_i),
      .count_o      (unused_runs)
  );

  logic align_valid;
  logic [OffsetBits-1:0] align;
  cw_axis_fifo #(
      .Width(OffsetBits),
      .Depth(8)
  ) u_aligns (
      .clk_i,
      .rst_ni,
      .clear_i,
      .s_axis_tdata (run_addr[OffsetBits-1:0]),
      .s_axis_tvalid(run_push && !run_window),
      .s_axis_tready(aligns_ready),
      .m_axis_tdata (align),
      .m_axis_tvalid(align_valid),
      .m_axis_tready(queue_valid && queue_ready && queue_last),
      .count_o      (unused_aligns)
  );

  logic packer_ready;
  assign queue_ready = packer_ready && align_valid;
  cw_axis_gearbox #(
      .InBytes  (BeatBytes),
      .OutBytes (AxiBytes),
      .UnitBytes(UnitBytes)
  ) u_packer (
      .clk_i,
      .rst_ni,
      .clear_i,
      .item_bytes_i  ($clog2(AxiBytes + 1)'(AxiBytes)),
      .s_axis_tdata  (queue_data),
      .s_axis_tbytes ($clog2(BeatBytes + 1)'(32'(queue_words) * WordBytes)),
      .s_axis_tlast  (queue_last),
      .s_axis_toffset(align),
      .s_axis_tvalid (queue_valid && align_valid),
      .s_axis_tready (packer_ready),
      .m_axis_tdata,
      .m_axis_tkeep,
      .m_axis_tlast,
      .m_axis_tvalid,
      .m_axis_tready
  );

  // A cycle later, so that nobody waits for all of it.
  logic done_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) done_q <= 1'b1;
    else begin
      done_q <= sequencer_done && !start_i && reserved_q == '0 && !write_valid_o && writer_idle_i;
    end
  end
  assign done_o = done_q && !start_i;

`ifndef SYNTHESIS
  // A name of its own: rst_ni in `disable iff` would count as a synchronous use of the reset.
  logic in_reset;
  assign in_reset = !rst_ni;

  initial begin
    IndexStageLegal_A : assert (IndexStage >= 1 && IndexStage <= BiasStage)
    else $fatal(1, "cw_engine: the array's IndexLatency must be from 1 to its Latency");
  end

  QueueHasRoom_A :
  assert property (@(posedge clk_i) disable iff (in_reset || clear_i)
                   sum_valid |-> unused_queue_ready);
  TilesDoNotCollide_A :
  assert property (@(posedge clk_i) disable iff (in_reset || clear_i)
                   tile_q[BiasStage-1].valid |-> !draining_q.valid);
`endif

endmodule
