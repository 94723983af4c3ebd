# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Random small networks, hardware and images: one seed makes one case."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

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
    accumulator_bounds,
    same_padding,
)
from corewright.hardware import Hardware

_WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 16)


def random_hardware(rng: np.random.Generator) -> Hardware:
    """Any legal hardware, with buffers from too small for most layers to ample."""
    columns = int(rng.choice([1, 2, 3, 4, 5, 6, 8, 12, 24]))
    divisors = [d for d in range(1, columns + 1) if columns % d == 0]
    return Hardware(
        processing_elements=(int(rng.choice([1, 2, 3, 4, 5, 7, 8, 12, 21])), columns),
        bits_input=int(rng.choice(_WIDTHS)),
        bits_weights=int(rng.choice(_WIDTHS)),
        bits_sum=40,
        axi_width=int(rng.choice([32, 64, 128, 512])),
        drain_width=int(rng.choice(divisors)) if rng.integers(2) else None,
        ram_weights_depth=int(rng.choice([3, 20, 64, 200, 512])),
        pixel_buffer_depth=max(columns, int(rng.choice([24, 48, 128, 512, 4096]))),
        bias_buffer_depth=max(columns, int(rng.choice([1, 16, 64, 512, 512]))),
    )


def _pair(rng: np.random.Generator, high: int) -> tuple[int, int]:
    return int(rng.integers(1, high + 1)), int(rng.integers(1, high + 1))


def _requant(rng: np.random.Generator, bits: int, low: int, high: int) -> tuple[Requant, int]:
    """A requantisation that uses the output's range, and the pre-shift's size."""
    largest = max(-low, high, 1).bit_length()
    pre_shift = int(rng.choice([0, 0, 1, 3]))
    shift = max(0, largest + pre_shift - bits + int(rng.integers(0, 3)) - 1)
    bottom = -(1 << (bits - 1)) if rng.integers(2) or bits == 1 else 0
    slope = int(rng.choice([0, 0, 3])) if bottom else 0
    return Requant(pre_shift, shift, shift + slope, bottom, (1 << (bits - 1)) - 1), pre_shift


