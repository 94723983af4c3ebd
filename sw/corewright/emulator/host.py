# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the host does between two stages: operations on tensors of the arena.

What an operation computes of pixels is said in its room, in
:mod:`corewright.emulator.host_operations`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from corewright.emulator.layer import ByteArray, EmulatorError, HardwareLike, Int64Array
from corewright.emulator.pixels import random_elements
from corewright.facts.widths import number_range, word_bytes
from corewright.program import HostOpcode
from corewright.program.tensor import TensorLayout, pack_words, unpack_words

# Elements of the largest temporaries.
_ELEMENTS = 1 << 20


@dataclass(frozen=True)
class HostRun(ABC):
    """The run of a host operation of the program: pixels of one tensor to those of another.

    Attributes:
        stage: the stage that it follows.
        number: its position among the stage's operations.
        fields: as in the program.
        hardware: whose words the tensors have.
        batch: images of the tensors, from the header.
    """

    stage: int
    number: int
    fields: Mapping[str, int]
    hardware: HardwareLike
    batch: int

    def __getitem__(self, name: str) -> int:
        return self.fields[name]

    def error(self, field: str, message: str) -> EmulatorError:
        """An error that names this operation, the field and its value."""
        text = f"{message} (it is {self[field]})"
        return EmulatorError(None, field, text, stage=self.stage, host_operation=self.number)

    @property
    def channels(self) -> int:
        """Words of a block that the operation reads, and writes."""
        return self["channels"] * self["runs"]

    @property
    def word_bytes(self) -> int:
        """WB."""
        return word_bytes(self.hardware.rows, self.hardware.bits_input)

    def layout(self, tensor: str) -> TensorLayout:
        """The part of the ``input`` or the ``output`` that the operation works on."""
        return TensorLayout.of(
            (self.batch, self["height"], self["width"], self.channels),
            self.hardware.rows,
            pitch=self[f"{tensor}_pitch"],
            image_rows=self[f"{tensor}_rows"],
        )

    def words(self, tensor: str, arena: ByteArray) -> ByteArray:
        """(blocks, channels, WB) view of the ``input`` or the ``output``."""
        stored = self[f"{tensor}_channels"] * self.word_bytes
        return np.lib.stride_tricks.as_strided(
            arena[self[f"{tensor}_offset"] :],
            shape=(self.layout(tensor).blocks, self.channels, self.word_bytes),
            strides=(stored, self.word_bytes, 1),
        )

    def run(self, data: bytes, arena: ByteArray, rng: np.random.Generator) -> None:
        """Executes the operation.

        Args:
            data: the stage's bytes.
            arena: the window, modified in place.
            rng: source of what is written to lanes that are no pixel.

        Raises:
            EmulatorError: the first field that the contract excludes; nothing has been written.
        """
        self._check(arena)
        table = np.frombuffer(data, "<u4", self["table_entries"], self["table_offset"])
        self.check_table(table.astype(np.int64))
        self._write(table.astype(np.int64), arena, rng)

    @abstractmethod
    def check_fields(self) -> None:
        """Check fields that mean something to this operation only.

        Raises:
            EmulatorError: one that the contract excludes.
        """

    @abstractmethod
    def check_table(self, table: Int64Array) -> None:
        """Check the table (entries,).

        Raises:
            EmulatorError: the contract excludes it.
        """

    @abstractmethod
    def compute(self, pixels: Int64Array, table: Int64Array) -> Int64Array:
        """What it makes of (pixels, channels), the same shape."""

    def _check(self, arena: ByteArray) -> None:
        if self.batch < 1:
            raise EmulatorError(
                None, "batch", "host operations work on one image at least", stage=self.stage
            )
        for name in ("height", "width", "channels", "runs", "table_entries"):
            if self[name] < 1:
                raise self.error(name, "must be at least 1")
        self.check_fields()
        lowest, highest = number_range(self.hardware.bits_input)
        if self["clip_low"] < lowest:
            raise self.error("clip_low", f"pixels start at {lowest}")
        if self["clip_high"] > highest:
            raise self.error("clip_high", f"pixels end at {highest}")
        if self["clip_low"] > self["clip_high"]:
            raise self.error("clip_low", f"above clip_high = {self['clip_high']}")
        spans = []
        for tensor in ("input", "output"):
            if self[f"{tensor}_pitch"] < self["width"]:
                raise self.error(f"{tensor}_pitch", f"below width = {self['width']}")
            if self[f"{tensor}_rows"] < self["height"]:
                raise self.error(f"{tensor}_rows", f"below height = {self['height']}")
            if self[f"{tensor}_channels"] < self.channels:
                raise self.error(f"{tensor}_channels", f"the runs have {self.channels} channels")
            stored = (self.layout(tensor).blocks - 1) * self[f"{tensor}_channels"]
            start = self[f"{tensor}_offset"]
            end = start + (stored + self.channels) * self.word_bytes
            if end > arena.size:
                raise self.error(
                    f"{tensor}_offset", f"the {tensor} reaches beyond the arena of {arena.size}"
                )
            spans.append((start, end))
        (read, read_end), (written, written_end) = spans
        if read < written_end and written < read_end:
            marks = np.zeros(arena.size, dtype=np.uint8)
            self.words("output", marks)[:] = 1
            if self.words("input", marks).any():
                raise self.error("output_offset", "the output overlaps the input")

    def _write(self, table: Int64Array, arena: ByteArray, rng: np.random.Generator) -> None:
        rows, bits = self.hardware.rows, self.hardware.bits_input
        layout = self.layout("output")
        source, target = self.words("input", arena), self.words("output", arena)
        at_once = max(1, _ELEMENTS // (rows * self.channels))
        for start in range(0, layout.blocks, at_once):
            stop = min(start + at_once, layout.blocks)
            # What no pixel is in is unspecified: so that nobody comes to rely on it, garbage.
            result = random_elements(rng, bits, ((stop - start) * rows, self.channels))
            lane, position = self._pixels(start * rows, min(stop * rows, layout.positions))
            if position.size:
                first, last = position[0] // rows, position[-1] // rows
                words = unpack_words(source[first : last + 1], rows, bits).transpose(0, 2, 1)
                pixels = words.reshape(-1, self.channels)[position - first * rows]
                result[lane] = self.compute(pixels, table)
            blocks = result.reshape(stop - start, rows, self.channels).transpose(0, 2, 1)
            target[start:stop] = pack_words(blocks, bits)

    def _pixels(self, start: int, stop: int) -> tuple[Int64Array, Int64Array]:
        """Which of the output's positions from start to stop are pixels, and the input's.

        Returns:
            (pixels,) indices that count from ``start``, and the ascending positions of the same
            pixels in the input.
        """
        row, w = np.divmod(np.arange(start, stop, dtype=np.int64), self["output_pitch"])
        n, h = np.divmod(row, self["output_rows"])
        (lane,) = np.nonzero((w < self["width"]) & (h < self["height"]))
        position = (n * self["input_rows"] + h) * self["input_pitch"] + w
        return lane, position[lane]


_RUNS: dict[int, type[HostRun]] = {}


def computes(opcode: HostOpcode) -> Callable[[type[HostRun]], type[HostRun]]:
    """Register the class of an operation's runs.

    Raises:
        ValueError: the operation has one.
    """

    def register(cls: type[HostRun]) -> type[HostRun]:
        if opcode in _RUNS:
            raise ValueError(f"host operation {opcode.name} has {_RUNS[opcode]}")
        _RUNS[opcode] = cls
        return cls

    return register


def host_run(stage: int, number: int, fields: Mapping[str, int], *rest: Any) -> HostRun:
    """The run of a host operation; arguments are those of :class:`HostRun`.

    Raises:
        EmulatorError: nobody says what the operation computes.
    """
    cls = _RUNS.get(fields["host_opcode"])
    if cls is None:
        text = f"is an operation that the emulator has not (it is {fields['host_opcode']})"
        raise EmulatorError(None, "host_opcode", text, stage=stage, host_operation=number)
    return cls(stage, number, fields, *rest)
