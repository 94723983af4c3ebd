# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Errors and the docs page come from the generators' schemas."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from corewright.environment import repository_root
from corewright.flow.errors import FlowInputError
from corewright.flow.system_core import core_of
from corewright.gen.generate import SystemParameters
from corewright.gen.page import GENERATORS, page
from corewright.gen.schema import checked, facts
from corewright.gen.stream_buffer import StreamBufferParameters, buffer_module, main


def test_the_docs_page_is_current():
    committed = (repository_root() / "docs" / "generators.md").read_text(encoding="utf-8")
    assert committed == page(), "python -m corewright.gen.page > docs/generators.md"


def test_each_parameter_says_what_is_legal():
    for name, (_, _, model) in GENERATORS.items():
        for field, known in model.model_fields.items():
            assert facts(model, field)["legal"], (name, field)
            assert known.description, (name, field)


def test_the_core_of_the_generators_names_their_parameters():
    text = (repository_root() / "ip" / "generators" / "generators.core").read_text("utf-8")
    for name, generator in core_of(text)["generators"].items():
        words = set(re.findall(r"\w+", generator["usage"]))
        assert set(GENERATORS[name][2].model_fields) <= words, name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0}, "width is 0, legal are integers from 1 to 65536, nearest is 1"),
        ({"width": 70000}, "width is 70000, legal are integers from 1 to 65536, nearest is 65536"),
        ({"width": "8"}, "width is '8', legal are integers from 1 to 65536"),
        ({"width": True}, "width is True, legal are integers from 1 to 65536"),
        ({"depths": [4, 0]}, "depths[1] is 0, legal are lists of at least one integer"),
        ({"depths": []}, "depths is [], legal are lists of at least one integer"),
        ({"depth": 3}, "unknown parameter depth (did you mean depths?), legal are name, width,"),
        ({"name": "Big"}, "name is 'Big', legal are lower-case letters"),
        ({"registered": 1}, "registered is 1, legal are true, false"),
        ({"almost_full": "yes"}, "almost_full is 'yes', legal are true, false"),
    ],
)
def test_an_error_names_field_value_and_what_is_legal(values: dict[str, Any], message: str):
    with pytest.raises(FlowInputError) as raised:
        checked(StreamBufferParameters, values)
    assert str(raised.value).startswith(message)


def test_a_misspelt_word_has_a_nearest_one():
    with pytest.raises(FlowInputError, match=r"top is 'bord'.*did you mean board\?"):
        checked(SystemParameters, {"top": "bord"})
    with pytest.raises(FlowInputError, match=r"^hardware is 7, legal are a mapping of keywords"):
        checked(SystemParameters, {"hardware": 7})


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(FlowInputError, match=r"^width is 0, .*; depths\[0\] is -1, "):
        checked(StreamBufferParameters, {"width": 0, "depths": [-1]})


def test_the_generator_names_the_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    data = {"parameters": {"width": 0}, "files_root": str(tmp_path), "vlnv": "me:my:top-buffer:0"}
    (tmp_path / "input.yml").write_text(yaml.safe_dump(data), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cw_stream_buffer.py", "input.yml"])
    assert main() == 1
    assert capsys.readouterr().err.startswith("me:my:top-buffer:0: width is 0, ")


def test_the_same_parameters_give_the_same_text():
    given = checked(StreamBufferParameters, {"width": 3, "depths": [2, 5]})
    assert buffer_module(given) == buffer_module(given.model_copy())
    assert "Latency 2 cycles" in buffer_module(given)
    assert "cw_axis_skid #(" not in buffer_module(given)
    assert "almost_full_o" not in buffer_module(given)


def test_almost_full_needs_two_beats():
    for depth, bits in ((2, 2), (4, 3), (7, 3)):
        given = checked(StreamBufferParameters, {"depths": [depth, 1], "almost_full": True})
        text = buffer_module(given)
        assert f"assign almost_full_o = count0 >= {bits}'d{depth - 1};" in text
        assert "unused_count1" in text and "unused_count0" not in text


def test_a_rule_between_two_parameters_is_said_as_it_is_written():
    with pytest.raises(FlowInputError) as raised:
        checked(StreamBufferParameters, {"depths": [1, 4], "almost_full": True})
    assert str(raised.value) == (
        "depths[0] is 1, legal with almost_full are integers from 2 to 65536, nearest is 2"
    )
