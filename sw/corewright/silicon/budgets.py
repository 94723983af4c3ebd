# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Budgets of area: ``regressions/silicon.toml`` holds what may be taken, so that none grows unseen.

Each ``[[budget]]`` has

============ ==================================================================================
name         unique; what reports call it
hardware     keywords of :class:`corewright.Hardware`, or the name of a JSON file beside it; or
core         a block's core with a target ``synth``, and
parameters   of its top (may be left out)
family       see :data:`corewright.silicon.cells.FAMILIES`
most         by kind (``lut``, ``ff``, ``dsp``, ``bram36``, ``uram``, ``levels``; of ``asic``
             ``area_um2``, ``ge``, ``ff``, ``memory_bits``, ``levels``) the most that a measurement
             may have: the one when it was last changed, on purpose
least        of ``asic``, by kind (``clock_mhz``, before layout) the least
goal         by kind what is aimed at (may be left out); not reaching it is no failure
ci           whether CI measures it; left out: the nightly run does
============ ==================================================================================
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corewright.environment import repository_root
from corewright.files import brief, read_bytes, reason
from corewright.hardware import Hardware
from corewright.silicon.cells import ASIC, FAMILIES
from corewright.silicon.resources import kinds_of

_MOST_BYTES = 1 << 20
_KEYS = ("name", "family", "most", "least", "hardware", "core", "parameters", "goal", "ci")
_NEEDED = _KEYS[:2]
CLOCK = "clock_mhz"


@dataclass(frozen=True)
class Budget:
    """A budget; see this module.

    Attributes:
        name: of the configuration.
        hardware: the configuration of an accelerator; None: it is a block.
        core: FuseSoC's name of a block; empty for an accelerator.
        parameters: of a block's top.
        family: what it is synthesised for.
        most: by kind the most that a measurement may have.
        least: by kind the least.
        goal: by kind what is aimed at.
        in_ci: whether CI measures it.
    """

    name: str
    hardware: Hardware | None
    core: str
    parameters: Mapping[str, int | str]
    family: str
    most: Mapping[str, float]
    least: Mapping[str, float]
    goal: Mapping[str, float]
    in_ci: bool


def budgets_file() -> Path:
    """Return the file of the tree's budgets."""
    return repository_root() / "regressions" / "silicon.toml"


def read_budgets(path: Path | None = None) -> list[Budget]:
    """Read budgets; those of the tree without a path.

    Raises:
        ValueError: the file cannot be read, or an entry is wrong; the message says what is legal.
    """
    path = path or budgets_file()
    try:
        contents = tomllib.loads(read_bytes(path, _MOST_BYTES).decode("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {reason(error)}") from error
    if unknown := sorted(set(contents) - {"budget"}):
        raise ValueError(f"{path}: {', '.join(unknown)} is unknown, legal is [[budget]]")
    found: list[Budget] = []
    for entry in contents.get("budget", ()):
        try:
            budget = _budget(entry, path.parent)
            if (budget.name, budget.family) in ((each.name, each.family) for each in found):
                raise ValueError("is there twice, name and family must be unique together")
        except ValueError as error:
            name = entry.get("name") if isinstance(entry, dict) else entry
            raise ValueError(f"{path}: budget {brief(repr(name))}: {error}") from error
        found.append(budget)
    return found


def _budget(entry: Mapping[str, Any], base: Path) -> Budget:
    if unknown := sorted(set(entry) - set(_KEYS)):
        raise ValueError(f"{', '.join(unknown)} unknown, legal are {', '.join(_KEYS)}")
    missing = [key for key in _NEEDED if key not in entry]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")
    if ("hardware" in entry) == ("core" in entry):
        raise ValueError("legal is one of hardware and core")
    if entry["family"] not in FAMILIES:
        raise ValueError(f"family is {entry['family']!r}, legal are {', '.join(FAMILIES)}")
    clock = (CLOCK,) if entry["family"] == ASIC else ()
    upper = (*kinds_of(entry["family"]), "levels")
    legal = {"most": upper, "least": clock, "goal": (*upper, *clock)}
    limits = {name: _limits(name, entry.get(name, {}), legal[name]) for name in legal}
    return Budget(
        str(entry["name"]),
        _hardware(entry["hardware"], base) if "hardware" in entry else None,
        str(entry.get("core", "")),
        dict(entry.get("parameters", {})),
        entry["family"],
        limits["most"],
        limits["least"],
        limits["goal"],
        bool(entry.get("ci", False)),
    )


def _hardware(value: object, base: Path) -> Hardware:
    if isinstance(value, Mapping):
        return Hardware.from_dict(dict(value))
    return Hardware.from_json(base / str(value))


def _limits(name: str, value: object, legal: Sequence[str]) -> dict[str, float]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {brief(repr(value))}, legal is a table of numbers")
    for kind, most in value.items():
        if kind not in legal:
            known = ", ".join(legal) or f"those of {ASIC}"
            raise ValueError(f"{name}: {kind} is unknown, legal are {known}")
        if isinstance(most, bool) or not isinstance(most, int | float) or most < 0:
            raise ValueError(f"{name}: {kind} is {brief(repr(most))}, legal is a number from 0")
    return dict(value)


def exceeded(budget: Budget, summary: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each limit that a measurement does not keep.

    Args:
        budget: the limits.
        summary: see :func:`corewright.silicon.summary.summary_of`.
    """
    measured = measured_of(summary)
    above = [
        f"{kind} is {measured[kind]:,}, at most {most:,} is budgeted for {budget.name} on "
        f"{budget.family}"
        for kind, most in budget.most.items()
        if measured[kind] > most
    ]
    below = [
        f"{kind} is {measured[kind]:,}, at least {least:,} is budgeted for {budget.name} on "
        f"{budget.family}"
        for kind, least in budget.least.items()
        if measured[kind] < least
    ]
    return above + below


def measured_of(summary: Mapping[str, Any]) -> dict[str, float]:
    """Return by kind what a budget may limit; a clock without a path between registers is 0."""
    measured = {**summary["total"], "levels": summary["levels"]}
    if summary["family"] == ASIC:
        measured[CLOCK] = summary["timing"][CLOCK] or 0
    return measured
