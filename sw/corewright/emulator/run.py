# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs a program binary on an arena, stage by stage, layer by layer, as the contract says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

# It registers what the host computes.
import corewright.emulator.host_operations  # noqa: F401
from corewright.emulator.host import host_run
from corewright.emulator.layer import ByteArray, EmulatorError, HardwareLike, Int64Array, Layer
from corewright.emulator.pixels import random_elements
from corewright.emulator.planes import Planes, place, read_stream
from corewright.emulator.postprocess import add_operand, average, requantise, wrap
from corewright.emulator.walk import (
    Walk,
    inside_columns,
    inside_rows,
    lane_coordinates,
    walk_blocks,
)
from corewright.emulator.weights import arena_words, read_bias, read_weights, weight_bytes
from corewright.facts.widths import is_sign, number_range
from corewright.program.format import (
    DESCRIPTOR_BYTES,
    Opcode,
    ProgramError,
    Stage,
    decode_descriptor,
    decode_header,
    decode_stages,
)
from corewright.program.tensor import pack_words, unpack_words

# Elements of the largest temporaries: gathered pixels, decoded weights, sums.
_GATHER_ELEMENTS = 1 << 22
_WEIGHT_ELEMENTS = 1 << 23
_SUM_ELEMENTS = 1 << 20
# Lanes that a step of the gather works on: many kernel rows of few blocks at once.
_TAP_ELEMENTS = 1 << 16
# Header fields that are the whole program's, the same in each stage.
_PROGRAM_FIELDS = (
    "arena_bytes",
    "input_offset",
    "input_bytes",
    "output_offset",
    "output_bytes",
    "batch",
)


@dataclass(frozen=True)
class LayerTrace:
    """What one layer did.

    Attributes:
        index: position in the program, counted over all stages.
        stage: the stage that it belongs to.
        opcode: what it computed.
        steps: cycles in which a step is issued.
        input_bytes: bytes of pixels that all passes read, from the arena or (input_program) the
            program, and of the second operand.
        weight_bytes: bytes of bias and weights that are read, from the program or (weights_arena)
            the arena.
        output_offset: arena offset of the output.
        output_bytes: bytes that were written.
        largest_sum: largest magnitude of an accumulator.
        wrapped_sums: accumulators that did not fit bits_sum. Legal in lanes that are no pixel.
        unspecified_reads: lanes of all taps that were neither masked nor surely stored: they read
            garbage. Legal in lanes that are no pixel.
    """

    index: int
    stage: int
    opcode: Opcode
    steps: int
    input_bytes: int
    weight_bytes: int
    output_offset: int
    output_bytes: int
    largest_sum: int
    wrapped_sums: int
    unspecified_reads: int


def run(
    program: bytes, arena: ByteArray, *, hardware: HardwareLike, poison_seed: int = 0
) -> list[LayerTrace]:
    """Executes a program: all stages, and what the host does between them.

    Args:
        program: stages of header, descriptors and streams.
        arena: one-dimensional contiguous uint8 activation memory, modified in place.
        hardware: what the program was compiled for.
        poison_seed: seed of the garbage that unspecified reads return and that the host writes to
            lanes that are no pixel.

    Returns:
        One trace a layer, the layers of all stages in order.

    Raises:
        ProgramError: a corrupted program.
        EmulatorError: a program for other hardware, or a layer or a host operation that breaks the
            contract; names it, its stage and the field. What comes before it has been executed.
        ValueError: the arena is not such an array.
    """
    if arena.dtype != np.uint8 or arena.ndim != 1 or not arena.flags.c_contiguous:
        raise ValueError("the arena is a one-dimensional contiguous uint8 array")
    stages = _decode(program)
    _check_headers(stages, arena, hardware)
    # A program may use no more than it declares, however large the arena is.
    window = arena[: stages[0].header["arena_bytes"]]
    traces: list[LayerTrace] = []
    for number, stage in enumerate(stages):
        data = np.frombuffer(stage.data, dtype=np.uint8)
        for i, fields in enumerate(stage.descriptors):
            layer = Layer(number, i, len(traces), fields, hardware)
            layer.check(len(stage.descriptors))
            rng = np.random.default_rng((poison_seed, layer.index))
            traces.append(_LayerRun(layer, data, window, rng).run())
        for i, fields in enumerate(stage.host_operations):
            operation = host_run(number, i, fields, hardware, stage.header["batch"])
            operation.run(stage.data, window, np.random.default_rng((poison_seed, number, i)))
    return traces


