# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bugs by rule: what each operator makes of a SystemVerilog source, as changes of its text.

Each change keeps width and sign of the expression that it is in, so that both can stand side by
side in one model. Not made are changes of assertions, of ``initial``, of what synthesis does not
see, and of the reset's own condition.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from corewright.mutate.choices import Change, can_be_chosen

# What each operator does, as the documentation and `--help` say it.
OPERATORS = {
    "bound": "a comparison takes, or leaves out, the value that is equal: < and <=, > and >=",
    "compare": "a comparison is the opposite: == and !=, < and >=, > and <=",
    "arithmetic": "another arithmetic operator: + and -, * becomes +, << and >>, >>> becomes >>",
    "logic": "another logic operator: && and ||, & and |, ^ becomes |; a negation twice or never",
    "constant": "a number is one more, or one less",
    "stuck": "a condition is always true, or never",
    "wait": "a part of a condition is not waited for: an operand of && is 1, of || is 0",
    "reset": "a register is not reset",
    "assign": "an assignment, or a call of a task, is left out",
    "swap": "operands change places: of -, of ?:, of a concatenation of two",
    "select": "the neighbouring bit, element or part is taken",
}
_SYNTHESIS_OFF = re.compile(
    r"`ifndef SYNTHESIS\b|`ifdef (?:FORMAL|SIMULATION)\b"
    r"|//\s*(?:synthesis|synopsys|pragma)\s+translate_off"
)
# Binary operators: what they become, and by which rule.
_BINARY = {
    "<": [("bound", "<="), ("compare", ">=")],
    "<=": [("bound", "<"), ("compare", ">")],
    ">": [("bound", ">="), ("compare", "<=")],
    ">=": [("bound", ">"), ("compare", "<")],
    "==": [("compare", "!=")],
    "!=": [("compare", "==")],
    "+": [("arithmetic", "-")],
    "-": [("arithmetic", "+")],
    "*": [("arithmetic", "+")],
    "<<": [("arithmetic", ">>")],
    ">>": [("arithmetic", "<<")],
    "<<<": [("arithmetic", ">>>")],
    ">>>": [("arithmetic", ">>")],
    "&&": [("logic", "||")],
    "||": [("logic", "&&")],
    "&": [("logic", "|")],
    "|": [("logic", "&")],
    "^": [("logic", "|")],
}
# The operand that makes no difference.
_NEUTRAL = {"&&": "1'b1", "||": "1'b0"}
_VECTOR = re.compile(r"(\d+)\s*'\s*(s?)([bodhBODH])\s*([0-9a-fA-F_]+)")
_BASES = {"b": 2, "o": 8, "d": 10, "h": 16}
# Nothing is changed below these.
_LEFT_ALONE = {
    *("InitialBlock", "FinalBlock", "ConcurrentAssertionMember", "ImmediateAssertionMember"),
    *("PropertyDeclaration", "SequenceDeclaration", "CoverageOptions", "CovergroupDeclaration"),
    *("EventControlWithExpression", "DPIImport", "ElabSystemTask", "AttributeInstance"),
    *("GenvarDeclaration", "TimeUnitsDeclaration", "NamedBlockClause", "EnumType"),
}
_WIDTHS = {"VariableDimension", "PackedDimension", "RangeDimensionSpecifier", "TypedefDeclaration"}
_GENERATE = {"IfGenerate", "LoopGenerate", "CaseGenerate"}


@dataclass(frozen=True)
class Mutant:
    """One change of one source.

    Attributes:
        block: name of the block.
        file: name of the source, without folder.
        line: from 1.
        operator: one of ``OPERATORS``.
        first: offset of the first character that is replaced.
        last: offset behind the last one.
        new: what is there instead.
        digest: of the line, the place in it and the change.
        chosen: whether a run can choose it; otherwise it is compiled for itself.
    """

    block: str
    file: str
    line: int
    operator: str
    first: int
    last: int
    new: str
    digest: str
    chosen: bool

    @property
    def id(self) -> str:
        """The name: ``BLOCK-FILE-LINE-OPERATOR-DIGEST``, the same as long as its line is."""
        stem = self.file.rpartition(".")[0]
        return f"{self.block}-{stem}-{self.line}-{self.operator}-{self.digest}"

    def change(self, number: int) -> Change:
        """Return it for a copy in which ``+cw_mutant=number`` chooses it."""
        return Change(number, self.first, self.last, self.new, same_type=True)

    def applied(self, text: str) -> str:
        """Return the source with it."""
        return text[: self.first] + self.new + text[self.last :]

    def diff(self, text: str) -> str:
        """Return the lines that it changes, as a unified diff without context."""
        lines = difflib.unified_diff(
            text.splitlines(), self.applied(text).splitlines(), self.file, self.file, "", "", 0, ""
        )
        return "\n".join(list(lines)[2:])


