# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Kind ``system``: random networks on the RTL with the real firmware, under random traffic.

Some cases share a hardware, whose bench is compiled once and kept by its content. Every tensor that
a layer writes is compared in memory, the counters have to add up, and a run to which something
happens has to end with the right status in bounded time, the next ones exactly.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from corewright.compiler import CompiledProgram, compile_graph
from corewright.flow.bench import run_bench
from corewright.flow.cache import build_folder, building
from corewright.flow.compiled_bench import CompiledBench, build_bench
from corewright.flow.inference import describe
from corewright.flow.simulate import report
from corewright.flow.system import hardware_of
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
from corewright.regress.plan import Directed, Network, SystemPlan
from corewright.regress.random_graphs import random_graph, random_hardware, random_input
from corewright.regress.traffic import TRAFFIC_BINS, Traffic, draw_traffic

# Groups of cases whose hardware is not drawn; random ones count from 0.
_FIXED, _DIRECTED = 1 << 30, 1 << 31
# Cases of a bench above which simulating faster is worth compiling longer: measured on 7x12 units,
# -Og saves 11 s of 25 s of compiling and costs 0.017 s a case.
_WORTH_OPTIMISING = 600
SHORT_RUNS = "-Og"
# Not among what a program has; of the memory and of its port.
_BINS = {"bus bits": ("32", "64", "128", "512"), "array": ("drawn", "8x24", "21x32", "other")}
# Arrays that people use.
_KNOWN_ARRAYS = ("8x24", "21x32")


@dataclass(frozen=True)
class SystemCase:
    """All that a case runs.

    Attributes:
        hardware: the accelerator.
        graph: the network.
        batch: images of a run.
        images: (N, H, W, C) integers, of all runs.
        traffic: what happens around the runs.
    """

    hardware: Hardware
    graph: Graph
    batch: int
    images: np.ndarray
    traffic: Traffic


