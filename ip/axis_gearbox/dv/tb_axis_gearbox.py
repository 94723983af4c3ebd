# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bench of cw_axis_gearbox; run it with pytest test_axis_gearbox.py."""

import random
from dataclasses import dataclass

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from corewright.testing.axis import AxisSink, AxisSource, run_cycles, run_until, start
from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

IN_BYTES = bench_parameters().get("InBytes", 8)
OUT_BYTES = bench_parameters().get("OutBytes", 24)
UNIT = bench_parameters().get("UnitBytes", 1)
STALLS = (0.0, 0.3, 0.8)
INPUTS = ["tdata", "tbytes", "tlast", "toffset"]
OUTPUTS = ["tdata", "tkeep", "tlast"]


@dataclass(frozen=True)
class Packet:
    """Bytes of each beat, and the fillers that go in front of the first."""

    beats: tuple[bytes, ...]
    offset: int

    @property
    def payload(self):
        """All bytes."""
        return b"".join(self.beats)

    @property
    def length(self):
        """Bytes, fillers included."""
        return self.offset + len(self.payload)


def random_bytes(most):
    """Return a number of bytes, whole units, from one unit on."""
    return UNIT * random.randint(1, most // UNIT)


def random_offset(behind):
    """Return fillers below a number of bytes, whole units."""
    return UNIT * random.randrange(behind // UNIT)


def random_packet(beats, full_beats, offset):
    sizes = [IN_BYTES if full_beats else random_bytes(IN_BYTES) for _ in range(beats)]
    if random.random() < 0.7:
        sizes[-1] = random_bytes(IN_BYTES)
    return Packet(tuple(random.randbytes(size) for size in sizes), offset)


def random_packets(count, item):
    """Return packets over all the corners: one beat or many, offsets up to the largest."""
    packets = []
    for _ in range(count):
        offset = random.choice((0, 0, random_offset(item), item - UNIT))
        beats = random.choice((1, 1, 2, 3, random.randint(1, 12)))
        packets.append(random_packet(beats, random.random() < 0.5, offset))
    return packets


def input_beats(packets):
    """Return what the source sends; what the contract calls don't-care is random."""
    for packet in packets:
        for index, data in enumerate(packet.beats):
            filled = data + random.randbytes(IN_BYTES - len(data))
            yield {
                "tdata": int.from_bytes(filled, "little"),
                "tbytes": len(data),
                "tlast": int(index == len(packet.beats) - 1),
                "toffset": packet.offset if index == 0 else random.randrange(OUT_BYTES),
            }


def expected_items(packets, item):
    """Return the items that the contract promises."""
    items = []
    for packet in packets:
        cells = bytes(packet.offset) + packet.payload
        keep = (1 << packet.length) - (1 << packet.offset)
        for at in range(0, packet.length, item):
            piece = cells[at : at + item]
            items.append(
                {
                    "tdata": int.from_bytes(piece, "little"),
                    "tkeep": keep >> at & ((1 << len(piece)) - 1),
                    "tlast": int(at + item >= packet.length),
                }
            )
    return items


async def prepare(dut, item, source_stall=0.0, sink_stall=0.0):
    rng = random.Random(random.getrandbits(64))
    dut.clear_i.value = 0
    dut.item_bytes_i.value = item
    source = AxisSource(dut, "s_axis", INPUTS, rng, source_stall)
    sink = AxisSink(dut, "m_axis", OUTPUTS, rng, sink_stall)
    await start(dut)
    return source, sink


async def change_item(dut, source, sink, item):
    """Change the item size while nothing is inside; it may be illegal until the first beat."""
    await FallingEdge(dut.clk_i)
    dut.item_bytes_i.value = 0
    await run_cycles(dut.clk_i, [source, sink], 3)
    await FallingEdge(dut.clk_i)
    dut.item_bytes_i.value = item
    sink.beats.clear()


def item_sizes():
    """Return item sizes worth trying: the extremes, those around a beat, and some more."""
    most, beat = OUT_BYTES // UNIT, IN_BYTES // UNIT
    around = {1, 2, beat - 1, beat, beat + 1, most // 2, most - 1, most}
    legal = sorted(UNIT * size for size in around if 1 <= size <= most)
    return legal + [random_bytes(OUT_BYTES) for _ in range(2)]


@cocotb.test
@cocotb.parametrize(source_stall=STALLS, sink_stall=STALLS)
async def packets_are_cut_into_items_under_stalls(dut, source_stall, sink_stall):
    dut = Pins(dut)
    source, sink = await prepare(dut, UNIT, source_stall, sink_stall)
    for item in item_sizes():
        await change_item(dut, source, sink, item)
        packets = random_packets(40, item)
        expected = expected_items(packets, item)
        source.send(input_beats(packets))
        await run_until(dut.clk_i, [source, sink], sink.holds(len(expected)))
        await run_cycles(dut.clk_i, [source, sink], 5)
        assert len(sink.beats) == len(expected), "nothing follows"
        for index, (got, wanted) in enumerate(zip(sink.beats, expected, strict=True)):
            assert got == wanted, f"item {index} of size {item}"


@cocotb.test
async def items_are_offered_to_a_sink_that_waits_for_them(dut):
    dut = Pins(dut)
    source, sink = await prepare(dut, UNIT, 0.2)
    sink.waits = True
    for item in item_sizes():
        await change_item(dut, source, sink, item)
        packets = random_packets(10, item)
        expected = expected_items(packets, item)
        source.send(input_beats(packets))
        await run_until(dut.clk_i, [source, sink], sink.holds(len(expected)))
        assert sink.beats == expected


@cocotb.test
async def corners_of_the_contract(dut):
    """Directed: each packet is a corner that random ones may miss."""
    dut = Pins(dut)
    most = OUT_BYTES // UNIT
    source, sink = await prepare(dut, UNIT)
    for units in sorted({1, (most + 1) // 2, most}):
        item = UNIT * units
        last = item - UNIT
        packets = [
            Packet((b"\x01" * UNIT,), 0),
            Packet((b"\xff" * IN_BYTES,), last),
            Packet((b"\xff" * UNIT,), last),
            Packet((b"\xa5" * UNIT,) * units, 0),
            Packet((b"\x5a" * UNIT,) * (units + 1), 0),
            Packet((bytes(range(IN_BYTES)),) * units, 0),
            Packet((bytes(IN_BYTES),) * 3, last),
        ]
        await change_item(dut, source, sink, item)
        expected = expected_items(packets, item)
        source.send(input_beats(packets))
        await run_until(dut.clk_i, [source, sink], sink.holds(len(expected)))
        assert sink.beats == expected


@cocotb.test
async def slower_side_sets_the_rate_also_across_packets(dut):
    """Without stalls, alike packets need max(beats, items) cycles each, and one of latency."""
    dut = Pins(dut)
    source, sink = await prepare(dut, UNIT)
    for item in item_sizes():
        for beats in (1, 2, 3, 7):
            for offset in {0, item - UNIT, item // UNIT // 2 * UNIT}:
                tail = random_bytes(IN_BYTES)
                sizes = [IN_BYTES] * (beats - 1) + [tail]
                packet = Packet(tuple(random.randbytes(size) for size in sizes), offset)
                count = 12
                items = expected_items([packet], item) * count
                await change_item(dut, source, sink, item)
                source.send(input_beats([packet] * count))
                cycles = await run_until(dut.clk_i, [source, sink], sink.holds(len(items)))
                per_packet = max(beats, len(items) // count)
                # The two sides overlap, but the first beat precedes and the last item follows.
                slack = 1 + min(beats, len(items) // count)
                bound = count * per_packet + slack
                assert cycles <= bound, (
                    f"{cycles} cycles, bound {bound}: item {item}, {beats} beats, tail {tail}, "
                    f"offset {offset}"
                )
                assert sink.beats == items


@cocotb.test
async def clear_drops_everything_also_half_a_packet(dut):
    dut = Pins(dut)
    item = random_bytes(OUT_BYTES)
    source, sink = await prepare(dut, item, 0.2, 0.5)
    for _ in range(40):
        source.send(input_beats(random_packets(30, item)))
        await run_cycles(dut.clk_i, [source, sink], random.randrange(1, 25))
        await FallingEdge(dut.clk_i)
        dut.clear_i.value = 1
        dut.m_axis_tready.value = 1
        source.drop()
        sink.forget()
        await ReadOnly()
        assert int(dut.s_axis_tready.value) == 0
        assert int(dut.m_axis_tvalid.value) == 0
        await FallingEdge(dut.clk_i)
        dut.clear_i.value = 0
        dut.s_axis_tvalid.value = 0
        await ReadOnly()
        assert int(dut.m_axis_tvalid.value) == 0
        sink.beats.clear()
        packets = random_packets(3, item)
        expected = expected_items(packets, item)
        source.send(input_beats(packets))
        await run_until(dut.clk_i, [source, sink], sink.holds(len(expected)))
        assert sink.beats == expected


@cocotb.test
async def reset_within_a_packet_leaves_nothing(dut):
    dut = Pins(dut)
    item = random_bytes(OUT_BYTES)
    source, sink = await prepare(dut, item, 0.2, 0.5)
    for _ in range(25):
        source.send(input_beats(random_packets(30, item)))
        await run_cycles(dut.clk_i, [source, sink], random.randrange(1, 25))
        await FallingEdge(dut.clk_i)
        dut.rst_ni.value = 0
        dut.s_axis_tvalid.value = 0
        source.drop()
        sink.forget()
        # The reset needs no clock.
        await ReadOnly()
        assert int(dut.m_axis_tvalid.value) == 0
        await FallingEdge(dut.clk_i)
        dut.rst_ni.value = 1
        sink.beats.clear()
        packets = random_packets(3, item)
        expected = expected_items(packets, item)
        source.send(input_beats(packets))
        await run_until(dut.clk_i, [source, sink], sink.holds(len(expected)))
        assert sink.beats == expected
