# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What files state is what the tables say, and nobody decides for himself what a single bit is."""

from __future__ import annotations

import ast
import inspect
import random
import re
import subprocess
from pathlib import Path

import pytest

from corewright.environment import repository_root
from corewright.facts import widths
from corewright.facts.generate import (
    HEADER_PATH,
    OF_BITS,
    OF_CONFIGURATION,
    PACKAGE_PATH,
    SECTIONS,
    Symbol,
    with_facts,
)
from corewright.facts.tables import CONFIGURATION
from corewright.imports import modules

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("path", SECTIONS, ids=str)
def test_a_committed_section_is_what_the_tables_give(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert with_facts(path, text) == text, "run: python -m corewright.facts.generate"
    assert max(map(len, SECTIONS[path][1]())) <= 100


def test_a_stale_section_and_lost_marks_are_found() -> None:
    text = (ROOT / PACKAGE_PATH).read_text(encoding="utf-8")
    stale = text.replace("return cfg.SumBits + 8;", "return cfg.SumBits + 9;")
    assert stale != text and with_facts(PACKAGE_PATH, stale) == text
    with pytest.raises(ValueError, match="lacks the lines"):
        with_facts(PACKAGE_PATH, text.replace("  // End.\n", ""))


@pytest.mark.parametrize("function", [*OF_CONFIGURATION, *OF_BITS], ids=lambda f: f.__name__)
def test_the_text_of_a_rule_computes_what_the_function_does(function) -> None:
    names = list(inspect.signature(function).parameters)
    text = function(*map(Symbol, names)).text.replace("/", "//")
    if "?" in text:
        condition, _, rest = text.partition(" ? ")
        yes, _, no = rest.partition(" : ")
        text = f"({yes}) if {condition} else ({no})"
    rng = random.Random(function.__name__)
    # A port of bytes; all else is any number.
    smallest = [8 if name == "axi_width" else 1 for name in names]
    drawn = ([rng.randint(1, 40) * each for each in smallest] for _ in range(50))
    for values in [smallest, *drawn]:
        assert eval(text, dict(zip(names, values, strict=True))) == function(*values)


def test_a_hardware_has_each_member_of_a_configuration() -> None:
    from corewright.hardware import Hardware

    assert all(isinstance(getattr(Hardware(), m.attribute), int) for m in CONFIGURATION)


def test_a_single_bit_is_a_sign() -> None:
    assert [widths.number_range(bits) for bits in (1, 2, 8)] == [(-1, 1), (-2, 1), (-128, 127)]
    assert [widths.number_bits(bits) for bits in (1, 2, 8)] == [2, 2, 8]


def test_c_computes_what_python_does(tmp_path: Path) -> None:
    checks = "".join(
        f"if (CW_WORD_BYTES({rows}u, {bits}u) != {widths.word_bytes(rows, bits)}u) return 1;\n"
        for rows, bits in ((1, 1), (3, 4), (7, 8), (128, 16))
    )
    source = tmp_path / "check.c"
    source.write_text(
        f'#include "{HEADER_PATH.name}"\n'
        f"int main(void) {{\n{checks}return CW_CYCLES_WORDS != 8;\n}}\n",
        encoding="utf-8",
    )
    folders = [ROOT / HEADER_PATH.parent, ROOT / "sw/hal/include", ROOT / "core/regs/include"]
    command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion"]
    command += [*(f"-I{folder}" for folder in folders), str(source), "-o", str(tmp_path / "check")]
    subprocess.run(command, check=True)
    subprocess.run([str(tmp_path / "check")], check=True)


def comparisons_with_one_bit(text: str) -> list[str]:
    """Comparisons of some number of bits with 1."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            names = [
                each.id if isinstance(each, ast.Name) else each.attr
                for each in (node.left, *node.comparators)
                if isinstance(each, ast.Name | ast.Attribute)
            ]
            ones = [c for c in node.comparators if isinstance(c, ast.Constant) and c.value == 1]
            equal = isinstance(node.ops[-1], ast.Eq | ast.NotEq)
            if ones and equal and any("bits" in name for name in names):
                found.append(ast.unparse(node))
    return found


def test_who_asks_for_a_single_bit_asks_is_sign() -> None:
    assert comparisons_with_one_bit("x = a.bits_input == 1 or b.bits != 1 or c.low == 1") == [
        "a.bits_input == 1",
        "b.bits != 1",
    ]
    found = {
        name: comparisons_with_one_bit(path.read_text(encoding="utf-8"))
        for name, path in modules().items()
    }
    assert {name for name, lines in found.items() if lines} == {widths.__name__}


def test_the_rtl_asks_is_sign_too():
    asks = re.compile(r"\b(?:Pixel|Weight)Bits\)? *[!=]= *1\b")
    assert asks.search("return PixelBits == 1 ? a : b;")
    sources = sorted(repository_root().glob("core/*/rtl/*.sv"))
    found = [path.name for path in sources if asks.search(path.read_text(encoding="utf-8"))]
    assert len(sources) > 10 and found == []
