# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Layers whose window does not fit the pixel buffer, and words of one bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from corewright.compiler import CompileError, compile_graph
from corewright.compiler.tests.checks import check
from corewright.graph import (
    Add,
    ComputeNode,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    Pool,
    Requant,
    Tensor,
    Upsample,
    same_padding,
)
from corewright.hardware import Hardware
from corewright.regress.random_graphs import random_input

SMALL = Hardware(
    (4, 6),
    bits_input=4,
    bits_weights=4,
    pixel_buffer_depth=12,
    drain_width=2,
    ram_weights_depth=1024,
    max_image_size=128,
)


def conv(
    name: str, source: Tensor, kernel: tuple[int, int], strides: tuple[int, int], *, same: bool
) -> Conv:
    rng = np.random.default_rng(len(name))
    size = source.height, source.width
    padding = same_padding(size, kernel, strides) if same else (0, 0, 0, 0)
    height, width = (
        (size[axis] + padding[2 * axis] + padding[2 * axis + 1] - kernel[axis]) // strides[axis] + 1
        for axis in (0, 1)
    )
    return Conv(
        name, source.name, Tensor(f"{name}_out", height, width, 7, 4, 0),
        rng.integers(-8, 8, (*kernel, source.channels, 7)), rng.integers(-99, 99, 7), strides,
        padding, Requant(0, 6, 6, -8, 7), 4, 0,
    )  # fmt: skip


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize(
    ("kernel", "strides"),
    [((3, 3), (1, 1)), ((2, 5), (1, 2)), ((3, 1), (2, 1)), ((5, 5), (3, 3)), ((1, 1), (1, 1)),
     ((1, 1), (2, 2))],
)  # fmt: skip
def test_convolutions_run_from_any_buffer(
    kernel: tuple[int, int], strides: tuple[int, int], same: bool, batch: int
) -> None:
    source = Tensor("x", 9, 10, 30, 4, 0)
    node = conv("c", source, kernel, strides, same=same)
    graph = Graph("small", source, (node,))
    program = compile_graph(graph, SMALL, batch)
    (advice,) = program.advice
    assert advice.startswith("layer 'c' runs slower than it could")
    needed = int(advice.split()[-1])
    assert any(layer.descriptor["release_rows"] for layer in program.layers)
    check(program, graph, random_input(np.random.default_rng(batch), graph, batch), batch)
    # The advice is good: with it the layer is one pass, and faster.
    large = compile_graph(graph, replace(SMALL, pixel_buffer_depth=needed), batch)
    assert not large.advice
    assert [layer.type for layer in large.layers] == ["conv"]
    estimates = [sum(layer.estimated_cycles for layer in p.layers) for p in (large, program)]
    assert estimates[0] < estimates[1]


def test_channelwise_layers_take_fewer_channels_at_a_time() -> None:
    rng = np.random.default_rng(2)
    source = Tensor("x", 9, 9, 26, 4, 0)
    same = Requant(0, 0, 0, -8, 7)
    nodes: tuple[ComputeNode, ...] = (
        Depthwise(
            "deep", "x", replace(source, name="d"), rng.integers(-8, 8, (3, 3, 26)),
            rng.integers(-50, 50, 26), (1, 1), (1, 1, 1, 1), Requant(0, 4, 4, -8, 7), 4, 0,
        ),
        Add("sum", ("d", "x"), replace(source, name="s"), 0, 0, same),
        Pool("max", "max", "s", Tensor("m", 4, 4, 26, 4, 0), (3, 3), (2, 2), (0,) * 4, same),
        Pool("mean", "average", "m", Tensor("a", 2, 2, 26, 4, 0), (3, 3), (1, 1), (0,) * 4, same),
    )  # fmt: skip
    graph = Graph("channelwise", source, nodes)
    program = compile_graph(graph, replace(SMALL, pixel_buffer_depth=48), 2)
    types = [layer.type for layer in program.layers]
    assert min(types.count(kind) for kind in ("depthwise", "max_pool")) > 1
    assert len(program.advice) >= 2
    check(program, graph, random_input(rng, graph, 2), 2)


