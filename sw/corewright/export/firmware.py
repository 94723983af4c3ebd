# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""C sources of the cores below ``sw/`` and ``boards/``, copied for other tools' projects."""

from __future__ import annotations

from pathlib import Path

from corewright.export.boards import Board
from corewright.export.places import copied
from corewright.sources import FIRMWARE, sources_of

_BOARD_HEADER = """\
/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */
/* Generated from a board's settings by corewright.export; do not edit. */
#ifndef CONFIG_BOARD_H
#define CONFIG_BOARD_H

/* Address of the accelerator's registers. */
#define CW_BOARD_REGISTERS @REGISTERS@u

#endif /* CONFIG_BOARD_H */
"""


def copy_firmware(core: str, folder: Path, below: str) -> list[Path]:
    """Copy the C sources, headers and assembler of a core, and of all that it depends on.

    All of them side by side, so that one include folder is enough.

    Args:
        core: VLNV, such as ``corewright:boards:firmware``.
        folder: where ``below`` goes.
        below: the folder of the files.

    Returns:
        The paths of the copies.

    Raises:
        OSError: a file cannot be copied.
        ValueError: there is no such core, or two files have one name.
    """
    place = copied(folder, below)
    return [folder / place(path) for path in sources_of(core, kinds=FIRMWARE)]


def board_header(board: Board) -> str:
    """Return ``config_board.h``: what the firmware has to know of a board."""
    return _BOARD_HEADER.replace("@REGISTERS@", f"0x{board.registers:08X}")
