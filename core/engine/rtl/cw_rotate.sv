// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Turns a ring of items: item i of the result is item (i + by_i) mod Items, with Up item
/// (i - by_i) mod Items. Combinational. It goes by powers of two, so that all items share each choice,
/// also where Items is no power of two.
module cw_rotate #(
    parameter  int unsigned Items  = 8,
    parameter  int unsigned Bits   = 8,
    parameter  bit          Up     = 1'b0,
    localparam int unsigned ByBits = Items > 1 ? $clog2(Items) : 1
) (
    input  logic [Items-1:0][Bits-1:0] items_i,
    input  logic [ByBits-1:0]          by_i,
    output logic [Items-1:0][Bits-1:0] items_o
);

  always_comb begin
    items_o = items_i;
    for (int unsigned b = 0; b < ByBits; b++) begin
      automatic logic [Items-1:0][Bits-1:0] straight = items_o;
      for (int unsigned i = 0; i < Items; i++) begin
        if (by_i[b]) items_o[i] = straight[(Up?i+Items-(1<<b) : i+(1<<b))%Items];
      end
    end
  end

endmodule
