// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Models of cells against references at random, in the modes that netlists here have. Fails with
/// the first difference; what a read of words that are being written returns is not compared.
module tb_cells;

  localparam int unsigned Cycles = 4000;

  logic clk = 1'b0;
  always #5 clk = !clk;

  // Of block RAMs: compared bits that were known.
  int unsigned compared[10];

  cw_ram_check #(.ReadB(9), .WriteA(9)) u_two_ports (.clk_i(clk), .compared_o(compared[0]));
  cw_ram_check #(.ReadA(18), .WriteA(18), .WriteMode("NO_CHANGE"))
      u_one_port (.clk_i(clk), .compared_o(compared[1]));
  cw_ram_check #(.ReadA(4), .ReadB(18), .WriteB(1), .WriteMode("WRITE_FIRST"))
      u_narrow (.clk_i(clk), .compared_o(compared[2]));
  cw_ram_check #(.RamMode("SDP"), .ReadA(36), .WriteB(36))
      u_simple (.clk_i(clk), .compared_o(compared[3]));
  cw_ram_check #(.RamMode("SDP"), .ReadA(9), .WriteB(36), .WriteMode("WRITE_FIRST"))
      u_mixed (.clk_i(clk), .compared_o(compared[4]));
  cw_ram_check #(.Large(1), .RamMode("SDP"), .ReadA(72), .WriteB(72))
      u_large (.clk_i(clk), .compared_o(compared[5]));
  cw_ram_check #(.Large(1), .RamMode("SDP"), .ReadA(72), .WriteB(18))
      u_large_mixed (.clk_i(clk), .compared_o(compared[6]));
  cw_ram_check #(.Large(1), .ReadA(36), .ReadB(2), .WriteA(36))
      u_large_two (.clk_i(clk), .compared_o(compared[7]));
  cw_ram_check #(.Large(1), .ReadA(18), .WriteA(18), .WriteMode("WRITE_FIRST"))
      u_large_one (.clk_i(clk), .compared_o(compared[8]));

  // As the performance counters are mapped.
  cw_ram_check #(.Large(1), .ReadB(18), .WriteA(18))
      u_counters (.clk_i(clk), .compared_o(compared[9]));

  cw_dsp_check #(.Registers(0)) u_unit (.clk_i(clk));
  cw_dsp_check #(.Registers(1)) u_registered (.clk_i(clk));

  cw_logic_check #(.Init(64'h0123_4567_89ab_cdef)) u_logic (.clk_i(clk));
  cw_logic_check #(.Init(64'hd6a5_93f0_1b2e_7c48)) u_other_logic (.clk_i(clk));

  initial begin
    repeat (Cycles) @(posedge clk);
    foreach (compared[i]) begin
      if (compared[i] < Cycles / 4) $fatal(1, "RAM %0d: only %0d bits were known", i, compared[i]);
    end
    $display("cells are as their references");
    $finish;
  end

endmodule
