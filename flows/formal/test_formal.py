# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The flow ``cw_formal``: proofs through plain FuseSoC, and each way in which it has to fail."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from edalize.tools.cw_formal import section_of, task_names

from corewright.environment import repository_root, tool_environment

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


def prove(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = ["fusesoc", "--config", folder / "fusesoc.conf", "run"]
    command += ["--build-root", folder / "build", "--target", "formal", SKID, *arguments]
    return subprocess.run(
        command, cwd=folder, env=tool_environment(), capture_output=True, text=True, check=False
    )


def test_all_tasks_run_and_pass(skid: Path):
    done = prove(skid)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cw_formal: 2 tasks passed" in done.stdout
    verdicts = skid.glob("build/*/formal/*/PASS")
    assert sorted(path.parent.name for path in verdicts) == ["axis_skid_cover", "axis_skid_prove"]


def test_a_bug_fails_and_leaves_its_trace(skid: Path):
    assert prove(skid, "--tasks", "prove").returncode == 0
    source = skid / "library" / "axis_skid" / "rtl" / "cw_axis_skid.sv"
    change(source, "ready_q <= !skid_valid_d;", "ready_q <= 1'b1;")
    done = prove(skid, "--tasks", "prove")
    assert done.returncode != 0, "what was proven before does not count"
    assert "DONE (FAIL" in done.stdout
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
    done = prove(skid)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr


def test_an_unknown_task_is_refused_with_those_that_there_are(skid: Path):
    done = prove(skid, "--tasks", "proof")
    assert done.returncode != 0
    assert "has no task proof, but prove, cover" in done.stdout + done.stderr


def test_a_core_without_configuration_is_refused(skid: Path):
    change(skid / "library" / "axis_skid" / "axis_skid.core", '"sbyConfig"', '"user"')
    done = prove(skid)
    assert done.returncode != 0
    assert "one file of type sbyConfig is needed" in done.stdout + done.stderr


def test_a_tool_that_is_not_there_is_named(skid: Path):
    done = prove(skid, "--sby", "no-such-sby")
    assert done.returncode != 0
    assert "no-such-sby is not installed" in done.stdout + done.stderr


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
