# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the builder promises: exact samples, used words, named errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corewright import golden
from corewright.builder import Builder, BuilderError, load_weights
from corewright.builder.sample import SIDE, pad_axis, random_sample
from corewright.flow.vectors import random_images
from corewright.graph import Add, Conv, Graph, GraphError, Pool, RequantNode, Tensor


def everything(size: int, bits: int = 8, seed: int = 1) -> Builder:
    net = Builder("everything", size, size, 3, bits, seed)
    x = net.conv(net.input, 8, 5, 2, padding="same")
    y = net.depthwise(x, 3, (1, 1), 1, activation="leaky")
    y = net.conv(y, 8, (1, 3), padding=(0, 0, 1, 1), activation="linear")
    x = net.add(y, x)
    y = net.conv(x, 4, 1)
    z = net.conv(x, 6, 3, padding="same")
    x = net.concat(y, z)
    x = net.pool(x, 3, 2, 1)
    y = net.pool(x, 2, 1, "same", kind="average")
    x = net.space_to_depth(net.upsample(y, 2), 2)
    x = net.dense(net.global_average(x), 12)
    net.softmax(net.dense(x, 5, activation="linear"))
    return net


def test_samples_of_small_maps_are_the_golden_models_tensors():
    net = everything(20)
    graph = net.graph()
    tensors = golden.run(graph, net.sample(graph.input))
    for name, tensor in graph.tensors.items():
        assert np.array_equal(net.sample(tensor), tensors[name]), name


@pytest.mark.parametrize("bits", [3, 4, 8, 16])
def test_fresh_images_use_the_words_without_saturating(bits: int):
    graph = everything(40, bits).graph()
    tensors = golden.run(graph, random_images(graph, 16, 9))
    for node in graph.compute_nodes:
        values = tensors[node.output.name]
        assert np.mean(values != 0) > 0.05, node.name
        # Pools and phases of a rearrangement copy, they have no shift of their own.
        copies = isinstance(node, Pool) or "phase" in node.name
        if isinstance(node, RequantNode) and not copies:
            high = node.output.high
            assert np.abs(values).max() > high // 3, node.name
            limit = {3: 0.4, 4: 0.2}.get(bits, 0.03)
            assert np.mean(np.abs(values) >= high) < limit, node.name


def test_two_bits_have_zeros_and_ones_in_every_layer():
    # Not `everything`: maxima of maxima of one-bit activations are all one.
    net = Builder("ternary", 16, 16, 4, 2)
    x = net.input
    for _ in range(6):
        x = net.conv(x, 12, 3)
    graph = net.graph()
    tensors = golden.run(graph, random_images(graph, 4, 1))
    for node in graph.compute_nodes:
        assert 0.1 < np.mean(tensors[node.output.name]) < 0.6, node.name


def test_crops_stand_for_the_whole_map():
    net = everything(3 * SIDE)
    graph = net.graph()
    tensors = golden.run(graph, random_images(graph, 2, 9))
    for node in graph.compute_nodes:
        if isinstance(node, Conv | Add):
            crop = net.sample(node.output)
            assert crop.shape[1] < node.output.height
            whole = tensors[node.output.name]
            assert abs(crop.std() / whole.std() - 1) < 0.2, node.name


def test_images_differ_behind_many_layers():
    net = Builder("deep", 16, 16, 4, 8)
    x = net.input
    for _ in range(20):
        x = net.conv(x, 16, 3)
    tensors = golden.run(net.graph(), random_images(net.graph(), 2, 1))
    last = tensors[x.name]
    assert np.mean(last[0] != last[1]) > 0.3
    # Pixels of a channel, too: a convolution that reads the wrong pixel has to be noticed.
    assert last.std(axis=(1, 2)).mean() > 8


def test_same_arguments_same_graph():
    assert everything(12).graph().digest() == everything(12).graph().digest()
    assert everything(12).graph().digest() != everything(12, seed=2).graph().digest()


def test_addition_is_aligned_by_fractions():
    net = Builder("add", 4, 4, 2, 8)
    a = net.conv(net.input, 3, 1)
    b = net.conv(net.input, 3, 1)
    total = net.add(a, b)
    assert total.fraction < a.fraction
    again = net.add(a, total)
    node = net.graph().producer(again.name)
    assert isinstance(node, Add)
    assert (node.own_shift, node.other_shift) == (0, a.fraction - total.fraction)


def test_space_to_depth_moves_pixels():
    net = Builder("reorder", 4, 6, 2, 8)
    y = net.space_to_depth(net.input, 2)
    x = random_images(net.graph(), 2, 1)
    got = golden.run(net.graph(), x)[y.name]
    assert got.shape == (2, 2, 3, 8)
    for row, column in np.ndindex(2, 2):
        first = (row * 2 + column) * 2
        assert np.array_equal(got[..., first : first + 2], x[:, row::2, column::2])


