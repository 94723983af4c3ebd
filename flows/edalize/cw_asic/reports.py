# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Reads the tools' report texts; a text that is not understood is an error, never a guess.

The forms are those that public repositories hold of Genus 20 to 25 and Innovus 17 to 23.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"


class ReportError(RuntimeError):
    """A report is missing, or in a form that is not known here."""


def text_of(path: Path) -> str:
    """Return a report's text, also of a compressed one.

    Raises:
        ReportError: there is none.
    """
    if not path.is_file():
        raise ReportError(f"there is no report {path}")
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            return file.read()
    return path.read_text(encoding="utf-8", errors="replace")


def _found(pattern: str, text: str, path: Path, what: str) -> re.Match[str]:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise ReportError(f"{path}: no {what}: not in a form of the tool's that is known")
    return match


def _row(top: str, columns: int) -> str:
    # Name, perhaps the module's or NA, then numbers.
    return rf"^\s*{re.escape(top)}\s+(?:[A-Za-z_]\S*\s+)?" + r"\s+".join(
        [rf"({_NUMBER})"] * columns
    )


def genus_area(path: Path, top: str) -> dict[str, Any]:
    """Return cells and areas of ``report_area``, in the library's unit of area."""
    text = text_of(path)
    _found(r"^\s*Instance\s+Module\s+Cell[ -]Count\s+Cell[ -]Area", text, path, "table of areas")
    row = _found(_row(top, 4), text, path, f"row of {top}")
    return {"cells": int(row[1]), "cell_area": float(row[2]), "total_area": float(row[4])}


def genus_gates(path: Path) -> dict[str, dict[str, float]]:
    """Return instances and area by kind of ``report_gates``: sequential, logic, total, ..."""
    text = text_of(path)
    head = _found(r"^\s*Type\s+Instances\s+Area\s+Area\s*%\s*$", text, path, "table of types")
    kinds: dict[str, dict[str, float]] = {}
    for row in re.finditer(
        rf"^\s*(\w+)\s+(\d+)\s+({_NUMBER})\s+{_NUMBER}\s*$", text[head.end() :], re.M
    ):
        kinds[row[1]] = {"instances": int(row[2]), "area": float(row[3])}
    if "total" not in kinds:
        raise ReportError(f"{path}: no row total: not in a form of the tool's that is known")
    return kinds


def genus_timing(path: Path) -> dict[str, Any]:
    """Return the worst slack of ``report_timing``, in ns, and where it ends."""
    text = text_of(path)
    paths = re.findall(rf"^Path\s+\d+:\s+(?:MET|VIOLATED)\s+\(({_NUMBER}) ps\)", text, re.M)
    if not paths:
        raise ReportError(f"{path}: no path with a slack: not in a form that is known")
    endpoint = _found(r"^\s*Endpoint:\s+\([RF]\)\s+(\S+)", text, path, "endpoint")
    return {"worst_slack_ns": min(map(float, paths)) / 1000, "endpoint": endpoint[1]}


def genus_power(path: Path) -> dict[str, float]:
    """Return leakage, internal, switching and their sum of ``report_power``, in W."""
    text = text_of(path)
    _found(r"^\s*Power Unit:\s*W\s*$", text, path, "unit of power")
    row = _found(r"^\s*Subtotal\s+" + r"\s+".join([rf"({_NUMBER})"] * 4), text, path, "subtotal")
    names = ("leakage_w", "internal_w", "switching_w", "total_w")
    return dict(zip(names, map(float, row.groups()), strict=True))


def innovus_timing(folder: Path, mode: str) -> dict[str, Any]:
    """Return the summary of ``time_design``: all paths of a mode, ``Setup`` or ``Hold``."""
    found = sorted([*folder.glob("*.summary"), *folder.glob("*.summary.gz")])
    if len(found) != 1:
        raise ReportError(f"{folder} holds {len(found)} summaries of time_design, not one")
    (path,) = found
    text = text_of(path)
    _found(rf"^\|\s*{mode} mode\s*\|\s*all\s*\|", text, path, f"table of {mode} mode")
    values = {}
    for name, label in (
        ("worst_slack_ns", r"WNS \(ns\)"),
        ("total_negative_slack_ns", r"TNS \(ns\)"),
        ("violating_paths", "Violating Paths"),
        ("paths", "All Paths"),
    ):
        row = _found(rf"^\|\s*{label}:\s*\|\s*({_NUMBER})\s*\|", text, path, f"row {label}")
        values[name] = float(row[1]) if name.endswith("_ns") else int(row[1])
    return values


def innovus_area(path: Path, top: str) -> dict[str, Any]:
    """Return cells and area of ``report_area``, in square microns."""
    text = text_of(path)
    _found(r"^\s*Hinst Name\s+Module Name\s+Inst Count\s+Tot(?:al)? Area", text, path, "table")
    row = _found(_row(top, 2), text, path, f"row of {top}")
    return {"cells": int(row[1]), "cell_area": float(row[2])}


def innovus_power(path: Path) -> dict[str, float]:
    """Return the total of ``report_power``, in W."""
    text = text_of(path)
    _found(r"Power Units\s*=\s*1mW", text, path, "unit of power")
    return {
        "total_w": float(_found(rf"^Total Power:\s+({_NUMBER})", text, path, "total")[1]) / 1000
    }


# What each check says when it is content, and how it counts when it is not.
_CHECKS = {
    "drc": (r"No DRC violations were found", r"Total Violations\s*:\s*(\d+)"),
    "connectivity": (r"Found no problems or warnings\.", r"^\s*(\d+) Problem\(s\)"),
    "antenna": (
        r"No Violations Found",
        r"Total number of (?:process antenna )?violations\s*[:=]\s*(\d+)",
    ),
}


def innovus_violations(path: Path, check: str) -> int:
    """Return how many violations a check has found: ``drc``, ``connectivity`` or ``antenna``."""
    text = text_of(path)
    clean, counted = _CHECKS[check]
    counts = [int(each) for each in re.findall(counted, text, re.MULTILINE)]
    if counts:
        return sum(counts)
    _found(clean, text, path, "verdict")
    return 0
