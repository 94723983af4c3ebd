// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Lookup tables of all sizes, and a carry chain, against Yosys' own models, which the test calls
/// yosys_LUT1 and so on.
module cw_logic_check #(
    parameter logic [63:0] Init = 64'h0
) (
    input logic clk_i
);

  logic [5:0] i_q;
  logic [3:0] di_q, s_q, co, co_yosys, o, o_yosys;
  logic ci_q, cyinit_q;
  logic [6:1] out, out_yosys;

  LUT1 #(Init[1:0]) u_lut1 (.O(out[1]), .I0(i_q[0]));
  LUT2 #(Init[3:0]) u_lut2 (.O(out[2]), .I0(i_q[0]), .I1(i_q[1]));
  LUT3 #(Init[7:0]) u_lut3 (.O(out[3]), .I0(i_q[0]), .I1(i_q[1]), .I2(i_q[2]));
  LUT4 #(Init[15:0])
      u_lut4 (.O(out[4]), .I0(i_q[0]), .I1(i_q[1]), .I2(i_q[2]), .I3(i_q[3]));
  LUT5 #(Init[31:0])
      u_lut5 (.O(out[5]), .I0(i_q[0]), .I1(i_q[1]), .I2(i_q[2]), .I3(i_q[3]), .I4(i_q[4]));
  LUT6 #(Init) u_lut6 (
      .O(out[6]), .I0(i_q[0]), .I1(i_q[1]), .I2(i_q[2]), .I3(i_q[3]), .I4(i_q[4]), .I5(i_q[5])
  );
  CARRY4 u_carry (.CO(co), .O(o), .CI(ci_q), .CYINIT(cyinit_q), .DI(di_q), .S(s_q));

  yosys_LUT1 #(Init[1:0]) u_yosys1 (.O(out_yosys[1]), .I0(i_q[0]));
  yosys_LUT2 #(Init[3:0]) u_yosys2 (.O(out_yosys[2]), .I0(i_q[0]), .I1(i_q[1]));
  yosys_LUT3 #(Init[7:0]) u_yosys3 (.O(out_yosys[3]), .I0(i_q[0]), .I1(i_q[1]), .I2(i_q[2]));
  yosys_LUT4 #(Init[15:0])
      u_yosys4 (.O(out_yosys[4]), .I0(i_q[0]), .I1(i_q[1]), .I2(i_q[2]), .I3(i_q[3]));
  yosys_LUT5 #(Init[31:0]) u_yosys5 (
      .O(out_yosys[5]), .I0(i_q[0]), .I1(i_q[1]), .I2(i_q[2]), .I3(i_q[3]), .I4(i_q[4])
  );
  yosys_LUT6 #(Init) u_yosys6 (
      .O(out_yosys[6]), .I0(i_q[0]), .I1(i_q[1]), .I2(i_q[2]), .I3(i_q[3]), .I4(i_q[4]),
      .I5(i_q[5])
  );
  yosys_CARRY4 u_yosys_carry (
      .CO(co_yosys), .O(o_yosys), .CI(ci_q), .CYINIT(cyinit_q), .DI(di_q), .S(s_q)
  );

  always_ff @(posedge clk_i) begin
    {i_q, di_q, s_q, ci_q, cyinit_q} <= 16'($urandom);
    if (out != out_yosys) $fatal(1, "%m: LUT1 to LUT6 %b expected, %b got", out_yosys, out);
    if ({co, o} != {co_yosys, o_yosys}) $fatal(1, "%m: CARRY4 %b_%b expected, %b_%b got",
                                               co_yosys, o_yosys, co, o);
  end

endmodule
