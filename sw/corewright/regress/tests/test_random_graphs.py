# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What random networks promise: everything occurs, everything fits, a seed is a network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from corewright import golden
from corewright.graph import (
    Add,
    ComputeNode,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    MatMul,
    Pool,
    QuantisedSoftmax,
    Slice,
    Upsample,
    accumulator_bounds,
    value_bounds,
)
from corewright.hardware import Hardware
from corewright.regress.random_graphs import random_graph, random_hardware, random_input

SEEDS = 400


def case(seed: int) -> tuple[Hardware, Graph, np.random.Generator]:
    rng = np.random.default_rng(seed)
    hw = random_hardware(rng)
    return hw, random_graph(rng, hw), rng


def bits_of(low: int, high: int) -> int:
    """Bits of the two's complement word that holds low..high."""
    return max(int(high).bit_length(), int(-low - 1).bit_length() if low < 0 else 0) + 1


def options(graph: Graph, node: ComputeNode) -> Iterator[object]:
    """What a coverage of networks would count."""
    yield type(node).__name__
    source = graph.tensor(node.inputs[0])
    if isinstance(node, Conv | Depthwise | Pool):
        window = node.window if isinstance(node, Pool) else node.kernel_size
        kind = type(node).__name__
        yield from ((kind, "rows", window[0]), (kind, "columns", window[1]))
        yield from ((kind, "stride h", node.strides[0]), (kind, "stride w", node.strides[1]))
        top, bottom, left, right = node.padding
        yield kind, "padding", "none" if not any(node.padding) else "some"
        if top > bottom or left > right:
            yield kind, "padding", "more before than behind"
        if window[0] > source.height + top or window[1] > source.width + left:
            yield kind, "window", "larger than the image"
        if window[0] != window[1]:
            yield kind, "window", "not square"
    if isinstance(node, Conv | Depthwise | Dense):
        word = "none"
        if node.bias is not None:
            width = bits_of(int(node.bias.min()), int(node.bias.max()))
            word = "8" if width <= 8 else "16" if width <= 16 else "32"
        yield "bias", word
    if isinstance(node, Conv | Depthwise | Dense | Pool | Add | MatMul):
        requant, kind = node.requant, type(node).__name__
        if requant.negative_shift > requant.shift:
            yield kind, "leaky"
        if requant.low == 0:
            yield kind, "relu"
        if (requant.low, requant.high) == (node.output.low, node.output.high):
            yield kind, "linear"
        if requant.pre_shift:
            yield kind, "pre-shift"
        if requant.high not in (node.output.high, 0):
            yield kind, "odd limits"
    if isinstance(node, Pool):
        yield node.kind
        if node.round_first:
            yield "round first"
        if node.window == (source.height, source.width) != (1, 1):
            yield "global", node.kind
    if isinstance(node, Dense) and source.size > source.channels:
        yield "dense behind a map"
    if isinstance(node, Add | MatMul | Concat) and len(set(node.inputs)) < len(node.inputs):
        yield type(node).__name__, "of itself"
    if isinstance(node, Add) and node.own_shift != node.other_shift:
        yield "add shifts"
    if isinstance(node, Add | Concat):
        order = list(graph.tensors)
        if len(order) - min(order.index(name) for name in node.inputs) > 4:
            yield type(node).__name__, "of an early tensor"
    if isinstance(node, Concat):
        yield "concat of", len(node.inputs)
        if graph.input.name in node.inputs:
            yield "concat of the input"
    if isinstance(node, MatMul):
        yield "transposed" if node.transpose_b else "not transposed"
    if isinstance(node, QuantisedSoftmax):
        yield "runs", min(node.runs, 4)
        yield "channels of a run", min(node.run_channels, 2)
        if node.output.fraction >= source.bits:
            yield "softmax of fine fraction"
        yield "table", "short" if len(node.table) < 1 << (source.bits - 1) else "long"
        if int(node.table[0]) >= 1 << 31:
            yield "table", "of 32 bits"
        if node.low != 0:
            yield "softmax limits"
    if isinstance(node, Slice) and node.first_channel > 0:
        yield "slice behind channel 0"
    if isinstance(node, Upsample):
        yield from (("upsample h", node.factors[0]), ("upsample w", node.factors[1]))