def test_given_weights_are_used_as_they_are(tmp_path: Path):
    file = tmp_path / "weights.npz"
    weights = np.arange(-3, 3).reshape(1, 1, 2, 3)
    given = {"c.weights": weights, "c.bias": np.array([1, 2, 3]), "c.shift": np.array(2)}
    np.savez(file, allow_pickle=False, **given)

    def build(source: Path | dict[str, np.ndarray]) -> Graph:
        net = Builder("given", 4, 4, 2, 8, weights=source)
        net.conv(net.input, 3, 1, name="c")
        return net.graph()

    node = build(file).node("c")
    assert isinstance(node, Conv) and node.bias is not None
    assert np.array_equal(node.weights, weights)
    assert node.bias.tolist() == [1, 2, 3] and node.requant.shift == 2
    assert build(load_weights(file)).digest() == build(file).digest()
    plain = build({"c.weights": weights}).node("c")
    assert isinstance(plain, Conv) and plain.bias is None
    with pytest.raises(BuilderError, match=r"layer 'c': there is no 'c\.weights', there are: none"):
        build({})
    with pytest.raises(BuilderError, match=r"\(1, 1, 3, 2\), legal is \(1, 1, 2, 3\)"):
        build({"c.weights": weights.reshape(1, 1, 3, 2)})
    with pytest.raises(BuilderError, match=r"bias has shape \(2,\), legal is \(3,\)"):
        build({"c.weights": weights, "c.bias": np.array([1, 2])})
    np.savez(file, allow_pickle=False, **{"c.weights": weights / 2})
    with pytest.raises(BuilderError, match=r"'c\.weights' has type float64, legal are integers"):
        build(file)
    with pytest.raises(BuilderError, match=r"missing\.npz: cannot be read"):
        build(tmp_path / "missing.npz")


def test_errors_name_layer_value_and_what_is_legal():
    net = Builder("errors", 5, 6, 2, 8)
    other = Builder("other", 5, 6, 2, 8)
    stranger = other.conv(other.input, 3, 1, name="stranger")
    x = net.conv(net.input, 2, 1, name="first")
    with pytest.raises(BuilderError, match=r"bits is 1, legal is 2\.\.16"):
        Builder("bad", 5, 6, 2, 1)
    with pytest.raises(BuilderError, match=r"weight_bits is 2\.5, legal is an integer 2\.\.16"):
        Builder("bad", 5, 6, 2, weight_bits=2.5)  # type: ignore[arg-type]
    with pytest.raises(BuilderError, match=r"'stranger\.out' is not of graph 'errors'"):
        net.conv(stranger, 2, 1)
    with pytest.raises(BuilderError, match="'first': the name occurs twice"):
        net.conv(x, 2, 1, name="first")
    with pytest.raises(BuilderError, match="layer 'c': kernel is 0, legal is 1"):
        net.conv(x, 2, 0, name="c")
    with pytest.raises(BuilderError, match="activation is 'tanh', legal are linear"):
        net.conv(x, 2, 1, activation="tanh")  # type: ignore[arg-type]
    with pytest.raises(BuilderError, match="padding is 'full', legal are 'same'"):
        net.conv(x, 2, 1, padding="full")  # type: ignore[arg-type]
    with pytest.raises(BuilderError, match="is 5x6, legal are multiples of 2"):
        net.space_to_depth(x, 2)
    with pytest.raises(BuilderError, match="has 1 inputs, legal are two or more"):
        net.concat(x)
    with pytest.raises(GraphError, match="legal are equal shapes"):
        net.add(x, net.pool(x, 2))
    with pytest.raises(GraphError, match="does not fit"):
        net.conv(x, 2, 9, padding="valid")
    with pytest.raises(GraphError, match="has no nodes"):
        Builder("empty", 1, 1, 4).graph()


def test_crop_is_extended_periodically_and_a_whole_map_is_not():
    x = np.arange(4).reshape(1, 4, 1, 1)
    extended, padding, length = pad_axis(x, 1, 100, 3, 1, (1, 1))
    assert (padding, length) == ((0, 0), 4)
    assert extended.ravel().tolist() == [3, 0, 1, 2, 3, 0]
    same, padding, length = pad_axis(x, 1, 4, 3, 2, (1, 0))
    assert same is x and (padding, length) == ((1, 0), 2)
    sample = random_sample(Tensor("x", 200, 20, 3, 4, 0), np.random.default_rng(0))
    assert sample.shape[1:] == (SIDE, 20, 3)
    assert (sample.min(), sample.max()) == (-8, 7)
