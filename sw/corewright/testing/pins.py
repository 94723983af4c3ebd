# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A design's ports as plain integers, for benches that look at many of them in each cycle.

cocotb finds a handle anew at each access, makes an object of four-valued logic from what it reads
and schedules each write; that was most of the time that the engine's benches took. Verilator has
two values only (on Icarus, to read an X or Z is an error) and nobody but the bench drives the
inputs, so that integers say it all, and a write of what stands there already can be left out::

    dut = Pins(dut)
    dut.valid_i.value = 1
    await ReadOnly()
    if dut.valid_o.value:
        taken.append(dut.data_o.value)
"""

from __future__ import annotations

from typing import Any


class Pin:
    """One signal."""

    __slots__ = ("_bits", "_driven", "_handle", "_read")

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._bits = len(handle)
        # Public is only the way through a LogicArray, which takes five times as long.
        self._read = handle._handle.get_signal_val_binstr
        self._driven: int | None = None

    def __len__(self) -> int:
        """Return the number of bits."""
        return self._bits

    @property
    def value(self) -> int:
        """The signal's bits as an unsigned integer; written, what it has from the next delta on."""
        return int(self._read(), 2)

    @value.setter
    def value(self, value: int) -> None:
        if value != self._driven:
            self._handle.value = value
            self._driven = value


class Pins:
    """The signals of a design by name; only this object may drive them while it is in use.

    Attributes:
        clk_i: cocotb's own handle of the clock, for triggers.
    """

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.clk_i = dut.clk_i

    def __getattr__(self, name: str) -> Pin:
        """Return a signal, looked up once."""
        pin = Pin(getattr(self._dut, name))
        # From now on the attribute is found without this method.
        self.__dict__[name] = pin
        return pin
