# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The integer graph: validation, files, analysis."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from corewright.graph import (
    Add,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    GraphError,
    MatMul,
    Pool,
    QuantisedSoftmax,
    Requant,
    Slice,
    Softmax,
    Tensor,
    Upsample,
    accumulator_bits,
    accumulator_bounds,
    macs,
    same_padding,
    softmax_table,
    value_bounds,
    value_range,
)

RELU = Requant(0, 3, 3, 0, 7)


def small_graph(seed: int = 1, metadata: dict[str, object] | None = None) -> Graph:
    """Conv 3x3 same, average pool, dense, softmax on a 6x5x2 input."""
    rng = np.random.default_rng(seed)
    return Graph(
        "small",
        Tensor("x", 6, 5, 2, 4, 3),
        (
            Conv(
                "conv",
                "x",
                Tensor("conv_out", 6, 5, 3, 4, 3),
                rng.integers(-8, 8, (3, 3, 2, 3)),
                rng.integers(-100, 100, 3),
                (1, 1),
                (1, 1, 1, 1),
                RELU,
                4,
                3,
            ),
            Pool(
                "pool",
                "average",
                "conv_out",
                Tensor("pool_out", 3, 2, 3, 4, 3),
                (2, 2),
                (2, 2),
                (0, 0, 0, 0),
                Requant.identity(0, 7),
            ),
            Dense(
                "dense",
                "pool_out",
                Tensor("dense_out", 1, 1, 5, 8, 4),
                rng.integers(-8, 8, (18, 5)),
                None,
                Requant(0, 2, 4, -128, 127),
                4,
                3,
            ),
            Softmax("softmax", "dense_out"),
        ),
        metadata or {},
    )


def branched_graph() -> Graph:
    """Depthwise, addition to its own input, concatenation, upsampling of a 4x4x2 input."""
    rng = np.random.default_rng(0)
    weights, bias = rng.integers(-8, 8, (3, 3, 2)), rng.integers(-9, 9, 2)
    out, requant = Tensor("d_out", 4, 4, 2, 5, 3), Requant(0, 2, 3, -3, 15)
    return Graph(
        "branched",
        Tensor("x", 4, 4, 2, 5, 3),
        (
            Depthwise("d", "x", out, weights, bias, (1, 1), (1, 1, 1, 1), requant, 4, 3),
            Add("a", ("d_out", "x"), Tensor("sum", 4, 4, 2, 5, 3), 2, 1, Requant(0, 1, 1, -9, 9)),
            Concat("j", ("sum", "x", "d_out"), Tensor("joined", 4, 4, 6, 5, 3)),
            Upsample("u", "joined", Tensor("large", 8, 12, 6, 5, 3), (2, 3)),
        ),
        input_range=(-10, 12),
    )


def attention_graph() -> Graph:
    """Slices of a 1x4x6 input as Q, K and V; scores, their softmax in two runs, product with V."""
    out = Tensor("q", 1, 4, 2, 5, 2)
    return Graph(
        "attention",
        Tensor("x", 1, 4, 6, 5, 2),
        (
            Slice("query", "x", out, 0),
            Slice("key", "x", dataclasses.replace(out, name="k"), 2),
            Slice("value", "x", dataclasses.replace(out, name="v"), 4),
            MatMul(
                "score", ("q", "k"), Tensor("s", 1, 4, 4, 5, 2), True, Requant(0, 2, 2, -16, 15)
            ),
            QuantisedSoftmax(
                "soft", "s", Tensor("p", 1, 4, 4, 5, 4), 2, softmax_table(2, 32), 0, 15
            ),
            MatMul("mix", ("p", "v"), Tensor("y", 1, 4, 2, 5, 2), False, Requant(1, 3, 4, -9, 15)),
        ),
        input_range=(-10, 12),
    )