@dataclass(frozen=True)
class SystemSuite:
    """See this module.

    Attributes:
        plan: the suite's file.
        name: as on the command line.
        reference: see :class:`Suite`.
        file: a user's own.
    """

    plan: SystemPlan
    name: str
    reference: str
    file: str = ""

    @property
    def default_cases(self) -> int:
        """See :class:`Suite`."""
        return self.plan.cases

    @property
    def bins(self) -> Mapping[str, tuple[str, ...]]:
        """See :class:`Suite`."""
        return {
            **COMMON_BINS,
            # Comparisons layer by layer need every tensor in its own place.
            "program": tuple(name for name in COMMON_BINS["program"] if name != "memory reused"),
            **TRAFFIC_BINS,
            **_BINS,
        }

    def directed(self, index: int) -> tuple[int, Directed] | None:
        """Return the directed case with this index, and its number; None: it is a random one."""
        first = 0
        for number, directed in enumerate(self.plan.directed):
            if first <= index < first + directed.cases:
                return number, directed
            first += directed.cases
        return None

    def group(self, index: int) -> int | None:
        """The number of the case's hardware."""
        found = self.directed(index)
        if found is not None:
            return _DIRECTED + found[0] if found[1].hardware else 0
        for number, fixed in enumerate(self.plan.hardware.fixed):
            # In the middle of its period, and never two at once.
            if index % fixed.every == (fixed.every // 2 + number) % fixed.every:
                return _FIXED + number
        return index // self.plan.hardware.cases

    def prepare(self, seed: int, group: int) -> None:
        """Compile the bench of a hardware, unless there is one."""
        self.bench(seed, group)

    def bench(self, seed: int, group: int) -> CompiledBench:
        """Return the bench of a group, compiled for as many cases as it serves."""
        cases = self.plan.hardware.cases
        if group >= _FIXED and group < _DIRECTED:
            cases = self.plan.cases // self.plan.hardware.fixed[group - _FIXED].every
        flags = "" if cases > _WORTH_OPTIMISING else SHORT_RUNS
        return build_bench(self.hardware(seed, group), compiler_flags=flags)

    def hardware(self, seed: int, group: int) -> Hardware:
        """Return a group's hardware; a random one is small enough to be compiled soon."""
        plan = self.plan.hardware
        if group >= _DIRECTED:
            return hardware_of(self.plan.directed[group - _DIRECTED].hardware, Path())
        if group >= _FIXED:
            return self.plan.fixed_hardware(group - _FIXED)
        rng = generator(f"{self.name} hardware", seed, group)
        while True:
            hw = _chosen(rng, random_hardware(rng), plan.choices)
            if hw is not None and hw.rows * hw.columns <= plan.units:
                return hw

    def draw(self, seed: int, index: int, observation: Observation) -> SystemCase:
        """Return what a case runs, and describe it.

        Raises:
            CheckFailed: no network fits the hardware.
        """
        group = self.group(index) or 0
        found = self.directed(index)
        hw = self.hardware(seed, group)
        traffic = draw_traffic(
            generator(f"{self.name} traffic", seed, index), self.plan.traffic.weights
        )
        network = self.plan.network
        if found is not None:
            directed = found[1]
            traffic = _directed_traffic(traffic, directed.traffic)
            network = directed.network or network
            observation.describe(directed=directed.name)
        observation.describe(hardware=hardware_summary(hw), traffic=traffic.to_dict())
        rng = generator(self.name, seed, index)
        (graph, batch), refusals = first_that_fits(lambda: _network(rng, hw, network, observation))
        # The last run is sometimes filled up with images of the first.
        last = int(rng.integers(1, batch + 1)) if rng.integers(2) else batch
        images = random_input(rng, graph, batch * (traffic.runs - 1) + last)
        observation.describe(
            images=len(images),
            stalls=traffic.stalls,
            memory_seed=traffic.seed,
            refusals=len(refusals),
        )
        array = f"{hw.rows}x{hw.columns}"
        if group < _FIXED:
            array = "drawn"
        observation.cover(
            f"array:{array if array in ('drawn', *_KNOWN_ARRAYS) else 'other'}",
            f"bus bits:{hw.axi_width}",
            *cover_hardware(hw),
        )
        return SystemCase(hw, graph, batch, images, traffic)

    def run(self, seed: int, index: int, observation: Observation) -> None:
        """Simulate a random network; see :class:`Suite`."""
        case = self.draw(seed, index, observation)
        # Not in the scratch folder: benches are kept.
        bench = self.bench(seed, self.group(index) or 0)
        with _scratch(str(CaseId(self.name, seed, index))):
            simulate(case, bench, observation)


def simulate(case: SystemCase, bench: CompiledBench, observation: Observation) -> None:
    """Run a case and judge it.

    Raises:
        CheckFailed: something is wrong.
    """
    graph, hw, traffic = case.graph, case.hardware, case.traffic
    program = compile_graph(graph, hw, case.batch)
    stages = decode_stages(program.program)
    observation.cover(
        *cover_graph(graph, program.batch),
        *cover_program(program, graph, len(stages), sum(len(s.host_operations) for s in stages)),
        *traffic.bins,
    )
    vectors = prepare(graph, hw, case.images, case.batch)
    outcome = run_bench(
        bench, vectors, seed=traffic.seed, stalls=traffic.stalls, plusargs=traffic.plusargs()
    )
    event = outcome.result.get("event")
    if event is None:
        observation.cover("event:none")
    else:
        in_time = event["status"] != "OK"
        observation.cover(f"event:{event['kind']} {'in time' if in_time else 'too late'}")
        observation.describe(event=event)
    observation.describe(simulated_cycles=outcome.result["simulated_cycles"])
    judge(report(hw, vectors, outcome), graph, event)


def _network(
    rng: np.random.Generator, hw: Hardware, network: Network, observation: Observation
) -> tuple[Graph, int]:
    """A network that compiles, and its batch."""
    graph = random_graph(
        rng, hw, layers=network.layers, largest=network.size, operators=network.operators
    )
    batch = int(rng.integers(1, network.batch + 1))
    observation.describe(**facts(hw, graph, batch))
    program: CompiledProgram = compile_graph(graph, hw, batch)
    return graph, program.batch


def _chosen(
    rng: np.random.Generator, hw: Hardware, choices: Mapping[str, list[Any]]
) -> Hardware | None:
    """``hw`` with the parameters that a plan draws itself; None: they do not go together."""
    values = {name: legal[int(rng.integers(len(legal)))] for name, legal in sorted(choices.items())}
    try:
        return replace(hw, **values) if values else hw
    except ValueError:
        return None


def _directed_traffic(drawn: Traffic, values: Mapping[str, Any]) -> Traffic:
    """What a directed case says, the seed drawn; without an event and stalls if it names none."""
    return Traffic.from_dict({"seed": drawn.seed, **values})


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


def judge(result: Mapping[str, Any], graph: Graph, event: Mapping[str, Any] | None = None) -> None:
    """Judge a simulation's report.

    Args:
        result: see :func:`corewright.flow.simulate.report`.
        graph: what was simulated.
        event: what the bench says of what happened to a run.

    Raises:
        CheckFailed: something is wrong; the signature names the status, or what made the first
            tensor that differs.
    """
    if result["passed"]:
        _check_steps(result)
        return
    detail = describe(result)
    if result["status"] == "EVENT" and event is not None:
        raise CheckFailed(f"{event['kind']} ends with {event['status']}", detail)
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
