# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the engine sees of a graph: convolutions and pools, each with an addition behind it or not.

Lowering decides, before any geometry is known, which tensors exist in memory and where:

- a residual addition joins the layer that produces one of its operands, where nobody else reads
  that operand: the operand then never exists in memory;
- the inputs of a concatenation are written straight into its output: a tensor may be a slice of
  the channels of another one, and is read as such;
- a slice of channels is read where it lies;
- the product of two activations takes its weights from a tensor whose rows are output channels, so
  that the right factor of `A * B` is transposed first, by a product with the identity;
- everything else that moves integers is an identity pass, a 1 x 1 maximum;
- a softmax between layers is the host's, as :class:`HostSoftmax`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.compiler.errors import CompileError
from corewright.compiler.order import host_last
from corewright.facts.widths import is_sign, number_range
from corewright.graph import (
    Add,
    ComputeNode,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    MatMul,
    Pool,
    QuantisedSoftmax,
    Requant,
    Slice,
    Upsample,
    macs,
)
from corewright.hardware import Hardware
from corewright.program import Opcode

Pair = tuple[int, int]

# Channel groups are a 16-bit field.
MAX_GROUPS = (1 << 16) - 1
# The loader stores up to four copies of a pixel beside each other.
_MAX_REPEAT_W = 4
_MAX_REPEAT_H = 256


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


@dataclass(frozen=True)
class HostSoftmax:
    """A softmax of the graph between two stages: a host operation of the program.

    Attributes:
        node: the graph's node.
        source: what is read.
        target: what is written, a tensor of the graph.
        size: (H, W) of both.
    """

    node: QuantisedSoftmax
    source: TensorSlice
    target: TensorSlice
    size: Pair

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.name

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

    operations: tuple[Operation | HostSoftmax, ...]
    places: Mapping[str, TensorSlice]


def operations(graph: Graph, hardware: Hardware) -> Lowered:
    """Lowers ``graph``; a final softmax is the host's.

    Raises:
        CompileError: a node that the engine has no operation for.
    """
    fused = _fused_operands(graph)
    places, copies = _places(graph, set(fused.values()))
    result: list[Operation | HostSoftmax] = []
    for node in host_last(graph):
        if isinstance(node, Add):
            result += _split(
                _addition(graph, node, fused.get(node.name), places, hardware), hardware
            )
        elif isinstance(node, Concat | Slice):
            result += [
                copy_operation(node.name, _size(graph, name), source, target, hardware)
                for name, source, target in copies.get(node.name, ())
            ]
        elif isinstance(node, QuantisedSoftmax):
            source, target = places[node.input], places[node.output.name]
            result.append(HostSoftmax(node, source, target, _size(graph, node.input)))
        elif isinstance(node, MatMul):
            result += _product(graph, node, places, hardware)
        elif isinstance(node, Upsample):
            result += _upsampling(graph, node, places, hardware)
        elif node.output.name in places:
            place = places[node.output.name]
            result += _split(_operation(graph, node, places[node.inputs[0]], place), hardware)
    return Lowered(tuple(result), places)


def _size(graph: Graph, name: str) -> Pair:
    tensor = graph.tensor(name)
    return tensor.height, tensor.width


# ---------------------------------------------------------------------- who writes what
def _fused_operands(graph: Graph) -> dict[str, str]:
    """For each addition that joins a layer the operand that this layer computes."""
    order = {node.output.name: index for index, node in enumerate(graph.compute_nodes)}
    result = {}
    for node in graph.compute_nodes:
        if not isinstance(node, Add) or node.inputs[0] == node.inputs[1]:
            continue
        # Nobody else needs it, so that its layer may wait for the other operand.
        free = [
            name
            for name in node.inputs
            if isinstance(graph.producer(name), Conv | Dense | Depthwise | Pool)
            and len(graph.consumers(name)) == 1
            and name != graph.output.name
        ]
        if free:
            result[node.name] = max(free, key=lambda name: order[name])
    return result


def _places(
    graph: Graph, absent: set[str]
) -> tuple[dict[str, TensorSlice], dict[str, list[tuple[str, TensorSlice, TensorSlice]]]]:
    """Where tensors lie; (tensor, source, target) of the copies for concatenations and slices."""
    places: dict[str, TensorSlice] = {}
    targets: dict[str, list[tuple[str, TensorSlice]]] = {}
    fixed = {graph.input.name, graph.output.name}
    # Slices have no bytes of their own, host operations write whole tensors.
    fixed |= {
        node.output.name
        for node in graph.compute_nodes
        if isinstance(node, Slice | QuantisedSoftmax)
    }
    for node in reversed(graph.compute_nodes):
        own = TensorSlice.whole(node.output.name, node.output.channels)
        place = places.setdefault(node.output.name, own)
        if not isinstance(node, Concat):
            continue
        targets[node.name] = []
        first = 0
        for name in node.inputs:
            channels = graph.tensor(name).channels
            target = place.part(first, channels)
            if name in fixed or name in places:
                targets[node.name].append((name, target))
            else:
                places[name] = target
            first += channels
    places[graph.input.name] = TensorSlice.whole(graph.input.name, graph.input.channels)
    for node in graph.compute_nodes:
        if not isinstance(node, Slice):
            continue
        part = places[node.input].part(node.first_channel, node.output.channels)
        if node.output.name == graph.output.name:
            # The host reads whole tensors.
            targets[node.name] = [(node.input, places[node.output.name])]
        else:
            places[node.output.name] = part
    copies = {
        name: [(tensor, places[tensor], target) for tensor, target in pairs]
        for name, pairs in targets.items()
    }
    for node in graph.compute_nodes:
        if isinstance(node, Slice) and node.name in copies:
            source = places[node.input].part(node.first_channel, node.output.channels)
            copies[node.name] = [
                (tensor, source, target) for tensor, _, target in copies[node.name]
            ]
    return {name: place for name, place in places.items() if name not in absent}, copies


