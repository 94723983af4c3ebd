// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// The accelerator that SoCs instantiate: an AXI4-Lite register block, four AXI4 managers (program,
/// pixels in, residual operand, output) and an interrupt. `Cfg` comes from a generated configuration package.
///
/// Software writes the addresses and lengths of program and arena, starts, and waits for the interrupt:
/// the program's layers run without further help. Base addresses are multiples of 64 bytes. Every access
/// stays inside the two windows. A run ends with done or with an error code, never in a hang as long
/// as the watchdog is on and the memory answers. See docs/architecture.md and core/regs.
module cw_accelerator
  import cw_pkg::*;
  import cw_program_pkg::*;
#(
    parameter  cfg_t        Cfg      = '0,
    localparam int unsigned AddrBits = Cfg.AddrBits,
    localparam int unsigned AxiBits  = Cfg.AxiBits,
    localparam int unsigned AxiBytes = AxiBits / 8
) (
    input  logic                clk_i,
    input  logic                rst_ni,
    output logic                irq_o,

    input  logic [        11:0] s_axil_awaddr,
    input  logic [         2:0] s_axil_awprot,
    input  logic                s_axil_awvalid,
    output logic                s_axil_awready,
    input  logic [        31:0] s_axil_wdata,
    input  logic [         3:0] s_axil_wstrb,
    input  logic                s_axil_wvalid,
    output logic                s_axil_wready,
    output logic [         1:0] s_axil_bresp,
    output logic                s_axil_bvalid,
    input  logic                s_axil_bready,
    input  logic [        11:0] s_axil_araddr,
    input  logic [         2:0] s_axil_arprot,
    input  logic                s_axil_arvalid,
    output logic                s_axil_arready,
    output logic [        31:0] s_axil_rdata,
    output logic [         1:0] s_axil_rresp,
    output logic                s_axil_rvalid,
    input  logic                s_axil_rready,

    output logic [         0:0] m_axi_program_arid,
    output logic [AddrBits-1:0] m_axi_program_araddr,
    output logic [         7:0] m_axi_program_arlen,
    output logic [         2:0] m_axi_program_arsize,
    output logic [         1:0] m_axi_program_arburst,
    output logic                m_axi_program_arlock,
    output logic [         3:0] m_axi_program_arcache,
    output logic [         2:0] m_axi_program_arprot,
    output logic [         3:0] m_axi_program_arqos,
    output logic                m_axi_program_arvalid,
    input  logic                m_axi_program_arready,
    input  logic [         0:0] m_axi_program_rid,
    input  logic [ AxiBits-1:0] m_axi_program_rdata,
    input  logic [         1:0] m_axi_program_rresp,
    input  logic                m_axi_program_rlast,
    input  logic                m_axi_program_rvalid,
    output logic                m_axi_program_rready,

    output logic [         0:0] m_axi_pixels_arid,
    output logic [AddrBits-1:0] m_axi_pixels_araddr,
    output logic [         7:0] m_axi_pixels_arlen,
    output logic [         2:0] m_axi_pixels_arsize,
    output logic [         1:0] m_axi_pixels_arburst,
    output logic                m_axi_pixels_arlock,
    output logic [         3:0] m_axi_pixels_arcache,
    output logic [         2:0] m_axi_pixels_arprot,
    output logic [         3:0] m_axi_pixels_arqos,
    output logic                m_axi_pixels_arvalid,
    input  logic                m_axi_pixels_arready,
    input  logic [         0:0] m_axi_pixels_rid,
    input  logic [ AxiBits-1:0] m_axi_pixels_rdata,
    input  logic [         1:0] m_axi_pixels_rresp,
    input  logic                m_axi_pixels_rlast,
    input  logic                m_axi_pixels_rvalid,
    output logic                m_axi_pixels_rready,

    output logic [         0:0] m_axi_residual_arid,
    output logic [AddrBits-1:0] m_axi_residual_araddr,
    output logic [         7:0] m_axi_residual_arlen,
    output logic [         2:0] m_axi_residual_arsize,
    output logic [         1:0] m_axi_residual_arburst,
    output logic                m_axi_residual_arlock,
    output logic [         3:0] m_axi_residual_arcache,
    output logic [         2:0] m_axi_residual_arprot,
    output logic [         3:0] m_axi_residual_arqos,
    output logic                m_axi_residual_arvalid,
    input  logic                m_axi_residual_arready,
    input  logic [         0:0] m_axi_residual_rid,
    input  logic [ AxiBits-1:0] m_axi_residual_rdata,
    input  logic [         1:0] m_axi_residual_rresp,
    input  logic                m_axi_residual_rlast,
    input  logic                m_axi_residual_rvalid,
    output logic                m_axi_residual_rready,

    output logic [         0:0] m_axi_output_awid,
    output logic [AddrBits-1:0] m_axi_output_awaddr,
    output logic [         7:0] m_axi_output_awlen,
    output logic [         2:0] m_axi_output_awsize,
    output logic [         1:0] m_axi_output_awburst,
    output logic                m_axi_output_awlock,
    output logic [         3:0] m_axi_output_awcache,
    output logic [         2:0] m_axi_output_awprot,
    output logic [         3:0] m_axi_output_awqos,
    output logic                m_axi_output_awvalid,
    input  logic                m_axi_output_awready,
    output logic [ AxiBits-1:0] m_axi_output_wdata,
    output logic [AxiBytes-1:0] m_axi_output_wstrb,
    output logic                m_axi_output_wlast,
    output logic                m_axi_output_wvalid,
    input  logic                m_axi_output_wready,
    input  logic [         0:0] m_axi_output_bid,
    input  logic [         1:0] m_axi_output_bresp,
    input  logic                m_axi_output_bvalid,
    output logic                m_axi_output_bready
);

  localparam int unsigned TBytesBits = $clog2(AxiBytes + 1);
  localparam int unsigned BiasBits = Cfg.BiasRows > 1 ? $clog2(Cfg.BiasRows) : 1;

  if (Cfg.Rows < 1 || Cfg.Drain < 1 || Cfg.Columns % Cfg.Drain != 0) begin : gen_bad_array
    $error("cw_accelerator: Drain must divide Columns, and Rows must be positive");
  end
  if (AxiBits < 32 || AxiBits > 512 || (AxiBits & (AxiBits - 1)) != 0) begin : gen_bad_axi
    $error("cw_accelerator: AxiBits must be a power of two from 32 to 512");
  end

  // ---------------------------------------------------------------- registers
  logic start, abort, busy, done, error, set_done, set_error;
  // verilator lint_off UNUSEDSIGNAL
  logic [63:0] program_addr, arena_addr;  // registers of 64 bits for ports of AddrBits
  // verilator lint_on UNUSEDSIGNAL
  logic [63:0] cycles;
  logic [31:0] program_bytes, arena_bytes, watchdog, error_info;
  logic [31:0] perf_data, perf_layers, debug_state;
  logic [15:0] perf_index, layer;
  error_e error_code;
  cw_regs_top u_regs (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .s_axil_awaddr(s_axil_awaddr),
      .s_axil_awprot(s_axil_awprot),
      .s_axil_awvalid(s_axil_awvalid),
      .s_axil_awready(s_axil_awready),
      .s_axil_wdata(s_axil_wdata),
      .s_axil_wstrb(s_axil_wstrb),
      .s_axil_wvalid(s_axil_wvalid),
      .s_axil_wready(s_axil_wready),
      .s_axil_bresp(s_axil_bresp),
      .s_axil_bvalid(s_axil_bvalid),
      .s_axil_bready(s_axil_bready),
      .s_axil_araddr(s_axil_araddr),
      .s_axil_arprot(s_axil_arprot),
      .s_axil_arvalid(s_axil_arvalid),
      .s_axil_arready(s_axil_arready),
      .s_axil_rdata(s_axil_rdata),
      .s_axil_rresp(s_axil_rresp),
      .s_axil_rvalid(s_axil_rvalid),
      .s_axil_rready(s_axil_rready),
      .irq_o(irq_o),
      .start_o           (start),
      .abort_o           (abort),
      .program_addr_o    (program_addr),
      .program_bytes_o   (program_bytes),
      .arena_addr_o      (arena_addr),
      .arena_bytes_o     (arena_bytes),
      .watchdog_o        (watchdog),
      .perf_index_o      (perf_index),
      .hw_hash_i         (Cfg.Hash),
      .caps_rows_i       (8'(Cfg.Rows)),
      .caps_cols_i       (8'(Cfg.Columns)),
      .caps_pixel_bits_i (5'(Cfg.PixelBits)),
      .caps_weight_bits_i(5'(Cfg.WeightBits)),
      .caps_drain_i      (6'(Cfg.Drain)),
      .busy_i            (busy),
      .done_i            (done),
      .error_i           (error),
      .error_code_i      (error_code),
      .layer_i           (layer),
      .set_done_i        (set_done),
      .set_error_i       (set_error),
      .error_info_i      (error_info),
      .cycles_i          (cycles),
      .perf_data_i       (perf_data),
      .perf_layers_i     (perf_layers),
      .debug_state_i     (debug_state)
  );

  // ---------------------------------------------------------------- program port
  logic clear, abort_movers, fetching;
  logic [3:0] axi_error;
  logic [1:0] axi_resp[4];
  logic program_idle, pixels_idle, residual_idle, output_idle;
  logic fetch_valid, weight_valid, program_ready, fetch_ready, weight_ready, program_valid;
  logic [AddrBits-1:0] fetch_addr, weight_addr;
  logic [31:0] fetch_bytes, weight_bytes;
  logic [AxiBits-1:0] program_data;
  logic [TBytesBits-1:0] program_tbytes;
  logic program_last;
  cw_axi_reader #(
      .AddrBits(AddrBits),
      .DataBits      (AxiBits),
      .MaxBurstBeats (Cfg.MaxBurst),
      .MaxOutstanding(Cfg.MaxOutstanding)
  ) u_program_reader (
      .clk_i,
      .rst_ni,
      .clear_i      (clear),
      .abort_i      (abort_movers),
      .idle_o       (program_idle),
      .error_o      (axi_error[0]),
      .error_resp_o (axi_resp[0]),
      .cmd_valid_i  (fetching ? fetch_valid : weight_valid),
      .cmd_ready_o  (program_ready),
      .cmd_addr_i   (fetching ? fetch_addr : weight_addr),
      .cmd_bytes_i  (fetching ? fetch_bytes : weight_bytes),
      .m_axi_arid   (m_axi_program_arid),
      .m_axi_araddr (m_axi_program_araddr),
      .m_axi_arlen  (m_axi_program_arlen),
      .m_axi_arsize (m_axi_program_arsize),
      .m_axi_arburst(m_axi_program_arburst),
      .m_axi_arlock (m_axi_program_arlock),
      .m_axi_arcache(m_axi_program_arcache),
      .m_axi_arprot (m_axi_program_arprot),
      .m_axi_arqos  (m_axi_program_arqos),
      .m_axi_arvalid(m_axi_program_arvalid),
      .m_axi_arready(m_axi_program_arready),
      .m_axi_rid    (m_axi_program_rid),
      .m_axi_rdata  (m_axi_program_rdata),
      .m_axi_rresp  (m_axi_program_rresp),
      .m_axi_rlast  (m_axi_program_rlast),
      .m_axi_rvalid (m_axi_program_rvalid),
      .m_axi_rready (m_axi_program_rready),
      .m_axis_tdata (program_data),
      .m_axis_tbytes(program_tbytes),
      .m_axis_tlast (program_last),
      .m_axis_tvalid(program_valid),
      .m_axis_tready(fetching ? fetch_ready : weight_ready)
  );

  descriptor_t weight_desc, engine_desc;
  logic weight_start, weight_done, engine_start, engine_done, window;
  logic engine_window, weight_window, mismatch, input_left, weights_left, tile_end;
  logic [31:0] engine_window_offset, weight_window_offset;
  cause_e engine_cause;
  logic progress;
  cw_control #(
      .Cfg(Cfg)
  ) u_control (
      .clk_i,
      .rst_ni,
      .start_i        (start),
      .abort_i        (abort),
      .program_base_i (AddrBits'(program_addr)),
      .program_bytes_i(program_bytes),
      .watchdog_i     (watchdog),
      .busy_o         (busy),
      .done_o         (done),
      .error_o        (error),
      .set_done_o     (set_done),
      .set_error_o    (set_error),
      .error_code_o   (error_code),
      .error_info_o   (error_info),
      .layer_o        (layer),
      .cycles_o       (cycles),
      .perf_index_i   (perf_index),
      .perf_data_o    (perf_data),
      .perf_layers_o  (perf_layers),
      .debug_state_o  (debug_state),
      .fetching_o     (fetching),
      .cmd_valid_o    (fetch_valid),
      .cmd_ready_i    (program_ready),
      .cmd_addr_o     (fetch_addr),
      .cmd_bytes_o    (fetch_bytes),
      .s_axis_tdata   (program_data),
      .s_axis_tlast   (program_last),
      .s_axis_tvalid  (program_valid && fetching),
      .s_axis_tready  (fetch_ready),
      .weight_desc_o  (weight_desc),
      .weight_start_o (weight_start),
      .weight_done_i  (weight_done),
      .engine_desc_o  (engine_desc),
      .engine_start_o (engine_start),
      .engine_done_i  (engine_done),
      .engine_cause_i (engine_cause),
      .window_i       (window),
      .window_offset_i(engine_window ? engine_window_offset : weight_window_offset),
      .mismatch_i     (mismatch),
      .input_left_i   (input_left || !pixels_idle),
      .weights_left_i (weights_left),
      .axi_error_i    (axi_error),
      .axi_resp_i     (axi_resp),
      .progress_i     (progress),
      .movers_idle_i  (program_idle && pixels_idle && residual_idle
                       && output_idle),
      .abort_movers_o (abort_movers),
      .clear_o        (clear)
  );
  assign window = engine_window || weight_window;
  // Steps alone are no progress: a kernel without an end would take them for years.
  assign progress = tile_end
      || (m_axi_program_rvalid && m_axi_program_rready)
      || (m_axi_pixels_rvalid && m_axi_pixels_rready)
      || (m_axi_residual_rvalid && m_axi_residual_rready)
      || (m_axi_output_wvalid && m_axi_output_wready);

  logic row_valid, row_ready, bias_we;
  logic [Cfg.Columns*Cfg.WeightBits-1:0] weight_row;
  logic [BiasBits:0] bias_row;
  logic [Cfg.Drain*post_bits(Cfg)-1:0] bias;
  cw_weight_loader #(
      .Rows      (Cfg.Rows),
      .Columns   (Cfg.Columns),
      .Drain     (Cfg.Drain),
      .PixelBits (Cfg.PixelBits),
      .WeightBits(Cfg.WeightBits),
      .PostBits  (post_bits(Cfg)),
      .BiasRows  (Cfg.BiasRows),
      .AxiBits(AxiBits),
      .AddrBits(AddrBits)
  ) u_weight_loader (
      .clk_i,
      .rst_ni,
      .clear_i        (clear),
      .desc_i         (weight_desc),
      .start_i        (weight_start),
      .done_o         (weight_done),
      .program_base_i (AddrBits'(program_addr)),
      .program_bytes_i(program_bytes),
      .arena_base_i   (AddrBits'(arena_addr)),
      .arena_bytes_i  (arena_bytes),
      .window_o       (weight_window),
      .window_offset_o(weight_window_offset),
      .cmd_valid_o    (weight_valid),
      .cmd_ready_i    (program_ready),
      .cmd_addr_o     (weight_addr),
      .cmd_bytes_o    (weight_bytes),
      .s_axis_tdata   (program_data),
      .s_axis_tbytes  (program_tbytes),
      .s_axis_tlast   (program_last),
      .s_axis_tvalid  (program_valid),
      .s_axis_tready  (weight_ready),
      .row_valid_o    (row_valid),
      .row_ready_i    (row_ready),
      .row_o          (weight_row),
      .bias_we_o      (bias_we),
      .bias_row_o     (bias_row),
      .bias_o         (bias)
  );

  // ---------------------------------------------------------------- pixels in, engine, output
  logic read_valid, read_ready, pixels_valid, pixels_ready, pixels_last;
  logic [AddrBits-1:0] read_addr, write_addr;
  logic [31:0] read_bytes, write_bytes;
  logic [AxiBits-1:0] pixels_data, output_data;
  logic [TBytesBits-1:0] pixels_tbytes;
  logic operand_valid, operand_ready, operand_tvalid, operand_tready, operand_last;
  logic [AddrBits-1:0] operand_addr;
  logic [31:0] operand_bytes;
  logic [AxiBits-1:0] operand_data;
  logic [TBytesBits-1:0] operand_tbytes;
  logic write_valid, write_ready, output_valid, output_ready, output_last;
  logic [AxiBytes-1:0] output_keep;
  cw_axi_reader #(
      .AddrBits(AddrBits),
      .DataBits      (AxiBits),
      .MaxBurstBeats (Cfg.MaxBurst),
      .MaxOutstanding(Cfg.MaxOutstanding),
      .UnitBytes     (unit_bytes(Cfg))
  ) u_pixels_reader (
      .clk_i,
      .rst_ni,
      .clear_i      (clear),
      .abort_i      (abort_movers),
      .idle_o       (pixels_idle),
      .error_o      (axi_error[1]),
      .error_resp_o (axi_resp[1]),
      .cmd_valid_i  (read_valid),
      .cmd_ready_o  (read_ready),
      .cmd_addr_i   (read_addr),
      .cmd_bytes_i  (read_bytes),
      .m_axi_arid   (m_axi_pixels_arid),
      .m_axi_araddr (m_axi_pixels_araddr),
      .m_axi_arlen  (m_axi_pixels_arlen),
      .m_axi_arsize (m_axi_pixels_arsize),
      .m_axi_arburst(m_axi_pixels_arburst),
      .m_axi_arlock (m_axi_pixels_arlock),
      .m_axi_arcache(m_axi_pixels_arcache),
      .m_axi_arprot (m_axi_pixels_arprot),
      .m_axi_arqos  (m_axi_pixels_arqos),
      .m_axi_arvalid(m_axi_pixels_arvalid),
      .m_axi_arready(m_axi_pixels_arready),
      .m_axi_rid    (m_axi_pixels_rid),
      .m_axi_rdata  (m_axi_pixels_rdata),
      .m_axi_rresp  (m_axi_pixels_rresp),
      .m_axi_rlast  (m_axi_pixels_rlast),
      .m_axi_rvalid (m_axi_pixels_rvalid),
      .m_axi_rready (m_axi_pixels_rready),
      .m_axis_tdata (pixels_data),
      .m_axis_tbytes(pixels_tbytes),
      .m_axis_tlast (pixels_last),
      .m_axis_tvalid(pixels_valid),
      .m_axis_tready(pixels_ready)
  );

  cw_axi_reader #(
      .AddrBits(AddrBits),
      .DataBits      (AxiBits),
      .MaxBurstBeats (Cfg.MaxBurst),
      .MaxOutstanding(Cfg.MaxOutstanding),
      .UnitBytes     (unit_bytes(Cfg))
  ) u_residual_reader (
      .clk_i,
      .rst_ni,
      .clear_i      (clear),
      .abort_i      (abort_movers),
      .idle_o       (residual_idle),
      .error_o      (axi_error[3]),
      .error_resp_o (axi_resp[3]),
      .cmd_valid_i  (operand_valid),
      .cmd_ready_o  (operand_ready),
      .cmd_addr_i   (operand_addr),
      .cmd_bytes_i  (operand_bytes),
      .m_axi_arid   (m_axi_residual_arid),
      .m_axi_araddr (m_axi_residual_araddr),
      .m_axi_arlen  (m_axi_residual_arlen),
      .m_axi_arsize (m_axi_residual_arsize),
      .m_axi_arburst(m_axi_residual_arburst),
      .m_axi_arlock (m_axi_residual_arlock),
      .m_axi_arcache(m_axi_residual_arcache),
      .m_axi_arprot (m_axi_residual_arprot),
      .m_axi_arqos  (m_axi_residual_arqos),
      .m_axi_arvalid(m_axi_residual_arvalid),
      .m_axi_arready(m_axi_residual_arready),
      .m_axi_rid    (m_axi_residual_rid),
      .m_axi_rdata  (m_axi_residual_rdata),
      .m_axi_rresp  (m_axi_residual_rresp),
      .m_axi_rlast  (m_axi_residual_rlast),
      .m_axi_rvalid (m_axi_residual_rvalid),
      .m_axi_rready (m_axi_residual_rready),
      .m_axis_tdata (operand_data),
      .m_axis_tbytes(operand_tbytes),
      .m_axis_tlast (operand_last),
      .m_axis_tvalid(operand_tvalid),
      .m_axis_tready(operand_tready)
  );

  cw_engine #(
      .Cfg(Cfg)
  ) u_engine (
      .clk_i,
      .rst_ni,
      .clear_i        (clear),
      .desc_i         (engine_desc),
      .start_i        (engine_start),
      .done_o         (engine_done),
      .arena_base_i   (AddrBits'(arena_addr)),
      .arena_bytes_i  (arena_bytes),
      .program_base_i (AddrBits'(program_addr)),
      .program_bytes_i(program_bytes),
      .window_o       (engine_window),
      .window_offset_o(engine_window_offset),
      .mismatch_o     (mismatch),
      .input_left_o   (input_left),
      .weights_left_o (weights_left),
      .tile_end_o     (tile_end),
      .cause_o        (engine_cause),
      .read_valid_o   (read_valid),
      .read_ready_i   (read_ready),
      .read_addr_o    (read_addr),
      .read_bytes_o   (read_bytes),
      .s_axis_tdata   (pixels_data),
      .s_axis_tbytes  (pixels_tbytes),
      .s_axis_tlast   (pixels_last),
      .s_axis_tvalid  (pixels_valid),
      .s_axis_tready  (pixels_ready),
      .operand_valid_o (operand_valid),
      .operand_ready_i (operand_ready),
      .operand_addr_o  (operand_addr),
      .operand_bytes_o (operand_bytes),
      .operand_tdata_i (operand_data),
      .operand_tbytes_i(operand_tbytes),
      .operand_tlast_i (operand_last),
      .operand_tvalid_i(operand_tvalid),
      .operand_tready_o(operand_tready),
      .row_valid_i    (row_valid),
      .row_ready_o    (row_ready),
      .row_i          (weight_row),
      .bias_we_i      (bias_we),
      .bias_row_i     (bias_row),
      .bias_i         (bias),
      .write_valid_o  (write_valid),
      .write_ready_i  (write_ready),
      .write_addr_o   (write_addr),
      .write_bytes_o  (write_bytes),
      .writer_idle_i  (output_idle),
      .m_axis_tdata   (output_data),
      .m_axis_tkeep   (output_keep),
      .m_axis_tlast   (output_last),
      .m_axis_tvalid  (output_valid),
      .m_axis_tready  (output_ready)
  );

  cw_axi_writer #(
      .AddrBits(AddrBits),
      .DataBits      (AxiBits),
      .MaxBurstBeats (Cfg.MaxBurst),
      .MaxOutstanding(Cfg.MaxOutstanding)
  ) u_output_writer (
      .clk_i,
      .rst_ni,
      .clear_i      (clear),
      .abort_i      (abort_movers),
      .idle_o       (output_idle),
      .error_o      (axi_error[2]),
      .error_resp_o (axi_resp[2]),
      .cmd_valid_i  (write_valid),
      .cmd_ready_o  (write_ready),
      .cmd_addr_i   (write_addr),
      .cmd_bytes_i  (write_bytes),
      .s_axis_tdata (output_data),
      .s_axis_tkeep (output_keep),
      .s_axis_tlast (output_last),
      .s_axis_tvalid(output_valid),
      .s_axis_tready(output_ready),
      .m_axi_awid   (m_axi_output_awid),
      .m_axi_awaddr (m_axi_output_awaddr),
      .m_axi_awlen  (m_axi_output_awlen),
      .m_axi_awsize (m_axi_output_awsize),
      .m_axi_awburst(m_axi_output_awburst),
      .m_axi_awlock (m_axi_output_awlock),
      .m_axi_awcache(m_axi_output_awcache),
      .m_axi_awprot (m_axi_output_awprot),
      .m_axi_awqos  (m_axi_output_awqos),
      .m_axi_awvalid(m_axi_output_awvalid),
      .m_axi_awready(m_axi_output_awready),
      .m_axi_wdata  (m_axi_output_wdata),
      .m_axi_wstrb  (m_axi_output_wstrb),
      .m_axi_wlast  (m_axi_output_wlast),
      .m_axi_wvalid (m_axi_output_wvalid),
      .m_axi_wready (m_axi_output_wready),
      .m_axi_bid    (m_axi_output_bid),
      .m_axi_bresp  (m_axi_output_bresp),
      .m_axi_bvalid (m_axi_output_bvalid),
      .m_axi_bready (m_axi_output_bready)
  );

`ifndef SYNTHESIS
  // A name of its own: rst_ni itself in `disable iff` counts as a synchronous use of the reset.
  logic in_reset;
  assign in_reset = !rst_ni;

  // What comes behind a clear would be taken for the next run's.
  NothingOnItsWay_A : assert property (@(posedge clk_i) disable iff (in_reset)
    clear |-> program_idle && pixels_idle && residual_idle && output_idle)
    else $error("a clear while a port waits");

  // Weights and descriptors share a port: a layer's weights are in before the next fetch.
  ProgramPort_A : assert property (@(posedge clk_i) disable iff (in_reset)
    fetching && !abort_movers && !clear |-> !weight_valid && !weight_ready)
    else $error("weights while a descriptor is fetched");
`endif

endmodule
