# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bugs that are put into copies of the sources, to prove that a bench or a proof finds them.

One :class:`Mutation` is one bug. :class:`Mutants` puts many into one copy, from which one model is
compiled; each run then has the bug that it names, or none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

# What a run is told its bug by; a model without the bugs does not look.
MUTANT_PLUSARG = "cw_mutant"
_PACKAGE = "cw_mutant_pkg"
SELECTOR_FILE = f"{_PACKAGE}.sv"
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
        package = folder / SELECTOR_FILE
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


class Change(NamedTuple):
    """One bug as a text that takes the place of another.

    Attributes:
        number: what ``+cw_mutant=`` names it by.
        first: offset of the first character that is replaced.
        last: offset behind the last one.
        new: what is there instead.
        same_type: the innermost expression around it has the same width and sign as before, so
            that both can stand in its place, with a choice between them.
    """

    number: int
    first: int
    last: int
    new: str
    same_type: bool = False

    def applied(self, text: str, first: int, last: int) -> str:
        """Return the part of a text that this change lies in, with the change."""
        return text[first : self.first] + self.new + text[self.last : last]


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
    text = _unaligned(text)
    root = _parsed(text)
    changes = [_change(number, mutation, text) for number, mutation in sorted(mutations.items())]
    return with_choices(text, [each for each in changes if _seat(root, each) is not None])


def with_choices(text: str, changes: Iterable[Change], constant: Collection[str] = ()) -> str:
    """Return a source with all changes, of which a run chooses one, or none.

    Args:
        text: the source, plain ASCII.
        changes: what may be chosen, of this text.
        constant: names of functions that are called when a model is compiled: nothing in them can
            be chosen.

    Raises:
        ValueError: no run can choose one of the changes.
    """
    # Verilator lets a function that it keeps as one read nothing from outside.
    text = re.sub("// verilator no_inline_task(?=\n)", lambda found: " " * len(found[0]), text)
    root = _parsed(text)
    seats: dict[_Seat, list[Change]] = {}
    for change in sorted(changes):
        seat = _seat(root, change, constant)
        if seat is None:
            raise ValueError(f"no run can choose {text[change.first : change.last]!r}")
        seats.setdefault(seat, []).append(change)
    # From outside in: what is in another seat is chosen within that one's sound text.
    ordered = sorted(seats, key=lambda seat: (seat.first, -seat.last, not seat.statement))
    return _chosen(text, 0, len(text), ordered, seats)


def can_be_chosen(root: Any, change: Change, constant: Collection[str] = ()) -> bool:
    """Whether a run can choose a change of a parsed source; see :func:`with_choices`."""
    return _seat(root, change, constant) is not None


def _chosen(
    text: str,
    first: int,
    last: int,
    ordered: Sequence[_Seat],
    seats: Mapping[_Seat, Sequence[Change]],
) -> str:
    """A part of a text with the choices of the seats in it, which come from outside in."""
    parts, place, index = [], first, 0
    while index < len(ordered):
        seat = ordered[index]
        behind = index + 1
        while behind < len(ordered) and seat.holds(ordered[behind]):
            behind += 1
        parts.append(text[place : seat.first])
        sound = _chosen(text, seat.first, seat.last, ordered[index + 1 : behind], seats)
        parts.append(_choice(text, seat, seats[seat], sound))
        place, index = seat.last, behind
    return "".join([*parts, text[place:last]])


def _same(a: str, b: str) -> int:
    """Characters that both texts begin with."""
    return next(
        (i for i, pair in enumerate(zip(a, b, strict=False)) if pair[0] != pair[1]),
        min(len(a), len(b)),
    )


def _change(number: int, mutation: Mutation, text: str) -> Change:
    first, last = mutation._place(text)
    same = _same(mutation.old, mutation.new)
    tail = _same(mutation.old[same:][::-1], mutation.new[same:][::-1])
    return Change(number, first + same, last - tail, mutation.new[same : len(mutation.new) - tail])


