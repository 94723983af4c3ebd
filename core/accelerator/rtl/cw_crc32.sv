// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// CRC-32 (IEEE 802.3, reflected, as zlib computes it) of 32-bit little-endian words, up to two a cycle.
///
/// `words_i` says how many words of `data_i` count, from the low end. `clear_i` starts a new message;
/// `crc_o` is the checksum of the words given so far, final inversion included, valid in the cycle
/// after the last word.
module cw_crc32 (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        clear_i,
    input  logic [ 1:0] words_i,
    input  logic [63:0] data_i,
    output logic [31:0] crc_o
);

  localparam logic [31:0] Polynomial = 32'hEDB88320;  // reflected
  typedef logic [31:0][31:0] matrix_t;

  /// Steps over words of zeros: a bit of the result is the parity of what its row picks.
  function automatic matrix_t steps(int unsigned words);
    automatic matrix_t rows = '0;
    for (int unsigned bit_in = 0; bit_in < 32; bit_in++) begin
      automatic logic [31:0] value = 32'd1 << bit_in;
      for (int unsigned i = 0; i < 32 * words; i++) begin
        value = value[0] ? (value >> 1) ^ Polynomial : value >> 1;
      end
      for (int unsigned bit_out = 0; bit_out < 32; bit_out++) begin
        rows[bit_out][bit_in] = value[bit_out];
      end
    end
    return rows;
  endfunction

  // A tool that is given the polynomial's loop makes chains of multiplexers of it, 20 levels deep.
  localparam matrix_t OneWord = steps(1);
  localparam matrix_t TwoWords = steps(2);

  logic [31:0] crc_q, low, one, two;
  assign low = crc_q ^ data_i[31:0];
  for (genvar b = 0; b < 32; b++) begin : gen_bits
    assign one[b] = ^(low & OneWord[b]);
    assign two[b] = ^{low & TwoWords[b], data_i[63:32] & OneWord[b]};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) crc_q <= '1;
    else if (clear_i) crc_q <= '1;
    else if (words_i != '0) crc_q <= words_i[1] ? two : one;
  end
  assign crc_o = ~crc_q;

endmodule
