#!/usr/bin/env python3
# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Regenerates everything that follows from data/cw_regs.rdl: RTL, C header, documentation.

Run without arguments to rewrite the committed files, or with ``--output DIR`` to write the same
tree elsewhere. The output depends on the description and on PeakRDL's version only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from systemrdl import RDLCompiler
from systemrdl.node import AddrmapNode, FieldNode, RegNode

BLOCK = Path(__file__).resolve().parent
SOURCE = Path("data/cw_regs.rdl")
RTL_FILES = (Path("rtl/cw_regs.sv"), Path("rtl/cw_regs_pkg.sv"))
HEADER = Path("include/cw_regs.h")
DOCUMENT = Path("doc/registers.md")
GENERATED = (*RTL_FILES, HEADER, DOCUMENT)

# The whole 4 KiB page is decoded, so that no address aliases to a register.
REGBLOCK_OPTIONS = (
    "--cpuif", "axi4-lite-flat", "--default-reset", "arst_n", "--addr-width", "12",
    "--err-if-bad-addr",
)  # fmt: skip

NOTICE = "Generated from data/cw_regs.rdl by generate.py; do not edit."
# Verilator rules that the generated code breaks, by file. Written into the file, so that every flow
# that reads it has them and nothing else is waived.
WAIVERS = {
    "cw_regs.sv": (
        ("MULTIDRIVEN", "one always_comb per field writes its own member of field_combo"),
        ("UNUSEDSIGNAL", "AxPROT, byte address bits and the unused half of the access decoder"),
    ),
    "cw_regs_pkg.sv": (("UNUSEDPARAM", "constants for users of the package"),),
}
LICENCE = ("Copyright corewright contributors", "SPDX-License-Identifier: Apache-2.0")


def elaborate(source: Path) -> AddrmapNode:
    """Compiles the SystemRDL description and returns its top address map.

    Raises:
        systemrdl.RDLCompileError: the description is not legal.
    """
    compiler = RDLCompiler()
    compiler.compile_file(str(source))
    return compiler.elaborate().top


def registers(top: AddrmapNode) -> Iterator[RegNode]:
    """Yields the registers in the order of their addresses."""
    for child in top.children():
        if isinstance(child, RegNode):
            yield child


def c_header(top: AddrmapNode) -> str:
    """Returns the C header's text: macros for offsets, field shifts, masks and reset values.

    PeakRDL's own header describes registers as structs, whose offsets a HAL with plain bus reads
    and writes cannot use; hence this one. All values are unsigned, as -Wconversion wants.
    """
    lines = [f"/* {line} */" for line in (*LICENCE, NOTICE)]
    lines += ["#ifndef CW_REGS_H", "#define CW_REGS_H", ""]
    lines += ["/* Bytes of the register window. */", "#define CW_REGS_WINDOW_BYTES 0x1000u"]
    for register in registers(top):
        name = f"CW_REGS_{register.inst_name.upper()}"
        lines += ["", f"/* {register.get_property('name')}. */"]
        lines.append(f"#define {name}_OFFSET 0x{register.absolute_address:03X}u")
        resets = []
        for field in register.fields():
            prefix = f"{name}_{field.inst_name.upper()}"
            mask = ((1 << field.width) - 1) << field.low
            lines.append(f"#define {prefix}_SHIFT {field.low}u")
            lines.append(f"#define {prefix}_MASK 0x{mask:08X}u")
            resets.append(field.get_property("reset"))
        if None not in resets:
            value = sum(
                reset << field.low for reset, field in zip(resets, register.fields(), strict=True)
            )
            lines.append(f"#define {name}_RESET 0x{value:08X}u")
    lines += ["", "#endif /* CW_REGS_H */", ""]
    return "\n".join(lines)


def access(field: FieldNode) -> str:
    """Returns how software sees a field: RO, RW, W1C, W1P (one-cycle pulse) or a constant."""
    if field.get_property("singlepulse"):
        return "W1P"
    if field.get_property("onwrite") is not None:
        return "W1C"
    return "RW" if field.is_sw_writable else "RO"


def document(top: AddrmapNode) -> str:
    """Returns the register map as Markdown."""
    lines = [f"<!-- {line} -->" for line in (*LICENCE, NOTICE)]
    lines += [f"# {top.get_property('name')}", "", top.get_property("desc") or "", ""]
    lines += ["Access: RO read only, RW read and write, W1C write 1 to clear, W1P write 1 for a"]
    lines += ["one-cycle pulse. Addresses without a register answer SLVERR.", ""]
    for register in registers(top):
        lines += [f"## 0x{register.absolute_address:03X} {register.inst_name}", ""]
        lines += [f"{register.get_property('name')}. {register.get_property('desc') or ''}".strip()]
        lines += ["", "| Bits | Field | Access | Reset | Description |", "|---|---|---|---|---|"]
        for field in register.fields():
            bits = f"{field.high}:{field.low}" if field.width > 1 else f"{field.low}"
            reset = field.get_property("reset")
            shown = "hardware" if reset is None else f"0x{reset:X}"
            text = field.get_property("desc") or ""
            lines.append(f"| {bits} | {field.inst_name} | {access(field)} | {shown} | {text} |")
        lines.append("")
    return "\n".join(lines)


def generate(output: Path) -> None:
    """Writes the generated files below ``output``, which gets the block's folders.

    Raises:
        subprocess.CalledProcessError: PeakRDL failed; its message is on stderr.
    """
    for path in GENERATED:
        (output / path).parent.mkdir(parents=True, exist_ok=True)
    source = BLOCK / SOURCE
    subprocess.run(
        [sys.executable, "-m", "peakrdl", "regblock", str(source), "-o", str(output / "rtl"),
         *REGBLOCK_OPTIONS],
        check=True,
    )  # fmt: skip
    notice = "".join(f"// {line}\n" for line in (*LICENCE, NOTICE))
    for path in RTL_FILES:
        text = (output / path).read_text(encoding="utf-8").rstrip("\n") + "\n"
        off = "".join(
            f"// {reason}:\n// verilator lint_off {rule}\n" for rule, reason in WAIVERS[path.name]
        )
        on = "".join(f"// verilator lint_on {rule}\n" for rule, _ in WAIVERS[path.name])
        (output / path).write_text(notice + off + text + on, encoding="utf-8")
    top = elaborate(source)
    (output / HEADER).write_text(c_header(top), encoding="utf-8")
    (output / DOCUMENT).write_text(document(top), encoding="utf-8")


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=BLOCK, help="root of the written tree")
    generate(parser.parse_args().output)


if __name__ == "__main__":
    main()
