# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What nodes read and make: tensors, and the rounding to their words."""

from __future__ import annotations

from dataclasses import dataclass

from corewright.facts.widths import largest, smallest
from corewright.graph.checks import (
    MAX_BITS,
    MAX_CHANNELS,
    MAX_FRACTION,
    checked_integer,
    checked_name,
)
from corewright.graph.errors import GraphError

MAX_PRE_SHIFT = 15
MAX_SHIFT = 62


@dataclass(frozen=True)
class Tensor:
    """A feature map of signed integers; the value of an integer ``i`` is ``i * 2**-fraction``.

    A vector has height = width = 1. Integers are two's complement, ``bits`` wide. A single bit is
    a sign: its integers are -1 and 1, never 0.
    """

    name: str
    height: int
    width: int
    channels: int
    bits: int
    fraction: int

    def __post_init__(self) -> None:
        checked_name("tensor", self.name)
        where = f"tensor '{self.name}'"
        for what, most in (("height", 1 << 30), ("width", 1 << 30), ("channels", MAX_CHANNELS)):
            value = checked_integer(where, what, getattr(self, what), 1, most)
            object.__setattr__(self, what, value)
        object.__setattr__(self, "bits", checked_integer(where, "bits", self.bits, 1, MAX_BITS))
        fraction = checked_integer(where, "fraction", self.fraction, -MAX_FRACTION, MAX_FRACTION)
        object.__setattr__(self, "fraction", fraction)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """Elements of one image."""
        return self.height * self.width * self.channels

    @property
    def low(self) -> int:
        """Smallest integer of the word."""
        return smallest(self.bits)

    @property
    def high(self) -> int:
        """Largest integer of the word."""
        return largest(self.bits)


@dataclass(frozen=True)
class Requant:
    """Rounds an accumulator ``a`` with an optional aligned bias ``b`` to an output word.

    ``v = (a << pre_shift) + b``; ``s = shift if v >= 0 else negative_shift``;
    ``y = clip(round_half_even(v / 2**s), low, high)``.

    ReLU is ``low = 0``; a leaky ReLU of slope ``2**-k`` is ``negative_shift = shift + k``. Where
    the output has a single bit, the shifts are 0, the limits -1 and 1, and ``y`` is the sign of
    ``v``: 1 where ``v >= 0``, else -1.
    """

    pre_shift: int
    shift: int
    negative_shift: int
    low: int
    high: int

    def __post_init__(self) -> None:
        limits = {
            "pre_shift": (0, MAX_PRE_SHIFT),
            "shift": (0, MAX_SHIFT),
            "negative_shift": (0, MAX_SHIFT),
            "low": (-(1 << (MAX_BITS - 1)), (1 << (MAX_BITS - 1)) - 1),
            "high": (-(1 << (MAX_BITS - 1)), (1 << (MAX_BITS - 1)) - 1),
        }
        for what, (low, high) in limits.items():
            value = checked_integer("requant", what, getattr(self, what), low, high)
            object.__setattr__(self, what, value)
        if self.low > self.high:
            raise GraphError(f"requant: low {self.low} is above high {self.high}")

    @classmethod
    def identity(cls, low: int, high: int) -> Requant:
        """The requantisation that changes no value in [low, high]."""
        return cls(0, 0, 0, low, high)


def same_padding(
    size: tuple[int, int], window: tuple[int, int], strides: tuple[int, int]
) -> tuple[int, int, int, int]:
    """TensorFlow's 'same' padding as (top, bottom, left, right): the odd zero goes to the end.

    ``size`` and ``window`` are (rows, columns). Source: TensorFlow's "Notes on padding".
    """
    result: list[int] = []
    for length, taps, stride in zip(size, window, strides, strict=True):
        total = max((-(-length // stride) - 1) * stride + taps - length, 0)
        result += [total // 2, total - total // 2]
    return result[0], result[1], result[2], result[3]
