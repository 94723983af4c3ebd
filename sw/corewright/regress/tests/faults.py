# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Suites with something to find, for the tests; workers import them by reference."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from corewright import emulator
from corewright.compiler import CompiledProgram, compile_graph
from corewright.environment import repository_root
from corewright.flow.compiled_bench import CompiledBench, build_bench
from corewright.flow.system import core_text
from corewright.flow.vectors import VectorSet, prepare
from corewright.graph import Add, Conv, Graph
from corewright.hardware import Hardware
from corewright.mutate.choices import Mutation
from corewright.regress.case import CaseId, CheckFailed, Observation
from corewright.regress.drawn import Drawn
from corewright.regress.kinds import graphs, system
from corewright.regress.plan import GraphPlan, SystemPlan, read_plan
from corewright.regress.suites import suites_folder

# Where the hanging case notes the process that it has started.
PIDS = "COREWRIGHT_TEST_PIDS"
# Where the endless case does.
MARKER = "COREWRIGHT_TEST_MARKER"
# Where the broken cores are.
OVERLAY = "COREWRIGHT_TEST_OVERLAY"
MINIMUM = Mutation(
    "cw_pe_array.sv", "candidates_q[j][r] > maxima_q", "candidates_q[j][r] < maxima_q"
)


class Misbehaving:
    """Each case does something else to its process."""

    name = "misbehaving"
    reference = "corewright.regress.tests.faults:MISBEHAVING"
    default_cases = 8
    bins: Mapping[str, tuple[str, ...]] = {"case": ("even", "odd", "never")}

    def group(self, index: int) -> int | None:
        return {6: 0, 7: 1}.get(index)

    def prepare(self, seed: int, group: int) -> None:
        if group == 1:
            raise KeyError("no simulator")

    def run(self, seed: int, index: int, observation: Observation) -> None:
        observation.describe(value=10 * seed + index)
        observation.cover(f"case:{'odd' if index % 2 else 'even'}")
        # Neither may be taken for an answer.
        sys.stdout.write("a case prints\n")
        sys.stdout.flush()
        os.write(1, b"and a tool does\n")
        if index == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        if index == 2:
            with subprocess.Popen(["sleep", "600"]) as child:
                Path(os.environ[PIDS]).write_text(str(child.pid))
        if index == 3:
            raise ZeroDivisionError("of the case")
        if index == 4:
            raise CheckFailed("mismatch in <Conv>", "tensor a & b")
        if index == 5:
            os._exit(7)


class Slow:
    """The even cases wait for longer than a second, the odd ones work without an end."""

    name = "slow"
    reference = "corewright.regress.tests.faults:SLOW"
    default_cases = 2
    bins: Mapping[str, tuple[str, ...]] = {"case": ("any",)}

    def group(self, index: int) -> int | None:
        return None

    def prepare(self, seed: int, group: int) -> None:
        raise NotImplementedError

    def run(self, seed: int, index: int, observation: Observation) -> None:
        observation.cover("case:any")
        time.sleep(1.5)
        while index % 2:
            pass


class Endless:
    """Three cases that end, one of them failed; the next one never does."""

    name = "graphs"
    reference = "corewright.regress.tests.faults:ENDLESS"
    default_cases = 9
    bins: Mapping[str, tuple[str, ...]] = {"case": ("even", "odd")}

    def group(self, index: int) -> int | None:
        return None

    def prepare(self, seed: int, group: int) -> None:
        raise NotImplementedError

    def run(self, seed: int, index: int, observation: Observation) -> None:
        observation.cover(f"case:{'odd' if index % 2 else 'even'}")
        if index == 1:
            raise CheckFailed("mismatch", "of the case")
        if index == 3:
            with subprocess.Popen(["sleep", "600"]) as child:
                marker = Path(os.environ[MARKER])
                marker.with_suffix(".new").write_text(str(child.pid))
                marker.with_suffix(".new").rename(marker)


class WrongEmulator(graphs.GraphSuite):
    """The emulator gets one bit of the first layer's result wrong."""

    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        right = emulator.run

        def wrong(program: bytes, arena: Any, **options: Any) -> Any:
            traces = right(program, arena, **options)
            arena[traces[0].output_offset] ^= 1
            return traces

        with mock.patch.object(graphs.emulator, "run", wrong):
            super().check(drawn, observation, waves)


