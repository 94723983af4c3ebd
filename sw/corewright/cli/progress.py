# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""How far a run is, in lines, for logs and whatever else is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from corewright.regress import CaseResult

# Seconds between two lines, at least and at most; in between one comes with each tenth of the work.
_LEAST, _MOST = 10.0, 60.0
_PARTS = 10


class Lines:
    """Writes a line to standard error now and then; short runs are silent unless a case fails.

    Args:
        total: how much there is to do.
        clock: seconds, from anywhere.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done, self.bad = total, 0, 0
        self._clock = clock
        self._began = self._last = clock()
        self._part = 0
        self._signatures: set[str] = set()

    def case(self, result: CaseResult) -> None:
        """Count a result; the first failure of each signature is told at once."""
        if result.verdict != "passed":
            self.bad += 1
            if result.signature not in self._signatures:
                self._signatures.add(result.signature)
                _line(f"{result.id} {result.verdict}: {result.signature}")
        self.step()

    def step(self) -> None:
        """Count one more piece of work that is done."""
        self.done += 1
        now, part = self._clock(), _PARTS * self.done // self.total
        since = now - self._last
        if since < _LEAST or (since < _MOST and part == self._part):
            return
        self._last, self._part = now, part
        spent = now - self._began
        left = spent * (self.total - self.done) / self.done
        _line(
            f"{self.done} of {self.total} done, {self.bad or 'no'} failures, {spent:.0f} s, "
            f"about {left:.0f} s left"
        )


def _line(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
