# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What runs say of the test plans: which testpoints passed, failed, or had no test that ran.

Evidence maps what ran to whether it passed. Keys are ``PATH::FUNCTION`` of pytest's tests, the path
of a cocotb bench for all of its tests, ``PATH::TEST`` of one that failed, ``suite:NAME`` and
``suite:NAME:BIN``; see :mod:`corewright.regress.testplan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import PurePosixPath
from typing import Any, Literal

from corewright.environment import repository_root
from corewright.flow.errors import FlowInputError
from corewright.regress import blocks
from corewright.regress.html import table
from corewright.regress.junit import Tests
from corewright.regress.testplan import Plan, PlanPoint, read_plans

Outcome = Literal["passed", "failed", "not run"]
# Testpoints that are named below the table.
_NAMED = 40


def known_plans() -> list[Plan]:
    """Return the plans of this tree; none where they are not as they have to be: CI says that."""
    try:
        return read_plans()
    except FlowInputError:
        return []


def merged(evidence: Iterable[Mapping[str, bool]]) -> dict[str, bool]:
    """Return what several runs say: what failed once has failed."""
    found: dict[str, bool] = {}
    for each in evidence:
        for key, passed in each.items():
            found[key] = passed and found.get(key, True)
    return found


def evidence_of_tests(tests: Tests) -> dict[str, bool]:
    """Return what a run of pytest says, by function; parameters do not count."""
    found: dict[str, bool] = {}
    for name in tests.seconds:
        if name in tests.skipped:
            continue
        module, _, test = name.partition("::")
        key = f"{module.replace('.', '/')}.py::{test.partition('[')[0]}"
        found[key] = found.get(key, True) and name not in tests.failed
    return found


def evidence_of_regression(values: Mapping[str, Any]) -> dict[str, bool]:
    """Return what the JSON of a regression says of its suite, or of the benches that it ran."""
    name, bins = values.get("suite"), values.get("coverage", {}).get("bins", {})
    if not name or not values.get("cases"):
        return {}
    signatures = [bucket["signature"] for bucket in values.get("buckets", ())]
    if name == blocks.SUITE.name:
        return _evidence_of_benches(bins, signatures)
    found = {f"suite:{name}": not signatures}
    for group, counts in bins.items():
        for each, count in counts.items():
            if count:
                # Which of its cases had the bin is not told: each that failed may.
                found[f"suite:{name}:{group}:{each}"] = not signatures
    return found


def _evidence_of_benches(
    bins: Mapping[str, Mapping[str, int]], signatures: Sequence[str]
) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for bench in blocks.SUITE.benches:
        if not any(bins.get(bench.name, {}).values()):
            continue
        folder = bench.folder.resolve().relative_to(repository_root()).as_posix()
        path = f"{folder}/{bench.module}.py"
        own = [text for text in signatures if text.startswith(f"{bench.module}: ")]
        tests = [text.removeprefix(f"{bench.module}: ") for text in own]
        # What is no test, an assertion or a bench without an end, is all of them.
        found[path] = all(" " not in test for test in tests)
        found |= {f"{path}::{test}": False for test in tests if " " not in test}
    return found


def outcome(plan: Plan, point: PlanPoint, evidence: Mapping[str, bool]) -> Outcome:
    """Return what a run says of a testpoint: passed if of its tests some ran, and all of those."""
    known = [said for test in point.tests if (said := _said(plan, test, evidence)) is not None]
    if not known:
        return "not run"
    return "passed" if all(known) else "failed"


def _said(plan: Plan, test: str, evidence: Mapping[str, bool]) -> bool | None:
    if test.startswith("suite:"):
        return evidence.get(test)
    file, _, function = test.partition("::")
    path = PurePosixPath(file if "/" in file else f"{plan.block}/dv/{file}")
    if path.name.startswith("test_"):
        return evidence.get(f"{path}::{function}")
    # A cocotb test: by its bench, or by the launchers of that, each of which fails with it.
    launcher = path.with_name(f"test_{path.stem.removeprefix('tb_')}.py")
    found = [evidence[key] for key in (f"{path}::{function}", str(path)) if key in evidence]
    found += [said for key, said in evidence.items() if key.startswith(f"{launcher}::")]
    return all(found) if found else None


def rows_by_block(plans: Sequence[Plan], evidence: Mapping[str, bool]) -> list[dict[str, Any]]:
    """Return a row a block; JSON-compatible.

    ``block``, ``stage``, ``testpoints``, ``holes``, ``passed``, ``not_run`` (numbers), and
    ``failed`` (names).
    """
    rows = []
    for plan in plans:
        outcomes = {point.name: outcome(plan, point, evidence) for point in plan.testpoints}
        counts = list(outcomes.values())
        rows.append(
            {
                "block": plan.block,
                "stage": plan.stage or "none",
                "testpoints": len(plan.testpoints),
                "holes": len(plan.holes),
                "passed": counts.count("passed"),
                "not_run": counts.count("not run"),
                "failed": [name for name, each in outcomes.items() if each == "failed"],
            }
        )
    return rows


def section_of_testpoints(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the table of :func:`rows_by_block`, and the testpoints that failed by name."""
    if not rows:
        return
    total, holes = (sum(row[name] for row in rows) for name in ("testpoints", "holes"))
    ran = sum(row["passed"] + len(row["failed"]) for row in rows)
    failed = [f"{row['block']}: {name}" for row in rows for name in row["failed"]]
    yield f"<h2>Testpoints: {ran} of {total} ran, {len(failed)} failed, {holes} holes</h2>"
    for text in failed[:_NAMED]:
        yield f'<p class="failed">{escape(text)}</p>'
    yield "<details><summary>by block</summary>"
    yield from table(
        (
            (
                *(row["block"], row["stage"], row["passed"], len(row["failed"])),
                *(row["not_run"], row["holes"]),
            )
            for row in rows
        ),
        ("block", "stage", "passed", "failed", "not run", "holes"),
    )
    yield "<p>Passed: of a testpoint's tests some ran, and all of those passed.</p></details>"
