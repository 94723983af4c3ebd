# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The command ``regress``."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from corewright.cli import tools, triage
from corewright.cli.console import output, write_json
from corewright.cli.coverage import collecting, measured, print_coverage
from corewright.cli.progress import Lines
from corewright.cli.results import (
    Recorder,
    choose_scheduler,
    facts,
    history,
    open_store,
    resumed,
)
from corewright.environment import provenance, variable
from corewright.files import write_output
from corewright.flow.cache import check_build_folder
from corewright.flow.errors import FlowInputError
from corewright.flow.xsim_bench import require_xsim
from corewright.regress import (
    CaseId,
    CaseResult,
    Report,
    all_suites,
    find_suite,
    html_report,
    junit_report,
    run_suite,
)
from corewright.regress.case import MAX_SEED, Suite
from corewright.regress.coverage import never_hit
from corewright.regress.plan import SIMULATOR_VARIABLE, SystemPlan, simulator_of
from corewright.regress.testpoints import (
    evidence_of_regression,
    known_plans,
    rows_by_block,
    section_of_testpoints,
)

# Bins without a case that the console names; the JSON has all.
_BINS = 40
# The tests that --benches runs: of all blocks, and of the accelerator.
_BENCHES = ("ip", "core", "-q", "-m", "bench or not nightly")
# Failures of different causes that are described on the console; the JSON has all.
_DESCRIBED = 10


def regress(arguments: argparse.Namespace) -> int:
    """Run a suite, or one case of it, and report; returns the exit status."""
    if arguments.history:
        return history(arguments)
    if arguments.suite is None:
        raise FlowInputError(f"no suite is named, legal are: {', '.join(all_suites())}")
    suite = find_suite(arguments.suite)
    with _simulator(arguments, suite):
        return _run(arguments, suite)


@contextlib.contextmanager
def _simulator(arguments: argparse.Namespace, suite: Suite) -> Iterator[None]:
    """Let this process and its workers use the simulator that is asked for, if it is there."""
    plan = getattr(suite, "plan", None)
    if not isinstance(plan, SystemPlan):
        if arguments.simulator is not None:
            raise FlowInputError(
                f"--simulator: '{suite.name}' has none to choose, legal is a suite of systems"
            )
        yield
        return
    if arguments.simulator is not None and arguments.farm is not None:
        # Workers elsewhere have environments of their own.
        raise FlowInputError("--simulator with --farm: name it in the suite, simulator = ...")
    name = arguments.simulator or simulator_of(plan)
    if name == "xsim" and arguments.farm is None:
        require_xsim()
    if arguments.coverage is not None and name != "verilator":
        raise FlowInputError(f"--coverage: simulator {name} counts none, legal is verilator")
    if arguments.simulator is None:
        yield
        return
    with variable(SIMULATOR_VARIABLE, arguments.simulator):
        yield


def _run(arguments: argparse.Namespace, suite: Suite) -> int:
    if arguments.shrink is not None:
        return triage.shrink_case(arguments, suite)
    _check_triage(arguments)
    if arguments.replay is not None and triage.is_given(arguments):
        _check_replay(arguments)
        return _finish(arguments, triage.replay(arguments, suite))
    chosen = _chosen(arguments, suite)
    seed, indices = chosen.seed, chosen.indices
    if indices and suite.group(indices[0]) is not None:
        # Groups share what is compiled.
        check_build_folder()
    scheduler, where = choose_scheduler(arguments, len(indices) or 1)
    # One case repeated is no night's run.
    store = open_store(arguments.database) if arguments.replay is None else None
    console = output()
    _say(console, f"{suite.name}: {len(indices)} case(s), seed {seed}, {where}")
    if chosen.run is not None:
        _say(console, f"run {chosen.run} goes on: {len(chosen.earlier)} case(s) have run")
    recorder = Recorder(store, suite, seed, len(indices), arguments.farm, chosen.run)
    trend = recorder.trend()
    tests = 0
    with collecting(arguments, suite, seed) as folder, contextlib.ExitStack() as shown:
        if arguments.benches:
            # They inherit the folder.
            tests = tools.run("test", _BENCHES)
        on_result = shown.enter_context(_progress(len(indices)))

        def keep(result: CaseResult) -> None:
            recorder.record(result)
            on_result(result)

        report = run_suite(suite, seed, indices, scheduler, keep, chosen.earlier)
    if folder is not None:
        report = dataclasses.replace(report, hdl=measured(folder))
    spent = report.preparation_seconds
    report = dataclasses.replace(report, preparation_seconds=spent + chosen.preparation_seconds)
    status = _finish(arguments, report, facts(scheduler, recorder), trend)
    recorder.finish(spent)
    if arguments.benches and status == 0:
        short = report.hdl is None or bool(report.hdl.shortcomings)
        return 1 if tests != 0 or short else 0
    return status


@dataclasses.dataclass(frozen=True)
class _Chosen:
    """What is to run; of a run that is taken up its number, results and preparations."""

    seed: int
    indices: Sequence[int]
    run: int | None = None
    earlier: Sequence[CaseResult] = ()
    preparation_seconds: float = 0.0


