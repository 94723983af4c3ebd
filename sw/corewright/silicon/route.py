# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Place and route of an ECP5 netlist: what goes in front of nextpnr, and what comes out of it.

The flow ``cw_ecp5`` runs ``python -m corewright.silicon.route register`` and ``... summary``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corewright.silicon.cells import NetlistError
from corewright.silicon.command import written
from corewright.silicon.netlist import Netlist, Part, block_of, read_netlist
from corewright.silicon.paths import register_line

# A register of ECP5 as Yosys writes one, without enable and reset.
# A string of binary digits has a space behind it: without one it is a number.
_FLIP_FLOP = {
    "GSR": "DISABLED",
    "CEMUX": "1 ",
    "CLKMUX": "CLK",
    "LSRMUX": "LSR",
    "REGSET": "RESET",
}
CLOCK, RESET = "clk_i", "rst_ni"


def register_ports(module: dict[str, Any], clock: str = CLOCK, reset: str = RESET) -> int:
    """Put a register behind each input and in front of each output of a module of Yosys' JSON.

    Clock and reset stay as they are.

    Args:
        module: the module, which is changed.
        clock: its clock.
        reset: its reset, if it has one.

    Returns:
        The number of registers.

    Raises:
        NetlistError: it has no such clock.
    """
    if clock not in module["ports"]:
        raise NetlistError(f"there is no port {clock}")
    (clock_bit,) = module["ports"][clock]["bits"]
    free = 1 + max(
        (
            bit
            for entry in (*module["netnames"].values(), *module["ports"].values())
            for bit in entry["bits"]
            if isinstance(bit, int)
        ),
        default=1,
    )
    added = 0
    for name, port in module["ports"].items():
        if name in (clock, reset):
            continue
        outside = []
        for index, inside in enumerate(port["bits"]):
            if port["direction"] == "input":
                data, output = free, inside
            else:
                data, output = inside, free
            outside.append(free)
            free += 1
            module["cells"][f"$port${name}${index}"] = {
                "hide_name": 1,
                "type": "TRELLIS_FF",
                "parameters": _FLIP_FLOP,
                "attributes": {},
                "port_directions": {"CLK": "input", "DI": "input", "LSR": "input", "Q": "output"},
                "connections": {"CLK": [clock_bit], "DI": [data], "LSR": ["0"], "Q": [output]},
            }
            added += 1
        port["bits"] = outside
        # The name is the port's: inside, the former wire has another.
        if name in module["netnames"]:
            module["netnames"][f"{name}$registered"] = module["netnames"].pop(name)
    return added


def routed_summary(
    netlist: Netlist, reports: Sequence[Mapping[str, Any]], part: str
) -> dict[str, Any]:
    """Return what nextpnr's reports say, JSON-compatible.

    Args:
        netlist: what was placed, without the registers of its ports.
        reports: of nextpnr, one a seed.
        part: the chip and its speed grade.

    Returns:
        ``part``, ``seeds``, ``clock_mhz`` (a list, one a seed, after routing), ``median_mhz``,
        ``minimum_mhz``, ``utilisation`` (by kind ``used`` and ``available``, of the first seed),
        ``critical_path`` (of the slowest seed: ``nanoseconds``, ``logic_share``, ``begin``,
        ``begin_source``, ``begin_block``, ``end``, ``end_source``, ``end_block``).

    Raises:
        NetlistError: a report is not one of a design that was routed.
    """
    clocks = [_clock(report) for report in reports]
    slowest = reports[clocks.index(min(clocks))]
    return {
        "part": part,
        "seeds": len(clocks),
        "clock_mhz": [round(clock, 2) for clock in clocks],
        "median_mhz": round(statistics.median(clocks), 2),
        "minimum_mhz": round(min(clocks), 2),
        "utilisation": {
            kind: amounts
            for kind, amounts in sorted(reports[0]["utilization"].items())
            if amounts["used"]
        },
        "critical_path": _critical_path(netlist, slowest),
    }


def _clock(report: Mapping[str, Any]) -> float:
    achieved = [float(clock["achieved"]) for clock in report.get("fmax", {}).values()]
    if not achieved:
        raise NetlistError("the report of nextpnr has no clock: nothing was routed")
    return min(achieved)


def _critical_path(netlist: Netlist, report: Mapping[str, Any]) -> dict[str, Any]:
    paths = [path for path in report.get("critical_paths", ()) if path["from"] == path["to"]]
    if not paths:
        raise NetlistError("the report of nextpnr has no path from clock to clock")
    segments = max((path["path"] for path in paths), key=_delay)
    found = {part.name: part for part in netlist.parts}
    ends = {"begin": segments[0]["from"]["cell"], "end": segments[-1]["to"]["cell"]}
    result: dict[str, Any] = {"nanoseconds": round(_delay(segments), 2)}
    wires = sum(each["delay"] for each in segments if each["type"] == "routing")
    result["logic_share"] = round(1 - wires / max(_delay(segments), 1e-9), 3)
    for end, cell in ends.items():
        part = _part(found, cell)
        names = [] if part is None else [netlist.names.get(bit, "") for bit in part.driven()]
        result[end] = next(filter(None, names), cell)
        result[f"{end}_source"] = "" if part is None else register_line(netlist, part)
        result[f"{end}_block"] = block_of(result[end].rpartition(".")[0])
        if part is not None and part.scope:
            result[f"{end}_block"] = block_of(part.scope)
    return result


def _delay(segments: Sequence[Mapping[str, Any]]) -> float:
    return float(sum(each["delay"] for each in segments))


def _part(found: Mapping[str, Part], cell: str) -> Part | None:
    """The netlist's cell that one of nextpnr's is a piece of."""
    for name in _stems(cell):
        if name in found:
            return found[name]
    return None


def _stems(cell: str) -> Iterator[str]:
    yield cell
    for mark in ("$", "_"):
        stem = cell
        while mark in stem:
            stem = stem.rpartition(mark)[0]
            yield stem


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the netlist with registers at its ports, or the summary; 0, or 1 after an error."""
    parser = argparse.ArgumentParser(prog="python -m corewright.silicon.route", description=__doc__)
    parser.add_argument("what", choices=("register", "summary"))
    parser.add_argument("netlist", type=Path)
    parser.add_argument("--top", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", default="")
    parser.add_argument("--reports", type=Path, nargs="*", default=[])
    options = parser.parse_args(arguments)

    def text() -> str:
        if options.what == "register":
            contents = json.loads(options.netlist.read_bytes())
            register_ports(contents["modules"][options.top])
        else:
            reports = [json.loads(path.read_bytes()) for path in options.reports]
            netlist = read_netlist(options.netlist, options.top, "ecp5")
            contents = routed_summary(netlist, reports, options.part)
        return json.dumps(contents, indent=2) + "\n"

    return written(options.out, text)


if __name__ == "__main__":
    sys.exit(main())
