# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The command ``coverage``, and what ``regress --coverage`` adds."""

from __future__ import annotations

import argparse
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from corewright.cli.console import output, write_json
from corewright.environment import command_line, provenance, variable
from corewright.files import check_writable, write_output
from corewright.flow.cache import build_folder, building
from corewright.flow.coverage_data import COVERAGE_VARIABLE, coverage_folder
from corewright.flow.errors import FlowInputError
from corewright.regress.case import Suite
from corewright.regress.coverage_html import describe_tally
from corewright.regress.hdl_coverage import METRICS, HdlCoverage, read_folders
from corewright.regress.html import coverage_page

# Holes that are listed where nobody asks for all.
_LISTED = 20


def coverage(arguments: argparse.Namespace) -> int:
    """Report what is in folders; returns the exit status."""
    folders = arguments.folders
    if folders is None:
        named = coverage_folder()
        if named is None:
            raise FlowInputError(
                "there is nothing to report: name a folder (--from FOLDER), which "
                f"`{COVERAGE_VARIABLE}=FOLDER {command_line()} test ip core` fills"
            )
        folders = [named]
    found = read_folders(folders, [block.strip("/") for block in arguments.blocks])
    console = output()
    print_coverage(console, found, None if arguments.holes else _LISTED)
    write_json(arguments.json, {**found.to_dict(), "provenance": provenance()})
    if arguments.html is not None:
        write_output(arguments.html, coverage_page(found), "--html FILE")
    return 1 if arguments.goals and found.shortcomings else 0


@contextlib.contextmanager
def collecting(arguments: argparse.Namespace, suite: Suite, seed: int) -> Iterator[Path | None]:
    """Let a run's benches add to a folder, if ``--coverage`` asks for that; yield the folder.

    Raises:
        FlowInputError: the suite simulates nothing.
        OutputError: the folder cannot be written.
    """
    if arguments.coverage is None:
        yield None
        return
    if suite.group(0) is None:
        raise FlowInputError(
            f"--coverage: '{suite.name}' simulates no RTL, legal is a suite that does"
        )
    if arguments.coverage:
        folder = Path(arguments.coverage).absolute()
    else:
        # Of this run alone.
        folder = build_folder() / "coverage" / f"{suite.name}-{seed}"
        with building(folder):
            shutil.rmtree(folder, ignore_errors=True)
    # Workers inherit it.
    with variable(COVERAGE_VARIABLE, str(folder)):
        coverage_folder()
        check_writable(folder, "--coverage FOLDER")
        yield folder


def measured(folder: Path) -> HdlCoverage | None:
    """Return what is in a run's folder; None if no case passed."""
    return read_folders([folder]) if any(folder.glob("*.dat")) else None


def print_coverage(console: Console, found: HdlCoverage, holes: int | None = 0) -> None:
    """Print the table, what is short of the goals, and the first holes (None: all)."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("coverage")
    for metric in METRICS:
        table.add_column(metric, justify="right")
    table.add_column("excluded", justify="right")
    for name, tallies in [*found.blocks.items(), ("all", found.total)]:
        excluded = sum(tally.excluded for tally in tallies.values())
        cells = [describe_tally(tallies[metric]) for metric in METRICS]
        table.add_row(name, *cells, str(excluded))
    console.print(table)
    for told in found.shortcomings:
        _say(console, told)
    if found.other_sources:
        _say(console, f"measured on another text, left out: {', '.join(found.other_sources)}")
    for item, points in found.needless:
        _say(console, f"covered, though excluded: {points} {item.metric} points, {item.text!r}")
    listed = found.holes if holes is None else found.holes[:holes]
    for hole in listed:
        _say(console, f"{hole.file}:{hole.line}: {hole.metric} {hole.what}".rstrip())
    if listed and len(listed) < len(found.holes):
        _say(console, f"and {len(found.holes) - len(listed)} lines more: --holes")


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)
