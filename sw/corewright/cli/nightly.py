# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The command ``nightly``."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from corewright.cli.console import output, write_json
from corewright.environment import build_folder, provenance, repository_root
from corewright.files import write_output
from corewright.flow.cache import check_build_folder
from corewright.flow.compiled_bench import flow_environment
from corewright.flow.errors import FlowInputError
from corewright.night import Night, on_farm, read_plan, run_night
from corewright.night.plan import Check
from corewright.regress.farm import open_farm
from corewright.regress.testpoints import known_plans

# The command line whose words parts are.
_COMMAND = (sys.executable, "-P", "-m", "corewright.cli")
# Failures that are described on the console; the report has all.
_DESCRIBED = 20


def nightly(arguments: argparse.Namespace) -> int:
    """Run a night and report; returns the exit status."""
    path = arguments.plan or repository_root() / "regressions" / "nightly.toml"
    plan = read_plan(path, arguments.check_command)
    if arguments.farm is not None:
        # What is wrong with it, now and not in each part.
        open_farm(arguments.farm, case_seconds=1.0)
        plan = on_farm(plan, arguments.farm, accepts_farm(arguments.check_command))
    check_build_folder()
    night = Night(
        plan=plan,
        folder=(arguments.out or build_folder() / "nightly").resolve(),
        command=_COMMAND,
        environment=flow_environment(),
        working_folder=repository_root(),
        provenance=provenance(),
        hours=arguments.hours,
        farm=arguments.farm,
        test_plans=known_plans(),
        say=_say,
    )
    with _terminated_like_interrupted():
        report = run_night(night)
    console = output()
    for line in _described(report, night.folder):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    write_json(arguments.json, report)
    if arguments.html is not None:
        page = night.folder / report["night"] / "report.html"
        write_output(arguments.html, page.read_text(encoding="utf-8"), "--html FILE")
    if report["interrupted"]:
        return 128 + signal.SIGINT
    return 0 if report["passed"] else 1


def accepts_farm(check_command: Check) -> Callable[[Sequence[str]], bool]:
    """Return what tells whether words, with ``--farm``, are a command line that knows it."""

    def accepts(words: Sequence[str]) -> bool:
        # Others may take any words, and hand them on.
        if words[0] != "regress":
            return False
        try:
            check_command(words)
        except FlowInputError:
            return False
        return True

    return accepts


def _say(line: str) -> None:
    # A night's log is of use with all of its lines, whoever reads it.
    Console(stderr=True).print(line, soft_wrap=True, highlight=False, markup=False)


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM, which cron's and Slurm's limits send, end the night as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _described(report: Mapping[str, Any], folder: Path) -> Iterator[str]:
    for part in report["parts"]:
        line = f"{part['name']}: {part['status']}"
        if part["pieces"]:
            line += f", {part['pieces']} of {part['wanted']} runs, {part['seconds']} s"
            if part.get("rate"):
                line += f", {part['rate']:,} cases a core-minute"
                last = (part["compared"] or {}).get("rate")
                line += f" (last {last:,})" if last else ""
        yield line
    for title, name in (("new", "new_failures"), ("fixed", "fixed")):
        for entry in report[name][:_DESCRIBED]:
            yield f"{title}: {entry['part']}: {entry['key']}"
        if len(report[name]) > _DESCRIBED:
            yield f"{title}: and {len(report[name]) - _DESCRIBED} more"
    skipped = sum(len(part["not_run"]) for part in report["parts"])
    if report["not_run"]:
        yield f"did not run: {', '.join(report['not_run'])}"
    if skipped:
        yield f"did not run: {skipped} tests or cases of other parts, see the report"
    for part in report["parts"]:
        for failure in part["failures"][:_DESCRIBED]:
            yield f"{part['name']}: {failure['key']}"
            yield f"  reproduce: {failure['command']}"
            if "command" in failure.get("shrunk", {}):
                yield f"  made small: {failure['shrunk']['command']}"
    if report["farm"]:
        there = ", ".join(part["name"] for part in report["parts"] if part["farm"])
        yield f"on the farm {report['farm']}: {there or 'nothing'}"
    rows = report["testpoints"]
    if rows:
        failed = [f"{row['block']}: {name}" for row in rows for name in row["failed"]]
        yield (
            f"testpoints: {sum(row['passed'] for row in rows)} passed, {len(failed)} failed, "
            f"{sum(row['not_run'] for row in rows)} did not run"
        )
        yield from (f"testpoint failed: {name}" for name in failed[:_DESCRIBED])
    last = report["last_night"]
    yield f"compared with {last}" if last else "the first night"
    yield f"report: {folder / report['night'] / 'report.html'}"
