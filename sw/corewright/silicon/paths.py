# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The longest paths between registers, counted in levels of LUTs.

A LUT is a level, a carry chain is one however long it is, the read port of a memory in LUTs is one,
and a multiplier that has no register on the way is one. Multiplexers behind LUTs in their slice
are none. Of standard cells each is a level. Wires are not looked at, so levels compare designs;
they are no clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from corewright.silicon.cells import NetlistError, Role, passes
from corewright.silicon.netlist import Netlist, Part

# Of a loop, as many cells are named.
_NAMED = 8


@dataclass(frozen=True)
class Path:
    """A path from a register to a register.

    Attributes:
        levels: LUTs on the way.
        begin: the register that it begins at, by the RTL's name where it has one.
        begin_source: line of the RTL that writes it or, where Yosys has lost that, declares it or
            begins its module.
        end: the register that it ends at.
        end_source: the same of that.
    """

    levels: int
    begin: str
    begin_source: str
    end: str
    end_source: str


def longest_paths(netlist: Netlist, limit: int = 10) -> list[Path]:
    """Return the longest path to each of the registers that end the longest ones.

    Bits of one register are one end. Paths from and to the module's ports are left out.

    Args:
        netlist: the netlist.
        limit: how many, at most.

    Raises:
        NetlistError: there is a loop without a register.
    """
    walk = _Walk(netlist)
    ends: dict[str, Path] = {}
    for part in netlist.parts:
        for port, bit in part.read():
            if not _ends(part, port) or bit not in walk.driver:
                continue
            levels, origin = walk.arrival(bit)
            if origin is None:
                continue
            end = register_name(netlist, part)
            if end not in ends or levels > ends[end].levels:
                begin = netlist.parts[origin]
                begun = (register_name(netlist, begin), register_line(netlist, begin))
                ends[end] = Path(levels, *begun, end, register_line(netlist, part))
    found = sorted(ends.values(), key=lambda path: (-path.levels, path.end))
    return found[:limit]


class _Walk:
    """Arrival of every bit, without recursion: chains are longer than Python's stack is deep."""

    def __init__(self, netlist: Netlist) -> None:
        self.parts = netlist.parts
        self.driver: dict[int, tuple[int, str]] = {}
        for index, part in enumerate(netlist.parts):
            for port, bits in part.outputs.items():
                for bit in bits:
                    if bit >= 0:
                        self.driver[bit] = (index, port)
        # By cell: levels behind it, and the register that the longest path begins at. All outputs
        # of a cell have one arrival: a carry's first sum may be counted as late as its last.
        self._done: dict[int, tuple[int, int | None]] = {}

    def arrival(self, bit: int) -> tuple[int, int | None]:
        """Return levels up to a bit, and the index of the register that they begin at.

        The latter is None for what only ports of the module and constants drive.
        """
        if bit not in self.driver:
            return 0, None
        target = self.driver[bit][0]
        stack, open_cells = [target], set[int]()
        while stack:
            index = stack[-1]
            if index in self._done:
                stack.pop()
                continue
            before = [
                self.driver[source][0]
                for port, source in self.parts[index].read()
                if source in self.driver and _goes_through(self.parts[index], port)
            ]
            missing = [cell for cell in before if cell not in self._done]
            if not missing:
                self._done[index] = self._settle(index)
                open_cells.discard(index)
                stack.pop()
                continue
            if index in open_cells:
                named = [self.parts[cell].name for cell in stack if cell in open_cells]
                raise NetlistError(f"a loop without a register: {', '.join(named[-_NAMED:])}")
            open_cells.add(index)
            stack += missing
        return self._done[target]

    def _settle(self, index: int) -> tuple[int, int | None]:
        part = self.parts[index]
        own = part.cell.role
        best: tuple[int, int | None] = (0, index if own in _STATEFUL else None)
        if own is Role.MEMORY:
            # Its contents come through the same LUTs as what its address chooses.
            best = (1, index)
        for port, bit in part.read():
            if bit not in self.driver or not _goes_through(part, port):
                continue
            source, _ = self.driver[bit]
            levels, origin = self._done[source]
            chained = port in part.cell.chain and self.parts[source].cell.role is Role.CARRY
            levels += 0 if own is Role.WIRE or chained else 1
            if origin is not None and (best[1] is None or levels > best[0]):
                best = (levels, origin)
        return best


_STATEFUL = (Role.REGISTER, Role.MEMORY, Role.MULTIPLIER)


def _goes_through(part: Part, port: str) -> bool:
    role = part.cell.role
    if role is Role.REGISTER:
        return False
    if role is Role.MEMORY:
        return any(re.fullmatch(rf"{name}\d*", port) for name in part.cell.address)
    if role is Role.MULTIPLIER:
        return passes(part.kind, port, part.parameters)
    return True


def _ends(part: Part, port: str) -> bool:
    """Whether a path may end at an input: it is a register's, and no clock."""
    if part.cell.role not in _STATEFUL or re.match(r"(CLK|C$|WCLK|WCK|SCLK)", port):
        return False
    if port in part.cell.clocks:
        return False
    return not _goes_through(part, port) or part.cell.role is Role.MEMORY


def register_name(netlist: Netlist, part: Part) -> str:
    """Return the RTL's name of a register or memory where it has one."""
    # A memory's own name says more than those of what reads it; a flip-flop's is Yosys'.
    if "ff" not in part.cell.counts and "." in part.name and not part.name.startswith("$"):
        return re.sub(r"(\.\d+)+$", "", part.name)
    names = [netlist.names[bit] for bit in part.driven() if bit in netlist.names]
    words = {re.sub(r"\[\d+\]$", "", name) for name in names}
    return min(words, key=lambda name: (len(name), name)) if words else part.source or part.name


def register_line(netlist: Netlist, part: Part) -> str:
    """Return the line of the RTL that a register comes from, or that declares it."""
    declared = (netlist.declared.get(bit, "") for bit in part.driven())
    return part.source or next(filter(None, declared), "")
