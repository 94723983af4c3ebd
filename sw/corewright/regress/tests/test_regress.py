# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The runner on suites that misbehave, and both suites in a size for CI."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corewright.compiler import CompileError
from corewright.flow import FlowInputError
from corewright.flow.cache import build_folder
from corewright.regress import (
    CaseId,
    CaseResult,
    LocalScheduler,
    Report,
    all_suites,
    execute,
    run_suite,
)
from corewright.regress.case import CheckFailed
from corewright.regress.coverage import count_bins, fraction_hit
from corewright.regress.drawing import first_that_fits, generator
from corewright.regress.suites import resolve
from corewright.regress.tests import faults
from corewright.testing.processes import ends

# Keys that scripts rely on.
CONTRACT = {
    *("suite", "seed", "cases", "passed", "failed", "errors", "cases_per_core_minute"),
    *("compile_share", "coverage", "failures"),
}
SYSTEM_SEED = 48


# ------------------------------------------------------------------------------------ the runner


def test_a_name_is_all_that_a_case_is() -> None:
    case = CaseId("graphs", 7, 123)
    assert str(case) == "graphs-7-123"
    assert CaseId.parse("graphs-7-123") == case
    assert case.command == "./cw regress graphs --replay graphs-7-123"
    for text in ("graphs-7", "graphs-7-x", "graphs-7-1-2", "7-1", "graphs-99999999999-1", ""):
        with pytest.raises(FlowInputError, match="SUITE-SEED-INDEX"):
            CaseId.parse(text)


def test_references_lead_to_the_suites() -> None:
    for name, suite in all_suites().items():
        assert suite.name == name
        assert resolve(suite.reference) is suite


def test_generators_of_different_purposes_are_independent() -> None:
    def first(*key: Any) -> int:
        return int(generator(*key).integers(1 << 62))

    assert first("a", 1, 2) == first("a", 1, 2)
    assert len({first("a", 1, 2), first("b", 1, 2), first("a", 2, 2), first("a", 1, 3)}) == 4


def test_the_limit_of_a_case_is_of_processor_time() -> None:
    # Whoever waits, for a core for example, has not used it up.
    report = run_suite(faults.SLOW, 3, range(2), LocalScheduler(2, case_seconds=1))
    verdicts = {result.index: (result.verdict, result.signature) for result in report.results}
    assert verdicts == {0: ("passed", ""), 1: ("error", "timeout")}


@pytest.fixture(scope="module")
def misbehaved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    pids = tmp_path_factory.mktemp("pids") / "sleeping"
    seen: list[CaseResult] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(faults.PIDS, str(pids))
        # Enough for what does end, also on a machine with much else to do.
        scheduler = LocalScheduler(2, case_seconds=5)
        report = run_suite(faults.MISBEHAVING, 3, range(8), scheduler, seen.append)
    assert sorted(result.index for result in seen) == list(range(8))
    return report, pids


def test_no_case_ends_the_others(misbehaved: tuple[Report, Path]) -> None:
    report, _ = misbehaved
    verdicts = {result.index: (result.verdict, result.signature) for result in report.results}
    assert verdicts == {
        0: ("passed", ""),
        1: ("error", "crash: SIGSEGV"),
        2: ("error", "timeout"),
        3: ("error", "ZeroDivisionError"),
        4: ("failed", "mismatch in <Conv>"),
        5: ("error", "crash: exit status 7"),
        6: ("passed", ""),
        7: ("error", "preparation: KeyError"),
    }
    # Known of all that began, even of those that did not end.
    values = [result.summary.get("value") for result in report.results]
    assert values == [30, 31, 32, 33, 34, 35, 36, None]
    details = {result.index: result.detail for result in report.results}
    assert "ZeroDivisionError: of the case" in details[3]
    assert "Segmentation fault" in details[1]
    assert "no simulator" in details[7]


def test_what_a_hanging_case_has_started_ends_with_it(misbehaved: tuple[Report, Path]) -> None:
    _, pids = misbehaved
    assert ends(int(pids.read_text()))


def test_report_has_what_scripts_rely_on(misbehaved: tuple[Report, Path]) -> None:
    report, _ = misbehaved
    values = json.loads(json.dumps(report.to_dict()))
    assert set(values) >= CONTRACT
    assert (values["suite"], values["seed"], values["cases"]) == ("misbehaving", 3, 8)
    assert (values["passed"], values["failed"], values["errors"]) == (2, 1, 5)
    assert values["coverage"]["line"] is None and values["coverage"]["toggle"] is None
    # Of a process that died nobody knows what it covered.
    assert values["coverage"]["bins"] == {"case": {"even": 3, "odd": 1, "never": 0}}
    assert values["coverage"]["functional"] == round(2 / 3, 4)
    assert [failure["id"] for failure in values["failures"]] == [
        f"misbehaving-3-{index}" for index in (1, 2, 3, 4, 5, 7)
    ]
    # Of each signature the first, and what else there is.
    assert [bucket["id"] for bucket in values["buckets"]] == [f["id"] for f in values["failures"]]
    assert values["slowest"][0]["seconds"] == max(result.seconds for result in report.results)
    assert values["simulated_cycles"] is None
    spent = sum(result.seconds for result in report.results) + report.preparation_seconds
    assert values["processor_seconds"] == round(spent, 2)
    for failure in values["failures"]:
        assert failure["signature"]
        assert failure["command"] == f"./cw regress misbehaving --replay {failure['id']}"


