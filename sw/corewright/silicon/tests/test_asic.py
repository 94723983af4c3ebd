# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Libraries, netlists of their cells and reports of OpenSTA that are made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corewright.silicon import NetlistError, count, exceeded, summary_of
from corewright.silicon.__main__ import main
from corewright.silicon.budgets import read_budgets
from corewright.silicon.liberty import Library, library_of, read_library
from corewright.silicon.netlist import Netlist, netlist_of
from corewright.silicon.rows import AsicRow
from corewright.silicon.table import table
from corewright.silicon.timing import timing_of, write_inputs

LIBERTY = """\
/* { a comment } */
library(small) {
  time_unit : "1ns";
  capacitive_load_unit (1,pf);
  cell (NAND2X1) {
    area : 24;
    pin(A) { direction : input; } pin(B) { direction : input; }
    pin(Y) {
      direction : output; function : "(!(A B))";
      timing() { related_pin : "A"; cell_rise(t) { values ( \\
        "0.1, 0.2", \\
        "0.3, 0.4"); } }
    }
  }
  cell (DFF) {
    area : 96.6;
    ff (IQ,IQN) { next_state : "D"; clocked_on : "CLK"; }
    pin(CLK) { direction : input; clock : true; } pin(D) { direction : input; }
    pin(Q) { direction : output; }
  }
  cell (DFFN) {
    area : 96;
    ff (IQ,IQN) { next_state : "D"; clocked_on : "(!CLK)"; }
    pin(CLK) { direction : input; } pin(D) { direction : input; } pin(Q) { direction : output; }
  }
  cell (LATCH) {
    area : 50;
    latch (IQ,IQN) { enable : "E"; data_in : "D"; }
    pin(E) { direction : input; } pin(D) { direction : input; } pin(Q) { direction : output; }
  }
  cell (FREE) { area : 0; pin(Y) { direction : output; } }
  cell (WIDE) { area : 9; bus(A) { direction : input; } pin(Y) { direction : output; } }
}
"""
# What OpenSTA 2.0.17 prints of a path from the first cell through the second into the third.
REPORT = """\
corewright: paths
Startpoint                           Endpoint                                 Slack
----------------------------------------------------------------------------------

c0/Q (DFF)                           c2/D (DFF)                              9.2500
c0/Q (DFF)                           c3_i1/D (DFF)                           9.5000

Startpoint: c0 (rising edge-triggered flip-flop clocked by clock)
Endpoint: c2 (rising edge-triggered flip-flop clocked by clock)
Path Group: clock
Path Type: max

     Slew     Delay      Time   Description
----------------------------------------------------------------------
   0.0000    0.0000    0.0000   clock clock (rise edge)
             0.0000    0.0000   clock network delay (ideal)
   0.0000    0.0000    0.0000 ^ c0/CLK (DFF)
   0.0375    0.2500    0.2500 v c0/Q (DFF)
   0.0914    0.3000    0.5500 ^ c1/Y (NAND2X1)
   0.0914    0.0000    0.5500 ^ c2/D (DFF)
                       0.5500   data arrival time

   0.0000   10.0000   10.0000   clock clock (rise edge)
             0.0000   10.0000   clock network delay (ideal)
             0.0000   10.0000   clock reconvergence pessimism
                      10.0000 ^ c2/CLK (DFF)
            -0.2000    9.8000   library setup time
                       9.8000   data required time
----------------------------------------------------------------------
                       9.8000   data required time
                      -0.5500   data arrival time
----------------------------------------------------------------------
                       9.2500   slack (MET)


corewright: done
"""
NO_PATHS = "corewright: paths\nNo paths found.\nNo paths found.\ncorewright: done\n"


def library() -> Library:
    return library_of(LIBERTY)


def module(register: str = "DFF", clock: int = 2) -> dict[str, Any]:
    """Two registers, a NAND between them, and a memory of 64 words of 2 bits behind."""

    def cell(kind: str, scope: str, **connections: list[int | str]) -> dict[str, Any]:
        attributes = {"src": "a.sv:7.3", "scopename": scope}
        return {"type": kind, "attributes": attributes, "connections": connections}

    memory: dict[str, list[int | str]] = {
        "RD_CLK": [2],
        "WR_CLK": [2],
        "RD_ADDR": [5],
        "RD_EN": ["1"],
        "WR_ADDR": [5],
        "WR_EN": [5, 5],
        "WR_DATA": [6, 6],
        "RD_DATA": [8, 9],
    }
    names = {"clk_i": 2, "d_i": 3, "u_a.d_q": 4, "u_b.e_q": 6, "q_o": 8}
    return {
        "attributes": {"src": "top.sv:1.1"},
        "ports": {
            "clk_i": {"direction": "input", "bits": [2]},
            "d_i": {"direction": "input", "bits": [3]},
            "q_o": {"direction": "output", "bits": [8]},
        },
        "cells": {
            "$ff1": cell(register, "u_a", CLK=[clock], D=[3], Q=[4]),
            "$nand": cell("NAND2X1", "", A=[4], B=[4], Y=[5]),
            "$ff2": cell(register, "u_b", CLK=[clock], D=[5], Q=[6]),
            "u_b.mem_q": {
                **cell("$mem_v2", "u_b", **memory),
                "parameters": {"SIZE": f"{64:032b}", "WIDTH": f"{2:032b}"},
            },
        },
        "netnames": {
            name: {"hide_name": 0, "bits": [bit], "attributes": {}} for name, bit in names.items()
        },
    }


