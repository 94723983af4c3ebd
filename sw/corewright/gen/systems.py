# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Cores of systems, each made of the few lines that its author writes: see ``docs/systems.md``.

``python -m corewright.gen.systems [FILE.system.yaml ...]``; without files, all below ``models/``,
and the table of boards in ``boards/README.md``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from corewright.environment import repository_root
from corewright.export import board_names, boards_table, find_board
from corewright.files import JSON_BYTES, read_bytes, reason
from corewright.flow.errors import FlowInputError
from corewright.flow.system import hardware_of
from corewright.flow.system_core import (
    PROCESSING_ELEMENT,
    RAM,
    SUFFIX,
    description_of,
    making,
    system_core,
)
from corewright.gen.schema import Parameters, checked, parameter
from corewright.hints import did_you_mean

BOARDS_PAGE = repository_root() / "boards" / "README.md"
_CORE_NAMES = "FuseSoC's VENDOR:LIBRARY:NAME:VERSION, such as mine:models:cat:0.1.0"
_CORE_PATTERN = r"^[\w.-]+:[\w.-]+:[A-Za-z]\w*:[\w.-]+$"


class SystemDescription(Parameters):
    """What the author of a system writes."""

    name: str = parameter(
        ...,
        "the core's full name; its third word is the system's, which in `models/` is the file's",
        _CORE_NAMES,
        pattern=_CORE_PATTERN,
    )
    description: str = parameter(..., "what it is", "one line", pattern=r"^[^\n]+$")
    license: str = parameter(
        "Apache-2.0", "of the core", "an SPDX expression", pattern=r"^[^\n\"]+$"
    )
    processing_element: str = parameter(
        PROCESSING_ELEMENT, "multipliers and accumulators", "a core that provides `pe_array`"
    )
    ram: str = parameter(RAM, "all memories", "a core that provides `ram_1r1w`")
    hardware: dict[str, Any] | str = parameter(
        ...,
        "keywords of `corewright.Hardware`; `frequency_mhz` is what the design aims at",
        "a mapping of keywords, or the name of a JSON file of them",
    )
    model: str = parameter(
        ...,
        "the network",
        "the name of a graph file, or of a Python script whose `build()` returns the graph",
    )
    reference: str | None = parameter(
        None, "test images; left out: random ones", "the name of an `.npz` file"
    )
    batch: int = parameter(1, "how many a run takes", "integers from 1", "images", ge=1)
    images: int | None = parameter(
        None, "how many to run; left out: `batch`", "integers from 1", "images", ge=1
    )
    clocks: dict[str, float | int] = parameter(
        {},
        "of boards that shall have another clock than docs/boards.md gives",
        "a mapping of boards to numbers up to the board's limit",
        "MHz",
    )
    oversize: list[str] = parameter(
        [],
        "boards that it is set up for with a warning, though the part has no room by the estimate",
        "names of boards",
    )


def core_file(description: Path) -> Path:
    """Return where the core of a description stands.

    Raises:
        FlowInputError: the name is no description's.
    """
    if not description.name.endswith(SUFFIX):
        raise FlowInputError(f"{description}: legal are names that end with {SUFFIX}")
    return description.with_name(description.name.removesuffix(SUFFIX) + ".core")


def core_text_of(description: Path) -> str:
    """Return the text of the core that a description asks for.

    Raises:
        FlowInputError: the file cannot be read, or a line of it is wrong.
    """
    try:
        contents = yaml.safe_load(read_bytes(description, JSON_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise FlowInputError(f"{description}: {reason(error)}") from error
    try:
        if not isinstance(contents, dict):
            raise FlowInputError("legal is a mapping")
        given = checked(SystemDescription, {str(name): value for name, value in contents.items()})
        _check_name(description, given.name)
        hardware = hardware_of(given.hardware, description.parent)
        for field in ("model", "reference"):
            _check_file(description.parent, field, getattr(given, field))
        for board, clock in given.clocks.items():
            find_board(board).clock(hardware, clock)
        for board in given.oversize:
            find_board(board)
    except (OSError, ValueError) as error:
        raise FlowInputError(f"{description}: {error}") from error
    parameters = {
        "name": f"cw_{given.name.split(':')[2].lower()}",
        "hardware": given.hardware,
        "model": given.model,
        "reference": given.reference,
        "batch": given.batch,
        "images": given.images or given.batch,
    }
    return system_core(
        given.name,
        description=given.description,
        parameters={name: value for name, value in parameters.items() if value is not None},
        clock_mhz=hardware.frequency_mhz,
        boards={board: given.clocks.get(board) for board in board_names()},
        source=description.name,
        oversize=given.oversize,
        license=given.license,
        processing_element=given.processing_element,
        ram=given.ram,
    )


def _check_name(description: Path, name: str) -> None:
    """Require of a system of the tree that commands and files call it the same."""
    word, file = name.split(":")[2], description.name.removesuffix(SUFFIX)
    models = repository_root() / "models"
    if word != file and description.resolve().is_relative_to(models.resolve()):
        raise FlowInputError(
            f"name is {name!r}, legal in {models} is the file's name as the third word, {file}"
        )


def _check_file(folder: Path, field: str, name: str | None) -> None:
    if name is not None and not (folder / name).is_file():
        hint = did_you_mean(name, [path.name for path in folder.glob("*")])
        raise FlowInputError(f"{field} is {name!r}{hint}, there is no file {folder / name}")


def check_core(core: Path) -> None:
    """Require that a core is what the description beside it makes; one without is all right.

    Raises:
        FlowInputError: it is not, or the description is wrong.
    """
    description = description_of(core)
    if not description.is_file():
        return
    # Not by the files' times, which a checkout sets as it likes.
    if read_bytes(core, JSON_BYTES) != core_text_of(description).encode():
        raise FlowInputError(
            f"{core}: is not what {description.name} makes now: {making(description)}"
        )


def descriptions() -> list[Path]:
    """Return the descriptions of the tree's systems."""
    return sorted(repository_root().glob(f"models/*/*{SUFFIX}"))


def boards_page() -> str:
    """Return the text of ``boards/README.md`` with the table of the boards that there are.

    Raises:
        FlowInputError: a board's settings are wrong.
    """
    try:
        page, table = BOARDS_PAGE.read_text(encoding="utf-8"), boards_table()
    except (OSError, ValueError) as error:
        raise FlowInputError(str(error)) from error
    return re.sub(r"\| target \|.*?\n\n", f"{table}\n", page, count=1, flags=re.DOTALL)


def main(arguments: Sequence[str]) -> int:
    """Write the cores beside their descriptions; returns the exit status."""
    try:
        paths = [Path(name) for name in arguments] or descriptions()
        texts = {core_file(path): core_text_of(path) for path in paths}
        if not arguments:
            texts[BOARDS_PAGE] = boards_page()
    except FlowInputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
