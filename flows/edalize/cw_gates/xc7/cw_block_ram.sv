// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// What RAMB18E1 and RAMB36E1 have in common (AMD UG473, chapter 1): bytes of nine bits, the parity
/// above the data, ports 0 and 1 (A and B) of any legal widths; Writer is the one that writes.
/// Addresses count bits without parity. Latency of a read: 1 cycle; a port that is not enabled holds
/// its output, one that is reset gets Reset. A read of bytes that the other port writes at the same
/// edge returns the old ones where the writer reads first, and otherwise noise, as nobody may rely
/// on it. Both clocks have to be the same one. Knows no output registers, cascades, error
/// correction, and no second write port: the cells refuse those.
module cw_block_ram #(
    parameter  int unsigned          Bytes      = 2048,
    parameter  int unsigned          Writer     = 0,
    parameter  int unsigned          WriteWidth = 0,  // 0: is a ROM
    parameter  string                WriteMode  = "WRITE_FIRST",
    parameter  int unsigned          ReadWidth0 = 0,  // 0: is not read
    parameter  int unsigned          ReadWidth1 = 0,
    parameter  logic [Bytes*8-1:0]   Data       = 'x,
    parameter  logic [Bytes-1:0]     Parity     = 'x,
    parameter  logic [1:0][8:0][7:0] First      = 'x,  // outputs before the first read, by port
    parameter  logic [1:0][8:0][7:0] Reset      = '0,  // and of a reset
    localparam int unsigned          AddrBits   = $clog2(8 * Bytes)
) (
    input  logic [1:0]               clk_i,
    input  logic [1:0]               en_i,
    input  logic [1:0]               rst_i,
    input  logic [1:0][AddrBits-1:0] addr_i,
    input  logic [7:0]               we_i,
    input  logic [8:0][7:0]          wdata_i,  // byte 8 holds the parity of the others
    output logic [1:0][8:0][7:0]     rdata_o
);

  typedef logic [8:0] byte_t;
  typedef logic [AddrBits-4:0] index_t;

  byte_t mem_q[Bytes];

  initial begin
    for (int unsigned i = 0; i < Bytes; i++) mem_q[i] = {Parity[i], Data[8*i+:8]};
  end

  function automatic int unsigned lanes(int unsigned width);
    return width < 9 ? (width == 0 ? 0 : 1) : width / 9;
  endfunction

  // The byte that a lane of a word is.
  function automatic index_t place(logic [AddrBits-1:0] addr, int unsigned width,
                                   int unsigned lane);
    return index_t'((32'(addr) >> 3) / lanes(width) * lanes(width) + lane);
  endfunction

  // The bit of its byte that a narrow word begins at.
  function automatic int unsigned bit_of(logic [AddrBits-1:0] addr, int unsigned width);
    return width < 9 ? 32'(addr[2:0]) / width * width : 0;
  endfunction

  function automatic byte_t all_ones(int unsigned width);
    return width < 9 ? byte_t'((1 << width) - 1) : '1;
  endfunction

  // ---- The write port ----

  logic writes;
  assign writes = WriteWidth != 0 && en_i[Writer] && |(we_i & 8'((1 << lanes(WriteWidth)) - 1));

  // What is written of a byte, and with what.
  function automatic byte_t written(index_t index);
    if (writes) begin
      for (int unsigned lane = 0; lane < lanes(WriteWidth); lane++) begin
        if (we_i[lane] && place(addr_i[Writer], WriteWidth, lane) == index)
          return all_ones(WriteWidth) << bit_of(addr_i[Writer], WriteWidth);
      end
    end
    return '0;
  endfunction

  function automatic byte_t new_byte(int unsigned lane);
    return {wdata_i[8][lane], wdata_i[lane]} << bit_of(addr_i[Writer], WriteWidth);
  endfunction

  function automatic byte_t merged(index_t index, int unsigned lane);
    return (mem_q[index] & ~written(index)) | (new_byte(lane) & written(index));
  endfunction

  if (WriteWidth != 0) begin : gen_write
    logic clk;
    assign clk = clk_i[Writer];
    always_ff @(posedge clk) begin
      for (int unsigned lane = 0; lane < lanes(WriteWidth); lane++) begin
        if (en_i[Writer] && we_i[lane]) begin
          mem_q[place(addr_i[Writer], WriteWidth, lane)] <=
              merged(place(addr_i[Writer], WriteWidth, lane), lane);
        end
      end
    end
  end

  // ---- The read ports ----

  for (genvar p = 0; p < 2; p++) begin : gen_port
    localparam int unsigned Width = p == 0 ? ReadWidth0 : ReadWidth1;
    if (Width != 0) begin : gen_read
      logic [8:0][7:0] rdata_q;

      function automatic byte_t byte_read(index_t index);
        automatic byte_t fresh = WriteMode == "READ_FIRST" ? '0 : written(index);
        automatic byte_t other = byte_t'($urandom);
        if (p == Writer) other = new_byte(32'(index) % (WriteWidth == 0 ? 1 : lanes(WriteWidth)));
        return fresh == '0 ? mem_q[index] : (mem_q[index] & ~fresh) | (other & fresh);
      endfunction

      function automatic logic [8:0][7:0] word_read();
        automatic logic [8:0][7:0] word = '0;
        automatic int unsigned shift = bit_of(addr_i[p], Width);
        for (int unsigned lane = 0; lane < lanes(Width); lane++) begin
          {word[8][lane], word[lane]} =
              (byte_read(place(addr_i[p], Width, lane)) >> shift) & all_ones(Width);
        end
        return word;
      endfunction

      logic clk, holds;
      assign clk = clk_i[p];
      assign holds = p == Writer && WriteMode == "NO_CHANGE" && writes;
      initial rdata_q = First[p];
      always_ff @(posedge clk) begin
        if (en_i[p]) begin
          if (rst_i[p]) rdata_q <= Reset[p];
          else if (!holds) rdata_q <= word_read();
        end
      end
      assign rdata_o[p] = rdata_q;
    end else begin : gen_unread
      assign rdata_o[p] = '0;
    end
  end

endmodule
