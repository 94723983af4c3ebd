# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Models that are Python scripts: run once for each content, and errors that name the script."""

from __future__ import annotations

from pathlib import Path

import pytest

from corewright.flow import FlowInputError
from corewright.flow.system import graph_of

SCRIPT = """
from pathlib import Path
from corewright.builder import Builder

def build(units=4):
    with Path({log!r}).open("a") as log:
        log.write("built\\n")
    net = Builder("scripted", 1, 1, 6, 8)
    net.dense(net.input, units, name="dense")
    return net.graph()
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path / "build"))


def test_script_is_run_once_for_each_content(tmp_path: Path):
    log, script = tmp_path / "log", tmp_path / "net.py"
    text = SCRIPT.format(log=str(log))
    script.write_text(text)
    first = graph_of("net.py", tmp_path)
    assert first.output.channels == 4
    assert graph_of("net.py", tmp_path).digest() == first.digest()
    assert log.read_text().count("built") == 1
    script.write_text(text.replace("units=4", "units=5"))
    assert graph_of("net.py", tmp_path).output.channels == 5
    assert log.read_text().count("built") == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", r"net\.py: has no function build\(\)"),
        ("def build():\n    return 3\n", r"net\.py: build\(\) returned a int, legal is a Graph"),
        ("def build(size):\n    return 3\n", r"net\.py: TypeError: .*size"),
        ("raise KeyError('gone')\n", r"net\.py: KeyError: 'gone'"),
        ("def build(:\n", r"net\.py: SyntaxError"),
    ],
)
def test_errors_name_the_script(text: str, message: str, tmp_path: Path):
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(FlowInputError, match=message):
        graph_of("net.py", tmp_path)
    assert not list((tmp_path / "build" / "graphs").glob("*"))


def test_missing_script_is_a_missing_model(tmp_path: Path):
    with pytest.raises(FlowInputError, match=rf"model {tmp_path}/none\.py: No such file"):
        graph_of("none.py", tmp_path)
    with pytest.raises(FlowInputError, match=r"name of a \.cwgraph file or of a Python"):
        graph_of("", tmp_path)
