# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Judges a block's mutants by its cocotb benches, those of ``dv/bench.toml``.

All mutants that a run can choose share a model of each configuration. A configuration runs first
without one: what fails there is no verdict, and what it takes says when another run hangs.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from corewright.flow.block_benches import BlockBench
from corewright.flow.cocotb_bench import (
    BenchHung,
    CocotbBench,
    CocotbFailure,
    build_model,
    run_model,
)
from corewright.flow.errors import FlowError
from corewright.mutate.blocks import Block
from corewright.mutate.choices import (
    MUTANT_PLUSARG,
    SELECTOR,
    SELECTOR_FILE,
    with_choices,
)
from corewright.mutate.operators import Mutant
from corewright.mutate.verdict import State, Verdict
from corewright.regress.drawing import generator
from corewright.regress.execute import processor_seconds

_LOG = logging.getLogger(__name__)
# A run hangs that takes so many times what the sound sources take, and so much at least.
_HANG_FACTOR, _HANG_SECONDS = 10, 5
# A mutant may leave a signal without a reader.
_ARGUMENTS = ("-Wno-fatal",)
_MAX_SEED = 2**31 - 1


@dataclass
class BenchJudge:
    """Judges mutants of one block.

    Attributes:
        block: the block.
        seed: of the benches' seeds.
        rounds: seeds with which each configuration runs, at most.
        seconds: processor time of a mutant, at most.
        on_verdict: called with each verdict as it is reached.
        shared_seconds: processor time of what mutants share: models, and runs without a mutant.
        compile_seconds: that of models, of mutants that have one for themselves, too.
    """

    block: Block
    seed: int
    rounds: int
    seconds: float
    on_verdict: Callable[[Verdict], None] = lambda _: None
    shared_seconds: float = field(default=0.0, init=False)
    compile_seconds: float = field(default=0.0, init=False)

    def judge(self, mutants: Sequence[Mutant]) -> list[Verdict]:
        """Return the mutants' verdicts, in their order.

        Raises:
            FlowError: a bench fails on the sound sources.
        """
        self._texts = {
            key: path.read_text(encoding="utf-8") for key, path in self.block.sources.items()
        }
        self._constant = self.block.constant_functions()
        states = {mutant.id: State(mutant) for mutant in mutants}
        self._numbers = {name: number for number, name in enumerate(states, start=1)}
        with tempfile.TemporaryDirectory(prefix="mutants-") as name:
            folder = Path(name)
            shared = [state for state in states.values() if state.mutant.chosen]
            self._judge_shared(shared, folder)
            for state in states.values():
                if not state.mutant.chosen:
                    self._judge_alone(state, folder)
        return [self._verdict(state) for state in states.values()]

    # ------------------------------------------------------------------ many in one model

    def _judge_shared(self, states: Sequence[State], folder: Path) -> None:
        told: set[str] = set()
        for number in range(self.rounds):
            for bench in self.block.benches:
                for configuration in bench.configurations:
                    alive = [each for each in states if self._goes_on(each, bench)]
                    if alive:
                        self._round(bench, configuration, number, alive, folder)
                    for state in states:
                        if state.outcome and state.mutant.id not in told:
                            told.add(state.mutant.id)
                            self.on_verdict(self._verdict(state))
        for state in states:
            if state.mutant.id not in told:
                self.on_verdict(self._verdict(state))

    def _goes_on(self, state: State, bench: BlockBench) -> bool:
        return (
            state.outcome is None
            and state.seconds < self.seconds
            and self._tests(bench, state.mutant)
        )

    def _tests(self, bench: BlockBench, mutant: Mutant) -> bool:
        return mutant.file in {self.block.key(path) for path in bench.tests}

    def _round(
        self,
        bench: BlockBench,
        configuration: str,
        number: int,
        alive: Sequence[State],
        folder: Path,
    ) -> None:
        """Run a configuration with one seed on each of the mutants."""
        where = f"{bench.module}, {configuration}"
        for model, some in self._models(bench, configuration, alive, folder):
            run = _Run(bench.bench(configuration, None, *_ARGUMENTS), model, folder)
            seed = _seed(self.seed, where, number)
            before = processor_seconds()
            sound = run.sound(seed)
            cost = processor_seconds() - before
            self.shared_seconds += cost
            limit = max(_HANG_SECONDS, _HANG_FACTOR * cost)
            for state in some:
                left = self.seconds - state.seconds
                if left < 1.5 * cost:
                    state.seconds = self.seconds
                    continue
                before = processor_seconds()
                chosen = self._numbers[state.mutant.id]
                run.judge(state, chosen, seed, where, sound, min(limit, left), limit)
                state.seconds += processor_seconds() - before

    def _models(
        self, bench: BlockBench, configuration: str, states: Sequence[State], folder: Path
    ) -> Iterator[tuple[Path, Sequence[State]]]:
        """Yield compiled models with the mutants in them: one, unless one of them is not legal."""
        sources = self._copies(bench, [state.mutant for state in states], folder)
        before = processor_seconds()
        try:
            model = build_model(
                bench.bench(configuration, sources, *_ARGUMENTS), "see --replay of each mutant"
            )
        except CocotbFailure as failure:
            self._compiled(before)
            if len(states) == 1:
                states[0].end("build-failed", _first_error(str(failure)), f"{bench.top}")
                return
            half = len(states) // 2
            for part in (states[:half], states[half:]):
                yield from self._models(bench, configuration, part, folder)
            return
        self._compiled(before)
        yield model, states

    def _compiled(self, before: float) -> None:
        seconds = processor_seconds() - before
        self.shared_seconds += seconds
        self.compile_seconds += seconds

    def _copies(self, bench: BlockBench, mutants: Iterable[Mutant], folder: Path) -> list[Path]:
        """Return a model's sources, with copies that have mutants, and the package that chooses."""
        by_file: dict[str, list[Mutant]] = {}
        for mutant in mutants:
            by_file.setdefault(mutant.file, []).append(mutant)
        place = Path(tempfile.mkdtemp(prefix="copies-", dir=folder))
        package = place / SELECTOR_FILE
        package.write_text(SELECTOR, encoding="utf-8")
        copies = {}
        for key, own in by_file.items():
            changes = [mutant.change(self._numbers[mutant.id]) for mutant in own]
            copy = place / self.block.sources[key].name
            copy.write_text(
                with_choices(self._texts[key], changes, self._constant), encoding="utf-8"
            )
            copies[self.block.sources[key]] = copy
        return [package, *(copies.get(path, path) for path in bench.sources)]

    # ------------------------------------------------------------------ each for itself

    def _judge_alone(self, state: State, folder: Path) -> None:
        """Compile a mutant that no run can choose, for one configuration after the other."""
        place = Path(tempfile.mkdtemp(prefix="alone-", dir=folder))
        path = self.block.sources[state.mutant.file]
        copy = place / path.name
        copy.write_text(state.mutant.applied(self._texts[state.mutant.file]), encoding="utf-8")
        for bench in self.block.benches:
            if not self._tests(bench, state.mutant):
                continue
            sources = [copy if each == path else each for each in bench.sources]
            for configuration in bench.configurations:
                if state.outcome is None and state.seconds < self.seconds:
                    self._run_alone(state, bench, configuration, sources, folder)
        self.on_verdict(self._verdict(state))

    def _run_alone(
        self,
        state: State,
        bench: BlockBench,
        configuration: str,
        sources: list[Path],
        folder: Path,
    ) -> None:
        where = f"{bench.module}, {configuration}"
        seed = _seed(self.seed, where, 0)
        before = processor_seconds()
        sound_bench = bench.bench(configuration, None, *_ARGUMENTS)
        sound = _Run(sound_bench, build_model(sound_bench, ""), folder).sound(seed)
        started = processor_seconds()
        self.shared_seconds += started - before
        try:
            model = build_model(bench.bench(configuration, sources, *_ARGUMENTS), "")
        except CocotbFailure as failure:
            state.end("build-failed", _first_error(str(failure)), where)
            self.compile_seconds += processor_seconds() - started
        else:
            self.compile_seconds += processor_seconds() - started
            left = self.seconds - state.seconds - (processor_seconds() - started)
            limit = _HANG_FACTOR * sound.seconds + _HANG_SECONDS
            if left > 1.5 * sound.seconds:
                run = _Run(sound_bench, model, folder)
                run.judge(state, None, seed, where, sound, min(limit, left), limit)
        state.seconds += processor_seconds() - started

    def _verdict(self, state: State) -> Verdict:
        return state.verdict(self._texts[state.mutant.file], self.seed, self.rounds)


