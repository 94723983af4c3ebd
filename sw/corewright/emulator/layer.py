# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""One layer's descriptor: its fields, what they must satisfy, and errors that name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import number_range, word_bytes
from corewright.program.format import Opcode, ProgramError

Int64Array = npt.NDArray[np.int64]
ByteArray = npt.NDArray[np.uint8]


_PLACES = ("gather", "pitch", "row_step", "image_step", "scatter", "scatter_image")


class HardwareLike(Protocol):
    """The hardware parameters that a program depends on."""

    @property
    def rows(self) -> int:
        """R, pixel lanes."""

    @property
    def columns(self) -> int:
        """C, output channels of a group."""

    @property
    def drain(self) -> int:
        """D, channels that leave the array a cycle."""

    @property
    def bits_input(self) -> int:
        """XB."""

    @property
    def bits_weights(self) -> int:
        """KB."""

    @property
    def bits_sum(self) -> int:
        """Bits of an accumulator."""

    @property
    def post_bits(self) -> int:
        """Bits of post-processing and of a bias."""

    @property
    def unit_bytes(self) -> int:
        """Bytes of which every word's address and size are multiples."""

    @property
    def hash(self) -> int:
        """Hash that a program for this hardware carries."""

    @property
    def pixel_rows(self) -> int:
        """Rows of a bank of the pixel buffer."""

    @property
    def weight_rows(self) -> int:
        """Rows of the weight ring."""

    @property
    def bias_rows(self) -> int:
        """Rows of D biases that a layer may have."""


class EmulatorError(ProgramError):
    """A layer or a host operation breaks the contract between program and hardware.

    Attributes:
        layer: index of the layer, counted over all stages; None for a header or a host operation.
        field: the field whose value is at fault.
        stage: index of the stage.
        host_operation: index of the host operation behind the stage, or None.
    """

    def __init__(
        self,
        layer: int | None,
        field: str,
        message: str,
        *,
        stage: int = 0,
        host_operation: int | None = None,
    ) -> None:
        where = "header" if layer is None else f"layer {layer}"
        if host_operation is not None:
            where = f"host operation {host_operation}"
        if stage or host_operation is not None:
            where = f"stage {stage}, {where}"
        super().__init__(f"{where}, {field}: {message}")
        self.layer = layer
        self.field = field
        self.stage = stage
        self.host_operation = host_operation


