# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Which task whoever is free gets next, and when a case has ended; nothing of how tasks get there.

A place is a build folder on a machine: what a group's preparation leaves serves all workers of it.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from corewright.regress.case import Suite

# Compiling a bench takes longer than that many of its cases (14 processor seconds against 0.06,
# measured): a second place makes its own of a group that has more of them left for each place that
# has it.
CASES_WORTH_A_PREPARATION = 100
# A place where so many tasks in a row failed for reasons of the machine gets no more of them.
FAULTS = 3


@dataclass(frozen=True)
class Task:
    """A case, or a group's preparation; one of the two is None."""

    index: int | None = None
    group: int | None = None

    def message(self, seed: int) -> dict[str, int | None]:
        """Return what ``corewright.regress.worker`` reads, of a run with this seed."""
        what = {"index": self.index} if self.index is not None else {"group": self.group}
        return {"seed": seed, **what}


@dataclass(frozen=True)
class Failure:
    """Why a preparation left nothing."""

    signature: str
    detail: str


@dataclass
class _Group:
    waiting: deque[int] = field(default_factory=deque)
    # Places with workers where it is prepared, or being prepared.
    holders: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    failures: int = 0
    last: Failure | None = None


@dataclass
class _Place:
    workers: int = 0
    ready: dict[int, None] = field(default_factory=dict)
    preparing: set[int] = field(default_factory=set)
    faults: int = 0


