# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Graphs to Keras and back: equal numbers in every tensor, equal graphs."""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

import corewright
from corewright import load_weights, to_keras
from corewright.builder import Builder
from corewright.environment import repository_root
from corewright.frontends import FrontendError, convert, keras_layer_outputs, layer_outputs
from corewright.frontends import tensorflow as lazy
from corewright.frontends.export import with_weights
from corewright.frontends.order import ordered_nodes
from corewright.golden import dequantise, host_output, quantise_input, run
from corewright.graph import (
    Add,
    ComputeNode,
    Concat,
    Conv,
    CopyNode,
    Dense,
    Depthwise,
    Graph,
    MatMul,
    Node,
    Pool,
    QuantisedSoftmax,
    Requant,
    RequantNode,
    Tensor,
    WeightedNode,
)
from corewright.regress.random_graphs import random_graph, random_hardware, random_input
from corewright.testing.damage import damaged_bytes

pytestmark = pytest.mark.tensorflow

LENET = repository_root() / "models" / "lenet5"
SIGNED = "quantized_bits(8,2,False,True,1)"
CORE = {
    "kernel_quantizer": "quantized_bits(8,0,False,True,1)",
    "bias_quantizer": "quantized_bits(8,0,False,True,1)",
}


def ordered(graph: Graph) -> Graph:
    """``graph`` with its nodes in the order that ``convert`` gives them."""
    final = None if graph.softmax else graph.output.name
    return dataclasses.replace(graph, nodes=ordered_nodes(graph.nodes, final))


def round_trip(graph: Graph, x: np.ndarray, *, traced: bool = True) -> Any:
    """Keras computes what the golden model does, in two ways, and converts to an equal graph.

    Without ``traced`` predict() runs op by op, which for one batch takes a quarter of the time.
    """
    model = to_keras(graph)
    model.run_eagerly = not traced
    values = run(graph, x)
    real = dequantise(graph, graph.input.name, x)
    forward, layers = layer_outputs(model, real), keras_layer_outputs(model, real)
    assert graph.output.name in forward and graph.input.name in forward
    for name, output in forward.items():
        expected = dequantise(graph, name, values[name])
        assert np.array_equal(output.reshape(expected.shape), expected), name
        layer = layers[model.tensor_layers[name]]
        assert np.array_equal(layer.reshape(expected.shape), expected), name
    last = model.predict(real.reshape(-1, *model.input_shape[1:]), verbose=0)
    final = host_output(graph, values)
    assert np.allclose(last.reshape(final.shape), final, rtol=0, atol=1e-12)
    hw = SimpleNamespace(
        bits_input=max(tensor.bits for tensor in graph.tensors.values()),
        bits_weights=max(getattr(node, "weight_bits", 1) for node in graph.nodes),
    )
    again = convert(model, hw, name=graph.name)
    assert again.digest() == ordered(graph).digest()
    return model


def kinds(model: Any) -> set[str]:
    return {type(layer).__name__ for layer in model.layers}


def with_true_fractions(graph: Graph) -> Graph:
    """``graph`` with the fractions that its shifts mean, as a trained network has them."""
    # What is copied keeps its fraction: it has to be that of the copy.
    fixed = {n for node in graph.nodes if isinstance(node, CopyNode) for n in node.inputs}
    fractions = {graph.input.name: graph.input.fraction}
    nodes: list[Node] = []
    for node in graph.nodes:
        if not isinstance(node, ComputeNode):
            nodes.append(node)
            continue
        fraction = node.output.fraction
        if isinstance(node, RequantNode) and node.output.name not in fixed:
            source = fractions[node.inputs[0]]
            if isinstance(node, MatMul):
                source += fractions[node.inputs[1]]
            elif isinstance(node, Add):
                source += node.own_shift
            elif isinstance(node, WeightedNode):
                source += node.weight_fraction
            fraction = source + node.requant.pre_shift - node.requant.shift
        output = dataclasses.replace(node.output, fraction=fraction)
        fractions[output.name] = fraction
        nodes.append(node.changed(output=output))
    return dataclasses.replace(graph, nodes=tuple(nodes))


