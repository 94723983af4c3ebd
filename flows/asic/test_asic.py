# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The flows ``cw_genus`` and ``cw_innovus`` under a stand-in; the PDK file is docs/asic.md's."""

from __future__ import annotations

import copy
import gzip
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from edalize.cw_asic import reports
from edalize.cw_asic.__main__ import main as summarise
from edalize.cw_asic.constraints import Timing, tcl_list
from edalize.cw_asic.pdk import read_pdk

from asic.standin import NOTE, STANDIN, install_asic
from corewright.environment import repository_root
from corewright.testing.fusesoc import run_command, run_target
from standins.commands import interpreters

ROOT = repository_root()
CELLS = "DFF_X0 DFF SLOW1 NAND2 TIEHI TIELO CKBUF CKINV"
MACROS = f"{CELLS} FILL4 FILL1 TAP SRAM"


def documented_pdk() -> dict[str, Any]:
    text = (ROOT / "docs" / "asic.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    pdk: dict[str, Any] = yaml.safe_load(block)
    return pdk


def write_pdk(folder: Path, changes: dict[str, Any] | None = None) -> Path:
    """Write the documented PDK file, and the files that it names with names only."""
    folder.mkdir(parents=True, exist_ok=True)
    for corner in ("slow", "fast"):
        cells = "".join(f"  cell ({name}) {{ }}\n" for name in CELLS.split())
        (folder / f"{corner}.lib").write_text(f"library (l) {{\n{cells}}}\n", encoding="utf-8")
        (folder / f"sram_{corner}.lib").write_text("cell (SRAM) {\n}\n", encoding="utf-8")
    layers = "".join(f"LAYER M{i}\nEND M{i}\n" for i in range(1, 8))
    (folder / "tech.lef").write_text(f"{layers}SITE core\nEND core\n", encoding="utf-8")
    pins = "PIN VDD\nEND VDD\nPIN VSS\nEND VSS\n"
    macros = "".join(f"MACRO {name}\n{pins}END {name}\n" for name in MACROS.split())
    (folder / "cells.lef").write_text(macros, encoding="utf-8")
    for name in ("sram.lef", "cells.gds", "sram.gds", "streamout.map"):
        (folder / name).write_text("", encoding="utf-8")
    model = ROOT / "ip" / "prim_ram" / "dv" / "cw_ram_1r1w_macro.sv"
    shutil.copyfile(model, folder / model.name)
    pdk = copy.deepcopy(documented_pdk())
    for key, value in (changes or {}).items():
        *parts, last = key.split(".")
        place: Any = pdk
        for part in parts:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path = folder / "pdk.yaml"
    path.write_text(yaml.safe_dump(pdk), encoding="utf-8")
    return path


def set_up(
    target: str, folder: Path, *arguments: str | Path, flags: Sequence[str] = ()
) -> tuple[int, str]:
    """Set a target of LeNet-5 up."""
    options = ["--setup", *flags]
    return run_target("corewright:models:lenet5", target, folder, *arguments, options=options)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work root of the target ``innovus`` with macros, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    pdk = write_pdk(folder / "pdk")
    status, log = set_up("innovus", folder, "--pdk", pdk, flags=["--flag", "ram_macros"])
    assert status == 0, log
    (makefile,) = folder.glob("build/*/innovus/Makefile")
    return makefile.parent


@pytest.fixture
def work(prepared: Path, tmp_path: Path) -> Path:
    """A copy of it, with the stand-in in ``bin`` beside it."""
    install_asic(tmp_path / "bin")
    return Path(shutil.copytree(prepared, tmp_path / "work", symlinks=True))


def make(work: Path, *targets: str) -> tuple[int, str]:
    return run_command(["make", *targets], work, tools=work.parent / "bin")


# The make targets of what the tools do.
GENUS, INNOVUS = "genus.done", "innovus.done"


# ------------------------------------------------------------------------------- scripts that work


def test_both_scripts_run_to_their_results(work: Path):
    status, log = make(work, INNOVUS)
    assert status == 0, log
    for name in ("genus/cw_lenet5.v", "genus/cw_lenet5.sdc", "innovus/cw_lenet5.gds"):
        assert NOTE in (work / "output" / name).read_text(encoding="utf-8"), name
    calls = re.findall(r"^# (\w+)", log, re.MULTILINE)
    order = ["read_mmmc", "read_hdl", "elaborate", "syn_generic", "syn_map", "syn_opt", "write_hdl"]
    order += ["read_netlist", "create_floorplan", "add_rings", "add_stripes", "place_opt_design"]
    order += ["ccopt_design", "route_design", "check_drc", "write_stream"]
    positions = [calls.index(name) if name != "read_mmmc" else 0 for name in order]
    assert positions == sorted(positions)
    assert "/cw_ram_1r1w_macro.sv" in log


@pytest.mark.parametrize("interpreter", interpreters())
def test_each_tcl_of_this_machine_runs_the_standin(interpreter: str, work: Path):
    install_asic(work.parent / "bin", interpreter)
    status, log = make(work, GENUS)
    assert status == 0, log
    (work / "genus.tcl").write_text("exit 3\n", encoding="utf-8")
    assert make(work, GENUS)[0] != 0
    (work / "genus.tcl").write_text("set nothing 1\n", encoding="utf-8")
    status, log = make(work, GENUS)
    assert status != 0
    assert "genus.tcl does not end with exit" in log


def test_placeholders_are_no_reports(work: Path):
    status, log = make(work)
    assert status != 0
    assert "timing.rpt: no path with a slack" in log
    assert not list(work.glob("*.json"))


def test_memories_are_registers_without_the_flag(tmp_path: Path):
    pdk = write_pdk(tmp_path / "pdk", {"memory": None, "taps": None, "gds": None, "gds_map": None})
    status, log = set_up("innovus", tmp_path, "--pdk", pdk)
    assert status == 0, log
    (makefile,) = tmp_path.glob("build/*/innovus/Makefile")
    status, log = run_command(
        ["make", INNOVUS], makefile.parent, tools=install_asic(tmp_path / "bin")
    )
    assert status == 0, log
    assert "rtl/generic/cw_ram_1r1w.sv" in log
    assert "-output_macros" in log


def test_the_clock_is_the_options(tmp_path: Path):
    pdk = write_pdk(tmp_path / "pdk")
    options: list[str | Path] = ["--pdk", pdk, "--clock_mhz", "400", "--input_share", "0.25"]
    status, log = set_up("genus", tmp_path, *options)
    assert status == 0, log
    (constraints,) = tmp_path.glob("build/*/genus/genus.sdc")
    text = constraints.read_text(encoding="utf-8")
    assert "create_clock -name clk_i -period 2.5000 [get_ports clk_i]" in text
    assert "set_input_delay 0.6250 -clock clk_i" in text
    assert "set_output_delay 1.2500 -clock clk_i" in text
    assert "set_false_path -from [get_ports rst_ni]" in text


def test_each_entry_of_the_standin_names_its_source():
    text = STANDIN.read_text(encoding="utf-8")
    sources = set(re.findall(r"^#   ([A-Z])  ", text, re.MULTILINE))
    assert len(sources) >= 6
    entries = re.findall(
        r"^  ::standin::command (?:\{[^}]*\}|\w+) (\w+) (\w+) ", text, re.MULTILINE
    )
    assert len(entries) > 60
    assert [name for name, named in entries if not set(named) <= sources] == []


# ------------------------------------------------------------------------------ mistakes are found

# By name: the file, what it holds, what stands there instead, what the stand-in says.
GENUS_MISTAKES = {
    "command": ("genus.tcl", "  syn_map\n", "  synth_map\n", "invalid command name"),
    "option": ("genus.tcl", "-max_fanout", "-max_fan_out", "unknown option -max_fan_out"),
    "attribute": ("genus.tcl", "auto_ungroup", "auto_un_group", "unknown attribute"),
    "language": ("genus.tcl", " -sv $::System", " $::System", "-sv is missing"),
    "variable": ("genus_settings.tcl", "set Lef ", "set LEF ", "Lef"),
    "no_read": ("genus.tcl", "  cw_read_design\n", "", "has to come before"),
    "no_libraries": ("genus.tcl", "  cw_read_libraries\n", "", "read_mmmc has to come before"),
    "no_elaboration": ("genus.tcl", "  elaborate $::Top\n", "", "elaborate has to come before"),
    "no_mapping": ("genus.tcl", "  syn_map\n", "", "syn_map has to come before"),
    "no_optimisation": ("genus.tcl", "  syn_opt\n", "", "syn_opt has to come before"),
    "no_init": ("genus.tcl", "  init_design -top $::Top\n", "", "init_design has to come before"),
    "no_synthesis": ("genus.tcl", "  cw_synthesize\n", "", "syn_map has to come before"),
    "late": (
        "genus.tcl",
        "cw_set_dont_use\n  cw_synthesize",
        "cw_synthesize\n  cw_set_dont_use",
        "too late",
    ),
    "folder": ("genus.tcl", "file mkdir reports/genus", "file mkdir reports", "no folder"),
    "top": (
        "genus_settings.tcl",
        "set Top {cw_lenet5}",
        "set Top {cw_lenet}",
        "no module 'cw_lenet'",
    ),
    "source": ("genus_settings.tcl", "/cw_engine.sv", "/cw_motor.sv", "no file"),
    "macro": (
        "genus_settings.tcl",
        "cw_ram_1r1w_macro.sv}",
        "pdk.yaml}",
        "no module cw_ram_1r1w_macro",
    ),
    "tie": ("genus_settings.tcl", "TIEHI", "TIEHIGH", "no library cell 'TIEHIGH'"),
    "dont_use": ("genus_settings.tcl", "DFF_X0", "DFF_X9", "have no cell DFF_X9"),
    "view": ("genus_settings.tcl", "SetupView slow_view", "SetupView fast_view", "no setup view"),
    "library": ("genus_mmmc.tcl", "/slow.lib", "/slower.lib", "no file"),
    "set": ("genus_mmmc.tcl", "-library_sets slow_set", "-library_sets slow", "no library set"),
    "views": ("genus_mmmc.tcl", "-setup {slow_view}", "-setup {slow}", "no analysis view"),
    "constraints": ("genus_mmmc.tcl", "{genus.sdc}", "{genius.sdc}", "no file"),
    "port": ("genus.sdc", "[get_ports rst_ni]", "[get_ports rst_n]", "no port 'rst_n'"),
    "clock": ("genus.sdc", "-clock clk_i $inputs", "-clock clk $inputs", "no clock 'clk'"),
    "sdc_option": ("genus.sdc", "-period", "-periode", "unknown option -periode"),
    "argument": ("Makefile", "genus -batch", "genus -bach", "unknown argument -bach"),
}
INNOVUS_MISTAKES = {
    "command": ("innovus.tcl", "  ccopt_design\n", "  cc_opt_design\n", "invalid command name"),
    "option": ("innovus.tcl", "-set_to_set_distance", "-set_to_set", "unknown option -set_to_set"),
    "attribute": ("innovus.tcl", "design_process_node", "process_node", "unknown attribute"),
    "stylus": ("Makefile", "innovus -stylus", "innovus", "-stylus is missing"),
    "no_netlist": (
        "innovus.tcl",
        "  read_netlist $::Netlist -top $::Top\n",
        "",
        "read_netlist has",
    ),
    "no_supplies": ("innovus.tcl", "  cw_connect_supplies\n", "", "commit_global_net_rules has"),
    "no_floorplan": ("innovus.tcl", "  cw_floorplan\n", "", "create_floorplan has"),
    "no_power": ("innovus.tcl", "  cw_plan_power\n", "", "add_rings has"),
    "no_pins": ("innovus.tcl", "  cw_place_pins\n", "", "edit_pin has"),
    "no_placement": ("innovus.tcl", "  cw_place\n", "", "place_opt_design has"),
    "no_clock": ("innovus.tcl", "  cw_build_clock_tree\n", "", "ccopt_design has"),
    "no_route": ("innovus.tcl", "  cw_route\n", "", "route_design has"),
    "route_first": (
        "innovus.tcl",
        "  cw_place\n  cw_build_clock_tree\n  cw_route\n",
        "  cw_route\n  cw_place\n",
        "ccopt_design has",
    ),
    "no_extraction": ("innovus.tcl", "  extract_rc\n", "", "extract_rc has"),
    "single_mode": (
        "innovus.tcl",
        "timing_analysis_type ocv",
        "timing_analysis_type single",
        "is not ocv",
    ),
    "site": ("innovus_settings.tcl", "set Site {core}", "set Site {unit}", "no site 'unit'"),
    "layer": (
        "innovus_settings.tcl",
        "set Routing {M2 M7}",
        "set Routing {M2 M9}",
        "no routing layer 'M9'",
    ),
    "ring": ("innovus_settings.tcl", "set Ring {M7 ", "set Ring {M8 ", "no routing layer 'M8'"),
    "stripe": ("innovus_settings.tcl", "{M6 vertical", "{M6 upright", "no direction 'upright'"),
    "pin": ("innovus_settings.tcl", "set PowerPins {VDD}", "set PowerPins {VCC}", "no pin 'VCC'"),
    "filler": ("innovus_settings.tcl", "FILL1", "FILL2", "no cell 'FILL2'"),
    "tap": ("innovus_settings.tcl", "{TAP ", "{TAPS ", "no cell 'TAPS'"),
    "lef": ("innovus_settings.tcl", "/cells.lef", "/cell.lef", "no file"),
    "gds": ("innovus_settings.tcl", "/sram.gds", "/rams.gds", "no file"),
    "units": ("innovus_settings.tcl", "GdsUnits 1000", "GdsUnits 1024", "no precision '1024'"),
    "corner": ("innovus_settings.tcl", "{slow_rc fast_rc}", "{slow fast}", "no RC corner 'slow'"),
    "top": (
        "innovus_settings.tcl",
        "set Top {cw_lenet5}",
        "set Top {cw_lenet}",
        "no module cw_lenet",
    ),
    "constraints": ("innovus_mmmc.tcl", "cw_lenet5.sdc", "cw_lenet.sdc", "no file"),
}


def mutate(work: Path, mistake: tuple[str, str, str, str]) -> str:
    name, old, new, message = mistake
    path = work / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return message


@pytest.mark.parametrize("mistake", GENUS_MISTAKES)
def test_a_mistake_in_the_synthesis_fails(mistake: str, work: Path):
    message = mutate(work, GENUS_MISTAKES[mistake])
    status, log = make(work, GENUS)
    assert status != 0
    assert message in log
    assert not (work / GENUS).exists()


@pytest.fixture(scope="module")
def synthesised(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work root in which the netlist's placeholder is there."""
    folder = tmp_path_factory.mktemp("synthesised")
    install_asic(folder / "bin")
    work = Path(shutil.copytree(prepared, folder / "work", symlinks=True))
    status, log = make(work, GENUS)
    assert status == 0, log
    return work


@pytest.mark.parametrize("mistake", INNOVUS_MISTAKES)
def test_a_mistake_in_the_layout_fails(mistake: str, synthesised: Path, tmp_path: Path):
    install_asic(tmp_path / "bin")
    work = Path(shutil.copytree(synthesised, tmp_path / "work", symlinks=True))
    message = mutate(work, INNOVUS_MISTAKES[mistake])
    # The scripts of a step are older than what the other step has left.
    status, log = make(work, "-o", GENUS, INNOVUS)
    assert status != 0
    assert message in log
    assert not (work / INNOVUS).exists()


def test_a_source_that_is_left_out_is_missed(work: Path):
    path = work / "genus_settings.tcl"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"\S*/cw_crc32\.sv", "", text), encoding="utf-8")
    status, log = make(work, GENUS)
    assert status != 0
    assert "no module cw_crc32" in log


