// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Bench of an accelerator: real firmware, memory with random stalls, protocol checkers.
///
/// Clocked logic only, so that a C++ main may toggle clk_i without Verilator's --timing; it makes
/// its own reset, reads its plusargs, and ends the simulation: $finish when all is as expected,
/// $fatal otherwise. Plusargs and the files that it reads and writes: README.md of this folder.
/// The generator makes its top: cw_bench, which gives it a configuration.
module cw_bench_body #(
  parameter cw_pkg::cfg_t Cfg = '0
) (
  input logic clk_i
);

  import cw_bench_pkg::*;

  localparam int unsigned ResetCycles = 8;

  // ---- Plusargs and set-up ----

  stalls_t     stalls = '0;
  logic [63:0] seed = '0;
  int unsigned hang_cycles = 20000;
  stalls_t     port_stalls [4];
  bad_burst_t  injected [4];  // by a plusarg, from the first burst of the simulation on
  logic [1:0]  bad_resp = 2'b10;
  bad_beats_e  bad_beats = BadBeatsAll;
  logic [15:0] irq_latency = '0, irq_spread = '0, wake_chance = '0;
  happens_e    happens = HappensNothing;
  int          event_port = PortPixels;
  int unsigned event_at = 500;
  longint      program_base = 0, program_bytes = 0, arena_base = 0, arena_bytes = 0;

  // 1 - probability in 1/65536, saturated: a channel that never moves is a hang, not a stall.
  function automatic logic [15:0] stall_chance(input real probability);
    int chance;
    chance = int'((1.0 - probability) * 65536.0);
    if (chance < 0) return 16'd0;
    return chance > 65000 ? 16'd65000 : 16'(chance);
  endfunction

  function automatic stalls_t traffic_from(input string text);
    stalls_t read;
    if (!stalls_from(text, read)) $fatal(1, "traffic %s: six numbers, see README.md", text);
    return read;
  endfunction

  // The number of one of the bench's ports; an unknown name is the end.
  function automatic int port_of(input string name);
    case (name)
      "program": return PortProgram;
      "pixels": return PortPixels;
      "output": return PortOutput;
      "residual": return PortResidual;
      default: $fatal(1, "port '%s': program, pixels, residual or output", name);
    endcase
    return PortProgram;
  endfunction

  function automatic logic [15:0] half_word(input string name, input int unsigned number);
    if (number > 4095) $fatal(1, "+%s=%0d: 0 to 4095", name, number);
    return 16'(number);
  endfunction

  initial begin
    automatic string text;
    automatic string profile = "none";
    automatic real   probability;
    automatic int unsigned number;
    for (int i = 0; i < 4; i++) injected[i] = '0;
    if ($value$plusargs("seed=%d", seed)) cw_bench_option("seed", $sformatf("%0d", seed));
    if ($value$plusargs("stalls=%s", profile)) cw_bench_option("stalls", profile);
    if ($value$plusargs("dir=%s", text)) cw_bench_option("dir", text);
    if ($value$plusargs("result=%s", text)) cw_bench_option("result", text);
    if ($value$plusargs("batches=%s", text)) cw_bench_option("batches", text);
    if ($value$plusargs("expect_status=%s", text)) cw_bench_option("expect_status", text);
    if ($value$plusargs("corrupt_program=%s", text)) cw_bench_option("corrupt_program", text);
    if ($value$plusargs("corrupt_program_late=%s", text))
      cw_bench_option("corrupt_program_late", text);
    if ($test$plusargs("wrong_hash_late")) cw_bench_option("wrong_hash_late", "1");
    else if ($test$plusargs("wrong_hash")) cw_bench_option("wrong_hash", "1");
    if ($test$plusargs("retry")) cw_bench_option("retry", "1");
    if ($value$plusargs("mutants=%s", text)) cw_bench_option("mutants", text);
    if ($value$plusargs("timeout_us=%s", text)) cw_bench_option("timeout_us", text);
    if ($value$plusargs("watchdog=%s", text)) cw_bench_option("watchdog", text);
    if ($value$plusargs("hang_cycles=%d", number)) hang_cycles = number;
    if ($value$plusargs("inject_axi_error=%s", text)) begin
      cw_bench_option("inject_axi_error", text);
      if ($sscanf(text, "program:%d", number) == 1) injected[PortProgram].burst = number;
      else if ($sscanf(text, "pixels:%d", number) == 1) injected[PortPixels].burst = number;
      else if ($sscanf(text, "residual:%d", number) == 1) injected[PortResidual].burst = number;
      else if ($sscanf(text, "output:%d", number) == 1) injected[PortOutput].burst = number;
      else $fatal(1, "+inject_axi_error=%s: program:N, pixels:N, residual:N or output:N", text);
    end
    stalls = stalls_of(profile);
    if ($value$plusargs("valid_prob=%f", probability)) begin
      stalls.random = 1'b1;
      stalls.valid_stall = stall_chance(probability);
    end
    if ($value$plusargs("ready_prob=%f", probability)) begin
      stalls.random = 1'b1;
      stalls.ready_stall = stall_chance(probability);
    end
    for (int i = 0; i < 4; i++) port_stalls[i] = stalls;
    if ($value$plusargs("program_traffic=%s", text))
      port_stalls[PortProgram] = traffic_from(text);
    if ($value$plusargs("pixels_traffic=%s", text))
      port_stalls[PortPixels] = traffic_from(text);
    if ($value$plusargs("residual_traffic=%s", text))
      port_stalls[PortResidual] = traffic_from(text);
    if ($value$plusargs("output_traffic=%s", text))
      port_stalls[PortOutput] = traffic_from(text);
    for (int i = 0; i < 4; i++) stalls.random = stalls.random || port_stalls[i].random;
    if ($value$plusargs("irq_latency=%d", number)) irq_latency = half_word("irq_latency", number);
    if ($value$plusargs("irq_spread=%d", number)) irq_spread = half_word("irq_spread", number);
    if ($value$plusargs("wake_chance=%d", number)) wake_chance = half_word("wake_chance", number);
    if ($value$plusargs("event=%s", text)) begin
      cw_bench_option("event", text);
      case (text)
        "abort": happens = HappensAbort;
        "reset": happens = HappensReset;
        "axi_error": happens = HappensAxiError;
        default: ;  // the firmware's matter
      endcase
    end
    if ($value$plusargs("event_run=%s", text)) cw_bench_option("event_run", text);
    if ($value$plusargs("event_at=%d", event_at))
      cw_bench_option("event_at", $sformatf("%0d", event_at));
    if ($value$plusargs("event_bound=%s", text)) cw_bench_option("event_bound", text);
    if ($value$plusargs("event_port=%s", text)) event_port = port_of(text);
    cw_bench_option("event_port", $sformatf("%0d", event_port));
    if ($value$plusargs("error_response=%s", text)) begin
      if (text == "DECERR") bad_resp = 2'b11;
      else if (text != "SLVERR") $fatal(1, "+error_response=%s: SLVERR or DECERR", text);
    end
    if ($value$plusargs("error_beats=%s", text)) begin
      if (text == "first") bad_beats = BadBeatsFirst;
      else if (text == "last") bad_beats = BadBeatsLast;
      else if (text != "all") $fatal(1, "+error_beats=%s: all, first or last", text);
    end
    for (int i = 0; i < 4; i++) begin
      injected[i].resp = bad_resp;
      injected[i].beats = bad_beats;
    end
    if (cw_bench_setup(int'(Cfg.Rows), int'(Cfg.PixelBits), int'(Cfg.AxiBits), int'(Cfg.AddrBits),
                       int'(Cfg.PerfLayers), int'(Cfg.Hash),
                       program_base, program_bytes, arena_base, arena_bytes) != 0)
      $fatal(1, "the bench cannot start");
  end

  // ---- Reset, time, progress ----

  // The reset has to begin somewhere, so these have initial values instead. The clock begins high:
  // the reset falls, an event for every register, before the first rising edge sees random ones.
  // verilator lint_off PROCASSINIT
  logic        rst_n = 1'b1;
  longint      cycle_q = 0;
  logic        dut_rst_n = 1'b1;  // of the accelerator, the memory and what watches them
  // verilator lint_on PROCASSINIT
  int unsigned still_q;    // cycles since the last handshake
  logic        running_q;  // between the start and the interrupt
  logic        ended_q;
  logic        hang, irq, done, started, waiting, arm, event_due, event_taken, event_holds;
  logic [31:0] arm_cycles;
  logic [3:0]  reset_left_q;  // of the reset that is an event
  logic        axil_moved, program_moved, pixels_moved, residual_moved, output_moved;
  logic        memory_moved;
  logic        program_quiet, pixels_quiet, residual_quiet, output_quiet;

  always_ff @(posedge clk_i) cycle_q <= cycle_q + 1;
  always_ff @(negedge clk_i) rst_n <= cycle_q > longint'(ResetCycles);
  always_ff @(negedge clk_i)
    dut_rst_n <= cycle_q > longint'(ResetCycles) && reset_left_q <= 4'd3;

  always_ff @(posedge clk_i or negedge dut_rst_n) begin
    if (!dut_rst_n) begin
      still_q   <= 0;
      running_q <= 1'b0;
    end else begin
      if (axil_moved || memory_moved || hang) still_q <= 0;
      else still_q <= still_q + 1;
      if (started) running_q <= 1'b1;
      else if (irq) running_q <= 1'b0;
    end
  end
  assign hang = still_q == hang_cycles;

  // ---- Ports ----

  logic [11:0] s_axil_awaddr, s_axil_araddr;
  logic [2:0] s_axil_awprot, s_axil_arprot;
  logic s_axil_awvalid, s_axil_awready, s_axil_wvalid, s_axil_wready, s_axil_bvalid,
        s_axil_bready, s_axil_arvalid, s_axil_arready, s_axil_rvalid, s_axil_rready;
  logic [31:0] s_axil_wdata, s_axil_rdata;
  logic [3:0] s_axil_wstrb;
  logic [1:0] s_axil_bresp, s_axil_rresp;

  logic [0:0] m_axi_program_arid, m_axi_program_rid;
  logic [Cfg.AddrBits-1:0] m_axi_program_araddr;
  logic [7:0] m_axi_program_arlen;
  logic [2:0] m_axi_program_arsize, m_axi_program_arprot;
  logic [1:0] m_axi_program_arburst, m_axi_program_rresp;
  logic m_axi_program_arlock, m_axi_program_arvalid, m_axi_program_arready, m_axi_program_rlast,
        m_axi_program_rvalid, m_axi_program_rready;
  logic [3:0] m_axi_program_arcache, m_axi_program_arqos;
  logic [Cfg.AxiBits-1:0] m_axi_program_rdata;

  logic [0:0] m_axi_pixels_arid, m_axi_pixels_rid;
  logic [Cfg.AddrBits-1:0] m_axi_pixels_araddr;
  logic [7:0] m_axi_pixels_arlen;
  logic [2:0] m_axi_pixels_arsize, m_axi_pixels_arprot;
  logic [1:0] m_axi_pixels_arburst, m_axi_pixels_rresp;
  logic m_axi_pixels_arlock, m_axi_pixels_arvalid, m_axi_pixels_arready, m_axi_pixels_rlast,
        m_axi_pixels_rvalid, m_axi_pixels_rready;
  logic [3:0] m_axi_pixels_arcache, m_axi_pixels_arqos;
  logic [Cfg.AxiBits-1:0] m_axi_pixels_rdata;
  logic [0:0] m_axi_residual_arid, m_axi_residual_rid;
  logic [Cfg.AddrBits-1:0] m_axi_residual_araddr;
  logic [7:0] m_axi_residual_arlen;
  logic [2:0] m_axi_residual_arsize, m_axi_residual_arprot;
  logic [1:0] m_axi_residual_arburst, m_axi_residual_rresp;
  logic m_axi_residual_arlock, m_axi_residual_arvalid, m_axi_residual_arready, m_axi_residual_rlast,
        m_axi_residual_rvalid, m_axi_residual_rready;
  logic [3:0] m_axi_residual_arcache, m_axi_residual_arqos;
  logic [Cfg.AxiBits-1:0] m_axi_residual_rdata;

  logic [0:0] m_axi_output_awid, m_axi_output_bid;
  logic [Cfg.AddrBits-1:0] m_axi_output_awaddr;
  logic [7:0] m_axi_output_awlen;
  logic [2:0] m_axi_output_awsize, m_axi_output_awprot;
  logic [1:0] m_axi_output_awburst, m_axi_output_bresp;
  logic m_axi_output_awlock, m_axi_output_awvalid, m_axi_output_awready, m_axi_output_wlast,
        m_axi_output_wvalid, m_axi_output_wready, m_axi_output_bvalid, m_axi_output_bready;
  logic [3:0] m_axi_output_awcache, m_axi_output_awqos;
  logic [Cfg.AxiBits-1:0] m_axi_output_wdata;
  logic [Cfg.AxiBits/8-1:0] m_axi_output_wstrb;

  cw_accelerator #(
    .Cfg(Cfg)
  ) u_accelerator (
    .clk_i, .rst_ni(dut_rst_n), .irq_o(irq),
    .s_axil_awaddr, .s_axil_awprot, .s_axil_awvalid, .s_axil_awready, .s_axil_wdata,
    .s_axil_wstrb, .s_axil_wvalid, .s_axil_wready, .s_axil_bresp, .s_axil_bvalid, .s_axil_bready,
    .s_axil_araddr, .s_axil_arprot, .s_axil_arvalid, .s_axil_arready, .s_axil_rdata,
    .s_axil_rresp, .s_axil_rvalid, .s_axil_rready,
    .m_axi_program_arid, .m_axi_program_araddr, .m_axi_program_arlen, .m_axi_program_arsize,
    .m_axi_program_arburst, .m_axi_program_arlock, .m_axi_program_arcache, .m_axi_program_arprot,
    .m_axi_program_arqos, .m_axi_program_arvalid, .m_axi_program_arready, .m_axi_program_rid,
    .m_axi_program_rdata, .m_axi_program_rresp, .m_axi_program_rlast, .m_axi_program_rvalid,
    .m_axi_program_rready,
    .m_axi_pixels_arid, .m_axi_pixels_araddr, .m_axi_pixels_arlen, .m_axi_pixels_arsize,
    .m_axi_pixels_arburst, .m_axi_pixels_arlock, .m_axi_pixels_arcache, .m_axi_pixels_arprot,
    .m_axi_pixels_arqos, .m_axi_pixels_arvalid, .m_axi_pixels_arready, .m_axi_pixels_rid,
    .m_axi_pixels_rdata, .m_axi_pixels_rresp, .m_axi_pixels_rlast, .m_axi_pixels_rvalid,
    .m_axi_pixels_rready,
    .m_axi_residual_arid, .m_axi_residual_araddr, .m_axi_residual_arlen, .m_axi_residual_arsize,
    .m_axi_residual_arburst, .m_axi_residual_arlock, .m_axi_residual_arcache,
    .m_axi_residual_arprot,
    .m_axi_residual_arqos, .m_axi_residual_arvalid, .m_axi_residual_arready, .m_axi_residual_rid,
    .m_axi_residual_rdata, .m_axi_residual_rresp, .m_axi_residual_rlast, .m_axi_residual_rvalid,
    .m_axi_residual_rready,
    .m_axi_output_awid, .m_axi_output_awaddr, .m_axi_output_awlen, .m_axi_output_awsize,
    .m_axi_output_awburst, .m_axi_output_awlock, .m_axi_output_awcache, .m_axi_output_awprot,
    .m_axi_output_awqos, .m_axi_output_awvalid, .m_axi_output_awready, .m_axi_output_wdata,
    .m_axi_output_wstrb, .m_axi_output_wlast, .m_axi_output_wvalid, .m_axi_output_wready,
    .m_axi_output_bid, .m_axi_output_bresp, .m_axi_output_bvalid, .m_axi_output_bready
  );

  // ---- Firmware ----

  cw_bench_master u_master (
    .clk_i, .rst_ni(rst_n), .random_i(stalls.random), .seed_i(seed), .cycle_i(cycle_q),
    .irq_i(irq), .hang_i(hang), .irq_latency_i(irq_latency), .irq_spread_i(irq_spread),
    .wake_chance_i(event_holds ? 16'd0 : wake_chance),
    .event_i(event_due), .event_taken_o(event_taken), .arm_o(arm),
    .arm_cycles_o(arm_cycles), .done_o(done), .moved_o(axil_moved), .waiting_o(waiting),
    .started_o(started),
    .m_axil_awaddr(s_axil_awaddr), .m_axil_awprot(s_axil_awprot),
    .m_axil_awvalid(s_axil_awvalid), .m_axil_awready(s_axil_awready),
    .m_axil_wdata(s_axil_wdata), .m_axil_wstrb(s_axil_wstrb), .m_axil_wvalid(s_axil_wvalid),
    .m_axil_wready(s_axil_wready), .m_axil_bvalid(s_axil_bvalid), .m_axil_bready(s_axil_bready),
    .m_axil_araddr(s_axil_araddr), .m_axil_arprot(s_axil_arprot),
    .m_axil_arvalid(s_axil_arvalid), .m_axil_arready(s_axil_arready),
    .m_axil_rdata(s_axil_rdata), .m_axil_rvalid(s_axil_rvalid), .m_axil_rready(s_axil_rready)
  );

  cw_axil_checker u_axil_checker (
    .clk_i, .rst_ni(dut_rst_n),
    .awvalid(s_axil_awvalid), .awready(s_axil_awready), .wvalid(s_axil_wvalid),
    .wready(s_axil_wready), .bresp(s_axil_bresp), .bvalid(s_axil_bvalid), .bready(s_axil_bready),
    .arvalid(s_axil_arvalid), .arready(s_axil_arready), .rdata(s_axil_rdata),
    .rresp(s_axil_rresp), .rvalid(s_axil_rvalid), .rready(s_axil_rready)
  );

  // ---- What happens to a run ----

  // The firmware arms each run: 0 cycles, nothing happens in it. Abort and reset happen when the
  // accelerator has been busy for so many cycles of the run and the firmware waits; an error at a
  // burst that lies as far in the run as event_at, in thousandths of the bursts of the run before.
  logic        event_armed_q, event_wakes_q;
  logic [31:0] event_left_q;
  logic        event_now;
  logic [31:0] bursts [4];
  logic [31:0] mark_q [4];  // bursts when this run began
  logic [31:0] bad_q [4];   // the burst that answers an error in this run
  bad_burst_t  bad [4];
  // No firmware wakes into a reset.
  assign event_holds = happens == HappensReset && (event_now || reset_left_q != '0);
  assign event_now = event_armed_q && event_left_q == '0;
  assign event_due = happens == HappensReset ? event_wakes_q : event_now;

  always_ff @(posedge clk_i or negedge rst_n) begin
    if (!rst_n) begin
      event_armed_q <= 1'b0;
      event_wakes_q <= 1'b0;
      event_left_q  <= '0;
      reset_left_q  <= '0;
      for (int i = 0; i < 4; i++) begin
        mark_q[i] <= '0;
        bad_q[i]  <= '0;
      end
    end else begin
      if (running_q && event_left_q != '0) event_left_q <= event_left_q - 32'd1;
      if (event_taken) begin
        event_armed_q <= 1'b0;
        event_wakes_q <= 1'b0;
      end
      // Not in the middle of an access to a register: who resets is not at one.
      if (happens == HappensReset && event_now && waiting && !irq) begin
        event_armed_q <= 1'b0;
        reset_left_q  <= '1;
      end else if (reset_left_q != '0) begin
        reset_left_q  <= reset_left_q - 1'b1;
        event_wakes_q <= reset_left_q == 4'd1;
      end
      if (arm) begin
        event_wakes_q <= 1'b0;
        event_armed_q <= (happens == HappensAbort || happens == HappensReset) && arm_cycles != '0;
        event_left_q  <= arm_cycles;
        for (int i = 0; i < 4; i++) begin
          mark_q[i] <= bursts[i];
          bad_q[i]  <= '0;
          if (happens == HappensAxiError && i == event_port && arm_cycles != '0)
            bad_q[i] <= bursts[i] + 32'd1 + (bursts[i] - mark_q[i]) * event_at / 32'd1000;
        end
      end
    end
  end

  always_comb begin
    for (int i = 0; i < 4; i++) begin
      bad[i] = injected[i];
      if (bad_q[i] != '0) bad[i].burst = bad_q[i];
    end
  end

  // ---- Memory ----

  cw_bench_memory_read #(
    .Port(PortProgram), .AddrBits(Cfg.AddrBits), .DataBits(Cfg.AxiBits)
  ) u_memory_program (
    .clk_i, .rst_ni(dut_rst_n), .stalls_i(port_stalls[PortProgram]), .seed_i(seed),
    .bad_i(bad[PortProgram]), .moved_o(program_moved), .quiet_o(program_quiet),
    .bursts_o(bursts[PortProgram]),
    .s_axi_arid(m_axi_program_arid), .s_axi_araddr(m_axi_program_araddr),
    .s_axi_arlen(m_axi_program_arlen), .s_axi_arvalid(m_axi_program_arvalid),
    .s_axi_arready(m_axi_program_arready), .s_axi_rid(m_axi_program_rid),
    .s_axi_rdata(m_axi_program_rdata), .s_axi_rresp(m_axi_program_rresp),
    .s_axi_rlast(m_axi_program_rlast), .s_axi_rvalid(m_axi_program_rvalid),
    .s_axi_rready(m_axi_program_rready)
  );

  cw_axi_read_checker #(
    .AddrBits(Cfg.AddrBits), .DataBits(Cfg.AxiBits), .MaxBurst(Cfg.MaxBurst)
  ) u_program_checker (
    .clk_i, .rst_ni(dut_rst_n), .window_base_i(program_base), .window_bytes_i(program_bytes),
    .other_base_i(arena_base), .other_bytes_i(arena_bytes),
    .quiet_i(!running_q),
    .arid(m_axi_program_arid), .araddr(m_axi_program_araddr), .arlen(m_axi_program_arlen),
    .arsize(m_axi_program_arsize), .arburst(m_axi_program_arburst),
    .arlock(m_axi_program_arlock), .arcache(m_axi_program_arcache),
    .arprot(m_axi_program_arprot), .arqos(m_axi_program_arqos), .arvalid(m_axi_program_arvalid),
    .arready(m_axi_program_arready)
  );

  cw_bench_memory_read #(
    .Port(PortPixels), .AddrBits(Cfg.AddrBits), .DataBits(Cfg.AxiBits)
  ) u_memory_pixels (
    .clk_i, .rst_ni(dut_rst_n), .stalls_i(port_stalls[PortPixels]), .seed_i(seed),
    .bad_i(bad[PortPixels]), .moved_o(pixels_moved), .quiet_o(pixels_quiet),
    .bursts_o(bursts[PortPixels]),
    .s_axi_arid(m_axi_pixels_arid), .s_axi_araddr(m_axi_pixels_araddr),
    .s_axi_arlen(m_axi_pixels_arlen), .s_axi_arvalid(m_axi_pixels_arvalid),
    .s_axi_arready(m_axi_pixels_arready), .s_axi_rid(m_axi_pixels_rid),
    .s_axi_rdata(m_axi_pixels_rdata), .s_axi_rresp(m_axi_pixels_rresp),
    .s_axi_rlast(m_axi_pixels_rlast), .s_axi_rvalid(m_axi_pixels_rvalid),
    .s_axi_rready(m_axi_pixels_rready)
  );

  cw_axi_read_checker #(
    .AddrBits(Cfg.AddrBits), .DataBits(Cfg.AxiBits), .MaxBurst(Cfg.MaxBurst)
  ) u_pixels_checker (
    .clk_i, .rst_ni(dut_rst_n), .window_base_i(arena_base), .window_bytes_i(arena_bytes),
    .other_base_i(program_base), .other_bytes_i(program_bytes),
    .quiet_i(!running_q),
    .arid(m_axi_pixels_arid), .araddr(m_axi_pixels_araddr), .arlen(m_axi_pixels_arlen),
    .arsize(m_axi_pixels_arsize), .arburst(m_axi_pixels_arburst), .arlock(m_axi_pixels_arlock),
    .arcache(m_axi_pixels_arcache), .arprot(m_axi_pixels_arprot), .arqos(m_axi_pixels_arqos),
    .arvalid(m_axi_pixels_arvalid), .arready(m_axi_pixels_arready)
  );

  cw_bench_memory_read #(
    .Port(PortResidual), .AddrBits(Cfg.AddrBits), .DataBits(Cfg.AxiBits)
  ) u_memory_residual (
    .clk_i, .rst_ni(dut_rst_n), .stalls_i(port_stalls[PortResidual]), .seed_i(seed),
    .bad_i(bad[PortResidual]), .moved_o(residual_moved), .quiet_o(residual_quiet),
    .bursts_o(bursts[PortResidual]),
    .s_axi_arid(m_axi_residual_arid), .s_axi_araddr(m_axi_residual_araddr),
    .s_axi_arlen(m_axi_residual_arlen), .s_axi_arvalid(m_axi_residual_arvalid),
    .s_axi_arready(m_axi_residual_arready), .s_axi_rid(m_axi_residual_rid),
    .s_axi_rdata(m_axi_residual_rdata), .s_axi_rresp(m_axi_residual_rresp),
    .s_axi_rlast(m_axi_residual_rlast), .s_axi_rvalid(m_axi_residual_rvalid),
    .s_axi_rready(m_axi_residual_rready)
  );

  cw_axi_read_checker #(
    .AddrBits(Cfg.AddrBits), .DataBits(Cfg.AxiBits), .MaxBurst(Cfg.MaxBurst)
  ) u_residual_checker (
    .clk_i, .rst_ni(dut_rst_n), .window_base_i(arena_base), .window_bytes_i(arena_bytes),
    .other_base_i('0), .other_bytes_i('0),
    .quiet_i(!running_q),
    .arid(m_axi_residual_arid), .araddr(m_axi_residual_araddr), .arlen(m_axi_residual_arlen),
    .arsize(m_axi_residual_arsize), .arburst(m_axi_residual_arburst),
    .arlock(m_axi_residual_arlock),
    .arcache(m_axi_residual_arcache), .arprot(m_axi_residual_arprot), .arqos(m_axi_residual_arqos),
    .arvalid(m_axi_residual_arvalid), .arready(m_axi_residual_arready)
  );

  cw_bench_memory_write #(
    .Port(PortOutput), .AddrBits(Cfg.AddrBits), .DataBits(Cfg.AxiBits)
  ) u_memory_output (
    .clk_i, .rst_ni(dut_rst_n), .stalls_i(port_stalls[PortOutput]), .seed_i(seed),
    .bad_i(bad[PortOutput]), .moved_o(output_moved), .quiet_o(output_quiet),
    .bursts_o(bursts[PortOutput]),
    .s_axi_awid(m_axi_output_awid), .s_axi_awaddr(m_axi_output_awaddr),
    .s_axi_awlen(m_axi_output_awlen), .s_axi_awvalid(m_axi_output_awvalid),
    .s_axi_awready(m_axi_output_awready), .s_axi_wdata(m_axi_output_wdata),
    .s_axi_wstrb(m_axi_output_wstrb), .s_axi_wvalid(m_axi_output_wvalid),
    .s_axi_wready(m_axi_output_wready), .s_axi_bid(m_axi_output_bid),
    .s_axi_bresp(m_axi_output_bresp), .s_axi_bvalid(m_axi_output_bvalid),
    .s_axi_bready(m_axi_output_bready)
  );

  cw_axi_write_checker #(
    .AddrBits(Cfg.AddrBits), .DataBits(Cfg.AxiBits), .MaxBurst(Cfg.MaxBurst)
  ) u_output_checker (
    .clk_i, .rst_ni(dut_rst_n), .window_base_i(arena_base), .window_bytes_i(arena_bytes),
    .quiet_i(!running_q),
    .awid(m_axi_output_awid), .awaddr(m_axi_output_awaddr), .awlen(m_axi_output_awlen),
    .awsize(m_axi_output_awsize), .awburst(m_axi_output_awburst), .awlock(m_axi_output_awlock),
    .awcache(m_axi_output_awcache), .awprot(m_axi_output_awprot), .awqos(m_axi_output_awqos),
    .awvalid(m_axi_output_awvalid), .awready(m_axi_output_awready), .wdata(m_axi_output_wdata),
    .wstrb(m_axi_output_wstrb), .wlast(m_axi_output_wlast), .wvalid(m_axi_output_wvalid),
    .wready(m_axi_output_wready)
  );

  // The firmware may reuse the arena at once, so nothing may still be on its way.
  logic in_reset;
  assign in_reset = !dut_rst_n;
  NothingOnTheWayAtInterrupt_A : assert property (@(posedge clk_i) disable iff (in_reset)
    irq && running_q |-> program_quiet && pixels_quiet && residual_quiet && output_quiet)
    else $error("interrupt with bursts open: program %0d pixels %0d residual %0d output %0d",
                !program_quiet, !pixels_quiet, !residual_quiet, !output_quiet);

  assign memory_moved = program_moved || pixels_moved || residual_moved || output_moved;

  // ---- End ----

  function automatic void dump_ports();
    $display("HANG cycle=%0d: no handshake for %0d cycles", cycle_q, hang_cycles);
    $display("  registers: aw %b/%b w %b/%b b %b/%b ar %b/%b r %b/%b (valid/ready), irq %b, %s",
             s_axil_awvalid, s_axil_awready, s_axil_wvalid, s_axil_wready, s_axil_bvalid,
             s_axil_bready, s_axil_arvalid, s_axil_arready, s_axil_rvalid, s_axil_rready, irq,
             waiting ? "firmware waits" : "firmware is at an access");
    $display("  program: ar %b/%b r %b/%b, bursts open %b", m_axi_program_arvalid,
             m_axi_program_arready, m_axi_program_rvalid, m_axi_program_rready, !program_quiet);
    $display("  pixels:  ar %b/%b r %b/%b, bursts open %b", m_axi_pixels_arvalid,
             m_axi_pixels_arready, m_axi_pixels_rvalid, m_axi_pixels_rready, !pixels_quiet);
    $display("  residual: ar %b/%b r %b/%b, bursts open %b", m_axi_residual_arvalid,
             m_axi_residual_arready, m_axi_residual_rvalid, m_axi_residual_rready,
             !residual_quiet);
    $display("  output:  aw %b/%b w %b/%b b %b/%b, bursts open %b", m_axi_output_awvalid,
             m_axi_output_awready, m_axi_output_wvalid, m_axi_output_wready, m_axi_output_bvalid,
             m_axi_output_bready, !output_quiet);
  endfunction

  always_ff @(posedge clk_i or negedge rst_n) begin
    if (!rst_n) begin
      ended_q <= 1'b0;
    end else begin
      if (hang && !ended_q) dump_ports();
      // A hang in a wait goes to the firmware, which reads the registers; else it is the end.
      if (!ended_q && (done || (hang && !waiting))) begin
        ended_q <= 1'b1;
        if (cw_bench_finish(cycle_q, hang && !done) != 0) $fatal(1, "the bench failed");
        else $finish;
      end
    end
  end

endmodule
