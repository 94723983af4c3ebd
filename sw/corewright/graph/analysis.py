# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Facts about a graph: work, ranges, worst-case accumulators."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corewright.graph.ir import (
    Add,
    ComputeNode,
    Conv,
    CopyNode,
    Dense,
    Depthwise,
    MatMul,
    Network,
    Node,
    Pool,
    QuantisedSoftmax,
    RequantNode,
    Slice,
    Softmax,
)

Bounds = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def macs(node: Node, graph: Network | None = None) -> int:
    """Multiply-accumulates of one image, padding taps included; 0 for nodes that multiply nothing.

    Raises:
        TypeError: ``node`` is a product of activations and ``graph`` is left out, which knows the
            length of its sums.
    """
    if isinstance(node, MatMul):
        if graph is None:
            raise TypeError(f"layer '{node.name}': the work of a product depends on the graph")
        return node.output.size * graph.tensor(node.inputs[0]).channels
    if isinstance(node, (Conv, Depthwise)):
        return node.output.height * node.output.width * int(node.weights.size)
    if isinstance(node, Dense):
        return int(node.weights.size)
    return 0


def value_range(graph: Network, tensor: str) -> tuple[int, int]:
    """Smallest and largest integer that ``tensor`` can hold: its producer's saturation limits.

    Copies (concatenation, slice, upsampling) hold what their inputs hold; a softmax's results lie
    between 0 and 1. Raises GraphError if there is no such tensor.
    """
    return graph.value_ranges[graph.tensor(tensor).name]


def accumulator_bounds(graph: Network, node: Node) -> Bounds:
    """Exact worst-case (low, high) of the accumulator before bias and shift, int64[channels].

    Every input element is taken to be free in its producer's saturation range, extended to zero:
    so the bounds also hold for padding and for every partial sum, in any order. Pools: the sum
    of a full window ('average') or the element ('max'). Add: the aligned sum ``v``, which is no
    sum of the array's; MatMul: both operands are free; copies: the elements themselves, by channel;
    QuantisedSoftmax: its results. A final Softmax raises TypeError.
    """
    if isinstance(node, Softmax):
        raise TypeError(f"layer '{node.name}': softmax has no accumulator")
    channels = node.output.channels
    if isinstance(node, CopyNode):
        spans = [
            np.tile(
                value_range(graph, name),
                (channels if isinstance(node, Slice) else graph.tensor(name).channels, 1),
            )
            for name in node.inputs
        ]
        low_high = np.concatenate(spans).astype(np.int64)
        return low_high[:, 0], low_high[:, 1]
    if isinstance(node, QuantisedSoftmax):
        low, high = node.value_range
        return np.full(channels, low), np.full(channels, high)
    if isinstance(node, MatMul):
        own, other = (value_range(graph, name) for name in node.inputs)
        products = [a * b for a in own for b in other]
        terms = graph.tensor(node.inputs[0]).channels
        low, high = min(*products, 0) * terms, max(*products, 0) * terms
        # Of 32-bit operands it may leave 64 bits; the graph refuses what reaches 2**62.
        limit = 1 << 62
        return np.full(channels, max(low, -limit)), np.full(channels, min(high, limit))
    if isinstance(node, Add):
        own, other = (value_range(graph, name) for name in node.inputs)
        return (
            np.full(channels, (own[0] << node.own_shift) + (other[0] << node.other_shift)),
            np.full(channels, (own[1] << node.own_shift) + (other[1] << node.other_shift)),
        )
    low, high = value_range(graph, node.input)
    low, high = min(low, 0), max(high, 0)
    if isinstance(node, Pool):
        count = node.window[0] * node.window[1] if node.kind == "average" else 1
        return np.full(channels, low * count), np.full(channels, high * count)
    weights = node.weights.reshape(-1, node.weights.shape[-1])
    positive = np.maximum(weights, 0).sum(axis=0, dtype=np.int64)
    negative = np.minimum(weights, 0).sum(axis=0, dtype=np.int64)
    return positive * low + negative * high, positive * high + negative * low


def value_bounds(graph: Network, node: ComputeNode) -> Bounds:
    """Exact worst-case (low, high) of ``(accumulator << pre_shift) + bias``, int64[channels].

    Saturated to +-2**62 where the true bound is larger. For an average pool this bounds the
    shifted sum, before the division; for an addition ``v``.
    """
    low, high = accumulator_bounds(graph, node)
    limit = 1 << 62
    bias = [0] * len(low)
    scale = 1
    if isinstance(node, RequantNode):
        scale = 1 << node.requant.pre_shift
    if isinstance(node, (Conv, Depthwise, Dense)) and node.bias is not None:
        bias = node.bias.tolist()
    # Python integers: the product may leave 64 bits, which is what the caller wants to know.
    lows = [max(a * scale + b, -limit) for a, b in zip(low.tolist(), bias, strict=True)]
    highs = [min(a * scale + b, limit) for a, b in zip(high.tolist(), bias, strict=True)]
    return np.array(lows, dtype=np.int64), np.array(highs, dtype=np.int64)


def accumulator_bits(graph: Network, node: Node) -> int:
    """Width of the two's complement accumulator that can never overflow for ``node``."""
    low, high = accumulator_bounds(graph, node)
    return max(int(high.max()).bit_length(), max(int(-low.min() - 1), 0).bit_length()) + 1