def netlist(register: str = "DFF", clock: int = 2) -> Netlist:
    return netlist_of(module(register, clock), "top", "asic", library())


def test_areas_add_up_by_block_and_memories_are_bits():
    blocks = count(netlist())
    # The NAND belongs to what it drives.
    assert blocks == {
        "u_a": {"area_um2": 96.6, "ge": 4, "ff": 1, "memory_bits": 0},
        "u_b": {"area_um2": 120.6, "ge": 5, "ff": 1, "memory_bits": 128},
    }
    summary = summary_of(netlist())
    assert summary["total"] == {"area_um2": 217.2, "ge": 9, "ff": 2, "memory_bits": 128}
    assert summary["memories"] == [{"words": 64, "width": 2, "count": 1}]
    assert summary["levels"] == 1


def test_a_report_says_the_clock_and_where_its_path_lies():
    found = timing_of(REPORT, netlist())
    assert (found["nanoseconds"], found["clock_mhz"]) == (0.75, 1333.3)
    assert found["critical_cells"] == [
        {"cell": "DFF", "nanoseconds": 0.25},
        {"cell": "NAND2X1", "nanoseconds": 0.3},
    ]
    first, second = found["paths"]
    assert (first["begin"], first["end"], first["end_source"]) == ("u_a.d_q", "u_b.e_q", "a.sv:7.3")
    assert (second["end"], second["nanoseconds"]) == ("u_b.mem_q", 0.5)
    assert found["block"] == "u_b"


def test_without_a_path_between_registers_there_is_no_clock():
    for text in (NO_PATHS, "corewright: done\n"):
        found = timing_of(text, netlist())
        assert (found["nanoseconds"], found["clock_mhz"], found["paths"]) == (None, None, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not whole"),
        (REPORT[: len(REPORT) // 2], "is not whole"),
        (REPORT.replace("corewright: done", ""), "is not whole"),
        (REPORT.replace("9.2500   slack", "9.3000   slack"), "slowest path differ"),
        (REPORT.replace("slack (MET)", ""), "no slowest path in full"),
        (REPORT.replace("c2/D", "c7/D"), "of another netlist: c7"),
        ("Error: sta.tcl, 3 no such file\ncorewright: done\n", "no such file"),
        ("Warning: a black box for DFF\n" + REPORT, "a black box for DFF"),
        ("corewright: paths\ncorewright: done\n", "neither a path nor"),
    ],
)
def test_reports_that_are_not_whole_or_not_understood_are_errors(text: str, message: str):
    with pytest.raises(NetlistError, match=message):
        timing_of(text, netlist())


def test_opensta_reads_numbered_wires_and_a_pin_for_each_of_a_memory(tmp_path: Path):
    write_inputs(netlist(), library(), "library.lib", tmp_path, 1.5)
    verilog = (tmp_path / "sta.v").read_text(encoding="utf-8")
    assert "module top (n2, n3, n8);" in verilog
    assert "  DFF c0 (.CLK(n2), .D(n3), .Q(n4));" in verilog
    assert "  NAND2X1 c1 (.A(n4), .B(n4), .Y(n5));" in verilog
    # Address and enable are one bit here, data the other: no pin stands twice.
    assert "  DFF c3_i0 (.CLK(n2), .D(n5));" in verilog
    assert "  DFF c3_i1 (.CLK(n2), .D(n6));" in verilog
    assert "c3_i2" not in verilog
    assert "  cw_memory_output c3_o1 (.CLK(n2), .Q(n9));" in verilog
    assert 'cell_rise(scalar) { values("1.5"); }' in (tmp_path / "memories.lib").read_text("utf-8")
    assert "[get_ports {n2}]" in (tmp_path / "sta.tcl").read_text("utf-8")


def test_clocks_that_are_not_timed_are_named(tmp_path: Path):
    with pytest.raises(NetlistError, match=r"u_a\.d_q: a clock that is no port"):
        write_inputs(netlist(clock=4), library(), "library.lib", tmp_path, 1)
    with pytest.raises(NetlistError, match="DFFN: registers on a falling edge"):
        write_inputs(netlist("DFFN"), library(), "library.lib", tmp_path, 1)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("LATCH", "LATCH is a latch"),
        ("FREE", "FREE has no area in small"),
        ("WIDE", "WIDE is no known cell of small"),
        ("$add", r"\$add is no known cell of small"),
    ],
)
def test_cells_that_cannot_be_counted_are_errors(kind: str, message: str):
    with pytest.raises(NetlistError, match=message):
        netlist(kind)
    with pytest.raises(NetlistError, match="asic needs a library"):
        netlist_of(module(), "top", "asic")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds 0 libraries"),
        (LIBERTY[: len(LIBERTY) // 2], "ends early"),
        (LIBERTY + "}", "is no library in Liberty's form"),
        ("library(empty) { }", "has no cells"),
        (LIBERTY.replace("NAND2X1", "ND2"), "has no NAND2X1: the option nand2"),
        (LIBERTY.replace("area : 24", "area : many"), "is no library in Liberty's form"),
    ],
)
def test_libraries_that_are_none_are_errors(text: str, message: str, tmp_path: Path):
    path = tmp_path / "library.lib"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NetlistError, match=rf"library\.lib: .*{message}"):
        read_library(path)


