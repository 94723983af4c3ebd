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
from corewright.graph import (
    Add,
    Conv,
    Graph,
    GraphError,
    MatMul,
    Pool,
    QuantisedSoftmax,
    RequantNode,
    Slice,
    Tensor,
)


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


def transformer(tokens: int, heads: int, bits: int = 8, depth: int = 1) -> Builder:
    net = Builder("transformer", 1, tokens, 12, bits)
    x = net.conv(net.input, 16, 1, activation="linear")
    for _ in range(depth):
        x = net.add(net.attention(x, heads), x, activation="linear")
        x = net.add(net.conv(net.conv(x, 32, 1), 16, 1), x, activation="linear")
    net.softmax(net.dense(net.global_average(x), 5, activation="linear"))
    return net


def binary(bits: int = 1) -> Builder:
    net = Builder("binary", 12, 12, 3, bits, weight_bits=1)
    x = net.conv(net.input, 16, 3, 2)
    x = net.depthwise(net.upsample(x, 2), 3)
    y = net.slice(x, 3, 8)
    x = net.concat(net.conv(x, 8, 1), y)
    x = net.pool(net.conv(x, 24, 5), 2)
    net.dense(net.dense(x, 30), 10)
    return net


@pytest.mark.parametrize(
    "net",
    [
        everything(20),
        transformer(20, 4),
        transformer(7, 1),
        transformer(7, 2, 4, 2),
        binary(),
        binary(4),
    ],
)
def test_samples_of_small_maps_are_the_golden_models_tensors(net: Builder):
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


@pytest.mark.parametrize(("bits", "heads", "tokens"), [(4, 2, 12), (8, 4, 30), (16, 1, 3 * SIDE)])
def test_attention_uses_the_words_without_saturating(bits: int, heads: int, tokens: int):
    graph = transformer(tokens, heads, bits, depth=2).graph()
    tensors = golden.run(graph, golden.random_input(np.random.default_rng(9), graph, 8))
    for node in graph.compute_nodes:
        values = tensors[node.output.name]
        # Of four bits, most weights of a softmax are below half of a quantum.
        assert np.mean(values != 0) > (0.03 if bits == 4 else 0.2), node.name
        if isinstance(node, (RequantNode, QuantisedSoftmax)) and not isinstance(node, Pool):
            high = node.output.high
            # A weighted mean is smaller the more values it is of.
            assert np.abs(values).max() > high // 5, node.name
            assert np.mean(np.abs(values) >= high) < {4: 0.2}.get(bits, 0.03), node.name
        if isinstance(node, MatMul):
            # Tokens differ: a row that is read in another's place is noticed.
            assert values.std(axis=2).mean() > high / 40, node.name


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_is_that_of_real_numbers(heads: int):
    net = Builder("attention", 1, 10, 8, 16)
    result = net.attention(net.input, heads, 4, channels=6, name="a")
    graph = net.graph()
    assert result.shape == (1, 10, 6)
    nodes = graph.compute_nodes
    assert [n.name for n in nodes if isinstance(n, QuantisedSoftmax)] == ["a.softmax"]
    assert sum(isinstance(n, Slice) for n in nodes) == (4 * heads if heads > 1 else 0)
    values = golden.run(graph, golden.random_input(np.random.default_rng(3), graph, 5))

    def real(name: str) -> np.ndarray:
        return golden.dequantise(graph, name, values[name])[:, 0].reshape(5, 10, heads, -1)

    query, key, value = (real(f"a.{part}.out") for part in ("query", "key", "value"))
    score = graph.node("a.score0")
    assert isinstance(score, MatMul)
    # A power of two, with which the scores' word spans -4..4.
    assert (score.output.low, score.output.fraction) == (-(1 << 15), 13)
    scale = 2 * graph.tensor("a.query.out").fraction - score.requant.shift - 13
    scores = np.ldexp(np.einsum("nqhc,nkhc->nqhk", query, key), scale)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    # Scores saturate now and then, at what 99 % of them fit into.
    close = np.abs(real("a.softmax.out") - weights) < 2e-3
    assert close.mean() > 0.9
    mixed = np.einsum("nqhk,nkhc->nqhc", weights, value)
    joined = "a.mix0.out" if heads == 1 else "a.mixed.out"
    assert np.median(np.abs(real(joined) - mixed)) < 1e-3
    softmax = graph.node("a.softmax")
    assert isinstance(softmax, QuantisedSoftmax) and softmax.runs == heads


