# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""AXI-Stream source and sink for cocotb benches, with random stalls and protocol checks.

One loop moves all agents of a bench: inputs change at the falling edge of the clock, and
handshakes are read when they have settled, before the rising edge. No result hangs on the order of
events at an edge, and a bench may count cycles exactly::

    source = AxisSource(dut, "s_axis", ["tdata"], rng, stall=0.3)
    sink = AxisSink(dut, "m_axis", ["tdata"], rng, stall=0.5)
    source.send([{"tdata": 1}, {"tdata": 2}])
    await run_until(dut.clk_i, [source, sink], lambda: len(sink.beats) == 2)
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, Timer

Beat = dict[str, int]


class Agent(Protocol):
    """What :func:`run_until` moves, once a cycle."""

    def drive(self) -> None:
        """Set inputs of the design for the coming rising edge."""

    def sample(self) -> None:
        """Read settled signals, just before the rising edge."""


class _Stalls:
    """Decides cycle by cycle whether to stall: singly with a probability, or in long runs."""

    def __init__(self, rng: random.Random, stall: float) -> None:
        if not 0.0 <= stall < 1.0:
            raise ValueError(f"stall {stall} is not in [0, 1)")
        self._rng = rng
        self._stall = stall
        self._run = 0

    def now(self) -> bool:
        if self._run > 0:
            self._run -= 1
            return True
        if self._stall == 0.0:
            return False
        # Rare long runs fill and drain every buffer on the way, which coin flips hardly ever do.
        if self._rng.random() < 0.02:
            self._run = self._rng.randrange(5, 40)
        return self._rng.random() < self._stall


class AxisSource:
    """Drives beats into a stream and never withdraws one.

    While tvalid is low the payload is random, so that a design which looks at it is found out.

    Args:
        dut: the handle that has the stream's signals.
        prefix: of the signals' names, such as ``"s_axis"``.
        fields: payload signals, such as ``["tdata", "tlast"]``.
        rng: source of stalls and of meaningless payload.
        stall: probability, 0 up to 1, that the source rests in a cycle.
    """

    def __init__(
        self, dut: Any, prefix: str, fields: Sequence[str], rng: random.Random, stall: float = 0.0
    ) -> None:
        self._valid = getattr(dut, f"{prefix}_tvalid")
        self._ready = getattr(dut, f"{prefix}_tready")
        self._fields = {name: getattr(dut, f"{prefix}_{name}") for name in fields}
        self._rng = rng
        self._stalls = _Stalls(rng, stall)
        self._queue: deque[Beat] = deque()
        self._offering = False
        self.accepted = 0
        self._valid.value = 0
        self._scramble()

    def _scramble(self) -> None:
        for signal in self._fields.values():
            signal.value = self._rng.getrandbits(len(signal))

    def send(self, beats: Iterable[Beat]) -> None:
        """Queue beats; each gives a value to every field."""
        self._queue.extend(beats)

    @property
    def pending(self) -> int:
        """Beats queued and not yet accepted."""
        return len(self._queue)

    def drop(self) -> None:
        """Forget what is queued, also a beat on offer: only while the design is cleared."""
        self._queue.clear()
        self._offering = False

    def drive(self) -> None:
        """Offer the next beat, unless stalling."""
        if self._offering:
            return
        if self._queue and not self._stalls.now():
            self._offering = True
            for name, signal in self._fields.items():
                signal.value = self._queue[0][name]
        else:
            self._scramble()
        self._valid.value = int(self._offering)

    def sample(self) -> None:
        """Note whether the beat on offer is taken."""
        if self._offering and int(self._ready.value):
            self._queue.popleft()
            self._offering = False
            self.accepted += 1


class AxisSink:
    """Takes beats from a stream into ``beats`` and checks that tvalid and the payload hold.

    Args:
        dut: the handle that has the stream's signals.
        prefix: of the signals' names, such as ``"m_axis"``.
        fields: payload signals to record.
        rng: source of stalls.
        stall: probability, 0 up to 1, that the sink is not ready in a cycle.

    With ``blocked`` it takes nothing, with ``waits`` a beat only behind a cycle in which it was
    on offer: AXI-Stream lets a sink wait for tvalid, and forbids a source to wait for tready.
    """

    def __init__(
        self, dut: Any, prefix: str, fields: Sequence[str], rng: random.Random, stall: float = 0.0
    ) -> None:
        self._valid = getattr(dut, f"{prefix}_tvalid")
        self._ready = getattr(dut, f"{prefix}_tready")
        self._fields = {name: getattr(dut, f"{prefix}_{name}") for name in fields}
        self._stalls = _Stalls(rng, stall)
        self._held: Beat | None = None
        self._driven = 0
        self.blocked = False
        self.waits = False
        self.beats: list[Beat] = []
        self._ready.value = 0

    def holds(self, count: int) -> Callable[[], bool]:
        """Return a condition for :func:`run_until`: exactly ``count`` beats have come."""
        return lambda: len(self.beats) == count

    def forget(self) -> None:
        """Expect nothing of a beat that was on offer: the design is being cleared."""
        self._held = None

    def drive(self) -> None:
        """Choose tready, without a look at tvalid but of the cycle before."""
        awaited = self.waits and self._held is None
        self._driven = int(not self.blocked and not awaited and not self._stalls.now())
        self._ready.value = self._driven

    def sample(self) -> None:
        """Record a beat that moves; check one that waits.

        Raises:
            AssertionError: tvalid fell, or the payload changed, before tready.
        """
        if not int(self._valid.value):
            if self._held is not None:
                raise AssertionError("tvalid fell before the beat was accepted")
            return
        beat = {name: int(signal.value) for name, signal in self._fields.items()}
        if self._held is not None and beat != self._held:
            raise AssertionError(f"payload changed under back-pressure: {self._held} to {beat}")
        self._held = None if self._driven else beat
        if self._driven:
            self.beats.append(beat)


async def run_until(
    clock: Any, agents: Sequence[Agent], done: Callable[[], bool], limit: int = 100_000
) -> int:
    """Run cycles until ``done()`` and return their number.

    Returns:
        Rising edges from the call to the one at which the awaited handshake happened, inclusive.

    Raises:
        AssertionError: not done after ``limit`` cycles.
    """
    for cycle in range(1, limit + 1):
        await FallingEdge(clock)
        for agent in agents:
            agent.drive()
        await ReadOnly()
        for agent in agents:
            agent.sample()
        if done():
            return cycle
    raise AssertionError(f"not done after {limit} cycles")


async def run_cycles(clock: Any, agents: Sequence[Agent], cycles: int) -> None:
    """Run exactly this many cycles."""
    for _ in range(cycles):
        await FallingEdge(clock)
        for agent in agents:
            agent.drive()
        await ReadOnly()
        for agent in agents:
            agent.sample()


async def start(dut: Any, cycles: int = 3) -> None:
    """Reset by ``rst_ni`` and start ``clk_i``; returns with reset released, at a falling edge.

    The asynchronous reset acts before the first clock edge, so that no assertion looks at
    registers that nothing has set yet.
    """
    dut.clk_i.value = 0
    dut.rst_ni.value = 1
    await Timer(1, "ns")
    dut.rst_ni.value = 0
    await Timer(1, "ns")
    cocotb.start_soon(Clock(dut.clk_i, 10, unit="ns").start(start_high=False))
    for _ in range(cycles):
        await FallingEdge(dut.clk_i)
    dut.rst_ni.value = 1
