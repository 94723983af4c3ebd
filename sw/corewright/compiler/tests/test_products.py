# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Products of two activations, slices and softmaxes between layers."""

from __future__ import annotations

import numpy as np
import pytest

from corewright.compiler import CompileError, compile_graph
from corewright.compiler.order import host_last
from corewright.compiler.tests.checks import check
from corewright.graph import (
    ComputeNode,
    Concat,
    Conv,
    Graph,
    MatMul,
    QuantisedSoftmax,
    Requant,
    Slice,
    Tensor,
    softmax_table,
)
from corewright.hardware import Hardware
from corewright.program import Opcode, decode_stages
from corewright.regress.random_graphs import random_input

_BITS = 6


def tensor(name: str, height: int, width: int, channels: int, fraction: int = 3) -> Tensor:
    return Tensor(name, height, width, channels, _BITS, fraction)


def requant(terms: int) -> Requant:
    shift = max(0, round(np.log2(np.sqrt(terms) * 16)))
    return Requant(0, shift, shift, -32, 31)


def product(name: str, a: Tensor, b: Tensor, *, transpose_b: bool) -> MatMul:
    channels = b.height * b.width if transpose_b else b.channels
    output = tensor(name + "_out", a.height, a.width, channels)
    return MatMul(name, (a.name, b.name), output, transpose_b, requant(a.channels))


def linear(name: str, source: Tensor, channels: int, rng: np.random.Generator) -> Conv:
    weights = rng.integers(-31, 32, (1, 1, source.channels, channels))
    output = tensor(name + "_out", source.height, source.width, channels)
    return Conv(
        name, source.name, output, weights, rng.integers(-99, 99, channels), (1, 1), (0,) * 4,
        requant(source.channels), _BITS, 0,
    )  # fmt: skip


def softmax(name: str, source: Tensor, runs: int) -> QuantisedSoftmax:
    output = Tensor(f"{name}_out", source.height, source.width, source.channels, _BITS, 5)
    return QuantisedSoftmax(name, source.name, output, runs, softmax_table(source.fraction), 0, 31)


def self_attention(size: tuple[int, int], features: int, heads: int, seed: int) -> Graph:
    """Heads side by side, one visit of the host for all of them."""
    rng = np.random.default_rng(seed)
    x = tensor("x", *size, features)
    query, key, value = (linear(name, x, features, rng) for name in ("query", "key", "value"))
    nodes: list[ComputeNode] = [query, key, value]
    width, scores = features // heads, []
    for head in range(heads):
        parts = []
        for source in (query, key, value):
            out = tensor(f"{source.name}{head}_out", *size, width)
            part = Slice(f"{source.name}{head}", source.output.name, out, head * width)
            parts.append(part)
        nodes += parts
        score = product(f"score{head}", parts[0].output, parts[1].output, transpose_b=True)
        nodes.append(score)
        scores.append(score)
    tokens = size[0] * size[1]
    joined = scores[0].output
    if heads > 1:
        joined = tensor("scores", *size, heads * tokens)
        nodes.append(Concat("join", tuple(score.output.name for score in scores), joined))
    weights = softmax("softmax", joined, heads)
    nodes.append(weights)
    mixed = []
    for head in range(heads):
        own = weights.output
        if heads > 1:
            own = Tensor(f"own{head}", *size, tokens, _BITS, 5)
            nodes.append(Slice(f"take{head}", weights.output.name, own, head * tokens))
        values = next(n for n in nodes if n.name == f"value{head}").output
        mix = product(f"mix{head}", own, values, transpose_b=False)
        nodes.append(mix)
        mixed.append(mix)
    final = mixed[0].output
    if heads > 1:
        final = tensor("mixed", *size, features)
        nodes.append(Concat("mix", tuple(mix.output.name for mix in mixed), final))
    nodes.append(linear("project", final, features, rng))
    return Graph("attention", x, tuple(nodes))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("size", "features", "heads", "processing_elements"),
    [
        ((1, 10), 12, 1, (4, 6)),
        ((1, 9), 8, 2, (8, 4)),
        ((3, 5), 9, 3, (3, 8)),
        ((2, 4), 6, 1, (1, 3)),
        ((1, 17), 10, 2, (5, 24)),
    ],
)
def test_self_attention_is_exact(
    size: tuple[int, int],
    features: int,
    heads: int,
    processing_elements: tuple[int, int],
    batch: int,
) -> None:
    graph = self_attention(size, features, heads, features)
    hw = Hardware(processing_elements, bits_input=_BITS, bits_weights=_BITS)
    program = compile_graph(graph, hw, batch)
    assert [len(stage.host_operations) for stage in decode_stages(program.program)] == [1, 0]
    macs = sum(layer.macs for layer in program.layers)
    tokens = size[0] * size[1]
    assert macs == 4 * tokens * features**2 + 2 * tokens**2 * features
    check(program, graph, random_input(np.random.default_rng(batch), graph, batch), batch)


