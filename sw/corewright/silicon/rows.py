# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What was measured of configurations: the rows of ``regressions/silicon.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corewright.environment import repository_root
from corewright.files import read_json
from corewright.silicon.budgets import CLOCK, Budget
from corewright.silicon.cells import ASIC
from corewright.silicon.resources import kinds_of


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured of a configuration, when and of which sources.

    Attributes:
        name: of the budget.
        family: what it was synthesised for.
        date: of the measurement, ISO 8601.
        rtl: digest of the RTL, see :func:`corewright.flow.synthesis.rtl_digest`.
        yosys: version of the wheel.
        ff: flip-flops.
        levels: LUTs, or cells, on the longest path between registers.
        processor_seconds: that it took.
    """

    name: str
    family: str
    date: str
    rtl: str
    yosys: str
    ff: float
    levels: int
    processor_seconds: float


@dataclass(frozen=True, kw_only=True)
class Row(Measured):
    """A configuration on an FPGA.

    Attributes:
        lut: LUTs; a RAM of 32 by 6 or 64 by 3 bits is four, a shift register one.
        dsp: multiplier blocks.
        bram36: block RAMs of 36 kbit.
        uram: block RAMs of 288 kbit.
    """

    lut: float
    dsp: float
    bram36: float
    uram: float


@dataclass(frozen=True, kw_only=True)
class AsicRow(Measured):
    """A configuration of standard cells, before layout.

    Attributes:
        opensta: version of OpenSTA.
        area_um2: of all cells, without memories.
        ge: the same in gate equivalents.
        memory_bits: of memories, beside the area.
        clock_mhz: by the longest path between registers, without wires; null: there is none.
    """

    opensta: str
    area_um2: float
    ge: float
    memory_bits: float
    clock_mhz: float | None


AnyRow = Row | AsicRow


def rows_file() -> Path:
    """Return the file of the tree's rows."""
    return repository_root() / "regressions" / "silicon.json"


def row_of(budget: Budget, summary: Mapping[str, Any], date: str) -> AnyRow:
    """Return the row of a measurement.

    Args:
        budget: its configuration.
        summary: see :func:`corewright.flow.synthesis.synthesise`.
        date: when.
    """
    common = {
        "name": budget.name,
        "family": budget.family,
        "date": date,
        "rtl": summary["rtl"],
        "yosys": str(summary["yosys"]),
        "levels": summary["levels"],
        "processor_seconds": summary["processor_seconds"],
        **{kind: summary["total"][kind] for kind in kinds_of(budget.family)},
    }
    if budget.family != ASIC:
        return Row(**common)
    timing = summary["timing"]
    return AsicRow(**common, opensta=str(summary["opensta"]), clock_mhz=timing[CLOCK])


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