# ------------------------------------------------------------------------------------ the PDK file


def test_the_documented_pdk_is_read(tmp_path: Path):
    pdk = read_pdk(write_pdk(tmp_path))
    assert pdk.corners[0].liberty[0] == tmp_path / "slow.lib"
    assert [corner.name for corner in pdk.corners_for("hold")] == ["fast"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lef": ["none.lef"]}, r"lef\.0: .*there is no file"),
        ({"sites": "core"}, "sites: Extra inputs"),
        ({"site": None}, "site: Field required"),
        ({"corners.0.use": "hold"}, "corners: none is for setup"),
        ({"corners.0.name": "fast"}, "two have one name"),
        ({"corners.0.liberty": []}, r"corners\.0\.liberty: "),
        ({"power_plan.stripes.0.direction": "up"}, r"power_plan\.stripes\.0\.direction: "),
        ({"power_plan.ring.width": 0}, r"power_plan\.ring\.width: "),
        ({"tie.high": "TIE HI"}, r"tie\.high: "),
    ],
)
def test_a_mistake_in_the_pdk_is_named(changes: dict[str, Any], message: str, tmp_path: Path):
    with pytest.raises(RuntimeError, match=message):
        read_pdk(write_pdk(tmp_path, changes))


def test_a_pdk_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(RuntimeError, match="No such file"):
        read_pdk(tmp_path / "pdk.yaml")
    (tmp_path / "pdk.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(RuntimeError, match="is no YAML"):
        read_pdk(tmp_path / "pdk.yaml")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "the PDK is missing: --pdk FILE"),
        (["--clock_mhz", "0"], "clock_mhz is 0.0"),
        (["--output_share", "1.5"], "output_share is 1.5"),
        (["--core_margin", "2"], "core_margin is 2.0, the PDK's ring needs 6.0"),
        (["--density", "70"], "density is 70.0"),
    ],
)
def test_wrong_options_are_refused(options: list[str], message: str, tmp_path: Path):
    pdk = write_pdk(tmp_path / "pdk")
    given: list[str | Path] = [*options, "--pdk", pdk] if options else []
    status, log = set_up("innovus", tmp_path, *given)
    assert status != 0
    assert message in log


