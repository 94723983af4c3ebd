# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The flow cw_icarus by plain ``fusesoc run``: all that fails ends non-zero.

What needs Icarus is nightly: ``./cw test`` asks for no simulator but Verilator.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.testing.fusesoc import run_target

# Icarus 11 stops at `int unsigned`; package, include file, text and macro are there for Yosys.
PACKAGE = "package cw_step_pkg;\n  typedef logic [7:0] byte_t;\nendpackage\n"
MODULE = """\
/// Adds a step in each cycle.
module cw_next
  import cw_step_pkg::*;
#(
  parameter int unsigned Step = 1,
  parameter Text = "",
  localparam int unsigned Twice = 2 * Step
) (
  input  logic  clk_i,
  input  logic  rst_ni,
  output byte_t sum_o,
  output byte_t text_o
);
  `include "cw_next.svh"
  assign text_o = byte_t'(Text);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) sum_o <= '0;
    else sum_o <= sum_o + byte_t'(Twice / `HALF);
  end
`ifndef SYNTHESIS
  StepLegal_A : assert property (@(posedge clk_i) Step > 0);
`endif
endmodule
"""
BENCH = """\
import cocotb
from cocotb.triggers import FallingEdge

from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins


@cocotb.test
async def adds_a_step(dut):
    dut = Pins(dut)
    await start(dut)
    assert dut.text_o.value == ord(bench_parameters()["Text"].strip('"')[-1])
    for n in range(5):
        before = dut.sum_o.value
        await FallingEdge(dut.clk_i)
        assert dut.sum_o.value == before + bench_parameters()["Step"]
"""
CORE = """\
CAPI=2:
name: "corewright:planted:next:0"
filesets:
  rtl:
    files:
      - "inc/cw_next.svh": {is_include_file: true}
      - "rtl/cw_step_pkg.sv"
      - "rtl/cw_next.sv"
    file_type: "systemVerilogSource"
  dv:
    files:
      - "tb_next.py": {file_type: "user", copyto: "tb_next.py"}
parameters:
  Step: {datatype: "int", default: 3, paramtype: "vlogparam"}
  Text: {datatype: "str", default: "two words", paramtype: "vlogparam"}
  HALF: {datatype: "int", default: 2, paramtype: "vlogdefine"}
targets:
  icarus:
    filesets: ["rtl", "dv"]
    toplevel: "cw_next"
    parameters: ["Step", "Text", "HALF"]
    flow: "cw_icarus"
    flow_options: {cocotb_module: "tb_next"}
"""


def planted(
    folder: Path, *arguments: str, module: str = MODULE, bench: str = BENCH, core: str = CORE
) -> tuple[int, str]:
    for name, text in {
        "inc/cw_next.svh": "",
        "rtl/cw_next.svh": "",
        "rtl/cw_step_pkg.sv": PACKAGE,
        "rtl/cw_next.sv": module,
        "tb_next.py": bench,
        "next.core": core,
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return run_target("corewright:planted:next", "icarus", folder, *arguments)


def work_root(folder: Path) -> Path:
    (found,) = folder.glob("build/*/icarus")
    return found


@pytest.mark.nightly
def test_a_good_design_passes_and_a_bug_that_comes_later_does_not(tmp_path: Path):
    status, output = planted(tmp_path, "--Step", "5")
    assert status == 0, output
    assert "PASS=1 FAIL=0" in output
    assert "Running on Icarus Verilog" in output
    work = work_root(tmp_path)
    assert list((work / "runs").iterdir()) == []
    compiled = (work / "sim.vvp").read_bytes()

    # What was compiled of the good design does not stand for a bad one.
    status, output = planted(tmp_path, "--Step", "5", module=MODULE.replace("sum_o +", "sum_o -"))
    assert status != 0
    assert "1 of 1 tests failed" in output
    assert "COREWRIGHT_SEED=" in output
    assert (work / "sim.vvp").read_bytes() != compiled


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("module", "bench", "why"),
    [
        (MODULE, BENCH.replace("@cocotb.test\n", ""), "No tests were discovered"),
        # Nobody has written the register: Verilator would have made it a number.
        (MODULE.replace("sum_o <= '0;", ";"), BENCH, "1 of 1 tests failed"),
    ],
    ids=["no_test", "unknown_value"],
)
def test_what_does_not_test_ends_non_zero(tmp_path: Path, module: str, bench: str, why: str):
    status, output = planted(tmp_path, module=module, bench=bench)
    assert status != 0, output
    assert why in output


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("module", "arguments", "why"),
    [
        (MODULE.replace("byte_t sum_o", "bite_t sum_o"), [], "bite_t"),
        (MODULE, ["--iverilog_options=--no-such"], "invalid option"),
        (MODULE, ["--yosys", "no-such-yosys -q"], "no-such-yosys is not installed: pip install"),
    ],
    ids=["yosys", "iverilog", "missing"],
)
def test_what_does_not_compile_ends_non_zero_and_is_not_run(tmp_path, module, arguments, why):
    status, output = planted(tmp_path, *arguments, module=module)
    assert status != 0
    assert why in output
    assert not (work_root(tmp_path) / "runs").exists()


def test_a_machine_without_icarus_is_told_so_in_one_line(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    status, output = planted(tmp_path)
    assert status != 0
    (line,) = (line for line in output.splitlines() if line.startswith("ERROR"))
    assert "iverilog and make are not installed: please run apt-get install iverilog make" in line


def test_two_sources_of_one_name_are_refused(tmp_path: Path):
    core = CORE.replace('"rtl/cw_step_pkg.sv"', '"rtl/cw_next.svh"')
    status, output = planted(tmp_path, core=core)
    assert status != 0
    assert "cw_icarus: two sources are called cw_next.svh" in output
