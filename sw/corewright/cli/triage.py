# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``regress`` on one failing case: made small, run again from its file, with waves."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corewright.cli.console import output, status, write_json
from corewright.environment import build_folder, provenance
from corewright.files import writing
from corewright.flow.cache import check_build_folder
from corewright.flow.errors import FlowInputError
from corewright.regress import CaseId, CaseResult, Report
from corewright.regress.case import Suite
from corewright.regress.drawing import graph_summary
from corewright.regress.drawn import (
    Drawn,
    ExplicitSuite,
    explicit,
    load,
    replay_command,
    to_json,
    to_text,
)
from corewright.regress.shrink import Limits, Shrunk, shrink
from corewright.regress.trial import Trials, origin

# Seconds that a bench may be compiled.
_BUILD_SECONDS = 3600.0


def case_or_file(text: str, suite: Suite) -> CaseId | Path:
    """Return what ``--replay`` or ``--shrink`` names.

    Raises:
        FlowInputError: neither a case of this suite nor a file.
    """
    path = Path(text)
    if path.is_file():
        return path.resolve()
    try:
        case = CaseId.parse(text)
    except FlowInputError as error:
        raise FlowInputError(f"{error}, or a file that --shrink wrote") from error
    if case.suite != suite.name:
        raise FlowInputError(f"'{case}' is a case of {case.suite}, not of {suite.name}")
    return case


def is_given(arguments: argparse.Namespace) -> bool:
    """Whether ``--replay`` runs something else than a plain case of the suite."""
    return arguments.waves is not None or Path(arguments.replay).is_file()


def replay(arguments: argparse.Namespace, suite: Suite) -> Report:
    """Run the case that ``--replay`` names, from its file or with waves.

    Raises:
        FlowInputError: it is none, or the suite has no waves.
    """
    named = case_or_file(arguments.replay, suite)
    taken = explicit(suite)
    waves: Path | None = arguments.waves
    if waves is not None and not taken.simulates:
        raise FlowInputError(f"--waves: suite '{suite.name}' simulates nothing, it has no waves")
    if taken.simulates:
        check_build_folder()
    with Trials(taken, float(arguments.timeout)) as trials:
        drawn: Drawn | CaseResult
        drawn = load(named, taken) if isinstance(named, Path) else trials.draw(named)
        if isinstance(drawn, CaseResult):
            # It fails where it is drawn.
            result = drawn
        else:
            result = trials.run(
                drawn, waves=waves and waves.resolve(), more_seconds=_building(taken)
            )
    command = None
    if isinstance(named, Path):
        command = replay_command(suite, Path(arguments.replay))
    return Report(suite, result.seed, (result,), 0.0, command=command)


def _building(suite: ExplicitSuite) -> float:
    return _BUILD_SECONDS if suite.simulates else 0.0


# ------------------------------------------------------------------------------------ shrinking


def shrink_case(arguments: argparse.Namespace, suite: Suite) -> int:
    """Make the case that ``--shrink`` names small, write and run it; returns the exit status."""
    others = ("seed", "cases", "replay", "waves", "html", "junit")
    given = [f"--{name}" for name in others if getattr(arguments, name) is not None]
    if given:
        raise FlowInputError(f"--shrink names the case: leave out {', '.join(given)}")
    named = case_or_file(arguments.shrink, suite)
    taken = explicit(suite)
    if taken.simulates:
        check_build_folder()
    limits = Limits(seconds=float(arguments.budget), builds=arguments.builds)
    console = output()
    with Trials(taken, float(arguments.timeout)) as trials:
        case = load(named, taken) if isinstance(named, Path) else named
        with status() as progress:

            def show(count: int, least: Drawn) -> None:
                layers = len(least.graph.compute_nodes)
                progress(f"{count} candidates, {layers} layers left")

            found = shrink(taken, case, trials, limits, show)
        values = _values(found, taken)
        if found.result.verdict == "passed":
            console.print("the case passes: there is nothing to shrink", highlight=False)
            write_json(arguments.json, values)
            return 0
        path = (
            arguments.out or build_folder() / "shrunk" / f"{origin(found.after, suite.name)}.json"
        )
        text = to_text(to_json(found.after, suite.name, found.result.signature))
        with writing(path, "--out FILE"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        # What counts is the file, read again, in a process that knows nothing of the others.
        trials.restart()
        again = trials.run(load(path, taken), more_seconds=_building(taken))
    alike = (again.verdict, again.signature) == (found.result.verdict, found.result.signature)
    command = replay_command(suite, _short(path))
    for line in _described(found, again, alike):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    console.print(f"reproduce: {command}", soft_wrap=True, highlight=False, markup=False)
    write_json(
        arguments.json,
        {**values, "file": str(path), "command": command, "reproduced": alike},
    )
    return 128 + signal.SIGINT if found.ended_by == "interrupted" else 1


def _values(found: Shrunk, suite: ExplicitSuite) -> dict[str, Any]:
    return {
        "suite": suite.name,
        "id": found.before.origin,
        **found.to_dict(),
        "provenance": provenance(),
    }


def _short(path: Path) -> Path:
    """A path as a user would type it."""
    here = Path.cwd()
    whole = path.resolve()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def _described(found: Shrunk, again: CaseResult, alike: bool) -> Iterator[str]:
    before, after = (found.to_dict()[name] for name in ("before", "after"))
    yield f"{found.result.verdict}: {found.result.signature}"
    yield (
        f"{found.candidates} candidates in {found.seconds:.1f} s, {found.accepted} smaller ones "
        f"taken, {found.builds} on new hardware; ended by: {found.ended_by}"
    )
    for name in before:
        yield f"  {name}: {_value(before[name])} -> {_value(after[name])}"
    yield "  network:"
    yield from (f"    {line}" for line in graph_summary(found.after.graph))
    for line in again.detail.splitlines():
        yield f"  | {line}"
    if not alike:
        got = f"{again.verdict} {again.signature}".strip()
        yield f"the file alone gives {got}: the failure depends on what ran before"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={entry}" for name, entry in value.items())
    return "x".join(map(str, value)) if isinstance(value, list) else f"{value:,}"
