# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the engine sees of a graph: convolutions and pools, each with an addition behind it or not.

How operators become operations is said in :mod:`corewright.compiler.lower` and in the rooms of
:mod:`corewright.compiler.lowering`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import number_range
from corewright.graph import Requant
from corewright.hardware import Hardware
from corewright.program import Opcode

Pair = tuple[int, int]

# Channel groups are a 16-bit field.
MAX_GROUPS = (1 << 16) - 1


@dataclass(frozen=True)
class TensorSlice:
    """Consecutive channels of a tensor in memory.

    Attributes:
        tensor: name of the tensor that is stored.
        first_channel: the slice's first channel.
        channels: its channels.
        tensor_channels: channels of the whole stored tensor.
    """

    tensor: str
    first_channel: int
    channels: int
    tensor_channels: int

    @classmethod
    def whole(cls, tensor: str, channels: int) -> TensorSlice:
        """All channels of a tensor."""
        return cls(tensor, 0, channels, channels)

    def part(self, first: int, channels: int) -> TensorSlice:
        """Channels ``first``, ``first + 1``, ... of this slice."""
        return replace(self, first_channel=self.first_channel + first, channels=channels)


@dataclass(frozen=True)
class Patches:
    """What a kernel reads of an image: the channels of each tap, in (kh, kw, c) order.

    Attributes:
        kernel: taps.
        strides: pixels between two windows.
        padding: (top, left); negative: rows or columns that are cut off.
        out_size: windows.
        fill: what a tap outside of the image is.
    """

    kernel: Pair
    strides: Pair
    padding: Pair
    out_size: Pair
    fill: int = 0

    @classmethod
    def crop(cls, first: Pair, size: Pair) -> Patches:
        """A part of the image: ``size`` pixels from ``first`` on."""
        return cls((1, 1), (1, 1), (-first[0], -first[1]), size)

    def of(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(N, H, W, C) to (N, Ho, Wo, KH * KW * C)."""
        return np.concatenate([self._tap(x, *tap) for tap in np.ndindex(*self.kernel)], axis=-1)

    def _tap(self, x: npt.NDArray[Any], kh: int, kw: int) -> npt.NDArray[Any]:
        inside = np.ones((1, *self.out_size, 1), dtype=bool)
        for axis, tap in enumerate((kh, kw), start=1):
            count, stride, pad = (v[axis - 1] for v in (self.out_size, self.strides, self.padding))
            at = np.arange(count) * stride + tap - pad
            shape = [1, 1, 1, 1]
            shape[axis] = count
            inside &= ((at >= 0) & (at < x.shape[axis])).reshape(shape)
            x = x.take(at.clip(0, x.shape[axis] - 1), axis=axis)
        return np.where(inside, x, self.fill)


@dataclass(frozen=True)
class Pieces:
    """An image for each of some rectangles of it, side by side in the channels.

    Attributes:
        rectangles: (first pixel, size) of each.
        fill: what lies outside of the rectangle.
    """

    rectangles: tuple[tuple[Pair, Pair], ...]
    fill: int

    def of(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(N, H, W, C) to (N, H, W, rectangles * C)."""
        result = np.full((len(self.rectangles), *x.shape), self.fill, dtype=x.dtype)
        for piece, ((top, left), (height, width)) in zip(result, self.rectangles, strict=True):
            place = slice(None), slice(top, top + height), slice(left, left + width)
            piece[place] = x[place]
        return np.concatenate(list(result), axis=-1)


@dataclass(frozen=True)
class Contents:
    """What a stored tensor holds, in terms of the graph's tensors.

    Attributes:
        values: channels of a tensor of the graph.
        rearranged: so they lie in memory; None: as in the graph.
        transposed: pixels have become channels, channels pixels of one row.
        repeat: each row and column comes so often.
    """

    values: TensorSlice
    rearranged: Patches | Pieces | None = None
    transposed: bool = False
    repeat: Pair = (1, 1)

    @property
    def tensor(self) -> str:
        """The graph's tensor that the integers come from."""
        return self.values.tensor

    def of(self, tensors: Mapping[str, npt.ArrayLike]) -> npt.NDArray[Any]:
        """(N, H, W, C) integers, from those of the graph's tensors."""
        first = self.values.first_channel
        x = np.asarray(tensors[self.tensor])[..., first : first + self.values.channels]
        if self.rearranged is not None:
            x = self.rearranged.of(x)
        if self.transposed:
            x = x.reshape(len(x), -1, x.shape[-1]).transpose(0, 2, 1)[:, None]
        return x.repeat(self.repeat[0], axis=1).repeat(self.repeat[1], axis=2)


@dataclass(frozen=True)
class Addition:
    """A residual addition behind a layer's post-processing.

    Attributes:
        node: name of the graph's node.
        source: the second operand, with as many channels as the layer's output.
        own_shift: left shift of the layer's own result.
        other_shift: left shift of the second operand.
        requant: shifts and limits of the sum.
    """

    node: str
    source: TensorSlice
    own_shift: int
    other_shift: int
    requant: Requant


@dataclass(frozen=True, eq=False)
class Operation:
    """One layer in the engine's terms.

    Attributes:
        name: the node's name.
        kind: ``conv``, ``dense``, ``depthwise``, ``max_pool``, ``average_pool``, ``sum_pool``,
            ``matmul``, ``transpose``, ``upsample``, ``add`` (an identity pass with an addition)
            or ``copy`` (an identity pass).
        opcode: the engine's operation.
        source: what is read.
        target: what is written.
        size: (H, W) of the input, upsampled by ``repeat``.
        out_size: (Ho, Wo).
        kernel: (KH, KW).
        strides: (sh, sw) as the graph says; see :meth:`stride_choices`.
        padding: (top, left); negative: rows or columns that are cut off.
        weights: int32 [KH, KW, CI, CO], depthwise [KH, KW, CO], None for pools.
        bias: integers [CO] or None, aligned to the shifted sum.
        requant: the post-processing.
        round_first: average pools: round to an integer before requantising.
        macs: multiply-accumulates of an image.
        addition: what is added behind the post-processing, if anything.
        repeat: how often each row and column of the stored input is repeated.
        weights_from: a stored tensor that is the weights: its pixels are the output channels; each
            image of the batch has its own.
        weights_size: (H, W) of that tensor.
        constant: (1, W, C) integers to read as the image, instead of a stored tensor.
        holds: what the target holds, where it is no tensor of the graph.
        result: the graph's tensor that it computes, in front of the addition if there is one; None
            for what only moves integers.
        separate: each image of the batch is a descriptor of its own, although it need not be.
    """

    name: str
    kind: str
    opcode: Opcode
    source: TensorSlice
    target: TensorSlice
    size: Pair
    out_size: Pair
    kernel: Pair
    strides: Pair
    padding: Pair
    weights: npt.NDArray[np.integer[Any]] | None
    bias: npt.NDArray[np.integer[Any]] | None
    requant: Requant
    round_first: bool
    macs: int
    addition: Addition | None = None
    repeat: Pair = (1, 1)
    weights_from: TensorSlice | None = None
    weights_size: Pair = (1, 1)
    constant: npt.NDArray[np.integer[Any]] | None = None
    holds: Contents | None = None
    result: TensorSlice | None = None
    separate: bool = False

    @property
    def stored_size(self) -> Pair:
        """(H, W) of the input in memory."""
        return self.size[0] // self.repeat[0], self.size[1] // self.repeat[1]

    @property
    def per_image(self) -> bool:
        """Each image of the batch is a descriptor of its own."""
        return self.weights_from is not None or self.separate

    @property
    def channels_in(self) -> int:
        """CI."""
        return self.source.channels

    @property
    def channels_out(self) -> int:
        """CO."""
        return self.target.channels

    @property
    def has_weights(self) -> bool:
        """It multiplies; else it pools."""
        return self.weights is not None or self.weights_from is not None

    @property
    def is_channelwise(self) -> bool:
        """Each output channel reads its own input channel alone: groups of D channels."""
        return self.opcode != Opcode.CONV

    @property
    def reads_slice(self) -> bool:
        """The stored input has channels that are not read."""
        return self.source.tensor_channels != self.channels_in

    @property
    def writes_slice(self) -> bool:
        """The stored output has channels that are not written."""
        return self.target.tensor_channels != self.channels_out

    @property
    def tensors_read(self) -> tuple[str, ...]:
        """Names of the stored tensors that it reads."""
        added = None if self.addition is None else self.addition.source
        source = self.source if self.constant is None else None
        slices = source, added, self.weights_from
        return tuple(part.tensor for part in slices if part is not None)

    @property
    def taps(self) -> int:
        """KH * KW."""
        return self.kernel[0] * self.kernel[1]

    @property
    def steps(self) -> int:
        """K: steps of a tile."""
        return self.taps if self.is_channelwise else self.taps * self.channels_in

    def part(self, first: int, count: int) -> Operation:
        """Channels ``first``, ``first + 1``, ... of a channelwise layer, as a layer of its own."""
        channels = slice(first, first + count)
        added = self.addition
        return replace(
            self,
            source=self.source.part(first, count),
            target=self.target.part(first, count),
            weights=None if self.weights is None else self.weights[..., channels],
            bias=None if self.bias is None else self.bias[channels],
            macs=self.macs * count // self.channels_out,
            addition=added and replace(added, source=added.source.part(first, count)),
            result=self.result and self.result.part(first, count),
        )

    def stride_choices(self) -> tuple[Pair, ...]:
        """Strides that give the same result.

        Where there is one output row (or column) its stride never moves: 1 allows a direct load,
        the kernel's size packs the images of a batch without gaps.
        """
        choices = []
        for axis in (0, 1):
            single = self.out_size[axis] == 1
            values = {self.strides[axis]} | ({1, self.kernel[axis]} if single else set())
            choices.append(sorted(values))
        return tuple((sh, sw) for sh in choices[0] for sw in choices[1])


@dataclass(frozen=True, eq=False)
class HostOperation:
    """What the host does between two stages: a host operation of the program.

    Attributes:
        name: the node's name.
        kind: what it does, as the program format names it, in lower case.
        source: what is read.
        target: what is written, a tensor of the graph.
        size: (H, W) of both.
        fields: those of the program's that say what is computed.
        table: unsigned 32-bit integers that it looks up.
    """

    name: str
    kind: str
    source: TensorSlice
    target: TensorSlice
    size: Pair
    fields: Mapping[str, int]
    table: npt.NDArray[np.integer[Any]]

    @property
    def tensors_read(self) -> tuple[str, ...]:
        """Name of the stored tensor that it reads."""
        return (self.source.tensor,)

    @property
    def out_size(self) -> Pair:
        """(H, W)."""
        return self.size


@dataclass(frozen=True)
class Lowered:
    """A graph as the engine and the host run it.

    Attributes:
        operations: in order.
        places: where each tensor of the graph lies; those that never exist in memory, as an
            addition joined their producer, are missing.
    """

    operations: tuple[Operation | HostOperation, ...]
    places: Mapping[str, TensorSlice]


def copy_operation(
    name: str, size: Pair, source: TensorSlice, target: TensorSlice, hw: Hardware
) -> Operation:
    """The identity pass from ``source`` to ``target``, on behalf of layer ``name``."""
    return Operation(
        name=name,
        kind="copy",
        opcode=Opcode.MAX_POOL,
        source=source,
        target=target,
        size=size,
        out_size=size,
        kernel=(1, 1),
        strides=(1, 1),
        padding=(0, 0),
        weights=None,
        bias=None,
        requant=Requant.identity(*pixel_limits(hw)),
        round_first=False,
        macs=0,
    )


def pixel_limits(hw: Hardware) -> Pair:
    """Smallest and largest pixel."""
    return number_range(hw.bits_input)


def split(operation: Operation, hw: Hardware) -> Iterator[Operation]:
    """Splits a channelwise layer whose biases do not fit the bias buffer: each part reads a slice.

    A convolution's parts read the same input: they are the schedule's (:func:`schedule.parts`).
    """
    most = hw.drain * min(hw.bias_rows, MAX_GROUPS)
    if not operation.is_channelwise or operation.bias is None or operation.channels_out <= most:
        yield operation
        return
    for first in range(0, operation.channels_out, most):
        yield operation.part(first, min(most, operation.channels_out - first))
