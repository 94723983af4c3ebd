# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The steps of a layer in their order: the loop nest of docs/architecture.md, in closed formulas.

Nothing here counts along: every position is computed from the block's number and the tap.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from corewright.program.format import Opcode


@dataclass(frozen=True)
class Shape:
    """Parameters of the sequencer."""

    rows: int
    drain: int
    words: int
    word_bytes: int
    pixel_rows: int
    max_beats: int
    bias_rows: int


@dataclass(frozen=True)
class Tile:
    """What a tile's last step announces."""

    beats: int
    channels: int
    bias_row: int
    offset: int
    size: int
    last: bool


@dataclass(frozen=True)
class Step:
    """One array step.

    Attributes:
        new_pass: it is the first of a pass.
        first: it starts a tile.
        last: it ends a tile.
        row: buffer row of the lanes before the wrap.
        row_next: of those behind it, if any.
        lane: bank of lane 0.
        slot: channel within an entry; None where all are read (pools).
        mask: bit r: lane r is inside the image.
        need: last stream position that it needs.
        weight: (group, k) of its weight row; None without weights.
        released: plane blocks before this one are free by now.
        tile: set where ``last``.
    """

    new_pass: bool
    first: bool
    last: bool
    row: int
    row_next: int
    lane: int
    slot: int | None
    mask: int
    need: int
    weight: tuple[int, int] | None
    released: int
    tile: Tile | None


