# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What the benches of cw_axi_reader and cw_axi_writer share: memory, commands, stalls."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.handle import LogicObject
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiRamRead, AxiRamWrite, AxiResp

from corewright.testing.pins import Pins

MEMORY_BITS = 16
MEMORY_BYTES = 1 << MEMORY_BITS
IDLE_LIMIT_CYCLES = 20_000


@dataclass(frozen=True)
class Command:
    """A transfer of ``size`` bytes at byte address ``address``."""

    address: int
    size: int

    def beats(self, beat_bytes: int) -> int:
        """Returns how many full-width beats the range touches."""
        return (self.address + self.size - 1) // beat_bytes - self.address // beat_bytes + 1


class FaultyReads(AxiRamRead):
    """AXI read memory that answers SLVERR for beats at addresses in ``bad`` (bytes).

    It repeats itself: of an address all but the lowest bits are ignored.
    """

    bad: range = range(0)

    async def _read(self, address: int, length: int) -> bytes:
        if address % MEMORY_BYTES in self.bad:
            raise OSError("injected fault")
        return await super()._read(address, length)


class FaultyWrites(AxiRamWrite):
    """AXI write memory that answers SLVERR for bursts that touch an address in ``bad`` (bytes).

    It repeats itself: of an address all but the lowest bits are ignored.
    """

    bad: range = range(0)

    async def _write(self, address: int, data: bytes) -> None:
        if address % MEMORY_BYTES in self.bad:
            raise OSError("injected fault")
        await super()._write(address, data)


def answer_errors_with(channel: Any, field: str, response: AxiResp) -> None:
    """Has a memory's channel answer this instead of SLVERR from now on.

    Args:
        channel: of responses.
        field: of its beats that holds the response.
        response: the code.
    """
    send = type(channel).send

    async def changed(beat: Any) -> None:
        if getattr(beat, field) == AxiResp.SLVERR:
            setattr(beat, field, response)
        await send(channel, beat)

    channel.send = changed


def hold_in_reset(memory: Any, channels: list[Any], in_reset: bool) -> None:
    """Puts a memory and its channels into reset, where they forget all that is in flight."""
    for part in (memory, *channels):
        part.assert_reset(in_reset)


def generator() -> random.Random:
    """Returns a generator that the run's seed determines: cocotb seeds ``random`` for each test."""
    return random.Random(random.getrandbits(64))


def stalls(rng: random.Random, probability: float) -> Iterator[bool]:
    """Yields for ever, a cycle each, whether a channel pauses; stalls come in runs of 1 to 8."""
    while True:
        if rng.random() < probability:
            yield from [True] * rng.randint(1, 8)
        else:
            yield from [False] * rng.randint(1, 8)


def behind(valid: LogicObject) -> Iterator[bool]:
    """Yields for ever whether a channel pauses that is only ready for what was on offer before."""
    while True:
        yield not int(valid.value)


