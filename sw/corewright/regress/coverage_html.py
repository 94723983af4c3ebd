# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Coverage of the RTL as a section of a page: tables, and the source lines of all holes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from corewright.environment import repository_root
from corewright.regress.hdl_coverage import GOALS, METRICS, HdlCoverage, Hole, Tally

# Lines around one with a hole that are shown with it.
_CONTEXT = 1


def hdl_section(coverage: HdlCoverage) -> Iterator[str]:
    """Yield the section's lines, in HTML."""
    yield "<h2>Coverage of the RTL</h2>"
    if coverage.shortcomings:
        yield "<ul>"
        yield from (f'<li class="missed">{escape(told)}</li>' for told in coverage.shortcomings)
        yield "</ul>"
    yield "<table><tr><th></th>"
    yield from (f"<th>{metric} (wanted: {100 * GOALS[metric]:.0f} %)</th>" for metric in METRICS)
    yield "</tr>"
    for name, tallies in coverage.blocks.items():
        yield _row(name, tallies)
    yield _row("all", coverage.total)
    yield "</table>"
    if coverage.other_sources:
        files = ", ".join(coverage.other_sources)
        yield f"<p>Measured on another text, and left out: {escape(files)}</p>"
    if coverage.exclusions:
        yield "<h3>Excluded</h3><table>"
        for item, points in coverage.exclusions:
            place = f"{item.file}: {item.text}"
            yield (
                f'<tr><td class="number">{points} {item.metric}</td><td>{escape(place)}</td>'
                f"<td>{escape(item.reason)}</td></tr>"
            )
        yield "</table>"
    yield "<h3>Holes</h3>"
    for file, holes in groupby(coverage.holes, key=lambda hole: hole.file):
        yield from _file(file, list(holes))


def _row(name: str, tallies: Mapping[str, Tally]) -> str:
    cells = []
    for metric in METRICS:
        tally = tallies[metric]
        bad = tally.share is not None and tally.share < GOALS[metric]
        kind = "number missed" if bad else "number"
        cells.append(f'<td class="{kind}">{describe_tally(tally)}</td>')
    return f"<tr><th>{escape(name)}</th>{''.join(cells)}</tr>"


def describe_tally(tally: Tally) -> str:
    """Return a measure in words: ``98.50 % (197 of 200)``."""
    if tally.share is None:
        return "-"
    return f"{100 * tally.share:.2f} % ({tally.covered:,} of {tally.total:,})"


def _file(file: str, holes: Sequence[Hole], root: Path | None = None) -> Iterator[str]:
    lines = ((root or repository_root()) / file).read_text(encoding="utf-8").splitlines()
    notes: dict[int, list[str]] = {}
    for hole in holes:
        notes.setdefault(hole.line, []).append(f"{hole.metric} {hole.what}".strip())
    shown = sorted(
        {
            number
            for line in notes
            for number in range(line - _CONTEXT, line + _CONTEXT + 1)
            if 1 <= number <= len(lines)
        }
    )
    yield f"<details><summary>{escape(file)}: {len(notes)} lines</summary><pre>"
    for place, number in enumerate(shown):
        if place and number != shown[place - 1] + 1:
            yield "    ..."
        text = escape(f"{number:5}  {lines[number - 1]}")
        if number not in notes:
            yield text
            continue
        yield f'<span class="missed">{text}</span>'
        yield from (f"{'':7}^ {escape(note)}" for note in notes[number])
    yield "</pre></details>"
