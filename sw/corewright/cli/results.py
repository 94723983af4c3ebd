# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Where the cases of ``regress`` run, and the database that keeps their results."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from corewright.cli.console import output, write_json
from corewright.environment import command_line, is_installed, provenance
from corewright.files import OutputError
from corewright.flow.cache import digest
from corewright.flow.errors import FlowError, FlowInputError
from corewright.regress import CaseResult, LocalScheduler, find_suite
from corewright.regress.case import Suite
from corewright.regress.execute import file_of
from corewright.regress.farm import open_farm
from corewright.regress.farm.remote import sources_digest
from corewright.regress.plan import SUFFIX
from corewright.regress.suites import suites_folder

if TYPE_CHECKING:
    from corewright.regress.farm.dask import DaskScheduler
    from corewright.regress.store import RunRecord, Store

# Names a database where --database does not; NO_DATABASE: none.
VARIABLE = "COREWRIGHT_DATABASE"
NO_DATABASE = "none"
# Runs that --history prints; the JSON has all.
_SHOWN = 30
# Runs that a report shows beside its own.
_TREND = 30


def choose_scheduler(
    arguments: argparse.Namespace, cases: int
) -> tuple[LocalScheduler | DaskScheduler, str]:
    """Return where cases run, and what it is called.

    Raises:
        FlowInputError: ``--farm`` names nothing that exists, or its packages are missing.
    """
    jobs = min(arguments.jobs or os.cpu_count() or 1, cases)
    if arguments.farm is None:
        return LocalScheduler(jobs, case_seconds=arguments.timeout), f"{jobs} process(es)"
    farm = open_farm(
        arguments.farm, case_seconds=arguments.timeout, jobs=jobs, patience=arguments.patience
    )
    return farm, f"farm {arguments.farm}"


def open_store(url: str | None, *, required: bool = False) -> Store | None:
    """Open the database of results.

    Args:
        url: of ``--database``; None: ``COREWRIGHT_DATABASE``, or the file in the build folder.
        required: whether nothing can be done without.

    Returns:
        None where nobody has named one and there can be none; standard error says why, unless it is
        only that its packages are not installed.

    Raises:
        FlowInputError: the one that was named, or is required, cannot be used.
    """
    named = url or os.environ.get(VARIABLE) or None
    if named == NO_DATABASE:
        return None
    try:
        from corewright.regress.store import Store

        return Store(named)
    except ModuleNotFoundError as error:
        if named is None and not required:
            # Most never look at past runs, and need not hear of it each time.
            return None
        installs = "`pip install corewright[farm]`" if is_installed() else _installing()
        why = f"{error.name} is missing, {installs} installs it"
    except (FlowInputError, OutputError) as error:
        if named is not None or required:
            raise
        why = str(error)
    if named is not None or required:
        raise FlowInputError(f"--database {named or 'of the build folder'}: {why}")
    sys.stderr.write(f"results are not kept: {why}\n")
    return None


def sources_of(suite: Suite) -> str:
    """Return a digest of all that verdicts of a suite's cases depend on, but for the seed."""
    path = Path(file_of(suite) or suites_folder() / f"{suite.name}{SUFFIX}")
    text = path.read_text(encoding="utf-8") if path.is_file() else suite.reference
    return digest([sources_digest(), text])


def resumed(arguments: argparse.Namespace, suite: Suite) -> tuple[RunRecord, list[CaseResult]]:
    """Return the run that ``--resume`` takes up, and what it has.

    Raises:
        FlowInputError: there is none, or the options do not go together.
    """
    if arguments.seed is None:
        raise FlowInputError("--resume needs the --seed S of the run")
    for name in ("replay", "coverage"):
        if getattr(arguments, name) is not None:
            raise FlowInputError(f"--resume does not go with --{name}")
    store = open_store(arguments.database, required=True)
    if store is None:
        raise FlowInputError("--resume needs the database that the run is in")
    with store:
        run = store.resume(suite.name, arguments.seed, sources_of(suite), arguments.cases)
        file = file_of(suite)
        return run, [dataclasses.replace(each, file=file) for each in store.results(run.id)]