@dataclass(frozen=True)
class Layer:
    """A descriptor and the values that follow from it alone.

    Attributes:
        stage: the stage that the layer belongs to.
        number: its position in the stage.
        index: its position among the layers of all stages.
        fields: as in the program.
        hardware: what executes it.
    """

    stage: int
    number: int
    index: int
    fields: Mapping[str, int]
    hardware: HardwareLike

    def __getitem__(self, name: str) -> int:
        return self.fields[name]

    def error(self, field: str, message: str) -> EmulatorError:
        """An error that names this layer, the field and its value."""
        text = f"{message} (it is {self[field]})"
        return EmulatorError(self.index, field, text, stage=self.stage)

    def require(self, field: str, value: int, why: str) -> None:
        """Raises EmulatorError unless the field has this value."""
        if self[field] != value:
            raise self.error(field, f"must be {value}, {why}")

    @property
    def opcode(self) -> Opcode:
        """What the layer computes."""
        return Opcode(self["opcode"])

    @property
    def is_conv(self) -> bool:
        """Each output channel sums over all input channels; else channels stay by themselves."""
        return self.opcode is Opcode.CONV

    @property
    def has_weights(self) -> bool:
        """The layer multiplies; else it pools."""
        return self.opcode in (Opcode.CONV, Opcode.DEPTHWISE)

    @property
    def word_bytes(self) -> int:
        """WB."""
        return word_bytes(self.hardware.rows, self.hardware.bits_input)

    @property
    def full_channels(self) -> int:
        """Channels of a full group."""
        return self.hardware.columns if self.is_conv else self.hardware.drain

    @property
    def channels_out(self) -> int:
        """Channels that the layer writes."""
        return (self["groups"] - 1) * self.full_channels + self["last_group_channels"]

    @property
    def group_sizes(self) -> list[int]:
        """Channels of each group."""
        return [self.full_channels] * (self["groups"] - 1) + [self["last_group_channels"]]

    @property
    def weight_blocks(self) -> int:
        """Blocks of the tensor in the arena that the weights are (weights_arena)."""
        return -(-self.channels_out // self.hardware.rows)

    @property
    def steps(self) -> int:
        """K: steps of a block of a group."""
        taps = self["kernel_height"] * self["kernel_width"]
        return taps * self["channels_in"] if self.is_conv else taps

    @property
    def copies(self) -> tuple[int, int]:
        """(FH, FW): times that the loader stores each pixel in h and w."""
        return self["copies_h"] + 1, self["copies_w"] + 1

    @property
    def passes(self) -> int:
        """Times that the input is streamed."""
        return -(-self["groups"] // self["groups_per_pass"])

    @property
    def sets(self) -> int:
        """Block sets of a pass."""
        return -(-self["blocks"] // self["set_blocks"])

    @property
    def planes(self) -> tuple[int, int]:
        """Stored phase planes in h and w; a direct load has one."""
        return (1, 1) if self["direct_load"] else (self["planes_h"], self["planes_w"])

    def position(self, name: str) -> int:
        """A position that is kept as ``name_block(s)`` and ``name_lane``."""
        block = f"{name}_block" if f"{name}_block" in self.fields else f"{name}_blocks"
        return self[block] * self.hardware.rows + self[f"{name}_lane"]

    @cached_property
    def block_numbers(self) -> Int64Array:
        """(blocks,) 0, 1, ..."""
        return np.arange(self["blocks"], dtype=np.int64)

    def check(self, layers: int) -> None:
        """Checks what can be said without memory.

        Args:
            layers: layers of the stage.

        Raises:
            EmulatorError: the first field that the contract excludes.
        """
        if self["opcode"] not in list(Opcode):
            raise self.error("opcode", "unknown")
        self.require("layer_index", self.number, "its position in the stage")
        last = int(self.number == layers - 1)
        self.require("last_layer", last, "set in the stage's last layer only")
        at_least_one = (
            "kernel_height kernel_width channels_in groups last_group_channels blocks set_blocks "
            "groups_per_pass tail_lanes wrap_w wrap_h stride_h stride_w height width ring_blocks "
            "segments segment_bytes stream_blocks"
        )
        if not self["direct_load"]:
            at_least_one += " input_pitch input_rows planes_w planes_h"
        for name in at_least_one.split():
            if self[name] < 1:
                raise self.error(name, "must be at least 1")
        if not self["direct_load"] and self["load_width"] > self["input_pitch"]:
            raise self.error("load_width", f"a row has {self['input_pitch']} lanes")
        self._check_unused()
        self._check_groups()
        self._check_walk()
        self._check_copies()
        self._check_buffer()
        if self["weights_arena"]:
            self._check_weights_arena()
        elif self.has_weights:
            self._check_weights()
        else:
            self.require("weight_rows", 0, "pooling has no weights")
        self._check_bias()
        self._check_clip("")
        if self["add_enable"]:
            self._check_add()
        words = self["stream_blocks"] * self["channels_in"]
        if self["segments"] * self["segment_bytes"] != words * self.word_bytes:
            raise self.error(
                "segment_bytes",
                f"{self['segments']} segments must hold {words} words of {self.word_bytes} bytes",
            )
        self._check_output()
        self._check_units()

    def _check_units(self) -> None:
        """Checks that words begin and end where the hardware cuts beats."""
        names = (
            "input_offset segment_bytes segment_stride output_offset output_block_bytes "
            "output_group_bytes output_bytes"
        )
        if self["add_enable"]:
            names += " add_offset add_block_bytes"
        unit = self.hardware.unit_bytes
        for name in names.split():
            if self[name] % unit:
                raise self.error(name, f"must be a multiple of {unit} bytes")

    def _check_unused(self) -> None:
        """Checks what the hardware checks of every descriptor, whether the layer uses it or not."""
        row = word_bytes(self.hardware.columns, self.hardware.bits_weights)
        limits = {f"{name}_lane": (0, self.hardware.rows - 1) for name in _PLACES}
        limits["group_channels"] = (1, self.full_channels)
        limits["row_bytes"] = limits["last_row_bytes"] = (0, row)
        if self["weights_streamed"]:
            limits["weights_resident"] = (0, 0)
        for name, (low, high) in limits.items():
            if not low <= self[name] <= high:
                raise self.error(name, f"is {low} to {high}")

    def _check_groups(self) -> None:
        if self["groups"] > 1:
            self.require("group_channels", self.full_channels, "a full group's channels")
        if self["last_group_channels"] > self.full_channels:
            raise self.error("last_group_channels", f"a group has {self.full_channels} at most")
        if not self.is_conv and self.channels_out > self["channels_in"]:
            raise self.error(
                "groups",
                f"channel by channel, but {self.channels_out} of {self['channels_in']} channels",
            )
        if self["tail_lanes"] > self.hardware.rows:
            raise self.error("tail_lanes", f"a block has {self.hardware.rows} lanes")

    def _check_walk(self) -> None:
        rows = self.hardware.rows
        for axis in "hw":
            if self[f"wrap_{axis}"] % self[f"stride_{axis}"]:
                raise self.error(f"wrap_{axis}", f"must be a multiple of stride_{axis}")
        pitch = self["wrap_w"] // self["stride_w"]
        image_rows = self["wrap_h"] // self["stride_h"]
        self.require("step_w", rows % pitch * self["stride_w"], "R lanes further")
        self.require("step_h", rows // pitch % image_rows * self["stride_h"], "R lanes further")
        if self["row_blocks"]:
            if pitch % rows:
                raise self.error("row_blocks", f"row-aligned, but the output pitch is {pitch}")
            self.require("row_blocks", pitch // rows, "blocks of an image row")
            self.require("image_rows", image_rows, "as wrap_h / stride_h")

    def _check_buffer(self) -> None:
        planes_h, planes_w = self.planes
        kernel = {"h": "kernel_height", "w": "kernel_width"}
        for axis, planes in (("h", planes_h), ("w", planes_w)):
            used = min(self[kernel[axis]], self[f"stride_{axis}"])
            if used > planes:
                raise self.error(
                    "direct_load" if self["direct_load"] else f"planes_{axis}",
                    f"taps read {used} phase planes in {axis}, {planes} are stored",
                )
        self.require("plane_rows", -(-self["channels_in"] // self.hardware.drain), "ceil(CI / D)")
        if planes_h > 1:
            self.require("phase_rows", planes_w * self["plane_rows"], "planes_w * plane_rows")
        self.require("block_rows", planes_h * planes_w * self["plane_rows"], "all planes' rows")
        ring_rows = self["ring_blocks"] * self["block_rows"]
        self.require("ring_rows", ring_rows, "ring_blocks * block_rows")
        if ring_rows > self.hardware.pixel_rows:
            raise self.error("ring_rows", f"the pixel buffer has {self.hardware.pixel_rows} rows")
        if self["phase_skew"] and (self["direct_load"] or self["stride_w"] != 2):
            raise self.error("phase_skew", "is for scattered loads with stride_w 2")
        if self["phase_skew"] >= self.hardware.rows:
            raise self.error("phase_skew", f"is below {self.hardware.rows}, the lanes")
        distances = ["gather", "pitch"]
        if self["row_blocks"]:
            distances += ["row_step", "image_step"]
        if not self["direct_load"]:
            distances += ["scatter", "scatter_image"]
            for axis, pad in (("w", "pad_left"), ("h", "pad_top")):
                phase = self[pad] % self[f"stride_{axis}"]
                self.require(f"start_phase_{axis}", phase, f"{pad} mod stride_{axis}")
        for name in distances:
            single = f"{name}_row" in self.fields
            blocks = self[f"{name}_block" if single else f"{name}_blocks"]
            wrapped = blocks * self["block_rows"] % ring_rows
            self.require(f"{name}_row" if single else f"{name}_rows", wrapped, "its blocks in rows")
            if self[f"{name}_lane"] >= self.hardware.rows:
                raise self.error(f"{name}_lane", f"lanes are 0 to {self.hardware.rows - 1}")

    def _check_copies(self) -> None:
        if self["copies_w"] > 3:
            raise self.error("copies_w", "is 3 at most")
        for name in ("copies_h", "copies_w"):
            if not self[name]:
                continue
            if self["direct_load"]:
                raise self.error(name, "upsampling is for scattered loads, direct_load is set")
            for other in ("stride_h", "stride_w", "planes_h", "planes_w"):
                if self[other] != 1:
                    raise self.error(name, f"upsampling needs {other} = 1, not {self[other]}")

    def _check_weights(self) -> None:
        rows = self.steps
        self.require("weight_rows", rows, "KH * KW * CI" if self.is_conv else "KH * KW")
        bits = self.hardware.bits_weights
        if self["groups"] > 1:
            self.require("row_bytes", word_bytes(self.full_channels, bits), "a full group's row")
            self.require("group_bytes", rows * self["row_bytes"], "K rows")
        last = word_bytes(self["last_group_channels"], bits)
        self.require("last_row_bytes", last, "the last group's row")
        self.require("last_group_bytes", rows * last, "K rows")
        self._check_weight_ring()

    def _check_weights_arena(self) -> None:
        if not self.is_conv:
            raise self.error("weights_arena", f"is for CONV, not {self.opcode.name}")
        # Kernel rows may be the parts that the channels of a 1x1 kernel are split into.
        single = ["kernel_width"] if self["release_rows"] else ["kernel_width", "kernel_height"]
        for name in single:
            self.require(name, 1, "the weights are a tensor in the arena")
        self.require("weight_rows", self.steps, "channels of the tensor in the arena")
        block = self.steps * self.word_bytes
        if self.weight_blocks > 1 and self["group_bytes"] < block:
            raise self.error("group_bytes", f"a block of the tensor has {block} bytes at least")
        self._check_weight_ring()

    def _check_weight_ring(self) -> None:
        depth, rows = self.hardware.weight_rows, self.steps
        if self["weights_streamed"]:
            self.require("weights_resident", 0, "streamed weights do not stay")
        elif rows > depth:
            raise self.error("weights_streamed", f"{rows} rows do not fit the ring of {depth}")
        elif self["weights_resident"]:
            kept = rows * min(self["groups_per_pass"], self["groups"])
            if kept > depth:
                raise self.error("weights_resident", f"{kept} rows do not fit the ring of {depth}")

    def _check_bias(self) -> None:
        beats = sum(-(-size // self.hardware.drain) for size in self.group_sizes)
        if self["bias_enable"] or self["bias_bytes"]:
            size = beats * self.hardware.drain * -(-self.hardware.post_bits // 8)
            self.require("bias_bytes", size, f"{beats} drain beats")
            if beats > self.hardware.bias_rows:
                raise self.error(
                    "bias_bytes", f"{beats} rows, the bias buffer has {self.hardware.bias_rows}"
                )
        if self["bias_enable"] and self.opcode is Opcode.AVERAGE_POOL:
            raise self.error("bias_enable", "average pooling has no bias")

    def _check_clip(self, prefix: str) -> None:
        """Checks the limits ``prefix``clip_low and ``prefix``clip_high."""
        low, high = self[f"{prefix}clip_low"], self[f"{prefix}clip_high"]
        lowest, highest = number_range(self.hardware.bits_input)
        if low < lowest:
            raise self.error(f"{prefix}clip_low", f"pixels start at {lowest}")
        if high > highest:
            raise self.error(f"{prefix}clip_high", f"pixels end at {highest}")
        if low > high:
            raise self.error(f"{prefix}clip_low", f"above {prefix}clip_high = {high}")

    def _check_add(self) -> None:
        self._check_clip("add_")
        # A block of the second operand has all channels that this layer adds.
        least = (self["groups"] - 1) * self["output_group_bytes"]
        least += self["last_group_channels"] * self.word_bytes
        by_group = self["groups"] > 1 and self["output_group_bytes"] >= (
            (self["blocks"] - 1) * self["add_block_bytes"] + self.full_channels * self.word_bytes
        )
        if self["blocks"] > 1 and self["add_block_bytes"] < least and not by_group:
            raise self.error("add_block_bytes", f"a block has {least} bytes")

    def _check_output(self) -> None:
        blocks, groups = self["blocks"], self["groups"]
        block_bytes, group_bytes = self["output_block_bytes"], self["output_group_bytes"]
        full, last = (n * self.word_bytes for n in (self.full_channels, self.group_sizes[-1]))
        self.require("output_bytes", blocks * self.channels_out * self.word_bytes, "all words")
        widest = full if groups > 1 else last
        # Either all groups of a block lie before the next block, or all blocks of a group before
        # the next group; anything else would write words over each other.
        by_block = (groups == 1 or group_bytes >= full) and (
            blocks == 1 or block_bytes >= (groups - 1) * group_bytes + last
        )
        by_group = (blocks == 1 or block_bytes >= widest) and (
            groups == 1 or group_bytes >= (blocks - 1) * block_bytes + full
        )
        if not (by_block or by_group):
            raise self.error("output_block_bytes", "output words overlap")
        if self["output_contiguous"]:
            group, block = (a.ravel() for a in np.indices((groups, blocks)))
            order = np.lexsort(
                (block, group, block // self["set_blocks"], group // self["groups_per_pass"])
            )
            group, block = group[order], block[order]
            start = block * block_bytes + group * group_bytes
            end = start + np.where(group == groups - 1, last, full)
            if (start[1:] != end[:-1]).any():
                raise self.error("output_contiguous", "the output's words are not one run")
