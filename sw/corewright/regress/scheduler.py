# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Where cases run: processes of this machine; a farm offers the same two things.

A scheduler needs no more of a suite than its reference and :func:`execute` (a case's result) and
``prepare`` (what a group shares, kept by content in the build folder).
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from corewright.regress.case import CaseResult, Suite, Verdict
from corewright.regress.execute import file_of

# Seconds after which a case, or a group's preparation (a Verilator build), counts as hung.
CASE_SECONDS = 300.0
PREPARATION_SECONDS = 3600.0
# The same until a new process has imported what it needs.
_START_SECONDS = 120.0
# Of a process that died, so much of its standard error is reported.
_TAIL_BYTES = 3000


@dataclass(frozen=True)
class Preparation:
    """What a group's preparation has cost, processor seconds."""

    group: int
    seconds: float


class Scheduler(Protocol):
    """Runs cases anywhere, in any order."""

    def run(
        self, suite: Suite, seed: int, indices: Sequence[int]
    ) -> Generator[CaseResult | Preparation, None, None]:
        """Yield each case's result as it arrives, and each preparation's cost.

        Closing the generator ends whatever still runs.
        """


@dataclass(frozen=True)
class _Task:
    index: int | None
    group: int | None

    def line(self, seed: int) -> bytes:
        what = {"index": self.index} if self.index is not None else {"group": self.group}
        return (json.dumps({"seed": seed, **what}) + "\n").encode()


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    task: _Task | None = None
    ready: bool = False
    deadline: float = 0.0
    summary: dict[str, Any] = field(default_factory=dict)
    received: bytes = b""


class LocalScheduler:
    """A process for each job; one that hangs or dies is replaced, its case reported.

    Args:
        jobs: processes.
        case_seconds: wall-clock limit of a case.
        preparation_seconds: the same of a preparation.
    """

    def __init__(
        self,
        jobs: int,
        *,
        case_seconds: float = CASE_SECONDS,
        preparation_seconds: float = PREPARATION_SECONDS,
    ) -> None:
        self.jobs = jobs
        self.case_seconds = case_seconds
        self.preparation_seconds = preparation_seconds

    def run(
        self, suite: Suite, seed: int, indices: Sequence[int]
    ) -> Generator[CaseResult | Preparation, None, None]:
        """See :meth:`Scheduler.run`."""
        return _Run(self, suite, seed, indices).results()


class _Run:
    def __init__(
        self, scheduler: LocalScheduler, suite: Suite, seed: int, indices: Sequence[int]
    ) -> None:
        self.scheduler, self.suite, self.seed = scheduler, suite, seed
        self.ready: deque[int] = deque()
        self.groups: dict[int, list[int]] = {}
        for index in indices:
            group = suite.group(index)
            if group is None:
                self.ready.append(index)
            else:
                self.groups.setdefault(group, []).append(index)
        self.unprepared = deque(self.groups)
        self.workers: list[_Worker] = []
        self.selector = selectors.DefaultSelector()

    def results(self) -> Generator[CaseResult | Preparation, None, None]:
        try:
            while True:
                self._assign()
                busy = [worker for worker in self.workers if worker.task is not None]
                if not busy:
                    return
                soonest = min(worker.deadline for worker in busy)
                wait = max(0.0, soonest - time.monotonic())
                for key, _ in self.selector.select(wait):
                    yield from self._receive(key.data)
                now = time.monotonic()
                for worker in [w for w in self.workers if w.task is not None]:
                    if worker.deadline <= now:
                        yield from self._expire(worker)
        finally:
            for worker in list(self.workers):
                self._end(worker)
            self.selector.close()

    def _next(self) -> _Task | None:
        if self.ready:
            return _Task(self.ready.popleft(), None)
        # Only where nobody has a case to run: at most as many builds as jobs, and in order.
        return _Task(None, self.unprepared.popleft()) if self.unprepared else None

    def _assign(self) -> None:
        while self.ready or self.unprepared:
            idle = next((worker for worker in self.workers if worker.task is None), None)
            if idle is None:
                if len(self.workers) >= self.scheduler.jobs:
                    return
                idle = self._start()
            task = self._next()
            if task is None:
                return
            idle.task, idle.summary = task, {}
            limit = self._limit(task) if idle.ready else _START_SECONDS
            idle.deadline = time.monotonic() + limit
            if idle.process.stdin is None:
                raise RuntimeError("a worker has no standard input")
            # One that has died shows by the end of its output.
            with contextlib.suppress(BrokenPipeError):
                idle.process.stdin.write(task.line(self.seed))
                idle.process.stdin.flush()

    def _limit(self, task: _Task) -> float:
        scheduler = self.scheduler
        return scheduler.preparation_seconds if task.index is None else scheduler.case_seconds

    def _start(self) -> _Worker:
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _end
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "corewright.regress.worker", self.suite.reference],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_environment(self.scheduler.jobs),
            # A group of its own: what it has started ends with it.
            start_new_session=True,
        )
        if process.stdout is None:
            raise RuntimeError("a worker has no standard output")
        worker = _Worker(process, errors)
        os.set_blocking(process.stdout.fileno(), False)
        self.selector.register(process.stdout, selectors.EVENT_READ, worker)
        self.workers.append(worker)
        return worker

    def _receive(self, worker: _Worker) -> Iterator[CaseResult | Preparation]:
        if worker.process.stdout is None:
            return
        data = os.read(worker.process.stdout.fileno(), 1 << 20)
        if not data:
            yield from self._lost(worker)
            return
        worker.received += data
        *lines, worker.received = worker.received.split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "ready" in message:
                worker.ready = True
                if worker.task is not None:
                    worker.deadline = time.monotonic() + self._limit(worker.task)
                continue
            if "summary" in message:
                worker.summary = message["summary"]
                continue
            task, worker.task = worker.task, None
            if "result" in message:
                yield CaseResult.from_dict(message["result"])
            elif task is not None and task.group is not None:
                yield from self._prepared(task.group, message["prepared"])

    def _prepared(
        self, group: int, outcome: Mapping[str, Any]
    ) -> Iterator[CaseResult | Preparation]:
        yield Preparation(group, outcome["seconds"])
        error = outcome["error"]
        if error is None:
            self.ready.extend(self.groups[group])
            return
        signature = f"preparation: {error['signature']}"
        for index in self.groups[group]:
            yield self._error(index, signature, error["detail"], {})

    def _lost(self, worker: _Worker) -> Iterator[CaseResult | Preparation]:
        status = worker.process.wait()
        how = f"exit status {status}"
        if status < 0:
            how = signal.Signals(-status).name
        yield from self._give_up(worker, f"crash: {how}")

    def _expire(self, worker: _Worker) -> Iterator[CaseResult | Preparation]:
        yield from self._give_up(worker, "timeout")

    def _give_up(self, worker: _Worker, signature: str) -> Iterator[CaseResult | Preparation]:
        detail = _tail(worker.errors)
        self._end(worker)
        task = worker.task
        if task is None:
            return
        if task.index is not None:
            yield self._error(task.index, signature, detail, worker.summary)
        elif task.group is not None:
            error = {"signature": signature, "detail": detail}
            yield from self._prepared(task.group, {"error": error, "seconds": 0.0})

    def _error(
        self, index: int, signature: str, detail: str, summary: Mapping[str, Any]
    ) -> CaseResult:
        verdict: Verdict = "error"
        return CaseResult(
            self.suite.name,
            self.seed,
            index,
            verdict,
            signature,
            detail,
            dict(summary),
            file=file_of(self.suite),
        )

    def _end(self, worker: _Worker) -> None:
        if worker not in self.workers:
            return
        self.workers.remove(worker)
        process = worker.process
        if process.stdout is not None:
            self.selector.unregister(process.stdout)
            process.stdout.close()
        # The group lives on while one of its processes does.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        worker.errors.close()


def _environment(jobs: int) -> dict[str, str]:
    environment = dict(os.environ)
    # A job is a core: NumPy's BLAS would otherwise start a thread on each.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = "1"
    environment.setdefault("COREWRIGHT_JOBS", str(max(1, (os.cpu_count() or 1) // jobs)))
    sources = str(Path(__file__).resolve().parents[2])
    present = environment.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (sources, present)))
    return environment


def _tail(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _TAIL_BYTES))
    return errors.read().decode(errors="replace").strip()