def test_words_that_tcl_would_change_are_refused():
    assert tcl_list(["a", 1.5, "SLOW*"]) == "{a 1.5 SLOW*}"
    for word in ("a b", "$a", "[exit]", "a}", ""):
        with pytest.raises(RuntimeError, match="cannot stand in a Tcl script"):
            tcl_list([word])


def test_a_block_may_have_no_reset():
    timing = Timing("clk", None, 100, 0.5, 0.5, 0.0)
    assert timing.period == 10


# ------------------------------------------------------------------------- reports in their forms

TIMING = """\
Path 1: {verdict} ({slack} ps) Setup Check with Pin u_engine/acc_reg[3]/CK->D
          Group: clk_i
     Startpoint: (R) u_engine/a_reg/CK
          Clock: (R) clk_i
       Endpoint: (F) u_engine/acc_reg[3]/D
Path 2: MET (900 ps) Setup Check with Pin u_dma/q_reg/CK->D
"""
AREA = """\
  Generated by:           Genus(TM) Synthesis Solution
 Instance     Module  Cell Count  Cell Area  Net Area   Total Area   Wireload
-----------------------------------------------------------------------------
cw_lenet5 {module}  81234  120345.5  0.000  120345.5 <none> (D)
  u_engine  cw_engine  50000  70000.0  0.000  70000.0 <none> (D)
"""
GATES = """\
 Gate  Instances  Area  Library
DFF  100  500.0  slow

     Type      Instances   Area   Area %
-----------------------------------------
sequential           100  500.000   50.0
inverter              20   50.000    5.0
logic                200  450.000   45.0
-----------------------------------------
total                320 1000.000  100.0
"""
POWER = """\
Instance: /cw_lenet5
Power Unit: W
    Category         Leakage      Internal    Switching        Total    Row%
    Subtotal     1.0e-05   2.0e-02  3.0e-02  5.001e-02 100.00%
"""
SUMMARY = """\
           time_design Summary
+--------------------+---------+---------+
|     {mode} mode     |   all   | reg2reg |
+--------------------+---------+---------+
|           WNS (ns):|  {slack}  |  0.100  |
|           TNS (ns):|  0.000  |  0.000  |
|    Violating Paths:|    {count}    |    0    |
|          All Paths:|  7120   |  6000   |
+--------------------+---------+---------+
"""
LAYOUT_AREA = """\
    Hinst Name   Module Name    Inst Count Total Area
-----------------------------------------------------
cw_lenet5                           83456  130345.250
  u_engine       cw_engine          51000   75000.000
"""
LAYOUT_POWER = "*\tPower Units = 1mW\n\nTotal Internal Power:  20.1  50%\nTotal Power:   40.25\n"
CLEAN = {
    "drc": "  No DRC violations were found\n",
    "connectivity": "Begin Summary\n  Found no problems or warnings.\nEnd Summary\n",
    "antenna": "No Violations Found\n",
}


