# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What can become of a mutant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from corewright.environment import command_line
from corewright.mutate.operators import Mutant

Outcome = Literal["killed", "timeout", "cycles", "survived", "equivalent", "argued", "build-failed"]
OUTCOMES: dict[Outcome, str] = {
    "killed": "a check failed that passes on the sound sources",
    "timeout": "a run did not end, in many times what the sound sources take; counts as killed",
    "cycles": "all results are right, but take another time; counted apart",
    "survived": "all runs passed, within the mutant's processor time",
    "equivalent": "a solver has proven that its outputs are those of the design; not counted",
    "argued": "dv/equivalent.toml says why no test can tell; not counted",
    "build-failed": "it is no legal design; not counted",
}


@dataclass(frozen=True)
class Verdict:
    """A mutant and what became of it.

    Attributes:
        mutant: the mutant.
        outcome: one of ``OUTCOMES``.
        by: the check that failed, or what else says why.
        where: the bench, configuration or case.
        seconds: processor time of its runs, without what mutants share.
        diff: the changed lines.
        options: what `--replay` needs besides, to run the same.
        equivalence: what a solver says of one that survived; empty where none was asked.
        proof_seconds: processor time of that.
    """

    mutant: Mutant
    outcome: Outcome
    by: str
    where: str
    seconds: float
    diff: str
    options: str
    equivalence: str = ""
    proof_seconds: float = 0.0

    @property
    def command(self) -> str:
        """The command that runs this mutant again."""
        return f"{command_line()} mutate --replay {self.mutant.id} {self.options}"

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-compatible."""
        return {
            "id": self.mutant.id,
            "block": self.mutant.block,
            "file": self.mutant.file,
            "line": self.mutant.line,
            "operator": self.mutant.operator,
            "outcome": self.outcome,
            "by": self.by,
            "where": self.where,
            "seconds": self.seconds,
            "equivalence": self.equivalence,
            "proof_seconds": self.proof_seconds,
            "diff": self.diff,
            "command": self.command,
        }


@dataclass
class State:
    """A mutant on its way to a verdict.

    Attributes:
        mutant: the mutant.
        seconds: processor time of its runs so far.
        outcome: None as long as all runs passed.
        by: see :class:`Verdict`.
        where: see there.
        slower: what took another time than on the sound sources; empty if nothing did.
    """

    mutant: Mutant
    seconds: float = 0.0
    outcome: Outcome | None = None
    by: str = ""
    where: str = ""
    slower: str = ""

    def end(self, outcome: Outcome, by: str, where: str) -> None:
        """Reach an outcome."""
        self.outcome, self.by, self.where = outcome, by, where

    def verdict(self, text: str, seed: int, cases: int) -> Verdict:
        """Return the verdict of all runs.

        Args:
            text: the sound source.
            seed: of the run.
            cases: see :class:`corewright.mutate.report.MutationReport`.
        """
        outcome, by, where = self.outcome, self.by, self.where
        if outcome is None:
            outcome = "cycles" if self.slower else "survived"
            by, where = self.slower, ""
        diff = self.mutant.diff(text)
        options = f"--seed {seed} --cases {cases}"
        return Verdict(self.mutant, outcome, by, where, round(self.seconds, 2), diff, options)