def cases(seeds: range) -> Iterator[tuple[Graph, np.ndarray]]:
    for seed in seeds:
        rng = np.random.default_rng(seed)
        graph = random_graph(rng, random_hardware(rng))
        yield graph, random_input(rng, graph, 2)


@pytest.mark.parametrize(
    "seeds", [range(8), pytest.param(range(8, 16), marks=pytest.mark.nightly)], ids=str
)
def test_random_graphs_come_back(seeds: range) -> None:
    for index, (graph, x) in enumerate(cases(seeds)):
        round_trip(graph, x, traced=not index)
        round_trip(with_true_fractions(graph), x, traced=False)


@pytest.mark.parametrize("bits", [4, 8])
def test_a_trained_network_comes_back_in_ordinary_layers(bits: int) -> None:
    graph = Graph.load(LENET / f"lenet5_w{bits}a{bits}.cwgraph")
    model = round_trip(graph, random_input(np.random.default_rng(0), graph, 2))
    ordinary = {"InputLayer", "QConv2D", "MaxPooling2D", "Flatten", "QDense", "QActivation"}
    assert kinds(model) == {*ordinary, "Softmax", "Requantise"}
    # Only the input's.
    assert sum(type(layer).__name__ == "Requantise" for layer in model.layers) == 1
    names = {layer.activation for layer in model.layers if type(layer).__name__ == "QActivation"}
    assert names == {
        f"quantized_relu({bits - 1},2)",
        f"quantized_relu({bits - 1},3)",
        f"quantized_bits({bits},3,False,True,1)",
    }
    # The network was trained with batch norm, which the graph has folded: other weights.
    with pytest.raises(FrontendError, match="Weight count mismatch for layer"):
        load_weights(graph, LENET / f"lenet5_w{bits}a{bits}.h5")


def mobilenet() -> Graph:
    """A depthwise-separable network as in models/mobilenet, with a residual and upsampling."""
    net = Builder("mobile", 16, 16, 3, 8, 1)
    x = net.conv(net.input, 8, 3, 2, name="stem")
    for index, (channels, strides) in enumerate(((16, 1), (24, 2))):
        x = net.depthwise(x, 3, strides, name=f"depthwise{index}")
        x = net.conv(x, channels, 1, name=f"pointwise{index}")
    y = net.conv(x, 24, 3, activation="leaky", name="branch")
    x = net.add(net.conv(y, 24, 1, activation="linear"), x)
    x = net.concat(net.pool(x, 3, 1, "same"), net.pool(x, 2, 1, "same", kind="average"))
    x = net.conv(net.upsample(x, 2), 8, 3, padding="valid")
    net.softmax(net.dense(net.global_average(x), 10, activation="linear", name="logits"))
    return net.graph()


def test_a_built_network_comes_back() -> None:
    graph = mobilenet()
    model = round_trip(graph, random_input(np.random.default_rng(0), graph, 2))
    assert {"QConv2D", "QDepthwiseConv2D", "Add", "Concatenate", "UpSampling2D"} <= kinds(model)
    # The input of a chain of dense layers is a vector.
    net = Builder("mlp", 1, 1, 12, 8, 1)
    net.softmax(net.dense(net.dense(net.input, 9), 4, activation="linear"))
    model = round_trip(net.graph(), random_input(np.random.default_rng(0), net.graph(), 3))
    assert model.input_shape == (None, 12) and "Flatten" not in kinds(model)


