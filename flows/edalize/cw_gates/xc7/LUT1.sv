// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Lookup table of 1 input (AMD UG953), as one indexed word: what simulators do with the multiplexers
/// of Yosys' model is several times as much code.
module LUT1 #(
    parameter logic [1:0] INIT = '0
) (
    output logic O,
    input  logic I0
);

  assign O = INIT[I0];

endmodule