def _window(
    rng: np.random.Generator, size: tuple[int, int], largest: int
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """Kernel, strides and padding that fit an image."""
    kernel, strides = _pair(rng, largest), _pair(rng, 3)
    if rng.integers(3) == 0:
        # Full windows of 2**k elements: averages without a division.
        powers = [int(2 ** rng.integers(0, min(limit, largest).bit_length())) for limit in size]
        return (powers[0], powers[1]), strides, (0, 0, 0, 0)
    mode = rng.integers(3)
    if mode == 0:
        return kernel, strides, same_padding(size, kernel, strides)
    if mode == 1:
        pads = [int(rng.integers(0, k)) for k in (kernel[0], kernel[0], kernel[1], kernel[1])]
    else:
        pads = [0, 0, 0, 0]
    kernel = (
        min(kernel[0], size[0] + pads[0] + pads[1]),
        min(kernel[1], size[1] + pads[2] + pads[3]),
    )
    limits = (kernel[0], kernel[0], kernel[1], kernel[1])
    fitted = [min(pad, limit - 1) for pad, limit in zip(pads, limits, strict=True)]
    kernel = (
        min(kernel[0], size[0] + fitted[0] + fitted[1]),
        min(kernel[1], size[1] + fitted[2] + fitted[3]),
    )
    return kernel, strides, (fitted[0], fitted[1], fitted[2], fitted[3])


def _random_node(
    rng: np.random.Generator,
    hw: Hardware,
    before: Graph | None,
    tensor: Tensor,
    index: int,
    like: Tensor | None = None,
) -> ComputeNode:
    """A layer that reads ``tensor``, the input or a tensor of ``before``.

    Its output has the height and width of ``like``, where given and equal to ``tensor``'s, and
    mostly its channels.
    """
    bits, weight_bits = hw.bits_input, hw.bits_weights
    size = (tensor.height, tensor.width)
    kind = str(rng.choice(["conv", "conv", "pool", "depthwise", "dense"]))
    if like is not None and kind == "dense" and like.size != like.channels:
        kind = "conv"
    pool: Literal["max", "average"] = "max" if rng.integers(2) else "average"
    round_first = bool(rng.integers(2)) and pool == "average"
    kernel, strides, padding = _window(rng, size, 4 if kind == "pool" else 5)
    if like is not None:
        strides = (1, 1)
        padding = same_padding(size, kernel, strides)
    filters = tensor.channels
    if kind in ("conv", "dense"):
        filters = int(rng.integers(1, 31))
        if like is not None and rng.integers(4):
            filters = like.channels
    shape: tuple[int, ...] = (*kernel, tensor.channels, filters)
    if kind == "depthwise":
        shape = (*kernel, filters)
    output = (
        (size[0] + padding[0] + padding[1] - kernel[0]) // strides[0] + 1,
        (size[1] + padding[2] + padding[3] - kernel[1]) // strides[1] + 1,
    )
    if kind == "dense":
        shape, output = (tensor.size, filters), (1, 1)
    weights: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    if kind != "pool":
        half = 1 << (weight_bits - 1)
        weights = rng.integers(-half, half, shape)
    name, result = f"layer{index}", Tensor(f"t{index}", *output, filters, bits, 0)

    def build(requant: Requant, bias: np.ndarray | None) -> ComputeNode:
        if kind == "pool":
            return Pool(
                name, pool, tensor.name, result, kernel, strides, padding, requant, round_first
            )
        common = (requant, weight_bits, 0)
        if kind == "dense":
            return Dense(name, tensor.name, result, weights, bias, *common)
        if kind == "depthwise":
            return Depthwise(name, tensor.name, result, weights, bias, strides, padding, *common)
        return Conv(name, tensor.name, result, weights, bias, strides, padding, *common)

    identity = Requant.identity(tensor.low, tensor.high)
    probe = build(identity, None)
    source = tensor if before is None else before.input
    nodes = () if before is None else before.nodes
    low, high = (int(b) for b in _extremes(Graph("probe", source, (*nodes, probe)), probe))
    requant, pre_shift = _requant(rng, bits, low, high)
    if kind == "pool":
        return build(identity if rng.integers(2) else requant, None)
    reach = max(1, max(-low, high) << pre_shift)
    return build(requant, rng.integers(-reach, reach + 1, filters) if rng.integers(4) else None)


def _extremes(graph: Graph, node: ComputeNode) -> tuple[int, int]:
    low, high = accumulator_bounds(graph, node)
    return int(low.min()), int(high.max())


def _joining_node(rng: np.random.Generator, graph: Graph, index: int) -> ComputeNode | None:
    """An addition or a concatenation of the last tensor with others, if there are any."""
    last = graph.compute_nodes[-1].output
    names = list(graph.tensors)
    if rng.integers(2):
        peers = [name for name in names if graph.tensor(name).shape == last.shape]
        other = peers[int(rng.integers(len(peers)))]
        if other == last.name and rng.integers(4):
            return None
        shifts = int(rng.integers(0, 4)), int(rng.integers(0, 4))
        shift = max(0, max(shifts) + int(rng.integers(-1, 2)))
        bottom = last.low if rng.integers(2) or last.bits == 1 else 0
        slope = int(rng.choice([0, 0, 2])) if bottom else 0
        requant = Requant(0, shift, shift + slope, bottom, last.high)
        inputs = (last.name, other) if rng.integers(2) else (other, last.name)
        result = Tensor(f"t{index}", *last.shape, last.bits, 0)
        return Add(f"layer{index}", inputs, result, *shifts, requant)
    peers = [name for name in names if graph.tensor(name).shape[:2] == last.shape[:2]]
    count = int(rng.integers(1, 4))
    chosen = [peers[int(rng.integers(len(peers)))] for _ in range(count)]
    chosen.insert(int(rng.integers(count + 1)), last.name)
    channels = sum(graph.tensor(name).channels for name in chosen)
    if channels > 60:
        return None
    result = Tensor(f"t{index}", last.height, last.width, channels, last.bits, 0)
    return Concat(f"layer{index}", tuple(chosen), result)


def random_graph(
    rng: np.random.Generator, hw: Hardware, *, layers: int = 6, largest: int = 9
) -> Graph:
    """A network whose integers fit ``hw``.

    A chain, a tree where a tensor is read twice, or branches that additions and concatenations
    join again.
    """
    height, width = _pair(rng, largest)
    source = tensor = Tensor("x", height, width, int(rng.integers(1, 7)), hw.bits_input, 0)
    graph: Graph | None = None
    like: Tensor | None = None
    for index in range(int(rng.integers(1, layers + 1))):
        node = None
        if graph is not None and rng.integers(5) < 2:
            node = _joining_node(rng, graph, index)
        if node is None:
            if graph is not None and rng.integers(4) == 0:
                names = list(graph.tensors)
                tensor = graph.tensor(names[int(rng.integers(len(names)))])
            like = tensor if rng.integers(3) else None
            node = _random_node(rng, hw, graph, tensor, index, like)
        graph = Graph("random", source, (*(() if graph is None else graph.nodes), node))
        tensor = node.output
    if graph is None:
        raise ValueError(f"layers is {layers}, legal is at least 1")
    return graph


def random_input(rng: np.random.Generator, graph: Graph, batch: int) -> np.ndarray:
    """Integers of the input's whole range, (batch, H, W, C)."""
    low, high = graph.input_limits
    return rng.integers(low, high + 1, (batch, *graph.input.shape))
