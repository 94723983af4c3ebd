// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Behavioural model of the memory macro behind the ASIC provider of cw_ram_1r1w. Like many
/// compiled macros it destroys what a colliding read returns (the written bits come back
/// inverted), so that a design which relies on a collision fails in simulation.
module cw_ram_1r1w_macro #(
  parameter int unsigned Width    = 32,
  parameter int unsigned Depth    = 512,
  parameter int unsigned AddrBits = 9
) (
  input  logic                clk_i,
  input  logic                we_i,
  input  logic [AddrBits-1:0] waddr_i,
  input  logic [Width-1:0]    wdata_i,
  input  logic [Width-1:0]    wmask_i,
  input  logic                re_i,
  input  logic [AddrBits-1:0] raddr_i,
  output logic [Width-1:0]    rdata_o
);

  logic [Width-1:0] mem_q[Depth];
  logic [Width-1:0] rdata_q;
  logic collision;

  assign rdata_o = rdata_q;
  assign collision = we_i && waddr_i == raddr_i;

  always_ff @(posedge clk_i) begin
    if (we_i) mem_q[waddr_i] <= (mem_q[waddr_i] & ~wmask_i) | (wdata_i & wmask_i);
    if (re_i) rdata_q <= collision ? mem_q[raddr_i] ^ wmask_i : mem_q[raddr_i];
  end

endmodule
