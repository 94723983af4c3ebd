# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Content-addressed results under ``build/``: what a hash names is whole and never changes."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from corewright.environment import build_folder
from corewright.files import check_writable, writing
from corewright.imports import closure

_MOVED_BY = "COREWRIGHT_BUILD=FOLDER"
_SKIPPED_FOLDERS = {"__pycache__", "build", "obj_dir", "tests"}


@contextlib.contextmanager
def building(path: Path) -> Iterator[None]:
    """Write below the build folder; raises OutputError, which names the variable that moves it."""
    with writing(path, _MOVED_BY):
        yield


def check_build_folder() -> None:
    """Raise OutputError where the build folder cannot be written; makes it if needed."""
    check_writable(build_folder(), _MOVED_BY)


def digest(value: Any) -> str:
    """Return a SHA-256 in hexadecimal of JSON-compatible data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def tree_digest(roots: Iterable[Path], suffixes: Iterable[str]) -> str:
    """Return a SHA-256 of names and contents of all files below ``roots`` with a suffix.

    Folders of tests and of build results are left out; a root may be a file.
    """
    wanted = set(suffixes)
    result = hashlib.sha256()
    for root in roots:
        for path in _files(root, wanted):
            # Names within the root, so that a clone elsewhere has the same digest.
            result.update(f"{root.name}/{path.relative_to(root).as_posix()}\0".encode())
            result.update(hashlib.sha256(path.read_bytes()).digest())
    return result.hexdigest()


def _files(root: Path, suffixes: set[str]) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        for name in sorted(names):
            path = Path(folder) / name
            if path.suffix in suffixes and path.is_file():
                yield path


def modules_digest(modules: Mapping[str, Path]) -> str:
    """Return a SHA-256 of names and contents of modules that ``corewright.imports`` found."""
    return digest(
        {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in modules.items()}
    )


@functools.cache
def code_digest(module: str) -> str:
    """Return the digest of one of this package's modules and all that it imports."""
    return modules_digest(closure([module]))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; the file stays, its content has no meaning."""
    with building(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cached_folder(final: Path, fill: Callable[[Path], None]) -> bool:
    """Make ``final`` by calling ``fill`` with an empty folder, unless it is there.

    ``final`` appears by one rename, so what is there is whole, whoever else does the same.

    Returns:
        Whether it had to be made.

    Raises:
        OutputError: the build folder cannot be written.
    """
    if final.is_dir():
        return False
    with building(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="making-", dir=final.parent))
        try:
            fill(work)
            work.chmod(0o755)
            try:
                work.rename(final)
            except OSError:
                if not final.is_dir():
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return True
