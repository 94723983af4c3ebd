# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Facts about the nodes of a graph: shapes, work, ranges, worst-case accumulators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from corewright.graph.errors import GraphError
from corewright.graph.node import Bounds, ComputeNode, Node, RequantNode, Shape
from corewright.graph.tensor import Tensor


class Network(Protocol):
    """What is read of a ``Graph`` by the modules that it uses itself."""

    @property
    def name(self) -> str:
        """Of the network."""

    @property
    def input(self) -> Tensor:
        """The input tensor."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes in order."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """JSON-compatible, without influence on results."""

    @property
    def input_limits(self) -> tuple[int, int]:
        """(low, high) of the input's integers."""

    @property
    def value_ranges(self) -> Mapping[str, tuple[int, int]]:
        """(low, high) of each tensor's integers, by tensor name."""

    def tensor(self, name: str) -> Tensor:
        """The tensor called ``name``."""


def output_shape(node: Node, *sources: Tensor) -> Shape:
    """(height, width, channels) that ``node`` makes of the tensors of its ``inputs``.

    Raises :class:`GraphError` if the node cannot take them.
    """
    if len(sources) != len(node.inputs):
        raise GraphError(f"{node.where}: got {len(sources)} tensors for its inputs {node.inputs}")
    return node.shape(*sources)


def macs(node: Node, graph: Network | None = None) -> int:
    """Multiply-accumulates of one image, padding taps included; 0 for nodes that multiply nothing.

    Raises:
        TypeError: ``node`` is a product of activations and ``graph`` is left out, which knows the
            length of its sums.
    """
    return node.macs(*([] if graph is None else [graph.tensor(name) for name in node.inputs]))


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
    if not isinstance(node, ComputeNode):
        raise TypeError(f"{node.where}: {node.type_name} has no accumulator")
    return node.accumulator_bounds(
        [graph.tensor(name) for name in node.inputs],
        [value_range(graph, name) for name in node.inputs],
    )


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
        bias = bias if node.added is None else node.added.tolist()
    # Python integers: the product may leave 64 bits, which is what the caller wants to know.
    lows = [max(a * scale + b, -limit) for a, b in zip(low.tolist(), bias, strict=True)]
    highs = [min(a * scale + b, limit) for a, b in zip(high.tolist(), bias, strict=True)]
    return np.array(lows, dtype=np.int64), np.array(highs, dtype=np.int64)


def accumulator_bits(graph: Network, node: Node) -> int:
    """Width of the two's complement accumulator that can never overflow for ``node``."""
    low, high = accumulator_bounds(graph, node)
    return max(int(high.max()).bit_length(), max(int(-low.min() - 1), 0).bit_length()) + 1
