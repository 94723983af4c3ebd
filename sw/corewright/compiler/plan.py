# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Chooses geometry and loop order of all layers together.

A layer's output raster is its consumers' input raster, so the choices are not independent. A beam
search walks the layers in order; a state holds the rasters of the tensors that are still read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from corewright.compiler.errors import CompileError
from corewright.compiler.geometry import Geometry, Raster, StreamedGeometry, geometries
from corewright.compiler.operation import (
    Contents,
    HostOperation,
    Lowered,
    Operation,
    Pair,
    TensorSlice,
    copy_operation,
)
from corewright.compiler.reduce import channel_parts, patch_copies, patched
from corewright.compiler.schedule import Schedule, best_schedule, parts
from corewright.graph import Graph
from corewright.hardware import Hardware

_BEAM = 16
# Coordinates of a lane are 16-bit fields.
_MAX_COORDINATE = (1 << 16) - 1


@dataclass(frozen=True, eq=False)
class Choice:
    """How a layer is done: one geometry, one schedule a part.

    Attributes:
        operation: the layer.
        geometry: of the whole batch or, with ``images`` above 1, of one image.
        schedules: one a part.
        images: images that are descriptors of their own.
        advice: why it is slower than it could be, and what to raise; empty: it is not.
    """

    operation: Operation
    geometry: Geometry
    schedules: tuple[Schedule, ...]
    images: int = 1
    advice: str = ""

    @property
    def cost(self) -> tuple[float, int]:
        """Cycles and bytes of all parts and images."""
        costs = [schedule.cost for schedule in self.schedules]
        return self.images * sum(cycles for cycles, _ in costs), self.images * sum(
            size for _, size in costs
        )

    @property
    def output(self) -> Raster:
        """Raster of the output."""
        return self.geometry.output


@dataclass(frozen=True, eq=False)
class HostChoice:
    """A host operation and the rasters that it finds and leaves."""

    operation: HostOperation
    source: Raster
    output: Raster

    @property
    def cost(self) -> tuple[float, int]:
        """The engine has no part in it."""
        return 0.0, 0


Step = Choice | HostChoice
Way = tuple[Raster, tuple[Step, ...]]


@dataclass(frozen=True, eq=False)
class _State:
    cost: tuple[float, int]
    rasters: dict[str, Raster]
    previous: _State | None
    choices: tuple[Step, ...]


