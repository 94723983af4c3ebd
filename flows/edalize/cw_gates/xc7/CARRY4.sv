// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Four bits of a carry chain (AMD UG953). Yosys' model is the same with each carry read back from the
/// output port, which simulators take for a loop.
module CARRY4 (
    output logic [3:0] CO,
    output logic [3:0] O,
    input  logic       CI,
    input  logic       CYINIT,
    input  logic [3:0] DI,
    input  logic [3:0] S
);

  logic carry_0, carry_1, carry_2, carry_3;
  assign carry_0 = CI | CYINIT;
  assign carry_1 = S[0] ? carry_0 : DI[0];
  assign carry_2 = S[1] ? carry_1 : DI[1];
  assign carry_3 = S[2] ? carry_2 : DI[2];
  assign CO = {S[3] ? carry_3 : DI[3], carry_3, carry_2, carry_1};
  assign O = S ^ {carry_3, carry_2, carry_1, carry_0};

endmodule
