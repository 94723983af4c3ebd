# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Whether an accelerator fits a board's part: by an estimate, before anybody waits for Vivado."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import cached_property

from corewright.export import Board
from corewright.flow.errors import FlowInputError
from corewright.flow.synthesis import rtl_digest
from corewright.hardware import Hardware
from corewright.silicon import KINDS
from corewright.silicon.estimate import FITTED, Formula, fitted, largest_array, left_out, ultra_rams

_LOG = logging.getLogger(__name__)
# What the block design adds, an estimate of no report, as nobody has built it: a reset, and five
# SmartConnects. The control port's converts to AXI4-Lite; each of the other four has buffers and
# converters of width and protocol: 2,000 LUT and 2,500 FF. None has multiplier blocks; block RAM
# they take where buffers are deep, and these have the depth that there is by default.
ALLOWANCE = {"lut": 8000, "ff": 10000}
NAMES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram36": "BRAM 36k", "uram": "URAM"}
# The variable that has a design set up that does not fit, and its one value.
OVERRIDE, _ALLOW = "COREWRIGHT_OVERSIZE", "allow"


@dataclass(frozen=True)
class Need:
    """What a design takes of one kind, and what the part has.

    Attributes:
        kind: of :data:`corewright.silicon.KINDS`.
        accelerator: what the formula says.
        residual: the formula's largest relative error on measured rows.
        allowance: for the block design.
        available: what the part has.
    """

    kind: str
    accelerator: float
    residual: float
    allowance: int
    available: int

    @property
    def most(self) -> float:
        """What it takes if the formula is as far below as it ever was off."""
        return self.accelerator * (1 + self.residual) + self.allowance

    @property
    def least(self) -> float:
        """What it takes if the formula is as far above as it ever was off."""
        return self.accelerator * (1 - self.residual) + self.allowance

    def __str__(self) -> str:
        total = self.accelerator + self.allowance
        more = total - self.available
        spare = f"{amount(more)} too many" if more > 0 else f"{amount(-more)} to spare"
        return (
            f"{NAMES[self.kind]} {amount(total)} of {amount(self.available)}, {spare} (accelerator "
            f"{amount(self.accelerator)}, block design {amount(self.allowance)})"
        )


