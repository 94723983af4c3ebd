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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corewright.compiler import CompiledProgram, CompileError, compile_graph
from corewright.flow.bench import MAX_SEED, STALLS, run_bench
from corewright.flow.cache import build_folder, building
from corewright.flow.compiled_bench import CompiledBench, build_bench
from corewright.flow.inference import describe
from corewright.flow.simulate import report
from corewright.flow.vectors import VectorSet, prepare
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
from corewright.regress.drawn import Drawn, check_values
from corewright.regress.random_graphs import random_graph, random_hardware, random_input

CASES_A_HARDWARE = 10
# Compiling a bench takes long with many units or wide words; small ones have all the corners.
_MOST_UNITS = 96
_LARGEST_BATCH = 4
_LAYERS, _LARGEST = 12, 12
# Waves of a failure: so many cycles before an end that should not be, and around a wrong layer.
_LAST_CYCLES, _MARGIN = 5000, 100
# Not among what a program has; of the memory and of its port.
_BINS = {"stalls": STALLS, "bus bits": ("32", "64", "128", "512"), "runs": ("1", "2")}


class SystemSuite:
    """See this module."""

    name = "system"
    reference = "corewright.regress.system:SUITE"
    default_cases = 200
    simulates = True
    simplest: Mapping[str, Any] = {"stalls": "none", "memory_seed": 1}
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
        self.check(self.draw(seed, index, observation), observation)

    def draw(self, seed: int, index: int, observation: Observation) -> Drawn:
        """See :class:`ExplicitSuite`."""
        hw = self.hardware(seed, index // CASES_A_HARDWARE)
        observation.describe(hardware=hardware_summary(hw))
        rng = generator(self.name, seed, index)

        def draw() -> tuple[Graph, int, CompiledProgram | None]:
            graph = random_graph(rng, hw, layers=_LAYERS, largest=_LARGEST)
            batch = int(rng.integers(1, _LARGEST_BATCH + 1))
            observation.describe(**facts(hw, graph, batch))
            try:
                return graph, batch, compile_graph(graph, hw, batch)
            except CompileError as error:
                if error.parameter is not None:
                    raise
            except Exception:
                # A fault of the compiler, which whoever compiles it again sees.
                return graph, batch, None
            return graph, batch, None

        (graph, batch, program), refusals = first_that_fits(draw)
        # A second run, sometimes with images of the first to fill it up.
        images = random_input(rng, graph, batch + int(rng.integers(0, 2)))
        stalls = STALLS[int(rng.integers(len(STALLS)))]
        memory_seed = int(rng.integers(1, MAX_SEED + 1))
        observation.describe(
            images=len(images), stalls=stalls, memory_seed=memory_seed, refusals=len(refusals)
        )
        options = {"stalls": stalls, "memory_seed": memory_seed}
        name = str(CaseId(self.name, seed, index))
        return Drawn(name, graph, hw, batch, images, options, program)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """See :class:`ExplicitSuite`."""
        check_values(options, {"stalls": STALLS, "memory_seed": range(1, MAX_SEED + 1)})

    def bench(self, hw: Hardware, trace: bool = False) -> CompiledBench:
        """Return the compiled bench of a hardware."""
        return build_bench(hw, trace=trace)

    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        """Simulate; see :class:`ExplicitSuite`.

        With ``waves`` the case runs twice: the first run says which cycles are of interest.
        """
        graph, hw, options = drawn.graph, drawn.hardware, drawn.options
        observation.describe(**facts(hw, graph, drawn.batch, images=len(drawn.images), **options))
        program = drawn.program or compile_graph(graph, hw, drawn.batch)
        stages = decode_stages(program.program)
        observation.cover(
            *cover_graph(graph, program.batch),
            *cover_hardware(hw),
            *cover_program(
                program, graph, len(stages), sum(len(s.host_operations) for s in stages)
            ),
            f"stalls:{options['stalls']}",
            f"bus bits:{hw.axi_width}",
            f"runs:{min(-(-len(drawn.images) // program.batch), 2)}",
        )
        bench = self.bench(hw, trace=waves is not None)
        how = {"seed": options["memory_seed"], "stalls": options["stalls"]}
        with _scratch(drawn.origin, keep=observation.keep_files):
            vectors = prepare(graph, hw, drawn.images, program.batch)
            outcome = run_bench(bench, vectors, **how)
            result = report(hw, vectors, outcome)
            observation.describe(simulated_cycles=result["simulated_cycles"])
            if waves is not None:
                begin, end = failing_cycles(outcome.result, vectors, outcome.mismatches)
                window = (f"trace_from={begin}", f"trace_to={end}")
                run_bench(bench, vectors, waves=waves, plusargs=window, **how)
                observation.describe(waves=str(waves), waves_cycles=f"{begin}..{end}")
            judge(result, graph)


def failing_cycles(
    result: Mapping[str, Any], vectors: VectorSet, mismatches: Sequence[Mapping[str, Any]]
) -> tuple[int, int]:
    """Return the cycles, from the simulation's begin, in which a run went wrong.

    They are those of the layer that writes the first wrong tensor, as the performance counters
    have them, or else of the whole run: of the first one that failed. What ended otherwise than it
    should (a hang, an assertion, a status) has its last cycles, what passed all of them.

    Args:
        result: what the bench wrote.
        vectors: what it ran.
        mismatches: see ``RunResult``.
    """
    last = int(result["simulated_cycles"])
    wrong = [number for number, run in enumerate(result["runs"]) if run["mismatches"]]
    if result["passed"]:
        return 0, last
    if result["status"] != "OK" or not wrong:
        return max(0, last - _LAST_CYCLES), last
    run = result["runs"][wrong[0]]
    begin, end = int(run["first_cycle"]), int(run["last_cycle"])
    named = [m["layer"] for m in mismatches if m["image"] // vectors.info["batch"] == wrong[0]]
    # Those in which the firmware works, in front of the first layer and behind the last one.
    firmware = end - begin - int(run["cycles"])
    at = begin
    # Between two stages the host works as long as it likes.
    rows = zip(vectors.layers, run["layer_cycles"], strict=False) if len(run["stages"]) == 1 else ()
    for layer, words in rows:
        cycles = int(words[-1])
        if not cycles:
            break
        if layer["node"] in named[:1]:
            begin, end = at, at + firmware + cycles
            break
        at += cycles
    return max(0, begin - _MARGIN), min(last, end + _MARGIN)


@contextlib.contextmanager
def _scratch(name: str, keep: bool) -> Iterator[None]:
    """Let vectors and logs go to a folder of their own, which only a failure leaves behind.

    Not even that, where nothing is to be kept.
    """
    before = os.environ.get("COREWRIGHT_BUILD")
    failures = build_folder() / "regress"
    with building(failures):
        failures.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=f"{name}-", dir=failures)
    os.environ["COREWRIGHT_BUILD"] = folder
    passed = False
    try:
        yield
        passed = True
    finally:
        if before is None:
            del os.environ["COREWRIGHT_BUILD"]
        else:
            os.environ["COREWRIGHT_BUILD"] = before
        if passed or not keep:
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
