// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Model of series 7's block RAM of 36 kbit (AMD UG473, UG953) in the modes that Yosys
/// maps our memories to: one port writes, either or both read, in RAM_MODE "SDP" also words of 72
/// bits; one clock for both.
/// A mode that is not modelled ends elaboration. Names are the vendor's. See cw_block_ram.
module RAMB36E1 #(
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
    parameter string         RAM_EXTENSION_A           = "NONE",
    parameter string         RAM_EXTENSION_B           = "NONE",
    parameter string         EN_ECC_READ               = "FALSE",
    parameter string         EN_ECC_WRITE              = "FALSE",
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
    parameter logic [255:0] INIT_40 = 'x, parameter logic [255:0] INIT_41 = 'x,
    parameter logic [255:0] INIT_42 = 'x, parameter logic [255:0] INIT_43 = 'x,
    parameter logic [255:0] INIT_44 = 'x, parameter logic [255:0] INIT_45 = 'x,
    parameter logic [255:0] INIT_46 = 'x, parameter logic [255:0] INIT_47 = 'x,
    parameter logic [255:0] INIT_48 = 'x, parameter logic [255:0] INIT_49 = 'x,
    parameter logic [255:0] INIT_4A = 'x, parameter logic [255:0] INIT_4B = 'x,
    parameter logic [255:0] INIT_4C = 'x, parameter logic [255:0] INIT_4D = 'x,
    parameter logic [255:0] INIT_4E = 'x, parameter logic [255:0] INIT_4F = 'x,
    parameter logic [255:0] INIT_50 = 'x, parameter logic [255:0] INIT_51 = 'x,
    parameter logic [255:0] INIT_52 = 'x, parameter logic [255:0] INIT_53 = 'x,
    parameter logic [255:0] INIT_54 = 'x, parameter logic [255:0] INIT_55 = 'x,
    parameter logic [255:0] INIT_56 = 'x, parameter logic [255:0] INIT_57 = 'x,
    parameter logic [255:0] INIT_58 = 'x, parameter logic [255:0] INIT_59 = 'x,
    parameter logic [255:0] INIT_5A = 'x, parameter logic [255:0] INIT_5B = 'x,
    parameter logic [255:0] INIT_5C = 'x, parameter logic [255:0] INIT_5D = 'x,
    parameter logic [255:0] INIT_5E = 'x, parameter logic [255:0] INIT_5F = 'x,
    parameter logic [255:0] INIT_60 = 'x, parameter logic [255:0] INIT_61 = 'x,
    parameter logic [255:0] INIT_62 = 'x, parameter logic [255:0] INIT_63 = 'x,
    parameter logic [255:0] INIT_64 = 'x, parameter logic [255:0] INIT_65 = 'x,
    parameter logic [255:0] INIT_66 = 'x, parameter logic [255:0] INIT_67 = 'x,
    parameter logic [255:0] INIT_68 = 'x, parameter logic [255:0] INIT_69 = 'x,
    parameter logic [255:0] INIT_6A = 'x, parameter logic [255:0] INIT_6B = 'x,
    parameter logic [255:0] INIT_6C = 'x, parameter logic [255:0] INIT_6D = 'x,
    parameter logic [255:0] INIT_6E = 'x, parameter logic [255:0] INIT_6F = 'x,
    parameter logic [255:0] INIT_70 = 'x, parameter logic [255:0] INIT_71 = 'x,
    parameter logic [255:0] INIT_72 = 'x, parameter logic [255:0] INIT_73 = 'x,
    parameter logic [255:0] INIT_74 = 'x, parameter logic [255:0] INIT_75 = 'x,
    parameter logic [255:0] INIT_76 = 'x, parameter logic [255:0] INIT_77 = 'x,
    parameter logic [255:0] INIT_78 = 'x, parameter logic [255:0] INIT_79 = 'x,
    parameter logic [255:0] INIT_7A = 'x, parameter logic [255:0] INIT_7B = 'x,
    parameter logic [255:0] INIT_7C = 'x, parameter logic [255:0] INIT_7D = 'x,
    parameter logic [255:0] INIT_7E = 'x, parameter logic [255:0] INIT_7F = 'x,
    parameter logic [255:0] INITP_00 = 'x, parameter logic [255:0] INITP_01 = 'x,
    parameter logic [255:0] INITP_02 = 'x, parameter logic [255:0] INITP_03 = 'x,
    parameter logic [255:0] INITP_04 = 'x, parameter logic [255:0] INITP_05 = 'x,
    parameter logic [255:0] INITP_06 = 'x, parameter logic [255:0] INITP_07 = 'x,
    parameter logic [255:0] INITP_08 = 'x, parameter logic [255:0] INITP_09 = 'x,
    parameter logic [255:0] INITP_0A = 'x, parameter logic [255:0] INITP_0B = 'x,
    parameter logic [255:0] INITP_0C = 'x, parameter logic [255:0] INITP_0D = 'x,
    parameter logic [255:0] INITP_0E = 'x, parameter logic [255:0] INITP_0F = 'x
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
    input  logic [15:0] ADDRARDADDR,
    input  logic [15:0] ADDRBWRADDR,
    input  logic [31:0] DIADI,
    input  logic [31:0] DIBDI,
    input  logic [ 3:0] DIPADIP,
    input  logic [ 3:0] DIPBDIP,
    input  logic [ 3:0] WEA,
    input  logic [ 7:0] WEBWE,
    input  logic        CASCADEINA,
    input  logic        CASCADEINB,
    input  logic        INJECTDBITERR,
    input  logic        INJECTSBITERR,
    output logic [31:0] DOADO,
    output logic [31:0] DOBDO,
    output logic [ 3:0] DOPADOP,
    output logic [ 3:0] DOPBDOP,
    output logic        CASCADEOUTA,
    output logic        CASCADEOUTB,
    output logic [ 7:0] ECCPARITY,
    output logic [ 8:0] RDADDRECC,
    output logic        SBITERR,
    output logic        DBITERR
);

  localparam logic [32767:0] Data = {
    INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78,
    INIT_77, INIT_76, INIT_75, INIT_74, INIT_73, INIT_72, INIT_71, INIT_70,
    INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68,
    INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60,
    INIT_5F, INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58,
    INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50,
    INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48,
    INIT_47, INIT_46, INIT_45, INIT_44, INIT_43, INIT_42, INIT_41, INIT_40,
    INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
    INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
    INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
    INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
    INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
    INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
    INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
    INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
  };
  localparam logic [4095:0] Parity = {
    INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08,
    INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
  };
  localparam int unsigned Writer = WRITE_WIDTH_B != 0 ? 1 : 0;
  localparam int WriteWidth = Writer == 1 ? WRITE_WIDTH_B : WRITE_WIDTH_A;
  localparam int Wide = RAM_MODE == "SDP" ? 72 : 0;

  function automatic logic legal(int width);
    return width inside {0, 1, 2, 4, 9, 18, 36} || (width == Wide && Wide != 0);
  endfunction

  if (RAM_MODE != "TDP" && RAM_MODE != "SDP") begin : gen_no_mode
    $error("RAMB36E1: RAM_MODE is TDP or SDP");
  end
  if (WRITE_WIDTH_A != 0 && (WRITE_WIDTH_B != 0 || RAM_MODE == "SDP")) begin : gen_no_writer
    $error("RAMB36E1: two write ports, or port A's of a simple dual port, are not modelled");
  end
  if (READ_WIDTH_B != 0 && RAM_MODE == "SDP") begin : gen_no_second_reader
    $error("RAMB36E1: port B of a simple dual port does not read");
  end
  if (!legal(READ_WIDTH_A) || !legal(READ_WIDTH_B) || !legal(WriteWidth)) begin : gen_no_width
    $error("RAMB36E1: a width is none of 1, 2, 4, 9, 18, 36, or 72 in SDP");
  end
  if (DOA_REG != 0 || DOB_REG != 0) begin : gen_no_register
    $error("RAMB36E1: output registers are not modelled");
  end
  if (RAM_EXTENSION_A != "NONE" || RAM_EXTENSION_B != "NONE") begin : gen_no_cascade
    $error("RAMB36E1: RAM_EXTENSION is modelled as NONE only");
  end
  if (EN_ECC_READ != "FALSE" || EN_ECC_WRITE != "FALSE") begin : gen_no_ecc
    $error("RAMB36E1: EN_ECC is modelled as FALSE only");
  end

  // Inverters in front of the pins.
  logic [1:0] clk, en, rst;
  assign clk = {CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED, CLKARDCLK ^ IS_CLKARDCLK_INVERTED};
  assign en = {ENBWREN ^ IS_ENBWREN_INVERTED, ENARDEN ^ IS_ENARDEN_INVERTED};
  assign rst = {RSTRAMB ^ IS_RSTRAMB_INVERTED, RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED};

  // Bytes 0 to 7 are data, byte 8 their parity. A wide word is port A's below port B's.
  typedef logic [8:0][7:0] word_t;

  function automatic word_t joined(logic [35:0] low, logic [35:0] high);
    automatic logic [7:0]  parity = 8'({high[35:32], low[35:32]});
    automatic logic [63:0] data = 64'({high[31:0], low[31:0]});
    return word_t'({parity, data});
  endfunction

  // A word that a parameter gives: a port's parity is behind its data, however wide it is.
  function automatic word_t given(int width, logic [35:0] low, logic [35:0] high);
    if (width == Wide && Wide != 0) return joined(low, high);
    case (width)
      9: return word_t'({8'(low[8]), 64'(low[7:0])});
      18: return word_t'({8'(low[17:16]), 64'(low[15:0])});
      default: return joined(low, '0);
    endcase
  endfunction

  // Yosys gives these more bits than they have.
  localparam logic [35:0] InitA = INIT_A[35:0];
  localparam logic [35:0] InitB = INIT_B[35:0];
  localparam logic [35:0] ResetA = SRVAL_A[35:0];
  localparam logic [35:0] ResetB = SRVAL_B[35:0];

  // Is a word of both ports, read by port A.
  localparam bit WideRead = Wide != 0 && READ_WIDTH_A == Wide;

  word_t wdata;
  always_comb begin
    wdata = joined({DIPADIP, DIADI}, {DIPBDIP, DIBDI});
    if (Writer == 1 && WriteWidth != Wide) wdata = joined({DIPBDIP, DIBDI}, '0);
  end

  word_t [1:0] rdata;
  assign {DOPADOP, DOADO} = {rdata[0][8][3:0], rdata[0][3:0]};
  assign {DOPBDOP, DOBDO} = WideRead ?
      {rdata[0][8][7:4], rdata[0][7:4]} :
      {rdata[1][8][3:0], rdata[1][3:0]};

  // Nothing is cascaded or corrected.
  assign {CASCADEOUTA, CASCADEOUTB, ECCPARITY, RDADDRECC, SBITERR, DBITERR} = '0;

  // Of registers that are refused above, and what only a wider address has.
  logic unused_pins;
  assign unused_pins = ^{REGCEAREGCE, REGCEB, RSTREGARSTREG, RSTREGB, ADDRARDADDR[15],
                         ADDRBWRADDR[15], CASCADEINA, CASCADEINB, INJECTDBITERR, INJECTSBITERR};

  cw_block_ram #(
      .Bytes(4096),
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
      .addr_i({ADDRBWRADDR[14:0], ADDRARDADDR[14:0]}),
      .we_i(Writer == 1 ? 8'(WEBWE) : 8'(WEA)),
      .wdata_i(wdata),
      .rdata_o(rdata)
  );

endmodule
