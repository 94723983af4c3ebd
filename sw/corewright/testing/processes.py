# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Whether processes of other programs have ended."""

from __future__ import annotations

import time
from pathlib import Path

# A process that was killed ends when it is next scheduled, which on a busy machine takes a while.
_PATIENCE_SECONDS = 60.0


def ends(pid: int) -> bool:
    """Return whether a process has ended, or does within a minute.

    A zombie has ended; who reaps it is the container's matter.
    """
    limit = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < limit:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state.split()[0] in ("Z", "X"):
            return True
        time.sleep(0.02)
    return False
