# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What runs say of testpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corewright.regress import blocks
from corewright.regress.junit import read_junit
from corewright.regress.testplan import Plan, PlanPoint
from corewright.regress.testpoints import (
    evidence_of_regression,
    evidence_of_tests,
    known_plans,
    merged,
    outcome,
    rows_by_block,
    section_of_testpoints,
)

JUNIT = """<testsuites><testsuite>
<testcase classname="ip.x.dv.test_x" name="test_x[one]" time="1"/>
<testcase classname="ip.x.dv.test_x" name="test_x[two]" time="1"><failure message="no"/></testcase>
<testcase classname="ip.x.dv.test_x_formal" name="test_proof" time="1"/>
<testcase classname="ip.x.dv.test_x_formal" name="test_left" time="0"><skipped/></testcase>
</testsuite></testsuites>"""


def said(evidence: dict[str, bool], *tests: str) -> str:
    point = PlanPoint("p", "V1", "d", tests)
    return outcome(Plan("ip/x", (point,)), point, evidence)


def test_tests_count_by_function(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(JUNIT)
    evidence = evidence_of_tests(read_junit(path))
    assert evidence == {
        "ip/x/dv/test_x.py::test_x": False,
        "ip/x/dv/test_x_formal.py::test_proof": True,
    }
    assert said(evidence, "test_x.py::test_x") == "failed"
    assert said(evidence, "test_x_formal.py::test_proof") == "passed"
    assert said(evidence, "test_x_formal.py::test_left") == "not run"
    # One of them ran, and passed.
    tests = ("ip/x/dv/test_x_formal.py::test_proof", "test_x_formal.py::test_left")
    assert said(evidence, *tests) == "passed"
    assert said(evidence, *tests, "test_x.py::test_x") == "failed"
    # A cocotb test by the launcher of its bench.
    assert said(evidence, "tb_x.py::any") == "failed"
    assert said(evidence, "tb_y.py::any") == "not run"
    assert said(evidence) == "not run"


def regression(suite: str, bins: dict[str, dict[str, int]], *signatures: str) -> dict[str, Any]:
    buckets = [{"signature": signature} for signature in signatures]
    return {"suite": suite, "cases": 3, "coverage": {"bins": bins}, "buckets": buckets}


def test_benches_of_blocks_count_by_their_tests() -> None:
    bench = next(each for each in blocks.SUITE.benches if each.module == "tb_axis_fifo")
    bins = {bench.name: {"any": 2}}
    path = "ip/axis_fifo/dv/tb_axis_fifo.py"
    assert evidence_of_regression(regression("blocks", bins)) == {path: True}
    one = evidence_of_regression(regression("blocks", bins, "tb_axis_fifo: some_test", "tb_b: x"))
    assert one == {path: True, f"{path}::some_test": False}
    point = PlanPoint("p", "V1", "d", ("tb_axis_fifo.py::some_test",))
    other = PlanPoint("q", "V1", "d", ("tb_axis_fifo.py::another",))
    plan = Plan("ip/axis_fifo", (point, other))
    assert [outcome(plan, each, one) for each in plan.testpoints] == ["failed", "passed"]
    for whole in ("tb_axis_fifo: no end", "tb_axis_fifo: assertion Stable_A"):
        assert evidence_of_regression(regression("blocks", bins, whole)) == {path: False}
    assert evidence_of_regression(regression("blocks", {bench.name: {"any": 0}})) == {}


@pytest.mark.parametrize("signatures", [(), ("mismatch in Conv",)])
def test_suites_count_by_name_and_bin(signatures: tuple[str, ...]) -> None:
    values = regression("system", {"stalls": {"none": 1, "heavy": 0}}, *signatures)
    evidence = evidence_of_regression(values)
    expected = "failed" if signatures else "passed"
    assert said(evidence, "suite:system") == said(evidence, "suite:system:stalls:none") == expected
    assert said(evidence, "suite:system:stalls:heavy") == "not run"
    assert said(evidence, "suite:graphs") == "not run"
    assert evidence_of_regression({**values, "cases": 0}) == {}


def test_what_failed_once_has_failed() -> None:
    assert merged([{"a": True, "b": True}, {"a": False}, {"a": True, "c": False}]) == {
        "a": False,
        "b": True,
        "c": False,
    }


def test_the_plans_of_this_tree_have_a_row_a_block() -> None:
    plans = known_plans()
    rows = rows_by_block(plans, {"ip/axis_fifo/dv/tb_axis_fifo.py": True})
    assert [row["block"] for row in rows] == [plan.block for plan in plans]
    for row in rows:
        assert row["passed"] + row["not_run"] + len(row["failed"]) == row["testpoints"]
        assert (row["passed"] > 0) == (row["block"] == "ip/axis_fifo"), row
    page = "\n".join(section_of_testpoints(rows))
    assert "ip/axis_fifo" in page and "0 failed" in page
    assert not list(section_of_testpoints([]))
