# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The example of ``docs/frontends.md`` makes the graph of a system as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corewright.compiler import compile_graph
from corewright.environment import repository_root
from corewright.flow.system import read_system
from corewright.gen.systems import main


def block(page: str, first_line: str) -> str:
    """Return the only block of code of a page that begins with a line."""
    text = (repository_root() / "docs" / page).read_text(encoding="utf-8")
    (found,) = re.findall(rf"```\w+\n({re.escape(first_line)}.*?)```", text, re.S)
    return str(found)


@pytest.mark.tensorflow
def test_a_keras_model_becomes_the_graph_of_a_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    exec(compile(block("frontends.md", "# First: it makes"), "frontends.md", "exec"), {})
    description = block("systems.md", 'name: "mine:models:cat')
    assert description.count('"cat.py"') == 1
    Path("cat.system.yaml").write_text(description.replace("cat.py", "cat.cwgraph"), "utf-8")
    assert main(["cat.system.yaml"]) == 0
    system = read_system(Path("cat.core"))
    assert system is not None
    compiled = compile_graph(system.graph, system.hardware, system.batch)
    assert [layer.node for layer in compiled.layers][-1].startswith("q_dense")
