# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The command ``mutate``."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import secrets
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from corewright.cli.console import output, write_json
from corewright.environment import EnvironmentUnusableError, is_installed, provenance
from corewright.files import write_output
from corewright.flow.cache import check_build_folder
from corewright.flow.errors import FlowInputError
from corewright.mutate.argued import LARGEST_SHARE
from corewright.mutate.blocks import Block, blocks, find_mutant, select
from corewright.mutate.report import MutationReport, counts, html_report, percent, table
from corewright.mutate.run import DEFAULT_CASES, DEFAULT_COUNT, Options, run_blocks, run_one
from corewright.mutate.verdict import OUTCOMES, Verdict
from corewright.regress.case import MAX_SEED

_MUTANTS_A_LINE = 20
# What parses and runs, beside what simulates.
_PACKAGES = ("pyslang", "cocotb", "cocotbext.axi")


def mutate(arguments: argparse.Namespace) -> int:
    """Judge mutants and report; returns the exit status."""
    if is_installed():
        raise FlowInputError("mutants are judged by the benches of a clone, not by the package")
    _require_packages()
    known = blocks()
    seed = arguments.seed or 1 + secrets.randbelow(MAX_SEED)
    if seed > MAX_SEED:
        raise FlowInputError(f"--seed is {seed}, legal is 1..{MAX_SEED}")
    options = Options(
        seed,
        None if arguments.all else arguments.count or DEFAULT_COUNT,
        arguments.cases or DEFAULT_CASES,
        arguments.seconds_a_mutant,
        arguments.equivalence,
    )
    if arguments.replay is not None:
        return _replay(arguments, known, options)
    chosen = select(arguments.blocks, known)
    check_build_folder()
    console = output()
    limit = "all mutants" if options.count is None else f"{options.count} mutants"
    _say(
        console,
        f"{', '.join(chosen)}: {limit} of each block, seed {seed}, {options.cases} case(s), "
        f"{options.seconds:g} s of processor time a mutant",
    )
    with _progress() as on_verdict:
        jobs = arguments.jobs or os.cpu_count() or 1
        report = run_blocks(chosen, known, options, on_verdict, jobs)
    _print(console, report)
    return _finish(arguments, report)


def _replay(arguments: argparse.Namespace, known: Mapping[str, Block], options: Options) -> int:
    if arguments.blocks or arguments.count is not None or arguments.all:
        raise FlowInputError("--replay names the mutant: leave out BLOCK, --count and --all")
    block, mutant = find_mutant(arguments.replay, known.values())
    check_build_folder()
    report = run_one(block, mutant, options)
    console = output()
    for verdict in report.verdicts:
        _describe(console, verdict)
    _errors(console, report)
    return _finish(arguments, report)


def _require_packages() -> None:
    for name in _PACKAGES:
        try:
            found = importlib.util.find_spec(name) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            raise EnvironmentUnusableError(
                f"{name} is not installed: ./cw mutate, the wrapper, installs what it needs"
            )


def _finish(arguments: argparse.Namespace, report: MutationReport) -> int:
    made_with = provenance()
    write_json(arguments.json, {**report.to_dict(), "provenance": made_with})
    if arguments.html is not None:
        write_output(arguments.html, html_report(report, made_with), "--html FILE")
    if report.interrupted:
        return 128 + signal.SIGINT
    if any(block.error for block in report.blocks) or report.argued_share > LARGEST_SHARE:
        return 1
    least = arguments.at_least
    scores = [block.to_dict()["score"] for block in report.blocks]
    bad = least is not None and any(score is not None and 100 * score < least for score in scores)
    overall, score = arguments.at_least_overall, report.to_dict()["score"]
    bad = bad or (overall is not None and score is not None and 100 * score < overall)
    return 1 if bad else 0


def _print(console: Console, report: MutationReport) -> None:
    rows = table(report)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        _say(console, "  ".join([first.strip().ljust(widths[0]), *cells]).rstrip())
    for verdict in report.verdicts:
        if verdict.outcome in ("survived", "cycles", "argued"):
            _say(console, "")
            _describe(console, verdict)
    _errors(console, report)
    if report.interrupted:
        _say(console, "interrupted: other mutants were not judged")
    seconds = sum(verdict.seconds for verdict in report.verdicts)
    shared = sum(block.shared_seconds for block in report.blocks)
    compiled = sum(block.compile_seconds for block in report.blocks)
    proofs = sum(verdict.proof_seconds for verdict in report.verdicts)
    values = counts(report.verdicts)
    _say(
        console,
        f"\noverall score {percent(values['score'])}: {values['killed']} of {values['mutants']} "
        f"killed; {values['equivalent']} more proven equivalent, {values['argued']} argued to be",
    )
    if report.argued_share:
        legal = "" if report.argued_share <= LARGEST_SHARE else ", which is too much"
        _say(
            console,
            f"argued about: {percent(report.argued_share)} of all possible mutants{legal} "
            f"(at most {percent(LARGEST_SHARE)})",
        )
    total = seconds + shared + proofs
    share = percent(compiled / total if total else 0)
    _say(
        console,
        f"{total:.0f} s of processor time: {seconds:.0f} s on mutants, {shared:.0f} s on what they "
        f"share, {proofs:.0f} s on proofs; compiling is {share}",
    )


def _errors(console: Console, report: MutationReport) -> None:
    for block in report.blocks:
        if block.error:
            _say(console, f"\n{block.block} was not judged: {block.error}")


def _describe(console: Console, verdict: Verdict) -> None:
    """A mutant: its diff, its outcome, and how to repeat it."""
    _say(console, f"{verdict.outcome}: {verdict.mutant.file}, {OUTCOMES[verdict.outcome]}")
    for line in verdict.diff.splitlines():
        _say(console, f"  {line}")
    if verdict.equivalence:
        _say(console, f"  solver: {verdict.equivalence}")
    if verdict.by:
        _say(console, f"  by: {verdict.by}{f' in {verdict.where}' if verdict.where else ''}")
    _say(console, f"  reproduce: {verdict.command}")


def _say(console: Console, text: str) -> None:
    """Print a text as it is."""
    console.print(text, soft_wrap=True, highlight=False, markup=False)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[Verdict], None]]:
    """Show on standard error how far the run is; a line for every 20 mutants without a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        outcomes: Counter[str] = Counter()

        def tell(verdict: Verdict) -> None:
            outcomes[verdict.outcome] += 1
            if sum(outcomes.values()) % _MUTANTS_A_LINE == 0:
                parts = ", ".join(f"{number} {name}" for name, number in sorted(outcomes.items()))
                _say(console, f"{sum(outcomes.values())} mutants: {parts}")

        yield tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    alive = 0
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("mutants", total=None)

        def show(verdict: Verdict) -> None:
            nonlocal alive
            alive += verdict.outcome == "survived"
            progress.update(
                task, advance=1, description=f"{verdict.mutant.block}, {alive} survived"
            )

        yield show
