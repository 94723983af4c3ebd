# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Transport to the workers of a Dask scheduler, which may be a batch system's jobs.

A task is pinned to the worker that the policy chose. Its outcome comes back as an event on a topic
of this run, not as the result of a future: that would have to be fetched from a worker that may be
gone by then. Which workers there are is asked once a second. Where the connection is lost, all that
was on its way is given to the next scheduler at the same address, with a new client.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import dask
import distributed

from corewright.environment import build_folder
from corewright.flow.cache import building
from corewright.flow.errors import FlowInputError
from corewright.regress.case import CaseResult, Suite
from corewright.regress.farm import remote
from corewright.regress.policy import Task
from corewright.regress.process import process_environment
from corewright.regress.scheduler import (
    CASE_SECONDS,
    PREPARATION_SECONDS,
    Ended,
    Event,
    Joined,
    Left,
    Preparation,
    Statistics,
    drive,
)

# How often a task is begun that the loss or a fault of a machine ended.
ATTEMPTS = 3
# Between two looks at which workers there are, seconds.
_POLL_SECONDS = 1.0
# Until a scheduler counts as not there (a machine that starts 32 workers at once answers late), and
# until nobody waits for one any more at the end, seconds.
_CONNECT_SECONDS = 20.0
_CLOSE_SECONDS = 5.0
# How often Slurm is asked which jobs it has, seconds.
_JOBS_SECONDS = 10.0
# So many looks in a row may fail while the connection seems to hold.
_FAILED_POLLS = 3
_SETTINGS = {
    "distributed.comm.timeouts.connect": f"{_CONNECT_SECONDS:.0f}s",
    # A worker whose machine froze is lost after that; one on a busy machine is not.
    "distributed.scheduler.worker-ttl": "180s",
    # Cases are not Dask's memory, and workers are not restarted for what their children use.
    "distributed.worker.memory.terminate": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    # Logs for developers of Dask, one of them for each connection: a thousand messages a worker
    # are many MB of a long run's scheduler. The monitor's are samples of half a second.
    "distributed.admin.low-level-log-length": 16,
    "distributed.admin.system-monitor.log-length": 120,
    # Code for a browser that nobody opens.
    "distributed.scheduler.dashboard.status.task-stream-length": 0,
}

logger = logging.getLogger(__name__)

# Makes a cluster available while it is open, and gives its scheduler's address.
Opened = Callable[[], contextlib.AbstractContextManager[str]]


def address(text: str) -> Opened:
    """A scheduler that runs somewhere, with its workers."""

    @contextlib.contextmanager
    def opened() -> Iterator[str]:
        yield text

    return opened


def local(workers: int) -> Opened:
    """Processes of this machine, replaced when they die.

    Dask's own cluster of processes ends when one of them is killed while it starts.
    """

    @contextlib.contextmanager
    def opened() -> Iterator[str]:
        with (
            distributed.LocalCluster(
                n_workers=0, processes=False, dashboard_address=":0", protocol="tcp://"
            ) as cluster,
            _Supervised(cluster.scheduler_address, workers),
        ):
            yield cluster.scheduler_address

    return opened


class _Supervised:
    """Worker processes, each in a session of its own: Ctrl-C is for the one that runs the cases."""

    def __init__(self, where: str, workers: int) -> None:
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"]
        options += ["--death-timeout", "60", "--local-directory", tempfile.gettempdir()]
        # -P: the current directory must not shadow modules.
        self._command = [sys.executable, "-P", "-m", "distributed.cli.dask_worker", where, *options]
        self._environment = process_environment(1, cores=1)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stop = threading.Event()
        self._workers = workers
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._processes = [self._start() for _ in range(self._workers)]
        self._thread.start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            self._processes = [
                process if process.poll() is None else self._start() for process in self._processes
            ]

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()


