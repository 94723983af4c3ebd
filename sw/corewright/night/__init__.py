# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What runs every night: parts that a file lists, one after the other, resumable, one report.

A part is a command line of this program. A night that is killed goes on where it was; a night of a
few hours takes the parts that waited longest. See ``docs/regressions.md``.
"""

from corewright.night.page import night_page
from corewright.night.plan import Part, Plan, read_plan
from corewright.night.run import Night, on_farm, run_night

__all__ = ["Night", "Part", "Plan", "night_page", "on_farm", "read_plan", "run_night"]