def _check_headers(stages: tuple[Stage, ...], arena: ByteArray, hardware: HardwareLike) -> None:
    for number, stage in enumerate(stages):
        header = stage.header
        if header["hardware_hash"] != hardware.hash:
            raise EmulatorError(
                None,
                "hardware_hash",
                f"the program is for hardware 0x{header['hardware_hash']:08x}, this is "
                f"0x{hardware.hash:08x}",
                stage=number,
            )
        if not stage.descriptors:
            raise EmulatorError(None, "layers", "a stage has at least one layer", stage=number)
        for name in _PROGRAM_FIELDS:
            if header[name] != stages[0].header[name]:
                raise EmulatorError(
                    None,
                    name,
                    f"{header[name]}, but stage 0 says {stages[0].header[name]}",
                    stage=number,
                )
    header = stages[0].header
    if header["arena_bytes"] > arena.size:
        raise EmulatorError(
            None, "arena_bytes", f"{header['arena_bytes']} needed, the arena has {arena.size}"
        )
    for tensor in ("input", "output"):
        if header[f"{tensor}_offset"] + header[f"{tensor}_bytes"] > header["arena_bytes"]:
            raise EmulatorError(None, f"{tensor}_offset", "the tensor is not inside the arena")


def _decode(program: bytes) -> tuple[Stage, ...]:
    try:
        return decode_stages(program)
    except ProgramError:
        _blame_descriptor(program)
        raise


def _blame_descriptor(program: bytes) -> None:
    """Raises EmulatorError if, where headers are sound, a descriptor is not."""
    index = stage = offset = 0
    while True:
        try:
            header = decode_header(program[offset:])
        except ProgramError as error:
            if stage == 0:
                return
            raise EmulatorError(None, "header_crc", str(error), stage=stage) from error
        start = offset + header["descriptor_offset"]
        for at in range(start, start + header["layers"] * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES):
            part = program[at : at + DESCRIPTOR_BYTES]
            if len(part) < DESCRIPTOR_BYTES:
                return
            try:
                decode_descriptor(part)
            except ProgramError as error:
                raise EmulatorError(index, "crc", str(error), stage=stage) from error
            index += 1
        if header["next_offset"] == 0:
            return
        offset, stage = offset + header["next_offset"], stage + 1


