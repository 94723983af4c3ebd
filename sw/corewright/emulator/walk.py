# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Where the array reads: gather positions, lane coordinates and readiness of all blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corewright.emulator.layer import Int64Array, Layer


@dataclass(frozen=True)
class Walk:
    """The walk of one pass over a layer's blocks.

    Attributes:
        first: (blocks,) plane position q0 of lane 0's first tap.
        first_block: (blocks,) its plane block.
        w: (blocks,) w of lane 0, in input units.
        h: (blocks,) h of lane 0, in input units.
        ready: (blocks, KH) last stream block that is stored when a kernel row starts; -1: none.
    """

    first: Int64Array
    first_block: Int64Array
    w: Int64Array
    h: Int64Array
    ready: Int64Array


def walk_blocks(layer: Layer) -> Walk:
    """The closed form of the block walk of docs/architecture.md."""
    b, rows = layer.block_numbers, layer.hardware.rows
    # Steps and wraps before block b: each block step is below one wrap, so wraps count as carries.
    wraps_w, w = np.divmod(b * layer["step_w"], layer["wrap_w"])
    wraps_h, h = np.divmod(b * layer["step_h"] + wraps_w * layer["stride_h"], layer["wrap_h"])
    position = (
        b * layer["position_step"]
        + wraps_w * layer["position_wrap_w"]
        + wraps_h * layer["position_wrap_h"]
    )
    kernel_row = np.arange(layer["kernel_height"], dtype=np.int64)
    last = position[:, None] + layer["need_offset"] + kernel_row * layer["need_step"]
    # With upsampling all of this counts in parts of a stream position.
    copies_h, copies_w = layer.copies
    ready = np.clip(last // (rows * copies_h * copies_w), -1, layer["stream_blocks"] - 1)

    first = layer.position("gather") + b * rows
    if layer["row_blocks"]:
        row_ends = b // layer["row_blocks"]
        image_ends = row_ends // layer["image_rows"]
        first += (row_ends - image_ends) * (layer.position("row_step") - rows)
        first += image_ends * (layer.position("image_step") - rows)
    return Walk(first, first // rows, w, h, ready)


def lane_coordinates(layer: Layer, walk: Walk, blocks: slice) -> tuple[Int64Array, Int64Array]:
    """(w, h) of each lane of some blocks, (blocks, R) each, in input units."""
    lane = np.arange(layer.hardware.rows, dtype=np.int64)
    wraps, w = np.divmod(walk.w[blocks, None] + lane * layer["stride_w"], layer["wrap_w"])
    return w, (walk.h[blocks, None] + wraps * layer["stride_h"]) % layer["wrap_h"]


def row_blocks(layer: Layer, walk: Walk) -> Int64Array:
    """(blocks, KH) plane block of lane 0's first tap of each kernel row."""
    down = np.arange(layer["kernel_height"], dtype=np.int64) // layer["stride_h"]
    return (walk.first[:, None] + down * layer.position("pitch")) // layer.hardware.rows


def inside_rows(layer: Layer, h: Int64Array, kernel_rows: Int64Array) -> npt.NDArray[np.bool_]:
    """Masks of taps in h: lanes of coordinates h, kernel rows broadcast against them."""
    at = h + (kernel_rows - layer["pad_top"])
    inside: npt.NDArray[np.bool_] = (at >= 0) & (at < layer["height"])
    return inside


def inside_columns(layer: Layer, w: Int64Array, blocks: slice) -> list[npt.NDArray[np.bool_]]:
    """Masks (blocks, R) of each kernel column, lanes beyond the tail included; a tap needs both."""
    columns = [
        (at >= 0) & (at < layer["width"])
        for at in (w + (kw - layer["pad_left"]) for kw in range(layer["kernel_width"]))
    ]
    if blocks.stop == layer["blocks"]:
        for mask in columns:
            mask[-1, layer["tail_lanes"] :] = False
    return columns
