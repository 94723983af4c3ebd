# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A run's report as one HTML file that needs no other and reads well on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from corewright.regress.coverage import never_hit
from corewright.regress.coverage_html import hdl_section
from corewright.regress.hdl_coverage import HdlCoverage
from corewright.regress.report import Report

# No script and no other file: a command is selected as a whole by one click or tap.
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #14731f; --bad: #b00020; }
@media (prefers-color-scheme: dark) { :root { --good: #6fcf7c; --bad: #ff7b8a; } }
* { box-sizing: border-box; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; margin: .2rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; overflow-wrap: anywhere; }
.verdict { font-size: 1.2rem; font-weight: 700; padding: .5rem .8rem; border-left: .4rem solid; }
.passed { color: var(--good); } .failed, .error, .missed { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 1rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
details td { overflow-wrap: anywhere; }
tr { border-bottom: 1px solid var(--soft); }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { background: var(--soft); padding: .6rem; margin: .4rem 0; overflow-x: auto; }
pre { font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.command { user-select: all; border: 1px solid var(--line); }
ul.bins { list-style: none; padding: 0; margin: .2rem 0; display: flex; flex-wrap: wrap; }
ul.bins li { border: 1px solid var(--line); border-radius: .4rem; margin: 0 .35rem .35rem 0; }
ul.bins .bin, ul.bins .cases { display: inline-block; padding: .05rem .45rem; }
ul.bins .cases { background: var(--soft); font-size: .8rem; }
ul.bins li.never { border: 1px dashed var(--bad); color: var(--bad); }
svg { width: 100%; height: 5rem; } svg .good { fill: var(--good); } svg .bad { fill: var(--bad); }
"""
_SLOWEST = 10
_NIGHTS = 30

History = Sequence[Mapping[str, Any]]


def html_report(
    report: Report,
    *,
    provenance: Mapping[str, Any] | None = None,
    history: History = (),
    further: Iterable[str] = (),
) -> str:
    """Return the page of a run: verdict, failures, then what was measured.

    Args:
        report: the run.
        provenance: see :func:`corewright.environment.provenance`.
        history: runs of the past, oldest first: ``suite``, ``date``, ``commit``, ``passed``,
            ``failed`` (with errors), ``rate`` (cases a core-minute).
        further: HTML behind what was measured.
    """
    values = report.to_dict()
    return page(
        f"corewright regression: {values['suite']}, seed {values['seed']}",
        [
            *_verdict(values),
            *made_with(provenance, values["seed"]),
            *failures_section(values["buckets"]),
            *_measured(values),
            *further,
            *coverage_section(values["coverage"]),
            *(hdl_section(report.hdl) if report.hdl else ()),
            *_slowest(values["slowest"]),
            *trend_section(history),
        ],
    )


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole page with a heading; ``parts`` are HTML."""
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *parts,
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def coverage_page(coverage: HdlCoverage) -> str:
    """Return a page of what runs have covered of the RTL."""
    return page("corewright: coverage", hdl_section(coverage))


def table(rows: Iterable[Sequence[object]], heads: Sequence[str] = ()) -> Iterator[str]:
    """Yield a table: numbers to the right, the first column a heading."""
    yield '<div class="scroll"><table>'
    if heads:
        yield f"<tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>"
    for first, *others in rows:
        cells = "".join(_cell(value) for value in others)
        yield f"<tr><th>{escape(str(first))}</th>{cells}</tr>"
    yield "</table></div>"


def _cell(value: object) -> str:
    if value is None:
        return "<td>not measured</td>"
    if isinstance(value, str) and value.endswith((" %", "\N{NO-BREAK SPACE}s")):
        return f'<td class="number">{escape(value)}</td>'
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{escape(str(value))}</td>"
    return f'<td class="number">{value:,}</td>'


def verdict_line(passed: bool, text: str) -> str:
    """Return the line that a reader sees first."""
    return f'<p class="verdict {"passed" if passed else "failed"}">{escape(text)}</p>'


def command_block(command: str) -> str:
    """Return a command that one click selects."""
    return f'<pre class="command">{escape(command)}</pre>'


def _verdict(values: Mapping[str, Any]) -> Iterator[str]:
    bad = values["failed"] + values["errors"]
    if values["interrupted"]:
        yield verdict_line(False, f"interrupted, {values['not_run']} cases did not run")
    if not values["cases"]:
        return
    if not bad:
        yield verdict_line(True, f"passed: all {values['cases']} cases")
        return
    kinds = len(values["buckets"])
    yield verdict_line(
        False,
        f"failed: {values['failed']} failed and {values['errors']} errors of "
        f"{values['cases']} cases, {kinds} {'signature' if kinds == 1 else 'signatures'}",
    )


def made_with(provenance: Mapping[str, Any] | None, seed: int | None = None) -> Iterator[str]:
    """Yield what a report was made of: commit, changes, tools, seed."""
    if provenance is None:
        return
    facts = dict(provenance)
    commit = facts.pop("commit", None)
    state = "outside of a clone" if commit is None else "clean"
    if commit is not None and commit.endswith("+"):
        commit, state = commit[:-1], "with uncommitted changes"
    rows: list[Sequence[object]] = [("commit", f"{commit or 'none'} ({state})")]
    if seed is not None:
        rows.append(("seed", str(seed)))
    rows += [(name, "not there" if value is None else str(value)) for name, value in facts.items()]
    yield "<details><summary>made with</summary>"
    yield from table(rows)
    yield "</details>"


def failures_section(buckets: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield failures by signature; see :meth:`Bucket.to_dict`."""
    if not buckets:
        return
    yield "<h2>Failures by signature</h2>"
    for bucket in buckets:
        count = bucket["count"]
        yield f'<h3 class="failed">{escape(bucket["signature"])}</h3>'
        kind = "an error" if bucket["verdict"] == "error" else "failed"
        cases = "1 case" if count == 1 else f"{count} cases, the first"
        yield f"<p>{cases} ({kind}) is run again by</p>"
        yield command_block(bucket["command"])
        if bucket["detail"]:
            yield f"<pre>{escape(bucket['detail'])}</pre>"
        if bucket["waves"]:
            yield f"<p>waves: <code>{escape(str(bucket['waves']))}</code></p>"
        if bucket["shrink"]:
            yield f"<p>and made small by</p>{command_block(bucket['shrink'])}"
        if bucket["log"]:
            yield f"<details><summary>end of its log</summary><pre>{escape(bucket['log'])}</pre>"
            yield "</details>"
        summary = json.dumps(bucket["summary"], indent=1)
        yield f"<details><summary>what it ran</summary><pre>{escape(summary)}</pre></details>"
        names = "\n".join(bucket["ids"])
        yield f"<details><summary>all of them</summary><pre>{escape(names)}</pre></details>"


def _measured(values: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Measured</h2>"
    yield from table(
        [
            ("cases that ran", values["cases"]),
            ("passed", values["passed"]),
            ("failed: a difference was found", values["failed"]),
            ("errors: could not be checked", values["errors"]),
            ("cases a core-minute", values["cases_per_core_minute"]),
            ("processor seconds", values["processor_seconds"]),
            ("of it compiling simulations", share(values["compile_share"])),
            ("simulated cycles", values["simulated_cycles"]),
            ("networks drawn again, for the hardware refused them", values["refusals"]),
        ]
    )


def share(value: float | None) -> str:
    """Return a share as a percentage."""
    return "not measured" if value is None else f"{100 * value:.1f} %"


# ------------------------------------------------------------------------------------ coverage


def coverage_section(coverage: Mapping[str, Any]) -> Iterator[str]:
    """Yield coverage of every kind: a summary, then the bins, those never hit first."""
    yield "<h2>Coverage</h2>"
    rows = []
    for kind, value in coverage.items():
        # Bins and the RTL's points have sections of their own.
        if kind in ("bins", "hdl", "excused", "needless_excuses"):
            continue
        if isinstance(value, Mapping):
            known = value.get("share", value.get("covered"))
            rows.append((kind, share(known) if isinstance(known, float) else json.dumps(value)))
        elif value is None or isinstance(value, int | float):
            rows.append((kind, share(value)))
    yield from table(rows)
    bins = coverage.get("bins", {})
    missed = never_hit(coverage)
    counts = [count for group in bins.values() for count in group.values()]
    hit = sum(count > 0 for count in counts)
    unhit = sum(len(names) for names in missed.values())
    excused = f", {len(counts) - hit - unhit} excused" if len(counts) > hit + unhit else ""
    yield f"<h3>Functional bins: {hit} of {len(counts)} hit{excused}</h3>"
    if missed:
        yield '<p class="missed">Never hit:</p>'
        yield from table((group, ", ".join(names)) for group, names in missed.items())
    if needless := coverage.get("needless_excuses"):
        yield f'<p class="missed">Hit, though excused: {escape("; ".join(needless))}</p>'
    yield "<details><summary>all bins, with the number of cases that hit each</summary>"
    for group, names in bins.items():
        yield f'<h3>{escape(group)}</h3><ul class="bins">'
        for name, count in names.items():
            cases = f"{count:,} {'case' if count == 1 else 'cases'}" if count else "never"
            yield (
                f"<li{'' if count else ' class=' + chr(34) + 'never' + chr(34)}>"
                f'<span class="bin">{escape(name)}</span>'
                f'<span class="cases">{cases}</span></li>'
            )
        yield "</ul>"
    yield "</details>"


def _slowest(slowest: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(slowest) < 2:
        return
    yield "<h2>Slowest cases</h2>"
    rows = [(case["id"], case["seconds"]) for case in slowest[:_SLOWEST]]
    yield from table(rows, ("case", "processor seconds"))


def trend_section(history: History) -> Iterator[str]:
    """Yield how runs of the past ended: a bar each, failures in red, and a table."""
    runs = list(history)[-_NIGHTS:]
    if not runs:
        return
    yield "<h2>Trend</h2><p>Cases of each run, those that failed at the top; newest right.</p>"
    most = max(run["passed"] + run["failed"] for run in runs) or 1
    yield f'<svg viewBox="0 0 {10 * len(runs)} 100" preserveAspectRatio="none" role="img">'
    for number, run in enumerate(runs):
        good, bad = (100 * run[name] / most for name in ("passed", "failed"))
        # A single failure among thousands has to be seen.
        bad = max(bad, 4.0) if run["failed"] else 0.0
        label = escape(f"{run['date']}: {run['passed']} passed, {run['failed']} failed")
        x = 10 * number + 1
        yield (
            f'<g><title>{label}</title><rect class="good" x="{x}" y="{100 - good:.1f}" width="8" '
            f'height="{good:.1f}"/><rect class="bad" x="{x}" y="{max(0.0, 100 - good - bad):.1f}" '
            f'width="8" height="{bad:.1f}"/></g>'
        )
    yield "</svg>"
    yield from table(
        (
            (
                *(run["date"], run["suite"], (run["commit"] or "none")[:12]),
                *(run["passed"], run["failed"], run["rate"]),
            )
            for run in reversed(runs)
        ),
        ("date", "suite", "commit", "passed", "failed", "cases a core-minute"),
    )
