# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The committed SystemVerilog package and C header are what the tables of format.py give."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from corewright.program import (
    DESCRIPTOR_FIELDS,
    HEADER_FIELDS,
    decode_descriptor,
    encode_descriptor,
    encode_header,
)
from corewright.program.errors import MEANING, ErrorCode
from corewright.program.generate import GENERATED, c_header, generate, systemverilog_package

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("path", GENERATED, ids=str)
def test_committed_file_is_what_the_tables_give(path: Path, tmp_path: Path):
    generate(tmp_path)
    assert (ROOT / path).read_bytes() == (tmp_path / path).read_bytes(), (
        "run: python -m corewright.program.generate"
    )


def test_lines_are_at_most_100_columns():
    for text in (systemverilog_package(), c_header()):
        assert max(len(line) for line in text.splitlines()) <= 100


def test_error_codes_are_those_of_the_architecture_page():
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", page, flags=re.MULTILINE)
    assert [(int(code), name) for code, name in table] == [(e.value, e.name) for e in ErrorCode]
    assert set(MEANING) == set(ErrorCode)


def _values(fields, seed: int) -> dict[str, int]:
    """Values with every bit of every field in use over a few seeds."""
    values = {}
    for index, field in enumerate(fields):
        pattern = (0x9E3779B97F4A7C15 * (index + 1) * (2 * seed + 1)) >> 20
        value = pattern & ((1 << field.width) - 1)
        if field.signed and value >> (field.width - 1):
            value -= 1 << field.width
        values[field.name] = value
    return values


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_c_macros_decode_what_python_encodes(tmp_path: Path):
    body = []
    for seed in range(4):
        header = {f.name: 0 for f in HEADER_FIELDS} | _values(HEADER_FIELDS, seed)
        descriptor = _values(DESCRIPTOR_FIELDS, seed)
        descriptor.pop("crc")
        for prefix, fields, data in (
            ("HEADER", HEADER_FIELDS, encode_header(header)),
            ("DESCRIPTOR", DESCRIPTOR_FIELDS, encode_descriptor(descriptor)),
        ):
            name = f"{prefix.lower()}{seed}"
            words = [f"0x{data[i : i + 4][::-1].hex()}u" for i in range(0, len(data), 4)]
            body.append(f"static const unsigned {name}[] = {{{', '.join(words)}}};")
            decoded = {}
            if prefix == "DESCRIPTOR":
                decoded = decode_descriptor(data)
            for field in fields:
                raw = int.from_bytes(data[4 * field.word : 4 * field.word + 4], "little")
                expected = (raw >> field.lsb) & ((1 << field.width) - 1)
                if decoded:
                    assert expected == decoded[field.name] & ((1 << field.width) - 1)
                macro = f"CW_{prefix}_{field.name.upper()}"
                body.append(
                    f"CHECK(({name}[{macro}_WORD] & {macro}_MASK) >> {macro}_SHIFT, {expected}u);"
                )
    arrays = "\n".join(line for line in body if line.startswith("static"))
    checks = "\n".join(line for line in body if line.startswith("CHECK"))
    source = tmp_path / "check.c"
    source.write_text(
        f'#include "cw_program.h"\n#define CHECK(a, b) if ((a) != (b)) return __LINE__ % 255 + 1\n'
        f"{arrays}\nint main(void) {{\n{checks}\nreturn 0; }}\n",
        encoding="utf-8",
    )
    include = ROOT / "sw/runtime/include"
    subprocess.run(
        ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", f"-I{include}",
         str(source), "-o", str(tmp_path / "check")],
        check=True,
    )  # fmt: skip
    subprocess.run([str(tmp_path / "check")], check=True)
