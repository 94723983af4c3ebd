# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The flow cw_cocotb by plain ``fusesoc run``: all that fails ends non-zero."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from corewright.environment import repository_root, tool_environment
from corewright.testing.fusesoc import run_target

MODULE = """\
/// Adds one.
module cw_next #(
  parameter int unsigned Step = 1
) (
  input  logic [7:0] a_i,
  output logic [7:0] b_o
);
  assign b_o = a_i + 8'(Step);
endmodule
"""
BENCH = """\
import cocotb
from cocotb.triggers import Timer

from corewright.testing.cocotb_runner import bench_parameters


@cocotb.test()
async def adds_a_step(dut):
    step = bench_parameters()["Step"] + bench_parameters()["more"]
    for a in range(256):
        dut.a_i.value = a
        await Timer(1, "ns")
        assert int(dut.b_o.value) == (a + step) % 256
"""
CORE = """\
CAPI=2:
name: "corewright:planted:next:0"
filesets:
  rtl:
    files:
      - "cw_next.sv": {file_type: "systemVerilogSource"}
      - "tb_next.py": {file_type: "user", copyto: "tb_next.py"}
parameters:
  Step: {datatype: "int", default: 1, paramtype: "vlogparam"}
targets:
  sim:
    filesets: ["rtl"]
    toplevel: "cw_next"
    parameters: ["Step"]
    flow: "cw_cocotb"
    flow_options: {cocotb_module: "tb_next", bench_options: ["more=0"]}
"""


def planted(folder: Path, *arguments: str, module: str = MODULE, bench: str = BENCH):
    (folder / "cw_next.sv").write_text(module, encoding="utf-8")
    (folder / "tb_next.py").write_text(bench, encoding="utf-8")
    (folder / "next.core").write_text(CORE, encoding="utf-8")
    return run_target("corewright:planted:next", "sim", folder, *arguments)


def test_a_good_design_passes_and_leaves_no_run_behind(tmp_path: Path):
    status, output = planted(tmp_path)
    assert status == 0, output
    assert "PASS=1 FAIL=0" in output
    (work_root,) = tmp_path.glob("build/*/sim")
    assert list((work_root / "runs").iterdir()) == []
    # The Makefile does what FuseSoC does.
    made = subprocess.run(["make", "run"], cwd=work_root, env=tool_environment(), check=False)
    assert made.returncode == 0


def test_a_bug_in_the_design_ends_non_zero(tmp_path: Path):
    status, output = planted(tmp_path, module=MODULE.replace("a_i +", "a_i -"))
    assert status != 0
    assert "1 of 1 tests failed" in output
    assert "COREWRIGHT_SEED=" in output


@pytest.mark.parametrize(
    ("bench", "arguments", "why"),
    [
        (BENCH.replace("@cocotb.test()\n", ""), [], "No tests were discovered"),
        (BENCH, ["--cocotb_test_filter", "subtracts"], "no test"),
        (BENCH.replace("import cocotb\n", "import cocotbs\n", 1), [], "No module named"),
        (BENCH, ["--bench_options", "more=1"], "'more=1'|tests failed"),
        (BENCH, ["--bench_options", "more"], "is not NAME=JSON"),
        (BENCH, ["--seed", "0"], "seed 0 is not in 1"),
    ],
    ids=["no_test", "filter", "import", "options", "malformed", "seed"],
)
def test_what_does_not_test_ends_non_zero(tmp_path: Path, bench, arguments, why):
    status, output = planted(tmp_path, *arguments, bench=bench)
    assert status != 0, output
    assert any(reason in output for reason in why.split("|")), output


def test_what_does_not_compile_ends_non_zero_and_is_not_run(tmp_path: Path):
    status, output = planted(tmp_path, module=MODULE.replace("output logic [7:0]", "output logic"))
    assert status != 0
    assert "building cw_next" in output
    assert not list(tmp_path.glob("build/*/sim/runs"))


def test_no_flow_of_ours_hides_one_of_edalizes():
    import edalize.flows

    names = [{path.name for path in Path(folder).glob("*.py")} for folder in edalize.flows.__path__]
    ours = {path.name for path in (repository_root() / "flows" / "edalize" / "flows").glob("*.py")}
    theirs = set().union(*(found for found in names if found != ours))
    assert "sim.py" in theirs and "cw_cocotb.py" in ours
    assert ours & theirs == set()
