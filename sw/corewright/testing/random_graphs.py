# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Random small networks, hardware and images: one seed makes one case."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from corewright.graph import (
    Conv,
    Dense,
    Graph,
    Pool,
    Requant,
    Tensor,
    accumulator_bounds,
    same_padding,
)
from corewright.graph.ir import ComputeNode
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
    rng: np.random.Generator, hw: Hardware, before: Graph | None, tensor: Tensor, index: int
) -> ComputeNode:
    """A layer that reads ``tensor``, the input or a tensor of ``before``."""
    bits, weight_bits = hw.bits_input, hw.bits_weights
    size = (tensor.height, tensor.width)
    kind = str(rng.choice(["conv", "conv", "pool", "dense"]))
    pool: Literal["max", "average"] = "max" if rng.integers(2) else "average"
    round_first = bool(rng.integers(2)) and pool == "average"
    kernel, strides, padding = _window(rng, size, 5 if kind == "conv" else 4)
    filters = tensor.channels if kind == "pool" else int(rng.integers(1, 31))
    shape: tuple[int, ...] = (*kernel, tensor.channels, filters)
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


def random_graph(
    rng: np.random.Generator, hw: Hardware, *, layers: int = 4, largest: int = 9
) -> Graph:
    """A network whose integers fit ``hw``: a chain, or a tree where a tensor is read twice."""
    height, width = _pair(rng, largest)
    source = tensor = Tensor("x", height, width, int(rng.integers(1, 7)), hw.bits_input, 0)
    graph: Graph | None = None
    for index in range(int(rng.integers(1, layers + 1))):
        if graph is not None and rng.integers(6) == 0:
            names = list(graph.tensors)
            tensor = graph.tensor(names[int(rng.integers(len(names)))])
        node = _random_node(rng, hw, graph, tensor, index)
        graph = Graph("random", source, (*(() if graph is None else graph.nodes), node))
        tensor = node.output
    if graph is None:
        raise ValueError(f"layers is {layers}, legal is at least 1")
    return graph


def random_input(rng: np.random.Generator, graph: Graph, batch: int) -> np.ndarray:
    """Integers of the input's whole range, (batch, H, W, C)."""
    low, high = graph.input_limits
    return rng.integers(low, high + 1, (batch, *graph.input.shape))
