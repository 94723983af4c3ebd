// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Ring of weight rows (C weights each) with replay: the sequencer reads rows in order, goes back to the
/// start of a group or of a pass, and releases rows that nobody reads again.
///
/// `step_i` reads the next row; it is legal only while `available_o`, a register. Its weights are on
/// `weights_o` two cycles later, and then only. With a step the sequencer may say where the following
/// step reads: `to_group_i` goes back to the group's first row, `to_pass_i` to the pass's first row,
/// `new_group_i` / `new_pass_i` make the row after this one the first of a group / pass. `release_i` frees every row up to and including this
/// step's. Writing stops while the ring is full (`wr_ready_o` low, from a register: a cycle behind a
/// release, a clear and a reset there is room). Rows keep their order. Going back
/// to rows that have been released is illegal: a layer's weights are streamed or resident, not both.
module cw_weight_ring #(
    parameter  int unsigned Width   = 192,
    parameter  int unsigned Depth   = 512,
    localparam int unsigned PtrBits = Depth > 1 ? $clog2(Depth) : 1
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             clear_i,
    input  logic             wr_valid_i,
    output logic             wr_ready_o,
    input  logic [Width-1:0] wr_row_i,
    output logic             available_o,
    input  logic             step_i,
    input  logic             to_group_i,
    input  logic             to_pass_i,
    input  logic             new_group_i,
    input  logic             new_pass_i,
    input  logic             release_i,
    output logic [Width-1:0] weights_o
);

  // A pointer and a free-running count travel together, so that any depth wraps and compares exactly.
  localparam int unsigned CountBits = $clog2(Depth + 1) + 1;
  typedef struct packed {
    logic [PtrBits-1:0]   ptr;
    logic [CountBits-1:0] count;
  } place_t;

  function automatic place_t next_place(place_t p);
    next_place.ptr   = p.ptr == PtrBits'(Depth - 1) ? '0 : p.ptr + 1'b1;
    next_place.count = p.count + 1'b1;
  endfunction

  place_t write_q, read_q, group_q, pass_q, read_next;
  logic [CountBits-1:0] released_q, held;

  // Whether there is a row, before and behind a step, is known without the step: it waits for no
  // comparison. Where a step goes back there is one, its own.
  logic pushed, more, available_q;
  assign read_next   = next_place(read_q);
  assign pushed      = wr_valid_i && wr_ready_o;
  assign more        = write_q.count != read_next.count;
  assign available_o = available_q;
  assign held        = write_q.count - released_q;
  // From a register: what is written now is counted, what is released now a cycle later.
  logic ready_q;
  assign wr_ready_o  = ready_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q     <= '0;
      read_q      <= '0;
      group_q     <= '0;
      pass_q      <= '0;
      released_q  <= '0;
      ready_q     <= 1'b0;
      available_q <= 1'b0;
    end else if (clear_i) begin
      write_q     <= '0;
      read_q      <= '0;
      group_q     <= '0;
      pass_q      <= '0;
      released_q  <= '0;
      ready_q     <= 1'b0;
      available_q <= 1'b0;
    end else begin
      if (pushed) write_q <= next_place(write_q);
      ready_q     <= pushed ? held < CountBits'(Depth - 1) : held < CountBits'(Depth);
      available_q <= pushed || (step_i ? to_pass_i || to_group_i || more : available_q);
      if (step_i) begin
        read_q <= to_pass_i ? pass_q : to_group_i ? group_q : read_next;
        if (to_pass_i) group_q <= pass_q;
        if (new_group_i) group_q <= read_next;
        if (new_pass_i) pass_q <= read_next;
        if (release_i) released_q <= read_next.count;
      end
    end
  end

  logic [Width-1:0] row;
  cw_ram_1r1w #(
      .Width(Width),
      .Depth(Depth)
  ) u_ram (
      .clk_i,
      .we_i   (pushed),
      .waddr_i(write_q.ptr),
      .wdata_i(wr_row_i),
      .wslot_i(1'b1),
      .re_i   (1'b1),
      .raddr_i(read_q.ptr),
      .rdata_o(row)
  );

  // A second register aligns the weights with the rotated pixels. Nobody looks at the weights of a
  // cycle without a step, so neither the memory nor this register waits for one.
  always_ff @(posedge clk_i) weights_o <= row;

`ifndef SYNTHESIS
  // A name of its own: rst_ni in `disable iff` would count as a synchronous use of the reset.
  logic in_reset;
  assign in_reset = !rst_ni;

  ReadOnlyWhatIsThere_A :
  assert property (@(posedge clk_i) disable iff (in_reset) step_i |-> available_o);
  NeverOverfull_A :
  assert property (@(posedge clk_i) disable iff (in_reset) held <= CountBits'(Depth));
`endif

endmodule
