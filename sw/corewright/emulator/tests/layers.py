# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Random layers with hand-derived descriptors, and the plain formula they must equal.

This is not the compiler: it takes no care of speed or of buffers (it finds the smallest ring by
trying the stream out, lane by lane), and it shares no code with the emulator.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from corewright.facts.widths import word_bytes
from corewright.program.format import DESCRIPTOR_BYTES, HEADER_BYTES, Opcode, encode_program
from corewright.program.tensor import TensorLayout, pack_words


@dataclass(frozen=True)
class Machine:
    """Hardware parameters of a test."""

    rows: int = 5
    columns: int = 6
    drain: int = 2
    bits_input: int = 8
    bits_weights: int = 4
    bits_sum: int = 24
    pixel_rows: int = 4096
    weight_rows: int = 512
    bias_rows: int = 64
    hash: int = 0x1234ABCD
    unit_bytes: int = 1

    @property
    def post_bits(self) -> int:
        return self.bits_sum + 8

    @property
    def word_bytes(self) -> int:
        return word_bytes(self.rows, self.bits_input)


def limits(bits: int) -> tuple[int, int]:
    """(smallest, largest) element of words of this many bits."""
    return (-1, 1) if bits == 1 else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def draw_elements(rng: np.random.Generator, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    """Random elements of words; a single bit is +1 or -1."""
    if bits == 1:
        return rng.choice([-1, 1], shape)
    low, high = limits(bits)
    return rng.integers(low, high + 1, shape)


def as_weight(pixel: int, bits: int) -> int:
    """The weight of ``bits`` bits that a pixel in the arena becomes."""
    if bits == 1:
        return -1 if pixel < 0 else 1
    low = pixel % (1 << bits)
    return low - (1 << bits) * (low >> (bits - 1))


@dataclass
class Case:
    """One layer: its shape as a network sees it, and choices that a compiler would make."""

    machine: Machine
    opcode: Opcode
    shape: tuple[int, int, int, int]
    channels_out: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    out: tuple[int, int]
    row_aligned: bool = False
    direct: bool = True
    input_pitch: int | None = None
    input_rows: int | None = None
    round_first: bool = False
    output: str = "contiguous"
    shift: int = 5
    negative_shift: int = 7
    pre_shift: int = 2
    bias: bool = True
    skip_rows: bool = False
    set_blocks: int | None = None
    groups_per_pass: int | None = None
    shift_plane: int = 0
    add: tuple[int, int, int, int] | None = None
    add_gap: int = 0
    # Upsampling; kernel rows that a 1x1 convolution's channels are split into; constants.
    copies: tuple[int, int] = (1, 1)
    split: int = 1
    input_program: bool = False
    # Weights are channels of a tensor in the arena, with others (before, behind) these.
    weights_arena: tuple[int, int] | None = None
    x: np.ndarray = field(init=False)
    weights: np.ndarray = field(init=False)
    biases: np.ndarray = field(init=False)
    operand: np.ndarray = field(init=False)
    factor: np.ndarray = field(init=False)

    @property
    def width(self) -> int:
        """Channels of a full group."""
        return self.machine.columns if self.opcode is Opcode.CONV else self.machine.drain

    @property
    def has_weights(self) -> bool:
        return self.opcode in (Opcode.CONV, Opcode.DEPTHWISE)

    @property
    def has_bias(self) -> bool:
        return self.bias and self.opcode is not Opcode.AVERAGE_POOL

    def draw(self, rng: np.random.Generator) -> Case:
        """Draws pixels, weights and biases."""
        m = self.machine
        self.x = draw_elements(rng, m.bits_input, self.shape)
        inputs = (self.shape[3],) if self.opcode is Opcode.CONV else ()
        shape: tuple[int, ...] = (*self.kernel, *inputs, self.channels_out)
        self.weights = draw_elements(rng, m.bits_weights, shape)
        if self.weights_arena is not None:
            before, behind = self.weights_arena
            stored = before + self.shape[3] + behind
            self.factor = draw_elements(rng, m.bits_input, (1, 1, self.channels_out, stored))
            taken = self.factor[0, 0, :, before : before + self.shape[3]].T
            convert = np.vectorize(as_weight, otypes=[np.int64])
            self.weights = convert(taken, m.bits_weights).reshape(self.weights.shape)
        self.biases = rng.integers(-3000, 3000, self.channels_out)
        if m.bits_input == 1:
            # Signs of small sums, not of biases.
            self.biases //= 500
        shape = (self.shape[0], *self.out, self.channels_out)
        self.operand = draw_elements(rng, m.bits_input, shape)
        return self

    # --- the plain formula ---

    def expected(self) -> np.ndarray:
        image = self.x.repeat(self.copies[0], axis=1).repeat(self.copies[1], axis=2)
        (n_n, h_n, w_n, _), (ho_n, wo_n) = image.shape, self.out
        y = np.zeros((n_n, ho_n, wo_n, self.channels_out), dtype=np.int64)
        for n, ho, wo in np.ndindex(n_n, ho_n, wo_n):
            taps = []
            for kh, kw in np.ndindex(*self.kernel):
                h = ho * self.stride[0] + kh - self.pad[0]
                w = wo * self.stride[1] + kw - self.pad[1]
                if 0 <= h < h_n and 0 <= w < w_n:
                    taps.append((image[n, h, w], self.weights[kh, kw]))
            for co in range(self.channels_out):
                y[n, ho, wo, co] = self._pixel(taps, co)
                if self.add is not None:
                    own, other, *shifts = self.add
                    value = (int(y[n, ho, wo, co]) << own) + (
                        int(self.operand[n, ho, wo, co]) << other
                    )
                    y[n, ho, wo, co] = self._round(Fraction(value), *shifts)
        return y

    def _pixel(self, taps, co: int) -> int:
        if self.opcode is Opcode.CONV:
            total = sum(int(x @ w[:, co]) for x, w in taps)
        elif self.opcode is Opcode.MAX_POOL:
            total = max(int(x[co]) for x, _ in taps)
        elif self.opcode is Opcode.SUM_POOL:
            total = sum(int(x[co]) for x, _ in taps)
        elif self.opcode is Opcode.DEPTHWISE:
            total = sum(int(x[co] * w[co]) for x, w in taps)
        else:
            mean = Fraction(sum(int(x[co]) for x, _ in taps), len(taps))
            value = Fraction(round(mean) if self.round_first else mean) * 2**self.pre_shift
            return self._round(value, self.shift, self.negative_shift)
        bias = int(self.biases[co]) if self.bias else 0
        value = Fraction((total << self.pre_shift) + bias)
        return self._round(value, self.shift, self.negative_shift)

    def _round(self, value: Fraction, shift: int, negative_shift: int) -> int:
        shift = negative_shift if value < 0 else shift
        # Python rounds a Fraction half to even.
        clipped = min(max(round(value / 2**shift), self.clip[0]), self.clip[1])
        if self.machine.bits_input == 1:
            return -1 if clipped < 0 else 1
        return clipped

    @property
    def clip(self) -> tuple[int, int]:
        """Limits of the result."""
        bits = self.machine.bits_input
        low, high = limits(bits)
        return (low, high) if bits == 1 else (low + 1, high)

    # --- geometry ---

    def input_layout(self) -> TensorLayout:
        return TensorLayout.of(
            self.shape, self.machine.rows, pitch=self.input_pitch, image_rows=self.input_rows
        )

    def _plane_size(self) -> tuple[int, int]:
        """(image rows, pitch) of the phase planes."""
        if self.direct:
            layout = self.input_layout()
            return layout.image_rows, layout.pitch
        sizes = []
        for axis in (0, 1):
            pad, stride = self.pad[axis], self.stride[axis]
            size = self.shape[1 + axis] * self.copies[axis]
            last = (size - 1 + pad) // stride - pad // stride
            sizes.append(max(last + 1, self.out[axis]))
        return sizes[0], sizes[1]

    def output_layout(self) -> TensorLayout:
        rows = self.machine.rows
        if self.row_aligned:
            image_rows, pitch = self.out[0], -(-self.out[1] // rows) * rows
        else:
            image_rows, pitch = self._plane_size()
        shape = (self.shape[0], *self.out, self.channels_out)
        return TensorLayout.of(shape, rows, pitch=pitch, image_rows=image_rows)

    def _stream_position(self, n: int, h: int, w: int) -> int:
        layout = self.input_layout()
        if self.skip_rows:
            return (n * len(range(0, layout.image_rows, 2)) + h // 2) * layout.pitch + w
        return (n * layout.image_rows + h) * layout.pitch + w

    # --- the descriptor ---

    def descriptor(
        self, input_offset: int, output_offset: int, streams_offset: int
    ) -> dict[str, int]:
        """All fields, with the smallest legal ring."""
        m, rows = self.machine, self.machine.rows
        (kh_n, kw_n), (sh, sw), (pt, pl) = self.kernel, self.stride, self.pad
        channels_in = self.shape[3] // self.split
        copies_h, copies_w = self.copies
        in_layout, out_layout = self.input_layout(), self.output_layout()
        plane_image_rows, plane_pitch = self._plane_size()
        conv = self.opcode is Opcode.CONV
        width = self.width
        groups = -(-self.channels_out // width)
        last = self.channels_out - (groups - 1) * width
        steps = kh_n * kw_n * (self.shape[3] if conv else 1)
        planes = (1, 1) if self.direct else (min(kh_n, sh), min(kw_n, sw))
        pitch, image_rows = out_layout.pitch, out_layout.image_rows
        out_row_blocks = pitch // rows if self.row_aligned else 0
        before = (pt // sh) * plane_pitch + pl // sw
        gather = self.shift_plane * (not self.direct) - before
        words = m.word_bytes
        blocks = out_layout.blocks
        set_blocks = min(self.set_blocks or blocks, blocks)
        per_pass = min(self.groups_per_pass or groups, groups)
        image_in = plane_image_rows * plane_pitch
        stream_pitch = in_layout.pitch
        stream_rows = in_layout.image_rows
        segments, segment = 1, in_layout.nbytes(rows, m.bits_input)
        stride = 0
        if self.skip_rows:
            # Only even image rows are read, each of whole blocks.
            stream_rows = len(range(0, in_layout.image_rows, 2))
            row = stream_pitch // rows * self.shape[3] * words
            segments, segment, stride = self.shape[0] * stream_rows, row, 2 * row
        ring_scale = planes[0] * planes[1] * -(-channels_in // m.drain)
        d = {
            "opcode": int(self.opcode),
            "last_layer": 1,
            "layer_index": 0,
            "direct_load": int(self.direct),
            "bias_enable": int(self.has_bias),
            "round_first": int(self.round_first),
            "kernel_height": kh_n,
            "kernel_width": kw_n,
            "channels_in": channels_in,
            "groups": groups,
            "group_channels": width,
            "last_group_channels": last,
            "blocks": blocks,
            "set_blocks": set_blocks,
            "groups_per_pass": per_pass,
            "tail_lanes": out_layout.positions - (blocks - 1) * rows,
            "wrap_w": pitch * sw,
            "wrap_h": image_rows * sh,
            "step_w": rows % pitch * sw,
            "step_h": rows // pitch % image_rows * sh,
            "stride_h": sh,
            "stride_w": sw,
            "pad_top": pt,
            "pad_left": pl,
            "height": self.shape[1] * copies_h,
            "width": self.shape[2] * copies_w,
            "row_blocks": out_row_blocks,
            "image_rows": image_rows if self.row_aligned else 0,
            "plane_rows": -(-channels_in // m.drain),
            "phase_rows": planes[1] * -(-channels_in // m.drain),
            "block_rows": ring_scale,
            "input_offset": input_offset,
            "segments": segments,
            "segment_bytes": segment,
            "segment_stride": stride,
            "stream_blocks": segments * segment // (channels_in * words),
            "output_offset": output_offset,
            "output_bytes": blocks * self.channels_out * words,
            "pre_shift": self.pre_shift,
            "shift": self.shift,
            "negative_shift": self.negative_shift,
            "clip_low": self.clip[0],
            "clip_high": self.clip[1],
            "input_program": int(self.input_program),
        }
        d |= self._position_steps(pitch, image_rows, stream_pitch, stream_rows)
        if not self.direct:
            d |= {
                "input_pitch": stream_pitch,
                "input_rows": stream_rows,
                "load_width": self.shape[2],
                "load_height": self.shape[1],
                "row_advance": 2 if self.skip_rows else 1,
                "start_phase_w": pl % sw,
                "start_phase_h": pt % sh,
                "planes_w": planes[1],
                "planes_h": planes[0],
                "copies_h": copies_h - 1,
                "copies_w": copies_w - 1,
            }
        if self.output == "gaps":
            d["output_group_bytes"] = width * words + 3
            d["output_block_bytes"] = groups * d["output_group_bytes"] + 5
        elif self.output == "group_major":
            d["output_block_bytes"] = width * words
            d["output_group_bytes"] = width * words * blocks
        else:
            d["output_group_bytes"] = width * words
            d["output_block_bytes"] = self.channels_out * words
            d["output_contiguous"] = int(groups == 1 or (per_pass == groups and set_blocks == 1))
        d |= self._stream_fields(groups, last, steps, streams_offset)
        if self.has_weights:
            d["weights_resident"] = int(per_pass * steps <= m.weight_rows and per_pass % 2)
            d["weights_streamed"] = int(steps > m.weight_rows)
        if self.split > 1:
            # Each block is an "image" of one row of R pixels; its parts are rows of an input image.
            d |= {
                "release_rows": 1,
                "kernel_height": self.split,
                "wrap_w": rows,
                "wrap_h": 1,
                "step_w": 0,
                "step_h": 0,
                "height": self.split,
                "width": rows,
                "row_blocks": 1,
                "image_rows": 1,
                "position_step": self.split * rows,
                "position_wrap_w": 0,
                "position_wrap_h": 0,
                "need_offset": 0,
                "need_step": rows,
            }
            plane_pitch, image_in = rows, self.split * rows
            out_row_blocks = image_rows = 1

        d["ring_blocks"] = self._smallest_ring(d, gather, plane_pitch, image_in)
        d["ring_rows"] = d["ring_blocks"] * ring_scale

        def distance(name: str, position: int, *, single: bool = False) -> None:
            block, lane = divmod(position, rows)
            s = "" if single else "s"
            d[f"{name}_block{s}"] = block
            d[f"{name}_lane"] = lane
            d[f"{name}_row{s}"] = block * ring_scale % d["ring_rows"]

        distance("gather", gather, single=True)
        distance("pitch", plane_pitch)
        if d["row_blocks"]:
            to_row_end = (out_row_blocks - 1) * rows
            distance("row_step", plane_pitch - to_row_end)
            distance("image_step", image_in - (image_rows - 1) * plane_pitch - to_row_end)
        if not self.direct:
            distance("scatter", self.shift_plane, single=True)
            distance("scatter_image", image_in)
        return d

    def _position_steps(
        self, pitch: int, image_rows: int, stream_pitch: int, stream_rows: int
    ) -> dict[str, int]:
        """How lane 0's stream position moves, and the last position that a kernel row needs."""
        rows, (sh, sw) = self.machine.rows, self.stride
        copies_h, copies_w = self.copies
        copies = copies_h * copies_w
        # skip_rows has sh = 2 and reads every second image row: one stream row an output row.
        down = 1 if self.skip_rows else sh
        image = stream_rows * stream_pitch
        images, h = divmod(rows // pitch, image_rows)
        # In parts of a stream position: one pixel to the right, one row down, one image further.
        right_step, down_step, image_step = (
            sw * copies_h,
            down * stream_pitch * copies_w,
            image * copies,
        )
        d = {
            "position_step": rows % pitch * right_step + h * down_step + images * image_step,
            "position_wrap_w": down_step - pitch * right_step,
            "position_wrap_h": image_step - image_rows * down_step,
            "need_step": stream_pitch * copies_w,
        }
        layout = self.output_layout()

        def raster(p: int) -> tuple[int, int, int]:
            row, w = divmod(p, pitch)
            n, h = divmod(row, image_rows)
            return n, h, w

        needs = [0]
        for p in range(layout.positions):
            n, ho, wo = raster(p)
            if ho >= self.out[0] or wo >= self.out[1]:
                continue
            n0, h0, w0 = raster(p // rows * rows)
            start = n0 * image_step + h0 * down_step + w0 * right_step
            column = wo * sw + self.kernel[1] - 1 - self.pad[1]
            column = min(column // copies_w, self.shape[2] - 1)
            for kh in range(self.kernel[0]):
                line = (ho * down + kh - (0 if self.skip_rows else self.pad[0])) // copies_h
                last = n * image + line * stream_pitch + column
                needs.append(last * copies - start - kh * d["need_step"])
        d["need_offset"] = max(needs)
        return d

    def _smallest_ring(
        self, d: dict[str, int], gather: int, plane_pitch: int, image_in: int
    ) -> int:
        rows = self.machine.rows
        # Plane blocks that each stream block stores to.
        stores: list[set[int]] = [set() for _ in range(d["stream_blocks"])]
        if self.direct:
            stores = [{i} for i in range(d["stream_blocks"])]
        else:
            (sh, sw), (pt, pl) = self.stride, self.pad
            for s in range(d["stream_blocks"] * rows):
                row, w = divmod(s, d["input_pitch"])
                n, h = divmod(row, d["input_rows"])
                h *= d["row_advance"]
                if w >= d["load_width"] or h >= d["load_height"]:
                    continue
                if (w + pl) % sw >= d["planes_w"] or (h + pt) % sh >= d["planes_h"]:
                    continue
                line = ((h + pt) // sh - pt // sh) * self.copies[0]
                column = ((w + pl) // sw - pl // sw) * self.copies[1]
                p = self.shift_plane + n * image_in + line * plane_pitch + column
                for i, j in np.ndindex(*self.copies):
                    stores[s // rows].add((p + i * plane_pitch + j) // rows)
        highest, top = [], -(10**9)
        ring = 1
        for blocks in stores:
            top = max([top, *blocks])
            highest.append(top)
            ring = max([ring, *(top - a + 1 for a in blocks)])
        q, w, h, position, waited, release = gather, 0, 0, 0, -1, 0
        for b in range(d["blocks"]):
            # What is released when the block starts; with release_rows, when a kernel row does.
            single = d["groups_per_pass"] == 1
            if single or b % d["set_blocks"] == 0:
                release = q // rows
            last_row = d["kernel_height"] - 1
            for kh in range(d["kernel_height"]) if d.get("release_rows") else [last_row]:
                if single and d.get("release_rows"):
                    release = (q + kh * plane_pitch) // rows
                need = position + d["need_offset"] + kh * d["need_step"]
                need //= rows * self.copies[0] * self.copies[1]
                waited = max(waited, min(need, d["stream_blocks"] - 1))
                if waited >= 0:
                    ring = max(ring, highest[waited] - release + 1)
            # The next block.
            position += d["position_step"]
            w, h = w + d["step_w"], h + d["step_h"]
            if w >= d["wrap_w"]:
                w, h, position = w - d["wrap_w"], h + d["stride_h"], position + d["position_wrap_w"]
            if h >= d["wrap_h"]:
                h, position = h - d["wrap_h"], position + d["position_wrap_h"]
            q += rows
            if d["row_blocks"] and (b + 1) % d["row_blocks"] == 0:
                q += plane_pitch - d["row_blocks"] * rows
                if (b + 1) // d["row_blocks"] % d["image_rows"] == 0:
                    q += image_in - d["image_rows"] * plane_pitch
        return ring

    def _stream_fields(self, groups: int, last: int, steps: int, offset: int) -> dict[str, int]:
        m, width = self.machine, self.width
        d: dict[str, int] = {}
        if self.has_bias:
            beats = (groups - 1) * (width // m.drain) + -(-last // m.drain)
            d["bias_offset"] = offset
            d["bias_bytes"] = beats * m.drain * -(-m.post_bits // 8)
            offset += d["bias_bytes"]
        if self.weights_arena is not None:
            # Whoever places the tensor adds its offset; the fields of weight rows mean nothing.
            d["weights_arena"] = 1
            d["weight_rows"] = steps
            d["group_bytes"] = self.factor.shape[3] * m.word_bytes
        elif self.has_weights:
            d["weight_offset"] = offset
            d["weight_rows"] = steps
            d["row_bytes"] = -(-width * m.bits_weights // 8)
            d["last_row_bytes"] = -(-last * m.bits_weights // 8)
            d["group_bytes"] = steps * d["row_bytes"]
            d["last_group_bytes"] = steps * d["last_row_bytes"]
        return d

    def streams(self) -> bytes:
        """Bias table and weight rows."""
        m, out, width = self.machine, b"", self.width
        starts = range(0, self.channels_out, width)
        if self.has_bias:
            for start in starts:
                part = list(self.biases[start : start + width])
                part += [0] * (-len(part) % m.drain)
                for value in part:
                    out += int(value).to_bytes(-(-m.post_bits // 8), "little", signed=True)
        if self.has_weights and self.weights_arena is None:
            matrix = self.weights.reshape(-1, self.channels_out)
            for start in starts:
                out += pack_words(matrix[:, start : start + width], m.bits_weights).tobytes()
        return out


def single_layer(
    case: Case, rng: np.random.Generator, **changes: int
) -> tuple[bytes, np.ndarray, dict[str, int]]:
    """(program, arena, descriptor) of one layer; ``changes`` overwrite fields of the descriptor."""
    m = case.machine
    streams = case.streams()
    image = case.input_layout().pack(case.x, m.rows, m.bits_input, fill=-1)
    streams_offset = HEADER_BYTES + DESCRIPTOR_BYTES
    input_offset, output_offset = 3, image.size + 7
    if case.input_program:
        input_offset, output_offset = streams_offset + len(streams), 7
        streams += image.tobytes()
    d = case.descriptor(input_offset, output_offset, streams_offset)
    size = output_offset + (d["blocks"] - 1) * d["output_block_bytes"]
    size += d["groups"] * max(d["output_group_bytes"], m.columns * m.word_bytes)
    if case.add is not None:
        # In group-major order blocks lie too tightly for gaps.
        gap = 0 if case.output == "group_major" else case.add_gap
        own, other, shift, negative_shift = case.add
        d |= {
            "add_enable": 1,
            "add_offset": size + 5,
            "add_block_bytes": d["output_block_bytes"] + gap,
            "add_own_shift": own,
            "add_other_shift": other,
            "add_shift": shift,
            "add_negative_shift": negative_shift,
            "add_clip_low": d["clip_low"],
            "add_clip_high": d["clip_high"],
        }
        size += size - output_offset + gap * d["blocks"] + 5
    factor = np.empty(0, dtype=np.uint8)
    if case.weights_arena is not None:
        layout = TensorLayout.of(case.factor.shape, m.rows)
        factor = layout.pack(case.factor, m.rows, m.bits_input, fill=-1)
        d["weight_offset"] = size + case.weights_arena[0] * m.word_bytes
        size += factor.size
    arena = rng.integers(0, 256, size, dtype=np.uint8)
    if not case.input_program:
        arena[3 : 3 + image.size] = image
    arena[size - factor.size :] = factor
    if case.add is not None:
        operand = case.output_layout().pack(case.operand, m.rows, m.bits_input, fill=-1)
        places = word_places(case, d, "add")
        for at, word in zip(places, operand.reshape(-1, m.word_bytes), strict=True):
            arena[at : at + m.word_bytes] = word
    header = {"hardware_hash": m.hash, "arena_bytes": size, "batch": case.shape[0]}
    d |= changes
    return encode_program(header, [d], streams), arena, d


def expected_weight_bytes(case: Case, d: dict[str, int]) -> int:
    """Bytes of bias and weights that the loop nest of the contract reads, read by read."""
    m, total = case.machine, d.get("bias_bytes", 0)
    if not case.has_weights:
        return total
    loads = 1 if d["weights_resident"] else -(-d["blocks"] // d["set_blocks"])
    if d["weights_streamed"]:
        loads = d["blocks"]
    for start in range(0, case.channels_out, case.width):
        channels = range(start, min(start + case.width, case.channels_out))
        row = -(-len(channels) * m.bits_weights // 8)
        if case.weights_arena is not None:
            row = len({co // m.rows for co in channels}) * m.word_bytes
        total += loads * d["weight_rows"] * row
    return total


def with_ring(d: dict[str, int], ring: int) -> dict[str, int]:
    """Changes that give a descriptor a ring of this many blocks, consistently."""
    rows = ring * d["block_rows"]
    changes = {"ring_blocks": ring, "ring_rows": rows}
    for name in ("gather", "pitch", "row_step", "image_step", "scatter", "scatter_image"):
        for s in ("", "s"):
            if f"{name}_row{s}" in d:
                changes[f"{name}_row{s}"] = d[f"{name}_block{s}"] * d["block_rows"] % rows
    return changes


def word_places(case: Case, d: dict[str, int], tensor: str) -> list[int]:
    """Addresses of all words, block by block, of the ``output`` or the second operand: ``add``."""
    places = []
    for block in range(d["blocks"]):
        for channel in range(case.channels_out):
            group, within = divmod(channel, case.width)
            at = d[f"{tensor}_offset"] + block * d[f"{tensor}_block_bytes"]
            places.append(at + group * d["output_group_bytes"] + within * case.machine.word_bytes)
    return places


def read_output(case: Case, arena: np.ndarray, d: dict[str, int]) -> np.ndarray:
    """(N, HO, WO, CO) from the addresses that the contract gives."""
    m, words = case.machine, case.machine.word_bytes
    parts = [arena[at : at + words] for at in word_places(case, d, "output")]
    return case.output_layout().unpack(np.concatenate(parts), m.rows, m.bits_input)


def random_case(rng: np.random.Generator, kind: str) -> Case:
    """A random layer of one of KINDS."""
    draw = lambda low, high: int(rng.integers(low, high + 1))  # noqa: E731
    rows = draw(1, 9)
    drain = draw(1, 3)
    bits_input = int(rng.choice([1, 2, 3, 4, 5, 8, 11, 16]))
    machine = Machine(
        rows=rows,
        columns=drain * draw(1, 4),
        drain=drain,
        bits_input=bits_input,
        bits_weights=int(rng.choice([1, 2, 4, 7, 8])),
        bits_sum=34,
    )
    n, h, w, ci, co = draw(1, 3), draw(1, 8), draw(1, 11), draw(1, 7), draw(1, 14)
    kernel, stride, pad = (1, 1), (1, 1), (0, 0)
    opcode = Opcode.CONV
    options: dict[str, Any] = {}
    if kind == "dense":
        h = w = 1
        n = draw(1, 12)
    elif kind == "same_conv":
        kernel = (draw(1, 5), draw(1, 5))
        pad = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
    elif kind == "valid_row_aligned":
        kernel = (draw(1, min(h, 4)), draw(1, min(w, 4)))
        options["row_aligned"] = True
    elif kind in ("strided_flat", "strided_row_aligned", *CHANNELWISE):
        kernel, stride = (draw(1, 4), draw(1, 4)), (draw(1, 3), draw(1, 3))
        options["direct"] = False
        options["row_aligned"] = kind == "strided_row_aligned" or bool(draw(0, 1))
        if kind == "strided_flat":
            options["row_aligned"] = False
        if kind in CHANNELWISE:
            opcode = Opcode[kind.upper()]
            co = ci
            options["round_first"] = opcode is Opcode.AVERAGE_POOL and bool(draw(0, 1))
            options["bias"] = bool(draw(0, 1))
        outs = (-(-h // stride[0]), -(-w // stride[1]))
        need = [
            max((o - 1) * s + k - i, 0)
            for o, s, k, i in zip(outs, stride, kernel, (h, w), strict=True)
        ]
        pad = (need[0] // 2, need[1] // 2)
    elif kind == "cropped":
        kernel, stride = (draw(1, 4), draw(1, 4)), (draw(1, 3), draw(1, 3))
        pad = (-draw(0, h - 1), -draw(0, w - 1))
        options["direct"] = stride == (1, 1) and bool(draw(0, 1))
        options["row_aligned"] = bool(draw(0, 1))
    elif kind == "upsample":
        opcode = list(Opcode)[draw(0, len(Opcode) - 1)]
        copies = options["copies"] = (draw(1, 5), draw(1, 4))
        h, w = draw(1, 4), draw(1, 5)
        if opcode is not Opcode.CONV:
            co = ci
        kernel = (draw(1, 4), draw(1, 4))
        pad = (draw(0, (kernel[0] - 1) // 2), draw(-w + 1, (kernel[1] - 1) // 2))
        options["direct"] = False
        options["row_aligned"] = bool(draw(0, 1))
    elif kind == "split":
        ci = draw(1, 3) * (split := draw(2, 6))
        options["split"] = split
    elif kind == "arena_weights":
        options["weights_arena"] = (draw(0, 3), draw(0, 3))
        co, ci = draw(1, 40), draw(1, 3) * (split := draw(1, 3))
        options["split"] = split
    elif kind == "flatten_dense":
        kernel, stride = (h, w), (h, w)
        options["direct"] = False
    elif kind == "skip_rows":
        stride = (2, 1)
        h = 2 * draw(1, 4)
        w = rows * draw(1, 2)
        options["skip_rows"] = True
        options["direct"] = False
    out = (-(-h // stride[0]), -(-w // stride[1]))
    if kind == "valid_row_aligned":
        out = (h - kernel[0] + 1, w - kernel[1] + 1)
    elif kind == "flatten_dense":
        out = (1, 1)
    elif kind == "cropped":
        out = (-(-(h + pad[0]) // stride[0]), -(-(w + pad[1]) // stride[1]))
    elif kind == "upsample":
        out = (h * copies[0], w * copies[1] + min(pad[1], 0))
    if kind != "skip_rows":
        options["input_pitch"] = w + draw(0, 3) * draw(0, 1)
        options["input_rows"] = h + draw(0, 2) * draw(0, 1)
    case = Case(
        machine,
        opcode,
        (n, h, w, ci),
        co,
        kernel,
        stride,
        pad,
        out,
        output=str(rng.choice(["contiguous", "gaps", "group_major"])),
        shift=draw(0, 9),
        negative_shift=draw(0, 9),
        pre_shift=draw(0, 4),
        set_blocks=draw(1, 6),
        groups_per_pass=draw(1, 4),
        shift_plane=draw(-30, 30),
        **options,
    )
    case.input_program = draw(0, 3) == 0
    if draw(0, 2) == 0:
        case.add = (draw(0, 15), draw(0, 15), draw(0, 18), draw(0, 18))
        case.add_gap = draw(0, 9)
    if draw(0, 3) == 0:
        case.machine = replace(machine, weight_rows=max(1, draw(1, 20)))
        case.groups_per_pass = 1
    return case.draw(rng)


KINDS = (
    "dense",
    "pointwise",
    "same_conv",
    "valid_row_aligned",
    "strided_flat",
    "strided_row_aligned",
    "max_pool",
    "average_pool",
    "flatten_dense",
    "skip_rows",
    "sum_pool",
    "depthwise",
    "cropped",
    "upsample",
    "split",
    "arena_weights",
)
CHANNELWISE = ("max_pool", "average_pool", "sum_pool", "depthwise")
