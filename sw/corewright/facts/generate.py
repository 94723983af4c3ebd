# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Writes the facts into the SystemVerilog, C and documentation that state them.

``python -m corewright.facts.generate`` rewrites the sections between two marks in files of this
tree, and leaves what is around them; a test compares. The text depends on ``tables`` and ``widths``
only.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corewright.facts import widths
from corewright.facts.tables import CONFIGURATION, Cause

PACKAGE_PATH = Path("core/config/rtl/cw_pkg.sv")
README_PATH = Path("core/config/README.md")
HEADER_PATH = Path("sw/runtime/include/cw_runtime.h")

_BEGIN = "Begin: written by corewright.facts.generate, do not edit."
_END = "End."
# Functions of a configuration, and of a word's bits.
OF_CONFIGURATION: tuple[Callable[..., Any], ...] = (
    *(widths.word_bytes, widths.post_bits, widths.bias_bytes),
    *(widths.weight_row_bytes, widths.port_words, widths.half_drain),
    *(widths.drain_words, widths.drain_beats),
    *(widths.beat_and_rest, widths.unit_bytes),
)
OF_BITS: tuple[Callable[..., Any], ...] = (widths.is_sign, widths.number_bits, widths.largest)
# Functions that C needs.
OF_C: tuple[Callable[..., Any], ...] = (widths.word_bytes,)

_ATOM, _PRODUCT, _SUM, _SHIFT, _EQUAL, _CHOICE = range(6)


@dataclass(frozen=True, eq=False)
class Symbol:
    """An expression as text, of a language that writes arithmetic as C does.

    Attributes:
        text: the expression.
        loose: how loosely it binds; what binds more tightly around it needs parentheses.
        suffix: of integers in this language.
    """

    text: str
    loose: int = _ATOM
    suffix: str = ""

    def _of(self, value: Any, at_most: int) -> str:
        if isinstance(value, Symbol):
            return value.text if value.loose <= at_most else f"({value.text})"
        return f"{value}{self.suffix}"

    def _binary(self, sign: str, left: Any, right: Any, loose: int) -> Symbol:
        # What binds equally may stand on the left only.
        text = f"{self._of(left, loose)} {sign} {self._of(right, loose - 1)}"
        return Symbol(text, loose, self.suffix)

    def __add__(self, other: Any) -> Symbol:
        return self._binary("+", self, other, _SUM)

    def __sub__(self, other: Any) -> Symbol:
        return self._binary("-", self, other, _SUM)

    def __mul__(self, other: Any) -> Symbol:
        return self._binary("*", self, other, _PRODUCT)

    def __floordiv__(self, other: Any) -> Symbol:
        # Nothing here is negative, where languages differ.
        return self._binary("/", self, other, _PRODUCT)

    def __mod__(self, other: Any) -> Symbol:
        return self._binary("%", self, other, _PRODUCT)

    def __le__(self, other: Any) -> Symbol:
        return self._binary("<=", self, other, _EQUAL)

    def __rlshift__(self, other: Any) -> Symbol:
        # Its sides in parentheses, as compilers want it.
        text = f"{self._of(other, _ATOM)} << {self._of(self, _ATOM)}"
        return Symbol(text, _SHIFT, self.suffix)

    def __and__(self, other: Any) -> Symbol:
        # Likewise; it binds more loosely than a comparison, as a choice's condition would not see.
        text = f"{self._of(self, _ATOM)} & {self._of(other, _ATOM)}"
        return Symbol(text, _CHOICE, self.suffix)

    def __eq__(self, other: object) -> Symbol:  # type: ignore[override]
        return self._binary("==", self, other, _EQUAL)

    def choose(self, yes: Any, no: Any) -> Symbol:
        """This one decides between two others."""
        words = (self._of(each, _EQUAL) for each in (self, yes, no))
        return Symbol("{} ? {} : {}".format(*words), _CHOICE, self.suffix)


