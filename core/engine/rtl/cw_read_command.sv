// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Offers a walker's read command. `valid_i` says that there is one: `bytes_i` bytes at `offset_i` of a
/// window of `limit_i` bytes at `base_i`. Its address, and whether it leaves the window, are
/// registers, so it is offered a cycle after it is the one at hand, and then until it is taken.
/// `changed_i` says that another one is at hand in the next cycle, for another reason than `taken_o`.
/// Outside of its window it is not offered and `outside_o` is high. `room_i` holds it back for as
/// long as it is low.
/// Rate: a command every second cycle.
module cw_read_command #(
    parameter int unsigned AddrBits = 40
) (
    input  logic                clk_i,
    input  logic                valid_i,
    input  logic                changed_i,
    input  logic                room_i,
    input  logic [AddrBits-1:0] base_i,
    input  logic [        31:0] limit_i,
    input  logic [        31:0] offset_i,
    input  logic [        31:0] bytes_i,
    output logic                outside_o,
    output logic                taken_o,
    output logic                cmd_valid_o,
    input  logic                cmd_ready_i,
    output logic [AddrBits-1:0] cmd_addr_o,
    output logic [        31:0] cmd_bytes_o
);

  logic settled_q, outside_q;
  logic [AddrBits-1:0] addr_q;
  always_ff @(posedge clk_i) begin
    settled_q <= !changed_i && !taken_o;
    outside_q <= 33'(offset_i) + 33'(bytes_i) > 33'(limit_i);
    addr_q    <= base_i + AddrBits'(offset_i);
  end

  assign outside_o   = valid_i && settled_q && outside_q;
  assign cmd_valid_o = valid_i && settled_q && !outside_q && room_i;
  assign cmd_addr_o  = addr_q;
  assign cmd_bytes_o = bytes_i;
  assign taken_o     = cmd_valid_o && cmd_ready_i;

endmodule
