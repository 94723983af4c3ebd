# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The flow ``cw_formal``: proofs through plain FuseSoC, and each way in which it has to fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from edalize.tools.cw_formal import section_of, task_names

from corewright.environment import repository_root
from corewright.testing.fusesoc import run_target

ROOT = repository_root()
SKID = "corewright:ip:axis_skid"


@pytest.fixture
def skid(tmp_path: Path) -> Path:
    """A copy of the skid buffer's folder as a library of its own, to be changed."""
    shutil.copytree(ROOT / "ip" / "axis_skid", tmp_path / "library" / "axis_skid")
    (tmp_path / "fusesoc.conf").write_text(
        "[library.own]\nlocation = library\nsync-type = local\nauto-sync = false\n",
        encoding="utf-8",
    )
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def prove(folder: Path, *arguments: str) -> tuple[int, str]:
    return run_target(SKID, "formal", folder, *arguments, config=folder / "fusesoc.conf")


def test_all_tasks_run_and_pass(skid: Path):
    status, log = prove(skid)
    assert status == 0, log
    assert "cw_formal: 2 tasks passed" in log
    verdicts = skid.glob("build/*/formal/*/PASS")
    assert sorted(path.parent.name for path in verdicts) == ["axis_skid_cover", "axis_skid_prove"]


def test_a_bug_fails_and_leaves_its_trace(skid: Path):
    assert prove(skid, "--tasks", "prove")[0] == 0
    source = skid / "library" / "axis_skid" / "rtl" / "cw_axis_skid.sv"
    change(source, "ready_q <= !skid_valid_d;", "ready_q <= 1'b1;")
    status, log = prove(skid, "--tasks", "prove")
    assert status != 0, "what was proven before does not count"
    assert "DONE (FAIL" in log
    assert list(skid.glob("build/*/formal/axis_skid_prove/engine_0/trace*.vcd"))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("axis_skid.sby", "prove\ncover\n\n[options]", "\n[options]", "has no task"),
        (
            "axis_skid.sby",
            "[script]",
            "[files]\nx.sv\n\n[script]",
            "has [files]",
        ),
    ],
)
def test_a_configuration_that_proves_nothing_is_refused(
    file: str, old: str, new: str, message: str, skid: Path
):
    change(skid / "library" / "axis_skid" / "dv" / "formal" / file, old, new)
    status, log = prove(skid)
    assert status != 0
    assert message in log


def test_an_unknown_task_is_refused_with_those_that_there_are(skid: Path):
    status, log = prove(skid, "--tasks", "proof")
    assert status != 0
    assert "has no task proof, but prove, cover" in log


def test_a_core_without_configuration_is_refused(skid: Path):
    change(skid / "library" / "axis_skid" / "axis_skid.core", '"sbyConfig"', '"user"')
    status, log = prove(skid)
    assert status != 0
    assert "one file of type sbyConfig is needed" in log


def test_a_tool_that_is_not_there_is_named(skid: Path):
    status, log = prove(skid, "--sby", "no-such-sby")
    assert status != 0
    assert "no-such-sby is not installed" in log


def test_each_proof_is_a_target():
    found = {path.parents[2].name for path in (ROOT / "ip").glob("*/dv/formal/*.sby")}
    assert found >= {"axi_dma", "axis_fifo", "axis_gearbox", "axis_skid", "prim_ram"}
    for ip in found:
        for core in (ROOT / "ip" / ip).glob("*.core"):
            assert 'flow: "cw_formal"' in core.read_text(encoding="utf-8"), core


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[tasks]\nprove\ncover bmc # both\n\n[options]\nmode prove\n", ["prove", "cover"]),
        ("[options]\nmode prove\n", [""]),
        ("[tasks]\n# none\n[options]\n", []),
    ],
)
def test_tasks_of_a_configuration(text: str, names: list[str]):
    assert task_names(text) == names


def test_sections_of_a_configuration():
    text = "[engines]\nsmtbmc z3 # one\n\n[files]\n"
    assert section_of(text, "engines") == "smtbmc z3\n"
    assert section_of(text, "files") == ""
