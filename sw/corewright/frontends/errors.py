# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The exception of the front ends."""

from __future__ import annotations


class FrontendError(ValueError):
    """A model that has no integer graph: names the layer and the nearest supported form."""


def first_line(error: BaseException) -> str:
    """What a framework's error says, without the pages that follow."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


class OffGridError(FrontendError):
    """Quantised constants that are no integers times a power of two."""
