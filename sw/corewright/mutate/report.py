# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The result of a run: scores by block, and what survived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from corewright.mutate.operators import OPERATORS
from corewright.mutate.verdict import OUTCOMES, Outcome, Verdict

# What a mutant's survival, or death, says of the tests.
_KILLED: tuple[Outcome, ...] = ("killed", "timeout")
_COUNTED: tuple[Outcome, ...] = (*_KILLED, "survived")
_STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 64em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: .6em 0 1.4em; }
th, td { text-align: left; padding: .15em 1em .15em 0; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f4f4f4; padding: .7em; overflow-x: auto; }
.survived { color: #b00020; }
"""


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
    """

    block: str
    possible: int
    skipped: Mapping[str, int]
    verdicts: tuple[Verdict, ...]
    shared_seconds: float
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return counts and score, JSON-compatible."""
        return {
            **counts(self.verdicts),
            "possible": self.possible,
            "skipped": dict(self.skipped),
            "shared_seconds": round(self.shared_seconds, 2),
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

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of ``./cw mutate``.

        ``score`` is the share of the mutants that count which a check found; those that change
        cycles only, are proven equivalent or are no legal design do not count.
        ``score_with_cycles`` has those that change cycles only among the survivors.
        """
        verdicts = self.verdicts
        total = counts(verdicts)
        listed = {
            name: [verdict.to_dict() for verdict in verdicts if verdict.outcome == name]
            for name in ("survived", "cycles", "equivalent", "build-failed")
        }
        return {
            "seed": self.seed,
            "cases": self.cases,
            "seconds_a_mutant": self.seconds_a_mutant,
            "interrupted": self.interrupted,
            **total,
            "survived": listed["survived"],
            "cycles_only": listed["cycles"],
            "equivalent": listed["equivalent"],
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
        "cycles_only": found["cycles"],
        "equivalent": found["equivalent"],
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
    ("cycles_only", "cycles only"),
    ("equivalent", "equivalent"),
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


def html_section(report: MutationReport) -> str:
    """Return the part of a page that tells of mutants, for this report or a greater one."""
    rows = table(report)
    parts = ["<h2>Mutation</h2><table>"]
    parts.append("<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in rows[0]) + "</tr>")
    for name, *cells in rows[1:]:
        numbers = "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
        parts.append(f"<tr><th>{escape(name)}</th>{numbers}</tr>")
    parts.append("</table>")
    for block in report.blocks:
        if block.error:
            text = f"{block.block} was not judged: {block.error}"
            parts.append(f'<pre class="survived">{escape(text)}</pre>')
    for outcome in ("survived", "cycles", "equivalent", "build-failed"):
        own = [verdict for verdict in report.verdicts if verdict.outcome == outcome]
        if own:
            parts.append(f'<h3 class="{outcome}">{escape(outcome)}: {len(own)}</h3>')
            parts.append(f"<p>{escape(OUTCOMES[outcome])}</p>")
        for verdict in own:
            text = f"{verdict.diff}\n{verdict.by}\n{verdict.command}".replace("\n\n", "\n")
            parts.append(f"<pre>{escape(text)}</pre>")
    return "\n".join(parts) + "\n"


def html_report(report: MutationReport) -> str:
    """Return a page of its own."""
    title = f"corewright mutation, seed {report.seed}"
    if report.interrupted:
        title += " (interrupted)"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{html_section(report)}</body></html>\n"
    )
