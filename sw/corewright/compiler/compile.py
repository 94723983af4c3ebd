# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""From an integer graph to a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.compiler.errors import CompileError
from corewright.compiler.geometry import Raster, layout_of
from corewright.compiler.limits import check_pixels
from corewright.compiler.lower import operations
from corewright.compiler.memory import Lifetime, align, place
from corewright.compiler.operation import Contents, HostOperation, Operation, TensorSlice
from corewright.compiler.plan import Choice, HostChoice, Step, plan
from corewright.compiler.program import CompiledLayer, CompiledProgram, PlacedTensor
from corewright.compiler.room import lowering_of
from corewright.compiler.schedule import Part, Schedule
from corewright.compiler.streams import bias_table, weight_rows
from corewright.facts.widths import word_bytes
from corewright.graph import Graph
from corewright.hardware import Hardware
from corewright.program import (
    DESCRIPTOR_BYTES,
    HEADER_BYTES,
    ProgramError,
    decode_stages,
    encode_host_operation,
    encode_program,
    join_stages,
)


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
        check_pixels(graph, node, hw)
        lowering_of(node).check(graph, node, hw)
    lowered = operations(graph, hw)
    source, choices = plan(graph, lowered, hw, batch)
    tensors, arena_bytes = _place_tensors(graph, choices, source, hw, batch, keep_tensors)

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
    compiled: list[CompiledLayer] = []
    parts: list[bytes] = []
    try:
        for index, stage in enumerate(_stages(choices)):
            encoder = _StageEncoder(stage, tensors, hw, batch)
            compiled += (replace(layer, stage=index) for layer in encoder.layers)
            parts.append(encoder.encode(header))
        program = join_stages(parts)
    except ProgramError as error:
        raise CompileError(None, f"does not fit the program format: {error}") from error
    descriptors = [fields for stage in decode_stages(program) for fields in stage.descriptors]
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
            for layer, name, fields in zip(compiled, _names(compiled), descriptors, strict=True)
        ),
        advice=_advice(choices, hw.drain),
    )


def _stages(choices: Sequence[Step]) -> list[list[Step]]:
    """The choices, cut behind each run of host operations."""
    stages: list[list[Step]] = [[]]
    for choice in choices:
        if stages[-1] and isinstance(stages[-1][-1], HostChoice) and isinstance(choice, Choice):
            stages.append([])
        stages[-1].append(choice)
    if all(isinstance(choice, HostChoice) for choice in stages[0]):
        # The engine is what starts a program.
        first = stages[0][0].operation
        raise CompileError(
            first.name,
            f"a {first.kind} that has nothing before it to run: apply it to the input on the host",
        )
    return stages


def _advice(choices: Sequence[Step], drain: int) -> tuple[str, ...]:
    """What to raise for layers that run slower than they could; a sentence a layer."""
    result: dict[str, str] = {}
    for choice in choices:
        if not isinstance(choice, Choice):
            continue
        name = choice.operation.name
        if choice.advice:
            result.setdefault(name, choice.advice)
        elif any(s.weights_streamed for s in choice.schedules) and choice.geometry.blocks > 1:
            result.setdefault(
                name,
                f"layer '{name}' runs slower than it could, as its weights are read again for "
                f"each block of outputs: raise ram_weights_depth to {choice.operation.steps}",
            )
        elif len(choice.schedules) > 1 and choice.operation.bias is not None:
            beats = sum(schedule.part.drain_beats(drain) for schedule in choice.schedules)
            result.setdefault(
                name,
                f"layer '{name}' runs slower than it could, as the buffer does not hold all of "
                f"its biases: raise bias_buffer_depth to {beats * drain}",
            )
    return tuple(result.values())