# ---------------------------------------------------------------------- nodes
def opcode_of(graph: Graph, node: ComputeNode) -> Opcode:
    """The engine's operation for a node's own arithmetic; identity passes for the rest."""
    if isinstance(node, Conv | Dense | MatMul):
        return Opcode.CONV
    if isinstance(node, Depthwise):
        return Opcode.DEPTHWISE
    if isinstance(node, Pool) and node.kind == "average":
        return Opcode.AVERAGE_POOL if _sum_shift(graph, node) is None else Opcode.SUM_POOL
    return Opcode.MAX_POOL


def _sum_shift(graph: Graph, node: Pool) -> int | None:
    """The k of an average that is a sum shifted right by k, its windows full; else None."""
    source, window = graph.tensor(node.input), node.window
    count = window[0] * window[1]
    ends = [
        (length - 1) * stride + taps
        for length, stride, taps in zip(
            (node.output.height, node.output.width), node.strides, window, strict=True
        )
    ]
    full = node.padding[0] == node.padding[2] == 0
    full &= ends[0] <= source.height and ends[1] <= source.width
    if not full or count & (count - 1):
        return None
    shift, requant = count.bit_length() - 1, node.requant
    shifts = requant.pre_shift, requant.shift, requant.negative_shift
    # (A pool's own limits see to it that the larger shift still has six bits.)
    # Rounding twice is rounding once only where one of the two changes nothing.
    if node.round_first and shift and any(shifts):
        return None
    return shift


def _operation(
    graph: Graph, node: ComputeNode, source: TensorSlice, target: TensorSlice
) -> Operation:
    opcode = opcode_of(graph, node)
    if not isinstance(node, Conv | Dense | Depthwise | Pool):
        raise TypeError(f"the engine has no operation for {type(node).__name__}")
    tensor = graph.tensor(node.input)
    common: dict[str, Any] = {
        "name": node.name,
        "opcode": opcode,
        "source": source,
        "target": target,
        "size": (tensor.height, tensor.width),
        "out_size": (node.output.height, node.output.width),
        "macs": macs(node, graph),
        "result": TensorSlice.whole(node.output.name, node.output.channels),
    }
    if isinstance(node, Pool):
        requant, shift = node.requant, 0
        if opcode == Opcode.SUM_POOL:
            shift = _sum_shift(graph, node) or 0
            requant = replace(
                requant, shift=requant.shift + shift, negative_shift=requant.negative_shift + shift
            )
        return Operation(
            kind=opcode.name.lower(),
            kernel=node.window,
            strides=node.strides,
            padding=(node.padding[0], node.padding[2]),
            weights=None,
            bias=None,
            requant=requant,
            round_first=opcode == Opcode.AVERAGE_POOL and node.round_first,
            **common,
        )
    if isinstance(node, Dense):
        kernel = (tensor.height, tensor.width)
        weights = node.weights.reshape(*kernel, tensor.channels, -1)
        strides, padding = kernel, (0, 0)
    else:
        kernel, weights, strides = node.kernel_size, node.weights, node.strides
        padding = (node.padding[0], node.padding[2])
    bias, requant = node.bias, node.requant
    if is_sign(node.output.bits):
        # v = (sum << p) + b is negative where sum + floor(b / 2^p) is, and 0 counts as positive:
        # its sign is that of twice that plus 1, which never is 0.
        floor = np.zeros(node.output.channels, dtype=np.int64)
        if bias is not None:
            floor = floor + (bias >> requant.pre_shift)
        bias = 2 * floor + 1
        requant = replace(requant, pre_shift=1)
    return Operation(
        kind=type(node).__name__.lower(),
        kernel=kernel,
        strides=strides,
        padding=padding,
        weights=weights,
        bias=bias,
        requant=requant,
        round_first=False,
        **common,
    )


