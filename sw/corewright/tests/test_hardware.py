# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The hardware description: checks, derived values, files."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corewright import Hardware
from corewright.environment import repository_root
from corewright.export import (
    configuration_package,
    configuration_tcl,
    read_settings,
    simulation_package,
)


def test_defaults_and_their_order_are_the_references() -> None:
    values = Hardware().to_dict()
    assert list(values.values())[:18] == [
        [8, 24], 250, 4, 4, 16, 16, 512, 512, 13, 32, 512, 288, 64, 32, True, 0.01, 0.1,
        "vectors/",
    ]  # fmt: skip
    assert [field.name for field in fields(Hardware)][:3] == [
        "processing_elements",
        "frequency_mhz",
        "bits_input",
    ]


def test_positional_use() -> None:
    hw = Hardware((7, 96), 250, 8, 4, 32)
    assert (hw.ROWS, hw.COLS, hw.X_BITS, hw.K_BITS, hw.Y_BITS, hw.B_BITS) == (7, 96, 8, 4, 32, 16)


def test_derived_values() -> None:
    hw = Hardware((7, 10), bits_input=5, bits_sum=21, axi_width=128, max_channels_in=1001)
    assert (hw.drain, hw.word_bytes, hw.post_bits, hw.bias_bytes) == (2, 5, 29, 4)
    assert (hw.axi_bytes, hw.pixel_rows, hw.bias_rows, hw.weight_rows) == (16, 1024, 501, 512)
    assert Hardware(ram_edges_depth=524288).pixel_rows == 131072
    assert Hardware(ram_edges_depth=None).pixel_rows == 512
    assert Hardware(max_kernel_size=(3, 5), max_image_size=64).max_kernel == (3, 5)


def test_the_references_attributes() -> None:
    hw = Hardware((7, 96), 200, 8, 2, 20, 32, 3, 5, (3, 7), (9, 11), 48, None, 128, valid_prob=0.5)
    assert hw.params == hw.to_dict() and hw.params["max_kernel_size"] == [3, 7]
    assert (hw.ROWS, hw.COLS, hw.FREQ, hw.X_BITS, hw.K_BITS, hw.B_BITS) == (7, 96, 200, 8, 2, 32)
    assert (hw.Y_BITS, hw.Y_OUT_BITS, Hardware(bits_sum=16).Y_OUT_BITS) == (20, 32, 16)
    assert (hw.XN_MAX, hw.CI_MAX, hw.KH_MAX, hw.KW_MAX, hw.XH_MAX, hw.XW_MAX) == (3, 5, 3, 7, 9, 11)
    assert (hw.IN_BITS, hw.OUT_BITS, hw.AXI_WIDTH, hw.INT_BITS) == (128, 128, 128, 32)
    assert (hw.VALID_PROB, hw.READY_PROB, hw.ASYNC_RESETN) == (500, 100, True)
    assert (hw.RAM_WEIGHTS_DEPTH, hw.RAM_EDGES_DEPTH, hw.DATA_DIR) == (48, None, "vectors/")


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "processing_elements": np.array([4, 6]),
        "bits_input": np.int64(8),
        "bits_weights": np.uint8(4),
        "max_kernel_size": (np.int32(3), np.int64(5)),
        "axi_width": np.int64(128),
        "async_resetn": np.bool_(False),
        "valid_prob": np.float32(0.5),
        "drain_width": np.int16(3),
    }
    hw = Hardware(**given)
    plain = Hardware((4, 6), bits_input=8, max_kernel_size=(3, 5), axi_width=128, valid_prob=0.5)
    assert hw == replace(plain, drain_width=3, async_resetn=False)
    assert Hardware.from_json(hw.export_json(tmp_path / "hardware.json")) == hw
    with pytest.raises(ValueError, match=r"bits_input is 9, legal are 1\.\.8 and 16"):
        Hardware(**{**given, "bits_input": np.int64(9)})


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("processing_elements", (0, 24)),
        ("processing_elements", (129, 24)),
        ("processing_elements", (8, 129)),
        ("processing_elements", 8),
        ("frequency_mhz", 0),
        ("frequency_mhz", float("nan")),
        ("bits_input", 0),
        ("bits_input", 9),
        ("bits_weights", 12),
        ("bits_sum", 7),
        ("bits_sum", 41),
        ("bits_bias", 0),
        ("max_batch_size", 0),
        ("max_kernel_size", (3, 0)),
        ("max_image_size", "32"),
        ("ram_weights_depth", 1),
        ("ram_edges_depth", 0),
        ("axi_width", 48),
        ("axi_width", 1024),
        ("target_cpu_int_bits", 31),
        ("async_resetn", 1),
        ("valid_prob", 0),
        ("ready_prob", 1.1),
        ("data_dir", ""),
        ("drain_width", 5),
        ("drain_width", 0),
        ("pixel_buffer_depth", 3),
        ("bias_buffer_depth", 3),
        ("address_width", 31),
        ("max_burst_beats", 257),
        ("max_outstanding", 0),
        ("perf_layers", True),
    ],
)
def test_illegal_values_are_named(parameter: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"{parameter}.* is .*legal (is|are) "):
        Hardware(**{parameter: value})


