# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Writes what follows from the program format: a SystemVerilog package and a C header.

``python -m corewright.program.generate`` rewrites the committed files of this tree; ``--root DIR``
writes the same files below DIR. The text depends on the tables of ``format.py`` and ``errors.py``
only, so the same tables give the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from corewright.program.errors import MEANING, ErrorCode
from corewright.program.format import (
    DESCRIPTOR_BYTES,
    DESCRIPTOR_FIELDS,
    DESCRIPTOR_WORDS,
    HEADER_BYTES,
    HEADER_FIELDS,
    HEADER_WORDS,
    HOST_BYTES,
    HOST_FIELDS,
    HOST_WORDS,
    MAGIC,
    VERSION,
    Field,
    HostOpcode,
    Opcode,
)

PACKAGE_PATH = Path("core/config/rtl/cw_program_pkg.sv")
HEADER_PATH = Path("sw/runtime/include/cw_program.h")
GENERATED = (PACKAGE_PATH, HEADER_PATH)

_NOTICE = (
    "Generated from sw/corewright/program/format.py by corewright.program.generate; do not edit."
)
_COLUMNS = 100
_LICENCE = ("SPDX-License-Identifier: Apache-2.0", "Copyright corewright contributors")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _enum(
    type_name: str, width: int, prefix: str, members: type[Opcode] | type[ErrorCode]
) -> list[str]:
    lines = [f"  typedef enum logic [{width - 1}:0] {{"]
    items = [f"    {prefix}{_camel(m.name)} = {width}'d{m.value}" for m in members]
    comments = [f"  // {MEANING[m]}" if isinstance(m, ErrorCode) else "" for m in members]
    for index, (item, comment) in enumerate(zip(items, comments, strict=True)):
        comma = "," if index < len(items) - 1 else ""
        lines.append(f"{item}{comma}{comment}")
    return [*lines, f"  }} {type_name};", ""]


def _struct(type_name: str, fields: Sequence[Field]) -> list[str]:
    lines = ["  typedef struct packed {"]
    for field in fields:
        sign = " signed" if field.signed else ""
        size = f" [{field.width - 1}:0]" if field.width > 1 else ""
        declaration = f"    logic{sign}{size} {field.name};"
        line = f"{declaration:<44}// {field.meaning}"
        if len(line) <= _COLUMNS:
            lines.append(line)
        else:
            lines += [f"    // {field.meaning}:", declaration]
    return [*lines, f"  }} {type_name};", ""]


def _decoder(name: str, type_name: str, fields: Sequence[Field], words: int) -> list[str]:
    lines = [
        "  /// Splits the words, word 0 in the lowest bits, into fields; checks nothing.",
        "  // The reserved bits of a format are nobody's:",
        "  // verilator lint_off UNUSEDSIGNAL",
        f"  function automatic {type_name} {name}(input logic [{words * 32 - 1}:0] words);",
        f"    {type_name} fields;",
    ]
    for field in fields:
        low = field.word * 32 + field.lsb
        select = f"words[{low}]" if field.width == 1 else f"words[{low} +: {field.width}]"
        lines.append(f"    fields.{field.name} = {select};")
    return [
        *lines,
        "    return fields;",
        "  endfunction",
        "  // verilator lint_on UNUSEDSIGNAL",
        "",
    ]