def random_commands(
    rng: random.Random, count: int, beat_bytes: int, longest: int, unit: int = 1
) -> list[Command]:
    """Returns commands with the corners over-represented: tiny, page edges, whole pages.

    Args:
        rng: source of the commands.
        count: of commands.
        beat_bytes: bytes of a beat.
        longest: no command has more bytes; commands of 6000 hold whole pages.
        unit: addresses and sizes are multiples of it; divides a beat.
    """
    commands = []
    for _ in range(count):
        size = rng.choice(
            [
                rng.randint(1, 2 * beat_bytes),
                rng.randint(1, 40 * beat_bytes),
                beat_bytes * rng.randint(1, 70),
                rng.randint(1, 6000),
            ]
        )
        size = min(size, longest)
        address = rng.choice(
            [
                rng.randrange(MEMORY_BYTES - size),
                4096 * rng.randint(1, 12) - rng.randint(0, 2 * beat_bytes),
                rng.randrange(0, MEMORY_BYTES - size, beat_bytes),
                # To the end of bursts, whatever their length is.
                4096 * rng.randint(1, 12) - size % 4096,
            ]
        )
        commands.append(Command(address // unit * unit, max(size // unit, 1) * unit))
    return commands


def anywhere(rng: random.Random, commands: list[Command], address_bits: int) -> list[Command]:
    """Returns commands for the same bytes of the memory, spread over all of its repetitions."""
    repetitions = 1 << (address_bits - MEMORY_BITS)
    return [
        replace(c, address=c.address + rng.randrange(repetitions) * MEMORY_BYTES) for c in commands
    ]


def quiet(dut: Any) -> None:
    """Keeps the memory of this toplevel from logging each burst."""
    logging.getLogger(f"cocotb.{dut._name}.m_axi").setLevel(logging.WARNING)


async def start(dut: Pins) -> None:
    """Starts the clock, drives every control input and applies the reset for three cycles."""
    for name in ("clear_i", "abort_i", "cmd_valid_i", "cmd_addr_i", "cmd_bytes_i"):
        getattr(dut, name).value = 0
    dut.rst_ni.value = 0
    cocotb.start_soon(Clock(dut.clk_i, 10, unit="ns").start())
    for _ in range(3):
        await RisingEdge(dut.clk_i)
    dut.rst_ni.value = 1
    await RisingEdge(dut.clk_i)


async def send_commands(
    dut: Pins, commands: list[Command], pause: Iterator[bool] | None = None
) -> None:
    """Issues the commands in order, as fast as they are taken unless ``pause`` says otherwise."""
    for command in commands:
        while pause is not None and next(pause):
            dut.cmd_valid_i.value = 0
            await RisingEdge(dut.clk_i)
        dut.cmd_valid_i.value = 1
        dut.cmd_addr_i.value = command.address
        dut.cmd_bytes_i.value = command.size
        await RisingEdge(dut.clk_i)
        while not int(dut.cmd_ready_o.value):
            await RisingEdge(dut.clk_i)
    dut.cmd_valid_i.value = 0


async def wait_idle(dut: Pins) -> int:
    """Waits until idle_o and returns the cycles that took; a hang is an assertion."""
    for cycle in range(IDLE_LIMIT_CYCLES):
        await RisingEdge(dut.clk_i)
        if int(dut.idle_o.value):
            return cycle
    raise AssertionError(f"not idle after {IDLE_LIMIT_CYCLES} cycles")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


_ATTRIBUTES = ("id", "size", "burst", "lock", "cache", "prot", "qos")


def plain_attributes(beat_bytes: int) -> tuple[int, ...]:
    """Returns what subordinates may rely on: incrementing, full width, of normal memory."""
    return (0, beat_bytes.bit_length() - 1, 0b01, 0, 0b0011, 0, 0)


class Monitor:
    """Counts handshakes of the named channels and error pulses, and notes the cycle of each.

    In each cycle out of reset it checks that error_o repeats the response of the cycle before, and
    that from an abort until idle_o no command is taken and no further burst issued. Users add
    checks of a cycle to ``checks``.

    Attributes:
        draining: an abort has begun, now or in an earlier cycle, and idle_o has not been since.
        checks: called in each cycle out of reset.
        cycle: cycles since the monitor started.
        at: channel prefix to the list of cycles in which valid and ready were both high.
        errors: the response code of each error_o pulse.
        attributes: those that bursts had, see :func:`plain_attributes`.
    """

    def __init__(
        self, dut: Pins, channels: dict[str, tuple[str, str]], address: str, response: str
    ) -> None:
        self.cycle = 0
        self.draining = False
        self.checks: list[Callable[[], None]] = []
        self._response = response
        self._resp = getattr(dut, f"m_axi_{response}resp")
        self.attributes: set[tuple[int, ...]] = set()
        self._address = address
        self._pins = [getattr(dut, f"m_axi_{address}{name}") for name in _ATTRIBUTES]
        self.at: dict[str, list[int]] = {name: [] for name in channels}
        self.errors: list[int] = []
        self._dut = dut
        self._handles = {
            name: (getattr(dut, valid), getattr(dut, ready))
            for name, (valid, ready) in channels.items()
        }
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        dut = self._dut
        address_valid, address_ready = self._handles[self._address]
        # Of the cycle before: its response, whether it was draining, whether an address waited.
        expected, drained, waited = 0, False, False
        while True:
            await RisingEdge(dut.clk_i)
            if not dut.rst_ni.value:
                self.draining = drained = waited = False
                expected = 0
                self.cycle += 1
                continue
            abort = bool(dut.abort_i.value)
            self.draining = abort or self.draining
            error = dut.error_resp_o.value if dut.error_o.value else 0
            _require(error == expected, f"error {error} behind a response {expected}")
            expected = 0
            for name, (valid, ready) in self._handles.items():
                if valid.value and ready.value:
                    self.at[name].append(self.cycle)
                    if name == self._address:
                        self.attributes.add(tuple(pin.value for pin in self._pins))
                    if name == self._response:
                        expected = self._resp.value
            if error:
                self.errors.append(error)
            if self.draining:
                _require(not dut.cmd_ready_o.value, "a command is taken in an abort")
            issued = address_valid.value and not waited
            _require(not (drained and issued), "a burst is issued in an abort")
            for check in self.checks:
                check()
            drained = self.draining
            waited = bool(address_valid.value and not address_ready.value)
            self.draining = abort or (self.draining and not dut.idle_o.value)
            self.cycle += 1