class DamagedSystem(system.SystemSuite):
    """What the simulation reads is damaged: even cases the program, odd ones what is expected."""

    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        index = CaseId.parse(drawn.origin).index

        def damaged(*arguments: Any) -> VectorSet:
            vectors = prepare(*arguments)
            place = vectors.info["output"]["offset"] if index % 2 else 100
            path = vectors.folder / ("expected.bin" if index % 2 else "program.bin")
            data = bytearray(path.read_bytes())
            data[place] ^= 1
            path.write_bytes(data)
            return vectors

        with mock.patch.object(system, "prepare", damaged):
            super().check(drawn, observation, waves)


class Picky(graphs.GraphSuite):
    """Fails for what needs two layers, a size and an array that are not the smallest."""

    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        super().check(drawn, observation, waves)
        for node in drawn.graph.compute_nodes:
            if not isinstance(node, Add) or node.inputs[0] == node.inputs[1]:
                continue
            if node.own_shift != node.other_shift and node.output.height * node.output.width >= 3:
                columns = drawn.hardware.columns
                raise CheckFailed("additions" if columns >= 2 else "another", node.name)


class Crashing(graphs.GraphSuite):
    """A convolution ends the process, or never ends, if the batch is even."""

    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        if any(isinstance(node, Conv) for node in drawn.graph.compute_nodes):
            if drawn.batch % 2:
                os.kill(os.getpid(), signal.SIGSEGV)
            time.sleep(600)


class BadCompiler(graphs.GraphSuite):
    """The compiler fails on additions, also where a case is drawn."""

    def draw(self, seed: int, index: int, observation: Observation) -> Drawn:
        with mock.patch.object(graphs, "compile_graph", self.compile):
            return super().draw(seed, index, observation)

    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        with mock.patch.object(graphs, "compile_graph", self.compile):
            super().check(drawn, observation, waves)

    @staticmethod
    def compile(graph: Graph, hw: Hardware, batch: int, **options: Any) -> CompiledProgram:
        if any(isinstance(node, Add) for node in graph.compute_nodes):
            raise ZeroDivisionError("of the compiler")
        return compile_graph(graph, hw, batch, **options)


class BrokenRtl(system.SystemSuite):
    """The array's maximum is a minimum, in cores that take the place of the tree's."""

    def bench(self, hw: Hardware, trace: bool = False, cases: int = 1) -> CompiledBench:
        overlay = Path(os.environ[OVERLAY])
        return build_bench(hw, trace=trace, overlay=overlay, compiler_flags=system.SHORT_RUNS)


def break_rtl(folder: Path) -> None:
    """Write the cores of :class:`BrokenRtl`."""
    original = repository_root() / "core" / "pe" / "pe_integer.core"
    shutil.copytree(original.parent, folder, ignore=shutil.ignore_patterns("*.core", "dv"))
    core = yaml.safe_load(original.read_text(encoding="utf-8").removeprefix("CAPI=2:"))
    core["name"] = core["name"].rpartition(":")[0] + ":99.0.0"
    design = core["targets"]["default"]["filesets"]
    core["filesets"] = {name: core["filesets"][name] for name in design}
    core["targets"] = {"default": {"filesets": design}}
    (folder / original.name).write_text(core_text(core), encoding="utf-8")
    source = folder / "rtl" / "cw_pe_array.sv"
    text = source.read_text(encoding="utf-8")
    source.write_text(MINIMUM.apply(source.name, text), encoding="utf-8")


def _of_graphs(kind: type[graphs.GraphSuite], name: str) -> graphs.GraphSuite:
    plan = read_plan(suites_folder() / "graphs.toml")
    assert isinstance(plan, GraphPlan)
    return kind(plan, "graphs", f"{__name__}:{name}")


def _of_systems(kind: type[system.SystemSuite], name: str) -> system.SystemSuite:
    plan = read_plan(suites_folder() / "system.toml")
    assert isinstance(plan, SystemPlan)
    return kind(plan, "system", f"{__name__}:{name}")


SLOW = Slow()
MISBEHAVING = Misbehaving()
ENDLESS = Endless()
BAD_COMPILER = _of_graphs(BadCompiler, "BAD_COMPILER")
CRASHING = _of_graphs(Crashing, "CRASHING")
PICKY = _of_graphs(Picky, "PICKY")
WRONG_EMULATOR = _of_graphs(WrongEmulator, "WRONG_EMULATOR")
BROKEN_RTL = _of_systems(BrokenRtl, "BROKEN_RTL")
DAMAGED_SYSTEM = _of_systems(DamagedSystem, "DAMAGED_SYSTEM")
