# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What QKeras's quantisers mean in integers. Works on their attributes: imports no framework."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.frontends.errors import FrontendError

MAX_WEIGHT_BITS = 16
# The class of the layer that rounds as a graph's node does; see corewright.frontends.operators.
REQUANTISE = "Requantise"
# Widest bias of a graph.
MAX_BIAS_BITS = 48


@dataclass(frozen=True)
class ActivationFormat:
    """Words that an activation quantiser makes: integers in [low, high] times 2**-fraction.

    ``bits`` is the signed word they need. Values are first multiplied by ``2**gain``, negative
    ones by ``2**-slope_shift``, too. ``binary`` is the sign: -1 below zero, +1 from zero, never
    0; it is a word of one bit where ``bits`` says so. ``pre_shift`` is the left shift of the
    sums before they round, where the quantiser demands one.
    """

    bits: int
    fraction: int
    low: int
    high: int
    slope_shift: int = 0
    binary: bool = False
    gain: int = 0
    pre_shift: int | None = None


def _is_integer(value: float) -> bool:
    return float(value) == round(float(value))


def _power_of_two(value: float) -> int | None:
    """The exponent of ``value`` if it is a power of two, else None."""
    if value <= 0:
        return None
    mantissa, exponent = math.frexp(value)
    return exponent - 1 if mantissa == 0.5 else None


def _constant_scale(quantiser: Any) -> int | None:
    """log2 of a constant alpha (None counts as 1); None if it is anything else."""
    alpha = quantiser.alpha
    if alpha is None:
        return 0
    if isinstance(alpha, str) or np.size(alpha) != 1:
        return None
    return _power_of_two(float(np.asarray(alpha).reshape(())))


def activation_format(layer: str, quantiser: Any, word_bits: int) -> ActivationFormat:
    """The integer meaning of an activation quantiser in signed words of ``word_bits`` bits.

    Raises :class:`FrontendError` naming the layer and the nearest supported form.
    """
    kind = type(quantiser).__name__
    where = f"layer '{layer}'"
    if float(getattr(quantiser, "qnoise_factor", 1.0)) != 1.0:
        raise FrontendError(f"{where}: qnoise_factor is not 1, legal for export is 1")
    if kind == "quantized_bits":
        result = _signed_format(where, quantiser)
    elif kind == "quantized_relu":
        result = _relu_format(where, quantiser)
    elif kind == "binary":
        result = _binary_format(where, quantiser)
    elif kind == REQUANTISE:
        result = quantiser.word
    else:
        what = getattr(quantiser, "__name__", kind)
        if what == "softmax":
            raise FrontendError(
                f"{where}: activation softmax is not supported; nearest are no activation, then "
                "QActivation('quantized_bits(bits,integer,alpha=1)') and Activation('softmax')"
            )
        raise FrontendError(
            f"{where}: activation {what} is not supported; nearest are "
            "quantized_bits(bits,integer,0,1) and quantized_relu(bits,integer)"
        )
    if result.binary and word_bits == 1:
        result = dataclasses.replace(result, bits=1)
    if result.bits > word_bits:
        fitting = int(quantiser.bits) - (result.bits - word_bits)
        hint = f"use {kind}({fitting},...)" if fitting > 0 else "use hardware of 2 bits or more"
        sign = "" if result.low < 0 else " (unsigned, so a signed word needs one bit more)"
        if result.binary:
            sign = " (-1 and +1)"
        raise FrontendError(
            f"{where}: {kind} of {int(quantiser.bits)} bits{sign} needs a {result.bits}-bit word, "
            f"legal is up to bits_input={word_bits}: {hint}"
        )
    return result


def _signed_format(where: str, quantiser: Any) -> ActivationFormat:
    bits, integer = int(quantiser.bits), float(quantiser.integer)
    exponent = _constant_scale(quantiser)
    if exponent is None or not _is_integer(integer):
        raise FrontendError(
            f"{where}: quantized_bits with alpha={quantiser.alpha!r}, integer={integer}; legal "
            "are a constant power-of-two alpha and a whole number of integer bits"
        )
    unsigned_bits = bits - bool(quantiser.keep_negative)
    if unsigned_bits < 1:
        if not quantiser.keep_negative or bits < 1:
            raise FrontendError(f"{where}: quantized_bits of {bits} bits, legal is 1 or more")
        # QKeras ignores the integer bits: the values are -alpha and +alpha.
        return _sign_format(exponent)
    span = 1 << unsigned_bits
    low = -span + bool(quantiser.symmetric) if quantiser.keep_negative else 0
    # QKeras multiplies with alpha behind the rounding, not before it.
    fraction = unsigned_bits - int(integer) - exponent
    return ActivationFormat(unsigned_bits + 1, fraction, low, span - 1, gain=exponent)


def _sign_format(exponent: int) -> ActivationFormat:
    """-2**exponent and +2**exponent, in two bits: those of a word that also holds 0."""
    return ActivationFormat(2, -exponent, -1, 1, binary=True)


def _binary_format(where: str, quantiser: Any) -> ActivationFormat:
    exponent = _constant_scale(quantiser)
    if exponent is None or quantiser.use_01 or quantiser.use_stochastic_rounding:
        raise FrontendError(
            f"{where}: binary with alpha={quantiser.alpha!r}, use_01={quantiser.use_01}, "
            f"use_stochastic_rounding={quantiser.use_stochastic_rounding}; legal is "
            "binary(alpha=1) or another constant power of two"
        )
    return _sign_format(exponent)


