# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of cw_axi_writer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import cocotb
from axi_dma_model import (
    MEMORY_BYTES,
    Command,
    FaultyWrites,
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
from cocotb.task import Task
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiResp, AxiWriteBus

from corewright.testing.cocotb_runner import bench_parameters
from corewright.testing.pins import Pins

PARAMETERS = bench_parameters()
# Bytes of a random command.
LONGEST = int(PARAMETERS["longest"])

CHANNELS = {
    "cmd": ("cmd_valid_i", "cmd_ready_o"),
    "axis": ("s_axis_tvalid", "s_axis_tready"),
    "aw": ("m_axi_awvalid", "m_axi_awready"),
    "w": ("m_axi_wvalid", "m_axi_wready"),
    "b": ("m_axi_bvalid", "m_axi_bready"),
}


class Bench:
    """The writer with memory, monitor and a source of aligned packets.

    Attributes:
        image: what the memory must hold, kept up to date by ``run``.
        pause: a stall pattern for the source; endless.
    """

    def __init__(self, dut: HierarchyObject) -> None:
        self.dut = Pins(dut)
        quiet(dut)
        self.rng = generator()
        self.beat_bytes = len(dut.m_axi_wdata) // 8
        self.max_outstanding = int(PARAMETERS["MaxOutstanding"])
        self.memory = FaultyWrites(
            AxiWriteBus.from_prefix(dut, "m_axi"), dut.clk_i, size=MEMORY_BYTES
        )
        # Deeper than the writer's limit, so that the limit is the writer's own.
        for channel in (self.memory.aw_channel, self.memory.w_channel, self.memory.b_channel):
            channel.queue_occupancy_limit = 64
        self.image = bytearray(self.rng.randbytes(MEMORY_BYTES))
        self.memory.write(0, bytes(self.image))
        self.pause: Iterator[bool] = repeat(False)
        # Stream beats that were taken when the abort began.
        self._beats_before_abort: int | None = None
        self.monitor = Monitor(self.dut, CHANNELS, "aw", "b")
        self.monitor.checks.append(self._check)

    async def open(self) -> None:
        """Resets the writer."""
        for name in ("s_axis_tdata", "s_axis_tkeep", "s_axis_tlast", "s_axis_tvalid"):
            getattr(self.dut, name).value = 0
        await start(self.dut)

    def stall(self, probability: float) -> None:
        """Stalls address, data, response and source independently."""
        for channel in (self.memory.aw_channel, self.memory.w_channel, self.memory.b_channel):
            channel.set_pause_generator(stalls(self.rng, probability))
        self.pause = stalls(self.rng, probability)

    def _check(self) -> None:
        """An abort swallows the stream, and what it did not take before is written without bytes.

        Idle means that each burst has its response.
        """
        dut, at, cycle = self.dut, self.monitor.at, self.monitor.cycle
        if self.monitor.draining:
            assert dut.s_axis_tready.value, "the stream waits in an abort"
            if self._beats_before_abort is None:
                self._beats_before_abort = len(at["axis"]) - (at["axis"][-1:] == [cycle])
            if at["w"][-1:] == [cycle] and len(at["w"]) > self._beats_before_abort:
                assert not dut.m_axi_wstrb.value, "bytes are written in an abort"
        elif self._beats_before_abort is not None:
            self.begin_anew()
        if dut.idle_o.value:
            assert len(at["aw"]) == len(at["b"]), "idle with a response owed"

    def begin_anew(self) -> None:
        """Nothing is inside, whatever there was."""
        for channel in ("axis", "w", "aw", "b"):
            self.monitor.at[channel].clear()
        self._beats_before_abort = None

    async def reset(self) -> None:
        """Resets the writer and the memory's side, at any time."""
        dut = self.dut
        memory = self.memory
        channels = [memory.aw_channel, memory.w_channel, memory.b_channel]
        dut.rst_ni.value = 0
        dut.cmd_valid_i.value = 0
        dut.s_axis_tvalid.value = 0
        hold_in_reset(memory, channels, True)
        for _ in range(self.rng.randint(1, 3)):
            await RisingEdge(dut.clk_i)
            assert dut.idle_o.value
            assert not dut.m_axi_awvalid.value
            assert not dut.m_axi_wvalid.value
            assert not dut.s_axis_tready.value
            assert not dut.error_o.value
        self.begin_anew()
        dut.rst_ni.value = 1
        hold_in_reset(memory, channels, False)

    def payload(self, commands: list[Command]) -> list[bytes]:
        """Returns random data for each command."""
        return [self.rng.randbytes(c.size) for c in commands]

    async def send_packets(self, commands: list[Command], payload: list[bytes]) -> None:
        """Drives each command's packet, aligned to the address, junk outside its bytes."""
        dut = self.dut
        for command, data in zip(commands, payload, strict=True):
            beats = command.beats(self.beat_bytes)
            offset = command.address % self.beat_bytes
            lanes = bytearray(self.rng.randbytes(beats * self.beat_bytes))
            lanes[offset : offset + command.size] = data
            keep = ((1 << command.size) - 1) << offset
            for beat in range(beats):
                while next(self.pause):
                    dut.s_axis_tvalid.value = 0
                    await RisingEdge(dut.clk_i)
                low = beat * self.beat_bytes
                dut.s_axis_tdata.value = int.from_bytes(
                    lanes[low : low + self.beat_bytes], "little"
                )
                dut.s_axis_tkeep.value = (keep >> low) & ((1 << self.beat_bytes) - 1)
                dut.s_axis_tlast.value = beat == beats - 1
                dut.s_axis_tvalid.value = 1
                await RisingEdge(dut.clk_i)
                while not int(dut.s_axis_tready.value):
                    await RisingEdge(dut.clk_i)
        dut.s_axis_tvalid.value = 0

    def begin(self, commands: list[Command], payload: list[bytes]) -> tuple[Task, Task]:
        """Starts issuing commands and packets."""
        return (
            cocotb.start_soon(send_commands(self.dut, commands)),
            cocotb.start_soon(self.send_packets(commands, payload)),
        )

    async def run(self, commands: list[Command]) -> None:
        """Writes random data for the commands, waits for the end and compares all the memory."""
        payload = self.payload(commands)
        for task in self.begin(commands, payload):
            await task
        await wait_idle(self.dut)
        for command, data in zip(commands, payload, strict=True):
            start = command.address % MEMORY_BYTES
            self.image[start : start + command.size] = data
        assert self.memory.read(0, MEMORY_BYTES) == self.image


@cocotb.test()
async def memory_holds_exactly_the_commands_bytes_under_random_stalls(dut: HierarchyObject) -> None:
    """Random addresses and lengths, random stalls on every channel; neighbours stay untouched."""
    bench = Bench(dut)
    await bench.open()
    for probability in (0.0, 0.3, 0.7):
        bench.stall(probability)
        commands = random_commands(bench.rng, 25, bench.beat_bytes, LONGEST)
        await bench.run(anywhere(bench.rng, commands, len(dut.cmd_addr_i)))
    assert not bench.monitor.errors


@cocotb.test()
async def no_channel_waits_for_the_memory_to_be_ready(dut: HierarchyObject) -> None:
    """AXI lets a subordinate wait for valid, and forbids the manager to wait for ready."""
    bench = Bench(dut)
    await bench.open()
    bench.memory.aw_channel.set_pause_generator(behind(dut.m_axi_awvalid))
    bench.memory.w_channel.set_pause_generator(behind(dut.m_axi_wvalid))
    await bench.run(random_commands(bench.rng, 8, bench.beat_bytes, min(LONGEST, 600)))


@cocotb.test()
async def bursts_are_incrementing_full_width_and_of_normal_memory(dut: HierarchyObject) -> None:
    """What subordinates and interconnects may rely on, in each burst."""
    bench = Bench(dut)
    await bench.open()
    await bench.run(random_commands(bench.rng, 3, bench.beat_bytes, LONGEST))
    assert bench.monitor.attributes == {plain_attributes(bench.beat_bytes)}


@cocotb.test()
async def every_offset_and_tail_is_exact(dut: HierarchyObject) -> None:
    """All offsets within a beat with all lengths up to two beats, on a page edge."""
    bench = Bench(dut)
    await bench.open()
    edge = 3 * 4096 - bench.beat_bytes
    step = max(1, bench.beat_bytes // 8)
    await bench.run(
        [
            Command(edge + offset, size)
            for offset in range(0, bench.beat_bytes, step)
            for size in range(1, 2 * bench.beat_bytes + 2, step)
        ]
    )


@cocotb.test(skip=not PARAMETERS["full_rate"])
async def one_beat_a_cycle_across_bursts_and_commands(dut: HierarchyObject) -> None:
    """W has not one bubble between first and last beat, even for commands of 4 beats."""
    bench = Bench(dut)
    await bench.open()
    sizes = [4] * 20 + [200, 1, 4, 7, 64, 65, 4, 4, 4]
    commands = []
    address = 4096 - 8 * bench.beat_bytes
    for beats in sizes:
        commands.append(Command(address, beats * bench.beat_bytes))
        address += beats * bench.beat_bytes
    await bench.run(commands)
    at = bench.monitor.at
    assert len(at["w"]) == sum(sizes)
    assert at["w"][-1] - at["w"][0] == sum(sizes) - 1
    assert at["aw"][0] - at["cmd"][0] == 2
    assert at["w"][0] - at["axis"][0] == 1


@cocotb.test()
async def addresses_run_ahead_to_the_outstanding_limit(dut: HierarchyObject) -> None:
    """Without any response, exactly MaxOutstanding bursts are issued, and all their data."""
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    bench.memory.b_channel.pause = True
    commands = [Command(256 * n, 2 * bench.beat_bytes) for n in range(bench.max_outstanding + 4)]
    task = cocotb.start_soon(bench.run(commands))
    for _ in range(6 * bench.max_outstanding + 20):
        await RisingEdge(dut.clk_i)
    assert len(bench.monitor.at["aw"]) == bench.max_outstanding
    beats = min(2, int(PARAMETERS["MaxBurstBeats"]))
    assert len(bench.monitor.at["w"]) == beats * bench.max_outstanding
    bench.memory.b_channel.pause = False
    await task


@cocotb.test()
async def an_error_response_is_reported_and_later_commands_work(dut: HierarchyObject) -> None:
    """One error_o pulse for each bad burst, and the next command is written well."""
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    bench.stall(0.3)
    bench.memory.bad = range(8192, 8192 + bench.beat_bytes)
    # The page edge makes two bursts of it; only the second is bad.
    bad = Command(8192 - 5 * bench.beat_bytes, 20 * bench.beat_bytes)
    bad_range = bench.memory.bad
    for response in (AxiResp.SLVERR, AxiResp.DECERR, AxiResp.EXOKAY):
        answer_errors_with(bench.memory.b_channel, "bresp", response)
        bench.memory.bad = bad_range
        bench.monitor.errors.clear()
        for task in bench.begin([bad], bench.payload([bad])):
            await task
        await wait_idle(dut)
        await RisingEdge(dut.clk_i)
        assert bench.monitor.errors == [response]
        bench.memory.bad = range(0)
        bench.image[:] = bench.memory.read(0, MEMORY_BYTES)
        await bench.run([Command(100, 333), bad])
        assert bench.monitor.errors == [response]


def only_old_or_new(
    image: bytearray, after: bytes, commands: list[Command], payload: list[bytes]
) -> None:
    """Checks that each byte of the memory is as before, or one that a command writes there."""
    allowed: dict[int, set[int]] = {}
    for command, data in zip(commands, payload, strict=True):
        for position, byte in enumerate(data, command.address):
            allowed.setdefault(position, {image[position]}).add(byte)
    for position, choice in allowed.items():
        assert after[position] in choice, f"byte {position}"
    rest = bytearray(after)
    for position in allowed:
        rest[position] = image[position]
    assert rest == image


@cocotb.test()
async def a_reset_at_any_time_leaves_nothing(dut: HierarchyObject) -> None:
    """Resets at random moments, together with the memory's side: the next commands are exact."""
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    for _ in range(20):
        bench.stall(bench.rng.choice([0.0, 0.3, 0.7]))
        commands = random_commands(bench.rng, 6, bench.beat_bytes, LONGEST)
        payload = bench.payload(commands)
        tasks = bench.begin(commands, payload)
        for _ in range(bench.rng.randint(1, 60)):
            await RisingEdge(dut.clk_i)
        for task in tasks:
            task.cancel()
        dut.cmd_valid_i.value = 0
        dut.s_axis_tvalid.value = 0
        # Also within an abort.
        dut.abort_i.value = bench.rng.random() < 0.3
        await RisingEdge(dut.clk_i)
        dut.abort_i.value = 0
        await bench.reset()
        after = bench.memory.read(0, MEMORY_BYTES)
        only_old_or_new(bench.image, after, commands, payload)
        bench.image[:] = after
        await bench.run(random_commands(bench.rng, 2, bench.beat_bytes, 20 * bench.beat_bytes))


@cocotb.test()
async def an_abort_at_any_time_completes_its_bursts_and_writes_nothing(
    dut: HierarchyObject,
) -> None:
    """Aborts at random moments, by a pulse or a level, with and without a clear behind them.

    Bytes are old or new, bursts complete, the next command works. The monitor checks that no
    command is taken and no burst issued until idle_o.
    """
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    for trial in range(25):
        bench.stall(bench.rng.choice([0.0, 0.3, 0.7]))
        commands = random_commands(bench.rng, 6, bench.beat_bytes, LONGEST)
        # Values that the memory does not hold, so that a byte written late shows.
        payload = [bytes(b ^ 0xFF for b in bench.image[c.address :][: c.size]) for c in commands]
        tasks = bench.begin(commands, payload)
        for _ in range(bench.rng.randint(1, 120)):
            await RisingEdge(dut.clk_i)
        dut.abort_i.value = 1
        await RisingEdge(dut.clk_i)
        if trial % 3:  # A pulse must do as well as a level.
            dut.abort_i.value = 0
            # What it would take behind the abort is no part of it.
            tasks[0].cancel()
            dut.cmd_valid_i.value = 0
        await wait_idle(dut)
        for task in tasks:
            task.cancel()
        dut.cmd_valid_i.value = 0
        dut.s_axis_tvalid.value = 0
        if not trial % 3:
            await RisingEdge(dut.clk_i)
            dut.abort_i.value = 0
        dut.clear_i.value = trial % 2
        await RisingEdge(dut.clk_i)
        assert not (dut.cmd_ready_o.value and dut.clear_i.value)
        dut.clear_i.value = 0
        after = bench.memory.read(0, MEMORY_BYTES)
        only_old_or_new(bench.image, after, commands, payload)
        bench.image[:] = after
        await bench.run(random_commands(bench.rng, 2, bench.beat_bytes, 20 * bench.beat_bytes))


@cocotb.test()
async def a_command_of_any_length_begins_well_and_can_be_aborted(dut: HierarchyObject) -> None:
    """Up to 2^32 - 1 bytes: the packet's first beats are written, and an abort ends the rest."""
    bench = Bench(dut)
    dut = bench.dut
    await bench.open()
    sizes = [(1 << 32) - 1, 1 << 31, *(bench.rng.getrandbits(32) | 1 << 20 for _ in range(4))]
    for size in sizes:
        # From the lowest address on, which is legal with 32 bits of address, too.
        await send_commands(dut, [Command(0, size)])
        written = bench.rng.randbytes(4 * bench.beat_bytes)
        dut.s_axis_tkeep.value = (1 << bench.beat_bytes) - 1
        dut.s_axis_tlast.value = 0
        for low in range(0, len(written), bench.beat_bytes):
            beat = written[low : low + bench.beat_bytes]
            dut.s_axis_tdata.value = int.from_bytes(beat, "little")
            dut.s_axis_tvalid.value = 1
            await RisingEdge(dut.clk_i)
            while not int(dut.s_axis_tready.value):
                await RisingEdge(dut.clk_i)
        dut.s_axis_tvalid.value = 0
        # Until they are on their way: an abort takes back what is not.
        for _ in range(30):
            await RisingEdge(dut.clk_i)
        dut.abort_i.value = 1
        await wait_idle(dut)
        dut.abort_i.value = 0
        await RisingEdge(dut.clk_i)
        bench.image[: len(written)] = written
        assert bench.memory.read(0, MEMORY_BYTES) == bench.image
    await bench.run([Command(100, 33)])
