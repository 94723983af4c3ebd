# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A run of a suite and its result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from corewright.regress.case import CaseResult, Suite
from corewright.regress.coverage import count_bins, fraction_hit
from corewright.regress.hdl_coverage import METRICS, HdlCoverage
from corewright.regress.scheduler import Preparation, Scheduler


@dataclass(frozen=True)
class Report:
    """The results of a run, in the order of their indices.

    Attributes:
        suite: what was run.
        seed: of the run.
        results: one a case.
        preparation_seconds: processor time of what cases share: compiled simulations.
        not_run: cases without a result, because the run was interrupted.
        hdl: coverage of the RTL by the cases that passed; None: not measured.
    """

    suite: Suite
    seed: int
    results: tuple[CaseResult, ...]
    preparation_seconds: float
    not_run: int = 0
    hdl: HdlCoverage | None = None

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
        found: dict[str, list[CaseResult]] = {}
        for failure in self.failures:
            found.setdefault(failure.signature, []).append(failure)
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of ``./cw regress``.

        ``cases_per_core_minute`` and ``compile_share`` are of processor time. ``line``,
        ``branch`` and ``toggle`` coverage are None where the run did not measure them; ``hdl``
        is :meth:`HdlCoverage.to_dict`.
        """
        cases = sum(result.seconds for result in self.results)
        total = cases + self.preparation_seconds
        bins = count_bins(self.suite.bins, (result.bins for result in self.results))
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
            "coverage": {
                **self._hdl_shares(),
                "hdl": self.hdl.to_dict() if self.hdl else None,
                "functional": fraction_hit(bins),
                "bins": bins,
            },
            "refusals": sum(result.summary.get("refusals", 0) for result in self.results),
            "failures": [
                {
                    "id": str(failure.id),
                    "verdict": failure.verdict,
                    "signature": failure.signature,
                    "command": failure.id.command,
                    "detail": failure.detail,
                    "summary": dict(failure.summary),
                }
                for failure in self.failures
            ],
        }

    def _hdl_shares(self) -> dict[str, float | None]:
        total = self.hdl.total if self.hdl else {}
        shares = {metric: total[metric].share if total else None for metric in METRICS}
        return {name: None if share is None else round(share, 4) for name, share in shares.items()}


def run_suite(
    suite: Suite,
    seed: int,
    indices: Sequence[int],
    scheduler: Scheduler,
    on_result: Callable[[CaseResult], None] = lambda _: None,
) -> Report:
    """Run cases of a suite; an interrupt (Ctrl-C) ends the run, and what has run is reported.

    Args:
        suite: the suite.
        seed: of the run.
        indices: the cases.
        scheduler: where they run.
        on_result: called with each result as it arrives.
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
    results.sort(key=lambda result: result.index)
    return Report(suite, seed, tuple(results), preparation, len(indices) - len(results))
