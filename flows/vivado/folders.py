# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What tests look at in folders that are to be used without the clone."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

from corewright.environment import repository_root

_LICENSED = (".c", ".h", ".S", ".sv", ".svh", ".v", ".tcl", ".mdd")
# Absolute paths, and such as leave the folder.
_OUTSIDE = re.compile(r"[\s\"{(=](/\w[\w.-]*/\w|\.\./\w)")


def read(path: Path) -> str:
    """Return a file's text."""
    return path.read_text(encoding="utf-8")


def names_of(readme: str) -> set[str]:
    """Return the files that a page's tables and commands name, without their folders."""
    spans = re.findall(r"`([^`]+)`", readme)
    return {name.rpartition("/")[2] for name in spans if not name.endswith("/")}


def complaints(folder: Path, whole: set[str]) -> list[str]:
    """Return what keeps a folder from being used elsewhere, or understood, a line each.

    Files that name the clone or a place outside of the folder, that state no licence, or that its
    ``README.md`` does not name.

    Args:
        folder: with a ``README.md``.
        whole: folders of which the page says what is in them without naming each file.
    """
    root = str(repository_root()).encode()
    named = names_of(read(folder / "README.md"))
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name == "README.md":
            continue
        name = path.relative_to(folder)
        data = path.read_bytes()
        text = data.decode("utf-8", "ignore")
        if root in data or (path.suffix != ".bin" and _OUTSIDE.search(text)):
            found.append(f"{name} names a file outside")
        if path.suffix in _LICENSED and "SPDX-License-Identifier: Apache-2.0" not in text:
            found.append(f"{name} states no licence")
        if name.parent.as_posix() in whole:
            continue
        if not any(fnmatch(path.name, pattern) for pattern in named):
            found.append(f"README.md does not name {name}")
    return found
