// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Carries the firmware's register accesses to AXI4-Lite and lets it wait for the interrupt.
///
/// Steps the firmware (a DPI call) when its access is done, its interrupt is there, its time is
/// over, event_i says that something has happened to it, or hang_i says that nothing moves; a
/// waiting firmware costs no call. The interrupt may reach it late, and it may wake without one.
/// With random stalls address and data of a write come in any order and answers are taken late.
/// done_o rises when the firmware has ended; moved_o shows a handshake; waiting_o a wait.
module cw_bench_master
  import cw_bench_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        random_i,
  input  logic [63:0] seed_i,
  input  longint      cycle_i,
  input  logic        irq_i,
  input  logic        hang_i,
  input  logic [15:0] irq_latency_i,  // cycles from irq_i to the firmware
  input  logic [15:0] irq_spread_i,   // mask of what is added to them at random
  input  logic [15:0] wake_chance_i,  // out of 65536 a cycle, that a wait ends without a reason
  input  logic        event_i,        // held until event_taken_o
  output logic        event_taken_o,
  output logic        arm_o,          // pulse: cw_sim_arm
  output logic [31:0] arm_cycles_o,
  output logic        done_o,
  output logic        moved_o,
  output logic        waiting_o,
  output logic        started_o,  // pulse: a write to CTRL with its start bit is accepted

  output logic [11:0] m_axil_awaddr,
  output logic [2:0]  m_axil_awprot,
  output logic        m_axil_awvalid,
  input  logic        m_axil_awready,
  output logic [31:0] m_axil_wdata,
  output logic [3:0]  m_axil_wstrb,
  output logic        m_axil_wvalid,
  input  logic        m_axil_wready,
  input  logic        m_axil_bvalid,
  output logic        m_axil_bready,
  output logic [11:0] m_axil_araddr,
  output logic [2:0]  m_axil_arprot,
  output logic        m_axil_arvalid,
  input  logic        m_axil_arready,
  input  logic [31:0] m_axil_rdata,
  input  logic        m_axil_rvalid,
  output logic        m_axil_rready
);

  localparam logic [11:0] CtrlOffset = 12'h010;

  typedef enum logic [2:0] {StStep, StWrite, StRead, StWait, StDone} state_e;

  state_e      state_q;
  int          event_q;
  logic [31:0] data_q;
  logic [31:0] timeout_q;
  logic        aw_left_q, w_left_q, ar_left_q;  // still to be sent
  logic [63:0] random_q;
  logic [15:0] late_q;  // cycles until the interrupt is heard
  logic        go_a, go_b, heard;

  assign m_axil_awprot = 3'b000;
  assign m_axil_arprot = 3'b000;
  assign m_axil_wstrb  = 4'b1111;
  assign go_a = !random_i || random_q[0];
  assign go_b = !random_i || random_q[17];
  assign heard = irq_i && late_q == '0;
  assign event_taken_o = state_q == StWait && event_i;
  assign done_o = state_q == StDone;
  assign waiting_o = state_q == StWait;
  assign moved_o = (m_axil_awvalid && m_axil_awready) || (m_axil_wvalid && m_axil_wready) ||
                   (m_axil_bvalid && m_axil_bready) || (m_axil_arvalid && m_axil_arready) ||
                   (m_axil_rvalid && m_axil_rready);
  assign started_o = state_q == StWrite && m_axil_awaddr == CtrlOffset && m_axil_wdata[0] &&
                     m_axil_wvalid && m_axil_wready;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q        <= StStep;
      event_q        <= EventStart;
      data_q         <= '0;
      timeout_q      <= '0;
      aw_left_q      <= 1'b0;
      w_left_q       <= 1'b0;
      ar_left_q      <= 1'b0;
      random_q       <= random_start(seed_i, 7);
      late_q         <= '0;
      arm_o          <= 1'b0;
      arm_cycles_o   <= '0;
      m_axil_awaddr  <= '0;
      m_axil_awvalid <= 1'b0;
      m_axil_wdata   <= '0;
      m_axil_wvalid  <= 1'b0;
      m_axil_bready  <= 1'b0;
      m_axil_araddr  <= '0;
      m_axil_arvalid <= 1'b0;
      m_axil_rready  <= 1'b0;
    end else begin
      if (random_i || irq_spread_i != '0 || wake_chance_i != '0) random_q <= next_random(random_q);
      arm_o <= 1'b0;

      if (m_axil_awready) m_axil_awvalid <= 1'b0;
      if (m_axil_wready)  m_axil_wvalid  <= 1'b0;
      if (m_axil_arready) m_axil_arvalid <= 1'b0;

      case (state_q)
        StStep: begin
          automatic int request;
          automatic int address;
          automatic int value;
          cw_bench_step(event_q, int'(data_q), cycle_i, request, address, value);
          if (address[31:12] != '0) $fatal(1, "register offset %h is beyond 4 KiB", address);
          case (request)
            RequestWrite: begin
              state_q       <= StWrite;
              m_axil_awaddr <= 12'(address);
              m_axil_wdata  <= value;
              aw_left_q     <= 1'b1;
              w_left_q      <= 1'b1;
            end
            RequestRead: begin
              state_q       <= StRead;
              m_axil_araddr <= 12'(address);
              ar_left_q     <= 1'b1;
            end
            RequestWaitInterrupt: begin
              state_q   <= StWait;
              timeout_q <= value;
              late_q    <= irq_latency_i + (random_q[63:48] & irq_spread_i);
            end
            RequestArm: begin
              event_q      <= EventCompleted;
              arm_o        <= 1'b1;
              arm_cycles_o <= value;
            end
            RequestFinished: state_q <= StDone;
            default: $fatal(1, "request %0d of the firmware", request);
          endcase
        end
        StWrite: begin
          if (aw_left_q && go_a) begin
            m_axil_awvalid <= 1'b1;
            aw_left_q      <= 1'b0;
          end
          if (w_left_q && go_b) begin
            m_axil_wvalid <= 1'b1;
            w_left_q      <= 1'b0;
          end
          m_axil_bready <= go_a;
          if (m_axil_bvalid && m_axil_bready) begin
            m_axil_bready <= 1'b0;
            state_q       <= StStep;
            event_q       <= EventCompleted;
          end
        end
        StRead: begin
          if (ar_left_q && go_a) begin
            m_axil_arvalid <= 1'b1;
            ar_left_q      <= 1'b0;
          end
          m_axil_rready <= go_b;
          if (m_axil_rvalid && m_axil_rready) begin
            m_axil_rready <= 1'b0;
            data_q        <= m_axil_rdata;
            state_q       <= StStep;
            event_q       <= EventCompleted;
          end
        end
        StWait: begin
          timeout_q <= timeout_q - 32'd1;
          if (irq_i && late_q != '0) late_q <= late_q - 16'd1;
          if (event_i) begin
            state_q <= StStep;
            event_q <= EventEvent;
          end else if (heard || hang_i || timeout_q == '0 || random_q[47:32] < wake_chance_i) begin
            state_q <= StStep;
            event_q <= heard ? EventInterrupt : hang_i ? EventHang :
                       timeout_q == '0 ? EventTimeout : EventInterrupt;
          end
        end
        default: ;
      endcase
    end
  end

endmodule
