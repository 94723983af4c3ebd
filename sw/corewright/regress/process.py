# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A process of :mod:`corewright.regress.worker`, which a case may crash or hang."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

# Until a new process has imported what it needs, seconds.
_START_SECONDS = 120.0
# From the end of its output to its own.
_END_SECONDS = 5.0
# A task that has had less processor time than its limit, because others want the cores, gets more
# of the clock's, at most this many limits.
_PATIENCE = 4
# Of a process that died, so much of its standard error is reported.
_TAIL_BYTES = 3000

# What a task has come to, JSON-compatible: the worker's answer, or {"died": signature, "detail",
# "summary"} of a process that crashed or did not end in time.
Outcome = dict[str, Any]


class WorkerProcess:
    """Runs tasks of a suite one after the other; one that crashed or hung is of no more use.

    Args:
        reference: of the suite.
        environment: of the process.
    """

    def __init__(self, reference: str, environment: dict[str, str]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "corewright.regress.worker", reference],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            # A group of its own: what it has started ends with it.
            start_new_session=True,
        )
        self._ready = False
        self._received = b""
        self.usable = True

    def call(self, task: Mapping[str, Any], seconds: float) -> Outcome:
        """Run a task; what it comes to is an answer in any case.

        Args:
            task: as :mod:`corewright.regress.worker` reads it.
            seconds: of processor time and of the clock after which it is killed, from when the
                process is ready; where nobody counts processor time, of the clock, and four times
                as many of it in any case.
        """
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a worker has no standard input or output")
        # One that has died shows by the end of its output.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write((json.dumps(task) + "\n").encode())
            process.stdin.flush()
        deadline = time.monotonic() + (seconds if self._ready else _START_SECONDS)
        used, last = group_seconds(process.pid), deadline + (_PATIENCE - 1) * seconds
        summary: dict[str, Any] = {}
        while True:
            wait = deadline - time.monotonic()
            if wait <= 0 or not _readable(process.stdout, wait):
                if time.monotonic() < deadline:
                    continue
                left = seconds - (group_seconds(process.pid) - used)
                # Not a number where nobody counts processor time.
                if not self._ready or not left > 0 or deadline >= last:
                    return self._give_up("timeout", summary)
                deadline = min(last, time.monotonic() + max(left, 0.1))
                continue
            data = os.read(process.stdout.fileno(), 1 << 20)
            if not data:
                return self._give_up(f"crash: {self._cause()}", summary)
            *lines, self._received = (self._received + data).split(b"\n")
            for line in lines:
                message: Outcome = json.loads(line)
                if "ready" in message:
                    self._ready = True
                    deadline = time.monotonic() + seconds
                    used, last = group_seconds(process.pid), time.monotonic() + _PATIENCE * seconds
                elif "summary" in message:
                    summary = message["summary"]
                else:
                    return message

    def _cause(self) -> str:
        try:
            status = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    def _give_up(self, signature: str, summary: dict[str, Any]) -> Outcome:
        self.kill()
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _TAIL_BYTES))
        detail = self._errors.read().decode(errors="replace").strip()
        self.close()
        return {"died": signature, "detail": detail, "summary": summary}

    def kill(self) -> None:
        """End the process and all that it has started; a call that waits for it returns."""
        self.usable = False
        # The group lives on while one of its processes does.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the process, and leave nothing open; not while another thread calls it."""
        self.kill()
        for stream in (self._process.stdout, self._process.stdin):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._errors.close()


def group_seconds(group: int) -> float:
    """Return the processor time, s, of a process group and of what its processes have waited for.

    Infinite where nobody counts it (no ``/proc``): then the clock alone decides.
    """
    if not Path("/proc/self/stat").exists():
        return math.inf
    ticks = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        # One may end while it is looked at.
        with contextlib.suppress(OSError):
            # Behind the name, which may hold spaces: state, parent, group, ...
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _readable(stream: IO[bytes], seconds: float) -> bool:
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    return bool(poll.poll(1000 * seconds + 1))


def process_environment(jobs: int, cores: int | None = None) -> dict[str, str]:
    """Return the environment of a worker process.

    Args:
        jobs: processes that share the cores; a compilation takes its part of them, unless
            ``COREWRIGHT_JOBS`` says otherwise.
        cores: those of this machine when None.
    """
    environment = dict(os.environ)
    # A job is a core: NumPy's BLAS would otherwise start a thread on each.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = "1"
    environment.setdefault("COREWRIGHT_JOBS", str(max(1, (cores or os.cpu_count() or 1) // jobs)))
    sources = str(Path(__file__).resolve().parents[2])
    present = environment.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (sources, present)))
    return environment
