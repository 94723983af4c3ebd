# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""examples/outside_project, copied out of the tree: it finds the IP by version and simulates."""

import shutil
from pathlib import Path

import pytest

from corewright.environment import repository_root
from corewright.testing.fusesoc import run_target

EXAMPLE = Path(__file__).parent / "outside_project"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The example in a folder of its own, whose configuration names this tree's IP."""
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("build", "__pycache__"))
    edit(folder / "fusesoc.conf", "../../ip", str(repository_root() / "ip"))
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def simulate(folder: Path) -> tuple[int, str]:
    config = folder / "fusesoc.conf"
    return run_target("example:stream:moving_sum", "sim", folder, config=config)


def test_it_simulates(project: Path):
    status, output = simulate(project)
    assert status == 0, output
    assert "PASS=2 FAIL=0" in output


def test_its_bench_finds_a_bug(project: Path):
    edit(project / "rtl" / "moving_sum.sv", "+ sum_t'(history_q[0])", "- sum_t'(history_q[0])")
    status, output = simulate(project)
    assert status != 0
    assert "2 of 2 tests failed" in output


def test_a_version_that_is_not_there_is_refused(project: Path):
    edit(project / "moving_sum.core", "axis_skid:0.1.0", "axis_skid:0.9.0")
    status, output = simulate(project)
    assert status != 0
    assert "axis_skid" in output
