# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What is done where, and that each case ends once: on a farm that exists only on paper."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from corewright.regress import scheduler
from corewright.regress.case import CaseResult, Observation
from corewright.regress.policy import (
    CASES_WORTH_A_PREPARATION,
    FAULTS,
    Failure,
    Policy,
    Task,
)
from corewright.regress.scheduler import (
    Ended,
    Event,
    Interrupts,
    Joined,
    Left,
    Preparation,
    Statistics,
    drive,
)
from corewright.regress.tests.farm_faults import EMPTY, WORKING, Empty

NO_ROOM = {"signature": "OSError", "detail": "No space left on device"}


class Grouped(Empty):
    """Groups of a given size; they run nowhere."""

    def __init__(self, size: int) -> None:
        self.size = size

    def group(self, index: int) -> int | None:
        return index // self.size

    def run(self, seed: int, index: int, observation: Observation) -> None:
        raise NotImplementedError


class Paper:
    """A transport whose workers do what a function says; nothing takes any time.

    Args:
        places: of the workers.
        fate: what becomes of a task: an outcome, or None: its worker dies.
        rng: in which order things happen; None: as they were given.
    """

    def __init__(
        self,
        places: Sequence[str],
        fate: Callable[[str, Task], dict[str, Any] | None],
        rng: np.random.Generator | None = None,
        prefetch: int = 1,
    ) -> None:
        self.prefetch = prefetch
        self.fate, self.rng = fate, rng
        self.events: list[Event] = []
        self.given: list[tuple[int, str, Task]] = []
        self.place: dict[str, str] = {}
        self.log: list[tuple[str, Task]] = []
        self.closed = False
        for place in places:
            self.join(place)

    def join(self, place: str) -> None:
        worker = f"{place}/{len(self.place)}"
        self.place[worker] = place
        self.events.append(Joined(worker, place))

    def submit(self, token: int, worker: str, task: Task) -> None:
        self.given.append((token, worker, task))

    def die(self, worker: str, reason: str, *, blameless: bool = False) -> None:
        self.given = [entry for entry in self.given if entry[1] != worker]
        self.events.append(Left(worker, reason, blameless))

    def wait(self, seconds: float) -> Sequence[Event]:
        if not self.events and self.given:
            first = {
                worker: number for number, (_, worker, _) in reversed(list(enumerate(self.given)))
            }
            chosen = sorted(first.values())
            number = chosen[0] if self.rng is None else int(self.rng.choice(chosen))
            token, worker, task = self.given[number]
            place = self.place[worker]
            self.log.append((place, task))
            outcome = self.fate(place, task)
            if outcome is None:
                self.die(worker, "it died")
                self.join(place)
            else:
                del self.given[number]
                self.events.append(Ended(token, outcome))
        events, self.events = self.events, []
        return events

    def close(self) -> None:
        self.closed = True


def passes(_: str, task: Task) -> dict[str, Any]:
    if task.index is None:
        return {"prepared": {"error": None, "seconds": 2.0}, "machine": None}
    result = CaseResult("empty", 1, task.index, "passed")
    return {"result": result.to_dict(), "machine": None}


def no_room(task: Task) -> dict[str, Any]:
    if task.index is None:
        return {"prepared": {"error": NO_ROOM, "seconds": 1.0}, "machine": "disk full"}
    result = CaseResult("empty", 1, task.index, "error", "OSError", "no space")
    return {"result": result.to_dict(), "machine": "disk full"}


def run(
    paper: Paper, suite: Any, cases: int, **options: Any
) -> tuple[dict[int, CaseResult], list[Preparation]]:
    """Results by index: none comes twice, none is missing."""
    results: dict[int, CaseResult] = {}
    preparations = []
    for item in drive(paper, suite, 1, range(cases), **options):
        if isinstance(item, Preparation):
            preparations.append(item)
            continue
        assert item.index not in results
        results[item.index] = item
    assert sorted(results) == list(range(cases))
    assert paper.closed
    return results, preparations


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """On paper nobody comes later."""
    monkeypatch.setattr(scheduler, "_GRACE_SECONDS", 0.0)


# ------------------------------------------------------------------------------ who does what


def test_each_group_is_prepared_once_where_its_cases_run() -> None:
    paper = Paper(["a", "b", "c"], passes)
    results, preparations = run(paper, Grouped(10), 60)
    assert all(result.verdict == "passed" for result in results.values())
    assert sorted(entry.group for entry in preparations) == list(range(6))
    ready: dict[str, set[int]] = {"a": set(), "b": set(), "c": set()}
    for place, task in paper.log:
        if task.group is not None:
            ready[place].add(task.group)
        elif task.index is not None:
            assert task.index // 10 in ready[place]
    assert all(ready.values())


def test_workers_of_a_place_share_what_is_prepared_there() -> None:
    paper = Paper(["a", "a", "a"], passes)
    _, preparations = run(paper, Grouped(10), 30)
    assert len(preparations) == 3
    assert {place for place, _ in paper.log} == {"a"}


