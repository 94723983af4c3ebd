# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Which of this package's modules import which, read from their sources without running them.

A cache's key is made of the code that its results depend on, which is what the code imports; and
the lint checks the layers that imports go along.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
# How a package imports all of its modules.
_OPENING = "open_rooms(__name__, __path__)\n"


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
    for node in _statements(ast.parse(text), for_types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in names}
        elif isinstance(node, ast.ImportFrom) and node.module in names and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in names else node.module)
    return found


def _statements(tree: ast.AST, for_types: bool) -> Iterator[ast.stmt]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if not for_types and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.stmt):
            yield node
        # Expressions hold no statements, and are most of a tree.
        blocks = (ast.stmt, ast.ExceptHandler, ast.match_case)
        waiting += (child for child in ast.iter_child_nodes(node) if isinstance(child, blocks))


def imports_of(name: str, known: Mapping[str, Path], *, for_types: bool = True) -> set[str]:
    """Return what a module of this package imports; see :func:`imported`.

    A package that opens its rooms (:mod:`corewright.rooms`) imports all modules directly in it.

    Args:
        name: of the module.
        known: files of all modules, by name.
        for_types: count imports under ``if TYPE_CHECKING``, too.
    """
    text = known[name].read_text("utf-8")
    found = imported(text, known, for_types=for_types)
    if _OPENING in text:
        found |= {other for other in known if other.rpartition(".")[0] == name}
    return found


def import_graph() -> dict[str, set[str]]:
    """Return the modules that each module of this package imports, by name."""
    known = modules()
    return {name: imports_of(name, known) for name in known}


def closure(names: Iterable[str]) -> dict[str, Path]:
    """Return the files of modules, and of all that they import, directly or not.

    What is imported from the package's top may be anything: then it is all of them.

    Raises:
        KeyError: this package has no such module.
    """
    files = modules()
    waiting, found = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name == PACKAGE.name:
            return files
        if name not in found:
            found.add(name)
            waiting += imports_of(name, files, for_types=False)
    return {name: files[name] for name in sorted(found)}


def closure_of_script(text: str) -> dict[str, Path]:
    """Return the files of the modules that a script imports from here, directly or not."""
    return closure(imported(text, modules(), for_types=False))
