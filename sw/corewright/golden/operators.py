# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Exact integer operators on (N, H, W, C) arrays.

Convolutions run as matrix products in floating point wherever the worst-case sum proves that
every partial sum is exact: BLAS is some fifty times faster than NumPy's integer product.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.graph import (
    Add,
    Conv,
    Dense,
    Depthwise,
    MatMul,
    Pool,
    QuantisedSoftmax,
    Requant,
    Slice,
    Upsample,
)

Int64Array = npt.NDArray[np.int64]

# Elements of the largest temporary; larger batches are processed in slices.
_CHUNK_ELEMENTS = 1 << 23
# Below this many input channels one gathered product beats a product for each tap.
_GATHER_CHANNELS = 32


def round_half_even_shift(value: Int64Array, shift: int) -> Int64Array:
    """``round_half_even(value / 2**shift)`` for 0 <= shift <= 62, exact for |value| <= 2**62."""
    if shift == 0:
        return value
    quotient = value >> shift
    remainder = value - (quotient << shift)
    # Up above the half, and at the half only from an odd quotient. (Not ``value + half``, which
    # could leave 64 bits.)
    half = 1 << (shift - 1)
    result: Int64Array = quotient + (remainder + (quotient & 1) > half)
    return result


def round_half_even_divide(value: Int64Array, divisor: Int64Array) -> Int64Array:
    """``round_half_even(value / divisor)`` for divisors > 0 that broadcast with ``value``."""
    quotient = value // divisor
    remainder = value - quotient * divisor
    # Twice the remainder could leave 64 bits: compare it with what is left to the next integer.
    rest = divisor - remainder
    up = (remainder > rest) | ((remainder == rest) & (quotient % 2 == 1))
    result: Int64Array = quotient + up
    return result


def requantise(
    accumulator: Int64Array, bias: npt.NDArray[np.integer[Any]] | None, requant: Requant
) -> Int64Array:
    """Apply ``requant`` to an accumulator (..., C) and an aligned bias (C,); int64."""
    value = accumulator << requant.pre_shift
    if bias is not None:
        value = value + bias
    result = round_half_even_shift(value, requant.shift)
    if requant.negative_shift != requant.shift:
        negative = round_half_even_shift(value, requant.negative_shift)
        result = np.where(value < 0, negative, result)
    return np.clip(result, requant.low, requant.high)


def sign(value: npt.NDArray[Any]) -> Int64Array:
    """1 where ``value >= 0``, else -1: what a tensor of a single bit keeps."""
    return np.where(value < 0, np.int64(-1), np.int64(1))


def product_type(bound: int) -> type[np.floating[Any] | np.integer[Any]]:
    """The fastest type in which sums of integers up to ``bound`` in magnitude are exact."""
    if bound < 1 << 24:
        return np.float32
    if bound < 1 << 53:
        return np.float64
    return np.int64


def _pad(x: npt.NDArray[Any], padding: tuple[int, int, int, int], value: int) -> npt.NDArray[Any]:
    top, bottom, left, right = padding
    if not any(padding):
        return x
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def _tap(
    x: npt.NDArray[Any], row: int, column: int, size: tuple[int, int], strides: tuple[int, int]
) -> npt.NDArray[Any]:
    """The (N, size[0], size[1], C) view of what one window position reads of padded ``x``."""
    last_row = row + (size[0] - 1) * strides[0] + 1
    last_column = column + (size[1] - 1) * strides[1] + 1
    return x[:, row : last_row : strides[0], column : last_column : strides[1], :]


def _gather(x: npt.NDArray[Any], size: tuple[int, int], node: Conv) -> npt.NDArray[Any]:
    """(N * OH * OW, KH * KW * CI): what each output pixel reads of padded ``x``."""
    x = np.ascontiguousarray(x)
    rows, columns, channels = node.weights.shape[:3]
    image, line, pixel, _ = x.strides
    # The taps of one kernel row are contiguous in memory, all channels of them.
    view = np.lib.stride_tricks.as_strided(
        x,
        (len(x), *size, rows, columns * channels),
        (image, node.strides[0] * line, node.strides[1] * pixel, line, x.itemsize),
        writeable=False,
    )
    return view.reshape(len(x) * size[0] * size[1], -1)