def write_genus(folder: Path, slack: int = 421, module: str = "") -> None:
    verdict = "MET" if slack >= 0 else "VIOLATED"
    (folder / "timing.rpt").write_text(TIMING.format(verdict=verdict, slack=slack), "utf-8")
    (folder / "area.rpt").write_text(AREA.format(module=module), "utf-8")
    (folder / "gates.rpt").write_text(GATES, "utf-8")
    (folder / "power.rpt").write_text(POWER, "utf-8")


def write_innovus(folder: Path, hold: str = "0.012") -> None:
    for name, slack in (("setup", "0.321"), ("hold", hold)):
        (folder / name).mkdir()
        text = SUMMARY.format(mode=name.capitalize(), slack=slack, count=0)
        (folder / name / f"timing_{name}.summary").write_text(text, "utf-8")
    for name, text in CLEAN.items():
        (folder / f"{name}.rpt").write_text(text, "utf-8")
    (folder / "area.rpt").write_text(LAYOUT_AREA, "utf-8")
    (folder / "power.rpt").write_text(LAYOUT_POWER, "utf-8")


def run_summary(tool: str, folder: Path, result: Path | None = None) -> int:
    arguments = [tool, "--top", "cw_lenet5", "--reports", str(folder)]
    arguments += ["--out", str(folder / "out.json"), "--results", str(result or folder)]
    return summarise(arguments)


