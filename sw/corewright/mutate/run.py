# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A run: the blocks' mutants, a sample of them, and their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from corewright.flow.errors import FlowError
from corewright.mutate.benches import BenchJudge
from corewright.mutate.blocks import Block, sample
from corewright.mutate.operators import Mutant
from corewright.mutate.report import BlockResult, MutationReport
from corewright.mutate.system import SystemJudge
from corewright.mutate.verdict import Verdict

# Mutants of a block, where nobody says how many.
DEFAULT_COUNT = 30
DEFAULT_CASES = 4
DEFAULT_SECONDS = 60


@dataclass(frozen=True)
class Options:
    """How mutants are drawn and judged; see :class:`corewright.mutate.report.MutationReport`."""

    seed: int
    count: int | None = DEFAULT_COUNT
    cases: int = DEFAULT_CASES
    seconds: float = DEFAULT_SECONDS


def run_blocks(
    chosen: Mapping[str, set[str]],
    known: Mapping[str, Block],
    options: Options,
    on_verdict: Callable[[Verdict], None] = lambda _: None,
) -> MutationReport:
    """Judge a sample of each block's mutants; Ctrl-C ends the run, what is judged is reported.

    Args:
        chosen: sources by block, see :func:`corewright.mutate.blocks.select`.
        known: the blocks by name.
        options: see there.
        on_verdict: called with each verdict as it is reached.
    """
    results: list[BlockResult] = []
    for name, sources in chosen.items():
        mutants, skipped = known[name].mutants()
        mutants = [mutant for mutant in mutants if mutant.file in sources]
        drawn = sample(mutants, options.count, options.seed)
        result, interrupted = _judged(known[name], drawn, options, on_verdict)
        results.append(replace(result, possible=len(mutants), skipped=dict(skipped)))
        if interrupted:
            return _report(options, results, interrupted=True)
    return _report(options, results)


def run_one(block: Block, mutant: Mutant, options: Options) -> MutationReport:
    """Judge one mutant alone; see :func:`corewright.mutate.blocks.find_mutant`."""
    result, interrupted = _judged(block, [mutant], options, lambda _: None)
    return _report(options, [result], interrupted=interrupted)


def _report(
    options: Options, results: Sequence[BlockResult], *, interrupted: bool = False
) -> MutationReport:
    return MutationReport(options.seed, options.cases, options.seconds, tuple(results), interrupted)


def _judged(
    block: Block,
    mutants: Sequence[Mutant],
    options: Options,
    on_verdict: Callable[[Verdict], None],
) -> tuple[BlockResult, bool]:
    """Return the result of a block, and whether the user has ended the run."""
    reached: dict[str, Verdict] = {}

    def told(verdict: Verdict) -> None:
        reached[verdict.mutant.id] = verdict
        on_verdict(verdict)

    common = (block, options.seed, options.cases, options.seconds, told)
    in_system = {block.key(path) for path in block.in_system}
    parts: list[tuple[BenchJudge | SystemJudge, list[Mutant]]] = [
        (BenchJudge(*common), [each for each in mutants if each.file not in in_system]),
        (SystemJudge(*common), [each for each in mutants if each.file in in_system]),
    ]
    error, interrupted = "", False
    try:
        for judge, own in parts:
            judge.judge(own)
    except FlowError as failed:
        error = str(failed)
    except KeyboardInterrupt:
        interrupted = True
    verdicts = tuple(reached[each.id] for each in mutants if each.id in reached)
    shared = sum(judge.shared_seconds for judge, _ in parts)
    return BlockResult(block.name, len(mutants), {}, verdicts, shared, error), interrupted
