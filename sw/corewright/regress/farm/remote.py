# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a farm's transport calls on a worker, whatever the farm.

A task runs in a child process, as on one's own machine: a crash does not take the worker down, and
what hangs is killed. Children are kept for the next task of the same run; if the worker dies, the
end of their input ends them and all that they have started.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from corewright.environment import build_folder, processor, repository_root
from corewright.flow.cache import digest, tree_digest
from corewright.regress.policy import Task
from corewright.regress.process import Outcome, WorkerProcess, process_environment

# What verdicts depend on; a folder of tests makes none.
_SOURCES = ("core", "ip", "sw")
_SUFFIXES = (
    *(".py", ".sv", ".svh", ".v", ".vh", ".vlt", ".c", ".h", ".cpp", ".core", ".toml", ".rdl"),
    ".yaml",
)
# A run whose owner was killed never says that it has ended, seconds.
_IDLE_SECONDS = 600.0


@dataclass
class _Children:
    idle: list[WorkerProcess] = field(default_factory=list)
    busy: set[WorkerProcess] = field(default_factory=set)
    used: float = 0.0


_RUNS: dict[str, _Children] = {}
_ENDED: set[str] = set()
_LOCK = threading.Lock()


def describe() -> dict[str, Any]:
    """Return this worker's ``place`` (a build folder on a machine) and digest of its ``sources``.

    A machine with another processor is another place, also if it shares the folder.
    """
    build = str(build_folder())
    kind = digest(processor())[:8]
    return {"place": f"{platform.node()}:{build} ({kind})", "sources": sources_digest()}


def sources_digest() -> str:
    """Return a digest of what verdicts depend on, beside seed and suite."""
    return tree_digest((repository_root() / name for name in _SOURCES), _SUFFIXES)


def perform(
    run: str, reference: str, seed: int, task: Mapping[str, Any], seconds: float
) -> Outcome:
    """Run one task in a child process, and return what it has come to.

    Args:
        run: a name that is no other run's.
        reference: of the suite.
        seed: of the run.
        task: fields of a ``Task``.
        seconds: wall-clock limit.
    """
    child = _take(run, reference)
    try:
        return child.call(Task(**task).message(seed), seconds)
    finally:
        _give_back(run, child)


def end(run: str) -> None:
    """End all children of a run, also those that are busy; it starts no new ones."""
    with _LOCK:
        _ENDED.add(run)
        children = _RUNS.pop(run, _Children())
        for child in children.busy:
            # Closed by the thread that waits for it.
            child.kill()
    for child in children.idle:
        child.close()


def _take(run: str, reference: str) -> WorkerProcess:
    with _LOCK:
        if run in _ENDED:
            raise RuntimeError(f"run {run} has ended")
        forgotten = _forget()
        children = _RUNS.setdefault(run, _Children())
        # A farm's worker has as many threads as cores are its own: one for each task.
        child = (
            children.idle.pop()
            if children.idle
            else WorkerProcess(reference, process_environment(1, cores=1))
        )
        children.busy.add(child)
        children.used = time.monotonic()
    for old in forgotten:
        old.close()
    return child


def _give_back(run: str, child: WorkerProcess) -> None:
    with _LOCK:
        children = _RUNS.get(run)
        if children is not None:
            children.busy.discard(child)
            children.used = time.monotonic()
            if child.usable:
                children.idle.append(child)
                return
    child.close()


def _forget() -> list[WorkerProcess]:
    """Take out the children of runs that have given them nothing to do for long."""
    now = time.monotonic()
    old = [run for run, c in _RUNS.items() if not c.busy and now - c.used > _IDLE_SECONDS]
    return [child for run in old for child in _RUNS.pop(run).idle]