class _LayerRun:
    """The execution of one layer."""

    def __init__(
        self, layer: Layer, program: ByteArray, arena: ByteArray, rng: np.random.Generator
    ) -> None:
        self.layer = layer
        self.program = program
        self.arena = arena
        self.rng = rng
        self.largest_sum = 0
        self.wrapped_sums = 0
        self.unspecified_reads = 0

    def run(self) -> LayerTrace:
        layer = self.layer
        self._check_output_window()
        bias = read_bias(layer, self.program)
        walk = walk_blocks(layer)
        stream = read_stream(layer, self.program, self.arena)
        lowest, _ = number_range(layer.hardware.bits_input)
        fill = lowest if layer.opcode is Opcode.MAX_POOL else 0
        planes = place(layer, stream, walk, fill=fill, rng=self.rng)
        if layer.is_conv:
            self._convolve(planes, walk, bias)
        else:
            self._channelwise(planes, walk, bias)
        return LayerTrace(
            index=layer.index,
            stage=layer.stage,
            opcode=layer.opcode,
            steps=layer["groups"] * layer["blocks"] * layer.steps,
            input_bytes=layer.passes * layer["segments"] * layer["segment_bytes"]
            + layer["add_enable"] * layer["output_bytes"],
            weight_bytes=self._weight_bytes(),
            output_offset=layer["output_offset"],
            output_bytes=layer["output_bytes"],
            largest_sum=self.largest_sum,
            wrapped_sums=self.wrapped_sums,
            unspecified_reads=self.unspecified_reads,
        )

    def _weight_bytes(self) -> int:
        layer = self.layer
        if not layer.has_weights:
            return layer["bias_bytes"]
        times = 1 if layer["weights_resident"] else layer.sets
        if layer["weights_streamed"]:
            times = layer["blocks"]
        return layer["bias_bytes"] + weight_bytes(layer) * times

    def _output_view(self, group: int, blocks: slice, channels: int) -> ByteArray:
        """(blocks, channels * WB) bytes of a group in the arena."""
        return self._group_view("output", group, blocks, channels)

    def _group_view(self, tensor: str, group: int, blocks: slice, channels: int) -> ByteArray:
        """The same for the output or, ``tensor`` being ``add``, the second operand."""
        layer = self.layer
        start = layer[f"{tensor}_offset"] + group * layer["output_group_bytes"]
        start += blocks.start * layer[f"{tensor}_block_bytes"]
        return np.lib.stride_tricks.as_strided(
            self.arena[start:],
            shape=(blocks.stop - blocks.start, channels * layer.word_bytes),
            strides=(layer[f"{tensor}_block_bytes"], 1),
        )

    def _end(self, tensor: str) -> int:
        """The first byte behind the output or the second operand."""
        layer = self.layer
        blocks = layer[f"{tensor}_offset"] + (layer["blocks"] - 1) * layer[f"{tensor}_block_bytes"]
        last = (layer["groups"] - 1) * layer["output_group_bytes"]
        end = blocks + last + layer.group_sizes[-1] * layer.word_bytes
        if layer["groups"] > 1:
            # Group-major tensors with a narrow last group may end in an earlier group's block.
            before = (layer["groups"] - 2) * layer["output_group_bytes"]
            end = max(end, blocks + before + layer.full_channels * layer.word_bytes)
        return end

    def _check_output_window(self) -> None:
        layer = self.layer
        start, end = layer["output_offset"], self._end("output")
        if end > self.arena.size:
            raise layer.error(
                "output_offset", f"the output reaches beyond the arena of {self.arena.size}"
            )
        if layer["add_enable"]:
            added = layer["add_offset"], self._end("add")
            if added[1] > self.arena.size:
                raise layer.error(
                    "add_offset", f"the operand reaches beyond the arena of {self.arena.size}"
                )
            if start < added[1] and added[0] < end and self._shares("add"):
                raise layer.error("add_offset", "the output overlaps the second operand")
        # What is read again in each pass and ahead of the writes may not share a byte with them.
        if not layer["input_program"]:
            size, stride = layer["segment_bytes"], layer["segment_stride"]
            self._check_apart(
                layer["input_offset"], size, stride, layer["segments"], "input segment"
            )
        if layer["weights_arena"]:
            words = arena_words(layer, self.arena)
            size, stride = words[0].size, words.strides[0]
            self._check_apart(layer["weight_offset"], size, stride, len(words), "weight block")

    def _check_apart(self, start: int, size: int, stride: int, count: int, what: str) -> None:
        """Raises EmulatorError if the output lies where something else is read.

        Args:
            start: arena offset of the first run of bytes.
            size: bytes of a run.
            stride: from a run to the next.
            count: runs.
            what: name of a run.
        """
        layer = self.layer
        end = start + (count - 1) * stride + size
        if end <= layer["output_offset"] or self._end("output") <= start:
            return
        written = self._marks("output")
        for i in range(count):
            if written[start + i * stride :][:size].any():
                raise layer.error("output_offset", f"the output overlaps {what} {i}")

    def _marks(self, tensor: str) -> npt.NDArray[np.bool_]:
        """(arena bytes,) True where the output or the second operand lies."""
        marks = np.zeros(self.arena.size, dtype=bool)
        arena, self.arena = self.arena, marks.view(np.uint8)
        for group, channels in enumerate(self.layer.group_sizes):
            self._group_view(tensor, group, slice(0, self.layer["blocks"]), channels)[:] = 1
        self.arena = arena
        return marks

    def _shares(self, tensor: str) -> bool:
        return bool((self._marks("output") & self._marks(tensor)).any())

    def _chunks(self, block_elements: int, limit: int) -> Iterator[slice]:
        count = max(1, limit // block_elements)
        for start in range(0, self.layer["blocks"], count):
            yield slice(start, min(start + count, self.layer["blocks"]))

    def _gather(
        self, planes: Planes, walk: Walk, blocks: slice, *, count_reads: bool = True
    ) -> Iterator[tuple[slice, int, npt.NDArray[np.bool_], Int64Array]]:
        """Masks and table rows of all taps of some blocks.

        Yields:
            Some kernel rows, a kernel column, and the (rows, blocks, R) mask and table rows of
            these taps.
        """
        layer = self.layer
        lane = np.arange(layer.hardware.rows, dtype=np.int64)
        w, h = lane_coordinates(layer, walk, blocks)
        columns = inside_columns(layer, w, blocks)
        first, pitch = walk.first[blocks, None] + lane, layer.position("pitch")
        at_once = max(1, _TAP_ELEMENTS // first.size)
        for start in range(0, layer["kernel_height"], at_once):
            taken = slice(start, min(start + at_once, layer["kernel_height"]))
            kernel_rows = np.arange(start, taken.stop, dtype=np.int64)[:, None, None]
            inside_row = inside_rows(layer, h, kernel_rows)
            down, phase_h = np.divmod(kernel_rows, layer["stride_h"])
            ready = walk.ready[blocks, taken].T[:, :, None]
            for kw, inside_column in enumerate(columns):
                right, phase_w = divmod(kw, layer["stride_w"])
                right += layer["phase_skew"] * (phase_w == 1)
                inside = inside_row & inside_column
                index, unspecified = planes.index(
                    phase_h * planes.planes_w + phase_w,
                    first + (down * pitch + right),
                    inside,
                    ready,
                )
                if count_reads:
                    self.unspecified_reads += unspecified
                yield taken, kw, inside, index

    def _convolve(self, planes: Planes, walk: Walk, bias: Int64Array | None) -> None:
        layer = self.layer
        rows, width = layer.hardware.rows, layer.full_channels
        kernel = layer["kernel_height"], layer["kernel_width"]
        at_once = max(1, _WEIGHT_ELEMENTS // (layer.steps * width))
        tables: dict[type[np.floating], npt.NDArray[np.floating]] = {}
        for start in range(0, layer["groups"], at_once):
            groups = range(start, min(start + at_once, layer["groups"]))
            weights = read_weights(layer, self.program, self.arena, groups)
            channels = slice(start * width, start * width + weights.shape[1])
            # BLAS is exact while no partial sum can leave the mantissa.
            bound = int(np.abs(weights.astype(np.int64)).sum(axis=0).max())
            bound <<= layer.hardware.bits_input - 1
            if bound >= 1 << 53:
                raise layer.error("weight_offset", "sums above 2^53 are beyond this emulator")
            kind: type[np.floating] = np.float32 if bound < 1 << 24 else np.float64
            if kind not in tables:
                tables[kind] = planes.table.astype(kind)
            table, factors = tables[kind], weights.astype(kind)
            part = None if bias is None else bias[channels]
            limit = min(_GATHER_ELEMENTS // layer.steps, _SUM_ELEMENTS * 4 // weights.shape[1])
            for blocks in self._chunks(rows, limit):
                lanes = (blocks.stop - blocks.start) * rows
                index = np.empty((*kernel, lanes), dtype=np.int64)
                gather = self._gather(planes, walk, blocks, count_reads=start == 0)
                for kernel_rows, kw, _, taps in gather:
                    index[kernel_rows, kw] = taps.reshape(-1, lanes)
                pixels = table.take(index.reshape(-1, lanes).T, axis=0).reshape(lanes, -1)
                self._finish(
                    pixels @ factors, blocks, groups, partial(requantise, layer, bias=part)
                )

    def _channelwise(self, planes: Planes, walk: Walk, bias: Int64Array | None) -> None:
        """Pools and depthwise convolutions: output channel i reads input channel i alone."""
        layer = self.layer
        rows, channels = layer.hardware.rows, layer.channels_out
        table = planes.table[:, :channels].astype(np.int32)
        groups = range(layer["groups"])
        weights: npt.NDArray[np.int32] | None = None
        if layer.has_weights:
            weights = read_weights(layer, self.program, self.arena, groups).astype(np.int32)
            weights = weights.reshape(layer["kernel_height"], layer["kernel_width"], channels)
        pooled_max = layer.opcode is Opcode.MAX_POOL
        lowest, _ = number_range(layer.hardware.bits_input)
        for blocks in self._chunks(rows * channels, _SUM_ELEMENTS):
            lanes = (blocks.stop - blocks.start) * rows
            sums = np.full((lanes, channels), lowest if pooled_max else 0, dtype=np.int64)
            count = np.zeros((lanes, 1), dtype=np.int64)
            for kernel_rows, kw, inside, index in self._gather(planes, walk, blocks):
                count += inside.reshape(-1, lanes, 1).sum(axis=0)
                for kh, tap in enumerate(index.reshape(-1, lanes), start=kernel_rows.start):
                    pixels = table.take(tap, axis=0)
                    if pooled_max:
                        np.maximum(sums, pixels, out=sums)
                    elif weights is None:
                        sums += pixels
                    else:
                        # Pixels and weights have 16 bits at most: a product fits 32.
                        sums += pixels * weights[kh, kw]
            average_pool = layer.opcode is Opcode.AVERAGE_POOL
            post = self._divider(count) if average_pool else partial(requantise, layer, bias=bias)
            self._finish(sums, blocks, groups, post)

    def _divider(self, count: Int64Array) -> Callable[[Int64Array], Int64Array]:
        def divide(sums: Int64Array) -> Int64Array:
            result = average(self.layer, sums, np.maximum(count, 1))
            empty = count[:, 0] == 0
            shape = (int(np.count_nonzero(empty)), sums.shape[1])
            result[empty] = random_elements(self.rng, self.layer.hardware.bits_input, shape)
            return result

        return divide

    def _finish(
        self,
        sums: npt.NDArray[np.floating] | Int64Array,
        blocks: slice,
        groups: range,
        post: Callable[[Int64Array], Int64Array],
    ) -> None:
        """Post-processes (lanes, channels) sums of some blocks and groups and writes the words."""
        layer = self.layer
        rows, bits = layer.hardware.rows, layer.hardware.bits_sum
        exact = sums.astype(np.int64)
        largest = max(int(exact.max()), -int(exact.min()))
        self.largest_sum = max(self.largest_sum, largest)
        if largest >= 1 << (bits - 1):
            kept = wrap(exact, bits)
            self.wrapped_sums += int(np.count_nonzero(kept != exact))
            exact = kept
        result = post(exact)
        if layer["add_enable"]:
            if is_sign(layer.hardware.bits_input):
                # What leaves post-processing is a pixel: a single bit has no 0.
                result = np.where(result < 0, -1, 1)
            result = add_operand(layer, result, self._second_operand(blocks, groups))
        pixels = result.astype(np.int16)
        pixels = pixels.reshape(-1, rows, pixels.shape[-1]).transpose(0, 2, 1)
        words = pack_words(pixels, layer.hardware.bits_input)
        width = layer.full_channels
        for group in groups:
            first = (group - groups.start) * width
            channels = layer.group_sizes[group]
            part = words[:, first : first + channels]
            self._output_view(group, blocks, channels)[:] = part.reshape(part.shape[0], -1)

    def _second_operand(self, blocks: slice, groups: range) -> Int64Array:
        """(lanes, channels) pixels of the second operand for some blocks and groups."""
        layer = self.layer
        parts = [
            self._group_view("add", group, blocks, layer.group_sizes[group]) for group in groups
        ]
        words = np.concatenate(parts, axis=1).reshape(
            blocks.stop - blocks.start, -1, layer.word_bytes
        )
        pixels = unpack_words(words, layer.hardware.rows, layer.hardware.bits_input)
        return pixels.transpose(0, 2, 1).reshape(-1, words.shape[1]).astype(np.int64)
