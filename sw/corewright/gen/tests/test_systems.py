# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Cores of systems are what their descriptions ask for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from corewright.builder import Builder
from corewright.environment import repository_root
from corewright.export import board_names
from corewright.flow.errors import FlowInputError
from corewright.flow.system_core import core_of
from corewright.gen.schema import table
from corewright.gen.systems import (
    BOARDS_PAGE,
    SystemDescription,
    boards_page,
    check_core,
    core_file,
    core_text_of,
    descriptions,
    main,
)

DESCRIPTION = """\
name: "mine:models:Cat:0.2.0"
description: "A \\"cat\\", 8 bit"
license: "MIT"
processing_element: "mine:core:pe_booth"
ram: "mine:prim:ram_of_latches"
hardware: {processing_elements: [4, 8], frequency_mhz: 62.5}
model: "cat.py"
"""
TARGETS = {"synth", "ecp5", "gls", "default", "sim", "lint", "xsim", "genus", "innovus"}


@pytest.fixture
def described(tmp_path: Path) -> Path:
    path = tmp_path / "cat.system.yaml"
    path.write_text(DESCRIPTION, encoding="utf-8")
    for name in ("cat.py", "cat.npz"):
        (tmp_path / name).touch()
    return path


def test_the_committed_cores_are_what_their_descriptions_make():
    made = {core_file(path): core_text_of(path) for path in descriptions()}
    assert len(made) > 10
    stale = [path.name for path, text in made.items() if path.read_text("utf-8") != text]
    assert stale == [], "python -m corewright.gen.systems"
    assert set(repository_root().glob("models/*/*.core")) == set(made)


def test_the_table_of_boards_is_current():
    page = BOARDS_PAGE.read_text(encoding="utf-8")
    assert page == boards_page(), "python -m corewright.gen.systems"
    assert all(f"\n| `{board}` | " in page for board in board_names())


def test_each_system_has_all_targets():
    for path in descriptions():
        assert set(core_of(core_file(path).read_text("utf-8"))["targets"]) == {
            *TARGETS,
            *board_names(),
        }, path


def test_one_line_chooses_a_provider_for_every_target(described: Path):
    core = core_of(core_text_of(described))
    design, asic = (core["filesets"][name]["depend"] for name in ("design", "asic"))
    assert design[-2:] == ["mine:core:pe_booth", "mine:prim:ram_of_latches"]
    assert asic[-3:-1] == ["mine:core:pe_booth", "!ram_macros ? (mine:prim:ram_of_latches)"]


def test_a_core_has_the_names_of_its_description(described: Path):
    core = core_of(core_text_of(described))
    assert (core["name"], core["license"]) == ("mine:models:Cat:0.2.0", "MIT")
    assert core["description"] == 'A "cat", 8 bit'
    assert core["targets"]["genus"]["flow_options"] == {"clock_mhz": 62.5}
    assert core["targets"]["default"]["toplevel"] == "cw_cat"
    assert core["generate"]["system"]["parameters"] == {
        "name": "cw_cat",
        "hardware": {"processing_elements": [4, 8], "frequency_mhz": 62.5},
        "model": "cat.py",
        "batch": 1,
        "images": 1,
    }


def test_a_clock_that_is_asked_for_is_a_boards(described: Path):
    described.write_text(f"{DESCRIPTION}clocks: {{zcu104: 300}}\n", encoding="utf-8")
    targets = core_of(core_text_of(described))["targets"]
    for board in board_names():
        asked = {"clock_mhz": 300} if board == "zcu104" else {}
        call = {"top": "board", "board": board, **asked}
        assert targets[board]["generate"] == [{"system": call}]
        assert (targets[board]["flow"], targets[board]["filesets_append"]) == ("vivado", ["board"])


