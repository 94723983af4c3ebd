# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A night's report as one HTML file that needs no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from corewright.regress.html import (
    command_block,
    coverage_section,
    made_with,
    page,
    share,
    table,
    trend_section,
    verdict_line,
)
from corewright.regress.testpoints import section_of_testpoints


def night_page(report: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    """Return the page: verdict, what is new, failures, what did not run, all parts.

    Args:
        report: see :func:`corewright.night.run.run_night`.
        history: of all parts, oldest first; see :func:`corewright.regress.html.html_report`.
    """
    return page(
        f"corewright night {report['night']}",
        [
            *_verdict(report),
            *made_with(report["provenance"], report["seed"]),
            *_changes(report),
            *_failures(report["parts"]),
            *_not_run(report["parts"]),
            *_parts(report["parts"]),
            *section_of_testpoints(report["testpoints"]),
            *_details(report["parts"], history),
        ],
    )


def _verdict(report: Mapping[str, Any]) -> Iterator[str]:
    parts = report["parts"]
    ran = [part for part in parts if part["pieces"]]
    if not report["over"]:
        how = "interrupted" if report["interrupted"] else "not over"
        yield verdict_line(False, f"{how}: {len(ran)} of {len(parts)} parts have begun")
    bad = [part["name"] for part in parts if part["failures"]]
    if bad:
        yield verdict_line(False, f"failed: {', '.join(bad)}; {len(ran)} of {len(parts)} parts ran")
    elif ran:
        yield verdict_line(True, f"passed: {len(ran)} of {len(parts)} parts ran")
    if report["farm"]:
        there = ", ".join(part["name"] for part in parts if part["farm"]) or "none"
        here = ", ".join(part["name"] for part in parts if not part["farm"]) or "none"
        yield f"<p>On the farm {escape(report['farm'])}: {escape(there)}; here: {escape(here)}.</p>"


def _changes(report: Mapping[str, Any]) -> Iterator[str]:
    last = report["last_night"]
    yield f"<h2>Compared with {escape(last or 'nothing: this is the first night')}</h2>"
    yield "<p>Each part with its own last run.</p>"
    for name, title, kind in (
        ("new_failures", "New failures", "failed"),
        ("fixed", "Fixed", "passed"),
    ):
        yield f'<h3 class="{kind if report[name] else ""}">{title}: {len(report[name])}</h3>'
        if report[name]:
            yield from table((entry["part"], entry["key"]) for entry in report[name])


def _failures(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    failed = [part for part in parts if part["failures"]]
    if not failed:
        return
    yield "<h2>Failures</h2>"
    for part in failed:
        for failure in part["failures"]:
            yield f'<h3 class="failed">{escape(part["name"])}: {escape(failure["key"])}</h3>'
            yield command_block(failure["command"])
            yield f"<pre>{escape(failure['text'])}</pre>"
            yield from _shrunk(failure.get("shrunk"))
        if part["log"]:
            yield "<details><summary>end of its log</summary>"
            yield f"<pre>{escape(part['log'])}</pre></details>"


def _shrunk(shrunk: Mapping[str, Any] | None) -> Iterator[str]:
    if shrunk is None:
        return
    if "command" not in shrunk:
        why = shrunk.get("ended_by", f"see {shrunk['log']}")
        yield f"<p>It was not made small: {escape(why)}.</p>"
        return
    before, after = (shrunk[name]["layers"] for name in ("before", "after"))
    alone = "" if shrunk["reproduced"] else ", but it gives something else alone"
    yield f"<p>Made small, {before} to {after} layers{alone}: {escape(shrunk['file'])}</p>"
    yield command_block(shrunk["command"])


def _not_run(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rows: list[Sequence[object]] = []
    for part in parts:
        if not part["pieces"]:
            rows.append((part["name"], "the whole part: no time was left"))
        elif part["status"] in ("stopped", "unfinished"):
            done = f"{part['pieces']} of {part['wanted']} runs"
            rows.append((part["name"], f"the rest: {done}, {part['status']}"))
        rows += [(part["name"], f"{test}: {why}") for test, why in part["not_run"].items()]
    yield f"<h2>Did not run: {len(rows)}</h2>"
    if rows:
        yield from table(rows)


def _parts(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "<h2>Parts</h2>"
    rows = []
    for part in parts:
        last = part["compared"] or {}
        rate = f"{part['rate']:,} cases a core-minute" if part.get("rate") else ""
        if rate and last.get("rate"):
            rate += f" (last {last['rate']:,})"
        rows.append(
            (
                *(part["name"], part["status"], _seconds(part)),
                *(_seconds(last) if last else "never", rate, part["about"]),
            )
        )
    yield from table(rows, ("part", "status", "took", "last time", "rate", "shows"))


def _seconds(values: Mapping[str, Any]) -> str:
    # A number and its unit stay on one line.
    return f"{values['seconds']:,}\N{NO-BREAK SPACE}s"


def _details(
    parts: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    for part in parts:
        if not part["pieces"]:
            continue
        yield f"<details><summary>{escape(part['name'])}: numbers, coverage, trend</summary>"
        rows: list[Sequence[object]] = [
            (title, part[name])
            for name, title in (
                ("cases", "cases"),
                ("passed", "passed"),
                ("failed", "failed"),
                ("errors", "errors"),
                ("tests", "tests"),
                ("tests_passed", "of them passed"),
                ("processor_seconds", "processor seconds"),
                ("simulated_cycles", "simulated cycles"),
                ("mutants", "mutants"),
                ("killed", "of them killed"),
            )
            if part.get(name) is not None
        ]
        for name, title in (("compile_share", "compiling"), ("score", "mutation score")):
            if part.get(name) is not None:
                rows.append((title, share(part[name])))
        yield from table(rows)
        for command in part["commands"]:
            yield command_block(command)
        if "coverage" in part:
            yield from coverage_section(part["coverage"])
        yield from trend_section([run for run in history if run["suite"] == part["name"]])
        yield "</details>"