@dataclass(frozen=True)
class _Sound:
    """What a run without a mutant left: simulated ns by test, and its processor time."""

    times: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class _Run:
    """Runs of one model."""

    bench: CocotbBench
    model: Path
    folder: Path

    def sound(self, seed: int) -> _Sound:
        """Run without a mutant.

        Raises:
            FlowError: the bench fails.
        """
        place = Path(tempfile.mkdtemp(prefix="sound-", dir=self.folder))
        before = processor_seconds()
        try:
            run = run_model(self.bench, self.model, seed, place, reproduce="no mutant is chosen")
        except CocotbFailure as failure:
            raise FlowError(
                f"{self.bench.description} fails with seed {seed} on the sound sources\n{failure}"
            ) from failure
        times = _times(run / "results.xml")
        shutil.rmtree(place)
        return _Sound(times, processor_seconds() - before)

    def judge(
        self,
        state: State,
        number: int | None,
        seed: int,
        where: str,
        sound: _Sound,
        limit: float,
        hang: float,
    ) -> None:
        """Run a mutant once; its state has the outcome, if there is one.

        Args:
            state: the mutant's.
            number: what chooses it; None if it is the only one of the model.
            seed: of the bench.
            where: what the verdict says of the run.
            sound: the same run without a mutant.
            limit: processor seconds that are left for it.
            hang: processor seconds after which a run hangs.
        """
        place = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        where = f"{where}, seed {seed}"
        try:
            run = run_model(
                self.bench,
                self.model,
                seed,
                place,
                () if number is None else (f"+{MUTANT_PLUSARG}={number}",),
                reproduce="see --replay",
                fail_fast=True,
                cpu_seconds=max(1, round(limit)),
            )
        except BenchHung:
            if limit >= hang:
                state.end("timeout", f"no end in {limit:.0f} s", where)
            else:
                # No more time, and no verdict.
                state.seconds = float("inf")
        except CocotbFailure as failure:
            state.end("killed", _killer(place, str(failure)), where)
        else:
            times = _times(run / "results.xml")
            changed = [name for name, time in times.items() if time != sound.times.get(name)]
            if changed and not state.slower:
                name = changed[0]
                state.slower = (
                    f"{name} takes {times[name]:.0f} ns, not {sound.times.get(name, 0):.0f} "
                    f"({where})"
                )
        shutil.rmtree(place)


