# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The result of a run: scores by block, and what survived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from corewright.mutate.operators import OPERATORS
from corewright.mutate.verdict import OUTCOMES, Outcome, Verdict
from corewright.regress.html import command_block, made_with, page, verdict_line
from corewright.regress.html import table as html_table

# What a mutant's survival, or death, says of the tests.
_KILLED: tuple[Outcome, ...] = ("killed", "timeout")
_COUNTED: tuple[Outcome, ...] = (*_KILLED, "survived")


@dataclass(frozen=True)
class BlockResult:
    """What became of a block's mutants.

    Attributes:
        block: its name.
        possible: mutants that the operators make of it.
        skipped: how many were not made, by reason.
        verdicts: of those that were judged.
        shared_seconds: processor time of models and of runs without a mutant.
        error: why the block was not judged; empty if it was.
        compile_seconds: those of ``shared_seconds`` in which models were compiled.
        listed: of the possible mutants, those that ``dv/equivalent.toml`` argues about.
    """

    block: str
    possible: int
    skipped: Mapping[str, int]
    verdicts: tuple[Verdict, ...]
    shared_seconds: float
    error: str = ""
    compile_seconds: float = 0.0
    listed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return counts and score, JSON-compatible."""
        return {
            **counts(self.verdicts),
            "possible": self.possible,
            "skipped": dict(self.skipped),
            "shared_seconds": round(self.shared_seconds, 2),
            "compile_seconds": round(self.compile_seconds, 2),
            "listed": self.listed,
            "error": self.error,
        }


@dataclass(frozen=True)
class MutationReport:
    """A run of `./cw mutate`.

    Attributes:
        seed: of the sample and of the benches.
        cases: seeds of each configuration, or random system cases.
        seconds_a_mutant: processor time, at most.
        blocks: one a block.
        interrupted: whether blocks or mutants are missing.
    """

    seed: int
    cases: int
    seconds_a_mutant: float
    blocks: tuple[BlockResult, ...]
    interrupted: bool = False

    @property
    def verdicts(self) -> list[Verdict]:
        """Of all blocks."""
        return [verdict for block in self.blocks for verdict in block.verdicts]

    @property
    def argued_share(self) -> float:
        """Share of the blocks' possible mutants that files argue about, 0 to 1."""
        possible = sum(block.possible for block in self.blocks)
        return sum(block.listed for block in self.blocks) / possible if possible else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of ``./cw mutate``.

        ``score`` is the share of the mutants that count which a check found; those that change
        cycles only, are proven or argued to be equivalent, or are no legal design do not count.
        ``score_with_cycles`` has those that change cycles only among the survivors.
        """
        verdicts = self.verdicts
        total = counts(verdicts)
        listed = {
            name: [verdict.to_dict() for verdict in verdicts if verdict.outcome == name]
            for name in ("survived", "equivalent", "argued", "cycles", "build-failed")
        }
        return {
            "seed": self.seed,
            "cases": self.cases,
            "seconds_a_mutant": self.seconds_a_mutant,
            "interrupted": self.interrupted,
            "argued_share": round(self.argued_share, 4),
            **total,
            "survived": listed["survived"],
            "equivalent": listed["equivalent"],
            "argued": listed["argued"],
            "cycles_only": listed["cycles"],
            "build_failed": listed["build-failed"],
            "blocks": {block.block: block.to_dict() for block in self.blocks},
            "operators": {
                name: counts(v for v in verdicts if v.mutant.operator == name) for name in OPERATORS
            },
            "verdicts": [verdict.to_dict() for verdict in verdicts],
        }


def counts(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Return numbers by outcome, and scores (0 to 1; None where nothing counts)."""
    found = Counter(verdict.outcome for verdict in verdicts)
    killed = sum(found[name] for name in _KILLED)
    counted = sum(found[name] for name in _COUNTED)
    with_cycles = counted + found["cycles"]
    return {
        "mutants": counted,
        "judged": sum(found.values()),
        "killed": killed,
        "timeouts": found["timeout"],
        "survived": found["survived"],
        "equivalent": found["equivalent"],
        "argued": found["argued"],
        "cycles_only": found["cycles"],
        "build_failed": found["build-failed"],
        "score": round(killed / counted, 4) if counted else None,
        "score_with_cycles": round(killed / with_cycles, 4) if with_cycles else None,
    }


def percent(score: float | None) -> str:
    """Return a score as text."""
    return "-" if score is None else f"{100 * score:.1f} %"


COLUMNS = (
    ("mutants", "mutants"),
    ("killed", "killed"),
    ("survived", "survived"),
    ("equivalent", "equivalent"),
    ("argued", "argued"),
    ("cycles_only", "cycles only"),
    ("build_failed", "not legal"),
)


def table(report: MutationReport) -> list[Sequence[str]]:
    """Return the scores by block, a header first and the total last, as texts."""
    rows: list[Sequence[str]] = [("block", *(title for _, title in COLUMNS), "score")]
    parts = [(block.block, counts(block.verdicts)) for block in report.blocks]
    if len(parts) > 1:
        parts.append(("all", counts(report.verdicts)))
    for name, values in parts:
        numbers = [str(values[column]) for column, _ in COLUMNS]
        rows.append((name, *numbers, percent(values["score"])))
    return rows


def html_report(report: MutationReport, provenance: Mapping[str, Any] | None = None) -> str:
    """Return the page of a run: scores, then what survived, each with its diff and command.

    Args:
        report: the run.
        provenance: see :func:`corewright.environment.provenance`.
    """
    return page(f"corewright mutation, seed {report.seed}", _parts(report, provenance))


def _parts(report: MutationReport, provenance: Mapping[str, Any] | None) -> Iterator[str]:
    if report.interrupted:
        yield verdict_line(False, "interrupted: other mutants were not judged")
    for block in report.blocks:
        if block.error:
            yield verdict_line(False, f"{block.block} was not judged: {block.error}")
    yield from made_with(provenance, report.seed)
    heads, *rows = table(report)
    yield "<h2>Score by block</h2>"
    yield from html_table(rows, heads)
    for outcome in ("survived", "equivalent", "argued", "cycles", "build-failed"):
        own = [verdict for verdict in report.verdicts if verdict.outcome == outcome]
        if own:
            kind = ' class="failed"' if outcome == "survived" else ""
            yield f"<h3{kind}>{escape(outcome)}: {len(own)}</h3>"
            yield f"<p>{escape(OUTCOMES[outcome])}</p>"
        for verdict in own:
            lines = (verdict.diff, verdict.by, verdict.equivalence)
            yield f"<pre>{escape(chr(10).join(filter(None, lines)))}</pre>"
            yield command_block(verdict.command)