def slurm(jobs: int) -> Opened:
    """Jobs of Slurm with one worker each, submitted again when they die.

    Partition, account, walltime, memory and network interface are those of ``jobqueue.slurm`` in
    Dask's configuration (``~/.config/dask/*.yaml``, ``DASK_JOBQUEUE__SLURM__QUEUE=...``). A job has
    one core, 2 GB and eight hours unless that says otherwise.
    """
    # Not where settings are taken back: its defaults would go with them, and the next farm of this
    # process would find none.
    with _own_signals():
        from dask_jobqueue import SLURMCluster

    @contextlib.contextmanager
    def opened() -> Iterator[str]:
        if shutil.which("sbatch") is None:
            raise FlowInputError("--farm slurm: there is no sbatch on the PATH")

        def setting(name: str, otherwise: Any) -> Any:
            # Not given and given as null is the same to its file of defaults.
            found = dask.config.get(f"jobqueue.slurm.{name}", None)
            return otherwise if found is None else found

        logs = build_folder() / "regress" / "slurm"
        with building(logs):
            logs.mkdir(parents=True, exist_ok=True)
        walltime = setting("walltime", "08:00:00")
        cluster = SLURMCluster(
            cores=setting("cores", 1),
            processes=setting("processes", 1),
            memory=setting("memory", "2GB"),
            # The default of dask-jobqueue is too short to compile and run anything.
            walltime="08:00:00" if walltime == "00:30:00" else walltime,
            python=setting("python", sys.executable),
            log_directory=setting("log-directory", str(logs)),
            scheduler_options={"dashboard_address": ":0"},
        )
        with cluster:
            _check_job(cluster.job_script())
            # A fixed number would not be made up for when jobs die.
            cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs, interval="2s")
            with _Resubmitted(cluster):
                yield cluster.scheduler_address

    return opened


class _Resubmitted:
    """Gives up jobs that Slurm no longer has, so that others are submitted.

    Dask waits for ever for the worker of a job that has died before that joined.
    """

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(_JOBS_SECONDS):
            # A look that fails, as of a controller that is busy, is made up for by the next.
            with contextlib.suppress(Exception):
                self._look()

    def _look(self) -> None:
        # First ours, then Slurm's: one that is submitted in between is not missing.
        ours = {name: str(job.job_id) for name, job in list(self._cluster.workers.items())}
        command = ["squeue", "--noheader", "--format=%A"]
        known = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_CONNECT_SECONDS
        ).stdout.split()
        gone = [name for name, job in ours.items() if job.isdigit() and job not in known]
        if gone and not self._stop.is_set():
            self._cluster.sync(self._cluster.scale_down, gone, callback_timeout=_CONNECT_SECONDS)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep Ctrl-C what it is: importing dask_jobqueue makes it end the program with status 0."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _check_job(script: str) -> None:
    """Raise FlowInputError if Slurm would refuse a job: Dask would go on trying without a word."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        command = ["sbatch", "--test-only", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FlowInputError(
            f"--farm slurm: sbatch refuses the job: {' '.join(done.stderr.split())}"
        )


class DaskScheduler:
    """A Dask scheduler and its workers.

    Args:
        name: as on the command line.
        opened: makes it available.
        case_seconds: limit of a case, see :meth:`WorkerProcess.call`.
        preparation_seconds: the same of a preparation.
        patience: seconds without any worker after which the open cases are errors.

    Attributes:
        statistics: of the last run.
    """

    def __init__(
        self,
        name: str,
        opened: Opened,
        *,
        case_seconds: float = CASE_SECONDS,
        preparation_seconds: float = PREPARATION_SECONDS,
        patience: float = 600.0,
    ) -> None:
        self.name = name
        self.opened = opened
        self.case_seconds = case_seconds
        self.preparation_seconds = preparation_seconds
        self.patience = patience
        self.statistics = Statistics()

    def run(
        self, suite: Suite, seed: int, indices: Sequence[int]
    ) -> Generator[CaseResult | Preparation, None, None]:
        """See :meth:`corewright.regress.scheduler.Scheduler.run`."""
        self.statistics = Statistics()
        with dask.config.set(_SETTINGS), _quiet(), self.opened() as where:
            transport = _DaskTransport(self, where, suite, seed)
            yield from drive(
                transport,
                suite,
                seed,
                indices,
                attempts=ATTEMPTS,
                patience=self.patience,
                statistics=self.statistics,
            )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what Dask says of each worker that comes and goes: this module says it shorter."""
    families = ("distributed", "dask_jobqueue", "tornado")
    names = [*families, *logging.root.manager.loggerDict]
    loud = [logging.getLogger(name) for name in names if name.partition(".")[0] in families]
    levels = [each.level for each in loud]
    for each in loud:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in zip(reversed(loud), reversed(levels), strict=True):
            each.setLevel(level)


