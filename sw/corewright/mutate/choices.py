# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bugs that are put into copies of the sources, to prove that a bench or a proof finds them.

One :class:`Mutation` is one bug. :class:`Mutants` puts many into one copy, from which one model is
compiled; each run then has the bug that it names, or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

# What a run is told its bug by; a model without the bugs does not look.
MUTANT_PLUSARG = "cw_mutant"
_PACKAGE = "cw_mutant_pkg"
_SELECTED = f"{_PACKAGE}::selected"
SELECTOR = f"""\
// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors
//
// Which of the bugs in this copy of the sources is there in this run; 0: none.

package {_PACKAGE};
  function automatic int unsigned chosen();
    int unsigned number;
    if ($value$plusargs("{MUTANT_PLUSARG}=%d", number) == 0) number = 0;
    return number;
  endfunction

  int unsigned selected = chosen();
endpackage
"""


@dataclass(frozen=True)
class Mutation:
    """One bug to put into a copy of the sources.

    Attributes:
        file: name of the source, without folder.
        old: text that stands exactly once in it, but for spaces that align assignments.
        new: what to put there.
    """

    file: str
    old: str
    new: str

    def apply(self, name: str, text: str) -> str:
        """Return the text of a source with the bug, if it is the one.

        Raises:
            ValueError: ``old`` does not stand in it exactly once: the mutation is out of date.
        """
        if name != self.file:
            return text
        text = _unaligned(text)
        first, last = self._place(text)
        return text[:first] + self.new + text[last:]

    def sources(self, sources: Sequence[Path], folder: Path) -> list[Path]:
        """Return the sources with a copy that has the bug, in ``folder``, instead of the one.

        Raises:
            ValueError: no source has the name, or the mutation is out of date.
        """
        return _replaced(sources, folder, {self.file: self.apply})

    def _place(self, text: str) -> tuple[int, int]:
        if text.count(self.old) != 1:
            raise ValueError(f"{self.old!r} stands {text.count(self.old)} times in {self.file}")
        first = text.index(self.old)
        return first, first + len(self.old)


class Injected(NamedTuple):
    """Sources with bugs, and the arguments of a run that has the one that is wanted."""

    sources: list[Path]
    plusargs: tuple[str, ...]


class Mutants:
    """Bugs of one copy of the sources, of which each run has one or none.

    Where a bug changes a statement, the copy has both and an ``if`` around them; where it changes
    a continuous assignment, a declared net or a port's connection, the expressions of both. What
    no run can choose (a parameter, a type, what is generated) is in a copy of its own.

    Args:
        mutations: by name.
    """

    def __init__(self, mutations: Mapping[str, Mutation]) -> None:
        self._mutations = dict(mutations)
        self._numbers = {name: number for number, name in enumerate(sorted(mutations), start=1)}

    def number(self, name: str) -> int:
        """Return what ``+cw_mutant=`` names a bug by."""
        return self._numbers[name]

    def inject(self, name: str, sources: Sequence[Path], folder: Path) -> Injected:
        """Put the bugs into copies, in ``folder``, of which a run has the one of this name.

        Raises:
            ValueError: no source has the name of a mutation's, or one is out of date.
        """
        mutation = self._mutations[name]
        original = next((path for path in sources if path.name == mutation.file), None)
        if original is not None:
            text = _unaligned(original.read_text(encoding="utf-8"))
            if _seat(_parsed(text), _change(0, mutation, text)) is None:
                return Injected(mutation.sources(sources, folder), ())
        chosen = f"+{MUTANT_PLUSARG}={self.number(name)}"
        return Injected(self.sources(sources, folder), (chosen,))

    def sources(self, sources: Sequence[Path], folder: Path) -> list[Path]:
        """Return the sources with copies that have the bugs, and the package that chooses.

        A run that chooses none has none.
        """
        files = {mutation.file: self.apply for mutation in self._mutations.values()}
        package = folder / f"{_PACKAGE}.sv"
        package.write_text(SELECTOR, encoding="utf-8")
        return [package, *_replaced(sources, folder, files)]

    def apply(self, name: str, text: str) -> str:
        """Return the text of a source with the bugs of it that a run can choose."""
        own = {
            self._numbers[key]: mutation
            for key, mutation in self._mutations.items()
            if mutation.file == name
        }
        return _with_choices(text, own) if own else text


class _Change(NamedTuple):
    """One bug as the least text that it changes."""

    number: int
    first: int
    last: int
    new: str

    def applied(self, text: str, seat: _Seat) -> str:
        return text[seat.first : self.first] + self.new + text[self.last : seat.last]


class _Seat(NamedTuple):
    """A statement or an expression that can stand there twice, with a choice between both."""

    first: int
    last: int
    statement: bool

    def holds(self, other: _Seat) -> bool:
        return self.first <= other.first and other.last <= self.last


