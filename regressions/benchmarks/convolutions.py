# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Cycles of single convolutions in RTL against the bound of the array and of the ports.

Each layer is a program of its own, simulated in Verilator with the real firmware and without memory
stalls; cycles are those of the RTL's performance counters. The bound is the larger of
``ceil(M/R) * ceil(CO/C) * KH * KW * CI`` (M: output pixels) and the bytes that have to cross the
busiest port, over its width. Every layer may take 200 cycles more to start.

The second table repeats layers that the reference's engine was measured on in its own RTL
simulation (8x24, 8 bit, AXI 64, no stalls, CPU time not counted), its measured cycles beside ours.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from corewright.files import write_output
from corewright.flow.simulate import simulate
from corewright.flow.vectors import random_images
from corewright.graph import Conv, Dense, Graph, Requant, Tensor, same_padding
from corewright.hardware import Hardware

START_UP = 200
EXCESS_LIMIT = 0.03
OUTPUT_SIZE = 32

# Rings hold two channel groups of the largest layer (K = 11 * 11 * 128), as a chip for it would.
SWEEP = Hardware(
    processing_elements=(8, 24),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    axi_width=64,
    max_image_size=128,
    ram_weights_depth=32768,
    pixel_buffer_depth=16384,
)
REFERENCE = Hardware(
    processing_elements=(8, 24),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    axi_width=64,
    max_image_size=128,
)
# name, graph's shape, batch, cycles that the reference's RTL was measured to take
MEASURED_REFERENCE = (
    ("3x3, 32 -> 16", (3, 1, 32, 16, 16), 1, 6602),
    ("1x1, 64 -> 48", (1, 1, 64, 48, 16), 1, 6484),
    ("1x1, 4 -> 48", (1, 1, 4, 48, 16), 1, 6244),
    ("dense 256 -> 96, batch 8", (0, 1, 256, 96, 1), 8, 3460),
)


@dataclass(frozen=True)
class Row:
    """A measured layer; ``excess`` is the share of cycles above bound and start-up."""

    name: str
    compute: int
    port: int
    cycles: int
    excess: float
    bit_exact: bool
    reference: int | None = None


def layer(kernel: int, stride: int, channels_in: int, channels_out: int, size: int) -> Graph:
    """A convolution with 'same' padding, or with kernel 0 a dense layer, and random weights."""
    rng = np.random.default_rng([kernel, stride, channels_in, channels_out, size])
    requant = Requant(0, 9, 9, -128, 127)
    bias = rng.integers(-100, 100, channels_out)
    if kernel == 0:
        source = Tensor("x", 1, 1, channels_in, 8, 0)
        weights = rng.integers(-8, 8, (channels_in, channels_out))
        result = Tensor("y", 1, 1, channels_out, 8, 0)
        return Graph("layer", source, (Dense("dense", "x", result, weights, bias, requant, 8, 0),))
    source = Tensor("x", size, size, channels_in, 8, 0)
    strides = (stride, stride)
    padding = same_padding((size, size), (kernel, kernel), strides)
    weights = rng.integers(-8, 8, (kernel, kernel, channels_in, channels_out))
    result = Tensor("y", -(-size // stride), -(-size // stride), channels_out, 8, 0)
    node = Conv("conv", "x", result, weights, bias, strides, padding, requant, 8, 0)
    return Graph("layer", source, (node,))


def measure(
    name: str,
    shape: tuple[int, int, int, int, int],
    hardware: Hardware,
    batch: int,
    reference: int | None = None,
) -> Row:
    """Simulate one layer; shape is kernel, stride, channels in, channels out, input size."""
    kernel, stride, channels_in, channels_out, size = shape
    graph = layer(*shape)
    result = simulate(graph, hardware, random_images(graph, batch, 1), batch)
    output = -(-size // stride)
    pixels = batch * output * output
    steps = max(1, kernel * kernel) * channels_in
    compute = -(-pixels // hardware.rows) * -(-channels_out // hardware.columns) * steps
    # A 1x1 kernel with a stride needs only some rows.
    rows = output if kernel <= 1 else size
    port_bytes = max(
        batch * rows * size * channels_in,
        steps * channels_out,
        pixels * channels_out,
    )
    port = -(-port_bytes // hardware.axi_bytes)
    cycles = result["layers"][0]["cycles"]
    excess = (cycles - START_UP) / max(compute, port) - 1
    return Row(name, compute, port, cycles, round(excess, 4), result["bit_exact"], reference)


def sweep() -> list[Row]:
    """The layers that the requirement names."""
    rows = []
    for kernel in (1, 3, 5, 11):
        for stride in (1, 2):
            for channels in ((16, 16), (16, 128), (64, 48), (128, 16), (128, 128)):
                name = f"{kernel}x{kernel} /{stride}, {channels[0]} -> {channels[1]}"
                shape = (kernel, stride, *channels, OUTPUT_SIZE * stride)
                rows.append(measure(name, shape, SWEEP, 1))
    return rows


def against_reference() -> list[Row]:
    """The layers that the reference was measured on."""
    return [
        measure(name, shape, REFERENCE, batch, cycles)
        for name, shape, batch, cycles in MEASURED_REFERENCE
    ]


def show(console: Console, title: str, rows: list[Row]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left")
    with_reference = any(row.reference is not None for row in rows)
    columns = ["layer", "compute", "port", "measured", "over bound + 200", "bit exact"]
    for column in columns + ["reference's RTL"] * with_reference:
        table.add_column(column, justify="left" if column == "layer" else "right")
    for row in rows:
        cells = [
            *(row.name, f"{row.compute:,}", f"{row.port:,}", f"{row.cycles:,}"),
            *(f"{100 * row.excess:+.1f} %", "yes" if row.bit_exact else "NO"),
        ]
        if with_reference:
            cells.append(f"{row.reference:,}" if row.reference is not None else "")
        table.add_row(*cells)
    console.print(table)


def main(json_path: Path | None = None) -> int:
    """Measure, print both tables, and return 1 if a layer is wrong or exceeds the limit."""
    console = Console(width=110)
    console.print(
        "cycles counted by the RTL's performance counters; 8x24, 8 bit, AXI 64, no stalls"
    )
    swept = sweep()
    show(console, f"{OUTPUT_SIZE}x{OUTPUT_SIZE} outputs", swept)
    compared = against_reference()
    show(console, "layers that the reference was measured on, 16x16 image", compared)
    bad = [row for row in swept if row.excess > EXCESS_LIMIT]
    wrong = [row for row in swept + compared if not row.bit_exact]
    console.print(f"{len(bad)} of {len(swept)} layers over the limit, {len(wrong)} wrong")
    if json_path is not None:
        value: dict[str, Any] = {
            "start_up": START_UP,
            "excess_limit": EXCESS_LIMIT,
            "sweep": [asdict(row) for row in swept],
            "reference": [asdict(row) for row in compared],
        }
        write_output(json_path, json.dumps(value, indent=2) + "\n")
    return 1 if bad or wrong else 0
