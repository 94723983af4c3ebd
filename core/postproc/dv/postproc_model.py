# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Exact model of cw_postproc in rational numbers, written from the contract, not from the RTL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Shape:
    """The parameters of an instance."""

    rows: int
    drain: int
    pixel_bits: int
    sum_bits: int
    post_bits: int
    count_bits: int

    @property
    def word_bits(self) -> int:
        """Bits of an output word: the lanes, padded to whole bytes."""
        return (self.rows * self.pixel_bits + 7) // 8 * 8

    @property
    def pixel_limits(self) -> tuple[int, int]:
        """Smallest and largest pixel: a single bit is -1 or +1."""
        half = 1 << self.pixel_bits - 1
        return (-1, 1) if self.pixel_bits == 1 else (-half, half - 1)

    def stored(self, pixel: int) -> int:
        """Return a pixel's bits in a word: a single bit says that it is negative."""
        return int(pixel < 0) if self.pixel_bits == 1 else pixel & ((1 << self.pixel_bits) - 1)


@dataclass(frozen=True)
class Configuration:
    """The configuration inputs, by the names of the ports."""

    pre_shift: int
    shift: int
    negative_shift: int
    clip_low: int
    clip_high: int
    bias_enable: bool = False
    average: bool = False
    round_first: bool = False


@dataclass(frozen=True)
class Beat:
    """One input beat: sums[channel][lane], bias[channel], counts[lane]."""

    sums: Sequence[Sequence[int]]
    bias: Sequence[int]
    counts: Sequence[int]
    words: int
    last: bool
    gap: int = field(default=0)
    """Idle cycles in front of the beat."""


def result(configuration: Configuration, total: int, bias: int, count: int) -> tuple[int, str]:
    """Return the pixel and what kind of case it was (for coverage).

    Python's ``round`` of a Fraction rounds half to even.
    """
    c = configuration
    if not c.average:
        value = Fraction(total * 2**c.pre_shift + (bias if c.bias_enable else 0))
    elif c.round_first:
        value = Fraction(round(Fraction(total, count)) * 2**c.pre_shift)
    else:
        value = Fraction(total * 2**c.pre_shift, count)
    exact = value / 2 ** (c.negative_shift if value < 0 else c.shift)
    rounded = round(exact)
    sign = "negative" if exact < 0 else "positive"
    if rounded > c.clip_high:
        return c.clip_high, "above"
    if rounded < c.clip_low:
        return c.clip_low, "below"
    if exact.denominator == 2:
        return rounded, f"{sign} tie {'up' if rounded > exact else 'down'}"
    if exact.denominator == 1:
        return rounded, "exact"
    return rounded, f"{sign} inexact"


def words(
    shape: Shape, configuration: Configuration, beat: Beat, seen: Counter[str]
) -> tuple[int, int]:
    """Return all output words of a beat as one integer, and a mask of the specified bits."""
    data = 0
    mask = (1 << shape.drain * shape.word_bits) - 1
    lane_mask = (1 << shape.pixel_bits) - 1
    for channel in range(beat.words):
        for lane in range(shape.rows):
            position = channel * shape.word_bits + lane * shape.pixel_bits
            if configuration.average and beat.counts[lane] == 0:
                mask &= ~(lane_mask << position)
                continue
            pixel, kind = result(
                configuration, beat.sums[channel][lane], beat.bias[channel], beat.counts[lane]
            )
            seen[kind] += 1
            data |= shape.stored(pixel) << position
    return data, mask
