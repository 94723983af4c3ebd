# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""An operator stands in its rooms, and nobody else asks nodes for their class."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest

from corewright.graph import Node, operators
from corewright.imports import modules

# Folders of rooms: a module of them is one operator's, or what several share.
ROOMS = ("corewright.graph.ops", "corewright.compiler.lowering", "corewright.frontends.handlers")
# What hands operators on, and what makes networks by operator: functions are named after them.
NAMED = ("corewright.graph", "corewright.builder.builder", "corewright.regress.random_graphs")
# Those of the package: tests that run before may have registered others.
OWN = [kind for kind in operators().values() if kind.__module__.startswith("corewright.graph.ops.")]


def module_of(kind: type[Node]) -> str:
    """The name of an operator's modules."""
    return kind.__module__.rpartition(".")[2]


def operators_in(text: str) -> set[str]:
    """Names of operators that a source imports from the graph, or asks of ``corewright.graph``."""
    names = {kind.__name__ for kind in OWN}
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("corewright.graph"):
            found |= {alias.name for alias in node.names} & names
        if isinstance(node, ast.Attribute) and node.attr in names:
            base = ast.unparse(node.value)
            found |= {node.attr} if base in ("graph", "corewright.graph") else set()
    return found


def asked_classes(text: str) -> set[str]:
    """Names of operators that a source compares a node's class with."""
    names = {kind.__name__ for kind in OWN}
    return {
        name.id
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("isinstance", "issubclass")
        for name in ast.walk(call.args[1])
        if isinstance(name, ast.Name) and name.id in names
    } & operators_in(text)


def strangers(sources: Mapping[str, str]) -> list[str]:
    """Operators that stand in modules which are not theirs."""
    found = []
    for module, text in sorted(sources.items()):
        package, _, own = module.rpartition(".")
        for kind in sorted(OWN, key=lambda kind: kind.__name__):
            if kind.__name__ not in operators_in(text):
                continue
            at_home = package in ROOMS and own == module_of(kind)
            if not at_home and module not in NAMED:
                found.append(f"{module} names {kind.__name__}")
            if not at_home and kind.__name__ in asked_classes(text):
                found.append(f"{module} asks whether a node is a {kind.__name__}")
    return found


def sources() -> dict[str, str]:
    """The text of each module of the package."""
    return {name: path.read_text(encoding="utf-8") for name, path in modules().items()}


def test_operators_stand_in_their_rooms_only() -> None:
    assert strangers(sources()) == []


def test_each_operator_has_its_rooms() -> None:
    known = set(modules())
    for kind in OWN:
        rooms: tuple[str, ...] = ROOMS
        if kind.__name__ == "Softmax":
            # The engine has no part in it.
            rooms = tuple(room for room in ROOMS if "lowering" not in room)
        assert {f"{room}.{module_of(kind)}" for room in rooms} <= known


@pytest.mark.parametrize(
    ("module", "text", "told"),
    [
        ("corewright.golden.run", "from corewright.graph import Conv", "golden.run names Conv"),
        (
            "corewright.compiler.lowering.conv",
            "from corewright.graph import Pool\nisinstance(node, Pool)",
            "lowering.conv asks whether a node is a Pool",
        ),
        (
            "corewright.regress.random_graphs",
            "from corewright.graph import Add, Dense\nisinstance(node, (Add, int))",
            "random_graphs asks whether a node is a Add",
        ),
        (
            "corewright.flow.vectors",
            "from corewright import graph\ngraph.Slice",
            "flow.vectors names Slice",
        ),
    ],
)
def test_a_stranger_is_found(module: str, text: str, told: str) -> None:
    assert [line for line in strangers({module: text}) if line.endswith(told)]


def test_those_at_home_are_none() -> None:
    text = "from corewright.graph import MatMul\nisinstance(node, MatMul)"
    assert strangers({"corewright.frontends.handlers.matmul": text}) == []