def _choice(text: str, seat: _Seat, changes: Sequence[Change], sound: str) -> str:
    chosen = [(each.number, each.applied(text, seat.first, seat.last)) for each in changes]
    if seat.statement:
        branches = [f"if ({_SELECTED} == {number}) begin {new} end" for number, new in chosen]
        return f"begin {' else '.join(branches)} else begin {sound} end end"
    return "".join(f"({_SELECTED} == {number}) ? ({new}) : " for number, new in chosen).join(
        ("(", f"({sound}))")
    )


def _seat(root: Any, change: Change, constant: Collection[str] = ()) -> _Seat | None:
    """The least seat that holds a change; None where it is made when a model is compiled."""
    path = [root]
    while inner := next(_children_around(path[-1], change), None):
        path.append(inner)
    if any(_function_name(node) in constant for node in path):
        return None
    if change.same_type and _is_free(path):
        node = next(node for node in reversed(path) if _is_expression(node))
        return _Seat(*_span(node), False)
    for depth in range(len(path) - 1, 0, -1):
        node, above = path[depth], path[:depth]
        if change.same_type and above[-1].kind.name in _CONNECTIONS and _is_place(node):
            break
        if _is_statement(node):
            return _Seat(*_span(node), True)
        if _is_chosen_expression(node, above):
            return _Seat(*_span(node), False)
        if above[-1].kind.name in _FIXED:
            break
    return None


def _function_name(node: Any) -> str:
    is_function = node.kind.name == "FunctionDeclaration"
    return str(node.prototype.name).strip() if is_function else ""


def _is_expression(node: Any) -> bool:
    kind = node.kind.name
    if kind.endswith("Expression"):
        return "Assignment" not in kind and not kind.endswith("EventExpression")
    return kind in (
        "IdentifierName",
        "IdentifierSelectName",
        "ScopedName",
        "ElementSelectExpression",
    )


def _is_free(path: Sequence[Any]) -> bool:
    """Whether the innermost expression of a path need be no constant, and is only read."""
    inner = next((i for i in reversed(range(len(path))) if _is_expression(path[i])), 0)
    return inner > 0 and not any(
        _binds(path[index], path[index + 1], path[index - 1]) for index in range(inner)
    )


def _binds(node: Any, inner: Any, above: Any) -> bool:
    """Whether what stands at ``inner`` in a node has to be a constant, or is written."""
    kind = node.kind.name
    if kind in _GENERATE:
        return _is_expression(inner)
    if kind == "StandardCaseItem":
        return above.kind.name == "CaseGenerate" and _is_expression(inner)
    if kind in _FIXED or kind in _CONSTANT or kind.endswith("EventExpression"):
        return True
    if kind in ("AscendingRangeSelect", "DescendingRangeSelect"):
        return _span(inner) == _span(node.right)
    if kind in ("CastExpression", "MultipleConcatenationExpression"):
        # The size, the type or the count come first.
        return _span(inner)[0] == _span(node)[0]
    if kind == "ForLoopStatement":
        return not _is_statement(inner)
    if kind.endswith("AssignmentExpression"):
        return _span(inner) == _span(node.left)
    # What is connected may be an output's.
    return kind in _CONNECTIONS and _is_place(inner)


def _is_place(node: Any) -> bool:
    """Whether an expression could be written, too."""
    while node.kind.name in ("SimplePropertyExpr", "SimpleSequenceExpr"):
        node = node.expr
    kind = node.kind.name
    return kind == "ConcatenationExpression" or (_is_expression(node) and "Name" in kind)


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


_GENERATE = ("IfGenerate", "LoopGenerate", "CaseGenerate")
_CONSTANT = (
    *("VariableDimension", "SimpleRangeSelect", "EnumType", "AttributeInstance", "DefParam"),
    *("PackedDimension", "RangeDimensionSpecifier"),
)
_CONNECTIONS = ("NamedPortConnection", "OrderedPortConnection")


def _children_around(node: Any, change: Change) -> Iterator[Any]:
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
