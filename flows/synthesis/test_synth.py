# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The flow ``cw_synth`` with the real Yosys, budgets, and the table of docs/silicon.md."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pytest

from corewright.cli.main import main
from corewright.cli.synth import measure
from corewright.environment import repository_root
from corewright.flow.errors import FlowInputError
from corewright.flow.synthesis import rtl_digest, synthesis_core
from corewright.flow.system import find_system, resized
from corewright.hardware import Hardware
from corewright.silicon import KINDS, Budget, exceeded, read_budgets
from corewright.silicon.rows import read_rows, stale
from corewright.silicon.table import page, page_file
from corewright.testing.fusesoc import run_target

SMALL = [budget for budget in read_budgets() if budget.in_ci]


@pytest.mark.parametrize("budget", SMALL, ids=lambda budget: budget.name)
def test_small_blocks_are_within_their_budgets(budget: Budget):
    assert {"lut", "ff", "dsp", "levels"} <= set(budget.most)
    summary = measure(budget)
    assert exceeded(budget, summary) == []
    for kind in KINDS:
        assert sum(block[kind] for block in summary["blocks"].values()) == summary["total"][kind]
    rtl = {path.name for path in repository_root().glob("*/*/*/*.sv")}
    for path in summary["paths"]:
        for lines in (path["begin_source"], path["end_source"]):
            assert re.match(r"\w+\.sv:\d+", lines)
            assert lines.partition(":")[0] in rtl


def test_a_unit_of_the_array_is_a_multiplier_block_and_nothing_else():
    (budget,) = (each for each in SMALL if each.name == "array 2x8")
    summary = measure(budget)
    assert summary["cells"]["DSP48E1"] == 16
    # Sums and products in the fabric would be 16 x (24 + 16).
    assert summary["total"]["ff"] < 16 * (24 + 16)


@pytest.mark.parametrize(
    ("family", "register", "multiplier"),
    [("xcup", "FDRE", "DSP48E2"), ("ecp5", "TRELLIS_FF", "MULT18X18D")],
)
def test_by_plain_fusesoc_for_other_families(
    design: Path, family: str, register: str, multiplier: str
):
    status, log = run_target("mine:blocks:top", "synth", design, f"--family={family}")
    assert status == 0, log
    (result,) = design.glob("build/*/synth/synth.json")
    summary = json.loads(result.read_text(encoding="utf-8"))
    # Yosys packs registers into neither of the two: 9 and 18 remain.
    assert summary["cells"][register] == summary["blocks"]["u_mill"]["ff"] == 27
    assert summary["cells"][multiplier] == summary["blocks"]["u_mill"]["dsp"] == 1
    assert summary["levels"] == 1
    (path,) = summary["paths"]
    assert path["begin"] == "u_mill.a_q"
    assert path["end_source"].startswith("top.sv:")


def test_a_design_that_yosys_refuses_fails_and_leaves_no_summary(design: Path):
    source = design / "top.sv"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("a_q       <=", "b_q       <="), encoding="utf-8")
    status, log = run_target("mine:blocks:top", "synth", design)
    assert status != 0
    assert "b_q" in log
    assert not [*design.glob("build/*/synth/synth.json")]


def test_families_that_are_none_are_refused(design: Path):
    status, log = run_target("mine:blocks:top", "synth", design, "--family=virtex")
    assert status != 0
    assert "family is 'virtex', legal are xc7, xcup, ecp5" in log


def test_other_hardware_is_synthesised_with_the_parts_of_the_system():
    system = find_system("lenet5")
    core = synthesis_core(Hardware(processing_elements=(2, 4)), system)
    parameters = core["generate"]["system"]["parameters"]
    assert parameters["hardware"]["processing_elements"] == [2, 4]
    assert core["filesets"]["design"] == system.core["filesets"]["design"]
    assert core["targets"]["synth"]["flow"] == "cw_synth"
    routed = synthesis_core(resized(system.hardware, (8, 8)), system, "ecp5")
    assert routed["generate"]["system"]["parameters"]["hardware"]["processing_elements"] == [8, 8]
    assert routed["targets"]["ecp5"]["flow"] == "cw_ecp5"
    contents = {**system.core, "targets": {"sim": {}}}
    old = type(system)(system.name, system.vlnv, contents, system.core_file, system.parameters)
    with pytest.raises(FlowInputError, match="has no target synth"):
        synthesis_core(Hardware(), old)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--write"], "legal is --rows with it"),
        (["lenet5", "--rows"], "system is not legal"),
        (["--seeds", "2"], "legal is --route with it"),
        (["--route", "--family", "xc7"], "--route is for systems on ecp5"),
        (["--rows", "5x5"], "there is no row '5x5', legal are array 2x8"),
        (["corewright:core:postproc", "--hardware", "h.json"], "a block takes none"),
    ],
)
def test_wrong_words_are_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["synth", *words]) == 2
    assert message in capsys.readouterr().err


def test_the_page_holds_the_rows_that_were_measured():
    assert page() == page_file().read_text(encoding="utf-8"), "python -m corewright.silicon.table"


def test_old_rows_are_named():
    old = [f"{row.name} on {row.family}" for row in stale(read_rows(), rtl_digest())]
    if old:
        warnings.warn(
            f"measured on other RTL: {', '.join(old)}: ./cw synth --rows --write", stacklevel=1
        )
    known = {(budget.name, budget.family) for budget in read_budgets()}
    assert {(row.name, row.family) for row in read_rows()} <= known