class Policy:
    """The open tasks of a run.

    Args:
        suite: of the cases.
        indices: of the cases.
        attempts: how often a task is begun that the loss or a fault of a machine ended.
    """

    def __init__(self, suite: Suite, indices: Sequence[int], attempts: int = 1) -> None:
        self.attempts = attempts
        self._open = set(indices)
        self._free: deque[int] = deque()
        self._groups: dict[int, _Group] = {}
        self._group_of: dict[int, int] = {}
        for index in indices:
            group = suite.group(index)
            if group is None:
                self._free.append(index)
            else:
                self._group_of[index] = group
                self._groups.setdefault(group, _Group()).waiting.append(index)
        self._places: dict[str, _Place] = {}
        self._tries: Counter[Task] = Counter()
        self._avoided: dict[int, set[str]] = {}

    # ------------------------------------------------------------------------- what is left

    @property
    def finished(self) -> bool:
        """Whether every case has ended."""
        return not self._open

    @property
    def open(self) -> list[int]:
        """The cases that have not ended."""
        return sorted(self._open)

    @property
    def waiting(self) -> int:
        """Cases that nobody has; their groups may not be prepared."""
        return len(self._free) + sum(len(group.waiting) for group in self._groups.values())

    def end(self, index: int) -> bool:
        """Note that a case has ended; False: it had already, and this result is dropped."""
        if index not in self._open:
            return False
        self._open.remove(index)
        self._avoided.pop(index, None)
        return True

    # ------------------------------------------------------------------------------- places

    def joined(self, place: str) -> None:
        """A worker has come to a place."""
        known = self._places.setdefault(place, _Place())
        known.workers += 1
        if known.workers == 1:
            # Of those who have left, what they prepared is still there.
            self._hold(known, place)

    def left(self, place: str) -> None:
        """A worker is gone."""
        known = self._places[place]
        known.workers -= 1
        if not known.workers:
            self._let_go(known, place)

    def fault(self, place: str) -> bool:
        """Note that a machine failed a task; True: its place is left out from now on."""
        known = self._places[place]
        known.faults += 1
        if known.faults == FAULTS:
            # What is prepared there serves nobody: others may prepare it, too.
            self._let_go(known, place)
        return known.faults == FAULTS

    def sound(self, place: str) -> None:
        """Note that a task ended as its sources say."""
        known = self._places[place]
        if known.faults < FAULTS:
            known.faults = 0

    def _hold(self, known: _Place, place: str) -> None:
        if known.workers and known.faults < FAULTS:
            for group in known.ready:
                self._groups[group].holders.add(place)

    def _let_go(self, known: _Place, place: str) -> None:
        for group in itertools.chain(known.ready, known.preparing):
            self._groups[group].holders.discard(place)

    def _living(self) -> set[str]:
        """Places with workers; those that fail everything only if there is no other one."""
        living = {name for name, place in self._places.items() if place.workers}
        sound = {name for name in living if self._places[name].faults < FAULTS}
        return sound or living

    # -------------------------------------------------------------------------------- tasks

    def next(self, place: str) -> Task | None:
        """Return what a worker at a place does next; None: nothing, for now."""
        if place not in self._living():
            return None
        here = self._places[place]
        index = self._take(self._free, place)
        if index is not None:
            return Task(index=index)
        for group in here.ready:
            index = self._take(self._groups[group].waiting, place)
            if index is not None:
                return Task(index=index)
        chosen = self._to_prepare(place)
        if chosen is None:
            return None
        here.preparing.add(chosen)
        self._groups[chosen].holders.add(place)
        return Task(group=chosen)

    def _to_prepare(self, place: str) -> int | None:
        """The first group that nobody has, or else one that is worth a second preparation."""
        here = self._places[place]
        best, most = None, 0
        for number, group in self._groups.items():
            unusable = number in here.ready or number in here.preparing or place in group.failed
            if unusable or not group.waiting:
                continue
            if not group.holders:
                return number
            excess = len(group.waiting) - CASES_WORTH_A_PREPARATION * len(group.holders)
            if excess > most:
                best, most = number, excess
        return best

    def _take(self, queue: deque[int], place: str) -> int | None:
        for position, index in enumerate(queue):
            if place not in self._avoided.get(index, ()):
                del queue[position]
                return index
        return None

    def prepared(self, place: str, group: int) -> None:
        """A group's cases may run at a place."""
        here = self._places[place]
        here.preparing.discard(group)
        here.ready[group] = None
        self._hold(here, place)

    def unprepared(self, place: str, group: int, failure: Failure, *, final: bool) -> None:
        """A preparation has failed; see :meth:`hopeless`.

        Args:
            place: where.
            group: what.
            failure: why.
            final: another place would fare no better.
        """
        self._places[place].preparing.discard(group)
        known = self._groups[group]
        known.holders.discard(place)
        known.failed.add(place)
        known.failures = self.attempts if final else known.failures + 1
        known.last = failure

    def back(self, task: Task, place: str) -> None:
        """Somebody else does a task that was not begun."""
        if task.index is None:
            self._release(task, place)
        elif task.index in self._open:
            self._queue(task.index).appendleft(task.index)

    def again(self, task: Task, place: str, *, avoid: bool = False) -> bool:
        """Somebody does a task again that a machine did not end; False: it was tried often enough.

        Args:
            task: a case or a preparation.
            place: where it was begun.
            avoid: not at this place, as long as there is another one.
        """
        self._tries[task] += 1
        if task.index is None:
            self._release(task, place)
        if self._tries[task] >= self.attempts:
            return False
        if task.index is not None:
            if avoid:
                self._avoided.setdefault(task.index, set()).add(place)
            self.back(task, place)
        return True

    def tries(self, task: Task) -> int:
        """How often a machine did not end a task."""
        return self._tries[task]

    def _release(self, task: Task, place: str) -> None:
        if task.group is not None:
            self._places[place].preparing.discard(task.group)
            self._groups[task.group].holders.discard(place)

    def _queue(self, index: int) -> deque[int]:
        group = self._group_of.get(index)
        return self._free if group is None else self._groups[group].waiting

    def hopeless(self, *, blocked: bool = False) -> Iterator[tuple[int, Failure]]:
        """Take out the cases of groups that could not be prepared, with the reason.

        Args:
            blocked: also those that some place might still prepare, but none that has a worker.
        """
        living = self._living()
        for group in self._groups.values():
            if not group.waiting or group.holders or group.last is None:
                continue
            if group.failures >= self.attempts or (blocked and living <= group.failed):
                while group.waiting:
                    yield group.waiting.popleft(), group.last

    def forget_faults(self) -> None:
        """Let cases go back to where tasks failed: nobody else has come for them."""
        self._avoided.clear()
        for name, place in self._places.items():
            place.faults = 0
            self._hold(place, name)
