# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bit-level format of the program binary: the one definition.

The SystemVerilog package ``core/config/rtl/cw_program_pkg.sv`` and the C header
``sw/runtime/include/cw_program.h`` are generated from the tables below
(``python -m corewright.program.generate``); a test compares them.

A program is one stage or several; a stage is ``header | descriptors | weight streams``,
little-endian, every part 64-byte aligned. Between two stages the host works on the arena.
``docs/architecture.md`` explains what the hardware does with each field.
"""

from __future__ import annotations

import enum
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MAGIC = 0x50525743  # "CWRP" read as a little-endian word
VERSION = 3
HEADER_WORDS = 16
HEADER_BYTES = HEADER_WORDS * 4
DESCRIPTOR_WORDS = 64
DESCRIPTOR_BYTES = DESCRIPTOR_WORDS * 4
# Of a stage; the accelerator counts them in 16 bits.
MAX_LAYERS = (1 << 16) - 1
HOST_WORDS = 16
HOST_BYTES = HOST_WORDS * 4
# Fields that encode_descriptor, encode_program and join_stages write themselves.
FILLED_IN = frozenset(
    {"magic", "version", "layers", "descriptor_offset", "program_bytes", "body_crc", "header_crc"}
    | {"next_offset", "crc"}
)


class ProgramError(ValueError):
    """The bytes are not a program that this hardware may run; the message says why."""


class Opcode(enum.IntEnum):
    """What a descriptor asks the engine to do."""

    CONV = 0
    MAX_POOL = 1
    AVERAGE_POOL = 2
    DEPTHWISE = 3
    SUM_POOL = 4


class HostOpcode(enum.IntEnum):
    """What a host operation asks the firmware to do."""

    SOFTMAX = 1


@dataclass(frozen=True)
class Field:
    """A bit field: ``width`` bits from bit ``lsb`` of 32-bit word ``word``."""

    name: str
    word: int
    lsb: int
    width: int
    signed: bool
    meaning: str


def _field(
    name: str, word: int, lsb: int, width: int, meaning: str, *, signed: bool = False
) -> Field:
    return Field(name, word, lsb, width, signed, meaning)


HEADER_FIELDS: tuple[Field, ...] = (
    _field("magic", 0, 0, 32, "MAGIC"),
    _field("version", 1, 0, 32, "VERSION"),
    _field("hardware_hash", 2, 0, 32, "hash of the hardware parameters that the program is for"),
    _field("layers", 3, 0, 32, "number of descriptors"),
    _field("descriptor_offset", 4, 0, 32, "byte offset of the first descriptor in the program"),
    _field("program_bytes", 5, 0, 32, "length of the whole program"),
    _field("arena_bytes", 6, 0, 32, "bytes of activation memory that the program needs"),
    _field("input_offset", 7, 0, 32, "byte offset of the input tensor in the arena"),
    _field("input_bytes", 8, 0, 32, "length of the input tensor"),
    _field("output_offset", 9, 0, 32, "byte offset of the output tensor in the arena"),
    _field("output_bytes", 10, 0, 32, "length of the output tensor"),
    _field("batch", 11, 0, 32, "images that one run processes"),
    _field("body_crc", 12, 0, 32, "CRC-32 (zlib) of everything behind the header"),
    _field("next_offset", 13, 0, 32, "from this header to the next stage's; 0: the last stage"),
    _field("host_offset", 14, 0, 32, "host operations behind this stage, from its header; 0: none"),
    _field("header_crc", 15, 0, 32, "CRC-32 (zlib) of header words 0 to 14"),
)

# A "position" is an index in a raster of lanes; a position is kept as (block, lane) with
# position = block * R + lane; "rows" are addresses of the pixel buffer, each D channels wide.
DESCRIPTOR_FIELDS: tuple[Field, ...] = (
    # --- what and how often ---
    _field("opcode", 0, 0, 4, "Opcode"),
    _field("last_layer", 0, 8, 1, "the program ends after this layer"),
    _field("weights_resident", 0, 9, 1, "a pass's weights stay in the ring for all its sets"),
    _field("weights_streamed", 0, 10, 1, "K exceeds the ring: rows are released as they are read"),
    _field("direct_load", 0, 11, 1, "words go to the buffer as they come; else scattered"),
    _field("output_contiguous", 0, 12, 1, "the layer's output is one run of bytes"),
    _field("bias_enable", 0, 13, 1, "add the bias table"),
    _field("round_first", 0, 14, 1, "average: round to an integer before requantising"),
    _field("add_enable", 0, 15, 1, "add a second tensor behind the post-processing"),
    _field("release_rows", 0, 4, 1, "plane blocks are released after each kernel row"),
    _field("input_program", 0, 5, 1, "the input tensor is a constant in the program"),
    _field("weights_arena", 0, 6, 1, "the weights are a tensor in the arena"),
    _field("layer_index", 0, 16, 16, "position in the stage, for status and counters"),
    _field("kernel_height", 1, 0, 16, "KH"),
    _field("kernel_width", 1, 16, 16, "KW"),
    _field("channels_in", 2, 0, 16, "CI, words of an input block"),
    _field("groups", 2, 16, 16, "G: channel groups, of C channels (conv) or D (pool)"),
    _field("group_channels", 3, 0, 16, "channels of a full group"),
    _field("last_group_channels", 3, 16, 16, "channels of the last group"),
    _field("blocks", 4, 0, 24, "M: output blocks"),
    _field("set_blocks", 5, 0, 24, "blocks of a set; the last set may be shorter"),
    _field("groups_per_pass", 6, 0, 16, "groups of a pass; the last pass may be shorter"),
    _field("tail_lanes", 6, 16, 16, "live lanes of the last block, 1 to R"),
    # --- where a lane's pixel is, in input units (output coordinate times stride) ---
    _field("wrap_w", 7, 0, 16, "output pitch * stride_w: w wraps here, h grows by stride_h"),
    _field("wrap_h", 7, 16, 16, "output rows of an image * stride_h: h wraps here"),
    _field("step_w", 8, 0, 16, "(R mod pitch) * stride_w: w grows so a block"),
    _field("step_h", 8, 16, 16, "((R div pitch) mod image rows) * stride_h: h grows so a block"),
    _field("stride_h", 9, 0, 16, "sh"),
    _field("stride_w", 9, 16, 16, "sw"),
    _field("pad_top", 10, 0, 16, "pt; negative: rows cut off", signed=True),
    _field("pad_left", 10, 16, 16, "pl; negative: columns cut off", signed=True),
    _field("height", 11, 0, 16, "H of the input: a tap outside reads the fill value"),
    _field("width", 11, 16, 16, "W of the input"),
    # --- gather: where lane 0's first tap is in the pixel buffer ---
    _field("gather_row", 12, 0, 24, "buffer row of the slot of block 0's position"),
    _field("gather_lane", 12, 24, 8, "its lane"),
    _field("gather_block", 13, 0, 24, "its absolute plane block (may be negative)", signed=True),
    _field("block_rows", 14, 0, 24, "BS: buffer rows of a plane block (planes * ceil(CI/D))"),
    _field("copies_w", 14, 24, 8, "scatter: further copies of each pixel to its right, at most 3"),
    _field("ring_rows", 15, 0, 24, "buffer rows of the ring, a multiple of BS"),
    _field("copies_h", 15, 24, 8, "scatter: further copies of each row below it"),
    _field("ring_blocks", 16, 0, 24, "ring_rows / BS"),
    _field("row_blocks", 17, 0, 24, "output blocks of an image row (row-aligned); 0: flat"),
    _field("image_rows", 18, 0, 16, "output rows of an image (row-aligned)"),
    _field("image_step_lane", 18, 16, 8, "lane part of image_step"),
    _field("row_step_lane", 18, 24, 8, "lane part of row_step"),
    _field("row_step_rows", 19, 0, 24, "last block of an image row -> next row: rows, wrapped"),
    _field("row_step_blocks", 20, 0, 24, "the same in blocks", signed=True),
    _field("image_step_rows", 21, 0, 24, "last block of an image -> next image: rows, wrapped"),
    _field("image_step_blocks", 22, 0, 24, "the same in blocks", signed=True),
    _field("plane_rows", 23, 0, 24, "PS: ceil(CI/D), rows from a phase plane to the next in w"),
    _field("phase_rows", 24, 0, 24, "PHS: rows from a phase plane to the next in h"),
    _field("pitch_rows", 25, 0, 24, "plane pitch, block part in buffer rows, wrapped"),
    _field("pitch_lane", 25, 24, 8, "plane pitch, lane part"),
    _field("pitch_blocks", 26, 0, 24, "plane pitch, block part"),
    # --- when a block may start, in positions of the input stream ---
    _field("position_step", 27, 0, 32, "lane 0's stream position grows so a block", signed=True),
    _field("position_wrap_w", 28, 0, 32, "and by this where w wraps", signed=True),
    _field("position_wrap_h", 29, 0, 32, "and by this where h wraps", signed=True),
    _field(
        "need_offset", 30, 0, 32, "last needed position, kernel row 0, from lane 0", signed=True
    ),
    _field("need_step", 31, 0, 32, "the last needed position grows so a kernel row"),
    # --- loading the input ---
    _field("input_offset", 32, 0, 32, "arena offset of the input tensor's first byte to read"),
    _field("segment_bytes", 33, 0, 32, "bytes of a read command"),
    _field("segment_stride", 34, 0, 32, "bytes from a read command's start to the next's"),
    _field("segments", 35, 0, 32, "read commands a pass"),
    _field("stream_blocks", 36, 0, 24, "input blocks in the stream a pass"),
    _field("input_pitch", 37, 0, 16, "scatter: lanes of an image row in the stream"),
    _field("input_rows", 37, 16, 16, "scatter: rows of an image in the stream"),
    _field("load_width", 38, 0, 16, "scatter: columns w < load_width are stored"),
    _field("load_height", 38, 16, 16, "scatter: rows h < load_height are stored"),
    _field("row_advance", 39, 0, 16, "scatter: h grows so from a stream row to the next"),
    _field("start_phase_w", 40, 0, 16, "scatter: pl mod sw"),
    _field("start_phase_h", 40, 16, 16, "scatter: pt mod sh"),
    _field("planes_w", 41, 0, 16, "scatter: min(KW, sw), phases w' < planes_w are stored"),
    _field("planes_h", 41, 16, 16, "scatter: min(KH, sh)"),
    _field("scatter_row", 42, 0, 24, "scatter: buffer row of the slot of w=0, h=0, image 0"),
    _field("scatter_lane", 42, 24, 8, "scatter: its lane"),
    _field("scatter_block", 43, 0, 24, "its absolute plane block", signed=True),
    _field("scatter_image_rows", 44, 0, 24, "scatter: one image further: rows, wrapped"),
    _field("scatter_image_lane", 44, 24, 8, "scatter: one image further: lane"),
    _field("scatter_image_blocks", 45, 0, 24, "scatter: one image further: blocks"),
    # --- output ---
    _field("output_offset", 46, 0, 32, "arena offset of the output tensor"),
    _field("output_block_bytes", 47, 0, 32, "bytes from an output block to the next"),
    _field("output_group_bytes", 48, 0, 32, "bytes of a full group of one block"),
    _field("output_bytes", 49, 0, 32, "bytes that the layer writes"),
    # --- post-processing ---
    _field("pre_shift", 50, 0, 4, "v = (sum << pre_shift) + bias"),
    _field("shift", 50, 8, 6, "right shift, half to even, where v >= 0"),
    _field("negative_shift", 50, 16, 6, "right shift where v < 0"),
    _field("phase_skew", 50, 24, 8, "stride_w 2: lanes by which planes w' = 1 are stored further"),
    _field("clip_low", 51, 0, 16, "smallest result", signed=True),
    _field("clip_high", 51, 16, 16, "largest result", signed=True),
    # --- weights ---
    _field("bias_offset", 52, 0, 32, "program offset of the bias table"),
    _field("bias_bytes", 53, 0, 32, "its length, 0: none"),
    _field("weight_offset", 54, 0, 32, "program offset of group 0's rows; weights_arena: arena"),
    _field("weight_rows", 55, 0, 24, "K: rows of a group, 0: the layer has no weights"),
    _field("row_bytes", 56, 0, 16, "bytes of a weight row of a full group"),
    _field("last_row_bytes", 56, 16, 16, "bytes of a weight row of the last group"),
    _field("group_bytes", 57, 0, 32, "K * row_bytes; weights_arena: from a block to the next"),
    _field("last_group_bytes", 58, 0, 32, "K * last_row_bytes"),
    # --- residual addition, behind post-processing ---
    _field("add_offset", 59, 0, 32, "arena offset of the second operand's first word"),
    _field("add_block_bytes", 60, 0, 32, "bytes from a block of the second operand to the next"),
    _field("add_own_shift", 61, 0, 4, "v = (y << add_own_shift) + (x << add_other_shift)"),
    _field("add_other_shift", 61, 4, 4, "left shift of the second operand"),
    _field("add_shift", 61, 8, 6, "right shift of v, half to even, where v >= 0"),
    _field("add_negative_shift", 61, 16, 6, "right shift where v < 0"),
    _field("add_clip_low", 62, 0, 16, "smallest sum", signed=True),
    _field("add_clip_high", 62, 16, 16, "largest sum", signed=True),
    _field("crc", 63, 0, 32, "CRC-32 (zlib) of words 0 to 62"),
)

# A softmax over each run of ``channels`` consecutive channels; docs/architecture.md defines it.
HOST_FIELDS: tuple[Field, ...] = (
    _field("host_opcode", 0, 0, 8, "HostOpcode"),
    _field("last_operation", 0, 8, 1, "no other operation follows before the next stage"),
    _field("input_offset", 1, 0, 32, "arena offset of the input's first word"),
    _field("output_offset", 2, 0, 32, "arena offset of the output's first word"),
    _field("height", 3, 0, 16, "H of both tensors"),
    _field("width", 3, 16, 16, "W of both tensors"),
    _field("channels", 4, 0, 16, "channels that one softmax runs over"),
    _field("runs", 4, 16, 16, "softmaxes of a pixel"),
    _field("input_pitch", 5, 0, 16, "P of the input"),
    _field("input_rows", 5, 16, 16, "HS of the input"),
    _field("output_pitch", 6, 0, 16, "P of the output"),
    _field("output_rows", 6, 16, 16, "HS of the output"),
    _field("input_channels", 7, 0, 16, "words of a block of the stored input"),
    _field("output_channels", 7, 16, 16, "words of a block of the stored output"),
    _field("table_offset", 8, 0, 32, "the table of 32-bit weights, from the stage's header"),
    _field("table_entries", 9, 0, 32, "its length; weights behind it are 0"),
    _field("shift", 10, 0, 6, "fraction of the output"),
    _field("clip_low", 11, 0, 16, "smallest result", signed=True),
    _field("clip_high", 11, 16, 16, "largest result", signed=True),
)


def _check_layout(fields: Sequence[Field], words: int) -> None:
    used = np.zeros(words * 32, dtype=bool)
    for field in fields:
        bits = slice(field.word * 32 + field.lsb, field.word * 32 + field.lsb + field.width)
        if field.lsb + field.width > 32 or used[bits].any():
            raise ProgramError(f"field {field.name} overlaps another or crosses a word")
        used[bits] = True


_check_layout(HEADER_FIELDS, HEADER_WORDS)
_check_layout(DESCRIPTOR_FIELDS, DESCRIPTOR_WORDS)
_check_layout(HOST_FIELDS, HOST_WORDS)


def _encode(fields: Sequence[Field], words: int, values: Mapping[str, int]) -> bytearray:
    known = {field.name for field in fields}
    if unknown := set(values) - known:
        raise ProgramError(f"unknown fields: {', '.join(sorted(unknown))}")
    out = [0] * words
    for field in fields:
        value = int(values.get(field.name, 0))
        low, high = (-(1 << (field.width - 1)), (1 << (field.width - 1)) - 1)
        if not field.signed:
            low, high = 0, (1 << field.width) - 1
        if not low <= value <= high:
            raise ProgramError(
                f"{field.name} = {value} does not fit its field ({low} to {high}): {field.meaning}"
            )
        out[field.word] |= (value & ((1 << field.width) - 1)) << field.lsb
    return bytearray(np.array(out, dtype="<u4").tobytes())


def _decode(fields: Sequence[Field], data: bytes) -> dict[str, int]:
    words = np.frombuffer(data, dtype="<u4")
    values = {}
    for field in fields:
        value = (int(words[field.word]) >> field.lsb) & ((1 << field.width) - 1)
        if field.signed and value >> (field.width - 1):
            value -= 1 << field.width
        values[field.name] = value
    return values


def encode_descriptor(values: Mapping[str, int]) -> bytes:
    """Packs one layer descriptor and its CRC; fields left out are zero.

    Raises:
        ProgramError: an unknown field, or a value that does not fit.
    """
    data = _encode(DESCRIPTOR_FIELDS, DESCRIPTOR_WORDS, {**values, "crc": 0})
    data[-4:] = zlib.crc32(bytes(data[:-4])).to_bytes(4, "little")
    return bytes(data)


def decode_descriptor(data: bytes) -> dict[str, int]:
    """Unpacks one descriptor of ``DESCRIPTOR_BYTES`` bytes; raises ProgramError on a bad CRC."""
    if len(data) != DESCRIPTOR_BYTES:
        raise ProgramError(f"a descriptor has {DESCRIPTOR_BYTES} bytes, not {len(data)}")
    values = _decode(DESCRIPTOR_FIELDS, data)
    if values["crc"] != zlib.crc32(data[:-4]):
        raise ProgramError("descriptor CRC mismatch: the program is corrupted")
    return values


def encode_header(values: Mapping[str, int]) -> bytes:
    """Packs the program header with its own CRC; magic and version are filled in."""
    data = _encode(
        HEADER_FIELDS,
        HEADER_WORDS,
        {**values, "magic": MAGIC, "version": VERSION, "header_crc": 0},
    )
    data[-4:] = zlib.crc32(bytes(data[:-4])).to_bytes(4, "little")
    return bytes(data)


def decode_header(data: bytes) -> dict[str, int]:
    """Unpacks and checks a header: magic, version, header CRC.

    Raises:
        ProgramError: the first check that fails.
    """
    if len(data) < HEADER_BYTES:
        raise ProgramError(f"a program has at least {HEADER_BYTES} bytes, not {len(data)}")
    values = _decode(HEADER_FIELDS, data[:HEADER_BYTES])
    if values["magic"] != MAGIC:
        raise ProgramError(f"bad magic 0x{values['magic']:08x}: this is not a corewright program")
    if values["version"] != VERSION:
        raise ProgramError(f"program version {values['version']}, this software reads {VERSION}")
    if values["header_crc"] != zlib.crc32(data[: HEADER_BYTES - 4]):
        raise ProgramError("header CRC mismatch: the program is corrupted")
    return values


def encode_host_operation(values: Mapping[str, int]) -> bytes:
    """Packs one host operation of ``HOST_BYTES`` bytes; fields left out are zero.

    Raises:
        ProgramError: an unknown field, or a value that does not fit.
    """
    return bytes(_encode(HOST_FIELDS, HOST_WORDS, values))


@dataclass(frozen=True)
class Stage:
    """What runs between two visits of the host.

    Attributes:
        offset: of its header in the whole program.
        header: header fields.
        descriptors: fields of each layer.
        host_operations: what the host does behind it, in order.
        data: its bytes; every offset in it counts from their first.
    """

    offset: int
    header: Mapping[str, int]
    descriptors: tuple[Mapping[str, int], ...]
    host_operations: tuple[Mapping[str, int], ...]
    data: bytes


def encode_program(
    header: Mapping[str, int], descriptors: Sequence[Mapping[str, int]], streams: bytes
) -> bytes:
    """Joins header, descriptors and weight streams to one stage: where it is alone, a program.

    Args:
        header: header fields; offsets, lengths and CRCs are filled in.
        descriptors: one mapping a layer; their program offsets must already count from the
            program's first byte (streams start at ``HEADER_BYTES + layers * DESCRIPTOR_BYTES``).
        streams: bias tables, weight rows, constants and host operations.

    Raises:
        ProgramError: more than ``MAX_LAYERS`` layers, or a value that does not fit its field.
    """
    if len(descriptors) > MAX_LAYERS:
        raise ProgramError(f"a stage of {len(descriptors)} layers, legal are 1 to {MAX_LAYERS}")
    body = b"".join(encode_descriptor(d) for d in descriptors) + streams
    filled = {
        **header,
        "layers": len(descriptors),
        "descriptor_offset": HEADER_BYTES,
        "program_bytes": HEADER_BYTES + len(body),
        "body_crc": zlib.crc32(body),
    }
    return encode_header(filled) + body


def decode_program(data: bytes) -> tuple[dict[str, int], list[dict[str, int]]]:
    """Checks a stage and returns its header and descriptors.

    Raises:
        ProgramError: wrong magic, version, length or CRC, or a descriptor outside the program.
    """
    header = decode_header(data)
    if header["program_bytes"] != len(data):
        raise ProgramError(f"the header says {header['program_bytes']} bytes, got {len(data)}")
    if header["body_crc"] != zlib.crc32(data[HEADER_BYTES:]):
        raise ProgramError("program CRC mismatch: the program is corrupted")
    start = header["descriptor_offset"]
    end = start + header["layers"] * DESCRIPTOR_BYTES
    if end > len(data):
        raise ProgramError("descriptors reach beyond the program's end")
    return header, [
        decode_descriptor(data[i : i + DESCRIPTOR_BYTES])
        for i in range(start, end, DESCRIPTOR_BYTES)
    ]


def join_stages(stages: Sequence[bytes]) -> bytes:
    """Joins stages, each as :func:`encode_program` returns it, to one program.

    Every stage but the last is padded to whole 64 bytes and points to the next.
    """
    result = bytearray()
    for index, stage in enumerate(stages):
        last = index == len(stages) - 1
        size = -(-len(stage) // HEADER_BYTES) * HEADER_BYTES
        header = {**decode_header(stage), "next_offset": 0 if last else size}
        result += encode_header(header) + stage[HEADER_BYTES:]
        if not last:
            result += bytes(size - len(stage))
    return bytes(result)


def with_fields(program: bytes, changes: Iterable[tuple[int, int | None, str, int]]) -> bytes:
    """Return a program with other values in some fields, and all its checksums made anew.

    What :func:`encode_program` and :func:`join_stages` write themselves is as they do. Nobody
    checks that the program means anything.

    Args:
        program: a sound program.
        changes: stage, layer of it (None: its header), field and new value, one after the other.

    Raises:
        ProgramError: as :func:`decode_stages`; a value does not fit its field.
    """
    stages = decode_stages(program)
    headers = [dict(stage.header) for stage in stages]
    layers = [[dict(fields) for fields in stage.descriptors] for stage in stages]
    for number, layer, field, value in changes:
        (headers[number] if layer is None else layers[number][layer])[field] = value
    parts = []
    for stage, header, descriptors in zip(stages, headers, layers, strict=True):
        kept = {name: value for name, value in header.items() if name not in FILLED_IN}
        streams = stage.data[HEADER_BYTES + len(descriptors) * DESCRIPTOR_BYTES :]
        parts.append(encode_program(kept, descriptors, streams))
    return join_stages(parts)


def decode_stages(data: bytes) -> tuple[Stage, ...]:
    """Checks a whole program and returns its stages.

    Raises:
        ProgramError: as :func:`decode_program`; host operations outside their stage.
    """
    stages: list[Stage] = []
    offset = 0
    while True:
        header = decode_header(data[offset:])
        step, size = header["next_offset"], header["program_bytes"]
        if step == 0 and offset + size != len(data):
            raise ProgramError(f"the headers say {offset + size} bytes, got {len(data)}")
        if step and not size <= step <= len(data) - offset:
            raise ProgramError(f"stage {len(stages)} ends behind the next one")
        part = data[offset : offset + size]
        header, descriptors = decode_program(part)
        stages.append(
            Stage(offset, header, tuple(descriptors), _host_operations(header, part), part)
        )
        if step == 0:
            return tuple(stages)
        offset += step


def _host_operations(header: Mapping[str, int], data: bytes) -> tuple[Mapping[str, int], ...]:
    operations: list[Mapping[str, int]] = []
    start = header["host_offset"]
    while start:
        if start + HOST_BYTES > len(data):
            raise ProgramError("host operations reach beyond the stage's end")
        values = _decode(HOST_FIELDS, data[start : start + HOST_BYTES])
        if values["host_opcode"] not in set(HostOpcode):
            raise ProgramError(f"unknown host operation {values['host_opcode']}")
        if values["table_offset"] + 4 * values["table_entries"] > len(data):
            raise ProgramError("a host operation's table reaches beyond the stage's end")
        operations.append(values)
        start = 0 if values["last_operation"] else start + HOST_BYTES
    return tuple(operations)
