# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Programs for cw_control, and which of their descriptors are legal: docs/architecture.md.

Control acts on few fields of a descriptor and hands all of them on, so that the others are noise.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corewright.program import (
    DESCRIPTOR_BYTES,
    DESCRIPTOR_FIELDS,
    HEADER_BYTES,
    HEADER_FIELDS,
    Opcode,
    decode_descriptor,
    encode_descriptor,
    encode_header,
)

NOT_ZERO = (
    *("kernel_height", "kernel_width", "channels_in", "groups", "groups_per_pass", "blocks"),
    *("set_blocks", "stride_h", "stride_w", "wrap_w", "wrap_h", "ring_blocks", "segments"),
    *("segment_bytes", "stream_blocks", "output_bytes"),
)
UNITS = (
    *("input_offset", "segment_bytes", "segment_stride", "output_offset", "output_block_bytes"),
    *("output_group_bytes", "output_bytes"),
)
ADDED_UNITS = ("add_offset", "add_block_bytes")
LANES = (
    *("gather_lane", "pitch_lane", "row_step_lane", "image_step_lane", "scatter_lane"),
    *("scatter_image_lane", "phase_skew"),
)
FIELDS = {field.name: field for field in DESCRIPTOR_FIELDS}


@dataclass(frozen=True)
class Shape:
    """What control knows of its hardware."""

    rows: int
    columns: int
    drain: int
    pixel_bits: int
    weight_bits: int
    pixel_rows: int
    axi_bits: int

    @property
    def unit(self) -> int:
        """Bytes of which words and beats are multiples."""
        return math.gcd(-(-self.rows * self.pixel_bits // 8), self.axi_bits // 8)

    @property
    def row_bytes(self) -> int:
        """Bytes of the widest weight row."""
        return -(-self.columns * self.weight_bits // 8)

    @property
    def pixels(self) -> tuple[int, int]:
        """Smallest and largest pixel; a single bit is +1 or -1."""
        high = 1 if self.pixel_bits == 1 else (1 << self.pixel_bits - 1) - 1
        return -(1 << self.pixel_bits - 1), high

    def legal(self, f: Mapping[str, int], number: int, layers: int) -> bool:
        """Whether the hardware takes a descriptor, its CRC apart, as a number of so many."""
        low, high = self.pixels
        most = self.columns if f["opcode"] == Opcode.CONV else self.drain
        stored = f["weight_rows"] and not f["weights_arena"]
        several = f["groups"] != 1
        copies = f["copies_w"] or f["copies_h"]
        return all(
            (
                f["opcode"] in set(Opcode),
                f["layer_index"] == number,
                f["last_layer"] == (number == layers - 1),
                all(f[name] for name in NOT_ZERO),
                f["direct_load"] or 0 < f["input_pitch"] >= f["load_width"],
                # Where there is no skew, the one lane of an array of one row is all right.
                all(f[name] < self.rows for name in LANES),
                f["ring_rows"] <= self.pixel_rows,
                1 <= f["group_channels"] <= most,
                1 <= f["last_group_channels"] <= most,
                max(f["row_bytes"], f["last_row_bytes"]) <= self.row_bytes,
                not stored or (f["last_row_bytes"] and f["last_group_bytes"]),
                not stored or not several or (f["row_bytes"] and f["group_bytes"]),
                not (f["weights_resident"] and f["weights_streamed"]),
                f["copies_w"] <= 3,
                not copies or (f["stride_h"] == f["stride_w"] == 1 and not f["direct_load"]),
                low <= f["clip_low"] <= f["clip_high"] <= high,
                not f["add_enable"] or low <= f["add_clip_low"] <= f["add_clip_high"] <= high,
                all(f[name] % self.unit == 0 for name in UNITS),
                not f["add_enable"] or all(f[name] % self.unit == 0 for name in ADDED_UNITS),
            )
        )


def any_value(rng: random.Random, name: str) -> int:
    """A value of a field, often one near an end or a small one."""
    field = FIELDS[name]
    low = -(1 << field.width - 1) if field.signed else 0
    high = low + (1 << field.width) - 1
    near = [low, high, 0, 1, rng.randint(0, 9), rng.randint(0, 70), rng.randint(low, high)]
    return min(max(rng.choice(near), low), high)


def legal_fields(rng: random.Random, shape: Shape, number: int, layers: int) -> dict[str, int]:
    """Draw a descriptor that the hardware takes."""
    fields = {name: any_value(rng, name) for name in FIELDS}
    fields.update({name: rng.randint(1, 9) for name in NOT_ZERO})
    fields.update({name: rng.randrange(shape.rows) for name in LANES})
    for name in (*UNITS, *(ADDED_UNITS if fields["add_enable"] else ())):
        # The largest of whole units that the field holds; NOT_ZERO stays so.
        fields[name] = min(fields[name] * shape.unit, (1 << 32) - shape.unit)
    fields["opcode"] = rng.choice(list(Opcode))
    most = shape.columns if fields["opcode"] == Opcode.CONV else shape.drain
    low, high = shape.pixels
    for prefix in ("", "add_"):
        ends = sorted((rng.randint(low, high), rng.randint(low, high)))
        fields[f"{prefix}clip_low"], fields[f"{prefix}clip_high"] = ends
    fields |= {
        "layer_index": number,
        "last_layer": int(number == layers - 1),
        "input_pitch": (pitch := rng.randint(1, 20)),
        "load_width": rng.randint(0, pitch),
        "ring_rows": rng.randint(0, shape.pixel_rows),
        "group_channels": rng.randint(1, most),
        "last_group_channels": rng.randint(1, most),
        "row_bytes": rng.randint(1, shape.row_bytes),
        "last_row_bytes": rng.randint(1, shape.row_bytes),
        "group_bytes": rng.randint(1, 99),
        "last_group_bytes": rng.randint(1, 99),
    }
    if fields["weights_resident"]:
        fields["weights_streamed"] = 0
    fields["copies_w"] = fields["copies_h"] = 0
    if rng.randrange(3) == 0:
        fields |= {"copies_w": rng.randrange(4), "copies_h": rng.randrange(9)}
        fields |= {"stride_h": 1, "stride_w": 1, "direct_load": 0}
    if not shape.legal(fields, number, layers):
        raise AssertionError(f"the model refuses its own descriptor: {fields}")
    return fields


def image_of(
    hardware_hash: int,
    descriptors: Sequence[Mapping[str, int]],
    changes: Mapping[str, int] | None = None,
) -> bytearray:
    """Return header and descriptors; ``changes`` are fields of the header."""
    header = {
        "hardware_hash": hardware_hash,
        "layers": len(descriptors),
        "descriptor_offset": HEADER_BYTES,
        "program_bytes": HEADER_BYTES + DESCRIPTOR_BYTES * len(descriptors),
    }
    image = bytearray(encode_header(header))
    words = {field.name: 4 * field.word for field in HEADER_FIELDS}
    for name, value in (changes or {}).items():
        image[words[name] : words[name] + 4] = value.to_bytes(4, "little")
    for fields in descriptors:
        image += encode_descriptor(fields)
    return image


def packed(descriptor: bytes) -> int:
    """Return a descriptor as the bits of ``descriptor_t``: the first field on top."""
    fields = decode_descriptor(descriptor)
    value = 0
    for field in DESCRIPTOR_FIELDS:
        value = value << field.width | fields[field.name] & ((1 << field.width) - 1)
    return value