@pytest.fixture(scope="module")
def cases() -> list[tuple[Hardware, Graph]]:
    return [case(seed)[:2] for seed in range(SEEDS)]


def test_every_layer_and_option_occurs(cases: list[tuple[Hardware, Graph]]) -> None:
    seen = {
        option for _, graph in cases for n in graph.compute_nodes for option in options(graph, n)
    }
    wanted: set[object] = {
        *("Conv", "Depthwise", "Dense", "Pool", "Add", "Concat", "Slice", "Upsample"),
        *("MatMul", "QuantisedSoftmax", "max", "average", "round first", "dense behind a map"),
        *("transposed", "not transposed", "softmax limits", "slice behind channel 0"),
        *("add shifts", "concat of the input", "softmax of fine fraction"),
        *(("channels of a run", count) for count in (1, 2)),
        *((kind, "of itself") for kind in ("Add", "MatMul", "Concat")),
        *((kind, "of an early tensor") for kind in ("Add", "Concat")),
        *(("bias", word) for word in ("none", "8", "16", "32")),
        *(("runs", runs) for runs in (1, 2, 3, 4)),
        *(("table", kind) for kind in ("short", "long", "of 32 bits")),
        *(("concat of", count) for count in (2, 3, 4)),
        *(("upsample h", factor) for factor in (1, 2, 3, 4, 5)),
        *(("upsample w", factor) for factor in (1, 2, 3, 4, 6)),
        *(("global", kind) for kind in ("max", "average")),
    }
    for kind in ("Conv", "Depthwise", "Pool"):
        wanted |= {(kind, axis, size) for axis in ("rows", "columns") for size in range(1, 14)}
        wanted |= {(kind, f"stride {axis}", step) for axis in "hw" for step in range(1, 6)}
        wanted |= {(kind, "padding", how) for how in ("none", "some", "more before than behind")}
        wanted |= {(kind, "window", how) for how in ("larger than the image", "not square")}
    for kind in ("Conv", "Depthwise", "Dense", "Pool", "MatMul"):
        how = ("leaky", "relu", "linear", "pre-shift", "odd limits")
        wanted |= {(kind, option) for option in how}
    wanted |= {("Add", option) for option in ("leaky", "relu", "linear")}
    assert wanted <= seen, wanted - seen


def test_every_width_and_depth_occurs(cases: list[tuple[Hardware, Graph]]) -> None:
    for word in (1, 2, 3, 4, 5, 6, 7, 8, 16):
        assert any(hw.bits_input == word for hw, _ in cases)
        assert any(hw.bits_weights == word for hw, _ in cases)
    assert any(hw.bits_input == hw.bits_weights == 1 for hw, _ in cases)
    plain = [len(g.nodes) for _, g in cases if not any(isinstance(n, MatMul) for n in g.nodes)]
    assert set(range(1, 13)) <= set(plain)
    assert any(graph.input_limits[0] == 0 for _, graph in cases)


def test_networks_fit_their_hardware(cases: list[tuple[Hardware, Graph]]) -> None:
    for seed, (hw, graph) in enumerate(cases):
        for tensor in graph.tensors.values():
            assert tensor.bits == hw.bits_input, seed
            assert tensor.height <= hw.max_image[0] and tensor.width <= hw.max_image[1], seed
        for node in graph.compute_nodes:
            if isinstance(node, Conv | Depthwise | Dense):
                assert node.weight_bits == hw.bits_weights, seed
            if isinstance(node, Conv | Depthwise):
                assert max(node.kernel_size) <= 13, seed
            if isinstance(node, MatMul):
                low, high = graph.value_ranges[node.inputs[1]]
                assert bits_of(low, high) <= hw.bits_weights > 1 < hw.bits_input, seed
            if isinstance(node, Conv | Depthwise | Dense | Pool | MatMul):
                lows, highs = accumulator_bounds(graph, node)
                assert bits_of(int(lows.min()), int(highs.max())) <= hw.bits_sum, seed
                lows, highs = value_bounds(graph, node)
                # The sign of a result takes a bit more.
                assert bits_of(int(lows.min()), int(highs.max())) < hw.post_bits, seed


