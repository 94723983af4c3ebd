# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""2-D convolution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from corewright.graph.arithmetic import batches, product_type
from corewright.graph.checks import IntArray
from corewright.graph.errors import GraphError
from corewright.graph.kernel import KernelNode
from corewright.graph.node import Int64Array, Shape, operator, steps
from corewright.graph.tensor import Requant, Tensor
from corewright.graph.window import padded, tap

# Below this many input channels one gathered product beats a product for each tap.
_GATHER_CHANNELS = 32


@operator("conv")
@dataclass(frozen=True, eq=False)
class Conv(KernelNode):
    """2-D convolution (cross-correlation, as every framework means it), bias, requantisation.

    ``weights`` is int[KH, KW, CI, CO]; ``bias`` is int[CO] or None and is already aligned to the
    fraction ``input.fraction + weight_fraction + requant.pre_shift``. ``strides`` is (rows,
    columns), ``padding`` is (top, bottom, left, right) zeros.
    """

    weight_axes = 4

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
        """A pixel a window, a channel a filter."""
        source = sources[0]
        if source.channels != self.weights.shape[2]:
            raise GraphError(
                f"{self.where}: weights expect {self.weights.shape[2]} input channels, "
                f"the input '{source.name}' has {source.channels}"
            )
        return *self.windows(source), self.weights.shape[3]

    def smaller(self) -> Iterator[Self]:
        """Fewer filters, smaller kernels."""
        for channels in steps(self.weights.shape[-1]):
            bias = None if self.bias is None else self.bias[:channels]
            yield replace(self, weights=self.weights[..., :channels], bias=bias)
        yield from super().smaller()

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """Products of matrices, in the fastest type that is exact."""
        (x,), kind = sources, product_type(bound)
        weights = self.weights.astype(kind)
        rows, columns, channels, filters = weights.shape
        gathered = rows * columns * channels if channels < _GATHER_CHANNELS else channels
        image = self.output.height * self.output.width * max(gathered, filters)
        result = np.empty((len(x), *self.output.shape), dtype=np.int64)
        for part in batches(len(x), image):
            result[part] = self.finished(self._sums(x[part].astype(kind), weights))
        return result

    def _sums(self, x: npt.NDArray[Any], weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Accumulators (N, OH, OW, CO) of ``x`` (N, H, W, CI), in the type of both."""
        rows, columns, channels, filters = weights.shape
        size = (self.output.height, self.output.width)
        pixels = len(x) * size[0] * size[1]
        x = padded(x, self.padding, 0)
        if channels < _GATHER_CHANNELS:
            result = self._gathered(x) @ weights.reshape(-1, filters)
        else:
            result = np.zeros((pixels, filters), dtype=x.dtype)
            for row, column in np.ndindex(rows, columns):
                taken = tap(x, row, column, size, self.strides)
                result += taken.reshape(pixels, channels) @ weights[row, column]
        return result.reshape(len(x), *size, filters)

    def _gathered(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(N * OH * OW, KH * KW * CI): what each output pixel reads of padded ``x``."""
        x = np.ascontiguousarray(x)
        rows, columns, channels = self.weights.shape[:3]
        size = (self.output.height, self.output.width)
        image, line, pixel, _ = x.strides
        # The taps of one kernel row are contiguous in memory, all channels of them.
        view = np.lib.stride_tricks.as_strided(
            x,
            (len(x), *size, rows, columns * channels),
            (image, self.strides[0] * line, self.strides[1] * pixel, line, x.itemsize),
            writeable=False,
        )
        return view.reshape(len(x) * size[0] * size[1], -1)
