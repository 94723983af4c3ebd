# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""One case or preparation in this process: what a scheduler, here or elsewhere, calls."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from corewright.regress.case import CaseResult, CheckFailed, Observation, Suite, Verdict

_PACKAGE = Path(__file__).resolve().parents[1]
_OWN = Path(__file__).resolve().parent


def execute(
    suite: Suite,
    seed: int,
    index: int,
    announce: Callable[[Mapping[str, Any]], None] | None = None,
) -> CaseResult:
    """Run a case to its verdict; only what ends a process gets out.

    Args:
        suite: the suite.
        seed: of the run.
        index: of the case.
        announce: called with the summary whenever the case adds to it.
    """
    return judged(suite, seed, index, lambda it: suite.run(seed, index, it), announce)


def judged(
    suite: Suite,
    seed: int,
    index: int,
    run: Callable[[Observation], None],
    announce: Callable[[Mapping[str, Any]], None] | None = None,
) -> CaseResult:
    """The same of a case that ``run`` runs; see :meth:`Suite.run`."""
    observation = Observation(announce)
    started = processor_seconds()
    verdict: Verdict = "passed"
    signature = detail = ""
    try:
        run(observation)
    except CheckFailed as failed:
        verdict, signature, detail = "failed", failed.signature, failed.detail
    except Exception as error:
        # Whatever it is, the other cases go on.
        verdict, signature, detail = "error", signature_of(error), explain(error)
    return CaseResult(
        suite=suite.name,
        seed=seed,
        index=index,
        verdict=verdict,
        signature=signature,
        detail=detail,
        summary=observation.summary,
        bins=tuple(sorted(observation.bins)),
        seconds=round(processor_seconds() - started, 3),
        file=file_of(suite),
    )


def file_of(suite: Suite) -> str:
    """The file of a user's own suite; empty for others."""
    return str(getattr(suite, "file", ""))


def processor_seconds() -> float:
    """Processor time of this process and of all its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def signature_of(error: BaseException) -> str:
    """Return an exception's type with its ``field``, if it has one, or else its place.

    The place is the innermost function of this package that is not of the regressions.
    """
    name = type(error).__name__
    field = getattr(error, "field", None)
    if isinstance(field, str):
        return f"{name} {field}"
    place = _place(error.__traceback__)
    return f"{name} in {place}" if place else name


def explain(error: BaseException) -> str:
    """Return an exception with the last calls that led to it."""
    return "".join(traceback.format_exception(error, limit=-6)).rstrip()


def _place(trace: TracebackType | None) -> str:
    found = ""
    for frame in traceback.extract_tb(trace):
        path = Path(frame.filename).resolve()
        if path.is_relative_to(_PACKAGE) and not path.is_relative_to(_OWN):
            found = f"{path.relative_to(_PACKAGE).as_posix()}:{frame.name}"
    return found
