# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Layers whose window does not fit the pixel buffer, and words of one bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from corewright.compiler import CompileError, compile_graph
from corewright.compiler.tests.checks import check
from corewright.graph import (
    Add,
    ComputeNode,
    Conv,
    Dense,
    Depthwise,
    Graph,
    Pool,
    Requant,
    Tensor,
    same_padding,
)
from corewright.hardware import Hardware
from corewright.testing.random_graphs import random_input

SMALL = Hardware(
    (4, 6),
    bits_input=4,
    bits_weights=4,
    pixel_buffer_depth=12,
    drain_width=2,
    ram_weights_depth=1024,
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


def test_a_channel_group_that_does_not_fit_asks_for_the_room_that_it_needs() -> None:
    source = Tensor("x", 9, 9, 26, 4, 0)
    requant = Requant(0, 0, 0, -8, 7)
    pool = Pool("max", "max", "x", Tensor("m", 5, 5, 26, 4, 0), (5, 5), (1, 1), (0,) * 4, requant)
    graph = Graph("pool", source, (pool,))
    with pytest.raises(CompileError, match="raise pixel_buffer_depth to at least") as error:
        compile_graph(graph, SMALL, 1)
    assert error.value.needed is not None
    program = compile_graph(graph, replace(SMALL, pixel_buffer_depth=error.value.needed), 1)
    check(program, graph, random_input(np.random.default_rng(0), graph, 1))


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


def test_numbers_that_one_bit_cannot_hold_are_refused() -> None:
    source = Tensor("x", 9, 10, 3, 4, 0)
    graph = Graph("wide", source, (conv("c", source, (3, 3), (1, 1), same=True),))
    with pytest.raises(CompileError, match="pixels of one bit are -1 or 1"):
        compile_graph(graph, Hardware((4, 6), bits_input=1, bits_weights=4), 1)
    with pytest.raises(CompileError, match="have 1 bit, -1 or 1: raise bits_weights to"):
        compile_graph(graph, Hardware((4, 6), bits_input=4, bits_weights=1), 1)