def plan(
    graph: Graph, lowered: Lowered, hardware: Hardware, batch: int
) -> tuple[Raster, list[Step]]:
    """Returns the input tensor's raster and the choices in order.

    An operation is one choice, or several: where rasters that have to agree do not, copies go
    before it (what it reads) or behind it (its place in a concatenation); where the pixel buffer
    is too small it is taken to pieces (:mod:`corewright.compiler.reduce`).

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
            for raster, choices in search.ways(state.rasters):
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
    result: list[Step] = []
    step = states[0]
    while step.previous is not None:
        result[:0] = step.choices
        step = step.previous
    return step.rasters[graph.input.name], result


class _Search:
    """The ways to do one operation, by the rasters of what it reads and writes."""

    def __init__(
        self,
        layer: Operation | HostOperation,
        hardware: Hardware,
        batch: int,
        name: str,
        taken: set[str],
    ) -> None:
        self.layer = layer
        self.hardware = hardware
        self.batch = batch
        self.name = name
        self.taken = taken
        self.failure: CompileError | None = None
        self._ways: dict[tuple[Raster | None, ...], list[Way]] = {}

    def ways(self, rasters: dict[str, Raster]) -> list[Way]:
        """(output raster, choices in order) of all ways, for the rasters of tensors so far."""
        names = (*self.layer.tensors_read, self.layer.target.tensor)
        key = tuple(rasters.get(name) for name in names)
        if key not in self._ways:
            try:
                self._ways[key] = list(self._find(rasters))
            except CompileError as error:
                self.failure = _easier(self.failure, error)
                self._ways[key] = []
        return self._ways[key]

    def _find(self, rasters: dict[str, Raster]) -> Iterator[Way]:
        layer = self.layer
        fixed = rasters.get(layer.target.tensor)
        if isinstance(layer, HostOperation):
            source = rasters[layer.source.tensor]
            for raster in {source, self._aligned(layer.size)}:
                yield raster, (HostChoice(layer, source, raster),)
            return
        before: tuple[Choice, ...] = ()
        if layer.per_image:
            prepared = self._prepare(layer, rasters)
            if prepared is None:
                return
            layer, before, rasters = prepared
        # A constant lies as it suits.
        source = self._aligned(layer.size)
        if layer.constant is None:
            source = rasters[layer.source.tensor]
        added = None if layer.addition is None else rasters[layer.addition.source.tensor]
        wanted = [raster for raster in (fixed, added) if raster is not None]
        ways = self._steps(layer, source, wanted)
        if fixed is None or fixed in ways:
            for raster, choices in ways.items():
                if fixed in (None, raster):
                    yield from self._with_operand(layer, raster, (*before, *choices), added)
            return
        # Written elsewhere first, then copied to its place.
        temporary = TensorSlice.whole(self._temporary("result"), layer.channels_out)
        held = layer.holds or Contents(layer.target)
        elsewhere = replace(layer, target=temporary, holds=held)
        for raster, choices in self._steps(elsewhere, source, wanted).items():
            copy = self._copy(temporary, layer.target, layer.out_size, raster, fixed)
            if copy is not None:
                for _, steps in self._with_operand(layer, raster, (*before, *choices), added):
                    yield fixed, (*steps, *copy)

    # ------------------------------------------------------------------ products
    def _prepare(
        self, layer: Operation, rasters: dict[str, Raster]
    ) -> tuple[Operation, tuple[Choice, ...], dict[str, Raster]] | None:
        """Copies of a product's factors whose images, or weights, are not where they have to be."""
        steps: tuple[Choice, ...] = ()
        rasters = dict(rasters)
        if layer.constant is None and not self._apart(rasters[layer.source.tensor]):
            source = TensorSlice.whole(self._temporary("left"), layer.channels_in)
            after = self._aligned(layer.size)
            before = rasters[layer.source.tensor]
            copy = self._copy(layer.source, source, layer.size, before, after)
            if copy is None:
                return None
            steps, layer = (*steps, *copy), replace(layer, source=source)
            rasters[source.tensor] = after
        factor = layer.weights_from
        if factor is None:
            raise TypeError(f"layer '{layer.name}' is no product")
        raster, (height, width) = rasters[factor.tensor], layer.weights_size
        if not self._apart(raster) or (height > 1 and raster.pitch != width):
            target = TensorSlice.whole(self._temporary("right"), factor.channels)
            after = self._dense(layer.weights_size)
            copy = self._copy(factor, target, layer.weights_size, raster, after)
            if copy is None:
                return None
            steps, layer = (*steps, *copy), replace(layer, weights_from=target)
            rasters[target.tensor] = after
        return layer, steps, rasters

    def _apart(self, raster: Raster) -> bool:
        """Each image of the batch begins a block."""
        return self.batch == 1 or raster.pitch * raster.image_rows % self.hardware.rows == 0

    def _aligned(self, size: Pair) -> Raster:
        """A raster whose rows begin blocks."""
        rows = self.hardware.rows
        return Raster(-(-size[1] // rows) * rows, size[0])

    def _dense(self, size: Pair) -> Raster:
        """A raster without gaps in an image, and with images apart."""
        if size[0] == 1:
            return self._aligned(size)
        image_rows = size[0]
        while not self._apart(Raster(size[1], image_rows)):
            image_rows += 1
        return Raster(size[1], image_rows)

    # ------------------------------------------------------------------ pieces
    def _steps(
        self,
        layer: Operation,
        source: Raster,
        wanted: Sequence[Raster],
        *,
        only: bool = False,
    ) -> dict[Raster, tuple[Choice, ...]]:
        """The choices for each output raster; more than one where the pixel buffer is too small.

        Raises:
            CompileError: there are none.
        """
        images = self.batch if layer.per_image else 1
        batch = self.batch // images

        def legal(raster: Raster) -> bool:
            return (not only or raster in wanted) and (images == 1 or self._apart(raster))

        try:
            choices = _choices(layer, self.hardware, batch, source, wanted, legal)
        except CompileError as error:
            if error.parameter != "pixel_buffer_depth":
                raise
            return self._pieces(layer, source, wanted, error, only=only)
        return {raster: (replace(choice, images=images),) for raster, choice in choices.items()}

    def _pieces(
        self,
        layer: Operation,
        source: Raster,
        wanted: Sequence[Raster],
        error: CompileError,
        *,
        only: bool,
    ) -> dict[Raster, tuple[Choice, ...]]:
        """A layer whose window does not fit the pixel buffer, in pieces that do.

        Raises:
            CompileError: ``error``, where there are none.
        """
        advice = (
            f"layer '{layer.name}' runs slower than it could, as the pixel buffer does not hold "
            f"what one block of outputs needs: raise pixel_buffer_depth to {error.needed}"
        )
        if layer.is_channelwise:
            split = channel_parts(layer, self.hardware)
            if len(split) == 1:
                raise error
            result = {}
            for raster, first in self._steps(split[0], source, wanted, only=only).items():
                rest = self._same_raster(split[1:], source, raster)
                if rest is not None:
                    steps = (*first, *rest)
                    result[raster] = tuple(replace(step, advice=advice) for step in steps)
            if not result:
                raise error
            return result
        images = self.batch if layer.per_image else 1
        before: dict[Raster, tuple[Choice, ...]] = {source: ()}
        if not _streams(layer):
            temporary = TensorSlice.whole(
                self._temporary("patches"), layer.taps * layer.channels_in
            )
            if self.hardware.bits_input == 1:
                # Zeros around the image cannot be stored.
                raise error
            before = self._patches(layer, source, wanted, temporary)
            layer = patched(layer, temporary)
        result = {}
        for raster, steps in before.items():
            if (only and raster not in wanted) or (images > 1 and not self._apart(raster)):
                continue
            geometry = StreamedGeometry.of(layer, self.hardware, self.batch // images, raster)
            if geometry is None:
                raise error
            schedules = tuple(best_schedule(geometry, part) for part in parts(layer, self.hardware))
            choice = Choice(layer, geometry, schedules, images)
            result[raster] = tuple(replace(step, advice=advice) for step in (*steps, choice))
        if not result:
            raise error
        return result

    def _patches(
        self, layer: Operation, source: Raster, wanted: Sequence[Raster], temporary: TensorSlice
    ) -> dict[Raster, tuple[Choice, ...]]:
        """The copies that bring what each output pixel reads to one place."""
        copies = patch_copies(layer, temporary, self.hardware)
        result = {}
        for raster, steps in self._steps(copies[0], source, wanted).items():
            # Another tap sees another part of the image, but its raster can be had as well.
            rest = self._same_raster(copies[1:], source, raster)
            if rest is not None:
                result[raster] = (*steps, *rest)
        return result

    def _same_raster(
        self, parts: Sequence[Operation], source: Raster, raster: Raster
    ) -> tuple[Choice, ...] | None:
        """The choices of layers that all write ``raster``; None: one cannot."""
        try:
            steps = [self._steps(part, source, [raster], only=True) for part in parts]
        except CompileError as error:
            self.failure = _easier(self.failure, error)
            return None
        return tuple(choice for step in steps for choice in step[raster])

    # ------------------------------------------------------------------ copies
    def _with_operand(
        self, layer: Operation, raster: Raster, choices: tuple[Choice, ...], added: Raster | None
    ) -> Iterator[Way]:
        """The choices, behind a copy that brings their second operand to ``raster`` if need be."""
        addition = layer.addition
        if addition is None or added is None or added == raster:
            yield raster, choices
            return
        temporary = TensorSlice.whole(self._temporary("operand"), layer.channels_out)
        copy = self._copy(addition.source, temporary, layer.out_size, added, raster)
        if copy is None:
            return
        moved: list[Choice] = []
        for choice in choices:
            own = choice.operation.addition
            if own is not None:
                first = own.source.first_channel - addition.source.first_channel
                own = replace(own, source=temporary.part(first, own.source.channels))
            moved.append(replace(choice, operation=replace(choice.operation, addition=own)))
        yield raster, (*copy, *moved)

    def _copy(
        self,
        source: TensorSlice,
        target: TensorSlice,
        size: Pair,
        before: Raster,
        after: Raster,
    ) -> tuple[Choice, ...] | None:
        copy = copy_operation(self.layer.name, size, source, target, self.hardware)
        if target.tensor not in self.taken:
            # A tensor of the compiler's own.
            copy = replace(copy, holds=Contents(source))
        return self._same_raster([copy], before, after)

    def _temporary(self, what: str) -> str:
        name = f"{self.name}.{what}"
        while name in self.taken:
            name += "'"
        return name


def _streams(layer: Operation) -> bool:
    """Its outputs' positions are its inputs'."""
    plain = layer.kernel == layer.strides == (1, 1) and layer.padding == (0, 0)
    return plain and layer.size == layer.out_size and layer.repeat == (1, 1)


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
    legal: Callable[[Raster], bool],
) -> dict[Raster, Choice]:
    """The best choice for each ``legal`` output raster, those in ``wanted`` among them.

    See :func:`geometries` for the rasters.

    Raises:
        CompileError: none fits the pixel buffer.
    """
    split = parts(layer, hardware)
    best: dict[Raster, Choice] = {}
    least_rows = None
    representable = False
    for geometry in geometries(layer, hardware, batch, source, wanted):
        if not _fields_fit(geometry) or not geometry.legal:
            continue
        representable = True
        if not legal(geometry.output):
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
    if least_rows is None and representable:
        raise CompileError(layer.name, "cannot write its result where it has to be")
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
