# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What synthesis makes of the RTL: counts by block, longest paths, budgets; see docs/silicon.md."""

from corewright.silicon.budgets import Budget, exceeded, read_budgets
from corewright.silicon.cells import ASIC, FAMILIES, NetlistError
from corewright.silicon.netlist import Netlist, read_netlist
from corewright.silicon.paths import longest_paths
from corewright.silicon.resources import ASIC_KINDS, KINDS, count, kinds_of
from corewright.silicon.summary import summary_of

__all__ = [
    "ASIC",
    "ASIC_KINDS",
    "FAMILIES",
    "KINDS",
    "Budget",
    "Netlist",
    "NetlistError",
    "count",
    "exceeded",
    "kinds_of",
    "longest_paths",
    "read_budgets",
    "read_netlist",
    "summary_of",
]
