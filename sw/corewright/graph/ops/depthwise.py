# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""2-D convolution of each channel by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corewright.graph.arithmetic import batches, product_type
from corewright.graph.checks import IntArray
from corewright.graph.errors import GraphError
from corewright.graph.kernel import KernelNode
from corewright.graph.node import Int64Array, Shape, operator
from corewright.graph.tensor import Requant, Tensor
from corewright.graph.window import padded, tap


@operator("depthwise")
@dataclass(frozen=True, eq=False)
class Depthwise(KernelNode):
    """2-D convolution of each channel with its own kernel, bias, requantisation.

    ``weights`` is int[KH, KW, C]: output channel c is input channel c, filtered by
    ``weights[:, :, c]``. ``bias`` (int[C] or None), ``strides`` and ``padding`` are as for
    ``Conv``.
    """

    weight_axes = 3

    input: str
    output: Tensor
    weights: IntArray
    bias: IntArray | None
    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    requant: Requant
    weight_bits: int
    weight_fraction: int

    def shape(self, *sources: Tensor) -> Shape:
        """A pixel a window."""
        source, channels = sources[0], self.weights.shape[2]
        if source.channels != channels:
            raise GraphError(
                f"{self.where}: weights expect {channels} channels, "
                f"the input '{source.name}' has {source.channels}"
            )
        return *self.windows(source), channels

    def cropped(self, *sources: Tensor) -> dict[str, Any]:
        """Kernel, padding and bias."""
        changes = super().cropped(*sources)
        if self.bias is not None:
            changes["bias"] = self.bias[: sources[0].channels]
        return changes

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """Tap by tap, in the fastest type that is exact."""
        (x,), kind = sources, product_type(bound)
        weights = self.weights.astype(kind)
        size = (self.output.height, self.output.width)
        result = np.empty((len(x), *self.output.shape), dtype=np.int64)
        for part in batches(len(x), self.output.size):
            images = padded(x[part].astype(kind), self.padding, 0)
            sums = np.zeros((len(images), *self.output.shape), dtype=kind)
            for row, column in np.ndindex(*self.kernel_size):
                sums += tap(images, row, column, size, self.strides) * weights[row, column]
            result[part] = self.finished(sums)
        return result
