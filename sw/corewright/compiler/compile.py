# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""From an integer graph to a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from corewright.compiler.errors import CompileError
from corewright.compiler.geometry import Raster, layout_of
from corewright.compiler.memory import Lifetime, align, place
from corewright.compiler.operation import Operation, TensorSlice, opcode_of, operations
from corewright.compiler.plan import Choice, plan
from corewright.compiler.program import CompiledLayer, CompiledProgram, PlacedTensor
from corewright.compiler.schedule import Part, Schedule
from corewright.compiler.streams import bias_table, weight_rows
from corewright.graph import (
    ComputeNode,
    Conv,
    Dense,
    Depthwise,
    Graph,
    Pool,
    accumulator_bounds,
    value_bounds,
    value_range,
)
from corewright.hardware import Hardware
from corewright.program import (
    DESCRIPTOR_BYTES,
    HEADER_BYTES,
    Opcode,
    ProgramError,
    decode_program,
    encode_program,
)
from corewright.program.tensor import word_bytes

# The elements of a window are counted in 16 bits.
_MAX_AVERAGE = (1 << 16) - 1


def compile_graph(
    graph: Graph, hw: Hardware, batch: int, *, keep_tensors: bool = True
) -> CompiledProgram:
    """Compiles ``graph`` for ``batch`` images a run; the same arguments give the same bytes.

    Args:
        graph: the integer graph. Its final softmax, if any, is left to the host.
        hw: the accelerator.
        batch: images that one run processes.
        keep_tensors: every tensor has its own place in the arena, for comparisons layer by layer;
            False: tensors that are no longer read make room for others.

    Raises:
        CompileError: the graph does not run on this hardware; names layer, cause and parameter.
    """
    _check_limits(graph, hw, batch)
    for node in graph.compute_nodes:
        _check_values(graph, node, hw)
    lowered = operations(graph, hw)
    source, choices = plan(graph, lowered, hw, batch)
    tensors, arena_bytes = _place_tensors(graph, choices, source, hw, batch, keep_tensors)

    streams = bytearray()
    start = HEADER_BYTES + DESCRIPTOR_BYTES * sum(len(choice.schedules) for choice in choices)
    compiled: list[CompiledLayer] = []
    for choice in choices:
        for schedule in choice.schedules:
            fields = _geometry_fields(choice, tensors)
            fields |= _schedule_fields(choice, schedule, hw)
            fields |= _output_fields(choice, schedule, tensors, hw)
            fields |= _stream_fields(choice.operation, schedule.part, hw, start, streams)
            fields["layer_index"] = len(compiled)
            compiled.append(_layer(choice, schedule, fields))

    first, final = tensors[graph.input.name], tensors[graph.output.name]
    header = {
        "hardware_hash": hw.hash,
        "arena_bytes": arena_bytes,
        "input_offset": first.offset,
        "input_bytes": first.nbytes,
        "output_offset": final.offset,
        "output_bytes": final.nbytes,
        "batch": batch,
    }
    descriptors = [dict(layer.descriptor) for layer in compiled]
    descriptors[-1]["last_layer"] = 1
    try:
        program = encode_program(header, descriptors, bytes(streams))
    except ProgramError as error:
        raise CompileError(None, f"does not fit the program format: {error}") from error
    return CompiledProgram(
        name=graph.name,
        hardware=hw,
        batch=batch,
        program=program,
        arena_bytes=arena_bytes,
        tensors=tensors,
        places=lowered.places,
        input_name=graph.input.name,
        output_name=graph.output.name,
        layers=tuple(
            replace(layer, name=name, descriptor=fields)
            for layer, name, fields in zip(
                compiled, _names(compiled), decode_program(program)[1], strict=True
            )
        ),
    )


# ---------------------------------------------------------------------- checks
def _check_limits(graph: Graph, hw: Hardware, batch: int) -> None:
    if isinstance(batch, bool) or not isinstance(batch, int | np.integer) or batch < 1:
        raise CompileError(None, f"batch is {batch!r}, legal is an integer from 1")
    if batch > hw.max_batch_size:
        raise CompileError(
            None,
            f"batch {batch} exceeds max_batch_size {hw.max_batch_size}",
            parameter="max_batch_size",
            needed=int(batch),
        )
    for name, tensor in graph.tensors.items():
        producer = graph.producer(name)
        for what, size, limit in (
            ("rows", tensor.height, hw.max_image[0]),
            ("columns", tensor.width, hw.max_image[1]),
        ):
            if size > limit:
                raise CompileError(
                    None if producer is None else producer.name,
                    f"tensor '{name}' has {size} {what}, max_image_size allows {limit}",
                    parameter="max_image_size",
                    needed=size,
                )


