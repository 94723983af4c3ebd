# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The generator ``registers``: one description, six files that agree."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from corewright.environment import repository_root
from corewright.flow.errors import FlowInputError
from corewright.gen.registers import RegistersGenerator, _tcl_text, elaborated

PLANTED = repository_root() / "ip" / "generators" / "dv" / "planted_regs.rdl"
VLNV = "me:my:top-registers:0"


def generate(folder: Path, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> Path:
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    data = {"parameters": parameters, "files_root": str(PLANTED.parent), "vlnv": VLNV}
    RegistersGenerator(data).run()
    return folder


def test_all_files_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = generate(tmp_path, monkeypatch, source=PLANTED.name, address_bits=8)
    endings = (".h", ".md", ".py", ".sv", ".tcl", "_pkg.sv")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"planted_regs{ending}" for ending in endings
    )
    module = runpy.run_path(str(folder / "planted_regs.py"))
    setting, cause = (module["REGISTERS"][name] for name in ("SETTING", "CAUSE"))
    assert module["WINDOW_BYTES"] == 256
    assert setting.pack(limit=5, mode=2) == 0x205
    assert setting.unpack(0x103) == {"limit": 3, "mode": 1}
    assert (cause.offset, cause.fields["done"].access) == (8, "W1C")
    assert module["REGISTERS"]["STATE"].fields["busy"].reset is None
    with pytest.raises(ValueError, match="mode is 4, legal are 0 to 3"):
        setting.pack(mode=4)
    header = (folder / "planted_regs.h").read_text(encoding="utf-8")
    for line in (
        "#define PLANTED_REGS_WINDOW_BYTES 0x100u",
        "#define PLANTED_REGS_SETTING_RESET 0x00000103u",
        "#define PLANTED_REGS_CAUSE_OFFSET 0x008u",
    ):
        assert line in header
    page = (folder / "planted_regs.md").read_text(encoding="utf-8")
    assert "| 9:8 | mode | RW | 0x1 | Another. |" in page
    table = (folder / "planted_regs.tcl").read_text(encoding="utf-8")
    assert "  {SETTING 0x000 32 read-write 0x00000103 {" in table
    assert "    {done 0 1 read-write oneToClear {" in table
    assert "    {busy 0 1 read-only {} {" in table
    assert "module planted_regs" in (folder / "planted_regs.sv").read_text(encoding="utf-8")


def test_the_header_compiles_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = generate(tmp_path, monkeypatch, source=PLANTED.name)
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c"]
    subprocess.run(["g++", *flags, folder / "planted_regs.h"], check=True)


def test_the_same_description_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first, second = (
        {
            path.name: path.read_bytes()
            for path in generate(tmp_path / name, monkeypatch, source=PLANTED.name).iterdir()
        }
        for name in ("first", "second")
    )
    assert first == second


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for parameters, message in (
        ({}, "source is missing"),
        ({"source": "absent.rdl"}, "source absent.rdl: no such file"),
        ({"source": PLANTED.name, "address_bits": 2}, "address_bits is 2, .* nearest is 3"),
    ):
        with pytest.raises(FlowInputError, match=message):
            generate(tmp_path, monkeypatch, **parameters)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("addrmap broken { reg { field {} a[1]; } R @ ; };", "source own.rdl: "),
        ("addrmap deep { regfile { reg { field {} a[1]; } R; } F; };", "F is no plain register"),
    ],
)
def test_a_description_that_does_not_do_is_refused(tmp_path: Path, text: str, message: str):
    (tmp_path / "own.rdl").write_text(text, encoding="utf-8")
    with pytest.raises(FlowInputError, match=message):
        elaborated(tmp_path / "own.rdl")


def test_any_text_is_one_word_of_tcl():
    assert _tcl_text("Stops:  at\nonce.") == "{Stops: at once.}"
    assert _tcl_text("a } b\\") == r"a\ \}\ b\\"