@dataclass(frozen=True)
class _Edit:
    operator: str
    first: int
    last: int
    new: str


def mutants_of(
    block: str, file: str, text: str, constant: Collection[str] = ()
) -> tuple[list[Mutant], Counter[str]]:
    """Return all mutants of a source by their place, and how many were not made, by reason.

    Args:
        block: the block's name.
        file: the source's name, without folder.
        text: its text.
        constant: see :func:`corewright.mutate.choices.with_choices`.

    Raises:
        ValueError: the source is not plain ASCII.
    """
    from pyslang.syntax import SyntaxTree

    if not text.isascii():
        # The parser counts bytes.
        raise ValueError(f"{file} is not plain ASCII")
    root = SyntaxTree.fromText(text).root
    skipped: Counter[str] = Counter()
    seen = {_words(text)}
    found = []
    hidden = list(_hidden(text))
    for edit in sorted(_Walk(text, skipped).edits(root), key=_place):
        if any(first <= edit.first < last for first, last in hidden):
            continue
        changed = _words(text[: edit.first] + edit.new + text[edit.last :])
        if changed in seen:
            skipped["the same text as another"] += 1
            continue
        seen.add(changed)
        start = text.rfind("\n", 0, edit.first) + 1
        end = text.find("\n", edit.last)
        parts = (text[start:end], str(edit.first - start), str(edit.last - start), edit.new)
        found.append(
            Mutant(
                block,
                file,
                text.count("\n", 0, edit.first) + 1,
                edit.operator,
                edit.first,
                edit.last,
                edit.new,
                hashlib.sha256("\0".join((edit.operator, *parts)).encode()).hexdigest()[:8],
                can_be_chosen(
                    root, Change(0, edit.first, edit.last, edit.new, same_type=True), constant
                ),
            )
        )
    return found, skipped


def constant_functions(texts: Iterable[str]) -> set[str]:
    """Return the names of functions that sources call where a model is compiled, directly or not.

    Args:
        texts: all sources of a model.
    """
    from pyslang.syntax import SyntaxTree

    called: set[str] = set()
    calls: dict[str, set[str]] = {}
    for text in texts:
        _calls(SyntaxTree.fromText(text).root, False, "", called, calls)
    waiting = list(called)
    while waiting:
        for name in calls.get(waiting.pop(), set()) - called:
            called.add(name)
            waiting.append(name)
    return called


def _calls(
    node: Any, compiled: bool, function: str, called: set[str], calls: dict[str, set[str]]
) -> None:
    kind = node.kind.name
    if kind == "FunctionDeclaration":
        function = _function(str(node.prototype.name))
    if kind == "InvocationExpression":
        name = _function(str(node.left))
        if compiled:
            called.add(name)
        calls.setdefault(function, set()).add(name)
    compiled = compiled or kind in _WIDTHS | {"ParameterDeclaration", "ParameterValueAssignment"}
    for child in _children(node):
        header = kind in _GENERATE and not child.kind.name.endswith(("Block", "Clause", "Item"))
        _calls(child, compiled or header, function, called, calls)


def _function(name: str) -> str:
    return name.strip().rpartition("::")[2]


def _children(node: Any) -> Iterator[Any]:
    # Tokens have a range, too, but no children.
    return (child for child in node if hasattr(child, "sourceRange") and hasattr(child, "parent"))


def _place(edit: _Edit) -> tuple[int, int, str, str]:
    return edit.first, edit.last, edit.operator, edit.new


def _words(text: str) -> str:
    return " ".join(text.split())


