# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Results that a script is run for, on standard output."""

from __future__ import annotations

import sys


def announce(*lines: str) -> None:
    """Print what was measured or verified, a line each.

    Not by logging, which would show it or not as somebody's handlers and levels happen to be.
    """
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
