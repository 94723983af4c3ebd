# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Loop orders of a layer and what each costs: the analytic cycle estimate.

The estimate is the largest of what the array, the three ports and the loader need by themselves,
plus the waits that the loop order cannot hide. It ranks alternatives; the performance model and
the simulation say what a program really takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from corewright.compiler.geometry import Geometry
from corewright.compiler.operation import MAX_GROUPS, Operation
from corewright.facts.widths import word_bytes
from corewright.hardware import Hardware
from corewright.program import Opcode

# Filling and draining the pipeline, first latencies of the memory.
LAYER_CYCLES = 60
# What a read command of a single word takes beyond its bytes.
WORD_CYCLES = 1


def average_tile_cycles(hardware: Hardware) -> int:
    """Cycles from an average's tile to the next, whatever the window: a lane a cycle."""
    # See cw_postproc_pkg::average_cycles; the sequencer adds one.
    return hardware.rows * hardware.drain + 1


@dataclass(frozen=True)
class Part:
    """Channel groups of a layer that one descriptor computes.

    Attributes:
        first_channel: its first output channel.
        channels: its output channels.
        group_channels: channels of a full group.
    """

    first_channel: int
    channels: int
    group_channels: int

    @property
    def groups(self) -> int:
        """G."""
        return -(-self.channels // self.group_channels)

    @property
    def last_group_channels(self) -> int:
        """Channels of the last group."""
        return self.channels - (self.groups - 1) * self.group_channels

    def weight_bytes(self, steps: int, bits: int) -> int:
        """Bytes of all weight rows."""
        full = (self.groups - 1) * word_bytes(self.group_channels, bits)
        return steps * (full + word_bytes(self.last_group_channels, bits))

    def words(self, rows: int) -> int:
        """Words that hold a row's weights of all groups, where the weights are a stored tensor."""
        first = self.first_channel
        ends = range(first, first + self.channels, self.group_channels)
        stop = first + self.channels
        return sum(
            (min(end + self.group_channels, stop) - 1) // rows - end // rows + 1 for end in ends
        )

    def drain_beats(self, drain: int) -> int:
        """Drain beats of all groups: rows of the bias buffer."""
        full = (self.groups - 1) * -(-self.group_channels // drain)
        return full + -(-self.last_group_channels // drain)


@dataclass(frozen=True)
class Schedule:
    """One descriptor's loop order and its cost.

    Attributes:
        part: the channels.
        groups_per_pass: groups between two streamings of the input.
        set_blocks: blocks that a group works on before the next group.
        weights_resident: a pass's weights stay.
        weights_streamed: weights are read again for each block.
        output_contiguous: the output is one run of bytes.
        compute_cycles: steps issued.
        estimated_cycles: the estimate.
        input_bytes: read from the arena, the second operand of an addition included.
        weight_bytes: read from the program, biases included.
        output_bytes: written.
    """

    part: Part
    groups_per_pass: int
    set_blocks: int
    weights_resident: bool
    weights_streamed: bool
    output_contiguous: bool
    compute_cycles: int
    estimated_cycles: float
    input_bytes: int
    weight_bytes: int
    output_bytes: int

    @property
    def cost(self) -> tuple[float, int]:
        """What a choice is ranked by: cycles, then bytes."""
        return self.estimated_cycles, self.input_bytes + self.weight_bytes + self.output_bytes


def parts(operation: Operation, hardware: Hardware) -> tuple[Part, ...]:
    """Splits a layer's output channels so that each part's biases fit the bias buffer.

    Where it does not even hold a group's, a part is a single group that is not full.
    """
    width = hardware.drain if operation.is_channelwise else hardware.columns
    whole = Part(0, operation.channels_out, width)
    step = MAX_GROUPS * width
    if operation.bias is not None and whole.drain_beats(hardware.drain) > hardware.bias_rows:
        held = hardware.bias_rows // -(-width // hardware.drain)
        step = held * width or hardware.bias_rows * hardware.drain
    if whole.channels <= step:
        return (whole,)
    return tuple(
        Part(first, min(step, operation.channels_out - first), width)
        for first in range(0, operation.channels_out, step)
    )


def best_schedule(geometry: Geometry, part: Part) -> Schedule:
    """The cheapest loop order; the geometry's smallest ring has to fit the buffer."""
    return min(loop_orders(geometry, part), key=lambda schedule: schedule.cost)


def loop_orders(geometry: Geometry, part: Part) -> Iterator[Schedule]:
    """The loop orders worth comparing; the geometry's smallest ring has to fit the buffer."""
    op, hw, groups, blocks = geometry.operation, geometry.hardware, part.groups, geometry.blocks
    depth, steps = hw.weight_rows, op.steps
    if not op.has_weights:
        yield evaluate(geometry, part, groups, 1)
        return
    if geometry.releases_rows:
        # Pixels are used once and forgotten: each group streams them again.
        resident = steps <= depth
        yield evaluate(geometry, part, 1, 1, resident=resident, streamed=not resident)
        return
    # With a single block nothing is read twice: the ring is a FIFO and prefetches best.
    if steps > depth or blocks == 1:
        yield evaluate(geometry, part, groups, 1, streamed=True)
        if steps > depth:
            return
    if groups * steps <= depth:
        yield evaluate(geometry, part, groups, 1, resident=True)
        # A few blocks a group give the port time to bring the next group's rows.
        row = word_bytes(hw.columns, hw.bits_weights) / hw.axi_bytes
        size = min(geometry.largest_set(geometry.ring_blocks), blocks, int(row) + 2)
        if size > 1 and groups > 1:
            yield evaluate(geometry, part, groups, size, resident=True)
        return
    # Pixels stay: sets as large as the buffer allows, or half of it to load the next set meanwhile.
    sizes = {geometry.largest_set(ring) for ring in (geometry.ring_blocks, _half_ring(geometry))}
    for size in sorted(sizes - {0}):
        count = -(-blocks // size)
        yield evaluate(geometry, part, groups, -(-blocks // count))
    # Weights stay: the input is streamed again for each pass.
    for rows in (depth, depth // 2):
        per_pass = min(groups, rows // steps)
        if per_pass:
            passes = -(-groups // per_pass)
            yield evaluate(geometry, part, -(-groups // passes), 1, resident=True)


def _half_ring(geometry: Geometry) -> int:
    return (geometry.ring_blocks + geometry.least_ring_blocks) // 2


def evaluate(
    geometry: Geometry,
    part: Part,
    groups_per_pass: int,
    set_blocks: int,
    *,
    resident: bool = False,
    streamed: bool = False,
) -> Schedule:
    """A loop order with its cost; the caller sees to it that both rings can hold it."""
    op, hw, groups, blocks = geometry.operation, geometry.hardware, part.groups, geometry.blocks
    passes = -(-groups // groups_per_pass)
    sets = -(-blocks // set_blocks)
    whole = part.channels == op.channels_out and not op.writes_slice
    contiguous = whole and ((set_blocks == 1 and passes == 1) or groups == 1)

    tile = op.steps
    if op.opcode == Opcode.AVERAGE_POOL:
        tile = max(tile, average_tile_cycles(hw))
    full_beats = -(-part.group_channels // hw.drain_words)
    last_beats = -(-part.last_group_channels // hw.drain_words)
    # Tiles end at least two cycles apart.
    array = blocks * ((groups - 1) * max(tile, full_beats, 2) + max(tile, last_beats, 2))

    axi = hw.axi_bytes
    stream = geometry.stream_blocks * op.channels_in * hw.word_bytes
    # The second operand comes through the input port, too.
    added = 0 if op.addition is None else blocks * part.channels * hw.word_bytes
    input_bytes = passes * stream + added
    loader = passes * max(geometry.loader_cycles, stream / axi)
    weights = bias = 0
    port = 0.0
    if op.has_weights:
        times = blocks if streamed else 1 if resident else sets
        if op.weights_from is None:
            weights = times * part.weight_bytes(op.steps, hw.bits_weights)
        else:
            words = times * op.steps * part.words(hw.rows)
            weights = words * hw.word_bytes
            port = words * (hw.word_bytes / axi + WORD_CYCLES)
        if op.bias is not None:
            bias = part.drain_beats(hw.drain) * hw.drain * hw.bias_bytes
    output_bytes = blocks * part.channels * hw.word_bytes
    output = output_bytes / axi
    if not contiguous:
        # A tile is a run of its own, with partly filled beats at both ends.
        output += blocks * groups

    first_weights = _first_weights(geometry, part, groups_per_pass, set_blocks)
    cycles = max(
        array + first_weights, loader, input_bytes / axi, (weights + bias) / axi, port, output
    )
    cycles += _waits(geometry, part, groups_per_pass, set_blocks, resident, streamed, array)
    # Nothing can start before the first block's pixels are there.
    first = geometry.first_need / geometry.stream_blocks * loader / passes
    return Schedule(
        part=part,
        groups_per_pass=groups_per_pass,
        set_blocks=set_blocks,
        weights_resident=resident,
        weights_streamed=streamed,
        output_contiguous=contiguous,
        compute_cycles=blocks * groups * op.steps,
        estimated_cycles=cycles + passes * (first + LAYER_CYCLES),
        input_bytes=input_bytes,
        weight_bytes=weights + bias,
        output_bytes=output_bytes,
    )


def _first_weights(geometry: Geometry, part: Part, groups_per_pass: int, set_blocks: int) -> float:
    """Cycles that the first set waits for weights, where no layer before hides them.

    It waits for the first group's, or, where a group has fewer blocks than a weight row takes
    cycles of the port, for the last group's.
    """
    op, hw = geometry.operation, geometry.hardware
    if not op.has_weights:
        return 0.0
    row = word_bytes(min(part.group_channels, part.channels), hw.bits_weights) / hw.axi_bytes
    behind = groups_per_pass * op.steps * (row - set_blocks) + (set_blocks - 1) * op.steps
    return max(0.0, op.steps * (row - 1), behind)


def _waits(
    geometry: Geometry,
    part: Part,
    groups_per_pass: int,
    set_blocks: int,
    resident: bool,
    streamed: bool,
    array: float,
) -> float:
    """Cycles in which the array waits because a ring has no room to load ahead."""
    op, hw = geometry.operation, geometry.hardware
    passes = -(-part.groups // groups_per_pass)
    sets = -(-geometry.blocks // set_blocks)
    waits = 0.0
    if op.has_weights and not streamed:
        row = word_bytes(min(part.group_channels, part.channels), hw.bits_weights) / hw.axi_bytes
        kept = groups_per_pass * op.steps if resident else op.steps
        loads = passes if resident else sets * part.groups
        # Rows that found no room follow while those that did are used.
        late = max(0, 2 * kept - hw.weight_rows)
        waits += (loads - 1) * max(0.0, late * row - (kept - late))
    if groups_per_pass > 1 and sets > 1:
        # The next set's blocks find room where the ring is larger than a set; the others are
        # loaded while the last group of the set computes.
        fits = geometry.ring_blocks - geometry.least_ring_blocks + 1 - set_blocks
        late_share = min(1.0, max(0.0, 1 - fits / set_blocks))
        load = max(
            geometry.loader_cycles,
            geometry.stream_blocks * op.channels_in * hw.word_bytes / hw.axi_bytes,
        )
        hidden = array / part.groups / sets
        waits += passes * (sets - 1) * max(0.0, load / sets * late_share - hidden)
    return waits
