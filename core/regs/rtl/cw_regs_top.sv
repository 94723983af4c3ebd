// Copyright corewright contributors
// SPDX-License-Identifier: Apache-2.0

/// The accelerator's registers behind flat ports: AXI4-Lite here, plain signals there.
///
/// Wraps the generated cw_regs, whose nested structs follow the register description, so that the
/// accelerator does not depend on them; joins the 64 bit addresses; drives the interrupt.
/// start_o and abort_o are pulses of one cycle. set_done_i and set_error_i are pulses that set the
/// sticky causes in IRQ_STATUS and win over a clear in the same cycle. irq_o is a registered level:
/// any cause and CTRL.irq_enable, one cycle late. All other inputs are read as they are, in the
/// cycle of the bus read. A 4 KiB window: an address without a register answers SLVERR, writes to
/// read-only registers are ignored, and every access is answered.
/// perf_data_i has to follow perf_index_o within 2 cycles, less than any two bus accesses take.
module cw_regs_top (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic [11:0] s_axil_awaddr,
  input  logic [2:0]  s_axil_awprot,
  input  logic        s_axil_awvalid,
  output logic        s_axil_awready,
  input  logic [31:0] s_axil_wdata,
  input  logic [3:0]  s_axil_wstrb,
  input  logic        s_axil_wvalid,
  output logic        s_axil_wready,
  output logic [1:0]  s_axil_bresp,
  output logic        s_axil_bvalid,
  input  logic        s_axil_bready,
  input  logic [11:0] s_axil_araddr,
  input  logic [2:0]  s_axil_arprot,
  input  logic        s_axil_arvalid,
  output logic        s_axil_arready,
  output logic [31:0] s_axil_rdata,
  output logic [1:0]  s_axil_rresp,
  output logic        s_axil_rvalid,
  input  logic        s_axil_rready,

  output logic        irq_o,
  output logic        start_o,
  output logic        abort_o,
  output logic [63:0] program_addr_o,
  output logic [31:0] program_bytes_o,
  output logic [63:0] arena_addr_o,
  output logic [31:0] arena_bytes_o,
  output logic [31:0] watchdog_o,
  output logic [15:0] perf_index_o,

  input  logic [31:0] hw_hash_i,
  input  logic [7:0]  caps_rows_i,
  input  logic [7:0]  caps_cols_i,
  input  logic [4:0]  caps_pixel_bits_i,
  input  logic [4:0]  caps_weight_bits_i,
  input  logic [5:0]  caps_drain_i,
  input  logic        busy_i,
  input  logic        done_i,
  input  logic        error_i,
  input  logic [7:0]  error_code_i,
  input  logic [15:0] layer_i,
  input  logic        set_done_i,
  input  logic        set_error_i,
  input  logic [31:0] error_info_i,
  input  logic [63:0] cycles_i,
  input  logic [31:0] perf_data_i,
  input  logic [31:0] perf_layers_i,
  input  logic [31:0] debug_state_i
);

  // Two accelerators of different configuration in a design: Verilator, where it inlines the registers
  // into one and not into the other, gives the generated structs the same C++ name twice.
  // verilator no_inline_module

  cw_regs_pkg::cw_regs__in_t  hw_in;
  cw_regs_pkg::cw_regs__out_t hw_out;

  assign hw_in.HW_HASH.value.next      = hw_hash_i;
  assign hw_in.CAPS.rows.next          = caps_rows_i;
  assign hw_in.CAPS.cols.next          = caps_cols_i;
  assign hw_in.CAPS.pixel_bits.next    = caps_pixel_bits_i;
  assign hw_in.CAPS.weight_bits.next   = caps_weight_bits_i;
  assign hw_in.CAPS.drain.next         = caps_drain_i;
  assign hw_in.STATUS.busy.next        = busy_i;
  assign hw_in.STATUS.done.next        = done_i;
  assign hw_in.STATUS.error.next       = error_i;
  assign hw_in.STATUS.error_code.next  = error_code_i;
  assign hw_in.STATUS.layer.next       = layer_i;
  assign hw_in.IRQ_STATUS.done.hwset   = set_done_i;
  assign hw_in.IRQ_STATUS.error.hwset  = set_error_i;
  assign hw_in.ERROR_INFO.value.next   = error_info_i;
  assign hw_in.CYCLES_LO.value.next    = cycles_i[31:0];
  assign hw_in.CYCLES_HI.value.next    = cycles_i[63:32];
  assign hw_in.PERF_DATA.value.next    = perf_data_i;
  assign hw_in.PERF_LAYERS.value.next  = perf_layers_i;
  assign hw_in.DEBUG_STATE.value.next  = debug_state_i;

  cw_regs u_regs (
    .clk      (clk_i),
    .arst_n   (rst_ni),
    .s_axil_awready,
    .s_axil_awvalid,
    .s_axil_awaddr,
    .s_axil_awprot,
    .s_axil_wready,
    .s_axil_wvalid,
    .s_axil_wdata,
    .s_axil_wstrb,
    .s_axil_bready,
    .s_axil_bvalid,
    .s_axil_bresp,
    .s_axil_arready,
    .s_axil_arvalid,
    .s_axil_araddr,
    .s_axil_arprot,
    .s_axil_rready,
    .s_axil_rvalid,
    .s_axil_rdata,
    .s_axil_rresp,
    .hwif_in  (hw_in),
    .hwif_out (hw_out)
  );

  assign start_o         = hw_out.CTRL.start.value;
  assign abort_o         = hw_out.CTRL.abort.value;
  assign program_addr_o  = {hw_out.PROGRAM_ADDR_HI.value.value, hw_out.PROGRAM_ADDR_LO.value.value};
  assign program_bytes_o = hw_out.PROGRAM_BYTES.value.value;
  assign arena_addr_o    = {hw_out.ARENA_ADDR_HI.value.value, hw_out.ARENA_ADDR_LO.value.value};
  assign arena_bytes_o   = hw_out.ARENA_BYTES.value.value;
  assign watchdog_o      = hw_out.WATCHDOG.value.value;
  assign perf_index_o    = hw_out.PERF_INDEX.value.value;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      irq_o <= 1'b0;
    end else begin
      irq_o <= hw_out.CTRL.irq_enable.value &&
               (hw_out.IRQ_STATUS.done.value || hw_out.IRQ_STATUS.error.value);
    end
  end

`ifndef SYNTHESIS
  // A name of its own: rst_ni itself in `disable iff` counts as a synchronous use of the reset.
  logic in_reset;
  assign in_reset = !rst_ni;

  StartIsPulse_A : assert property (@(posedge clk_i) disable iff (in_reset)
    start_o |=> !start_o)
    else $error("start_o longer than a cycle");

  AbortIsPulse_A : assert property (@(posedge clk_i) disable iff (in_reset)
    abort_o |=> !abort_o)
    else $error("abort_o longer than a cycle");

  WriteResponseStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    s_axil_bvalid && !s_axil_bready |=> s_axil_bvalid && $stable(s_axil_bresp))
    else $error("B changed before it was accepted");

  ReadDataStable_A : assert property (@(posedge clk_i) disable iff (in_reset)
    s_axil_rvalid && !s_axil_rready |=>
      s_axil_rvalid && $stable(s_axil_rdata) && $stable(s_axil_rresp))
    else $error("R changed before it was accepted");
`endif

endmodule
