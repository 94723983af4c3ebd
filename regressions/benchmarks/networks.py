# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Cycles of whole networks in RTL, layer by layer, against the bound of the array.

VGG-16, ResNet-50 and AlexNet of ``models/`` on 21x32 units, 8 bit, AXI 128, batch 1, simulated in
Verilator with the real firmware and without memory stalls; every tensor is compared. Cycles are
those of the RTL's performance counters, beside the compiler's estimate. The bound of a convolution
is ``ceil(M/R) * ceil(CO/C) * K`` (M: output pixels, K: kernel taps times input channels); a
residual addition is part of the convolution that computes it.

All cycles of convolutions and pools are held against the convolutions' bound, so that pools count
as loss. Dense layers are left out: at batch 1 they wait for their weights, whatever the array does.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from corewright.compiler import CompiledLayer, compile_graph
from corewright.files import write_output
from corewright.flow import System, find_system, simulate
from corewright.flow.vectors import random_images
from corewright.graph import Conv, Graph
from corewright.hardware import Hardware

BATCH = 1
# Cycles of convolutions and pools above the convolutions' bound.
LIMITS = {"vgg16": 0.03, "resnet50": 0.05, "alexnet": 0.08}


@dataclass(frozen=True)
class Row:
    """A layer; ``measured`` is None where nothing was simulated."""

    name: str
    type: str
    addition: str | None
    bound: int
    steps: int
    estimate: int
    measured: int | None

    @property
    def cycles(self) -> int:
        """Measured cycles, or else the estimate."""
        return self.estimate if self.measured is None else self.measured


@dataclass(frozen=True)
class Network:
    """A network's layers and totals; ``result`` is the simulation's report without its layers."""

    name: str
    rows: tuple[Row, ...]
    limit: float
    bit_exact: bool | None
    result: dict[str, Any]

    @property
    def counted(self) -> tuple[Row, ...]:
        """All layers but dense ones."""
        return tuple(row for row in self.rows if row.type != "dense")

    @property
    def bound(self) -> int:
        """Sum of the convolutions' bounds."""
        return sum(row.bound for row in self.counted)

    @property
    def excess(self) -> float:
        """Share of the counted layers' cycles above the bound."""
        return sum(row.cycles for row in self.counted) / self.bound - 1


def array_bound(graph: Graph, layer: CompiledLayer, hardware: Hardware, batch: int) -> int:
    """Return the least cycles of a convolution on the array; 0 for other layers."""
    node = graph.node(layer.node)
    if not isinstance(node, Conv) or layer.type != "conv":
        return 0
    pixels = batch * node.output.height * node.output.width
    steps = int(node.weights[..., 0].size)
    return -(-pixels // hardware.rows) * -(-layer.channels[1] // hardware.columns) * steps


def measure(system: System, *, simulated: bool = True) -> Network:
    """Compile and, if ``simulated``, run a system for one image.

    Raises:
        CompileError: the network does not run on the system's hardware.
        FlowError: a tool failed.
    """
    graph, hardware = system.graph, system.hardware
    compiled = compile_graph(graph, hardware, BATCH)
    result: dict[str, Any] = {}
    measured: list[int | None] = [None] * len(compiled.layers)
    if simulated:
        result = simulate(graph, hardware, random_images(graph, BATCH, 1), BATCH)
        layers = result.pop("layers")
        measured = [layer["cycles"] for layer in layers]
    rows = tuple(
        Row(
            layer.name,
            layer.type,
            layer.addition,
            array_bound(graph, layer, hardware, BATCH),
            layer.compute_cycles,
            round(layer.estimated_cycles),
            cycles,
        )
        for layer, cycles in zip(compiled.layers, measured, strict=True)
    )
    exact = result["passed"] if simulated else None
    return Network(system.name, rows, LIMITS[system.name], exact, result)


def show(console: Console, network: Network) -> None:
    """Print a network's table and its totals."""
    table = Table(title=network.name, title_justify="left")
    for column in ("layer", "type", "bound", "steps", "estimate", "measured", "over bound"):
        table.add_column(column, justify="left" if column in ("layer", "type") else "right")
    for row in network.rows:
        measured = "" if row.measured is None else f"{row.measured:,}"
        excess = f"{100 * (row.cycles / row.bound - 1):+.1f} %" if row.bound else ""
        kind = f"{row.type} + add" if row.addition else row.type
        cells = (row.name, kind, f"{row.bound:,}", f"{row.steps:,}", f"{row.estimate:,}")
        table.add_row(*cells, measured, excess)
    console.print(table)
    cycles = sum(row.cycles for row in network.counted)
    estimate = sum(row.estimate for row in network.counted)
    console.print(
        f"{network.name}: convolutions and pools {cycles:,} cycles (estimate {estimate:,}), the "
        f"convolutions' bound {network.bound:,}: {100 * network.excess:+.2f} %, "
        f"limit {100 * network.limit:.0f} %"
    )
    if network.bit_exact is not None:
        console.print(
            f"{network.name}: with dense layers {network.result['cycles']:,} cycles, "
            f"{network.result['images_per_second_at_clock']:,} images a second at the clock, "
            f"{'bit exact' if network.bit_exact else 'NOT BIT EXACT'}\n"
        )


def main(json_path: Path | None = None) -> int:
    """Measure, print, and return 1 if a network is wrong or exceeds its limit."""
    console = Console(width=110)
    networks = []
    for name in LIMITS:
        network = measure(find_system(name))
        show(console, network)
        networks.append(network)
    if json_path is not None:
        value = [
            {
                **asdict(network),
                "bound": network.bound,
                "cycles": sum(row.cycles for row in network.counted),
                "excess": round(network.excess, 5),
            }
            for network in networks
        ]
        text = json.dumps({"batch": BATCH, "networks": value}, indent=2)
        write_output(json_path, text + "\n")
    bad = [n.name for n in networks if n.excess > n.limit or not n.bit_exact]
    console.print(f"over the limit or wrong: {', '.join(bad) or 'none'}")
    return 1 if bad else 0
