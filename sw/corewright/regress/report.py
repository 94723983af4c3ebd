# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A run of a suite and its result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from corewright.regress.case import CaseResult, Suite
from corewright.regress.coverage import count_bins, excused_bins, fraction_hit, read_excuses
from corewright.regress.drawn import ExplicitSuite
from corewright.regress.hdl_coverage import METRICS, HdlCoverage
from corewright.regress.scheduler import Preparation, Scheduler
from corewright.regress.triage import buckets

# Slowest cases that a report names.
_SLOWEST = 20


@dataclass(frozen=True)
class Report:
    """The results of a run, in the order of their indices.

    Attributes:
        suite: what was run.
        seed: of the run.
        results: one a case.
        preparation_seconds: processor time of what cases share: compiled simulations.
        not_run: cases without a result, because the run was interrupted.
        command: what repeats the only case of a run, if that has no name but a file.
        hdl: coverage of the RTL by the cases that passed; None: not measured.
    """

    suite: Suite
    seed: int
    results: tuple[CaseResult, ...]
    preparation_seconds: float
    not_run: int = 0
    command: str | None = None
    hdl: HdlCoverage | None = None

    def command_of(self, result: CaseResult) -> str:
        """Return the command that repeats a case."""
        return self.command or result.id.command

    @property
    def interrupted(self) -> bool:
        """Whether cases are missing."""
        return self.not_run > 0

    @property
    def passed(self) -> bool:
        """Whether every case did, of those that ran."""
        return all(result.verdict == "passed" for result in self.results)

    @property
    def failures(self) -> tuple[CaseResult, ...]:
        """The cases that did not pass."""
        return tuple(result for result in self.results if result.verdict != "passed")

    @property
    def groups(self) -> dict[str, list[CaseResult]]:
        """Failures by signature, the most frequent first."""
        return {bucket.signature: list(bucket.results) for bucket in buckets(self.failures)}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of ``./cw regress``.

        ``cases_per_core_minute`` and ``compile_share`` are of processor time. ``line``,
        ``branch`` and ``toggle`` coverage are None where the run did not measure them; ``hdl``
        is :meth:`HdlCoverage.to_dict`. ``simulated_cycles`` are those of all cases, None where
        nothing was simulated.
        """
        cases = sum(result.seconds for result in self.results)
        total = cases + self.preparation_seconds
        bins = count_bins(self.suite.bins, (result.bins for result in self.results))
        excused = excused_bins(self.suite.bins, read_excuses())
        cycles = [r.summary["simulated_cycles"] for r in self.results if _simulated(r)]
        slowest = sorted(self.results, key=lambda result: -result.seconds)[:_SLOWEST]
        found = [bucket.to_dict() for bucket in buckets(self.failures)]
        for bucket in found:
            bucket["command"] = self.command or bucket["command"]
            if not isinstance(self.suite, ExplicitSuite) or self.command:
                bucket["shrink"] = None
        verdicts = [result.verdict for result in self.results]
        return {
            "suite": self.suite.name,
            "seed": self.seed,
            "cases": len(self.results),
            "passed": verdicts.count("passed"),
            "failed": verdicts.count("failed"),
            "errors": verdicts.count("error"),
            "interrupted": self.interrupted,
            "not_run": self.not_run,
            "cases_per_core_minute": round(60 * len(self.results) / total, 2) if total else 0.0,
            "compile_share": round(self.preparation_seconds / total, 4) if total else 0.0,
            "processor_seconds": round(total, 2),
            "simulated_cycles": sum(cycles) if cycles else None,
            "coverage": {
                **self._hdl_shares(),
                "hdl": self.hdl.to_dict() if self.hdl else None,
                "functional": fraction_hit(bins, excused),
                "bins": bins,
                "excused": excused,
                "needless_excuses": [
                    each for each in excused if bins[each.partition(":")[0]][each.partition(":")[2]]
                ],
            },
            "refusals": sum(result.summary.get("refusals", 0) for result in self.results),
            "failures": [
                {
                    "id": str(failure.id),
                    "verdict": failure.verdict,
                    "signature": failure.signature,
                    "command": self.command_of(failure),
                    "detail": failure.detail,
                    "summary": dict(failure.summary),
                }
                for failure in self.failures
            ],
            "buckets": found,
            "slowest": [{"id": str(case.id), "seconds": case.seconds} for case in slowest],
        }

    def _hdl_shares(self) -> dict[str, float | None]:
        total = self.hdl.total if self.hdl else {}
        shares = {metric: total[metric].share if total else None for metric in METRICS}
        return {name: None if share is None else round(share, 4) for name, share in shares.items()}


def _simulated(result: CaseResult) -> bool:
    return "simulated_cycles" in result.summary


def run_suite(
    suite: Suite,
    seed: int,
    indices: Sequence[int],
    scheduler: Scheduler,
    on_result: Callable[[CaseResult], None] = lambda _: None,
    earlier: Sequence[CaseResult] = (),
) -> Report:
    """Run cases of a suite; an interrupt (Ctrl-C) ends the run, and what has run is reported.

    Args:
        suite: the suite.
        seed: of the run.
        indices: the cases.
        scheduler: where they run.
        on_result: called with each result as it arrives.
        earlier: results of a run that is taken up, of other cases; they are reported as well.
    """
    results: list[CaseResult] = []
    preparation = 0.0
    with (
        contextlib.suppress(KeyboardInterrupt),
        contextlib.closing(scheduler.run(suite, seed, indices)) as arriving,
    ):
        for item in arriving:
            if isinstance(item, Preparation):
                preparation += item.seconds
                continue
            results.append(item)
            on_result(item)
    not_run = len(indices) - len(results)
    results = sorted([*earlier, *results], key=lambda result: result.index)
    return Report(suite, seed, tuple(results), preparation, not_run)
