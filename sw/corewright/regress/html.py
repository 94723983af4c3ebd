# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A run's report as one HTML file that needs no other."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from corewright.regress.coverage_html import describe_tally, hdl_section
from corewright.regress.hdl_coverage import HdlCoverage
from corewright.regress.report import Report

_STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 64em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: .6em 0 1.4em; }
th, td { text-align: left; padding: .15em 1em .15em 0; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f4f4f4; padding: .7em; overflow-x: auto; }
.passed { color: #14731f; } .failed, .error, .missed { color: #b00020; }
"""


def html_report(report: Report) -> str:
    """Return the page: totals, failures grouped by signature, coverage."""
    values = report.to_dict()
    title = f"corewright regression: {values['suite']}, seed {values['seed']}"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *_totals(values, report),
        *_failures(report),
        *_coverage(values["coverage"]),
        *(hdl_section(report.hdl) if report.hdl else ()),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def coverage_page(coverage: HdlCoverage) -> str:
    """Return a page of what runs have covered of the RTL."""
    title = "corewright: coverage"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        *hdl_section(coverage),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _totals(values: dict[str, Any], report: Report) -> Iterable[str]:
    verdict = "passed" if report.passed else "failed"
    if report.interrupted:
        text = f"interrupted, {report.not_run} cases did not run"
        yield f'<p class="missed"><strong>{text}</strong></p>'
    if report.results:
        yield f'<p class="{verdict}"><strong>{verdict}</strong></p>'
    rows = {
        "cases": values["cases"],
        "passed": values["passed"],
        "failed (a difference was found)": values["failed"],
        "errors (could not be checked)": values["errors"],
        "networks drawn again, for the hardware refused them": values["refusals"],
        "cases a core minute": values["cases_per_core_minute"],
        "share of compiling simulations": f"{100 * values['compile_share']:.1f} %",
        "functional coverage": f"{100 * values['coverage']['functional']:.1f} %",
        **_of_the_rtl(report.hdl),
    }
    yield "<table>"
    for name, value in rows.items():
        yield f'<tr><th>{escape(name)}</th><td class="number">{escape(str(value))}</td></tr>'
    yield "</table>"


def _of_the_rtl(coverage: HdlCoverage | None) -> dict[str, str]:
    if coverage is None:
        return {"line, branch and toggle coverage": "not measured"}
    return {f"{name} coverage": describe_tally(tally) for name, tally in coverage.total.items()}


def _failures(report: Report) -> Iterable[str]:
    if report.passed:
        return
    yield "<h2>Failures by signature</h2>"
    for signature, results in report.groups.items():
        first = results[0]
        yield f"<h3>{escape(signature)}: {len(results)}</h3>"
        yield f"<p>The first, {first.verdict}:</p>"
        yield f"<pre>{escape(first.id.command)}\n\n{escape(first.detail)}</pre>"
        summary = json.dumps(first.summary, indent=1)
        yield f"<details><summary>what it ran</summary><pre>{escape(summary)}</pre></details>"
        commands = "\n".join(result.id.command for result in results)
        yield f"<details><summary>all of them</summary><pre>{escape(commands)}</pre></details>"


def _coverage(coverage: dict[str, Any]) -> Iterable[str]:
    yield "<h2>Functional coverage</h2><p>Cases that had it.</p><table>"
    for group, counts in coverage["bins"].items():
        cells = ", ".join(
            f"{escape(name)} {count}"
            if count
            else f'<span class="missed">{escape(name)} never</span>'
            for name, count in counts.items()
        )
        yield f"<tr><th>{escape(group)}</th><td>{cells}</td></tr>"
    yield "</table>"