def test_a_large_group_is_prepared_at_a_second_place_and_a_small_one_is_not() -> None:
    for size, places in ((CASES_WORTH_A_PREPARATION, 1), (2 * CASES_WORTH_A_PREPARATION, 2)):
        paper = Paper(["a", "b"], passes)
        _, preparations = run(paper, Grouped(size), size)
        assert len(preparations) == places, size


def test_near_the_end_no_case_waits_for_another_one() -> None:
    paper = Paper(["a", "a"], passes)
    policy_of = drive(paper, EMPTY, 1, range(4))
    next(policy_of)
    assert max(Counter(worker for _, worker, _ in paper.given).values()) <= 1
    policy_of.close()
    paper = Paper(["a", "a"], passes)
    many = drive(paper, EMPTY, 1, range(40))
    next(many)
    # A worker has the next one when it is done with the first.
    assert max(Counter(worker for _, worker, _ in paper.given).values()) == 2
    many.close()


def test_what_is_prepared_stays_when_workers_come_back() -> None:
    policy = Policy(Grouped(10), range(10), 3)
    policy.joined("a")
    assert policy.next("a") == Task(group=0)
    policy.prepared("a", 0)
    policy.left("a")
    policy.joined("a")
    assert policy.next("a") == Task(index=0)


# ------------------------------------------------------------------------------- what goes wrong


def test_a_case_that_kills_its_workers_is_an_error_after_three_of_them() -> None:
    statistics = Statistics()
    paper = Paper(["a", "a"], lambda p, t: None if t.index == 4 else passes(p, t))
    results, _ = run(paper, EMPTY, 20, attempts=3, statistics=statistics)
    assert results[4].verdict == "error" and results[4].signature == "worker lost"
    assert "3 worker(s) were lost" in results[4].detail and "it died" in results[4].detail
    # Those that only waited behind it are not to blame.
    assert all(result.verdict == "passed" for i, result in results.items() if i != 4)
    assert (statistics.workers_lost, statistics.repeated) == (3, 2)


def test_a_preparation_that_kills_its_workers_is_an_error_of_its_cases_only() -> None:
    paper = Paper(["a", "b"], lambda p, t: None if t.group == 1 else passes(p, t))
    results, _ = run(paper, Grouped(5), 15, attempts=3)
    bad = {index for index, result in results.items() if result.verdict == "error"}
    assert bad == set(range(5, 10))
    assert {results[index].signature for index in bad} == {"preparation: worker lost"}


def test_cases_go_elsewhere_from_a_full_disk_and_it_gets_no_more() -> None:
    paper = Paper(["full", "good"], lambda p, t: no_room(t) if p == "full" else passes(p, t))
    results, _ = run(paper, EMPTY, 60, attempts=3)
    assert all(result.verdict == "passed" for result in results.values())
    assert Counter(place for place, _ in paper.log)["full"] <= FAULTS + 1


def test_preparations_go_elsewhere_from_a_full_disk() -> None:
    paper = Paper(["full", "good"], lambda p, t: no_room(t) if p == "full" else passes(p, t))
    results, _ = run(paper, Grouped(10), 60, attempts=3)
    assert all(result.verdict == "passed" for result in results.values())


@pytest.mark.parametrize("places", [["full"], ["full", "full too"]])
def test_where_all_disks_are_full_the_cases_say_so(places: list[str]) -> None:
    results, _ = run(Paper(places, lambda _, t: no_room(t)), EMPTY, 9, attempts=3)
    assert {(r.verdict, r.signature) for r in results.values()} == {("error", "OSError")}
    results, _ = run(Paper(places, lambda _, t: no_room(t)), Grouped(3), 9, attempts=3)
    assert {r.signature for r in results.values()} == {"preparation: OSError"}


def test_a_preparation_that_fails_everywhere_is_tried_three_times() -> None:
    broken = {"prepared": {"error": NO_ROOM, "seconds": 1.0}, "machine": None}
    paper = Paper(["a", "b", "c", "d"], lambda p, t: passes(p, t) if t.group != 0 else broken)
    results, _ = run(paper, Grouped(10), 20, attempts=3)
    assert [results[index].verdict for index in (0, 9, 10, 19)] == ["error"] * 2 + ["passed"] * 2
    assert [task.group for _, task in paper.log].count(0) == 3


def test_a_process_that_somebody_kills_runs_its_case_again_and_a_crash_does_not() -> None:
    seen: Counter[int] = Counter()

    def fate(place: str, task: Task) -> dict[str, Any]:
        seen[task.index or 0] += 1
        if task.index == 1 and seen[1] == 1:
            return {"died": "crash: SIGKILL", "detail": "", "summary": {}}
        if task.index == 2:
            return {"died": "crash: SIGSEGV", "detail": "boom", "summary": {"value": 3}}
        if task.index == 3:
            return {"died": "timeout", "detail": "", "summary": {}}
        return passes(place, task)

    results, _ = run(Paper(["a"], fate), EMPTY, 6, attempts=3)
    verdicts = {index: result.signature for index, result in results.items() if result.signature}
    assert verdicts == {2: "crash: SIGSEGV", 3: "timeout"}
    assert results[2].summary == {"value": 3}
    assert (seen[1], seen[2], seen[3]) == (2, 1, 1)
    # On one's own machine it is reported, as ever.
    seen.clear()
    results, _ = run(Paper(["a"], fate), EMPTY, 3)
    assert results[1].signature == "crash: SIGKILL"


