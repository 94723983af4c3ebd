# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The pixel buffer: what the input stream stores, and when, at absolute plane positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corewright.emulator.layer import ByteArray, Int64Array, Layer
from corewright.emulator.pixels import random_elements
from corewright.emulator.walk import Walk, row_blocks
from corewright.program.tensor import unpack_words

# Stored by no stream block.
_NEVER = np.int64(1) << 62
# Rows of garbage that stand for whatever the buffer held before.
_POISON_ROWS = 61
# A descriptor that spreads the input further apart than this is no legal program.
_MAX_TABLE_BYTES = 1 << 32


@dataclass(frozen=True)
class Planes:
    """Phase planes after the whole stream.

    Attributes:
        table: (planes * span + 1 + poison rows, CI) int16: position low + i of plane j is row
            j * span + i; behind the planes the fill row (a masked lane's value), then garbage.
        stored_by: (planes * span,) the stream block that stored each position, or _NEVER.
        low: plane position of the first row.
        span: positions of a plane.
        planes_w: planes from a phase in h to the next.
    """

    table: npt.NDArray[np.int16]
    stored_by: Int64Array
    low: int
    span: int
    planes_w: int

    def index(
        self,
        plane: Int64Array,
        position: Int64Array,
        inside: npt.NDArray[np.bool_],
        ready: Int64Array,
    ) -> tuple[Int64Array, int]:
        """Table rows that a tap of some kernel rows reads.

        Args:
            plane: (rows, 1, 1) phase plane of the tap.
            position: (rows, blocks, R) plane positions.
            inside: (rows, blocks, R), False where the lane is masked.
            ready: (rows, blocks, 1) last stream block that is sure to be stored at that step.

        Returns:
            (rows, blocks, R) table rows, and the number of lanes that are neither masked nor surely
            stored: those get garbage, as nothing says what the buffer holds there.
        """
        relative = position - self.low
        there = (relative >= 0) & (relative < self.span)
        row = np.clip(relative, 0, self.span - 1) + plane * self.span
        there &= self.stored_by[row] <= ready
        fill = self.stored_by.size
        garbage = fill + 1 + row % _POISON_ROWS
        index = np.where(inside, np.where(there, row, garbage), fill)
        return index, int(np.count_nonzero(inside & ~there))


def read_stream(layer: Layer, program: ByteArray, arena: ByteArray) -> ByteArray:
    """The input stream of a pass, (stream_blocks, CI, WB) bytes.

    Raises:
        EmulatorError: a segment outside the arena or, input_program, the program.
    """
    name, window = ("program", program) if layer["input_program"] else ("arena", arena)
    start, size, stride = (
        layer[name] for name in ("input_offset", "segment_bytes", "segment_stride")
    )
    count = layer["segments"]
    if start + (count - 1) * stride + size > window.size:
        raise layer.error("input_offset", f"the input reaches beyond the {name} of {window.size}")
    segments = np.lib.stride_tricks.as_strided(
        window[start:], shape=(count, size), strides=(stride, 1), writeable=False
    )
    shape = (layer["stream_blocks"], layer["channels_in"], layer.word_bytes)
    return np.ascontiguousarray(segments).reshape(shape)


