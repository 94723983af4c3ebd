# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""From an integer graph to a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from corewright.compiler.errors import CompileError
from corewright.compiler.geometry import Raster, layout_of
from corewright.compiler.memory import Lifetime, align, place
from corewright.compiler.operation import Operation, operations
from corewright.compiler.plan import Choice, plan
from corewright.compiler.program import CompiledLayer, CompiledProgram, PlacedTensor
from corewright.compiler.schedule import Part, Schedule
from corewright.compiler.streams import bias_table, weight_rows
from corewright.graph import Graph, accumulator_bounds, value_bounds, value_range
from corewright.graph.ir import ComputeNode
from corewright.hardware import Hardware
from corewright.program import (
    DESCRIPTOR_BYTES,
    HEADER_BYTES,
    ProgramError,
    decode_program,
    encode_program,
)
from corewright.program.tensor import TensorLayout, word_bytes

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
    layers = operations(graph)
    for node, layer in zip(graph.compute_nodes, layers, strict=True):
        _check_values(graph, node, layer, hw)
    source, choices = plan(graph, layers, hw, batch)
    tensors, arena_bytes = _place_tensors(graph, choices, source, hw, batch, keep_tensors)

    streams = bytearray()
    start = HEADER_BYTES + DESCRIPTOR_BYTES * sum(len(choice.schedules) for choice in choices)
    compiled: list[CompiledLayer] = []
    for choice in choices:
        for number, schedule in enumerate(choice.schedules):
            fields = _geometry_fields(choice, tensors)
            fields |= _schedule_fields(choice, schedule, hw)
            fields |= _output_fields(choice, schedule, tensors, hw)
            fields |= _stream_fields(choice.operation, schedule.part, hw, start, streams)
            fields["layer_index"] = len(compiled)
            compiled.append(_layer(choice, schedule, number, fields))

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
        input_name=graph.input.name,
        output_name=graph.output.name,
        layers=tuple(
            replace(layer, descriptor=fields)
            for layer, fields in zip(compiled, decode_program(program)[1], strict=True)
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


def _check_values(graph: Graph, node: ComputeNode, layer: Operation, hw: Hardware) -> None:
    """Widths: pixels, weights, accumulators, post-processing; and the kernel's size."""
    for name in (layer.input, layer.output):
        low, high = value_range(graph, name)
        bits = _signed_bits(low, high)
        if bits > hw.bits_input:
            raise CompileError(
                layer.name,
                f"tensor '{name}' spans {low}..{high}, pixels have {hw.bits_input} bits",
                parameter="bits_input",
                needed=bits,
            )
    if layer.weights is not None:
        low, high = int(layer.weights.min()), int(layer.weights.max())
        bits = _signed_bits(low, high)
        if bits > hw.bits_weights:
            raise CompileError(
                layer.name,
                f"weights span {low}..{high}, the hardware's have {hw.bits_weights} bits",
                parameter="bits_weights",
                needed=bits,
            )
    if layer.kind == "conv":
        for what, size, limit in zip(("rows", "columns"), layer.kernel, hw.max_kernel, strict=True):
            if size > limit:
                raise CompileError(
                    layer.name,
                    f"the kernel has {size} {what}, max_kernel_size allows {limit}",
                    parameter="max_kernel_size",
                    needed=size,
                )
    if layer.kind == "average_pool" and layer.taps > _MAX_AVERAGE:
        raise CompileError(
            layer.name,
            f"the window has {layer.taps} elements, an average counts {_MAX_AVERAGE} at most",
        )
    lows, highs = accumulator_bounds(graph, node)
    low, high = int(lows.min()), int(highs.max())
    bits = _signed_bits(low, high)
    if bits > hw.bits_sum:
        raise CompileError(
            layer.name,
            f"sums reach {low}..{high}, accumulators have {hw.bits_sum} bits",
            parameter="bits_sum",
            needed=bits,
        )
    lows, highs = value_bounds(graph, node)
    low, high = int(lows.min()), int(highs.max())
    bits = _signed_bits(low, high)
    if layer.bias is not None:
        # The bias by itself has to fit as well.
        bits = max(bits, _signed_bits(int(layer.bias.min()), int(layer.bias.max())))
    if bits > hw.post_bits:
        raise CompileError(
            layer.name,
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
    rasters = {graph.input.name: source}
    first = {graph.input.name: -1}
    last = {graph.input.name: -1}
    for index, choice in enumerate(choices):
        op = choice.operation
        rasters[op.output] = choice.geometry.output
        first[op.output] = last[op.output] = index
        last[op.input] = index
    last[graph.output.name] = len(choices)
    layouts: dict[str, TensorLayout] = {}
    for name, raster in rasters.items():
        shape = (batch, *graph.tensor(name).shape)
        layouts[name] = layout_of(shape, raster, hw.rows)
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
            tensor.name, layouts[tensor.name], offset, tensor.nbytes, kept
        )
    if total >= 1 << 32:
        raise CompileError(
            None,
            f"the activations need {total} bytes, a program addresses 2^32: use a smaller batch "
            f"than {batch}" + (" or keep_tensors=False" if keep else ""),
        )
    return tensors, total


# ---------------------------------------------------------------------- descriptors
def _geometry_fields(choice: Choice, tensors: dict[str, PlacedTensor]) -> dict[str, int]:
    geometry = choice.geometry
    return {
        **geometry.fields(geometry.ring_blocks),
        "input_offset": tensors[choice.operation.input].offset,
    }


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
    return {
        "output_contiguous": int(schedule.output_contiguous),
        "output_offset": tensors[op.output].offset + part.first_channel * word,
        "output_block_bytes": op.channels_out * word,
        "output_group_bytes": part.group_channels * word,
        "output_bytes": choice.geometry.blocks * part.channels * word,
    }


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


def _layer(
    choice: Choice, schedule: Schedule, number: int, fields: dict[str, int]
) -> CompiledLayer:
    op, part = choice.operation, schedule.part
    split = len(choice.schedules) > 1
    return CompiledLayer(
        name=f"{op.name}#{number}" if split else op.name,
        node=op.name,
        type=op.kind,
        input=op.input,
        output=op.output,
        channels=(part.first_channel, part.channels),
        macs=op.macs * part.channels // op.channels_out,
        compute_cycles=schedule.compute_cycles,
        estimated_cycles=schedule.estimated_cycles,
        input_bytes=schedule.input_bytes,
        weight_bytes=schedule.weight_bytes,
        output_bytes=schedule.output_bytes,
        descriptor=fields,
    )
