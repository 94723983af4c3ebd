# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Seeds of tests: each is a function of the test's name, so that a run of the suite is repeatable.

``COREWRIGHT_SEED=N`` replaces them all; a failure prints the one that it used. Seeds that come from
nowhere belong into ``./cw regress``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

SEED_VARIABLE = "COREWRIGHT_SEED"
# Verilator accepts seeds from 1 to 2^31 - 1.
SEED_LIMIT = 2**31 - 1


def current_test(otherwise: str = "") -> str:
    """Return the node name of the pytest case that runs now, or ``otherwise`` outside pytest."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" (", 1)[0] or otherwise


def checked_seed(seed: int) -> int:
    """Return a seed that is in range.

    Raises:
        ValueError: it is not.
    """
    if not 1 <= seed <= SEED_LIMIT:
        raise ValueError(f"seed {seed} is not in 1..{SEED_LIMIT}")
    return seed


def seed_of(name: str) -> int:
    """Return the seed of a name: the same in every process and on every machine."""
    digest = hashlib.sha256(name.encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % SEED_LIMIT


def seeds_of(name: str, count: int) -> Iterator[int]:
    """Yield the seeds of a test that may need several, the test's own one first.

    With ``COREWRIGHT_SEED`` it is that one, and the ones behind it.

    Raises:
        ValueError: the variable's value is no seed.
    """
    replayed = os.environ.get(SEED_VARIABLE)
    for index in range(count):
        if replayed is None:
            yield seed_of(f"{name} {index}" if index else name)
        else:
            yield checked_seed(int(replayed) + index)
