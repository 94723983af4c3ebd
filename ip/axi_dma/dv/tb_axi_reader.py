# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of cw_axi_reader."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import cocotb
from axi_dma_model import (
    MEMORY_BYTES,
    Command,
    FaultyReads,
    Monitor,
    answer_errors_with,
    anywhere,
    behind,
    generator,
    hold_in_reset,
    plain_attributes,
    quiet,
    random_commands,
    send_commands,
    stalls,
    start,
    wait_idle,
)
from cocotb.handle import HierarchyObject
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiReadBus, AxiResp

from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
# Bytes of a random command.
LONGEST = int(PARAMETERS["longest"])
# What is left out is at its default.
UNIT = int(PARAMETERS.get("UnitBytes", 1))

CHANNELS = {
    "cmd": ("cmd_valid_i", "cmd_ready_o"),
    "ar": ("m_axi_arvalid", "m_axi_arready"),
    "r": ("m_axi_rvalid", "m_axi_rready"),
    "axis": ("m_axis_tvalid", "m_axis_tready"),
}


class Bench:
    """The reader with memory, monitor and a sink that collects packets of bytes.

    Attributes:
        packets: the bytes of each finished packet.
        pause: a stall pattern for the sink; endless.
    """

    def __init__(self, dut: HierarchyObject) -> None:
        self.dut = Pins(dut)
        quiet(dut)
        self.rng = generator()
        self.beat_bytes = len(dut.m_axi_rdata) // 8
        self.max_outstanding = int(PARAMETERS["MaxOutstanding"])
        self.memory = FaultyReads(
            AxiReadBus.from_prefix(dut, "m_axi"), dut.clk_i, size=MEMORY_BYTES
        )
        # Deeper than the reader's limit, so that the limit is the reader's own.
        self.memory.ar_channel.queue_occupancy_limit = 64
        self.image = self.rng.randbytes(MEMORY_BYTES)
        self.memory.write(0, self.image)
        self.packets: list[bytes] = []
        self.partial = bytearray()
        self.pause: Iterator[bool] = repeat(False)
        # Commands whose packet has left; meaningless from an abort until all begins anew.
        self._given = 0
        self._whole = True
        self.monitor = Monitor(self.dut, CHANNELS, "ar", "r")
        self.monitor.checks.append(self._check)

    async def open(self) -> None:
        """Resets the reader and starts the sink."""
        self.dut.m_axis_tready.value = 0
        await start(self.dut)
        cocotb.start_soon(self._sink())

    def stall(self, probability: float) -> None:
        """Stalls address, data and sink independently."""
        self.memory.ar_channel.set_pause_generator(stalls(self.rng, probability))
        self.memory.r_channel.set_pause_generator(stalls(self.rng, probability))
        self.pause = stalls(self.rng, probability)

    def _check(self) -> None:
        """The stream is hidden in an abort; idle_o says that nothing is inside, and only that."""
        dut, at = self.dut, self.monitor.at
        if self.monitor.draining:
            assert not dut.m_axis_tvalid.value, "the stream shows in an abort"
            self._whole = False
        elif self._whole:
            # This cycle's handshakes count already.
            taken = len(at["cmd"]) - (at["cmd"][-1:] == [self.monitor.cycle])
            assert bool(dut.idle_o.value) == (taken == self._given), "idle_o"
        if self._whole and dut.m_axis_tvalid.value and dut.m_axis_tready.value:
            self._given += dut.m_axis_tlast.value

    def begin_anew(self) -> None:
        """Nothing is inside, whatever there was."""
        self.partial.clear()
        self._given = len(self.monitor.at["cmd"])
        self._whole = True

    async def reset(self) -> None:
        """Resets the reader and the memory's side, at any time."""
        dut = self.dut
        channels = [self.memory.ar_channel, self.memory.r_channel]
        dut.rst_ni.value = 0
        dut.cmd_valid_i.value = 0
        hold_in_reset(self.memory, channels, True)
        for _ in range(self.rng.randint(1, 3)):
            await RisingEdge(dut.clk_i)
            assert dut.idle_o.value
            assert not dut.m_axi_arvalid.value
            assert not dut.m_axis_tvalid.value
            assert not dut.error_o.value
        self.begin_anew()
        dut.rst_ni.value = 1
        hold_in_reset(self.memory, channels, False)

    async def _sink(self) -> None:
        dut = self.dut
        while True:
            dut.m_axis_tready.value = not next(self.pause)
            await RisingEdge(dut.clk_i)
            if int(dut.m_axis_tvalid.value) and int(dut.m_axis_tready.value):
                size = int(dut.m_axis_tbytes.value)
                data = int(dut.m_axis_tdata.value).to_bytes(self.beat_bytes, "little")
                self.partial += data[:size]
                if int(dut.m_axis_tlast.value):
                    self.packets.append(bytes(self.partial))
                    self.partial.clear()

    def expected(self, commands: list[Command]) -> list[bytes]:
        """Returns the packets that the commands must give."""
        starts = [c.address % MEMORY_BYTES for c in commands]
        return [self.image[at : at + c.size] for at, c in zip(starts, commands, strict=True)]

    async def run(self, commands: list[Command], pause: Iterator[bool] | None = None) -> None:
        """Issues the commands, waits for the end and compares the new packets."""
        before = len(self.packets)
        await send_commands(self.dut, commands, pause)
        await wait_idle(self.dut)
        await RisingEdge(self.dut.clk_i)
        assert self.packets[before:] == self.expected(commands)
        assert not self.partial


