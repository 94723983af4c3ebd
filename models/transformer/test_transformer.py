# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The trained transformer: accuracy, equality with Keras, topology, origin, RTL under stalls."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from corewright.flow import find_system, simulate_system
from corewright.golden import run
from corewright.graph import Add, Graph, MatMul, QuantisedSoftmax, macs

FOLDER = Path(__file__).resolve().parent
GRAPH = FOLDER / "transformer.cwgraph"


def test_accuracy_is_what_the_graph_says() -> None:
    graph = Graph.load(GRAPH)
    with np.load(FOLDER / "transformer_reference.npz") as reference:
        images, labels = reference["test_images"], reference["test_labels"]
    scores = run(graph, images)[graph.output.name].reshape(len(labels), -1)
    accuracy = round(float(np.mean(scores.argmax(axis=1) == labels)), 4)
    assert accuracy == graph.metadata["accuracy_quantised"] == graph.metadata["accuracy_float"]
    assert accuracy >= 0.97
    assert graph.metadata["accuracy_float32_baseline"] >= 0.98


def test_every_tensor_equals_keras() -> None:
    graph = Graph.load(GRAPH)
    with np.load(FOLDER / "transformer_reference.npz") as reference:
        arrays = dict(reference)
    values = run(graph, arrays["test_images"][:16])
    assert set(values) == set(graph.tensors)
    for name, value in values.items():
        assert np.array_equal(arrays[f"layer:{name}"], value), name
        assert np.ptp(value) > 0, name


def test_it_is_a_transformer_in_signed_words() -> None:
    graph = Graph.load(GRAPH)
    kinds = [type(node) for node in graph.nodes]
    # Two blocks, two heads: scores and mix a head, a softmax and two additions a block.
    assert (kinds.count(MatMul), kinds.count(QuantisedSoftmax), kinds.count(Add)) == (8, 2, 4)
    products = sum(macs(node, graph) for node in graph.nodes if isinstance(node, MatMul))
    assert products == 8 * 16 * 16 * 16
    assert {tensor.bits for tensor in graph.tensors.values()} == {8}
    assert graph.output.shape == (1, 1, 10)
    # Attention looks somewhere: shares of a token are not all alike.
    with np.load(FOLDER / "transformer_reference.npz") as reference:
        values = run(graph, reference["test_images"][:16])
    for node in graph.nodes:
        if isinstance(node, QuantisedSoftmax):
            shares = values[node.output.name].reshape(-1, 16)
            assert np.mean(shares.max(axis=1) > 2 * 128 / 16) > 0.25, node.name


@pytest.mark.tensorflow
def test_committed_weights_give_the_committed_graph() -> None:
    spec = importlib.util.spec_from_file_location("transformer_train", FOLDER / "train.py")
    assert spec is not None and spec.loader is not None
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    from corewright.frontends import from_keras

    model = train.build_quantised(8)
    model.load_weights(FOLDER / "transformer.h5")
    graph = from_keras(model, bits_input=8, bits_weights=8)
    assert graph.digest() == Graph.load(GRAPH).digest()


def test_all_four_executions_agree_under_stalls() -> None:
    system = find_system("transformer")
    quiet = simulate_system(system)
    assert quiet["passed"], "./cw sim transformer"
    assert quiet["framework"]["layers"] == len(system.graph.tensors)
    assert [stage["layers"] > 0 for stage in quiet["stages"]] == [True] * 3
    assert [host["type"] for host in quiet["host_operations"]] == ["softmax"] * 2
    for seed in range(1, 7):
        stalls = "heavy" if seed % 2 else "light"
        # A batch that does not divide the images: the last run is filled up.
        result = simulate_system(system, seed=seed, stalls=stalls, images=8, batch=3)
        assert result["passed"], f"./cw sim transformer --batch 3 --seed {seed} --stalls {stalls}"
        assert result["runs"] == 3
