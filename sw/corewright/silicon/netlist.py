# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A flat netlist that Yosys has written as JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corewright.files import reason
from corewright.silicon.cells import MEMORY, Cell, NetlistError, cell_of
from corewright.silicon.liberty import Library

# An instance's name in this project's RTL; generate blocks are gen_x.
_INSTANCE = re.compile(r"u_\w+$")
# Blocks are told apart down to this many instances below the top.
_DEPTH = 3
TOP = "(top)"


@dataclass(frozen=True, eq=False)
class Part:
    """A cell of a netlist.

    Attributes:
        name: Yosys' name of it.
        kind: the type, such as ``LUT6``.
        cell: what that is.
        parameters: as Yosys writes them, numbers as binary digits.
        inputs: by input port its bits; constants are left out.
        outputs: by output port its bits, with -1 where nothing is connected.
        source: the RTL's lines that it comes from, without those of Yosys' own libraries.
        scope: the instance that it comes from, dotted, where ``flatten -scopename`` noted it.
    """

    name: str
    kind: str
    cell: Cell
    parameters: Mapping[str, str]
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    source: str
    scope: str

    def driven(self) -> Iterator[int]:
        """Yield the bits that it drives."""
        for bits in self.outputs.values():
            yield from (bit for bit in bits if bit >= 0)

    def read(self) -> Iterator[tuple[str, int]]:
        """Yield port and bit of all inputs."""
        for port, bits in self.inputs.items():
            for bit in bits:
                yield port, bit


@dataclass(frozen=True, eq=False)
class Netlist:
    """One flat module.

    Attributes:
        top: its name.
        family: what it is mapped to.
        parts: its cells.
        names: by bit, the deepest name in the RTL that it has; not all bits have one.
        declared: by bit with a name, the line of the RTL that declares it or, of an element of an
            array, its module.
        inputs: bits of the module's input ports.
        outputs: bits of the module's output ports.
    """

    top: str
    family: str
    parts: tuple[Part, ...]
    names: Mapping[int, str]
    declared: Mapping[int, str]
    inputs: frozenset[int]
    outputs: frozenset[int]


def block_of(scope: str) -> str:
    """Return the block that a scope belongs to: its first instances, dotted.

    ``u_accelerator.u_engine.u_array.gen_column[0]`` is of ``u_accelerator.u_engine.u_array``.
    """
    words = [word for word in scope.split(".") if _INSTANCE.match(word)]
    return ".".join(words[:_DEPTH]) or TOP


def read_netlist(
    path: str | os.PathLike[str], top: str | None, family: str, library: Library | None = None
) -> Netlist:
    """Read what Yosys' ``write_json`` has written.

    Args:
        path: the file.
        top: the module that everything was flattened into; None: the one that is marked.
        family: what it was mapped to, of :data:`corewright.silicon.cells.FAMILIES`.
        library: of an ASIC's cells.

    Raises:
        NetlistError: the file cannot be read, is damaged, or has a cell that is not known.
    """
    try:
        # Larger than any other JSON that is read: half a gigabyte at 21x32 units.
        contents = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise NetlistError(f"{path}: {reason(error)}") from error
    try:
        if top is None:
            top = next(
                name for name, found in contents["modules"].items() if "top" in found["attributes"]
            )
        module = contents["modules"][top]
    except (AttributeError, KeyError, TypeError, StopIteration):
        raise NetlistError(f"{path}: has no module {top or 'that is the top'}") from None
    try:
        return netlist_of(module, top, family, library)
    except NetlistError as error:
        raise NetlistError(f"{path}: {error}") from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NetlistError(f"{path}: is no netlist of Yosys: {reason(error)}") from error


def netlist_of(
    module: Mapping[str, Any], top: str, family: str, library: Library | None = None
) -> Netlist:
    """Return the netlist in a module of Yosys' JSON.

    Raises:
        NetlistError: a cell is not known.
    """
    find = cell_of(family, None if library is None else library.cell)
    parts = []
    for name, entry in module["cells"].items():
        cell = find(entry["type"])
        if cell is None:
            continue
        if entry["type"] == MEMORY:
            words, width = memory_shape(entry["parameters"])
            cell = replace(cell, counts={"memory_bits": words * width})
        ports = entry["connections"].items()
        outputs = {
            port: tuple(bit if isinstance(bit, int) else -1 for bit in bits)
            for port, bits in ports
            if port in cell.outputs
        }
        inputs = {
            port: tuple(bit for bit in bits if isinstance(bit, int))
            for port, bits in ports
            if port not in cell.outputs
        }
        parts.append(
            Part(
                name,
                entry["type"],
                cell,
                entry.get("parameters", {}),
                inputs,
                outputs,
                _own_lines(entry.get("attributes", {}).get("src", "")),
                entry.get("attributes", {}).get("scopename", "").replace(" ", "."),
            )
        )
    names, declared = _names(module["netnames"], _modules(module))
    return Netlist(
        top,
        family,
        tuple(parts),
        names,
        declared,
        _port_bits(module, "input"),
        _port_bits(module, "output"),
    )


def memory_shape(parameters: Mapping[str, str]) -> tuple[int, int]:
    """Return the words of a memory that was kept, and their bits."""
    return int(parameters["SIZE"], 2), int(parameters["WIDTH"], 2)


def _own_lines(source: str) -> str:
    lines = [line for line in source.split("|") if line and not line.startswith("/share/")]
    return "|".join(lines)


def _modules(module: Mapping[str, Any]) -> dict[str, str]:
    """By scope the line that its module begins at, which ``flatten`` has noted."""
    found = {"": _own_lines(module.get("attributes", {}).get("src", ""))}
    for name, entry in module["cells"].items():
        if entry["type"] == "$scopeinfo":
            found[name] = _own_lines(entry["attributes"].get("module_src", ""))
    return found


def _module_line(name: str, modules: Mapping[str, str]) -> str:
    scope = name.rpartition(".")[0]
    while scope not in modules:
        scope = scope.rpartition(".")[0]
    return modules[scope]


def _names(
    netnames: Mapping[str, Any], modules: Mapping[str, str]
) -> tuple[dict[int, str], dict[int, str]]:
    found: dict[int, str] = {}
    lines: dict[int, str] = {}
    for name, entry in netnames.items():
        if entry.get("hide_name"):
            continue
        source = _own_lines(entry.get("attributes", {}).get("src", ""))
        width, low = len(entry["bits"]), int(entry.get("offset", 0))
        for index, bit in enumerate(entry["bits"]):
            if not isinstance(bit, int):
                continue
            full = name if width == 1 else f"{name}[{low + index}]"
            former = found.get(bit)
            # A register's own name is the deepest: those above it are ports that it is tied to.
            if former is None or (-_depth(full), len(full), full) < (
                -_depth(former),
                len(former),
                former,
            ):
                found[bit], lines[bit] = full, source or _module_line(name, modules)
    return found, lines


def _depth(name: str) -> int:
    return name.count(".")


def _port_bits(module: Mapping[str, Any], direction: str) -> frozenset[int]:
    return frozenset(
        bit
        for port in module["ports"].values()
        if port["direction"] == direction
        for bit in port["bits"]
        if isinstance(bit, int)
    )