def test_a_lost_connection_is_nobodys_fault() -> None:
    losses = 0

    class Lossy(Paper):
        def wait(self, seconds: float) -> Sequence[Event]:
            nonlocal losses
            if len(self.log) % 5 == 4 and losses < 12:
                losses += 1
                for worker in {worker for _, worker, _ in self.given}:
                    self.die(worker, "connection lost", blameless=True)
                    self.join(self.place[worker])
            return super().wait(seconds)

    paper = Lossy(["a", "b"], passes)
    results, _ = run(paper, EMPTY, 40, attempts=2)
    assert losses == 12
    assert all(result.verdict == "passed" for result in results.values())


def test_an_outcome_that_comes_late_is_dropped() -> None:
    class Late(Paper):
        stale: tuple[int, dict[str, Any]] | None = None

        def wait(self, seconds: float) -> Sequence[Event]:
            if self.stale is None and self.given:
                token, worker, task = self.given[0]
                self.stale = (token, passes("a", task))
                self.die(worker, "thought to be dead")
                self.join("a")
                self.events.append(Ended(*self.stale))
            return super().wait(seconds)

    statistics = Statistics()
    run(Late(["a"], passes), EMPTY, 8, attempts=3, statistics=statistics)
    assert statistics.dropped == 1


def test_without_workers_the_open_cases_are_errors() -> None:
    class Deserted(Paper):
        def wait(self, seconds: float) -> Sequence[Event]:
            if len(self.log) == 3:
                for worker in {worker for _, worker, _ in self.given}:
                    self.die(worker, "the job was cancelled")
                self.given = []
            return super().wait(seconds) if self.events or len(self.log) < 3 else []

    results, _ = run(Deserted(["a"], passes), EMPTY, 6, attempts=3, patience=0.0)
    errors = [result for result in results.values() if result.verdict == "error"]
    assert len(errors) == 3
    for result in errors:
        assert result.signature == "no worker" and "the job was cancelled" in result.detail


def test_whatever_happens_each_case_ends_once() -> None:
    """Workers die, disks are full, processes are killed, outcomes come twice: 300 farms."""
    lost = repeated = 0
    for seed in range(300):
        rng = np.random.default_rng([seed, 13])
        rates = rng.choice([0.0, 0.02, 0.2], 3)
        full = f"p{rng.integers(3)}" if rng.random() < 0.3 else ""

        def fate(
            place: str,
            task: Task,
            rng: np.random.Generator = rng,
            rates: Any = rates,
            full: str = full,
        ) -> dict[str, Any] | None:
            if rng.random() < rates[0]:
                return None
            if place == full or rng.random() < rates[1]:
                return no_room(task)
            if rng.random() < rates[2]:
                return {"died": "crash: SIGKILL", "detail": "", "summary": {}}
            return passes(place, task)

        places = [f"p{rng.integers(3)}" for _ in range(rng.integers(1, 6))]
        suite = EMPTY if rng.random() < 0.4 else Grouped(int(rng.integers(1, 12)))
        statistics = Statistics()
        paper = Paper(places, fate, rng, prefetch=int(rng.integers(2)))
        attempts = int(rng.integers(1, 5))
        results, _ = run(
            paper, suite, int(rng.integers(1, 50)), attempts=attempts, statistics=statistics
        )
        if not rates.any() and not full:
            assert all(result.verdict == "passed" for result in results.values())
        lost += statistics.workers_lost
        repeated += statistics.repeated
    assert lost > 300 and repeated > 300


def test_policy_tells_a_second_end() -> None:
    policy = Policy(WORKING, range(3))
    assert policy.end(1) and not policy.end(1)
    assert policy.open == [0, 2] and not policy.finished
    policy.joined("a")
    assert policy.next("a") == Task(group=0)
    policy.unprepared("a", 0, Failure("no", "room"), final=False)
    assert [index for index, _ in policy.hopeless()] == [0, 1, 2]


@pytest.fixture(name="interruptible")
def _interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Destructed:
    """As a future of Dask: Python code runs when nobody holds it any more."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("where", ["destructor", "consumer"])
def test_an_interrupt_ends_the_run_wherever_it_comes(where: str) -> None:
    """One in a destructor is lost otherwise, and one in mid-transaction loses a result."""
    paper = Paper(["here"], passes)
    seen: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        for item in drive(paper, EMPTY, 1, range(50)):
            assert isinstance(item, CaseResult)
            if item.index == 3:
                if where == "destructor":
                    Destructed()
                else:
                    signal.raise_signal(signal.SIGINT)
            seen.append(item.index)
    assert seen == [0, 1, 2, 3] and paper.closed
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_comes_through_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupts():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it was kept")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_interrupt_stays_ignored() -> None:
    """As of a run behind nohup."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
            interrupts.check()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
