// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Runs a program: fetches and checks the header, then one descriptor after the other, one ahead of the
/// engine, hands each to the weight loader and to the engine, counts cycles, and ends with done or with
/// an error code.
///
/// The program port's reader serves descriptor fetches and the weight loader in turn: the next descriptor
/// is fetched when the weights of the one before have been read. Each descriptor's CRC-32 and sizes are
/// checked before anybody acts on it; a layer that does not use up what it reads, or does not write
/// what it says, is an error like a bad descriptor, so that nothing is left for the next run. A layer whose weights are a tensor in the arena goes to the
/// weight loader only when the layer before has ended, all its writes answered.
/// After an error or abort the movers are told to stop (`abort_movers_o`), and when they are idle
/// `clear_o`, held until the pipelines have run dry, empties every block for the next start.
/// The watchdog ends a run in which `progress_i` has been low for `watchdog_i` cycles (0: never), one
/// cycle later. Neither a start while busy nor anything that goes wrong while idle means anything.
/// `debug_state_o`: [31:24] 0 idle, 1 runs, 2 stops movers, 3 clears; [23:20] state of the fetch; [18] the
/// engine has a layer; [17] weights, [16] engine done; [10:8] cause of this cycle; [7:0] layer.
/// Performance: every busy cycle has one cause; per layer eight words, see docs/architecture.md.
module cw_control
  import cw_pkg::*;
  import cw_program_pkg::*;
