# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Boards: the folders of ``boards/`` with a file of settings, ``board.tcl``: ``docs/boards.md``.

Nothing else names a board: what lists boards asks :func:`board_names`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from corewright.environment import repository_root
from corewright.export.settings import read_settings
from corewright.hardware import Hardware
from corewright.hints import did_you_mean

SETTINGS = "board.tcl"
_PROCESSING_SYSTEMS = {
    "zynq_ultra_ps_e": "Zynq UltraScale+",
    "processing_system7": "Zynq-7000",
}
# What a part has of each, as the settings call them in capitals.
RESOURCES = ("lut", "ff", "dsp", "bram36", "uram")
# Vendor, board and part; Vivado's own names have a version behind them.
_BOARD_PART_WORDS = 3
_NEEDED = (
    *("BOARD", "TITLE", "PART", "BOARD_PART", "PS", "CLOCK_MHZ", "MAX_MHZ"),
    *("MEMORY_PORTS", "MEMORY", "CONTROL_PORT", "REGISTERS"),
)


@dataclass(frozen=True)
class Board:
    """A board as its file of settings tells.

    Attributes:
        name: its folder's.
        title: its maker's name of it.
        part: the chip.
        processing_system: name of the chip's family.
        resources: by :data:`RESOURCES` what the chip has; empty: the settings do not say.
        registers: address of the accelerator's registers.
        memory_bytes: what the programmable logic reaches of the DRAM.
        clock_mhz: the clock that it runs designs with, at most.
        max_mhz: the highest clock that can be asked for.
        file: the settings.
    """

    name: str
    title: str
    part: str
    processing_system: str
    resources: Mapping[str, int]
    registers: int
    memory_bytes: int
    clock_mhz: float
    max_mhz: float
    file: Path

    def clock(self, hw: Hardware, asked_mhz: float | None = None) -> float:
        """Return the clock in MHz that an accelerator has on this board.

        What ``hw`` aims at is one thing, what a board gives another: the slower one is taken,
        unless a clock is asked for.

        Raises:
            ValueError: the clock that is asked for is none, or above the board's limit.
        """
        if asked_mhz is None:
            return min(hw.frequency_mhz, self.clock_mhz)
        if not 0 < asked_mhz <= self.max_mhz:
            raise ValueError(
                f"clock_mhz is {asked_mhz!r}, legal on {self.name} is up to {self.max_mhz:g}"
            )
        return asked_mhz

    def clock_reason(self, hw: Hardware, asked_mhz: float | None = None) -> str:
        """Return a line that says which clock is used and why."""
        used = self.clock(hw, asked_mhz)
        if asked_mhz is not None:
            why = "as asked for"
        elif used == hw.frequency_mhz:
            why = "the design's"
        else:
            why = "the board's"
        return (
            f"clock on {self.name}: {used:g} MHz, {why}; the design aims at "
            f"{hw.frequency_mhz:g} MHz, the board gives {self.clock_mhz:g} MHz"
        )


def board_names() -> list[str]:
    """Return the names of all boards."""
    return sorted(path.parent.name for path in repository_root().glob(f"boards/*/{SETTINGS}"))


def read_board(file: Path) -> Board:
    """Return the board that a file of settings describes.

    Raises:
        OSError: it cannot be read.
        ValueError: a setting is missing or wrong.
    """
    settings = read_settings(file)
    missing = [name for name in _NEEDED if name not in settings]
    if missing:
        raise ValueError(f"{file}: has no {', '.join(missing)}")
    if settings["BOARD"] != file.parent.name:
        raise ValueError(f"{file}: BOARD is {settings['BOARD']}, legal is {file.parent.name}")
    if settings["PS"] not in _PROCESSING_SYSTEMS:
        raise ValueError(
            f"{file}: PS is {settings['PS']}, legal are {', '.join(_PROCESSING_SYSTEMS)}"
        )
    for name in settings["BOARD_PART"].split():
        words = name.count(":") + 1
        if words == _BOARD_PART_WORDS + 1:
            raise ValueError(
                f"{file}: BOARD_PART {name} has a version; leave it out: the newest installed is "
                "taken"
            )
        if words != _BOARD_PART_WORDS:
            raise ValueError(f"{file}: BOARD_PART is {name}, legal is VENDOR:BOARD:PART")
    clock, limit = (_number(file, settings, name) for name in ("CLOCK_MHZ", "MAX_MHZ"))
    if not 0 < clock <= limit:
        raise ValueError(f"{file}: CLOCK_MHZ is {clock:g}, legal is up to MAX_MHZ, {limit:g}")
    return Board(
        name=settings["BOARD"],
        title=settings["TITLE"],
        part=settings["PART"],
        processing_system=_PROCESSING_SYSTEMS[settings["PS"]],
        resources=_resources(file, settings.get("RESOURCES", "")),
        registers=int(settings["REGISTERS"].split()[0], 0),
        memory_bytes=_memory_bytes(file, settings["MEMORY"]),
        clock_mhz=clock,
        max_mhz=limit,
        file=file,
    )


def _number(file: Path, settings: Mapping[str, str], name: str) -> float:
    try:
        return float(settings[name])
    except ValueError:
        raise ValueError(f"{file}: {name} is {settings[name]}, legal is a number") from None


def _memory_bytes(file: Path, segments: str) -> int:
    words = segments.split()
    try:
        if len(words) % 3:
            raise ValueError
        return sum(int(size, 0) for size in words[2::3])
    except ValueError:
        raise ValueError(
            f"{file}: MEMORY is {segments}, legal are name, address and bytes of each segment, "
            "such as DDR_LOW 0x0 0x80000000"
        ) from None


def _resources(file: Path, listed: str) -> dict[str, int]:
    words = listed.split()
    found = dict(zip(words[::2], words[1::2], strict=False))
    legal = [name.upper() for name in RESOURCES]
    if words and (
        len(words) != 2 * len(legal)
        or sorted(found) != sorted(legal)
        or not all(amount.isdecimal() for amount in found.values())
    ):
        raise ValueError(
            f"{file}: RESOURCES is {listed}, legal are {', '.join(legal)}, an integer behind each"
        )
    return {name.lower(): int(found[name]) for name in legal if found}


def find_board(name: str) -> Board:
    """Return a board by its name.

    Raises:
        OSError: its settings cannot be read.
        ValueError: there is none, or a setting is wrong.
    """
    legal = board_names()
    if name not in legal:
        hint = did_you_mean(name, legal)
        raise ValueError(f"board is {name!r}{hint}, legal are {', '.join(legal)}")
    return read_board(repository_root() / "boards" / name / SETTINGS)


def boards_table() -> str:
    """Return the Markdown table of all boards that ``boards/README.md`` holds."""
    lines = [
        "| target | board | part | LUT; FF; DSP; BRAM 36k; URAM | processing system | memory "
        "| clock, at most |",
        "|---|---|---|---|---|---|---|",
    ]
    for board in map(find_board, board_names()):
        size, unit = board.memory_bytes >> 20, "MB"
        if size >= 1024:
            size, unit = size >> 10, "GB"
        has = "; ".join(f"{board.resources[name]:,}" for name in RESOURCES if board.resources)
        lines.append(
            f"| `{board.name}` | {board.title} | {board.part} | {has} | {board.processing_system} "
            f"| {size} {unit} | {board.clock_mhz:g}, {board.max_mhz:g} MHz |"
        )
    return "\n".join([*lines, ""])
