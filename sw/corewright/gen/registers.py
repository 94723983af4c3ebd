# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The FuseSoC generator ``registers``: from SystemRDL to RTL, C header, Markdown, Python and Tcl.

PeakRDL makes the RTL; the rest is made here of the same elaborated description.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from corewright.flow.errors import FlowInputError
from corewright.gen.schema import CheckedGenerator, Parameters, checked, parameter, run_generator

LICENCE = ("Copyright corewright contributors", "SPDX-License-Identifier: Apache-2.0")
# Verilator rules that the generated code breaks, by the file's ending. Written into the file, so
# that every flow that reads it has them and nothing else is waived.
_WAIVERS = {
    ".sv": (
        ("MULTIDRIVEN", "one always_comb per field writes its own member of field_combo"),
        ("UNUSEDSIGNAL", "AxPROT, byte address bits and the unused half of the access decoder"),
    ),
    "_pkg.sv": (("UNUSEDPARAM", "constants for users of the package"),),
}


class RegistersParameters(Parameters):
    """Parameters of the generator ``registers``."""

    source: str | None = parameter(
        None,
        "the description; its address map names module, package and files, and holds plain "
        "registers only. It has to be given",
        "the name of a SystemRDL file",
    )
    address_bits: int = parameter(
        12,
        "of the bus; the whole window is decoded, what holds no register answers SLVERR",
        "integers from 3 to 32",
        "bits",
        ge=3,
        le=32,
    )


def elaborated(source: Path) -> Any:
    """Return the top address map (systemrdl's ``AddrmapNode``) of a SystemRDL file.

    Raises:
        FlowInputError: PeakRDL is not installed, or the file cannot be read, or it is not legal, or
            its map holds more than plain registers.
    """
    try:
        from systemrdl import RDLCompileError, RDLCompiler
        from systemrdl.node import RegNode
        from systemrdl.parser import sa_systemrdl
    except ModuleNotFoundError:
        raise FlowInputError("registers need PeakRDL: pip install peakrdl") from None
    if not source.is_file():
        raise FlowInputError(f"source {source.name}: no such file")
    # The compiled parser raises a TypeError of its own behind some syntax errors, once in a few
    # hundred times; the other one takes a tenth of a second.
    sa_systemrdl.USE_CPP_IMPLEMENTATION = False
    compiler = RDLCompiler()
    try:
        compiler.compile_file(str(source))
        top = compiler.elaborate().top
    except RDLCompileError as error:
        raise FlowInputError(f"source {source.name}: {error}") from error
    for child in top.children():
        if not isinstance(child, RegNode):
            raise FlowInputError(f"source {source.name}: {child.inst_name} is no plain register")
    return top


def _registers(top: Any) -> Iterator[Any]:
    """Yield the registers in the order of their addresses."""
    yield from top.children(unroll=True)


def _reset(register: Any) -> int | None:
    """Return a register's reset value, or None where hardware gives some of its bits."""
    fields = list(register.fields())
    resets = [field.get_property("reset") for field in fields]
    if None in resets:
        return None
    return sum(reset << field.low for reset, field in zip(resets, fields, strict=True))


def c_header(top: Any, notice: str, window_bytes: int) -> str:
    """Return the C header's text: macros for offsets, field shifts, masks and reset values.

    PeakRDL's own header describes registers as structs, whose offsets a HAL with plain bus reads
    and writes cannot use; hence this one. All values are unsigned, as -Wconversion wants.
    """
    prefix = top.inst_name.upper()
    lines = [f"/* {line} */" for line in (*LICENCE, notice)]
    lines += [f"#ifndef {prefix}_H", f"#define {prefix}_H", ""]
    lines += ["/* Bytes of the register window. */"]
    lines += [f"#define {prefix}_WINDOW_BYTES 0x{window_bytes:X}u"]
    for register in _registers(top):
        name = f"{prefix}_{register.inst_name.upper()}"
        lines += ["", f"/* {register.get_property('name')}. */"]
        lines.append(f"#define {name}_OFFSET 0x{register.absolute_address:03X}u")
        for field in register.fields():
            mask = ((1 << field.width) - 1) << field.low
            lines.append(f"#define {name}_{field.inst_name.upper()}_SHIFT {field.low}u")
            lines.append(f"#define {name}_{field.inst_name.upper()}_MASK 0x{mask:08X}u")
        reset = _reset(register)
        if reset is not None:
            lines.append(f"#define {name}_RESET 0x{reset:08X}u")
    lines += ["", f"#endif /* {prefix}_H */", ""]
    return "\n".join(lines)


