# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bias table and weight rows of a layer, from the program's bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corewright.emulator.layer import Int64Array, Layer
from corewright.emulator.postprocess import wrap
from corewright.program.tensor import unpack_words


def read_bias(layer: Layer, program: npt.NDArray[np.uint8]) -> Int64Array | None:
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


def read_weights(
    layer: Layer, program: npt.NDArray[np.uint8], groups: range
) -> npt.NDArray[np.int16]:
    """Weights of consecutive groups, (K, their channels), rows in the order kh, kw, c.

    Raises:
        EmulatorError: rows outside the program.
    """
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
