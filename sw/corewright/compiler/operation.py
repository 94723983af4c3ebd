# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the engine sees of a graph: convolutions and pools, each with an addition behind it or not.

Lowering decides, before any geometry is known, which tensors exist in memory and where:

- a residual addition joins the layer that produces one of its operands, where nobody else reads
  that operand: the operand then never exists in memory;
- the inputs of a concatenation are written straight into its output: a tensor may be a slice of
  the channels of another one, and is read as such;
- everything else that moves integers is an identity pass, a 1 x 1 maximum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.compiler.errors import CompileError
from corewright.graph import Add, Concat, Conv, Dense, Depthwise, Graph, Pool, Requant, macs
from corewright.graph.ir import ComputeNode, Upsample
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
            ``add`` (an identity pass with an addition) or ``copy`` (an identity pass).
        opcode: the engine's operation.
        source: what is read.
        target: what is written.
        size: (H, W) of the input.
        out_size: (Ho, Wo).
        kernel: (KH, KW).
        strides: (sh, sw) as the graph says; see :meth:`stride_choices`.
        padding: (top, left).
        weights: int32 [KH, KW, CI, CO], depthwise [KH, KW, CO], None for pools.
        bias: integers [CO] or None, aligned to the shifted sum.
        requant: the post-processing.
        round_first: average pools: round to an integer before requantising.
        macs: multiply-accumulates of an image.
        addition: what is added behind the post-processing, if anything.
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
        return self.weights is not None

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
        if self.addition is None:
            return (self.source.tensor,)
        return self.source.tensor, self.addition.source.tensor

    @property
    def taps(self) -> int:
        """KH * KW."""
        return self.kernel[0] * self.kernel[1]

    @property
    def steps(self) -> int:
        """K: steps of a tile."""
        return self.taps if self.is_channelwise else self.taps * self.channels_in

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
class Lowered:
    """A graph as the engine runs it.

    Attributes:
        operations: in order.
        places: where each tensor of the graph lies; those that never exist in memory, as an
            addition joined their producer, are missing.
    """

    operations: tuple[Operation, ...]
    places: Mapping[str, TensorSlice]


def operations(graph: Graph, hardware: Hardware) -> Lowered:
    """Lowers ``graph``; a final softmax is the host's.

    Raises:
        CompileError: a node that the engine has no operation for.
    """
    fused = _fused_operands(graph)
    places, copies = _places(graph, set(fused.values()))
    result: list[Operation] = []
    for node in graph.compute_nodes:
        if isinstance(node, Add):
            result += _split(
                _addition(graph, node, fused.get(node.name), places, hardware), hardware
            )
        elif isinstance(node, Concat):
            result += [
                copy_operation(node.name, _size(graph, name), places[name], target, hardware)
                for name, target in copies[node.name]
            ]
        elif node.output.name in places:
            place = places[node.output.name]
            result += _split(_operation(graph, node, places[node.input], place), hardware)
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
) -> tuple[dict[str, TensorSlice], dict[str, list[tuple[str, TensorSlice]]]]:
    """Where tensors lie, and (tensor, target) of each concatenation's copies."""
    places: dict[str, TensorSlice] = {}
    copies: dict[str, list[tuple[str, TensorSlice]]] = {}
    fixed = {graph.input.name, graph.output.name}
    for node in reversed(graph.compute_nodes):
        own = TensorSlice.whole(node.output.name, node.output.channels)
        place = places.setdefault(node.output.name, own)
        if not isinstance(node, Concat):
            continue
        copies[node.name] = []
        first = 0
        for name in node.inputs:
            channels = graph.tensor(name).channels
            target = place.part(first, channels)
            if name in fixed or name in places:
                copies[node.name].append((name, target))
            else:
                places[name] = target
            first += channels
    places[graph.input.name] = TensorSlice.whole(graph.input.name, graph.input.channels)
    return {name: place for name, place in places.items() if name not in absent}, copies


# ---------------------------------------------------------------------- nodes
def opcode_of(graph: Graph, node: ComputeNode) -> Opcode:
    """The engine's operation for a node's own arithmetic; identity passes for the rest.

    Raises:
        CompileError: the engine has none.
    """
    if isinstance(node, Conv | Dense):
        return Opcode.CONV
    if isinstance(node, Depthwise):
        return Opcode.DEPTHWISE
    if isinstance(node, Pool) and node.kind == "average":
        return Opcode.AVERAGE_POOL if _sum_shift(graph, node) is None else Opcode.SUM_POOL
    if isinstance(node, Upsample):
        raise CompileError(
            node.name,
            "upsampling is not supported by the engine yet: use a convolution of stride 1 on the "
            "larger image, or leave this layer to the host",
        )
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
        "macs": macs(node),
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
    return Operation(
        kind=type(node).__name__.lower(),
        kernel=kernel,
        strides=strides,
        padding=padding,
        weights=weights,
        bias=node.bias,
        requant=node.requant,
        round_first=False,
        **common,
    )


def copy_operation(
    name: str, size: Pair, source: TensorSlice, target: TensorSlice, hw: Hardware
) -> Operation:
    """The identity pass from ``source`` to ``target``, on behalf of layer ``name``."""
    half = 1 << (hw.bits_input - 1)
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
        requant=Requant.identity(-half, half - 1),
        round_first=False,
        macs=0,
    )


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
        count = min(most, operation.channels_out - first)
        channels = slice(first, first + count)
        added = operation.addition
        yield replace(
            operation,
            source=operation.source.part(first, count),
            target=operation.target.part(first, count),
            weights=None if operation.weights is None else operation.weights[..., channels],
            bias=operation.bias[channels],
            macs=operation.macs * count // operation.channels_out,
            addition=added and replace(added, source=added.source.part(first, count)),
        )
