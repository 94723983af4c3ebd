# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Makes a failing case small: the least one that is found to fail with the same signature.

Greedy: candidates of :mod:`corewright.regress.reduce` run one after the other, and the first that
fails as the case did takes its place, until none does. What keeps the hardware comes first, for a
simulation of new hardware has to be compiled.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from corewright.flow.errors import FlowInputError
from corewright.hardware import Hardware
from corewright.regress import reduce
from corewright.regress.case import CaseId, CaseResult
from corewright.regress.drawn import Drawn, ExplicitSuite

# Seconds that a compilation may take.
_BUILD_SECONDS = 3600.0

# Parameters of hardware that have a size, beside the array.
_NUMBERS = (
    *("bits_input", "bits_weights", "bits_sum", "axi_width"),
    *("ram_weights_depth", "pixel_buffer_depth", "bias_buffer_depth"),
)

Pass = tuple[str, Callable[[Drawn], Iterator[Drawn]]]


class Runner(Protocol):
    """Runs given cases; ``Trials`` does so in a process of its own."""

    def draw(self, case: CaseId) -> Drawn | CaseResult:
        """Return what a case runs, or how it failed where it was drawn."""

    def run(self, drawn: Drawn, *, keep: bool, more_seconds: float = 0.0) -> CaseResult:
        """Run a case to its verdict."""


@dataclass(frozen=True)
class Limits:
    """Where shrinking ends at the latest.

    Attributes:
        candidates: that run.
        seconds: wall-clock time; a candidate that runs then comes to its end.
        builds: of them on new hardware, of a suite that simulates.
    """

    candidates: int = 1000
    seconds: float = 600.0
    builds: int = 8


@dataclass(frozen=True)
class Shrunk:
    """What shrinking has found.

    Attributes:
        before: the case as it was drawn.
        after: the least one.
        result: how that fails; passed if the case does.
        candidates: that ran.
        accepted: that took the place of a larger one.
        builds: that had new hardware.
        seconds: wall-clock time.
        ended_by: ``nothing smaller fails``, ``the case passes``, ``interrupted``, or the limit
            that was reached.
    """

    before: Drawn
    after: Drawn
    result: CaseResult
    candidates: int
    accepted: int
    builds: int
    seconds: float
    ended_by: str

    def to_dict(self) -> dict[str, Any]:
        """All but the cases themselves, which :func:`size_of` describes; JSON-compatible."""
        return {
            "signature": self.result.signature,
            "verdict": self.result.verdict,
            "before": size_of(self.before),
            "after": size_of(self.after),
            "candidates": self.candidates,
            "accepted": self.accepted,
            "builds": self.builds,
            "seconds": round(self.seconds, 1),
            "ended_by": self.ended_by,
        }


class _EndedError(Exception):
    """A limit is reached; the message says which."""


def size_of(drawn: Drawn) -> dict[str, Any]:
    """Return how large a case is, JSON-compatible."""
    return {
        "layers": len(drawn.graph.compute_nodes),
        "elements": sum(tensor.size for tensor in drawn.graph.tensors.values()),
        "array": list(drawn.hardware.processing_elements),
        "bits": max(tensor.bits for tensor in drawn.graph.tensors.values()),
        "hardware": {name: getattr(drawn.hardware, name) for name in _NUMBERS},
        "images": len(drawn.images),
        "batch": drawn.batch,
        "options": dict(drawn.options),
    }


