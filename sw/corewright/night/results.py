# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a piece of a night has left, and what a part makes of its pieces; all JSON-compatible.

A piece's outcome: ``status`` (``passed``, ``failed``, ``stopped`` at its limit), ``exit``,
``seconds``, ``command``, ``failures`` (``key`` that the same failure has every night, ``text``,
``command``, of a regression that can make it small ``id``; then ``shrunk``), ``not_run`` (tests and
cases that did not, and why), ``counts``, ``log``, ``evidence`` (see ``regress.testpoints``).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corewright.environment import command_line, repository_root
from corewright.files import UnreadableFileError, read_json
from corewright.regress.coverage import fraction_hit
from corewright.regress.junit import read_junit
from corewright.regress.testpoints import evidence_of_regression, evidence_of_tests, merged

# Counts of regressions that add up over pieces.
_SUMS = ("cases", "passed", "failed", "errors", "processor_seconds", "simulated_cycles")
_LOG_BYTES, _LOG_LINES = 20_000, 25
# Of tests that did not run, so many are named.
_NAMED = 200


def shown(words: Sequence[str]) -> str:
    """Return a piece's command as a user types it."""
    return shlex.join([command_line(), *words])


def command_of_test(name: str, words: Sequence[str]) -> str:
    """Return the command that repeats a test, or else the piece.

    Args:
        name: see ``Tests``.
        words: the piece's command line.
    """
    module, _, test = name.partition("::")
    path = f"{module.replace('.', '/')}.py"
    if not test or not (repository_root() / path).is_file():
        return shown(words)
    # Whatever its marks: some are left out otherwise.
    return shown(["test", "-m", "", f"{path}::{test}"])


def piece_outcome(
    words: Sequence[str],
    files: Mapping[str, Path],
    log: Path,
    *,
    exit_status: int,
    stopped: bool,
    seconds: float,
) -> dict[str, Any]:
    """Return what a piece has left.

    Args:
        words: its command line.
        files: where its results are, by placeholder; those that it did not name are not there.
        log: what it printed.
        exit_status: of its process.
        stopped: whether it was, at its limit.
        seconds: wall-clock time.
    """
    failures: list[dict[str, Any]] = []
    not_run: dict[str, str] = {}
    counts: dict[str, Any] = {}
    evidence: dict[str, bool] = {}
    unreadable = ""
    try:
        if files["json"].is_file():
            values = read_json(files["json"])
            counts = _regression(values, failures, not_run)
            if words[0] == "regress" and counts:
                evidence = evidence_of_regression(values)
        if files["junit"].is_file():
            tests = read_junit(files["junit"])
            evidence = merged([evidence, evidence_of_tests(tests)])
            counts |= {"tests": tests.passed + len(tests.failed), "tests_passed": tests.passed}
            for name, text in tests.failed.items():
                failures.append(
                    {"key": name, "text": text, "command": command_of_test(name, words)}
                )
            not_run |= dict(list(tests.skipped.items())[:_NAMED])
    except UnreadableFileError as error:
        # A process that was killed may leave half of a file.
        unreadable = str(error)
    bad = exit_status != 0 and not stopped
    if bad and not failures:
        text = unreadable or f"exit status {exit_status}"
        failures.append({"key": "exit status", "text": text, "command": shown(words)})
    status = "failed" if failures else "stopped" if stopped else "passed"
    return {
        "status": status,
        "stopped": stopped,
        "exit": exit_status,
        "seconds": round(seconds, 1),
        "command": shown(words),
        "failures": failures,
        "not_run": not_run,
        "counts": counts,
        "evidence": evidence,
        "log": _tail(log) if failures or stopped else "",
    }


