# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The committed graphs: accuracy, equality with Keras, size, origin.

Only the test of the Keras weights needs TensorFlow.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from corewright.frontends import from_keras
from corewright.golden import run
from corewright.graph import Graph, accumulator_bits, macs

FOLDER = Path(__file__).resolve().parent
MINIMUM_ACCURACY = {4: 0.965, 8: 0.975}


@pytest.mark.parametrize("bits", [4, 8])
def test_accuracy_is_what_the_graph_says(bits: int) -> None:
    graph = Graph.load(FOLDER / f"lenet5_w{bits}a{bits}.cwgraph")
    with np.load(FOLDER / f"lenet5_w{bits}a{bits}_reference.npz") as reference:
        images, labels = reference["test_images"], reference["test_labels"]
    scores = run(graph, images)[graph.output.name].reshape(len(labels), -1)
    accuracy = round(float(np.mean(scores.argmax(axis=1) == labels)), 4)
    assert accuracy == graph.metadata["accuracy_quantised"]
    assert accuracy == graph.metadata["accuracy_float"]
    assert accuracy >= MINIMUM_ACCURACY[bits]
    assert graph.metadata["accuracy_float32_baseline"] >= 0.975


@pytest.mark.parametrize("bits", [4, 8])
def test_every_layer_equals_keras(bits: int) -> None:
    graph = Graph.load(FOLDER / f"lenet5_w{bits}a{bits}.cwgraph")
    with np.load(FOLDER / f"lenet5_w{bits}a{bits}_reference.npz") as reference:
        arrays = dict(reference)
    values = run(graph, arrays["test_images"][:16])
    assert len(values) == 8
    for name, value in values.items():
        assert np.array_equal(arrays[f"layer:{name}"], value), name
        assert np.ptp(value) > 0


@pytest.mark.parametrize("bits", [4, 8])
def test_it_is_lenet_in_signed_words(bits: int) -> None:
    graph = Graph.load(FOLDER / f"lenet5_w{bits}a{bits}.cwgraph")
    assert sum(macs(node) for node in graph.nodes) == 86400 + 153600 + 30720 + 10080 + 840
    assert {tensor.bits for tensor in graph.tensors.values()} == {bits}
    assert graph.output.shape == (1, 1, 10)
    assert max(accumulator_bits(graph, node) for node in graph.compute_nodes) <= 24
    for suffix in (".cwgraph", "_reference.npz"):
        assert (FOLDER / f"lenet5_w{bits}a{bits}{suffix}").stat().st_size < 400_000


@pytest.mark.tensorflow
@pytest.mark.parametrize("bits", [4, 8])
def test_committed_weights_give_the_committed_graph(bits: int) -> None:
    spec = importlib.util.spec_from_file_location("lenet5_train", FOLDER / "train.py")
    assert spec is not None and spec.loader is not None
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    model = train.build_quantised(bits)
    model.load_weights(FOLDER / f"lenet5_w{bits}a{bits}.h5")
    graph = from_keras(model, bits_input=bits, bits_weights=bits)
    assert graph.digest() == Graph.load(FOLDER / f"lenet5_w{bits}a{bits}.cwgraph").digest()
