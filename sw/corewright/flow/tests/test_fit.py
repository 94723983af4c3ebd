# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What does not fit a board is refused before any tool starts, with what would fit."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from corewright import Hardware
from corewright.cli import main
from corewright.export import Board, board_names, find_board
from corewright.export.boards import RESOURCES
from corewright.flow import systems
from corewright.flow.errors import FlowInputError
from corewright.flow.fit import ALLOWANCE, OVERRIDE, Fit, require_fit
from corewright.silicon import KINDS
from corewright.silicon.estimate import Formula, fitted

LARGE = Hardware((8, 32), bits_input=8, bits_weights=8, bits_sum=32)
SMALL = replace(LARGE, processing_elements=(4, 4))
# From the data sheets: DS190, DS891, DS987.
PARTS = {
    "xc7z020": (53_200, 106_400, 220, 140, 0),
    "xczu3eg": (70_560, 141_120, 360, 216, 0),
    "xczu7ev": (230_400, 460_800, 1_728, 312, 96),
    "xczu9eg": (274_080, 548_160, 2_520, 912, 0),
    "xck26": (117_120, 234_240, 1_248, 144, 64),
}
# By part the systems that it has too few multiplier blocks for, 256 and 674 of them: no row changes
# that, as it may what is refused for its LUTs.
DENSE = {"autoencoder", "jet", "mlp", "transformer", "unet"}
IMAGENET = {"alexnet", "mobilenet", "resnet18", "resnet50", "skynet", "vgg16"}
REFUSED = {
    "xc7z020": DENSE | IMAGENET,
    "xczu3eg": IMAGENET,
}
BOARDS = [find_board(name) for name in board_names()]


def part_of(board: Board) -> str:
    """The key of PARTS."""
    return board.part.split("-")[0][:7]


def boards_with(part: str) -> list[Board]:
    """Those of a part; tests name parts, as nothing but its folder names a board."""
    return [board for board in BOARDS if part_of(board) == part]


SMALLEST = boards_with("xc7z020")[0]


@pytest.fixture(autouse=True)
def no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OVERRIDE, raising=False)


@pytest.fixture(scope="module")
def formula() -> Formula:
    return fitted()


def test_boards_have_what_the_data_sheets_say():
    assert RESOURCES == KINDS
    for board in BOARDS:
        assert tuple(board.resources.values()) == PARTS[part_of(board)], board.name


def test_each_system_is_set_up_for_the_boards_that_have_room(formula: Formula):
    for board in BOARDS:
        refused = {
            name
            for name, system in systems().items()
            for need in Fit(system.hardware, board, formula).too_much
            if need.kind == "dsp"
        }
        assert refused == REFUSED.get(part_of(board), set()), board.name


def test_a_refusal_says_what_is_too_much_by_how_much_and_what_fits():
    with pytest.raises(FlowInputError) as raised:
        require_fit(LARGE, SMALLEST)
    text = str(raised.value)
    assert text.startswith(
        f"8x32 units do not fit {SMALLEST.name}'s {SMALLEST.part}: DSP 256 of 220, 36 too many "
        "(accelerator 256, block design 0); the largest array up to "
    )
    assert re.search(
        r" up to \d+x\d+ that fits, all else equal, is 9x24; estimated by a formula fitted to \d+ "
        "accelerators",
        text,
    )
    assert "\n" not in text
    residuals = fitted().residuals
    for kind, name in (("lut", "LUT"), ("ff", "FF"), ("dsp", "DSP"), ("bram36", "BRAM 36k")):
        assert f"{name} {100 * residuals[kind]:.1f} %" in text
    for kind, name in (("lut", "LUT"), ("ff", "FF")):
        assert f"{ALLOWANCE[kind]:,} {name}" in text
    assert text.endswith(
        f"oversize: true in the target, or {OVERRIDE}=allow in the environment, sets it up all the "
        "same"
    )


