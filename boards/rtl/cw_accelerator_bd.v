// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// The accelerator as a cell of a Vivado block design, which takes Verilog but no SystemVerilog
/// modules. The attributes name the AXI interfaces, their clock, the reset and the interrupt. The
/// parameters are those of the configuration package and set the widths of the ports; a value that
/// differs fails in elaboration (cw_accelerator_configured).
module cw_accelerator_bd #(
    parameter AddrBits = 40,
    parameter AxiBits  = 64
) (
    (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 clk_i CLK" *)
    // One string, which cannot be broken.
    (* X_INTERFACE_PARAMETER =
"ASSOCIATED_RESET rst_ni, ASSOCIATED_BUSIF s_axil:m_axi_program:m_axi_pixels:m_axi_residual:m_axi_output" *)
    input  wire                  clk_i,
    (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 rst_ni RST" *)
    (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
    input  wire                  rst_ni,
    (* X_INTERFACE_INFO = "xilinx.com:signal:interrupt:1.0 irq_o INTERRUPT" *)
    (* X_INTERFACE_PARAMETER = "SENSITIVITY LEVEL_HIGH" *)
    output wire                  irq_o,

    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil AWADDR" *)
    (* X_INTERFACE_PARAMETER = "XIL_INTERFACENAME s_axil, PROTOCOL AXI4LITE" *)
    input  wire [11:0]           s_axil_awaddr,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil AWPROT" *)
    input  wire [2:0]            s_axil_awprot,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil AWVALID" *)
    input  wire                  s_axil_awvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil AWREADY" *)
    output wire                  s_axil_awready,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil WDATA" *)
    input  wire [31:0]           s_axil_wdata,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil WSTRB" *)
    input  wire [3:0]            s_axil_wstrb,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil WVALID" *)
    input  wire                  s_axil_wvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil WREADY" *)
    output wire                  s_axil_wready,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil BRESP" *)
    output wire [1:0]            s_axil_bresp,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil BVALID" *)
    output wire                  s_axil_bvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil BREADY" *)
    input  wire                  s_axil_bready,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil ARADDR" *)
    input  wire [11:0]           s_axil_araddr,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil ARPROT" *)
    input  wire [2:0]            s_axil_arprot,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil ARVALID" *)
    input  wire                  s_axil_arvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil ARREADY" *)
    output wire                  s_axil_arready,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil RDATA" *)
    output wire [31:0]           s_axil_rdata,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil RRESP" *)
    output wire [1:0]            s_axil_rresp,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil RVALID" *)
    output wire                  s_axil_rvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axil RREADY" *)
    input  wire                  s_axil_rready,

    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARID" *)
    (* X_INTERFACE_PARAMETER =
    "XIL_INTERFACENAME m_axi_program, PROTOCOL AXI4, READ_WRITE_MODE READ_ONLY" *)
    output wire [0:0]            m_axi_program_arid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARADDR" *)
    output wire [AddrBits-1:0]   m_axi_program_araddr,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARLEN" *)
    output wire [7:0]            m_axi_program_arlen,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARSIZE" *)
    output wire [2:0]            m_axi_program_arsize,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARBURST" *)
    output wire [1:0]            m_axi_program_arburst,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARLOCK" *)
    output wire                  m_axi_program_arlock,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARCACHE" *)
    output wire [3:0]            m_axi_program_arcache,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARPROT" *)
    output wire [2:0]            m_axi_program_arprot,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARQOS" *)
    output wire [3:0]            m_axi_program_arqos,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARVALID" *)
    output wire                  m_axi_program_arvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program ARREADY" *)
    input  wire                  m_axi_program_arready,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program RID" *)
    input  wire [0:0]            m_axi_program_rid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program RDATA" *)
    input  wire [AxiBits-1:0]    m_axi_program_rdata,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program RRESP" *)
    input  wire [1:0]            m_axi_program_rresp,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program RLAST" *)
    input  wire                  m_axi_program_rlast,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program RVALID" *)
    input  wire                  m_axi_program_rvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_program RREADY" *)
    output wire                  m_axi_program_rready,

    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARID" *)
    (* X_INTERFACE_PARAMETER =
    "XIL_INTERFACENAME m_axi_pixels, PROTOCOL AXI4, READ_WRITE_MODE READ_ONLY" *)
    output wire [0:0]            m_axi_pixels_arid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARADDR" *)
    output wire [AddrBits-1:0]   m_axi_pixels_araddr,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARLEN" *)
    output wire [7:0]            m_axi_pixels_arlen,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARSIZE" *)
    output wire [2:0]            m_axi_pixels_arsize,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARBURST" *)
    output wire [1:0]            m_axi_pixels_arburst,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARLOCK" *)
    output wire                  m_axi_pixels_arlock,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARCACHE" *)
    output wire [3:0]            m_axi_pixels_arcache,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARPROT" *)
    output wire [2:0]            m_axi_pixels_arprot,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARQOS" *)
    output wire [3:0]            m_axi_pixels_arqos,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARVALID" *)
    output wire                  m_axi_pixels_arvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels ARREADY" *)
    input  wire                  m_axi_pixels_arready,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels RID" *)
    input  wire [0:0]            m_axi_pixels_rid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels RDATA" *)
    input  wire [AxiBits-1:0]    m_axi_pixels_rdata,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels RRESP" *)
    input  wire [1:0]            m_axi_pixels_rresp,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels RLAST" *)
    input  wire                  m_axi_pixels_rlast,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels RVALID" *)
    input  wire                  m_axi_pixels_rvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_pixels RREADY" *)
    output wire                  m_axi_pixels_rready,

    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARID" *)
    (* X_INTERFACE_PARAMETER =
    "XIL_INTERFACENAME m_axi_residual, PROTOCOL AXI4, READ_WRITE_MODE READ_ONLY" *)
    output wire [0:0]            m_axi_residual_arid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARADDR" *)
    output wire [AddrBits-1:0]   m_axi_residual_araddr,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARLEN" *)
    output wire [7:0]            m_axi_residual_arlen,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARSIZE" *)
    output wire [2:0]            m_axi_residual_arsize,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARBURST" *)
    output wire [1:0]            m_axi_residual_arburst,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARLOCK" *)
    output wire                  m_axi_residual_arlock,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARCACHE" *)
    output wire [3:0]            m_axi_residual_arcache,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARPROT" *)
    output wire [2:0]            m_axi_residual_arprot,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARQOS" *)
    output wire [3:0]            m_axi_residual_arqos,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARVALID" *)
    output wire                  m_axi_residual_arvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual ARREADY" *)
    input  wire                  m_axi_residual_arready,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual RID" *)
    input  wire [0:0]            m_axi_residual_rid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual RDATA" *)
    input  wire [AxiBits-1:0]    m_axi_residual_rdata,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual RRESP" *)
    input  wire [1:0]            m_axi_residual_rresp,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual RLAST" *)
    input  wire                  m_axi_residual_rlast,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual RVALID" *)
    input  wire                  m_axi_residual_rvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_residual RREADY" *)
    output wire                  m_axi_residual_rready,

    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWID" *)
    (* X_INTERFACE_PARAMETER =
    "XIL_INTERFACENAME m_axi_output, PROTOCOL AXI4, READ_WRITE_MODE WRITE_ONLY" *)
    output wire [0:0]            m_axi_output_awid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWADDR" *)
    output wire [AddrBits-1:0]   m_axi_output_awaddr,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWLEN" *)
    output wire [7:0]            m_axi_output_awlen,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWSIZE" *)
    output wire [2:0]            m_axi_output_awsize,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWBURST" *)
    output wire [1:0]            m_axi_output_awburst,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWLOCK" *)
    output wire                  m_axi_output_awlock,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWCACHE" *)
    output wire [3:0]            m_axi_output_awcache,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWPROT" *)
    output wire [2:0]            m_axi_output_awprot,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWQOS" *)
    output wire [3:0]            m_axi_output_awqos,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWVALID" *)
    output wire                  m_axi_output_awvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output AWREADY" *)
    input  wire                  m_axi_output_awready,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output WDATA" *)
    output wire [AxiBits-1:0]    m_axi_output_wdata,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output WSTRB" *)
    output wire [AxiBits/8-1:0]  m_axi_output_wstrb,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output WLAST" *)
    output wire                  m_axi_output_wlast,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output WVALID" *)
    output wire                  m_axi_output_wvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output WREADY" *)
    input  wire                  m_axi_output_wready,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output BID" *)
    input  wire [0:0]            m_axi_output_bid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output BRESP" *)
    input  wire [1:0]            m_axi_output_bresp,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output BVALID" *)
    input  wire                  m_axi_output_bvalid,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_output BREADY" *)
    output wire                  m_axi_output_bready
);

  cw_accelerator_configured #(
      .AddrBits(AddrBits),
      .AxiBits (AxiBits)
  ) u_accelerator (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .irq_o(irq_o),
      .s_axil_awaddr(s_axil_awaddr),
      .s_axil_awprot(s_axil_awprot),
      .s_axil_awvalid(s_axil_awvalid),
      .s_axil_awready(s_axil_awready),
      .s_axil_wdata(s_axil_wdata),
      .s_axil_wstrb(s_axil_wstrb),
      .s_axil_wvalid(s_axil_wvalid),
      .s_axil_wready(s_axil_wready),
      .s_axil_bresp(s_axil_bresp),
      .s_axil_bvalid(s_axil_bvalid),
      .s_axil_bready(s_axil_bready),
      .s_axil_araddr(s_axil_araddr),
      .s_axil_arprot(s_axil_arprot),
      .s_axil_arvalid(s_axil_arvalid),
      .s_axil_arready(s_axil_arready),
      .s_axil_rdata(s_axil_rdata),
      .s_axil_rresp(s_axil_rresp),
      .s_axil_rvalid(s_axil_rvalid),
      .s_axil_rready(s_axil_rready),
      .m_axi_program_arid(m_axi_program_arid),
      .m_axi_program_araddr(m_axi_program_araddr),
      .m_axi_program_arlen(m_axi_program_arlen),
      .m_axi_program_arsize(m_axi_program_arsize),
      .m_axi_program_arburst(m_axi_program_arburst),
      .m_axi_program_arlock(m_axi_program_arlock),
      .m_axi_program_arcache(m_axi_program_arcache),
      .m_axi_program_arprot(m_axi_program_arprot),
      .m_axi_program_arqos(m_axi_program_arqos),
      .m_axi_program_arvalid(m_axi_program_arvalid),
      .m_axi_program_arready(m_axi_program_arready),
      .m_axi_program_rid(m_axi_program_rid),
      .m_axi_program_rdata(m_axi_program_rdata),
      .m_axi_program_rresp(m_axi_program_rresp),
      .m_axi_program_rlast(m_axi_program_rlast),
      .m_axi_program_rvalid(m_axi_program_rvalid),
      .m_axi_program_rready(m_axi_program_rready),
      .m_axi_pixels_arid(m_axi_pixels_arid),
      .m_axi_pixels_araddr(m_axi_pixels_araddr),
      .m_axi_pixels_arlen(m_axi_pixels_arlen),
      .m_axi_pixels_arsize(m_axi_pixels_arsize),
      .m_axi_pixels_arburst(m_axi_pixels_arburst),
      .m_axi_pixels_arlock(m_axi_pixels_arlock),
      .m_axi_pixels_arcache(m_axi_pixels_arcache),
      .m_axi_pixels_arprot(m_axi_pixels_arprot),
      .m_axi_pixels_arqos(m_axi_pixels_arqos),
      .m_axi_pixels_arvalid(m_axi_pixels_arvalid),
      .m_axi_pixels_arready(m_axi_pixels_arready),
      .m_axi_pixels_rid(m_axi_pixels_rid),
      .m_axi_pixels_rdata(m_axi_pixels_rdata),
      .m_axi_pixels_rresp(m_axi_pixels_rresp),
      .m_axi_pixels_rlast(m_axi_pixels_rlast),
      .m_axi_pixels_rvalid(m_axi_pixels_rvalid),
      .m_axi_pixels_rready(m_axi_pixels_rready),
      .m_axi_residual_arid(m_axi_residual_arid),
      .m_axi_residual_araddr(m_axi_residual_araddr),
      .m_axi_residual_arlen(m_axi_residual_arlen),
      .m_axi_residual_arsize(m_axi_residual_arsize),
      .m_axi_residual_arburst(m_axi_residual_arburst),
      .m_axi_residual_arlock(m_axi_residual_arlock),
      .m_axi_residual_arcache(m_axi_residual_arcache),
      .m_axi_residual_arprot(m_axi_residual_arprot),
      .m_axi_residual_arqos(m_axi_residual_arqos),
      .m_axi_residual_arvalid(m_axi_residual_arvalid),
      .m_axi_residual_arready(m_axi_residual_arready),
      .m_axi_residual_rid(m_axi_residual_rid),
      .m_axi_residual_rdata(m_axi_residual_rdata),
      .m_axi_residual_rresp(m_axi_residual_rresp),
      .m_axi_residual_rlast(m_axi_residual_rlast),
      .m_axi_residual_rvalid(m_axi_residual_rvalid),
      .m_axi_residual_rready(m_axi_residual_rready),
      .m_axi_output_awid(m_axi_output_awid),
      .m_axi_output_awaddr(m_axi_output_awaddr),
      .m_axi_output_awlen(m_axi_output_awlen),
      .m_axi_output_awsize(m_axi_output_awsize),
      .m_axi_output_awburst(m_axi_output_awburst),
      .m_axi_output_awlock(m_axi_output_awlock),
      .m_axi_output_awcache(m_axi_output_awcache),
      .m_axi_output_awprot(m_axi_output_awprot),
      .m_axi_output_awqos(m_axi_output_awqos),
      .m_axi_output_awvalid(m_axi_output_awvalid),
      .m_axi_output_awready(m_axi_output_awready),
      .m_axi_output_wdata(m_axi_output_wdata),
      .m_axi_output_wstrb(m_axi_output_wstrb),
      .m_axi_output_wlast(m_axi_output_wlast),
      .m_axi_output_wvalid(m_axi_output_wvalid),
      .m_axi_output_wready(m_axi_output_wready),
      .m_axi_output_bid(m_axi_output_bid),
      .m_axi_output_bresp(m_axi_output_bresp),
      .m_axi_output_bvalid(m_axi_output_bvalid),
      .m_axi_output_bready(m_axi_output_bready)
  );

endmodule