def _hidden(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of a text that synthesis does not see."""
    for start in _SYNTHESIS_OFF.finditer(text):
        depth = 1
        for word in re.finditer(
            r"`ifn?def\b|`else\b|`elsif\b|`endif\b|translate_on", text[start.end() :]
        ):
            depth += {"`ifdef": 1, "`ifndef": 1, "`endif": -1, "translate_on": -1}.get(word[0], 0)
            if depth == 0 or (depth == 1 and word[0] in ("`else", "`elsif")):
                yield start.start(), start.end() + word.start()
                break
        else:
            yield start.start(), len(text)


class _Walk:
    """One walk over a syntax tree."""

    def __init__(self, text: str, skipped: Counter[str]) -> None:
        self._text = text
        self._skipped = skipped

    def edits(self, root: Any) -> Iterator[_Edit]:
        yield from self._visit(root, [])

    def _visit(self, node: Any, above: Sequence[Any]) -> Iterator[_Edit]:
        kind = node.kind.name
        if kind in _LEFT_ALONE or "Assert" in kind or kind.endswith("PropertyStatement"):
            return
        if reason := self._reason(node, above):
            self._skipped[reason] += 1
            return
        if kind == "IfGenerate" and self._is_check(node):
            return
        yield from self._own(node, above)
        for child in _children(node):
            yield from self._visit(child, [*above, node])

    def _reason(self, node: Any, above: Sequence[Any]) -> str:
        """Why nothing below a node is changed."""
        kind, outer = node.kind.name, above[-1] if above else None
        if kind in _WIDTHS or (kind == "ParameterDeclaration" and self._is_of_a_port(node, outer)):
            return "a width or a type"
        if outer is None:
            return ""
        if outer.kind.name == "SimpleRangeSelect" or (
            outer.kind.name in ("AscendingRangeSelect", "DescendingRangeSelect")
            and self._span(node) == self._span(outer.right)
        ):
            return "a width or a type"
        if outer.kind.name in _GENERATE and kind.endswith(("Expression", "Name")):
            return "what is generated"
        if kind == "EqualsValueClause" and self._is_port_parameter(above):
            return "a parameter's default"
        if outer.kind.name == "CastExpression" and self._span(node)[0] == self._span(outer)[0]:
            return "a width or a type" if kind != "IdentifierName" else ""
        if outer.kind.name == "MultipleConcatenationExpression" and (
            self._span(node)[0] == self._span(outer.expression)[0]
        ):
            return "a width or a type"
        if (
            kind == "EqualsValueClause"
            and any(each.kind.name == "DataDeclaration" for each in above)
            and not any(each.kind.name.endswith("BlockStatement") for each in above)
            and not any(each.kind.name == "FunctionDeclaration" for each in above)
        ):
            return "a variable's first value"
        return ""

    @staticmethod
    def _is_port_parameter(above: Sequence[Any]) -> bool:
        parameter = next((n for n in above if n.kind.name == "ParameterDeclaration"), None)
        return parameter is not None and parameter.keyword.rawText == "parameter"

    @staticmethod
    def _is_of_a_port(node: Any, outer: Any) -> bool:
        """Whether a parameter is there for ports: a `localparam` of a module's header."""
        return outer.kind.name == "ParameterPortList" and node.keyword.rawText == "localparam"

    @staticmethod
    def _is_check(node: Any) -> bool:
        """Whether a generate construct only reports what is illegal."""
        return "$error" in str(node) or "$fatal" in str(node)

    @staticmethod
    def _span(node: Any) -> tuple[int, int]:
        place = node.sourceRange
        return place.start.offset, place.end.offset

    def _of(self, node: Any) -> str:
        first, last = self._span(node)
        return self._text[first:last]

    def _replace(self, operator: str, node: Any, new: str) -> _Edit:
        return _Edit(operator, *self._span(node), new)

    def _token(self, operator: str, token: Any, new: str) -> _Edit:
        first = token.location.offset
        return _Edit(operator, first, first + len(token.rawText), new)

    def _own(self, node: Any, above: Sequence[Any]) -> Iterator[_Edit]:
        """The changes at a node itself."""
        kind = node.kind.name
        if kind == "ConditionalPattern":
            yield from self._condition(node, above)
        elif kind == "ConditionalExpression":
            first, second = self._of(node.left), self._of(node.right)
            yield self._both("swap", node.left, node.right, second, first)
        elif kind == "ConcatenationExpression":
            yield from self._concatenation(node, above)
        elif kind == "ExpressionStatement":
            operator = "reset" if self._in_reset(node, above) else "assign"
            yield self._replace(operator, node, ";")
        elif kind in ("IntegerLiteralExpression", "IntegerVectorExpression"):
            for new in self._neighbours(self._of(node)):
                yield self._replace("constant", node, new)
        elif kind == "UnbasedUnsizedLiteralExpression" and self._of(node) in ("'0", "'1"):
            yield self._replace("constant", node, "'1" if self._of(node) == "'0" else "'0")
        elif kind in ("BitSelect", "AscendingRangeSelect", "DescendingRangeSelect"):
            place = node.expr if kind == "BitSelect" else node.left
            yield self._replace("select", place, self._moved(place, 1))
        elif kind == "SimpleRangeSelect":
            step = 1 if self._of(node.right) == "0" else -1
            high, low = self._moved(node.left, step), self._moved(node.right, step)
            yield self._both("select", node.left, node.right, high, low)
        elif kind == "UnaryLogicalNotExpression" and not self._is_reset_condition(node, above):
            operand = self._of(node.operand)
            yield self._replace("logic", node.operand, f"(!{operand})")
        elif kind == "UnaryBitwiseNotExpression":
            yield self._token("logic", node.operatorToken, "")
        elif self._is_binary(node):
            yield from self._binary(node, above)

    def _binary(self, node: Any, above: Sequence[Any]) -> Iterator[_Edit]:
        operator = node.operatorToken.rawText
        for rule, new in _BINARY.get(operator, []):
            if above and self._is_binary(above[-1]):
                # An operator that binds less would take other operands along.
                left, right = self._of(node.left), self._of(node.right)
                yield self._replace(rule, node, f"({left} {new} {right})")
            else:
                yield self._token(rule, node.operatorToken, new)
        if operator in _NEUTRAL:
            for operand in (node.left, node.right):
                yield self._replace("wait", operand, _NEUTRAL[operator])
        if operator == "-":
            left, right = self._of(node.left), self._of(node.right)
            yield self._both("swap", node.left, node.right, f"({right})", f"({left})")

    @staticmethod
    def _is_binary(node: Any) -> bool:
        name = node.kind.name
        return (
            hasattr(node, "operatorToken")
            and hasattr(node, "left")
            and not name.endswith("AssignmentExpression")
            and "Event" not in name
        )

    def _both(self, operator: str, left: Any, right: Any, new_left: str, new_right: str) -> _Edit:
        """An edit of two nodes with what is between them."""
        between = self._text[self._span(left)[1] : self._span(right)[0]]
        return _Edit(
            operator,
            self._span(left)[0],
            self._span(right)[1],
            f"{new_left}{between}{new_right}",
        )

    def _concatenation(self, node: Any, above: Sequence[Any]) -> Iterator[_Edit]:
        parts = list(_children(node))
        written = above[-1].kind.name.endswith("AssignmentExpression") and (
            self._span(above[-1].left) == self._span(node)
        )
        if len(parts) == 2 and not written:
            first, second = self._of(parts[0]), self._of(parts[1])
            yield self._both("swap", parts[0], parts[1], second, first)

    def _condition(self, node: Any, above: Sequence[Any]) -> Iterator[_Edit]:
        if not self._is_reset_condition(node, [*above, node]):
            for value in ("1'b0", "1'b1"):
                yield self._replace("stuck", node.expr, value)

    def _is_reset_condition(self, node: Any, above: Sequence[Any]) -> bool:
        """Whether a condition is that of an asynchronous reset: `if (!rst_ni)` below its edge."""
        statement = next(
            (each for each in reversed(above) if each.kind.name == "ConditionalStatement"), None
        )
        return (
            statement is not None
            and self._span(statement.predicate)[0] <= self._span(node)[0]
            and self._span(node)[1] <= self._span(statement.predicate)[1]
            and self._is_reset(statement, above)
        )

    def _is_reset(self, statement: Any, above: Sequence[Any]) -> bool:
        timing = next((n for n in above if n.kind.name == "TimingControlStatement"), None)
        if timing is None:
            return False
        condition = self._of(statement.predicate).strip("!~() ")
        edges = self._of(timing.timingControl)
        return re.search(rf"\b(?:neg|pos)edge\s+{re.escape(condition)}\b", edges) is not None

    def _in_reset(self, node: Any, above: Sequence[Any]) -> bool:
        """Whether a statement is in the branch that resets."""
        for each in above:
            if each.kind.name == "ConditionalStatement" and self._is_reset(each, above):
                first, last = self._span(each.statement)
                return first <= self._span(node)[0] and self._span(node)[1] <= last
        return False

    def _neighbours(self, literal: str) -> Iterator[str]:
        """The numbers one above and one below, of the same width."""
        if literal.isdigit():
            value = int(literal)
            yield str(value + 1)
            if value > 0:
                yield str(value - 1)
            return
        match = _VECTOR.fullmatch(literal)
        if match is None:
            return
        bits = int(match[1])
        value = int(match[4].replace("_", ""), _BASES[match[3].lower()])
        for other in dict.fromkeys(((value + 1) % 2**bits, (value - 1) % 2**bits)):
            yield f"{bits}'{match[2]}d{other}"

    def _moved(self, node: Any, step: int) -> str:
        text = self._of(node)
        if text.isdigit() and int(text) + step >= 0:
            return str(int(text) + step)
        return f"({text}) {'+' if step > 0 else '-'} {abs(step)}"