def systemverilog_package() -> str:
    """Returns the text of ``cw_program_pkg``: constants, enums, structs and their decoders."""
    lines = [f"// {line}" for line in (*_LICENCE, _NOTICE)]
    lines += [
        "",
        "/// Bit-level format of the program binary and the codes that a run ends with.",
        "package cw_program_pkg;",
        "",
        "  // Not every user of the format needs every constant:",
        "  // verilator lint_off UNUSEDPARAM",
        f"  localparam logic [31:0] Magic = 32'h{MAGIC:08x};",
        f"  localparam logic [31:0] Version = 32'd{VERSION};",
        f"  localparam int unsigned HeaderWords = {HEADER_WORDS};",
        f"  localparam int unsigned HeaderBytes = {HEADER_BYTES};",
        f"  localparam int unsigned DescriptorWords = {DESCRIPTOR_WORDS};",
        f"  localparam int unsigned DescriptorBytes = {DESCRIPTOR_BYTES};",
        "  // verilator lint_on UNUSEDPARAM",
        "",
    ]
    width = next(field.width for field in DESCRIPTOR_FIELDS if field.name == "opcode")
    lines += _enum("opcode_e", width, "Opcode", Opcode)
    lines += _enum("error_e", 8, "Error", ErrorCode)
    lines += _struct("header_t", HEADER_FIELDS)
    lines += _struct("descriptor_t", DESCRIPTOR_FIELDS)
    lines += _decoder("decode_header", "header_t", HEADER_FIELDS, HEADER_WORDS)
    lines += _decoder("decode_descriptor", "descriptor_t", DESCRIPTOR_FIELDS, DESCRIPTOR_WORDS)
    return "\n".join([*lines, "endpackage", ""])


def _c_fields(prefix: str, fields: Sequence[Field]) -> list[str]:
    lines = []
    for field in fields:
        name = f"CW_{prefix}_{field.name.upper()}"
        mask = ((1 << field.width) - 1) << field.lsb
        lines += [
            f"/* {field.meaning}{' (signed)' if field.signed else ''} */",
            f"#define {name}_WORD {field.word}u",
            f"#define {name}_SHIFT {field.lsb}u",
            f"#define {name}_MASK 0x{mask:08X}u",
        ]
    return [*lines, ""]


def c_header() -> str:
    """Returns the text of ``cw_program.h``: macros only; a MASK is in place, before the SHIFT."""
    lines = [f"/* {line} */" for line in (*_LICENCE, _NOTICE)]
    lines += [
        "#ifndef CW_PROGRAM_H",
        "#define CW_PROGRAM_H",
        "",
        f"#define CW_PROGRAM_MAGIC 0x{MAGIC:08X}u",
        f"#define CW_PROGRAM_VERSION {VERSION}u",
        f"#define CW_HEADER_WORDS {HEADER_WORDS}u",
        f"#define CW_HEADER_BYTES {HEADER_BYTES}u",
        f"#define CW_DESCRIPTOR_WORDS {DESCRIPTOR_WORDS}u",
        f"#define CW_DESCRIPTOR_BYTES {DESCRIPTOR_BYTES}u",
        f"#define CW_HOST_WORDS {HOST_WORDS}u",
        f"#define CW_HOST_BYTES {HOST_BYTES}u",
        "",
        "/* Opcodes of a descriptor. */",
    ]
    lines += [f"#define CW_OPCODE_{opcode.name} {opcode.value}u" for opcode in Opcode]
    lines += ["", "/* What a host operation is. */"]
    lines += [f"#define CW_HOST_OPCODE_{o.name} {o.value}u" for o in HostOpcode]
    lines += ["", "/* STATUS.error_code after a run. */"]
    lines += [f"#define CW_ERROR_{e.name} {e.value}u /* {MEANING[e]} */" for e in ErrorCode]
    lines += ["", "/* Header: field <name> is (words[_WORD] & _MASK) >> _SHIFT. */"]
    lines += _c_fields("HEADER", HEADER_FIELDS)
    lines += ["/* Layer descriptor. */"]
    lines += _c_fields("DESCRIPTOR", DESCRIPTOR_FIELDS)
    lines += ["/* Host operation. */"]
    lines += _c_fields("HOST", HOST_FIELDS)
    return "\n".join([*lines, "#endif /* CW_PROGRAM_H */", ""])


def generate(root: Path) -> tuple[Path, ...]:
    """Writes the generated files below ``root`` and returns their paths.

    Raises:
        OSError: a file cannot be written.
    """
    texts = {PACKAGE_PATH: systemverilog_package(), HEADER_PATH: c_header()}
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return tuple(root / path for path in GENERATED)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(__file__).resolve().parents[3],
        help="root of the tree that is written to (default: this repository)",
    )
    generate(parser.parse_args().root)


if __name__ == "__main__":
    main()
