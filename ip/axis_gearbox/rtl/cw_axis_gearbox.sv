// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Regroups the bytes of a packet: beats of 1 to InBytes bytes in, items of item_bytes_i bytes
/// out. The bytes of a packet follow s_axis_toffset filler bytes (sampled with the packet's first
/// beat; keep 0, data 0) and are cut into items; the last item carries m_axis_tlast and may be
/// partial, as m_axis_tkeep shows. An item never holds bytes of two packets. Bytes of m_axis_tdata
/// without keep are zero. Latency one cycle. Takes a beat and gives an item in every cycle in
/// which there is a whole item (or a packet's end) and room: the slower side sets the rate, also
/// from one packet to the next. Needs: s_axis_tbytes in 1..InBytes, s_axis_toffset below OutBytes,
/// item_bytes_i in 1..OutBytes and constant while any byte of a packet is inside, and all three
/// multiples of UnitBytes, a power of two that divides InBytes and OutBytes: bytes are shifted by
/// whole units, so that where beat and item are one unit nothing is shifted. s_axis_tready
/// depends on m_axis_tready in the same cycle. clear_i drops everything, also half a packet, at
/// the clock edge; no beat moves on either side in a cycle with clear_i.
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
  // When a beat arrives at most OutUnits - 1 units, fillers included, may be waiting.
  localparam int unsigned BufferUnits = InUnits + OutUnits - 1;
  localparam int unsigned LevelBits = $clog2(BufferUnits + 1);
  localparam logic [LevelBits-1:0] MaxBase = LevelBits'(OutUnits - 1);

  typedef logic [BufferUnits*UnitBits-1:0] data_t;
  typedef logic [BufferUnits-1:0] keep_t;
  typedef logic [LevelBits-1:0] level_t;

  // buffer_q holds level_q units, the oldest in unit 0; units from level_q on are zero.
  // first_q: the next beat begins a packet. If level_q is not 0, the buffer holds a packet's end.
  data_t buffer_q, buffer_d;
  keep_t keep_q, keep_d;
  level_t level_q, level_d;
  logic first_q, first_d;
  logic [OutBytes*8-1:0] out_data_q, item_data;
  logic [OutUnits-1:0] out_keep_q, item_keep;
  logic out_last_q, out_valid_q, item_last;

  level_t item, beat, base, position, total;
  logic out_free, ending, accept, pop_buffer, pop_merged;
  logic [InBytes*8-1:0] beat_data;
  logic [InUnits-1:0] beat_keep;
  data_t placed_data, whole_data, shifted_data;
  keep_t placed_keep, whole_keep, shifted_keep;

  // A number of units as one of bits.
  localparam int unsigned BitsShift = 3 + UnitShift;
  localparam logic [BitsShift-1:0] NoBits = '0;

  assign item = level_t'(32'(item_bytes_i) >> UnitShift);
  assign beat = level_t'(32'(s_axis_tbytes) >> UnitShift);
  assign out_free = !out_valid_q || m_axis_tready;
  assign ending = first_q && level_q != '0;

  // Whole items and packets' ends leave from the buffer alone; the beat lands behind what stays.
  assign pop_buffer = out_free && level_q != '0 && (first_q || level_q >= item);
  assign base = !pop_buffer ? level_q : level_q > item ? level_q - item : '0;
  // Room for a full beat; the next packet enters only behind the last item of the one before.
  assign s_axis_tready = base <= MaxBase && !(ending && base != '0) && !clear_i;
  assign accept = s_axis_tvalid && s_axis_tready;

  assign position = base + (first_q ? level_t'(32'(s_axis_toffset) >> UnitShift) : '0);
  assign total = accept ? position + beat : base;

  // Otherwise the beat may complete an item, which then leaves without waiting in the buffer.
  assign pop_merged = out_free && !pop_buffer && accept && (s_axis_tlast || total >= item);

  assign beat_keep = ~({InUnits{1'b1}} << beat);
  assign beat_data = s_axis_tdata & ~({InBytes * 8{1'b1}} << {beat, NoBits});

  always_comb begin
    placed_data = '0;
    placed_keep = '0;
    if (accept) begin
      placed_data = data_t'(beat_data) << {position, NoBits};
      placed_keep = keep_t'(beat_keep) << position;
    end
  end

  // One shifter serves both ways out: a merged item takes along all that the buffer held, so that
  // only units of the beat stay.
  assign whole_data = pop_buffer ? buffer_q : buffer_q | placed_data;
  assign whole_keep = pop_buffer ? keep_q : keep_q | placed_keep;
  assign shifted_data = whole_data >> {item, NoBits};
  assign shifted_keep = whole_keep >> item;

  always_comb begin
    buffer_d = whole_data;
    keep_d = whole_keep;
    level_d = total;
    if (pop_buffer) begin
      buffer_d = shifted_data | placed_data;
      keep_d = shifted_keep | placed_keep;
    end else if (pop_merged) begin
      buffer_d = shifted_data;
      keep_d = shifted_keep;
      level_d = total > item ? total - item : '0;
    end
  end

  assign first_d = accept ? s_axis_tlast : first_q;
  assign item_last = pop_buffer ? ending && level_q <= item : s_axis_tlast && total <= item;
  assign item_keep = whole_keep[OutUnits-1:0] & ~({OutUnits{1'b1}} << item);
  assign item_data = whole_data[OutBytes*8-1:0] & ~({OutBytes * 8{1'b1}} << {item, NoBits});

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      buffer_q <= '0;
      keep_q <= '0;
      level_q <= '0;
      first_q <= 1'b1;
      out_valid_q <= 1'b0;
    end else if (clear_i) begin
      buffer_q <= '0;
      keep_q <= '0;
      level_q <= '0;
      first_q <= 1'b1;
      out_valid_q <= 1'b0;
    end else begin
      if (accept || pop_buffer) begin
        buffer_q <= buffer_d;
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
      out_data_q <= item_data;
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
                   32'(s_axis_toffset) < OutBytes
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
