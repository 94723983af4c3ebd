# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Random small networks and hardware: one seed makes one case."""

from __future__ import annotations

import numpy as np

from corewright.graph import (
    Conv,
    Dense,
    Graph,
    Node,
    Pool,
    Requant,
    Softmax,
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


def _bounded(graph: Graph, node: Conv | Dense | Pool) -> tuple[int, int]:
    low, high = accumulator_bounds(graph, node)
    return int(low.min()), int(high.max())


def random_graph(
    rng: np.random.Generator, hw: Hardware, *, layers: int = 4, largest: int = 9
) -> Graph:
    """A chain of layers whose integers fit ``hw``; one tensor may have a second consumer."""
    bits, weight_bits = hw.bits_input, hw.bits_weights
    channels = int(rng.integers(1, 7))
    height, width = _pair(rng, largest)
    source = Tensor("x", height, width, channels, bits, 0)
    nodes: list[Node] = []
    tensor = source
    count = int(rng.integers(1, layers + 1))
    for index in range(count):
        name = f"layer{index}"
        size = (tensor.height, tensor.width)
        kind = (
            rng.choice(["conv", "conv", "pool", "dense"])
            if index
            else rng.choice(["conv", "pool", "dense"])
        )
        placeholder = Requant.identity(tensor.low, tensor.high)
        if kind == "dense":
            units = int(rng.integers(1, 40))
            shape: tuple[int, ...] = (tensor.size, units)
            output = (1, 1, units)
        elif kind == "conv":
            kernel, strides, padding = _window(rng, size, 5)
            filters = int(rng.integers(1, 30))
            shape = (*kernel, tensor.channels, filters)
        else:
            kernel, strides, padding = _window(rng, size, 4)
            filters = tensor.channels
            # Every window has to meet the image.
            padding = (
                min(padding[0], kernel[0] - 1),
                min(padding[1], kernel[0] - 1),
                min(padding[2], kernel[1] - 1),
                min(padding[3], kernel[1] - 1),
            )
        if kind != "dense":
            output = (
                (size[0] + padding[0] + padding[1] - kernel[0]) // strides[0] + 1,
                (size[1] + padding[2] + padding[3] - kernel[1]) // strides[1] + 1,
                filters,
            )
        result = Tensor(f"t{index}", *output, bits, 0)
        previous = tuple(node for node in nodes)

        def build(
            requant: Requant,
            bias: np.ndarray | None,
            *,
            kind: str = kind,
            name: str = name,
            tensor: Tensor = tensor,
            result: Tensor = result,
        ) -> Conv | Dense | Pool:
            if kind == "pool":
                return Pool(
                    name, pool, tensor.name, result, kernel, strides, padding, requant, first
                )
            if kind == "conv":
                return Conv(
                    name,
                    tensor.name,
                    result,
                    weights,
                    bias,
                    strides,
                    padding,
                    requant,
                    weight_bits,
                    0,
                )
            return Dense(name, tensor.name, result, weights, bias, requant, weight_bits, 0)

        pool = "max" if rng.integers(2) else "average"
        first = bool(rng.integers(2)) and pool == "average"
        if kind == "pool":
            weights = None
        else:
            half = 1 << (weight_bits - 1)
            weights = rng.integers(-half, half, shape)
        probe = build(placeholder, None)
        graph = Graph("probe", source, (*previous, probe))
        low, high = _bounded(graph, probe)
        requant, pre_shift = _requant(rng, bits, low, high)
        bias = None
        if kind != "pool" and rng.integers(4):
            reach = max(1, max(-low, high) << pre_shift)
            bias = rng.integers(-reach, reach + 1, result.channels)
        if kind == "pool" and rng.integers(2):
            requant = placeholder
        nodes.append(build(requant, bias))
        tensor = result
        if index + 1 < count and rng.integers(6) == 0 and index:
            # The next layer reads an earlier tensor as well.
            tensor = nodes[-2].output if not isinstance(nodes[-2], Softmax) else tensor
    return Graph("random", source, tuple(nodes))


def random_input(rng: np.random.Generator, graph: Graph, batch: int) -> np.ndarray:
    """Integers of the input's whole range, (batch, H, W, C)."""
    low, high = graph.input_limits
    return rng.integers(low, high + 1, (batch, *graph.input.shape))