@cocotb.test()
async def every_packet_holds_its_commands_bytes_under_random_stalls(dut: HierarchyObject) -> None:
    """Random addresses and lengths, random stalls on every channel."""
    bench = Bench(dut)
    await bench.open()
    for probability in (0.0, 0.3, 0.7):
        bench.stall(probability)
        commands = random_commands(bench.rng, 25, bench.beat_bytes, LONGEST, UNIT)
        commands = anywhere(bench.rng, commands, len(dut.cmd_addr_i))
        await bench.run(commands, stalls(bench.rng, probability / 2))
    assert not bench.monitor.errors


@cocotb.test()
async def no_channel_waits_for_its_other_side_to_be_ready(dut: HierarchyObject) -> None:
    """AXI lets a subordinate wait for valid, and forbids the manager to wait for ready."""
    bench = Bench(dut)
    await bench.open()
    bench.memory.ar_channel.set_pause_generator(behind(dut.m_axi_arvalid))
    bench.pause = behind(dut.m_axis_tvalid)
    await bench.run(random_commands(bench.rng, 8, bench.beat_bytes, min(LONGEST, 600), UNIT))


@cocotb.test()
async def bursts_are_incrementing_full_width_and_of_normal_memory(dut: HierarchyObject) -> None:
    """What subordinates and interconnects may rely on, in each burst."""
    bench = Bench(dut)
    await bench.open()
    await bench.run(random_commands(bench.rng, 3, bench.beat_bytes, LONGEST, UNIT))
    assert bench.monitor.attributes == {plain_attributes(bench.beat_bytes)}


