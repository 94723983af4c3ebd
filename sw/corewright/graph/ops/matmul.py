# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Product of two activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from corewright.graph.arithmetic import batches, finish, product_type
from corewright.graph.errors import GraphError
from corewright.graph.node import (
    Bounds,
    Int64Array,
    Range,
    RequantNode,
    Shape,
    operator,
    two_inputs,
)
from corewright.graph.tensor import Requant, Tensor


@operator("matmul")
@dataclass(frozen=True)
class MatMul(RequantNode):
    """Product of two activations of an image, requantised.

    With ``inputs = (a, b)``, a of shape (H, W, C) is H*W rows of C features. ``transpose_b``: b is
    (Hb, Wb, C) and row q of b gives channel q of the result (H, W, Hb*Wb),
    ``y[p, q] = requant(sum_c a[p, c] * b[q, c])``. Else b is (Hb, Wb, N) with Hb*Wb = C, and the
    result (H, W, N) is ``y[p, n] = requant(sum_q a[p, q] * b[q, n])``. Rows are in raster order.
    Both inputs may name the same tensor.
    """

    labels = ("MatMul", "transposed MatMul")
    simplest: ClassVar[Mapping[str, Any]] = {"transpose_b": False}

    inputs: tuple[str, str]
    output: Tensor
    transpose_b: bool
    requant: Requant

    def __post_init__(self) -> None:
        two_inputs(self)
        where = self.check_common()
        self.check_no_sign()
        if not isinstance(self.transpose_b, bool):
            raise GraphError(f"{where}: transpose_b is {self.transpose_b!r}, legal is a bool")

    @property
    def label(self) -> str:
        """Whether it transposes."""
        return "transposed MatMul" if self.transpose_b else "MatMul"

    def shape(self, *sources: Tensor) -> Shape:
        """The pixels of the first."""
        own, other = sources
        rows = other.height * other.width
        terms, channels = (other.channels, rows) if self.transpose_b else (rows, other.channels)
        if terms != own.channels:
            legal = "equal channels" if self.transpose_b else "as many pixels of b as channels of a"
            raise GraphError(
                f"{self.where}: inputs '{own.name}' {own.shape} and '{other.name}' {other.shape}, "
                f"legal with transpose_b={self.transpose_b} are {legal}"
            )
        return own.height, own.width, channels

    def macs(self, *sources: Tensor) -> int:
        """As many a result as the first operand has channels."""
        if not sources:
            raise TypeError(f"{self.where}: the work of a product depends on the graph")
        return self.output.size * sources[0].channels

    def accumulator_bounds(self, sources: Sequence[Tensor], ranges: Sequence[Range]) -> Bounds:
        """With both operands free."""
        own, other = ranges
        products = [a * b for a in own for b in other]
        channels, terms = self.output.channels, sources[0].channels
        low, high = min(*products, 0) * terms, max(*products, 0) * terms
        # Of 32-bit operands it may leave 64 bits; the graph refuses what reaches 2**62.
        limit = 1 << 62
        return np.full(channels, max(low, -limit)), np.full(channels, min(high, limit))

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """One product of matrices an image, in the fastest type that is exact.

        Of the first operand any part of the rows may be given, of the other all: the result has
        the height and width of the first.
        """
        own, other = sources
        kind = product_type(bound)
        right = other.reshape(len(other), -1, other.shape[-1]).astype(kind)
        if self.transpose_b:
            right = right.transpose(0, 2, 1)
        left = own.reshape(len(own), -1, own.shape[-1]).astype(kind)
        result = np.empty((len(own), left.shape[1], right.shape[2]), dtype=np.int64)
        for part in batches(len(own), left.shape[1] * right.shape[2]):
            result[part] = finish(left[part] @ right[part], None, self.requant)
        return result.reshape(*own.shape[:3], right.shape[2])
