# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Judges mutants by simulations of a whole accelerator with its firmware.

One small hardware, compiled once with all mutants; directed cases first, which are faults whose
status the documentation says and of which the next run has to be exact, then random networks.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from corewright.builder import Builder
from corewright.compiler import compile_graph
from corewright.environment import repository_root, variable
from corewright.flow.bench import STALLS, RunResult, run_bench
from corewright.flow.compiled_bench import CompiledBench, build_bench
from corewright.flow.errors import FlowError
from corewright.flow.simulate import report
from corewright.flow.system import core_text
from corewright.flow.vectors import VectorSet, prepare
from corewright.graph import Graph
from corewright.hardware import Hardware
from corewright.mutate.blocks import Block
from corewright.mutate.choices import MUTANT_PLUSARG, SELECTOR, SELECTOR_FILE, with_choices
from corewright.mutate.operators import Mutant
from corewright.mutate.verdict import State, Verdict
from corewright.program import DESCRIPTOR_BYTES, HEADER_BYTES, with_fields
from corewright.regress.case import CheckFailed
from corewright.regress.drawing import first_that_fits, generator
from corewright.regress.execute import processor_seconds
from corewright.regress.kinds.system import judge as judge_report
from corewright.regress.random_graphs import random_graph, random_input

# Small, so that it is compiled soon, with a drained word of two beats and rows that are no power
# of two; some layers do not fit its buffers.
HARDWARE = Hardware(
    processing_elements=(3, 4),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    axi_width=32,
    max_kernel_size=32,
    drain_width=2,
    pixel_buffer_depth=600,
)
_LAYERS, _LARGEST, _LARGEST_BATCH = 8, 10, 3
# Faults and the status that a run with them ends in, see core/accelerator/dv/README.md.
DIRECTED: tuple[tuple[str, ...], ...] = (
    ("inject_axi_error=program:1", "expect_status=AXI_READ_PROGRAM", "retry"),
    ("inject_axi_error=program:3", "expect_status=AXI_READ_PROGRAM", "retry"),
    ("inject_axi_error=pixels:2", "expect_status=AXI_READ_PIXELS", "retry"),
    ("inject_axi_error=output:1", "expect_status=AXI_WRITE", "retry"),
    ("corrupt_program_late=0", "expect_status=BAD_PROGRAM", "retry"),
    ("wrong_hash_late", "expect_status=WRONG_HARDWARE", "retry"),
    (f"corrupt_program_late={HEADER_BYTES}", "expect_status=BAD_DESCRIPTOR", "retry"),
    (
        f"corrupt_program_late={HEADER_BYTES + DESCRIPTOR_BYTES - 1}",
        "expect_status=BAD_DESCRIPTOR",
        "retry",
    ),
    ("timeout_us=1", "expect_status=TIMEOUT", "retry"),
    ("watchdog=10", "expect_status=WATCHDOG", "retry"),
)
# A watchdog that only words of the program feed, while a group's many weight rows come.
_ONLY_WEIGHTS = "watchdog=120"
# What puts a layer's reads, or its writes, outside the arena and the program: field, value.
OUTSIDE: tuple[tuple[str, int], ...] = tuple(
    (f"{what}_offset", (1 << 32) - HARDWARE.unit_bytes) for what in ("input", "weight", "output")
)
# Of their network, the same in each run: it has the bursts that the faults are injected into.
_DIRECTED_SEED = 2
# Wall-clock seconds after which a simulation hangs, in times of what the sound one took, and at
# least: its own check, cycles without a handshake, comes first where there is nothing to do.
_HANG_FACTOR, _HANG_SECONDS = 20, 30
_MUTANTS_CORE = "corewright:test:mutants"


@dataclass(frozen=True)
class _Case:
    """A case; ``statuses`` are those of wrong programs that run in it, see ``+mutants``."""

    name: str
    graph: Graph
    vectors: VectorSet
    seed: int
    stalls: str
    plusargs: tuple[str, ...]
    statuses: tuple[str, ...] = ()

    def run(self, bench: CompiledBench, timeout: float | None, *plusargs: str) -> RunResult:
        return run_bench(
            bench,
            self.vectors,
            seed=self.seed,
            stalls=self.stalls,
            plusargs=(*self.plusargs, *plusargs),
            timeout=timeout,
        )

    def check(self, outcome: RunResult) -> None:
        """Raise CheckFailed where a run is not what it has to be."""
        if not self.plusargs:
            judge_report(report(HARDWARE, self.vectors, outcome), self.graph)
        elif not outcome.passed:
            note = outcome.notes[0] if outcome.notes else ""
            raise CheckFailed(f"status {outcome.result['status']}", note)
        statuses = tuple(each["status"] for each in outcome.result.get("mutants", ()))
        if statuses != self.statuses:
            raise CheckFailed("status of a wrong program", f"{statuses}, due are {self.statuses}")