def binary_graph() -> Graph:
    """A 1-bit convolution, depthwise, maximum, copies and dense layer of a 4x4x2 input."""
    rng = np.random.default_rng(0)
    sign, out = Requant.identity(-1, 1), Tensor("c", 4, 4, 3, 1, 0)

    def weights(*shape: int) -> np.ndarray:
        return 2 * rng.integers(0, 2, shape) - 1

    pads = (1, 1, 1, 1)
    return Graph(
        "binary",
        Tensor("x", 4, 4, 2, 1, 0),
        (
            Conv("conv", "x", out, weights(3, 3, 2, 3), None, (1, 1), pads, sign, 1, 0),
            Depthwise(
                "depth",
                "c",
                dataclasses.replace(out, name="d"),
                weights(3, 3, 3),
                rng.integers(-3, 4, 3),
                (1, 1),
                pads,
                sign,
                1,
                0,
            ),
            Pool("pool", "max", "d", Tensor("p", 2, 2, 3, 1, 0), (2, 2), (2, 2), (0,) * 4, sign),
            Upsample("up", "p", Tensor("u", 4, 4, 3, 1, 0), (2, 2)),
            Concat("join", ("u", "c"), Tensor("j", 4, 4, 6, 1, 0)),
            Slice("part", "j", Tensor("t", 4, 4, 4, 1, 0), 1),
            Dense("dense", "t", Tensor("y", 1, 1, 5, 1, 0), weights(64, 5), None, sign, 1, 0),
        ),
    )


def conv_of(graph: Graph) -> Conv:
    node = graph.node("conv")
    assert isinstance(node, Conv)
    return node


@pytest.mark.parametrize("build", [small_graph, branched_graph, attention_graph, binary_graph])
def test_saved_graph_loads_equal(tmp_path: Path, build: Callable[[], Graph]) -> None:
    metadata = {"accuracy": 0.5, "classes": ["a", "b"]}
    graph = dataclasses.replace(build(), metadata=metadata)
    loaded = Graph.load(graph.save(tmp_path / "a.cwgraph"))
    assert loaded.digest() == graph.digest()
    assert loaded.metadata == graph.metadata
    assert loaded.tensors == graph.tensors
    for ours, theirs in zip(graph.compute_nodes, loaded.compute_nodes, strict=True):
        assert ours.inputs == theirs.inputs
        for name in ("own_shift", "other_shift", "factors", "strides", "padding", "requant"):
            assert getattr(ours, name, None) == getattr(theirs, name, None)
        for name in ("transpose_b", "first_channel", "runs", "low", "high"):
            assert getattr(ours, name, None) == getattr(theirs, name, None)
        for name in ("weights", "bias", "table"):
            left, right = getattr(ours, name, None), getattr(theirs, name, None)
            assert (left is None) == (right is None)
            if left is not None:
                assert np.array_equal(left, right)  # type: ignore[arg-type]


def test_file_bytes_are_deterministic(tmp_path: Path) -> None:
    first = small_graph(metadata={"b": 1, "a": 2}).save(tmp_path / "a").read_bytes()
    loaded = Graph.load(tmp_path / "a")
    second = loaded.save(tmp_path / "b").read_bytes()
    third = small_graph(metadata={"a": 2, "b": 1}).save(tmp_path / "c").read_bytes()
    assert first == second == third


def test_small_weights_take_a_byte_each(tmp_path: Path) -> None:
    small_graph().save(tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "a") as archive:
        data = archive.read("0000_weights.npy")
    assert b"'|i1'" in data


def test_digest_follows_weights_and_requant_not_metadata() -> None:
    graph = small_graph()
    assert small_graph(metadata={"x": 1}).digest() == graph.digest()
    assert small_graph(seed=2).digest() != graph.digest()
    conv = conv_of(graph)
    changed = dataclasses.replace(conv, requant=Requant(0, 4, 4, 0, 7))
    assert dataclasses.replace(graph, nodes=(changed, *graph.nodes[1:])).digest() != graph.digest()


