# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""pytest launcher of the register block: generated files, C header, and the cocotb bench."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from corewright.flow.block_benches import block_benches
from corewright.mutate.choices import Mutation
from corewright.testing.cocotb_runner import must_fail, run_declared, sources_of

BLOCK = Path(__file__).resolve().parents[1]
# Seeds after which a bug counts as not found.
ATTEMPTS = 4
GENERATED = (
    *("rtl/cw_regs.sv", "rtl/cw_regs_pkg.sv", "include/cw_regs.h", "doc/registers.md"),
    "tcl/cw_regs.tcl",
)


def test_regenerating_gives_the_committed_files(tmp_path: Path) -> None:
    """The committed files are what generate.py writes, byte for byte."""
    subprocess.run(
        [sys.executable, str(BLOCK / "generate.py"), "--output", str(tmp_path)], check=True
    )
    written = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert written == sorted(GENERATED)
    for name in GENERATED:
        assert (tmp_path / name).read_bytes() == (BLOCK / name).read_bytes(), (
            f"{name} is stale: run core/regs/generate.py"
        )


def test_the_c_header_compiles_without_a_warning(tmp_path: Path) -> None:
    """Offsets and masks are usable in C11 with the strictest warnings of the runtime."""
    source = tmp_path / "probe.c"
    source.write_text(
        "#include <stdint.h>\n"
        '#include "cw_regs.h"\n'
        "uint8_t code(uint32_t s);\n"
        "uint8_t code(uint32_t s) {\n"
        "  return (uint8_t)((s & CW_REGS_STATUS_ERROR_CODE_MASK) >>\n"
        "                   CW_REGS_STATUS_ERROR_CODE_SHIFT);\n"
        "}\n"
        '_Static_assert(CW_REGS_DEBUG_STATE_OFFSET == 0x50u, "last register");\n',
        encoding="utf-8",
    )
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-pedantic"]
    subprocess.run(
        ["gcc", *flags, "-I", str(BLOCK / "include"), "-c", str(source), "-o", "probe.o"],
        check=True,
        cwd=tmp_path,
    )


def test_registers() -> None:
    """The cocotb bench, with the offsets of the C header."""
    (bench,) = block_benches(BLOCK / "dv")
    run_declared(bench, "default")


def test_the_bench_catches_a_broken_write_one_to_clear(tmp_path: Path) -> None:
    """An injected bug, write 1 to clear turned into write 0 to clear, must fail the bench."""
    bug = Mutation(
        "cw_regs.sv",
        "field_storage.IRQ_STATUS.done.value & ~(decoded_wr_data[0:0]",
        "field_storage.IRQ_STATUS.done.value & (decoded_wr_data[0:0]",
    )
    sources = bug.sources(sources_of("corewright:core:regs"), tmp_path)
    must_fail("cw_regs_top", "tb_regs", sources, {}, tmp_path / "run", attempts=ATTEMPTS)
