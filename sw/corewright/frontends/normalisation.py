# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation in integers: what of it is exact, and the nearest where nothing is.

At inference a BatchNormalization multiplies each channel with a factor and adds an offset. The
engine shifts sums by one number of bits a layer, so the factors go into the weights. That is exact

- where the scaled kernel lies on a grid of the hardware's weights: factors that are powers of two,
  up to their signs, and near enough to each other;
- in front of a sign: only the threshold counts, which is an integer.

Otherwise the scaled kernel is rounded to all the bits that the hardware's weights have, with one
fraction a layer. Offsets are exact in each case: they go into the bias at full width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.frontends.errors import FrontendError
from corewright.frontends.quantisers import ActivationFormat

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

# Keras computes factors in float32: one that is so near to a power of two is meant to be one.
_FACTOR_ERROR = 2.0**-21
# The same for weights of size 1.
_SIGN_ERROR = 2.0**-18
# The same for thresholds, in units of the sums.
_THRESHOLD_ERROR = 2.0**-16
# How far a fraction is searched beyond the one with which nothing saturates.
_FINER = 6


@dataclass(frozen=True, eq=False)
class ChannelScale:
    """``y = factor * x + offset``, channel by channel; ``names`` of the layers that do it."""

    names: tuple[str, ...]
    factor: Float64Array
    offset: Float64Array

    @classmethod
    def of_norm(cls, norm: Any) -> ChannelScale:
        """What a BatchNormalization of the last axis computes at inference.

        Raises FrontendError where it works on another axis or its parameters are not finite.
        """
        axes = [norm.axis] if isinstance(norm.axis, int) else list(norm.axis)
        rank = len(norm.input_shape)
        if [axis % rank for axis in axes] != [rank - 1]:
            raise FrontendError(
                f"layer '{norm.name}': axis is {norm.axis}, legal is -1, the channels"
            )
        channels = int(norm.input_shape[-1])

        def parameter(value: Any, missing: float) -> Float64Array:
            if value is None:
                return np.full(channels, missing)
            return np.asarray(value, dtype=np.float64)

        mean = parameter(norm.moving_mean, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = np.sqrt(parameter(norm.moving_variance, 1.0) + float(norm.epsilon))
            factor = _near_power_of_two(parameter(norm.gamma, 1.0) / deviation)
            offset = parameter(norm.beta, 0.0) - mean * factor
        if not (np.isfinite(factor).all() and np.isfinite(offset).all()):
            raise FrontendError(
                f"layer '{norm.name}': its factors or offsets are not finite; legal are finite "
                "parameters and variances whose sum with epsilon is above 0"
            )
        return cls((str(norm.name),), factor, offset)

    def behind(self, first: ChannelScale | None) -> ChannelScale:
        """Both, ``first`` the one nearer to the layer."""
        if first is None:
            return self
        return ChannelScale(
            first.names + self.names,
            self.factor * first.factor,
            self.factor * first.offset + self.offset,
        )

    @property
    def text(self) -> str:
        """The layers' names for a message."""
        return "', '".join(self.names)


@dataclass(frozen=True)
class Approximation:
    """How far the weights of a layer are from those that a normalisation asks for.

    Attributes:
        norms: names of the BatchNormalization layers.
        weight_bits: width of the weights.
        clipped: share of the weights that saturate.
        zeroed: share of the weights that round to zero.
        error: root of the mean squared error of the weights over that of the weights.
    """

    norms: tuple[str, ...]
    weight_bits: int
    clipped: float
    zeroed: float
    error: float


@dataclass(frozen=True, eq=False)
class ScaledConstants:
    """Weights and bias of a layer with its normalisation; ``approximation`` None if exact."""

    weights: Int64Array
    weight_bits: int
    weight_fraction: int
    bias: Int64Array
    bias_fraction: int
    approximation: Approximation | None


@dataclass(frozen=True, eq=False)
class ScaledLayer:
    """A layer's kernel and bias in real numbers, and the normalisation behind it.

    Attributes:
        name: of the layer.
        kernel: as the layer multiplies with it, the output channel last.
        bias: as the layer adds it, one a channel.
        scale: what follows.
        input_fraction: of the integers that the layer reads.
        input_size: the largest magnitude of these integers.
    """

    name: str
    kernel: Float64Array
    bias: Float64Array
    scale: ChannelScale
    input_fraction: int
    input_size: int

    def constants(
        self, word: ActivationFormat, max_bits: int, sum_bits: int | None
    ) -> ScaledConstants:
        """Integers for words ``word``, weights of ``max_bits``, sums of ``sum_bits`` (or any).

        Raises FrontendError where no weights keep the sums inside ``sum_bits``.
        """
        factor = self.scale.factor
        offset = factor * self.bias + self.scale.offset
        if word.binary:
            return self._in_front_of_a_sign(offset, max_bits, sum_bits)
        wanted = self.kernel * factor
        weights, bits, fraction, approximation = self._weights(wanted, max_bits, sum_bits)
        accumulator = self.input_fraction + fraction
        bias, bias_fraction = _rounded_to_odd(
            offset, accumulator, self._largest_sums(weights), word
        )
        return ScaledConstants(weights, bits, fraction, bias, bias_fraction, approximation)

    def _in_front_of_a_sign(
        self, offset: Float64Array, max_bits: int, sum_bits: int | None
    ) -> ScaledConstants:
        """A sign is that of any positive multiple, too: only a threshold is left of the scale."""
        factor = self.scale.factor
        size = np.abs(factor)
        wanted = self.kernel * np.where(factor < 0, -1.0, 1.0)
        threshold = offset / np.where(size > 0, size, 1.0)
        if _exact_grid(wanted, max_bits) is None:
            # Of a kernel with scales, such as alpha='auto' gives, the signs may be left.
            largest = np.abs(wanted).reshape(-1, wanted.shape[-1]).max(axis=0)
            largest = np.where(largest > 0, largest, 1.0)
            wanted, threshold = wanted / largest, threshold / largest
            near = np.rint(wanted)
            wanted = np.where(np.abs(wanted - near) <= _SIGN_ERROR, near, wanted)
        weights, bits, fraction, approximation = self._weights(wanted, max_bits, sum_bits)
        accumulator = self.input_fraction + fraction
        position = np.ldexp(threshold, accumulator)
        near = np.rint(position)
        close = np.abs(position - near) <= _THRESHOLD_ERROR * np.maximum(np.abs(near), 1.0)
        beyond = self._largest_sums(weights) + 1
        # Where the factor is 0 nothing is left of the sum: the offset alone decides.
        always = np.where(offset < 0, -beyond, beyond)
        steps = np.clip(np.where(close, near, np.floor(position)), -beyond, beyond)
        bias = np.where(size > 0, steps, always).astype(np.int64)
        return ScaledConstants(weights, bits, fraction, bias, accumulator, approximation)

    def _weights(
        self, wanted: Float64Array, max_bits: int, sum_bits: int | None
    ) -> tuple[Int64Array, int, int, Approximation | None]:
        """(weights, bits, fraction, what is missed): exact where that is possible."""
        grid = _exact_grid(wanted, max_bits)
        if grid is not None and self._fits(grid[0], sum_bits):
            return *grid, None
        weights, fraction = self._nearest(wanted, max_bits, sum_bits)
        missed = _approximation(self.scale.names, wanted, weights, max_bits, fraction)
        return weights, max_bits, fraction, missed

    def _largest_sums(self, weights: Int64Array) -> Int64Array:
        magnitudes = np.abs(weights).reshape(-1, weights.shape[-1]).sum(axis=0)
        return np.asarray(magnitudes * self.input_size, dtype=np.int64)

    def _fits(self, weights: Int64Array, sum_bits: int | None) -> bool:
        return sum_bits is None or int(self._largest_sums(weights).max()).bit_length() < sum_bits

    def _nearest(
        self, wanted: Float64Array, bits: int, sum_bits: int | None
    ) -> tuple[Int64Array, int]:
        """The weights, and their fraction, with the least squared error whose sums fit."""
        # The finest fraction with which nothing saturates.
        clear = (bits - 1 or 1) - math.frexp(float(np.abs(wanted).max()))[1]
        best: tuple[float, Int64Array, int] | None = None
        for fraction in range(clear + _FINER, clear - bits, -1):
            weights = _rounded(wanted, bits, fraction)
            if not self._fits(weights, sum_bits):
                continue
            missed = np.ldexp(weights.astype(np.float64), -fraction) - wanted
            error = float(np.square(missed).sum())
            if best is None or error < best[0]:
                best = error, weights, fraction
        if best is None:
            raise FrontendError(
                f"layer '{self.name}' with '{self.scale.text}': no weights keep its sums inside "
                f"bits_sum={sum_bits}; raise it"
            )
        return best[1], best[2]


def _near_power_of_two(factors: Float64Array) -> Float64Array:
    """``factors``, those within float32's error of a power of two (or its negative) made one."""
    mantissa, exponent = np.frexp(factors)
    up = np.abs(np.abs(mantissa) - 1.0) <= _FACTOR_ERROR
    down = np.abs(np.abs(mantissa) - 0.5) <= _FACTOR_ERROR / 2
    powers = np.ldexp(np.sign(factors), exponent - 1 + up)
    return np.where(up | down, powers, factors)


def _exact_grid(values: Float64Array, max_bits: int) -> tuple[Int64Array, int, int] | None:
    """(integers, bits, fraction) of the coarsest grid with ``values`` in ``max_bits``, or None."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0:
        return None if is_sign(max_bits) else (np.zeros(values.shape, np.int64), 2, 0)
    top = math.frexp(largest)[1]
    for fraction in range(1 - top, max_bits - top + 1):
        scaled = np.ldexp(values, fraction)
        if (scaled == np.rint(scaled)).all():
            integers = scaled.astype(np.int64)
            if is_sign(max_bits):
                return (integers, 1, fraction) if (np.abs(integers) == 1).all() else None
            low, high = int(integers.min()), int(integers.max())
            bits = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0, 1) + 1
            return (integers, bits, fraction) if bits <= max_bits else None
    return None


def _rounded(values: Float64Array, bits: int, fraction: int) -> Int64Array:
    if is_sign(bits):
        return np.where(values < 0, -1, 1).astype(np.int64)
    half = 1 << (bits - 1)
    return np.clip(np.rint(np.ldexp(values, fraction)), -half, half - 1).astype(np.int64)


def _approximation(
    norms: tuple[str, ...], wanted: Float64Array, weights: Int64Array, bits: int, fraction: int
) -> Approximation:
    scaled = np.ldexp(wanted, fraction)
    # Half a step more is what any weight may be off.
    clipped = np.abs(scaled - weights) > 0.5
    zeroed = (weights == 0) & (wanted != 0)
    size = float(np.square(scaled).sum())
    error = math.sqrt(float(np.square(scaled - weights).sum()) / size) if size else math.inf
    return Approximation(norms, bits, float(clipped.mean()), float(zeroed.mean()), error)


def _rounded_to_odd(
    offset: Float64Array, accumulator: int, reach: Int64Array, word: ActivationFormat
) -> tuple[Int64Array, int]:
    """(bias, fraction) with which each sum rounds as with ``offset`` itself.

    Below the sums' grid and the bit that decides a rounding, only whether there is something more
    counts: see ``alignment.shortened_bias``. Beyond what no sum can lead back from, an offset
    counts no more either.
    """
    target = word.fraction + word.gain
    kept = max(accumulator, target + 1)
    # Whatever is added, the result saturates; twice that leaves room for the activation's offset.
    size = max(abs(word.low), abs(word.high)) + 1 << 1
    limit = np.ldexp(reach.astype(np.float64), kept - accumulator) + np.ldexp(
        float(size), kept - target + word.slope_shift
    )
    scaled = np.clip(np.ldexp(offset, kept), -limit, limit)
    coarse = np.floor(scaled)
    rest = scaled != coarse
    bias = coarse.astype(np.int64)
    if not rest.any():
        return bias, kept
    return (bias << 1) | rest, kept + 1
