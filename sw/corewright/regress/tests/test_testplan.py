# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Test plans: those of the tree are complete, their page is current, and mistakes are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.environment import repository_root
from corewright.flow import FlowInputError
from corewright.regress import testplan
from corewright.regress.testplan import (
    PAGE,
    STAGES,
    Plan,
    PlanPoint,
    block_tests,
    complaints,
    page,
    read_plans,
)

PLAN = """\
support = ["test_x.py::test_bench"]

[[testpoint]]
name = "order"
stage = "V1"
description = "Beats leave in order | whoever stalls."
tests = ["tb_x.py::in_order", "test_x.py::test_x", "suite:system", "suite:system:stalls:heavy"]

[[testpoint]]
name = "clear"
stage = "V2"
description = "Clear empties it."
tests = []
"""
BENCH = """\
import cocotb

@cocotb.test
@cocotb.parametrize(stall=[0, 1])
async def in_order(dut, stall): ...

@cocotb.test(skip=True)
async def full_rate(dut): ...

async def helper(dut): ...
"""
LAUNCHER = """\
def test_x(): ...

class TestMore:
    def test_bench(self): ...

def _test_nothing(): ...
"""


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    dv = tmp_path / "ip/x/dv"
    dv.mkdir(parents=True)
    (tmp_path / "core").mkdir()
    (tmp_path / "ip/x/x.core").write_text("CAPI=2:\n")
    (dv / "tb_x.py").write_text(BENCH.replace("@cocotb.test(skip=True)", ""))
    (dv / "test_x.py").write_text(LAUNCHER)
    (dv / "testplan.toml").write_text(PLAN)
    return tmp_path


def test_the_plans_of_the_tree_and_its_tests_name_each_other() -> None:
    assert complaints(read_plans()) == []


def test_the_page_is_current() -> None:
    assert (repository_root() / PAGE).read_text(encoding="utf-8") == page(read_plans()), (
        "python -m corewright.regress.testplan writes it"
    )


def test_a_complete_plan_has_no_complaints(tree: Path) -> None:
    (plan,) = read_plans(tree)
    assert complaints([plan], tree) == []
    assert [point.name for point in plan.holes] == ["clear"] and plan.stage == "V1"
    text = page([plan])
    assert "2 testpoints, 1 of them holes." in text
    assert "| [ip/x](#ipx) | V1 | 2 | `clear` |" in text
    assert r"in order \| whoever stalls. | `tb_x.py::in_order`<br>" in text
    assert "| clear | V2 | Clear empties it. | **hole** |" in text


def test_tests_are_found_by_what_runs_them(tree: Path) -> None:
    (tree / "ip/x/dv/tb_x.py").write_text(BENCH)
    found = ["tb_x.py::in_order", "tb_x.py::full_rate", "test_x.py::test_x"]
    assert sorted(block_tests(tree, "ip/x")) == sorted([*found, "test_x.py::test_bench"])
    assert complaints(read_plans(tree), tree) == [
        "ip/x/dv/testplan.toml: 'tb_x.py::full_rate' is in no testpoint and not in support"
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("tb_x.py::in_order", "tb_x.py::in_ordr", "'tb_x.py::in_ordr' is not in tb_x.py"),
        ("test_x.py::test_bench", "test_y.py::test_y", "names no file of tests"),
        ("test_x.py::test_bench", "ip/y/dv/test_y.py::test_y", "names no file of tests"),
        ("tb_x.py::in_order", "x.core::in_order", "names no file of tests"),
        ("suite:system:stalls:heavy", "suite:system:stalls:most", "names no bin of system"),
        ('"suite:system"', '"suite:sytem"', "names no suite, legal are abort, "),
    ],
)
def test_a_test_that_does_not_exist_is_named(old: str, new: str, told: str, tree: Path) -> None:
    assert old in PLAN
    (tree / "ip/x/dv/testplan.toml").write_text(PLAN.replace(old, new))
    assert any(told in line for line in complaints(read_plans(tree), tree))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (PLAN, "", "has no"),
        (PLAN, "a = ", "is no TOML"),
        ("[[testpoint]]", "[[point]]", "has 'point', legal are support and"),
        ('support = ["test_x.py::test_bench"]', 'support = "all"', "support is 'all'"),
        ('name = "clear"', 'name = "order"', "two testpoints 'order'"),
        ('name = "clear"', 'name = "Clear it"', "legal names are words in lower case"),
        ('"V2"', '"V4"', "has stage 'V4', legal are V1, V2, V3"),
        ('"Clear empties it."', '" "', "has no description"),
        ("tests = []", 'tests = "all"', "legal is a list, empty for a hole"),
        ("tests = []", "", "has description, name, stage, legal are name, stage, description"),
    ],
)
def test_a_plan_that_is_none_is_refused(old: str, new: str, told: str, tree: Path) -> None:
    assert old in PLAN
    (tree / "ip/x/dv/testplan.toml").write_text(PLAN.replace(old, new))
    with pytest.raises(FlowInputError, match=told.replace("[", r"\[")):
        read_plans(tree)


def test_a_block_without_a_plan_is_named(tree: Path) -> None:
    (tree / "core/y").mkdir()
    (tree / "core/y/y.core").write_text("CAPI=2:\n")
    with pytest.raises(FlowInputError, match=r"core/y/dv/testplan\.toml is missing"):
        read_plans(tree)


def test_a_stage_is_reached_if_no_point_up_to_it_is_a_hole() -> None:
    def plan(*stages: tuple[str, bool]) -> Plan:
        points = [
            PlanPoint(f"p{number}", stage, "what", ("t",) if tested else ())
            for number, (stage, tested) in enumerate(stages)
        ]
        return Plan("ip/x", tuple(points))

    assert plan(("V1", True), ("V2", True), ("V3", True)).stage == "V3"
    assert plan(("V1", True), ("V1", False), ("V2", True)).stage == ""
    assert plan(("V1", True), ("V2", False), ("V3", True)).stage == "V1"
    # A stage of which nothing is planned is not reached.
    assert plan(("V1", True), ("V3", True)).stage == "V1"
    assert STAGES == ("V1", "V2", "V3")


def test_a_stale_page_is_status_1_and_is_written_anew(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(testplan, "repository_root", lambda: tree)
    (tree / "docs").mkdir()
    assert testplan.main(["--check"]) == 1
    assert "docs/testplans.md is stale" in capsys.readouterr().err
    assert testplan.main([]) == 0
    assert testplan.main(["--check"]) == 0
    (tree / "ip/x/dv/testplan.toml").write_text(PLAN.replace("in_order", "out_of_order"))
    assert testplan.main([]) == 1
    assert "'tb_x.py::out_of_order' is not in tb_x.py" in capsys.readouterr().err
    (tree / "ip/x/dv/testplan.toml").unlink()
    assert testplan.main([]) == 2