def test_failures_of_one_signature_are_one_group() -> None:
    result = CaseResult("graphs", 1, 0, "failed", "mismatch in Conv")
    results = [replace(result, index=index) for index in range(5)]
    results[1] = replace(results[1], signature="timeout", verdict="error")
    results[2] = replace(results[2], signature="", verdict="passed")
    groups = Report(all_suites()["graphs"], 1, tuple(results), 0.0).groups
    assert {name: [r.index for r in found] for name, found in groups.items()} == {
        "mismatch in Conv": [0, 3, 4],
        "timeout": [1],
    }
    assert next(iter(groups)) == "mismatch in Conv"


def test_bins_nobody_declared_are_an_error() -> None:
    legal = {"rows": ("1", "2"), "batch": ("1",)}
    counts = count_bins(legal, [("rows:1", "batch:1"), ("rows:1",)])
    assert counts == {"rows": {"1": 2, "2": 0}, "batch": {"1": 1}}
    assert fraction_hit(counts) == round(2 / 3, 4)
    for unknown in ("rows:3", "columns:1"):
        with pytest.raises(ValueError, match=unknown):
            count_bins(legal, [(unknown,)])


def test_only_refusals_that_hardware_would_help_are_drawn_again() -> None:
    errors = iter([CompileError("a", "too large", parameter="ram_weights_depth", needed=9)] * 2)

    def draw() -> str:
        for error in errors:
            raise error
        return "network"

    made, refusals = first_that_fits(draw)
    assert made == "network" and len(refusals) == 2 and "ram_weights_depth" in refusals[0]

    def refuse() -> str:
        raise CompileError("a", "not supported")

    with pytest.raises(CompileError, match="not supported"):
        first_that_fits(refuse)

    def never() -> str:
        raise CompileError("a", "too large", parameter="ram_weights_depth", needed=9)

    with pytest.raises(CheckFailed, match="every network is refused"):
        first_that_fits(never)


# ------------------------------------------------------------------------------------ graphs


def test_random_graphs_pass_and_cover() -> None:
    report = run_suite(all_suites()["graphs"], 7, range(60), LocalScheduler(1))
    assert report.passed, report.groups
    values = report.to_dict()
    assert values["cases"] == values["passed"] == 60
    assert values["cases_per_core_minute"] > 0 and values["compile_share"] == 0
    assert values["coverage"]["functional"] > 0.7
    counts = values["coverage"]["bins"]["operator"]
    assert counts["Conv"] > 0 and counts["Dense"] > 0 and counts["Add"] > 0
    # One case alone, in this process: the same hardware, graph, images and verdict.
    again = execute(all_suites()["graphs"], 7, 23)
    there = report.results[23]
    assert again.to_dict() | {"seconds": 0} == there.to_dict() | {"seconds": 0}
    assert again.summary["graph"] and again.summary["hardware"]["hash"]
    assert execute(all_suites()["graphs"], 8, 23).summary != again.summary


def test_a_wrong_emulator_is_a_mismatch_that_names_the_operator() -> None:
    report = run_suite(faults.WRONG_EMULATOR, 7, range(6), LocalScheduler(1))
    kept = [result for result in report.results if result.summary["keep_tensors"]]
    assert kept
    for result in kept:
        assert result.verdict == "failed"
        # The first line of the graph is the input, the next one makes the first tensor.
        assert result.signature.startswith("mismatch in ")
        assert "elements differ, the first at (image, h, w, c) (0, 0, 0, " in result.detail
    assert execute(faults.WRONG_EMULATOR, 7, kept[0].index).signature == kept[0].signature


# ------------------------------------------------------------------------------------ system


def test_random_systems_pass_on_one_hardware() -> None:
    report = run_suite(all_suites()["system"], SYSTEM_SEED, range(4), LocalScheduler(1))
    assert report.passed, report.groups
    values = report.to_dict()
    assert values["simulated_cycles"] > 1000
    assert values["cases"] == 4 and 0 < values["compile_share"] < 1
    hardware = [result.summary["hardware"] for result in report.results]
    assert all(entry == hardware[0] for entry in hardware)
    graphs = [result.summary["graph"] for result in report.results]
    assert all(graph != graphs[0] for graph in graphs[1:])
    for result in report.results:
        assert any(name.startswith("stalls:") for name in result.bins)
    again = execute(all_suites()["system"], SYSTEM_SEED, 2)
    assert again.to_dict() | {"seconds": 0} == report.results[2].to_dict() | {"seconds": 0}
    # Vectors and logs of what passed are gone, and the environment is as before.
    leftover = [path.name for path in (build_folder() / "regress").iterdir()]
    assert not [name for name in leftover if name.startswith(f"system-{SYSTEM_SEED}-2-")]


def test_other_cases_have_other_hardware() -> None:
    suite = all_suites()["system"]
    assert [suite.group(index) for index in (0, 19, 20, 199)] == [0, 0, 1, 9]


def test_damage_is_found_by_firmware_and_by_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(all_suites()["system"], SYSTEM_SEED, 0)  # compiles the bench, unless it is there
    benches = build_folder() / "benches"
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path))
    (tmp_path / "benches").symlink_to(benches)
    report = run_suite(faults.DAMAGED_SYSTEM, SYSTEM_SEED, range(2), LocalScheduler(1))
    program, expected = report.results
    assert os.environ["COREWRIGHT_BUILD"] == str(tmp_path)
    assert program.verdict == expected.verdict == "failed"
    assert program.signature == "status CORRUPTED"
    assert expected.signature.startswith("mismatch in ")
    assert "1 elements differ" in expected.detail
    # What failed is kept to be looked at, and the report says where.
    for result in (program, expected):
        kept = [p for p in (tmp_path / "regress").iterdir() if p.name.startswith(str(result.id))]
        assert len(kept) == 1 and str(kept[0]) in result.detail


def test_numbers_in_a_summary_are_json() -> None:
    result = execute(all_suites()["graphs"], 7, 0)
    assert CaseResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert not isinstance(result.summary["batch"], np.integer)
