# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A run: the blocks' mutants, a sample of them, and their verdicts."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from corewright.flow.errors import FlowError
from corewright.mutate.argued import argued
from corewright.mutate.benches import BenchJudge
from corewright.mutate.blocks import Block, sample
from corewright.mutate.equivalence import Prover, prover
from corewright.mutate.operators import Mutant
from corewright.mutate.report import BlockResult, MutationReport
from corewright.mutate.system import SystemJudge
from corewright.mutate.verdict import Verdict

# Mutants of a block, where nobody says how many.
DEFAULT_COUNT = 30
DEFAULT_CASES = 4
DEFAULT_SECONDS = 60
DEFAULT_EQUIVALENCE = 60


@dataclass(frozen=True)
class Options:
    """How mutants are drawn and judged; see :class:`corewright.mutate.report.MutationReport`.

    ``equivalence`` is the processor time of a survivor's proofs, at most; 0: no solver is asked.
    """

    seed: int
    count: int | None = DEFAULT_COUNT
    cases: int = DEFAULT_CASES
    seconds: float = DEFAULT_SECONDS
    equivalence: float = DEFAULT_EQUIVALENCE


@dataclass(frozen=True)
class _Task:
    """A block, the mutants of it that are judged, and what its file says of them."""

    block: Block
    mutants: tuple[Mutant, ...]
    reasons: Mapping[str, str]
    options: Options
    possible: int
    skipped: Mapping[str, int]

    def run(self, on_verdict: Callable[[Verdict], None]) -> tuple[BlockResult, bool]:
        """Return the result of the block, and whether the user has ended the run."""
        result, interrupted = _judged(
            self.block, self.mutants, self.reasons, self.options, on_verdict
        )
        return replace(
            result, possible=self.possible, skipped=self.skipped, listed=len(self.reasons)
        ), interrupted


def run_blocks(
    chosen: Mapping[str, set[str]],
    known: Mapping[str, Block],
    options: Options,
    on_verdict: Callable[[Verdict], None] = lambda _: None,
    jobs: int = 1,
) -> MutationReport:
    """Judge a sample of each block's mutants; Ctrl-C ends the run, what is judged is reported.

    Args:
        chosen: sources by block, see :func:`corewright.mutate.blocks.select`.
        known: the blocks by name.
        options: see there.
        on_verdict: called with each verdict as it is reached.
        jobs: blocks that are judged at a time, each in a process of its own if there are more.

    Raises:
        FlowInputError: a block's ``dv/equivalent.toml`` is wrong, or out of date.
    """
    tasks = []
    for name, sources in chosen.items():
        mutants, skipped = known[name].mutants()
        reasons = argued(known[name], mutants)
        mutants = [mutant for mutant in mutants if mutant.file in sources]
        drawn = tuple(sample(mutants, options.count, options.seed))
        own = {mutant.id for mutant in mutants}
        reasons = {key: reason for key, reason in reasons.items() if key in own}
        tasks.append(_Task(known[name], drawn, reasons, options, len(mutants), dict(skipped)))
    jobs = min(jobs, len(tasks))
    if jobs > 1:
        results, interrupted = _side_by_side(tasks, on_verdict, jobs)
        return _report(options, results, interrupted=interrupted)
    results = []
    for task in tasks:
        result, interrupted = task.run(on_verdict)
        results.append(result)
        if interrupted:
            return _report(options, results, interrupted=True)
    return _report(options, results)


def _side_by_side(
    tasks: Sequence[_Task], on_verdict: Callable[[Verdict], None], jobs: int
) -> tuple[list[BlockResult], bool]:
    """Run tasks in processes; the results are in the tasks' order, whatever ends first."""
    context = multiprocessing.get_context("spawn")
    # Started with the first process, it would let signals through that `start` keeps back.
    resource_tracker.ensure_running()
    waiting = list(range(len(tasks)))
    running: dict[Connection, tuple[int, Any]] = {}
    reached: dict[int, list[Verdict]] = {number: [] for number in waiting}
    results: dict[int, BlockResult] = {}
    interrupted = False

    def start() -> None:
        number = waiting.pop(0)
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(tasks[number], there, jobs), daemon=False)
        # Until it can answer to Ctrl-C, a process keeps it for later: see `_work`.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        there.close()
        running[here] = (number, process)

    def receive(here: Connection) -> None:
        nonlocal interrupted
        number, process = running[here]
        try:
            message = here.recv()
        except EOFError:
            del running[here]
            process.join()
            if number not in results:
                results[number] = _lost(tasks[number], reached[number], interrupted)
            return
        if isinstance(message, Verdict):
            reached[number].append(message)
            on_verdict(message)
        else:
            results[number], ended = message
            interrupted = interrupted or ended

    try:
        while waiting or running:
            try:
                while waiting and len(running) < jobs and not interrupted:
                    start()
                if not running:
                    break
                for here in wait(list(running)):
                    receive(here)  # type: ignore[arg-type]
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                # A terminal tells them, too; whoever ends this process alone does not.
                for _, process in running.values():
                    os.kill(process.pid, signal.SIGINT)
    finally:
        for _, process in running.values():
            process.kill()
    return [results[number] for number in sorted(results)], interrupted