@dataclass
class SystemJudge:
    """Judges mutants of a block's sources that have no bench of their own.

    Attributes:
        block: the block.
        seed: of networks, images and stalls.
        cases: random networks, at most.
        seconds: processor time of a mutant, at most.
        on_verdict: called with each verdict as it is reached.
        shared_seconds: processor time of what mutants share.
        compile_seconds: that of it in which simulations were compiled.
    """

    block: Block
    seed: int
    cases: int
    seconds: float
    on_verdict: Callable[[Verdict], None] = lambda _: None
    shared_seconds: float = field(default=0.0, init=False)
    compile_seconds: float = field(default=0.0, init=False)

    def judge(self, mutants: Sequence[Mutant]) -> list[Verdict]:
        """Return the mutants' verdicts, in their order.

        Raises:
            FlowError: a case fails on the sound sources, or they cannot be compiled.
        """
        if not mutants:
            return []
        self._texts = {
            key: path.read_text(encoding="utf-8") for key, path in self.block.sources.items()
        }
        self._constant = self.block.constant_functions()
        states = [State(mutant) for mutant in mutants]
        with tempfile.TemporaryDirectory(prefix="mutants-") as name:
            folder = Path(name)
            for bench, some in self._benches(states, folder):
                # Vectors and logs are thrown away.
                with variable("COREWRIGHT_BUILD", str(folder / "build")):
                    self._judge(bench, some)
                    for state in some:
                        self.on_verdict(self._verdict(state))
        return [self._verdict(state) for state in states]

    def _verdict(self, state: State) -> Verdict:
        return state.verdict(self._texts[state.mutant.file], self.seed, self.cases)

    def _benches(
        self, states: Sequence[State], folder: Path
    ) -> Iterator[tuple[CompiledBench, Sequence[State]]]:
        """Yield benches with the mutants in them: those that a run can choose share one."""
        chosen = [state for state in states if state.mutant.chosen]
        fixed = [state for state in states if not state.mutant.chosen]
        for group in ([chosen] if chosen else []) + [[state] for state in fixed]:
            yield from self._compiled(group, folder)

    def _compiled(
        self, group: Sequence[State], folder: Path
    ) -> Iterator[tuple[CompiledBench, Sequence[State]]]:
        before = processor_seconds()
        try:
            bench = build_bench(
                HARDWARE, options=("-Wno-fatal",), overlay=self._overlay(group, folder)
            )
        except FlowError as failure:
            if len(group) == 1:
                line = next((n for n in str(failure).splitlines() if "%Error" in n), str(failure))
                group[0].end("build-failed", line.strip()[:200], "the accelerator")
                self.on_verdict(self._verdict(group[0]))
                return
            half = len(group) // 2
            yield from self._compiled(group[:half], folder)
            yield from self._compiled(group[half:], folder)
            return
        finally:
            spent = processor_seconds() - before
            self.shared_seconds += spent
            self.compile_seconds += spent
            if not group[0].mutant.chosen:
                group[0].seconds += spent
        yield bench, group

    def _sound_bench(self) -> CompiledBench:
        before = processor_seconds()
        bench = build_bench(HARDWARE, options=("-Wno-fatal",))
        spent = processor_seconds() - before
        self.shared_seconds += spent
        self.compile_seconds += spent
        return bench

    def _overlay(self, group: Sequence[State], folder: Path) -> Path:
        """Return a folder with newer versions of the cores whose sources have mutants."""
        place = Path(tempfile.mkdtemp(prefix="overlay-", dir=folder))
        contents = {
            "name": f"{_MUTANTS_CORE}:1.0.0",
            "filesets": {"rtl": {"files": [SELECTOR_FILE], "file_type": "systemVerilogSource"}},
            "targets": {"default": {"filesets": ["rtl"]}},
        }
        (place / "mutants.core").write_text(core_text(contents), encoding="utf-8")
        (place / SELECTOR_FILE).write_text(SELECTOR, encoding="utf-8")
        copies: dict[Path, str] = {}
        for key, path in self.block.sources.items():
            own = [(n, s.mutant) for n, s in enumerate(group, 1) if s.mutant.file == key]
            if own and own[0][1].chosen:
                changes = [mutant.change(number) for number, mutant in own]
                copies[path] = with_choices(self._texts[key], changes, self._constant)
            elif own:
                copies[path] = own[0][1].applied(self._texts[key])
        for core_file in sorted(self.block.folder.glob("*.core")):
            _copy_core(core_file, place, copies)
        return place

    def _judge(self, bench: CompiledBench, states: Sequence[State]) -> None:
        """Run the cases, as long as mutants are alive."""
        # A model of one mutant has it in every run.
        sources = bench if states[0].mutant.chosen else self._sound_bench()
        for case in self._cases():
            alive = [s for s in states if s.outcome is None and s.seconds < self.seconds]
            if not alive:
                return
            before = processor_seconds()
            sound = case.run(sources, None)
            try:
                case.check(sound)
            except CheckFailed as failed:
                raise FlowError(f"{case.name} fails on the sound sources: {failed}") from failed
            cost = processor_seconds() - before
            self.shared_seconds += cost
            for state in alive:
                before = processor_seconds()
                number = states.index(state) + 1 if state.mutant.chosen else None
                self._run(case, bench, state, number, sound, _HANG_FACTOR * cost + _HANG_SECONDS)
                state.seconds += processor_seconds() - before

    def _run(
        self,
        case: _Case,
        bench: CompiledBench,
        state: State,
        number: int | None,
        sound: RunResult,
        timeout: float,
    ) -> None:
        chosen = () if number is None else (f"{MUTANT_PLUSARG}={number}",)
        try:
            outcome = case.run(bench, timeout, *chosen)
        except FlowError as failure:
            if isinstance(failure.__cause__, subprocess.TimeoutExpired):
                state.end("timeout", f"no end in {timeout:.0f} s", case.name)
            else:
                state.end("killed", str(failure).splitlines()[0][:200], case.name)
            return
        try:
            case.check(outcome)
        except CheckFailed as failed:
            state.end("killed", failed.signature, case.name)
        else:
            if not state.slower and (what := _other_cycles(sound.result, outcome.result)):
                state.slower = f"{what} ({case.name})"
        if outcome.kept:
            shutil.rmtree(outcome.folder, ignore_errors=True)

    def _cases(self) -> Iterator[_Case]:
        """Yield the cases: a network, the faults on it, a slow one, and the other networks."""
        first = self._random(0, _DIRECTED_SEED)
        yield first
        for plusargs in DIRECTED:
            # Memory that answers after 20 cycles, and nothing that can move before.
            stalls = "none" if plusargs[0].startswith("watchdog") else "light"
            yield _Case(plusargs[0], first.graph, first.vectors, first.seed, stalls, plusargs)
        builder = Builder("many_weights", 3, 3, 22, HARDWARE.bits_input, seed=3)
        builder.conv(builder.input, 2 * HARDWARE.processing_elements[1], 3, padding="valid")
        graph = builder.graph()
        vectors = prepare(
            graph, HARDWARE, random_input(generator("mutants, weights", 0, 0), graph, 1), 1
        )
        yield _Case("weights alone", graph, vectors, 1, "none", (_ONLY_WEIGHTS,))
        program = (vectors.folder / "program.bin").read_bytes()
        wrong = [with_fields(program, [(0, 0, *change)]) for change in OUTSIDE]
        (vectors.folder / "outside.bin").write_bytes(b"".join(wrong))
        outside = ("mutants=outside.bin", "untrusted")
        statuses = ("WINDOW",) * len(OUTSIDE)
        yield _Case("outside the windows", graph, vectors, 1, "light", outside, statuses)
        for index in range(1, self.cases):
            yield self._random(index, self.seed)

    def _random(self, index: int, seed: int) -> _Case:
        before = processor_seconds()
        rng = generator("mutants, system", seed, index)

        def draw() -> tuple[Graph, int]:
            graph = random_graph(rng, HARDWARE, layers=_LAYERS, largest=_LARGEST)
            batch = int(rng.integers(1, _LARGEST_BATCH + 1))
            compile_graph(graph, HARDWARE, batch)
            return graph, batch

        (graph, batch), _ = first_that_fits(draw)
        images = random_input(rng, graph, batch + int(rng.integers(0, 2)))
        vectors = prepare(graph, HARDWARE, images, batch)
        stalls = STALLS[index % len(STALLS)]
        self.shared_seconds += processor_seconds() - before
        memory_seed = int(rng.integers(1, 2**31 - 1))
        return _Case(f"random network {index}", graph, vectors, memory_seed, stalls, ())


