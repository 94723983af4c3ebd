# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""One case or preparation in this process: what a scheduler, here or elsewhere, calls."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from corewright.environment import EnvironmentUnusableError, build_folder
from corewright.regress.case import CaseResult, CheckFailed, Observation, Suite, Verdict

_PACKAGE = Path(__file__).resolve().parents[1]
_OWN = Path(__file__).resolve().parent
# What a system says that is no fault of the program.
_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOMEM, errno.ESTALE}
    | {errno.EMFILE, errno.ENFILE}
)
# With less room than that, in bytes, a disk counts as full.
_ROOM_BYTES = 64 << 10


def execute(
    suite: Suite,
    seed: int,
    index: int,
    announce: Callable[[Mapping[str, Any]], None] | None = None,
    raised: Callable[[BaseException], None] | None = None,
) -> CaseResult:
    """Run a case to its verdict; only what ends a process gets out.

    Args:
        suite: the suite.
        seed: of the run.
        index: of the case.
        announce: called with the summary whenever the case adds to it.
        raised: called with what made the verdict ``error``.
    """
    return judged(suite, seed, index, lambda it: suite.run(seed, index, it), announce, raised)


def judged(
    suite: Suite,
    seed: int,
    index: int,
    run: Callable[[Observation], None],
    announce: Callable[[Mapping[str, Any]], None] | None = None,
    raised: Callable[[BaseException], None] | None = None,
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
        if raised is not None:
            raised(error)
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


def machine_fault(error: BaseException | None) -> str | None:
    """Return what is wrong with this machine, if that is why something was raised.

    Args:
        error: what was raised, with its causes; None: a check failed, or a process died.
    """
    reasons: list[str] = []
    while error is not None:
        if isinstance(error, EnvironmentUnusableError | MemoryError):
            reasons.append(f"{type(error).__name__}: {error}".strip(": "))
        elif isinstance(error, OSError) and error.errno in _MACHINE:
            reasons.append(f"{error.filename or 'system'}: {os.strerror(error.errno)}")
        error = error.__cause__ or error.__context__
    if reasons:
        return reasons[0]
    # Tools do not always say it, and what was cut off is no verdict.
    for folder in (build_folder(), Path(tempfile.gettempdir())):
        with contextlib.suppress(OSError):
            if shutil.disk_usage(folder).free < _ROOM_BYTES:
                return f"{folder}: {os.strerror(errno.ENOSPC)}"
    return None


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
