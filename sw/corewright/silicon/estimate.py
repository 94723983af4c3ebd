# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What an accelerator takes of a chip, estimated by a formula that is fitted to the measured rows.

Multiplier blocks and block RAMs follow from the geometry alone. LUTs and flip-flops are a sum of
few terms, each of which is the size of a part of the RTL, times coefficients: least squares of the
relative errors over the rows of ``regressions/silicon.json`` that are accelerators on series 7,
none of them negative. How far the formula is off on those rows is part of every answer.

It is of series 7 for all of AMD's parts: slices, multiplier blocks and block RAMs of UltraScale+
have the same sizes. What the open flow takes more there (see docs/silicon.md) is left out, because
Vivado packs accumulators into DSP48E2, and it is Vivado that a board's design is for. Memories are
counted as block RAM; RAMs of 288 kbit are what might take some of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from corewright.facts.widths import number_bits
from corewright.hardware import Hardware
from corewright.silicon.budgets import Budget, read_budgets
from corewright.silicon.resources import KINDS
from corewright.silicon.rows import AnyRow, Row, read_rows

FAMILY = "xc7"
FITTED = ("lut", "ff")
# Yosys' own limit for DSP48E1, and about Vivado's: products below are of LUTs.
_DSP_PRODUCT_BITS = 9
# Depth and width of a RAMB18 with one port for each direction; a RAMB36 is two of them.
_RAMB18 = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
_URAM = (4096, 72)
# Up to so many entries a memory is of LUTs.
_LUT_RAM_DEPTH = 64


# By name the terms of the formula, and their sizes in the letters of docs/architecture.md.
TERMS = {
    "accelerator": "1",
    "words": "R D P",
    "lanes": "R W",
    "array": "LUT: R C, FF: R C P / W",
    "ports": "A",
    "packing": "(A + 8 B) log2(max(A / 8, B) / U)",
    "products": "LUT: R C (P K + S), FF: R C",
}

# Of a hardware what the RTL's size depends on: between the least and the most of the rows an
# estimate is within what was measured.
MEASURED = (
    *("rows", "columns", "drain", "bits_input", "bits_weights", "bits_sum", "axi_width"),
    *("pixel_rows", "weight_rows", "bias_rows", "perf_layers"),
    *("address_width", "max_burst_beats", "max_outstanding"),
)


@dataclass(frozen=True)
class Point:
    """A measured row that is an accelerator.

    Attributes:
        hardware: its configuration.
        row: what was measured.
    """

    hardware: Hardware
    row: Row


@dataclass(frozen=True)
class Formula:
    """The formula with its coefficients.

    Attributes:
        coefficients: by kind of :data:`FITTED` and term.
        residuals: by kind the largest relative error on the rows.
        points: the rows.
    """

    coefficients: Mapping[str, Mapping[str, float]]
    residuals: Mapping[str, float]
    points: tuple[Point, ...]

    def amounts(self, hw: Hardware) -> dict[str, float]:
        """Return by kind of :data:`corewright.silicon.KINDS` what an accelerator takes."""
        return _amounts(self.coefficients, hw)

    def stale(self, rtl: str) -> list[Row]:
        """Return the rows that are of other RTL than this."""
        return [point.row for point in self.points if point.row.rtl != rtl]

    def outside(self, hw: Hardware) -> dict[str, tuple[int, int, int]]:
        """Return what a hardware has more or less of than all rows.

        Returns:
            by name of :data:`MEASURED` its value, and the least and the most that was measured;
            empty: the formula is asked for nothing beyond the rows.
        """
        found = {}
        for name in MEASURED:
            value = getattr(hw, name)
            known = [getattr(point.hardware, name) for point in self.points]
            if not min(known) <= value <= max(known):
                found[name] = (value, min(known), max(known))
        return found

    def largest_measured(self) -> tuple[int, int]:
        """Return the most rows and the most columns that were measured."""
        sizes = [point.hardware.processing_elements for point in self.points]
        return max(rows for rows, _ in sizes), max(columns for _, columns in sizes)


