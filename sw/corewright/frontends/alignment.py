# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""How sums of one fraction become words of another: the shifts of a node. Imports no framework."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.frontends.errors import FrontendError
from corewright.frontends.quantisers import MAX_BIAS_BITS, ActivationFormat
from corewright.graph import (
    MAX_PRE_SHIFT,
    MAX_SHIFT,
    Node,
    Requant,
    Tensor,
    WeightedNode,
)


def requantisation(
    layer: str, accumulator_fraction: int, bias_fraction: int | None, word: ActivationFormat
) -> Requant:
    """From the accumulator's fraction to the word's, over a fraction that holds the bias.

    Raises:
        FrontendError: there are no such shifts; names ``layer``.
    """
    target = word.fraction + word.gain
    finest = accumulator_fraction + (word.pre_shift or 0)
    if word.pre_shift is None:
        needed = accumulator_fraction if bias_fraction is None else bias_fraction
        # A sign has no fraction: it needs the sum's.
        finest = max(accumulator_fraction, needed, finest if is_sign(word.bits) else target)
    pre_shift = finest - accumulator_fraction
    if pre_shift > MAX_PRE_SHIFT:
        raise FrontendError(
            f"layer '{layer}': its accumulator has {accumulator_fraction} fractional bits, its "
            f"bias {bias_fraction}, its output {target}; legal are up to "
            f"{MAX_PRE_SHIFT} more than the accumulator's: use fewer in the bias or the output"
        )
    shift = 0 if is_sign(word.bits) else finest - target
    shifts = shift, shift + word.slope_shift
    if min(*shifts, pre_shift) < 0 or max(shifts) > MAX_SHIFT or (bias_fraction or finest) > finest:
        raise FrontendError(
            f"layer '{layer}': its sums have {finest} fractional bits, its bias {bias_fraction}, "
            f"its output {target} and a slope of 2**-{word.slope_shift}; legal are shifts "
            f"0..{MAX_SHIFT} to the right"
        )
    return Requant(pre_shift, *shifts, word.low, word.high)


def shortened_bias(
    bias: npt.NDArray[np.int64],
    bias_fraction: int,
    accumulator_fraction: int,
    word: ActivationFormat,
) -> tuple[npt.NDArray[np.int64], int]:
    """A bias of fewer fractional bits with which every sum rounds to the same word.

    Below the sum's grid and the bit that decides a rounding, a bias only tells whether there is
    something more: one bit holds that (a "sticky" bit, as in floating-point adders). Of a word
    that is a sign not even this counts.

    Args:
        bias: int64[channels].
        bias_fraction: of ``bias``.
        accumulator_fraction: of the sums that it is added to.
        word: what the sums become.

    Returns:
        (bias, fraction): what is given, where that has no bit too many.
    """
    if word.pre_shift is not None:
        return bias, bias_fraction
    kept = accumulator_fraction
    if not word.binary:
        kept = max(kept, word.fraction + word.gain + 1)
    surplus = bias_fraction - kept - (not word.binary)
    if surplus <= 0:
        return bias, bias_fraction
    coarse = bias >> (bias_fraction - kept)
    if word.binary:
        return coarse, kept
    rest = bias - (coarse << (bias_fraction - kept))
    return (coarse << 1) | (rest != 0), kept + 1


def with_offset(node: Node, output: Tensor, word: ActivationFormat) -> Node:
    """``node``, a convolution or dense layer, with ``word.offset`` added to what it rounds.

    Its sums are in units of ``2**-(word.fraction + word.gain + shift)``: the bias takes it.
    """
    if not isinstance(node, WeightedNode):
        raise TypeError(f"layer '{node.name}' has no bias")
    unit = word.fraction + word.gain + node.requant.shift
    offset = word.offset << unit
    bias = np.zeros(output.channels, np.int64) if node.bias is None else node.bias
    if int(np.abs(bias).max()) + offset >= 1 << (MAX_BIAS_BITS - 1):
        raise FrontendError(
            f"layer '{node.name}': its bias and the offset of its activation need more than "
            f"{MAX_BIAS_BITS} bits; use fewer fractional bits in the bias or the weights"
        )
    return node.changed(bias=bias + offset)


def max_pool_requantisation(
    layer: str, fraction: int, span: tuple[int, int], word: ActivationFormat
) -> Requant:
    """Of a maximum of integers of ``fraction`` inside ``span`` (low, high); see above."""
    if word.pre_shift is not None or word.slope_shift or word.fraction + word.gain != fraction:
        return requantisation(layer, fraction, None, word)
    # Same grid: what the source cannot hold, the output does not either.
    low, high = max(span[0], word.low), min(span[1], word.high)
    return Requant.identity(min(low, word.high), max(high, word.low))


def addition(
    layer: str, fractions: tuple[int, int], word: ActivationFormat
) -> tuple[int, int, Requant]:
    """(own_shift, other_shift, requant) of a sum of two tensors of ``fractions``; see above.

    A word's own ``pre_shift`` is the first operand's shift.
    """
    target = word.fraction + word.gain
    finest = max(*fractions, target)
    if word.pre_shift is not None:
        finest = fractions[0] + word.pre_shift
    shifts = finest - fractions[0], finest - fractions[1]
    if min(shifts) < 0 or max(shifts) > MAX_PRE_SHIFT:
        raise FrontendError(
            f"layer '{layer}' adds tensors of fractions {fractions[0]} and {fractions[1]} to one "
            f"of {target}, legal is up to {MAX_PRE_SHIFT} apart"
        )
    shift = finest - target
    negative = shift + word.slope_shift
    if min(shift, negative) < 0 or max(shift, negative) > MAX_SHIFT:
        raise FrontendError(
            f"layer '{layer}': sums of fraction {finest} to a word of {target}, slope "
            f"2**-{word.slope_shift}; legal are shifts 0..{MAX_SHIFT} to the right"
        )
    return *shifts, Requant(0, shift, negative, word.low, word.high)
