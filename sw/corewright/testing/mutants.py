# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Programs with valid checksums that no compiler wrote, and what the accelerator refuses of them.

A mutant is a sound program with one or two fields of its headers and descriptors changed and every
CRC made anew. :func:`refused_field` is docs/architecture.md, "What the hardware checks", once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corewright.facts.widths import number_range, word_bytes
from corewright.hardware import Hardware
from corewright.program import (
    DESCRIPTOR_FIELDS,
    HEADER_FIELDS,
    Opcode,
    Stage,
    decode_stages,
    with_fields,
)
from corewright.program.format import FILLED_IN, Field

# A program without these is none; only the processor follows host_offset.
_KEPT = {*FILLED_IN, "host_offset"}


@dataclass(frozen=True)
class Change:
    """One changed field.

    Attributes:
        stage: whose.
        layer: in the stage; None: the stage's header.
        field: its name.
        before: its value in the sound program.
        after: its value in the mutant.
    """

    stage: int
    layer: int | None
    field: str
    before: int
    after: int


@dataclass(frozen=True)
class Mutant:
    """A changed program of the same length, and what was changed."""

    program: bytes
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        return ", ".join(
            f"stage {c.stage} "
            + ("header" if c.layer is None else f"layer {c.layer}")
            + f": {c.field} {c.before} -> {c.after}"
            for c in self.changes
        )


def make_mutants(program: bytes, count: int, rng: np.random.Generator) -> list[Mutant]:
    """Returns ``count`` different mutants of a program: three of four have one change."""
    found: dict[bytes, Mutant] = {}
    stages = decode_stages(program)
    while len(found) < count:
        changes = [_random_change(stages, rng) for _ in range(1 + int(rng.integers(4) == 0))]
        mutant = changed(program, changes)
        if mutant.program != program:
            found.setdefault(mutant.program, mutant)
    return list(found.values())


def changed(program: bytes, changes: Iterable[tuple[int, int | None, str, int]]) -> Mutant:
    """Returns a program with some fields changed and all its checksums made anew.

    Args:
        program: a sound program.
        changes: stage, layer of it (None: its header), field and new value, one after the other.
    """
    changes = list(changes)
    stages = decode_stages(program)
    values: dict[tuple[int, int | None, str], int] = {}
    done = []
    for number, layer, field, value in changes:
        stage = stages[number]
        own = stage.header if layer is None else stage.descriptors[layer]
        before = values.get((number, layer, field), own[field])
        done.append(Change(number, layer, field, before, value))
        values[number, layer, field] = value
    return Mutant(with_fields(program, changes), tuple(done))


def _random_change(
    stages: Sequence[Stage], rng: np.random.Generator
) -> tuple[int, int | None, str, int]:
    number = int(rng.integers(len(stages)))
    layers = stages[number].descriptors
    layer = int(rng.integers(len(layers))) if rng.integers(40) else None
    fields = HEADER_FIELDS if layer is None else DESCRIPTOR_FIELDS
    choice = [field for field in fields if field.name not in _KEPT]
    field = choice[int(rng.integers(len(choice)))]
    own = stages[number].header if layer is None else layers[layer]
    others = [
        each[field.name]
        for stage in stages
        for each in ([stage.header] if layer is None else stage.descriptors)
    ]
    return number, layer, field.name, _other_value(field, own[field.name], others, rng)


def _other_value(field: Field, before: int, others: list[int], rng: np.random.Generator) -> int:
    """Another value of a field: an extreme, a neighbour, random bits, or that of another layer."""
    low = -(1 << (field.width - 1)) if field.signed else 0
    high = low + (1 << field.width) - 1
    bit = 1 << int(rng.integers(field.width))
    candidates = (
        *(0, 1, low, high, before + 1, before - 1, 2 * before, before // 2),
        before ^ bit,
        int(rng.integers(low, high, endpoint=True)),
        others[int(rng.integers(len(others)))],
    )
    legal = [value for value in candidates if value != before and low <= value <= high]
    return legal[int(rng.integers(len(legal)))]


def refused_field(fields: Mapping[str, int], number: int, layers: int, hw: Hardware) -> str | None:
    """The field for which the accelerator refuses a descriptor on sight, or None.

    Args:
        fields: of the descriptor.
        number: its position in the stage.
        layers: of the stage.
        hw: the accelerator.
    """
    conv = fields["opcode"] == Opcode.CONV
    channels = hw.columns if conv else hw.drain
    row = word_bytes(hw.columns, hw.bits_weights)
    stored = bool(fields["weight_rows"]) and not fields["weights_arena"]
    full = stored and fields["groups"] > 1
    upsampled = bool(fields["copies_h"] or fields["copies_w"])
    low, high = number_range(hw.bits_input)
    ranges: list[tuple[str, int, int]] = [
        ("opcode", 0, max(Opcode)),
        ("layer_index", number, number),
        ("last_layer", int(number == layers - 1), int(number == layers - 1)),
        ("ring_rows", 0, hw.pixel_rows),
        ("phase_skew", 0, max(hw.rows - 1, 0)),
        ("group_channels", 1, channels),
        ("last_group_channels", 1, channels),
        ("row_bytes", int(full), row),
        ("last_row_bytes", int(stored), row),
        ("weights_resident", 0, 1 - fields["weights_streamed"]),
        ("copies_w", 0, 3),
        ("clip_low", low, fields["clip_high"]),
        ("clip_high", fields["clip_low"], high),
    ]
    ranges += [(name, 1, 1 << 32) for name in _NOT_ZERO]
    ranges += [(f"{name}_lane", 0, hw.rows - 1) for name in _PLACES]
    if not fields["direct_load"]:
        ranges.append(("input_pitch", 1, 1 << 16))
        ranges.append(("load_width", 0, fields["input_pitch"]))
    if upsampled:
        ranges += [("stride_h", 1, 1), ("stride_w", 1, 1), ("direct_load", 0, 0)]
    if full:
        ranges.append(("group_bytes", 1, 1 << 32))
    if stored:
        ranges.append(("last_group_bytes", 1, 1 << 32))
    if fields["add_enable"]:
        ranges += [
            ("add_clip_low", low, fields["add_clip_high"]),
            ("add_clip_high", fields["add_clip_low"], high),
        ]
    for name, least, most in ranges:
        if not least <= fields[name] <= most:
            return name
    of_words = (*_WORDS, *(("add_offset", "add_block_bytes") if fields["add_enable"] else ()))
    return next((name for name in of_words if fields[name] % hw.unit_bytes), None)


_NOT_ZERO = (
    *("kernel_height", "kernel_width", "channels_in", "groups", "groups_per_pass", "blocks"),
    *("set_blocks", "stride_h", "stride_w", "wrap_w", "wrap_h", "ring_blocks", "segments"),
    *("segment_bytes", "stream_blocks", "output_bytes"),
)
_WORDS = (
    *("input_offset", "segment_bytes", "segment_stride", "output_offset", "output_block_bytes"),
    *("output_group_bytes", "output_bytes"),
)
_PLACES = ("gather", "pitch", "row_step", "image_step", "scatter", "scatter_image")
