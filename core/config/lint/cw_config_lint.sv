// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Elaborates both packages for linters: every function is called, on widths that are no powers of
/// two.
module cw_config_lint
  import cw_pkg::*;
  import cw_program_pkg::*;
(
    input  logic [    HeaderWords*32-1:0] header_words_i,
    input  logic [DescriptorWords*32-1:0] descriptor_words_i,
    output header_t                       header_o,
    output descriptor_t                   descriptor_o,
    output logic [                  31:0] sizes_o
);

  localparam cfg_t Cfg = '{
      Rows: 7,
      Columns: 12,
      Drain: 3,
      PixelBits: 5,
      WeightBits: 6,
      SumBits: 27,
      AxiBits: 64,
      AddrBits: 40,
      PixelRows: 200,
      WeightRows: 100,
      BiasRows: 30,
      MaxBurst: 16,
      MaxOutstanding: 4,
      PerfLayers: 20,
      Hash: 32'h12345678
  };

  assign header_o     = decode_header(header_words_i);
  assign descriptor_o = decode_descriptor(descriptor_words_i);
  assign sizes_o      = word_bytes(Cfg) + post_bits(Cfg) + bias_bytes(Cfg) + weight_row_bytes(Cfg)
      + drain_beats(Cfg);

endmodule
