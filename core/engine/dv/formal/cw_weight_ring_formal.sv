// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Proof harness of cw_weight_ring. Rows are numbered in the order of writing; a model keeps the
/// numbers of the row to read, of the group's and the pass's first row, and of the first row not
/// released. One row, chosen freely (mark_i), is followed: whenever the model reads its number, its
/// weights come out two cycles later, however often it is replayed. As every row may be the chosen
/// one, none is lost, altered or overtaken; and the ring never holds more than Depth rows.
module cw_weight_ring_formal #(
    parameter  int unsigned Width   = 2,
    parameter  int unsigned Depth   = 3,
    localparam int unsigned NumBits = $clog2(Depth + 1) + 2
) (
    input logic             clk_i,
    input logic             rst_ni,
    input logic             clear_i,
    input logic             mark_i,
    input logic             wr_valid_i,
    input logic [Width-1:0] wr_row_i,
    input logic             step_i,
    input logic             to_group_i,
    input logic             to_pass_i,
    input logic             new_group_i,
    input logic             new_pass_i,
    input logic             release_i
);

  logic wr_ready, available;
  logic [Width-1:0] weights;

  cw_weight_ring #(
      .Width(Width),
      .Depth(Depth)
  ) u_dut (
      .clk_i,
      .rst_ni,
      .clear_i,
      .wr_valid_i,
      .wr_ready_o (wr_ready),
      .wr_row_i,
      .available_o(available),
      .step_i,
      .to_group_i,
      .to_pass_i,
      .new_group_i,
      .new_pass_i,
      .release_i,
      .weights_o  (weights)
  );

  // Distances from the first row not released; they stay within the ring, so they never wrap.
  logic running_q = 1'b0;
  logic [NumBits-1:0] held_q = '0, read_q = '0, group_q = '0, pass_q = '0, mark_q;
  logic group_live_q = 1'b1, pass_live_q = 1'b1;  // not released
  logic marked_q = 1'b0;
  logic [Width-1:0] data_q;
  logic due_q = 1'b0, due_qq = 1'b0;
  logic [Width-1:0] due_data_q, due_data_qq;

  logic room_q = 1'b0;  // a cycle ago there was room for one more
  logic write;
  logic [NumBits-1:0] following, freed;
  assign write     = wr_valid_i && wr_ready && !clear_i;
  assign following = read_q + 1'b1;
  assign freed     = release_i ? following : '0;

  always_ff @(posedge clk_i) begin
    running_q   <= 1'b1;
    room_q      <= rst_ni && !clear_i && held_q + NumBits'(write) < NumBits'(Depth);
    due_q       <= rst_ni && step_i && marked_q && mark_q == read_q;
    due_data_q  <= data_q;
    due_qq      <= due_q;
    due_data_qq <= due_data_q;
    if (rst_ni && clear_i) begin
      held_q       <= '0;
      read_q       <= '0;
      group_q      <= '0;
      pass_q       <= '0;
      group_live_q <= 1'b1;
      pass_live_q  <= 1'b1;
      marked_q     <= 1'b0;
    end else if (rst_ni) begin
      held_q <= held_q + NumBits'(write) - (step_i ? freed : '0);
      if (!marked_q && write && mark_i) begin
        marked_q <= 1'b1;
        mark_q   <= held_q - (step_i ? freed : '0);
        data_q   <= wr_row_i;
      end else if (marked_q && step_i) begin
        marked_q <= mark_q >= freed;
        mark_q   <= mark_q - freed;
      end
      if (step_i) begin
        read_q <= (to_pass_i ? pass_q : to_group_i ? group_q : following) - freed;
        if (new_group_i) begin
          group_q      <= following - freed;
          group_live_q <= 1'b1;
        end else if (to_pass_i) begin
          group_q      <= pass_q - freed;
          group_live_q <= pass_live_q;
        end else begin
          group_q      <= group_q - freed;
          group_live_q <= group_live_q && !release_i;
        end
        if (new_pass_i) begin
          pass_q      <= following - freed;
          pass_live_q <= 1'b1;
        end else begin
          pass_q      <= pass_q - freed;
          pass_live_q <= pass_live_q && !release_i;
        end
      end
    end
  end

  always_comb begin
    // Reset in the first cycle, and never again.
    assume (rst_ni == running_q);
    // What the sequencer keeps to: it steps on what is there, and never back to a released row.
    if (step_i) begin
      assume (available && !clear_i);
      assume (!(to_group_i || to_pass_i) || !(release_i || new_group_i || new_pass_i));
      assume (!to_group_i || (group_live_q && !to_pass_i));
      assume (!to_pass_i || pass_live_q);
      assume (!new_pass_i || new_group_i);
    end

    if (rst_ni) begin
      NeverOverfull_A : assert (held_q <= NumBits'(Depth));
      ReadyWhileRoom_A : assert (wr_ready == room_q);
      AvailableExact_A : assert (available == (read_q != held_q));
      ReadInside_A : assert (read_q <= held_q);
      if (group_live_q) GroupInside_A : assert (group_q <= read_q);
      if (pass_live_q) PassBeforeGroup_A : assert (group_live_q && pass_q <= group_q);
      if (marked_q) MarkInside_A : assert (mark_q < held_q);
      if (due_qq) MarkedRowReplayed_A : assert (weights == due_data_qq);
    end
  end

  // Inductive invariants: where the ring keeps the rows. first: of the oldest row held.
  localparam int unsigned AtBits = NumBits + 1;
  localparam int unsigned PtrBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int unsigned CountBits = $clog2(Depth + 1) + 1;
  logic [AtBits-1:0] first;
  logic [AtBits-1:0] read_at, group_at, pass_at, mark_at;

  function automatic logic [AtBits-1:0] ring(logic [AtBits-1:0] place);
    return place >= AtBits'(Depth) ? place - AtBits'(Depth) : place;
  endfunction

  always_comb begin
    first = ring(AtBits'(u_dut.write_q.ptr) + AtBits'(Depth) - AtBits'(held_q));
    read_at  = ring(first + AtBits'(read_q));
    group_at = ring(first + AtBits'(group_q));
    pass_at  = ring(first + AtBits'(pass_q));
    mark_at  = ring(first + AtBits'(mark_q));
    if (rst_ni) begin
      WriteInRange_A : assert (32'(u_dut.write_q.ptr) < Depth);
      HeldCount_A :
      assert (u_dut.write_q.count - u_dut.released_q == CountBits'(held_q));
      ReadPlace_A : assert (AtBits'(u_dut.read_q.ptr) == read_at);
      ReadCount_A :
      assert (u_dut.read_q.count - u_dut.released_q == CountBits'(read_q));
      if (group_live_q) begin
        GroupPlace_A : assert (AtBits'(u_dut.group_q.ptr) == group_at);
        GroupCount_A :
        assert (u_dut.group_q.count - u_dut.released_q == CountBits'(group_q));
      end
      if (pass_live_q) begin
        PassPlace_A : assert (AtBits'(u_dut.pass_q.ptr) == pass_at);
        PassCount_A :
        assert (u_dut.pass_q.count - u_dut.released_q == CountBits'(pass_q));
      end
      if (marked_q) begin
        MarkedInRing_A : assert (u_dut.u_ram.mem_q[mark_at[PtrBits-1:0]] == data_q);
      end
      if (due_q) MarkedRowRead_A : assert (u_dut.row == due_data_q);
    end
  end

  // Reachability: the proof is not empty.
  logic replayed_q = 1'b0;
  always_ff @(posedge clk_i) if (due_qq && held_q == NumBits'(Depth)) replayed_q <= 1'b1;
  always_comb begin
    if (rst_ni) begin
      ReplayedTwice_C : cover (replayed_q && due_qq && !due_q);
      EmptyAgain_C : cover (replayed_q && held_q == '0 && !clear_i);
    end
  end

endmodule
