// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// The order of a layer's tiles: pass, set, group, block (docs/architecture.md). `start_i` goes to the
/// first tile, `next_i` to the one behind; `desc_i` is stable from the start on, and its groups,
/// groups_per_pass, blocks and set_blocks are not 0. With `once_i` a group of a set is one tile, however
/// many blocks it has; with `one_set_i` a pass has one set. Of the tile that it is at, from registers: its
/// group, whether that is the layer's last (`last_group_o`) or its pass's (`last_of_pass_o`), whether the
/// block is the pass's last (`last_block_o`), and what ends with the tile. `next_group_o` is the group of the tile behind.
/// `finished_o` stays from the layer's last tile to the next start.
///
/// Whether a counter is at its end is a register beside it, and whether the one behind will be is known
/// a cycle later: `start_i` and all `next_i` are at least two cycles apart.
module cw_tile_walk
  import cw_pkg::*;
  import cw_program_pkg::*;
(
    input  logic        clk_i,
    // verilator lint_off UNUSEDSIGNAL
    input  descriptor_t desc_i,
    // verilator lint_on UNUSEDSIGNAL
    input  logic        once_i,
    input  logic        one_set_i,
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

  logic [15:0] groups, per_pass;
  localparam int unsigned BlocksBits = $bits(desc_i.blocks);
  typedef logic [BlocksBits-1:0] blocks_t;
  blocks_t blocks, set_blocks;
  assign groups     = desc_i.groups;
  assign per_pass   = desc_i.groups_per_pass;
  assign blocks     = desc_i.blocks;
  assign set_blocks = desc_i.set_blocks;

  // The pass: its first group and the one behind its last. Whether the first is the layer's last, and
  // the pass's only one.
  logic [15:0] group_q, pass_group_q, pass_end_q;
  logic last_pass_q, first_is_last_q, only_group_q, finished_q;
  logic last_group_q, last_of_pass_q;
  // The set: its blocks, those of the pass behind it, and those of the group from this tile on,
  // of which the complement counts up: a carry chain that counts down has an inverter before each bit.
  blocks_t size_q, left_q, todo_n_q;
  logic last_set_q, only_block_q, last_of_set_q;

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

  // ---------------------------------------------------------------- what is behind
  logic behind_last_pass_q, behind_first_is_last_q;  // the pass behind
  logic behind_last_set_q, behind_only_block_q;      // the set behind, in this pass
  logic behind_last_group_q, behind_last_of_pass_q;  // the group behind, in this pass
  always_ff @(posedge clk_i) begin
    behind_last_pass_q     <= 17'(pass_end_q) + 17'(per_pass) >= 17'(groups);
    behind_first_is_last_q <= pass_end_q + 16'd1 == groups;
    behind_last_set_q      <= left_q <= set_blocks;
    behind_only_block_q    <= left_q == blocks_t'(1) || set_blocks == blocks_t'(1);
    behind_last_group_q    <= group_q + 16'd2 == groups;
    behind_last_of_pass_q  <= group_q + 16'd2 == pass_end_q;
  end

  logic last_pass, first_is_last, only_group;
  assign last_pass     = start_i ? per_pass >= groups : behind_last_pass_q;
  assign first_is_last = start_i ? groups == 16'd1 : behind_first_is_last_q;
  assign only_group    = first_is_last || per_pass == 16'd1;

  logic new_pass, last_set, only_block;
  blocks_t pass_left, size;
  assign new_pass   = start_i || pass_end_o;
  assign pass_left  = new_pass ? blocks : left_q;
  assign last_set   = one_set_i || (new_pass ? blocks <= set_blocks : behind_last_set_q);
  assign only_block = once_i
      || (new_pass ? blocks == blocks_t'(1) || set_blocks == blocks_t'(1) : behind_only_block_q);
  assign size       = last_set ? pass_left : set_blocks;

  // ---------------------------------------------------------------- the tile
  always_ff @(posedge clk_i) begin
    if (start_i || (next_i && set_end_o)) begin
      size_q        <= size;
      todo_n_q      <= ~size;
      left_q        <= last_set ? '0 : pass_left - set_blocks;
      last_set_q    <= last_set;
      only_block_q  <= only_block;
      last_of_set_q <= only_block;
    end else if (next_i && group_end_o) begin
      todo_n_q      <= ~size_q;
      last_of_set_q <= only_block_q;
    end else if (next_i) begin
      todo_n_q      <= todo_n_q + 1'b1;
      last_of_set_q <= todo_n_q == ~blocks_t'(2);
    end
    if (start_i || (next_i && pass_end_o)) begin
      group_q         <= start_i ? '0 : pass_end_q;
      pass_group_q    <= start_i ? '0 : pass_end_q;
      pass_end_q      <= last_pass ? groups : (start_i ? '0 : pass_end_q) + per_pass;
      last_pass_q     <= last_pass;
      first_is_last_q <= first_is_last;
      only_group_q    <= only_group;
      last_group_q    <= first_is_last;
      last_of_pass_q  <= only_group;
      finished_q      <= !start_i && last_pass_q;
    end else if (next_i && set_end_o) begin
      // The pass's groups again, for its next blocks.
      group_q        <= pass_group_q;
      last_group_q   <= first_is_last_q;
      last_of_pass_q <= only_group_q;
    end else if (next_i && group_end_o) begin
      group_q        <= group_q + 16'd1;
      last_group_q   <= behind_last_group_q;
      last_of_pass_q <= behind_last_of_pass_q;
    end
  end

`ifndef SYNTHESIS
  TwoCyclesApart_A :
  assert property (@(posedge clk_i) start_i || next_i |=> !next_i)
  else $error("a tile a cycle behind another");
`endif

endmodule
