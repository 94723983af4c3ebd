# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""cocotb bench of a design with several accelerators, which all work at the same time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.handle import HierarchyObject
from cocotb.triggers import ClockCycles, Combine, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiRamRead,
    AxiRamWrite,
    AxiReadBus,
    AxiWriteBus,
)

from corewright.environment import repository_root
from corewright.testing.cocotb_runner import bench_parameters

HEADER = repository_root() / "core" / "regs" / "include" / "cw_regs.h"
DEFINE = re.compile(r"^#define CW_REGS_(\w+) (0x[0-9A-Fa-f]+|\d+)u$", re.MULTILINE)
REGISTERS = {name: int(value, 0) for name, value in DEFINE.findall(HEADER.read_text("utf-8"))}
PROGRAM, ARENA, MEMORY_BYTES = 0x0000, 0x8000, 0x10000


class Accelerator:
    """One of the design's accelerators, with a memory of its own."""

    def __init__(self, dut: HierarchyObject, prefix: str, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.irq = getattr(dut, f"{prefix}_irq_o")
        bus = AxiLiteBus.from_prefix(dut, f"{prefix}_s_axil")
        self.registers = AxiLiteMaster(bus, dut.clk_i, dut.rst_ni, reset_active_level=False)
        common = {"reset_active_level": False, "size": MEMORY_BYTES}
        output = AxiWriteBus.from_prefix(dut, f"{prefix}_m_axi_output")
        self.memory = AxiRamWrite(output, dut.clk_i, dut.rst_ni, **common)
        self.readers = [
            AxiRamRead(
                AxiReadBus.from_prefix(dut, f"{prefix}_m_axi_{port}"),
                dut.clk_i,
                dut.rst_ni,
                mem=self.memory.mem,
                **common,
            )
            for port in ("program", "pixels", "residual")
        ]

    async def read(self, name: str) -> int:
        """Read a register."""
        data = await self.registers.read(REGISTERS[f"{name}_OFFSET"], 4)
        return int.from_bytes(data.data, "little")

    async def write(self, name: str, value: int) -> None:
        """Write a register."""
        await self.registers.write(REGISTERS[f"{name}_OFFSET"], value.to_bytes(4, "little"))

    async def run(self) -> None:
        """Run the program as the firmware does, and compare what it leaves in memory."""
        info, folder = self.facts["info"], Path(self.facts["vectors"])
        assert await self.read("ID") == REGISTERS["ID_RESET"]
        assert await self.read("HW_HASH") == self.facts["hash"]
        program = (folder / "program.bin").read_bytes()
        assert len(program) <= ARENA and info["arena_bytes"] <= MEMORY_BYTES - ARENA
        self.memory.write(PROGRAM, program)
        self.memory.write(ARENA + info["input"]["offset"], (folder / "inputs.bin").read_bytes())
        for name, value in {
            "PROGRAM_ADDR_LO": PROGRAM,
            "PROGRAM_BYTES": len(program),
            "ARENA_ADDR_LO": ARENA,
            "ARENA_BYTES": info["arena_bytes"],
            "CTRL": REGISTERS["CTRL_START_MASK"] | REGISTERS["CTRL_IRQ_ENABLE_MASK"],
        }.items():
            await self.write(name, value)
        if not self.irq.value:
            await RisingEdge(self.irq)
        assert await self.read("IRQ_STATUS") == REGISTERS["IRQ_STATUS_DONE_MASK"]
        offset, size = info["output"]["offset"], info["output"]["bytes"]
        expected = (folder / "expected.bin").read_bytes()[offset : offset + size]
        # Zeros would agree with a memory that nobody wrote.
        assert any(expected)
        assert self.memory.read(ARENA + offset, size) == expected


@cocotb.test()
async def each_accelerator_runs_its_own_program(dut: HierarchyObject) -> None:
    """All at once: each reports its own hardware and computes what its program says."""
    facts = bench_parameters()["accelerators"]
    dut.rst_ni.value = 0
    accelerators = [Accelerator(dut, prefix, values) for prefix, values in facts.items()]
    cocotb.start_soon(Clock(dut.clk_i, 10, unit="ns").start())
    await ClockCycles(dut.clk_i, 5)
    dut.rst_ni.value = 1
    await ClockCycles(dut.clk_i, 2)
    runs = [cocotb.start_soon(accelerator.run()) for accelerator in accelerators]
    await with_timeout(Combine(*runs), 500, "us")
