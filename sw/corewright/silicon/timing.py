# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Static timing of a netlist of standard cells by OpenSTA: what it reads, and what it reports.

Before layout: there are no wires, and the clock arrives everywhere at once. Paths go from registers
and memories to registers and memories; those from and to ports are left out. A memory is a black
box: each of its inputs is timed as a flip-flop's, its outputs come an assumed time behind the
clock.

The flow ``cw_synth`` runs ``python -m corewright.silicon.timing`` in front of OpenSTA, and
:mod:`corewright.silicon.__main__` reads the report behind it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corewright.environment import not_installed, search_path
from corewright.silicon.cells import ASIC, MEMORY, NetlistError
from corewright.silicon.command import told
from corewright.silicon.liberty import LIBRARY_FILE, LIBRARY_PACKAGE, Library, read_library
from corewright.silicon.netlist import Netlist, Part, block_of, read_netlist
from corewright.silicon.paths import register_line, register_name

# What OpenSTA reads, in the folder where it runs.
VERILOG, SCRIPT, MEMORIES = "sta.v", "sta.tcl", "memories.lib"
_CLOCK, _DONE, _BEGINS = "clock", "corewright: done", "corewright: paths"
_OUTPUT = "cw_memory_output"
# Ends that are asked for: bits of one register are many.
_ENDS, _PATHS = 2000, 10
_INSTANCE = r"(c\d+(?:_\w+)?)"
_NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"


@dataclass(frozen=True)
class TimedPath:
    """The slowest path into a register.

    Attributes:
        nanoseconds: the shortest period that it allows: with the time that the register needs in
            front of the clock.
        begin: the register or memory that it begins at.
        begin_source: line of the RTL that it comes from.
        end: the register or memory that it ends at.
        end_source: the same of that.
    """

    nanoseconds: float
    begin: str
    begin_source: str
    end: str
    end_source: str


# What OpenSTA is started as, and Debian's package of it.
OPENSTA, OPENSTA_PACKAGE = "sta", "opensta"


def opensta() -> Path | None:
    """Return the OpenSTA that is started; None: there is none."""
    found = shutil.which(OPENSTA, path=search_path(os.environ.get("PATH", "")))
    return None if found is None else Path(found)


def missing_for_asic(library: Path | None = None) -> str:
    """Return what has to be installed for the family ``asic``, as a sentence; empty: nothing.

    Args:
        library: of cells, None: the package's.
    """
    packages = [] if library is not None or LIBRARY_FILE.is_file() else [LIBRARY_PACKAGE]
    packages += [] if opensta() is not None else [OPENSTA_PACKAGE]
    if not packages:
        return ""
    other = "; the option liberty of the target synth names another library"
    return not_installed(packages) + (other if LIBRARY_PACKAGE in packages else "")


# ------------------------------------------------------------------------------- what it reads


def write_inputs(
    netlist: Netlist, library: Library, library_file: str, folder: Path, memory_ns: float
) -> None:
    """Write what OpenSTA reads: the netlist as Verilog, its memories' timing, and a script.

    Instances are numbered as the netlist's parts, and wires as its bits: no name has to survive.

    Args:
        netlist: of standard cells.
        library: of these.
        library_file: its file, as OpenSTA finds it from the folder.
        folder: where they are written.
        memory_ns: from the clock to a memory's output, assumed.

    Raises:
        NetlistError: a register's clock is no port or its falling edge, or the library has no
            flip-flop for memories.
    """
    falling = {cell.name for cell in library.cells.values() if cell.falling}
    if found := sorted({part.kind for part in netlist.parts} & falling):
        raise NetlistError(f"{found[0]}: registers on a falling edge are not timed")
    clocks = sorted(_clocks(netlist))
    verilog = "\n".join(_verilog(netlist, _flip_flop(netlist, library), clocks)) + "\n"
    (folder / VERILOG).write_text(verilog, encoding="utf-8")
    (folder / MEMORIES).write_text(_memories(memory_ns), encoding="utf-8")
    (folder / SCRIPT).write_text(script(netlist.top, library_file, clocks), encoding="utf-8")


def _clocks(netlist: Netlist) -> set[int]:
    found: set[int] = set()
    for part in netlist.parts:
        for port in part.cell.clocks:
            found.update(part.inputs.get(port, ()))
    if inner := sorted(found - netlist.inputs):
        names = [netlist.names.get(bit, f"bit {bit}") for bit in inner]
        raise NetlistError(f"{', '.join(names[:4])}: a clock that is no port is not timed")
    return found


def _flip_flop(netlist: Netlist, library: Library) -> str:
    """What a memory's inputs are timed as: the smallest flip-flop without further inputs."""
    if all(part.kind != MEMORY for part in netlist.parts):
        return ""
    plain = [
        cell
        for cell in library.cells.values()
        if cell.state == "ff" and cell.inputs == ("CLK", "D") and not cell.falling
    ]
    if not plain:
        raise NetlistError(f"{library.name} has no flip-flop with nothing but CLK and D")
    return min(plain, key=lambda cell: (cell.area, cell.name)).name


