// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Model of series 7's block RAM of 18 kbit (AMD UG473, UG953) in the modes that Yosys
/// maps our memories to: one port writes, either or both read, in RAM_MODE "SDP" also words of 36
/// bits; one clock for both.
/// A mode that is not modelled ends elaboration. Names are the vendor's. See cw_block_ram.
module RAMB18E1 #(
    parameter int            READ_WIDTH_A              = 0,
    parameter int            READ_WIDTH_B              = 0,
    parameter int            WRITE_WIDTH_A             = 0,
    parameter int            WRITE_WIDTH_B             = 0,
    parameter string         RAM_MODE                  = "TDP",
    parameter string         WRITE_MODE_A              = "WRITE_FIRST",
    parameter string         WRITE_MODE_B              = "WRITE_FIRST",
    parameter int            DOA_REG                   = 0,
    parameter int            DOB_REG                   = 0,
    parameter logic [71:0]   INIT_A                    = 'x,
    parameter logic [71:0]   INIT_B                    = 'x,
    parameter logic [71:0]   SRVAL_A                   = '0,
    parameter logic [71:0]   SRVAL_B                   = '0,
    parameter logic          IS_CLKARDCLK_INVERTED     = 1'b0,
    parameter logic          IS_CLKBWRCLK_INVERTED     = 1'b0,
    parameter logic          IS_ENARDEN_INVERTED       = 1'b0,
    parameter logic          IS_ENBWREN_INVERTED       = 1'b0,
    parameter logic          IS_RSTRAMARSTRAM_INVERTED = 1'b0,
    parameter logic          IS_RSTRAMB_INVERTED       = 1'b0,
    parameter logic [255:0] INIT_00 = 'x, parameter logic [255:0] INIT_01 = 'x,
    parameter logic [255:0] INIT_02 = 'x, parameter logic [255:0] INIT_03 = 'x,
    parameter logic [255:0] INIT_04 = 'x, parameter logic [255:0] INIT_05 = 'x,
    parameter logic [255:0] INIT_06 = 'x, parameter logic [255:0] INIT_07 = 'x,
    parameter logic [255:0] INIT_08 = 'x, parameter logic [255:0] INIT_09 = 'x,
    parameter logic [255:0] INIT_0A = 'x, parameter logic [255:0] INIT_0B = 'x,
    parameter logic [255:0] INIT_0C = 'x, parameter logic [255:0] INIT_0D = 'x,
    parameter logic [255:0] INIT_0E = 'x, parameter logic [255:0] INIT_0F = 'x,
    parameter logic [255:0] INIT_10 = 'x, parameter logic [255:0] INIT_11 = 'x,
    parameter logic [255:0] INIT_12 = 'x, parameter logic [255:0] INIT_13 = 'x,
    parameter logic [255:0] INIT_14 = 'x, parameter logic [255:0] INIT_15 = 'x,
    parameter logic [255:0] INIT_16 = 'x, parameter logic [255:0] INIT_17 = 'x,
    parameter logic [255:0] INIT_18 = 'x, parameter logic [255:0] INIT_19 = 'x,
    parameter logic [255:0] INIT_1A = 'x, parameter logic [255:0] INIT_1B = 'x,
    parameter logic [255:0] INIT_1C = 'x, parameter logic [255:0] INIT_1D = 'x,
    parameter logic [255:0] INIT_1E = 'x, parameter logic [255:0] INIT_1F = 'x,
    parameter logic [255:0] INIT_20 = 'x, parameter logic [255:0] INIT_21 = 'x,
    parameter logic [255:0] INIT_22 = 'x, parameter logic [255:0] INIT_23 = 'x,
    parameter logic [255:0] INIT_24 = 'x, parameter logic [255:0] INIT_25 = 'x,
    parameter logic [255:0] INIT_26 = 'x, parameter logic [255:0] INIT_27 = 'x,
    parameter logic [255:0] INIT_28 = 'x, parameter logic [255:0] INIT_29 = 'x,
    parameter logic [255:0] INIT_2A = 'x, parameter logic [255:0] INIT_2B = 'x,
    parameter logic [255:0] INIT_2C = 'x, parameter logic [255:0] INIT_2D = 'x,
    parameter logic [255:0] INIT_2E = 'x, parameter logic [255:0] INIT_2F = 'x,
    parameter logic [255:0] INIT_30 = 'x, parameter logic [255:0] INIT_31 = 'x,
    parameter logic [255:0] INIT_32 = 'x, parameter logic [255:0] INIT_33 = 'x,
    parameter logic [255:0] INIT_34 = 'x, parameter logic [255:0] INIT_35 = 'x,
    parameter logic [255:0] INIT_36 = 'x, parameter logic [255:0] INIT_37 = 'x,
    parameter logic [255:0] INIT_38 = 'x, parameter logic [255:0] INIT_39 = 'x,
    parameter logic [255:0] INIT_3A = 'x, parameter logic [255:0] INIT_3B = 'x,
    parameter logic [255:0] INIT_3C = 'x, parameter logic [255:0] INIT_3D = 'x,
    parameter logic [255:0] INIT_3E = 'x, parameter logic [255:0] INIT_3F = 'x,
    parameter logic [255:0] INITP_00 = 'x, parameter logic [255:0] INITP_01 = 'x,
    parameter logic [255:0] INITP_02 = 'x, parameter logic [255:0] INITP_03 = 'x,
    parameter logic [255:0] INITP_04 = 'x, parameter logic [255:0] INITP_05 = 'x,
    parameter logic [255:0] INITP_06 = 'x, parameter logic [255:0] INITP_07 = 'x
) (
    input  logic        CLKARDCLK,
    input  logic        CLKBWRCLK,
    input  logic        ENARDEN,
    input  logic        ENBWREN,
    input  logic        REGCEAREGCE,
    input  logic        REGCEB,
    input  logic        RSTRAMARSTRAM,
    input  logic        RSTRAMB,
    input  logic        RSTREGARSTREG,
    input  logic        RSTREGB,
    input  logic [13:0] ADDRARDADDR,
    input  logic [13:0] ADDRBWRADDR,
    input  logic [15:0] DIADI,
    input  logic [15:0] DIBDI,
    input  logic [ 1:0] DIPADIP,
    input  logic [ 1:0] DIPBDIP,
    input  logic [ 1:0] WEA,
    input  logic [ 3:0] WEBWE,
    output logic [15:0] DOADO,
    output logic [15:0] DOBDO,
    output logic [ 1:0] DOPADOP,
    output logic [ 1:0] DOPBDOP
);

  localparam logic [16383:0] Data = {
    INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
    INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
    INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
    INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
    INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
    INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
    INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
    INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
  };
  localparam logic [2047:0] Parity = {
    INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
  };
  localparam int unsigned Writer = WRITE_WIDTH_B != 0 ? 1 : 0;
  localparam int WriteWidth = Writer == 1 ? WRITE_WIDTH_B : WRITE_WIDTH_A;
  localparam int Wide = RAM_MODE == "SDP" ? 36 : 0;

  function automatic logic legal(int width);
    return width inside {0, 1, 2, 4, 9, 18} || (width == Wide && Wide != 0);
  endfunction

  if (RAM_MODE != "TDP" && RAM_MODE != "SDP") begin : gen_no_mode
    $error("RAMB18E1: RAM_MODE is TDP or SDP");
  end
  if (WRITE_WIDTH_A != 0 && (WRITE_WIDTH_B != 0 || RAM_MODE == "SDP")) begin : gen_no_writer
    $error("RAMB18E1: two write ports, or port A's of a simple dual port, are not modelled");
  end
  if (READ_WIDTH_B != 0 && RAM_MODE == "SDP") begin : gen_no_second_reader
    $error("RAMB18E1: port B of a simple dual port does not read");
  end
  if (!legal(READ_WIDTH_A) || !legal(READ_WIDTH_B) || !legal(WriteWidth)) begin : gen_no_width
    $error("RAMB18E1: a width is none of 1, 2, 4, 9, 18, or 36 in SDP");
  end
  if (DOA_REG != 0 || DOB_REG != 0) begin : gen_no_register
    $error("RAMB18E1: output registers are not modelled");
  end

  // Inverters in front of the pins.
  logic [1:0] clk, en, rst;
  assign clk = {CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED, CLKARDCLK ^ IS_CLKARDCLK_INVERTED};
  assign en = {ENBWREN ^ IS_ENBWREN_INVERTED, ENARDEN ^ IS_ENARDEN_INVERTED};
  assign rst = {RSTRAMB ^ IS_RSTRAMB_INVERTED, RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED};

  // Bytes 0 to 7 are data, byte 8 their parity. A wide word is port A's below port B's.
  typedef logic [8:0][7:0] word_t;

  function automatic word_t joined(logic [17:0] low, logic [17:0] high);
    automatic logic [7:0]  parity = 8'({high[17:16], low[17:16]});
    automatic logic [63:0] data = 64'({high[15:0], low[15:0]});
    return word_t'({parity, data});
  endfunction

  // A word that a parameter gives: a port's parity is behind its data, however wide it is.
  function automatic word_t given(int width, logic [17:0] low, logic [17:0] high);
    if (width == Wide && Wide != 0) return joined(low, high);
    case (width)
      9: return word_t'({8'(low[8]), 64'(low[7:0])});
      18: return word_t'({8'(low[17:16]), 64'(low[15:0])});
      default: return joined(low, '0);
    endcase
  endfunction

  // Yosys gives these more bits than they have.
  localparam logic [17:0] InitA = INIT_A[17:0];
  localparam logic [17:0] InitB = INIT_B[17:0];
  localparam logic [17:0] ResetA = SRVAL_A[17:0];
  localparam logic [17:0] ResetB = SRVAL_B[17:0];

  // Is a word of both ports, read by port A.
  localparam bit WideRead = Wide != 0 && READ_WIDTH_A == Wide;

  word_t wdata;
  always_comb begin
    wdata = joined({DIPADIP, DIADI}, {DIPBDIP, DIBDI});
    if (Writer == 1 && WriteWidth != Wide) wdata = joined({DIPBDIP, DIBDI}, '0);
  end

  word_t [1:0] rdata;
  assign {DOPADOP, DOADO} = {rdata[0][8][1:0], rdata[0][1:0]};
  assign {DOPBDOP, DOBDO} = WideRead ?
      {rdata[0][8][3:2], rdata[0][3:2]} :
      {rdata[1][8][1:0], rdata[1][1:0]};

  // Of registers that are refused above, and what only a wider address has.
  logic unused_pins;
  assign unused_pins = ^{REGCEAREGCE, REGCEB, RSTREGARSTREG, RSTREGB};

  cw_block_ram #(
      .Bytes(2048),
      .Writer(Writer),
      .WriteWidth(WriteWidth),
      .WriteMode(Writer == 1 ? WRITE_MODE_B : WRITE_MODE_A),
      .ReadWidth0(READ_WIDTH_A),
      .ReadWidth1(READ_WIDTH_B),
      .Data(Data),
      .Parity(Parity),
      .First({given(READ_WIDTH_B, InitB, '0), given(READ_WIDTH_A, InitA, InitB)}),
      .Reset({given(READ_WIDTH_B, ResetB, '0), given(READ_WIDTH_A, ResetA, ResetB)})
  ) u_ram (
      .clk_i(clk),
      .en_i(en),
      .rst_i(rst),
      .addr_i({ADDRBWRADDR, ADDRARDADDR}),
      .we_i(Writer == 1 ? 8'(WEBWE) : 8'(WEA)),
      .wdata_i(wdata),
      .rdata_o(rdata)
  );

endmodule
