# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A library of standard cells in Liberty's form: areas, pins and what holds a state.

Timing is OpenSTA's to read. Cells with buses are left out: what uses one is an error then.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from corewright.files import reason
from corewright.silicon.cells import Cell, NetlistError, Role

# Debian's qflow-tech-osu018: the one library with timing that a package brings.
LIBRARY_PACKAGE = "qflow-tech-osu018"
LIBRARY_FILE = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}();:,]|[^\s{}();:,"]+', re.DOTALL)
_NO_CODE = re.compile(r"/\*.*?\*/|\\\s*\n", re.DOTALL)


@dataclass(frozen=True)
class LibraryCell:
    """A cell of a library.

    Attributes:
        name: its type.
        area: in the library's unit, which is um^2 by custom.
        inputs: its input pins, sorted.
        outputs: its output pins.
        state: ``ff`` or ``latch``; empty of logic.
        clocks: pins that its state is clocked by.
        falling: whether by their falling edge.
    """

    name: str
    area: float
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    state: str
    clocks: tuple[str, ...]
    falling: bool


@dataclass(frozen=True)
class Library:
    """A library of standard cells.

    Attributes:
        name: its own.
        cells: by type.
        nand2: the type of the NAND of two inputs: its area is one gate equivalent.
    """

    name: str
    cells: Mapping[str, LibraryCell]
    nand2: str

    @property
    def gate(self) -> float:
        """Area of a gate equivalent."""
        return self.cells[self.nand2].area

    def cell(self, kind: str) -> Cell:
        """Return what a type of cell is to a netlist.

        Raises:
            NetlistError: it is not of this library, is a latch, or has no area.
        """
        found = self.cells.get(kind)
        if found is None:
            raise NetlistError(f"{kind} is no known cell of {self.name}")
        if found.state == "latch":
            raise NetlistError(f"{kind} is a latch: none is expected in this RTL")
        if found.area <= 0:
            raise NetlistError(f"{kind} has no area in {self.name}")
        counts = {"area_um2": found.area, "ge": found.area / self.gate}
        if found.state:
            return Cell(Role.REGISTER, {**counts, "ff": 1}, found.outputs, clocks=found.clocks)
        return Cell(Role.LUT, counts, found.outputs)


@dataclass
class _Group:
    kind: str
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list[_Group] = field(default_factory=list)


def read_library(path: str | os.PathLike[str], nand2: str = "NAND2X1") -> Library:
    """Read a library.

    Args:
        path: the file, text in Liberty's form.
        nand2: its NAND of two inputs.

    Raises:
        NetlistError: the file cannot be read, is no library, or has no such NAND.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NetlistError(f"{path}: {reason(error)}") from error
    try:
        return library_of(text, nand2)
    except NetlistError as error:
        raise NetlistError(f"{path}: {error}") from error


def library_of(text: str, nand2: str = "NAND2X1") -> Library:
    """Return the library that a text in Liberty's form holds; see :func:`read_library`."""
    try:
        root = _parsed(iter(_TOKEN.findall(_NO_CODE.sub(" ", text))))
        libraries = [group for group in root.groups if group.kind == "library"]
        if len(libraries) != 1:
            raise NetlistError(f"holds {len(libraries)} libraries, legal is one")
        cells = {
            group.name: _cell(group)
            for group in libraries[0].groups
            if group.kind == "cell" and not any(each.kind == "bus" for each in group.groups)
        }
    except (StopIteration, ValueError) as error:
        if isinstance(error, NetlistError):
            raise
        raise NetlistError("is no library in Liberty's form, or ends early") from error
    if not cells:
        raise NetlistError("has no cells")
    if nand2 not in cells or cells[nand2].area <= 0:
        raise NetlistError(f"has no {nand2}: the option nand2 names the NAND of two inputs")
    return Library(libraries[0].name, cells, nand2)


def _parsed(tokens: Iterator[str]) -> _Group:
    """The file as one group; StopIteration: it ends within a group."""
    root = _Group("file")
    stack = [root]
    for token in tokens:
        if token == "}":
            stack.pop()
            if not stack:
                raise ValueError("a brace too many")
        elif token in ";,":
            continue
        else:
            _statement(token, tokens, stack)
    if len(stack) != 1:
        raise StopIteration
    return root


def _statement(word: str, tokens: Iterator[str], stack: list[_Group]) -> None:
    mark = next(tokens)
    if mark == ":":
        stack[-1].attributes[word] = _value(tokens)
        return
    if mark != "(":
        raise ValueError(f"{word} {mark}")
    arguments = []
    while (token := next(tokens)) != ")":
        if token != ",":
            arguments.append(token.strip('"'))
    # A table ends with a semicolon; what has a body is a group.
    if next(tokens) == "{":
        group = _Group(word, " ".join(arguments))
        stack[-1].groups.append(group)
        stack.append(group)


def _value(tokens: Iterator[str]) -> str:
    words = []
    while (token := next(tokens)) != ";":
        if token in "{}":
            raise ValueError("a value without an end")
        words.append(token.strip('"'))
    return " ".join(words)


def _cell(group: _Group) -> LibraryCell:
    pins = {each.name: each.attributes for each in group.groups if each.kind == "pin"}
    states = [each for each in group.groups if each.kind in ("ff", "latch")]
    clocked = " ".join(each.attributes.get("clocked_on", "") for each in states)

    def directed(direction: str) -> tuple[str, ...]:
        return tuple(pin for pin in sorted(pins) if pins[pin].get("direction") == direction)

    return LibraryCell(
        group.name,
        float(group.attributes.get("area", 0)),
        directed("input"),
        directed("output"),
        states[0].kind if states else "",
        tuple(word for word in re.findall(r"\w+", clocked) if word in pins),
        "!" in clocked or "'" in clocked,
    )