def shrink(
    suite: ExplicitSuite,
    case: CaseId | Drawn,
    runner: Runner,
    limits: Limits | None = None,
    on_candidate: Callable[[int, Drawn], None] = lambda _count, _least: None,
) -> Shrunk:
    """Return the least case that is found to fail as a case does.

    Args:
        suite: the suite.
        case: its name, or what it runs.
        runner: where candidates run.
        limits: see :class:`Limits`.
        on_candidate: called behind each candidate with their number and the least case so far.

    Raises:
        FlowInputError: the case fails while it is drawn, so that there is nothing to reduce.
    """
    started = time.monotonic()
    drawn = case if isinstance(case, Drawn) else runner.draw(case)
    if isinstance(drawn, CaseResult):
        raise FlowInputError(
            f"'{drawn.id}' cannot be shrunk, it fails while it is drawn: {drawn.signature}"
        )
    building = _BUILD_SECONDS if suite.simulates else 0.0
    first = runner.run(drawn, keep=False, more_seconds=building)
    search = _Search(suite, drawn, first, runner, limits or Limits(), started, on_candidate)
    ended_by = "the case passes"
    if first.verdict != "passed":
        ended_by = search.run()
    return Shrunk(
        before=drawn,
        after=search.least,
        result=search.result,
        candidates=search.candidates,
        accepted=search.accepted,
        builds=search.builds,
        seconds=time.monotonic() - started,
        ended_by=ended_by,
    )


class _Search:
    def __init__(
        self,
        suite: ExplicitSuite,
        drawn: Drawn,
        first: CaseResult,
        runner: Runner,
        limits: Limits,
        started: float,
        on_candidate: Callable[[int, Drawn], None],
    ) -> None:
        self.suite, self.runner, self.limits, self.started = suite, runner, limits, started
        self.on_candidate = on_candidate
        self.wanted = (first.verdict, first.signature)
        self.least, self.result = replace(drawn, program=None), first
        self.candidates = self.accepted = self.builds = 0
        self.seen = {_key(drawn)}
        self.compiled = {drawn.hardware}

    def run(self) -> str:
        """Reduce until nothing helps or a limit is reached; returns which of them."""
        cheap: list[Pass] = [
            ("layers", reduce.fewer_layers),
            ("images", reduce.fewer_images),
            ("options", self._simpler_options),
            ("sizes", reduce.smaller_tensors),
            ("layers' options", reduce.simpler_layers),
            ("values", reduce.simpler_values),
            ("words", reduce.narrower_words),
        ]
        try:
            while True:
                self._until_none_helps(cheap)
                before = self.accepted
                self._reduce(reduce.simpler_hardware)
                if self.accepted == before:
                    return "nothing smaller fails"
        except _EndedError as ended:
            return str(ended)
        except KeyboardInterrupt:
            # What was found until then is of use.
            return "interrupted"

    def _simpler_options(self, drawn: Drawn) -> Iterator[Drawn]:
        return reduce.simpler_options(drawn, self.suite.simplest, self.suite.check_options)

    def _until_none_helps(self, passes: list[Pass]) -> None:
        while True:
            before = self.accepted
            for _, make in passes:
                self._reduce(make)
            if self.accepted == before:
                return

    def _reduce(self, make: Callable[[Drawn], Iterator[Drawn]]) -> None:
        """Take the first candidate that fails alike, and go on from there, while there is one."""
        while any(self._fails_alike(candidate) for candidate in make(self.least)):
            pass

    def _fails_alike(self, candidate: Drawn) -> bool:
        key = _key(candidate)
        if key in self.seen:
            return False
        self.seen.add(key)
        limits, spent = self.limits, time.monotonic() - self.started
        if self.candidates >= limits.candidates:
            raise _EndedError(f"limit of {limits.candidates} candidates")
        if spent >= limits.seconds:
            raise _EndedError(f"limit of {limits.seconds:g} s")
        more = 0.0
        if self.suite.simulates and candidate.hardware not in self.compiled:
            if self.builds >= limits.builds:
                return False
            self.builds += 1
            more = _BUILD_SECONDS
        self.candidates += 1
        result = self.runner.run(candidate, keep=False, more_seconds=more)
        self.compiled.add(candidate.hardware)
        alike = (result.verdict, result.signature) == self.wanted
        if alike:
            self.accepted += 1
            self.least, self.result = candidate, result
        self.on_candidate(self.candidates, self.least)
        return alike


def _key(drawn: Drawn) -> tuple[str, Hardware, int, str, str]:
    images = hashlib.sha256(drawn.images.tobytes()).hexdigest() + str(drawn.images.shape)
    options = repr(sorted(drawn.options.items()))
    return drawn.graph.digest(), drawn.hardware, drawn.batch, images, options
