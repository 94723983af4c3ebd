# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bias table and weight rows of a layer, from the program's bytes or from the arena."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corewright.emulator.layer import ByteArray, Int64Array, Layer
from corewright.emulator.postprocess import wrap
from corewright.facts.widths import is_sign
from corewright.program.tensor import unpack_words


def read_bias(layer: Layer, program: ByteArray) -> Int64Array | None:
    """The layer's biases, (channels_out,), or None where it adds none.

    Raises:
        EmulatorError: a table outside the program.
    """
    start, size = layer["bias_offset"], layer["bias_bytes"]
    if size and start + size > program.size:
        raise layer.error("bias_offset", f"the table reaches beyond {program.size} bytes")
    if not layer["bias_enable"]:
        return None
    entry = -(-layer.hardware.post_bits // 8)
    table = program[start : start + size].reshape(-1, entry).astype(np.int64)
    values = wrap((table << (8 * np.arange(entry))).sum(axis=1), layer.hardware.post_bits)
    # Only the last group can have a beat with fewer than D channels.
    return values[: layer.channels_out]


def weight_bytes(layer: Layer) -> int:
    """Bytes that are read to load the weights of all groups once."""
    if not layer["weights_arena"]:
        return (layer["groups"] - 1) * layer["group_bytes"] + layer["last_group_bytes"]
    # A row is put together from the words of all blocks that the group's channels are in.
    first = np.arange(layer["groups"], dtype=np.int64) * layer.full_channels
    last = first + np.asarray(layer.group_sizes) - 1
    rows = layer.hardware.rows
    return int((last // rows - first // rows + 1).sum()) * layer.steps * layer.word_bytes


def read_weights(
    layer: Layer, program: ByteArray, arena: ByteArray, groups: range
) -> npt.NDArray[np.int16]:
    """Weights of consecutive groups, (K, their channels), rows in the order kh, kw, c.

    Raises:
        EmulatorError: rows outside the program, words outside the arena.
    """
    if layer["weights_arena"]:
        return _read_arena(layer, arena, groups)
    start, group_bytes = layer["weight_offset"], layer["group_bytes"]
    rows, last_group = layer["weight_rows"], layer["groups"] - 1
    if start + last_group * group_bytes + layer["last_group_bytes"] > program.size:
        raise layer.error("weight_offset", f"the rows reach beyond {program.size} bytes")
    bits = layer.hardware.bits_weights
    parts = []
    full = range(groups.start, min(groups.stop, last_group))
    if len(full):
        data = program[start + full.start * group_bytes : start + full.stop * group_bytes]
        words = data.reshape(len(full), rows, layer["row_bytes"])
        values = unpack_words(words, layer.full_channels, bits)
        parts.append(values.transpose(1, 0, 2).reshape(rows, -1))
    if groups.stop > last_group:
        begin = start + last_group * group_bytes
        data = program[begin : begin + layer["last_group_bytes"]]
        narrow = data.reshape(rows, layer["last_row_bytes"])
        parts.append(unpack_words(narrow, layer["last_group_channels"], bits))
    return np.concatenate(parts, axis=1)


def arena_words(layer: Layer, arena: ByteArray) -> ByteArray:
    """(blocks, K, WB) view of the words that the weights are made of (weights_arena).

    Raises:
        EmulatorError: words outside the arena.
    """
    start, blocks = layer["weight_offset"], layer.weight_blocks
    # The distance of the blocks says nothing where there is but one.
    distance = layer["group_bytes"] if blocks > 1 else 0
    shape = (blocks, layer.steps, layer.word_bytes)
    if start + (blocks - 1) * distance + shape[1] * shape[2] > arena.size:
        raise layer.error("weight_offset", f"the words reach beyond the arena of {arena.size}")
    return np.lib.stride_tricks.as_strided(
        arena[start:], shape=shape, strides=(distance, layer.word_bytes, 1)
    )


def _read_arena(layer: Layer, arena: ByteArray, groups: range) -> npt.NDArray[np.int16]:
    rows, width = layer.hardware.rows, layer.full_channels
    start, stop = groups.start * width, min(groups.stop * width, layer.channels_out)
    first = start // rows
    words = arena_words(layer, arena)[first : -(-stop // rows)]
    pixels = unpack_words(words, rows, layer.hardware.bits_input)
    values = pixels.transpose(1, 0, 2).reshape(layer.steps, -1)
    values = values[:, start - first * rows : stop - first * rows]
    bits = layer.hardware.bits_weights
    if is_sign(bits):
        return np.where(values < 0, np.int16(-1), np.int16(1))
    # A weight of as many bits or more holds every pixel.
    return values if bits >= layer.hardware.bits_input else (values << (16 - bits)) >> (16 - bits)
