// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// The order of a layer's tiles: pass, set, group, block (docs/architecture.md). `start_i` goes to the
/// first tile, `next_i` to the one behind; `desc_i` is stable from the start on, and its groups,
/// groups_per_pass, blocks and set_blocks are not 0. Of the tile that it is at, from registers: its
/// group, whether that is the layer's last (`last_group_o`) or its pass's (`last_of_pass_o`), whether the
/// block is the pass's last (`last_block_o`), and what ends with the tile. `next_group_o` is the group of the tile behind.
/// `finished_o` stays from the layer's last tile to the next start.
///
/// Whether a counter is at its end is a register beside it, so that nobody waits for a comparison.
module cw_tile_walk
  import cw_pkg::*;
  import cw_program_pkg::*;
(
    input  logic        clk_i,
    // verilator lint_off UNUSEDSIGNAL
    input  descriptor_t desc_i,
    // verilator lint_on UNUSEDSIGNAL
    input  logic        start_i,
    input  logic        next_i,
    output logic [15:0] group_o,
    output logic [15:0] next_group_o,
    output logic        last_group_o,
    output logic        last_of_pass_o,
    output logic        last_block_o,
    output logic        group_end_o,
    output logic        set_end_o,
    output logic        pass_end_o,
    output logic        layer_end_o,
    output logic        finished_o
);

  logic [15:0] group_q, pass_group_q, pass_end_q, groups, per_pass;
  // Blocks of the pass behind this set; of the set done, and in all.
  logic [31:0] left_q, done_q, size_q;
  logic [31:0] blocks, set_blocks, next_size;
  logic last_of_set_q, last_set_q, last_of_pass_q, last_pass_q, last_group_q, finished_q;

  assign groups     = desc_i.groups;
  assign per_pass   = desc_i.groups_per_pass;
  assign blocks     = desc_i.blocks;
  assign set_blocks = desc_i.set_blocks;
  assign next_size  = smaller(left_q, set_blocks);

  assign group_o        = group_q;
  assign last_group_o   = last_group_q;
  assign last_of_pass_o = last_of_pass_q;
  assign last_block_o   = last_of_set_q && last_set_q;
  assign group_end_o    = last_of_set_q;
  assign set_end_o      = group_end_o && last_of_pass_q;
  assign pass_end_o     = set_end_o && last_set_q;
  assign layer_end_o    = pass_end_o && last_pass_q;
  assign finished_o     = finished_q;
  assign next_group_o   = pass_end_o ? pass_end_q : set_end_o ? pass_group_q
      : group_end_o ? group_q + 1'b1 : group_q;

  logic [15:0] first, last;  // the next pass: its first group, and the one behind its last
  assign first = start_i ? '0 : pass_end_q;
  assign last  = end_of_pass(first, groups, per_pass);

  always_ff @(posedge clk_i) begin
    if (start_i || (next_i && pass_end_o)) begin
      group_q        <= first;
      last_group_q   <= first + 16'd1 == groups;
      pass_group_q   <= first;
      pass_end_q     <= last;
      last_of_pass_q <= first + 16'd1 == groups || per_pass == 16'd1;
      last_pass_q    <= 17'(first) + 17'(per_pass) >= 17'(groups);
      finished_q     <= !start_i && last_pass_q;
      size_q         <= smaller(blocks, set_blocks);
      left_q         <= blocks - smaller(blocks, set_blocks);
      last_set_q     <= blocks <= set_blocks;
      last_of_set_q  <= blocks == 32'd1 || set_blocks == 32'd1;
      done_q         <= '0;
    end else if (next_i && set_end_o) begin
      // The pass's groups again, for its next blocks.
      group_q        <= pass_group_q;
      last_group_q   <= pass_group_q + 16'd1 == groups;
      last_of_pass_q <= pass_group_q + 16'd1 == pass_end_q;
      size_q         <= next_size;
      left_q         <= left_q - next_size;
      last_set_q     <= left_q <= set_blocks;
      last_of_set_q  <= left_q == 32'd1 || set_blocks == 32'd1;
      done_q         <= '0;
    end else if (next_i && group_end_o) begin
      group_q        <= group_q + 16'd1;
      last_group_q   <= group_q + 16'd2 == groups;
      last_of_pass_q <= group_q + 16'd2 == pass_end_q;
      last_of_set_q  <= size_q == 32'd1;
      done_q         <= '0;
    end else if (next_i) begin
      last_of_set_q <= done_q + 32'd2 == size_q;
      done_q        <= done_q + 32'd1;
    end
  end

endmodule
