# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Failures sorted: by signature, each with what repeats, shrinks and explains it."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corewright.environment import command_line
from corewright.regress.case import CaseResult

_LOG = re.compile(r"^log: (?P<path>.+)$", re.MULTILINE)
# Of a log's end so many bytes are read and so many lines shown.
_LOG_BYTES, _LOG_LINES = 20_000, 25


@dataclass(frozen=True)
class Bucket:
    """Failures of one signature.

    Attributes:
        signature: what they have in common.
        results: the failures, in the order of their indices.
    """

    signature: str
    results: tuple[CaseResult, ...]

    @property
    def first(self) -> CaseResult:
        """The one that stands for all."""
        return self.results[0]

    def to_dict(self) -> dict[str, Any]:
        """Return what a report says of it, JSON-compatible."""
        first = self.first
        verdicts = Counter(result.verdict for result in self.results)
        return {
            "signature": self.signature,
            "count": len(self.results),
            "failed": verdicts["failed"],
            "errors": verdicts["error"],
            "id": str(first.id),
            "verdict": first.verdict,
            "command": first.id.command,
            "shrink": shrink_command(first),
            "detail": first.detail,
            "log": log_excerpt(first.detail),
            "waves": first.summary.get("waves"),
            "summary": dict(first.summary),
            "ids": [str(result.id) for result in self.results],
        }


def buckets(failures: Iterable[CaseResult]) -> list[Bucket]:
    """Return failures by signature, the most frequent first."""
    found: dict[str, list[CaseResult]] = {}
    for failure in failures:
        found.setdefault(failure.signature, []).append(failure)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [Bucket(signature, tuple(results)) for signature, results in ordered]


def shrink_command(result: CaseResult) -> str:
    """Return the command that makes a failing case small."""
    return (
        f"{command_line()} regress {shlex.quote(result.file or result.suite)} --shrink {result.id}"
    )


def log_excerpt(detail: str) -> str:
    """Return the end of the log that a failure's detail names; nothing where it is not here."""
    match = _LOG.search(detail)
    if match is None:
        return ""
    try:
        with Path(match["path"]).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        # Cases may have run on another machine.
        return ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])
