# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The parts of a night, as ``regressions/nightly.toml`` lists them.

``keep = N`` are the nights that are kept. Each ``[[part]]`` has

========= =====================================================================================
name      unique, of letters, digits, ``_`` and ``-``
about     a sentence on what it shows
command   words of this program's command line, without its name; ``{json}``, ``{junit}`` and
          ``{html}`` stand for files of the report, ``{seed}`` for a seed of its own each night
minutes   after which it is stopped: its share of the night
pieces    runs of the command, each with another ``{seed}`` (default 1): what a killed night
          loses at most is one of them
========= =====================================================================================
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corewright.files import UnreadableFileError, brief, read_bytes, reason
from corewright.flow.errors import FlowInputError

# Placeholders of files, which are the report's, and of the seed.
FILES = ("json", "junit", "html")
_PLACEHOLDERS = (*FILES, "seed")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_PLACEHOLDER = re.compile(r"\{([^}]*)\}")
_KEYS = ("name", "about", "command", "minutes", "pieces")
_MOST_BYTES = 1 << 20
_MOST_MINUTES, _MOST_PIECES, _MOST_NIGHTS = 7 * 24 * 60, 1000, 10_000

# Raises FlowInputError where words are no command line of this program.
Check = Callable[[Sequence[str]], None]


@dataclass(frozen=True)
class Part:
    """A part of a night; see this module.

    Attributes:
        name: what state and report call it.
        about: what it shows.
        command: words with placeholders.
        minutes: limit of all its pieces together.
        pieces: how often the command runs.
    """

    name: str
    about: str
    command: tuple[str, ...]
    minutes: float
    pieces: int = 1

    def words(self, seed: int, files: Mapping[str, Path]) -> list[str]:
        """Return the command line of a piece.

        Args:
            seed: of the piece.
            files: by placeholder.
        """
        values = {"seed": str(seed), **{name: str(path) for name, path in files.items()}}
        return [_PLACEHOLDER.sub(lambda match: values[match[1]], word) for word in self.command]


@dataclass(frozen=True)
class Plan:
    """All parts, in the order in which a whole night runs them.

    Attributes:
        parts: the parts.
        keep: nights whose files are kept.
    """

    parts: tuple[Part, ...]
    keep: int


def read_plan(path: Path, check: Check) -> Plan:
    """Read a file of parts.

    Args:
        path: the file.
        check: called with each part's command line.

    Raises:
        FlowInputError: the file is damaged, or a part is wrong; the message says what is legal.
        FileNotFoundError: there is no such file.
    """
    try:
        values = tomllib.loads(read_bytes(path, _MOST_BYTES).decode("utf-8"))
    except (UnreadableFileError, ValueError) as error:
        raise FlowInputError(f"{path}: {reason(error)}") from error
    try:
        return _plan(values, check)
    except FlowInputError as error:
        raise FlowInputError(f"{path}: {error}") from error


def _plan(values: Mapping[str, Any], check: Check) -> Plan:
    if unknown := sorted(set(values) - {"keep", "part"}):
        raise FlowInputError(f"{', '.join(unknown)} is unknown, legal are keep and part")
    keep = _integer("keep", values.get("keep"), _MOST_NIGHTS)
    entries = values.get("part")
    if not isinstance(entries, list) or not entries:
        raise FlowInputError("there is no part, legal is at least one [[part]]")
    parts: list[Part] = []
    for entry in entries:
        part = _part(entry)
        if part.name in (other.name for other in parts):
            raise FlowInputError(f"part '{part.name}' is there twice, names must be unique")
        try:
            check(part.words(1, {name: Path(name) for name in FILES}))
        except FlowInputError as error:
            raise FlowInputError(f"part '{part.name}': {error}") from error
        parts.append(part)
    return Plan(tuple(parts), keep)


def _part(entry: Any) -> Part:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise FlowInputError(
            f"name of a part is {brief(repr(name))}, legal are up to 40 letters, digits, _ and -"
        )
    where = f"part '{name}'"
    if unknown := sorted(set(entry) - set(_KEYS)):
        raise FlowInputError(f"{where}: {', '.join(unknown)} unknown, legal are {', '.join(_KEYS)}")
    about = entry.get("about")
    if not isinstance(about, str) or not about:
        raise FlowInputError(f"{where}: about is {brief(repr(about))}, legal is a sentence")
    command = entry.get("command")
    if (
        not isinstance(command, list)
        or not command
        or not all(isinstance(word, str) and word for word in command)
    ):
        got = brief(repr(command))
        raise FlowInputError(f"{where}: command is {got}, legal is a list of words")
    for word in command:
        for found in _PLACEHOLDER.findall(word):
            if found not in _PLACEHOLDERS:
                legal = ", ".join(f"{{{each}}}" for each in _PLACEHOLDERS)
                raise FlowInputError(f"{where}: {{{brief(found)}}} is unknown, legal are {legal}")
    minutes = entry.get("minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, int | float):
        minutes = 0
    if not 0 < minutes <= _MOST_MINUTES:
        got = brief(repr(entry.get("minutes")))
        raise FlowInputError(f"{where}: minutes is {got}, legal is above 0 to {_MOST_MINUTES}")
    pieces = _integer(f"{where}: pieces", entry.get("pieces", 1), _MOST_PIECES)
    if pieces > 1 and not any("{seed}" in word for word in command):
        raise FlowInputError(
            f"{where}: pieces is {pieces}, legal is 1 for a command without {{seed}}"
        )
    return Part(name, about, tuple(command), float(minutes), pieces)


def _integer(name: str, value: object, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
        raise FlowInputError(f"{name} is {brief(repr(value))}, legal is an integer 1..{high}")
    return value
