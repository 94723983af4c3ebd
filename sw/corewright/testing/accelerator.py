# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""An accelerator of a design as a cocotb bench drives it: registers, a memory, its vectors.

A design may have any number of them, each with ports of its own, all at work at the same time::

    engine = Accelerator(dut, "left", Path("vectors") / "my_left")
    ...                                   # clock, reset
    task = cocotb.start_soon(engine.run())
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiRamRead,
    AxiRamWrite,
    AxiReadBus,
    AxiWriteBus,
)

from corewright.environment import repository_root
from corewright.hardware import Hardware
from corewright.program.tensor import TensorLayout

Bytes = npt.NDArray[np.uint8]

_DEFINE = re.compile(r"^#define CW_REGS_(\w+) (0x[0-9A-Fa-f]+|\d+)u$", re.MULTILINE)
# The accelerator's memory holds the program, and from the next page on a run's tensors.
_PAGE = 4096


def registers() -> dict[str, int]:
    """Return the constants of the C header ``cw_regs.h``, without their prefix."""
    header = repository_root() / "core" / "regs" / "include" / "cw_regs.h"
    return {name: int(value, 0) for name, value in _DEFINE.findall(header.read_text("utf-8"))}


class Accelerator:
    """One of a design's accelerators, with a memory of its own behind its AXI4 ports.

    Args:
        dut: the design, with ports ``PREFIX_irq_o``, ``PREFIX_s_axil_...``, ``PREFIX_m_axi_...``,
            which are those of ``cw_accelerator``, and ``clk_i`` and ``rst_ni``.
        prefix: of the ports; empty if they have none, as those of a bare accelerator.
        vectors: what the generator ``system`` has made for it.

    Attributes:
        integers: by layer, how many integers of what it wrote were compared, the output's last.
        busy: (start, end) of each run, in ns.
    """

    def __init__(self, dut: Any, prefix: str, vectors: Path) -> None:
        self.prefix = prefix
        self._vectors = vectors
        self._info = json.loads((vectors / "info.json").read_text(encoding="utf-8"))
        self._hardware = Hardware.from_json(vectors / "hardware.json")
        self._constants = registers()
        self._program = (vectors / "program.bin").read_bytes()
        self._arena = -(-len(self._program) // _PAGE) * _PAGE
        self._tensors = list(self._read_tensors())
        self.integers = {layer: 0 for layer, _, _ in self._tensors}
        self.busy: list[tuple[float, float]] = []

        start = f"{prefix}_" if prefix else ""
        self._irq = getattr(dut, f"{start}irq_o")
        bus = AxiLiteBus.from_prefix(dut, f"{start}s_axil")
        clock, reset = dut.clk_i, dut.rst_ni
        self._registers = AxiLiteMaster(bus, clock, reset, reset_active_level=False)
        pages = -(-(self._arena + self._info["arena_bytes"]) // _PAGE)
        common = {"reset_active_level": False, "size": pages * _PAGE}
        output = AxiWriteBus.from_prefix(dut, f"{start}m_axi_output")
        self._memory = AxiRamWrite(output, clock, reset, **common)
        self._readers = [
            AxiRamRead(
                AxiReadBus.from_prefix(dut, f"{start}m_axi_{port}"),
                clock,
                reset,
                mem=self._memory.mem,
                **common,
            )
            for port in ("program", "pixels", "residual")
        ]
        interfaces = (self._registers.read_if, self._registers.write_if, self._memory)
        for each in (*interfaces, *self._readers):
            each.log.setLevel(logging.WARNING)  # Not each burst.

    async def read(self, name: str) -> int:
        """Read a register by its name, such as ``"STATUS"``."""
        data = await self._registers.read(self._constants[f"{name}_OFFSET"], 4)
        return int.from_bytes(data.data, "little")

    async def write(self, name: str, value: int) -> None:
        """Write a register by its name."""
        offset = self._constants[f"{name}_OFFSET"]
        await self._registers.write(offset, value.to_bytes(4, "little"))

    async def run(self) -> None:
        """Run the program on all inputs, as the firmware does, and compare what all layers write.

        Raises:
            AssertionError: this is not the hardware of the vectors, a run reports an error, or an
                integer of a layer's output is another one.
        """
        constants, info = self._constants, self._info
        self._check(await self.read("ID") == constants["ID_RESET"], "the register ID is wrong")
        found, wanted = await self.read("HW_HASH"), self._hardware.hash
        self._check(found == wanted, f"the hardware is {found:08x}, the program's is {wanted:08x}")
        self._check(len(info["stages"]) == 1, "the program needs a host between its stages")
        self._memory.write(0, self._program)
        for name, value in {
            "PROGRAM_ADDR_LO": 0,
            "PROGRAM_BYTES": len(self._program),
            "ARENA_ADDR_LO": self._arena,
            "ARENA_BYTES": info["arena_bytes"],
        }.items():
            await self.write(name, value)
        for number in range(info["runs"]):
            await self._run_once(number)

    async def _run_once(self, number: int) -> None:
        constants, place = self._constants, self._info["input"]
        size = self._info["arena_bytes"]
        expected = self._part("expected.bin", number * size, size)
        # What nobody writes differs in each bit.
        self._memory.write(self._arena, (~expected).tobytes())
        inputs = self._part("inputs.bin", number * place["bytes"], place["bytes"])
        self._memory.write(self._arena + place["offset"], inputs.tobytes())
        started = get_sim_time("ns")
        control = constants["CTRL_START_MASK"] | constants["CTRL_IRQ_ENABLE_MASK"]
        await self.write("CTRL", control)
        if not self._irq.value:
            await RisingEdge(self._irq)
        status = await self.read("IRQ_STATUS")
        self.busy.append((started, get_sim_time("ns")))
        self._check(status == constants["IRQ_STATUS_DONE_MASK"], f"IRQ_STATUS is {status:#x}")
        await self.write("IRQ_STATUS", status)
        found = np.frombuffer(self._memory.read(self._arena, size), np.uint8)
        for layer, offset, layout in self._tensors:
            self._compare(f"run {number}, {layer}", layout, offset, found, expected)
            self.integers[layer] += math.prod(layout.shape)

    def _compare(
        self, what: str, layout: TensorLayout, offset: int, found: Bytes, expected: Bytes
    ) -> None:
        rows, bits = self._hardware.rows, self._hardware.bits_input
        place = slice(offset, offset + layout.nbytes(rows, bits))
        got, want = (layout.unpack(arena[place], rows, bits) for arena in (found, expected))
        wrong = np.argwhere(got != want)
        if len(wrong):
            at = tuple(int(index) for index in wrong[0])
            where = f"{what}: {len(wrong)} of {want.size} integers differ, first at {at}"
            self._check(False, f"{where}: expected {want[at]}, got {got[at]}")

    def _part(self, name: str, first: int, size: int) -> Bytes:
        data = np.fromfile(self._vectors / name, np.uint8)[first : first + size]
        self._check(data.size == size, f"{name} is shorter than info.json says")
        return data

    def _read_tensors(self) -> Iterator[tuple[str, int, TensorLayout]]:
        """Yield layer, place in the arena and layout of each tensor that a run writes."""
        text = (self._vectors / "tensors.txt").read_text(encoding="utf-8")
        for line in text.splitlines():
            if not line.startswith("#"):
                layer, _, *numbers = line.split()
                offset, images, height, width, channels, pitch, lines, _ = map(int, numbers)
                layout = TensorLayout.of(
                    (images, height, width, channels),
                    self._hardware.rows,
                    pitch=pitch,
                    image_rows=lines,
                )
                yield layer, offset, layout

    def _check(self, good: bool, message: str) -> None:
        if not good:
            raise AssertionError(f"{self.prefix}: {message}")
