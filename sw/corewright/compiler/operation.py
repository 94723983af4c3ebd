# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the engine sees of a graph's node: every node is a convolution or a pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.graph import Conv, Dense, Graph, Pool, Requant, macs
from corewright.graph.ir import ComputeNode
from corewright.program import Opcode

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Operation:
    """A node in the engine's terms.

    Attributes:
        name: the node's name.
        kind: ``conv``, ``dense``, ``max_pool`` or ``average_pool``.
        opcode: the engine's operation.
        input: name of the tensor read.
        output: name of the tensor written.
        size: (H, W) of the input.
        channels_in: CI.
        out_size: (Ho, Wo).
        channels_out: CO.
        kernel: (KH, KW).
        strides: (sh, sw) as the graph says; see :meth:`stride_choices`.
        padding: (top, left).
        weights: int32 [KH, KW, CI, CO], None for pools.
        bias: integers [CO] or None, aligned to the shifted sum.
        requant: the post-processing.
        round_first: average pools: round to an integer before requantising.
        macs: multiply-accumulates of an image.
    """

    name: str
    kind: str
    opcode: Opcode
    input: str
    output: str
    size: Pair
    channels_in: int
    out_size: Pair
    channels_out: int
    kernel: Pair
    strides: Pair
    padding: Pair
    weights: npt.NDArray[np.integer[Any]] | None
    bias: npt.NDArray[np.integer[Any]] | None
    requant: Requant
    round_first: bool
    macs: int

    @property
    def is_pool(self) -> bool:
        """No weights: groups of D channels."""
        return self.weights is None

    @property
    def taps(self) -> int:
        """KH * KW."""
        return self.kernel[0] * self.kernel[1]

    @property
    def steps(self) -> int:
        """K: steps of a tile."""
        return self.taps if self.is_pool else self.taps * self.channels_in

    def stride_choices(self) -> tuple[Pair, ...]:
        """Strides that give the same result.

        Where there is one output row (or column) its stride never moves: 1 allows a direct load,
        the kernel's size packs the images of a batch without gaps.
        """
        choices = []
        for axis in (0, 1):
            single = self.out_size[axis] == 1
            values = {self.strides[axis]} | ({1, self.kernel[axis]} if single else set())
            choices.append(sorted(values))
        return tuple((sh, sw) for sh in choices[0] for sw in choices[1])


def operations(graph: Graph) -> tuple[Operation, ...]:
    """The operations of ``graph`` in order; a final softmax is the host's."""
    return tuple(_operation(graph, node) for node in graph.compute_nodes)


def _operation(graph: Graph, node: ComputeNode) -> Operation:
    source = graph.tensor(node.input)
    common: dict[str, Any] = {
        "name": node.name,
        "input": node.input,
        "output": node.output.name,
        "size": (source.height, source.width),
        "channels_in": source.channels,
        "out_size": (node.output.height, node.output.width),
        "channels_out": node.output.channels,
        "requant": node.requant,
        "macs": macs(node),
    }
    if isinstance(node, Pool):
        maximum = node.kind == "max"
        return Operation(
            kind="max_pool" if maximum else "average_pool",
            opcode=Opcode.MAX_POOL if maximum else Opcode.AVERAGE_POOL,
            kernel=node.window,
            strides=node.strides,
            padding=(node.padding[0], node.padding[2]),
            weights=None,
            bias=None,
            round_first=node.round_first,
            **common,
        )
    if isinstance(node, Dense):
        kernel = (source.height, source.width)
        weights = node.weights.reshape(*kernel, source.channels, -1)
        strides, padding = kernel, (0, 0)
    elif isinstance(node, Conv):
        kernel, weights, strides = node.kernel_size, node.weights, node.strides
        padding = (node.padding[0], node.padding[2])
    else:
        raise TypeError(f"the engine has no operation for {type(node).__name__}")
    return Operation(
        kind="dense" if isinstance(node, Dense) else "conv",
        opcode=Opcode.CONV,
        kernel=kernel,
        strides=strides,
        padding=padding,
        weights=weights,
        bias=node.bias,
        round_first=False,
        **common,
    )
