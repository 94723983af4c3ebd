// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Proof harness of cw_axis_gearbox. One cell of a packet (a byte or a filler), chosen freely, is
/// followed to the master port: it leaves in the item and lane that the contract says, with its
/// value and keep, and the item that holds a packet's last cell, and no other, carries tlast and
/// nothing behind that cell. As every cell of every packet may be the chosen one, no byte is lost,
/// duplicated, altered or moved, and packets never share an item. The item size is free, and
/// constant.
module cw_axis_gearbox_formal #(
  parameter  int unsigned InBytes    = 2,
  parameter  int unsigned OutBytes   = 3,
  localparam int unsigned CountBits  = $clog2(InBytes + 1),
  localparam int unsigned ItemBits   = $clog2(OutBytes + 1),
  localparam int unsigned OffsetBits = OutBytes > 1 ? $clog2(OutBytes) : 1
) (
  input logic                  clk_i,
  input logic                  rst_ni,
  input logic                  clear_i,
  input logic [ItemBits-1:0]   item_bytes_i,
  input logic [InBytes*8-1:0]  s_axis_tdata,
  input logic [CountBits-1:0]  s_axis_tbytes,
  input logic                  s_axis_tlast,
  input logic [OffsetBits-1:0] s_axis_toffset,
  input logic                  s_axis_tvalid,
  input logic                  m_axis_tready,
  input logic                  mark_i,
  input logic [7:0]            mark_cell_i
);

  logic s_axis_tready, m_axis_tlast, m_axis_tvalid;
  logic [OutBytes*8-1:0] m_axis_tdata;
  logic [OutBytes-1:0] m_axis_tkeep;

  cw_axis_gearbox #(
    .InBytes (InBytes),
    .OutBytes(OutBytes)
  ) u_dut (
    .clk_i,
    .rst_ni,
    .clear_i,
    .item_bytes_i,
    .s_axis_tdata,
    .s_axis_tbytes,
    .s_axis_tlast,
    .s_axis_toffset,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata,
    .m_axis_tkeep,
    .m_axis_tlast,
    .m_axis_tvalid,
    .m_axis_tready
  );

  typedef logic [7:0] count_t;

  // Ones in the bytes that keep marks.
  function automatic logic [OutBytes*8-1:0] kept_bytes(logic [OutBytes-1:0] keep);
    for (int unsigned lane = 0; lane < OutBytes; lane++) kept_bytes[lane*8+:8] = {8{keep[lane]}};
  endfunction

  logic push, pop;
  count_t item;
  assign push = s_axis_tvalid && s_axis_tready;
  assign pop = m_axis_tvalid && m_axis_tready;
  assign item = count_t'(item_bytes_i);

  // open_q: the newest packet is not complete. ends_q: ends of packets inside.
  // inside_q: cells of the newest packet that have not left by the master port.
  logic running_q = 1'b0;
  logic open_q = 1'b0;
  logic [2:0] ends_q = '0;
  count_t inside_q = '0;
  logic [ItemBits-1:0] item_bytes_q;
  logic held_q = 1'b0;
  logic [OutBytes*9:0] held_payload_q;

  // The marked cell: older_q packet ends leave before it, then cell_q cells of its own packet.
  logic marked_q = 1'b0;
  logic mark_newest_q, mark_end_q, mark_keep_q;
  logic [7:0] mark_data_q;
  logic [2:0] older_q;
  count_t cell_q;

  // The item on offer belongs to the newest packet, not to one before it.
  logic offers_newest;
  assign offers_newest = open_q ? ends_q == '0 : ends_q == 3'd1;

  count_t fillers, kept, cells;
  logic mark, mark_keep;
  always_comb begin
    fillers = open_q ? '0 : count_t'(s_axis_toffset);
    // Cells of the newest packet that stay in front of the beat.
    kept = '0;
    if (open_q) kept = pop && offers_newest ? inside_q - item : inside_q;
    cells = kept + fillers + count_t'(s_axis_tbytes);
    mark = push && mark_i && !marked_q && mark_cell_i < fillers + count_t'(s_axis_tbytes);
    mark_keep = mark_cell_i >= fillers;
  end

  always_ff @(posedge clk_i) begin
    running_q <= 1'b1;
    item_bytes_q <= item_bytes_i;
    held_q <= rst_ni && m_axis_tvalid && !m_axis_tready;
    held_payload_q <= {m_axis_tdata, m_axis_tkeep, m_axis_tlast};
    if (rst_ni && clear_i) begin
      open_q <= 1'b0;
      ends_q <= '0;
      inside_q <= '0;
      marked_q <= 1'b0;
    end else if (rst_ni) begin
      ends_q <= ends_q + 3'(push && s_axis_tlast) - 3'(pop && m_axis_tlast);
      if (push) begin
        open_q <= !s_axis_tlast;
        inside_q <= cells;
      end else if (pop && offers_newest) begin
        inside_q <= inside_q > item ? inside_q - item : '0;
      end
      if (mark) begin
        marked_q <= 1'b1;
        mark_newest_q <= 1'b1;
        mark_keep_q <= mark_keep;
        mark_end_q <= s_axis_tlast && mark_cell_i == fillers + count_t'(s_axis_tbytes) - 8'd1;
        mark_data_q <= mark_keep ? s_axis_tdata[(mark_cell_i-fillers)*8+:8] : '0;
        cell_q <= kept + mark_cell_i;
        older_q <= ends_q - 3'(pop && m_axis_tlast);
      end else if (marked_q) begin
        if (push && !open_q) mark_newest_q <= 1'b0;
        if (pop && older_q != '0) begin
          if (m_axis_tlast) older_q <= older_q - 3'd1;
        end else if (pop) begin
          marked_q <= cell_q >= item;
          cell_q <= cell_q - item;
        end
      end
    end
  end

  // What the neighbours owe.
  always_comb begin
    // Reset in the first cycle, and never again.
    assume (rst_ni == running_q);
    assume (s_axis_tbytes != '0 && count_t'(s_axis_tbytes) <= count_t'(InBytes));
    assume (count_t'(s_axis_toffset) < item);
    assume (item_bytes_i != '0 && item <= count_t'(OutBytes));
    if (running_q) assume (item_bytes_i == item_bytes_q);
  end

  // The contract, at the ports.
  always_comb begin
    if (rst_ni) begin
      NothingMovesInClear_A : assert (!clear_i || !(push || pop));
      if (held_q && !clear_i) begin
        ValidStays_A : assert (m_axis_tvalid);
        PayloadStable_A :
        assert ({m_axis_tdata, m_axis_tkeep, m_axis_tlast} == held_payload_q);
      end
      if (m_axis_tvalid) begin
        NoSpuriousItem_A : assert (ends_q != '0 || inside_q >= item);
        ZeroWithoutKeep_A : assert ((m_axis_tdata & ~kept_bytes(m_axis_tkeep)) == '0);
        ZeroBehindItem_A : assert (m_axis_tkeep >> item == '0);
      end
      if (m_axis_tvalid && marked_q && older_q == '0) begin
        if (cell_q < item) begin
          MarkedByte_A : assert (m_axis_tdata[cell_q*8+:8] == mark_data_q);
          MarkedKeep_A : assert (m_axis_tkeep[cell_q] == mark_keep_q);
          if (mark_end_q) begin
            EndHasLast_A : assert (m_axis_tlast);
            EndIsEnd_A : assert (m_axis_tkeep >> (cell_q + 8'd1) == '0);
          end
        end else begin
          LastOnlyAtEnd_A : assert (!m_axis_tlast);
        end
      end
      // Progress: an item or a packet's end inside is on offer now or next.
      if (!clear_i && !u_dut.out_valid_q) begin
        OffersWhatItHas_A : assert (ends_q == '0 && inside_q < item || u_dut.pop_buffer);
      end
    end
  end

  // Inductive invariants: where the design keeps the cells.
  logic out_newest;
  count_t level, first_cell;
  always_comb begin
    level = count_t'(u_dut.level_q);
    out_newest = u_dut.out_valid_q && offers_newest;
    first_cell = out_newest ? item : '0;
    if (rst_ni) begin
      // Less than a beat stays behind an item, and nothing of that is a filler.
      LevelBound_A : assert (level < item + count_t'(InBytes));
      RestIsKept_A : assert ((~u_dut.keep_q & ~(~16'd0 << level)) >> item == '0);
      OpenMatches_A : assert (u_dut.first_q == !open_q);
      OpenEnds_A : assert (ends_q <= (open_q ? 3'd1 : 3'd2));
      // A packet behind which another has begun has only its last item left, at the output.
      if (open_q ? ends_q == 3'd1 : ends_q == 3'd2) begin
        OlderInOutput_A : assert (u_dut.out_valid_q && u_dut.out_last_q);
      end
      if (!open_q && ends_q == '0) begin
        Empty_A : assert (!u_dut.out_valid_q && level == '0 && inside_q == '0);
      end
      if (out_newest) begin
        OutputLast_A : assert (u_dut.out_last_q == (!open_q && inside_q <= item));
        OutputWhole_A : assert (!open_q || inside_q >= item);
        Level_A : assert (level == (inside_q > item ? inside_q - item : 8'd0));
        if (!open_q) ClosedNotEmpty_A : assert (inside_q != '0);
      end else begin
        LevelAll_A : assert (level == inside_q);
        if (!open_q && ends_q != '0) EndNotEmpty_A : assert (inside_q != '0);
      end
      BufferZeroBehind_A : assert (u_dut.keep_q >> level == '0);
      if (marked_q && !mark_keep_q) FillerIsZero_A : assert (mark_data_q == '0);
      if (marked_q) begin
        if (mark_newest_q) begin
          MarkOrder_A : assert (older_q + 3'(!open_q) == ends_q);
          MarkInside_A : assert (cell_q < inside_q);
          if (mark_end_q) MarkEnd_A : assert (!open_q && cell_q == inside_q - 8'd1);
          if (cell_q >= first_cell) begin
            MarkInBuffer_A :
            assert (u_dut.keep_q[cell_q-first_cell] == mark_keep_q &&
                    (!mark_keep_q || u_dut.buffer_q[cell_q-first_cell] == mark_data_q));
          end
        end else begin
          MarkLeaving_A :
          assert (u_dut.out_valid_q && u_dut.out_last_q && older_q == '0 && cell_q < item &&
                  (open_q ? ends_q == 3'd1 : ends_q == 3'd2));
        end
        if (u_dut.out_valid_q && older_q == '0 && cell_q < item) begin
          MarkInOutput_A :
          assert (u_dut.out_keep_q[cell_q] == mark_keep_q &&
                  u_dut.out_data_q[cell_q] == mark_data_q);
          if (mark_end_q) OutputEnd_A : assert (u_dut.out_keep_q >> (cell_q + 8'd1) == '0);
        end
      end
      if (u_dut.out_valid_q) begin
        OutputZeroWithoutKeep_A :
        assert ((u_dut.out_data_q & ~kept_bytes(u_dut.out_keep_q)) == '0);
        OutputZeroBehind_A : assert (u_dut.out_keep_q >> item == '0);
      end
    end
  end

  // Reachability: the proof is not empty.
  always_comb begin
    if (rst_ni && m_axis_tvalid && marked_q && older_q == '0 && cell_q < item) begin
      EndLeaves_C : cover (mark_end_q && mark_keep_q && pop);
      FillerLeaves_C : cover (!mark_keep_q && pop);
      NextPacketBehind_C : cover (!mark_newest_q && inside_q != '0);
    end
  end

endmodule
