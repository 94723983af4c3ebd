# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``--weights``: a user's own weights in a model of the zoo, from Keras or as integers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corewright.cli import main
from corewright.flow import FlowInputError, System, find_system, simulate_system
from corewright.graph import Dense, Graph


def with_file(name: str, path: Path) -> System:
    return dataclasses.replace(find_system(name), weights=path)


def integer_arrays(graph: Graph) -> dict[str, np.ndarray[Any, Any]]:
    arrays = {}
    for node in graph.nodes:
        if isinstance(node, Dense):
            arrays[f"{node.name}.weights"] = node.weights
            arrays[f"{node.name}.bias"] = node.bias
            arrays[f"{node.name}.shift"] = np.array(node.requant.shift)
    return arrays


@pytest.mark.tensorflow
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras"])
def test_keras_weights_come_back_and_perturbed_ones_are_simulated_exactly(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from corewright.frontends import to_keras

    graph = find_system("jet").graph
    model = to_keras(graph)
    path = tmp_path / f"mine{suffix}"
    model.save_weights(path)
    assert with_file("jet", path).graph.digest() == graph.digest()

    rng = np.random.default_rng(3)
    model.set_weights([w * rng.uniform(0.5, 1, w.shape) for w in model.get_weights()])
    model.save_weights(path)
    changed = with_file("jet", path).graph
    assert changed.digest() != graph.digest()
    assert all(
        not np.array_equal(new.weights, old.weights)
        for new, old in zip(changed.nodes, graph.nodes, strict=True)
        if isinstance(new, Dense) and isinstance(old, Dense)
    )
    report = tmp_path / "report.json"
    assert main(["sim", "jet", "--weights", str(path), "--json", str(report)]) == 0
    result = json.loads(report.read_text())
    assert result["passed"] and result["mismatches"] == 0
    assert f"--weights {path}" in result["command"]
    assert main(["export", "jet", "--weights", str(path), "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()


@pytest.mark.tensorflow
def test_what_was_noted_of_the_trained_weights_does_not_hold_for_others(tmp_path: Path):
    from corewright.frontends import to_keras

    system = find_system("lenet5")
    model = to_keras(system.graph)
    last = model.get_layer(model.node_layers["dense3"])
    last.set_weights([np.roll(w, 1, axis=-1) for w in last.get_weights()])
    model.save_weights(tmp_path / "rolled.h5")
    result = simulate_system(with_file("lenet5", tmp_path / "rolled.h5"))
    assert result["passed"]
    # Each class is taken for the next one.
    assert result["accuracy_quantised"] < 0.05
    assert result["accuracy_float"] is None
    assert result["framework"]["layers"] == 0
    own = simulate_system(system)
    assert own["accuracy_quantised"] > 0.95 and own["framework"]["layers"] > 0


def test_integer_weights_are_those_of_the_script(tmp_path: Path):
    graph = find_system("jet").graph
    arrays = integer_arrays(graph)
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)
    assert with_file("jet", path).graph.digest() == graph.digest()
    arrays["fc2.weights"] = -arrays["fc2.weights"]
    np.savez(path, **arrays)
    system = with_file("jet", path)
    assert system.graph.digest() != graph.digest()
    assert simulate_system(system)["passed"]


def test_files_that_do_not_fit_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    np.savez(tmp_path / "mine.npz", **integer_arrays(find_system("jet").graph))
    with pytest.raises(FlowInputError, match=r"mlp\.py: BuilderError: layer 'fc1': weights have s"):
        _ = with_file("mlp", tmp_path / "mine.npz").graph
    with pytest.raises(FlowInputError, match=r"npz is for models that scripts build"):
        _ = with_file("lenet5", tmp_path / "mine.npz").graph
    assert main(["sim", "jet", "--weights", str(tmp_path / "none.npz")]) == 2
    assert "none.npz" in capsys.readouterr().err


@pytest.mark.tensorflow
def test_keras_files_that_do_not_fit_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from corewright.frontends import to_keras

    path = tmp_path / "mlp.h5"
    to_keras(find_system("mlp").graph).save_weights(path)
    with pytest.raises(FlowInputError, match=r"mlp\.h5: not the weights of graph 'jet'"):
        _ = with_file("jet", path).graph
    assert main(["sim", "jet", "--weights", str(tmp_path / "none.h5")]) == 2
    assert "none.h5" in capsys.readouterr().err
