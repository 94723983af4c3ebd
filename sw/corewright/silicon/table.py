# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The dated table of docs/silicon.md, made of ``regressions/silicon.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corewright.environment import repository_root
from corewright.files import read_json, writing
from corewright.silicon.budgets import CLOCK, Budget, read_budgets
from corewright.silicon.cells import ASIC
from corewright.silicon.resources import ASIC_KINDS, KINDS

_BEGIN, _END = "<!-- table: python -m corewright.silicon.table -->", "<!-- end of the table -->"
_DIGITS = 12
_LARGE = 1000


@dataclass(frozen=True)
class Row:
    """What was measured of a configuration, when and of which sources.

    Attributes:
        name: of the budget.
        family: what it was synthesised for.
        date: of the measurement, ISO 8601.
        rtl: digest of the RTL, see :func:`corewright.flow.synthesis.rtl_digest`.
        yosys: version of the wheel.
        lut: LUTs; a RAM of 32 by 6 or 64 by 3 bits is four, a shift register one.
        ff: flip-flops.
        dsp: multiplier blocks.
        bram36: block RAMs of 36 kbit.
        uram: block RAMs of 288 kbit.
        levels: LUTs on the longest path between registers.
        processor_seconds: that it took.
    """

    name: str
    family: str
    date: str
    rtl: str
    yosys: str
    lut: float
    ff: float
    dsp: float
    bram36: float
    uram: float
    levels: int
    processor_seconds: float


@dataclass(frozen=True)
class AsicRow:
    """The same of standard cells, before layout.

    Attributes:
        name: of the budget.
        family: ``asic``.
        date: of the measurement, ISO 8601.
        rtl: digest of the RTL, see :func:`corewright.flow.synthesis.rtl_digest`.
        yosys: version of the wheel.
        opensta: version of OpenSTA.
        area_um2: of all cells, without memories.
        ge: the same in gate equivalents.
        ff: flip-flops.
        memory_bits: of memories, beside the area.
        clock_mhz: by the longest path between registers, without wires; null: there is none.
        levels: cells on the longest path between registers.
        processor_seconds: that it took.
    """

    name: str
    family: str
    date: str
    rtl: str
    yosys: str
    opensta: str
    area_um2: float
    ge: float
    ff: float
    memory_bits: float
    clock_mhz: float | None
    levels: int
    processor_seconds: float


AnyRow = Row | AsicRow


def rows_file() -> Path:
    """Return the file of the tree's rows."""
    return repository_root() / "regressions" / "silicon.json"


def page_file() -> Path:
    """Return the page with the table."""
    return repository_root() / "docs" / "silicon.md"


def row_of(budget: Budget, summary: Mapping[str, Any], date: str) -> AnyRow:
    """Return the row of a measurement.

    Args:
        budget: its configuration.
        summary: see :func:`corewright.flow.synthesis.synthesise`.
        date: when.
    """
    if budget.family == ASIC:
        return AsicRow(
            budget.name,
            budget.family,
            date,
            summary["rtl"],
            str(summary["yosys"]),
            str(summary["opensta"]),
            **{kind: summary["total"][kind] for kind in ASIC_KINDS},
            clock_mhz=summary["timing"][CLOCK],
            levels=summary["levels"],
            processor_seconds=summary["processor_seconds"],
        )
    return Row(
        budget.name,
        budget.family,
        date,
        summary["rtl"],
        str(summary["yosys"]),
        **{kind: summary["total"][kind] for kind in KINDS},
        levels=summary["levels"],
        processor_seconds=summary["processor_seconds"],
    )


def read_rows(path: Path | None = None) -> list[AnyRow]:
    """Read the rows; those of the tree without a path; none where there is no file.

    Raises:
        ValueError: the file is damaged.
    """
    path = path or rows_file()
    try:
        return [
            AsicRow(**entry) if entry["family"] == ASIC else Row(**entry)
            for entry in read_json(path)
        ]
    except FileNotFoundError:
        return []
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def stale(rows: Iterable[AnyRow], rtl: str) -> list[AnyRow]:
    """Return the rows that are of other RTL than this."""
    return [row for row in rows if row.rtl != rtl]


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


def _amount(value: float | None) -> str:
    if value is None:
        return "-"
    # Halves of a block RAM, and tenths of a MHz; of areas nobody reads a digit behind the point.
    return f"{value:,.0f}" if value >= _LARGE else f"{value:,}"


def page() -> str:
    """Return the text of the page with the table of the rows that there are.

    Raises:
        ValueError: the page has no place for it.
    """
    text = page_file().read_text(encoding="utf-8")
    made = f"{_BEGIN}\n{table(read_rows())}{_END}"
    pattern = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
    text, found = pattern.subn(lambda _: made, text)
    if found != 1:
        raise ValueError(f"{page_file()}: has {found} places for the table, legal is one")
    return text


if __name__ == "__main__":
    write_rows([])