def points(rows: Sequence[AnyRow], budgets: Sequence[Budget]) -> tuple[Point, ...]:
    """Return the rows that the formula is fitted to."""
    hardware = {(budget.name, budget.family): budget.hardware for budget in budgets}
    found = ((hardware.get((row.name, row.family)), row) for row in rows if row.family == FAMILY)
    return tuple(Point(hw, row) for hw, row in found if hw is not None and isinstance(row, Row))


def fitted(measured: Sequence[Point] | None = None) -> Formula:
    """Fit the formula.

    Args:
        measured: the points; None: those of the tree.

    Raises:
        ValueError: a file of the tree is damaged, or there are fewer points than coefficients.
    """
    if measured is None:
        measured = points(read_rows(), read_budgets())
    least = max(len(terms(Hardware())[kind]) for kind in FITTED)
    if len(measured) < least:
        raise ValueError(f"{len(measured)} accelerators are measured, legal are {least} or more")
    coefficients = {kind: _coefficients(kind, measured) for kind in FITTED}
    errors = [
        {kind: _error(value, getattr(point.row, kind)) for kind, value in estimated.items()}
        for point in measured
        for estimated in (_amounts(coefficients, point.hardware),)
    ]
    residuals = {kind: max(error[kind] for error in errors) for kind in KINDS}
    return Formula(coefficients, residuals, tuple(measured))


def left_out(measured: Sequence[Point]) -> list[dict[str, float]]:
    """Return for each point by kind the relative error of the formula that the others make."""
    errors = []
    for point in measured:
        formula = fitted([other for other in measured if other is not point])
        amounts = formula.amounts(point.hardware)
        errors.append({kind: _error(amounts[kind], getattr(point.row, kind)) for kind in KINDS})
    return errors


def _error(estimated: float, measured: float) -> float:
    return abs(estimated - measured) / measured if measured else float(estimated != measured)


def _coefficients(kind: str, measured: Sequence[Point]) -> dict[str, float]:
    """Least squares of relative errors, without negative coefficients."""
    names = list(terms(measured[0].hardware)[kind])
    table = np.array([[terms(point.hardware)[kind][name] for name in names] for point in measured])
    amounts = np.array([float(getattr(point.row, kind)) for point in measured])
    found, _ = nnls(table / amounts[:, None], np.ones(len(amounts)))
    return dict(zip(names, map(float, found), strict=True))


def _amounts(coefficients: Mapping[str, Mapping[str, float]], hw: Hardware) -> dict[str, float]:
    sizes = terms(hw)
    amounts = {
        kind: float(round(sum(factor * sizes[kind][name] for name, factor in given.items())))
        for kind, given in coefficients.items()
    }
    return {**amounts, "dsp": multipliers(hw), "bram36": block_rams(hw), "uram": 0}


# ---------------------------------------------------------------------------------- what it takes
def terms(hw: Hardware) -> dict[str, dict[str, float]]:
    """Return by kind of :data:`FITTED` the sizes of the formula's terms: see :data:`TERMS`."""
    units, lanes = hw.rows * hw.columns, hw.rows * hw.drain_words
    words = hw.rows * hw.drain * hw.bits_input
    narrow = 0 if in_multiplier_blocks(hw) else units
    # Shifts between words and beats, by as many places as a unit of both has in the longer one.
    places = max(hw.axi_bytes, hw.word_bytes) / hw.unit_bytes
    return {
        "lut": {
            "accelerator": 1,
            "words": words,
            "lanes": lanes,
            "array": units,
            "ports": hw.axi_width,
            "packing": (hw.axi_width + 8 * hw.word_bytes) * math.log2(places),
            "products": narrow * (hw.bits_input * hw.bits_weights + hw.bits_sum),
        },
        "ff": {
            "accelerator": 1,
            "words": words,
            "lanes": lanes,
            "array": units // hw.drain_words * hw.bits_input,
            "ports": hw.axi_width,
            "products": narrow,
        },
    }


