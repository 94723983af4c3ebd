# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Models of cells for simulations of netlists, where Yosys' library has none that serves.

Each file says what it is for.
"""

from __future__ import annotations

from pathlib import Path

# By family the cells that stand here, each in a file of its own.
OWN = {"xc7": (*(f"LUT{size}" for size in range(1, 7)), "CARRY4", "RAMB18E1", "RAMB36E1")}
# What these instantiate.
SHARED = {"xc7": ("cw_block_ram",)}


def sources(family: str) -> list[Path]:
    """Return the files of a family's models; none where the family has none."""
    folder = Path(__file__).parent / family
    names = (*SHARED.get(family, ()), *OWN.get(family, ()))
    return [folder / f"{name}.sv" for name in names]