def _work(topic: str, token: int, *arguments: Any) -> None:
    """On a worker: run a task, and tell its outcome."""
    outcome = remote.perform(*arguments)
    distributed.get_worker().log_event(topic, json.dumps({"token": token, "outcome": outcome}))


def _introduce(topic: str, name: str) -> None:
    """On a worker: tell where it is."""
    worker = distributed.get_worker()
    facts = {"introduction": name, "worker": worker.address, **remote.describe()}
    worker.log_event(topic, json.dumps(facts))


class _DaskTransport:
    prefetch = 1

    def __init__(self, scheduler: DaskScheduler, where: str, suite: Suite, seed: int) -> None:
        self.scheduler, self.where, self.suite, self.seed = scheduler, where, suite, seed
        self.run = f"corewright-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self.sources = remote.describe()["sources"]
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._client: distributed.Client | None = None
        # Those that are known: with their threads, and whether they have said where they are.
        self._threads: dict[str, int] = {}
        self._joined: set[str] = set()
        self._refused: set[str] = set()
        self._futures: dict[int | str, tuple[str, distributed.Future]] = {}
        self._next_poll = 0.0
        self._failed_polls = 0
        self._introductions = 0
        self._was_connected = False

    # --------------------------------------------------------------------------- connection

    def _connect(self) -> bool:
        try:
            client = distributed.Client(
                self.where, timeout=_CONNECT_SECONDS, set_as_default=False, name="corewright"
            )
        except (OSError, TimeoutError) as error:
            if not self._was_connected:
                raise FlowInputError(f"--farm: no Dask scheduler at {self.where}") from error
            return False
        except ValueError as error:
            raise FlowInputError(f"--farm is '{self.where}': {error}") from error
        client.subscribe_topic(self.run, self._receive)
        self._client = client
        if self._was_connected:
            logger.warning("%s: connected again", self.where)
        self._was_connected = True
        return True

    def _receive(self, event: tuple[float, str]) -> None:
        """In the client's own thread."""
        self._events.put(json.loads(event[1]))

    def _disconnected(self) -> list[Event]:
        """All workers are as good as gone: what they run may end, but nobody hears of it."""
        reason = f"the connection to {self.where} is lost"
        logger.warning("%s", reason)
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.close(timeout=1)
        left: list[Event] = [Left(worker, reason, blameless=True) for worker in self._joined]
        self._threads.clear()
        self._joined.clear()
        self._refused.clear()
        self._futures.clear()
        return left

    # -------------------------------------------------------------------------------- tasks

    def submit(self, token: int, worker: str, task: Task) -> None:
        """See :class:`corewright.regress.scheduler.Transport`."""
        limits = self.scheduler
        seconds = limits.preparation_seconds if task.index is None else limits.case_seconds
        what = {"index": task.index, "group": task.group}
        arguments = (self.run, self.suite.reference, self.seed, what, seconds)
        self._send(token, worker, _work, self.run, token, *arguments)

    def _send(self, token: int | str, worker: str, function: Any, *arguments: Any) -> None:
        if self._client is None:
            # The worker's Left is on its way.
            return
        future = self._client.submit(
            function,
            *arguments,
            key=f"{self.run}-{token}",
            workers=[worker],
            allow_other_workers=False,
            pure=False,
        )
        self._futures[token] = (worker, future)
        future.add_done_callback(
            lambda done: self._events.put({"done": token, "status": done.status})
        )

    def wait(self, seconds: float) -> Sequence[Event]:
        """See :class:`corewright.regress.scheduler.Transport`."""
        if self._client is None and not self._connect():
            time.sleep(seconds)
            return []
        events: list[Event] = []
        if time.monotonic() >= self._next_poll:
            events += self._poll()
            self._next_poll = time.monotonic() + _POLL_SECONDS
        if events or self._client is None:
            return events
        with contextlib.suppress(queue.Empty):
            message = self._events.get(timeout=min(seconds, _POLL_SECONDS))
            while True:
                events += self._understood(message)
                message = self._events.get_nowait()
        return events

    def _understood(self, message: dict[str, Any]) -> list[Event]:
        if "outcome" in message:
            self._release(message["token"])
            return [Ended(message["token"], message["outcome"])]
        if "place" in message:
            return self._arrived(message)
        return self._done(message["done"], message["status"])

    def _done(self, token: int | str, status: str) -> list[Event]:
        """A future has ended; what has come of its task was told before."""
        if token not in self._futures:
            return []
        worker, future = self._futures[token]
        if status != "error":
            # Dask's client connects again by itself, but events that it has missed are lost.
            return self._disconnected()
        reason = _reason(future)
        if isinstance(token, str):
            self._refuse(worker, reason)
            return []
        # It can run nothing: the task is somebody else's.
        self._refuse(worker, reason)
        self._joined.discard(worker)
        self._forget(worker)
        return [Left(worker, reason)]

    def _release(self, token: int | str) -> None:
        # Dask forgets a task when nobody holds its future.
        self._futures.pop(token, None)

    # ------------------------------------------------------------------------------ workers

    def _poll(self) -> list[Event]:
        client = self._client
        if client is None:
            return []
        if client.status != "running":
            return self._disconnected()
        try:
            # Not client.scheduler_info(), which hides a failure behind an empty list.
            # One that froze holds its connection: without a limit nobody would hear Ctrl-C either.
            known = client.sync(
                client.scheduler.identity, n_workers=-1, callback_timeout=_CONNECT_SECONDS
            )["workers"]
        except (OSError, TimeoutError, RuntimeError):
            self._failed_polls += 1
            return self._disconnected() if self._failed_polls >= _FAILED_POLLS else []
        self._failed_polls = 0
        events: list[Event] = []
        for worker in [worker for worker in self._threads if worker not in known]:
            del self._threads[worker]
            self._refused.discard(worker)
            self._forget(worker)
            if worker in self._joined:
                self._joined.remove(worker)
                events.append(Left(worker, f"{worker} is gone"))
        for worker, info in known.items():
            if worker not in self._threads:
                self._threads[worker] = info["nthreads"]
                # A key that is cancelled and used again is one that may never run.
                self._introductions += 1
                name = f"introduce-{self._introductions}"
                self._send(name, worker, _introduce, self.run, name)
        return events

    def _forget(self, worker: str) -> None:
        for token in [token for token, (at, _) in self._futures.items() if at == worker]:
            _, future = self._futures.pop(token)
            with contextlib.suppress(Exception):
                future.cancel()

    def _arrived(self, message: dict[str, Any]) -> list[Event]:
        worker = message["worker"]
        self._release(message["introduction"])
        if worker not in self._threads or worker in self._joined | self._refused:
            return []
        if message["sources"] != self.sources:
            self._refuse(worker, "its sources are not those here")
            return []
        self._joined.add(worker)
        return [Joined(worker, message["place"], self._threads[worker])]

    def _refuse(self, worker: str, reason: str) -> None:
        self._refused.add(worker)
        logger.warning("worker %s is left out: %s", worker, reason)

    def close(self) -> None:
        """See :class:`corewright.regress.scheduler.Transport`."""
        client, self._client = self._client, None
        if client is None:
            return
        # One that is stuck or just dying may keep nobody waiting.
        with contextlib.suppress(Exception):
            client.sync(
                client._run,
                remote.end,
                self.run,
                workers=sorted(self._joined) or None,
                on_error="ignore",
                callback_timeout=_CLOSE_SECONDS,
            )
        self._futures.clear()
        with contextlib.suppress(Exception):
            client.close(timeout=_CLOSE_SECONDS)


def _reason(future: distributed.Future) -> str:
    try:
        error = future.exception(timeout=_CLOSE_SECONDS)
    except Exception as failed:
        error = failed
    return f"{type(error).__name__}: {error}"