def test_arrays_of_a_graph_are_read_only_copies() -> None:
    weights = np.ones((1, 1, 1, 1), dtype=np.int64)
    output = Tensor("y", 1, 1, 1, 4, 0)
    node = Conv("c", "x", output, weights, None, (1, 1), (0, 0, 0, 0), RELU, 2, 0)
    weights[:] = 0
    assert node.weights[0, 0, 0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        node.weights[0, 0, 0, 0] = 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.full((3, 3, 2, 3), 8)}, r"'conv': weights span 8\.\.8.*-8\.\.7"),
        ({"weights": np.zeros((3, 3, 3, 3), int)}, r"'conv': weights expect 3 input channels"),
        ({"weights": np.zeros((3, 3, 2, 3))}, r"'conv': weights have .*float64"),
        ({"bias": np.zeros(4, int)}, r"'conv': bias has shape \(4,\)"),
        ({"strides": (0, 1)}, r"'conv': strides is 0, legal is 1"),
        ({"strides": (2, 1)}, r"'conv': output 'conv_out' has shape .* legal is \(3, 5, 3\)"),
        ({"padding": (3, 0, 0, 0)}, r"'conv': padding .* below the 3x3 window"),
        ({"input": "nowhere"}, r"'conv': input 'nowhere' is not defined"),
        ({"requant": Requant(0, 0, 0, -9, 7)}, r"'conv': requant saturates to -9\.\.7.*-8\.\.7"),
        ({"weight_bits": 17}, r"'conv': weight_bits is 17, legal is 1\.\.16"),
        ({"name": "dense"}, r"'dense': the name occurs twice"),
        ({"output": Tensor("x", 6, 5, 3, 4, 3)}, r"'conv': output 'x' is defined twice"),
    ],
)
def test_illegal_convolutions_are_named(change: dict[str, object], message: str) -> None:
    graph = small_graph()
    with pytest.raises(GraphError, match=message):
        node = dataclasses.replace(conv_of(graph), **change)  # type: ignore[arg-type]
        dataclasses.replace(graph, nodes=(node, *graph.nodes[1:]))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("a", {"inputs": ("d_out",)}, r"'a': inputs is \('d_out',\), legal are two names"),
        ("a", {"inputs": "xx"}, "'a': inputs is 'xx', legal are two names"),
        ("a", {"inputs": ("d_out", "joined")}, "'a': input 'joined' is not defined before it"),
        ("a", {"own_shift": 16}, r"'a': own_shift is 16, legal is 0\.\.15"),
        ("a", {"other_shift": -1}, r"'a': other_shift is -1, legal is 0\.\.15"),
        ("a", {"requant": Requant(1, 1, 1, -9, 9)}, "'a': pre_shift is 1, legal .* is 0"),
        ("a", {"output": Tensor("sum", 4, 4, 3, 5, 3)}, r"'a': output 'sum' has shape"),
        ("d", {"weights": np.ones((3, 3, 3), int), "bias": None}, "'d': weights expect 3 chann"),
        ("d", {"weights": np.ones((3, 3, 2, 1), int)}, "'d': weights have shape .* 3 non-empty"),
        ("d", {"bias": np.zeros(3, int)}, r"'d': bias has shape \(3,\)"),
        ("d", {"padding": (3, 0, 0, 0)}, "'d': padding .* below the 3x3 window"),
        ("j", {"inputs": ("x",)}, "'j': inputs is .*, legal are two names or more"),
        ("j", {"output": Tensor("joined", 4, 4, 6, 5, 4)}, "'j': copies 'sum' of 5 bits, fraction"),
        ("j", {"output": Tensor("joined", 4, 4, 5, 5, 3)}, r"'j': output .* legal is \(4, 4, 6\)"),
        ("u", {"output": Tensor("large", 8, 12, 6, 4, 3)}, "'u': copies 'joined' of 5 bits"),
        ("u", {"factors": (2, 0)}, "'u': factors is 0, legal is 1"),
        ("u", {"factors": (3, 2)}, r"'u': output .* legal is \(12, 8, 6\)"),
    ],
)
def test_illegal_branches_are_named(name: str, change: dict[str, object], message: str) -> None:
    graph = branched_graph()
    with pytest.raises(GraphError, match=message):
        nodes = tuple(
            dataclasses.replace(node, **change) if node.name == name else node  # type: ignore[arg-type]
            for node in graph.nodes
        )
        dataclasses.replace(graph, nodes=nodes)