def test_a_product_is_scaled_and_aligned_by_fractions():
    net = Builder("product", 2, 3, 4, 8)
    a = net.conv(net.input, 5, 1)
    plain = net.matmul(a, a, transpose_b=True, name="plain")
    scaled = net.matmul(a, a, transpose_b=True, scale=3, activation="relu", name="scaled")
    mixed = net.matmul(plain, net.input)
    assert (plain.shape, mixed.shape) == ((2, 3, 6), (2, 3, 4))
    assert scaled.fraction == plain.fraction + 3
    node = net.graph().node("plain")
    assert isinstance(node, MatMul) and node.transpose_b and node.inputs == (a.name, a.name)
    assert plain.fraction == 2 * a.fraction - node.requant.shift
    values = golden.run(net.graph(), net.sample(net.input))
    real = golden.dequantise(net.graph(), a.name, values[a.name]).reshape(-1, 6, 5)
    product = golden.dequantise(net.graph(), plain.name, values[plain.name]).reshape(-1, 6, 6)
    error = np.abs(product - real @ real.transpose(0, 2, 1))
    assert np.median(error) <= 2.0 ** -(plain.fraction + 1)


def test_the_fraction_of_a_softmax_follows_its_results():
    net = Builder("softmax", 1, 4, 64, 8)
    flat = net.quantised_softmax(net.input, 1)
    peaks = net.quantised_softmax(net.input, 32)
    fixed = net.quantised_softmax(net.input, 64, fraction=3)
    # 64 weights around 1/64, two around 1/2, and one that is one.
    assert (flat.fraction, peaks.fraction, fixed.fraction) == (11, 7, 3)
    values = golden.run(net.graph(), net.sample(net.input))
    assert np.unique(values[fixed.name]).tolist() == [8]
    assert 64 <= values[flat.name].max() <= 127
    one = net.quantised_softmax(net.input, 64)
    assert one.fraction == 7 and np.unique(net.sample(one)).tolist() == [127]


def test_layers_of_one_bit_are_balanced_signs():
    graph = binary().graph()
    tensors = golden.run(graph, golden.random_input(np.random.default_rng(1), graph, 32))
    for node in graph.compute_nodes:
        values = tensors[node.output.name]
        assert np.unique(values).tolist() == [-1, 1], node.name
        # Maxima of signs are mostly 1.
        assert abs(values.mean()) < (0.9 if isinstance(node, Pool) else 0.3), node.name
        if isinstance(node, Conv):
            assert np.unique(node.weights).tolist() == [-1, 1]


def test_what_one_bit_cannot_do_is_refused():
    net = Builder("bit", 4, 4, 4, 1)
    x = net.conv(net.input, 4, 1)
    with pytest.raises(GraphError, match=r"'add1': output 'add1\.out' has 1 bit"):
        net.add(x, net.input)
    with pytest.raises(GraphError, match=r"'average1': output 'average1\.out' has 1 bit"):
        net.global_average(x)
    with pytest.raises(GraphError, match=r"'q': output 'q\.out' has 1 bit"):
        net.quantised_softmax(x, name="q")
    with pytest.raises(GraphError, match=r"'m': output 'm\.out' has 1 bit"):
        net.matmul(x, x, transpose_b=True, name="m")


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
    with pytest.raises(BuilderError, match=r"bits is 0, legal is 1\.\.16"):
        Builder("bad", 5, 6, 2, 0)
    with pytest.raises(BuilderError, match=r"weight_bits is 2\.5, legal is an integer 1\.\.16"):
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
    with pytest.raises(BuilderError, match="layer 's': channels is 3, legal is 1"):
        net.slice(x, 0, 3, name="s")
    with pytest.raises(GraphError, match=r"layer 's': takes channels 1\.\.2, the input .* has 2"):
        net.slice(x, 1, 2, name="s")
    with pytest.raises(GraphError, match=r"layer 'm': .* legal with transpose_b=False are"):
        net.matmul(x, x, name="m")
    with pytest.raises(BuilderError, match="layer 'a': key_channels is 0, legal is 1"):
        net.attention(x, 3, name="a")
    with pytest.raises(GraphError, match="layer 'q': runs is 2, legal is a divisor of 3"):
        net.quantised_softmax(net.conv(x, 3, 1), 2, name="q")
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
