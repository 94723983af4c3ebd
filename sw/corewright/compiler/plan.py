# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Chooses geometry and loop order of all layers together.

A layer's output raster is its consumers' input raster, so the choices are not independent. A beam
search walks the layers in order; a state holds the rasters of the tensors that are still read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from corewright.compiler.errors import CompileError
from corewright.compiler.geometry import Geometry, Raster, geometries
from corewright.compiler.operation import Lowered, Operation, TensorSlice, copy_operation
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
    choices: tuple[Choice, ...]


def plan(
    graph: Graph, lowered: Lowered, hardware: Hardware, batch: int
) -> tuple[Raster, list[Choice]]:
    """Returns the input tensor's raster and the choices in order.

    An operation is one choice, or several where rasters that have to agree do not: then copies
    go before it (its second operand) or behind it (its place in a concatenation).

    Raises:
        CompileError: a layer fits in no geometry.
    """
    layers = lowered.operations
    last_use = {name: index for index, layer in enumerate(layers) for name in layer.tensors_read}
    for index, layer in enumerate(layers):
        # Other slices of the same tensor have to agree with the first.
        last_use[layer.target.tensor] = max(index, last_use.get(layer.target.tensor, index))
    states = [
        _State((0.0, 0), {graph.input.name: raster}, None, ())
        for raster in _input_rasters(graph, hardware)
    ]
    for index, layer in enumerate(layers):
        # Names of copies are free: no tensor of the graph is called so.
        search = _Search(layer, hardware, batch, f"{layer.name}@{index}", set(graph.tensors))
        best: dict[tuple[tuple[str, Raster], ...], _State] = {}
        for state in states:
            fixed = state.rasters.get(layer.target.tensor)
            added = None
            if layer.addition is not None:
                added = state.rasters[layer.addition.source.tensor]
            for raster, choices in search.ways(state.rasters[layer.source.tensor], fixed, added):
                rasters = {**state.rasters, layer.target.tensor: raster}
                rasters = {name: r for name, r in rasters.items() if last_use[name] > index}
                costs = [state.cost, *(choice.cost for choice in choices)]
                cost = sum(c for c, _ in costs), sum(size for _, size in costs)
                live = tuple(sorted(rasters.items(), key=lambda item: item[0]))
                if live not in best or cost < best[live].cost:
                    best[live] = _State(cost, rasters, state, choices)
        if not best:
            raise search.failure or CompileError(layer.name, "fits in no way")
        states = sorted(best.values(), key=lambda state: state.cost)[:_BEAM]
    result: list[Choice] = []
    step: _State | None = states[0]
    while step is not None:
        result[:0] = step.choices
        step = step.previous
    return result[0].geometry.source, result


class _Search:
    """The ways to do one operation, by the rasters of what it reads and writes."""

    def __init__(
        self, layer: Operation, hardware: Hardware, batch: int, name: str, taken: set[str]
    ) -> None:
        self.layer = layer
        self.hardware = hardware
        self.batch = batch
        self.name = name
        self.taken = taken
        self.failure: CompileError | None = None
        self._ways: dict[
            tuple[Raster, Raster | None, Raster | None], list[tuple[Raster, tuple[Choice, ...]]]
        ] = {}

    def ways(
        self, source: Raster, fixed: Raster | None, added: Raster | None
    ) -> list[tuple[Raster, tuple[Choice, ...]]]:
        """(output raster, choices in order) of all ways.

        Args:
            source: raster of the input.
            fixed: raster that the output tensor has already, if a slice of it is written.
            added: raster of the addition's second operand, if there is one.
        """
        key = source, fixed, added
        if key not in self._ways:
            try:
                self._ways[key] = list(self._find(source, fixed, added))
            except CompileError as error:
                self.failure = _easier(self.failure, error)
                self._ways[key] = []
        return self._ways[key]

    def _find(
        self, source: Raster, fixed: Raster | None, added: Raster | None
    ) -> Iterator[tuple[Raster, tuple[Choice, ...]]]:
        layer = self.layer
        wanted = [raster for raster in (fixed, added) if raster is not None]
        choices = _choices(layer, self.hardware, self.batch, source, wanted)
        if fixed is None or fixed in choices:
            for raster, choice in choices.items():
                if fixed in (None, raster):
                    yield from self._with_operand(raster, choice, added)
            return
        # Written elsewhere first, then copied to its place.
        temporary = TensorSlice.whole(self._temporary("result"), layer.channels_out)
        elsewhere = replace(layer, target=temporary)
        choices = _choices(elsewhere, self.hardware, self.batch, source, wanted)
        for raster, choice in choices.items():
            copy = self._copy(temporary, layer.target, raster, fixed)
            if copy is not None:
                for _, steps in self._with_operand(raster, choice, added):
                    yield fixed, (*steps, copy)

    def _with_operand(
        self, raster: Raster, choice: Choice, added: Raster | None
    ) -> Iterator[tuple[Raster, tuple[Choice, ...]]]:
        """The choice, behind a copy that brings its second operand to ``raster`` if need be."""
        addition = choice.operation.addition
        if addition is None or added is None or added == raster:
            yield raster, (choice,)
            return
        temporary = TensorSlice.whole(self._temporary("operand"), self.layer.channels_out)
        copy = self._copy(addition.source, temporary, added, raster)
        if copy is not None:
            addition = replace(addition, source=temporary)
            operation = replace(choice.operation, addition=addition)
            yield raster, (copy, replace(choice, operation=operation))

    def _copy(
        self, source: TensorSlice, target: TensorSlice, before: Raster, after: Raster
    ) -> Choice | None:
        layer = self.layer
        copy = copy_operation(layer.name, layer.out_size, source, target, self.hardware)
        try:
            return _choices(copy, self.hardware, self.batch, before, [after], only=True)[after]
        except CompileError as error:
            self.failure = _easier(self.failure, error)
            return None

    def _temporary(self, what: str) -> str:
        name = f"{self.name}.{what}"
        while name in self.taken:
            name += "'"
        return name


def _easier(a: CompileError | None, b: CompileError) -> CompileError:
    """The error whose remedy asks for less."""
    if a is None or (b.needed is not None and (a.needed is None or b.needed < a.needed)):
        return b
    return a


def _input_rasters(graph: Graph, hardware: Hardware) -> list[Raster]:
    tensor = graph.input
    aligned = -(-tensor.width // hardware.rows) * hardware.rows
    return [Raster(pitch, tensor.height) for pitch in sorted({tensor.width, aligned})]


def _choices(
    layer: Operation,
    hardware: Hardware,
    batch: int,
    source: Raster,
    wanted: Sequence[Raster],
    *,
    only: bool = False,
) -> dict[Raster, Choice]:
    """The best choice for each output raster, or ``only`` for those in ``wanted``.

    See :func:`geometries` for the rasters.

    Raises:
        CompileError: none fits the pixel buffer.
    """
    split = parts(layer, hardware)
    best: dict[Raster, Choice] = {}
    least_rows = None
    for geometry in geometries(layer, hardware, batch, source, wanted):
        if not _fields_fit(geometry) or not geometry.legal:
            continue
        if only and geometry.output not in wanted:
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
        return best
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
