# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The family ``asic`` of the flow ``cw_synth``, with the real library, Yosys and OpenSTA."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from corewright.cli import synth
from corewright.cli.main import main as cw
from corewright.silicon import read_budgets, timing
from corewright.silicon.timing import missing_for_asic
from corewright.testing.fusesoc import run_target

# A NAND between three registers: 3 DFFPOSX1 of 96 um2 and a NAND2X1 of 24.
NAND = """\
module top (input logic clk_i, input logic a_i, input logic b_i, output logic q_o);
  logic a_q, b_q;
  always_ff @(posedge clk_i) begin
    a_q <= a_i;
    b_q <= b_i;
    q_o <= ~(a_q & b_q);
  end
endmodule
"""
# A memory that a macro can be; one with too few words, and one that is read without a clock.
MEMORIES = """\
module store #(parameter int Words = 64) (
    input logic clk_i, input logic [6:0] at_i, input logic [7:0] data_i, output logic [7:0] data_o
);
  logic [7:0] mem_q [Words];
  logic [6:0] at_q;
  logic [7:0] read_q;
  always_ff @(posedge clk_i) begin
    at_q <= at_i;
    mem_q[at_q[$clog2(Words)-1:0]] <= data_i;
    read_q <= mem_q[at_i[$clog2(Words)-1:0]];
    data_o <= read_q + 8'd3;
  end
endmodule
module top (
    input logic clk_i, input logic [6:0] at_i, input logic [7:0] data_i,
    output logic [7:0] large_o, output logic [7:0] small_o, output logic [7:0] queue_o,
    output logic [7:0] double_o
);
  logic [7:0] queue_q [128];
  logic [3:0] double_q [128];
  logic [6:0] at_q;
  store #(.Words(64)) u_large (.clk_i, .at_i, .data_i, .data_o(large_o));
  store #(.Words(4)) u_small (.clk_i, .at_i, .data_i, .data_o(small_o));
  always_ff @(posedge clk_i) begin
    at_q <= at_i;
    queue_q[at_q] <= data_i;
    double_q[at_q] <= data_i[3:0];
    double_o <= {double_q[at_i], double_q[at_i ^ 7'd5]};
  end
  assign queue_o = queue_q[at_i];
endmodule
"""
CORE = """\
CAPI=2:
name: "mine:blocks:top:0"
filesets:
  rtl: {files: ["top.sv"], file_type: "systemVerilogSource"}
targets:
  synth: {filesets: ["rtl"], toplevel: "top", flow: "cw_synth", flow_options: {family: "asic"}}
"""


@pytest.fixture
def installed() -> None:
    """Skip a test, and say it in the summary, where the tools are missing."""
    if absent := missing_for_asic():
        warnings.warn(f"the family asic is not tested: {absent}", stacklevel=1)
        pytest.skip(absent)


def synthesised(folder: Path, source: str, *words: str) -> dict[str, Any]:
    """The summary of a source's module ``top``."""
    write(folder, source)
    status, log = run_target("mine:blocks:top", "synth", folder, *words)
    assert status == 0, log
    result: dict[str, Any] = json.loads(summary_file(folder).read_text(encoding="utf-8"))
    return result


def write(folder: Path, source: str) -> None:
    (folder / "top.sv").write_text(source, encoding="utf-8")
    (folder / "top.core").write_text(CORE, encoding="utf-8")


def summary_file(folder: Path) -> Path:
    (work,) = folder.glob("build/*/synth")
    return work / "synth.json"


@pytest.mark.usefixtures("installed")
def test_a_nand_between_registers_takes_what_the_library_says(tmp_path: Path):
    summary = synthesised(tmp_path, NAND)
    assert summary["cells"] == {"DFFPOSX1": 3, "NAND2X1": 1}
    assert summary["total"] == {
        "area_um2": 3 * 96 + 24,
        "ge": 3 * 4 + 1,
        "ff": 3,
        "memory_bits": 0,
    }
    assert (summary["levels"], summary["memories"]) == (1, [])
    found = summary["timing"]
    assert [cell["cell"] for cell in found["critical_cells"]] == ["DFFPOSX1", "NAND2X1"]
    # What remains is the register's setup; of the library's tables none is above half a ns.
    setup = found["nanoseconds"] - sum(cell["nanoseconds"] for cell in found["critical_cells"])
    assert 0 < setup < 0.5
    assert found["clock_mhz"] == pytest.approx(1000 / found["nanoseconds"], rel=1e-3)
    (path,) = found["paths"]
    assert path["begin"] in ("a_q", "b_q")
    assert path["end"] == "q_o"
    assert path["end_source"].startswith("top.sv:3")


