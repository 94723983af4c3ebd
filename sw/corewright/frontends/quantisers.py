# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What QKeras's quantisers mean in integers. Works on their attributes: imports no framework."""

from __future__ import annotations

import dataclasses
import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.frontends.errors import FrontendError, OffGridError

MAX_WEIGHT_BITS = 16
# Of the model's input.
WIDEST_WORD = 16
# The class of the layer that rounds as a graph's node does; see corewright.frontends.operators.
REQUANTISE = "Requantise"
# Widest bias of a graph.
MAX_BIAS_BITS = 48
# Of a quantiser's result, relative: float32's, where the number that it rounds is 1000 times as
# large.
_ROUNDING_ERROR = 2.0**-13


@dataclass(frozen=True)
class ActivationFormat:
    """Words that an activation quantiser makes: integers in [low, high] times 2**-fraction.

    ``bits`` is the signed word they need. Values are first multiplied by ``2**gain``, negative
    ones by ``2**-slope_shift``, too. ``binary`` is the sign: -1 below zero, +1 from zero, never
    0; it is a word of one bit where ``bits`` says so. ``pre_shift`` is the left shift of the
    sums before they round, where the quantiser demands one. ``offset`` is added to the values
    before all that.
    """

    bits: int
    fraction: int
    low: int
    high: int
    slope_shift: int = 0
    binary: bool = False
    gain: int = 0
    pre_shift: int | None = None
    offset: int = 0

    def values(self, x: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The real values of the words of ``x``, as a graph's node rounds them."""
        shifted = np.asarray(x, dtype=np.float64) + self.offset
        position = np.ldexp(shifted, self.fraction + self.gain)
        position = np.where(shifted < 0, np.ldexp(position, -self.slope_shift), position)
        integers = np.clip(np.rint(position), self.low, self.high)
        if self.binary:
            integers = np.where(shifted < 0, self.low, self.high)
        return np.ldexp(integers, -self.fraction)

    def rectified(self) -> ActivationFormat:
        """The words of what a ReLU in front of the quantiser leaves."""
        zero = self.offset << max(self.fraction + self.gain, 0)
        return dataclasses.replace(self, low=max(self.low, zero), slope_shift=0)


# QKeras's quantisers that draw random numbers at inference, too, and what is nearest.
_RANDOM = {
    "bernoulli": "binary(use_01=True,alpha=1) of weights, quantized_relu(1,1) of activations",
    "stochastic_round": "quantized_bits(8,0,0,1,alpha=1)",
    "stochastic_round_po2": "quantized_po2(4)",
}


def check_repeatable(where: str, quantiser: Any) -> None:
    """Refuse a quantiser that is known to be random at inference, or one derived from it.

    The others with "stochastic" in their names or options round as ever at inference.
    """
    names = [base.__name__ for base in type(quantiser).__mro__]
    for name in (getattr(quantiser, "__name__", None), *names):
        if name in _RANDOM:
            raise FrontendError(
                f"{where} {name} draws random numbers at inference, too, legal is a quantiser "
                f"with a fixed result; nearest is {_RANDOM[name]}"
            )


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
    check_repeatable(f"{where}: activation", quantiser)
    if kind == REQUANTISE:
        result = quantiser.word
    elif kind in _FORMATS:
        result = _FORMATS[kind](where, quantiser)
    else:
        what = getattr(quantiser, "__name__", kind)
        nearest = _NEAREST_ACTIVATION.get(what, _ORDINARY_ACTIVATION)
        raise FrontendError(f"{where}: activation {what} is not supported; nearest {nearest}")
    if result.binary and is_sign(word_bits):
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
            f"{where}: {type(quantiser).__name__} with alpha={quantiser.alpha!r}, "
            f"use_01={quantiser.use_01}, "
            f"use_stochastic_rounding={quantiser.use_stochastic_rounding}; legal is "
            "binary(alpha=1) or another constant power of two"
        )
    return _sign_format(exponent)


