// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_control for the cocotb bench: the configuration as numbers, descriptors as plain bits, the
/// responses of the four ports side by side.
module cw_control_flat
  import cw_pkg::*;
  import cw_program_pkg::*;
#(
    parameter  int unsigned Rows       = 4,
    parameter  int unsigned Columns    = 6,
    parameter  int unsigned Drain      = 2,
    parameter  int unsigned PixelBits  = 8,
    parameter  int unsigned WeightBits = 8,
    parameter  int unsigned SumBits    = 32,
    parameter  int unsigned AxiBits    = 64,
    parameter  int unsigned AddrBits   = 40,
    parameter  int unsigned PixelRows  = 64,
    parameter  int unsigned PerfLayers = 4,
    parameter  int unsigned Hash       = 0,
    localparam int unsigned DescBits   = $bits(descriptor_t)
) (
    input  logic                clk_i,
    input  logic                rst_ni,
    input  logic                start_i,
    input  logic                abort_i,
    input  logic [AddrBits-1:0] program_base_i,
    input  logic [        31:0] program_bytes_i,
    input  logic [        31:0] watchdog_i,
    output logic                busy_o,
    output logic                done_o,
    output logic                error_o,
    output logic                set_done_o,
    output logic                set_error_o,
    output logic [         7:0] error_code_o,
    output logic [        31:0] error_info_o,
    output logic [        15:0] layer_o,
    output logic [        63:0] cycles_o,
    input  logic [        15:0] perf_index_i,
    output logic [        31:0] perf_data_o,
    output logic [        31:0] perf_layers_o,
    output logic [        31:0] debug_state_o,
    output logic                fetching_o,
    output logic                cmd_valid_o,
    input  logic                cmd_ready_i,
    output logic [AddrBits-1:0] cmd_addr_o,
    output logic [        31:0] cmd_bytes_o,
    input  logic [ AxiBits-1:0] s_axis_tdata,
    input  logic                s_axis_tlast,
    input  logic                s_axis_tvalid,
    output logic                s_axis_tready,
    output logic [DescBits-1:0] weight_desc_o,
    output logic                weight_start_o,
    input  logic                weight_done_i,
    output logic [DescBits-1:0] engine_desc_o,
    output logic                engine_start_o,
    input  logic                engine_done_i,
    input  logic [         2:0] engine_cause_i,
    input  logic                window_i,
    input  logic [        31:0] window_offset_i,
    input  logic                mismatch_i,
    input  logic                input_left_i,
    input  logic                weights_left_i,
    input  logic [         3:0] axi_error_i,
    input  logic [         7:0] axi_resp_i,
    input  logic                progress_i,
    input  logic                movers_idle_i,
    output logic                abort_movers_o,
    output logic                clear_o
);

  localparam cfg_t Cfg = '{
      Rows: Rows,
      Columns: Columns,
      Drain: Drain,
      PixelBits: PixelBits,
      WeightBits: WeightBits,
      SumBits: SumBits,
      AxiBits: AxiBits,
      AddrBits: AddrBits,
      PixelRows: PixelRows,
      WeightRows: 16,
      BiasRows: 16,
      MaxBurst: 16,
      MaxOutstanding: 4,
      PerfLayers: PerfLayers,
      Hash: Hash
  };

  error_e error_code;
  descriptor_t weight_desc, engine_desc;
  logic [1:0] axi_resp[4];
  assign error_code_o  = error_code;
  assign weight_desc_o = weight_desc;
  assign engine_desc_o = engine_desc;
  always_comb for (int unsigned i = 0; i < 4; i++) axi_resp[i] = axi_resp_i[2*i+:2];

  cw_control #(
      .Cfg(Cfg)
  ) u_control (
      .clk_i,
      .rst_ni,
      .start_i,
      .abort_i,
      .program_base_i,
      .program_bytes_i,
      .watchdog_i,
      .busy_o,
      .done_o,
      .error_o,
      .set_done_o,
      .set_error_o,
      .error_code_o  (error_code),
      .error_info_o,
      .layer_o,
      .cycles_o,
      .perf_index_i,
      .perf_data_o,
      .perf_layers_o,
      .debug_state_o,
      .fetching_o,
      .cmd_valid_o,
      .cmd_ready_i,
      .cmd_addr_o,
      .cmd_bytes_o,
      .s_axis_tdata,
      .s_axis_tlast,
      .s_axis_tvalid,
      .s_axis_tready,
      .weight_desc_o (weight_desc),
      .weight_start_o,
      .weight_done_i,
      .engine_desc_o (engine_desc),
      .engine_start_o,
      .engine_done_i,
      .engine_cause_i(cause_e'(engine_cause_i)),
      .window_i,
      .window_offset_i,
      .mismatch_i,
      .input_left_i,
      .weights_left_i,
      .axi_error_i,
      .axi_resp_i    (axi_resp),
      .progress_i,
      .movers_idle_i,
      .abort_movers_o,
      .clear_o
  );

endmodule