def attention() -> Any:
    """Two heads over five tokens and a skip, written in Keras."""
    tf, qkeras = lazy.load()
    layers = tf.keras.layers

    def act(name: str) -> Any:
        return qkeras.QActivation(SIGNED, name=name)

    raw = tf.keras.Input((1, 5, 6))
    x = qkeras.QActivation("quantized_bits(8,0,False,True,1)", name="tokens")(raw)
    parts = [act(name)(qkeras.QConv2D(8, 1, **CORE)(x)) for name in ("query", "key", "value")]
    heads = [[corewright.ChannelSlice(4 * head, 4)(part) for part in parts] for head in range(2)]
    scores = [
        act(f"score{i}")(corewright.QMatMul(transpose_b=True)([query, key]))
        for i, (query, key, _) in enumerate(heads)
    ]
    shares = corewright.QSoftmax(8, 7, runs=2, name="shares")(layers.Concatenate()(scores))
    mixed = [
        act(f"mixed{i}")(corewright.QMatMul()([corewright.ChannelSlice(5 * i, 5)(shares), value]))
        for i, (_, _, value) in enumerate(heads)
    ]
    out = act("projected")(qkeras.QConv2D(6, 1, **CORE)(layers.Concatenate()(mixed)))
    model = tf.keras.Model(raw, act("out")(layers.Add()([out, x])))
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights([rng.uniform(-1, 1, w.shape) for w in layer.weights])
    return model


def test_attention_written_in_keras_is_exact(tmp_path: Path) -> None:
    model = attention()
    graph = corewright.convert(model, SimpleNamespace(bits_input=8, bits_weights=8))
    found = [type(node) for node in graph.nodes]
    assert found.count(MatMul) == 4 and found.count(QuantisedSoftmax) == 1
    x = np.random.default_rng(1).uniform(-1, 1, (3, 1, 5, 6))
    values, outputs = run(graph, quantise_input(graph, x)), keras_layer_outputs(model, x)
    for name, value in values.items():
        assert np.array_equal(outputs[name], dequantise(graph, name, value)), name
        assert np.ptp(value) > 0, name
    exported = round_trip(graph, quantise_input(graph, x))
    # Custom layers and the model's class survive a file.
    exported.save(tmp_path / "model.h5")
    loaded = lazy.load()[1].utils.load_qmodel(tmp_path / "model.h5")
    assert np.array_equal(loaded.predict(x, verbose=0), exported.predict(x, verbose=0))
    # And everything trains.
    tf, _ = lazy.load()
    exported.compile(optimizer=tf.keras.optimizers.SGD(0.5), loss="mse")
    exported.fit(x, np.ones((3, 1, 5, 6)), epochs=1, verbose=0)
    trained = with_weights(graph, exported)
    before, after = (
        {n.name: n.weights for n in g.nodes if isinstance(n, Conv)} for g in (graph, trained)
    )
    assert all(not np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlp", {"inputs": 40, "units": (30, 10)}),
        ("mobilenet", {"size": 32, "classes": 10, "alpha": 0.25, "layers": ((64, 1), (128, 2))}),
    ],
)
def test_models_of_the_zoo_come_back(name: str, options: dict[str, Any]) -> None:
    script = repository_root() / "models" / name / f"{name}.py"
    graph = runpy.run_path(str(script))["build"](**options)
    round_trip(graph, random_input(np.random.default_rng(0), graph, 2))


def test_sums_beyond_float64_are_refused() -> None:
    word = Tensor("x", 1, 1, 2, 32, 0)
    weights = np.full((2, 1), 30000)
    output = Tensor("y", 1, 1, 1, 16, 0)
    node = Dense("wide", "x", output, weights, None, Requant(8, 40, 40, -9, 9), 16, 0)
    with pytest.raises(FrontendError, match="'wide': its sums reach"):
        to_keras(Graph("wide", word, (node,)))


def test_real_inputs_are_quantised_as_the_golden_model_does() -> None:
    graph = mobilenet()
    x = np.random.default_rng(0).normal(0, 1.5, (4, 16, 16, 3))
    values = run(graph, quantise_input(graph, x))
    outputs = layer_outputs(to_keras(graph), x)
    for name, value in values.items():
        assert np.array_equal(outputs[name].reshape(value.shape), dequantise(graph, name, value))