def test_operands_of_other_shapes_are_refused() -> None:
    half = Pool(
        "p",
        "max",
        "x",
        Tensor("h", 2, 2, 2, 5, 3),
        (2, 2),
        (2, 2),
        (0, 0, 0, 0),
        Requant.identity(-10, 12),
    )
    add = Add("a", ("h", "x"), Tensor("y", 2, 2, 2, 5, 3), 0, 0, Requant.identity(-16, 15))
    join = Concat("j", ("x", "h"), Tensor("y", 2, 2, 4, 5, 3))
    for node, legal in ((add, "equal shapes"), (join, "equal heights and widths")):
        with pytest.raises(GraphError, match=rf"'{node.name}': inputs .*\(2, 2, 2\).*{legal}"):
            Graph("g", branched_graph().input, (half, node))


def test_ranges_follow_copies_and_sums() -> None:
    graph = branched_graph()
    spans = {"x": (-10, 12), "d_out": (-3, 15), "sum": (-9, 9), "joined": (-10, 15)}
    assert graph.value_ranges == {**spans, "large": (-10, 15)}
    assert all(value_range(graph, name) == span for name, span in spans.items())
    depthwise, add, join, up = graph.compute_nodes
    low, high = accumulator_bounds(graph, add)
    assert low.tolist() == [4 * -3 + 2 * -10] * 2 and high.tolist() == [4 * 15 + 2 * 12] * 2
    assert np.array_equal(value_bounds(graph, add)[0], low)
    low, high = accumulator_bounds(graph, join)
    assert low.tolist() == [-9, -9, -10, -10, -3, -3] and high.tolist() == [9, 9, 12, 12, 15, 15]
    assert accumulator_bits(graph, up) == 5
    low, high = value_bounds(graph, depthwise)
    assert isinstance(depthwise, Depthwise) and depthwise.bias is not None
    for channel in range(2):
        w = depthwise.weights[:, :, channel].ravel().astype(int)
        bias = int(depthwise.bias[channel])
        assert high[channel] == sum(max(-10 * v, 12 * v) for v in w) + bias
        assert low[channel] == sum(min(-10 * v, 12 * v) for v in w) + bias
    assert [macs(node) for node in graph.nodes] == [4 * 4 * 2 * 9, 0, 0, 0]
    assert [node.name for node in graph.consumers("x")] == ["d", "a", "j"]
    assert graph.consumers("d_out") == (add, join)


def changed(graph: Graph, name: str, change: dict[str, object]) -> Graph:
    nodes = tuple(
        dataclasses.replace(node, **change) if node.name == name else node  # type: ignore[arg-type]
        for node in graph.nodes
    )
    return dataclasses.replace(graph, nodes=nodes)