def amount(value: float) -> str:
    """Return a count as text; a half is half of a block RAM."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


@dataclass(frozen=True)
class Fit:
    """A hardware on a board.

    Attributes:
        hardware: the accelerator.
        board: with the part.
        formula: of the estimate.
    """

    hardware: Hardware
    board: Board
    formula: Formula

    @cached_property
    def needs(self) -> list[Need]:
        """By kind what it takes and what there is; empty where the board does not say."""
        amounts, has = self.formula.amounts(self.hardware), self.board.resources
        return [
            Need(
                kind, amounts[kind], self.formula.residuals[kind], ALLOWANCE.get(kind, 0), has[kind]
            )
            for kind in KINDS
            if kind in has
        ]

    @property
    def too_much(self) -> list[Need]:
        """What the part cannot have, however far off the formula is."""
        return [
            need for need in self.needs if need.least > need.available and not self._may_move(need)
        ]

    @property
    def close(self) -> list[Need]:
        """What the part may not have: its limit is within the residual, or UltraRAM may help."""
        much = self.too_much
        return [need for need in self.needs if need.most > need.available and need not in much]

    def _may_move(self, need: Need) -> bool:
        """Whether UltraRAM has room for what is too much. Nobody has seen Vivado do that."""
        if need.kind != "bram36":
            return False
        ultra = ultra_rams(self.hardware, need.least - need.available)
        return ultra <= self.board.resources["uram"]

    @cached_property
    def most(self) -> tuple[int, int]:
        """Rows and columns up to which another array is looked for: what is asked or measured."""
        rows, columns = self.formula.largest_measured()
        return max(rows, self.hardware.rows), max(columns, self.hardware.columns)

    def largest(self) -> Hardware | None:
        """Return the hardware with the most units that fits beyond doubt: see ``largest_array``."""

        def fits(smaller: Hardware) -> bool:
            fit = Fit(smaller, self.board, self.formula)
            return not fit.too_much and not fit.close

        return largest_array(self.hardware, self.most, fits)

    def refusal(self) -> str:
        """Return the line that says what is too much, by how much, and what fits."""
        smaller = self.largest()
        rows, columns = self.most
        helps = "no smaller array fits: its buffers are too deep"
        if smaller is not None:
            helps = (
                f"the largest array up to {rows}x{columns} that fits, all else equal, is "
                f"{smaller.rows}x{smaller.columns}"
            )
        return (
            f"{self._units()} do not fit {self.board.name}'s {self.board.part}: "
            f"{'; '.join(map(str, self.too_much))}; {helps}"
        )

    def statement(self) -> str:
        """Return the line that says, of a hardware that fits, what is taken."""
        taken = ", ".join(
            f"{NAMES[need.kind]} {amount(need.accelerator + need.allowance)} of "
            f"{amount(need.available)}"
            for need in self.needs
            if need.kind != "uram"
        )
        return (
            f"{self._units()} fit {self.board.name}'s {self.board.part}, by an estimate: {taken}; "
            f"{self.basis()}"
        )

    def basis(self) -> str:
        """Return the line that says what the estimate is worth."""
        return f"{basis(self.formula)}; {block_design()}{self._beyond()}"

    def _units(self) -> str:
        return f"{self.hardware.rows}x{self.hardware.columns} units"

    def _beyond(self) -> str:
        text = beyond(self.formula, self.hardware)
        return f"; {text}" if text else ""


def basis(formula: Formula) -> str:
    """Return what a formula is of, and how far it was off there."""
    residuals = ", ".join(
        f"{NAMES[kind]} {100 * formula.residuals[kind]:.1f} %" for kind in KINDS if kind != "uram"
    )
    left = left_out(formula.points)
    alone = ", ".join(
        f"{NAMES[kind]} {100 * max(row[kind] for row in left):.1f} %" for kind in FITTED
    )
    stale = formula.stale(rtl_digest())
    count = len(formula.points)
    of_old = f", {len(stale)} of them of older RTL" if stale else ""
    return (
        f"estimated by a formula fitted to {count} accelerators that Yosys mapped to series 7"
        f"{of_old}, off there by at most {residuals} ({alone} on one that the fit does not know)"
    )


def block_design() -> str:
    """Return what is added for the block design."""
    added = " and ".join(f"{amount(value)} {NAMES[kind]}" for kind, value in ALLOWANCE.items())
    return f"with {added} for the block design, an estimate that nobody has measured"


def beyond(formula: Formula, hw: Hardware) -> str:
    """Return what of a hardware is outside of the measured rows, so that nobody relies on it."""
    found = ", ".join(
        f"{name} {value:,} ({least:,} to {most:,})"
        if least < most
        else f"{name} {value:,} ({most:,})"
        for name, (value, least, most) in formula.outside(hw).items()
    )
    return f"EXTRAPOLATED beyond the measured rows: {found}" if found else ""


def formula_of_tree() -> Formula:
    """Return the formula that is fitted to the tree's rows.

    Raises:
        FlowInputError: a file of the tree is damaged.
    """
    try:
        return fitted()
    except ValueError as error:
        raise FlowInputError(str(error)) from error


def require_fit(hw: Hardware, board: Board, *, oversize: bool = False) -> None:
    """Refuse a hardware that a board's part has no room for.

    Within the residual of a limit, with ``oversize``, and with ``COREWRIGHT_OVERSIZE=allow``, it is
    a warning. What fits is logged in a line with the estimate.

    Args:
        hw: the accelerator.
        board: with the part.
        oversize: whether to go on with what does not fit.

    Raises:
        FlowInputError: it does not fit: the line says what is too much, by how much, what would
            fit, what the estimate is worth, and how to go on all the same.
    """
    asked = os.environ.get(OVERRIDE, "")
    if asked not in ("", _ALLOW):
        raise FlowInputError(f"{OVERRIDE} is {asked!r}, legal is {_ALLOW}, or nothing")
    if not board.resources:
        _LOG.warning("%s: has no RESOURCES, so whether it fits is not checked", board.file)
        return
    fit = Fit(hw, board, formula_of_tree())
    if not fit.too_much:
        if fit.close:
            close = "; ".join(map(str, fit.close))
            _LOG.warning("%s may not fit: %s; %s", board.name, close, fit.basis())
        else:
            _LOG.info("%s", fit.statement())
        return
    if not asked and not oversize:
        raise FlowInputError(
            f"{fit.refusal()}; {fit.basis()}; oversize: true in the target, or {OVERRIDE}={_ALLOW} "
            "in the environment, sets it up all the same"
        )
    who = OVERRIDE if asked else "oversize"
    _LOG.warning("SET UP ALL THE SAME, AS %s SAYS: %s; %s", who, fit.refusal(), fit.basis())
