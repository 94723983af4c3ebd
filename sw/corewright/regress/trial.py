# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Cases that are given, not named, in a process that may be lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from corewright.flow.errors import FlowInputError
from corewright.regress.case import CaseId, CaseResult, Observation, Verdict
from corewright.regress.drawn import Drawn, ExplicitSuite, from_json, to_json
from corewright.regress.execute import execute, file_of, judged
from corewright.regress.process import Outcome, WorkerProcess, process_environment


class Trials:
    """Runs given cases of a suite one after the other, in a process that is replaced if lost.

    Args:
        suite: the suite.
        seconds: wall-clock limit of a case.
    """

    def __init__(self, suite: ExplicitSuite, seconds: float) -> None:
        self.suite, self.seconds = suite, seconds
        self._process: WorkerProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.restart()

    def draw(self, case: CaseId) -> Drawn | CaseResult:
        """Return what a case runs, or how it failed where it was drawn."""
        answer = self._ask({"draw": [case.seed, case.index]}, self.seconds)
        if "drawn" in answer:
            return from_json(answer["drawn"], self.suite)
        return self._result_of(case, answer)

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
        answer = self._ask(task, self.seconds + more_seconds)
        return self._result_of(origin(drawn, self.suite.name), answer)

    def restart(self) -> None:
        """Let the next case run in a new process."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _ask(self, task: dict[str, Any], seconds: float) -> Outcome:
        if self._process is None or not self._process.usable:
            # Nothing runs beside it: what it compiles has all cores.
            self._process = WorkerProcess(self.suite.reference, process_environment(1))
        return self._process.call(task, seconds)

    def _result_of(self, case: CaseId, answer: Outcome) -> CaseResult:
        if "result" in answer:
            return CaseResult.from_dict(answer["result"])
        verdict: Verdict = "error"
        values = (case.seed, case.index, verdict, answer["died"], answer["detail"])
        return CaseResult(self.suite.name, *values, file=file_of(self.suite))


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


def drawn_or_failed(suite: ExplicitSuite, seed: int, index: int) -> dict[str, Any]:
    """Draw a case in this process: ``drawn``, or the ``result`` of one that fails there."""
    try:
        drawn = suite.draw(seed, index, Observation())
    except Exception:
        # The whole case says the same, with its signature.
        return {"result": execute(suite, seed, index).to_dict()}
    return {"drawn": to_json(drawn, suite.name)}