def test_weights_of_a_file_replace_those_of_the_graph(tmp_path: Path) -> None:
    graph = mobilenet()
    empty = dataclasses.replace(
        graph,
        nodes=tuple(
            dataclasses.replace(node, weights=node.weights * 0)
            if isinstance(node, (Conv, Dense, Depthwise))
            else node
            for node in graph.nodes
        ),
    )
    assert empty.digest() != graph.digest()
    model = to_keras(graph)
    for name in ("w.h5", "w.weights.h5", "checkpoint"):
        model.save_weights(tmp_path / name)
        assert load_weights(empty, tmp_path / name).digest() == graph.digest()
    lenet = Graph.load(LENET / "lenet5_w4a4.cwgraph")
    for name in ("w.h5", "w.weights.h5", "checkpoint"):
        with pytest.raises(FrontendError, match="not the weights of graph 'lenet5"):
            load_weights(lenet, tmp_path / name)
    (tmp_path / "broken.h5").write_text("no weights")
    with pytest.raises(FrontendError, match="not the weights of graph 'mobile'"):
        load_weights(graph, tmp_path / "broken.h5")
    with pytest.raises(FileNotFoundError, match=r"no weights '.*missing.h5'"):
        load_weights(graph, tmp_path / "missing.h5")


def test_damaged_weights_are_a_frontend_error(tmp_path: Path) -> None:
    net = Builder("small", 1, 1, 6, 8, 1)
    net.dense(net.input, 3, activation="linear", name="only")
    graph = net.graph()
    model = to_keras(graph)

    def check(path: Path, variants: Iterable[bytes]) -> int:
        refused = 0
        for data in variants:
            path.write_bytes(data)
            try:
                load_weights(graph, path)
            except FrontendError as error:
                refused += 1
                assert str(path) in str(error) and "\n" not in str(error)
        return refused

    for name in ("w.h5", "w.weights.h5", "w.keras"):
        path = tmp_path / name
        model.save_weights(path) if name != "w.keras" else model.save(path)
        good = path.read_bytes()
        # HDF5 has no checksum over the numbers: a changed one is as legal as any other.
        assert check(path, damaged_bytes(good, 15, 6)) >= 2
        assert check(path, (b"", good[:600])) == 2
        # A shape that is declared, and for which the file has no data, is not allocated.
        with h5py.File(tmp_path / "giant.h5", "w") as file:
            file.create_dataset("a", (1 << 20, 1 << 24), "f4", chunks=(1024, 1024))
        giant = (tmp_path / "giant.h5").read_bytes()
        if name != "w.keras":
            path.write_bytes(giant)
            with pytest.raises(FrontendError, match="unpacks to 70368744177664 bytes"):
                load_weights(graph, path)
    with pytest.raises(FileNotFoundError):
        load_weights(graph, tmp_path)


def rounding(name: str, source: str, requant: Requant, output: str, bits: int = 8) -> Pool:
    tensor = Tensor(output, 2, 2, 3, bits, 0)
    return Pool(name, "max", source, tensor, (1, 1), (1, 1), (0, 0, 0, 0), requant)