def summary_of(folder: Path, name: str = "out.json") -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return data


@pytest.mark.parametrize("module", ["", "cw_lenet5", "NA"])
def test_a_synthesis_is_summarised(module: str, tmp_path: Path):
    write_genus(tmp_path, module=module)
    assert run_summary("genus", tmp_path) == 0
    summary = summary_of(tmp_path)
    assert summary["met"] is True
    assert summary["timing"] == {"worst_slack_ns": 0.421, "endpoint": "u_engine/acc_reg[3]/D"}
    assert summary["area"] == {"cells": 81234, "cell_area": 120345.5, "total_area": 120345.5}
    assert summary["gates"]["sequential"] == {"instances": 100, "area": 500.0}
    assert summary["gates"]["total"]["instances"] == 320
    assert summary["power"]["total_w"] == 0.05001


def test_a_layout_is_summarised(tmp_path: Path):
    write_innovus(tmp_path)
    assert run_summary("innovus", tmp_path) == 0
    summary = summary_of(tmp_path)
    assert summary["timing"]["setup"]["worst_slack_ns"] == 0.321
    assert summary["timing"]["hold"]["paths"] == 7120
    assert summary["violations"] == {"drc": 0, "connectivity": 0, "antenna": 0}
    assert summary["area"] == {"cells": 83456, "cell_area": 130345.25}
    assert summary["power"] == {"total_w": 0.04025}