def _check_values(graph: Graph, node: ComputeNode, hw: Hardware) -> None:
    """Widths: pixels, weights, accumulators, post-processing; and the kernel's size."""
    for name in (*node.inputs, node.output.name):
        low, high = value_range(graph, name)
        bits = _signed_bits(low, high)
        if bits > hw.bits_input:
            raise CompileError(
                node.name,
                f"tensor '{name}' spans {low}..{high}, pixels have {hw.bits_input} bits",
                parameter="bits_input",
                needed=bits,
            )
    opcode = opcode_of(graph, node)
    if not isinstance(node, Conv | Dense | Depthwise | Pool):
        return
    if not isinstance(node, Pool):
        low, high = int(node.weights.min()), int(node.weights.max())
        bits = _signed_bits(low, high)
        if bits > hw.bits_weights:
            raise CompileError(
                node.name,
                f"weights span {low}..{high}, the hardware's have {hw.bits_weights} bits",
                parameter="bits_weights",
                needed=bits,
            )
    if isinstance(node, Conv | Depthwise):
        for what, size, limit in zip(
            ("rows", "columns"), node.kernel_size, hw.max_kernel, strict=True
        ):
            if size > limit:
                raise CompileError(
                    node.name,
                    f"the kernel has {size} {what}, max_kernel_size allows {limit}",
                    parameter="max_kernel_size",
                    needed=size,
                )
    taps = node.window[0] * node.window[1] if isinstance(node, Pool) else 0
    if opcode == Opcode.AVERAGE_POOL and taps > _MAX_AVERAGE:
        raise CompileError(
            node.name,
            f"the window has {taps} elements, an average counts {_MAX_AVERAGE} at most",
        )
    lows, highs = accumulator_bounds(graph, node)
    low, high = int(lows.min()), int(highs.max())
    bits = _signed_bits(low, high)
    if bits > hw.bits_sum:
        raise CompileError(
            node.name,
            f"sums reach {low}..{high}, accumulators have {hw.bits_sum} bits",
            parameter="bits_sum",
            needed=bits,
        )
    lows, highs = value_bounds(graph, node)
    low, high = int(lows.min()), int(highs.max())
    bits = _signed_bits(low, high)
    if not isinstance(node, Pool) and node.bias is not None:
        # The bias by itself has to fit as well.
        bits = max(bits, _signed_bits(int(node.bias.min()), int(node.bias.max())))
    if bits > hw.post_bits:
        raise CompileError(
            node.name,
            f"sums with pre-shift and bias reach {low}..{high}, post-processing has "
            f"{hw.post_bits} bits (bits_sum + 8)",
            parameter="bits_sum",
            needed=bits - 8,
        )


def _signed_bits(low: int, high: int) -> int:
    """Bits of a two's complement word that holds low..high."""
    return max(max(high, 0).bit_length(), (-min(low, 0) - 1).bit_length() if low < 0 else 0) + 1


# ---------------------------------------------------------------------- tensors
def _place_tensors(
    graph: Graph,
    choices: Sequence[Choice],
    source: Raster,
    hw: Hardware,
    batch: int,
    keep: bool,
) -> tuple[dict[str, PlacedTensor], int]:
    whole = TensorSlice.whole(graph.input.name, graph.input.channels)
    layouts = {whole.tensor: layout_of((batch, *graph.input.shape), source, hw.rows)}
    values = {whole.tensor: whole}
    first = {whole.tensor: -1}
    last = {whole.tensor: -1}
    for index, choice in enumerate(choices):
        op, target = choice.operation, choice.operation.target
        shape = (batch, *op.out_size, target.tensor_channels)
        layouts.setdefault(target.tensor, layout_of(shape, choice.geometry.output, hw.rows))
        values.setdefault(target.tensor, _values(graph, choices, index))
        first.setdefault(target.tensor, index)
        for name in (target.tensor, *op.tensors_read):
            last[name] = index
    last[graph.output.name] = len(choices)
    lifetimes = [
        Lifetime(name, layout.nbytes(hw.rows, hw.bits_input), first[name], last[name])
        for name, layout in layouts.items()
    ]
    offsets, total = place(lifetimes, reuse=not keep)
    tensors = {}
    for index, tensor in enumerate(lifetimes):
        offset = offsets[tensor.name]
        kept = all(
            offsets[later.name] >= offset + tensor.nbytes
            or offsets[later.name] + later.nbytes <= offset
            for later in lifetimes[index + 1 :]
        )
        tensors[tensor.name] = PlacedTensor(
            tensor.name, layouts[tensor.name], offset, tensor.nbytes, kept, values[tensor.name]
        )
    if total >= 1 << 32:
        raise CompileError(
            None,
            f"the activations need {total} bytes, a program addresses 2^32: use a smaller batch "
            f"than {batch}" + (" or keep_tensors=False" if keep else ""),
        )
    return tensors, total


def _values(graph: Graph, choices: Sequence[Choice], index: int) -> TensorSlice:
    """The channels of the graph's tensors that the tensor written by a choice has to hold."""
    op = choices[index].operation
    if op.target.tensor in graph.tensors:
        return TensorSlice.whole(op.target.tensor, op.target.tensor_channels)
    if op.kind == "copy":
        # The second operand of the addition in another raster.
        return op.source
    # A result that the next choice copies to its place.
    return choices[index + 1].operation.target