def _access(field: Any) -> str:
    """Return how software sees a field: RO, RW, W1C or W1P (one-cycle pulse)."""
    if field.get_property("singlepulse"):
        return "W1P"
    if field.get_property("onwrite") is not None:
        return "W1C"
    return "RW" if field.is_sw_writable else "RO"


def document(top: Any, notice: str) -> str:
    """Return the register map as Markdown."""
    lines = [f"<!-- {line} -->" for line in (*LICENCE, notice)]
    lines += [f"# {top.get_property('name')}", "", top.get_property("desc") or "", ""]
    lines += ["Access: RO read only, RW read and write, W1C write 1 to clear, W1P write 1 for a"]
    lines += ["one-cycle pulse. Addresses without a register answer SLVERR.", ""]
    for register in _registers(top):
        lines += [f"## 0x{register.absolute_address:03X} {register.inst_name}", ""]
        lines += [f"{register.get_property('name')}. {register.get_property('desc') or ''}".strip()]
        lines += ["", "| Bits | Field | Access | Reset | Description |", "|---|---|---|---|---|"]
        for field in register.fields():
            bits = f"{field.high}:{field.low}" if field.width > 1 else f"{field.low}"
            reset = field.get_property("reset")
            shown = "hardware" if reset is None else f"0x{reset:X}"
            text = field.get_property("desc") or ""
            lines.append(f"| {bits} | {field.inst_name} | {_access(field)} | {shown} | {text} |")
        lines.append("")
    return "\n".join(lines)


# IP-XACT's words for what software sees: access, and what a write does (IEEE 1685-2009).
_IPXACT = {
    "RO": ("read-only", ""),
    "RW": ("read-write", ""),
    "W1C": ("read-write", "oneToClear"),
    "W1P": ("read-write", "modify"),
}
_TCL = """
# For packagers of IP; the words are IP-XACT's. A register is name, byte offset, bits, access, reset
# value ({}: hardware gives some of it), description and fields; a field is name, lowest bit, bits,
# access, what a write does ({}: it is stored or ignored) and description.
"""


def _tcl_text(text: str) -> str:
    """Return a text as one word of a Tcl list."""
    line = " ".join(text.split())
    if re.search(r"[{}\\]", line):
        return re.sub(r"([^\w.,:-])", r"\\\1", line)
    return f"{{{line}}}"


def tcl_table(top: Any, notice: str, window_bytes: int) -> str:
    """Return a Tcl file that sets ``TITLE``, ``WINDOW_BYTES`` and ``REGISTERS``: the list of all.

    Vivado's packager describes an IP's registers from it.
    """
    lines = [f"# {line}" for line in (*LICENCE, notice)]
    lines += [_TCL.rstrip("\n"), f"set TITLE {_tcl_text(top.get_property('name'))}"]
    lines += [f"set WINDOW_BYTES 0x{window_bytes:X}", "set REGISTERS {"]
    for register in _registers(top):
        fields = [(field, *_IPXACT[_access(field)]) for field in register.fields()]
        access = "read-only" if all(a == "read-only" for _, a, _ in fields) else "read-write"
        reset = _reset(register)
        title = f"{register.get_property('name')}. {register.get_property('desc') or ''}"
        size = register.get_property("regwidth")
        lines.append(
            f"  {{{register.inst_name} 0x{register.absolute_address:03X} {size} {access} "
            f"{'{}' if reset is None else f'0x{reset:08X}'} {_tcl_text(title)} {{"
        )
        for field, way, write in fields:
            text = _tcl_text(field.get_property("desc") or "")
            lines.append(
                f"    {{{field.inst_name} {field.low} {field.width} {way} {write or '{}'} {text}}}"
            )
        lines.append("  }}")
    return "\n".join([*lines, "}", ""])


