# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the pixel loader has to store for a layer: docs/architecture.md "Loading", lane by lane.

Random layers and the closed formulas of that page, nothing else: no cursor, no increments.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple


@dataclass(frozen=True)
class Shape:
    """Parameters of the engine."""

    rows: int
    drain: int
    pixel_bits: int
    pixel_rows: int

    @property
    def word_bytes(self) -> int:
        """WB: bytes of a word."""
        return -(-self.rows * self.pixel_bits // 8)


@dataclass(frozen=True)
class Target:
    """Where a lane of a word goes.

    Attributes:
        lane: of the word.
        bank: of the pixel buffer.
        row: of the pixel buffer.
        slot: channel within the entry.
        block: absolute plane block.
    """

    lane: int
    bank: int
    row: int
    slot: int
    block: int


class Copy(NamedTuple):
    """A plane position where a lane of the stream is stored.

    Attributes:
        line: image row of the stream, counted over all images.
        position: plane position.
        plane: phase plane.
        lane: of the word.
    """

    line: int
    position: int
    plane: int
    lane: int


@dataclass(frozen=True)
class Loading:
    """How one pass loads its input.

    Attributes:
        shape: the engine.
        kind: what kind of layer this is like.
        channels: CI.
        images: N.
        direct: words go to the buffer as they come.
        stride: (sh, sw).
        pad: (pad_top, pad_left).
        planes: stored phase planes (h, w).
        input_pitch: lanes of an image row in the stream.
        input_rows: rows of an image in the stream.
        load: (load_height, load_width).
        row_advance: h grows so a stream row.
        scatter: plane position of (0, 0) of image 0.
        pitch: plane pitch.
        image: plane positions from an image to the next.
        ring_blocks: plane blocks of the ring.
        segments: read commands.
        input_offset: offset of the first in its window.
        segment_stride: bytes from one to the next.
        skew: lanes by which planes w' = 1 are stored further.
        copies: (FH, FW), what a pixel is repeated to; (1, 1): no upsampling.
        constant: the input tensor lies in the program.
    """

    shape: Shape
    kind: str
    channels: int
    images: int
    direct: bool
    stride: tuple[int, int]
    pad: tuple[int, int]
    planes: tuple[int, int]
    input_pitch: int
    input_rows: int
    load: tuple[int, int]
    row_advance: int
    scatter: int
    pitch: int
    image: int
    ring_blocks: int
    segments: int
    input_offset: int
    segment_stride: int
    skew: int
    copies: tuple[int, int]
    constant: bool

    @property
    def plane_rows(self) -> int:
        """PS."""
        return -(-self.channels // self.shape.drain)

    @property
    def block_rows(self) -> int:
        """BS."""
        return self.planes[0] * self.planes[1] * self.plane_rows

    @property
    def stream_blocks(self) -> int:
        """Blocks of the stream."""
        return -(-self.images * self.input_rows * self.input_pitch // self.shape.rows)

    @property
    def block_positions(self) -> int:
        """What ``loaded_positions_o`` counts a stream block."""
        return self.shape.rows * self.copies[0] * self.copies[1]

    @property
    def words(self) -> int:
        """Words of the stream."""
        return self.stream_blocks * self.channels

    @property
    def segment_bytes(self) -> int:
        """Bytes of a read command."""
        return self.words * self.shape.word_bytes // self.segments

    @property
    def commands(self) -> list[tuple[int, int]]:
        """(offset in the window, bytes) of each read command."""
        return [
            (self.input_offset + i * self.segment_stride, self.segment_bytes)
            for i in range(self.segments)
        ]

    def fields(self, rng: random.Random) -> dict[str, int]:
        """The descriptor's fields; those that the loader must not look at get nonsense."""
        rows = self.shape.rows

        def buffer_rows(blocks: int) -> int:
            return blocks % self.ring_blocks * self.block_rows

        values = {
            "direct_load": int(self.direct),
            "input_program": int(self.constant),
            "channels_in": self.channels,
            "stride_h": self.stride[0],
            "stride_w": self.stride[1],
            "pad_top": self.pad[0],
            "pad_left": self.pad[1],
            "block_rows": self.block_rows,
            "ring_rows": self.block_rows * self.ring_blocks,
            "ring_blocks": self.ring_blocks,
            "plane_rows": self.plane_rows,
            "phase_rows": self.planes[1] * self.plane_rows,
            "input_offset": self.input_offset,
            "segment_bytes": self.segment_bytes,
            "segment_stride": self.segment_stride,
            "segments": self.segments,
            "stream_blocks": self.stream_blocks,
        }
        for name in ("gather_lane", "kernel_height", "kernel_width", "need_offset", "blocks"):
            values[name] = rng.randrange(128)
        if not self.direct:
            values["planes_h"], values["planes_w"] = self.planes
            pitch_blocks, pitch_lane = divmod(self.pitch, rows)
            scatter_block, scatter_lane = divmod(self.scatter, rows)
            image_blocks, image_lane = divmod(self.image, rows)
            values |= {
                "pitch_rows": buffer_rows(pitch_blocks),
                "pitch_lane": pitch_lane,
                "pitch_blocks": pitch_blocks,
                "input_pitch": self.input_pitch,
                "input_rows": self.input_rows,
                "load_width": self.load[1],
                "load_height": self.load[0],
                "row_advance": self.row_advance,
                "start_phase_w": self.pad[1] % self.stride[1],
                "start_phase_h": self.pad[0] % self.stride[0],
                "scatter_row": buffer_rows(scatter_block),
                "scatter_lane": scatter_lane,
                "scatter_block": scatter_block,
                "scatter_image_rows": buffer_rows(image_blocks),
                "scatter_image_lane": image_lane,
                "scatter_image_blocks": image_blocks,
                "phase_skew": self.skew,
                "copies_h": self.copies[0] - 1,
                "copies_w": self.copies[1] - 1,
            }
        return values

    def _lane(self, stream_position: int) -> Iterator[Copy]:
        """Every copy of a lane of the stream; none where it is dropped."""
        rows = self.shape.rows
        line, w = divmod(stream_position, self.input_pitch)
        lane = stream_position % rows
        if self.direct:
            yield Copy(line, stream_position, 0, lane)
            return
        (sh, sw), (top, left) = self.stride, self.pad
        image, stream_row = divmod(line, self.input_rows)
        h = stream_row * self.row_advance
        phase_h, phase_w = (h + top) % sh, (w + left) % sw
        if w >= self.load[1] or h >= self.load[0]:
            return
        if phase_h >= self.planes[0] or phase_w >= self.planes[1]:
            return
        # The bracket of the page counts pad div stride in (scatter_block, scatter_lane).
        down = ((h + top) // sh - top // sh) * self.copies[0]
        right = ((w + left) // sw - left // sw) * self.copies[1]
        place = self.scatter + image * self.image + down * self.pitch + right
        place += self.skew if phase_w == 1 else 0
        plane = phase_h * self.planes[1] + phase_w
        for i, j in itertools.product(*map(range, self.copies)):
            yield Copy(line, place + i * self.pitch + j, plane, lane)

    def _stores(self, line: int) -> bool:
        """Whether lanes of an image row of the stream may be stored."""
        h = line % self.input_rows * self.row_advance
        return h < self.load[0] and (h + self.pad[0]) % self.stride[0] < self.planes[0]

    def _block(self, block: int) -> list[Copy]:
        """Every copy of a stream block's lanes: by image rows, then by plane position."""
        rows = self.shape.rows
        lanes = map(self._lane, range(block * rows, (block + 1) * rows))
        return sorted(itertools.chain.from_iterable(lanes))

    def targets(self) -> Iterator[list[Target]]:
        """Of each word of the stream, in its order."""
        rows, drain = self.shape.rows, self.shape.drain
        for block in range(self.stream_blocks):
            copies = self._block(block)
            for channel in range(self.channels):
                word = []
                for copy in copies:
                    plane_block, bank = divmod(copy.position, rows)
                    row = plane_block % self.ring_blocks * self.block_rows
                    row += copy.plane * self.plane_rows + channel // drain
                    word.append(Target(copy.lane, bank, row, channel % drain, plane_block))
                yield word

    def least_ring(self) -> int:
        """Smallest legal ring: nothing is written below what the same ring slot already holds."""
        highest, ring = None, 1
        for block in range(self.stream_blocks):
            blocks = [copy.position // self.shape.rows for copy in self._block(block)]
            if blocks:
                highest = max(blocks) if highest is None else max(highest, *blocks)
                ring = max(ring, highest - min(blocks) + 1)
        return ring

    def setup(self) -> int:
        """Cycles before the walk: a pass's sums are made, a term a cycle."""
        phases = [0]
        for axis in (0, 1):
            phase = self.pad[axis] % self.stride[axis]
            if phase < self.planes[axis] and not self.direct:
                phases.append(phase)
        return max(*phases, self.copies[0] + 1)

    def cycles(self) -> int:
        """Cycles without stalls, at most.

        A block's first word takes the walk's or the writes', its other words the writes'.

        Writes: one an image-row segment and phase, at least one a word. Strides above 4 write lane
        by lane; with stride 2 two phases in different banks are one. Upsampling takes a write for
        each R positions of each row that a segment becomes.

        The walk: as many, but also one for each segment and phase without stored lanes, each lane
        for strides above 4; and one for each R positions of a row, whatever its copies.
        """
        if self.direct:
            return self.words
        rows = self.shape.rows
        total = 0
        for block in range(self.stream_blocks):
            lanes = range(block * rows, (block + 1) * rows)
            lines = Counter(lane // self.input_pitch for lane in lanes)
            runs: dict[int, dict[int, list[int]]] = {line: {} for line in lines}
            for copy in self._block(block):
                run = copy.plane if self.stride[1] <= 4 else copy.lane
                runs[copy.line].setdefault(run, []).append(copy.position)
            walk = writes = 0
            for line, positions in runs.items():
                banks = [{position % rows for position in run} for run in positions.values()]
                if self.stride[1] == 2 and len(banks) == 2 and not banks[0] & banks[1]:
                    walk += 1
                    writes += 1
                elif self.copies == (1, 1):
                    phases = min(self.stride[1], lines[line]) if self._stores(line) else 1
                    walk += phases if self.stride[1] <= 4 else lines[line]
                    writes += len(banks)
                else:
                    width = sum(map(len, positions.values())) // self.copies[0]
                    walk += max(1, -(-width // rows))
                    writes += self.copies[0] * -(-width // rows)
            writes = max(1, writes)
            total += max(walk, writes) + (self.channels - 1) * writes
        return total


# "stride_2": any skew. "stride_2_full": words end with image rows, and the skew fits.
KINDS = (
    "direct", "repitch", "strided", "stride_2", "stride_2_full", "wide_stride", "flatten",
    "skip_rows", "upsample",
)  # fmt: skip
MAX_WORDS = 120
MAX_CYCLES = 600


def full_rate_skew(rows: int, pad_left: int) -> int:
    """Return a skew with which no word has two lanes for a bank, if image rows begin words.

    Odd R: ceil(R/2) for words of either first phase. Even R: all words begin in the phase of
    the first lane, pad_left mod 2, and the later phase goes R/2 behind the earlier one.
    """
    if rows % 2:
        return (rows + 1) // 2 % rows
    return (rows // 2 + pad_left % 2) % rows


def random_loading(rng: random.Random, shape: Shape, kind: str) -> Loading:
    """Draw a layer of a kind that fits the pixel buffer and is short enough."""
    while True:
        loading = _draw(rng, shape, kind)
        if loading is not None:
            return loading


def _draw(rng: random.Random, shape: Shape, kind: str) -> Loading | None:
    draw = rng.randint
    rows = shape.rows
    images, channels = draw(1, 4), draw(1, 2 * shape.drain + 1)
    height, width = draw(1, 7), draw(1, 14)
    kernel = (draw(1, 5), draw(1, 5))
    stride, row_advance = (1, 1), 1
    if kind == "strided":
        stride = (draw(1, 6), draw(1, 4))
    elif kind.startswith("stride_2"):
        stride, kernel = (draw(1, 3), 2), (draw(1, 4), draw(2, 5))
        width = rows * draw(1, 2) if kind == "stride_2_full" else draw(1, 3 * rows)
    elif kind == "wide_stride":
        stride, kernel = (draw(1, 3), draw(5, 9)), (draw(1, 3), draw(1, 10))
    elif kind == "flatten":
        height, width = draw(1, 4), draw(1, 8)
        stride = kernel = (height, width)
    elif kind == "skip_rows":
        stride, kernel = (draw(2, 4), draw(1, 4)), (1, draw(1, 4))
        row_advance = stride[0]
    copies = (1, 1)
    if kind == "upsample":
        # 1 x 1 is no upsampling: the other kinds have it.
        copies = rng.choice([(h, w) for h in range(1, 6) for w in range(1, 5) if (h, w) != (1, 1)])
    pad = (0, 0)
    if kind != "flatten":
        # Negative: rows and columns that no tap reads are stored before the first plane block.
        pad = (draw(-3, kernel[0] - 1), draw(-3, kernel[1] - 1))
    planes = (min(kernel[0], stride[0]), min(kernel[1], stride[1]))
    direct = kind == "direct"
    block_rows = planes[0] * planes[1] * -(-channels // shape.drain)
    if block_rows > shape.pixel_rows:
        return None
    gap = draw(0, 1) if kind != "stride_2_full" else 0
    skew = 0
    if kind == "stride_2":
        skew = rng.choice([0, (rows + 1) // 2 % rows, draw(0, rows - 1)])
    elif kind == "stride_2_full":
        skew = full_rate_skew(rows, pad[1])
    input_pitch, input_rows = width + gap * draw(0, 4), height + gap * draw(0, 2)
    load = (height - gap * draw(0, min(2, height)), width - gap * draw(0, min(2, width)))
    columns = ((width - 1 + pad[1] % stride[1]) // stride[1] + 1) * copies[1]
    last_row = (input_rows - 1) * row_advance
    lines = ((last_row + pad[0] % stride[0]) // stride[0] + 1) * copies[0]
    pitch = columns + draw(0, 1) * draw(0, 2 * rows)
    image = lines * pitch + draw(0, 1) * draw(0, 3 * rows)
    loading = Loading(
        shape=shape,
        kind=kind,
        channels=channels,
        images=images,
        direct=direct,
        stride=stride,
        pad=pad,
        planes=planes,
        input_pitch=input_pitch,
        input_rows=input_rows,
        load=load,
        row_advance=row_advance,
        scatter=draw(-3 * rows, 5 * rows),
        pitch=pitch,
        image=image,
        ring_blocks=1,
        segments=1,
        input_offset=draw(0, 5000),
        segment_stride=0,
        skew=skew,
        copies=copies,
        constant=rng.random() < 0.3,
    )
    least, most = loading.least_ring(), shape.pixel_rows // block_rows
    if loading.words > MAX_WORDS or loading.cycles() > MAX_CYCLES or least > most:
        return None
    segments = rng.choice([n for n in range(1, 9) if loading.stream_blocks % n == 0])
    return replace(
        loading,
        ring_blocks=rng.choice([least, most, draw(least, most), draw(least, min(most, least + 3))]),
        segments=segments,
        segment_stride=loading.words * shape.word_bytes // segments + draw(0, 99),
    )