@pytest.mark.usefixtures("installed")
def test_memories_with_registered_reads_are_bits_and_others_flip_flops(tmp_path: Path):
    summary = synthesised(tmp_path, MEMORIES, "--memory_ns=7")
    assert summary["memories"] == [
        {"words": 64, "width": 8, "count": 1},
        {"words": 128, "width": 4, "count": 1},
    ]
    assert summary["blocks"]["u_large"]["memory_bits"] == 512
    assert summary["total"]["memory_bits"] == 512 + 512
    # Its words, the word that was read, what is added to it, and the registered address.
    assert summary["blocks"]["u_small"]["ff"] >= 4 * 8 + 8 + 8
    assert summary["total"]["ff"] >= 128 * 8 + 4 * 8
    slowest = summary["timing"]["paths"][0]
    assert slowest["begin"] == "u_large.mem_q"
    assert slowest["end"] == "u_large.data_o"
    assert slowest["nanoseconds"] > 7
    assert summary["timing"]["critical_cells"][0]["nanoseconds"] == pytest.approx(7)


@pytest.mark.usefixtures("installed")
def test_the_size_from_which_a_memory_is_one_is_an_option(tmp_path: Path):
    summary = synthesised(tmp_path, MEMORIES, "--memory_words=129")
    assert summary["total"]["memory_bits"] == 0
    assert summary["memories"] == []


@pytest.mark.usefixtures("installed")
def test_a_latch_is_no_part_of_a_design(tmp_path: Path):
    latch = NAND.replace("always_ff @(posedge clk_i)", "always_latch if (clk_i)")
    write(tmp_path, latch)
    status, log = run_target("mine:blocks:top", "synth", tmp_path)
    assert status != 0
    assert "LATCH is a latch" in log
    assert not summary_file(tmp_path).exists()


@pytest.mark.usefixtures("installed")
def test_a_report_that_is_not_whole_is_no_result_whatever_the_status(tmp_path: Path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sta").write_text("#!/bin/sh\necho corewright: paths\n", encoding="utf-8")
    (tools / "sta").chmod(0o755)
    write(tmp_path, NAND)
    status, log = run_target("mine:blocks:top", "synth", tmp_path, tools=tools)
    assert status != 0
    assert "the report of OpenSTA is not whole" in log
    assert not summary_file(tmp_path).exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--liberty=none.lib"], "liberty is none.lib, which is no file"),
        (["--liberty=top.sv"], "is no library in Liberty's form"),
        (["--nand2=NAND9"], "has no NAND9: the option nand2"),
        (["--inverter=INV9"], "has no INV9: the option inverter"),
        (["--memory_ns=-1"], "memory_ns is -1, legal are numbers above 0"),
        (["--clock_mhz=0"], "clock_mhz is 0, legal are numbers above 0"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_wrong_options_are_refused(tmp_path: Path, words: list[str], message: str):
    write(tmp_path, NAND)
    words = [word.replace("top.sv", str(tmp_path / "top.sv")) for word in words]
    status, log = run_target("mine:blocks:top", "synth", tmp_path, *words)
    assert status != 0
    assert message in log


def test_what_has_to_be_installed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(timing, "LIBRARY_FILE", tmp_path / "none.lib")
    monkeypatch.setattr(timing, "opensta", lambda: None)
    assert "apt-get install qflow-tech-osu018 opensta" in missing_for_asic()
    assert missing_for_asic(tmp_path / "own.lib") == (
        "opensta is not installed: please run apt-get install opensta, or what this system has "
        "for it"
    )
    assert cw(["synth", "corewright:core:pe_integer", "--family", "asic"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "qflow-tech-osu018 and opensta are not installed" in line
    assert "the option liberty of the target synth names another library" in line
    # Rows of a family that was not asked for are named, and no failure.
    budgets = [budget for budget in read_budgets() if budget.family == "asic"]
    monkeypatch.setattr(synth, "read_budgets", lambda: budgets)
    report = tmp_path / "rows.json"
    assert cw(["synth", "--rows", "4x4", "--family", "asic", "--json", str(report)]) == 1
    rows = json.loads(report.read_text(encoding="utf-8"))
    assert rows["not_measured"] == []
    assert rows["problems"][0].startswith("4x4, asic: qflow-tech-osu018")
    assert cw(["synth", "--rows", "4x4", "--json", str(report)]) == 0
    rows = json.loads(report.read_text(encoding="utf-8"))
    assert rows["problems"] == []
    assert rows["not_measured"][0].startswith("4x4, asic: qflow-tech-osu018")
    assert "not measured: 4x4, asic" in capsys.readouterr().out