TABLE = np.array([3, 2, 1])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("query", {"first_channel": 5}, r"'query': takes channels 5\.\.6, the input 'x' has 6"),
        ("query", {"first_channel": -1}, "'query': first_channel is -1, legal is 0"),
        ("query", {"output": Tensor("q", 1, 4, 2, 5, 1)}, "'query': copies 'x' of 5 bits, fract"),
        ("query", {"output": Tensor("q", 1, 3, 2, 5, 2)}, r"legal is \(1, 4, 2\)"),
        ("score", {"inputs": ("q",)}, "'score': inputs is .*, legal are two names"),
        ("score", {"inputs": ("q", "x")}, r"'score': .*transpose_b=True are equal channels"),
        ("score", {"transpose_b": False}, "'score': .* as many pixels of b as channels of a"),
        ("score", {"transpose_b": 1}, "'score': transpose_b is 1, legal is a bool"),
        ("score", {"output": Tensor("s", 1, 4, 3, 5, 2)}, r"'s' has shape .* is \(1, 4, 4\)"),
        (
            "score",
            {"output": Tensor("s", 1, 4, 4, 1, 2), "requant": Requant.identity(-1, 1)},
            "'score': output 's' has 1 bit, legal are 2 or more",
        ),
        ("soft", {"runs": 3}, "'soft': runs is 3, legal is a divisor of 4 channels"),
        ("soft", {"runs": 0}, r"'soft': runs is 0, legal is 1\.\.4"),
        ("soft", {"table": TABLE[::-1]}, "'soft': table starts with 1 and falls .* no rise"),
        ("soft", {"table": TABLE * 0}, "'soft': table starts with 0"),
        ("soft", {"table": TABLE - 2}, r"'soft': table spans -1\.\.1, legal is 0\.\.2\*\*32-1"),
        ("soft", {"table": TABLE << 31}, r"'soft': table spans .* legal is 0\.\.2\*\*32-1"),
        ("soft", {"table": TABLE / 2}, "'soft': table has .*float64"),
        ("soft", {"table": TABLE[:0]}, "'soft': table has shape"),
        ("soft", {"table": TABLE[None]}, r"'soft': table has shape \(1, 3\)"),
        ("soft", {"low": -17}, r"'soft': low is -17, legal is -16\.\.15"),
        ("soft", {"high": 16}, r"'soft': high is 16, legal is -16\.\.15"),
        ("soft", {"low": 3, "high": 2}, "'soft': low 3 is above high 2"),
        ("soft", {"output": Tensor("p", 1, 4, 4, 5, 31)}, r"'soft': fraction .* is 31.* 0\.\.30"),
        ("soft", {"output": Tensor("p", 1, 4, 4, 5, -1)}, r"'soft': fraction .* is -1"),
        ("soft", {"output": Tensor("p", 1, 4, 4, 1, 0)}, "'soft': output 'p' has 1 bit"),
        ("soft", {"output": Tensor("p", 1, 4, 8, 5, 4)}, r"'p' has shape .* is \(1, 4, 4\)"),
    ],
)
def test_illegal_attention_is_named(name: str, change: dict[str, object], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        changed(attention_graph(), name, change)


def test_sums_of_a_softmax_stay_in_48_bits() -> None:
    def node(channels: int, entry: int) -> QuantisedSoftmax:
        output = Tensor("y", 1, 1, 2 * channels, 8, 7)
        return QuantisedSoftmax("s", "x", output, 2, np.array([entry]), 0, 127)

    largest = (1 << 32) - 1
    assert node(1 << 16, largest).run_channels == 1 << 16
    with pytest.raises(GraphError, match=r"'s': 65537 channels of table\[0\] .* below 2\*\*48"):
        node((1 << 16) + 1, largest)


def test_a_softmax_table_is_read_only() -> None:
    node = attention_graph().node("soft")
    assert isinstance(node, QuantisedSoftmax) and node.table.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        node.table[0] = 1


@pytest.mark.parametrize("fraction", [-2, 0, 3, 7])
def test_softmax_table_is_the_exponential(fraction: int) -> None:
    table = softmax_table(fraction)
    expected = [round(65536 * math.exp(-i / 2**fraction)) for i in range(len(table) + 1)]
    assert table.tolist() == expected[:-1]
    assert (table[0], expected[-1]) == (65536, 0) and table[-1] > 0
    assert np.array_equal(softmax_table(fraction, 5), table[:5])


def test_softmax_table_of_fine_integers_is_cut_at_its_limit() -> None:
    assert len(softmax_table(20)) == 1 << 16
    assert softmax_table(64, 16).tolist() == [65536] * 16
    for values, message in (((65, 16), "fraction is 65"), ((0, 0), "entries_limit is 0")):
        with pytest.raises(GraphError, match=message):
            softmax_table(*values)


def test_ranges_and_work_of_attention() -> None:
    graph = attention_graph()
    assert graph.value_ranges == {
        "x": (-10, 12),
        "q": (-10, 12),
        "k": (-10, 12),
        "v": (-10, 12),
        "s": (-16, 15),
        "p": (0, 15),
        "y": (-9, 15),
    }
    score, soft, mix = graph.compute_nodes[3:]
    low, high = accumulator_bounds(graph, score)
    # Two products of -10..12 with itself.
    assert low.tolist() == [2 * -120] * 4 and high.tolist() == [2 * 144] * 4
    low, high = accumulator_bounds(graph, mix)
    assert low.tolist() == [4 * 15 * -10] * 2 and high.tolist() == [4 * 15 * 12] * 2
    assert value_bounds(graph, mix)[1].tolist() == [2 * 720] * 2
    low, high = accumulator_bounds(graph, soft)
    assert low.tolist() == [0] * 4 and high.tolist() == [15] * 4
    assert accumulator_bounds(graph, graph.compute_nodes[1])[1].tolist() == [12, 12]
    assert macs(score, graph) == 4 * 4 * 2 and macs(mix, graph) == 4 * 2 * 4
    assert macs(soft) == macs(graph.nodes[0]) == 0
    with pytest.raises(TypeError, match="'score'"):
        macs(score)


def test_a_softmax_of_coarse_fraction_reaches_one() -> None:
    graph = changed(attention_graph(), "soft", {"output": Tensor("p", 1, 4, 4, 5, 2)})
    assert graph.value_ranges["p"] == (0, 4)
    graph = changed(attention_graph(), "soft", {"low": 2, "high": 7})
    assert graph.value_ranges["p"] == (2, 7)
    graph = changed(attention_graph(), "soft", {"low": -5, "high": -3})
    assert graph.value_ranges["p"] == (-3, -3)


def test_products_beyond_63_bits_are_refused() -> None:
    x = Tensor("x", 1, 2, 1 << 10, 32, 0)
    node = MatMul("m", ("x", "x"), Tensor("y", 1, 2, 2, 8, 0), True, Requant(0, 60, 60, -8, 7))
    with pytest.raises(GraphError, match="'m': shifted sums reach"):
        Graph("big", x, (node,))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("conv", {"weights": np.zeros((3, 3, 2, 3), int)}, "'conv': weights hold 0.*-1 and 1"),
        ("conv", {"weights": np.full((3, 3, 2, 3), 2)}, r"'conv': weights span 2\.\.2.*-1\.\.1"),
        ("conv", {"requant": Requant(0, 1, 0, -1, 1)}, "'conv': requant has shifts 1 and 0"),
        ("conv", {"requant": Requant(0, 0, 1, -1, 1)}, "'conv': requant has shifts 0 and 1"),
        ("conv", {"requant": Requant(0, 0, 0, 0, 1)}, r"'conv': requant .* limits 0\.\.1, legal"),
        ("conv", {"requant": Requant(0, 0, 0, -1, 0)}, r"'conv': requant .* limits -1\.\.0"),
        ("conv", {"requant": Requant(0, 0, 0, -2, 1)}, r"'conv': requant saturates to -2\.\.1"),
        ("depth", {"weights": np.zeros((3, 3, 3), int)}, "'depth': weights hold 0"),
        ("dense", {"weights": np.zeros((64, 5), int)}, "'dense': weights hold 0"),
        ("pool", {"kind": "average"}, "'pool': output 'p' has 1 bit, legal are 2 or more"),
    ],
)
def test_illegal_single_bits_are_named(name: str, change: dict[str, object], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        changed(binary_graph(), name, change)


def test_a_sum_or_a_wide_maximum_of_one_bit_is_refused() -> None:
    wide, bit = Tensor("x", 2, 2, 1, 4, 0), Tensor("y", 2, 2, 1, 1, 0)
    sign = Requant.identity(-1, 1)
    with pytest.raises(GraphError, match="'a': output 'y' has 1 bit, legal are 2 or more"):
        Add("a", ("x", "x"), bit, 0, 0, sign)
    pool = Pool("p", "max", "x", bit, (1, 1), (1, 1), (0, 0, 0, 0), sign)
    with pytest.raises(GraphError, match="'p': output 'y' has 1 bit and the input 'x' 4, legal"):
        Graph("g", wide, (pool,))
    with pytest.raises(GraphError, match=r"input_range is -1\.\.0, legal for 1 bit is -1\.\.1"):
        dataclasses.replace(binary_graph(), input_range=(-1, 0))


def test_single_bits_are_plus_and_minus_one() -> None:
    graph = binary_graph()
    assert set(graph.value_ranges.values()) == {(-1, 1)}
    assert (graph.input.low, graph.input.high) == (-1, 1)
    low, high = accumulator_bounds(graph, graph.compute_nodes[0])
    assert low.tolist() == [-18] * 3 and high.tolist() == [18] * 3
    # Two bits are an ordinary word.
    assert (Tensor("t", 1, 1, 1, 2, 0).low, Tensor("t", 1, 1, 1, 2, 0).high) == (-2, 1)


def test_files_of_the_first_version_still_load() -> None:
    """A file of ``small_graph()``, written before graphs had branches."""
    graph = Graph.load(Path(__file__).parent / "data" / "before_branches.cwgraph")
    assert graph.digest() == small_graph().digest()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((16, 0, 0, 0, 1), "pre_shift is 16, legal is 0..15"),
        ((0, -1, 0, 0, 1), "shift is -1"),
        ((0, 0, 63, 0, 1), "negative_shift is 63"),
        ((0, 0, 0, 2, 1), "low 2 is above high 1"),
    ],
)
def test_illegal_requants_are_named(values: tuple[int, ...], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        Requant(*values)


def test_softmax_is_legal_at_the_end_only() -> None:
    graph = small_graph()
    with pytest.raises(GraphError, match=r"'softmax': softmax is node 0, legal is the last only"):
        dataclasses.replace(graph, nodes=(Softmax("softmax", "x"), *graph.nodes[:3]))


def test_metadata_that_is_no_json_is_refused() -> None:
    with pytest.raises(GraphError, match="metadata is not JSON"):
        small_graph(metadata={"x": np.zeros(2)})


def test_sums_beyond_63_bits_are_refused() -> None:
    output = Tensor("y", 1, 1, 1, 4, 0)
    weights = np.full((1 << 14, 1), 32767)
    requant = Requant(15, 0, 0, -8, 7)
    node = Dense("d", "x", output, weights, None, requant, 16, 0)
    with pytest.raises(GraphError, match="'d': shifted sums reach"):
        Graph("big", Tensor("x", 1, 1, 1 << 14, 32, 0), (node,))


@pytest.mark.parametrize("damage", ["text", "truncated", "version", "weights"])
def test_damaged_files_raise_graph_error(tmp_path: Path, damage: str) -> None:
    path = small_graph().save(tmp_path / "a.cwgraph")
    if damage == "text":
        path.write_text("hello")
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-40])
    else:
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        if damage == "version":
            entries["graph.json"] = entries["graph.json"].replace(b'"version":1', b'"version":9')
        else:
            del entries["0000_weights.npy"]
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
    with pytest.raises(GraphError, match=r"a\.cwgraph"):
        Graph.load(path)