class _StageEncoder:
    """Descriptors, streams and host operations of one stage; offsets count from its header."""

    def __init__(
        self, choices: Sequence[Step], tensors: dict[str, PlacedTensor], hw: Hardware, batch: int
    ) -> None:
        self.tensors = tensors
        self.hw = hw
        self.batch = batch
        self.streams = bytearray()
        self.host = [choice for choice in choices if isinstance(choice, HostChoice)]
        layers = [choice for choice in choices if isinstance(choice, Choice)]
        count = sum(choice.images * len(choice.schedules) for choice in layers)
        self.start = HEADER_BYTES + DESCRIPTOR_BYTES * count
        self.layers: list[CompiledLayer] = []
        for choice in layers:
            self._add(choice)

    def encode(self, header: dict[str, int]) -> bytes:
        """The stage's bytes."""
        descriptors = [dict(layer.descriptor) for layer in self.layers]
        descriptors[-1]["last_layer"] = 1
        host = 0
        if self.host:
            tables = [self._append(choice.operation.table.astype("<u4")) for choice in self.host]
            operations = b"".join(
                encode_host_operation(self._host_fields(choice, table, choice is self.host[-1]))
                for choice, table in zip(self.host, tables, strict=True)
            )
            host = self._append(np.frombuffer(operations, dtype=np.uint8))
        return encode_program({**header, "host_offset": host}, descriptors, bytes(self.streams))

    def _append(self, data: npt.NDArray[Any]) -> int:
        """Appends bytes to the streams; returns their offset in the stage."""
        offset = self.start + len(self.streams)
        raw = data.tobytes()
        self.streams += raw + bytes(align(len(raw)) - len(raw))
        return offset

    def _add(self, choice: Choice) -> None:
        common = choice.geometry.fields(choice.geometry.ring_blocks)
        for schedule in choice.schedules:
            fields = common | _schedule_fields(choice, schedule, self.hw)
            fields |= self._stream_fields(choice.operation, schedule.part)
            if choice.operation.constant is not None:
                fields |= self._constant_fields(choice)
            for image in range(choice.images):
                own = fields | self._place_fields(choice, schedule, image)
                own["layer_index"] = len(self.layers)
                self.layers.append(_layer(choice, schedule, image, own))

    def _place_fields(self, choice: Choice, schedule: Schedule, image: int) -> dict[str, int]:
        """Where an image's (or the batch's) tensors are in the arena."""
        op, part, word = choice.operation, schedule.part, self.hw.word_bytes
        first = part.first_channel * word
        fields = {
            "output_contiguous": int(schedule.output_contiguous),
            "output_offset": self._offset(op.target, image) + first,
            "output_block_bytes": op.target.tensor_channels * word,
            "output_group_bytes": part.group_channels * word,
            "output_bytes": choice.geometry.blocks * part.channels * word,
        }
        if op.constant is None:
            fields["input_offset"] = self._offset(op.source, image)
        if op.weights_from is not None:
            fields |= {
                "weights_arena": 1,
                "weight_offset": self._offset(op.weights_from, image),
                "weight_rows": op.steps,
                "group_bytes": op.weights_from.tensor_channels * word,
            }
        if op.addition is not None:
            add = op.addition
            fields |= {
                "add_enable": 1,
                "add_offset": self._offset(add.source, image) + first,
                "add_block_bytes": add.source.tensor_channels * word,
                "add_own_shift": add.own_shift,
                "add_other_shift": add.other_shift,
                "add_shift": add.requant.shift,
                "add_negative_shift": add.requant.negative_shift,
                "add_clip_low": add.requant.low,
                "add_clip_high": add.requant.high,
            }
        return fields

    def _offset(self, part: TensorSlice, image: int) -> int:
        """Arena offset of a slice's first word, in an image that begins a block."""
        tensor = self.tensors[part.tensor]
        blocks = image * tensor.layout.image_rows * tensor.layout.pitch // self.hw.rows
        words = blocks * part.tensor_channels + part.first_channel
        return tensor.offset + words * self.hw.word_bytes

    def _constant_fields(self, choice: Choice) -> dict[str, int]:
        hw = self.hw
        constant = np.asarray(choice.operation.constant)
        layout = layout_of((1, *constant.shape), choice.geometry.source, hw.rows)
        offset = self._append(layout.pack(constant[None], hw.rows, hw.bits_input))
        return {"input_program": 1, "input_offset": offset}

    def _stream_fields(self, operation: Operation, part: Part) -> dict[str, int]:
        """Appends bias table and weight rows."""
        hw, fields = self.hw, {}
        if operation.bias is not None:
            table = bias_table(operation.bias, part, hw.drain, hw.bias_bytes)
            fields = {
                "bias_enable": 1,
                "bias_offset": self._append(np.frombuffer(table, dtype=np.uint8)),
                "bias_bytes": len(table),
            }
        if operation.weights is None:
            return fields
        row = word_bytes(part.group_channels, hw.bits_weights)
        last_row = word_bytes(part.last_group_channels, hw.bits_weights)
        rows = weight_rows(operation.weights, part, hw.bits_weights)
        return fields | {
            "weight_offset": self._append(np.frombuffer(rows, dtype=np.uint8)),
            "weight_rows": operation.steps,
            "row_bytes": row,
            "last_row_bytes": last_row,
            "group_bytes": operation.steps * row,
            "last_group_bytes": operation.steps * last_row,
        }

    def _host_fields(self, choice: HostChoice, table: int, last: bool) -> dict[str, int]:
        op = choice.operation
        height, width = op.size
        return {
            **op.fields,
            "last_operation": int(last),
            "input_offset": self._offset(op.source, 0),
            "output_offset": self._offset(op.target, 0),
            "height": height,
            "width": width,
            "input_pitch": choice.source.pitch,
            "input_rows": choice.source.image_rows,
            "output_pitch": choice.output.pitch,
            "output_rows": choice.output.image_rows,
            "input_channels": op.source.tensor_channels,
            "output_channels": op.target.tensor_channels,
            "table_offset": table,
            "table_entries": len(op.table),
        }


