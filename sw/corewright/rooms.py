# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Packages of rooms: modules that register what they hold, found because they lie there."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable


def open_rooms(package: str, path: Iterable[str]) -> None:
    """Import every module of ``package``, whose folders are ``path``.

    For a package's own ``__init__``: ``open_rooms(__name__, __path__)``, from where
    :mod:`corewright.imports` takes that the package imports all of its modules.
    """
    for found in sorted(pkgutil.iter_modules(path), key=lambda module: module.name):
        importlib.import_module(f"{package}.{found.name}")
