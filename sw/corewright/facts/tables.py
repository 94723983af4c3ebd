# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The accelerator's configuration, member by member, and the causes that its counters know."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """A member of ``cw_pkg::cfg_t``, an unsigned integer.

    Attributes:
        name: in SystemVerilog.
        attribute: of ``corewright.hardware.Hardware``, where its value comes from.
        legal: what it may be, in words.
        meaning: in words.
        width: bits of a bare vector; None: an int.
    """

    name: str
    attribute: str
    legal: str
    meaning: str
    width: int | None = None


CONFIGURATION = (
    Member("Rows", "rows", "1..128", "R: pixel lanes"),
    Member("Columns", "columns", "1..128", "C: output channels of a group"),
    Member(
        "Drain",
        "drain",
        "divides Columns",
        "D: channels of a buffer entry, of pools and depthwise layers",
    ),
    Member("PixelBits", "bits_input", "1..8, 16", "width of an activation; 1: a sign"),
    Member("WeightBits", "bits_weights", "1..8, 16", "width of a weight; 1: a sign"),
    Member("SumBits", "bits_sum", "8..40", "accumulator width"),
    Member("AxiBits", "axi_width", "32, 64, 128, 256, 512", "data width of the AXI4 ports"),
    Member("AddrBits", "address_width", "32..64", "address width of the AXI4 ports"),
    Member("PixelRows", "pixel_rows", ">= 1", "entries of a pixel-buffer bank, D channels each"),
    Member("WeightRows", "weight_rows", ">= 2", "entries of the weight ring, C weights each"),
    Member("BiasRows", "bias_rows", ">= C/D", "entries of the bias buffer a layer, D biases each"),
    Member("MaxBurst", "max_burst_beats", "1..256", "beats of the longest burst"),
    Member("MaxOutstanding", "max_outstanding", "1..64", "bursts in flight a port"),
    Member("PerfLayers", "perf_layers", ">= 1", "layers that the performance RAM records"),
    Member("Hash", "hash", "any", "a program for other hardware is refused by this", 32),
)


class Cause(enum.IntEnum):
    """Categories of the performance counters: the order of a layer's words, the total behind."""

    COMPUTE = 0
    WAIT_WEIGHTS = 1
    WAIT_PIXELS = 2
    WAIT_OUTPUT = 3
    LAYER_START = 4
    LAYER_END = 5
    CONTROL = 6
