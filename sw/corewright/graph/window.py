# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Nodes that slide a window over an image, and what a window reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from corewright.graph.checks import checked_integers
from corewright.graph.errors import GraphError
from corewright.graph.node import ReadsOne, RequantNode
from corewright.graph.tensor import Tensor

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class WindowNode(ReadsOne, RequantNode):
    """A node that slides a window over an image.

    ``strides`` is (rows, columns), ``padding`` is (top, bottom, left, right).
    """

    simplest: ClassVar[Mapping[str, Any]] = {"strides": (1, 1), "padding": (0, 0, 0, 0)}

    if TYPE_CHECKING:

        @property
        def strides(self) -> Pair:
            """(rows, columns) between two windows."""

        @property
        def padding(self) -> Padding:
            """(top, bottom, left, right) around the image."""

    @property
    @abstractmethod
    def window_size(self) -> Pair:
        """(rows, columns) of the window."""

    def check_window(self) -> None:
        """Check strides and padding, and turn them into tuples.

        Raises:
            GraphError: one of them is not legal.
        """
        where, kernel = self.where, self.window_size
        strides = checked_integers(where, "strides", self.strides, 2, 1, 1 << 15)
        padding = checked_integers(where, "padding", self.padding, 4, 0, 1 << 15)
        object.__setattr__(self, "strides", strides)
        object.__setattr__(self, "padding", padding)
        top, bottom, left, right = padding
        if max(top, bottom) >= kernel[0] or max(left, right) >= kernel[1]:
            raise GraphError(
                f"{where}: padding (top, bottom, left, right) is {padding}, "
                f"legal is below the {kernel[0]}x{kernel[1]} window"
            )

    def windows(self, source: Tensor) -> Pair:
        """(rows, columns) of windows in an image.

        Raises:
            GraphError: not one fits.
        """
        window, (top, bottom, left, right) = self.window_size, self.padding
        height = (source.height + top + bottom - window[0]) // self.strides[0] + 1
        width = (source.width + left + right - window[1]) // self.strides[1] + 1
        if height < 1 or width < 1:
            raise GraphError(
                f"{self.where}: a {window[0]}x{window[1]} window with padding {self.padding} does "
                f"not fit the {source.height}x{source.width} input '{source.name}'"
            )
        return height, width

    @classmethod
    def bins(cls) -> dict[str, tuple[str, ...]]:
        """Those of its window, too."""
        return {
            **super().bins(),
            "window": (
                *("1x1", "odd square", "even square", "not square", "7 or more"),
                "whole image",
            ),
            "stride": ("1", "2", "3 or more", "unequal"),
            "padding": ("none", "symmetric", "asymmetric"),
        }

    def coverage(self, *sources: Tensor) -> set[str]:
        """Those of its window, too."""
        bins, source = super().coverage(*sources), sources[0]
        rows, columns = self.window_size
        shape = "not square"
        if rows == columns:
            shape = "1x1" if rows == 1 else "odd square" if rows % 2 else "even square"
        bins.add(f"window:{shape}")
        if max(rows, columns) >= 7:
            bins.add("window:7 or more")
        if (rows, columns) == (source.height, source.width) and (rows, columns) != (1, 1):
            bins.add("window:whole image")
        for stride in self.strides:
            bins.add(f"stride:{stride if stride < 3 else '3 or more'}")
        if self.strides[0] != self.strides[1]:
            bins.add("stride:unequal")
        top, bottom, left, right = self.padding
        kind = "none"
        if top or bottom or left or right:
            kind = "symmetric" if (top, left) == (bottom, right) else "asymmetric"
        bins.add(f"padding:{kind}")
        return bins

    def cropped_window(self, source: Tensor) -> tuple[Pair, Padding]:
        """Window and padding, cropped to an image."""
        sizes, pads = [], []
        for length, size, pair in (
            (self.window_size[0], source.height, self.padding[:2]),
            (self.window_size[1], source.width, self.padding[2:]),
        ):
            # Padding has to stay below the window.
            before, after = (min(pad, length - 1) for pad in pair)
            cropped = min(length, size + before + after)
            sizes.append(cropped)
            pads += [min(before, cropped - 1), min(after, cropped - 1)]
        return (sizes[0], sizes[1]), (pads[0], pads[1], pads[2], pads[3])

    def padding_below(self, window: Sequence[int]) -> Padding:
        """Its padding, below a smaller window."""
        rows, columns = window[0] - 1, window[1] - 1
        top, bottom, left, right = self.padding
        return min(top, rows), min(bottom, rows), min(left, columns), min(right, columns)


def padded(x: npt.NDArray[Any], padding: Padding, value: int) -> npt.NDArray[Any]:
    """(N, H, W, C) with ``value`` around each image."""
    top, bottom, left, right = padding
    if not any(padding):
        return x
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def tap(
    x: npt.NDArray[Any], row: int, column: int, size: tuple[int, int], strides: tuple[int, int]
) -> npt.NDArray[Any]:
    """The (N, size[0], size[1], C) view of what one window position reads of padded ``x``."""
    last_row = row + (size[0] - 1) * strides[0] + 1
    last_column = column + (size[1] - 1) * strides[1] + 1
    return x[:, row : last_row : strides[0], column : last_column : strides[1], :]
