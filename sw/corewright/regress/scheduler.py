# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs cases wherever a transport brings them: here to processes of this machine.

What is done next is the policy's matter (:mod:`corewright.regress.policy`), how a task gets to a
worker and its outcome back a transport's; :func:`drive` is all between them. Another farm is
another :class:`Transport`.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any, Protocol

from corewright.regress.case import CaseResult, Suite, Verdict
from corewright.regress.execute import file_of
from corewright.regress.policy import Failure, Policy, Task
from corewright.regress.process import Outcome, WorkerProcess, process_environment

# Seconds after which a case, or a group's preparation (a Verilator build), counts as hung.
CASE_SECONDS = 300.0
PREPARATION_SECONDS = 3600.0
# Longest sleep between two looks at the time, seconds.
_LOOK_SECONDS = 1.0
# Where all that is left has failed wherever there is a worker: so long another one may come.
_GRACE_SECONDS = 10.0

logger = logging.getLogger(__name__)


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


# ----------------------------------------------------------------------------------- transports


@dataclass(frozen=True)
class Joined:
    """A worker is there: where it is, and how many tasks it runs at a time."""

    worker: str
    place: str
    slots: int = 1


@dataclass(frozen=True)
class Left:
    """A worker is gone, and with it what it ran.

    ``blameless``: not for what it ran (its connection is lost, not its machine).
    """

    worker: str
    reason: str
    blameless: bool = False


@dataclass(frozen=True)
class Ended:
    """A task has come to something."""

    token: int
    outcome: Outcome


Event = Joined | Left | Ended


class Transport(Protocol):
    """Brings tasks of one run to workers."""

    @property
    def prefetch(self) -> int:
        """Cases that may wait at a worker for the one that it runs."""

    def submit(self, token: int, worker: str, task: Task) -> None:
        """Let a worker run a task; its ``Ended`` carries the token. It may never come."""

    def wait(self, seconds: float) -> Sequence[Event]:
        """Return what has happened, in order; sleep for it so long at most."""

    def close(self) -> None:
        """End whatever runs, also on other machines."""


@dataclass
class Statistics:
    """What a run met with on its way.

    Attributes:
        workers: that ever joined.
        workers_lost: that left in mid-run.
        repeated: tasks that were begun once more because a machine had not ended them.
        dropped: outcomes that came for what had ended before.
    """

    workers: int = 0
    workers_lost: int = 0
    repeated: int = 0
    dropped: int = 0


@dataclass
class _Worker:
    place: str
    slots: int
    # In the order in which they were given; the first of them run.
    tasks: dict[int, Task] = field(default_factory=dict)

    @property
    def prepares(self) -> bool:
        return any(task.index is None for task in self.tasks.values())


def drive(
    transport: Transport,
    suite: Suite,
    seed: int,
    indices: Sequence[int],
    *,
    attempts: int = 1,
    patience: float = float("inf"),
    statistics: Statistics | None = None,
) -> Generator[CaseResult | Preparation, None, None]:
    """Run cases over a transport; each ends once, whatever becomes of those who run it.

    Args:
        transport: is closed in the end.
        suite: of the cases.
        seed: of the run.
        indices: of the cases.
        attempts: how often a task is begun that the loss or a fault of a machine ended.
        patience: seconds without any worker after which the open cases are errors.
        statistics: is counted up.
    """
    run = _Run(transport, suite, seed, indices, attempts, statistics or Statistics())
    try:
        with Interrupts() as interrupts:
            yield from run.results(patience, interrupts)
    finally:
        transport.close()


