# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Layers whose window does not fit the pixel buffer, in pieces that do: slower, but they run.

Channelwise layers take fewer channels at a time. A layer becomes one over the patches that its
kernel reads: identity passes, one a tap, put them side by side in the channels of a tensor, and the
layer streams these (:class:`corewright.compiler.geometry.StreamedGeometry`). Where what lies
outside of the image cannot be stored as a number (it is not counted by an average, and a word of
one bit has no zero) the outputs are cut into rectangles whose windows are cut alike. Where there
are fewer outputs than taps each of them is a rectangle: one window, which streams by
(:class:`corewright.compiler.geometry.SingleWindowGeometry`). A last pass takes each output from its
rectangle, as the maximum over tensors that hold the smallest number everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from corewright.compiler.geometry import Raster
from corewright.compiler.operation import (
    MAX_GROUPS,
    Contents,
    Operation,
    Pair,
    Patches,
    Pieces,
    TensorSlice,
    copy_operation,
    pixel_limits,
)
from corewright.hardware import Hardware
from corewright.program import Opcode


def channel_parts(operation: Operation, hardware: Hardware) -> tuple[Operation, ...]:
    """A channelwise layer as two layers of half the channels; one, if it has a single group."""
    groups = -(-operation.channels_out // hardware.drain)
    if groups == 1:
        return (operation,)
    middle = -(-groups // 2) * hardware.drain
    return operation.part(0, middle), operation.part(middle, operation.channels_out - middle)


def patch_copies(
    operation: Operation, patches: TensorSlice, hardware: Hardware
) -> tuple[Operation, ...]:
    """Identity passes that write what each tap of a layer reads to ``patches``."""
    channels = operation.channels_in
    is_maximum = operation.opcode == Opcode.MAX_POOL
    # Unlike a maximum a sum reads zeros outside of the image.
    opcode = Opcode.MAX_POOL if is_maximum else Opcode.SUM_POOL
    fill = pixel_limits(hardware)[0] if is_maximum else 0
    rearranged = Patches(
        operation.kernel, operation.strides, operation.padding, operation.out_size, fill
    )
    copy = copy_operation(
        operation.name, operation.size, operation.source, operation.source, hardware
    )
    top, left = operation.padding
    return tuple(
        replace(
            copy,
            opcode=opcode,
            target=patches.part((kh * operation.kernel[1] + kw) * channels, channels),
            out_size=operation.out_size,
            strides=operation.strides,
            padding=(top - kh, left - kw),
            holds=Contents(operation.source, rearranged),
        )
        for kh in range(operation.kernel[0])
        for kw in range(operation.kernel[1])
    )


def patched(operation: Operation, patches: TensorSlice) -> Operation:
    """The layer over its patches: the taps of a channelwise layer are rows of its kernel."""
    weights, kernel = operation.weights, (1, 1)
    if operation.is_channelwise:
        kernel = (operation.taps, 1)
    if weights is not None:
        weights = weights.reshape(*kernel, -1, weights.shape[-1])
        if operation.is_channelwise:
            weights = weights[:, :, 0]
    return replace(
        operation,
        source=patches,
        size=operation.out_size,
        kernel=kernel,
        strides=(1, 1),
        padding=(0, 0),
        weights=weights,
    )


@dataclass(frozen=True)
class Rectangle:
    """Outputs whose windows lose the same taps at the image's edges.

    Attributes:
        first: its first output.
        size: its outputs.
        first_tap: the windows' first tap inside the image.
        taps: their taps inside the image.
    """

    first: Pair
    size: Pair
    first_tap: Pair
    taps: Pair


def rectangles(operation: Operation) -> tuple[Rectangle, ...]:
    """The outputs in the largest such rectangles."""
    rows, columns = (list(_runs(operation, axis)) for axis in (0, 1))
    return tuple(
        Rectangle(*((row[i], column[i]) for i in range(4))) for row in rows for column in columns
    )


def small_rectangles(operation: Operation) -> tuple[Rectangle, ...]:
    """The same for a pool: where there are fewer outputs than taps, one by one."""
    result = []
    for whole in rectangles(operation):
        (height, width), (kh, kw) = whole.size, whole.taps
        if not operation.is_channelwise or kh * kw <= height * width:
            result.append(whole)
            continue
        result += [
            replace(whole, first=(whole.first[0] + row, whole.first[1] + column), size=(1, 1))
            for row, column in np.ndindex(height, width)
        ]
    return tuple(result)


def _runs(operation: Operation, axis: int) -> Iterator[tuple[int, int, int, int]]:
    """(first output, outputs, first tap, taps) along an axis."""
    kernel, stride = operation.kernel[axis], operation.strides[axis]
    pad, size = operation.padding[axis], operation.size[axis]

    def inside(output: int) -> tuple[int, int]:
        start = output * stride - pad
        first = min(max(0, -start), kernel)
        return first, max(first, min(kernel, size - start))

    for (first, end), run in groupby(range(operation.out_size[axis]), key=inside):
        outputs = list(run)
        yield outputs[0], len(outputs), first, end - first


def trimmed(operation: Operation, rectangle: Rectangle) -> Operation:
    """The layer of a rectangle's outputs alone; no tap is outside of the image."""
    (top, left), (kh, kw) = rectangle.first_tap, rectangle.taps
    weights = operation.weights
    row, column = (
        pad - tap - output * stride
        for pad, tap, output, stride in zip(
            operation.padding,
            rectangle.first_tap,
            rectangle.first,
            operation.strides,
            strict=True,
        )
    )
    return replace(
        operation,
        out_size=rectangle.size,
        kernel=rectangle.taps,
        padding=(row, column),
        weights=None if weights is None else weights[top : top + kh, left : left + kw],
    )


def cut(operation: Operation, rectangle: Rectangle, target: TensorSlice) -> Operation:
    """A rectangle's outputs, without the addition, as a tensor of their own."""
    return replace(
        trimmed(operation, rectangle),
        target=target,
        macs=0,
        addition=None,
        holds=Contents(_result(operation), Patches.crop(rectangle.first, rectangle.size)),
    )


def joining(
    operation: Operation,
    cuts: Sequence[tuple[Rectangle, TensorSlice]],
    stack: TensorSlice,
    first: int,
    hardware: Hardware,
) -> tuple[tuple[Operation, ...], Operation]:
    """Passes that put the rectangles of some channels side by side, and the one that joins them.

    Args:
        operation: the layer.
        cuts: rectangles and the tensors that hold their outputs.
        stack: where they come side by side: each as large as the layer's output.
        first: the first of the channels.
        hardware: the engine.
    """
    channels = stack.channels // len(cuts)
    fill = pixel_limits(hardware)[0]
    own, added = _result(operation).part(first, channels), operation.addition
    places = tuple((rectangle.first, rectangle.size) for rectangle, _ in cuts)
    holds = Contents(own, Pieces(places, fill))
    copies = tuple(
        replace(
            copy_operation(
                operation.name,
                rectangle.size,
                piece.part(first, channels),
                stack.part(index * channels, channels),
                hardware,
            ),
            out_size=operation.out_size,
            padding=rectangle.first,
            holds=holds,
        )
        for index, (rectangle, piece) in enumerate(cuts)
    )
    target = operation.target.part(first, channels)
    joined = copy_operation(operation.name, operation.out_size, stack, target, hardware)
    return copies, replace(
        joined,
        kind=operation.kind,
        kernel=(len(cuts), 1),
        addition=added and replace(added, source=added.source.part(first, channels)),
        macs=operation.macs * channels // operation.channels_out,
        holds=operation.holds,
    )


def _result(operation: Operation) -> TensorSlice:
    if operation.result is None:
        raise TypeError(f"layer '{operation.name}' computes no tensor of the graph")
    return operation.result


def row_copies(operation: Operation, source: Raster, hardware: Hardware) -> tuple[Operation, ...]:
    """Passes that write each row of a stored image ``repeat[0]`` times, one behind the other.

    The rows of both rasters, ``source`` being the stored image's, begin blocks. Then a row is one
    block of more channels, a row that is repeated a block of a multiple of them, and each copy a
    slice of these channels.
    """
    blocks = source.pitch // hardware.rows
    down = operation.repeat[0]
    size = source.image_rows, hardware.rows
    own, made = operation.source, operation.target
    whole = not (operation.reads_slice or operation.writes_slice)
    whole &= blocks * own.channels <= MAX_GROUPS
    # A run of blocks of a row whose channels lie one behind the other, in both tensors.
    runs = [(0, blocks)] if whole else [(block, 1) for block in range(blocks)]
    return tuple(
        replace(
            copy_operation(
                operation.name,
                size,
                TensorSlice(
                    own.tensor,
                    first * own.tensor_channels + own.first_channel,
                    count * own.channels,
                    blocks * own.tensor_channels,
                ),
                TensorSlice(
                    made.tensor,
                    (copy * blocks + first) * made.tensor_channels + made.first_channel,
                    count * own.channels,
                    down * blocks * made.tensor_channels,
                ),
                hardware,
            ),
            kind=operation.kind,
            holds=operation.holds,
        )
        for copy in range(down)
        for first, count in runs
    )
