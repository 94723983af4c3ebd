# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Netlists that are made by hand: counts, blocks and levels are known of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corewright.silicon import NetlistError, count, exceeded, longest_paths, summary_of
from corewright.silicon.__main__ import main
from corewright.silicon.budgets import read_budgets
from corewright.silicon.cells import passes
from corewright.silicon.netlist import Netlist, block_of, netlist_of
from corewright.silicon.resources import total
from corewright.silicon.rows import Row, stale
from corewright.silicon.table import table


class Design:
    """A module as Yosys writes it, cell by cell; wires are numbered by name."""

    def __init__(self) -> None:
        self.wires: dict[str, int] = {}
        self.cells: dict[str, Any] = {}
        self.ports: dict[str, Any] = {}

    def bit(self, name: str) -> int | str:
        return name if name in ("0", "1", "x") else self.wires.setdefault(name, len(self.wires) + 2)

    def add(self, kind: str, parameters: dict[str, str] | None = None, **ports: str) -> None:
        """Add a cell; several bits of a port have spaces between, its scope is in `scope`."""
        scope = ports.pop("scope", "")
        self.cells[ports.pop("name", f"$cell${len(self.cells)}")] = {
            "type": kind,
            "parameters": parameters or {},
            "attributes": {"src": "a.sv:1.2|/share/x.v:3"}
            | ({"scopename": scope} if scope else {}),
            "connections": {
                port: [self.bit(b) for b in bits.split()] for port, bits in ports.items()
            },
        }

    def register(self, d: str, q: str, scope: str | None = None) -> None:
        self.add("FDRE", C="clk", D=d, Q=q, CE="1", scope=scope or "")

    def module(self) -> dict[str, Any]:
        names = {
            name: {"hide_name": int(name.startswith("$")), "bits": [bit], "attributes": {}}
            for name, bit in self.wires.items()
        }
        return {
            "attributes": {"top": "1"},
            "ports": self.ports,
            "cells": self.cells,
            "netnames": names,
        }

    def netlist(self, family: str = "xc7") -> Netlist:
        return netlist_of(self.module(), "top", family)


def chain(luts: int) -> Design:
    """Two registers with LUTs in a row between them."""
    design = Design()
    design.register("back", "w0")
    for index in range(luts):
        design.add("LUT1", I0=f"w{index}", O=f"w{index + 1}")
    design.register(f"w{luts}", "end")
    return design


@pytest.mark.parametrize("luts", [0, 1, 7, 3000])
def test_a_level_is_a_lut_between_registers(luts: int):
    (path,) = longest_paths(chain(luts).netlist())
    assert (path.levels, path.begin, path.end) == (luts, "w0", "end")
    assert path.begin_source == path.end_source == "a.sv:1.2"


def test_a_carry_chain_is_one_level_and_what_is_in_front_of_it_counts():
    design = Design()
    design.register("back", "a")
    design.add("LUT2", I0="a", I1="a", O="s")
    design.add(
        "CARRY4", CI="0", CYINIT="0", S="s s s s", DI="a a a a", O="o0 o1 o2 o3", CO="x x x c0"
    )
    for index in range(20):
        design.add("CARRY4", CI=f"c{index}", S="s", DI="a", O=f"p{index}", CO=f"x x x c{index + 1}")
    design.register("p19", "sum_q")
    (path,) = longest_paths(design.netlist())
    assert path.levels == 2


def test_a_carry_out_that_leaves_its_chain_costs_the_next_level():
    design = Design()
    design.register("back", "a")
    design.add("CARRY4", CI="0", S="a", DI="a", O="o", CO="c")
    design.add("LUT2", I0="c", I1="a", O="l")
    design.add("CARRY4", CI="l", S="a", DI="a", O="p", CO="d")
    design.register("p", "sum_q")
    assert longest_paths(design.netlist())[0].levels == 3


def test_wide_multiplexers_in_a_slice_are_no_level():
    design = Design()
    design.register("back", "a")
    design.add("LUT6", I0="a", O="l")
    design.add("MUXF7", I0="l", I1="l", S="a", O="m")
    design.register("m", "q")
    assert longest_paths(design.netlist())[0].levels == 1


def test_memories_in_luts_are_read_through_a_level_and_end_what_writes_them():
    design = Design()
    design.register("back", "a")
    design.add("LUT1", I0="a", O="address")
    design.add("LUT1", I0="a", O="d0")
    design.add("LUT1", I0="d0", O="d1")
    design.add("LUT1", I0="d1", O="d2")
    design.add("RAM32M", name="u_m.mem_q.0.0", ADDRA="address", DIA="d2", WCLK="clk", DOA="read")
    design.register("read", "q")
    found = {path.end: path.levels for path in longest_paths(design.netlist())}
    assert found == {"q": 2, "u_m.mem_q": 3}


