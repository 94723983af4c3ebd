// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// A DSP48E1 that sums products: a sum begins with one of them, with C, or with nothing. Without
/// Registers of its operands as a unit of the array is mapped, with them as a product alone may be.
module cw_dsp_check #(
    parameter int Registers = 0
) (
    input logic clk_i
);

  logic signed [29:0] a_q, a_at_q;
  logic signed [17:0] b_q, b_at_q;
  logic signed [47:0] c_q, c_at_q, m_at_q, p_at_q, p;
  logic [2:0] ce_q;  // of operands, product, sum
  logic [2:0] rst_q;
  logic begin_q, c_begin_q, subtract_q;
  logic primed_q = 1'b0;

  always_ff @(posedge clk_i) begin
    a_q <= 30'($signed(25'($urandom)));
    b_q <= 18'($urandom);
    c_q <= {16'($urandom), $urandom};
    ce_q <= 3'($urandom) | 3'($urandom);
    rst_q <= primed_q ? 3'($urandom) & 3'($urandom) & 3'($urandom) & 3'($urandom) : '1;
    primed_q <= 1'b1;
    begin_q <= 2'($urandom) == '0;
    c_begin_q <= 2'($urandom) == '0;
    subtract_q <= 2'($urandom) == '0;
  end

  // Z is P, C or nothing; X and Y are the product.
  logic [6:0] opmode;
  assign opmode = {begin_q ? 3'b000 : c_begin_q ? 3'b011 : 3'b010, 4'b0101};

  DSP48E1 #(
      .AREG(Registers), .BREG(Registers), .CREG(Registers), .DREG(0), .ADREG(0), .MREG(1), .PREG(1),
      .ACASCREG(Registers), .BCASCREG(Registers), .INMODEREG(0), .OPMODEREG(0), .ALUMODEREG(0),
      .CARRYINREG(0), .CARRYINSELREG(0), .USE_DPORT("FALSE")
  ) u_cell (
      .A(a_q), .B(b_q), .C(c_q), .D('0), .OPMODE(opmode), .ALUMODE({2'b00, {2{subtract_q}}}),
      .INMODE('0), .CARRYIN(1'b0), .CARRYINSEL('0), .ACIN('0), .BCIN('0), .PCIN('0),
      .CARRYCASCIN(1'b0), .MULTSIGNIN(1'b0), .CEA1(1'b0), .CEA2(ce_q[0]), .CEAD(1'b0),
      .CEALUMODE(1'b0), .CEB1(1'b0), .CEB2(ce_q[0]), .CEC(ce_q[0]), .CECARRYIN(1'b0),
      .CECTRL(1'b0), .CED(1'b0), .CEINMODE(1'b0), .CEM(ce_q[1]), .CEP(ce_q[2]), .CLK(clk_i),
      .RSTA(rst_q[0]), .RSTALLCARRYIN(1'b0), .RSTALUMODE(1'b0), .RSTB(rst_q[0]), .RSTC(rst_q[0]),
      .RSTCTRL(1'b0), .RSTD(1'b0), .RSTINMODE(1'b0), .RSTM(rst_q[1]), .RSTP(rst_q[2]), .P(p),
      .ACOUT(), .BCOUT(), .CARRYCASCOUT(), .CARRYOUT(), .MULTSIGNOUT(), .OVERFLOW(),
      .PATTERNBDETECT(), .PATTERNDETECT(), .PCOUT(), .UNDERFLOW()
  );

  // Operands behind their registers, if they have any.
  logic signed [29:0] a;
  logic signed [17:0] b;
  logic signed [47:0] c;
  assign {a, b, c} = Registers == 0 ? {a_q, b_q, c_q} : {a_at_q, b_at_q, c_at_q};

  logic signed [47:0] z;
  assign z = begin_q ? '0 : c_begin_q ? c : p_at_q;

  always_ff @(posedge clk_i) begin
    if (primed_q && p != p_at_q) $fatal(1, "%m: %h expected, %h got", p_at_q, p);
    if (rst_q[0]) {a_at_q, b_at_q, c_at_q} <= '0;
    else if (ce_q[0]) {a_at_q, b_at_q, c_at_q} <= {a_q, b_q, c_q};
    if (rst_q[1]) m_at_q <= '0;
    else if (ce_q[1]) m_at_q <= 48'($signed(a[24:0])) * 48'(b);
    if (rst_q[2]) p_at_q <= '0;
    else if (ce_q[2]) p_at_q <= subtract_q ? z - m_at_q : z + m_at_q;
  end

  initial {a_at_q, b_at_q, c_at_q, m_at_q, p_at_q} = '0;

endmodule
