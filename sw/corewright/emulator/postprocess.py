# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""From accumulators to pixels: pre-shift, bias, division, rounding, saturation."""

from __future__ import annotations

import numpy as np

from corewright.emulator.layer import Int64Array, Layer

# A right shift by more gives the same: every value is far below 2**(_MAX_SHIFT - 1).
_MAX_SHIFT = 60
# An average is a pixel of 16 bits at most, shifted left by 15 at most.
_MAX_AVERAGE_SHIFT = 40


def wrap(value: Int64Array, bits: int) -> Int64Array:
    """The value that a two's complement register of ``bits`` bits keeps."""
    spare = 64 - bits
    return (value << spare) >> spare


def round_divide(value: Int64Array, divisor: Int64Array) -> Int64Array:
    """Half to even of value / divisor, for divisors above 0."""
    quotient, remainder = np.divmod(value, divisor)
    twice = 2 * remainder
    quotient += (twice > divisor) | ((twice == divisor) & (quotient % 2 == 1))
    return quotient


def _round_shift(value: Int64Array, shift: int) -> Int64Array:
    """Half to even of value / 2**shift."""
    shift = min(shift, _MAX_SHIFT)
    if shift == 0:
        return value
    # half - 1, plus one where the quotient is odd: a tie carries into odd quotients only.
    carry = (value >> shift) & 1
    carry += value
    carry += (1 << (shift - 1)) - 1
    carry >>= shift
    return carry


def requantise(layer: Layer, sums: Int64Array, bias: Int64Array | None) -> Int64Array:
    """Pixels of all but average-pool sums (..., channels_out); bias is (channels_out,)."""
    value = sums << layer["pre_shift"]
    if bias is not None:
        value += bias
    value = wrap(value, layer.hardware.post_bits)
    result = _round_shift(value, layer["shift"])
    if layer["shift"] != layer["negative_shift"]:
        result = np.where(value < 0, _round_shift(value, layer["negative_shift"]), result)
    return np.clip(result, layer["clip_low"], layer["clip_high"])


def add_operand(layer: Layer, own: Int64Array, other: Int64Array) -> Int64Array:
    """Pixels of the residual addition of post-processed ``own`` and the second operand's pixels."""
    # Single bits, +1 or -1, are numbers of two bits.
    bits = max(layer.hardware.bits_input, 2) + 16
    value = (own << layer["add_own_shift"]) + (other << layer["add_other_shift"])
    value = wrap(value, bits)
    result = np.where(
        value < 0,
        _round_shift(value, layer["add_negative_shift"]),
        _round_shift(value, layer["add_shift"]),
    )
    return np.clip(result, layer["add_clip_low"], layer["add_clip_high"])


def average(layer: Layer, sums: Int64Array, count: Int64Array) -> Int64Array:
    """Pixels of average-pool sums (lanes, channels) over count (lanes, 1) elements, all above 0."""
    if layer["round_first"]:
        return requantise(layer, round_divide(sums, count), None)
    shifts = np.where(sums < 0, layer["negative_shift"], layer["shift"])
    result = round_divide(
        sums << layer["pre_shift"], count << np.minimum(shifts, _MAX_AVERAGE_SHIFT)
    )
    return np.clip(result, layer["clip_low"], layer["clip_high"])
