# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Where an exported folder's scripts find files: in the tree, or in a copy of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

# What a script in the folder calls a file of the tree.
Place = Callable[[Path], str]


def referenced(folder: Path) -> Place:
    """Return the place of files that stay where they are: paths relative to ``folder``."""
    base = folder.resolve()
    return lambda path: Path(os.path.relpath(path, base)).as_posix()


def copied(folder: Path, below: str) -> Place:
    """Return the place of files that are copied to ``folder/below``, all of them side by side.

    Raises (when a file is placed):
        OSError: a file cannot be copied.
        ValueError: two files of one name would be one.
    """
    names: dict[str, Path] = {}

    def place(path: Path) -> str:
        if names.setdefault(path.name, path) != path:
            raise ValueError(f"{path} and {names[path.name]} have one name")
        target = folder / below / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        return f"{below}/{path.name}"

    return place
