# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Commands take a user's own files as models; reports say what they were made with."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from corewright.builder import Builder
from corewright.cli import main
from corewright.flow import FlowInputError, find_system
from corewright.flow.own_models import system_for
from corewright.flow.system import core_text, structure_of
from corewright.gen.systems import core_text_of
from corewright.graph import Graph
from corewright.hardware import Hardware

SCRIPT = """
from corewright.builder import Builder

def build():
    network = Builder("scripted", 4, 5, 2, 8, seed=3)
    network.conv(network.input, 3, 3)
    return network.graph()
"""


def small() -> Graph:
    network = Builder("small", 4, 5, 2, 8, seed=2)
    network.conv(network.input, 3, 3, name="only")
    return network.graph()


def own_core(folder: Path, hardware: Hardware) -> Path:
    """A core of a user's, made of the tree's parts, with a graph beside it."""
    small().save(folder / "net.cwgraph")
    parameters = {"hardware": hardware.to_dict(), "model": "net.cwgraph", "batch": 2, "images": 3}
    core = {
        "name": "me:models:mine:1.0.0",
        **structure_of(None),
        "generate": {"system": {"generator": "system", "parameters": parameters}},
    }
    path = folder / "mine.core"
    path.write_text(core_text(core), encoding="utf-8")
    return path


def export(folder: Path, *words: str) -> dict[str, object]:
    report = folder / "report.json"
    assert main(["export", *words, "--out", str(folder / "out"), "--json", str(report)]) == 0
    values: dict[str, object] = json.loads(report.read_text())
    return values


def test_graphs_and_scripts_run_on_lenet5s_hardware_unless_told(tmp_path: Path):
    small().save(tmp_path / "net.cwgraph")
    (tmp_path / "net.py").write_text(SCRIPT, encoding="utf-8")
    theirs = find_system("lenet5").hardware
    for name in ("net.cwgraph", "net.py"):
        report = export(tmp_path, str(tmp_path / name))
        assert report["model"] == "net"
        assert report["hardware"] == {**theirs.to_dict(), "hash": f"{theirs.hash:08x}"} | {
            "processing_elements": [8, 24]
        }
    other = replace(theirs, processing_elements=(2, 3))
    file = tmp_path / "hardware.json"
    file.write_text(json.dumps(other.to_dict()), encoding="utf-8")
    chosen = export(tmp_path, str(tmp_path / "net.cwgraph"), "--hardware", str(file))
    assert chosen["hardware"]["processing_elements"] == [2, 3]  # type: ignore[index]


def test_hardware_of_a_report_is_taken_as_hardware(tmp_path: Path):
    small().save(tmp_path / "net.cwgraph")
    export(tmp_path, str(tmp_path / "net.cwgraph"))
    assert Hardware.from_json(tmp_path / "report.json") == find_system("lenet5").hardware


@pytest.mark.tensorflow
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_saved_keras_model_is_converted_for_the_hardware(suffix: str, tmp_path: Path):
    from corewright.frontends import to_keras

    path = tmp_path / f"net{suffix}"
    to_keras(small()).save(path)
    system = system_for(str(path))
    assert [node.name for node in system.graph.compute_nodes] == ["only"]
    with pytest.raises(FlowInputError, match="has its own"):
        _ = replace(system, weights=path).graph
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FlowInputError, match=path.name):
        _ = system_for(str(path)).graph


def test_a_core_from_anywhere_is_simulated(tmp_path: Path):
    path = own_core(tmp_path, find_system("lenet5").hardware)
    report = tmp_path / "report.json"
    assert main(["sim", str(path), "--json", str(report)]) == 0
    values = json.loads(report.read_text())
    assert values["bit_exact"] and (values["images"], values["batch"]) == (3, 2)
    assert values["command"].startswith(f"./cw sim {path} --seed 1 ")
    # What it was made with; a clone has a commit.
    made = values["provenance"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", made["date"])
    assert made["commit"] is None or re.fullmatch(r"[0-9a-f]{40}\+?", made["commit"])
    assert all(made[tool] for tool in ("python", "numpy", "fusesoc", "edalize", "verilator"))


DESCRIPTION = """\
name: "me:models:mine:1.0.0"
description: "Mine"
hardware: {processing_elements: [2, 3], bits_input: 8, bits_weights: 8, bits_sum: 32}
model: "net.cwgraph"
"""


def refusal(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command ends with."""
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_stale_core_is_refused_and_a_missing_one_is_said_how_to_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    small().save(folder / "net.cwgraph")
    description, core = folder / "mine.system.yaml", folder / "mine.core"
    description.write_text(DESCRIPTION, encoding="utf-8")
    made_by = f"./cw shell python -m corewright.gen.systems {description}"

    assert refusal(["sim", str(core)], capsys) == f"cw: there is no '{core}' yet: {made_by}"
    said = f"is a description, legal is the core that is made of it, {core}: {made_by}"
    assert refusal(["sim", str(description)], capsys).endswith(said)
    with monkeypatch.context() as patch:
        patch.setenv("COREWRIGHT_ROOT", str(tmp_path))
        assert refusal(["sim", "mine"], capsys) == f"cw: {description}: has no mine.core: {made_by}"
        patch.chdir(folder)
        assert refusal(["sim", "mine"], capsys).endswith("gen.systems mine.system.yaml")

    core.write_text(core_text_of(description), encoding="utf-8")
    assert export(tmp_path, str(core))["model"] == "mine"
    description.write_text(f"{DESCRIPTION}batch: 2\n", encoding="utf-8")
    stale = f"cw: {core}: is not what mine.system.yaml makes now: {made_by}"
    assert refusal(["export", str(core), "--out", str(tmp_path / "out")], capsys) == stale


def test_a_file_that_a_core_names_is_named_with_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    core = own_core(tmp_path, find_system("lenet5").hardware)
    (tmp_path / "net.cwgraph").unlink()
    assert refusal(["sim", str(core)], capsys) == (
        f"cw: mine.core: model {tmp_path / 'net.cwgraph'}: No such file or directory"
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("lenet", r"there is no model 'lenet' \(did you mean lenet5\?\), legal are: alexnet, "),
        ("nothing_like_it", r"there is no model 'nothing_like_it', legal are: alexnet, "),
        ("no/such.cwgraph", r"there is no file 'no/such.cwgraph'; legal is a name, or a file"),
        ("{folder}/notes.txt", "is no model, legal is a name, or a file"),
        ("{folder}", "is no model, legal is a name, or a file"),
        (".", "is no model, legal is a name, or a file"),
        ("{folder}/empty.core", "has no generate section of the generator 'system'"),
    ],
)
def test_what_is_no_model_is_one_line(
    model: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    (tmp_path / "empty.core").write_text('CAPI=2:\nname: "a:b:c:1"\n', encoding="utf-8")
    assert main(["sim", model.format(folder=tmp_path)]) == 2
    text = capsys.readouterr().err
    assert re.search(message, text) and len(text.splitlines()) == 1


def test_a_graph_is_printed_without_its_weights():
    graph = small()
    assert repr(graph) == "<Graph 'small': input 4x5x2, 8 bit, 1 nodes>"
    lines = graph.summary().splitlines()
    assert lines[1].split() == ["layer", "type", "reads", "output", "weights", "MACs"]
    assert re.split(r"  +", lines[2]) == [
        *("only", "Conv", graph.input.name, "4x5x3, 8 bit", "3x3x2x3, 8 bit", "1,080")
    ]