def _installing() -> str:
    return f"`{command_line()} regress --history`"


class Recorder:
    """Keeps the results of a run as they arrive; without a database it does nothing.

    What goes wrong with the database in mid-run must not end the run.
    """

    def __init__(
        self,
        store: Store | None,
        suite: Suite,
        seed: int,
        cases: int,
        farm: str | None,
        run: int | None = None,
    ) -> None:
        self._store = store
        self._suite = suite.name
        self._error: Exception | None = None
        self.run = run
        if store is not None and run is None:
            made_with = {**provenance(), "sources": sources_of(suite)}
            self.run = store.begin(suite.name, seed, cases, made_with, farm)

    def trend(self) -> list[dict[str, Any]]:
        """Return past runs of the suite, oldest first, as reports show them."""
        if self._store is None:
            return []
        runs = [run.to_dict() for run in self._store.history(self._suite, _TREND)]
        return [
            {
                **{name: run[name] for name in ("suite", "commit", "passed")},
                "date": run["started"][:16].replace("T", " "),
                "failed": run["failed"] + run["errors"],
                "rate": run["cases_per_core_minute"],
            }
            for run in reversed(runs)
            if run["state"] == "complete"
        ]

    def record(self, result: CaseResult) -> None:
        """Keep a result."""
        if self._store is not None and self.run is not None and self._error is None:
            try:
                self._store.record(self.run, result)
            except Exception as error:
                self._error = error

    def finish(self, preparation_seconds: float) -> None:
        """Note that the run has ended.

        Raises:
            FlowError: results could not be kept.
        """
        if self._store is None or self.run is None:
            return
        try:
            if self._error is not None:
                raise self._error
            self._store.finish(self.run, preparation_seconds)
        except Exception as error:
            text = " ".join(str(error).split())
            raise FlowError(f"not all results are in {self._store}: {text}") from error
        finally:
            self._store.close()


def facts(scheduler: LocalScheduler | DaskScheduler, recorder: Recorder) -> dict[str, Any]:
    """Return what the JSON says of farm and database."""
    found: dict[str, Any] = {"run": recorder.run, "farm": None}
    if not isinstance(scheduler, LocalScheduler):
        counts = scheduler.statistics
        found["farm"] = {
            "name": scheduler.name,
            "workers": counts.workers,
            "workers_lost": counts.workers_lost,
            "repeated": counts.repeated,
            "dropped": counts.dropped,
        }
    return found


def history(arguments: argparse.Namespace) -> int:
    """Print the past runs; returns the exit status.

    Raises:
        FlowInputError: there is no such suite, or no database.
    """
    suite = None if arguments.suite is None else find_suite(arguments.suite).name
    store = open_store(arguments.database, required=True)
    if store is None:
        raise FlowInputError("there is no history without a database")
    with store:
        runs = store.history(suite)
        where = str(store)
    console = output()
    _print_history(console, [run.to_dict() for run in runs[:_SHOWN]])
    console.print(
        f"{len(runs)} run(s) in {where}"
        + (f", the latest {_SHOWN} are shown" if len(runs) > _SHOWN else ""),
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    write_json(arguments.json, {"database": where, "runs": [run.to_dict() for run in runs]})
    return 0


def _print_history(console: Console, runs: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("run", "date (UTC)", "suite", "commit", "seed"):
        table.add_column(name, no_wrap=True)
    for name in ("cases", "passed", "failed", "errors", "a core minute"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for run in runs:
        commit = run["commit"] or "-"
        # The mark of uncommitted changes stays.
        short = commit[:9] + ("+" if commit.endswith("+") else "")
        bad = run["failed"] + run["errors"]
        table.add_row(
            *(str(run["run"]), run["started"][:16].replace("T", " "), run["suite"], short),
            *(str(run["seed"]), str(run["cases"]), str(run["passed"]), str(run["failed"])),
            *(str(run["errors"]), f"{run['cases_per_core_minute']:,.0f}"),
            "" if run["state"] == "complete" else run["state"],
            style="red" if bad else None,
        )
    console.print(table, highlight=False)