def test_odd_names_limits_and_dead_ends() -> None:
    word = Tensor("image 1", 2, 2, 3, 8, 0)
    nodes = (
        rounding("a b", "image 1", Requant(2, 3, 1, -7, 100), "a b"),
        rounding("dead", "a b", Requant.identity(-128, 127), "nobody reads"),
        rounding("same", "a b", Requant(0, 0, 0, -128, 127), "same"),
        rounding("next", "same", Requant(0, 1, 1, -64, 63), "ünï", 7),
        Concat("joined", ("ünï", "ünï"), Tensor("joined.out", 2, 2, 6, 7, 0)),
    )
    graph = Graph("strange graph", word, nodes)
    model = to_keras(graph)
    x = random_input(np.random.default_rng(0), graph, 3)
    values = run(graph, x)
    outputs = layer_outputs(model, x)
    assert set(outputs) == {"image 1", "a b", "same", "ünï", "joined.out"}
    for name, output in outputs.items():
        assert np.array_equal(output, values[name])
    # Apart from the names it is the same network.
    again = convert(model, SimpleNamespace(bits_input=8, bits_weights=8))
    found = [node.requant for node in again.nodes if isinstance(node, Pool)]
    assert found == [
        node.requant for node in nodes if isinstance(node, Pool) and node.name != "dead"
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: corewright.QSoftmax(1, 0), "bits, fraction, runs are 1, 0, 1; legal are 2..32"),
        (lambda: corewright.QSoftmax(8, 7, table=[1]), "has a table, but no input_fraction"),
        (
            lambda: corewright.QSoftmax(8, 7, runs=4)(np.ones((1, 2, 2, 6))),
            "legal is a divisor of .*6 chan",
        ),
        (lambda: corewright.ChannelSlice(3, 4)(np.ones((1, 2, 2, 6))), "takes 4 channels from 3"),
        (
            lambda: corewright.QMatMul(True)([np.ones((1, 2, 2, 6)), np.ones((1, 2, 2, 5))]),
            "multiplies .*legal with transpose_b=True are feature maps with equal channels",
        ),
        (
            lambda: corewright.frontends.Requantise(4, 0, low=-9),
            r"low and high are \(-9, 7\), legal for 4 bits is \(-8, 7\)",
        ),
        (lambda: corewright.frontends.Requantise(33, 0), "bits is 33, legal is 1..32"),
    ],
)
def test_bad_layers_are_named(make: Any, message: str) -> None:
    with pytest.raises(FrontendError, match=message):
        make()


def test_layers_that_convert_refuses_are_named() -> None:
    tf, qkeras = lazy.load()
    hw = SimpleNamespace(bits_input=4, bits_weights=4)
    raw = tf.keras.Input((2, 2, 4))
    x = qkeras.QActivation("quantized_bits(4,0,False,True,1)")(raw)
    flat = tf.keras.layers.Flatten()(x)
    operators = lazy.load()[0].keras.utils.get_registered_object("corewright>TensorName")
    for layer, message in (
        (corewright.QSoftmax(8, 7), "bits is 8, legal is up to bits_input=4"),
        (
            corewright.QSoftmax(4, 3, table=[9], input_fraction=2),
            "input_fraction is 2, legal is .*, 3",
        ),
        (operators(name="twice"), "'twice' names the tensor .*legal is directly behind"),
    ):
        with pytest.raises(FrontendError, match=message):
            convert(tf.keras.Model(raw, tf.keras.layers.Add()([layer(x), x])), hw)
    for layer, message in (
        (corewright.QSoftmax(4, 3), "softmax over the flattened"),
        (corewright.ChannelSlice(0, 2), "cuts the flattened"),
    ):
        with pytest.raises(FrontendError, match=message):
            convert(tf.keras.Model(raw, layer(flat)), hw)


def test_a_node_called_like_the_tensor_of_another_goes_to_keras_and_back() -> None:
    requant = Requant.identity(-8, 7)

    def conv(name: str, source: str, output: str) -> Conv:
        weights = np.array([[[[1, 2], [3, -1]]]])
        tensor = Tensor(output, 2, 2, 2, 4, 0)
        return Conv(name, source, tensor, weights, None, (1, 1), (0, 0, 0, 0), requant, 4, 0)

    image = Tensor("a_sums", 2, 2, 2, 4, 0)
    graph = Graph("a", image, (conv("a", "a_sums", "b"), conv("b", "b", "a")))
    x = np.random.default_rng(0).integers(-8, 8, (3, 2, 2, 2))
    values = run(graph, x)
    outputs = layer_outputs(to_keras(graph), x)
    for name in ("a", "b"):
        assert np.array_equal(outputs[name], values[name]) and np.ptp(values[name]) > 0
    again = convert(to_keras(graph), SimpleNamespace(bits_input=4, bits_weights=4))
    assert np.array_equal(run(again, x)[again.output.name], values["a"])
