# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Suite ``system``: random networks on the RTL with the real firmware, under random stalls.

Ten cases share a random hardware, whose bench is compiled once and kept by its content. Every
tensor that a layer writes is compared in memory, and the counters have to add up.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from corewright.compiler import CompiledProgram, compile_graph
from corewright.flow.bench import MAX_SEED, STALLS, run_bench
from corewright.flow.cache import build_folder, building
from corewright.flow.compiled_bench import build_bench
from corewright.flow.inference import describe
from corewright.flow.simulate import report
from corewright.flow.vectors import prepare
from corewright.graph import Graph
from corewright.hardware import Hardware
from corewright.program import decode_stages
from corewright.regress.case import CaseId, CheckFailed, Observation
from corewright.regress.coverage import (
    COMMON_BINS,
    cover_graph,
    cover_hardware,
    cover_program,
    operator_name,
)
from corewright.regress.drawing import facts, first_that_fits, generator, hardware_summary
from corewright.regress.random_graphs import random_graph, random_hardware, random_input

CASES_A_HARDWARE = 10
# Compiling a bench takes long with many units or wide words; small ones have all the corners.
_MOST_UNITS = 96
_LARGEST_BATCH = 4
_LAYERS, _LARGEST = 12, 12
# Not among what a program has; of the memory and of its port.
_BINS = {"stalls": STALLS, "bus bits": ("32", "64", "128", "512"), "runs": ("1", "2")}


class SystemSuite:
    """See this module."""

    name = "system"
    reference = "corewright.regress.kinds.system:SUITE"
    default_cases = 200
    bins: Mapping[str, tuple[str, ...]] = {
        **COMMON_BINS,
        # Comparisons layer by layer need every tensor in its own place.
        "program": tuple(name for name in COMMON_BINS["program"] if name != "memory reused"),
        **_BINS,
    }

    def group(self, index: int) -> int | None:
        """The number of the case's hardware."""
        return index // CASES_A_HARDWARE

    def prepare(self, seed: int, group: int) -> None:
        """Compile the bench of a hardware, unless there is one."""
        build_bench(self.hardware(seed, group))

    def hardware(self, seed: int, group: int) -> Hardware:
        """Return a random hardware, small enough to be compiled soon."""
        rng = generator(f"{self.name} hardware", seed, group)
        while True:
            hw = random_hardware(rng)
            if hw.rows * hw.columns <= _MOST_UNITS:
                return hw

    def run(self, seed: int, index: int, observation: Observation) -> None:
        """Simulate a random network; see :class:`Suite`."""
        hw = self.hardware(seed, index // CASES_A_HARDWARE)
        observation.describe(hardware=hardware_summary(hw))
        bench = build_bench(hw)
        rng = generator(self.name, seed, index)

        def draw() -> tuple[CompiledProgram, Graph]:
            graph = random_graph(rng, hw, layers=_LAYERS, largest=_LARGEST)
            batch = int(rng.integers(1, _LARGEST_BATCH + 1))
            observation.describe(**facts(hw, graph, batch))
            return compile_graph(graph, hw, batch), graph

        (program, graph), refusals = first_that_fits(draw)
        # A second run, sometimes with images of the first to fill it up.
        images = random_input(rng, graph, program.batch + int(rng.integers(0, 2)))
        stalls = STALLS[int(rng.integers(len(STALLS)))]
        memory_seed = int(rng.integers(1, MAX_SEED + 1))
        observation.describe(
            images=len(images), stalls=stalls, memory_seed=memory_seed, refusals=len(refusals)
        )
        stages = decode_stages(program.program)
        observation.cover(
            *cover_graph(graph, program.batch),
            *cover_hardware(hw),
            *cover_program(
                program, graph, len(stages), sum(len(s.host_operations) for s in stages)
            ),
            f"stalls:{stalls}",
            f"bus bits:{hw.axi_width}",
            f"runs:{1 if len(images) == program.batch else 2}",
        )
        with _scratch(str(CaseId(self.name, seed, index))):
            vectors = prepare(graph, hw, images, program.batch)
            result = report(hw, vectors, run_bench(bench, vectors, seed=memory_seed, stalls=stalls))
            judge(result, graph)


@contextlib.contextmanager
def _scratch(name: str) -> Iterator[None]:
    """Let vectors and logs go to a folder of their own, which only a failure leaves behind."""
    before = os.environ.get("COREWRIGHT_BUILD")
    failures = build_folder() / "regress"
    with building(failures):
        failures.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=f"{name}-", dir=failures)
    os.environ["COREWRIGHT_BUILD"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["COREWRIGHT_BUILD"]
        else:
            os.environ["COREWRIGHT_BUILD"] = before
    shutil.rmtree(folder)


def judge(result: Mapping[str, Any], graph: Graph) -> None:
    """Judge a simulation's report.

    Args:
        result: see :func:`corewright.flow.simulate.report`.
        graph: what was simulated.

    Raises:
        CheckFailed: something is wrong; the signature names the status, or what made the first
            tensor that differs.
    """
    if result["passed"]:
        _check_steps(result)
        return
    detail = describe(result)
    if result["status"] != "OK":
        raise CheckFailed(f"status {result['status']}", detail)
    if not result["emulator"]["bit_exact"]:
        raise CheckFailed("emulator differs", detail)
    if result["first_mismatches"]:
        layer = result["first_mismatches"][0]["layer"]
        makers = {node.name: operator_name(node) for node in graph.compute_nodes}
        raise CheckFailed(f"mismatch in {makers.get(layer, layer)}", detail)
    if not result["counters_add_up"]:
        raise CheckFailed("counters do not add up", detail)
    raise CheckFailed("the bench failed", detail)


def _check_steps(result: Mapping[str, Any]) -> None:
    """The array works as many cycles as the compiler has counted."""
    for layer in result["layers"]:
        counted = layer["cycles_by_cause"]["compute"]
        if counted != layer["compute_cycles"]:
            raise CheckFailed(
                f"steps of {layer['type']}",
                f"layer {layer['name']}: {layer['compute_cycles']} expected, {counted} counted",
            )


SUITE = SystemSuite()