def test_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Graph.load(tmp_path / "none")


def test_macs_count_each_output_and_tap() -> None:
    graph = small_graph()
    assert [macs(node) for node in graph.nodes] == [6 * 5 * 3 * 3 * 2 * 3, 0, 18 * 5, 0]


def test_accumulator_bounds_are_reached_and_never_passed() -> None:
    graph = small_graph()
    conv, dense = conv_of(graph), graph.node("dense")
    assert isinstance(dense, Dense)
    assert value_range(graph, "x") == (-8, 7)
    assert value_range(graph, "pool_out") == (0, 7)
    low, high = accumulator_bounds(graph, conv)
    flat = conv.weights.reshape(-1, 3).astype(int)
    for channel in range(3):
        w = flat[:, channel]
        assert high[channel] == sum(max(-8 * int(v), 7 * int(v)) for v in w)
        assert low[channel] == sum(min(-8 * int(v), 7 * int(v)) for v in w)
    low, high = accumulator_bounds(graph, dense)
    w = dense.weights.astype(int)
    assert np.array_equal(high, 7 * np.where(w > 0, w, 0).sum(axis=0))
    assert np.array_equal(low, 7 * np.where(w < 0, w, 0).sum(axis=0))


def test_value_bounds_add_shift_and_bias() -> None:
    graph = small_graph()
    conv = dataclasses.replace(conv_of(graph), requant=Requant(2, 3, 3, 0, 7))
    low, high = accumulator_bounds(graph, conv)
    value_low, value_high = value_bounds(graph, conv)
    assert conv.bias is not None
    assert np.array_equal(value_low, low * 4 + conv.bias)
    assert np.array_equal(value_high, high * 4 + conv.bias)


