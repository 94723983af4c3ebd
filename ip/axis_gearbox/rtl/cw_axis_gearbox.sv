// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Regroups the bytes of a packet: beats of 1 to InBytes bytes in, items of item_bytes_i bytes
/// out. The bytes of a packet follow s_axis_toffset filler bytes (sampled with the packet's first
/// beat; keep 0, data 0) and are cut into items; the last item carries m_axis_tlast and may be
/// partial, as m_axis_tkeep shows. An item never holds bytes of two packets. Bytes of m_axis_tdata
/// without keep are zero. Latency one cycle. Takes a beat and gives an item in every cycle in
/// which there is a whole item (or a packet's end) and room: the slower side sets the rate, also
/// from one packet to the next. Needs: s_axis_tbytes in 1..InBytes, s_axis_toffset below OutBytes,
/// item_bytes_i in 1..OutBytes and constant while any byte of a packet is inside. s_axis_tready
/// depends on m_axis_tready in the same cycle. clear_i drops everything, also half a packet, at
/// the clock edge; no beat moves on either side in a cycle with clear_i.
module cw_axis_gearbox #(
  parameter  int unsigned InBytes    = 8,
  parameter  int unsigned OutBytes   = 24,
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

  // When a beat arrives at most OutBytes - 1 bytes, fillers included, may be waiting.
  localparam int unsigned BufferBytes = InBytes + OutBytes - 1;
  localparam int unsigned LevelBits = $clog2(BufferBytes + OutBytes + 1);
  localparam logic [LevelBits-1:0] MaxBase = LevelBits'(OutBytes - 1);

  typedef logic [BufferBytes*8-1:0] data_t;
  typedef logic [BufferBytes-1:0] keep_t;
  typedef logic [LevelBits-1:0] level_t;

  // buffer_q holds level_q bytes, the oldest in byte 0; bytes from level_q on are zero.
  // first_q: the next beat begins a packet. If level_q is not 0, the buffer holds a packet's end.
  data_t buffer_q, buffer_d;
  keep_t keep_q, keep_d;
  level_t level_q, level_d;
  logic first_q, first_d;
  logic [OutBytes*8-1:0] out_data_q, item_data;
  logic [OutBytes-1:0] out_keep_q, item_keep;
  logic out_last_q, out_valid_q, item_last;

  level_t item, base, position, total;
  logic out_free, ending, accept, pop_buffer, pop_merged;
  logic [InBytes*8-1:0] beat_data;
  logic [InBytes-1:0] beat_keep;
  data_t placed_data, whole_data, shifted_data;
  keep_t placed_keep, whole_keep, shifted_keep;

  assign item = level_t'(item_bytes_i);
  assign out_free = !out_valid_q || m_axis_tready;
  assign ending = first_q && level_q != '0;

  // Whole items and packets' ends leave from the buffer alone; the beat lands behind what stays.
  assign pop_buffer = out_free && level_q != '0 && (first_q || level_q >= item);
  assign base = !pop_buffer ? level_q : level_q > item ? level_q - item : '0;
  // Room for a full beat; the next packet enters only behind the last item of the one before.
  assign s_axis_tready = base <= MaxBase && !(ending && base != '0) && !clear_i;
  assign accept = s_axis_tvalid && s_axis_tready;

  assign position = base + (first_q ? level_t'(s_axis_toffset) : '0);
  assign total = accept ? position + level_t'(s_axis_tbytes) : base;

  // Otherwise the beat may complete an item, which then leaves without waiting in the buffer.
  assign pop_merged = out_free && !pop_buffer && accept && (s_axis_tlast || total >= item);

  assign beat_keep = ~({InBytes{1'b1}} << s_axis_tbytes);
  assign beat_data = s_axis_tdata & ~({InBytes * 8{1'b1}} << {s_axis_tbytes, 3'b000});

  always_comb begin
    placed_data = '0;
    placed_keep = '0;
    if (accept) begin
      placed_data = data_t'(beat_data) << {position, 3'b000};
      placed_keep = keep_t'(beat_keep) << position;
    end
  end

  // One shifter serves both ways out: a merged item takes along all that the buffer held, so that
  // only bytes of the beat stay.
  assign whole_data = pop_buffer ? buffer_q : buffer_q | placed_data;
  assign whole_keep = pop_buffer ? keep_q : keep_q | placed_keep;
  assign shifted_data = whole_data >> {item, 3'b000};
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
  assign item_keep = whole_keep[OutBytes-1:0] & ~({OutBytes{1'b1}} << item_bytes_i);
  assign item_data =
      whole_data[OutBytes*8-1:0] & ~({OutBytes * 8{1'b1}} << {item_bytes_i, 3'b000});

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
  assign m_axis_tkeep = out_keep_q;
  assign m_axis_tlast = out_last_q;

`ifndef SYNTHESIS
  // Assertions sample the asynchronous reset, and only they do.
  // verilator lint_off SYNCASYNCNET
  initial begin
    SizesLegal_A : assert (InBytes >= 1 && OutBytes >= 1)
    else $fatal(1, "cw_axis_gearbox: InBytes and OutBytes must be at least 1");
  end

  BytesLegal_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   s_axis_tvalid |-> s_axis_tbytes != '0 && 32'(s_axis_tbytes) <= InBytes);
  OffsetLegal_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   s_axis_tvalid && first_q |-> 32'(s_axis_toffset) < OutBytes);
  ItemLegal_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   accept || pop_buffer |-> item != '0 && 32'(item) <= OutBytes);
  ItemConstant_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   (level_q != '0 || !first_q) && !clear_i |=>
                   (level_q == '0 && first_q) || clear_i || $stable(item_bytes_i));
  LevelBound_A :
  assert property (@(posedge clk_i) disable iff (!rst_ni) 32'(level_q) <= BufferBytes);
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
