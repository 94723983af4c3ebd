# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The package's modules are layered: what imports go along, also those within functions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

import pytest

from corewright.imports import closure, closure_of_script, import_graph, imported, modules

# From the bottom. A part (a package or module of corewright) imports from lower layers and from
# itself, never from a neighbour. Within a part, no module imports itself through others.
LAYERS: tuple[tuple[str, ...], ...] = (
    # the machine and its files; nothing of networks
    ("announce", "environment", "facts", "files", "hints", "imports", "legacy_keras", "rooms"),
    # descriptions: of a hardware, a network, a program; where sources and data are
    ("datasets", "graph", "hardware", "program", "sources"),
    # what they mean, and what other tools read of them
    ("emulator", "export", "golden"),
    # what makes graphs, and programs of them
    ("builder", "compiler", "frontends"),
    # what synthesis has made of the RTL
    ("silicon",),
    # vectors, simulations, verdicts: whatever runs a tool
    ("flow",),
    # who asks for that: scripts, FuseSoC, random cases
    ("dialects", "gen", "regress"),
    # what the tests are worth
    ("mutate",),
    # who asks for all of it, every night
    ("night",),
    # people
    ("cli",),
)
# What names of all layers are loaded through when they are first used; nothing inside imports it.
FACADE = "corewright"
# Modules that import by a name that they compute: packages hand on what needs TensorFlow, and name
# it for type checkers, too; a worker is told its suite; of TensorFlow, its Keras; rooms lie there.
COMPUTED = {
    *("corewright", "corewright.dialects.cgra4ml", "corewright.frontends"),
    *("corewright.frontends.tensorflow", "corewright.legacy_keras", "corewright.regress.suites"),
    "corewright.rooms",
}
# For tests only: it imports anything, and nothing imports it.
TESTING = "testing"


def part_of(module: str) -> str:
    """The part of the package that a module belongs to."""
    return module.split(".")[1] if "." in module else module


def cycles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """One cycle through each module from which some are found, as the names along it."""
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
        elif name not in done:
            for other in sorted(graph[name]):
                visit(other, [*path, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def wrong_imports(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Imports that do not go down."""
    layer = {part: index for index, parts in enumerate(LAYERS) for part in parts}
    wrong = []
    for module, others in sorted(graph.items()):
        part = part_of(module)
        if part in (FACADE, TESTING):
            continue
        for other in sorted(others):
            target = part_of(other)
            if target != part and layer.get(target, len(LAYERS)) >= layer[part]:
                wrong.append(f"{module} imports {other}")
    return wrong


def test_each_part_has_a_layer() -> None:
    placed = [part for parts in LAYERS for part in parts]
    assert sorted([*placed, FACADE, TESTING]) == sorted({part_of(name) for name in modules()})


def test_imports_go_down() -> None:
    assert wrong_imports(import_graph()) == []


def test_imports_hide_nowhere() -> None:
    hidden = {
        name
        for name, path in modules().items()
        if part_of(name) != TESTING
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.Attribute)
        if (node.id if isinstance(node, ast.Name) else node.attr) in ("import_module", "__import__")
    }
    assert hidden == COMPUTED


def test_no_module_imports_itself_through_others() -> None:
    assert cycles(import_graph()) == []


@pytest.mark.parametrize(
    ("module", "other", "told"),
    [
        ("corewright.hardware", "corewright.flow", "corewright.hardware imports corewright.flow"),
        ("corewright.golden.run", "corewright.export", "imports corewright.export"),
        ("corewright.flow.cache", "corewright.testing.axis", "imports corewright.testing.axis"),
        ("corewright.cli.main", "corewright", "imports corewright"),
    ],
)
def test_an_import_that_does_not_go_down_is_found(module: str, other: str, told: str) -> None:
    graph = {**import_graph(), module: {other}}
    assert [line for line in wrong_imports(graph) if line.endswith(told)]


def test_a_cycle_within_a_part_is_found() -> None:
    graph = {**import_graph(), "corewright.graph.node": {"corewright.graph.files"}}
    files, node = "corewright.graph.files", "corewright.graph.node"
    found = cycles(graph)
    assert [files, node, files] in found or [node, files, node] in found


def test_imports_are_found_wherever_they_are() -> None:
    text = (
        "from typing import TYPE_CHECKING\n"
        "import corewright.files\n"
        "if TYPE_CHECKING:\n    from corewright.graph import Graph\n"
        "def f():\n    from corewright.flow import cache, find_system\n"
    )
    late = {"corewright.files", "corewright.flow", "corewright.flow.cache"}
    assert imported(text, modules()) == {*late, "corewright.graph"}
    assert imported(text, modules(), for_types=False) == late


def test_a_closure_holds_what_a_result_depends_on_and_no_more() -> None:
    found = set(closure(["corewright.compiler.compile"]))
    assert {"corewright.graph.node", "corewright.hardware", "corewright.program.format"} <= found
    # Rooms, which nobody imports by name.
    assert "corewright.graph.ops.conv" in found
    assert not {part_of(name) for name in found} & {"emulator", "flow", "frontends", "cli"}
    assert closure_of_script("from corewright import convert\n") == modules()
    assert not closure_of_script("import numpy\n")