def _chosen(arguments: argparse.Namespace, suite: Suite) -> _Chosen:
    if arguments.resume:
        run, earlier = resumed(arguments, suite)
        there = {result.index for result in earlier}
        left = [index for index in range(run.cases) if index not in there]
        return _Chosen(run.seed, left, run.id, earlier, run.preparation_seconds)
    if arguments.replay is not None:
        case = _replayed(arguments, suite.name)
        return _Chosen(case.seed, range(case.index, case.index + 1))
    seed = arguments.seed or 1 + secrets.randbelow(MAX_SEED)
    if seed > MAX_SEED:
        raise FlowInputError(f"--seed is {seed}, legal is 1..{MAX_SEED}")
    return _Chosen(seed, range(arguments.cases or suite.default_cases))


def _finish(
    arguments: argparse.Namespace,
    report: Report,
    further: Mapping[str, Any] | None = None,
    trend: Sequence[Mapping[str, Any]] = (),
) -> int:
    """Print and write a report; returns the exit status.

    Args:
        arguments: of the command.
        report: what ran.
        further: more facts of its JSON.
        trend: past runs of the suite, for its page.
    """
    console = output()
    values = {**report.to_dict(), **(further or {})}
    # First what needs no disk.
    _print_report(console, report, values)
    if report.hdl is not None:
        print_coverage(console, report.hdl)
    if arguments.replay is not None:
        for result in report.results:
            for line in _described(result, report.command_of(result)):
                _say(console, line)
    made_with = provenance()
    write_json(arguments.json, {**values, "provenance": made_with})
    if arguments.html is not None:
        rows = rows_by_block(known_plans(), evidence_of_regression(values))
        table = section_of_testpoints(rows)
        page = html_report(report, provenance=made_with, history=trend, further=table)
        write_output(arguments.html, page, "--html FILE")
    if arguments.junit is not None:
        write_output(arguments.junit, junit_report(report, made_with), "--junit FILE")
    if report.interrupted:
        return 128 + signal.SIGINT
    return 0 if report.passed else 1


def _say(console: Console, text: str) -> None:
    """Print a text as it is."""
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def _replayed(arguments: argparse.Namespace, suite: str) -> CaseId:
    case = CaseId.parse(arguments.replay)
    if case.suite != suite:
        raise FlowInputError(f"'{case}' is a case of {case.suite}, not of {suite}")
    _check_replay(arguments)
    return case


def _check_replay(arguments: argparse.Namespace) -> None:
    if arguments.seed is not None or arguments.cases is not None:
        raise FlowInputError("--replay names seed and case: leave out --seed and --cases")


def _check_triage(arguments: argparse.Namespace) -> None:
    """Refuse what only belongs to other options."""
    if arguments.waves is not None and arguments.replay is None:
        raise FlowInputError("--waves FILE needs --replay ID or FILE")
    if arguments.out is not None:
        raise FlowInputError("--out FILE needs --shrink ID")
    if arguments.benches and (arguments.coverage is None or arguments.farm is not None):
        raise FlowInputError("--benches needs --coverage, and no --farm: they run here")


@contextlib.contextmanager
def _progress(cases: int) -> Iterator[Callable[[CaseResult], None]]:
    """Show on standard error how far the run is; in lines, if that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = Lines(cases)
        yield lines.case if cases > 1 else lambda _: None
        return
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        TimeRemainingColumn(),
    )
    bad = 0
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("no failures", total=cases)

        def show(result: CaseResult) -> None:
            nonlocal bad
            bad += result.verdict != "passed"
            text = f"{bad} failures" if bad else "no failures"
            progress.update(task, advance=1, description=text)

        yield show


def _print_report(console: Console, report: Report, values: Mapping[str, Any]) -> None:
    if report.interrupted:
        _say(console, f"interrupted: {report.not_run} case(s) did not run")
    _say(
        console,
        f"{values['passed']} passed, {values['failed']} failed, {values['errors']} errors",
    )
    if len(report.results) > 1:
        _print_statistics(console, values)
    for number, (signature, results) in enumerate(report.groups.items()):
        if number == _DESCRIBED:
            _say(console, f"and {len(report.groups) - number} signatures more")
            break
        _say(console, f"\n{len(results)} x {signature}; the first:")
        if len(report.results) > 1:
            for line in _described(results[0]):
                _say(console, line)


def _print_statistics(console: Console, values: Mapping[str, Any]) -> None:
    _say(
        console,
        f"{values['cases_per_core_minute']:,.0f} cases a core minute, of it "
        f"{100 * values['compile_share']:.1f} % compiling simulations; {values['refusals']} "
        f"networks drawn again; functional coverage "
        f"{100 * values['coverage']['functional']:.1f} %",
    )
    missed = never_hit(values["coverage"])
    if missed:
        told = [f"{group}: {name}" for group, names in missed.items() for name in names]
        more = f"; and {len(told) - _BINS} more" if len(told) > _BINS else ""
        _say(console, f"never occurred: {'; '.join(told[:_BINS])}{more}")
    if needless := values["coverage"]["needless_excuses"]:
        _say(console, f"occurred, though excused: {'; '.join(needless)}")


def _described(result: CaseResult, command: str | None = None) -> Iterator[str]:
    """A case: its seed, what it ran, what went wrong, and how to repeat it."""
    yield f"  case {result.id}, seed {result.seed}: {result.verdict}"
    for name, value in result.summary.items():
        if name == "hardware":
            values = ", ".join(f"{key}={entry}" for key, entry in value.items())
            yield f"  hardware: {values}"
        elif isinstance(value, list):
            yield f"  {name}:"
            yield from (f"    {line}" for line in value)
        else:
            yield f"  {name}: {value}"
    for line in result.detail.splitlines():
        yield f"  | {line}"
    yield f"  reproduce: {command or result.id.command}"