def test_boards_without_room_are_gone_on_with_where_the_author_says(described: Path):
    described.write_text(f"{DESCRIPTION}oversize: [zcu104]\n", encoding="utf-8")
    targets = core_of(core_text_of(described))["targets"]
    for board in board_names():
        asked = {"oversize": True} if board == "zcu104" else {}
        call = {"top": "board", "board": board, **asked}
        assert targets[board]["generate"] == [{"system": call}]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model:", "oversize: [zcu105]\nmodel:", "'zcu105' (did you mean zcu10"),
        ("model:", "oversize: true\nmodel:", "oversize is True, legal are names of boards"),
        ("model:", "modle:", "unknown parameter modle (did you mean model?)"),
        ('"mine:models:Cat:0.2.0"', '"Cat"', "name is 'Cat', legal are FuseSoC's VENDOR:"),
        ("62.5", "-1", "hardware: frequency_mhz is -1"),
        ('model: "cat.py"', "", "model is missing"),
        ('"cat.py"', '"dogs/cat.py"', "model is 'dogs/cat.py' (did you mean cat.py?), there is no"),
        ("model:", 'reference: "cats.npz"\nmodel:', "reference is 'cats.npz' (did you mean cat"),
        ("{processing_elements: [4, 8], frequency_mhz: 62.5}", '"hw.json"', "/hw.json: No such"),
        ("hardware: {", "hardware: [", "cat.system.yaml: "),
        ("model:", "clocks: {zcu105: 100}\nmodel:", "'zcu105' (did you mean zcu10"),
        (
            "model:",
            "clocks: {zcu104: 334}\nmodel:",
            "clock_mhz is 334, legal on zcu104 is up to 333",
        ),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_written(
    old: str, new: str, message: str, described: Path, capsys: pytest.CaptureFixture[str]
):
    assert old in DESCRIPTION
    described.write_text(DESCRIPTION.replace(old, new), encoding="utf-8")
    assert main([str(described)]) == 1
    error = capsys.readouterr().err
    assert message in error and str(described) in error
    assert not core_file(described).exists()


def test_in_models_the_names_third_word_is_the_files(
    described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COREWRIGHT_ROOT", str(tmp_path / "clone"))
    for name, legal in (("Cat", True), ("cat", False)):
        folder = tmp_path / "clone" / "models" / name
        shutil.copytree(tmp_path, folder, ignore=shutil.ignore_patterns("clone"))
        path = (folder / described.name).rename(folder / f"{name}.system.yaml")
        if legal:
            core_text_of(path)
            continue
        with pytest.raises(FlowInputError, match=r"cat\.system\.yaml: name is .*third word, cat$"):
            core_text_of(path)


def test_a_core_is_compared_with_its_description(described: Path):
    core = core_file(described)
    core.write_text("CAPI=2:\n", encoding="utf-8")
    with pytest.raises(FlowInputError) as raised:
        check_core(core)
    assert str(raised.value) == (
        f"{core}: is not what cat.system.yaml makes now: "
        f"./cw shell python -m corewright.gen.systems {described}"
    )
    assert main([str(described)]) == 0
    check_core(core)
    described.unlink()
    core.write_text("CAPI=2:\n", encoding="utf-8")
    check_core(core)


@pytest.fixture
def planted_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of the only board of a tree without systems; returns them to be changed."""
    root = repository_root()
    settings = tmp_path / "boards" / "zcu104" / "board.tcl"
    settings.parent.mkdir(parents=True)
    shutil.copyfile(root / "boards" / "zcu104" / "board.tcl", settings)
    monkeypatch.setenv("COREWRIGHT_ROOT", str(tmp_path))
    page = shutil.copyfile(BOARDS_PAGE, tmp_path / "README.md")
    monkeypatch.setattr("corewright.gen.systems.BOARDS_PAGE", page)
    return settings


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("set MAX_MHZ 333", "", "has no MAX_MHZ"),
        (" URAM 96", "", "RESOURCES is LUT 230400 FF 460800 DSP 1728 BRAM36 312, legal are LUT,"),
        ("DSP 1728", "DSP some", "RESOURCES is LUT 230400 FF 460800 DSP some BRAM36 312 URAM 96,"),
        ("set BOARD zcu104", "set BOARD zcu105", "BOARD is zcu105, legal is zcu104"),
        ("set CLOCK_MHZ 250", "set CLOCK_MHZ fast", "CLOCK_MHZ is fast, legal is a number"),
        (" 0x0 0x80000000", " 0x0", "MEMORY is DDR_LOW 0x0, legal are name, address and bytes"),
        (
            "zcu104:part0",
            "zcu104:part0:1.1",
            "BOARD_PART xilinx.com:zcu104:part0:1.1 has a version; leave it out: the newest "
            "installed is taken",
        ),
        ("zcu104:part0", "zcu104", "BOARD_PART is xilinx.com:zcu104, legal is VENDOR:BOARD:PART"),
    ],
)
def test_a_wrong_board_is_one_line(
    old: str, new: str, message: str, planted_board: Path, capsys: pytest.CaptureFixture[str]
):
    text = planted_board.read_text(encoding="utf-8")
    assert text.count(old) == 1
    planted_board.write_text(text.replace(old, new), encoding="utf-8")
    assert main([]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"{planted_board}: {message}")


def test_the_docs_page_lists_the_lines_of_a_description():
    page = (repository_root() / "docs" / "systems.md").read_text(encoding="utf-8")
    assert table(SystemDescription) in page


def test_the_docs_page_names_the_layers_that_a_script_can_add():
    page = (repository_root() / "docs" / "systems.md").read_text(encoding="utf-8")
    layers = {name for name in vars(Builder) if not name.startswith("_")} - {"graph", "sample"}
    assert len(layers) > 10
    assert {name for name in layers if f"`{name}`" not in page} == set()