def _verilog(netlist: Netlist, flip_flop: str, clocks: Sequence[int]) -> Iterator[str]:
    inputs, outputs = sorted(netlist.inputs), sorted(netlist.outputs - netlist.inputs)
    ports = [*(f"input n{bit}" for bit in inputs), *(f"output n{bit}" for bit in outputs)]
    yield f"module {netlist.top} ({', '.join(f'n{bit}' for bit in (*inputs, *outputs))});"
    yield from (f"  {port};" for port in ports)
    outside = {*inputs, *outputs}
    inside = {bit for part in netlist.parts for bit in part.driven()} - outside
    yield from (f"  wire n{bit};" for bit in sorted(inside))
    for index, part in enumerate(netlist.parts):
        if part.kind == MEMORY:
            yield from _memory(index, part, flip_flop, clocks)
            continue
        pins = {
            port: bits[0]
            for port, bits in (*part.inputs.items(), *part.outputs.items())
            if bits and bits[0] >= 0
        }
        joined = ", ".join(f".{pin}(n{bit})" for pin, bit in pins.items())
        yield f"  {part.kind} c{index} ({joined});"
    yield "endmodule"


def _memory(index: int, part: Part, flip_flop: str, clocks: Sequence[int]) -> Iterator[str]:
    (clock, *_) = (*part.inputs.get("RD_CLK", ()), *clocks)
    # Wide enables are one bit many times: a macro has a pin for it, not one for each bit.
    read = dict.fromkeys(bit for port, bit in part.read() if port not in part.cell.clocks)
    for number, bit in enumerate(read):
        yield f"  {flip_flop} c{index}_i{number} (.CLK(n{clock}), .D(n{bit}));"
    for number, bit in enumerate(part.driven()):
        yield f"  {_OUTPUT} c{index}_o{number} (.CLK(n{clock}), .Q(n{bit}));"


def _memories(memory_ns: float) -> str:
    def scalar(name: str, value: float) -> str:
        return f'        {name}(scalar) {{ values("{value:g}"); }}\n'

    edges = ("rise", "fall")
    shares = {
        "input_threshold": 50,
        "output_threshold": 50,
        "slew_lower_threshold": 20,
        "slew_upper_threshold": 80,
    }
    thresholds = "".join(
        f"  {name}_pct_{edge} : {share};\n" for name, share in shares.items() for edge in edges
    )
    timing = "".join(scalar(f"cell_{edge}", memory_ns) for edge in edges)
    timing += "".join(scalar(f"{edge}_transition", 0.1) for edge in edges)
    return (
        f"library(cw_memories) {{\n"
        f'  delay_model : table_lookup;\n  time_unit : "1ns";\n'
        f"  capacitive_load_unit(1, pf);\n{thresholds}"
        f"  cell({_OUTPUT}) {{\n"
        f'    ff(IQ, IQN) {{ next_state : "IQ"; clocked_on : "CLK"; }}\n'
        f"    pin(CLK) {{ direction : input; clock : true; capacitance : 0; }}\n"
        f'    pin(Q) {{\n      direction : output;\n      function : "IQ";\n'
        f'      timing() {{\n        related_pin : "CLK";\n'
        f"        timing_type : rising_edge;\n{timing}      }}\n    }}\n  }}\n}}\n"
    )


def script(top: str, library_file: str, clocks: Sequence[int], period_ns: float = 10.0) -> str:
    """Return OpenSTA's script; the period is none that anything was mapped for."""
    ports = " ".join(f"n{bit}" for bit in clocks)
    lines = [
        f"read_liberty {library_file}",
        f"read_liberty {MEMORIES}",
        f"read_verilog {VERILOG}",
        f"link_design {top}",
        f"create_clock -name {_CLOCK} -period {period_ns:g} [get_ports {{{ports}}}]",
        f'puts "{_BEGINS}"',
        f"report_checks -path_delay max -group_count {_ENDS} -format summary -digits 4",
        "report_checks -path_delay max -format full -fields {slew} -digits 4",
        f'puts "{_DONE}"',
    ]
    # Without a register there is no clock, and no path.
    return "\n".join(lines if clocks else lines[-1:]) + "\n"


# ----------------------------------------------------------------------------- what it reports