# ---------------------------------------------------------------------- a group of D channels
SAME = Requant(0, 0, 0, -8, 7)
IMAGE = Tensor("x", 11, 10, 5, 4, 0)


def windows(
    source: Tensor, kernel: tuple[int, int], strides: tuple[int, int], *, same: bool
) -> tuple[Tensor, tuple[int, int, int, int]]:
    """Output and padding of a window's layer that keeps the channels."""
    size = source.height, source.width
    padding = same_padding(size, kernel, strides) if same else (0, 0, 0, 0)
    height, width = (
        (size[axis] + padding[2 * axis] + padding[2 * axis + 1] - kernel[axis]) // strides[axis] + 1
        for axis in (0, 1)
    )
    return Tensor("y", height, width, source.channels, source.bits, 0), padding


def pool(
    kind: Literal["max", "average"],
    kernel: tuple[int, int],
    strides: tuple[int, int],
    *,
    same: bool = False,
    source: Tensor = IMAGE,
    round_first: bool = False,
) -> ComputeNode:
    out, padding = windows(source, kernel, strides, same=same)
    requant = SAME if source.bits > 1 else Requant(0, 0, 0, -1, 1)
    if kind == "average":
        # Ties and both signs: 3/2 of the average, negative ones a quarter of that.
        requant = Requant(1, 0, 2, -7, 6)
    return Pool("pool", kind, source.name, out, kernel, strides, padding, requant, round_first)


def depthwise(
    kernel: tuple[int, int], strides: tuple[int, int], *, same: bool, source: Tensor = IMAGE
) -> ComputeNode:
    rng = np.random.default_rng(sum(kernel))
    out, padding = windows(source, kernel, strides, same=same)
    shape, requant = (*kernel, source.channels), Requant(0, 4, 5, -8, 7)
    weights = rng.integers(-8, 8, shape)
    if source.bits == 1:
        weights, requant = rng.choice(np.array([-1, 1]), shape), Requant(0, 0, 0, -1, 1)
    bias = rng.integers(-9, 9, source.channels)
    return Depthwise(
        "deep", source.name, out, weights, bias, strides, padding, requant, source.bits, 0
    )


def upsample(factors: tuple[int, int]) -> ComputeNode:
    height, width = IMAGE.height * factors[0], IMAGE.width * factors[1]
    out = Tensor("y", height, width, IMAGE.channels, 4, 0)
    return Upsample("up", "x", out, factors)


LARGE_WINDOWS: dict[str, ComputeNode] = {
    "maximum": pool("max", (5, 5), (1, 1)),
    "maximum beyond the edges": pool("max", (3, 4), (2, 1), same=True),
    "maximum, more taps than outputs": pool("max", (7, 6), (2, 3), same=True),
    "maximum of the image": pool("max", (11, 10), (1, 1)),
    "average": pool("average", (3, 3), (1, 2)),
    "average beyond the edges": pool("average", (3, 3), (1, 1), same=True),
    "average beyond the edges, strided": pool("average", (4, 3), (2, 2), same=True),
    "average, rounded first": pool("average", (3, 3), (2, 1), same=True, round_first=True),
    "average, more taps than outputs": pool("average", (7, 6), (3, 4), same=True),
    "average of the image": pool("average", (11, 10), (1, 1)),
    "average of the image, rounded first": pool("average", (11, 10), (1, 1), round_first=True),
    "average of a part": pool("average", (11, 7), (1, 9)),
    "average beyond all edges": pool("average", (11, 10), (11, 10), same=True),
    "sum": pool("average", (4, 4), (1, 1)),
    "depthwise": depthwise((3, 5), (1, 1), same=True),
    "depthwise, strided": depthwise((5, 3), (2, 2), same=True),
    "depthwise inside": depthwise((4, 4), (1, 3), same=False),
    "depthwise of the image": depthwise((11, 10), (1, 1), same=False),
    "rows repeated": upsample((5, 1)),
    "rows and columns repeated": upsample((4, 3)),
    "repeated twice": upsample((3, 8)),
}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", LARGE_WINDOWS)
def test_a_channel_group_runs_from_any_buffer(name: str, batch: int) -> None:
    graph = Graph("small", IMAGE, (LARGE_WINDOWS[name],))
    hw = replace(SMALL, bits_sum=24)
    program = compile_graph(graph, hw, batch)
    check(program, graph, random_input(np.random.default_rng(batch), graph, batch), batch)
    (advice,) = program.advice
    needed = int(advice.removeprefix(advice.rstrip("0123456789")))
    assert advice.endswith(f"raise pixel_buffer_depth to {needed}")
    large = compile_graph(graph, replace(hw, pixel_buffer_depth=needed), batch)
    assert not large.advice
    assert len(large.layers) < len(program.layers) or name.endswith("of the image")


