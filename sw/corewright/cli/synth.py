# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The command ``synth``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from corewright.cli.console import output, status, write_json
from corewright.cli.estimate import estimate
from corewright.environment import EnvironmentUnusableError, provenance
from corewright.flow.errors import FlowError, FlowInputError
from corewright.flow.own_models import system_for
from corewright.flow.synthesis import route, synthesise, synthesise_block
from corewright.flow.system import hardware_of, resized
from corewright.hardware import Hardware
from corewright.silicon import ASIC, Budget, exceeded, kinds_of, read_budgets
from corewright.silicon.rows import AnyRow, row_of
from corewright.silicon.table import write_rows

_DEFAULT_FAMILY, _DEFAULT_SYSTEM = "xc7", "lenet5"
# What the target ecp5 of a system routes.
_ROUTED_FAMILY, _ROUTED_UNITS, _SEEDS = "ecp5", (8, 8), 3
_HEADINGS = {
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "bram36": "BRAM 36k",
    "uram": "URAM",
    "area_um2": "um2",
    "ge": "GE",
    "memory_bits": "memory bits",
}


def synth(arguments: argparse.Namespace) -> int:
    """Synthesise and report; returns the exit status."""
    if arguments.estimate:
        name = arguments.system or _DEFAULT_SYSTEM
        if _is_block(name):
            raise FlowInputError("--estimate is of a system, a block has none")
        return estimate(arguments, name)
    if arguments.rows is not None:
        return _rows(arguments)
    if arguments.seeds is not None and not arguments.route:
        raise FlowInputError("--seeds is of place and route, legal is --route with it")
    if arguments.write:
        raise FlowInputError("--write is of the table, legal is --rows with it")
    name = arguments.system or _DEFAULT_SYSTEM
    family = arguments.family or _DEFAULT_FAMILY
    path: Path | None = arguments.hardware
    if arguments.route and (_is_block(name) or arguments.family not in (None, _ROUTED_FAMILY)):
        raise FlowInputError(f"--route is for systems on {_ROUTED_FAMILY}, nothing else is legal")
    with status() as progress:
        progress("synthesising (minutes the first time)")
        if _is_block(name):
            if path is not None:
                raise FlowInputError("--hardware is a system's, a block takes none")
            hardware, summary = None, synthesise_block(name, family)
        else:
            given = None if path is None else hardware_of(str(path.resolve()), Path())
            system = system_for(name, given)
            hardware = given or system.hardware
            if arguments.route:
                hardware = given or resized(hardware, _ROUTED_UNITS)
                progress("place and route (up to an hour the first time)")
                summary = route(hardware, arguments.seeds or _SEEDS, system=system)
            else:
                summary = synthesise(hardware, family, system=system)
    console = output()
    print_summary(console, name, hardware, summary)
    write_json(arguments.json, _report(name, hardware, summary))
    return 0


def _is_block(name: str) -> bool:
    return ":" in name and not Path(name).exists()


def _report(name: str, hardware: Hardware | None, summary: Mapping[str, Any]) -> dict[str, Any]:
    parameters = None if hardware is None else hardware.to_dict() | {"hash": f"{hardware.hash:08x}"}
    return {"system": name, "hardware": parameters, **summary, "provenance": provenance()}


def print_summary(
    console: Console, name: str, hardware: Hardware | None, summary: Mapping[str, Any]
) -> None:
    """Print what a system takes by block, and its longest paths."""
    where = f"{summary['family']}, Yosys {summary['yosys']}"
    if hardware is not None:
        rows, columns = hardware.processing_elements
        where = f"{rows}x{columns} units, {hardware.bits_input} bit, {where}"
    console.print(f"[bold]{escape(name)}[/] on {where}", highlight=False)
    known = kinds_of(summary["family"])
    kinds = [kind for kind in known if summary["total"][kind] or kind != "uram"]
    blocks = Table("block", box=None, pad_edge=False, header_style="bold")
    for kind in kinds:
        blocks.add_column(_HEADINGS[kind], justify="right")
    for block, amounts in summary["blocks"].items():
        blocks.add_row(escape(block), *(f"{amounts[kind]:,}" for kind in kinds))
    total = (f"{summary['total'][kind]:,}" for kind in kinds)
    blocks.add_row("[bold]total[/]", *total)
    console.print(blocks)
    if summary["family"] == ASIC:
        _print_timing(console, summary)
        return
    paths = Table("levels", "from", "to", box=None, pad_edge=False, header_style="bold")
    for path in summary["paths"]:
        ends = (f"{path[end]} ({path[end + '_source']})" for end in ("begin", "end"))
        paths.add_row(str(path["levels"]), *map(escape, ends))
    console.print(paths)
    if "route" in summary:
        _print_route(console, summary["route"])


