# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The flow ``cw_ecp5`` with the real tools, on a design whose registers are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corewright.silicon import NetlistError
from corewright.silicon.netlist import netlist_of
from corewright.silicon.route import main, register_ports, routed_summary
from corewright.testing.fusesoc import run_target


def module() -> dict[str, Any]:
    """A register between two ports, as Yosys writes it."""

    def port(direction: str, bit: int) -> dict[str, Any]:
        return {"direction": direction, "bits": [bit]}

    return {
        "attributes": {"src": "top.sv:1.1"},
        "ports": {"clk_i": port("input", 2), "d_i": port("input", 3), "q_o": port("output", 4)},
        "cells": {
            "u_a.q_TRELLIS_FF_Q": {
                "type": "TRELLIS_FF",
                "parameters": {},
                "attributes": {"src": "a.sv:7.3", "scopename": "u_a"},
                "connections": {"CLK": [2], "DI": [3], "LSR": ["0"], "Q": [4]},
            }
        },
        "netnames": {
            name: {"hide_name": 0, "bits": [bit], "attributes": {}}
            for name, bit in (("clk_i", 2), ("d_i", 3), ("q_o", 4))
        },
    }


def report(achieved: float | None) -> dict[str, Any]:
    """What nextpnr writes, of a path within that register."""
    ends = {"from": {"cell": "u_a.q_TRELLIS_FF_Q"}, "to": {"cell": "u_a.q_TRELLIS_FF_Q"}}
    segments = [
        {"type": "clk-to-q", "delay": 0.5, **ends},
        {"type": "routing", "delay": 1.5, **ends},
        {"type": "setup", "delay": 0.0, **ends},
    ]
    clock = {} if achieved is None else {"clk_i": {"achieved": achieved, "constraint": 75}}
    return {
        "fmax": clock,
        "utilization": {"TRELLIS_FF": {"used": 1, "available": 83640}, "DCUA": {"used": 0}},
        "critical_paths": [
            {"from": "posedge clk_i", "to": "posedge clk_i", "path": segments},
            {"from": "<async>", "to": "posedge clk_i", "path": segments * 3},
        ],
    }


def test_all_ports_but_the_clock_get_a_register():
    contents = module()
    assert register_ports(contents) == 2
    assert contents["ports"]["clk_i"]["bits"] == [2]
    (d_i,), (q_o,) = (contents["ports"][name]["bits"] for name in ("d_i", "q_o"))
    assert len({2, 3, 4, d_i, q_o}) == 5
    added = [cell["connections"] for name, cell in contents["cells"].items() if "$port" in name]
    assert [(cell["CLK"], cell["DI"], cell["Q"]) for cell in added] == [
        ([2], [d_i], [3]),
        ([2], [4], [q_o]),
    ]
    with pytest.raises(NetlistError, match="there is no port clock"):
        register_ports(module(), clock="clock")


def test_what_the_reports_say_is_summed_up():
    netlist = netlist_of(module(), "top", "ecp5")
    summary = routed_summary(netlist, [report(90), report(80), report(100)], "LFE5U-85F-6")
    assert (summary["median_mhz"], summary["minimum_mhz"]) == (90, 80)
    assert summary["utilisation"] == {"TRELLIS_FF": {"used": 1, "available": 83640}}
    path = summary["critical_path"]
    assert (path["nanoseconds"], path["logic_share"]) == (2.0, 0.25)
    assert (path["end"], path["end_source"], path["end_block"]) == ("q_o", "a.sv:7.3", "u_a")


def test_a_report_of_a_design_that_was_not_routed_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    netlist, reported, out = (tmp_path / name for name in ("n.json", "r.json", "route.json"))
    netlist.write_text(json.dumps({"modules": {"top": module()}}), encoding="utf-8")
    reported.write_text(json.dumps(report(None)), encoding="utf-8")
    words = ["summary", str(netlist), "--top", "top", "--out", str(out), "--reports"]
    assert main([*words, str(reported)]) == 1
    assert "has no clock: nothing was routed" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "missing.json")]) == 1
    assert not out.exists()


@pytest.mark.nightly
def test_by_plain_fusesoc_a_design_is_routed(design: Path):
    status, log = run_target("mine:blocks:top", "ecp5", design, "--seeds=2", "--part=LFE5U-25F")
    assert status == 0, log
    (result,) = design.glob("build/*/ecp5/route.json")
    summary = json.loads(result.read_text(encoding="utf-8"))
    assert (summary["part"], summary["seeds"], len(summary["clock_mhz"])) == ("LFE5U-25F-6", 2, 2)
    assert summary["minimum_mhz"] <= summary["median_mhz"]
    # 9 of a_q, 18 of product_o, and those of 27 ports.
    assert summary["utilisation"]["TRELLIS_FF"]["used"] == 54
    path = summary["critical_path"]
    assert path["nanoseconds"] == pytest.approx(1000 / summary["minimum_mhz"], rel=0.01)
    assert path["end_block"] == "u_mill"


def test_parts_that_are_none_are_refused(design: Path):
    status, log = run_target("mine:blocks:top", "ecp5", design, "--part=LFE5U-12F")
    assert status != 0
    assert "part is 'LFE5U-12F', legal are LFE5U-25F" in log
