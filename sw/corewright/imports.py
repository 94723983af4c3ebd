# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Which of this package's modules import which, read from their sources without running them.

A cache's key is made of the code that its results depend on, which is what the code imports; and
the lint checks the layers that imports go along.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def modules() -> dict[str, Path]:
    """Return the files of this package's modules by dotted name, without tests."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if "tests" not in parts:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(text: str, known: Iterable[str], *, for_types: bool = True) -> set[str]:
    """Return those of the modules ``known`` that a source imports, wherever in it.

    ``from package import name`` is an import of the module ``package.name`` where there is one, and
    of the package itself otherwise. Not counted is the package around a module that is imported:
    packages only hand on what is in their modules.

    Args:
        text: Python source.
        known: names of modules.
        for_types: count imports under ``if TYPE_CHECKING``, too.
    """
    names = set(known)
    found = set()
    for node in _nodes(ast.parse(text), for_types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in names}
        elif isinstance(node, ast.ImportFrom) and node.module in names and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in names else node.module)
    return found


def _nodes(node: ast.AST, for_types: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not for_types and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _nodes(child, for_types)


@functools.cache
def import_graph(*, for_types: bool = True) -> Mapping[str, frozenset[str]]:
    """Return the modules that each module of this package imports, by name."""
    known = modules()
    return {
        name: frozenset(imported(path.read_text(encoding="utf-8"), known, for_types=for_types))
        for name, path in known.items()
    }


def closure(names: Iterable[str]) -> dict[str, Path]:
    """Return the files of modules, and of all that they import, directly or not.

    Raises:
        KeyError: this package has no such module.
    """
    files, graph = modules(), import_graph(for_types=False)
    waiting, found = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return {name: files[name] for name in sorted(found)}


def closure_of_script(text: str) -> dict[str, Path]:
    """Return the files of the modules that a script imports from here, directly or not."""
    return closure(imported(text, modules(), for_types=False))
