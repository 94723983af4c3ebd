# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Maximum or average of windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np

from corewright.facts.widths import is_sign
from corewright.graph.arithmetic import requantise, round_half_even_divide
from corewright.graph.checks import checked_integers
from corewright.graph.errors import GraphError
from corewright.graph.node import Bounds, Int64Array, Range, Shape, operator, steps
from corewright.graph.tensor import Requant, Tensor
from corewright.graph.window import WindowNode, padded, tap


@operator("pool")
@dataclass(frozen=True)
class Pool(WindowNode):
    """Maximum or average over windows, then a requantisation.

    Both kinds look at the valid elements of a window only: padding is never a candidate for the
    maximum and is not counted by the average. The average of ``n`` elements of sum ``s`` rounds
    once, ``round_half_even(s * 2**pre_shift / n / 2**shift)``, unless ``round_first``: then
    ``round_half_even(s / n)`` is an integer of the input's fraction that is requantised like any
    accumulator (the semantics of the ``Bundle`` API). Maxima of a 1-bit input may have a 1-bit
    output.
    """

    labels = ("max Pool", "average Pool", "average Pool rounding first")
    simplest: ClassVar[Mapping[str, Any]] = {**WindowNode.simplest, "round_first": False}

    kind: Literal["max", "average"]
    input: str
    output: Tensor
    window: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    requant: Requant
    round_first: bool = False

    def __post_init__(self) -> None:
        where = self.check_common()
        if self.kind not in ("max", "average"):
            raise GraphError(f"{where}: kind is {self.kind!r}, legal is 'max' or 'average'")
        if not isinstance(self.round_first, bool):
            raise GraphError(f"{where}: round_first is {self.round_first!r}, legal is a bool")
        if self.kind == "average":
            self.check_no_sign()
        window = checked_integers(where, "window", self.window, 2, 1, 1 << 15)
        object.__setattr__(self, "window", window)
        self.check_window()
        # The average's divisor, elements << shift, has to stay inside 63 bits.
        shift = max(self.requant.shift, self.requant.negative_shift)
        if self.kind == "average" and (window[0] * window[1]) << shift >= 1 << 62:
            raise GraphError(
                f"{where}: window {window} with shift {shift}, legal is "
                "elements * 2**shift below 2**62"
            )

    @property
    def window_size(self) -> tuple[int, int]:
        """``window``."""
        return self.window

    @property
    def label(self) -> str:
        """With its kind of pool."""
        return f"{self.kind} Pool" + (" rounding first" if self.round_first else "")

    def shape(self, *sources: Tensor) -> Shape:
        """A pixel a window."""
        source = sources[0]
        if is_sign(self.output.bits) and not is_sign(source.bits):
            raise GraphError(
                f"{self.where}: output '{self.output.name}' has 1 bit and the input "
                f"'{source.name}' {source.bits}, legal for a maximum of 1 bit is an input of 1 bit"
            )
        return *self.windows(source), source.channels

    def accumulator_bounds(
        self,
        sources: Sequence[Tensor],
        ranges: Sequence[Range],
    ) -> Bounds:
        """The sum of a full window, or the element."""
        low, high = min(ranges[0][0], 0), max(ranges[0][1], 0)
        count = self.window[0] * self.window[1] if self.kind == "average" else 1
        channels = self.output.channels
        return np.full(channels, low * count), np.full(channels, high * count)

    def cropped(self, *sources: Tensor) -> dict[str, Any]:
        """Window and padding."""
        window, padding = self.cropped_window(sources[0])
        return {"window": window, "padding": padding}

    def smaller(self) -> Iterator[Self]:
        """Smaller windows."""
        for axis in (0, 1):
            for size in steps(self.window[axis]):
                window = (size, self.window[1]) if axis == 0 else (self.window[0], size)
                yield replace(self, window=window, padding=self.padding_below(window))

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """Tap by tap, in integers."""
        (x,) = sources
        size = (self.output.height, self.output.width)
        maximum = self.kind == "max"
        # Below every legal integer, so that padding never is the maximum.
        images = padded(x, self.padding, -(1 << 40) if maximum else 0)
        taps = [(row, column) for row in range(self.window[0]) for column in range(self.window[1])]
        result = tap(images, *taps[0], size, self.strides).copy()
        for row, column in taps[1:]:
            taken = tap(images, row, column, size, self.strides)
            if maximum:
                np.maximum(result, taken, out=result)
            else:
                result += taken
        if maximum:
            return requantise(result, None, self.requant)
        count = self._valid_elements(x.shape[1:3])
        if self.round_first:
            return requantise(round_half_even_divide(result, count), None, self.requant)
        return _average(result, count, self.requant)

    def _valid_elements(self, size: tuple[int, ...]) -> Int64Array:
        """(1, OH, OW, 1): how many elements of each window lie inside the image."""
        counts: list[Int64Array] = []
        for axis, before in ((0, self.padding[0]), (1, self.padding[2])):
            length = (self.output.height, self.output.width)[axis]
            start = np.arange(length, dtype=np.int64) * self.strides[axis] - before
            stop = np.minimum(start + self.window[axis], size[axis])
            counts.append(stop - np.maximum(start, 0))
        return (counts[0][:, None] * counts[1][None, :])[None, :, :, None]


def _average(total: Int64Array, count: Int64Array, requant: Requant) -> Int64Array:
    """``total / count`` requantised with a single rounding."""
    value = total << requant.pre_shift
    result = round_half_even_divide(value, count << requant.shift)
    if requant.negative_shift != requant.shift:
        negative = round_half_even_divide(value, count << requant.negative_shift)
        result = np.where(value < 0, negative, result)
    return np.clip(result, requant.low, requant.high)


def rescaling_pool(name: str, source: str, output: Tensor, requant: Requant) -> Pool:
    """A maximum of single elements: nothing but a requantisation of the tensor ``source``."""
    return Pool(name, "max", source, output, (1, 1), (1, 1), (0, 0, 0, 0), requant)


def identity_pool(name: str, source: Tensor, output: str) -> Pool:
    """A maximum of single elements, which changes nothing: ``source`` as the tensor ``output``."""
    limits = Requant.identity(source.low, source.high)
    return rescaling_pool(name, source.name, replace(source, name=output), limits)
