# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What of many alike tests CI runs, so that it stays short; a night runs all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import pytest


def first_of_each(names: Iterable[str], kind: Callable[[str], Hashable]) -> list[Any]:
    """Return names as parameters of a test: CI runs the first of each kind, a night all.

    Args:
        names: the parameters; the first of a kind stands for it.
        kind: what a name is one of.
    """
    seen: set[Hashable] = set()
    found = []
    for name in names:
        marks = [pytest.mark.nightly] if kind(name) in seen else []
        seen.add(kind(name))
        found.append(pytest.param(name, marks=marks))
    return found
