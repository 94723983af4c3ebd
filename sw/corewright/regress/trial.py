# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Cases that are given, not named, in a process that may be lost.

As a program, ``python -m corewright.regress.trial SUITE``, it is that process. SUITE is a suite's
reference. Each line of standard input is a task, JSON: ``{"draw": [SEED, INDEX]}`` or ``{"case":
{...}, "waves": null | FILE, "keep": BOOL}``. Each line of standard output is JSON: first
``{"ready": true}``, then to each task ``{"drawn": {...}}`` or ``{"result": {...}}``. The end of
standard input ends it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Self

from corewright.flow.compiled_bench import flow_environment
from corewright.flow.errors import FlowInputError
from corewright.regress.case import CaseId, CaseResult, Observation, Verdict
from corewright.regress.drawn import Drawn, ExplicitSuite, explicit, from_json, to_json
from corewright.regress.execute import execute, file_of, judged
from corewright.regress.suites import resolve

# Seconds until a new process has imported what it needs.
_START_SECONDS = 120.0
# Of a process that died, so much of its standard error is reported.
_TAIL_BYTES = 3000


class TrialLostError(Exception):
    """The process crashed or was killed for its time; the message is the failure's signature."""

    def __init__(self, signature: str, detail: str) -> None:
        super().__init__(signature)
        self.detail = detail


class Trials:
    """Runs given cases of a suite one after the other, in a process that is replaced if lost.

    Args:
        suite: the suite.
        seconds: wall-clock limit of a case.
    """

    def __init__(self, suite: ExplicitSuite, seconds: float) -> None:
        self.suite, self.seconds = suite, seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def draw(self, case: CaseId) -> Drawn | CaseResult:
        """Return what a case runs, or how it failed where it was drawn."""
        try:
            answer = self._ask({"draw": [case.seed, case.index]}, self.seconds)
        except TrialLostError as lost:
            return self._result_of(case, lost)
        if "result" in answer:
            return CaseResult.from_dict(answer["result"])
        return from_json(answer["drawn"], self.suite)

    def run(
        self,
        drawn: Drawn,
        *,
        waves: Path | None = None,
        keep: bool = True,
        more_seconds: float = 0.0,
    ) -> CaseResult:
        """Run a case to its verdict.

        Args:
            drawn: the case.
            waves: FST file to write, of a suite that simulates.
            keep: whether files of a failed simulation stay.
            more_seconds: what it may take beyond the limit, where something has to be compiled.
        """
        task = {
            "case": to_json(drawn, self.suite.name),
            "waves": None if waves is None else str(waves),
            "keep": keep,
        }
        try:
            answer = self._ask(task, self.seconds + more_seconds)
        except TrialLostError as lost:
            return self._result_of(origin(drawn, self.suite.name), lost)
        return CaseResult.from_dict(answer["result"])

    def _result_of(self, case: CaseId, lost: TrialLostError) -> CaseResult:
        verdict: Verdict = "error"
        values = (case.seed, case.index, verdict, str(lost), lost.detail)
        return CaseResult(self.suite.name, *values, file=file_of(self.suite))

    def restart(self) -> None:
        """Let the next case run in a new process."""
        self._end()

    # ------------------------------------------------------------------------ the process

    def _ask(self, task: dict[str, Any], seconds: float) -> dict[str, Any]:
        if self._process is None:
            self._start()
            self._receive(_START_SECONDS)
        process = self._process
        if process is None or process.stdin is None:
            raise RuntimeError("a trial has no standard input")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write((json.dumps(task) + "\n").encode())
            process.stdin.flush()
        return self._receive(seconds)

    def _start(self) -> None:
        environment = flow_environment()
        # NumPy's BLAS would otherwise start a thread on each core.
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = "1"
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _end
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "corewright.regress.trial", self.suite.reference],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            # A group of its own: what it has started ends with it.
            start_new_session=True,
        )

    def _receive(self, seconds: float) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdout is None:
            raise RuntimeError("a trial has no standard output")
        deadline = time.monotonic() + seconds
        received = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not received.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self._lose("timeout")
                data = os.read(process.stdout.fileno(), 1 << 20)
                if not data:
                    status = process.wait()
                    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
                    self._lose(f"crash: {how}")
                received += data
        answer: dict[str, Any] = json.loads(received)
        return answer

    def _lose(self, signature: str) -> None:
        detail = ""
        if self._errors is not None:
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, size - _TAIL_BYTES))
            detail = self._errors.read().decode(errors="replace").strip()
        self._end()
        raise TrialLostError(signature, detail)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
        if self._errors is not None:
            self._errors.close()
            self._errors = None


def origin(drawn: Drawn, suite: str) -> CaseId:
    """Return the name of the case that something was drawn for."""
    try:
        return CaseId.parse(drawn.origin)
    except FlowInputError:
        # Somebody wrote the file by hand.
        return CaseId(suite, 0, 0)


def judge_drawn(
    suite: ExplicitSuite, drawn: Drawn, waves: Path | None = None, keep: bool = True
) -> CaseResult:
    """Run a given case in this process; see :meth:`Trials.run`."""
    case = origin(drawn, suite.name)

    def run(observation: Observation) -> None:
        observation.keep_files = keep
        suite.check(drawn, observation, waves)

    return judged(suite, case.seed, case.index, run)


def _drawn(suite: ExplicitSuite, seed: int, index: int) -> dict[str, Any]:
    try:
        drawn = suite.draw(seed, index, Observation())
    except Exception:
        # The whole case says the same, with its signature.
        return {"result": execute(suite, seed, index).to_dict()}
    return {"drawn": to_json(drawn, suite.name)}


def main() -> int:
    """Serve until standard input ends."""
    faulthandler.enable()
    # What a case or a tool prints may not mix with the answers.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        suite = explicit(resolve(sys.argv[1]))
        answers.write('{"ready": true}\n')
        answers.flush()
        for line in sys.stdin:
            task = json.loads(line)
            if "draw" in task:
                answer = _drawn(suite, *task["draw"])
            else:
                waves = None if task["waves"] is None else Path(task["waves"])
                drawn = from_json(task["case"], suite)
                answer = {"result": judge_drawn(suite, drawn, waves, task["keep"]).to_dict()}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