def _lost(task: _Task, reached: Sequence[Verdict], interrupted: bool) -> BlockResult:
    """The result of a process that ended without one."""
    error = "" if interrupted else "its process ended without a result"
    return BlockResult(
        *(task.block.name, task.possible, task.skipped, tuple(reached), 0.0, error),
        listed=len(task.reasons),
    )


def _work(task: _Task, there: Connection, jobs: int) -> None:
    """Run a task in a process of its own."""
    # Compilations share the cores, as those of a regression do.
    os.environ.setdefault("COREWRIGHT_JOBS", str(max(1, (os.cpu_count() or 1) // jobs)))
    signal.signal(signal.SIGINT, _end_once)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        there.send(task.run(there.send))


def _end_once(*_: object) -> None:
    """End what runs, and let nothing end the report of it: a terminal and the parent both tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def run_one(block: Block, mutant: Mutant, options: Options) -> MutationReport:
    """Judge one mutant alone; see :func:`corewright.mutate.blocks.find_mutant`.

    Raises:
        FlowInputError: see :func:`run_blocks`.
    """
    mutants, skipped = block.mutants()
    reasons = argued(block, mutants)
    task = _Task(block, (mutant,), reasons, options, len(mutants), dict(skipped))
    result, interrupted = task.run(lambda _: None)
    return _report(options, [result], interrupted=interrupted)


def _report(
    options: Options, results: Sequence[BlockResult], *, interrupted: bool = False
) -> MutationReport:
    return MutationReport(options.seed, options.cases, options.seconds, tuple(results), interrupted)


def _judged(
    block: Block,
    mutants: Sequence[Mutant],
    reasons: Mapping[str, str],
    options: Options,
    on_verdict: Callable[[Verdict], None],
) -> tuple[BlockResult, bool]:
    """Return the result of a block, and whether the user has ended the run."""
    reached: dict[str, Verdict] = {}
    error, interrupted = "", False
    with contextlib.ExitStack() as stack:
        solver = (
            stack.enter_context(prover(block, options.equivalence)) if options.equivalence else None
        )

        def told(verdict: Verdict) -> None:
            # It stays what it is if the user ends the proof.
            reached[verdict.mutant.id] = verdict
            verdict = explained(verdict, solver, reasons)
            reached[verdict.mutant.id] = verdict
            on_verdict(verdict)

        common = (block, options.seed, options.cases, options.seconds, told)
        in_system = {block.key(path) for path in block.in_system}
        parts: list[tuple[BenchJudge | SystemJudge, list[Mutant]]] = [
            (BenchJudge(*common), [each for each in mutants if each.file not in in_system]),
            (SystemJudge(*common), [each for each in mutants if each.file in in_system]),
        ]
        try:
            for judge, own in parts:
                judge.judge(own)
        except FlowError as failed:
            error = str(failed)
        except KeyboardInterrupt:
            interrupted = True
    verdicts = tuple(reached[each.id] for each in mutants if each.id in reached)
    if not error and (wrong := [each for each in verdicts if _contradicts(each, reasons)]):
        names = ", ".join(each.mutant.id for each in wrong)
        error = f"dv/equivalent.toml argues about what a test kills: {names}"
    shared = sum(judge.shared_seconds for judge, _ in parts)
    compiled = sum(judge.compile_seconds for judge, _ in parts)
    result = BlockResult(
        block.name, len(mutants), {}, verdicts, shared, error, compile_seconds=compiled
    )
    return result, interrupted


def explained(verdict: Verdict, solver: Prover | None, reasons: Mapping[str, str]) -> Verdict:
    """Return the verdict of a mutant with why it survived, if a solver or a file says that.

    Args:
        verdict: of the tests.
        solver: None: nobody is asked.
        reasons: see :func:`corewright.mutate.argued.argued`.
    """
    if verdict.outcome != "survived":
        return verdict
    if solver is not None:
        proof = solver.prove(verdict.mutant)
        verdict = replace(
            verdict,
            equivalence=f"{proof.outcome}: {proof.text}",
            proof_seconds=round(proof.seconds, 2),
        )
        if proof.outcome == "equivalent":
            return replace(verdict, outcome="equivalent")
        if proof.outcome == "illegal":
            return replace(verdict, outcome="build-failed", by=proof.text)
    reason = reasons.get(verdict.mutant.id)
    return verdict if reason is None else replace(verdict, outcome="argued", by=reason)


def _contradicts(verdict: Verdict, reasons: Mapping[str, str]) -> bool:
    return verdict.mutant.id in reasons and verdict.outcome in ("killed", "timeout", "cycles")
