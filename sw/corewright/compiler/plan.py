# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Chooses geometry and loop order of all layers together.

A layer's output raster is its consumers' input raster, so the choices are not independent. A beam
search walks the layers in order; a state holds the rasters of the tensors that are still read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corewright.compiler.errors import CompileError
from corewright.compiler.geometry import Geometry, Raster, geometries
from corewright.compiler.operation import Operation
from corewright.compiler.schedule import Schedule, best_schedule, parts
from corewright.graph import Graph
from corewright.hardware import Hardware

_BEAM = 16
# Coordinates of a lane are 16-bit fields.
_MAX_COORDINATE = (1 << 16) - 1


@dataclass(frozen=True, eq=False)
class Choice:
    """How a layer is done: one geometry, one schedule a part."""

    operation: Operation
    geometry: Geometry
    schedules: tuple[Schedule, ...]

    @property
    def cost(self) -> tuple[float, int]:
        """Cycles and bytes of all parts."""
        costs = [schedule.cost for schedule in self.schedules]
        return sum(cycles for cycles, _ in costs), sum(size for _, size in costs)


@dataclass(frozen=True, eq=False)
class _State:
    cost: tuple[float, int]
    rasters: dict[str, Raster]
    previous: _State | None
    choice: Choice | None


def plan(
    graph: Graph, layers: Sequence[Operation], hardware: Hardware, batch: int
) -> tuple[Raster, list[Choice]]:
    """Returns the input tensor's raster and a choice a layer.

    Raises:
        CompileError: a layer fits in no geometry.
    """
    last_use = {layer.input: index for index, layer in enumerate(layers)}
    states = [
        _State((0.0, 0), {graph.input.name: raster}, None, None)
        for raster in _input_rasters(graph, hardware)
    ]
    known: dict[tuple[int, Raster], list[Choice]] = {}
    for index, layer in enumerate(layers):
        best: dict[tuple[tuple[str, Raster], ...], _State] = {}
        failure: CompileError | None = None
        for state in states:
            source = state.rasters[layer.input]
            key = (index, source)
            if key not in known:
                try:
                    known[key] = _choices(layer, hardware, batch, source)
                except CompileError as error:
                    failure = _easier(failure, error)
                    known[key] = []
            for choice in known[key]:
                rasters = {
                    name: raster
                    for name, raster in state.rasters.items()
                    if last_use.get(name, -1) > index
                }
                rasters[layer.output] = choice.geometry.output
                cost = (state.cost[0] + choice.cost[0], state.cost[1] + choice.cost[1])
                live = tuple(sorted(rasters.items(), key=lambda item: item[0]))
                if live not in best or cost < best[live].cost:
                    best[live] = _State(cost, rasters, state, choice)
        if not best:
            raise failure or CompileError(layer.name, "fits in no way")
        states = sorted(best.values(), key=lambda state: state.cost)[:_BEAM]
    choices: list[Choice] = []
    step: _State | None = states[0]
    while step is not None and step.choice is not None:
        choices.append(step.choice)
        step = step.previous
    choices.reverse()
    return choices[0].geometry.source, choices


def _easier(a: CompileError | None, b: CompileError) -> CompileError:
    """The error whose remedy asks for less."""
    if a is None or (b.needed is not None and (a.needed is None or b.needed < a.needed)):
        return b
    return a


def _input_rasters(graph: Graph, hardware: Hardware) -> list[Raster]:
    tensor = graph.input
    aligned = -(-tensor.width // hardware.rows) * hardware.rows
    return [Raster(pitch, tensor.height) for pitch in sorted({tensor.width, aligned})]


def _choices(layer: Operation, hardware: Hardware, batch: int, source: Raster) -> list[Choice]:
    """The best choice for each output raster.

    Raises:
        CompileError: none fits the pixel buffer.
    """
    split = parts(layer, hardware)
    best: dict[Raster, Choice] = {}
    least_rows = None
    for geometry in geometries(layer, hardware, batch, source):
        if not _fields_fit(geometry) or not geometry.legal:
            continue
        rows = geometry.least_ring_blocks * geometry.block_rows
        if geometry.least_ring_blocks > geometry.ring_blocks:
            least_rows = rows if least_rows is None else min(rows, least_rows)
            continue
        schedules = tuple(best_schedule(geometry, part) for part in split)
        choice = Choice(layer, geometry, schedules)
        other = best.get(geometry.output)
        if other is None or choice.cost < other.cost:
            best[geometry.output] = choice
    if best:
        return list(best.values())
    if least_rows is None:
        raise CompileError(
            layer.name,
            f"a coordinate exceeds the format's {_MAX_COORDINATE}: use a smaller image or stride",
        )
    raise CompileError(
        layer.name,
        f"the pixel buffer of {hardware.pixel_rows * hardware.drain} words a lane does not hold "
        "what one block of outputs needs",
        parameter="pixel_buffer_depth",
        needed=least_rows * hardware.drain,
    )


def _fields_fit(geometry: Geometry) -> bool:
    out, strides = geometry.output, geometry.strides
    return (
        max(
            out.pitch * strides[1],
            out.image_rows * strides[0],
            geometry.source.pitch,
            geometry.stream_rows,
        )
        <= _MAX_COORDINATE
    )
