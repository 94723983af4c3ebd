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
from corewright.compiler.geometry import (
    Geometry,
    Raster,
    SingleWindowGeometry,
    StreamedGeometry,
    geometries,
)
from corewright.compiler.operation import (
    Contents,
    HostOperation,
    Lowered,
    Operation,
    Pair,
    Patches,
    TensorSlice,
    copy_operation,
)
from corewright.compiler.reduce import (
    Rectangle,
    channel_parts,
    cut,
    joining,
    patch_copies,
    patched,
    rectangles,
    row_copies,
    small_rectangles,
    trimmed,
)
from corewright.compiler.schedule import Schedule, best_schedule, parts
from corewright.facts.widths import is_sign
from corewright.graph import Graph
from corewright.hardware import Hardware
from corewright.program import Opcode

_BEAM = 16
# Coordinates of a lane are 16-bit fields.
_MAX_COORDINATE = (1 << 16) - 1
# Blocks of R lanes have numbers of 24 bits, which the loader compares modulo 2^24.
_MAX_BLOCKS = (1 << 23) - 1


@dataclass(frozen=True)
class Stored:
    """A tensor that a choice writes a part of, other than its operation says.

    Attributes:
        size: (H, W).
        channels: of the tensor.
        written: (first, count) of its channels that are written.
        raster: how it lies in memory.
    """

    size: Pair
    channels: int
    written: Pair
    raster: Raster


@dataclass(frozen=True, eq=False)
class Choice:
    """How a layer is done: one geometry, one schedule a part.

    Attributes:
        operation: the layer.
        geometry: of the whole batch or, with ``images`` above 1, of one image.
        schedules: one a part.
        images: images that are descriptors of their own.
        advice: why it is slower than it could be, and what to raise; empty: it is not.
        view: what the target is, where the operation sees its words as another tensor's.
    """

    operation: Operation
    geometry: Geometry
    schedules: tuple[Schedule, ...]
    images: int = 1
    advice: str = ""
    view: Stored | None = None

    @property
    def cost(self) -> tuple[float, int]:
        """Cycles and bytes of all parts and images."""
        costs = [schedule.cost for schedule in self.schedules]
        return self.images * sum(cycles for cycles, _ in costs), self.images * sum(
            size for _, size in costs
        )

    @property
    def stored(self) -> Stored:
        """The tensor that it writes, or writes a part of."""
        if self.view is not None:
            return self.view
        op = self.operation
        written = op.target.first_channel, op.channels_out
        return Stored(op.out_size, op.target.tensor_channels, written, self.geometry.output)


