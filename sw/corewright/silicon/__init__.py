# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What synthesis makes of the RTL: counts by block, longest paths, budgets; see docs/silicon.md."""

from corewright.silicon.budgets import Budget, exceeded, read_budgets
from corewright.silicon.cells import FAMILIES, NetlistError
from corewright.silicon.netlist import Netlist, read_netlist
from corewright.silicon.paths import longest_paths
from corewright.silicon.resources import KINDS, count
from corewright.silicon.summary import summary_of

__all__ = [
    "FAMILIES",
    "KINDS",
    "Budget",
    "Netlist",
    "NetlistError",
    "count",
    "exceeded",
    "longest_paths",
    "read_budgets",
    "read_netlist",
    "summary_of",
]