def test_what_fits_is_said_in_a_line_with_what_the_estimate_is_worth(
    formula: Formula, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "corewright")
    require_fit(SMALL, SMALLEST)
    (text,) = (record.getMessage() for record in caplog.records)
    amounts = formula.amounts(SMALL)
    assert text.startswith(f"4x4 units fit {SMALLEST.name}'s {SMALLEST.part}, by an estimate: LUT ")
    for kind, name in (("lut", "LUT"), ("ff", "FF"), ("dsp", "DSP"), ("bram36", "BRAM 36k")):
        total = amounts[kind] + ALLOWANCE.get(kind, 0)
        assert re.search(rf"{name} {total:,.10g} of {PARTS['xc7z020'][KINDS.index(kind)]:,}", text)
        assert f"{name} {100 * formula.residuals[kind]:.1f} %" in text
    assert text.endswith("for the block design, an estimate that nobody has measured")
    assert "\n" not in text


def test_what_was_never_measured_is_called_extrapolated(
    formula: Formula, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "corewright")
    rows, columns = formula.largest_measured()
    larger = replace(LARGE, processing_elements=(rows + 1, columns + 8), address_width=41)
    with pytest.raises(FlowInputError, match="EXTRAPOLATED") as raised:
        require_fit(larger, SMALLEST)
    assert f"EXTRAPOLATED beyond the measured rows: rows {rows + 1} (" in str(raised.value)
    assert f", columns {columns + 8} (4 to {columns})" in str(raised.value)
    assert ", address_width 41 (40)" in str(raised.value)
    require_fit(replace(SMALL, max_burst_beats=32), find_board("zcu104"))
    assert caplog.messages[-1].endswith(
        "; EXTRAPOLATED beyond the measured rows: max_burst_beats 32 (64)"
    )
    for point in formula.points:
        assert formula.outside(point.hardware) == {}


def test_lenet5_leaves_the_small_boards_a_third_of_their_luts(formula: Formula):
    """Of the row that was measured, not of the formula."""
    hw = systems()["lenet5"].hardware
    (row,) = [
        point.row
        for point in formula.points
        if point.hardware == replace(hw, frequency_mhz=point.hardware.frequency_mhz)
    ]
    small = boards_with("xc7z020")
    assert len(small) > 1
    for board in small:
        has = board.resources
        assert row.lut + ALLOWANCE["lut"] <= 2 / 3 * has["lut"], board.name
        assert all(getattr(row, kind) + ALLOWANCE.get(kind, 0) <= has[kind] for kind in KINDS)


def test_a_refusal_names_each_kind_and_counts_the_block_design(formula: Formula):
    amounts = formula.amounts(SMALL)
    for kind, allowance in ALLOWANCE.items():
        # Room for the accelerator, however far the formula is off, and not for what is beside it.
        room = int(amounts[kind] * (1 - formula.residuals[kind])) + allowance - 10
        board = find_board("zcu104")
        board = replace(board, resources={**board.resources, kind: room})
        fit = Fit(SMALL, board, formula)
        assert [need.kind for need in fit.too_much] == [kind]
        more = amounts[kind] + allowance - room
        assert (
            f"{amounts[kind] + allowance:,.0f} of {room:,}, {more:,.0f} too many (accelerator "
            f"{amounts[kind]:,.0f}, block design {allowance:,})" in fit.refusal()
        )
    every = replace(board, resources=dict.fromkeys(RESOURCES, 1))
    assert [need.kind for need in Fit(SMALL, every, formula).too_much] == [
        *("lut", "ff", "dsp", "bram36")
    ]


def test_within_the_residual_of_a_limit_it_is_a_warning(
    formula: Formula, caplog: pytest.LogCaptureFixture
):
    board = find_board("zcu104")
    total = formula.amounts(SMALL)["lut"] + ALLOWANCE["lut"]
    far = formula.amounts(SMALL)["lut"] * formula.residuals["lut"]
    assert far > 2
    for room, close, refused in (
        *((total + far + 1, False, False), (total + far - 1, True, False)),
        *((total - far + 1, True, False), (total - far - 1, False, True)),
    ):
        caplog.clear()
        near = replace(board, resources={**board.resources, "lut": int(room)})
        fit = Fit(SMALL, near, formula)
        assert ([*map(bool, (fit.close, fit.too_much))]) == [close, refused], room
        if not refused:
            require_fit(SMALL, near)
            said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
            assert len(said) == close
            assert not close or said[0].startswith("zcu104 may not fit: LUT ")


