// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// cw_accelerator with the configuration of cw_config_pkg, for designs that know neither packages nor
/// structs. The two widths of the ports have to be the configuration's: elaboration fails otherwise.
module cw_accelerator_configured #(
    parameter  int unsigned AddrBits = cw_config_pkg::Cfg.AddrBits,
    parameter  int unsigned AxiBits  = cw_config_pkg::Cfg.AxiBits,
    localparam int unsigned AxiBytes = AxiBits / 8
) (
    input  logic                clk_i,
    input  logic                rst_ni,
    output logic                irq_o,

    input  logic [        11:0] s_axil_awaddr,
    input  logic [         2:0] s_axil_awprot,
    input  logic                s_axil_awvalid,
    output logic                s_axil_awready,
    input  logic [        31:0] s_axil_wdata,
    input  logic [         3:0] s_axil_wstrb,
    input  logic                s_axil_wvalid,
    output logic                s_axil_wready,
    output logic [         1:0] s_axil_bresp,
    output logic                s_axil_bvalid,
    input  logic                s_axil_bready,
    input  logic [        11:0] s_axil_araddr,
    input  logic [         2:0] s_axil_arprot,
    input  logic                s_axil_arvalid,
    output logic                s_axil_arready,
    output logic [        31:0] s_axil_rdata,
    output logic [         1:0] s_axil_rresp,
    output logic                s_axil_rvalid,
    input  logic                s_axil_rready,

    output logic [         0:0] m_axi_program_arid,
    output logic [AddrBits-1:0] m_axi_program_araddr,
    output logic [         7:0] m_axi_program_arlen,
    output logic [         2:0] m_axi_program_arsize,
    output logic [         1:0] m_axi_program_arburst,
    output logic                m_axi_program_arlock,
    output logic [         3:0] m_axi_program_arcache,
    output logic [         2:0] m_axi_program_arprot,
    output logic [         3:0] m_axi_program_arqos,
    output logic                m_axi_program_arvalid,
    input  logic                m_axi_program_arready,
    input  logic [         0:0] m_axi_program_rid,
    input  logic [ AxiBits-1:0] m_axi_program_rdata,
    input  logic [         1:0] m_axi_program_rresp,
    input  logic                m_axi_program_rlast,
    input  logic                m_axi_program_rvalid,
    output logic                m_axi_program_rready,

    output logic [         0:0] m_axi_pixels_arid,
    output logic [AddrBits-1:0] m_axi_pixels_araddr,
    output logic [         7:0] m_axi_pixels_arlen,
    output logic [         2:0] m_axi_pixels_arsize,
    output logic [         1:0] m_axi_pixels_arburst,
    output logic                m_axi_pixels_arlock,
    output logic [         3:0] m_axi_pixels_arcache,
    output logic [         2:0] m_axi_pixels_arprot,
    output logic [         3:0] m_axi_pixels_arqos,
    output logic                m_axi_pixels_arvalid,
    input  logic                m_axi_pixels_arready,
    input  logic [         0:0] m_axi_pixels_rid,
    input  logic [ AxiBits-1:0] m_axi_pixels_rdata,
    input  logic [         1:0] m_axi_pixels_rresp,
    input  logic                m_axi_pixels_rlast,
    input  logic                m_axi_pixels_rvalid,
    output logic                m_axi_pixels_rready,

    output logic [         0:0] m_axi_residual_arid,
    output logic [AddrBits-1:0] m_axi_residual_araddr,
    output logic [         7:0] m_axi_residual_arlen,
    output logic [         2:0] m_axi_residual_arsize,
    output logic [         1:0] m_axi_residual_arburst,
    output logic                m_axi_residual_arlock,
    output logic [         3:0] m_axi_residual_arcache,
    output logic [         2:0] m_axi_residual_arprot,
    output logic [         3:0] m_axi_residual_arqos,
    output logic                m_axi_residual_arvalid,
    input  logic                m_axi_residual_arready,
    input  logic [         0:0] m_axi_residual_rid,
    input  logic [ AxiBits-1:0] m_axi_residual_rdata,
    input  logic [         1:0] m_axi_residual_rresp,
    input  logic                m_axi_residual_rlast,
    input  logic                m_axi_residual_rvalid,
    output logic                m_axi_residual_rready,

    output logic [         0:0] m_axi_output_awid,
    output logic [AddrBits-1:0] m_axi_output_awaddr,
    output logic [         7:0] m_axi_output_awlen,
    output logic [         2:0] m_axi_output_awsize,
    output logic [         1:0] m_axi_output_awburst,
    output logic                m_axi_output_awlock,
    output logic [         3:0] m_axi_output_awcache,
    output logic [         2:0] m_axi_output_awprot,
    output logic [         3:0] m_axi_output_awqos,
    output logic                m_axi_output_awvalid,
    input  logic                m_axi_output_awready,
    output logic [ AxiBits-1:0] m_axi_output_wdata,
    output logic [AxiBytes-1:0] m_axi_output_wstrb,
    output logic                m_axi_output_wlast,
    output logic                m_axi_output_wvalid,
    input  logic                m_axi_output_wready,
    input  logic [         0:0] m_axi_output_bid,
    input  logic [         1:0] m_axi_output_bresp,
    input  logic                m_axi_output_bvalid,
    output logic                m_axi_output_bready
);

  localparam cw_pkg::cfg_t Cfg = cw_config_pkg::Cfg;
  if (AddrBits != Cfg.AddrBits || AxiBits != Cfg.AxiBits) begin : gen_bad_width
    $error("cw_accelerator_configured: AddrBits and AxiBits must be those of cw_config_pkg::Cfg");
  end

  cw_accelerator #(.Cfg(Cfg)) u_accelerator (.*);

endmodule
