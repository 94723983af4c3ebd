// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// R banks of D-channel entries, written R lanes of one channel at a time and read R lanes of D channels
/// at a time, both from any lane on: conflict-free because the lanes are consecutive positions and
/// bank = position mod R.
///
/// Write (cycle t, visible to reads from t+1): lanes 0 .. count-1 of `wr_lanes_i` go to positions
/// `wr_lane_i`, `wr_lane_i`+1, ...; banks before `wr_lane_i` use `wr_row_next_i`, the others `wr_row_i`;
/// `wr_slot_i` selects the channel within the entry. Index 1 is a second run of lanes in the same cycle,
/// which must not touch the first one's banks; a count of 0 writes nothing.
/// Read (each cycle t): result lane r, in cycle t+2, is bank (rd_lane_i + r) mod R, from `rd_row_next_i`
/// where that wraps and from `rd_row_i` else. One read and one write a cycle. Reading an entry in the
/// cycle of its write returns an unspecified value: the loader's progress count excludes that.
/// A row from Depth on, which only a contradictory program asks for, is some other row.
module cw_pixel_buffer #(
    parameter  int unsigned Rows      = 8,
    parameter  int unsigned Drain     = 4,
    parameter  int unsigned PixelBits = 8,
    parameter  int unsigned Depth     = 512,
    localparam int unsigned RowBits   = Depth > 1 ? $clog2(Depth) : 1,
    localparam int unsigned LaneBits  = Rows > 1 ? $clog2(Rows) : 1,
    localparam int unsigned SlotBits  = Drain > 1 ? $clog2(Drain) : 1,
    localparam int unsigned EntryBits = Drain * PixelBits
) (
    input  logic                        clk_i,
    input  logic                        wr_en_i,
    input  logic [         RowBits-1:0] wr_row_i      [2],
    input  logic [         RowBits-1:0] wr_row_next_i [2],
    input  logic [        LaneBits-1:0] wr_lane_i     [2],
    input  logic [$clog2(Rows+1)-1:0]   wr_count_i    [2],
    input  logic [        SlotBits-1:0] wr_slot_i,
    input  logic [       PixelBits-1:0] wr_lanes_i    [2][Rows],
    input  logic [         RowBits-1:0] rd_row_i,
    input  logic [         RowBits-1:0] rd_row_next_i,
    input  logic [        LaneBits-1:0] rd_lane_i,
    output logic signed [PixelBits-1:0] rd_pixels_o   [Drain][Rows]
);

  // Below Depth without its highest bit, as Depth has as many bits.
  function automatic logic [RowBits-1:0] existing(logic [RowBits-1:0] row);
    existing = row;
    if (32'(row) >= Depth) existing[RowBits-1] = 1'b0;
  endfunction

  logic [RowBits-1:0] wr_row[2], wr_row_next[2], rd_row, rd_row_next;
  for (genvar k = 0; k < 2; k++) begin : gen_wr_row
    assign wr_row[k]      = existing(wr_row_i[k]);
    assign wr_row_next[k] = existing(wr_row_next_i[k]);
  end
  assign rd_row      = existing(rd_row_i);
  assign rd_row_next = existing(rd_row_next_i);

  logic [Rows-1:0][EntryBits-1:0] entry, rotated;
  logic                 bank_we[Rows];
  logic [RowBits-1:0]   bank_row[Rows];
  logic [PixelBits-1:0] bank_lane[Rows];

  // Rotation on the way in: bank b is offered lane (b - wr_lane) mod R of each run.
  logic [Rows-1:0][PixelBits-1:0] offered[2];
  for (genvar k = 0; k < 2; k++) begin : gen_run
    logic [Rows-1:0][PixelBits-1:0] lanes;
    for (genvar r = 0; r < Rows; r++) begin : gen_lane
      assign lanes[r] = wr_lanes_i[k][r];
    end
    cw_rotate #(
        .Items(Rows),
        .Bits (PixelBits),
        .Up   (1'b1)
    ) u_turn_in (
        .items_i(lanes),
        .by_i   (wr_lane_i[k]),
        .items_o(offered[k])
    );
  end

  always_comb begin
    for (int unsigned b = 0; b < Rows; b++) begin
      automatic logic [1:0] reached, below;
      for (int unsigned k = 0; k < 2; k++) begin
        below[k]   = b < 32'(wr_lane_i[k]);
        reached[k] = b - 32'(wr_lane_i[k]) + (below[k] ? Rows : 0) < 32'(wr_count_i[k]);
      end
      bank_we[b]   = wr_en_i && reached != '0;
      bank_row[b]  = reached[1] ? (below[1] ? wr_row_next[1] : wr_row[1])
          : (below[0] ? wr_row_next[0] : wr_row[0]);
      bank_lane[b] = offered[reached[1]][b];
    end
  end

  for (genvar b = 0; b < Rows; b++) begin : gen_bank
    cw_ram_1r1w #(
        .Width   (EntryBits),
        .Depth   (Depth),
        .SlotBits(PixelBits)
    ) u_ram (
        .clk_i,
        .we_i   (bank_we[b]),
        .waddr_i(bank_row[b]),
        .wdata_i({Drain{bank_lane[b]}}),
        .wslot_i(Drain'(1) << wr_slot_i),
        .re_i   (1'b1),
        .raddr_i(b < 32'(rd_lane_i) ? rd_row_next : rd_row),
        .rdata_o(entry[b])
    );
  end

  logic [LaneBits-1:0] rd_lane_q;
  always_ff @(posedge clk_i) rd_lane_q <= rd_lane_i;

  // Rotation on the way out.
  cw_rotate #(
      .Items(Rows),
      .Bits (EntryBits)
  ) u_turn_out (
      .items_i(entry),
      .by_i   (rd_lane_q),
      .items_o(rotated)
  );
  always_ff @(posedge clk_i) begin
    for (int unsigned r = 0; r < Rows; r++) begin
      for (int unsigned j = 0; j < Drain; j++) begin
        rd_pixels_o[j][r] <= $signed(rotated[r][j*PixelBits+:PixelBits]);
      end
    end
  end

endmodule