def test_small_sums_and_images_are_kept_to() -> None:
    hw = Hardware((4, 4), 250, 8, 8, 17, max_kernel_size=(5, 3), max_image_size=(10, 7))
    kernels = set()
    for seed in range(60):
        graph = random_graph(np.random.default_rng(seed), hw, largest=12)
        assert all(t.height <= 10 and t.width <= 7 for t in graph.tensors.values()), seed
        for node in graph.compute_nodes:
            if isinstance(node, Conv | Depthwise):
                kernels.add(node.kernel_size)
            if not isinstance(node, Add | QuantisedSoftmax):
                lows, highs = accumulator_bounds(graph, node)
                assert bits_of(int(lows.min()), int(highs.max())) <= 17, seed
    assert {max(rows for rows, _ in kernels), max(columns for _, columns in kernels)} == {5, 3}


def test_networks_compute_something(cases: list[tuple[Hardware, Graph]]) -> None:
    constant = total = 0
    for seed, (hw, graph) in enumerate(cases[:150]):
        values = golden.run(graph, random_input(np.random.default_rng(seed), graph, 4))
        for name, tensor in graph.tensors.items():
            low, high = graph.value_ranges[name]
            assert low <= values[name].min() and values[name].max() <= high, seed
            if hw.bits_input == 1:
                assert set(np.unique(values[name])) <= {-1, 1}, seed
            if tensor.size > 4:
                constant += bool((values[name] == values[name].flat[0]).all())
                total += 1
    # One-bit and two-bit networks, and maxima of large windows, do lose their images.
    assert constant < total / 10


def test_networks_of_signs_have_their_layers(cases: list[tuple[Hardware, Graph]]) -> None:
    kinds = {
        type(node).__name__
        for hw, graph in cases
        if hw.bits_input == 1
        for node in graph.compute_nodes
    }
    assert kinds == {"Conv", "Depthwise", "Dense", "Pool", "Concat", "Slice", "Upsample"}
    weights = {
        int(value)
        for hw, graph in cases
        if hw.bits_weights == 1
        for node in graph.compute_nodes
        if isinstance(node, Conv | Depthwise | Dense)
        for value in np.unique(node.weights)
    }
    assert weights == {-1, 1}


def test_a_seed_is_a_network_in_any_process() -> None:
    code = (
        "import numpy as np\n"
        "from corewright.regress.random_graphs import *\n"
        "for seed in range(25):\n"
        "    rng = np.random.default_rng(seed)\n"
        "    graph = random_graph(rng, random_hardware(rng))\n"
        "    print(graph.digest(), random_input(rng, graph, 3).sum())\n"
    )
    ours = []
    for seed in range(25):
        _, graph, rng = case(seed)
        ours.append(f"{graph.digest()} {random_input(rng, graph, 3).sum()}")
    assert len(set(ours)) == 25
    sw = str(Path(__file__).resolve().parents[3])
    for hashes in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": sw}
        result = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.split("\n")[:-1] == ours


def test_layers_and_largest_are_limits() -> None:
    hw = Hardware((8, 8), 250, 8, 8, 32)
    for seed in range(40):
        graph = random_graph(np.random.default_rng(seed), hw, layers=1, largest=3)
        assert max(graph.input.shape[:2]) <= 3
        # One layer, or all of one attention.
        assert len(graph.nodes) == 1 or any(isinstance(n, MatMul) for n in graph.nodes)
    with pytest.raises(ValueError, match="layers is 0, legal is at least 1"):
        random_graph(np.random.default_rng(0), hw, layers=0)


def test_random_input_is_of_the_inputs_range() -> None:
    seen: dict[bool, set[int]] = {False: set(), True: set()}
    for seed in range(60):
        hw, graph, rng = case(seed)
        x = random_input(rng, graph, 40)
        assert x.shape == (40, *graph.input.shape)
        low, high = graph.input_limits
        assert low <= x.min() and x.max() <= high
        if hw.bits_input <= 2:
            seen[hw.bits_input == 1] |= set(np.unique(x).tolist())
    assert seen == {True: {-1, 1}, False: {-2, -1, 0, 1}}