class Interrupts:
    """Keeps a Ctrl-C until somebody asks for it; a second one comes through at once.

    Python raises KeyboardInterrupt wherever the program is. In a destructor (a Dask future's, of
    which each outcome runs one) it prints it and goes on, and the run with it; in the middle of a
    transaction a result would be in the report, but not in the database.
    """

    def __init__(self) -> None:
        self._noted = False
        self._taken = False

    def __enter__(self) -> Interrupts:
        """Only where Ctrl-C does what it does by default, and signals arrive."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._taken = True
        return self

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._noted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was one."""
        if self._noted:
            raise KeyboardInterrupt

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let Ctrl-C do again what it did."""
        if self._taken:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class _Run:
    def __init__(
        self,
        transport: Transport,
        suite: Suite,
        seed: int,
        indices: Sequence[int],
        attempts: int,
        statistics: Statistics,
    ) -> None:
        self.transport, self.suite, self.seed = transport, suite, seed
        self.policy = Policy(suite, indices, attempts)
        self.statistics = statistics
        self.workers: dict[str, _Worker] = {}
        self.flight: dict[int, str] = {}
        self.tokens = 0
        self.reason = "none has come"

    def results(
        self, patience: float, interrupts: Interrupts
    ) -> Iterator[CaseResult | Preparation]:
        alone_since = blocked_since = time.monotonic()
        while not self.policy.finished:
            interrupts.check()
            self._assign()
            now = time.monotonic()
            if self.flight or not self.workers:
                blocked_since = now
            elif self.policy.attempts == 1 or now - blocked_since >= _GRACE_SECONDS:
                # Nobody may do what is left: it has failed wherever there is a worker.
                yield from self._unblock()
                continue
            for event in self.transport.wait(_LOOK_SECONDS):
                interrupts.check()
                if isinstance(event, Joined):
                    self._join(event)
                elif isinstance(event, Left):
                    yield from self._leave(event)
                else:
                    yield from self._end(event)
            if self.workers:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since >= patience:
                yield from self._nobody(patience)

    # ------------------------------------------------------------------------------ workers

    def _join(self, event: Joined) -> None:
        self.workers[event.worker] = _Worker(event.place, event.slots)
        self.policy.joined(event.place)
        self.statistics.workers += 1

    def _leave(self, event: Left) -> Iterator[CaseResult]:
        self.reason = event.reason
        worker = self.workers.pop(event.worker, None)
        if worker is None:
            return
        self.statistics.workers_lost += 1
        self.policy.left(worker.place)
        # The last first: what goes back goes to the front.
        for position, (token, task) in reversed(list(enumerate(worker.tasks.items()))):
            del self.flight[token]
            if event.blameless or position >= worker.slots:
                self.policy.back(task, worker.place)
                continue
            yield from self._once_more(worker.place, task, event.reason)

    def _once_more(self, place: str, task: Task, reason: str) -> Iterator[CaseResult]:
        if self.policy.again(task, place):
            self.statistics.repeated += 1
            return
        tries = self.policy.tries(task)
        detail = f"{tries} worker(s) were lost while they ran it, the last: {reason}"
        if task.index is not None:
            yield from self._error(task.index, "worker lost", detail)
        elif task.group is not None:
            failure = Failure("preparation: worker lost", detail)
            self.policy.unprepared(place, task.group, failure, final=True)

    # -------------------------------------------------------------------------------- tasks

    def _assign(self) -> None:
        """Give everybody something to do: first those who do nothing."""
        for extra in range(self.transport.prefetch + 1):
            if extra and self.policy.waiting < 2 * sum(w.slots for w in self.workers.values()):
                # Near the end a case may not wait for another one while somebody is idle.
                return
            # Places with nothing to do, which their other workers need not ask for again.
            idle: set[str] = set()
            for name, worker in self.workers.items():
                while len(worker.tasks) < worker.slots + extra and worker.place not in idle:
                    if extra and worker.prepares:
                        break
                    task = self.policy.next(worker.place)
                    if task is None:
                        idle.add(worker.place)
                        break
                    if extra and task.index is None:
                        # It takes long, and others may be free sooner.
                        self.policy.back(task, worker.place)
                        idle.add(worker.place)
                        break
                    self.tokens += 1
                    worker.tasks[self.tokens] = task
                    self.flight[self.tokens] = name
                    self.transport.submit(self.tokens, name, task)

    def _end(self, event: Ended) -> Iterator[CaseResult | Preparation]:
        name = self.flight.pop(event.token, None)
        if name is None:
            # Of a worker that was taken for lost: somebody else has its task.
            self.statistics.dropped += 1
            return
        worker = self.workers[name]
        task = worker.tasks.pop(event.token)
        outcome, place = event.outcome, worker.place
        if task.index is None:
            if task.group is not None:
                yield from self._prepared(task, task.group, place, outcome)
            return
        if self._faulty(place, outcome):
            again = self.policy.again(task, place, avoid=True)
        else:
            # Nothing of ours does that to itself: the system, short of memory, or somebody.
            killed = outcome.get("died") in ("crash: SIGKILL", "crash: SIGTERM")
            again = killed and self.policy.again(task, place)
        if again:
            self.statistics.repeated += 1
            return
        if "result" in outcome:
            result = CaseResult.from_dict(outcome["result"])
            if self.policy.end(result.index):
                yield result
            return
        yield from self._error(task.index, outcome["died"], outcome["detail"], outcome["summary"])

    def _faulty(self, place: str, outcome: Outcome) -> bool:
        """Whether a task failed because of the machine; notes it for its place."""
        fault = outcome.get("machine")
        if fault is None:
            self.policy.sound(place)
        elif self.policy.fault(place) and self.policy.attempts > 1:
            logger.warning("%s gets no more cases while there are other places: %s", place, fault)
        return fault is not None

    def _prepared(
        self, task: Task, group: int, place: str, outcome: Outcome
    ) -> Iterator[CaseResult | Preparation]:
        self._faulty(place, outcome)
        if "died" in outcome:
            error: Mapping[str, Any] | None = {
                "signature": outcome["died"],
                "detail": outcome["detail"],
            }
            yield Preparation(group, 0.0)
        else:
            error = outcome["prepared"]["error"]
            yield Preparation(group, outcome["prepared"]["seconds"])
        if error is None:
            self.policy.prepared(place, group)
            return
        failure = Failure(f"preparation: {error['signature']}", error["detail"])
        final = outcome.get("died") == "timeout"
        self.policy.unprepared(place, group, failure, final=final)
        yield from self._hopeless()

    # ------------------------------------------------------------------------------- errors

    def _hopeless(self, *, blocked: bool = False) -> Iterator[CaseResult]:
        for index, failure in self.policy.hopeless(blocked=blocked):
            yield from self._error(index, failure.signature, failure.detail)

    def _unblock(self) -> Iterator[CaseResult]:
        self.policy.forget_faults()
        self._assign()
        if self.flight:
            return
        before = self.policy.waiting
        yield from self._hopeless(blocked=True)
        if self.policy.waiting == before:
            raise RuntimeError(f"nobody may run the cases {self.policy.open[:5]} ...")

    def _nobody(self, patience: float) -> Iterator[CaseResult]:
        detail = f"no worker for {patience:.0f} s, the last reason: {self.reason}"
        for index in self.policy.open:
            yield from self._error(index, "no worker", detail)

    def _error(
        self, index: int, signature: str, detail: str, summary: Mapping[str, Any] | None = None
    ) -> Iterator[CaseResult]:
        verdict: Verdict = "error"
        if self.policy.end(index):
            yield CaseResult(
                self.suite.name,
                self.seed,
                index,
                verdict,
                signature,
                detail,
                dict(summary or {}),
                file=file_of(self.suite),
            )


# ---------------------------------------------------------------------------------- this machine


class LocalScheduler:
    """A process for each job; one that hangs or dies is replaced, its case reported.

    Args:
        jobs: processes.
        case_seconds: limit of a case, see :meth:`WorkerProcess.call`.
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
        return drive(_LocalTransport(self, suite, seed), suite, seed, indices)


