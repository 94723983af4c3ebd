# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Randomised regressions: suites of cases that one seed makes, run in any order, anywhere.

A case is a pure function of (suite, seed, index): its identifier, such as ``graphs-7-123``, is all
that repeats it. See ``regressions/README.md`` for what the suites check.
"""

from corewright.regress.case import VERDICTS, CaseId, CaseResult
from corewright.regress.execute import execute
from corewright.regress.html import html_report
from corewright.regress.junit import junit_report
from corewright.regress.report import Report, run_suite
from corewright.regress.scheduler import LocalScheduler, Scheduler
from corewright.regress.suites import all_suites, find_suite

__all__ = [
    "VERDICTS",
    "CaseId",
    "CaseResult",
    "LocalScheduler",
    "Report",
    "Scheduler",
    "all_suites",
    "execute",
    "find_suite",
    "html_report",
    "junit_report",
    "run_suite",
]
