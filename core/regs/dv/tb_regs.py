# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of cw_regs_top, over AXI4-Lite. Offsets come from the generated C header."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.handle import HierarchyObject
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp
from regs_model import WINDOW, Registers

from corewright.testing.axis import start
from corewright.testing.pins import Pins

_OWN = Path(__file__).resolve().parents[1] / "include" / "cw_regs.h"
HEADER = Path(os.environ.get("CW_REGS_HEADER", _OWN))
DEFINE = re.compile(r"^#define CW_REGS_(\w+) (0x[0-9A-Fa-f]+|\d+)u$", re.MULTILINE)
CONSTANTS = {name: int(value, 0) for name, value in DEFINE.findall(HEADER.read_text("utf-8"))}
OFFSETS = {
    name.removesuffix("_OFFSET"): value
    for name, value in CONSTANTS.items()
    if name.endswith("_OFFSET")
}

READ_WRITE = {
    "PROGRAM_ADDR_LO": 0xFFFFFFFF,
    "PROGRAM_ADDR_HI": 0xFFFFFFFF,
    "PROGRAM_BYTES": 0xFFFFFFFF,
    "ARENA_ADDR_LO": 0xFFFFFFFF,
    "ARENA_ADDR_HI": 0xFFFFFFFF,
    "ARENA_BYTES": 0xFFFFFFFF,
    "PERF_INDEX": 0x0000FFFF,
    "WATCHDOG": 0xFFFFFFFF,
}
# Plain inputs: register, its field or None for all, input port, width.
INPUTS = [
    ("HW_HASH", "VALUE", "hw_hash_i", 32),
    ("CAPS", "ROWS", "caps_rows_i", 8),
    ("CAPS", "COLS", "caps_cols_i", 8),
    ("CAPS", "PIXEL_BITS", "caps_pixel_bits_i", 5),
    ("CAPS", "WEIGHT_BITS", "caps_weight_bits_i", 5),
    ("CAPS", "DRAIN", "caps_drain_i", 6),
    ("STATUS", "BUSY", "busy_i", 1),
    ("STATUS", "DONE", "done_i", 1),
    ("STATUS", "ERROR", "error_i", 1),
    ("STATUS", "ERROR_CODE", "error_code_i", 8),
    ("STATUS", "LAYER", "layer_i", 16),
    ("ERROR_INFO", "VALUE", "error_info_i", 32),
    ("PERF_DATA", "VALUE", "perf_data_i", 32),
    ("PERF_LAYERS", "VALUE", "perf_layers_i", 32),
    ("DEBUG_STATE", "VALUE", "debug_state_i", 32),
]


class Bench:
    """The registers with an AXI4-Lite manager; every access is bounded in time."""

    def __init__(self, dut: HierarchyObject) -> None:
        self.dut = dut
        self.rng = random.Random(random.getrandbits(64))
        self.bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk_i)
        self.pulses = {"start_o": 0, "abort_o": 0}

    async def open(self) -> None:
        """Zeroes the inputs, resets, and counts the pulse outputs from then on."""
        dut = self.dut
        for _, _, port, _ in INPUTS:
            getattr(dut, port).value = 0
        for port in ("cycles_i", "set_done_i", "set_error_i"):
            getattr(dut, port).value = 0
        dut.rst_ni.value = 0
        cocotb.start_soon(Clock(dut.clk_i, 10, unit="ns").start())
        for _ in range(3):
            await RisingEdge(dut.clk_i)
        dut.rst_ni.value = 1
        await RisingEdge(dut.clk_i)
        cocotb.start_soon(self._count())

    async def _count(self) -> None:
        while True:
            await RisingEdge(self.dut.clk_i)
            for name in self.pulses:
                self.pulses[name] += int(getattr(self.dut, name).value)

    async def cycles(self, count: int) -> None:
        """Waits some clock cycles."""
        for _ in range(count):
            await RisingEdge(self.dut.clk_i)

    async def read_at(self, address: int) -> tuple[int, AxiResp]:
        """Reads a word and returns it with its response."""
        result = await with_timeout(self.bus.read(address, 4), 1000, "ns")
        return int.from_bytes(result.data, "little"), result.resp

    async def write_at(self, address: int, value: int, size: int = 4) -> AxiResp:
        """Writes ``size`` bytes and returns the response."""
        data = value.to_bytes(size, "little")
        return (await with_timeout(self.bus.write(address, data), 1000, "ns")).resp

    async def read(self, name: str) -> int:
        """Reads a register, which must answer OKAY."""
        value, resp = await self.read_at(OFFSETS[name])
        assert resp == AxiResp.OKAY
        return value

    async def write(self, name: str, value: int) -> None:
        """Writes a register, which must answer OKAY."""
        assert await self.write_at(OFFSETS[name], value) == AxiResp.OKAY


