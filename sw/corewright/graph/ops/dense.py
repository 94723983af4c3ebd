# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Fully connected layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from corewright.graph.arithmetic import product_type
from corewright.graph.checks import IntArray
from corewright.graph.errors import GraphError
from corewright.graph.node import Int64Array, Shape, operator, steps
from corewright.graph.tensor import Requant, Tensor
from corewright.graph.weighted import WeightedNode


@operator("dense")
@dataclass(frozen=True, eq=False)
class Dense(WeightedNode):
    """Fully connected layer, bias, requantisation.

    ``weights`` is int[features, units]. An input that is a feature map is flattened in
    (height, width, channel) order; ``bias`` is aligned as for ``Conv``.
    """

    weight_axes = 2

    input: str
    output: Tensor
    weights: IntArray
    bias: IntArray | None
    requant: Requant
    weight_bits: int
    weight_fraction: int

    def shape(self, *sources: Tensor) -> Shape:
        """A vector of units."""
        source = sources[0]
        if source.size != self.weights.shape[0]:
            raise GraphError(
                f"{self.where}: weights expect {self.weights.shape[0]} features, "
                f"the input '{source.name}' of shape {source.shape} has {source.size}"
            )
        return 1, 1, self.weights.shape[1]

    def macs(self, *sources: Tensor) -> int:
        """Each weight once."""
        return int(self.weights.size)

    def cropped(self, *sources: Tensor) -> dict[str, Any]:
        """Weights of fewer features."""
        return {"weights": self.weights[: sources[0].size]}

    def smaller(self) -> Iterator[Self]:
        """Fewer units."""
        for channels in steps(self.weights.shape[-1]):
            bias = None if self.bias is None else self.bias[:channels]
            yield replace(self, weights=self.weights[..., :channels], bias=bias)

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """One product of matrices, in the fastest type that is exact."""
        (x,), kind = sources, product_type(bound)
        sums = x.reshape(len(x), -1).astype(kind) @ self.weights.astype(kind)
        return self.finished(sums).reshape(len(x), 1, 1, -1)
