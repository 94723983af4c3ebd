# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A process that runs cases one after the other: ``python -m corewright.regress.worker SUITE``.

SUITE is a suite's reference, ``module:attribute``. Each line of standard input is a task, JSON:
``{"seed": S, "index": I}``, a case, or ``{"seed": S, "group": G}``, a preparation. Each line of
standard output is JSON: first ``{"ready": true}``; for a case ``{"summary": {...}}`` any number of
times, then ``{"result": {...}}``; for a preparation ``{"prepared": {"error": null | {...},
"seconds": T}}``; both with ``"machine"``: null, or what is wrong with this machine if that is why.
The end of standard input ends it; if it leads a process group, at once and with all of the group:
whoever started it is gone, perhaps by force.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from corewright.regress.case import Suite
from corewright.regress.execute import (
    execute,
    explain,
    machine_fault,
    processor_seconds,
    signature_of,
)
from corewright.regress.suites import resolve


def main() -> int:
    """Serve until standard input ends."""
    faulthandler.enable()
    # What a case or a tool prints may not mix with the answers.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)

        def answer(value: Any) -> None:
            answers.write(json.dumps(value) + "\n")
            answers.flush()

        suite = resolve(sys.argv[1])
        answer({"ready": True})
        tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
        while line := tasks.get():
            task = json.loads(line)
            if "group" in task:
                answer(_prepare(suite, task["seed"], task["group"]))
            else:
                answer(_execute(suite, task["seed"], task["index"], answer))
    return 0


def _listen(tasks: queue.SimpleQueue[str]) -> None:
    """Pass lines of standard input on, in the end an empty one."""
    for line in sys.stdin:
        tasks.put(line)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    tasks.put("")


def _execute(suite: Suite, seed: int, index: int, answer: Callable[[Any], None]) -> dict[str, Any]:
    raised: list[BaseException] = []
    result = execute(suite, seed, index, lambda facts: answer({"summary": facts}), raised.append)
    machine = None
    if result.verdict != "passed":
        machine = machine_fault(raised[0] if raised else None)
    return {"result": result.to_dict(), "machine": machine}


def _prepare(suite: Suite, seed: int, group: int) -> dict[str, Any]:
    started = processor_seconds()
    failure = machine = None
    try:
        suite.prepare(seed, group)
    except Exception as error:
        # Its cases are reported with it, all others go on.
        failure = {"signature": signature_of(error), "detail": explain(error)}
        machine = machine_fault(error)
    seconds = processor_seconds() - started
    return {"prepared": {"error": failure, "seconds": seconds}, "machine": machine}


if __name__ == "__main__":
    sys.exit(main())
