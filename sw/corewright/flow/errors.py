# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What can go wrong between a graph and a simulation's verdict."""

from __future__ import annotations

from typing import Any


class FlowInputError(ValueError):
    """The caller named something that does not exist or cannot be used; one line says what."""


class FlowError(RuntimeError):
    """A tool failed: the message has its last lines and where the whole log is."""


class MismatchError(FlowError):
    """A result differs from the integer graph's.

    Attributes:
        report: the simulation's report, as :func:`corewright.flow.simulate` returns it.
    """

    def __init__(self, message: str, report: dict[str, Any]) -> None:
        super().__init__(message)
        self.report = report