def place(
    layer: Layer,
    stream: ByteArray,
    walk: Walk,
    *,
    fill: int,
    rng: np.random.Generator,
) -> Planes:
    """Stores a stream as the loader does and checks that the ring can hold what it must.

    Args:
        layer: the layer.
        stream: (stream_blocks, CI, WB) bytes.
        walk: where the array reads.
        fill: value of a masked lane.
        rng: source of the garbage.

    Raises:
        EmulatorError: two lanes at one position, a ring in which live data would be overwritten
            or whose loader and reader would wait for each other.
    """
    rows, bits = layer.hardware.rows, layer.hardware.bits_input
    channels = layer["channels_in"]
    lanes = unpack_words(stream, rows, bits).transpose(0, 2, 1).reshape(-1, channels)
    block = np.arange(lanes.shape[0], dtype=np.int64) // rows
    if layer["direct_load"]:
        keep = np.ones(lanes.shape[0], dtype=bool)
        plane = np.zeros_like(block)
        position = np.arange(lanes.shape[0], dtype=np.int64)[None]
    else:
        keep, plane, position = _scatter(layer, lanes.shape[0])
    _check_ring(layer, keep, position.min(axis=0) // rows, position.max(axis=0) // rows, walk)

    plane, position, block = plane[keep], position[:, keep], block[keep]
    low = int(position.min()) if position.size else 0
    span = int(position.max()) + 1 - low if position.size else 1
    planes_h, planes_w = layer.planes
    size = planes_h * planes_w * span
    if (size + _POISON_ROWS) * channels * 2 > _MAX_TABLE_BYTES:
        raise layer.error("scatter_image_blocks", f"the input spreads over {span} positions")
    index = plane * span + (position - low)
    stored_by = np.full(size, _NEVER, dtype=np.int64)
    stored_by[index] = block
    if np.count_nonzero(stored_by != _NEVER) != index.size:
        raise layer.error("pitch_blocks", "two input pixels are stored at one plane position")
    table = np.empty((size + 1 + _POISON_ROWS, channels), dtype=np.int16)
    # Rows that are stored by nobody are never read: see Planes.index.
    table[index] = lanes[keep]
    table[size] = fill
    table[size + 1 :] = random_elements(rng, bits, (_POISON_ROWS, channels))
    return Planes(table, stored_by, low, span, planes_w)


def _scatter(layer: Layer, count: int) -> tuple[npt.NDArray[np.bool_], Int64Array, Int64Array]:
    """Where the stream's ``count`` lanes are stored.

    Returns:
        (count,) keep, (count,) plane, and (copies, count) the plane positions of all copies.
    """
    row, w = np.divmod(np.arange(count, dtype=np.int64), layer["input_pitch"])
    image, image_row = np.divmod(row, layer["input_rows"])
    h = image_row * layer["row_advance"]
    keep = (w < layer["load_width"]) & (h < layer["load_height"])
    # The pad's whole strides are inside the scatter position: only its phase is counted here.
    column, phase_w = np.divmod(w + layer["start_phase_w"], layer["stride_w"])
    line, phase_h = np.divmod(h + layer["start_phase_h"], layer["stride_h"])
    keep &= (phase_w < layer["planes_w"]) & (phase_h < layer["planes_h"])
    copies_h, copies_w = layer.copies
    position = layer.position("scatter") + image * layer.position("scatter_image")
    position += line * copies_h * layer.position("pitch") + column * copies_w
    position += layer["phase_skew"] * (phase_w == 1)
    below, right = np.divmod(np.arange(copies_h * copies_w, dtype=np.int64), copies_w)
    copies = (below * layer.position("pitch") + right)[:, None]
    return keep, phase_h * layer["planes_w"] + phase_w, position + copies


def _check_ring(
    layer: Layer,
    keep: npt.NDArray[np.bool_],
    lowest_block: Int64Array,
    highest_block: Int64Array,
    walk: Walk,
) -> None:
    """Checks loader against reader; (stream lanes,) plane blocks that the copies of a lane are in.

    A wait is what the reader does before it starts: before a block, or before each of its kernel
    rows, where the end of a kernel row releases blocks, too.
    """
    shape = (layer["stream_blocks"], layer.hardware.rows)
    keep = keep.reshape(shape)
    highest = np.where(keep, highest_block.reshape(shape), -_NEVER).max(axis=1)
    highest = np.maximum.accumulate(highest)
    lowest = np.where(keep, lowest_block.reshape(shape), _NEVER).min(axis=1)
    ring = layer["ring_blocks"]
    if (late := highest >= lowest + ring).any():
        i = int(late.argmax())
        raise layer.error(
            "ring_blocks",
            f"stream block {i} stores to plane block {lowest[i]}, whose slot plane block "
            f"{highest[i]} may hold by then",
        )
    if (np.diff(walk.first_block) < 0).any():
        raise layer.error("row_step_blocks", "the gather moves back to released plane blocks")
    release, ready = walk.first_block[:, None], walk.ready.max(axis=1, keepdims=True)
    if layer["release_rows"]:
        release, ready = row_blocks(layer, walk), walk.ready
        if (back := np.diff(release.ravel()) < 0).any():
            b, kh = divmod(int(back.argmax()) + 1, layer["kernel_height"])
            raise layer.error(
                "release_rows",
                f"kernel row {kh} of output block {b} moves back to released plane blocks",
            )
    # Blocks are released only up to the set's start, unless the pass has a single group.
    if min(layer["groups_per_pass"], layer["groups"]) > 1:
        set_start = layer.block_numbers // layer["set_blocks"] * layer["set_blocks"]
        release = np.broadcast_to(release[set_start, :1], ready.shape)
    needed = np.maximum.accumulate(ready.ravel())
    reach = np.where(needed >= 0, highest[np.maximum(needed, 0)], -_NEVER)
    if (stuck := reach >= release.ravel() + ring).any():
        wait = int(stuck.argmax())
        b, kh = divmod(wait, ready.shape[1])
        where = (
            f"kernel row {kh} of output block {b}" if layer["release_rows"] else f"output block {b}"
        )
        raise layer.error(
            "ring_blocks",
            f"deadlock: {where} waits for stream block {needed[wait]}, which needs room up to "
            f"plane block {reach[wait]} while {release.ravel()[wait]} is not released",
        )
