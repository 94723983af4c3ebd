# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""How the commands of this package, which flows run between the tools, end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from corewright.files import reason


def told(work: Callable[[], object]) -> int:
    """Do a command's work; 0, or 1 behind a line on what was missing or not understood."""
    try:
        work()
    except OSError as error:
        sys.stderr.write(f"silicon: {error.filename}: {reason(error)}\n")
        return 1
    except (ValueError, KeyError) as error:
        # NetlistError is a ValueError.
        sys.stderr.write(f"silicon: {reason(error)}\n")
        return 1
    return 0


def written(out: Path, text: Callable[[], str]) -> int:
    """Write a command's result; see :func:`told`. After an error there is no such file.

    Args:
        out: the file.
        text: makes what it holds.
    """
    # A former run's would be worse than none.
    out.unlink(missing_ok=True)

    def work() -> None:
        partial = out.with_suffix(".part")
        partial.write_text(text(), encoding="utf-8")
        partial.replace(out)

    return told(work)