def test_the_largest_array_is_the_largest(formula: Formula):
    (middle,) = boards_with("xczu3eg")
    for board, hw in ((SMALLEST, LARGE), (middle, systems()["resnet50"].hardware)):
        asked = Fit(hw, board, formula)
        largest = asked.largest()
        assert largest is not None
        assert not Fit(largest, board, formula).too_much and not Fit(largest, board, formula).close
        assert largest == replace(
            hw, processing_elements=largest.processing_elements, drain_width=4
        )
        units = largest.rows * largest.columns
        larger = [
            replace(hw, processing_elements=(rows, columns), drain_width=hw.drain)
            for rows in range(1, asked.most[0] + 1)
            for columns in range(hw.drain, asked.most[1] + 1, hw.drain)
            if rows * columns > units
        ]
        fits = (Fit(each, board, formula) for each in larger)
        assert larger and all(fit.too_much or fit.close for fit in fits)


def test_buffers_that_no_array_makes_smaller_are_said(formula: Formula):
    deep = replace(SMALL, ram_weights_depth=1 << 20)
    assert (
        Fit(deep, SMALLEST, formula)
        .refusal()
        .endswith("no smaller array fits: its buffers are too deep")
    )


def test_the_override_sets_up_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv(OVERRIDE, "allow")
    require_fit(LARGE, SMALLEST)
    monkeypatch.delenv(OVERRIDE)
    require_fit(LARGE, SMALLEST, oversize=True)
    for record, who in zip(caplog.records, (OVERRIDE, "oversize"), strict=True):
        assert record.levelno == logging.WARNING
        assert record.getMessage().startswith(
            f"SET UP ALL THE SAME, AS {who} SAYS: 8x32 units do not fit {SMALLEST.name}'s"
        )
    caplog.clear()
    require_fit(SMALL, SMALLEST)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    monkeypatch.setenv(OVERRIDE, "yes")
    with pytest.raises(FlowInputError, match=f"{OVERRIDE} is 'yes', legal is allow, or nothing"):
        require_fit(SMALL, SMALLEST)


def test_a_board_that_does_not_say_what_it_has_is_not_checked(caplog: pytest.LogCaptureFixture):
    require_fit(LARGE, replace(SMALLEST, resources={}))
    (record,) = caplog.records
    assert "has no RESOURCES, so whether it fits is not checked" in record.getMessage()


def test_scripts_and_the_command_line_refuse_and_write_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(ValueError, match=f"do not fit {SMALLEST.name}'s"):
        LARGE.export_vivado_tcl(SMALLEST.name, tmp_path / "script")
    words = ["export", "jet", "--board", SMALLEST.name, "--out", str(tmp_path / "folder")]
    assert main([*words, "--images", "1", "--batch", "1"]) == 2
    assert f"8x32 units do not fit {SMALLEST.name}'s" in capsys.readouterr().err
    assert [*tmp_path.rglob("*.tcl")] == []


def test_the_estimate_names_the_boards_that_have_room(capsys: pytest.CaptureFixture[str]):
    assert main(["synth", "jet", "--estimate"]) == 0
    text = capsys.readouterr().out
    assert re.search(rf"^{SMALLEST.name} .* does not fit: DSP; at most 9x24$", text, re.M)
    assert re.search(r"^zcu104 .* fits +$", text, re.M)
    assert "off there by at most LUT " in text
    for words, message in (
        (["corewright:core:postproc"], "--estimate is of a system, a block has none"),
        (["--family", "xcup"], "--family is not legal"),
        (["--rows"], "--rows is not legal"),
    ):
        assert main(["synth", "--estimate", *words]) == 2
        assert message in capsys.readouterr().err