_PYTHON = '''
from typing import NamedTuple


class Field(NamedTuple):
    """Bits of a register; the reset is None where hardware gives the value."""

    low: int
    width: int
    access: str
    reset: int | None


class Register(NamedTuple):
    """A word at a byte offset."""

    offset: int
    fields: dict[str, Field]

    def pack(self, **values: int) -> int:
        """Return the word with these fields and zeros; raises ValueError where one does not fit."""
        word = 0
        for name, value in values.items():
            field = self.fields[name]
            if not 0 <= value < 1 << field.width:
                raise ValueError(f"{name} is {value}, legal are 0 to {(1 << field.width) - 1}")
            word |= value << field.low
        return word

    def unpack(self, word: int) -> dict[str, int]:
        """Return the fields of a word."""
        return {
            name: word >> field.low & ((1 << field.width) - 1)
            for name, field in self.fields.items()
        }


'''


def python_model(top: Any, notice: str, window_bytes: int) -> str:
    """Return a Python module with the registers, and functions to pack and unpack words."""
    lines = [f"# {line}" for line in LICENCE]
    lines += [f'"""{notice}"""', _PYTHON.rstrip("\n"), "", ""]
    lines += [f"WINDOW_BYTES = 0x{window_bytes:X}", "REGISTERS = {"]
    for register in _registers(top):
        lines += [f'    "{register.inst_name}": Register(', f"        {register.absolute_address},"]
        lines += ["        {"]
        for field in register.fields():
            values = (field.low, field.width, _access(field), field.get_property("reset"))
            text = ", ".join(f'"{v}"' if isinstance(v, str) else str(v) for v in values)
            lines.append(f'            "{field.inst_name}": Field({text}),')
        lines += ["        },", "    ),"]
    return "\n".join([*lines, "}", ""])


def rtl(source: Path, top: Any, notice: str, address_bits: int) -> dict[str, str]:
    """Return PeakRDL's AXI4-Lite block and its package by file name, with this project's header.

    Raises:
        FlowInputError: PeakRDL refuses the description.
    """
    head = "".join(f"// {line}\n" for line in (*LICENCE, notice))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "peakrdl", "regblock", str(source), "-o", folder]
        command += ["--cpuif", "axi4-lite-flat", "--default-reset", "arst_n"]
        command += ["--addr-width", str(address_bits), "--err-if-bad-addr"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            why = " ".join(done.stderr.split())
            raise FlowInputError(f"source {source.name}: PeakRDL: {why}")
        texts = {}
        for ending in ("_pkg.sv", ".sv"):
            name = f"{top.inst_name}{ending}"
            text = (Path(folder) / name).read_text(encoding="utf-8").rstrip("\n") + "\n"
            waivers = _WAIVERS[ending]
            off = "".join(f"// {why}:\n// verilator lint_off {rule}\n" for rule, why in waivers)
            on = "".join(f"// verilator lint_on {rule}\n" for rule, _ in waivers)
            texts[name] = head + off + text + on
    return texts


class RegistersGenerator(CheckedGenerator):
    """Writes all of its files; the same description gives the same bytes."""

    model: ClassVar[type[Parameters]] = RegistersParameters

    def run(self) -> None:
        """Write the files and list them.

        Raises:
            FlowInputError: a parameter, or the description that it names, is wrong.
        """
        given = checked(RegistersParameters, self.values)
        if given.source is None:
            raise FlowInputError("source is missing, legal is the name of a SystemRDL file")
        source = self.base / given.source
        top = elaborated(source)
        name, window = top.inst_name, 1 << given.address_bits
        notice = f"Generated from {source.name} by the generator registers; do not edit."
        sources = rtl(source, top, notice, given.address_bits)
        documents = {
            f"{name}.md": document(top, notice),
            f"{name}.py": python_model(top, notice, window),
            f"{name}.tcl": tcl_table(top, notice, window),
        }
        header = f"{name}.h"
        for file, text in {
            **sources,
            header: c_header(top, notice, window),
            **documents,
        }.items():
            Path(file).write_text(text, encoding="utf-8")
        self.add_files(list(sources), fileset="rtl", file_type="systemVerilogSource")
        include = {"is_include_file": True, "include_path": "."}
        self.add_files([{header: include}], fileset="firmware", file_type="cSource")
        self.add_files(
            [{file: {"copyto": file}} for file in documents], fileset="documents", file_type="user"
        )


def main() -> int:
    """Run as FuseSoC does, with the path of a YAML file; returns the exit status."""
    return run_generator(RegistersGenerator)