def _purpose(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


def _of_configuration(function: Callable[..., Any]) -> list[str]:
    names = {member.attribute: f"cfg.{member.name}" for member in CONFIGURATION}
    names |= {each.__name__: f"{each.__name__}(cfg)" for each in OF_CONFIGURATION}
    parameters = inspect.signature(function).parameters
    return [
        f"  /// {_purpose(function)}",
        f"  function automatic int unsigned {function.__name__}(cfg_t cfg);",
        f"    return {function(*(Symbol(names[name]) for name in parameters)).text};",
        "  endfunction",
        "",
    ]


def _of_bits(function: Callable[..., Any]) -> list[str]:
    signature = inspect.signature(function)
    (name,) = signature.parameters
    kind = "bit" if signature.return_annotation in (bool, "bool") else "int unsigned"
    return [
        f"  /// {_purpose(function)}",
        f"  function automatic {kind} {function.__name__}(int unsigned {name});",
        f"    return {function(Symbol(name)).text};",
        "  endfunction",
        "",
    ]


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def package_section() -> list[str]:
    """Returns the lines of cw_pkg: configuration, what follows from it, causes."""
    lines = ["  typedef struct packed {"]
    for member in CONFIGURATION:
        kind = "int unsigned" if member.width is None else f"logic [{member.width - 1}:0]"
        lines.append(f"    {f'{kind} {member.name};':<29} // {member.meaning}")
    lines += [
        "  } cfg_t;",
        "",
        "  // What pre-shift and bias add to the width of an accumulator; not every user needs it.",
        "  // verilator lint_off UNUSEDPARAM",
        f"  localparam int unsigned PostGuardBits = {widths.POST_GUARD_BITS};",
        "  // verilator lint_on UNUSEDPARAM",
        "",
        "  // Each function reads its part of the configuration.",
        "  // verilator lint_off UNUSEDSIGNAL",
        "",
    ]
    for function in OF_CONFIGURATION:
        lines += _of_configuration(function)
    lines += ["  // verilator lint_on UNUSEDSIGNAL", ""]
    lines += ["  // A word of one bit is a sign: bit b stands for 1 - 2b.", ""]
    for function in OF_BITS:
        lines += _of_bits(function)
    width = max(Cause).bit_length()
    lines += [
        "  /// Categories of the performance counters, in the order of the performance RAM.",
        f"  typedef enum logic [{width - 1}:0] {{",
    ]
    names = [f"Cause{_camel(cause.name)}" for cause in Cause]
    longest = max(map(len, names))
    items = [
        f"    {name:<{longest}} = {width}'d{cause}"
        for name, cause in zip(names, Cause, strict=True)
    ]
    return [*lines, *(f"{item}," for item in items[:-1]), items[-1], "  } cause_e;"]


def header_section() -> list[str]:
    """Returns the lines of cw_runtime.h: causes, sizes of words."""
    lines = ["/* Meaning of the performance words of a layer; they sum to the last one. */"]
    lines.append("enum {")
    lines += [f"  CW_CYCLES_{cause.name} = {cause}," for cause in Cause]
    lines += [f"  CW_CYCLES_TOTAL = {len(Cause)},", f"  CW_CYCLES_WORDS = {len(Cause) + 1}", "};"]
    for function in OF_C:
        names = list(inspect.signature(function).parameters)
        value = function(*(Symbol(f"({name})", suffix="u") for name in names))
        macro = f"CW_{function.__name__.upper()}({', '.join(names)})"
        lines += ["", f"/* {_purpose(function)} */", f"#define {macro} ({value.text})"]
    return lines


def readme_section() -> list[str]:
    """Returns the lines of the configuration's table in the block's README."""
    lines = ["| Member | Legal | Meaning |", "|---|---|---|"]
    return lines + [f"| `{m.name}` | {m.legal} | {m.meaning} |" for m in CONFIGURATION]


# By file: how a mark looks there, and what stands between its two.
SECTIONS: dict[Path, tuple[str, Callable[[], list[str]]]] = {
    PACKAGE_PATH: ("  // {}", package_section),
    HEADER_PATH: ("/* {} */", header_section),
    README_PATH: ("<!-- {} -->", readme_section),
}


def with_facts(path: Path, text: str) -> str:
    """Returns the text of a file with its section as the tables have it.

    Raises:
        ValueError: the file lacks the marks around its section.
    """
    mark, section = SECTIONS[path]
    begin, end = f"{mark.format(_BEGIN)}\n", f"{mark.format(_END)}\n"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"{path}: lacks the lines {begin.strip()!r} and {end.strip()!r}")
    lines = "".join(f"{line}\n" for line in section())
    return f"{before}{begin}{lines}{end}{after}"


def generate(root: Path) -> None:
    """Rewrites the sections in the files below ``root``.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: a file lacks its marks.
    """
    for path in SECTIONS:
        text = with_facts(path, (root / path).read_text(encoding="utf-8"))
        (root / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    generate(Path(__file__).resolve().parents[3])