def test_bursts_may_not_exceed_4096_bytes() -> None:
    assert Hardware(axi_width=512, max_burst_beats=64).max_burst_beats == 64
    with pytest.raises(ValueError, match=r"is 65, legal is an integer 1\.\.64"):
        Hardware(axi_width=512, max_burst_beats=65)


def test_it_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Hardware().bits_sum = 20  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "other_program"),
    [
        ({"processing_elements": (8, 12)}, True),
        ({"bits_input": 5}, True),
        ({"bits_weights": 5}, True),
        ({"bits_sum": 17}, True),
        ({"drain_width": 2}, True),
        ({"ram_weights_depth": 513}, True),
        ({"pixel_buffer_depth": 4096}, True),
        ({"bias_buffer_depth": 1024}, True),
        ({"frequency_mhz": 100}, False),
        ({"valid_prob": 1, "ready_prob": 1}, False),
        ({"axi_width": 128}, False),
        ({"max_image_size": 64}, False),
        ({"data_dir": "elsewhere"}, False),
    ],
)
def test_the_hash_covers_what_a_program_depends_on(
    change: dict[str, Any], other_program: bool
) -> None:
    hw = Hardware()
    assert (replace(hw, **change).hash != hw.hash) == other_program
    assert 0 <= hw.hash < 1 << 32


def test_json_round_trip_and_defaults(tmp_path: Path) -> None:
    hw = Hardware((4, 6), max_kernel_size=(3, 5), drain_width=3, ram_edges_depth=None)
    assert Hardware.from_json(hw.export_json(tmp_path / "hardware.json")) == hw
    (tmp_path / "some.json").write_text('{"processing_elements": [4, 6]}')
    assert Hardware.from_json(tmp_path / "some.json") == Hardware((4, 6))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"proccessing_elements": [4, 6]}', "unknown hardware parameter proccessing_elements"),
        ("[1]", "is a list, legal is a JSON object"),
        ("{", "not a JSON file"),
        ('{"bits_input": 9}', "bits_input is 9"),
    ],
)
def test_bad_files_are_explained(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        Hardware.from_json(path)
    assert str(path) in str(caught.value)


def test_configuration_package() -> None:
    hw = Hardware((8, 24), bits_input=8)
    text = configuration_package(hw, "my_pkg")
    assert "package my_pkg;" in text
    assert "localparam cw_pkg::cfg_t Cfg = '{" in text
    for member in ("Rows: 8", "Columns: 24", "Drain: 4", "PixelBits: 8", "PixelRows: 512"):
        assert f"      {member},\n" in text
    assert f"Hash: 32'h{hw.hash:08x}\n" in text
    with pytest.raises(ValueError, match="legal is a SystemVerilog identifier"):
        configuration_package(hw, "my pkg")
    assert "ClockPeriodNs = 4.0;" in simulation_package(hw)


def test_export_writes_the_files_that_scripts_look_for(tmp_path: Path) -> None:
    hw, folder = Hardware((4, 6)), tmp_path / "out"

    def export() -> list[Path]:
        return list(hw.export(folder, core="corewright:ip:axi_dma", target="default"))

    written = export()
    names = ["config_hw.svh", "config_tb.svh", "config_hw.tcl", "hardware.json", "sources.txt"]
    assert [path.name for path in written] == names
    assert json.loads(written[3].read_text())["processing_elements"] == [4, 6]
    assert "set ROWS 4\n" in written[2].read_text()
    sources = [(folder / line).resolve() for line in written[4].read_text().split()]
    assert sources
    assert all(path.is_file() for path in sources)
    first = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in export()] == first


def test_settings_of_boards_and_hardware_are_read_and_nothing_else_is(tmp_path: Path) -> None:
    board = read_settings(repository_root() / "boards" / "zcu104" / "board.tcl")
    assert (board["BOARD"], board["MAX_MHZ"]) == ("zcu104", "333")
    assert board["MEMORY"] == "DDR_LOW 0x0 0x80000000"
    path = tmp_path / "settings.tcl"
    path.write_text(configuration_tcl(Hardware((4, 6))), encoding="utf-8")
    assert read_settings(path)["ROWS"] == "4"
    path.write_text("# a comment\n\nset MAX_MHZ 5\nproc f {} {}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"settings.tcl:4: is 'proc f .*legal is set NAME"):
        read_settings(path)
