# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A core small enough to be synthesised, placed and routed in a test."""

from pathlib import Path

import pytest

# A product of 9 bits between registers, in an instance.
DESIGN = """\
module mill (input logic clk_i, input logic [8:0] a_i, output logic [17:0] product_o);
  logic [8:0] a_q;
  always_ff @(posedge clk_i) begin
    a_q       <= a_i;
    product_o <= a_q * a_q;
  end
endmodule
module top (input logic clk_i, input logic [8:0] a_i, output logic [17:0] product_o);
  mill u_mill (.clk_i, .a_i, .product_o);
endmodule
"""
CORE = """\
CAPI=2:
name: "mine:blocks:top:0"
filesets:
  rtl: {files: ["top.sv"], file_type: "systemVerilogSource"}
targets:
  synth: {filesets: ["rtl"], toplevel: "top", flow: "cw_synth"}
  ecp5: {filesets: ["rtl"], toplevel: "top", flow: "cw_ecp5"}
"""


@pytest.fixture
def design(tmp_path: Path) -> Path:
    """Folder of the core ``mine:blocks:top``, with its source ``top.sv``."""
    (tmp_path / "top.sv").write_text(DESIGN, encoding="utf-8")
    (tmp_path / "top.core").write_text(CORE, encoding="utf-8")
    return tmp_path