@pytest.mark.parametrize(
    ("weight", "low", "high", "bits"), [(1, -8, 7, 4), (-1, -8, 7, 5), (1, 0, 7, 4), (2, -8, 7, 5)]
)
def test_accumulator_bits_are_tight(weight: int, low: int, high: int, bits: int) -> None:
    requant = Requant.identity(-8, 7)
    node = Dense("d", "x", Tensor("y", 1, 1, 1, 4, 0), np.array([[weight]]), None, requant, 4, 0)
    graph = Graph("g", Tensor("x", 1, 1, 1, 4, 0), (node,), input_range=(low, high))
    assert accumulator_bits(graph, node) == bits


@pytest.mark.parametrize(
    ("size", "window", "strides", "expected"),
    [
        ((5, 5), (3, 3), (1, 1), (1, 1, 1, 1)),
        ((6, 6), (3, 3), (2, 2), (0, 1, 0, 1)),
        ((5, 7), (2, 4), (1, 2), (0, 1, 1, 2)),
        ((4, 4), (1, 1), (2, 2), (0, 0, 0, 0)),
    ],
)
def test_same_padding_puts_the_odd_zero_last(
    size: tuple[int, int],
    window: tuple[int, int],
    strides: tuple[int, int],
    expected: tuple[int, int, int, int],
) -> None:
    assert same_padding(size, window, strides) == expected