# Most of each window lies above or beside the image, and is the same part of all windows: what is
# left has fewer taps than there are outputs, or as many as fit the buffer.
CROPPED = {
    "rows": ((1, 7), (10, 1)),
    "columns": ((7, 1), (1, 12)),
    "rows of wide windows": ((1, 9), (11, 3)),
    "columns of high windows": ((9, 1), (3, 11)),
}


@pytest.mark.parametrize("kind", ["max", "average", "depthwise"])
@pytest.mark.parametrize("name", CROPPED)
def test_windows_that_lose_the_same_taps_run_from_any_buffer(name: str, kind: str) -> None:
    (height, width), kernel = CROPPED[name]
    source = Tensor("x", height, width, 5, 4, 0)
    node = (
        depthwise(kernel, (1, 1), same=True, source=source)
        if kind == "depthwise"
        else pool("max" if kind == "max" else "average", kernel, (1, 1), same=True, source=source)
    )
    graph = Graph("cropped", source, (node,))
    images = random_input(np.random.default_rng(1), graph, 2)
    advised = 0
    for depth in range(6, 66, 4):
        program = compile_graph(graph, replace(SMALL, pixel_buffer_depth=depth), 2)
        advised += len(program.advice)
        check(program, graph, images, depth)
    # The smallest buffers take it to pieces.
    assert advised


@pytest.mark.parametrize("kind", ["max", "average"])
def test_the_image_of_a_single_window_streams_by(kind: Literal["max", "average"]) -> None:
    node = pool(kind, (11, 10), (1, 1), source=replace(IMAGE, channels=2))
    graph = Graph("global", replace(IMAGE, channels=2), (node,))
    hw = replace(SMALL, pixel_buffer_depth=2)
    (layer,) = compile_graph(graph, hw, 1).layers
    assert layer.descriptor["release_rows"] and layer.descriptor["kernel_height"] == 110
    assert layer.descriptor["ring_rows"] == 1


@pytest.mark.parametrize("keep", [True, False])
def test_pieces_join_an_addition_and_a_concatenation(keep: bool) -> None:
    source = Tensor("x", 6, 7, 3, 4, 0)
    nodes: tuple[ComputeNode, ...] = (
        replace(pool("average", (3, 3), (1, 1), same=True, source=source), name="mean"),
        Add("sum", ("y", "x"), replace(source, name="s"), 1, 0, Requant(0, 1, 1, -8, 7)),
        Upsample("up", "s", Tensor("u", 30, 7, 3, 4, 0), (5, 1)),
        Upsample("again", "x", Tensor("v", 30, 7, 3, 4, 0), (5, 1)),
        Concat("all", ("u", "v"), Tensor("w", 30, 7, 6, 4, 0)),
    )
    graph = Graph("joined", source, nodes)
    hw = replace(SMALL, pixel_buffer_depth=10)
    program = compile_graph(graph, hw, 2, keep_tensors=keep)
    assert len(program.advice) == 3
    assert {layer.addition for layer in program.layers} == {None, "sum"}
    check(program, graph, random_input(np.random.default_rng(1), graph, 2))


def test_flatten_into_a_dense_layer_beyond_the_buffer() -> None:
    rng = np.random.default_rng(4)
    source = Tensor("x", 4, 5, 11, 4, 0)
    dense = Dense(
        "dense", "x", Tensor("y", 1, 1, 9, 4, 0), rng.integers(-8, 8, (220, 9)),
        rng.integers(-99, 99, 9), Requant(0, 7, 7, -8, 7), 4, 0,
    )  # fmt: skip
    graph = Graph("flatten", source, (dense,))
    program = compile_graph(graph, SMALL, 5)
    check(program, graph, random_input(rng, graph, 5), 4)


