# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Cores of systems are what their descriptions ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.environment import repository_root
from corewright.export import board_names
from corewright.flow.system_core import core_of
from corewright.gen.schema import table
from corewright.gen.systems import (
    BOARDS_PAGE,
    SystemDescription,
    boards_page,
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
TARGETS = {"default", "sim", "lint", "xsim", "genus", "innovus"}


@pytest.fixture
def described(tmp_path: Path) -> Path:
    path = tmp_path / "cat.system.yaml"
    path.write_text(DESCRIPTION, encoding="utf-8")
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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model:", "modle:", "unknown parameter modle (did you mean model?)"),
        ('"mine:models:Cat:0.2.0"', '"Cat"', "name is 'Cat', legal are FuseSoC's VENDOR:"),
        ("62.5", "-1", "hardware: frequency_mhz is -1"),
        ('model: "cat.py"', "", "model is missing"),
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


def test_the_docs_page_lists_the_lines_of_a_description():
    page = (repository_root() / "docs" / "systems.md").read_text(encoding="utf-8")
    assert table(SystemDescription) in page
