# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A netlist's summary, as ``./cw synth --json`` has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from corewright.silicon.cells import ASIC, MEMORY
from corewright.silicon.netlist import Netlist, memory_shape
from corewright.silicon.paths import longest_paths
from corewright.silicon.resources import cells, count, total


def summary_of(netlist: Netlist, timing: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a netlist takes and how long its paths are, JSON-compatible.

    Args:
        netlist: the netlist.
        timing: of an ASIC, see :func:`corewright.silicon.timing.timing_of`.

    Returns:
        ``top``, ``family``, ``total`` and ``blocks`` (by block; both by kind, see
        :func:`corewright.silicon.resources.kinds_of`), ``cells`` (by type), ``levels`` (of the
        longest path), ``paths`` (list of ``levels``, ``begin``, ``begin_source``, ``end``,
        ``end_source``); of an ASIC also ``memories`` (those that are no flip-flops, list of
        ``words``, ``width``, ``count``) and ``timing``.

    Raises:
        NetlistError: there is a loop without a register.
    """
    blocks = count(netlist)
    paths = longest_paths(netlist)
    more: dict[str, Any] = {}
    if netlist.family == ASIC:
        more = {"memories": _memories(netlist), "timing": None if timing is None else {**timing}}
    return {
        "top": netlist.top,
        "family": netlist.family,
        "total": total(blocks.values()),
        "blocks": blocks,
        "cells": cells(netlist),
        "levels": paths[0].levels if paths else 0,
        "paths": [asdict(path) for path in paths],
        **more,
    }


def _memories(netlist: Netlist) -> list[dict[str, int]]:
    """Memories by shape, the largest first."""
    shapes = Counter(memory_shape(part.parameters) for part in netlist.parts if part.kind == MEMORY)
    ordered = sorted(shapes, key=lambda shape: (-shape[0] * shape[1], shape))
    return [
        {"words": words, "width": width, "count": shapes[words, width]} for words, width in ordered
    ]
