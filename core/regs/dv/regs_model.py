# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the registers may show: every order of accesses that the bus allows, followed at once.

AXI4-Lite says when an access begins (its address, and a write's data, are taken) and when it is
over (its response), not in which cycle between it happens. So the model keeps each history that
agrees with all that was seen; a design is wrong when none is left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

WINDOW = 0x1000
# Sticky causes and pulses, by register and bit.
PULSES = ("START", "ABORT")
CAUSES = ("DONE", "ERROR")


def _require(holds: object, message: str) -> None:
    if not holds:
        raise AssertionError(message)


@dataclass(frozen=True)
class State:
    """One history: what has happened so far, and what the registers hold behind it.

    Attributes:
        written: writes that have happened.
        values: of the registers that software writes, by name.
        enable: CTRL.irq_enable.
        pulses: start and abort in this cycle.
        causes: done and error of IRQ_STATUS.
        irq: the interrupt.
        taken: what reads that have happened and are not answered have read: (value, error).
    """

    written: int
    values: tuple[int, ...]
    enable: int = 0
    pulses: tuple[int, int] = (0, 0)
    causes: tuple[int, int] = (0, 0)
    irq: int = 0
    taken: tuple[tuple[int, bool], ...] = ()


@dataclass(frozen=True)
class Write:
    """A write whose address and data are taken."""

    address: int
    data: int
    bytes_: int

    @property
    def mask(self) -> int:
        """The bits that it writes."""
        return sum(0xFF << 8 * lane for lane in range(4) if self.bytes_ >> lane & 1)


class Registers:
    """Histories of the registers, from a reset on.

    Args:
        constants: ``CW_REGS_*`` of the C header.
        offsets: of the registers.
        read_write: registers that software writes and reads, with the bits that they have.
    """

    def __init__(
        self,
        constants: Mapping[str, int],
        offsets: Mapping[str, int],
        read_write: Mapping[str, int],
    ) -> None:
        self._constants = constants
        self._names = {offset: name for name, offset in offsets.items()}
        self._masks = dict(read_write)
        self._at = {name: number for number, name in enumerate(read_write)}
        self.reset()

    def reset(self) -> None:
        """Forget all accesses; registers have the reset values of the header."""
        values = tuple(self._constants[f"{name}_RESET"] for name in self._masks)
        self.states = {State(0, values)}
        self.addresses: deque[int] = deque()
        self.data: deque[tuple[int, int]] = deque()
        self.writes: list[Write] = []
        self.answered = 0
        self.reads: deque[int] = deque()

    @property
    def waiting(self) -> tuple[int, int]:
        """Writes and reads that are taken and not answered."""
        return len(self.writes) - self.answered, len(self.reads)

    # ------------------------------------------------------------- what happens in a cycle
    def _pair(self) -> None:
        while self.addresses and self.data:
            data, lanes = self.data.popleft()
            self.writes.append(Write(self.addresses.popleft(), data, lanes))

    def take(
        self, *, aw: int | None = None, w: tuple[int, int] | None = None, ar: int | None = None
    ) -> None:
        """Note what was taken at this cycle's end; it may happen from the next cycle on."""
        if aw is not None:
            self.addresses.append(aw)
        if w is not None:
            self.data.append(w)
        if ar is not None:
            self.reads.append(ar)
        self._pair()

    def see(self, outputs: Mapping[str, int], irq: int, pulses: tuple[int, int]) -> None:
        """Keep the histories that agree with the outputs of this cycle."""
        seen = tuple(outputs[name] for name in self._masks)
        self.states = {
            state
            for state in self.states
            if state.values == seen and state.irq == irq and state.pulses == pulses
        }
        _require(self.states, f"no order of accesses gives {seen}, irq {irq}, pulses {pulses}")

    def see_write_response(self, error: bool, accepted: bool) -> None:
        """A write's response stands in this cycle: the oldest write has happened."""
        _require(self.answered < len(self.writes), "a response to no write")
        told = self._names.get(self.writes[self.answered].address & ~3) is None
        _require(error == told, f"response of a write to {self.writes[self.answered].address:#x}")
        self.states = {state for state in self.states if state.written > self.answered}
        _require(self.states, "answered before it has happened")
        self.answered += accepted

    def see_read_response(self, value: int, error: bool, accepted: bool) -> None:
        """A read's response stands in this cycle."""
        _require(self.reads, "a response to no read")
        answer = (value, error)
        self.states = {state for state in self.states if state.taken and state.taken[0] == answer}
        _require(self.states, f"{self.reads[0]:#x} cannot read {value:#x}, error {error}")
        if accepted:
            self.reads.popleft()
            self.states = {replace(state, taken=state.taken[1:]) for state in self.states}

    def step(self, inputs: Mapping[str, int], sets: tuple[int, int]) -> None:
        """Go on by a cycle, in which at most one read and one write happen.

        Args:
            inputs: words of the registers that show inputs, in this cycle.
            sets: done and error are set.
        """
        following = set()
        for state in self.states:
            befores = [state]
            if len(state.taken) < len(self.reads):
                got = self._read(state, self.reads[len(state.taken)], inputs)
                befores.append(replace(state, taken=(*state.taken, got)))
            for before in befores:
                following.add(self._next(before, None, sets))
                if before.written < len(self.writes):
                    following.add(self._next(before, self.writes[before.written], sets))
        self.states = following

    def _read(self, state: State, address: int, inputs: Mapping[str, int]) -> tuple[int, bool]:
        name = self._names.get(address & ~3)
        if name is None:
            return 0, True
        if name in self._at:
            return state.values[self._at[name]], False
        if name == "CTRL":
            return self._word("CTRL", ("IRQ_ENABLE",), (state.enable,)), False
        if name == "IRQ_STATUS":
            return self._word("IRQ_STATUS", CAUSES, state.causes), False
        if name in inputs:
            return inputs[name], False
        return self._constants[f"{name}_RESET"], False

    def _word(self, register: str, fields: tuple[str, ...], values: tuple[int, ...]) -> int:
        shifts = (self._constants[f"{register}_{field}_SHIFT"] for field in fields)
        return sum(value << shift for value, shift in zip(values, shifts, strict=True))

    def _next(self, state: State, write: Write | None, sets: tuple[int, int]) -> State:
        values, enable, pulses = state.values, state.enable, (0, 0)
        cleared = (0, 0)
        name = self._names.get(write.address & ~3) if write else None
        if write is not None and name in self._at:
            mask = write.mask & self._masks[name]
            old = values[self._at[name]]
            new = old & ~mask | write.data & mask
            values = (*values[: self._at[name]], new, *values[self._at[name] + 1 :])
        elif write is not None and name == "CTRL":
            given = write.data & write.mask
            shifts = [self._constants[f"CTRL_{field}_SHIFT"] for field in PULSES]
            pulses = (given >> shifts[0] & 1, given >> shifts[1] & 1)
            shift = self._constants["CTRL_IRQ_ENABLE_SHIFT"]
            if write.mask >> shift & 1:
                enable = write.data >> shift & 1
        elif write is not None and name == "IRQ_STATUS":
            given = write.data & write.mask
            one, two = (
                given >> self._constants[f"IRQ_STATUS_{field}_SHIFT"] & 1 for field in CAUSES
            )
            cleared = (one, two)
        causes = tuple(
            1 if put else cause & (1 - clear)
            for put, cause, clear in zip(sets, state.causes, cleared, strict=True)
        )
        return replace(
            state,
            written=state.written + (write is not None),
            values=values,
            enable=enable,
            pulses=pulses,
            causes=causes,
            irq=int(state.enable and any(state.causes)),
        )
