# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Layers whose window does not fit the pixel buffer, in pieces that do: slower, but they run.

Channelwise layers take fewer channels at a time. A convolution becomes a 1x1 convolution over the
patches that its kernel reads: identity passes, one a tap, put them side by side in memory, and the
1x1 convolution streams its channels (:class:`corewright.compiler.geometry.StreamedGeometry`).
"""

from __future__ import annotations

from dataclasses import replace

from corewright.compiler.operation import (
    Contents,
    Operation,
    Patches,
    TensorSlice,
    copy_operation,
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
    """Identity passes that write what each tap of a convolution reads to ``patches``."""
    channels = operation.channels_in
    holds = Contents(operation.source, _patches(operation))
    copy = copy_operation(
        operation.name, operation.size, operation.source, operation.source, hardware
    )
    top, left = operation.padding
    return tuple(
        replace(
            copy,
            # Unlike a maximum a sum reads zeros outside of the image.
            opcode=Opcode.SUM_POOL,
            target=patches.part((kh * operation.kernel[1] + kw) * channels, channels),
            out_size=operation.out_size,
            strides=operation.strides,
            padding=(top - kh, left - kw),
            holds=holds,
        )
        for kh in range(operation.kernel[0])
        for kw in range(operation.kernel[1])
    )


def patched(operation: Operation, patches: TensorSlice) -> Operation:
    """The convolution over its patches."""
    weights = operation.weights
    if weights is None:
        raise TypeError(f"layer '{operation.name}' has no weights of its own")
    return replace(
        operation,
        source=patches,
        size=operation.out_size,
        kernel=(1, 1),
        strides=(1, 1),
        padding=(0, 0),
        weights=weights.reshape(1, 1, -1, weights.shape[-1]),
    )


def _patches(operation: Operation) -> Patches:
    return Patches(operation.kernel, operation.strides, operation.padding, operation.out_size)
