// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// A block RAM, and a reference that addresses single bits.
module cw_ram_check #(
    parameter bit          Large     = 1'b0,
    parameter string       RamMode   = "TDP",
    parameter string       WriteMode = "READ_FIRST",
    parameter int unsigned ReadA     = 0,
    parameter int unsigned ReadB     = 0,
    parameter int unsigned WriteA    = 0,
    parameter int unsigned WriteB    = 0
) (
    input  logic        clk_i,
    output int unsigned compared_o
);

  localparam int unsigned AddrBits = Large ? 15 : 14;
  localparam int unsigned NumBits = 1 << AddrBits;
  localparam int unsigned PortBits = Large ? 32 : 16;
  localparam int unsigned Write = WriteA + WriteB;
  localparam int unsigned Writer = WriteB != 0 ? 1 : 0;
  localparam bit WideWrite = RamMode == "SDP" && Write == (Large ? 72 : 36);
  localparam bit WideRead = RamMode == "SDP" && ReadA == (Large ? 72 : 36);
  localparam logic [255:0] FirstData = 256'h0123456789abcdef << 128 | 256'hfedcba98_76543210;
  localparam logic [255:0] FirstParity = 256'h5a17;
  localparam logic [35:0] Reset[2] = '{36'h9_1234_5678, 36'h6_89ab_cdef};

  // ---- What both are told ----

  logic [1:0] en_q, rst_q;
  logic [1:0][AddrBits-1:0] addr_q;
  logic [7:0] we_q, parity_q;
  logic [63:0] data_q;

  always_ff @(posedge clk_i) begin
    en_q <= 2'($urandom) | 2'($urandom);
    rst_q <= 2'($urandom) & 2'($urandom) & 2'($urandom);
    // Few addresses, so that words are read again and meet.
    for (int p = 0; p < 2; p++) addr_q[p] <= AddrBits'($urandom) & AddrBits'('h21ff);
    we_q <= 8'($urandom) & 8'($urandom);
    parity_q <= 8'($urandom);
    data_q <= {$urandom, $urandom};
  end

  // ---- The cell ----

  logic [PortBits-1:0] out_a, out_b;
  logic [PortBits/8-1:0] parity_a, parity_b;
  logic [PortBits-1:0] in_a, in_b;
  logic [PortBits/8-1:0] in_parity_a, in_parity_b;
  assign {in_a, in_parity_a} = {data_q[PortBits-1:0], parity_q[PortBits/8-1:0]};
  assign in_b = WideWrite ? data_q[2*PortBits-1:PortBits] : in_a;
  assign in_parity_b = WideWrite ? parity_q[PortBits/4-1:PortBits/8] : in_parity_a;

  if (Large) begin : gen_large
    RAMB36E1 #(
        .RAM_MODE(RamMode), .WRITE_MODE_A(WriteMode), .WRITE_MODE_B(WriteMode),
        .READ_WIDTH_A(ReadA), .READ_WIDTH_B(ReadB), .WRITE_WIDTH_A(WriteA), .WRITE_WIDTH_B(WriteB),
        .INIT_00(FirstData), .INITP_00(FirstParity), .SRVAL_A(72'(Reset[0])),
        .SRVAL_B(72'(Reset[1]))
    ) u_cell (
        .CLKARDCLK(clk_i), .CLKBWRCLK(clk_i), .ENARDEN(en_q[0]), .ENBWREN(en_q[1]),
        .REGCEAREGCE(1'b0), .REGCEB(1'b0), .RSTRAMARSTRAM(rst_q[0]), .RSTRAMB(rst_q[1]),
        .RSTREGARSTREG(1'b0), .RSTREGB(1'b0), .ADDRARDADDR({1'b1, addr_q[0]}),
        .ADDRBWRADDR({1'b1, addr_q[1]}), .DIADI(in_a), .DIBDI(in_b), .DIPADIP(in_parity_a),
        .DIPBDIP(in_parity_b), .WEA(we_q[3:0]), .WEBWE(we_q), .DOADO(out_a), .DOBDO(out_b),
        .DOPADOP(parity_a), .DOPBDOP(parity_b), .CASCADEINA(1'b0), .CASCADEINB(1'b0),
        .INJECTDBITERR(1'b0), .INJECTSBITERR(1'b0), .CASCADEOUTA(), .CASCADEOUTB(), .ECCPARITY(),
        .RDADDRECC(), .SBITERR(), .DBITERR()
    );
  end else begin : gen_small
    RAMB18E1 #(
        .RAM_MODE(RamMode), .WRITE_MODE_A(WriteMode), .WRITE_MODE_B(WriteMode),
        .READ_WIDTH_A(ReadA), .READ_WIDTH_B(ReadB), .WRITE_WIDTH_A(WriteA), .WRITE_WIDTH_B(WriteB),
        .INIT_00(FirstData), .INITP_00(FirstParity), .SRVAL_A(72'(Reset[0])),
        .SRVAL_B(72'(Reset[1]))
    ) u_cell (
        .CLKARDCLK(clk_i), .CLKBWRCLK(clk_i), .ENARDEN(en_q[0]), .ENBWREN(en_q[1]),
        .REGCEAREGCE(1'b0), .REGCEB(1'b0), .RSTRAMARSTRAM(rst_q[0]), .RSTRAMB(rst_q[1]),
        .RSTREGARSTREG(1'b0), .RSTREGB(1'b0), .ADDRARDADDR(addr_q[0]), .ADDRBWRADDR(addr_q[1]),
        .DIADI(in_a), .DIBDI(in_b), .DIPADIP(in_parity_a), .DIPBDIP(in_parity_b), .WEA(we_q[1:0]),
        .WEBWE(we_q[3:0]), .DOADO(out_a), .DOBDO(out_b), .DOPADOP(parity_a), .DOPBDOP(parity_b)
    );
  end

  // ---- The reference: what is known of each bit, and its value ----

  // Bit 8 of 9 is a parity, which is kept behind all data.
  typedef logic [NumBits+NumBits/8-1:0] bits_t;
  bits_t value_q, known_q;

  initial begin
    for (int unsigned i = 0; i < $bits(bits_t); i++) known_q[i] = 1'b0;
    value_q[255:0] = FirstData;
    value_q[NumBits+:256] = FirstParity;
    known_q[255:0] = '1;
    known_q[NumBits+:256] = '1;
  end

  // Where bit i of a word stands; bits of data first, then those of parity.
  function automatic int unsigned position(int unsigned addr, int unsigned width, int unsigned i);
    automatic int unsigned data = width < 9 ? width : width / 9 * 8;
    automatic int unsigned first = addr / data * data;
    return i < data ? first + i : NumBits + first / 8 + i - data;
  endfunction

  function automatic logic input_bit(int unsigned i);
    automatic int unsigned data = Write < 9 ? Write : Write / 9 * 8;
    return i < data ? data_q[i] : parity_q[3'(i-data)];
  endfunction

  function automatic logic writes_bit(int unsigned i);
    automatic int unsigned data = Write < 9 ? Write : Write / 9 * 8;
    return en_q[Writer] && we_q[3'(i<data ? i/8 : i-data)];
  endfunction

  function automatic logic writes_any();
    for (int unsigned i = 0; i < Write; i++) if (writes_bit(i)) return 1'b1;
    return 1'b0;
  endfunction

  // Bits by number, data first, with what was known of them when they were read.
  function automatic logic [1:0] bit_read(int unsigned port, int unsigned width, int unsigned i);
    automatic int unsigned at = position(32'(addr_q[port]), width, i);
    if (WriteMode != "READ_FIRST") begin
      for (int unsigned w = 0; w < Write; w++) begin
        if (writes_bit(w) && position(32'(addr_q[Writer]), Write, w) == at)
          return {port == Writer, input_bit(w)};
      end
    end
    return {known_q[at], value_q[at]};
  endfunction

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < Write; i++) begin
      if (writes_bit(i)) begin
        value_q[position(32'(addr_q[Writer]), Write, i)] <= input_bit(i);
        known_q[position(32'(addr_q[Writer]), Write, i)] <= 1'b1;
      end
    end
  end

  int unsigned counts[2];
  assign compared_o = counts[0] + counts[1];

  for (genvar p = 0; p < 2; p++) begin : gen_port
    localparam int unsigned Width = p == 0 ? ReadA : ReadB;
    localparam int unsigned Data = Width < 9 ? Width : Width / 9 * 8;
    if (Width == 0) begin : gen_unread
      assign counts[p] = 0;
    end else begin : gen_read
      logic [71:0] expected_q, certain_q, got;
      logic [63:0] got_data;
      logic [7:0] got_parity;
      int unsigned count_q = 0;
      assign counts[p] = count_q;

      always_comb begin
        got_data = p == 0 ? 64'(out_a) : 64'(out_b);
        got_parity = p == 0 ? 8'(parity_a) : 8'(parity_b);
        if (WideRead) {got_parity, got_data} = {8'({parity_b, parity_a}), 64'({out_b, out_a})};
        got = 72'(got_data) & ((72'd1 << Data) - 72'd1) | 72'(got_parity) << Data;
        got &= (72'd1 << Width) - 72'd1;
      end

      function automatic logic [71:0] reset_word();
        if (WideRead)
          return Large ? {Reset[1][35:32], Reset[0][35:32], Reset[1][31:0], Reset[0][31:0]} :
              72'({Reset[1][17:16], Reset[0][17:16], Reset[1][15:0], Reset[0][15:0]});
        return 72'(Reset[p]);
      endfunction

      initial certain_q = '0;
      always_ff @(posedge clk_i) begin
        if (((got ^ expected_q) & certain_q) != '0)
          $fatal(1, "%m: %h expected, %h got, %h certain", expected_q, got, certain_q);
        count_q <= count_q + $countones(certain_q);
        if (en_q[p]) begin
          if (rst_q[p]) begin
            expected_q <= reset_word();
            certain_q <= (72'd1 << Width) - 72'd1;
          end else if (p != Writer || WriteMode != "NO_CHANGE" || !writes_any()) begin
            for (int unsigned i = 0; i < Width; i++)
              {certain_q[i], expected_q[i]} <= bit_read(p, Width, i);
          end
        end
      end
    end
  end

endmodule
