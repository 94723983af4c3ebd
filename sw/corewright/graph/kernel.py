# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Nodes that slide a kernel of constant weights over an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from corewright.graph.node import steps
from corewright.graph.tensor import Tensor
from corewright.graph.weighted import WeightedNode
from corewright.graph.window import WindowNode


@dataclass(frozen=True, eq=False)
class KernelNode(WindowNode, WeightedNode):
    """Slides a kernel over an image: ``weights`` begin with its rows and columns."""

    simplest: ClassVar[Mapping[str, Any]] = {**WindowNode.simplest, **WeightedNode.simplest}

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_window()

    @property
    def kernel_size(self) -> tuple[int, int]:
        """(rows, columns) of the kernel."""
        return self.weights.shape[0], self.weights.shape[1]

    @property
    def window_size(self) -> tuple[int, int]:
        """That of the kernel."""
        return self.kernel_size

    def cropped(self, *sources: Tensor) -> dict[str, Any]:
        """Kernel and padding."""
        (rows, columns), padding = self.cropped_window(sources[0])
        weights = self.weights[:rows, :columns, : sources[0].channels]
        return {"weights": weights, "padding": padding}

    def smaller(self) -> Iterator[Self]:
        """Smaller kernels."""
        for axis in (0, 1):
            for size in steps(self.kernel_size[axis]):
                weights = np.take(self.weights, range(size), axis=axis)
                yield self.changed(weights=weights, padding=self.padding_below(weights.shape[:2]))
