# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A netlist's summary, as ``./cw synth --json`` has it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from corewright.silicon.netlist import Netlist
from corewright.silicon.paths import longest_paths
from corewright.silicon.resources import cells, count, total


def summary_of(netlist: Netlist) -> dict[str, Any]:
    """Return what a netlist takes and how long its paths are, JSON-compatible.

    Returns:
        ``top``, ``family``, ``total`` and ``blocks`` (by block; both by kind, see
        :data:`corewright.silicon.resources.KINDS`), ``cells`` (by type), ``levels`` (of the longest
        path), ``paths`` (list of ``levels``, ``begin``, ``begin_source``, ``end``,
        ``end_source``).

    Raises:
        NetlistError: there is a loop without a register.
    """
    blocks = count(netlist)
    paths = longest_paths(netlist)
    return {
        "top": netlist.top,
        "family": netlist.family,
        "total": total(blocks.values()),
        "blocks": blocks,
        "cells": cells(netlist),
        "levels": paths[0].levels if paths else 0,
        "paths": [asdict(path) for path in paths],
    }