def test_a_small_weight_ring_is_said() -> None:
    source = Tensor("x", 9, 10, 3, 4, 0)
    graph = Graph("ring", source, (conv("c", source, (3, 3), (1, 1), same=True),))
    hw = Hardware((4, 6), bits_input=4, bits_weights=4, ram_weights_depth=20)
    (advice,) = compile_graph(graph, hw, 1).advice
    assert advice.endswith("raise ram_weights_depth to 27")
    assert not compile_graph(graph, replace(hw, ram_weights_depth=27), 1).advice


# ---------------------------------------------------------------------- one bit
def binary_network() -> Graph:
    rng = np.random.default_rng(1)
    sign = Requant(0, 0, 0, -1, 1)
    source = Tensor("x", 8, 9, 5, 1, 0)

    def weights(*shape: int) -> np.ndarray:
        return rng.choice(np.array([-1, 1]), shape)

    nodes: tuple[ComputeNode, ...] = (
        Conv(
            "conv", "x", Tensor("c", 8, 9, 6, 1, 0), weights(3, 3, 5, 6), None, (1, 1),
            (1, 1, 1, 1), sign, 1, 0,
        ),
        Pool("max", "max", "c", Tensor("m", 4, 4, 6, 1, 0), (2, 2), (2, 2), (0,) * 4, sign),
        Depthwise(
            "deep", "m", Tensor("d", 4, 4, 6, 1, 0), weights(3, 3, 6), rng.integers(-9, 9, 6) << 12,
            (1, 1), (1, 1, 1, 1), replace(sign, pre_shift=15), 1, 0,
        ),
        Dense("dense", "d", Tensor("y", 1, 1, 10, 1, 0), weights(96, 10), None, sign, 1, 0),
    )  # fmt: skip
    return Graph("binary", source, nodes)


@pytest.mark.parametrize(("pixels", "weights"), [(1, 1), (1, 4), (3, 1), (8, 8), (2, 2)])
def test_binary_networks(pixels: int, weights: int) -> None:
    graph = binary_network()
    hw = Hardware((5, 6), bits_input=pixels, bits_weights=weights)
    program = compile_graph(graph, hw, 3)
    check(program, graph, random_input(np.random.default_rng(3), graph, 3), 3)


@pytest.mark.parametrize("kind", ["conv", "depthwise", "max"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_bits_beyond_the_edges_are_not_read(kind: str, strides: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    source = Tensor("x", 9, 10, 5, 1, 0)
    node = pool("max", (3, 3), strides, same=True, source=source)
    if kind == "depthwise":
        node = depthwise((3, 3), strides, same=True, source=source)
    elif kind == "conv":
        out, padding = windows(source, (3, 3), strides, same=True)
        node = Conv(
            "conv", "x", replace(out, channels=7), rng.choice(np.array([-1, 1]), (3, 3, 5, 7)),
            rng.integers(-9, 9, 7), strides, padding, Requant(0, 0, 0, -1, 1), 1, 0,
        )  # fmt: skip
    graph = Graph("bits", source, (node,))
    hw = Hardware((4, 6), bits_input=1, bits_weights=1, pixel_buffer_depth=12, drain_width=2)
    program = compile_graph(graph, hw, 2)
    assert program.advice
    check(program, graph, random_input(rng, graph, 2), 2)


def test_numbers_that_one_bit_cannot_hold_are_refused() -> None:
    source = Tensor("x", 9, 10, 3, 4, 0)
    graph = Graph("wide", source, (conv("c", source, (3, 3), (1, 1), same=True),))
    with pytest.raises(CompileError, match="pixels of one bit are -1 or 1"):
        compile_graph(graph, Hardware((4, 6), bits_input=1, bits_weights=4), 1)
    with pytest.raises(CompileError, match="have 1 bit, -1 or 1: raise bits_weights to"):
        compile_graph(graph, Hardware((4, 6), bits_input=4, bits_weights=1), 1)