def _seed(seed: int, where: str, number: int) -> int:
    return int(generator(f"mutants, {where}", seed, number).integers(1, _MAX_SEED))


def _times(results: Path) -> dict[str, float]:
    """Simulated time of each test, in ns."""
    root = ElementTree.parse(results).getroot()
    return {
        f"{case.get('classname')}.{case.get('name')}": float(case.get("sim_time_ns", 0))
        for case in root.iter("testcase")
    }


def _killer(place: Path, failure: str) -> str:
    """The check that failed in the only run of a folder."""
    log = next(iter(place.glob("*/run.log")), None)
    text = log.read_text(encoding="utf-8", errors="replace") if log is not None else failure
    if match := re.search(r"Assertion failed in [\w.$\[\]]*?(\w+_A)\b", text):
        return f"assertion {match[1]}"
    results = next(iter(place.glob("*/results.xml")), None)
    if results is not None:
        try:
            root = ElementTree.parse(results).getroot()
        except ElementTree.ParseError:
            root = None
        for case in root.iter("testcase") if root is not None else ():
            if case.find("failure") is not None or case.find("error") is not None:
                return f"test {case.get('name')}"
    return _first_error(text)


def _first_error(text: str) -> str:
    line = next((line for line in text.splitlines() if "%Error" in line or "rror:" in line), "")
    return (line or text.splitlines()[0]).strip()[:200]
