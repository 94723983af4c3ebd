# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a layer of a program moves over the ports of cw_engine, by docs/architecture.md.

Only a descriptor's fields and raw bytes are read; no formula is shared with compiler or emulator.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine_bench import pack, signed, unpack

from corewright.hardware import Hardware
from corewright.program import Opcode

Command = tuple[int, int]


@dataclass(frozen=True)
class Traffic:
    """A layer's commands and streams.

    Attributes:
        fields: of the descriptor.
        hw: what it runs on.
    """

    fields: Mapping[str, int]
    hw: Hardware

    def __getitem__(self, name: str) -> int:
        return self.fields[name]

    def channels(self, group: int) -> int:
        """Channels of a group."""
        last = group == self["groups"] - 1
        return self["last_group_channels" if last else "group_channels"]

    def sets(self) -> Iterator[tuple[range, range, bool]]:
        """(groups, blocks, whether it is the first set of its pass) of each set."""
        for first in range(0, self["groups"], self["groups_per_pass"]):
            groups = range(first, min(first + self["groups_per_pass"], self["groups"]))
            for block in range(0, self["blocks"], self["set_blocks"]):
                blocks = range(block, min(block + self["set_blocks"], self["blocks"]))
                yield groups, blocks, block == 0

    def tiles(self) -> Iterator[tuple[int, int]]:
        """(group, block) in the order of computation."""
        for groups, blocks, _ in self.sets():
            for group in groups:
                for block in blocks:
                    yield group, block

    @property
    def steps(self) -> int:
        """Array steps: one a kernel tap and channel, or one a tap where channels do not mix."""
        taps = self["kernel_height"] * self["kernel_width"]
        mixed = self["channels_in"] if self["opcode"] == Opcode.CONV else 1
        return taps * mixed * self["blocks"] * self["groups"]

    def reads(self) -> list[Command]:
        """(offset, bytes) of the input's read commands, all passes."""
        a_pass = [
            (self["input_offset"] + i * self["segment_stride"], self["segment_bytes"])
            for i in range(self["segments"])
        ]
        return a_pass * -(-self["groups"] // self["groups_per_pass"])

    def operands(self) -> list[Command]:
        """(arena offset, bytes) of the second operand's read commands."""
        if not self["add_enable"]:
            return []
        return [
            (
                self["add_offset"]
                + block * self["add_block_bytes"]
                + group * self["output_group_bytes"],
                self.channels(group) * self.hw.word_bytes,
            )
            for group, block in self.tiles()
        ]

    def runs(self) -> list[Command]:
        """(arena offset, bytes) of the write commands."""
        if self["output_contiguous"]:
            return [(self["output_offset"], self["output_bytes"])]
        return [
            (
                self["output_offset"]
                + block * self["output_block_bytes"]
                + group * self["output_group_bytes"],
                self.channels(group) * self.hw.word_bytes,
            )
            for group, block in self.tiles()
        ]

    def biases(self, program: bytes) -> list[tuple[int, int]]:
        """(address, D biases) of the bias table: each layer uses the other half of the buffer."""
        size, drain = self.hw.bias_bytes, self.hw.drain
        half = self["layer_index"] % 2 << max(1, (self.hw.bias_rows - 1).bit_length())
        found = []
        for beat in range(self["bias_bytes"] // (drain * size)):
            at = self["bias_offset"] + beat * drain * size
            values = [
                int.from_bytes(program[at + j * size : at + (j + 1) * size], "little")
                for j in range(drain)
            ]
            found.append((half | beat, pack(values, self.hw.post_bits)))
        return found

    def rows(self, program: bytes, arena: bytes, rng: random.Random) -> Iterator[int]:
        """Weight rows in the order of use; what a row does not fill in the ring is random."""
        if not self["weight_rows"]:
            return
        for groups, blocks, first in self.sets():
            if self["weights_resident"] and not first:
                continue
            for group in groups:
                for _ in blocks if self["weights_streamed"] else range(1):
                    for k in range(self["weight_rows"]):
                        yield self._row(program, arena, group, k, rng)

    def _row(self, program: bytes, arena: bytes, group: int, k: int, rng: random.Random) -> int:
        bits, width = self.hw.bits_weights, self.hw.columns * self.hw.bits_weights
        if self["weights_arena"]:
            weights = [
                self._arena_weight(arena, group * self["group_channels"] + i, k)
                for i in range(self.channels(group))
            ]
            used = len(weights) * bits
            return pack(weights, bits) | rng.getrandbits(width) >> used << used
        last = group == self["groups"] - 1
        size = self["last_row_bytes" if last else "row_bytes"]
        at = self["weight_offset"] + group * self["group_bytes"] + k * size
        used = self.channels(group) * bits
        row = int.from_bytes(program[at : at + size], "little") & (1 << used) - 1
        return row | rng.getrandbits(width) >> used << used

    def _arena_weight(self, arena: bytes, channel: int, k: int) -> int:
        block, lane = divmod(channel, self.hw.rows)
        at = self["weight_offset"] + block * self["group_bytes"] + k * self.hw.word_bytes
        word = int.from_bytes(arena[at : at + self.hw.word_bytes], "little")
        pixel = unpack(word, self.hw.bits_input, self.hw.rows)[lane]
        # Where a word has one bit b, it means 1 - 2b.
        one_bit = self.hw.bits_input == 1
        number = 1 - 2 * pixel if one_bit else signed(pixel, self.hw.bits_input)
        if self.hw.bits_weights == 1:
            return int(number < 0)
        return number & ((1 << self.hw.bits_weights) - 1)