@dataclass(frozen=True)
class Layer:
    """A layer as the sequencer sees it.

    Attributes:
        shape: the engine.
        opcode: what the steps do.
        kernel: (KH, KW).
        stride: (sh, sw).
        pad: (pad_top, pad_left).
        size: (H, W) of the input.
        channels_in: CI.
        channels_out: CO.
        group_channels: channels of a full group.
        images: N.
        out_rows: rows of an image in the output raster.
        out_pitch: pitch of the output raster.
        aligned: the pitch is a multiple of R and each row starts a block.
        planes: (planes_h, planes_w).
        gather: q0 of block 0.
        pitch: plane pitch.
        image: plane positions from an image to the next.
        ring_blocks: plane blocks of the ring.
        stream_pitch: positions of an image row in the stream.
        stream_rows: rows of an image in the stream.
        down: stream rows from an output row to the next.
        need_offset: see the format.
        need_step: see the format.
        stream_blocks: blocks of the stream.
        set_blocks: blocks of a set.
        groups_per_pass: groups of a pass.
        resident: a pass's weights stay.
        streamed: weights are read for each block.
        output_offset: of the output tensor.
        output_block_bytes: from a block to the next.
        output_group_bytes: from a group to the next.
        skew: lanes by which planes w' = 1 are read further.
        row_step: plane positions from an output row to the next, where ``aligned``.
        release_rows: each kernel row of a pass's last group releases what lies before the next.
    """

    shape: Shape
    opcode: Opcode
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    size: tuple[int, int]
    channels_in: int
    channels_out: int
    group_channels: int
    images: int
    out_rows: int
    out_pitch: int
    aligned: bool
    planes: tuple[int, int]
    gather: int
    pitch: int
    image: int
    ring_blocks: int
    stream_pitch: int
    stream_rows: int
    down: int
    need_offset: int
    need_step: int
    stream_blocks: int
    set_blocks: int
    groups_per_pass: int
    resident: bool
    streamed: bool
    output_offset: int
    output_block_bytes: int
    output_group_bytes: int
    skew: int
    row_step: int
    release_rows: bool

    @property
    def conv(self) -> bool:
        """It sums over channels."""
        return self.opcode is Opcode.CONV

    @property
    def weighted(self) -> bool:
        """It multiplies with weights."""
        return self.opcode in (Opcode.CONV, Opcode.DEPTHWISE)

    @property
    def groups(self) -> int:
        """G."""
        return -(-self.channels_out // self.group_channels)

    @property
    def last_group_channels(self) -> int:
        """Channels of the last group."""
        return self.channels_out - (self.groups - 1) * self.group_channels

    @property
    def positions(self) -> int:
        """Output positions."""
        return self.images * self.out_rows * self.out_pitch

    @property
    def blocks(self) -> int:
        """M."""
        return -(-self.positions // self.shape.rows)

    @property
    def steps_a_tile(self) -> int:
        """K."""
        return self.kernel[0] * self.kernel[1] * (self.channels_in if self.conv else 1)

    @property
    def plane_rows(self) -> int:
        """PS."""
        return -(-self.channels_in // self.shape.drain)

    @property
    def block_rows(self) -> int:
        """BS."""
        return self.planes[0] * self.planes[1] * self.plane_rows

    @property
    def row_blocks(self) -> int:
        """Blocks of an output row."""
        return self.out_pitch // self.shape.rows

    def passes(self) -> Iterator[range]:
        """Groups of each pass."""
        for first in range(0, self.groups, self.groups_per_pass):
            yield range(first, min(first + self.groups_per_pass, self.groups))

    def sets(self) -> Iterator[range]:
        """Blocks of each set."""
        for first in range(0, self.blocks, self.set_blocks):
            yield range(first, min(first + self.set_blocks, self.blocks))

    def start_of(self, block: int) -> int:
        """q0: plane position of lane 0's first tap."""
        rows = self.shape.rows
        if not self.aligned:
            return self.gather + block * rows
        row, column = divmod(block, self.row_blocks)
        image, row = divmod(row, self.out_rows)
        return self.gather + image * self.image + row * self.row_step + column * rows

    def _coordinates(self, position: int) -> tuple[int, int, int]:
        """(n, ho, wo) of an output position."""
        row, wo = divmod(position, self.out_pitch)
        image, ho = divmod(row, self.out_rows)
        return image, ho, wo

    def mask(self, block: int, kh: int, kw: int) -> int:
        """Lanes of a block whose tap lies inside the image."""
        mask = 0
        for lane in range(self.shape.rows):
            position = block * self.shape.rows + lane
            _, ho, wo = self._coordinates(position)
            h = ho * self.stride[0] + kh - self.pad[0]
            w = wo * self.stride[1] + kw - self.pad[1]
            inside = 0 <= h < self.size[0] and 0 <= w < self.size[1]
            mask |= int(inside and position < self.positions) << lane
        return mask

    def need(self, block: int, kh: int) -> int:
        """Last stream position that a kernel row of a block needs."""
        image, ho, wo = self._coordinates(block * self.shape.rows)
        row = image * self.stream_rows + ho * self.down
        position = row * self.stream_pitch + wo * self.stride[1]
        return position + self.need_offset + kh * self.need_step

    def tile(self, block: int, group: int) -> Tile:
        """What ends with the last step of a tile."""
        drain, last = self.shape.drain, group == self.groups - 1
        channels = self.last_group_channels if last else self.group_channels
        offset = self.output_offset + block * self.output_block_bytes
        return Tile(
            beats=-(-channels // self.shape.words),
            channels=channels,
            bias_row=group * -(-self.group_channels // drain) % (1 << self._bias_bits),
            offset=offset + group * self.output_group_bytes,
            size=channels * self.shape.word_bytes,
            last=last and block == self.blocks - 1,
        )

    @property
    def _bias_bits(self) -> int:
        return max(1, (self.shape.bias_rows - 1).bit_length())

    def taps(self) -> Iterator[tuple[int, int, int]]:
        """(kh, kw, c) of each step of a tile."""
        for kh in range(self.kernel[0]):
            for kw in range(self.kernel[1]):
                for c in range(self.channels_in if self.conv else 1):
                    yield kh, kw, c

    def steps(self) -> Iterator[Step]:
        """All steps in their order."""
        rows, drain = self.shape.rows, self.shape.drain
        (sh, sw), taps = self.stride, list(self.taps())
        for groups in self.passes():
            released, new_pass = self.gather // rows, True
            for blocks in self.sets():
                for group in groups:
                    for block in blocks:
                        for k, (kh, kw, c) in enumerate(taps):
                            start = self.start_of(block) + kh // sh * self.pitch + kw // sw
                            start += self.skew if kw % sw == 1 else 0
                            plane_block, lane = divmod(start, rows)
                            plane = kh % sh * self.planes[1] + kw % sw
                            inside = plane * self.plane_rows
                            inside += c // drain if self.conv else group
                            last = k == len(taps) - 1
                            yield Step(
                                new_pass=new_pass,
                                first=k == 0,
                                last=last,
                                row=plane_block % self.ring_blocks * self.block_rows + inside,
                                row_next=(plane_block + 1) % self.ring_blocks * self.block_rows
                                + inside,
                                lane=lane,
                                slot=c % drain if self.conv else None,
                                mask=self.mask(block, kh, kw),
                                need=self.need(block, kh),
                                weight=(group, k) if self.weighted else None,
                                released=released,
                                tile=self.tile(block, group) if last else None,
                            )
                            new_pass = False
                            row_end = k + 1 < len(taps) and taps[k + 1][0] > kh
                            if self.release_rows and group == groups[-1] and row_end:
                                row = self.start_of(block) + (kh + 1) // sh * self.pitch
                                released = row // rows
                        if group == groups[-1]:
                            released = self.start_of(block + 1) // rows

    def weight_rows(self) -> Iterator[tuple[int, int]]:
        """(group, k) of the rows in the order in which they arrive in the ring."""
        for groups in self.passes():
            for number, blocks in enumerate(self.sets()):
                if number and self.resident:
                    break
                for group in groups:
                    for _ in blocks if self.streamed else (0,):
                        for k in range(self.steps_a_tile):
                            yield group, k

    def rows_held(self) -> int:
        """Weight rows that the ring has to hold at a time."""
        if self.streamed:
            return 1
        return self.steps_a_tile * (self.groups_per_pass if self.resident else 1)

    def fields(self) -> dict[str, int]:
        """The descriptor's fields that the sequencer reads."""
        rows, (sh, sw) = self.shape.rows, self.stride

        def distance(position: int) -> tuple[int, int, int]:
            block, lane = divmod(position, rows)
            return block, lane, block % self.ring_blocks * self.block_rows

        gather_block, gather_lane, gather_row = distance(self.gather)
        pitch_blocks, pitch_lane, pitch_rows = distance(self.pitch)
        down, right = divmod(rows, self.out_pitch)
        images, down = divmod(down, self.out_rows)
        row = self.down * self.stream_pitch
        image = self.stream_rows * self.stream_pitch
        values = {
            "opcode": int(self.opcode),
            "weights_resident": int(self.resident),
            "weights_streamed": int(self.streamed),
            "release_rows": int(self.release_rows),
            "kernel_height": self.kernel[0],
            "kernel_width": self.kernel[1],
            "channels_in": self.channels_in,
            "groups": self.groups,
            "group_channels": self.group_channels,
            "last_group_channels": self.last_group_channels,
            "blocks": self.blocks,
            "set_blocks": self.set_blocks,
            "groups_per_pass": self.groups_per_pass,
            "tail_lanes": self.positions - (self.blocks - 1) * rows,
            "wrap_w": self.out_pitch * sw,
            "wrap_h": self.out_rows * sh,
            "step_w": right * sw,
            "step_h": down * sh,
            "stride_h": sh,
            "stride_w": sw,
            "pad_top": self.pad[0],
            "pad_left": self.pad[1],
            "height": self.size[0],
            "width": self.size[1],
            "gather_row": gather_row,
            "gather_lane": gather_lane,
            "gather_block": gather_block,
            "block_rows": self.block_rows,
            "ring_rows": self.ring_blocks * self.block_rows,
            "ring_blocks": self.ring_blocks,
            "plane_rows": self.plane_rows,
            "phase_rows": self.planes[1] * self.plane_rows,
            "pitch_rows": pitch_rows,
            "pitch_lane": pitch_lane,
            "pitch_blocks": pitch_blocks,
            "position_step": images * image + down * row + right * sw,
            "position_wrap_w": row - self.out_pitch * sw,
            "position_wrap_h": image - self.out_rows * row,
            "need_offset": self.need_offset,
            "need_step": self.need_step,
            "stream_blocks": self.stream_blocks,
            "output_offset": self.output_offset,
            "output_block_bytes": self.output_block_bytes,
            "output_group_bytes": self.output_group_bytes,
            "weight_rows": self.steps_a_tile if self.weighted else 0,
            "phase_skew": self.skew,
        }
        if self.aligned:
            row_step = self.row_step - (self.row_blocks - 1) * rows
            blocks, lane, buffer_rows = distance(row_step)
            image_step = row_step + self.image - self.out_rows * self.row_step
            image_blocks, image_lane, image_buffer_rows = distance(image_step)
            values |= {
                "row_blocks": self.row_blocks,
                "image_rows": self.out_rows,
                "row_step_blocks": blocks,
                "row_step_lane": lane,
                "row_step_rows": buffer_rows,
                "image_step_blocks": image_blocks,
                "image_step_lane": image_lane,
                "image_step_rows": image_buffer_rows,
            }
        return values


KINDS = (
    "flat", "aligned", "dense", "flatten", "max_pool", "average_pool", "sum_pool", "depthwise",
    "split",
)  # fmt: skip
MAX_STEPS = 700


def random_layer(rng: random.Random, shape: Shape, kind: str) -> Layer:
    """Draw a layer of a kind that fits the buffers and is short enough."""
    while True:
        layer = _draw(rng, shape, kind)
        if layer is not None and layer.blocks * layer.groups * layer.steps_a_tile <= MAX_STEPS:
            return layer


def _draw(rng: random.Random, shape: Shape, kind: str) -> Layer | None:
    draw = rng.randint
    rows, drain = shape.rows, shape.drain
    depthwise = kind == "depthwise"
    by_group = depthwise or kind.endswith("pool")
    opcode = Opcode[kind.upper()] if by_group else Opcode.CONV
    stride = (draw(1, 3), draw(1, 3)) if draw(0, 1) else (1, 1)
    kernel = (draw(1, 4), draw(1, 4))
    if draw(0, 2) == 0:
        stride, kernel = (stride[0], 2), (kernel[0], draw(2, 5))
    images = draw(1, 4)
    out_rows, out_pitch = draw(1, 6), draw(1, 2 * rows + 3)
    group_channels = shape.max_beats * shape.words
    channels_in, channels_out = draw(1, 2 * drain + 1), draw(1, 3 * group_channels)
    if by_group:
        channels_out, group_channels = channels_in, drain
    if kind == "dense":
        stride = kernel = (1, 1)
        out_rows = out_pitch = 1
        images = draw(1, 4 * rows)
        channels_in = draw(1, 6 * drain)
    elif kind == "flatten":
        stride = kernel = (draw(1, 4), draw(1, 7))
        out_rows = out_pitch = 1
        images = draw(1, 3 * rows)
    elif kind == "split":
        # A 1x1 convolution in parts: kernel row j takes the channels of part j.
        stride, kernel = (1, 1), (draw(1, 6), 1)
    split = kind == "split"
    aligned = kind in ("aligned", "split") or (by_group and bool(draw(0, 1)))
    if aligned:
        out_pitch = rows if split else draw(1, 3) * rows
    pad = (draw(-4, kernel[0] - 1), draw(-4, kernel[1] - 1))
    size = (draw(1, out_rows * stride[0] + 2), draw(1, out_pitch * stride[1] + 2))
    planes = (min(kernel[0], stride[0]), min(kernel[1], stride[1]))
    block_rows = planes[0] * planes[1] * -(-channels_in // drain)
    if block_rows > shape.pixel_rows:
        return None
    pitch = max(1, out_pitch - rows + draw(0, 2 * rows)) if aligned else out_pitch
    row_step = pitch
    if split:
        # The parts of a block lie in plane blocks one behind the other.
        pitch, row_step = rows, kernel[0] * rows
    image = out_rows * row_step + draw(0, 2) * draw(0, pitch)
    groups = -(-channels_out // group_channels)
    most = shape.pixel_rows // block_rows
    blocks = -(-images * out_rows * out_pitch // rows)
    mode = draw(0, 3)
    weighted = depthwise or not by_group
    resident, streamed = weighted and mode == 1, weighted and mode == 2
    stream_rows, stream_pitch = draw(1, 9), draw(1, 20)
    group_bytes = group_channels * shape.word_bytes + draw(0, 1) * draw(0, 9)
    if groups * -(-group_channels // drain) > shape.bias_rows:
        return None
    return Layer(
        shape=shape,
        opcode=opcode,
        kernel=kernel,
        stride=stride,
        pad=pad,
        size=size,
        channels_in=channels_in,
        channels_out=channels_out,
        group_channels=group_channels,
        images=images,
        out_rows=out_rows,
        out_pitch=out_pitch,
        aligned=aligned,
        planes=planes,
        gather=draw(-4 * rows, 3 * rows),
        pitch=pitch,
        image=image,
        ring_blocks=draw(1, min(4, most) if split else most),
        stream_pitch=stream_pitch,
        stream_rows=stream_rows,
        down=rng.choice([1, stride[0]]),
        need_offset=draw(-2 * stream_pitch, 3 * stream_pitch),
        need_step=draw(0, stream_pitch),
        stream_blocks=max(1, images * stream_rows * stream_pitch // rows),
        set_blocks=rng.choice([1, blocks, draw(1, blocks), draw(1, 2 * blocks)]),
        groups_per_pass=rng.choice([1, groups, draw(1, groups), draw(1, 2 * groups)]),
        resident=resident,
        streamed=streamed,
        output_offset=draw(0, 10_000),
        output_block_bytes=rng.choice([draw(0, 2000), groups * group_bytes]),
        output_group_bytes=group_bytes,
        skew=rng.choice([0, (rows + 1) // 2 % rows, draw(0, rows - 1)]) if stride[1] == 2 else 0,
        row_step=row_step,
        release_rows=split or draw(0, 2) == 0,
    )
