# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Summaries of Genus's and Innovus's reports as JSON; a timing that is missed is a failure."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edalize.cw_asic import reports


def genus(folder: Path, top: str) -> tuple[dict[str, Any], list[str]]:
    """Return the summary of a synthesis, and what is wrong with it."""
    timing = reports.genus_timing(folder / "timing.rpt")
    summary = {
        "tool": "genus",
        "top": top,
        "timing": timing,
        "area": reports.genus_area(folder / "area.rpt", top),
        "gates": reports.genus_gates(folder / "gates.rpt"),
        "power": reports.genus_power(folder / "power.rpt"),
    }
    slack = timing["worst_slack_ns"]
    return summary, [f"setup slack is {slack} ns at {timing['endpoint']}"] if slack < 0 else []


def innovus(folder: Path, top: str) -> tuple[dict[str, Any], list[str]]:
    """Return the summary of a layout, and what is wrong with it."""
    timing = {
        name: reports.innovus_timing(folder / name, name.capitalize()) for name in ("setup", "hold")
    }
    checks = {
        name: reports.innovus_violations(folder / f"{name}.rpt", name)
        for name in ("drc", "connectivity", "antenna")
    }
    summary = {
        "tool": "innovus",
        "top": top,
        "timing": timing,
        "violations": checks,
        "area": reports.innovus_area(folder / "area.rpt", top),
        "power": reports.innovus_power(folder / "power.rpt"),
    }
    wrong = [
        f"{name} slack is {each['worst_slack_ns']} ns"
        for name, each in timing.items()
        if each["worst_slack_ns"] < 0
    ]
    return summary, wrong + [
        f"{count} violations: {name}" for name, count in checks.items() if count
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write a summary; returns 0 when the reports are good, 1 when not or not understood."""
    parser = argparse.ArgumentParser(prog="python -m edalize.cw_asic", description=__doc__)
    parser.add_argument("tool", choices=("genus", "innovus"))
    parser.add_argument("--top", required=True)
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--results", type=Path, nargs="+", required=True, help="have to exist")
    options = parser.parse_args(arguments)
    failed = options.out.with_suffix(".failed.json")
    # A summary of former reports would be worse than none.
    for former in (options.out, failed):
        former.unlink(missing_ok=True)
    missing = [str(path) for path in options.results if not path.exists()]
    if missing:
        sys.stderr.write(f"{options.tool}: not written: {', '.join(missing)}\n")
        return 1
    try:
        summary, wrong = {"genus": genus, "innovus": innovus}[options.tool](
            options.reports, options.top
        )
    except reports.ReportError as error:
        sys.stderr.write(f"{options.tool}: {error}\n")
        return 1
    summary["met"] = not wrong
    partial = options.out.with_suffix(".part")
    partial.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    for each in wrong:
        sys.stderr.write(f"{options.tool}: {each}\n")
    # The make target is the good summary; what is wrong stays readable beside it.
    partial.replace(failed if wrong else options.out)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
