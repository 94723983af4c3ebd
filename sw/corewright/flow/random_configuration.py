# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Configurations of a block's bench that are drawn: ``[bench.random]`` of its ``bench.toml``.

::

    [bench.random]
    parameters = { Rows = { min = 1, max = 12 }, AxiBits = [32, 64], Bytes = "-(-Rows * 5 // 8)" }
    options = { longest = 6000, full_rate = "AxiBits < 64" }
    require = ["Rows * AxiBits <= 512"]

A value is drawn from a range, both ends often, or from a list; a string is an expression in what
stands before it; anything else is itself. A draw that does not meet all that is required, which
are the block's own limits, is drawn again.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from corewright.flow.errors import FlowInputError

# Draws that may be illegal, one behind the other.
_ATTEMPTS = 1000
# Of eight draws from a range, so many are its least and its largest value.
_EDGES = (1, 1)
_KEYS = ("parameters", "options", "require")
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_LEGAL = "numbers, names, + - * // %, comparisons, and, or, not, A if B else C, min, max"


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """Return the value of an expression.

    Args:
        text: in Python's form; numbers, names, arithmetic on integers, comparisons, ``and``,
            ``or``, ``not``, ``A if B else C``, ``min`` and ``max``.
        names: the values of the names.

    Raises:
        ValueError: it is no such expression, or a name is not known; one line says what.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"'{text}' is no expression, legal are {_LEGAL}") from error
    try:
        return _value(tree.body, names)
    except KeyError as error:
        known = ", ".join(names) or "none"
        raise ValueError(f"'{text}': there is no {error.args[0]}, known are: {known}") from error
    except (TypeError, ZeroDivisionError) as error:
        raise ValueError(f"'{text}': {error}") from error


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int()):
            return node.value
        case ast.Name():
            return names[node.id]
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, names)
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, names)
        case ast.BinOp() if type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
        case ast.Compare() if all(type(each) in _OPERATORS for each in node.ops):
            left = _value(node.left, names)
            for op, right_node in zip(node.ops, node.comparators, strict=True):
                right = _value(right_node, names)
                if not _OPERATORS[type(op)](left, right):
                    return False
                left = right
            return True
        case ast.BoolOp():
            # As in Python: what decides nothing any more is not looked at.
            stop = isinstance(node.op, ast.Or)
            return next(
                (stop for part in node.values if bool(_value(part, names)) is stop), not stop
            )
        case ast.IfExp():
            return _value(node.body if _value(node.test, names) else node.orelse, names)
        case ast.Call(func=ast.Name(id=("min" | "max") as name), keywords=[]):
            values = [_value(each, names) for each in node.args]
            return min(*values) if name == "min" else max(*values)
        case _:
            raise ValueError(f"'{ast.unparse(node)}' is not legal, legal are {_LEGAL}")


@dataclass(frozen=True)
class RandomConfiguration:
    """What a bench's configurations may be drawn from.

    Attributes:
        where: what errors call it.
        parameters: of the top, by name.
        options: of the bench.
        require: what a draw has to meet.
    """

    where: str
    parameters: Mapping[str, Any]
    options: Mapping[str, Any]
    require: tuple[str, ...]

    @classmethod
    def parse(cls, where: str, values: Any) -> RandomConfiguration:
        """Return what a table says.

        Raises:
            FlowInputError: it is wrong; one line says what is legal.
        """
        for name, value in values.items():
            if name not in _KEYS:
                legal = ", ".join(_KEYS)
                raise FlowInputError(f"{where}: there is no '{name}', legal are: {legal}")
            kind, words = (list, "a list") if name == "require" else (dict, "a table")
            if not isinstance(value, kind):
                raise FlowInputError(f"{where}: {name} is {value!r}, legal is {words}")
        if not values.get("parameters"):
            raise FlowInputError(f"{where} has no parameters")
        require = values.get("require", [])
        if not all(isinstance(each, str) for each in require):
            raise FlowInputError(f"{where}: require is {require!r}, legal is a list of strings")
        found = cls(where, values["parameters"], values.get("options", {}), tuple(require))
        for name, value in {**found.parameters, **found.options}.items():
            _check(f"{where}: {name}", value)
        # An expression that names nothing shows here, not in the night.
        found.draw(np.random.default_rng(0))
        return found

    def draw(self, rng: np.random.Generator) -> tuple[dict[str, int | str], dict[str, Any]]:
        """Return parameters and options.

        Raises:
            FlowInputError: an expression is wrong, or no draw meets what is required.
        """
        try:
            for _ in range(_ATTEMPTS):
                known: dict[str, Any] = {}
                for name, value in {**self.parameters, **self.options}.items():
                    known[name] = _drawn(rng, value, known)
                if all(evaluate(each, known) for each in self.require):
                    return (
                        {name: known[name] for name in self.parameters},
                        {name: known[name] for name in self.options},
                    )
        except ValueError as error:
            raise FlowInputError(f"{self.where}: {error}") from error
        raise FlowInputError(
            f"{self.where}: none of {_ATTEMPTS} draws meets {' and '.join(self.require)}"
        )


def _check(where: str, value: Any) -> None:
    if isinstance(value, dict):
        low, high = value.get("min"), value.get("max")
        if set(value) != {"min", "max"} or type(low) is not int or type(high) is not int:
            raise FlowInputError(
                f"{where} is {value!r}, legal is a range {{ min = LEAST, max = LARGEST }}"
            )
        if low > high:
            raise FlowInputError(f"{where} is {value!r}, legal is a min that is not above max")
    elif isinstance(value, list):
        if not value:
            raise FlowInputError(f"{where} is an empty list")
    elif not isinstance(value, str | int | bool):
        raise FlowInputError(f"{where} is {value!r}, legal are a range, a list, an expression")


def _drawn(rng: np.random.Generator, value: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return evaluate(value, known)
    if isinstance(value, list):
        return value[int(rng.integers(len(value)))]
    if isinstance(value, dict):
        low, high = value["min"], value["max"]
        edge = int(rng.integers(8))
        if edge < sum(_EDGES):
            return low if edge < _EDGES[0] else high
        return int(rng.integers(low, high + 1))
    return value