# ---------------------------------------------------------------------- checks
def _check_limits(graph: Graph, hw: Hardware, batch: int) -> None:
    if isinstance(batch, bool) or not isinstance(batch, int | np.integer) or batch < 1:
        raise CompileError(None, f"batch is {batch!r}, legal is an integer from 1")
    # The reference maps a batch of vectors to the rows of an image.
    vectors = all(tensor.height == tensor.width == 1 for tensor in graph.tensors.values())
    most = max(hw.max_batch_size, hw.max_image[0]) if vectors else hw.max_batch_size
    if batch > most:
        also = f" and max_image_size {hw.max_image[0]}" if vectors else ""
        raise CompileError(
            None,
            f"batch {batch} exceeds max_batch_size {hw.max_batch_size}{also}",
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


# ---------------------------------------------------------------------- tensors
def _place_tensors(
    graph: Graph,
    choices: Sequence[Step],
    source: Raster,
    hw: Hardware,
    batch: int,
    keep: bool,
) -> tuple[dict[str, PlacedTensor], int]:
    whole = TensorSlice.whole(graph.input.name, graph.input.channels)
    layouts = {whole.tensor: layout_of((batch, *graph.input.shape), source, hw.rows)}
    values = {whole.tensor: Contents(whole)}
    first = {whole.tensor: -1}
    last = {whole.tensor: -1}
    for index, choice in enumerate(choices):
        op, target, stored = choice.operation, choice.operation.target, choice.stored
        shape = (batch, *stored.size, stored.channels)
        layouts.setdefault(target.tensor, layout_of(shape, stored.raster, hw.rows))
        values.setdefault(target.tensor, _contents(op, stored.channels))
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


def _contents(op: Operation | HostOperation, channels: int) -> Contents:
    """What the tensor of so many channels that an operation writes holds."""
    if isinstance(op, Operation) and op.holds is not None:
        return op.holds
    return Contents(TensorSlice.whole(op.target.tensor, channels))


# ---------------------------------------------------------------------- descriptors
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


def _names(layers: Sequence[CompiledLayer]) -> list[str]:
    """The nodes' names, numbered where a node is several layers."""
    count = Counter(layer.node for layer in layers)
    seen: Counter[str] = Counter()
    names: list[str] = []
    for layer in layers:
        name = layer.node
        if count[name] > 1:
            name = f"{layer.node}#{seen[layer.node]}"
            # A node may have that name itself.
            while name in count:
                name += "'"
        names.append(name)
        seen[layer.node] += 1
    return names


def _layer(choice: Choice, schedule: Schedule, image: int, fields: dict[str, int]) -> CompiledLayer:
    op, part = choice.operation, schedule.part
    channels = op.target.first_channel + part.first_channel, part.channels
    if choice.view is not None:
        channels = choice.view.written
    macs = op.macs * part.channels // op.channels_out
    if choice.images > 1:
        # Of the average image: all descriptors together are the layer.
        macs = macs * (image + 1) // choice.images - macs * image // choice.images
    return CompiledLayer(
        name=op.name,
        node=op.name,
        type=op.kind,
        addition=None if op.addition is None else op.addition.node,
        input="" if op.constant is not None else op.source.tensor,
        operand=None if op.addition is None else op.addition.source.tensor,
        output=op.target.tensor,
        channels=channels,
        macs=macs,
        compute_cycles=schedule.compute_cycles,
        estimated_cycles=schedule.estimated_cycles,
        input_bytes=schedule.input_bytes,
        weight_bytes=schedule.weight_bytes,
        output_bytes=schedule.output_bytes,
        descriptor=fields,
    )
