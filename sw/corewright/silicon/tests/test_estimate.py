# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The formula of what an accelerator takes: true to the rows, and what it says of others."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from corewright.hardware import Hardware
from corewright.silicon import KINDS, read_budgets
from corewright.silicon.estimate import (
    FITTED,
    TERMS,
    Formula,
    Point,
    block_rams,
    fitted,
    largest_array,
    multipliers,
    points,
    terms,
    ultra_rams,
)
from corewright.silicon.rows import Row, read_rows

# What an estimate may be off by on the rows before it is of no use for a refusal.
USEFUL = 0.1


@pytest.fixture(scope="module")
def formula() -> Formula:
    return fitted()


def test_the_measured_rows_are_within_the_residual_and_one_is_at_it(formula: Formula):
    assert len(formula.points) > max(len(terms(Hardware())[kind]) for kind in FITTED)
    for kind in KINDS:
        errors = [
            abs(formula.amounts(point.hardware)[kind] / amount - 1)
            for point in formula.points
            if (amount := getattr(point.row, kind))
        ]
        assert max(errors, default=0) == pytest.approx(formula.residuals[kind])
        assert formula.residuals[kind] <= USEFUL


def test_what_follows_from_the_geometry_is_exact(formula: Formula):
    for point in formula.points:
        assert multipliers(point.hardware) == point.row.dsp, point.row.name
        assert block_rams(point.hardware) == point.row.bram36, point.row.name
    assert (formula.residuals["dsp"], formula.residuals["bram36"]) == (0, 0)


def test_a_row_that_is_left_out_is_found_by_the_others(formula: Formula):
    """Not the rows alone, which any formula with enough terms would have by heart."""
    for point in formula.points:
        others = [other for other in formula.points if other is not point]
        amounts = fitted(others).amounts(point.hardware)
        for kind in FITTED:
            measured = getattr(point.row, kind)
            assert amounts[kind] == pytest.approx(measured, rel=2 * USEFUL), point.row.name


# Enough of them, each another one in several terms.
HARDWARE = [
    Hardware((rows, columns), bits_input=bits, bits_weights=bits, bits_sum=24, axi_width=width)
    for rows, columns, width in ((4, 4, 32), (4, 12, 64), (8, 8, 64), (16, 8, 128), (12, 32, 64))
    for bits in (4, 8)
]


def planted(coefficients: dict[str, float]) -> list[Point]:
    """Points of which the formula's coefficients are known, the same of all kinds."""
    found = []
    for hw in HARDWARE:
        sizes = terms(hw)
        lut, ff = (
            sum(coefficients[name] * sizes[kind][name] for name in sizes[kind]) for kind in FITTED
        )
        row = Row(
            name="",
            family="xc7",
            date="",
            rtl="old",
            yosys="",
            lut=lut,
            ff=ff,
            dsp=multipliers(hw),
            bram36=block_rams(hw),
            uram=0,
            levels=1,
            processor_seconds=1,
        )
        found.append(Point(hw, row))
    return found


def test_the_fit_finds_the_coefficients_that_rows_were_made_of():
    known = {name: 1.5 + index for index, name in enumerate(TERMS)} | {"accelerator": 9000.0}
    formula = fitted(planted(known))
    for kind in FITTED:
        assert formula.coefficients[kind] == pytest.approx(
            {name: known[name] for name in terms(Hardware())[kind]}
        )
    assert max(formula.residuals.values()) < 1e-3
    assert len(formula.stale("new")) == len(HARDWARE) and not formula.stale("old")


def test_no_coefficient_is_negative():
    formula = fitted(planted(dict.fromkeys(TERMS, 2.0) | {"accelerator": 9000.0, "ports": -3.0}))
    for kind in FITTED:
        assert formula.coefficients[kind]["ports"] == 0
        assert min(formula.coefficients[kind].values()) >= 0
        assert formula.residuals[kind] > 0.001


def test_too_few_rows_are_no_formula():
    least = max(len(terms(Hardware())[kind]) for kind in FITTED)
    message = f"3 accelerators are measured, legal are {least} or more"
    with pytest.raises(ValueError, match=message):
        fitted(planted(dict.fromkeys(TERMS, 1.0))[:3])