def timing_of(text: str, netlist: Netlist) -> dict[str, Any]:
    """Return what a report of OpenSTA says, JSON-compatible.

    Args:
        text: of what :func:`script` makes.
        netlist: the one that was timed.

    Returns:
        ``nanoseconds`` and ``clock_mhz`` (the shortest period, and its clock; null where no path
        leads from a register to a register), ``critical_cells`` (on the slowest path, the
        register that it begins at first: each one's ``cell`` and the ``nanoseconds`` that it adds),
        ``paths`` (see :class:`TimedPath`), ``block`` (that the slowest path ends in).

    Raises:
        NetlistError: the report is not whole, or says that something was not understood.
    """
    _check(text)
    body = text[text.find(_BEGINS) :] if _BEGINS in text else ""
    rows = _summary_rows(body)
    if not rows:
        if body and "No paths found" not in body:
            raise NetlistError("the report of OpenSTA has neither a path nor that there is none")
        return {
            "nanoseconds": None,
            "clock_mhz": None,
            "critical_cells": [],
            "paths": [],
            "block": None,
        }
    available, worst, cells = _full_report(body)
    if abs(worst - rows[0][2]) > 1e-3:
        raise NetlistError("the reports of OpenSTA's slowest path differ")
    ends: dict[str, TimedPath] = {}
    for begin, end, slack in rows:
        first, last = (_part(netlist, instance) for instance in (begin, end))
        path = TimedPath(
            round(available - slack, 3),
            register_name(netlist, first),
            register_line(netlist, first),
            register_name(netlist, last),
            register_line(netlist, last),
        )
        ends.setdefault(path.end, path)
    paths = list(ends.values())[:_PATHS]
    slowest = paths[0].nanoseconds
    if slowest <= 0:
        raise NetlistError(f"the report of OpenSTA has a period of {slowest} ns")
    return {
        "nanoseconds": slowest,
        "clock_mhz": round(1000 / slowest, 1),
        "critical_cells": cells,
        "paths": [asdict(path) for path in paths],
        "block": _block(netlist, _part(netlist, rows[0][1])),
    }


def _check(text: str) -> None:
    # Of a cell that it does not know OpenSTA makes a black box, and of an error a status of 0. What
    # else it warns of is the library's.
    for line in text.splitlines():
        if re.match(r"Error\b|Warning\b.*black box", line):
            raise NetlistError(f"OpenSTA: {line.strip()}")
    if not text.rstrip().endswith(_DONE):
        raise NetlistError("the report of OpenSTA is not whole")


def _summary_rows(body: str) -> list[tuple[str, str, float]]:
    end = rf"{_INSTANCE}(?:/\w+)?(?: \(\S+\))?\s+"
    found = re.findall(rf"^{end}{end}({_NUMBER})$", body, re.MULTILINE)
    rows = [(begin, end, float(slack)) for begin, end, slack in found]
    return sorted(rows, key=lambda row: row[2])


def _full_report(body: str) -> tuple[float, float, list[dict[str, Any]]]:
    """Time between the clocks' edges, slack, and the cells of the path."""
    edges = re.findall(rf"^\s+(?:{_NUMBER}\s+)*({_NUMBER})\s+clock {_CLOCK} ", body, re.MULTILINE)
    slack = re.findall(rf"^\s+({_NUMBER})\s+slack \((?:MET|VIOLATED)\)", body, re.MULTILINE)
    if len(edges) != 2 or len(slack) != 1:
        raise NetlistError("the report of OpenSTA has no slowest path in full")
    available = float(edges[1]) - float(edges[0])
    return available, float(slack[0]), _stages(body)


def _stages(body: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in body.splitlines():
        if pin := re.search(rf"({_NUMBER})\s+{_NUMBER} [v^] {_INSTANCE}/\w+ \((\w+)\)$", line):
            found.append({"cell": pin[3], "nanoseconds": float(pin[1])})
    # The first is the clock, the last the input of the register.
    return found[1:-1]


def _part(netlist: Netlist, instance: str) -> Part:
    index = int(re.sub(r"_.*", "", instance)[1:])
    if index >= len(netlist.parts):
        raise NetlistError(f"the report of OpenSTA is of another netlist: {instance}")
    return netlist.parts[index]


def _block(netlist: Netlist, part: Part) -> str:
    return block_of(part.scope or register_name(netlist, part).rpartition(".")[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what OpenSTA reads into the working folder; 0, or 1 after an error."""
    parser = argparse.ArgumentParser(
        prog="python -m corewright.silicon.timing", description=__doc__
    )
    parser.add_argument("netlist", type=Path)
    parser.add_argument("--top", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--nand2", required=True)
    parser.add_argument("--memory-ns", type=float, required=True)
    options = parser.parse_args(arguments)
    folder = Path()
    for name in (VERILOG, SCRIPT, MEMORIES):
        (folder / name).unlink(missing_ok=True)

    def work() -> None:
        library = read_library(options.library, options.nand2)
        netlist = read_netlist(options.netlist, options.top, ASIC, library)
        write_inputs(netlist, library, options.library, folder, options.memory_ns)

    return told(work)


if __name__ == "__main__":
    sys.exit(main())
