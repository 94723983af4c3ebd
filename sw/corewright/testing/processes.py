# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Whether processes of other programs have ended."""

from __future__ import annotations

import time
from pathlib import Path

# A process that was killed ends when it is next scheduled, which on a busy machine takes a while.
_PATIENCE_SECONDS = 60.0


def has_ended(pid: int) -> bool:
    """Return whether a process has ended.

    A zombie has; who reaps it is the container's matter.
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state.split()[0] in ("Z", "X")


def ends(pid: int) -> bool:
    """Return whether a process has ended, or does within a minute."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while not has_ended(pid) and time.monotonic() < limit:
        time.sleep(0.02)
    return has_ended(pid)