def test_rows_of_blocks_and_of_other_families_are_left_out():
    budgets = read_budgets()
    names = {point.row.name for point in points(read_rows(), budgets)}
    assert {"4x4", "8x24"} <= names and "array 2x8" not in names
    others = [replace(row, family="ecp5") for row in read_rows()]
    assert points(others, [replace(budget, family="ecp5") for budget in budgets]) == ()


@pytest.mark.parametrize(
    ("changes", "blocks"),
    [
        # Performance counters 2, bias buffer 2.5, and 8 banks and the ring of half a RAM each.
        ({}, 2 + 2.5 + 8 * 0.5 + 0.5),
        # 1024 by 32 is a RAMB36.
        ({"pixel_buffer_depth": 4096}, 2 + 2.5 + 8 * 1 + 0.5),
        # Of 64 entries it is of LUTs, of 65 it is not.
        ({"ram_weights_depth": 64}, 2 + 2.5 + 8 * 0.5),
        ({"ram_weights_depth": 65}, 2 + 2.5 + 8 * 0.5 + 0.5),
        # 16,384 by 32: two deep columns of a bit each a RAM.
        ({"ram_weights_depth": 16384}, 2 + 2.5 + 8 * 0.5 + 32 / 2),
    ],
)
def test_memories_take_the_best_shape_of_block_ram(changes: dict[str, Any], blocks: float):
    hw = Hardware((8, 4), bits_input=8, bits_weights=8, bits_sum=32, ram_edges_depth=None)
    assert block_rams(replace(hw, **changes)) == blocks


def test_memories_move_to_ultra_ram_as_a_whole():
    hw = Hardware((8, 4), bits_input=8, pixel_buffer_depth=16384, ram_weights_depth=4096)
    # Eight banks of 4096 by 32, four block RAMs each.
    assert [ultra_rams(hw, blocks) for blocks in (0, 1, 4, 5, 32)] == [0, 1, 1, 2, 8]
    assert ultra_rams(hw, block_rams(hw)) < math.inf
    assert ultra_rams(hw, block_rams(hw) + 1) == math.inf


def test_narrow_products_take_no_multiplier_blocks():
    assert multipliers(Hardware((8, 4), bits_input=8, bits_weights=8)) == 32
    # A word of three bytes, which no shift makes of a number of words.
    assert multipliers(Hardware((3, 4), bits_input=8, bits_weights=8)) == 12 + 2
    assert multipliers(Hardware((8, 4), bits_input=8, bits_weights=1)) == 32
    assert multipliers(Hardware((8, 4), bits_input=4, bits_weights=4)) == 0


@pytest.mark.parametrize("most", [5, 30, 31, 90, 95, 150])
def test_the_largest_array_is_no_smaller_than_any_that_fits(most: int):
    asked = Hardware((8, 12), drain_width=2)
    largest = largest_array(asked, (10, 14), lambda hw: hw.rows * hw.columns <= most)
    assert largest is not None and (largest.drain, largest.bits_sum) == (2, asked.bits_sum)
    units = max(r * c for r in range(1, 11) for c in range(2, 15, 2) if r * c <= most)
    assert largest.rows * largest.columns == units <= most
    assert largest_array(asked, (10, 14), lambda _: False) is None


def test_of_arrays_as_large_the_one_of_the_nearest_shape_is_taken():
    def size(asked: tuple[int, int]) -> tuple[int, int]:
        hw = Hardware(asked, drain_width=1)
        found = largest_array(hw, (48, 48), lambda smaller: smaller.rows * smaller.columns <= 48)
        assert found is not None
        return found.processing_elements

    assert [size(asked) for asked in ((7, 9), (14, 4), (1, 50), (48, 3))] == [
        *((6, 8), (12, 4), (1, 48), (24, 2))
    ]


def test_a_hardware_between_the_rows_is_measured_and_beyond_them_is_not(formula: Formula):
    rows, columns = formula.largest_measured()
    known = next(point.hardware for point in formula.points if point.hardware.columns == columns)
    assert formula.outside(replace(known, processing_elements=(known.rows, columns - 4))) == {}
    beyond = replace(known, processing_elements=(rows + 2, columns))
    assert formula.outside(beyond) == {
        "rows": (rows + 2, min(point.hardware.rows for point in formula.points), rows)
    }