# ---------------------------------------------------------------------- descriptors
def _geometry_fields(choice: Choice, tensors: dict[str, PlacedTensor]) -> dict[str, int]:
    geometry = choice.geometry
    return {
        **geometry.fields(geometry.ring_blocks),
        "input_offset": _offset(choice.operation.source, tensors, geometry.hardware),
    }


def _offset(part: TensorSlice, tensors: dict[str, PlacedTensor], hw: Hardware) -> int:
    """Arena offset of a slice's first word."""
    return tensors[part.tensor].offset + part.first_channel * hw.word_bytes


def _schedule_fields(choice: Choice, schedule: Schedule, hw: Hardware) -> dict[str, int]:
    op, part = choice.operation, schedule.part
    return {
        "opcode": int(op.opcode),
        "round_first": int(op.round_first),
        "weights_resident": int(schedule.weights_resident),
        "weights_streamed": int(schedule.weights_streamed),
        "groups": part.groups,
        "group_channels": part.group_channels,
        "last_group_channels": part.last_group_channels,
        "set_blocks": schedule.set_blocks,
        "groups_per_pass": schedule.groups_per_pass,
        "pre_shift": op.requant.pre_shift,
        "shift": op.requant.shift,
        "negative_shift": op.requant.negative_shift,
        "clip_low": op.requant.low,
        "clip_high": op.requant.high,
    }


def _output_fields(
    choice: Choice, schedule: Schedule, tensors: dict[str, PlacedTensor], hw: Hardware
) -> dict[str, int]:
    op, part, word = choice.operation, schedule.part, hw.word_bytes
    fields = {
        "output_contiguous": int(schedule.output_contiguous),
        "output_offset": _offset(op.target, tensors, hw) + part.first_channel * word,
        "output_block_bytes": op.target.tensor_channels * word,
        "output_group_bytes": part.group_channels * word,
        "output_bytes": choice.geometry.blocks * part.channels * word,
    }
    if op.addition is not None:
        add = op.addition
        fields |= {
            "add_enable": 1,
            "add_offset": _offset(add.source, tensors, hw) + part.first_channel * word,
            "add_block_bytes": add.source.tensor_channels * word,
            "add_own_shift": add.own_shift,
            "add_other_shift": add.other_shift,
            "add_shift": add.requant.shift,
            "add_negative_shift": add.requant.negative_shift,
            "add_clip_low": add.requant.low,
            "add_clip_high": add.requant.high,
        }
    return fields


def _stream_fields(
    operation: Operation, part: Part, hw: Hardware, start: int, streams: bytearray
) -> dict[str, int]:
    """Appends bias table and weight rows to ``streams``, which begins at program byte ``start``."""
    if operation.weights is None:
        return {}

    def append(data: bytes) -> int:
        offset = start + len(streams)
        streams.extend(data)
        streams.extend(bytes(align(len(data)) - len(data)))
        return offset

    fields: dict[str, int] = {}
    if operation.bias is not None:
        table = bias_table(operation.bias, part, hw.drain, hw.bias_bytes)
        fields |= {
            "bias_enable": 1,
            "bias_offset": append(table),
            "bias_bytes": len(table),
        }
    row = word_bytes(part.group_channels, hw.bits_weights)
    last_row = word_bytes(part.last_group_channels, hw.bits_weights)
    return fields | {
        "weight_offset": append(weight_rows(operation.weights, part, hw.bits_weights)),
        "weight_rows": operation.steps,
        "row_bytes": row,
        "last_row_bytes": last_row,
        "group_bytes": operation.steps * row,
        "last_group_bytes": operation.steps * last_row,
    }


def _names(layers: Sequence[CompiledLayer]) -> list[str]:
    """The nodes' names, numbered where a node is several layers."""
    count = Counter(layer.node for layer in layers)
    seen: Counter[str] = Counter()
    names = []
    for layer in layers:
        split = count[layer.node] > 1
        names.append(f"{layer.node}#{seen[layer.node]}" if split else layer.node)
        seen[layer.node] += 1
    return names


def _layer(choice: Choice, schedule: Schedule, fields: dict[str, int]) -> CompiledLayer:
    op, part = choice.operation, schedule.part
    return CompiledLayer(
        name=op.name,
        node=op.name,
        type=op.kind,
        addition=None if op.addition is None else op.addition.node,
        input=op.source.tensor,
        operand=None if op.addition is None else op.addition.source.tensor,
        output=op.target.tensor,
        channels=(op.target.first_channel + part.first_channel, part.channels),
        macs=op.macs * part.channels // op.channels_out,
        compute_cycles=schedule.compute_cycles,
        estimated_cycles=schedule.estimated_cycles,
        input_bytes=schedule.input_bytes,
        weight_bytes=schedule.weight_bytes,
        output_bytes=schedule.output_bytes,
        descriptor=fields,
    )
