// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// One write port, one read port, one clock, write enables by slots of SlotBits (wslot_i beside
/// we_i). Read latency one cycle; rdata_o holds its value while re_i is low. Neither storage nor
/// rdata_o has a reset. Reading an address in the very cycle that writes it returns unspecified
/// data in the written slots: the providers of corewright:prim:ram_1r1w differ here, so no user
/// may rely on it. Addresses are below Depth. ASIC provider: a thin wrapper around the macro
/// module cw_ram_1r1w_macro, which the integrator writes once for the memory compiler in use: it
/// picks, stitches and ties off the real macros by Width and Depth. dv/cw_ram_1r1w_macro.sv is its
/// behavioural model and shows the contract.
module cw_ram_1r1w #(
  parameter  int unsigned Width    = 32,
  parameter  int unsigned Depth    = 512,
  parameter  int unsigned SlotBits = Width,
  parameter  int unsigned AddrBits = Depth > 1 ? $clog2(Depth) : 1,
  localparam int unsigned NumSlots = Width / SlotBits
) (
  input  logic                clk_i,
  input  logic                we_i,
  input  logic [AddrBits-1:0] waddr_i,
  input  logic [Width-1:0]    wdata_i,
  input  logic [NumSlots-1:0] wslot_i,
  input  logic                re_i,
  input  logic [AddrBits-1:0] raddr_i,
  output logic [Width-1:0]    rdata_o
);

  logic [Width-1:0] bit_enable;

  // Memory compilers offer enables by bit or by byte; a bit mask can be narrowed to either.
  for (genvar s = 0; s < NumSlots; s++) begin : gen_mask
    assign bit_enable[s*SlotBits+:SlotBits] = {SlotBits{wslot_i[s]}};
  end

  cw_ram_1r1w_macro #(
    .Width   (Width),
    .Depth   (Depth),
    .AddrBits(AddrBits)
  ) u_macro (
    .clk_i,
    .we_i,
    .waddr_i,
    .wdata_i,
    .wmask_i(bit_enable),
    .re_i,
    .raddr_i,
    .rdata_o
  );

`ifndef SYNTHESIS
  initial begin
    SlotsLegal_A : assert (SlotBits >= 1 && Width % SlotBits == 0)
    else $fatal(1, "cw_ram_1r1w: Width must be a multiple of SlotBits");
    AddrBitsLegal_A : assert (Depth >= 1 && 64'd1 << AddrBits >= 64'(Depth))
    else $fatal(1, "cw_ram_1r1w: AddrBits cannot address Depth words");
  end

  WriteInRange_A :
  assert property (@(posedge clk_i) we_i |-> 64'(waddr_i) < 64'(Depth));
  ReadInRange_A :
  assert property (@(posedge clk_i) re_i |-> 64'(raddr_i) < 64'(Depth));
`endif

endmodule
