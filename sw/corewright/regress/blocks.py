# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Suite ``blocks``: the benches of all blocks, on their configurations and on random ones.

What there is, the ``bench.toml`` files say: see :mod:`corewright.flow.block_benches`. A few cases
share a model, and each runs all tests of its bench with a seed of its own.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from corewright.environment import EnvironmentUnusableError
from corewright.flow.block_benches import RANDOM, BlockBench, Configuration, all_block_benches
from corewright.regress.case import MAX_SEED, CaseId, CheckFailed, Observation
from corewright.regress.drawing import generator

if TYPE_CHECKING:
    from corewright.flow.cocotb_bench import CocotbFailure

CASES_A_MODEL = 4
_ASSERTION = re.compile(r"Assertion failed in \S*?(\w+)(?::|\s|$)")


class BlockSuite:
    """See this module."""

    name = "blocks"
    reference = "corewright.regress.blocks:SUITE"
    default_cases = 200

    @functools.cached_property
    def benches(self) -> tuple[BlockBench, ...]:
        """All benches, in the order of their folders and files."""
        return tuple(all_block_benches())

    @property
    def bins(self) -> Mapping[str, tuple[str, ...]]:
        """The configurations of each bench, and whether one was drawn."""
        return {
            bench.name: (*bench.configurations, *((RANDOM,) if bench.random else ()))
            for bench in self.benches
        }

    def group(self, index: int) -> int | None:
        """The number of the case's model."""
        return index // CASES_A_MODEL

    def model(self, seed: int, group: int) -> tuple[BlockBench, Configuration]:
        """Return a bench and its configuration: as many groups as benches have each bench once."""
        turn, place = divmod(group, len(self.benches))
        order = generator(f"{self.name} order", seed, turn).permutation(len(self.benches))
        bench = self.benches[int(order[place])]
        rng = generator(f"{self.name} model", seed, group)
        if bench.random is not None and rng.integers(2):
            return bench, bench.draw(rng)
        names = list(bench.configurations)
        return bench, bench.configurations[names[int(rng.integers(len(names)))]]

    def prepare(self, seed: int, group: int) -> None:
        """Compile a model, unless there is one.

        Raises:
            EnvironmentUnusableError: cocotb is not installed.
            CocotbFailure: the model could not be built.
        """
        _require_cocotb()
        from corewright.flow.cocotb_bench import build_model

        bench, configuration = self.model(seed, group)
        case = CaseId(self.name, seed, group * CASES_A_MODEL)
        build_model(bench.bench(configuration), case.command)

    def run(self, seed: int, index: int, observation: Observation) -> None:
        """Run a bench; see :class:`Suite`.

        Raises:
            EnvironmentUnusableError: cocotb is not installed.
        """
        _require_cocotb()
        from corewright.flow.cocotb_bench import CocotbFailure, build_model, run_model

        bench, configuration = self.model(seed, index // CASES_A_MODEL)
        bench_seed = int(generator(self.name, seed, index).integers(1, MAX_SEED + 1))
        observation.describe(
            bench=bench.name,
            configuration=configuration.name,
            parameters=dict(configuration.parameters),
            options=dict(configuration.options),
            bench_seed=bench_seed,
        )
        observation.cover(f"{bench.name}:{configuration.name}")
        command = CaseId(self.name, seed, index).command
        runnable = bench.bench(configuration)
        model = build_model(runnable, command)
        try:
            run_model(runnable, model, bench_seed, None, reproduce=command)
        except CocotbFailure as failure:
            signature = signature_of_failure(bench.module, failure)
            if signature is None:
                raise
            raise CheckFailed(signature, str(failure)) from failure


def _require_cocotb() -> None:
    if importlib.util.find_spec("cocotb") is None:
        raise EnvironmentUnusableError(
            "cocotb is not installed: pip install 'corewright[simulator]', or in a clone "
            "COREWRIGHT_SETS=test ./cw regress blocks"
        )


def signature_of_failure(module: str, failure: CocotbFailure) -> str | None:
    """Return what failures of the same cause have in common.

    It names the first test that failed, without its parameters, or the assertion that ended the
    simulation.

    Args:
        module: the bench's module.
        failure: how the run ended.

    Returns:
        None: the run says nothing of the block, such as one in which no test ran.
    """
    from corewright.flow.cocotb_bench import BenchHung, BenchTestsFailed

    if isinstance(failure, BenchTestsFailed) and failure.tests:
        return f"{module}: {failure.tests[0].partition('/')[0]}"
    if isinstance(failure, BenchHung):
        return f"{module}: no end"
    assertion = _ASSERTION.search(str(failure))
    return f"{module}: assertion {assertion[1]}" if assertion else None


SUITE = BlockSuite()