def test_the_command_needs_a_whole_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths = [tmp_path / name for name in ("n.json", "cells.lib", "timing.rpt", "synth.json")]
    made, cells, report, out = paths
    made.write_text(json.dumps({"modules": {"top": module()}}), encoding="utf-8")
    cells.write_text(LIBERTY, encoding="utf-8")
    words = [str(made), "--top", "top", "--family", "asic", "--out", str(out)]
    words += ["--library", str(cells), "--timing", str(report), "--memory-ns", "2"]
    assert main(words) == 1
    assert "timing.rpt: No such file" in capsys.readouterr().err
    report.write_text(REPORT, encoding="utf-8")
    assert main(words) == 0
    summary = json.loads(out.read_text(encoding="utf-8"))
    assert (summary["timing"]["nanoseconds"], summary["timing"]["memory_ns"]) == (0.75, 2)
    report.write_text(REPORT[:-9], encoding="utf-8")
    assert main(words) == 1
    assert not out.exists()


# ------------------------------------------------------------------------- budgets and the table
BUDGET = """
[[budget]]
name = "4x4"
hardware = { processing_elements = [4, 4] }
family = "asic"
most = { area_um2 = 200, ge = 9, levels = 4 }
least = { clock_mhz = 1400 }
goal = { clock_mhz = 2000, ge = 5 }
"""


def test_budgets_limit_area_from_above_and_the_clock_from_below(tmp_path: Path):
    path = tmp_path / "silicon.toml"
    path.write_text(BUDGET, encoding="utf-8")
    (budget,) = read_budgets(path)
    summary = summary_of(netlist(), timing_of(REPORT, netlist()))
    assert exceeded(budget, summary) == [
        "area_um2 is 217.2, at most 200 is budgeted for 4x4 on asic",
        "clock_mhz is 1,333.3, at least 1,400 is budgeted for 4x4 on asic",
    ]
    no_clock = summary_of(netlist(), timing_of(NO_PATHS, netlist()))
    assert "clock_mhz is 0, at least" in exceeded(budget, no_clock)[1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ge = 9", "lut = 9", "most: lut is unknown, legal are area_um2, ge"),
        ('"asic"', '"xc7"', "most: area_um2 is unknown, legal are lut"),
        ("clock_mhz = 1400", "ge = 9", "least: ge is unknown, legal are clock_mhz"),
    ],
)
def test_limits_are_those_of_the_family(tmp_path: Path, old: str, new: str, message: str):
    path = tmp_path / "silicon.toml"
    path.write_text(BUDGET.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_budgets(path)


def test_the_table_of_standard_cells_says_that_there_are_no_wires():
    row = AsicRow(
        name="4x4",
        family="asic",
        date="2026-11-28",
        rtl="0123456789abcdef",
        yosys="0.70",
        opensta="2.0.17",
        area_um2=5000000,
        ge=208333.3,
        ff=18000,
        memory_bits=180224,
        clock_mhz=180.5,
        levels=31,
        processor_seconds=90.0,
    )
    text = table([row])
    assert "before layout: no wires" in text
    assert (
        "| 4x4 | asic | 5,000,000 | 208,333 | 18,000 | 180,224 | 180.5 (200) | 31 | 1.5 min "
        "| 2026-11-28 | `0123456789ab` |"
    ) in text