def _relu_format(where: str, quantiser: Any) -> ActivationFormat:
    bits, integer = int(quantiser.bits), float(quantiser.integer)
    if quantiser.use_sigmoid or not _is_integer(integer):
        raise FrontendError(
            f"{where}: quantized_relu with use_sigmoid={quantiser.use_sigmoid}, "
            f"integer={integer}; legal are use_sigmoid=0 and a whole number of integer bits"
        )
    if quantiser.relu_upper_bound and not quantiser.is_quantized_clip:
        raise FrontendError(
            f"{where}: quantized_relu with relu_upper_bound={quantiser.relu_upper_bound} and "
            "is_quantized_clip=False; nearest is is_quantized_clip=True"
        )
    slope = float(quantiser.negative_slope)
    magnitude_bits = bits - (slope != 0)
    if magnitude_bits < 1:
        raise FrontendError(f"{where}: quantized_relu of {bits} bits, legal is 2 or more")
    fraction = magnitude_bits - int(integer)
    high = (1 << magnitude_bits) - 1
    if slope == 0:
        return ActivationFormat(bits + 1, fraction, 0, high)
    exponent = _power_of_two(slope)
    if exponent is None or exponent > 0 or -exponent > magnitude_bits:
        raise FrontendError(
            f"{where}: quantized_relu with negative_slope={slope}; legal for {bits} bits is a "
            f"power of two from {2.0**-magnitude_bits} to 1"
        )
    # QKeras clips the negative side at -slope * 2**integer.
    low = -(1 << (magnitude_bits + exponent))
    return ActivationFormat(bits, fraction, low, high, -exponent)


def constants_on_grid(
    layer: str, what: str, values: npt.NDArray[Any], quantiser: Any, max_bits: int
) -> tuple[npt.NDArray[np.int64], int, int]:
    """Express quantised weights or biases as integers: (integers, bits, fraction).

    ``values`` are what ``quantiser`` gave. A constant power-of-two alpha gives the declared width
    and fraction; anything else (auto_po2, binary, ternary, powers of two) the narrowest
    grid that holds all values. One-bit weights, which are -1 and +1 in QKeras, are words of 2
    bits, of one bit only where ``max_bits`` is 1. Raises :class:`FrontendError` if there is no
    grid of ``max_bits``.
    """
    where = f"layer '{layer}': {what}"
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise FrontendError(f"{where} has values that are not finite")
    kind = type(quantiser).__name__
    if float(getattr(quantiser, "qnoise_factor", 1.0)) != 1.0:
        raise FrontendError(f"{where} quantiser's qnoise_factor is not 1, legal for export is 1")
    declared = None
    if kind == "quantized_bits" and int(quantiser.bits) > 1 and _is_integer(quantiser.integer):
        exponent = _constant_scale(quantiser)
        if exponent is not None:
            keep_negative = bool(quantiser.keep_negative)
            fraction = int(quantiser.bits) - keep_negative - int(quantiser.integer) - exponent
            declared = (int(quantiser.bits) + (not keep_negative), fraction)
    if declared is not None:
        bits, fraction = declared
        scaled = np.ldexp(values, fraction)
    else:
        bits, fraction, scaled = _narrowest_grid(where, kind, quantiser, values)
    integers = np.rint(scaled)
    # QKeras's straight-through estimator computes x + (q - x): in float32 that can miss the grid
    # by a rounding error, which this forgives; a value off the grid it does not.
    if np.abs(scaled - integers).max() > 2.0**-6:
        raise FrontendError(
            f"{where} does not lie on the grid of {kind}; nearest is "
            f"quantized_bits(bits,integer,0,1,alpha=1)"
        )
    if max_bits == 1 and declared is None and (np.abs(integers) == 1).all():
        bits = 1
    if bits > max_bits:
        nearest = f"nearest is quantized_bits({max_bits},integer,0,1,alpha=1)"
        if max_bits == 1:
            nearest = "a bit holds -1 and +1; nearest is quantized_bits(1,0,0,1,alpha=1)"
        alpha = getattr(quantiser, "alpha", None)
        scales = f" for the scales of alpha={alpha!r}" if isinstance(alpha, str) else ""
        raise FrontendError(
            f"{where} needs {bits}-bit words{scales}, legal is up to {max_bits}; {nearest}"
        )
    return integers.astype(np.int64), bits, fraction


def _narrowest_grid(
    where: str, kind: str, quantiser: Any, values: npt.NDArray[np.float64]
) -> tuple[int, int, npt.NDArray[np.float64]]:
    """(bits, fraction, scaled values) of the coarsest power-of-two grid that holds ``values``."""
    largest = float(np.abs(values).max())
    if largest == 0.0:
        return 2, 0, values
    top = math.frexp(largest)[1]
    for fraction in range(1 - top, MAX_WEIGHT_BITS - top + 1):
        scaled = np.ldexp(values, fraction)
        if np.abs(scaled - np.rint(scaled)).max() <= 2.0**-8:
            span = np.rint(scaled)
            bits = max(int(span.max()).bit_length(), max(int(-span.min() - 1), 0).bit_length()) + 1
            return max(bits, 2), fraction, scaled
    alpha = getattr(quantiser, "alpha", None)
    raise FrontendError(
        f"{where} of {kind} with alpha={alpha!r} lies on no power-of-two grid of up to "
        f"{MAX_WEIGHT_BITS} bits; nearest is quantized_bits(bits,integer,0,1,alpha=1)"
    )
