// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Proof harness of cw_ram_1r1w, whatever the provider. One word, chosen freely (mark_i), is
/// followed: a read gives in each slot what was last written there, unless it collides with a
/// write of that slot, and the data stays while nothing is read.
module cw_ram_1r1w_formal #(
  parameter int unsigned Width = 4,
  parameter int unsigned Depth = 3,
  parameter int unsigned SlotBits = 2,
  localparam int unsigned AddrBits = $clog2(Depth),
  localparam int unsigned NumSlots = Width / SlotBits
) (
  input logic                clk_i,
  input logic [AddrBits-1:0] mark_i,
  input logic                we_i,
  input logic [AddrBits-1:0] waddr_i,
  input logic [Width-1:0]    wdata_i,
  input logic [NumSlots-1:0] wslot_i,
  input logic                re_i,
  input logic [AddrBits-1:0] raddr_i
);

  logic [Width-1:0] rdata;

  cw_ram_1r1w #(
    .Width(Width),
    .Depth(Depth),
    .SlotBits(SlotBits)
  ) u_dut (
    .clk_i,
    .we_i,
    .waddr_i,
    .wdata_i,
    .wslot_i,
    .re_i,
    .raddr_i,
    .rdata_o(rdata)
  );

  logic running_q = 1'b0;
  logic [AddrBits-1:0] mark_q;
  logic [Width-1:0] word_q;                  // the marked word
  logic [NumSlots-1:0] written_q = '0;       // its slots that were written
  logic [Width-1:0] read_q;                  // what was read of it last
  logic [NumSlots-1:0] defined_q = '0;       // slots of the last read that are defined

  logic writes, reads;
  assign writes = running_q && we_i && waddr_i == mark_q;
  assign reads = running_q && raddr_i == mark_q;

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    if (!running_q) mark_q <= mark_i;
    for (int unsigned s = 0; s < NumSlots; s++) begin
      if (writes && wslot_i[s]) begin
        written_q[s] <= 1'b1;
        word_q[s*SlotBits+:SlotBits] <= wdata_i[s*SlotBits+:SlotBits];
      end
    end
    if (re_i) begin
      read_q <= word_q;
      defined_q <= reads ? written_q & ~(writes ? wslot_i : '0) : '0;
    end
  end

  always_comb begin
    // The user's part.
    assume (32'(mark_i) < Depth);
    assume (!we_i || 32'(waddr_i) < Depth);
    assume (!re_i || 32'(raddr_i) < Depth);
  end

  for (genvar s = 0; s < NumSlots; s++) begin : gen_slot
    always_comb begin
      if (defined_q[s]) begin
        ReadsWhatWasWritten_A :
        assert (rdata[s*SlotBits+:SlotBits] == read_q[s*SlotBits+:SlotBits]);
      end
    end
  end

  // Reachability: the proof is not empty.
  always_comb begin
    ReadWhole_C : cover (&defined_q && !re_i);
  end

endmodule
