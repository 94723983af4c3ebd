# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of cw_operand_loader: each tile's words from raw memory, in the tiles' order."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import cocotb
from engine_bench import Chance, beats_of, descriptor_words, drive_phase, sample_phase, scramble

from corewright.testing.axis import start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
DRAIN, WORD_BYTES, MAX_BEATS, AXI_BITS = (
    PARAMETERS[name] for name in ("Words", "WordBytes", "MaxBeats", "AxiBits")
)
UNIT = PARAMETERS.get("UnitBytes", 1)
VIOLATION = PARAMETERS.get("violation")
AXI_BYTES = AXI_BITS // 8
BEAT_BYTES = DRAIN * WORD_BYTES
# Beats that the queue holds: the contract's four tiles of full size.
DEPTH = 4 * MAX_BEATS
# Cycles in which the gearbox cuts what is left of a transfer into beats and the queue takes them.
CUTTING = -(-AXI_BYTES // BEAT_BYTES) + 3
# Cycles around the transfers of a layer: first command, gearbox, last beat.
LATENCY = 10
ARENA_BYTES = 1 << 13
LAYERS = 5
MAX_TILES = 60


@dataclass(frozen=True)
class Tile:
    """The second operand of a tile: arena offset, bytes, beats."""

    offset: int
    size: int

    @property
    def beats(self) -> int:
        return -(-self.size // BEAT_BYTES)


@dataclass(frozen=True)
class Layer:
    """Where the second operand lies, and the order of the tiles."""

    enable: bool
    groups: int
    group_channels: int
    last_channels: int
    per_pass: int
    blocks: int
    set_blocks: int
    offset: int
    block_bytes: int
    group_bytes: int

    def tiles(self) -> Iterator[Tile]:
        """In the loop nest of docs/architecture.md: pass, set, group, block."""
        if not self.enable:
            return
        for first in range(0, self.groups, self.per_pass):
            for start_block in range(0, self.blocks, self.set_blocks):
                for group in range(first, min(first + self.per_pass, self.groups)):
                    last = group == self.groups - 1
                    channels = self.last_channels if last else self.group_channels
                    for block in range(
                        start_block, min(start_block + self.set_blocks, self.blocks)
                    ):
                        at = self.offset + block * self.block_bytes + group * self.group_bytes
                        yield Tile(at, channels * WORD_BYTES)

    def fields(self) -> dict[str, int]:
        """The descriptor's fields that the loader reads."""
        return {
            "add_enable": int(self.enable),
            "groups": self.groups,
            "group_channels": self.group_channels,
            "last_group_channels": self.last_channels,
            "groups_per_pass": self.per_pass,
            "blocks": self.blocks,
            "set_blocks": self.set_blocks,
            "add_offset": self.offset,
            "add_block_bytes": self.block_bytes,
            "output_group_bytes": self.group_bytes,
            # Of the tensor that is written: nothing to the loader.
            "output_offset": 12345,
            "output_block_bytes": 678,
        }


def random_layer(rng, enable=True, whole_groups=False):
    """Draw a layer whose operand lies in the arena and whose run is short."""
    full = MAX_BEATS * DRAIN
    while True:
        blocks, groups = rng.randint(1, 12), rng.randint(1, 5)
        channels = full if whole_groups else rng.choice([full, DRAIN, rng.randint(1, full)])
        last = channels if whole_groups else rng.randint(1, channels)
        group_bytes = channels * WORD_BYTES + UNIT * rng.choice([0, rng.randrange(20)])
        layer = Layer(
            enable=enable,
            groups=groups,
            group_channels=channels,
            last_channels=last,
            per_pass=rng.choice([1, groups, rng.randint(1, 6)]),
            blocks=blocks,
            set_blocks=rng.choice([1, blocks, rng.randint(1, 14)]),
            offset=UNIT * rng.randrange(1500 // UNIT),
            block_bytes=rng.choice([groups * group_bytes, UNIT * rng.randrange(500 // UNIT)]),
            group_bytes=group_bytes,
        )
        tiles = list(layer.tiles())
        if len(tiles) <= MAX_TILES and all(t.offset + t.size <= ARENA_BYTES for t in tiles):
            return layer


class Bench:
    """The loader between a memory and the engine's drain."""

    def __init__(self, dut):
        self.dut = Pins(dut)
        self.rng = random.Random(random.getrandbits(64))
        self.memory = self.rng.randbytes(ARENA_BYTES)
        self.fullest = 0  # most beats that were on their way or in the queue

    async def open(self):
        dut = self.dut
        for signal in (dut.start_i, dut.clear_i, dut.cmd_ready_i, dut.s_axis_tvalid):
            signal.value = 0
        dut.s_axis_tbytes.value = 1
        dut.take_i.value = dut.pop_i.value = 0
        dut.words_i.value = 0
        scramble(self.rng, dut.arena_base_i, dut.arena_bytes_i)
        await start(dut)

    async def begin(self, layer, arena_bytes=ARENA_BYTES):
        """Pulse start_i; returns the arena's base."""
        dut, rng = self.dut, self.rng
        base = rng.randrange(3 << len(dut.arena_base_i) - 2) & ~63
        await drive_phase(dut)
        dut.arena_base_i.value, dut.arena_bytes_i.value = base, arena_bytes
        dut.words_i.value = descriptor_words(layer.fields())
        dut.start_i.value = 1
        await drive_phase(dut)
        dut.start_i.value = 0
        return base

    async def run(
        self,
        layer,
        stall,
        drain_stall,
        clear_after=None,
        arena_bytes=ARENA_BYTES,
        by_reset=False,
    ):
        """Load one layer and check all of it; returns its cycles.

        Args:
            layer: what to load.
            stall: probability that memory stalls.
            drain_stall: probability that a tile does not end, or a beat is not popped, in a cycle.
            clear_after: clear_i after so many cycles.
            arena_bytes: the arena's size; the run ends behind the first tile outside.
            by_reset: what comes after ``clear_after`` cycles is a reset.
        """
        dut, rng = self.dut, self.rng
        tiles = list(layer.tiles())
        bad = next((n for n, t in enumerate(tiles) if t.offset + t.size > arena_bytes), len(tiles))
        base = await self.begin(layer, arena_bytes)
        commanded = arrived = taken = 0  # tiles: asked for, whole on this side of the port, ended
        reserved = 0  # beats asked for and not yet popped
        beats = deque()  # (data, bytes, last) that memory still has to bring
        pops = deque()  # (offset, bytes) of the beats of the tiles that have ended
        offering = False
        waited = blocked = pulses = cycle = 0
        # A command has a cycle of its own for its window and the room that it finds.
        settled, reserved_before = False, 0
        memory, reader = Chance(rng, stall), Chance(rng, stall)
        ends, drain = Chance(rng, drain_stall), Chance(rng, drain_stall)
        while True:
            # A layer without the addition ends tiles as well: these are not the loader's.
            take = bool(int(dut.ready_o.value)) and ends.go() and (taken < bad or not layer.enable)
            pop = bool(pops) and drain.go()
            dut.take_i.value, dut.pop_i.value = int(take), int(pop)
            command = reader.go()
            dut.cmd_ready_i.value = int(command)
            if not offering and beats and memory.go():
                offering = True
                data, count, last = beats[0]
                # Bytes beyond tbytes mean nothing.
                dut.s_axis_tdata.value = data | rng.getrandbits(AXI_BITS) >> 8 * count << 8 * count
                dut.s_axis_tbytes.value, dut.s_axis_tlast.value = count, last
            elif not offering:
                scramble(rng, dut.s_axis_tdata, dut.s_axis_tlast)
            dut.s_axis_tvalid.value = int(offering)
            stop = cycle == clear_after
            dut.clear_i.value = int(stop and not by_reset)
            if stop and by_reset:
                # It acts at once.
                dut.rst_ni.value = dut.take_i.value = dut.pop_i.value = 0
            await sample_phase()
            if cycle == clear_after:
                break

            # ready_o: the next tile is complete; at most the cutting takes longer.
            ready = bool(int(dut.ready_o.value))
            assert not ready or not layer.enable or taken < arrived, f"tile {taken}: {layer}"
            assert ready or layer.enable, layer
            waited = waited + 1 if taken < arrived and not ready else 0
            assert waited <= CUTTING, f"tile {taken} is late: {layer}"

            # Commands: a cycle after there is room for the tile, and then without a change.
            fits = settled and commanded < bad and reserved_before + tiles[commanded].beats <= DEPTH
            reserved_before = reserved
            assert bool(int(dut.cmd_valid_o.value)) == fits, (
                f"tile {commanded}, {reserved} beats reserved: {layer}"
            )
            outside = settled and commanded == bad < len(tiles) and not pulses
            settled = not (fits and command)
            assert bool(int(dut.window_o.value)) == outside, f"tile {commanded}: {layer}"
            if outside:
                pulses = 1
                assert int(dut.window_offset_o.value) == tiles[bad].offset, layer

            if pop:
                offset, size = pops.popleft()
                want = int.from_bytes(self.memory[offset : offset + size], "little")
                got = int(dut.data_o.value) & ((1 << 8 * size) - 1)
                assert got == want, f"beat at {offset}: {got:#x}, not {want:#x}: {layer}"
                reserved -= 1
            if take and layer.enable:
                tile = tiles[taken]
                for at in range(0, tile.size, BEAT_BYTES):
                    pops.append((tile.offset + at, min(BEAT_BYTES, tile.size - at)))
                taken += 1
            blocked = blocked + 1 if offering and not int(dut.s_axis_tready.value) else 0
            assert blocked <= CUTTING, f"the port waits for the array: {layer}"
            if offering and int(dut.s_axis_tready.value):
                offering = False
                arrived += beats.popleft()[2]
            if fits and command:
                tile = tiles[commanded]
                address = int(dut.cmd_addr_o.value)
                wanted = (base + tile.offset, tile.size)
                assert (address, int(dut.cmd_bytes_o.value)) == wanted, f"{commanded}: {layer}"
                beats.extend(beats_of(self.memory, address, tile.offset, tile.size, AXI_BYTES))
                commanded += 1
                reserved += tile.beats
                self.fullest = max(self.fullest, reserved)

            cycle += 1
            whole = taken == bad and not pops and not beats and (pulses or bad == len(tiles))
            if whole and (layer.enable or cycle > 20):
                break
            total = sum(tile.size for tile in tiles)
            assert cycle < 80 * (total // min(AXI_BYTES, BEAT_BYTES) + 3 * len(tiles) + 20), (
                f"stuck at tile {taken}: {layer}"
            )
            await drive_phase(dut)
        if not int(dut.rst_ni.value):
            assert not int(dut.cmd_valid_o.value) and not int(dut.window_o.value), layer
            assert bool(int(dut.ready_o.value)) != layer.enable, layer
        await drive_phase(dut)
        dut.rst_ni.value = 1
        dut.take_i.value = dut.pop_i.value = 0
        dut.s_axis_tvalid.value = 0
        dut.cmd_ready_i.value = 1
        # A window error ends with a clear, too.
        dut.clear_i.value = int(pulses)
        for _ in range(CUTTING + 2):
            await drive_phase(dut)
            dut.clear_i.value = 0
            await sample_phase()
            assert not int(dut.cmd_valid_o.value) and not int(dut.window_o.value), layer
            assert bool(int(dut.ready_o.value)) != layer.enable, layer
        return cycle


@cocotb.test(skip=VIOLATION is not None)
@cocotb.parametrize(stall=(0.0, 0.4, 0.8), drain_stall=(0.0, 0.5, 0.9))
async def tiles_come_in_the_order_in_which_they_end(dut, stall, drain_stall):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        enable = bench.rng.random() < 0.85
        await bench.run(random_layer(bench.rng, enable), stall, drain_stall)
    # A slow drain lets the reads run ahead to the queue's last place.
    assert drain_stall < 0.9 or stall > 0.0 or bench.fullest > DEPTH - MAX_BEATS


@cocotb.test(skip=VIOLATION is not None)
async def full_rate_is_kept_from_tile_to_tile(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        layer = random_layer(bench.rng, whole_groups=True)
        cycles = await bench.run(layer, 0.0, 0.0)
        # An unaligned command has a beat more.
        best = sum(max(-(-t.size // AXI_BYTES) + 1, t.beats) for t in layer.tiles())
        assert cycles <= best + LATENCY, f"{cycles} cycles, {best} are due: {layer}"


@cocotb.test(skip=VIOLATION is not None)
@cocotb.parametrize(by_reset=(False, True))
async def clear_stops_a_layer_and_the_next_one_is_whole(dut, by_reset):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        layer = random_layer(bench.rng)
        clear = bench.rng.randrange(2 + 2 * sum(t.beats for t in layer.tiles()))
        await bench.run(layer, 0.3, 0.6, clear_after=clear, by_reset=by_reset)
        await bench.run(random_layer(bench.rng), 0.3, 0.3)


@cocotb.test(skip=VIOLATION is not None)
async def a_read_outside_the_arena_is_reported_and_not_issued(dut):
    bench = Bench(dut)
    await bench.open()
    for _ in range(LAYERS):
        layer = random_layer(bench.rng)
        # One byte too few for one of the tiles that reach furthest.
        limit = max(tile.offset + tile.size for tile in layer.tiles()) - 1
        await bench.run(layer, 0.2, 0.2, arena_bytes=limit)
        await bench.run(random_layer(bench.rng), 0.2, 0.2)


@cocotb.test(skip=VIOLATION is None)
async def illegal_use_is_reported(dut):
    """Break one rule of the contract; the launcher expects the assertion of that name."""
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    await bench.begin(random_layer(bench.rng))
    if VIOLATION == "TakeOnlyWhatIsComplete_A":
        dut.take_i.value = 1
    elif VIOLATION == "PopOnlyWhatIsThere_A":
        dut.pop_i.value = 1
    else:
        raise ValueError(f"unknown violation {VIOLATION}")
    for _ in range(3):
        await drive_phase(dut)