def test_graph_and_golden_import_neither_tensorflow_nor_sklearn() -> None:
    code = (
        "import sys, corewright.graph, corewright.golden, corewright.datasets, "
        "corewright.frontends.qkeras\n"
        "bad = {'tensorflow', 'keras', 'tf_keras', 'qkeras', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    root = Path(__file__).resolve().parents[3]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_nodes_out_of_order_and_cycles_are_errors_also_in_files(tmp_path: Path) -> None:
    requant = Requant.identity(-8, 7)

    def pool(name: str, source: str, output: str) -> Pool:
        tensor = Tensor(output, 2, 2, 1, 4, 0)
        return Pool(name, "max", source, tensor, (1, 1), (1, 1), (0, 0, 0, 0), requant)

    image = Tensor("image", 2, 2, 1, 4, 0)
    good = (pool("a", "image", "t"), pool("b", "t", "u"))
    path = Graph("net", image, good).save(tmp_path / "net.cwgraph")
    for nodes in (
        good[::-1],
        (pool("a", "t", "t"),),
        (pool("a", "u", "t"), good[1]),
    ):
        with pytest.raises(GraphError, match="is not defined before it"):
            Graph("net", image, nodes)
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read("graph.json"))
        for entry, node in zip(header["nodes"], nodes, strict=False):
            entry["name"], entry["input"] = node.name, node.input
            entry["output"]["name"] = node.output.name
        header["nodes"] = header["nodes"][: len(nodes)]
        with zipfile.ZipFile(tmp_path / "bad.cwgraph", "w") as archive:
            archive.writestr("graph.json", json.dumps(header))
        with pytest.raises(GraphError, match=r"bad\.cwgraph.*is not defined before it"):
            Graph.load(tmp_path / "bad.cwgraph")
