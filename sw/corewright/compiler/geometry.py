# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Where a layer's pixels go in the pixel buffer and how the array walks over them.

A :class:`Geometry` fixes the input access (direct, scatter, scatter of every stride-th row), the
phase planes and the output raster; everything that ``docs/architecture.md`` derives from them is
computed here, for all blocks at once. Where the pixel buffer does not hold what a block of outputs
needs, a :class:`StreamedGeometry` or a :class:`SingleWindowGeometry` forgets each kernel row behind
its steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corewright.compiler.operation import Operation, Pair
from corewright.hardware import Hardware
from corewright.program.tensor import TensorLayout

Int64Array = npt.NDArray[np.int64]

_NOTHING = -(1 << 62)
# Kernel rows are a 16-bit field.
_MAX_CHUNKS = (1 << 16) - 1
# A wider stride in w is scattered lane by lane.
_SCATTER_PHASES = 4
# Output rows so many times as wide as the input's are mostly padding.
_WIDE_ROWS = 2


@dataclass(frozen=True)
class Raster:
    """Pitch P and image rows HS of a tensor in memory."""

    pitch: int
    image_rows: int


class _Walk(NamedTuple):
    """All that the positions in the pixel buffer depend on; see :class:`Geometry` for the names.

    The layers of a network, and the ways to do them, have few different ones.
    """

    rows: int
    batch: int
    direct: bool
    strides: Pair
    kernel: Pair
    padding: Pair
    size: Pair
    out_size: Pair
    repeat: Pair
    load: Pair
    planes: Pair
    stream_blocks: int
    stream_rows: int
    row_advance: int
    source_pitch: int
    plane_pitch: int
    image_positions: int
    scatter_start: int
    gather_start: int
    phase_skew: int
    blocks: int
    output: Raster
    row_blocks: int
    position_scales: tuple[int, int, int]
    need_step: int

    def written(self) -> tuple[Int64Array, Int64Array, int]:
        """Highest plane block after and lowest in each stream block; loader cycles a channel."""
        rows = self.rows
        if self.direct:
            block = np.arange(self.stream_blocks, dtype=np.int64)
            return block, block, self.stream_blocks
        (sh, sw), (top, left) = self.strides, self.padding
        row, w = np.divmod(np.arange(self.stream_blocks * rows, dtype=np.int64), self.source_pitch)
        image, h = np.divmod(row, self.stream_rows)
        h *= self.row_advance
        line, phase_h = np.divmod(h + top % sh, sh)
        column, phase_w = np.divmod(w + left % sw, sw)
        stored_row = (h < self.load[0]) & (phase_h < self.planes[0])
        keep = stored_row & (w < self.load[1]) & (phase_w < self.planes[1])
        down, right = self.repeat
        position = self.scatter_start + image * self.image_positions
        position += line * down * self.plane_pitch + column * right
        position += self.phase_skew * (phase_w == 1)
        shape = (self.stream_blocks, rows)
        last = position + (down - 1) * self.plane_pitch + right - 1
        highest = np.where(keep, last // rows, _NOTHING).reshape(shape).max(axis=1)
        lowest = np.where(keep, position // rows, -_NOTHING).reshape(shape).min(axis=1)
        # A word is cut at image rows; each part takes a write a phase, or a lane for wide strides.
        begins = w == 0
        begins[::rows] = True
        starts = np.flatnonzero(begins)
        part = np.cumsum(begins) - 1
        if down * right > 1:
            # Each part is written as often as its repeated pixels fill R lanes, for each copy.
            pixels = np.bincount(part[keep], minlength=starts.size)
            cycles = int(np.maximum(-(-pixels * right // rows) * down, 1).sum())
            return np.maximum.accumulate(highest), lowest, cycles
        offset = np.arange(part.size) - starts[part]
        writes = keep if sw > _SCATTER_PHASES else keep & (offset < sw)
        cycles = int(np.maximum(np.bincount(part[writes], minlength=starts.size), 1).sum())
        if self.phase_skew:
            # Both phases in one cycle, where their lanes fall into different banks.
            lanes = np.bincount(part[keep], minlength=starts.size)
            second = position[np.minimum(starts + 1, position.size - 1)]
            gap = (second - position[starts]) % rows
            apart = (gap >= (lanes + 1) // 2) & (rows - gap >= lanes // 2)
            cycles -= int(np.count_nonzero((lanes >= 2) & apart))
        return np.maximum.accumulate(highest), lowest, cycles

    def needed(self) -> tuple[int, Int64Array]:
        """need_offset, and the last stream block (blocks,) that each block needs; -1: none."""
        rows = self.rows
        position = np.arange(self.blocks * rows, dtype=np.int64)
        row, w = np.divmod(position, self.output.pitch)
        image, row = np.divmod(row, self.output.image_rows)
        scales, unit = self.position_scales, self.repeat[0] * self.repeat[1]
        first = (image * scales[0] + row * scales[1] + w * scales[2])[::rows]
        # The last column that a lane's taps can need of its row.
        last = w * self.strides[1] + (self.kernel[1] - 1 - self.padding[1])
        last = np.minimum(last, self.size[1] - 1)
        down, right = self.repeat
        line = row * (self.strides[0] // self.row_advance) - self.padding[0]
        need = (image * self.stream_rows + line // down) * self.source_pitch + last // right
        need = need * unit + (unit - 1)
        live = (image < self.batch) & (row < self.out_size[0]) & (w < self.out_size[1])
        distance = need.reshape(-1, rows) - first[:, None]
        offset = int(distance[live.reshape(-1, rows)].max())
        deepest = first + offset + (self.kernel[0] - 1) * self.need_step
        return offset, np.clip(deepest // (rows * unit), -1, self.stream_blocks - 1)

    def first_block(self) -> Int64Array:
        """(blocks,) plane block of q0."""
        index = np.arange(self.blocks, dtype=np.int64)
        rows = self.rows
        if not self.row_blocks:
            return (self.gather_start + index * rows) // rows
        row, column = np.divmod(index, self.row_blocks)
        image, row = np.divmod(row, self.output.image_rows)
        q0 = self.gather_start + image * self.image_positions
        q0 += row * self.plane_pitch + column * rows
        return q0 // rows


class _Measures(NamedTuple):
    """What of a walk decides between geometries; see :class:`Geometry` for the names."""

    least_ring_blocks: int
    cycles_a_channel: int
    need_offset: int
    first_need: int


class _Blocks(NamedTuple):
    """The measures, and what a set of blocks is judged by: (blocks,) reach and first block."""

    measures: _Measures
    reach: Int64Array
    first: Int64Array


# Images of a batch have millions of blocks: only what is asked for again at once is kept.
@lru_cache(maxsize=4)
def _blocks_of(walk: _Walk) -> _Blocks:
    offset, needs = walk.needed()
    highest, lowest, cycles = walk.written()
    needed = np.maximum.accumulate(needs)
    reach = np.where(needed >= 0, highest[np.maximum(needed, 0)], _NOTHING)
    first = walk.first_block()
    spread = int((highest - lowest).max())
    least = max(1, spread + 1, int((reach - first).max()) + 1)
    for array in (reach, first):
        array.flags.writeable = False
    return _Blocks(_Measures(least, cycles, offset, int(needs[0]) + 1), reach, first)


@lru_cache(maxsize=1 << 14)
def _measures_of(walk: _Walk) -> _Measures:
    return _blocks_of(walk).measures


@lru_cache(maxsize=1 << 14)
def _largest_set(walk: _Walk, ring_blocks: int) -> int:
    _, reach, first = _blocks_of(walk)
    # The first block that does not fit together with the blocks from b on.
    end = np.searchsorted(reach, first + ring_blocks, side="left")
    limited = end < walk.blocks
    if not limited.any():
        return walk.blocks
    return int((end - np.arange(walk.blocks))[limited].min())


@dataclass(frozen=True, eq=False)
class Geometry:
    """One way to bring an input of a raster to the array.

    Attributes:
        operation: the layer.
        hardware: the engine.
        batch: images.
        source: raster of the input tensor.
        strides: (sh, sw), see :meth:`Operation.stride_choices`.
        direct: the input tensor itself is the only plane.
        skip_rows: only every sh-th input row is read.
        aligned: each output row starts in a new block.
        output: raster of the output tensor.
        plane: pitch and image rows of a phase plane.
    """

    operation: Operation
    hardware: Hardware
    batch: int
    source: Raster
    strides: Pair
    direct: bool
    skip_rows: bool
    aligned: bool
    output: Raster
    plane: Raster

    @property
    def releases_rows(self) -> bool:
        """The ring holds a kernel row, not a window: each pixel is used once."""
        return False

    # ------------------------------------------------------------------ sizes
    @cached_property
    def planes(self) -> Pair:
        """Stored phase planes (planes_h, planes_w)."""
        if self.direct:
            return 1, 1
        kernel, strides = self.operation.kernel, self.strides
        return min(kernel[0], strides[0]), min(kernel[1], strides[1])

    @property
    def plane_rows(self) -> int:
        """PS: buffer rows of a plane of a block."""
        return -(-self.operation.channels_in // self.hardware.drain)

    @property
    def block_rows(self) -> int:
        """BS: buffer rows of a plane block."""
        return self.planes[0] * self.planes[1] * self.plane_rows

    @property
    def ring_blocks(self) -> int:
        """Plane blocks that the pixel buffer holds; 0: not a single one."""
        return self.hardware.pixel_rows // self.block_rows

    @property
    def positions(self) -> int:
        """Output raster positions."""
        return self.batch * self.output.image_rows * self.output.pitch

    @property
    def blocks(self) -> int:
        """M: output blocks."""
        return -(-self.positions // self.hardware.rows)

    @property
    def tail_lanes(self) -> int:
        """Live lanes of the last block."""
        return self.positions - (self.blocks - 1) * self.hardware.rows

    @cached_property
    def source_blocks(self) -> int:
        """Blocks of the input tensor."""
        positions = self.batch * self.source.image_rows * self.source.pitch
        return -(-positions // self.hardware.rows)

    # ------------------------------------------------------------------ input stream
    @property
    def row_advance(self) -> int:
        """Input rows from a row of the stream to the next."""
        return self.strides[0] if self.skip_rows else 1

    @property
    def stream_rows(self) -> int:
        """Rows of an image in the stream."""
        if not self.skip_rows:
            return self.source.image_rows
        # A single image may end early; else every image has the same whole number of rows.
        rows = self.operation.stored_size[0] if self.batch == 1 else self.source.image_rows
        return -(-rows // self.strides[0])

    @property
    def segments(self) -> int:
        """Read commands of a pass."""
        if self.operation.reads_slice:
            return self.source_blocks
        return self.batch * self.stream_rows if self.skip_rows else 1

    @property
    def segment_blocks(self) -> int:
        """Blocks of a read command."""
        if self.operation.reads_slice:
            return 1
        if self.skip_rows:
            return self.source.pitch // self.hardware.rows
        return self.source_blocks

    @property
    def stream_blocks(self) -> int:
        """Blocks of a pass's stream."""
        return self.segments * self.segment_blocks

    @cached_property
    def load(self) -> Pair:
        """(load_height, load_width): what any tap can need of an image."""
        op = self.operation
        reach = [
            (op.out_size[axis] - 1) * self.strides[axis] + op.kernel[axis] - op.padding[axis]
            for axis in (0, 1)
        ]
        stored, repeat = op.stored_size, op.repeat
        return (
            max(0, min(stored[0], -(-reach[0] // repeat[0]))),
            max(0, min(stored[1], -(-reach[1] // repeat[1]))),
        )

    @property
    def loader_cycles(self) -> float:
        """Cycles that the loader needs for a pass's stream."""
        cycles = self.stream_blocks if self.direct else _measures_of(self._walk).cycles_a_channel
        return float(cycles * self.operation.channels_in)

    # ------------------------------------------------------------------ planes and gather
    @property
    def image_positions(self) -> int:
        """Plane positions from an image to the next."""
        return self.plane.pitch * self.plane.image_rows

    @cached_property
    def phase_skew(self) -> int:
        """Lanes by which plane w' = 1 is stored further, so that a word's phases share no bank.

        With stride 2 a word's lanes fall into two runs of half the lanes. With odd R the runs are
        apart whatever phase the word begins with; with even R the skew depends on it, and words
        begin alike where the input's pitch is even.
        """
        rows = self.hardware.rows
        if self.direct or self.strides[1] != 2 or self.planes[1] != 2:
            return 0
        begins_odd = self.operation.padding[1] % 2
        skew = (rows + 1) // 2 if rows % 2 else rows // 2 + begins_odd
        return skew if skew < rows else 0

    @property
    def scatter_start(self) -> int:
        """Plane position of pixel (0, 0) of image 0, without its phase."""
        (sh, sw), (top, left) = self.strides, self.operation.padding
        return (top // sh) * self.plane.pitch + left // sw

    @property
    def gather_start(self) -> int:
        """q0 of block 0."""
        if not self.direct:
            return 0
        top, left = self.operation.padding
        return -(top * self.plane.pitch + left)

    @property
    def row_blocks(self) -> int:
        """Blocks of an output row; 0: flat."""
        return self.output.pitch // self.hardware.rows if self.aligned else 0

    @property
    def row_step(self) -> int:
        """q0 from the last block of an output row to the next row."""
        return self.plane.pitch - (self.row_blocks - 1) * self.hardware.rows

    @property
    def image_step(self) -> int:
        """q0 from the last block of an image to the next image."""
        return self.row_step + ((self.plane.image_rows - self.output.image_rows) * self.plane.pitch)

    # ------------------------------------------------------------------ flow control
    @property
    def position_unit(self) -> int:
        """What a stream position counts in the descriptor: a pixel's copies."""
        return self.operation.repeat[0] * self.operation.repeat[1]

    @property
    def _position_scales(self) -> tuple[int, int, int]:
        """Positions, in units, from an output image, row, column to the next.

        Where rows or columns are repeated the positions in between are rounded up.
        """
        down, right = self.operation.repeat
        row = self.source.pitch * (1 if self.skip_rows else self.strides[0])
        image = self.stream_rows * self.source.pitch
        column = self.strides[1] * down
        if self.operation.repeat == (1, 1):
            wide = self.operation.out_size[1] * column > _WIDE_ROWS * self.source.pitch
            # Far beside the image columns would be counted as rows to come.
            column = 0 if wide else column
        return image * self.position_unit, row * right, column

    @property
    def position_constants(self) -> tuple[int, int, int]:
        """(position_step, position_wrap_w, position_wrap_h)."""
        down, right = divmod(self.hardware.rows, self.output.pitch)
        images, down = divmod(down, self.output.image_rows)
        image, row, column = self._position_scales
        return (
            images * image + down * row + right * column,
            row - self.output.pitch * column,
            image - self.output.image_rows * row,
        )

    @property
    def need_step(self) -> int:
        """The last needed position, in units, grows so a kernel row."""
        single = self.operation.kernel[0] == 1
        return 0 if single else self.source.pitch * self.operation.repeat[1]

    @property
    def need_offset(self) -> int:
        """Last needed stream position of kernel row 0, from lane 0's."""
        return _measures_of(self._walk).need_offset

    @property
    def first_need(self) -> int:
        """Stream blocks that block 0 waits for."""
        return _measures_of(self._walk).first_need

    @cached_property
    def _walk(self) -> _Walk:
        op = self.operation
        return _Walk(
            rows=self.hardware.rows,
            batch=self.batch,
            direct=self.direct,
            strides=self.strides,
            kernel=op.kernel,
            padding=op.padding,
            size=op.size,
            out_size=op.out_size,
            repeat=op.repeat,
            load=self.load,
            planes=self.planes,
            stream_blocks=self.stream_blocks,
            stream_rows=self.stream_rows,
            row_advance=self.row_advance,
            source_pitch=self.source.pitch,
            plane_pitch=self.plane.pitch,
            image_positions=self.image_positions,
            scatter_start=self.scatter_start,
            gather_start=self.gather_start,
            phase_skew=self.phase_skew,
            blocks=self.blocks,
            output=self.output,
            row_blocks=self.row_blocks,
            position_scales=self._position_scales,
            need_step=self.need_step,
        )

    @property
    def first_block(self) -> Int64Array:
        """(blocks,) plane block of q0."""
        return _blocks_of(self._walk).first

    @property
    def reach(self) -> Int64Array:
        """(blocks,) highest plane block that is written before a block can finish."""
        return _blocks_of(self._walk).reach

    @cached_property
    def legal(self) -> bool:
        """The gather never moves back to released plane blocks."""
        if not self.aligned or (self.row_step >= 0 and self.image_step >= 0):
            return True
        return bool((np.diff(self._walk.first_block()) >= 0).all())

    @cached_property
    def least_ring_blocks(self) -> int:
        """Ring that a set of one block needs."""
        return _measures_of(self._walk).least_ring_blocks

    def largest_set(self, ring_blocks: int) -> int:
        """Largest set that a ring can hold wherever it starts; 0: not even one block."""
        if ring_blocks < self.least_ring_blocks:
            return 0
        return _largest_set(self._walk, ring_blocks)

    # ------------------------------------------------------------------ program
    def fields(self, ring_blocks: int) -> dict[str, int]:
        """The descriptor's fields that follow from the geometry, for a ring of this size."""
        op, rows = self.operation, self.hardware.rows
        (sh, sw), (top, left) = self.strides, op.padding
        out = self.output

        def buffer_rows(blocks: int) -> int:
            return blocks % ring_blocks * self.block_rows

        gather_block, gather_lane = divmod(self.gather_start, rows)
        pitch_blocks, pitch_lane = divmod(self.plane.pitch, rows)
        step, wrap_w, wrap_h = self.position_constants
        words = self.segment_blocks * op.channels_in
        stride = words * self.row_advance
        if op.reads_slice:
            stride = op.source.tensor_channels
        values = {
            "direct_load": int(self.direct),
            "kernel_height": op.kernel[0],
            "kernel_width": op.kernel[1],
            "channels_in": op.channels_in,
            "blocks": self.blocks,
            "tail_lanes": self.tail_lanes,
            "wrap_w": out.pitch * sw,
            "wrap_h": out.image_rows * sh,
            "step_w": rows % out.pitch * sw,
            "step_h": rows // out.pitch % out.image_rows * sh,
            "stride_h": sh,
            "stride_w": sw,
            "pad_top": top,
            "pad_left": left,
            "height": op.size[0],
            "width": op.size[1],
            "gather_row": buffer_rows(gather_block),
            "gather_lane": gather_lane,
            "gather_block": gather_block,
            "block_rows": self.block_rows,
            "ring_rows": ring_blocks * self.block_rows,
            "ring_blocks": ring_blocks,
            "plane_rows": self.plane_rows,
            "phase_rows": self.planes[1] * self.plane_rows,
            "pitch_rows": buffer_rows(pitch_blocks),
            "pitch_lane": pitch_lane,
            "pitch_blocks": pitch_blocks,
            "position_step": step,
            "position_wrap_w": wrap_w,
            "position_wrap_h": wrap_h,
            "need_offset": self.need_offset,
            "need_step": self.need_step,
            "segment_bytes": words * self.hardware.word_bytes,
            "segment_stride": stride * self.hardware.word_bytes,
            "segments": self.segments,
            "stream_blocks": self.stream_blocks,
            "planes_w": self.planes[1],
            "planes_h": self.planes[0],
        }
        if self.segments == 1:
            values["segment_stride"] = 0
        if self.aligned:
            row_blocks, row_lane = divmod(self.row_step, rows)
            image_blocks, image_lane = divmod(self.image_step, rows)
            values |= {
                "row_blocks": self.row_blocks,
                "image_rows": out.image_rows,
                "row_step_lane": row_lane,
                "row_step_rows": buffer_rows(row_blocks),
                "row_step_blocks": row_blocks,
                "image_step_lane": image_lane,
                "image_step_rows": buffer_rows(image_blocks),
                "image_step_blocks": image_blocks,
            }
        if not self.direct:
            scatter_block, scatter_lane = divmod(self.scatter_start, rows)
            image_blocks, image_lane = divmod(self.image_positions, rows)
            values |= {
                "input_pitch": self.source.pitch,
                "input_rows": self.stream_rows,
                "load_width": self.load[1],
                "load_height": self.load[0],
                "row_advance": self.row_advance,
                "start_phase_w": left % sw,
                "start_phase_h": top % sh,
                "scatter_row": buffer_rows(scatter_block),
                "scatter_lane": scatter_lane,
                "scatter_block": scatter_block,
                "scatter_image_rows": buffer_rows(image_blocks),
                "scatter_image_lane": image_lane,
                "scatter_image_blocks": image_blocks,
                "phase_skew": self.phase_skew,
                "copies_h": op.repeat[0] - 1,
                "copies_w": op.repeat[1] - 1,
            }
        return values


@dataclass(frozen=True, eq=False)
class StreamedGeometry(Geometry):
    """A layer that reads the stored channels of a pixel in chunks and keeps none of them.

    A 1x1 convolution of many channels, or a group of D channels of a pool whose taps lie side by
    side in the channels. To the engine a chunk is a plane block and a kernel row, released when its
    steps have been issued; output positions are input positions. Attributes: see
    :class:`Geometry`, and

        chunks: J, a divisor of the channels; the taps of a pool.
    """

    chunks: int

    @property
    def releases_rows(self) -> bool:
        """Each chunk is forgotten behind its steps."""
        return True

    @classmethod
    def of(
        cls, operation: Operation, hardware: Hardware, batch: int, source: Raster
    ) -> StreamedGeometry | None:
        """The geometry with the largest chunks of which the buffer holds three; None: none fits."""
        channels = operation.channels_in
        most = min(channels, _MAX_CHUNKS)
        divisors = [j for j in range(2, most + 1) if channels % j == 0]
        if operation.is_channelwise:
            divisors = [operation.taps] if operation.taps <= _MAX_CHUNKS else []
        for held in (3, 2, 1):
            for chunks in divisors:
                rows = -(-(channels // chunks) // hardware.drain)
                if held * rows <= hardware.pixel_rows:
                    return cls(
                        operation=operation,
                        hardware=hardware,
                        batch=batch,
                        source=source,
                        strides=(1, 1),
                        direct=True,
                        skip_rows=False,
                        aligned=False,
                        output=source,
                        plane=source,
                        chunks=chunks,
                    )
        return None

    @property
    def plane_rows(self) -> int:
        """PS: buffer rows of a chunk."""
        return -(-(self.operation.channels_in // self.chunks) // self.hardware.drain)

    @property
    def block_rows(self) -> int:
        """BS: buffer rows of a chunk."""
        return self.plane_rows

    @property
    def first_block(self) -> Int64Array:
        """(blocks,) first chunk of each block."""
        return np.arange(self.blocks, dtype=np.int64) * self.chunks

    @property
    def first_need(self) -> int:
        """Whatever the first block waits for, it is one stored block."""
        return 1

    @cached_property
    def least_ring_blocks(self) -> int:
        """A single chunk."""
        return 1

    def fields(self, ring_blocks: int) -> dict[str, int]:
        """The descriptor's fields: a kernel of ``chunks`` rows that is ``chunks`` blocks apart."""
        op, rows, chunks = self.operation, self.hardware.rows, self.chunks
        channels = op.channels_in // chunks
        step_rows = chunks % ring_blocks * self.block_rows
        word = self.hardware.word_bytes
        whole = not op.reads_slice
        return {
            "direct_load": 1,
            "release_rows": 1,
            "kernel_height": chunks,
            "kernel_width": 1,
            "channels_in": channels,
            "blocks": self.blocks,
            "tail_lanes": self.tail_lanes,
            # Each block is an image of R columns and ``chunks`` rows: no lane is masked.
            "wrap_w": rows,
            "wrap_h": 1,
            "stride_h": 1,
            "stride_w": 1,
            "height": chunks,
            "width": rows,
            "block_rows": self.block_rows,
            "ring_rows": ring_blocks * self.block_rows,
            "ring_blocks": ring_blocks,
            "plane_rows": self.plane_rows,
            "phase_rows": self.plane_rows,
            "pitch_rows": 1 % ring_blocks * self.block_rows,
            "pitch_blocks": 1,
            "row_blocks": 1,
            "image_rows": 1,
            "row_step_rows": step_rows,
            "row_step_blocks": chunks,
            "image_step_rows": step_rows,
            "image_step_blocks": chunks,
            "position_step": chunks * rows,
            "need_offset": rows - 1,
            "need_step": rows,
            "segments": 1 if whole else self.source_blocks,
            "segment_bytes": (self.source_blocks if whole else 1) * op.channels_in * word,
            "segment_stride": 0 if whole else op.source.tensor_channels * word,
            "stream_blocks": self.source_blocks * chunks,
            "planes_w": 1,
            "planes_h": 1,
        }


@dataclass(frozen=True, eq=False)
class SingleWindowGeometry(Geometry):
    """A group of D channels of a pool or depthwise layer with one window an image: all pixels.

    The pixels of an image lie one behind the other, so that they are an image of any width that
    divides their number. Each row of it is released when its steps have been issued: the image
    streams by. Each image is an output block of its own.
    """

    @property
    def releases_rows(self) -> bool:
        """Each row is forgotten behind its steps."""
        return True

    @classmethod
    def of(
        cls, operation: Operation, hardware: Hardware, batch: int, source: Raster
    ) -> SingleWindowGeometry | None:
        """The geometry with the shortest rows; None: none fits.

        The source's pitch has no gaps, and the operation's kernel is the whole image.
        """
        pixels = operation.taps
        for width in range(1, pixels + 1):
            if pixels % width or pixels // width > _MAX_CHUNKS:
                continue
            shape = pixels // width, width
            weights = operation.weights
            if weights is not None:
                weights = weights.reshape(*shape, -1)
            geometry = cls(
                operation=replace(operation, size=shape, kernel=shape, weights=weights),
                hardware=hardware,
                batch=batch,
                source=source,
                strides=(1, 1),
                direct=True,
                skip_rows=False,
                aligned=True,
                output=Raster(hardware.rows, 1),
                plane=Raster(width, 1),
            )
            fits = geometry.least_ring_blocks <= geometry.ring_blocks
            return geometry if fits else None
        return None

    @property
    def image_positions(self) -> int:
        """Plane positions from an image to the next."""
        return self.source.pitch * self.source.image_rows

    @property
    def image_step(self) -> int:
        """q0 from an image, which is a block, to the next."""
        return self.image_positions

    @property
    def first_block(self) -> Int64Array:
        """(blocks,) plane block of each image's first pixel."""
        return np.arange(self.blocks, dtype=np.int64) * self.image_positions // self.hardware.rows

    @property
    def first_need(self) -> int:
        """Stream blocks that hold the first row, at the least."""
        return -(-self.plane.pitch // self.hardware.rows)

    @cached_property
    def least_ring_blocks(self) -> int:
        """A row, wherever in a block it begins."""
        return (self.plane.pitch + self.hardware.rows - 2) // self.hardware.rows + 1

    @property
    def position_constants(self) -> tuple[int, int, int]:
        """(position_step, position_wrap_w, position_wrap_h): each block is an image further."""
        return self.image_positions, 0, 0

    @property
    def need_step(self) -> int:
        """A row needs the pixels behind the row's before."""
        return self.plane.pitch

    @property
    def need_offset(self) -> int:
        """The last pixel of the first row."""
        return self.plane.pitch - 1

    def fields(self, ring_blocks: int) -> dict[str, int]:
        """The descriptor's fields."""
        return super().fields(ring_blocks) | {"release_rows": 1}


def layout_of(shape: tuple[int, int, int, int], raster: Raster, rows: int) -> TensorLayout:
    """The layout of a tensor of ``shape`` (N, H, W, C) in ``raster``, on ``rows`` lanes."""
    return TensorLayout.of(shape, rows, pitch=raster.pitch, image_rows=raster.image_rows)


def _extent(operation: Operation, axis: int, stride: int) -> int:
    """Plane rows (columns) that the stored pixels of any one phase span."""
    pad, kernel = operation.padding[axis], operation.kernel[axis]
    reach = (operation.out_size[axis] - 1) * stride + kernel - pad
    size = max(0, min(operation.size[axis], reach))
    extent = 1
    for phase in range(min(kernel, stride)):
        # Pixels of this phase are at phase - pad, phase - pad + stride, ...
        first = (phase - pad) % stride
        if first < size:
            extent = max(extent, (size - 1 - first) // stride + 1)
    return extent


def geometries(
    operation: Operation,
    hardware: Hardware,
    batch: int,
    source: Raster,
    wanted: Collection[Raster] = (),
) -> Iterator[Geometry]:
    """All geometries of a layer whose input lies in ``source``; rings and limits unchecked.

    Output rasters are those that suit the layer and, where they can be had, those in ``wanted``.
    """
    rows = hardware.rows
    height, width = operation.out_size
    aligned_raster = Raster(-(-width // rows) * rows, height)

    def make(strides: Pair, direct: bool, skip: bool, output: Raster, plane: Raster) -> Geometry:
        aligned = output is aligned_raster
        return Geometry(
            operation, hardware, batch, source, strides, direct, skip, aligned, output, plane
        )

    for strides in operation.stride_choices():
        if strides == (1, 1) and operation.repeat == (1, 1):
            if source.pitch >= width and source.image_rows >= height:
                yield make(strides, True, False, source, source)
            yield make(strides, True, False, aligned_raster, source)
        # Phases of one image row never meet in a plane while it is as wide as the widest phase;
        # what lies beside them is masked, so padding needs no columns of its own.
        columns = _extent(operation, 1, strides[1])
        lines = max(height, _extent(operation, 0, strides[0]))
        flat = Raster(max(width, columns), lines)
        plane = Raster(max(columns, aligned_raster.pitch - rows), lines)
        skips = [False]
        if (
            operation.kernel[0] == 1
            and operation.padding[0] == 0
            and not operation.reads_slice
            and strides[0] > 1
            and source.pitch % rows == 0
            and (batch == 1 or source.image_rows % strides[0] == 0)
        ):
            skips.append(True)
        for skip in skips:
            yield make(strides, False, skip, flat, flat)
            yield make(strides, False, skip, aligned_raster, plane)
            for other in wanted:
                # A larger raster only has more lanes that are no pixel.
                fits = other.pitch >= flat.pitch and other.image_rows >= flat.image_rows
                if fits and other not in (flat, aligned_raster):
                    yield make(strides, False, skip, other, other)