@cocotb.test()
async def every_offset_and_tail_is_exact(dut: HierarchyObject) -> None:
    """All offsets within a beat with all lengths up to two beats, on a page edge."""
    bench = Bench(dut)
    await bench.open()
    edge = 3 * 4096 - bench.beat_bytes
    step = max(UNIT, bench.beat_bytes // 8)
    commands = [
        Command(edge + offset, size)
        for offset in range(0, bench.beat_bytes, step)
        for size in range(UNIT, 2 * bench.beat_bytes + 2, step)
    ]
    await bench.run(commands)


@cocotb.test(skip=not PARAMETERS["full_rate"])
async def one_beat_a_cycle_across_bursts_and_commands(dut: HierarchyObject) -> None:
    """The stream has not one bubble between its first and its last beat; latencies are exact."""
    bench = Bench(dut)
    await bench.open()
    sizes = [200, 1, 4, 4, 4, 7, 64, 65, 2, 2, 128]
    commands = []
    address = 4096 - 8 * bench.beat_bytes
    for beats in sizes:
        commands.append(Command(address, beats * bench.beat_bytes))
        address += beats * bench.beat_bytes
    await bench.run(commands)
    at = bench.monitor.at
    assert len(at["axis"]) == sum(sizes)
    assert at["axis"][-1] - at["axis"][0] == sum(sizes) - 1
    assert at["ar"][0] - at["cmd"][0] == 2
    assert at["axis"][0] - at["r"][0] == 1


@cocotb.test()
async def addresses_run_ahead_to_the_outstanding_limit(dut: HierarchyObject) -> None:
    """Without any data, exactly MaxOutstanding bursts are issued, across commands.

    Commands follow one another every second cycle, a command's bursts in each.
    """
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    bench.memory.r_channel.pause = True
    commands = [Command(256 * n, bench.beat_bytes) for n in range(bench.max_outstanding + 4)]
    task = cocotb.start_soon(bench.run(commands))
    for _ in range(4 * bench.max_outstanding + 20):
        await RisingEdge(dut.clk_i)
    issued = bench.monitor.at["ar"]
    assert len(issued) == bench.max_outstanding
    assert issued[-1] - issued[0] == 2 * (bench.max_outstanding - 1), "a command in two cycles"
    bench.memory.r_channel.pause = False
    await task

    bench.memory.r_channel.pause = True
    beats = min(int(PARAMETERS["MaxBurstBeats"]), 4096 // bench.beat_bytes)
    block = bench.beat_bytes << beats.bit_length() - 1
    bursts = min(bench.max_outstanding, MEMORY_BYTES // block)
    issued.clear()
    task = cocotb.start_soon(bench.run([Command(0, bursts * block)]))
    for _ in range(4 * bench.max_outstanding + 20):
        await RisingEdge(dut.clk_i)
    assert len(issued) == bursts
    assert issued[-1] - issued[0] == bursts - 1, "one burst a cycle"
    bench.memory.r_channel.pause = False
    await task


@cocotb.test()
async def an_error_response_is_reported_and_keeps_the_packets_length(dut: HierarchyObject) -> None:
    """Every bad beat pulses error_o; packets keep their lengths; good commands stay good."""
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    bench.stall(0.3)
    bad_beats = 3
    bench.memory.bad = range(8192, 8192 + bad_beats * bench.beat_bytes)
    bad = Command(8192 - 5 * bench.beat_bytes, 20 * bench.beat_bytes)
    good = Command(100 // UNIT * UNIT, 333 // UNIT * UNIT)
    for response in (AxiResp.SLVERR, AxiResp.DECERR, AxiResp.EXOKAY):
        answer_errors_with(bench.memory.r_channel, "rresp", response)
        bench.packets.clear()
        bench.monitor.errors.clear()
        await send_commands(dut, [good, bad, good])
        await wait_idle(dut)
        await RisingEdge(dut.clk_i)
        assert bench.monitor.errors == [response] * bad_beats
        assert [len(packet) for packet in bench.packets] == [good.size, bad.size, good.size]
        assert [bench.packets[0], bench.packets[2]] == bench.expected([good, good])


@cocotb.test()
async def a_reset_at_any_time_leaves_nothing(dut: HierarchyObject) -> None:
    """Resets at random moments, together with the memory's side: the next commands are exact."""
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    for _ in range(20):
        bench.stall(bench.rng.choice([0.0, 0.3, 0.7]))
        commands = random_commands(bench.rng, 6, bench.beat_bytes, LONGEST, UNIT)
        sender = cocotb.start_soon(send_commands(dut, commands))
        for _ in range(bench.rng.randint(1, 60)):
            await RisingEdge(dut.clk_i)
        sender.cancel()
        dut.cmd_valid_i.value = 0
        # Also within an abort.
        dut.abort_i.value = bench.rng.random() < 0.3
        await RisingEdge(dut.clk_i)
        dut.abort_i.value = 0
        await bench.reset()
        await bench.run(
            random_commands(bench.rng, 2, bench.beat_bytes, 20 * bench.beat_bytes, UNIT)
        )


@cocotb.test()
async def an_abort_at_any_time_drains_and_the_next_command_works(dut: HierarchyObject) -> None:
    """Aborts at random moments, by a pulse or a level, with and without a clear behind them.

    The monitor checks that no command is taken, no burst issued and no beat shown until idle_o.
    """
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    for trial in range(30):
        bench.stall(bench.rng.choice([0.0, 0.3, 0.7]))
        commands = random_commands(bench.rng, 6, bench.beat_bytes, LONGEST, UNIT)
        sender = cocotb.start_soon(send_commands(dut, commands))
        for _ in range(bench.rng.randint(1, 120)):
            await RisingEdge(dut.clk_i)
        dut.abort_i.value = 1
        await RisingEdge(dut.clk_i)
        sender.cancel()
        dut.cmd_valid_i.value = 0
        if trial % 3:  # A pulse must do as well as a level.
            dut.abort_i.value = 0
        if trial % 3 != 1:
            await wait_idle(dut)
            dut.abort_i.value = 0
            dut.clear_i.value = trial % 2
            await RisingEdge(dut.clk_i)
            assert not (dut.cmd_ready_o.value and dut.clear_i.value)
            dut.clear_i.value = 0
        # Otherwise the next command waits at the door until the abort is over.
        before = len(bench.packets)
        following = random_commands(bench.rng, 2, bench.beat_bytes, 20 * bench.beat_bytes, UNIT)
        bench.partial.clear()
        await send_commands(dut, following)
        await wait_idle(dut)
        await RisingEdge(dut.clk_i)
        assert bench.packets[before:] == bench.expected(following)
        assert not bench.partial
        bench.begin_anew()


@cocotb.test()
async def a_command_of_any_length_begins_well_and_can_be_aborted(dut: HierarchyObject) -> None:
    """Up to 2^32 - 1 bytes: the packet's first beats are exact, and an abort ends the rest."""
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    sizes = [(1 << 32) - 1, 1 << 31, *(bench.rng.getrandbits(32) | 1 << 20 for _ in range(4))]
    for size in sizes:
        # From the lowest address on, which is legal with 32 bits of address, too.
        await send_commands(dut, [Command(0, size // UNIT * UNIT)])
        while len(bench.partial) < 4 * bench.beat_bytes:
            await RisingEdge(dut.clk_i)
        dut.abort_i.value = 1
        await wait_idle(dut)
        dut.abort_i.value = 0
        await RisingEdge(dut.clk_i)
        assert not bench.packets
        assert bench.partial == bench.image[: len(bench.partial)]
        bench.begin_anew()
    await bench.run([Command(100 // UNIT * UNIT, 3 * UNIT)])