def test_a_slack_that_is_missed_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_genus(tmp_path, slack=-17)
    assert run_summary("genus", tmp_path) == 1
    assert "setup slack is -0.017 ns at u_engine/acc_reg[3]/D" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()
    assert summary_of(tmp_path, "out.failed.json")["met"] is False
    write_genus(tmp_path)
    assert run_summary("genus", tmp_path) == 0
    assert not (tmp_path / "out.failed.json").exists()


def test_a_hold_slack_that_is_missed_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_innovus(tmp_path, hold="-0.003")
    assert run_summary("innovus", tmp_path) == 1
    assert "hold slack is -0.003 ns" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("check", "text", "count"),
    [
        ("drc", "  Total Violations : 28 Viols.\n", 28),
        (
            "connectivity",
            "    3 Problem(s) (IMPVFC-94): dangling\n    1 Problem(s) (IMPVFC-92): x\n",
            4,
        ),
        ("antenna", "Total number of process antenna violations: 2\n", 2),
    ],
)
def test_violations_fail(
    check: str, text: str, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_innovus(tmp_path)
    (tmp_path / f"{check}.rpt").write_text(text, "utf-8")
    assert run_summary("innovus", tmp_path) == 1
    assert f"{count} violations: {check}" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["timing.rpt", "area.rpt", "gates.rpt", "power.rpt"])