@cocotb.test()
async def offsets_are_the_documented_order(dut: HierarchyObject) -> None:
    """The map is an interface with the software: a moved register must be noticed."""
    names = [
        "ID",
        "VERSION",
        "HW_HASH",
        "CAPS",
        "CTRL",
        "STATUS",
        "IRQ_STATUS",
        "ERROR_INFO",
        "PROGRAM_ADDR_LO",
        "PROGRAM_ADDR_HI",
        "PROGRAM_BYTES",
        "ARENA_ADDR_LO",
        "ARENA_ADDR_HI",
        "ARENA_BYTES",
        "CYCLES_LO",
        "CYCLES_HI",
        "PERF_INDEX",
        "PERF_DATA",
        "PERF_LAYERS",
        "WATCHDOG",
        "DEBUG_STATE",
    ]
    assert {name: 4 * n for n, name in enumerate(names)} == OFFSETS
    bench = Bench(dut)
    await bench.open()
    assert await bench.read("ID") == 0x43575247


@cocotb.test()
async def reset_values_are_the_headers(dut: HierarchyObject) -> None:
    """Every register with a reset value in the header reads it after reset."""
    bench = Bench(dut)
    await bench.open()
    checked = 0
    for name in OFFSETS:
        if f"{name}_RESET" in CONSTANTS:
            assert await bench.read(name) == CONSTANTS[f"{name}_RESET"], name
            checked += 1
    assert checked == 12
    assert CONSTANTS["WATCHDOG_RESET"] == 0x00100000
    assert int(dut.watchdog_o.value) == 0x00100000


@cocotb.test()
async def read_write_registers_hold_their_own_value(dut: HierarchyObject) -> None:
    """All are written, then all read back: no aliasing; the outputs show them; bytes work."""
    bench = Bench(dut)
    await bench.open()
    for _ in range(5):
        values = {name: bench.rng.getrandbits(32) for name in READ_WRITE}
        for name, value in values.items():
            await bench.write(name, value)
        for name, mask in READ_WRITE.items():
            assert await bench.read(name) == values[name] & mask, name
        low, high = values["PROGRAM_ADDR_LO"], values["PROGRAM_ADDR_HI"]
        assert int(dut.program_addr_o.value) == high << 32 | low
        assert int(dut.program_bytes_o.value) == values["PROGRAM_BYTES"]
        low, high = values["ARENA_ADDR_LO"], values["ARENA_ADDR_HI"]
        assert int(dut.arena_addr_o.value) == high << 32 | low
        assert int(dut.arena_bytes_o.value) == values["ARENA_BYTES"]
        assert int(dut.perf_index_o.value) == values["PERF_INDEX"] & 0xFFFF
        assert int(dut.watchdog_o.value) == values["WATCHDOG"]
    await bench.write("WATCHDOG", 0x11223344)
    assert await bench.write_at(OFFSETS["WATCHDOG"] + 1, 0xAA, size=1) == AxiResp.OKAY
    assert await bench.read("WATCHDOG") == 0x1122AA44


