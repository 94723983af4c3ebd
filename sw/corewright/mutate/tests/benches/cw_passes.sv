// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// A wire.
module cw_passes (
  input  logic [7:0] a_i,
  output logic [7:0] b_o
);
  assign b_o = a_i;
endmodule
