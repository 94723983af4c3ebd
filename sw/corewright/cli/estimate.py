# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The option ``--estimate`` of the command ``synth``: what a system takes, without a synthesis."""

from __future__ import annotations

import argparse
from typing import Any

from rich.markup import escape
from rich.table import Table

from corewright.cli.console import output, write_json
from corewright.environment import provenance
from corewright.export import board_names, find_board
from corewright.flow.errors import FlowInputError
from corewright.flow.fit import ALLOWANCE, NAMES, Fit, amount, basis, beyond, formula_of_tree
from corewright.flow.own_models import system_for
from corewright.flow.synthesis import rtl_digest
from corewright.flow.system import hardware_of
from corewright.hardware import Hardware
from corewright.silicon import KINDS
from corewright.silicon.estimate import Formula


def estimate(arguments: argparse.Namespace, name: str) -> int:
    """Print what a system takes of a chip and which boards have room; returns the exit status."""
    for option in ("family", "route", "seeds", "rows", "write"):
        if getattr(arguments, option) not in (None, False):
            raise FlowInputError(
                f"--estimate is of a system on our boards, --{option} is not legal"
            )
    given = None
    if arguments.hardware is not None:
        given = hardware_of(str(arguments.hardware.resolve()), arguments.hardware.parent)
    hardware = given or system_for(name, given).hardware
    formula = formula_of_tree()
    fits = [Fit(hardware, find_board(board), formula) for board in board_names()]
    _print(name, hardware, formula, fits)
    amounts = formula.amounts(hardware)
    report: dict[str, Any] = {
        "system": name,
        "hardware": hardware.to_dict() | {"hash": f"{hardware.hash:08x}"},
        "estimate": amounts,
        "residual": dict(formula.residuals),
        "block_design": dict(ALLOWANCE),
        "extrapolated": list(formula.outside(hardware)),
        "rows": [point.row.name for point in formula.points],
        "stale": [row.name for row in formula.stale(rtl_digest())],
        "boards": {fit.board.name: _report(fit) for fit in fits},
        "provenance": provenance(),
    }
    write_json(arguments.json, report)
    return 0


def _report(fit: Fit) -> dict[str, Any]:
    smaller = fit.largest() if fit.too_much else None
    return {
        "part": fit.board.part,
        "fits": not fit.too_much,
        "too_much": [need.kind for need in fit.too_much],
        "close": [need.kind for need in fit.close],
        "largest": None if smaller is None else list(smaller.processing_elements),
    }


def _print(name: str, hardware: Hardware, formula: Formula, fits: list[Fit]) -> None:
    console = output()
    rows, columns = hardware.processing_elements
    console.print(
        f"[bold]{escape(name)}[/], {rows}x{columns} units, {hardware.bits_input} bit, estimated",
        highlight=False,
    )
    table = Table("", box=None, pad_edge=False, header_style="bold")
    kinds = [kind for kind in KINDS if kind != "uram"]
    for kind in kinds:
        table.add_column(NAMES[kind], justify="right")
    table.add_column("")
    amounts = formula.amounts(hardware)
    table.add_row("accelerator", *(amount(amounts[kind]) for kind in kinds))
    off = (f"{100 * formula.residuals[kind]:.1f} %" for kind in kinds)
    table.add_row("off by at most", *off, "where it was measured")
    added = (amount(ALLOWANCE.get(kind, 0)) for kind in kinds)
    table.add_row("block design", *added, "set down, not measured")
    for fit in fits:
        has = (f"{fit.board.resources[kind]:,}" for kind in kinds)
        table.add_row(fit.board.name, *has, _verdict(fit))
    console.print(table)
    for line in filter(None, (basis(formula), beyond(formula, hardware))):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _verdict(fit: Fit) -> str:
    if not fit.too_much:
        close = ", ".join(NAMES[need.kind] for need in fit.close)
        return f"may not fit: {close}" if close else "fits"
    smaller = fit.largest()
    much = ", ".join(NAMES[need.kind] for need in fit.too_much)
    most = "none" if smaller is None else f"{smaller.rows}x{smaller.columns}"
    return f"does not fit: {much}; at most {most}"