def _regression(
    values: Any, failures: list[dict[str, Any]], not_run: dict[str, str]
) -> dict[str, Any]:
    """Counts of a report's JSON; its failures and what did not run go to the arguments."""
    if not isinstance(values, dict):
        return {}
    counts = {name: values[name] for name in _SUMS if isinstance(values.get(name), int | float)}
    for bucket in values.get("buckets", ()):
        count = bucket["count"]
        cases = "1 case" if count == 1 else f"{count} cases, the first"
        text = f"{cases}: {bucket['detail']}"
        failure = {"key": bucket["signature"], "text": text[:2000], "command": bucket["command"]}
        if bucket.get("shrink"):
            failure["id"] = bucket["id"]
        failures.append(failure)
    if values.get("not_run"):
        not_run["cases"] = f"{values['not_run']} cases: the run was stopped"
    if "compile_share" in values and "processor_seconds" in counts:
        counts["compile_seconds"] = values["compile_share"] * counts["processor_seconds"]
    if isinstance(values.get("coverage"), dict):
        counts["coverage"] = values["coverage"]
    # Mutation.
    for name in ("mutants", "killed", "score"):
        if isinstance(values.get(name), int | float):
            counts[name] = values[name]
    return counts


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])


def part_outcome(pieces: Sequence[Mapping[str, Any]], wanted: int) -> dict[str, Any]:
    """Return what a part makes of the outcomes of its pieces.

    ``status`` is ``failed``, ``passed``, ``stopped`` (at its limit), ``unfinished`` (pieces are
    missing) or ``not run``.

    Args:
        pieces: outcomes, in order.
        wanted: how many there are to be.
    """
    failures = merged_failures(pieces)
    status = "passed"
    if failures:
        status = "failed"
    elif any(piece["stopped"] for piece in pieces):
        status = "stopped"
    elif len(pieces) < wanted:
        status = "unfinished" if pieces else "not run"
    not_run: dict[str, str] = {}
    for piece in pieces:
        not_run |= piece["not_run"]
    return {
        "status": status,
        "pieces": len(pieces),
        "wanted": wanted,
        "seconds": round(sum(piece["seconds"] for piece in pieces), 1),
        "commands": [piece["command"] for piece in pieces],
        "failures": failures,
        "not_run": not_run,
        "log": next((piece["log"] for piece in pieces if piece["failures"]), ""),
        **_counts([piece["counts"] for piece in pieces]),
    }


def merged_failures(pieces: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each failure of some pieces once, as it was seen first."""
    found: dict[str, dict[str, Any]] = {}
    for piece in pieces:
        for failure in piece["failures"]:
            found.setdefault(failure["key"], dict(failure))
    return list(found.values())


def _counts(pieces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = (*_SUMS, "tests", "tests_passed", "mutants", "killed")
    known = {name: [p[name] for p in pieces if name in p] for name in names}
    counts: dict[str, Any] = {name: sum(values) for name, values in known.items() if values}
    spent = counts.get("processor_seconds", 0)
    if spent and "cases" in counts:
        counts["rate"] = round(60 * counts["cases"] / spent, 2)
        compiling = sum(piece.get("compile_seconds", 0.0) for piece in pieces)
        counts["compile_share"] = round(compiling / spent, 4)
    if "mutants" in counts and "killed" in counts:
        # Also of several pieces the share that is killed; one knows better.
        counts["score"] = pieces[0].get("score") if len(pieces) == 1 else None
        counts["score"] = counts["score"] or counts["killed"] / max(counts["mutants"], 1)
    if coverages := [piece["coverage"] for piece in pieces if "coverage" in piece]:
        counts["coverage"] = _coverage(coverages)
    return counts


def _coverage(pieces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Bins add up; what else was measured is known of a single piece only."""
    result = dict(pieces[-1])
    if len(pieces) > 1:
        result = dict.fromkeys(result)
    bins: dict[str, dict[str, int]] = {}
    for piece in pieces:
        for group, counts in piece.get("bins", {}).items():
            into = bins.setdefault(group, {})
            for name, count in counts.items():
                into[name] = into.get(name, 0) + count
    if bins:
        result |= {"bins": bins, "functional": fraction_hit(bins)}
    return result
