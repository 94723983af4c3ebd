# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A process that runs cases one after the other: ``python -m corewright.regress.worker SUITE``.

SUITE is a suite's reference. Each line of standard input is a task, JSON; each line of standard
output is JSON, first ``{"ready": true}``:

=========================================== ======================================================
``{"seed": S, "index": I}``, a named case   ``{"summary": {...}}`` any number of times, then
                                            ``{"result": {...}}``
``{"seed": S, "group": G}``, a preparation  ``{"prepared": {"error": null | {...}, "seconds": T}}``
``{"draw": [S, I]}``, what a case runs      ``{"drawn": {...}}``, or ``{"result": {...}}`` of one
                                            that fails where it is drawn
``{"case": {...}, "waves": null | FILE,     ``{"result": {...}}``
"keep": BOOL}``, a given case
=========================================== ======================================================

The first two have ``"machine"``, too: null, or what is wrong with this machine if that is why.
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
from pathlib import Path
from typing import Any

from corewright.regress.case import Suite
from corewright.regress.drawn import explicit, from_json
from corewright.regress.execute import (
    execute,
    explain,
    machine_fault,
    processor_seconds,
    signature_of,
)
from corewright.regress.suites import resolve
from corewright.regress.trial import drawn_or_failed, judge_drawn


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
            answer(_perform(suite, json.loads(line), answer))
    return 0


def _perform(suite: Suite, task: Any, announce: Callable[[Any], None]) -> dict[str, Any]:
    if "group" in task:
        return _prepare(suite, task["seed"], task["group"])
    if "index" in task:
        return _execute(suite, task["seed"], task["index"], announce)
    taken = explicit(suite)
    if "draw" in task:
        return drawn_or_failed(taken, *task["draw"])
    waves = None if task["waves"] is None else Path(task["waves"])
    drawn = from_json(task["case"], taken)
    return {"result": judge_drawn(taken, drawn, waves, task["keep"]).to_dict()}


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