def _print_timing(console: Console, summary: Mapping[str, Any]) -> None:
    shapes = ", ".join(
        f"{memory['count']} of {memory['words']}x{memory['width']}"
        for memory in summary["memories"]
    )
    timing = summary["timing"]
    assumed = f", with {timing['memory_ns']:g} ns assumed from the clock to a memory's output"
    lines = [f"memories beside the area: {shapes or 'none'}"]
    if timing["clock_mhz"] is None:
        lines.append("no path leads from a register to a register: there is no clock to tell")
    else:
        lines += [
            f"{clock_line(timing)} (OpenSTA {summary['opensta']}{assumed if shapes else ''})",
            f"slowest path, {len(timing['critical_cells']) - 1} cells, into {timing['block']}:",
        ]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    paths = Table("ns", "from", "to", box=None, pad_edge=False, header_style="bold")
    for path in timing["paths"]:
        ends = (f"{path[end]} ({path[end + '_source']})" for end in ("begin", "end"))
        paths.add_row(f"{path['nanoseconds']:.2f}", *map(escape, ends))
    if timing["paths"]:
        console.print(paths)


def clock_line(timing: Mapping[str, Any]) -> str:
    """Return the clock of standard cells with what it is worth."""
    if timing["clock_mhz"] is None:
        return "no clock"
    return f"{timing['clock_mhz']:g} MHz before layout, no wires"


def _print_route(console: Console, routed: Mapping[str, Any]) -> None:
    clocks = ", ".join(f"{clock:g}" for clock in routed["clock_mhz"])
    console.print(
        f"{routed['part']}, routed by {routed['seeds']} seeds: {clocks} MHz, median "
        f"{routed['median_mhz']:g}, minimum {routed['minimum_mhz']:g}",
        highlight=False,
        soft_wrap=True,
    )
    used = ", ".join(
        f"{kind} {amounts['used']:,} of {amounts['available']:,}"
        for kind, amounts in routed["utilisation"].items()
    )
    console.print(used, highlight=False, soft_wrap=True)
    path = routed["critical_path"]
    ends = " to ".join(f"{path[end]} ({path[f'{end}_source']})" for end in ("begin", "end"))
    console.print(
        f"critical path: {path['nanoseconds']} ns, {100 * path['logic_share']:.0f} % logic, "
        f"in {path['end_block']}: {ends}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


# ------------------------------------------------------------------------------------------ rows


def _rows(arguments: argparse.Namespace) -> int:
    for option in ("system", "hardware"):
        if getattr(arguments, option) is not None:
            raise FlowInputError(f"--rows names its own configurations, {option} is not legal")
    budgets = _chosen(arguments.rows, arguments.family)
    console = output()
    rows: list[AnyRow] = []
    problems: list[str] = []
    not_measured: list[str] = []
    reports = []
    for budget in budgets:
        with status() as progress:
            progress(f"{budget.name}, {budget.family}")
            try:
                summary = measure(budget)
            except (EnvironmentUnusableError, FlowError) as error:
                # The others are worth having; nobody needs an ASIC's tools who did not ask for it.
                absent = isinstance(error, EnvironmentUnusableError) and arguments.family is None
                found = not_measured if absent else problems
                found.append(f"{budget.name}, {budget.family}: {error}")
                continue
        rows.append(row_of(budget, summary, datetime.now(UTC).date().isoformat()))
        reports.append({"name": budget.name, **summary})
        kinds = kinds_of(budget.family)
        amounts = ", ".join(f"{summary['total'][kind]:,} {_HEADINGS[kind]}" for kind in kinds)
        clock = f", {clock_line(summary['timing'])}" if budget.family == ASIC else ""
        console.print(
            f"{budget.name}, {budget.family}: {amounts}, {summary['levels']} levels{clock}",
            highlight=False,
            soft_wrap=True,
        )
        problems += exceeded(budget, summary)
        if arguments.write:
            # Behind each: a night may end in any of them.
            write_rows(rows)
    for row in not_measured:
        console.print(f"not measured: {row}", style="bold", soft_wrap=True, markup=False)
    for problem in problems:
        console.print(problem, style="bold red", soft_wrap=True, highlight=False, markup=False)
    report = {"rows": reports, "problems": problems, "not_measured": not_measured}
    write_json(arguments.json, {**report, "provenance": provenance()})
    return 1 if problems else 0


def _chosen(names: list[str], family: str | None) -> list[Budget]:
    try:
        budgets = read_budgets()
    except ValueError as error:
        raise FlowInputError(str(error)) from error
    known = list(dict.fromkeys(budget.name for budget in budgets))
    if unknown := [name for name in names if name not in known]:
        raise FlowInputError(f"there is no row {unknown[0]!r}, legal are {', '.join(known)}")
    return [
        budget
        for budget in budgets
        if (not names or budget.name in names) and family in (None, budget.family)
    ]


def measure(budget: Budget) -> dict[str, Any]:
    """Return the summary of a budget's configuration, see :func:`synthesise`."""
    if budget.hardware is None:
        return synthesise_block(budget.core, budget.family, budget.parameters)
    return synthesise(budget.hardware, budget.family)