def _hard_sigmoid(where: str, quantiser: Any, real: bool) -> None:
    """Refuse quantized_tanh and quantized_sigmoid that are not piecewise linear."""
    kind = type(quantiser).__name__
    option = "use_real_tanh" if kind == "quantized_tanh" else "use_real_sigmoid"
    if real:
        raise FrontendError(
            f"{where}: {kind} with {option}={real}, legal is {option}=False, which is linear "
            "between -1 and 1"
        )
    # What qkeras.set_internal_sigmoid has chosen for the whole process.
    module = sys.modules.get(type(quantiser).__module__)
    chosen = getattr(getattr(module, "_sigmoid", None), "__name__", "hard_sigmoid")
    if chosen != "hard_sigmoid":
        raise FrontendError(
            f"{where}: {kind} with QKeras's internal sigmoid {chosen}, legal is hard_sigmoid: "
            "qkeras.quantizers.set_internal_sigmoid('hard')"
        )
    if int(quantiser.bits) < 1:
        raise FrontendError(f"{where}: {kind} of {int(quantiser.bits)} bits, legal is 1 or more")


def _tanh_format(where: str, quantiser: Any) -> ActivationFormat:
    """``2 * hard_sigmoid(x) - 1`` is x, clipped to -1..1: quantized_bits(bits, 0, symmetric)."""
    _hard_sigmoid(where, quantiser, bool(quantiser.use_real_tanh))
    bits = int(quantiser.bits)
    span = 1 << (bits - 1)
    # A word of one bit is a sign; quantized_tanh(1) is -1 or 0.
    return ActivationFormat(max(bits, 2), bits - 1, -span + bool(quantiser.symmetric), span - 1)


def _sigmoid_format(where: str, quantiser: Any) -> ActivationFormat:
    """``hard_sigmoid(x)`` is (x + 1) / 2, clipped to 0..1."""
    _hard_sigmoid(where, quantiser, bool(quantiser.use_real_sigmoid))
    bits = int(quantiser.bits)
    low, high = int(bool(quantiser.symmetric)), (1 << bits) - 1
    return ActivationFormat(bits + 1, bits, low, high, gain=-1, offset=1)


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


_FORMATS = {
    "quantized_bits": _signed_format,
    "quantized_relu": _relu_format,
    "quantized_tanh": _tanh_format,
    "quantized_sigmoid": _sigmoid_format,
    "binary": _binary_format,
    # At inference it is binary.
    "stochastic_binary": _binary_format,
}
_ORDINARY_ACTIVATION = "are quantized_bits(bits,integer,0,1) and quantized_relu(bits,integer)"
_NEAREST_ACTIVATION = {
    "softmax": "are no activation, then QActivation('quantized_bits(bits,integer,alpha=1)') and "
    "Activation('softmax'), or output_quantiser where the model ends",
    **dict.fromkeys(("tanh", "hard_tanh", "smooth_tanh"), "is quantized_tanh(bits)"),
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "smooth_sigmoid"), "is quantized_sigmoid(bits)"),
    **dict.fromkeys(("ternary", "stochastic_ternary"), "is quantized_bits(2,1,1,1,alpha=1)"),
    **dict.fromkeys(("binary_tanh", "binary_sigmoid"), "is binary(alpha=1)"),
    "quantized_relu_po2": "is quantized_relu(bits,integer)",
}


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
        raise OffGridError(
            f"{where} does not lie on the grid of {kind}; nearest is "
            f"quantized_bits(bits,integer,0,1,alpha=1)"
        )
    if is_sign(max_bits) and declared is None and (np.abs(integers) == 1).all():
        bits = 1
    if bits > max_bits:
        nearest = f"nearest is quantized_bits({max_bits},integer,0,1,alpha=1)"
        if is_sign(max_bits):
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
        span = np.rint(scaled)
        # Only what the straight-through estimator misses: a weight that is small is not zero.
        if (np.abs(scaled - span) <= np.minimum(np.abs(scaled) * _ROUNDING_ERROR, 2.0**-8)).all():
            bits = max(int(span.max()).bit_length(), max(int(-span.min() - 1), 0).bit_length()) + 1
            return max(bits, 2), fraction, scaled
    alpha = getattr(quantiser, "alpha", None)
    raise OffGridError(
        f"{where} of {kind} with alpha={alpha!r} lies on no power-of-two grid of up to "
        f"{MAX_WEIGHT_BITS} bits; nearest is quantized_bits(bits,integer,0,1,alpha=1)"
    )
