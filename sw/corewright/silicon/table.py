# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The tables of docs/silicon.md, made of ``regressions/silicon.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from corewright.environment import repository_root
from corewright.files import writing
from corewright.silicon.budgets import CLOCK, read_budgets
from corewright.silicon.cells import ASIC
from corewright.silicon.estimate import FITTED, TERMS, Formula, fitted, left_out
from corewright.silicon.resources import ASIC_KINDS, KINDS
from corewright.silicon.rows import AnyRow, read_rows, rows_file

_BEGIN, _END = "<!-- table: python -m corewright.silicon.table -->", "<!-- end of the table -->"
_FORMULA = "<!-- formula: python -m corewright.silicon.table -->", "<!-- end of the formula -->"
_DIGITS = 12
_LARGE = 1000


def page_file() -> Path:
    """Return the page with the table."""
    return repository_root() / "docs" / "silicon.md"


def write_rows(rows: Iterable[AnyRow]) -> None:
    """Put rows into the tree's file, in the place of those of the same name and family.

    The page is made again.

    Raises:
        OutputError: a file cannot be written.
    """
    order = [(budget.name, budget.family) for budget in read_budgets()]
    known = {(row.name, row.family): row for row in [*read_rows(), *rows]}
    kept = [known[key] for key in order if key in known]
    text = json.dumps([asdict(row) for row in kept], indent=1) + "\n"
    with writing(rows_file(), "a clone"):
        rows_file().write_text(text, encoding="utf-8")
    with writing(page_file(), "a clone"):
        page_file().write_text(page(), encoding="utf-8")


def table(rows: Sequence[AnyRow]) -> str:
    """Return rows as tables in Markdown, with the goals of their budgets beside them."""
    goals = {(budget.name, budget.family): budget.goal for budget in read_budgets()}
    lines = [
        "| configuration | family | LUT | FF | DSP | BRAM 36k | URAM | levels | CPU | date | RTL |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(
            _line(row, goals.get((row.name, row.family), {}), (*KINDS, "levels"))
            for row in rows
            if row.family != ASIC
        ),
    ]
    if asic := [row for row in rows if row.family == ASIC]:
        lines += [
            "",
            "Standard cells, before layout: no wires; memories beside the area.",
            "",
            "| configuration | family | um2 | GE | FF | memory bits | MHz | cells on a path | CPU "
            "| date | RTL |",
            "|---|---|---|---|---|---|---|---|---|---|---|",
            *(
                _line(row, goals.get((row.name, row.family), {}), (*ASIC_KINDS, CLOCK, "levels"))
                for row in asic
            ),
        ]
    missing = [
        f"{name} on {family}"
        for name, family in goals
        if (name, family) not in {(row.name, row.family) for row in rows}
    ]
    text = "\n".join(lines) + "\n"
    return text + (f"\nNot measured yet: {', '.join(missing)}.\n" if missing else "")


def _line(row: AnyRow, goal: Mapping[str, float], kinds: Sequence[str]) -> str:
    cells = [
        _amount(getattr(row, kind)) + (f" ({_amount(goal[kind])})" if kind in goal else "")
        for kind in kinds
    ]
    return (
        f"| {row.name} | {row.family} | {' | '.join(cells)} | {row.processor_seconds / 60:.1f} min "
        f"| {row.date} | `{row.rtl[:_DIGITS]}` |"
    )


def _factor(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _amount(value: float | None) -> str:
    if value is None:
        return "-"
    # Halves of a block RAM, and tenths of a MHz; of areas nobody reads a digit behind the point.
    return f"{value:,.0f}" if value >= _LARGE else f"{value:,}"


def formula_table(formula: Formula) -> str:
    """Return a formula's coefficients, and how far it is off, as tables in Markdown."""
    titles = [kind.upper() for kind in FITTED]
    lines = [f"| term | size | {' | '.join(titles)} |", "|---|---|" + "---|" * len(titles)]
    for name, size in TERMS.items():
        factors = (formula.coefficients[kind].get(name) for kind in FITTED)
        cells = ["" if factor is None else _factor(factor) for factor in factors]
        lines.append(f"| {name} | {size} | {' | '.join(cells)} |")
    headings = (f"{title} | estimated | error | left out" for title in titles)
    lines += ["", f"| configuration | {' | '.join(headings)} |"]
    lines.append("|---|" + "---|" * 4 * len(titles))
    for point, alone in zip(formula.points, left_out(formula.points), strict=True):
        amounts, cells = formula.amounts(point.hardware), []
        for kind in FITTED:
            measured = getattr(point.row, kind)
            error = amounts[kind] / measured - 1
            cells += [_amount(measured), f"{amounts[kind]:,.0f}"]
            cells += [f"{100 * error:.1f} %", f"{100 * alone[kind]:.1f} %"]
        lines.append(f"| {point.row.name} | {' | '.join(cells)} |")
    most = (f"{100 * formula.residuals[kind]:.1f} % {kind.upper()}" for kind in FITTED)
    return "\n".join([*lines, "", f"At most it is off by {' and '.join(most)}.", ""])


def page() -> str:
    """Return the text of the page with the tables of the rows that there are.

    Raises:
        ValueError: the page has no place for one.
    """
    text = page_file().read_text(encoding="utf-8")
    text = _with(text, _BEGIN, _END, table(read_rows()))
    return _with(text, *_FORMULA, formula_table(fitted()))


def _with(text: str, begin: str, end: str, made: str) -> str:
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    text, found = pattern.subn(lambda _: f"{begin}\n{made}{end}", text)
    if found != 1:
        raise ValueError(f"{page_file()}: has {found} places for a table, legal is one")
    return text


if __name__ == "__main__":
    write_rows([])