def test_paths_of_ports_are_left_out():
    design = Design()
    design.add("LUT1", I0="port", O="l")
    design.register("l", "q")
    assert longest_paths(design.netlist()) == []


def test_bits_of_a_register_are_one_end():
    design = chain(2)
    design.register("w2", "q[0]")
    design.register("w1", "q[1]")
    assert sorted(path.end for path in longest_paths(design.netlist())) == ["end", "q"]


def test_lines_that_yosys_has_lost_are_those_of_the_declaration_or_the_module():
    design = chain(1)
    design.cells["u_a.u_b"] = {
        "type": "$scopeinfo",
        "attributes": {"module_src": "b.sv:9.1"},
        "connections": {},
    }
    for cell in design.cells.values():
        cell["attributes"].pop("src", None)
    module = design.module()
    module["attributes"]["src"] = "top.sv:1.1"
    names = module["netnames"]
    names["u_a.u_b.w[3]"] = names.pop("w0")
    names["end"]["attributes"]["src"] = "top.sv:5.1"
    (path,) = longest_paths(netlist_of(module, "top", "xc7"))
    assert (path.begin, path.begin_source) == ("u_a.u_b.w", "b.sv:9.1")
    assert (path.end, path.end_source) == ("end", "top.sv:5.1")


def test_a_loop_without_a_register_is_an_error():
    design = Design()
    design.register("back", "a")
    design.add("LUT2", I0="a", I1="m", O="l")
    design.add("LUT2", I0="l", I1="a", O="m")
    design.register("m", "q")
    with pytest.raises(NetlistError, match=r"loop without a register: \$cell\$"):
        longest_paths(design.netlist())


@pytest.mark.parametrize(
    ("registers", "port", "through"),
    [
        ({}, "A", True),
        ({"AREG": "1"}, "A", False),
        ({"BREG": "1"}, "A", True),
        ({"MREG": "1"}, "B", False),
        ({"MREG": "1"}, "C", True),
        ({"PREG": "1"}, "C", False),
        ({}, "CEA1", False),
    ],
)
def test_a_multiplier_lets_through_what_has_no_register(
    registers: dict[str, str], port: str, through: bool
):
    assert passes("DSP48E1", port, registers) is through


@pytest.mark.parametrize(
    ("registers", "through"),
    [({}, True), ({"REG_INPUTA_CLK": "CLK0"}, False), ({"REG_OUTPUT_CLK": "CLK0"}, False)],
)
def test_of_ecp5_too(registers: dict[str, str], through: bool):
    assert passes("MULT18X18D", "A3", registers) is through
    assert passes("MULT18X18D", "CLK0", {}) is True
    assert passes("MULT18X18D", "B3", {"REG_INPUTA_CLK": "CLK0"}) is True


def test_amounts_are_those_of_the_slices():
    design = Design()
    for kind in ("RAM32M", "RAM64M8", "SRL16E", "LUT6", "INV", "RAMB18E1", "DSP48E1", "FDRE"):
        design.add(kind)
    (amounts,) = count(design.netlist()).values()
    assert amounts == {"lut": 4 + 8 + 1 + 1 + 1, "ff": 1, "dsp": 1, "bram36": 0.5, "uram": 0}


def test_amounts_of_ecp5():
    design = Design()
    for kind in ("LUT4", "CCU2C", "TRELLIS_DPR16X4", "DP16KD", "MULT18X18D", "TRELLIS_FF", "PFUMX"):
        design.add(kind)
    (amounts,) = count(design.netlist("ecp5")).values()
    assert amounts == {"lut": 1 + 2 + 6, "ff": 1, "dsp": 1, "bram36": 0.5, "uram": 0}


def test_cells_that_are_not_known_are_an_error():
    design = Design()
    design.add("$_DFF_P_", D="a", Q="b")
    with pytest.raises(NetlistError, match=r"\$_DFF_P_ is no known cell of xc7"):
        design.netlist()
    with pytest.raises(NetlistError, match="FDRE is no known cell of ecp5"):
        chain(1).netlist("ecp5")
    with pytest.raises(NetlistError, match="family is 'virtex', legal are xc7"):
        chain(1).netlist("virtex")


