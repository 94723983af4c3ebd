# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A process that runs cases one after the other: ``python -m corewright.regress.worker SUITE``.

SUITE is a suite's reference, ``module:attribute``. Each line of standard input is a task, JSON:
``{"seed": S, "index": I}``, a case, or ``{"seed": S, "group": G}``, a preparation. Each line of
standard output is JSON: first ``{"ready": true}``; for a case ``{"summary": {...}}`` any number of
times, then ``{"result": {...}}``; for a preparation ``{"prepared": {"error": null | {...},
"seconds": T}}``. The end of standard input ends it.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from typing import Any

from corewright.regress.case import Suite
from corewright.regress.execute import execute, explain, processor_seconds, signature_of
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
        for line in sys.stdin:
            task = json.loads(line)
            if "group" in task:
                answer({"prepared": _prepare(suite, task["seed"], task["group"])})
            else:
                result = execute(
                    suite, task["seed"], task["index"], lambda facts: answer({"summary": facts})
                )
                answer({"result": result.to_dict()})
    return 0


def _prepare(suite: Suite, seed: int, group: int) -> dict[str, Any]:
    started = processor_seconds()
    failure = None
    try:
        suite.prepare(seed, group)
    except Exception as error:
        # Its cases are reported with it, all others go on.
        failure = {"signature": signature_of(error), "detail": explain(error)}
    return {"error": failure, "seconds": processor_seconds() - started}


if __name__ == "__main__":
    sys.exit(main())