@dataclass(frozen=True, eq=False)
class HostChoice:
    """A host operation and the rasters that it finds and leaves."""

    operation: HostOperation
    source: Raster
    output: Raster
    advice: str = ""

    @property
    def cost(self) -> tuple[float, int]:
        """The engine has no part in it."""
        return 0.0, 0

    @property
    def stored(self) -> Stored:
        """The tensor that it writes."""
        channels = self.operation.target.tensor_channels
        return Stored(self.operation.size, channels, (0, channels), self.output)


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
        ways = [(state, *way) for state in states for way in search.ways(state.rasters)]
        # What fits the pixel buffer is not taken to pieces, whatever the estimates say.
        whole = [way for way in ways if not any(choice.advice for choice in way[2])]
        for state, raster, choices in whole or ways:
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
        split = channel_parts(layer, self.hardware) if layer.is_channelwise else (layer,)
        if layer.repeat[0] > 1 and not self._group_fits(layer, source, wanted):
            result = self._repeated_rows(layer, source, wanted, error, only=only)
        elif len(split) > 1:
            result = {}
            for raster, first in self._steps(split[0], source, wanted, only=only).items():
                rest = self._same_raster(split[1:], source, raster)
                if rest is not None:
                    result[raster] = (*first, *rest)
        elif layer.is_channelwise and layer.taps == 1:
            # Nothing smaller than a copy of D channels is left.
            raise error
        else:
            result = self._windows(layer, source, wanted, error, only=only)
        if not result:
            raise error
        return {
            raster: tuple(replace(step, advice=advice) for step in steps)
            for raster, steps in result.items()
        }

    def _group_fits(self, layer: Operation, source: Raster, wanted: Sequence[Raster]) -> bool:
        """A group of D channels of a channelwise layer fits the pixel buffer."""
        group = layer.part(0, min(layer.channels_out, self.hardware.drain))
        try:
            _choices(group, self.hardware, self.batch, source, wanted, lambda _: True)
        except CompileError:
            return False
        return True

    def _windows(
        self,
        layer: Operation,
        source: Raster,
        wanted: Sequence[Raster],
        error: CompileError,
        *,
        only: bool,
    ) -> dict[Raster, tuple[Choice, ...]]:
        """A convolution, or a channel group of a pool, whose window does not fit.

        Raises:
            CompileError: ``error``, where the window lies outside of the image and must not.
        """
        if _streams(layer):
            return self._streamed(layer, {source: ()}, wanted, error, only=only)
        cuts = rectangles(layer)
        partial = any(rectangle.taps != layer.kernel for rectangle in cuts)
        empty = any(0 in rectangle.taps for rectangle in cuts)
        # What lies outside of the image is no number: an average does not count it, and a single
        # bit is never zero.
        strict = partial and (
            layer.opcode == Opcode.AVERAGE_POOL
            or (layer.opcode != Opcode.MAX_POOL and is_sign(self.hardware.bits_input))
        )
        if strict and empty:
            raise error
        # A few passes an output are fewer than one a tap.
        outputs = layer.out_size[0] * layer.out_size[1]
        single = layer.is_channelwise and layer.taps > outputs and not empty
        if strict or single:
            cuts = small_rectangles(layer)
            if len(cuts) > 1:
                return self._rectangles(layer, cuts, source, wanted, error, only=only)
            if cuts[0].taps != layer.kernel:
                # All windows lose the same taps: what is left of them may fit, or be cut otherwise.
                return self._steps(trimmed(layer, cuts[0]), source, wanted, only=only)
        if single:
            return self._single_window(layer, source, wanted, error, only=only)
        patches = self._own(layer, "patches", layer.taps * layer.channels_in)
        before = self._patches(layer, source, wanted, patches)
        return self._streamed(patched(layer, patches), before, wanted, error, only=only)

    def _streamed(
        self,
        layer: Operation,
        before: dict[Raster, tuple[Choice, ...]],
        wanted: Sequence[Raster],
        error: CompileError,
        *,
        only: bool,
    ) -> dict[Raster, tuple[Choice, ...]]:
        """A layer that streams its channels, behind what writes them in each raster.

        Raises:
            CompileError: ``error``, where not even a chunk of them fits.
        """
        images = self.batch if layer.per_image else 1
        result = {}
        for raster, steps in before.items():
            if (only and raster not in wanted) or (images > 1 and not self._apart(raster)):
                continue
            geometry = StreamedGeometry.of(layer, self.hardware, self.batch // images, raster)
            if geometry is None:
                raise error
            schedules = tuple(best_schedule(geometry, part) for part in parts(layer, self.hardware))
            result[raster] = (*steps, Choice(layer, geometry, schedules, images))
        return result

    def _rectangles(
        self,
        layer: Operation,
        cuts: Sequence[Rectangle],
        source: Raster,
        wanted: Sequence[Raster],
        error: CompileError,
        *,
        only: bool,
    ) -> dict[Raster, tuple[Choice, ...]]:
        """A layer whose outputs are computed rectangle by rectangle, then joined."""
        pieces = []
        steps: tuple[Choice, ...] = ()
        for index, rectangle in enumerate(cuts):
            target = self._own(layer, f"piece{index}", layer.channels_out)
            ways = self._steps(cut(layer, rectangle, target), source, ())
            # Where a block holds pixels of several rows the next pass stores them far apart.
            apart = {r: way for r, way in ways.items() if r.pitch % self.hardware.rows == 0}
            raster, choices = _cheapest(apart or ways)
            pieces.append((rectangle, target, raster))
            steps = (*steps, *choices)
        before: dict[Raster, tuple[Choice, ...]] = {}
        groups = []
        for first in range(0, layer.channels_out, self.hardware.drain):
            channels = min(self.hardware.drain, layer.channels_out - first)
            stack = self._own(layer, f"stack{first}", len(cuts) * channels)
            cut_tensors = [(rectangle, target) for rectangle, target, _ in pieces]
            groups.append(joining(layer, cut_tensors, stack, first, self.hardware))
        (first_copy, *_), _ = groups[0]
        rasters = wanted if only else self._placing(first_copy, pieces[0][2], wanted)
        for raster in rasters:
            try:
                placed = self._joined(groups, [own for _, _, own in pieces], raster, error)
            except CompileError as failure:
                self.failure = _easier(self.failure, failure)
            else:
                before[raster] = (*steps, *placed)
        return before

    def _joined(
        self,
        groups: Sequence[tuple[Sequence[Operation], Operation]],
        sources: Sequence[Raster],
        raster: Raster,
        error: CompileError,
    ) -> tuple[Choice, ...]:
        """All that joins rectangles, group by group, to a tensor in ``raster``.

        Raises:
            CompileError: a rectangle cannot be had in this raster.
        """
        steps: tuple[Choice, ...] = ()
        for copies, join in groups:
            for copy, source in zip(copies, sources, strict=True):
                placed = self._placing(copy, source, [raster], only=True)
                steps = (*steps, *placed[raster])
            joined = self._streamed(join, {raster: ()}, (), error, only=False)
            steps = (*steps, *joined[raster])
        return steps

    def _placing(
        self, copy: Operation, source: Raster, wanted: Sequence[Raster], *, only: bool = False
    ) -> dict[Raster, tuple[Choice, ...]]:
        """A copy of a rectangle to its place, image by image where a batch takes too much room.

        Raises:
            CompileError: not even that fits.
        """
        try:
            return self._steps(copy, source, wanted, only=only)
        except CompileError:
            # The rows below the rectangle would wait for the images behind it.
            if self.batch == 1 or not self._apart(source):
                raise
            return self._steps(replace(copy, separate=True), source, wanted, only=only)

    def _single_window(
        self,
        layer: Operation,
        source: Raster,
        wanted: Sequence[Raster],
        error: CompileError,
        *,
        only: bool,
    ) -> dict[Raster, tuple[Choice, ...]]:
        """A channel group of a pool or depthwise layer with one window, inside the image."""
        ways: dict[Raster, tuple[Choice, ...]] = {source: ()}
        if layer.kernel != layer.size or source.pitch != layer.size[1]:
            window = self._own(layer, "window", layer.channels_in)
            ways = self._dense_window(layer, source, window)
            layer = replace(layer, source=window)
        layer = replace(layer, size=layer.kernel, strides=(1, 1), padding=(0, 0))
        result: dict[Raster, tuple[Choice, ...]] = {}
        for raster, steps in ways.items():
            geometry = SingleWindowGeometry.of(layer, self.hardware, self.batch, raster)
            if geometry is None:
                raise error
            op = geometry.operation
            schedules = tuple(best_schedule(geometry, part) for part in parts(op, self.hardware))
            way = (*steps, Choice(op, geometry, schedules))
            if only and geometry.output not in wanted:
                continue
            other = result.get(geometry.output)
            if other is None or _cost(way) < _cost(other):
                result[geometry.output] = way
        return result

    def _dense_window(
        self, layer: Operation, source: Raster, window: TensorSlice
    ) -> dict[Raster, tuple[Choice, ...]]:
        """Copies of a window's pixels to a tensor whose pitch has no gaps."""
        first = -layer.padding[0], -layer.padding[1]
        copy = replace(
            copy_operation(layer.name, layer.size, layer.source, window, self.hardware),
            out_size=layer.kernel,
            padding=layer.padding,
            holds=Contents(layer.source, Patches.crop(first, layer.kernel)),
        )
        dense = Raster(layer.kernel[1], layer.kernel[0])
        ways = self._steps(copy, source, [dense])
        result = {raster: steps for raster, steps in ways.items() if raster.pitch == dense.pitch}
        if result:
            return result
        # Columns that are cut off on the left leave gaps.
        cropped = self._own(layer, "cropped", layer.channels_in)
        raster, steps = _cheapest(self._steps(replace(copy, target=cropped), source, ()))
        closer = replace(copy, source=cropped, size=layer.kernel, padding=(0, 0))
        ways = self._steps(closer, raster, [dense])
        return {
            raster: (*steps, *choices)
            for raster, choices in ways.items()
            if raster.pitch == dense.pitch
        }

    def _repeated_rows(
        self,
        layer: Operation,
        source: Raster,
        wanted: Sequence[Raster],
        error: CompileError,
        *,
        only: bool,
    ) -> dict[Raster, tuple[Choice, ...]]:
        """An upsampling whose rows are repeated in memory, by a pass each."""
        final = self._aligned(layer.size)
        if only and final not in wanted:
            raise error
        down, right = layer.repeat
        size = layer.size[0] // down, layer.size[1]
        stored = self._aligned(size)
        steps: tuple[Choice, ...] = ()
        operation = layer
        if right > 1 or source != stored:
            wide = self._own(layer, "wide", layer.channels_in)
            holds = Contents(layer.source, repeat=(1, right))
            columns = replace(
                layer, size=size, out_size=size, repeat=(1, right), target=wide, holds=holds
            )
            steps = self._steps(columns, source, [stored], only=True).get(stored, ())
            if not steps:
                raise error
            operation = replace(layer, source=wide)
        written = layer.target.first_channel, layer.channels_out
        view = Stored(layer.size, layer.target.tensor_channels, written, final)
        for copy in row_copies(operation, stored, self.hardware):
            lines = Raster(self.hardware.rows, stored.image_rows)
            copies = self._steps(copy, lines, [lines], only=True)[lines]
            steps = (*steps, *(replace(choice, view=view) for choice in copies))
        return {final: steps}

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

    def _own(self, layer: Operation, what: str, channels: int) -> TensorSlice:
        """A tensor for a part of the work of a layer, which may be some channels of one."""
        target = layer.target
        scope = "" if target.tensor in self.taken else target.tensor.removeprefix(self.name)
        if target.first_channel:
            scope += f".{target.first_channel}"
        return TensorSlice.whole(self._temporary(f"{scope}.{what}".lstrip(".")), channels)

    def _temporary(self, what: str) -> str:
        name = f"{self.name}.{what}"
        while name in self.taken:
            name += "'"
        return name


def _cost(steps: Sequence[Choice]) -> tuple[float, int]:
    """Cycles and bytes."""
    costs = [step.cost for step in steps]
    return sum(cycles for cycles, _ in costs), sum(size for _, size in costs)


def _cheapest(ways: dict[Raster, tuple[Choice, ...]]) -> tuple[Raster, tuple[Choice, ...]]:
    """The raster, and the choices, that cost least."""
    return min(ways.items(), key=lambda way: _cost(way[1]))


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
    unwanted = []
    for geometry in geometries(layer, hardware, batch, source, wanted):
        # First, as the rest is work: most are not, where one raster is asked for.
        if not legal(geometry.output):
            unwanted.append(geometry)
            continue
        if not _fields_fit(geometry) or not geometry.legal:
            continue
        representable = True
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
    if least_rows is None and (
        representable or any(_fields_fit(other) and other.legal for other in unwanted)
    ):
        raise CompileError(layer.name, "cannot write its result where it has to be")
    if least_rows is None:
        raise CompileError(
            layer.name,
            f"a coordinate exceeds the format's {_MAX_COORDINATE}, or a tensor its {_MAX_BLOCKS} "
            "blocks of lanes: use a smaller image, stride or batch",
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
        and max(geometry.blocks, geometry.source_blocks) <= _MAX_BLOCKS
    )