def _convolve(x: npt.NDArray[Any], weights: npt.NDArray[Any], node: Conv) -> npt.NDArray[Any]:
    """Accumulators (N, OH, OW, CO) of ``x`` (N, H, W, CI), in the type of both."""
    rows, columns, channels, filters = weights.shape
    size = (node.output.height, node.output.width)
    pixels = len(x) * size[0] * size[1]
    x = _pad(x, node.padding, 0)
    if channels < _GATHER_CHANNELS:
        result = _gather(x, size, node) @ weights.reshape(-1, filters)
    else:
        result = np.zeros((pixels, filters), dtype=x.dtype)
        for row, column in np.ndindex(rows, columns):
            tap = _tap(x, row, column, size, node.strides)
            result += tap.reshape(pixels, channels) @ weights[row, column]
    return result.reshape(len(x), *size, filters)


def _finish(
    sums: npt.NDArray[Any], bias: npt.NDArray[np.integer[Any]] | None, requant: Requant
) -> Int64Array:
    """Requantise accumulators that are exact in their own type, with bias and pre-shift too.

    In floating point a scaling by a power of two is exact and ``rint`` rounds half to even, so
    this equals :func:`requantise` in a fraction of its time. ``sums`` is overwritten.
    """
    if not np.issubdtype(sums.dtype, np.floating):
        return requantise(sums, bias, requant)
    scale = sums.dtype.type
    if requant.pre_shift:
        sums *= scale(2.0**requant.pre_shift)
    if bias is not None:
        sums += bias.astype(sums.dtype)
    factor: Any = scale(2.0**-requant.shift)
    if requant.negative_shift != requant.shift:
        factor = np.where(sums < 0, scale(2.0**-requant.negative_shift), factor)
    sums *= factor
    np.rint(sums, out=sums)
    np.clip(sums, requant.low, requant.high, out=sums)
    return sums.astype(np.int64)


def _result(sums: npt.NDArray[Any], node: Conv | Depthwise | Dense) -> Int64Array:
    """What ``node`` makes of its accumulators; ``sums`` is overwritten."""
    values = _finish(sums, node.bias, node.requant)
    # Of a single bit the shifts are 0, so that saturating to -1..1 has kept the sign.
    return sign(values) if is_sign(node.output.bits) else values


