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
    ready = np.clip(last // rows, -1, layer["stream_blocks"] - 1)

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


def inside_masks(
    layer: Layer, walk: Walk, blocks: slice
) -> tuple[list[npt.NDArray[np.bool_]], list[npt.NDArray[np.bool_]]]:
    """Masks (blocks, R) of each kernel row and each kernel column; a tap needs both."""
    w, h = lane_coordinates(layer, walk, blocks)
    rows = [
        (at >= 0) & (at < layer["height"])
        for at in (h + kh - layer["pad_top"] for kh in range(layer["kernel_height"]))
    ]
    columns = [
        (at >= 0) & (at < layer["width"])
        for at in (w + kw - layer["pad_left"] for kw in range(layer["kernel_width"]))
    ]
    if blocks.stop == layer["blocks"]:
        for mask in rows:
            mask[-1, layer["tail_lanes"] :] = False
    return rows, columns