def in_multiplier_blocks(hw: Hardware) -> bool:
    """Return whether a unit's product is wide enough for a multiplier block."""
    return number_bits(hw.bits_input) + number_bits(hw.bits_weights) >= _DSP_PRODUCT_BITS


def multipliers(hw: Hardware) -> int:
    """Return the multiplier blocks: one a unit, or none where products are narrow.

    Two more make bytes of words, in ``cw_sequencer`` and ``cw_operand_loader``, unless a shift can.
    """
    units = hw.rows * hw.columns if in_multiplier_blocks(hw) else 0
    return units + 2 * (hw.word_bytes.bit_count() > 1)


def memories(hw: Hardware) -> dict[str, tuple[int, int, int, int]]:
    """Return the memories: number, depth, slots that are written alone, and bits of a slot.

    As ``cw_pixel_buffer``, ``cw_weight_ring``, ``cw_engine`` and ``cw_control`` instantiate them.
    """
    bias_rows = 2 << max(1, math.ceil(math.log2(hw.bias_rows)))
    return {
        "pixel buffer": (hw.rows, hw.pixel_rows, hw.drain, hw.bits_input),
        "weight ring": (1, hw.weight_rows, 1, hw.columns * hw.bits_weights),
        "bias buffer": (1, bias_rows, 1, hw.drain * hw.post_bits),
        "performance counters": (1, hw.perf_layers * 8, 1, 32),
    }


def block_rams(hw: Hardware) -> float:
    """Return the block RAMs of 36 kbit; a half is a RAMB18."""
    return sum(count * _blocks(*shape) for count, *shape in memories(hw).values()) / 2


def ultra_rams(hw: Hardware, blocks: float) -> float:
    """Return the UltraRAM that would take so many block RAMs' contents; infinite: none would.

    Memories move whole, those first of which a RAM of 288 kbit takes most.
    """
    movable = []
    for count, depth, slots, bits in memories(hw).values():
        halves, ultra = _blocks(depth, slots, bits), _tiles(depth, slots * bits, _URAM)
        movable += [(ultra / halves, halves / 2, ultra)] * count if halves else []
    moved, taken = 0.0, 0
    for _, freed, ultra in sorted(movable):
        if moved >= blocks:
            break
        moved, taken = moved + freed, taken + ultra
    return taken if moved >= blocks else math.inf


def _blocks(depth: int, slots: int, bits: int) -> int:
    """RAMB18 of a memory."""
    if depth <= _LUT_RAM_DEPTH:
        return 0
    # Bytes of nine bits have a write enable each; narrower slots fill one, or have their own RAM.
    lane = bits if slots == 1 else -(-bits // 9) * 9
    together = [_tiles(depth, slots * lane, shape) for shape in _RAMB18 if shape[1] >= 9]
    apart = [slots * _tiles(depth, bits, shape) for shape in _RAMB18]
    return min(together + apart)


def _tiles(depth: int, bits: int, shape: tuple[int, int]) -> int:
    return -(-depth // shape[0]) * -(-bits // shape[1])


# ------------------------------------------------------------------------------------- what fits
def largest_array(
    hw: Hardware, most: tuple[int, int], fits: Callable[[Hardware], bool]
) -> Hardware | None:
    """Return the hardware with the most units that fits, all else equal; None: there is none.

    Args:
        hw: what does not fit; as many channels a buffer entry has the other.
        most: rows and columns that it may have.
        fits: whether a hardware does.

    Returns:
        Of several with as many units the one whose shape is the nearest.
    """
    rows, columns = most
    sizes = [(r, c) for r in range(1, rows + 1) for c in range(hw.drain, columns + 1, hw.drain)]

    def order(size: tuple[int, int]) -> tuple[int, float, int]:
        ratio = size[0] * hw.columns / (size[1] * hw.rows)
        return -size[0] * size[1], abs(math.log(ratio)), -size[1]

    for size in sorted(sizes, key=order):
        smaller = replace(hw, processing_elements=size, drain_width=hw.drain)
        if fits(smaller):
            return smaller
    return None