def conv(x: Int64Array, node: Conv, bound: int) -> Int64Array:
    """Run a convolution; ``bound`` is the largest magnitude before the shift of a value."""
    kind = product_type(bound)
    weights = node.weights.astype(kind)
    rows, columns, channels, filters = weights.shape
    gathered = rows * columns * channels if channels < _GATHER_CHANNELS else channels
    image = node.output.height * node.output.width * max(gathered, filters)
    step = max(1, _CHUNK_ELEMENTS // image)
    result = np.empty((len(x), *node.output.shape), dtype=np.int64)
    for start in range(0, len(x), step):
        part = _convolve(x[start : start + step].astype(kind), weights, node)
        result[start : start + step] = _result(part, node)
    return result


def depthwise(x: Int64Array, node: Depthwise, bound: int) -> Int64Array:
    """Run a depthwise convolution; ``bound`` as for :func:`conv`."""
    kind = product_type(bound)
    weights = node.weights.astype(kind)
    size = (node.output.height, node.output.width)
    step = max(1, _CHUNK_ELEMENTS // node.output.size)
    result = np.empty((len(x), *node.output.shape), dtype=np.int64)
    for start in range(0, len(x), step):
        padded = _pad(x[start : start + step].astype(kind), node.padding, 0)
        sums = np.zeros((len(padded), *node.output.shape), dtype=kind)
        for row, column in np.ndindex(*node.kernel_size):
            sums += _tap(padded, row, column, size, node.strides) * weights[row, column]
        result[start : start + step] = _result(sums, node)
    return result


def add(own: Int64Array, other: Int64Array, node: Add) -> Int64Array:
    """Align and add two arrays of one shape, requantised."""
    return requantise((own << node.own_shift) + (other << node.other_shift), None, node.requant)


def upsample(x: Int64Array, node: Upsample) -> Int64Array:
    """Repeat rows and columns of (N, H, W, C)."""
    return x.repeat(node.factors[0], axis=1).repeat(node.factors[1], axis=2)


def dense(x: Int64Array, node: Dense, bound: int) -> Int64Array:
    """Run a fully connected layer on (N, H, W, C), flattened in (h, w, c) order."""
    kind = product_type(bound)
    sums = x.reshape(len(x), -1).astype(kind) @ node.weights.astype(kind)
    return _result(sums, node).reshape(len(x), 1, 1, -1)


def matmul(own: Int64Array, other: Int64Array, node: MatMul, bound: int) -> Int64Array:
    """Multiply (N, H, W, C) by (N, Hb, Wb, C or channels); ``bound`` as for :func:`conv`.

    Of ``own`` any part of the rows may be given, of ``other`` all: the result has the height and
    width of ``own``.
    """
    kind = product_type(bound)
    right = other.reshape(len(other), -1, other.shape[-1]).astype(kind)
    if node.transpose_b:
        right = right.transpose(0, 2, 1)
    left = own.reshape(len(own), -1, own.shape[-1]).astype(kind)
    step = max(1, _CHUNK_ELEMENTS // (left.shape[1] * right.shape[2]))
    result = np.empty((len(own), left.shape[1], right.shape[2]), dtype=np.int64)
    for start in range(0, len(own), step):
        part = slice(start, start + step)
        result[part] = _finish(left[part] @ right[part], None, node.requant)
    return result.reshape(*own.shape[:3], right.shape[2])


def take_channels(x: Int64Array, node: Slice) -> Int64Array:
    """The slice's channels of (N, H, W, C)."""
    return x[..., node.first_channel : node.first_channel + node.output.channels]


def softmax(x: Int64Array, node: QuantisedSoftmax) -> Int64Array:
    """Softmax of each run of channels of (N, H, W, C), in integers."""
    runs = x.reshape(*x.shape[:3], node.runs, -1)
    below = runs.max(axis=-1, keepdims=True) - runs
    entries = len(node.table)
    terms = np.where(below < entries, node.table[np.minimum(below, entries - 1)], 0)
    # 32-bit entries and a shift of at most 30: 62 bits.
    quotients = round_half_even_divide(
        terms << node.output.fraction, terms.sum(axis=-1, keepdims=True)
    )
    return np.clip(quotients, node.low, node.high).reshape(x.shape)


def pool(x: Int64Array, node: Pool) -> Int64Array:
    """Run a pooling layer on (N, H, W, C)."""
    size = (node.output.height, node.output.width)
    maximum = node.kind == "max"
    # Below every legal integer, so that padding never is the maximum.
    padded = _pad(x, node.padding, -(1 << 40) if maximum else 0)
    taps = [(row, column) for row in range(node.window[0]) for column in range(node.window[1])]
    result = _tap(padded, *taps[0], size, node.strides).copy()
    for row, column in taps[1:]:
        tap = _tap(padded, row, column, size, node.strides)
        if maximum:
            np.maximum(result, tap, out=result)
        else:
            result += tap
    if maximum:
        return requantise(result, None, node.requant)
    count = _valid_elements(x.shape[1:3], node)
    if node.round_first:
        return requantise(round_half_even_divide(result, count), None, node.requant)
    return _average(result, count, node.requant)


def _valid_elements(size: tuple[int, ...], node: Pool) -> Int64Array:
    """(1, OH, OW, 1): how many elements of each window lie inside the image."""
    counts: list[Int64Array] = []
    for axis, before in ((0, node.padding[0]), (1, node.padding[2])):
        length = (node.output.height, node.output.width)[axis]
        start = np.arange(length, dtype=np.int64) * node.strides[axis] - before
        stop = np.minimum(start + node.window[axis], size[axis])
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