@cocotb.test()
async def hardware_inputs_are_read_and_ignore_writes(dut: HierarchyObject) -> None:
    """Each input shows in its field, and only there; writing there changes nothing."""
    bench = Bench(dut)
    await bench.open()
    for _ in range(4):
        words: dict[str, int] = {}
        for register, field, port, width in INPUTS:
            value = bench.rng.getrandbits(width)
            getattr(dut, port).value = value
            shift = CONSTANTS[f"{register}_{field}_SHIFT"]
            assert CONSTANTS[f"{register}_{field}_MASK"] == ((1 << width) - 1) << shift
            words[register] = words.get(register, 0) | value << shift
        cycles = bench.rng.getrandbits(64)
        dut.cycles_i.value = cycles
        words |= {"CYCLES_LO": cycles & 0xFFFFFFFF, "CYCLES_HI": cycles >> 32}
        words |= {"ID": 0x43575247, "VERSION": 0x00010000}
        for name, word in words.items():
            await bench.write(name, ~word & 0xFFFFFFFF)
            assert await bench.read(name) == word, name


@cocotb.test()
async def start_and_abort_pulse_for_one_cycle(dut: HierarchyObject) -> None:
    """One cycle a write, nothing sticks, irq_enable does."""
    bench = Bench(dut)
    await bench.open()
    start = CONSTANTS["CTRL_START_MASK"]
    abort = CONSTANTS["CTRL_ABORT_MASK"]
    enable = CONSTANTS["CTRL_IRQ_ENABLE_MASK"]
    await bench.write("CTRL", start | enable)
    await bench.cycles(3)
    assert bench.pulses == {"start_o": 1, "abort_o": 0}
    assert await bench.read("CTRL") == enable
    await bench.write("CTRL", abort)
    await bench.cycles(3)
    assert bench.pulses == {"start_o": 1, "abort_o": 1}
    assert await bench.read("CTRL") == 0


@cocotb.test()
async def interrupt_causes_stick_until_written_with_one(dut: HierarchyObject) -> None:
    """Set by a pulse, cleared bit by bit, gated by irq_enable; setting wins over clearing."""
    bench = Bench(dut)
    await bench.open()
    done = CONSTANTS["IRQ_STATUS_DONE_MASK"]
    error = CONSTANTS["IRQ_STATUS_ERROR_MASK"]
    for port in ("set_done_i", "set_error_i"):
        getattr(dut, port).value = 1
        await bench.cycles(1)
        getattr(dut, port).value = 0
    await bench.cycles(3)
    assert await bench.read("IRQ_STATUS") == done | error
    assert int(dut.irq_o.value) == 0
    await bench.write("CTRL", CONSTANTS["CTRL_IRQ_ENABLE_MASK"])
    await bench.cycles(2)
    assert int(dut.irq_o.value) == 1
    await bench.write("IRQ_STATUS", 0)
    assert await bench.read("IRQ_STATUS") == done | error
    await bench.write("IRQ_STATUS", done)
    assert await bench.read("IRQ_STATUS") == error
    assert int(dut.irq_o.value) == 1
    dut.set_error_i.value = 1
    await bench.write("IRQ_STATUS", error)
    dut.set_error_i.value = 0
    assert await bench.read("IRQ_STATUS") == error
    await bench.write("IRQ_STATUS", error)
    await bench.cycles(2)
    assert await bench.read("IRQ_STATUS") == 0
    assert int(dut.irq_o.value) == 0