@pytest.mark.parametrize("weights_depth", [2, 7, 64])
@pytest.mark.parametrize("transpose_b", [True, False])
@pytest.mark.parametrize("pixel_buffer_depth", [None, 12])
def test_products_in_every_loop_order(
    weights_depth: int, transpose_b: bool, pixel_buffer_depth: int | None
) -> None:
    rng = np.random.default_rng(3)
    x = tensor("x", 1, 24, 24)
    left, right = linear("left", x, 24, rng), linear("right", x, 24, rng)
    nodes = left, right, product("ab", left.output, right.output, transpose_b=transpose_b)
    graph = Graph("product", x, nodes)
    hw = Hardware(
        (5, 4),
        bits_input=_BITS,
        bits_weights=_BITS,
        ram_weights_depth=weights_depth,
        pixel_buffer_depth=pixel_buffer_depth,
    )
    program = compile_graph(graph, hw, 2)
    types = [layer.type for layer in program.layers]
    assert types.count("transpose") == (0 if transpose_b else 2)
    assert any(layer.descriptor["release_rows"] for layer in program.layers) == (
        pixel_buffer_depth is not None
    )
    check(program, graph, random_input(rng, graph, 2), 3)


def test_factors_that_are_not_apart_are_copied() -> None:
    # Two images of 7 pixels lie one behind the other: those of a factor have to begin a block.
    a = tensor("x", 7, 1, 4)
    graph = Graph("gram", a, (product("gram", a, a, transpose_b=True),))
    hw = Hardware((4, 4), bits_input=_BITS, bits_weights=_BITS)
    program = compile_graph(graph, hw, 2)
    check(program, graph, random_input(np.random.default_rng(1), graph, 2), 1)


def test_a_slice_may_be_the_graphs_output() -> None:
    x = tensor("x", 3, 3, 5)
    graph = Graph("slice", x, (Slice("cut", "x", tensor("y", 3, 3, 2), 2),))
    program = compile_graph(graph, Hardware((4, 4), bits_input=_BITS), 2)
    assert [layer.type for layer in program.layers] == ["copy"]
    check(program, graph, random_input(np.random.default_rng(2), graph, 2), 2)


def test_slices_of_slices_are_read_where_they_lie() -> None:
    rng = np.random.default_rng(8)
    x = tensor("x", 4, 4, 9)
    outer = Slice("outer", "x", tensor("part", 4, 4, 6), 2)
    inner = Slice("inner", "part", tensor("less", 4, 4, 3), 1)
    graph = Graph("slices", x, (outer, inner, linear("last", inner.output, 5, rng)))
    program = compile_graph(graph, Hardware((3, 4), bits_input=_BITS, bits_weights=_BITS), 2)
    assert [layer.type for layer in program.layers] == ["conv"]
    assert program.places["less"].first_channel == 3
    check(program, graph, random_input(rng, graph, 2), 8)


def test_the_host_is_visited_as_late_as_possible() -> None:
    rng = np.random.default_rng(4)
    x = tensor("x", 1, 4, 6)
    a, b = linear("a", x, 4, rng), linear("b", x, 4, rng)
    nodes = a, softmax("sa", a.output, 1), b, softmax("sb", b.output, 2)
    join = Concat("join", ("sa_out", "sb_out"), Tensor("both", 1, 4, 8, _BITS, 5))
    graph = Graph("late", x, (*nodes, join))
    assert [node.name for node in host_last(graph)] == ["a", "b", "sa", "sb", "join"]
    hw = Hardware((4, 4), bits_input=_BITS, bits_weights=_BITS)
    program = compile_graph(graph, hw, 3)
    assert [len(stage.host_operations) for stage in decode_stages(program.program)] == [2, 0]
    assert [layer.stage for layer in program.layers] == [0, 0, 1, 1]
    check(program, graph, random_input(rng, graph, 3), 4)


def test_a_softmax_may_be_the_last_node() -> None:
    rng = np.random.default_rng(6)
    x = tensor("x", 2, 3, 6)
    a = linear("a", x, 8, rng)
    graph = Graph("last", x, (a, softmax("s", a.output, 2)))
    program = compile_graph(graph, Hardware((4, 4), bits_input=_BITS, bits_weights=_BITS), 2)
    (stage,) = decode_stages(program.program)
    assert len(stage.host_operations) == 1
    check(program, graph, random_input(rng, graph, 2), 6)


def test_constants_come_from_the_program() -> None:
    a = tensor("x", 1, 6, 6)
    graph = Graph("square", a, (product("square", a, a, transpose_b=False),))
    program = compile_graph(graph, Hardware((4, 4), bits_input=_BITS, bits_weights=_BITS), 1)
    transpose, matmul = program.layers
    assert transpose.descriptor["input_program"] and not transpose.input
    assert matmul.descriptor["weights_arena"] and matmul.input == "x"
    assert transpose.descriptor["opcode"] == Opcode.CONV
    check(program, graph, random_input(np.random.default_rng(7), graph, 1), 7)


def test_errors_of_products() -> None:
    a = tensor("x", 1, 6, 6)
    graph = Graph("square", a, (product("square", a, a, transpose_b=True),))
    with pytest.raises(
        CompileError, match=r"weights span .* have 4 bits: raise bits_weights to"
    ) as e:
        compile_graph(graph, Hardware((4, 4), bits_input=_BITS, bits_weights=4), 1)
    assert e.value.needed == _BITS
    first = Graph("first", a, (softmax("s", a, 1), linear("l", a, 3, np.random.default_rng(0))))
    lowest = Graph("only", a, (softmax("s", a, 1),))
    with pytest.raises(CompileError, match="nothing before it to run"):
        compile_graph(lowest, Hardware((4, 4), bits_input=_BITS, bits_weights=_BITS), 1)
    # Here the convolution can run first.
    compile_graph(first, Hardware((4, 4), bits_input=_BITS, bits_weights=_BITS), 1)