#(
    parameter  cfg_t        Cfg      = '0,
    localparam int unsigned PerfBits = $clog2(Cfg.PerfLayers * 8)
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    // registers
    input  logic                    start_i,
    input  logic                    abort_i,
    input  logic [Cfg.AddrBits-1:0] program_base_i,
    input  logic [            31:0] program_bytes_i,
    input  logic [            31:0] watchdog_i,
    output logic                    busy_o,
    output logic                    done_o,
    output logic                    error_o,
    output logic                    set_done_o,
    output logic                    set_error_o,
    output error_e                  error_code_o,
    output logic [            31:0] error_info_o,
    output logic [            15:0] layer_o,
    output logic [            63:0] cycles_o,
    // verilator lint_off UNUSEDSIGNAL
    input  logic [            15:0] perf_index_i,  // the register is as wide as the largest RAM
    // verilator lint_on UNUSEDSIGNAL
    output logic [            31:0] perf_data_o,
    output logic [            31:0] perf_layers_o,
    output logic [            31:0] debug_state_o,
    // program port: fetches, while `fetching_o`
    output logic                    fetching_o,
    output logic                    cmd_valid_o,
    input  logic                    cmd_ready_i,
    output logic [Cfg.AddrBits-1:0] cmd_addr_o,
    output logic [            31:0] cmd_bytes_o,
    input  logic [ Cfg.AxiBits-1:0] s_axis_tdata,
    input  logic                    s_axis_tlast,
    input  logic                    s_axis_tvalid,
    output logic                    s_axis_tready,
    // weight loader
    output descriptor_t             weight_desc_o,
    output logic                    weight_start_o,
    input  logic                    weight_done_i,
    // engine
    output descriptor_t             engine_desc_o,
    output logic                    engine_start_o,
    input  logic                    engine_done_i,
    input  cause_e                  engine_cause_i,
    // what may go wrong
    input  logic                    window_i,
    input  logic [            31:0] window_offset_i,
    input  logic                    mismatch_i,         // the output is not as long as it says
    input  logic                    input_left_i,       // words or read commands of the input
    input  logic                    weights_left_i,     // rows in the ring
    input  logic [             3:0] axi_error_i,        // program, pixels, output, residual
    input  logic [             1:0] axi_resp_i   [4],
    input  logic                    progress_i,
    input  logic                    movers_idle_i,
    output logic                    abort_movers_o,
    output logic                    clear_o
);

  localparam int unsigned AxiWords = Cfg.AxiBits / 32;
  // Array, drain and post-processing have no clear of their own: whatever is inside, beats of all
  // columns at most, has left them, into queues that are held empty, before the clear ends.
  localparam int unsigned ClearCycles = 20 + Cfg.Columns
      + cw_postproc_pkg::average_latency(Cfg.Rows * Cfg.Drain, Cfg.PixelBits);

  // What others wait for is a bit of the state.
  typedef enum logic [2:0] {
    StIdle  = 3'b000,
    StRun   = 3'b001,
    StStop  = 3'b010,
    StClear = 3'b100
  } state_e;

  typedef enum logic [2:0] {
    FetchIdle           = 3'b000,
    FetchCheck          = 3'b001,
    FetchReady          = 3'b010,
    FetchHeader         = 3'b100,
    FetchHeaderData     = 3'b101,
    FetchDescriptor     = 3'b110,
    FetchDescriptorData = 3'b111
  } fetch_e;

  state_e state_q;
  fetch_e fetch_q;
  logic fail;
  error_e fail_code;
  logic [31:0] fail_info;

  // ---------------------------------------------------------------- fetch
  logic [DescriptorWords*32-1:0] buffer_q;
  logic [31:0] offset_q;
  logic header_phase_q;
  logic [4:0] words_q;  // of the header that are here
  logic [4:0] left_q;  // words of the newest beat that the CRC has not seen
  logic weights_taken_q, engine_taken_q;
  // verilator lint_off UNUSEDSIGNAL
  header_t header;  // most of it is for software
  // verilator lint_on UNUSEDSIGNAL
  descriptor_t fetched;
  logic [31:0] crc;
  logic receive, header_end, crc_done;

  // The buffer shifts in from the top, so that a complete header or descriptor ends at the top.
  assign header  = decode_header(buffer_q[DescriptorWords*32-1-:HeaderWords*32]);
  assign fetched = decode_descriptor(buffer_q);

  // Header and first descriptor lie behind each other and are fetched by one command: the header is
  // checked while the stream waits for a cycle.
  assign fetching_o  = header_phase_q || fetch_q[2];
  logic asking, asked, outside;
  assign asking = fetch_q == FetchHeader || fetch_q == FetchDescriptor;
  cw_read_command #(
      .AddrBits(Cfg.AddrBits)
  ) u_command (
      .clk_i,
      .valid_i  (state_q == StRun && asking),
      .changed_i(!asking),
      .room_i   (1'b1),
      .base_i   (program_base_i),
      .limit_i  (program_bytes_i),
      .offset_i (fetch_q == FetchHeader ? '0 : offset_q),
      .bytes_i  (fetch_q == FetchHeader ? HeaderBytes + DescriptorBytes : DescriptorBytes),
      .outside_o(outside),
      .taken_o  (asked),
      .cmd_valid_o,
      .cmd_ready_i,
      .cmd_addr_o,
      .cmd_bytes_o
  );
  assign header_end  = words_q == 5'(HeaderWords);
  assign s_axis_tready = (fetch_q == FetchHeaderData && !header_end)
      || (fetch_q == FetchDescriptorData && left_q <= 5'd2);
  assign receive     = s_axis_tready && s_axis_tvalid;

  // The CRC follows the data, up to two words a cycle, from the newest beat, which is the buffer's
  // top: the next beat waits for its last words. The very last word is the checksum itself.
  logic [63+Cfg.AxiBits:0] newest;
  logic [1:0] check_words;
  assign newest   = {64'b0, buffer_q[DescriptorWords*32-1-:Cfg.AxiBits]};
  logic [63:0] unchecked;  // the next words for the CRC
  always_comb begin
    unchecked = '0;
    for (int unsigned left = 1; left <= AxiWords; left++) begin
      if (32'(left_q) == left) unchecked = newest[(AxiWords-left)*32+:64];
    end
  end
  assign crc_done = left_q == 5'd1;
  always_comb begin
    check_words = '0;
    if (fetch_q inside {FetchDescriptorData, FetchCheck}) begin
      if (left_q >= (fetch_q == FetchCheck ? 5'd3 : 5'd2)) check_words = 2'd2;
      else check_words = 2'(left_q != '0);
    end
  end
  cw_crc32 u_crc (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(fetch_q == FetchDescriptor || header_phase_q),
      .words_i(check_words),
      .data_i (unchecked),
      .crc_o  (crc)
  );

  // The header is here, and stays, from the cycle before its check on.
  logic header_ok_q, hash_ok_q, layers_ok_q;
  always_ff @(posedge clk_i) begin
    header_ok_q <= header.magic == Magic && header.version == Version
        && header.descriptor_offset == HeaderBytes;
    hash_ok_q   <= header.hardware_hash == Cfg.Hash;
    layers_ok_q <= header.layers[31:16] == '0 && header.layers[15:0] != '0;
  end

  // The checksum, and sizes that would break a block's own assumptions, each compared by itself and
  // registered; the rest is the compiler's. docs/architecture.md lists them.
  localparam int unsigned Checks = 18;
  localparam int PixelLow = -(1 << (Cfg.PixelBits - 1));
  localparam int PixelHigh = largest(Cfg.PixelBits);
  logic [Checks-1:0] checks, checks_q;
  logic [15:0] last_number_q, number_q;  // positions: of the stage's last descriptor, of this one
  logic stored_rows, full_groups, descriptor_ok;
  assign stored_rows = fetched.weight_rows != '0 && !fetched.weights_arena;
  assign full_groups = fetched.groups != 16'd1;
  always_comb begin
    checks[0]  = fetched.opcode <= 4'(OpcodeSumPool);
    checks[1]  = fetched.kernel_height != '0 && fetched.kernel_width != '0
        && fetched.channels_in != '0;
    checks[2]  = fetched.groups != '0 && fetched.groups_per_pass != '0
        && fetched.blocks != '0 && fetched.set_blocks != '0;
    checks[3]  = fetched.stride_h != '0 && fetched.stride_w != '0
        && fetched.wrap_w != '0 && fetched.wrap_h != '0;
    checks[4]  = 32'(fetched.ring_rows) <= Cfg.PixelRows && fetched.ring_blocks != '0;
    checks[5]  = 32'(fetched.gather_lane) < Cfg.Rows && 32'(fetched.pitch_lane) < Cfg.Rows
        && 32'(fetched.row_step_lane) < Cfg.Rows && 32'(fetched.image_step_lane) < Cfg.Rows;
    checks[6]  = 32'(fetched.scatter_lane) < Cfg.Rows
        && 32'(fetched.scatter_image_lane) < Cfg.Rows
        && (fetched.phase_skew == '0 || 32'(fetched.phase_skew) < Cfg.Rows);
    checks[7]  = channels_fit(fetched.group_channels, fetched.opcode)
        && channels_fit(fetched.last_group_channels, fetched.opcode);
    checks[8]  = 32'(fetched.row_bytes) <= weight_row_bytes(Cfg)
        && 32'(fetched.last_row_bytes) <= weight_row_bytes(Cfg);
    checks[9]  = !stored_rows || (fetched.last_row_bytes != '0 && fetched.last_group_bytes != '0);
    checks[10] = !stored_rows || !full_groups
        || (fetched.row_bytes != '0 && fetched.group_bytes != '0);
    checks[11] = fetched.copies_w <= 8'd3 && ((fetched.copies_h == '0 && fetched.copies_w == '0)
        || (!fetched.direct_load && fetched.stride_h == 16'd1 && fetched.stride_w == 16'd1));
    checks[12] = fetched.segments != '0 && fetched.segment_bytes != '0
        && fetched.stream_blocks != '0 && fetched.output_bytes != '0
        && (fetched.direct_load || (fetched.input_pitch != '0
                                    && fetched.load_width <= fetched.input_pitch));
    checks[13] = clips_fit(fetched.clip_low, fetched.clip_high);
    checks[14] = !fetched.add_enable || clips_fit(fetched.add_clip_low, fetched.add_clip_high);
    checks[15] = fetched.layer_index == number_q
        && fetched.last_layer == (number_q == last_number_q)
        && !(fetched.weights_resident && fetched.weights_streamed);
    checks[16] = whole_units(fetched.input_offset | fetched.segment_bytes | fetched.segment_stride)
        && whole_units(fetched.output_offset | fetched.output_block_bytes
                       | fetched.output_group_bytes | fetched.output_bytes)
        && (!fetched.add_enable || whole_units(fetched.add_offset | fetched.add_block_bytes));
    checks[17] = fetched.crc == crc;
  end
  always_ff @(posedge clk_i) if (fetch_q == FetchCheck) checks_q <= checks;
  assign descriptor_ok = &checks_q;

  /// A group has C channels at most, in layers that work channel by channel D.
  function automatic logic channels_fit(logic [15:0] channels, logic [3:0] opcode);
    return channels != '0
        && 32'(channels) <= (opcode == 4'(OpcodeConv) ? Cfg.Columns : Cfg.Drain);
  endfunction

  /// Words move by units: see cw_pkg::unit_bytes.
  function automatic logic whole_units(logic [31:0] bytes);
    return bytes % unit_bytes(Cfg) == '0;
  endfunction

  function automatic logic clips_fit(logic signed [15:0] low, logic signed [15:0] high);
    return low <= high && 32'(low) >= PixelLow && 32'(high) <= PixelHigh;
  endfunction

  logic hand_weights, hand_engine, handed, engine_busy_q, layer_end;
  // With engine_taken_q it is this very layer that the engine works on.
  assign hand_weights = state_q == StRun && fetch_q == FetchReady && !weights_taken_q
      && weight_done_i && (!fetched.weights_arena || !engine_busy_q || engine_taken_q);
  assign hand_engine  = state_q == StRun && fetch_q == FetchReady && !engine_taken_q
      && !engine_busy_q && !engine_start_o;
  assign handed       = weights_taken_q && engine_taken_q && weight_done_i && !weight_start_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fetch_q        <= FetchIdle;
      header_phase_q <= 1'b0;
    end else begin
      case (fetch_q)
        FetchHeader: begin
          header_phase_q <= 1'b1;
          if (asked) fetch_q <= FetchHeaderData;
        end
        FetchHeaderData: if (header_end) fetch_q <= FetchCheck;
        FetchDescriptor: if (asked) fetch_q <= FetchDescriptorData;
        FetchDescriptorData: if (receive && s_axis_tlast) fetch_q <= FetchCheck;
        FetchCheck: begin
          // A failed check ends the run by `fail` below.
          header_phase_q <= 1'b0;
          if (header_phase_q) fetch_q <= FetchDescriptorData;
          else if (crc_done) fetch_q <= FetchReady;
        end
        FetchReady: if (handed) fetch_q <= fetched.last_layer ? FetchIdle : FetchDescriptor;
        default: if (state_q == StIdle && start_i) fetch_q <= FetchHeader;  // FetchIdle
      endcase
      if (state_q == StClear) begin
        fetch_q        <= FetchIdle;
        header_phase_q <= 1'b0;
      end
    end
  end

  // Where the fetch is: idle sets it to the program's begin.
  always_ff @(posedge clk_i) begin
    case (fetch_q)
      FetchHeaderData: if (receive) words_q <= words_q + 5'(AxiWords);
      FetchDescriptorData, FetchCheck: begin
        if (header_phase_q) last_number_q <= header.layers[15:0] - 1'b1;
        left_q <= receive ? 5'(AxiWords) : left_q - 5'(check_words);
      end
      FetchReady: begin
        weights_taken_q <= weights_taken_q || hand_weights;
        engine_taken_q  <= engine_taken_q || hand_engine;
        if (handed) begin
          offset_q <= offset_q + DescriptorBytes;
          number_q <= number_q + 1'b1;
        end
      end
      FetchIdle, FetchDescriptor: begin
        weights_taken_q <= 1'b0;
        engine_taken_q  <= 1'b0;
        words_q         <= '0;
        left_q          <= '0;
        if (fetch_q == FetchIdle) begin
          offset_q <= HeaderBytes;
          number_q <= '0;
        end
      end
      default: ;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (receive) begin
      buffer_q <= DescriptorWords * 32 == Cfg.AxiBits ? (DescriptorWords * 32)'(s_axis_tdata)
          : {s_axis_tdata, buffer_q[DescriptorWords*32-1:Cfg.AxiBits]};
    end
  end

  // ---------------------------------------------------------------- hand over
  assign layer_end = engine_busy_q && engine_done_i && !engine_start_o;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      weight_start_o <= 1'b0;
      engine_start_o <= 1'b0;
      engine_busy_q  <= 1'b0;
    end else begin
      weight_start_o <= hand_weights && !fail;
      engine_start_o <= hand_engine && !fail;
      // Behind an error, too, the engine's layer ends: a clear makes `engine_done_i` high before it
      // is over. No layer is handed over but in StRun.
      if (hand_engine) engine_busy_q <= 1'b1;
      else if (layer_end) engine_busy_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) if (hand_engine) engine_desc_o <= fetched;
  assign weight_desc_o = fetched;

  // Behind the last layer weights that nobody has used would be the next run's first.
  logic left_over_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) left_over_q <= 1'b0;
    else begin
      left_over_q <= input_left_i
          || (engine_desc_o.last_layer && (!weight_done_i || weights_left_i));
    end
  end

  // ---------------------------------------------------------------- errors
  logic [31:0] idle_cycles_q;
  logic expired;
  assign expired = watchdog_i != '0 && idle_cycles_q >= watchdog_i;
  always_ff @(posedge clk_i) begin
    if (state_q != StRun || progress_i) idle_cycles_q <= '0;
    else idle_cycles_q <= idle_cycles_q + 1;
  end

  // Known a cycle later: what goes wrong in a step must not wait for the choice of a cause.
  logic window_q;
  logic [31:0] window_offset_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) window_q <= 1'b0;
    else window_q <= window_i;
  end
  always_ff @(posedge clk_i) window_offset_q <= window_offset_i;

  // Means something in StRun.
  always_comb begin
    fail      = 1'b1;
    fail_code = ErrorWatchdog;
    fail_info = '0;
    if (abort_i) fail_code = ErrorAborted;
    else if (axi_error_i[0]) begin
      fail_code = ErrorAxiReadProgram;
      fail_info = 32'(axi_resp_i[0]);
    end else if (axi_error_i[1] || axi_error_i[3]) begin
      fail_code = ErrorAxiReadPixels;
      fail_info = 32'(axi_error_i[1] ? axi_resp_i[1] : axi_resp_i[3]);
    end else if (axi_error_i[2]) begin
      fail_code = ErrorAxiWrite;
      fail_info = 32'(axi_resp_i[2]);
    end else if (fetch_q == FetchCheck && header_phase_q && !header_ok_q) begin
      fail_code = ErrorBadProgram;
      fail_info = header.magic;
    end else if (fetch_q == FetchCheck && header_phase_q && !hash_ok_q) begin
      fail_code = ErrorWrongHardware;
      fail_info = header.hardware_hash;
    end else if (fetch_q == FetchCheck && header_phase_q && !layers_ok_q) begin
      fail_code = ErrorBadProgram;
    end else if (fetch_q == FetchReady && !descriptor_ok) begin
      fail_code = ErrorBadDescriptor;
      fail_info = 32'(fetched.layer_index);
    end else if (mismatch_i || (layer_end && left_over_q)) begin
      fail_code = ErrorBadDescriptor;
      fail_info = 32'(engine_desc_o.layer_index);
    end else if (outside) begin
      fail_code = ErrorWindow;
      fail_info = offset_q;
    end else if (window_q) begin
      fail_code = ErrorWindow;
      fail_info = window_offset_q;
    end else begin
      fail      = expired;
      fail_info = debug_state_o;
    end
  end

  // ---------------------------------------------------------------- the run
  localparam int unsigned ClearBits = $clog2(ClearCycles + 1);
  logic [ClearBits-1:0] clear_left_q;
  assign busy_o         = state_q != StIdle;
  assign abort_movers_o = state_q[1];
  assign clear_o        = state_q[2];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q      <= StIdle;
      done_o       <= 1'b0;
      error_o      <= 1'b0;
      set_done_o   <= 1'b0;
      set_error_o  <= 1'b0;
      error_code_o <= ErrorNone;
      error_info_o <= '0;
      layer_o      <= '0;
      cycles_o     <= '0;
      clear_left_q <= '0;
    end else begin
      set_done_o  <= 1'b0;
      set_error_o <= 1'b0;
      if (state_q == StRun) cycles_o <= cycles_o + 1;
      case (state_q)
        StIdle: begin
          if (start_i) begin
            state_q      <= StRun;
            done_o       <= 1'b0;
            error_o      <= 1'b0;
            error_code_o <= ErrorNone;
            error_info_o <= '0;
            layer_o      <= '0;
            cycles_o     <= '0;
          end
        end
        StRun: begin
          if (hand_engine && !fail) layer_o <= fetched.layer_index;
          if (fail) begin
            state_q      <= StStop;
            error_code_o <= fail_code;
            error_info_o <= fail_info;
          end else if (layer_end && engine_desc_o.last_layer) begin
            state_q    <= StIdle;
            done_o     <= 1'b1;
            set_done_o <= 1'b1;
          end
        end
        StStop: begin
          clear_left_q <= ClearBits'(ClearCycles);
          if (movers_idle_i) state_q <= StClear;
        end
        default: begin  // StClear
          clear_left_q <= clear_left_q - 1'b1;
          if (clear_left_q == '0) begin
            state_q     <= StIdle;
            error_o     <= 1'b1;
            set_error_o <= 1'b1;
          end
        end
      endcase
    end
  end

  // ---------------------------------------------------------------- performance
  // Cycles between layers belong to the layer that starts next. All is counted a cycle late: a step
  // need not reach the counters in its cycle.
  cause_e cause_q;
  logic run_q, idle_q, layer_ended_q;
  logic [31:0] recorded_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      run_q         <= 1'b0;
      idle_q        <= 1'b1;
      layer_ended_q <= 1'b0;
    end else begin
      run_q         <= state_q == StRun;
      idle_q        <= state_q == StIdle;
      layer_ended_q <= layer_end;
    end
  end
  always_ff @(posedge clk_i) begin
    cause_q <= engine_busy_q && !engine_start_o ? engine_cause_i : CauseControl;
  end

  logic [3:0] write_q;  // 8: idle, else the word that is being written
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      recorded_q <= '0;
      write_q    <= 4'd8;
    end else begin
      if (write_q != 4'd8) write_q <= write_q + 1'b1;
      if (write_q == 4'd7) recorded_q <= recorded_q + 1;
      if (layer_ended_q && run_q && recorded_q < Cfg.PerfLayers) write_q <= '0;
      // A record that is still being written is of the run before.
      if (state_q == StIdle && start_i) begin
        recorded_q <= '0;
        write_q    <= 4'd8;
      end
    end
  end

  // A cycle has one cause, so one adder and a small memory count them all: a bank of it for the layer
  // at hand, the other for the one before, whose record is being written. Counts that have no flag
  // yet are 0. The cycle in which a layer's end is seen is part of it.
  localparam int unsigned Causes = 7;
  logic [31:0] counts_q[16];
  logic [31:0] layer_cycles_q, ended_cycles_q, count, record;
  logic [Causes-1:0] counted, counted_q, ended_counted_q;
  logic bank_q;
  assign counted = counted_q | Causes'(1 << cause_q);
  assign count   = counted_q[cause_q] ? counts_q[{bank_q, cause_q}] : '0;
  always_ff @(posedge clk_i) begin
    counts_q[{bank_q, cause_q}] <= count + 1;
    counted_q                   <= idle_q || layer_ended_q ? '0 : counted;
    layer_cycles_q              <= idle_q || layer_ended_q ? '0 : layer_cycles_q + 1;
    if (layer_ended_q) begin
      ended_counted_q <= counted;
      ended_cycles_q  <= layer_cycles_q + 1;
    end
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) bank_q <= 1'b0;
    else if (layer_ended_q) bank_q <= !bank_q;
  end
  assign record = write_q == 4'd7 ? ended_cycles_q
      : ended_counted_q[write_q[2:0]] ? counts_q[{!bank_q, write_q[2:0]}] : '0;

  cw_ram_1r1w #(
      .Width(32),
      .Depth(Cfg.PerfLayers * 8)
  ) u_perf (
      .clk_i,
      .we_i   (write_q != 4'd8),
      .waddr_i(PerfBits'({recorded_q, write_q[2:0]})),
      .wdata_i(record),
      .wslot_i(1'b1),
      .re_i   (1'b1),
      .raddr_i(PerfBits'(perf_index_i)),
      .rdata_o(perf_data_o)
  );
  assign perf_layers_o = recorded_q;

  assign debug_state_o = {
    8'(state_q), 4'(fetch_q), 1'b0, engine_busy_q, weight_done_i, engine_done_i, 5'b0,
    3'(engine_cause_i), 8'(layer_o)
  };

`ifndef SYNTHESIS
  // A name of its own: rst_ni itself in `disable iff` counts as a synchronous use of the reset.
  logic in_reset;
  assign in_reset = !rst_ni;

  // Nothing starts by a descriptor that a check has refused.
  StartsInRun_A : assert property (@(posedge clk_i) disable iff (in_reset)
    engine_start_o || weight_start_o |-> state_q == StRun)
    else $error("a layer starts outside a run");
`endif

endmodule
