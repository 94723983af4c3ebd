// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Regroups the bytes of a packet: beats of 1 to InBytes bytes in, items of item_bytes_i bytes
/// out. The bytes of a packet follow s_axis_toffset filler bytes (sampled with the packet's first
/// beat; keep 0, data 0) and are cut into items; the last item carries m_axis_tlast and may be
/// partial, as m_axis_tkeep shows. An item never holds bytes of two packets. Bytes of m_axis_tdata
/// without keep are zero. Latency one cycle. Takes a beat and gives an item in every cycle in
/// which there is a whole item (or a packet's end) and room: the slower side sets the rate, also
/// from one packet to the next. Needs: s_axis_tbytes in 1..InBytes, s_axis_toffset below
/// item_bytes_i, item_bytes_i in 1..OutBytes and constant while any byte of a packet is inside, and all three
/// multiples of UnitBytes, a power of two that divides InBytes and OutBytes: bytes are moved by
/// whole units, so that where beat and item are one unit nothing is. s_axis_tready depends on
/// m_axis_tready and item_bytes_i in the same cycle. clear_i drops everything, also half a packet,
/// at the clock edge; no beat moves on either side in a cycle with clear_i.
module cw_axis_gearbox #(
  parameter  int unsigned InBytes    = 8,
  parameter  int unsigned OutBytes   = 24,
  parameter  int unsigned UnitBytes  = 1,
  localparam int unsigned CountBits  = $clog2(InBytes + 1),
  localparam int unsigned ItemBits   = $clog2(OutBytes + 1),
  localparam int unsigned OffsetBits = OutBytes > 1 ? $clog2(OutBytes) : 1
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  clear_i,
  input  logic [ItemBits-1:0]   item_bytes_i,
  input  logic [InBytes*8-1:0]  s_axis_tdata,
  input  logic [CountBits-1:0]  s_axis_tbytes,
  input  logic                  s_axis_tlast,
  input  logic [OffsetBits-1:0] s_axis_toffset,
  input  logic                  s_axis_tvalid,
  output logic                  s_axis_tready,
  output logic [OutBytes*8-1:0] m_axis_tdata,
  output logic [OutBytes-1:0]   m_axis_tkeep,
  output logic                  m_axis_tlast,
  output logic                  m_axis_tvalid,
  input  logic                  m_axis_tready
);

  localparam int unsigned UnitBits = 8 * UnitBytes;
  localparam int unsigned UnitShift = $clog2(UnitBytes);
  localparam int unsigned InUnits = InBytes / UnitBytes;
  localparam int unsigned OutUnits = OutBytes / UnitBytes;
  // When a beat arrives less than an item, fillers included, may be waiting.
  localparam int unsigned BufferUnits = InUnits + OutUnits - 1;
  localparam int unsigned LevelBits = $clog2(BufferUnits + 1);
  // Units of a beat turn within a ring of a power of two.
  localparam int unsigned TurnBits = $clog2(InUnits);
  localparam int unsigned RingUnits = 1 << TurnBits;

  typedef logic [RingUnits-1:0][UnitBits-1:0] ring_t;
  typedef logic [LevelBits-1:0] level_t;

  // buffer_q holds level_q units, the oldest in unit 0; of these keep_q marks those that are no
  // fillers. first_q: the next beat begins a packet. If level_q is not 0, the buffer holds a
  // packet's end.
  logic [BufferUnits-1:0][UnitBits-1:0] buffer_q;
  logic [BufferUnits-1:0] keep_q, keep_d, place;
  level_t level_q, level_d;
  logic first_q, first_d;
  logic [OutUnits-1:0][UnitBits-1:0] out_data_q;
  logic [OutUnits-1:0] out_keep_q, item_keep;
  logic out_last_q, out_valid_q, item_last;

  level_t item, beat, offset, reach, behind, over, base, position, total, merged, rest_units;
  logic out_free, ending, reached, passed, whole, has_room, accept, pop_buffer, pop_merged;

  assign item = level_t'(32'(item_bytes_i) >> UnitShift);
  assign beat = level_t'(32'(s_axis_tbytes) >> UnitShift);
  assign out_free = !out_valid_q || m_axis_tready;
  assign ending = first_q && level_q != '0;
  assign reached = level_q != '0 && level_q >= item;
  assign passed = level_q > item;
  assign whole = ending || reached;

  // Whole items and packets' ends leave from the buffer alone; the beat lands behind what stays.
  assign pop_buffer = out_free && whole;
  assign behind = level_q - item;
  assign over = passed ? behind : '0;
  assign base = pop_buffer ? over : level_q;
  // There is room while less than an item stays: what stays behind an item is less than a beat. The
  // next packet enters only behind the last item of the one before.
  assign has_room = ending ? out_free && !passed
      : !reached || (out_free && {1'b0, level_q} < {item, 1'b0});
  assign s_axis_tready = has_room && !clear_i;
  // A clear drops what it finds inside, so nothing in here waits for it.
  assign accept = s_axis_tvalid && has_room;

  // Where the beat begins and ends: no sum waits for the choice.
  assign offset = first_q ? level_t'(32'(s_axis_toffset) >> UnitShift) : '0;
  assign reach = offset + beat;
  assign merged = level_q + reach;
  assign position = !pop_buffer ? level_q + offset : passed ? behind + offset : offset;
  assign total = !pop_buffer ? merged : passed ? behind + reach : reach;

  // Otherwise the beat may complete an item, which then leaves without waiting in the buffer; what
  // is left of the beat goes to the buffer's begin.
  assign pop_merged = out_free && !whole && accept && (s_axis_tlast || merged >= item);
  assign rest_units = !pop_merged ? base : merged > item ? merged - item : '0;

  // One ring turns the beat to the place behind what waits, the other what stays to the begin.
  ring_t beat_ring, placed, rest_ring, rest;
  always_comb begin
    beat_ring = '0;
    beat_ring[InUnits-1:0] = s_axis_tdata;
  end
  if (TurnBits == 0) begin : gen_no_turn
    assign placed = beat_ring;
    assign rest   = rest_ring;
  end else begin : gen_turn
    // Units in front of what stays. An item that the beat completes leaves with all that waits, so the
    // beat lands behind that, whatever `position` says of other cases: it would wait for room.
    logic [TurnBits-1:0] gone;
    assign gone   = TurnBits'(whole ? item : item - (level_q + offset));
    assign placed = turned(beat_ring, -TurnBits'(position));
    assign rest   = turned(rest_ring, gone);

    /// Unit u of the result is unit u + by of the ring: a stage of two-way choices for each bit.
    function automatic ring_t turned(ring_t ring, logic [TurnBits-1:0] by);
      for (int unsigned b = 0; b < TurnBits; b++) begin
        automatic ring_t from = ring;
        for (int unsigned u = 0; u < RingUnits; u++) begin
          ring[u] = by[b] ? from[(u+(1<<b))%RingUnits] : from[u];
        end
      end
      return ring;
    endfunction
  end

  // What stays is in the ring's size of units from `item` on: each place of the ring has one of them.
  always_comb begin
    rest_ring = beat_ring;
    if (whole) begin
      for (int unsigned u = 0; u < RingUnits; u++) begin
        for (int unsigned at = u; at < BufferUnits; at += RingUnits) begin
          if (at >= 32'(item) && at < 32'(item) + RingUnits) rest_ring[u] = buffer_q[at];
        end
      end
    end
  end

  always_comb begin
    for (int unsigned u = 0; u < BufferUnits; u++) begin
      place[u] = accept && u >= 32'(position) && u < 32'(total);
    end
  end

  always_comb begin
    level_d = accept && !pop_merged ? total : rest_units;
    keep_d = keep_q;
    if (pop_buffer || pop_merged) begin
      for (int unsigned u = 0; u < BufferUnits; u++) keep_d[u] = u < 32'(rest_units);
    end
    if (!pop_merged) keep_d |= place;
  end

  assign first_d = accept ? s_axis_tlast : first_q;
  assign item_last = whole ? ending && level_q <= item : s_axis_tlast && merged <= item;
  always_comb begin
    for (int unsigned u = 0; u < OutUnits; u++) begin
      item_keep[u] = (keep_q[u] || (!whole && place[u])) && u < 32'(item);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      keep_q <= '0;
      level_q <= '0;
      first_q <= 1'b1;
      out_valid_q <= 1'b0;
    end else if (clear_i) begin
      keep_q <= '0;
      level_q <= '0;
      first_q <= 1'b1;
      out_valid_q <= 1'b0;
    end else begin
      if (accept || pop_buffer) begin
        keep_q <= keep_d;
        level_q <= level_d;
        first_q <= first_d;
      end
      if (out_free) out_valid_q <= pop_buffer || pop_merged;
    end
  end

  // Payload needs no reset: it is only looked at beside its valid bit.
  always_ff @(posedge clk_i) begin
    if (pop_buffer || pop_merged) begin
      for (int unsigned u = 0; u + 1 < InUnits; u++) buffer_q[u] <= rest[u];
    end
    for (int unsigned u = 0; u < BufferUnits; u++) begin
      if (place[u] && !pop_merged) buffer_q[u] <= placed[u%RingUnits];
    end
  end

  always_ff @(posedge clk_i) begin
    if (pop_buffer || pop_merged) begin
      for (int unsigned u = 0; u < OutUnits; u++) begin
        out_data_q[u] <= !item_keep[u] ? '0
            : !whole && place[u] ? placed[u%RingUnits] : buffer_q[u];
      end
      out_keep_q <= item_keep;
      out_last_q <= item_last;
    end
  end

  assign m_axis_tvalid = out_valid_q && !clear_i;
  assign m_axis_tdata = out_data_q;
  assign m_axis_tlast = out_last_q;
  for (genvar u = 0; u < OutUnits; u++) begin : gen_keep
    assign m_axis_tkeep[u*UnitBytes+:UnitBytes] = {UnitBytes{out_keep_q[u]}};
  end

`ifndef SYNTHESIS
  // Assertions sample the asynchronous reset, and only they do.
  // verilator lint_off SYNCASYNCNET
  initial begin
    SizesLegal_A : assert (InBytes >= 1 && OutBytes >= 1)
    else $fatal(1, "cw_axis_gearbox: InBytes and OutBytes must be at least 1");
    UnitLegal_A :
    assert (UnitBytes == 1 << UnitShift && InBytes % UnitBytes == 0 && OutBytes % UnitBytes == 0)
    else $fatal(1, "cw_axis_gearbox: UnitBytes must be a power of two and divide both sizes");
  end

  BytesLegal_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   s_axis_tvalid |-> s_axis_tbytes != '0 && 32'(s_axis_tbytes) <= InBytes
                   && 32'(s_axis_tbytes) % UnitBytes == 0);
  OffsetLegal_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   s_axis_tvalid && first_q && !clear_i |->
                   32'(s_axis_toffset) < 32'(item_bytes_i)
                   && 32'(s_axis_toffset) % UnitBytes == 0);
  ItemLegal_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   accept || pop_buffer |-> item_bytes_i != '0 && 32'(item_bytes_i) <= OutBytes
                   && 32'(item_bytes_i) % UnitBytes == 0);
  ItemConstant_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   (level_q != '0 || !first_q) && !clear_i |=>
                   (level_q == '0 && first_q) || clear_i || $stable(item_bytes_i));
  LevelBound_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni) 32'(level_q) <= BufferUnits);
  ValidStays_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid || clear_i);
  PayloadStable_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   m_axis_tvalid && !m_axis_tready |=>
                   clear_i || $stable({m_axis_tdata, m_axis_tkeep, m_axis_tlast}));
  // verilator lint_on SYNCASYNCNET
`endif

endmodule
