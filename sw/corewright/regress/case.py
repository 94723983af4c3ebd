# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a case is called, what it leaves, and what every suite offers."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from corewright.environment import command_line
from corewright.flow.errors import FlowInputError

Verdict = Literal["passed", "failed", "error"]
VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "error")
MAX_SEED = 2**31 - 1
_ID = re.compile(r"([a-z_]+)-(\d{1,10})-(\d{1,9})")


@dataclass(frozen=True)
class CaseId:
    """A case's name: ``suite-seed-index``.

    Attributes:
        suite: the suite's name.
        seed: of the run.
        index: of the case.
        file: the suite's, where it is a user's own; no part of the name.
    """

    suite: str
    seed: int
    index: int
    file: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.suite}-{self.seed}-{self.index}"

    @property
    def command(self) -> str:
        """The command that runs this case alone."""
        return f"{command_line()} regress {shlex.quote(self.file or self.suite)} --replay {self}"

    @classmethod
    def parse(cls, text: str) -> CaseId:
        """The inverse of ``str``.

        Raises:
            FlowInputError: it is no identifier.
        """
        match = _ID.fullmatch(text)
        if match is None or int(match[2]) > MAX_SEED:
            raise FlowInputError(f"'{text}' is no case, legal is SUITE-SEED-INDEX")
        return cls(match[1], int(match[2]), int(match[3]))


class CheckFailed(Exception):  # noqa: N818 - not an error of the program: a verdict.
    """A case's check found a difference.

    Attributes:
        signature: what failures of the same cause have in common.
        detail: what and where, in a few lines.
    """

    def __init__(self, signature: str, detail: str) -> None:
        super().__init__(f"{signature}: {detail}")
        self.signature = signature
        self.detail = detail


class Observation:
    """What a running case lets others know of itself.

    Attributes:
        summary: facts, JSON-compatible.
        bins: covered bins, ``group:bin``.
        keep_files: whether files of a failure stay for whoever looks into it.
    """

    def __init__(self, announce: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        self.summary: dict[str, Any] = {}
        self.bins: set[str] = set()
        self.keep_files = True
        self._announce = announce

    def describe(self, **facts: Any) -> None:
        """Add JSON-compatible facts to the summary: known even if the case never ends."""
        self.summary.update(facts)
        if self._announce is not None:
            self._announce(self.summary)

    def cover(self, *bins: str) -> None:
        """Count bins of functional coverage, ``group:bin``."""
        self.bins.update(bins)


class Suite(Protocol):
    """A kind of case. Its objects have no state: other processes find them by ``reference``."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def reference(self) -> str:
        """What :func:`corewright.regress.suites.resolve` finds this object by."""

    @property
    def default_cases(self) -> int:
        """Cases of a run, where nobody says how many."""

    @property
    def bins(self) -> Mapping[str, tuple[str, ...]]:
        """Bins of functional coverage by group."""

    def group(self, index: int) -> int | None:
        """The preparation that a case shares with others; None: it needs none."""

    def prepare(self, seed: int, group: int) -> None:
        """Make what a group's cases share (compile a simulation); anything may be raised."""

    def run(self, seed: int, index: int, observation: Observation) -> None:
        """Run a case.

        Raises:
            CheckFailed: the verdict is ``failed``.
            Exception: anything else makes the verdict ``error``.
        """


@dataclass(frozen=True)
class CaseResult:
    """A case's verdict.

    Attributes:
        suite: the suite's name.
        seed: of the run.
        index: of the case.
        verdict: ``failed``: a check found a difference; ``error``: it could not be checked.
        signature: what failures of the same cause have in common; empty if passed.
        detail: what and where.
        summary: hardware, graph and what else the suite tells; JSON-compatible.
        bins: covered bins, ``group:bin``, sorted.
        seconds: processor time, with that of its tools.
        file: see :class:`CaseId`.
    """

    suite: str
    seed: int
    index: int
    verdict: Verdict
    signature: str = ""
    detail: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    bins: tuple[str, ...] = ()
    seconds: float = 0.0
    file: str = ""

    @property
    def id(self) -> CaseId:
        """The case's name."""
        return CaseId(self.suite, self.seed, self.index, self.file)

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-compatible."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CaseResult:
        """The inverse of :meth:`to_dict`, also behind JSON."""
        return cls(**{**values, "bins": tuple(values["bins"])})