def _unaligned(text: str) -> str:
    # An aligned block may be aligned anew without a change of meaning.
    return re.sub(" +<=", " <=", text)


def _replaced(sources: Sequence[Path], folder: Path, files: Mapping[str, Any]) -> list[Path]:
    """Return the sources, those named in ``files`` as copies that went through its function."""
    names = [source.name for source in sources]
    for name in files:
        if name not in names:
            raise ValueError(f"{name} is not among {names}")
    replaced = []
    for source in sources:
        if source.name in files:
            text = files[source.name](source.name, source.read_text(encoding="utf-8"))
            source = folder / source.name
            source.write_text(text, encoding="utf-8")
        replaced.append(source)
    return replaced


def _parsed(text: str) -> Any:
    from pyslang.syntax import SyntaxTree

    if not text.isascii():
        # The parser counts bytes.
        raise ValueError("a source with injected bugs is not plain ASCII")
    return SyntaxTree.fromText(text).root


def _with_choices(text: str, mutations: Mapping[int, Mutation]) -> str:
    # Verilator lets a function that it keeps as one read nothing from outside.
    text = _unaligned(text).replace("// verilator no_inline_task\n", "\n")
    root = _parsed(text)
    changes: dict[_Seat, list[_Change]] = {}
    for number, mutation in sorted(mutations.items()):
        change = _change(number, mutation, text)
        if (seat := _seat(root, change)) is not None:
            changes.setdefault(seat, []).append(change)
    # Of two seats one of which lies in the other, both bugs take the larger.
    outer = [seat for seat in changes if not any(o != seat and o.holds(seat) for o in changes)]
    for seat in sorted(outer, reverse=True):
        own = [each for inner in changes if seat.holds(inner) for each in changes[inner]]
        text = text[: seat.first] + _choice(text, seat, own) + text[seat.last :]
    return text


def _same(a: str, b: str) -> int:
    """Characters that both texts begin with."""
    return next(
        (i for i, pair in enumerate(zip(a, b, strict=False)) if pair[0] != pair[1]),
        min(len(a), len(b)),
    )


def _change(number: int, mutation: Mutation, text: str) -> _Change:
    first, last = mutation._place(text)
    same = _same(mutation.old, mutation.new)
    tail = _same(mutation.old[same:][::-1], mutation.new[same:][::-1])
    return _Change(number, first + same, last - tail, mutation.new[same : len(mutation.new) - tail])


def _choice(text: str, seat: _Seat, changes: Iterable[_Change]) -> str:
    chosen = [(each.number, each.applied(text, seat)) for each in sorted(changes)]
    sound = text[seat.first : seat.last]
    if seat.statement:
        branches = [f"if ({_SELECTED} == {number}) begin {new} end" for number, new in chosen]
        return f"begin {' else '.join(branches)} else begin {sound} end end"
    return "".join(f"({_SELECTED} == {number}) ? ({new}) : " for number, new in chosen).join(
        ("(", f"({sound}))")
    )


def _seat(root: Any, change: _Change) -> _Seat | None:
    """The least seat that holds a change; None where it is made when a model is compiled."""
    path = [root]
    while inner := next(_children_around(path[-1], change), None):
        path.append(inner)
    for depth in range(len(path) - 1, 0, -1):
        node, above = path[depth], path[:depth]
        if _is_statement(node):
            return _Seat(*_span(node), True)
        if _is_chosen_expression(node, above):
            return _Seat(*_span(node), False)
        if above[-1].kind.name in _FIXED:
            break
    return None


# What is decided when a model is compiled.
_FIXED = {
    "ParameterDeclaration",
    "ModuleHeader",
    "IfGenerate",
    "LoopGenerate",
    "CaseGenerate",
    "TypedefDeclaration",
    "ParameterValueAssignment",
}


def _children_around(node: Any, change: _Change) -> Iterator[Any]:
    for child in node:
        if hasattr(child, "sourceRange"):
            first, last = _span(child)
            if first <= change.first and change.last <= last:
                yield child


def _span(node: Any) -> tuple[int, int]:
    place = node.sourceRange
    return place.start.offset, place.end.offset


def _is_statement(node: Any) -> bool:
    kind = node.kind.name
    return kind.endswith("Statement") and not kind.startswith(("Parameter", "Timing"))


def _is_chosen_expression(node: Any, above: Sequence[Any]) -> bool:
    kinds = [each.kind.name for each in above]
    if kinds[-1] == "AssignmentExpression":
        # The right side alone; procedural ones are statements.
        return kinds[-2] == "ContinuousAssign" and _span(node)[1] == _span(above[-1])[1]
    if kinds[-1] == "EqualsValueClause":
        procedural = any(kind.endswith("BlockStatement") for kind in kinds)
        procedural |= "FunctionDeclaration" in kinds
        return kinds[-3] == "NetDeclaration" or (kinds[-3] == "DataDeclaration" and procedural)
    return kinds[-1] == "NamedPortConnection"
