# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A seed is a function of a test's name, in any process and whatever ran before."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from corewright.testing.seeds import SEED_LIMIT, seed_of, seeds_of

NAMES = [f"core/x/dv/test_x.py::test_x[{index}]" for index in range(200)]


def test_names_give_different_seeds_that_the_simulator_accepts():
    seeds = [seed_of(name) for name in NAMES]
    assert len(set(seeds)) == len(NAMES)
    assert all(1 <= seed <= SEED_LIMIT for seed in seeds)


def test_a_second_process_gives_the_same_seeds():
    code = (
        "import sys\n"
        "from corewright.testing.seeds import seeds_of\n"
        "for name in sys.argv[1:]: print(*seeds_of(name, 3))\n"
    )
    ours = [" ".join(map(str, seeds_of(name, 3))) for name in NAMES[:9]]
    sw = str(Path(__file__).resolve().parents[3])
    for hashes in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": sw}
        command = [sys.executable, "-c", code, *NAMES[:9]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == ours


def test_a_variable_replaces_the_seeds(monkeypatch):
    monkeypatch.setenv("COREWRIGHT_SEED", "7")
    assert list(seeds_of("a", 3)) == list(seeds_of("b", 3)) == [7, 8, 9]
    for wrong in ("0", str(SEED_LIMIT + 1)):
        monkeypatch.setenv("COREWRIGHT_SEED", wrong)
        with pytest.raises(ValueError, match=f"seed {wrong} is not in 1"):
            list(seeds_of("a", 1))


@pytest.fixture(scope="module", params=["a", "b"])
def shared(request: pytest.FixtureRequest) -> tuple[str, float, float]:
    return request.param, random.random(), float(np.random.random())  # noqa: NPY002


def draws(name: str) -> tuple[float, float]:
    """What the global generators give first with the seed of a name."""
    (seed,) = seeds_of(name, 1)
    return random.Random(seed).random(), float(np.random.RandomState(seed).random_sample())


@pytest.mark.parametrize("turn", [1, 2])
def test_global_generators_start_anew_with_each_test(turn, request):
    assert (random.random(), float(np.random.random())) == draws(request.node.nodeid)  # noqa: NPY002


def test_shared_fixtures_draw_with_their_own_name(shared, request):
    parameter, *drawn = shared
    folder = request.node.nodeid.split("::")[0]
    assert tuple(drawn) == draws(f"{folder}::shared[{parameter}]")
    # And the test that happened to make one draws as if it had not.
    assert (random.random(), float(np.random.random())) == draws(request.node.nodeid)  # noqa: NPY002