class _LocalTransport:
    """A thread for each job, which waits for its process."""

    prefetch = 0

    def __init__(self, scheduler: LocalScheduler, suite: Suite, seed: int) -> None:
        self.scheduler, self.suite, self.seed = scheduler, suite, seed
        self._events: queue.SimpleQueue[Event | BaseException] = queue.SimpleQueue()
        self._tasks: dict[str, queue.SimpleQueue[tuple[int, Task] | None]] = {}
        self._threads: list[threading.Thread] = []
        self._processes: dict[str, WorkerProcess] = {}
        self._lock = threading.Lock()
        self._closed = False
        for number in range(scheduler.jobs):
            self._events.put(Joined(str(number), "here"))

    def submit(self, token: int, worker: str, task: Task) -> None:
        """See :class:`Transport`."""
        if worker not in self._tasks:
            self._tasks[worker] = queue.SimpleQueue()
            thread = threading.Thread(target=self._serve, args=(worker,), daemon=True)
            self._threads.append(thread)
            thread.start()
        self._tasks[worker].put((token, task))

    def _serve(self, worker: str) -> None:
        try:
            while (item := self._tasks[worker].get()) is not None:
                self._run(worker, *item)
        except BaseException as error:
            # Of the program: the run ends with it.
            self._events.put(error)
        with contextlib.suppress(KeyError):
            self._processes.pop(worker).close()

    def _run(self, worker: str, token: int, task: Task) -> None:
        with self._lock:
            if self._closed:
                return
            process = self._processes.get(worker)
            if process is None or not process.usable:
                environment = process_environment(self.scheduler.jobs)
                process = WorkerProcess(self.suite.reference, environment)
                self._processes[worker] = process
        limits = self.scheduler
        seconds = limits.preparation_seconds if task.index is None else limits.case_seconds
        self._events.put(Ended(token, process.call(task.message(self.seed), seconds)))

    def wait(self, seconds: float) -> Sequence[Event]:
        """See :class:`Transport`."""
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            event = self._events.get(timeout=seconds)
            while True:
                if isinstance(event, BaseException):
                    raise event
                events.append(event)
                event = self._events.get_nowait()
        return events

    def close(self) -> None:
        """See :class:`Transport`."""
        with self._lock:
            self._closed = True
            for process in self._processes.values():
                process.kill()
        for tasks in self._tasks.values():
            tasks.put(None)
        for thread in self._threads:
            thread.join()