def _product(
    graph: Graph, node: MatMul, places: Mapping[str, TensorSlice], hw: Hardware
) -> Iterator[Operation]:
    """A product of two activations, behind the transposition of its right factor if need be."""
    left, right = (graph.tensor(name) for name in node.inputs)
    factor, factor_size = places[node.inputs[1]], (right.height, right.width)
    common: dict[str, Any] = {
        "opcode": Opcode.CONV,
        "kernel": (1, 1),
        "strides": (1, 1),
        "padding": (0, 0),
        "weights": None,
        "bias": None,
        "round_first": False,
    }
    if not node.transpose_b:
        if is_sign(hw.bits_input) or is_sign(hw.bits_weights):
            raise CompileError(
                node.name,
                "a product whose right factor has to be transposed needs a number 0, which words "
                "of one bit do not have: use transpose_b, or hardware of 2 bits",
            )
        features, tokens = right.channels, right.height * right.width
        target = TensorSlice.whole(_own_name(graph, f"{node.name}.transposed"), tokens)
        yield Operation(
            name=node.name,
            kind="transpose",
            source=TensorSlice.whole(target.tensor, features),
            target=target,
            size=(1, features),
            out_size=(1, features),
            requant=Requant.identity(*pixel_limits(hw)),
            macs=0,
            weights_from=factor,
            weights_size=factor_size,
            constant=np.eye(features, dtype=np.int8)[None],
            holds=Contents(factor, transposed=True),
            **common,
        )
        factor, factor_size = target, (1, features)
    yield Operation(
        name=node.name,
        kind="matmul",
        source=places[node.inputs[0]],
        target=places[node.output.name],
        size=(left.height, left.width),
        out_size=(left.height, left.width),
        requant=node.requant,
        macs=macs(node, graph),
        weights_from=factor,
        weights_size=factor_size,
        **common,
    )


def _upsampling(
    graph: Graph, node: Upsample, places: Mapping[str, TensorSlice], hw: Hardware
) -> Iterator[Operation]:
    """Identity passes that repeat pixels, several where one cannot repeat them so often."""
    size, source = _size(graph, node.input), places[node.input]
    final = places[node.output.name]
    steps = _repeats(node)
    for index, repeat in enumerate(steps):
        last = index == len(steps) - 1
        target, holds = final, None
        size = size[0] * repeat[0], size[1] * repeat[1]
        if not last:
            name = _own_name(graph, f"{node.name}.part{index}")
            target = TensorSlice.whole(name, final.channels)
            first = _size(graph, node.input)
            repeated = size[0] // first[0], size[1] // first[1]
            own = TensorSlice.whole(node.input, final.channels)
            holds = Contents(own, repeat=repeated)
        operation = copy_operation(node.name, size, source, target, hw)
        yield replace(operation, kind="upsample", repeat=repeat, holds=holds)
        source = target


def _own_name(graph: Graph, name: str) -> str:
    """``name``, or one like it, of a tensor that the graph has not."""
    while name in graph.tensors:
        name += "'"
    return name


def _repeats(node: Upsample) -> list[Pair]:
    """The factors of an upsampling that a pass each can do.

    Raises:
        CompileError: a factor of the width has a prime factor above three.
    """
    down, right = node.factors
    factors = []
    for factor in (4, 3, 2):
        while right % factor == 0:
            factors.append(factor)
            right //= factor
    if right != 1 or down > _MAX_REPEAT_H:
        raise CompileError(
            node.name,
            f"upsampling by {node.factors} is not supported: the nearest are up to "
            f"{_MAX_REPEAT_H} times in height, and products of 2, 3 and {_MAX_REPEAT_W} in width",
        )
    return [(down, factors[0] if factors else 1), *((1, factor) for factor in factors[1:])]


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


def _addition(
    graph: Graph, node: Add, fused: str | None, places: Mapping[str, TensorSlice], hw: Hardware
) -> Operation:
    """The layer that adds: the producer of operand ``fused``, or an identity pass."""
    target, main = places[node.output.name], fused or node.inputs[0]
    shifts = node.own_shift, node.other_shift
    other = node.inputs[1]
    if main != node.inputs[0]:
        other, shifts = node.inputs[0], shifts[::-1]
    addition = Addition(node.name, places[other], *shifts, node.requant)
    producer = graph.producer(main)
    if fused is None or producer is None:
        copy = copy_operation(node.name, _size(graph, main), places[main], target, hw)
        return replace(copy, kind="add", addition=addition)
    # Only layers with a single input are fused.
    layer = _operation(graph, producer, places[producer.inputs[0]], target)
    return replace(layer, addition=addition)


def _split(operation: Operation, hw: Hardware) -> Iterator[Operation]:
    """Splits a channelwise layer whose biases do not fit the bias buffer: each part reads a slice.

    A convolution's parts read the same input: they are the schedule's (:func:`schedule.parts`).
    """
    most = hw.drain * min(hw.bias_rows, MAX_GROUPS)
    if not operation.is_channelwise or operation.bias is None or operation.channels_out <= most:
        yield operation
        return
    for first in range(0, operation.channels_out, most):
        yield operation.part(first, min(most, operation.channels_out - first))