def _other_cycles(sound: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What took other cycles; empty if nothing did."""
    pairs = list(zip(sound["runs"], other["runs"], strict=False))
    for number, (one, two) in enumerate(pairs):
        if one["cycles"] != two["cycles"]:
            return f"run {number} takes {two['cycles']} cycles, not {one['cycles']}"
    for number, (one, two) in enumerate(pairs):
        if one["layer_cycles"] != two["layer_cycles"]:
            return f"run {number} counts other cycles"
    return ""


def _copy_core(core_file: Path, place: Path, copies: Mapping[Path, str]) -> None:
    """Put a newer version of a core's design below ``place``, some of its sources as they say."""
    core = yaml.safe_load(core_file.read_text(encoding="utf-8").removeprefix("CAPI=2:"))
    design = core.get("targets", {}).get("default", {}).get("filesets", [])
    files = [
        name if isinstance(name, str) else next(iter(name))
        for fileset in design
        # Those with a condition are a bench's.
        for name in core["filesets"].get(fileset, {}).get("files", [])
    ]
    if not any((core_file.parent / name).resolve() in copies for name in files):
        return
    folder = place / core_file.parent.relative_to(repository_root())
    for name in files:
        path = core_file.parent / name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        text = copies.get(path.resolve(), path.read_text(encoding="utf-8"))
        (folder / name).write_text(text, encoding="utf-8")
    core["name"] = core["name"].rpartition(":")[0] + ":99.0.0"
    core["filesets"] = {name: core["filesets"][name] for name in design}
    core["targets"] = {"default": {"filesets": design}}
    core["filesets"][design[0]].setdefault("depend", []).append(_MUTANTS_CORE)
    (folder / core_file.name).write_text(core_text(core), encoding="utf-8")