@pytest.mark.parametrize("text", [None, NOTE])
def test_a_report_of_genus_that_is_not_understood_fails(
    name: str, text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_genus(tmp_path)
    (tmp_path / "out.json").write_text("{}", "utf-8")
    (tmp_path / name).unlink()
    if text is not None:
        (tmp_path / name).write_text(text, "utf-8")
    assert run_summary("genus", tmp_path) == 1
    assert name in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists(), "an older summary must not stay"


@pytest.mark.parametrize(
    "name",
    ["setup/timing_setup.summary", "hold/timing_hold.summary", "area.rpt", "power.rpt"]
    + [f"{check}.rpt" for check in CLEAN],
)
def test_a_report_of_innovus_that_is_not_understood_fails(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_innovus(tmp_path)
    (tmp_path / name).write_text(NOTE, "utf-8")
    assert run_summary("innovus", tmp_path) == 1
    assert Path(name).name in capsys.readouterr().err


def test_a_result_that_is_not_written_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_genus(tmp_path)
    assert run_summary("genus", tmp_path, tmp_path / "netlist.v") == 1
    assert "not written" in capsys.readouterr().err


def test_compressed_and_double_summaries(tmp_path: Path):
    text = SUMMARY.format(mode="Setup", slack="0.5", count=0)
    (tmp_path / "a.summary.gz").write_bytes(gzip.compress(text.encode()))
    assert reports.innovus_timing(tmp_path, "Setup")["worst_slack_ns"] == 0.5
    with pytest.raises(reports.ReportError, match="table of Hold mode"):
        reports.innovus_timing(tmp_path, "Hold")
    (tmp_path / "b.summary").write_text(text, "utf-8")
    with pytest.raises(reports.ReportError, match="holds 2 summaries"):
        reports.innovus_timing(tmp_path, "Setup")
