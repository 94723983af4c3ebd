# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""pytest plugin that makes each test a function of the sources, and simulations quick to build.

Before each test, and before each fixture that several tests share, the global generators of
Python, NumPy and (where a test is marked ``tensorflow``) Keras get the seed of its name: what a
test draws depends neither on the tests before it nor on the worker that runs it. Tests that draw
themselves use a generator with a seed of their own, which the lint checks.
"""

from __future__ import annotations

import os
import random
from typing import Any

import numpy as np
import pytest

from corewright.testing.seeds import SEED_VARIABLE, seeds_of


def _seed(name: str, item: Any) -> None:
    (seed,) = seeds_of(name, 1)
    random.seed(seed)
    # Libraries that tests call use it: Keras's initialisers, for one.
    np.random.seed(seed)  # noqa: NPY002
    if item.get_closest_marker("tensorflow") is not None:
        from corewright.frontends import tensorflow as lazy

        tensorflow, _ = lazy.load()
        tensorflow.keras.utils.set_random_seed(seed)


def pytest_configure() -> None:
    """Compile simulations for short runs: -Og simulates as fast as -O1, compiles almost as -O0."""
    os.environ.setdefault("USER_CPPFLAGS", "-Og")


def pytest_report_header() -> str | None:
    """Say when seeds are not those of the tests' names."""
    named = os.environ.get(SEED_VARIABLE)
    return None if named is None else f"{SEED_VARIABLE}: {named}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Seed what the fixtures of this test alone draw."""
    _seed(item.nodeid, item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Seed the test itself, whether or not it was the one to make a shared fixture."""
    _seed(item.nodeid, item)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> None:
    """Seed a fixture that several tests share by its own name."""
    if request.scope != "function":
        parameter = getattr(request, "param", "")
        _seed(f"{fixturedef.baseid}::{fixturedef.argname}[{parameter}]", request.node)
