// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Lookup table of 5 inputs (AMD UG953), as one indexed word: what simulators do with the multiplexers
/// of Yosys' model is several times as much code.
module LUT5 #(
    parameter logic [31:0] INIT = '0
) (
    output logic O,
    input  logic I0, I1, I2, I3, I4
);

  assign O = INIT[{I4, I3, I2, I1, I0}];

endmodule