@cocotb.test()
async def an_unmapped_address_answers_an_error_and_never_hangs(dut: HierarchyObject) -> None:
    """The whole window without registers; no register changes; the next access works."""
    bench = Bench(dut)
    await bench.open()
    first = max(OFFSETS.values()) + 4
    holes = [first, 0x7C, 0x80, 0x100, 0x400, 0x800 + OFFSETS["WATCHDOG"], 0xFFC]
    holes += [4 * bench.rng.randrange(first // 4, 0x400) for _ in range(30)]
    for address in holes:
        _, resp = await bench.read_at(address)
        assert resp == AxiResp.SLVERR, hex(address)
        assert await bench.write_at(address, 0xFFFFFFFF) == AxiResp.SLVERR, hex(address)
    assert bench.pulses == {"start_o": 0, "abort_o": 0}
    for name in READ_WRITE:
        assert await bench.read(name) == CONSTANTS[f"{name}_RESET"]


@cocotb.test()
async def accesses_complete_under_stalls_on_every_channel(dut: HierarchyObject) -> None:
    """Reads and writes in flight together, with every channel stalling at random."""
    bench = Bench(dut)
    await bench.open()

    def stalls(rng: random.Random) -> Iterator[bool]:
        while True:
            yield rng.random() < 0.6

    writes, reads = bench.bus.write_if, bench.bus.read_if
    channels = (
        writes.aw_channel,
        writes.w_channel,
        writes.b_channel,
        reads.ar_channel,
        reads.r_channel,
    )
    for channel in channels:
        channel.set_pause_generator(stalls(random.Random(bench.rng.getrandbits(32))))
    for _ in range(50):
        name = bench.rng.choice(["PROGRAM_BYTES", "ARENA_BYTES", "PROGRAM_ADDR_HI"])
        value = bench.rng.getrandbits(32)
        reading = cocotb.start_soon(bench.read("ID"))
        await bench.write(name, value)
        assert await reading == 0x43575247
        assert await bench.read(name) == value


# Cycles within which a manager that is ready has its answer, whatever the other channel does.
PATIENCE = 12


class Port:
    """A manager without a transaction of its own: channels that know nothing of each other.

    It offers what the rules allow, payload changes while nothing is offered, and every cycle of the
    registers is compared with the histories that the accesses so far allow (regs_model.py).
    """

    def __init__(self, dut: HierarchyObject) -> None:
        self.dut = Pins(dut)
        self.rng = random.Random(random.getrandbits(64))
        self.model = Registers(CONSTANTS, OFFSETS, READ_WRITE)
        self.offered = {"aw": False, "w": False, "ar": False}
        self.begun = {"aw": 0, "w": 0}
        # Writes from the first not offered on: address, data, byte enables.
        self.planned: list[tuple[int, int, int]] = []
        self.rates = dict.fromkeys(("aw", "w", "ar", "b", "r"), 1.0)
        self.sets = 0.0
        self.waited = {"b": 0, "r": 0}
        self.answers = {"b": 0, "r": 0}

    async def open(self) -> None:
        """Reset, with nothing offered."""
        for name in self.offered:
            getattr(self.dut, f"s_axil_{name}valid").value = 0
        self._scramble(inputs=True)
        await start(self.dut)

    def draw_rates(self) -> None:
        """Draw how often each channel is at work, from hardly ever to always."""
        self.rates = {name: self.rng.choice((0.05, 0.4, 0.9, 1.0)) for name in self.rates}
        self.sets = self.rng.choice((0.02, 0.3))

    def _address(self) -> int:
        rng = self.rng
        address = OFFSETS["CTRL"] if rng.random() < 0.2 else rng.choice(list(OFFSETS.values()))
        if rng.random() < 0.15:
            address = rng.choice((rng.randrange(WINDOW), address ^ 1 << rng.randrange(12)))
        # Of an address only the word counts.
        return address & ~3 | rng.randrange(4)

    def _write(self, number: int) -> tuple[int, int, int]:
        """The write of this number since the reset."""
        rng = self.rng
        while number >= len(self.planned):
            before = self.planned[-1][0] & ~3 if self.planned else None
            address, data = self._address(), rng.getrandbits(32)
            lanes = rng.choice((15, 15, rng.randrange(16)))
            if address & ~3 == before == OFFSETS["CTRL"]:
                # Two starts in consecutive cycles would be one pulse of two: only software that
                # waits for its answer may start again.
                data &= ~(CONSTANTS["CTRL_START_MASK"] | CONSTANTS["CTRL_ABORT_MASK"])
                lanes |= 1
            self.planned.append((address, data, lanes))
        return self.planned[number]

    def _scramble(self, *, inputs: bool) -> None:
        """Change what means nothing in this cycle, and at times what the registers show."""
        dut, rng = self.dut, self.rng
        for name, payload in (
            ("aw", ("awaddr", "awprot")),
            ("w", ("wdata", "wstrb")),
            ("ar", ("araddr", "arprot")),
        ):
            if not self.offered[name]:
                for signal in payload:
                    pin = getattr(dut, f"s_axil_{signal}")
                    pin.value = rng.getrandbits(len(pin))
        if inputs:
            for port in (*(port for _, _, port, _ in INPUTS), "cycles_i"):
                pin = getattr(dut, port)
                pin.value = rng.getrandbits(len(pin))
        for port in ("set_done_i", "set_error_i"):
            getattr(dut, port).value = int(rng.random() < self.sets)

    def _offer(self, name: str) -> None:
        dut, rng = self.dut, self.rng
        if self.offered[name] or rng.random() >= self.rates[name]:
            return
        # Data may come before its address, at most one ahead of it.
        if name == "w" and self.begun["w"] > self.begun["aw"]:
            return
        self.offered[name] = True
        if name == "ar":
            dut.s_axil_araddr.value = self._address()
            return
        address, data, lanes = self._write(self.begun[name])
        if name == "aw":
            dut.s_axil_awaddr.value = address
        else:
            dut.s_axil_wdata.value, dut.s_axil_wstrb.value = data, lanes
        self.begun[name] += 1

    async def run(self, cycles: int, *, quiet: bool = False) -> None:
        """Go on for so many cycles; ``quiet``: without a new access."""
        dut, rng = self.dut, self.rng
        for _ in range(cycles):
            self._scramble(inputs=rng.random() < 0.5)
            for name in ("aw", "w", "ar"):
                # A write that has begun is completed.
                owed = name in self.begun and self.begun[name] < max(self.begun.values())
                if not quiet or owed:
                    self._offer(name)
                getattr(dut, f"s_axil_{name}valid").value = int(self.offered[name])
            ready = {name: int(rng.random() < self.rates[name]) for name in ("b", "r")}
            for name, value in ready.items():
                getattr(dut, f"s_axil_{name}ready").value = value
            await ReadOnly()
            self._check(ready)
            await FallingEdge(dut.clk_i)

    def _check(self, ready: dict[str, int]) -> None:
        dut, model = self.dut, self.model
        model.see(*self._shown())
        waiting = dict(zip(("b", "r"), model.waiting, strict=True))
        for name in ("b", "r"):
            valid = getattr(dut, f"s_axil_{name}valid").value
            other = "r" if name == "b" else "b"
            if valid or not waiting[name]:
                self.waited[name] = 0
            elif ready[other] or not getattr(dut, f"s_axil_{other}valid").value:
                # Answers stand in one queue: what is not taken holds up the other channel.
                self.waited[name] += 1
            assert self.waited[name] <= PATIENCE, f"no answer on {name.upper()}"
            if not valid:
                continue
            response = getattr(dut, f"s_axil_{name}resp").value
            assert response in (AxiResp.OKAY, AxiResp.SLVERR)
            error = response == AxiResp.SLVERR
            if name == "b":
                model.see_write_response(error, bool(ready[name]))
            else:
                model.see_read_response(dut.s_axil_rdata.value, error, bool(ready[name]))
            self.answers[name] += ready[name]
        inputs: dict[str, int] = {}
        for register, field, port, _ in INPUTS:
            shift = CONSTANTS[f"{register}_{field}_SHIFT"]
            inputs[register] = inputs.get(register, 0) | getattr(dut, port).value << shift
        cycles = dut.cycles_i.value
        inputs |= {"CYCLES_LO": cycles & 0xFFFFFFFF, "CYCLES_HI": cycles >> 32}
        model.step(inputs, (dut.set_done_i.value, dut.set_error_i.value))
        taken = {name: self._taken(name) for name in self.offered}
        model.take(
            aw=dut.s_axil_awaddr.value if taken["aw"] else None,
            w=(dut.s_axil_wdata.value, dut.s_axil_wstrb.value) if taken["w"] else None,
            ar=dut.s_axil_araddr.value if taken["ar"] else None,
        )

    def _taken(self, name: str) -> bool:
        taken = self.offered[name] and bool(getattr(self.dut, f"s_axil_{name}ready").value)
        self.offered[name] = self.offered[name] and not taken
        return taken

    def _shown(self) -> tuple[dict[str, int], int, tuple[int, int]]:
        dut = self.dut
        program, arena = dut.program_addr_o.value, dut.arena_addr_o.value
        outputs = {
            "PROGRAM_ADDR_LO": program & 0xFFFFFFFF,
            "PROGRAM_ADDR_HI": program >> 32,
            "PROGRAM_BYTES": dut.program_bytes_o.value,
            "ARENA_ADDR_LO": arena & 0xFFFFFFFF,
            "ARENA_ADDR_HI": arena >> 32,
            "ARENA_BYTES": dut.arena_bytes_o.value,
            "PERF_INDEX": dut.perf_index_o.value,
            "WATCHDOG": dut.watchdog_o.value,
        }
        return outputs, dut.irq_o.value, (dut.start_o.value, dut.abort_o.value)

    async def settle(self) -> None:
        """Let what is under way end; then nothing is owed."""
        self.rates = dict.fromkeys(self.rates, 1.0)
        await self.run(4 * PATIENCE, quiet=True)
        assert self.model.waiting == (0, 0), "accesses without an answer"
        assert not any(self.offered.values()), "an access that is not taken"

    async def reset(self) -> None:
        """Reset wherever the bus stands; the manager is reset, too."""
        dut = self.dut
        dut.rst_ni.value = 0
        self.model.reset()
        self.offered = dict.fromkeys(self.offered, False)
        self.begun = dict.fromkeys(self.begun, 0)
        self.planned = []
        self.waited = dict.fromkeys(self.waited, 0)
        for cycle in range(3):
            for name in self.offered:
                getattr(dut, f"s_axil_{name}valid").value = 0
            for name in ("b", "r"):
                getattr(dut, f"s_axil_{name}ready").value = self.rng.getrandbits(1)
            if cycle == 2:
                dut.rst_ni.value = 1
                dut.set_done_i.value = dut.set_error_i.value = 0
            else:
                self._scramble(inputs=True)
            await ReadOnly()
            assert not dut.s_axil_bvalid.value and not dut.s_axil_rvalid.value
            self.model.see(*self._shown())
            await FallingEdge(dut.clk_i)


@cocotb.test()
async def random_accesses_agree_with_a_model(dut: HierarchyObject) -> None:
    """Any accesses, rates and inputs: in each cycle some order of the accesses explains all."""
    port = Port(dut)
    await port.open()
    for _ in range(16):
        port.draw_rates()
        await port.run(90)
        if port.rng.random() < 0.3:
            await port.settle()
    await port.settle()
    assert sum(port.answers.values()) > 150


@cocotb.test()
@cocotb.parametrize(busy=("b", "r", "br"))
async def one_access_a_cycle_and_channels_take_turns(dut: HierarchyObject, busy: str) -> None:
    """Reads alone or writes alone take a cycle each; of both at once each has half of them."""
    port = Port(dut)
    await port.open()
    writes, reads = float("b" in busy), float("r" in busy)
    port.rates = {"aw": writes, "w": writes, "b": 1.0, "ar": reads, "r": 1.0}
    await port.run(200)
    for name in busy:
        assert port.answers[name] >= 200 // len(busy) - 4, port.answers
    await port.settle()


@cocotb.test()
async def reset_in_mid_access_leaves_no_answer(dut: HierarchyObject) -> None:
    """A reset at any time: registers are as at first, and nothing before it is answered."""
    port = Port(dut)
    await port.open()
    for _ in range(24):
        port.draw_rates()
        await port.run(port.rng.randrange(2, 30))
        await port.reset()
        if port.rng.random() < 0.5:
            await port.settle()
    await port.settle()