def test_a_lut_belongs_to_the_block_of_most_of_what_it_drives():
    design = Design()
    design.register("back", "a", "u_a")
    design.add("LUT1", I0="a", O="l")
    design.add("LUT1", I0="l", O="m")
    design.register("m", "b", "u_x gen_lane[0].u_b u_c")
    design.register("m", "c", "u_x gen_lane[0].u_b u_c")
    design.register("m", "d", "u_a")
    blocks = count(design.netlist())
    assert {block: (found["lut"], found["ff"]) for block, found in blocks.items()} == {
        "u_a": (0, 2),
        "u_x.u_b.u_c": (2, 2),
    }
    assert total(blocks.values())["ff"] == 4


@pytest.mark.parametrize(
    ("scope", "block"),
    [
        ("u_a.u_b.u_c.u_d", "u_a.u_b.u_c"),
        ("u_a.gen_x[0].u_b", "u_a.u_b"),
        ("", "(top)"),
        ("gen_x", "(top)"),
    ],
)
def test_blocks_are_instances_down_to_three(scope: str, block: str):
    assert block_of(scope) == block


def test_the_command_writes_a_summary_or_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    netlist, out = tmp_path / "netlist.json", tmp_path / "synth.json"
    netlist.write_text(json.dumps({"modules": {"top": chain(5).module()}}), encoding="utf-8")
    words = [str(netlist), "--family", "xc7", "--out", str(out), "--top"]
    assert main([*words, "top"]) == 0
    summary = json.loads(out.read_text(encoding="utf-8"))
    assert (summary["levels"], summary["total"]["lut"], summary["cells"]) == (
        5,
        5,
        {"FDRE": 2, "LUT1": 5},
    )
    assert main([*words, "other"]) == 1
    assert not out.exists(), "that of a former netlist is worse than none"
    assert "has no module other" in capsys.readouterr().err
    netlist.write_text('{"modules": {"top": {"cells": [1]}}}', encoding="utf-8")
    assert main([*words, "top"]) == 1
    assert "is no netlist of Yosys" in capsys.readouterr().err


# ------------------------------------------------------------------------- budgets and the table
BUDGET = """
[[budget]]
name = "4x4"
hardware = { processing_elements = [4, 4] }
family = "xc7"
most = { lut = 5, levels = 4 }
goal = { lut = 3 }
"""


def test_what_is_above_a_budget_is_said(tmp_path: Path):
    path = tmp_path / "silicon.toml"
    path.write_text(BUDGET, encoding="utf-8")
    (budget,) = read_budgets(path)
    assert budget.hardware is not None and budget.hardware.rows == 4
    assert exceeded(budget, summary_of(chain(4).netlist())) == []
    assert exceeded(budget, summary_of(chain(6).netlist())) == [
        "lut is 6, at most 5 is budgeted for 4x4 on xc7",
        "levels is 6, at most 4 is budgeted for 4x4 on xc7",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"xc7"', '"xc9"', "family is 'xc9', legal are xc7"),
        ("lut = 5", "luts = 5", "luts is unknown, legal are lut, ff"),
        ("lut = 5", "lut = -1", "lut is -1, legal is a number from 0"),
        ("goal", "gaol", "gaol unknown, legal are name"),
        ('family = "xc7"', "", "family missing"),
        ("[4, 4]", "[4, 0]", r"processing_elements\[1\] is 0"),
        ("most", 'core = "a:b:c"\nmost', "legal is one of hardware and core"),
        ("[[budget]]", "[[budgets]]", "budgets is unknown"),
        (BUDGET, BUDGET + BUDGET, "is there twice"),
        (BUDGET, "[[budget", "silicon.toml"),
    ],
)
def test_wrong_budgets_are_refused_with_what_is_legal(
    tmp_path: Path, old: str, new: str, message: str
):
    path = tmp_path / "silicon.toml"
    assert old in BUDGET
    path.write_text(BUDGET.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_budgets(path)


def row(name: str, rtl: str) -> Row:
    return Row(
        name=name,
        family="xc7",
        date="2026-11-27",
        rtl=rtl,
        yosys="0.70",
        lut=10000,
        ff=8000,
        dsp=16,
        bram36=1.5,
        uram=0,
        levels=12,
        processor_seconds=90.0,
    )


def test_rows_of_other_sources_are_stale():
    rows = [row("4x4", "aaa"), row("8x24", "bbb")]
    assert [each.name for each in stale(rows, "bbb")] == ["4x4"]


def test_the_table_holds_what_was_measured_the_goals_and_what_is_missing():
    text = table([row("4x4", "0123456789abcdef")])
    assert (
        "| 4x4 | xc7 | 10,000 (9,000) | 8,000 (8,000) | 16 | 1.5 | 0 | 12 (10) | 1.5 min "
        "| 2026-11-27 | `0123456789ab` |"
    ) in text
    assert "Not measured yet: array 2x8 on xc7" in text
