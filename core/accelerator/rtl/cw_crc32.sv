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

  function automatic logic [31:0] next_crc(logic [31:0] crc, logic [31:0] word);
    automatic logic [31:0] value = crc ^ word;
    for (int i = 0; i < 32; i++) value = value[0] ? (value >> 1) ^ 32'hEDB88320 : value >> 1;
    return value;
  endfunction

  logic [31:0] crc_q, one, two;
  assign one = next_crc(crc_q, data_i[31:0]);
  assign two = next_crc(one, data_i[63:32]);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) crc_q <= '1;
    else if (clear_i) crc_q <= '1;
    else if (words_i != '0) crc_q <= words_i[1] ? two : one;
  end
  assign crc_o = ~crc_q;

endmodule
