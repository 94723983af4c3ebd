# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs a night."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corewright.files import UnreadableFileError, read_json, writing
from corewright.night.page import night_page
from corewright.night.plan import FILES, Part, Plan
from corewright.night.results import merged_failures, part_outcome, piece_outcome
from corewright.night.state import MOVED_BY, State, Unfinished, alone, load_state, prune
from corewright.regress.case import MAX_SEED
from corewright.regress.testplan import Plan as TestPlan
from corewright.regress.testpoints import merged, rows_by_block

# A command that is stopped has so long to report what it has done.
_GRACE_SECONDS = 60.0
# Where less time than this is left nothing more is begun.
_LEAST_SECONDS = 1.0
# Of a part that fails: new failures that are made small, and how long that takes in all.
_SHRUNK = 3
_SHRINK_SECONDS = 600.0


@dataclass(frozen=True)
class Night:
    """What a night runs with.

    Attributes:
        plan: its parts.
        folder: state, and a folder of files each night.
        command: what the words of a part follow.
        environment: of the commands.
        working_folder: of the commands.
        provenance: see :func:`corewright.environment.provenance`.
        hours: after which nothing more runs; None: all parts do.
        farm: where parts that can run their cases, as on the command line; see :func:`on_farm`.
        test_plans: of the blocks, for what the night says of their testpoints.
        say: told what happens, a line each.
        clock: seconds, from anywhere.
    """

    plan: Plan
    folder: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    working_folder: Path
    provenance: Mapping[str, Any]
    hours: float | None = None
    farm: str | None = None
    test_plans: Sequence[TestPlan] = ()
    say: Callable[[str], None] = lambda _line: None
    clock: Callable[[], float] = time.monotonic


def on_farm(plan: Plan, farm: str, accepts: Callable[[Sequence[str]], bool]) -> Plan:
    """Return a plan whose parts run on a farm, those whose command can.

    Args:
        plan: the parts.
        farm: as behind ``--farm``.
        accepts: whether words with ``--farm`` are a command line.
    """
    parts = []
    for part in plan.parts:
        there = replace(part, command=(*part.command, "--farm", farm))
        words = there.words(1, {name: Path(name) for name in FILES})
        # What covers the RTL is counted in a folder of this machine.
        able = "--coverage" not in words and accepts(words)
        parts.append(there if able else part)
    return replace(plan, parts=tuple(parts))


def run_night(night: Night) -> dict[str, Any]:
    """Run a night, or what is left of one that was killed, and report.

    The report is also written to ``report.json`` and ``report.html`` of the night's folder, behind
    each part.

    Returns:
        ``night``, ``date``, ``provenance``, ``seed``, ``resumed``, ``interrupted``, ``passed``,
        ``parts`` (list, see ``results.py``, with ``name``, ``about``, ``compared``, ``farm``),
        ``farm``, ``testpoints`` (see :func:`corewright.regress.testpoints.rows_by_block`),
        ``not_run`` (names), ``new_failures`` and ``fixed`` (lists of ``part`` and ``key``),
        ``last_night``.

    Raises:
        FlowInputError: another night runs in the folder, or its state is damaged.
        OutputError: the folder cannot be written.
    """
    with alone(night.folder):
        return _Run(night, load_state(night.folder)).run()


class _Run:
    def __init__(self, night: Night, state: State) -> None:
        self.night, self.state = night, state
        commit = night.provenance["commit"]
        self.resumed = _goes_on(state.night, commit)
        if state.night is not None and not self.resumed:
            night.say(f"night {state.night['id']} was of other sources: it is over")
            self._close(state.night["id"])
        began = datetime.now(UTC)
        if state.night is None:
            state.night = {
                "id": self._new_id(began.strftime("%Y%m%d-%H%M%S")),
                "commit": commit,
                "seed": 1 + secrets.randbelow(MAX_SEED - 10_000),
                "began": began.isoformat(timespec="seconds"),
                "pieces": {},
            }
        self.current = state.night
        self.last_night = state.nights[-1] if state.nights else None
        # What came before this night, for it to be compared with.
        self.before = {name: dict(last) for name, last in state.last.items()}
        for name, last in self.before.items():
            if last["night"] == self.current["id"]:
                self.before[name] = last.get("before") or {}
        self.files = night.folder / self.current["id"]
        self.deadline = None
        if night.hours is not None:
            self.deadline = night.clock() + 3600 * night.hours
        self.interrupted = False

    def _new_id(self, name: str) -> str:
        found, number = name, 1
        while (self.night.folder / found).exists():
            number += 1
            found = f"{name}-{number}"
        return found

    def run(self) -> dict[str, Any]:
        night = self.night
        with writing(self.files, MOVED_BY):
            self.files.mkdir(parents=True, exist_ok=True)
        self.state.save(night.folder)
        how = "goes on" if self.resumed else "begins"
        night.say(f"night {self.current['id']} {how}, seed {self.current['seed']}")
        try:
            for part in self._ordered():
                self._run_part(part)
                self._shrink(part)
                self._write()
        except KeyboardInterrupt:
            self.interrupted = True
            night.say("interrupted: the same command goes on from here")
        if not self.interrupted:
            self._close(self.current["id"])
        report = self._write()
        prune(night.folder, self.state, night.plan.keep)
        self.state.save(night.folder)
        return report

    def _ordered(self) -> list[Part]:
        """The parts; of a night that is limited the stalest first, never run before any."""
        if self.deadline is None:
            return list(self.night.plan.parts)
        return sorted(
            self.night.plan.parts, key=lambda part: self.before.get(part.name, {}).get("date", "")
        )

    # ------------------------------------------------------------------------ parts and pieces

    def _run_part(self, part: Part) -> None:
        pieces = self.current["pieces"].setdefault(part.name, [])
        while len(pieces) < part.pieces and not any(piece["stopped"] for piece in pieces):
            left = 60 * part.minutes - sum(piece["seconds"] for piece in pieces)
            if left <= 0:
                pieces[-1]["stopped"] = True
                self._remember(part)
                return
            if self.deadline is not None:
                left = min(left, self.deadline - self.night.clock())
            if left < min(_LEAST_SECONDS, 60 * part.minutes):
                self.night.say(f"{part.name}: no time left")
                return
            pieces.append(self._run_piece(part, len(pieces), left))
            self._remember(part)

    def _run_piece(self, part: Part, number: int, seconds: float) -> dict[str, Any]:
        stem = f"{part.name}-{number + 1}"
        files = {
            name: self.files / f"{stem}.{'xml' if name == 'junit' else name}" for name in FILES
        }
        for path in files.values():
            # Of a piece that was killed.
            path.unlink(missing_ok=True)
        seed = self.current["seed"] + number
        words = part.words(seed, files)
        where = f"{part.name} {number + 1}/{part.pieces}"
        self.night.say(f"{where}: running, {seconds / 60:.1f} min at most")
        log = self.files / f"{stem}.log"
        began = self.night.clock()
        with writing(log, MOVED_BY), log.open("wb") as output:
            status, stopped = self._call(words, output.fileno(), seconds)
        outcome = piece_outcome(
            words,
            files,
            log,
            exit_status=status,
            stopped=stopped,
            seconds=self.night.clock() - began,
        )
        self.night.say(f"{where}: {outcome['status']} in {outcome['seconds']} s")
        return outcome

    def _shrink(self, part: Part) -> None:
        """Make the first case of each new failure of a regression small."""
        pieces = self.current["pieces"].get(part.name, [])
        known = self.before.get(part.name, {}).get("failures", [])
        seen: dict[str, dict[str, Any]] = {}
        for failure in (failure for piece in pieces for failure in piece["failures"]):
            seen.setdefault(failure["key"], failure)
        new = [each for key, each in seen.items() if "id" in each and key not in known]
        left = _SHRINK_SECONDS - sum(each["shrunk"]["seconds"] for each in new if "shrunk" in each)
        for number, failure in enumerate(new[:_SHRUNK]):
            if "shrunk" in failure:
                # Before the night was killed.
                continue
            if self.deadline is not None:
                left = min(left, self.deadline - self.night.clock())
            if left < _LEAST_SECONDS:
                return
            failure["shrunk"] = self._shrink_one(part, number, failure, left)
            left -= failure["shrunk"]["seconds"]
            self.state.save(self.night.folder)

    def _shrink_one(
        self, part: Part, number: int, failure: Mapping[str, Any], seconds: float
    ) -> dict[str, Any]:
        stem = self.files / f"{part.name}-shrunk-{number + 1}"
        case, result = (stem.with_suffix(suffix) for suffix in (".json", ".result.json"))
        result.unlink(missing_ok=True)
        # It reports by itself before it is stopped, unless a candidate takes long.
        words = ["regress", part.command[1], "--shrink", failure["id"], "--out", str(case)]
        words += ["--budget", str(max(1, int(0.8 * seconds))), "--json", str(result)]
        self.night.say(f"{part.name}: shrinking {failure['id']}")
        began = self.night.clock()
        log = stem.with_suffix(".log")
        with writing(log, MOVED_BY), log.open("wb") as output:
            self._call(words, output.fileno(), seconds)
        shrunk: dict[str, Any] = {"seconds": round(self.night.clock() - began, 1), "log": str(log)}
        try:
            values = read_json(result)
        except (FileNotFoundError, UnreadableFileError):
            values = {}
        if isinstance(values, dict):
            names = ("file", "command", "before", "after", "ended_by", "reproduced")
            shrunk |= {name: values[name] for name in names if name in values}
        self.night.say(f"{part.name}: {shrunk.get('file', 'nothing smaller was written')}")
        return shrunk

    def _call(self, words: Sequence[str], output: int, seconds: float) -> tuple[int, bool]:
        """Exit status of a command, and whether it was stopped."""
        with _heard_interrupts():
            process = subprocess.Popen(
                [*self.night.command, *words],
                cwd=self.night.working_folder,
                env=dict(self.night.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: what it has started ends with it.
                start_new_session=True,
            )
        try:
            try:
                return process.wait(seconds), False
            except subprocess.TimeoutExpired:
                # As Ctrl-C: the commands report what has run until then.
                os.killpg(process.pid, signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE_SECONDS)
                return process.poll() or 0, True
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _remember(self, part: Part) -> None:
        outcome = self._outcome(part)
        self.state.last[part.name] = {
            "night": self.current["id"],
            "date": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "commit": self.current["commit"],
            "status": outcome["status"],
            "seconds": outcome["seconds"],
            "failures": [failure["key"] for failure in outcome["failures"]],
            "rate": outcome.get("rate"),
            # A night that goes on is compared with the one before, not with itself.
            "before": {k: v for k, v in self.before.get(part.name, {}).items() if k != "before"},
        }
        self.state.save(self.night.folder)

    def _outcome(self, part: Part) -> dict[str, Any]:
        return part_outcome(self.current["pieces"].get(part.name, []), part.pieces)

    # ------------------------------------------------------------------------ the report

    def _write(self) -> dict[str, Any]:
        report = self._report()
        with writing(self.files, MOVED_BY):
            text = json.dumps(report, indent=1) + "\n"
            (self.files / "report.json").write_text(text, encoding="utf-8")
            page = night_page(report, self.state.history)
            (self.files / "report.html").write_text(page, encoding="utf-8")
        return report

    def _report(self) -> dict[str, Any]:
        parts, new, fixed = [], [], []
        for part in self.night.plan.parts:
            outcome = self._outcome(part)
            last = self.before.get(part.name) or None
            entry = {"name": part.name, "about": part.about, **outcome}
            entry["farm"] = "--farm" in part.command
            if last is not None and outcome["pieces"]:
                keys = [failure["key"] for failure in outcome["failures"]]
                new += [
                    {"part": part.name, "key": key} for key in keys if key not in last["failures"]
                ]
                if outcome["pieces"] == part.pieces and outcome["status"] != "stopped":
                    # What did not run to its end may still fail.
                    gone = [key for key in last["failures"] if key not in keys]
                    fixed += [{"part": part.name, "key": key} for key in gone]
            elif last is None:
                new += [
                    {"part": part.name, "key": failure["key"]} for failure in outcome["failures"]
                ]
            entry["compared"] = last and {
                name: last[name]
                for name in ("night", "date", "commit", "status", "seconds", "rate")
            }
            parts.append(entry)
        return {
            "night": self.current["id"],
            "date": self.current["began"],
            "provenance": dict(self.night.provenance),
            "seed": self.current["seed"],
            "farm": self.night.farm,
            "resumed": self.resumed,
            "interrupted": self.interrupted,
            "over": self.state.night is None,
            "passed": not merged_failures(parts),
            "parts": parts,
            "testpoints": rows_by_block(self.night.test_plans, self._evidence()),
            "not_run": [part["name"] for part in parts if not part["pieces"]],
            "new_failures": new,
            "fixed": fixed,
            "last_night": self.last_night,
        }

    def _evidence(self) -> dict[str, bool]:
        pieces = [piece for found in self.current["pieces"].values() for piece in found]
        # Of a night that an earlier version began there is none.
        return merged(piece.get("evidence", {}) for piece in pieces)

    def _close(self, name: str) -> None:
        """Let the night that is not over be so."""
        unfinished, self.state.night = self.state.night, None
        self.state.nights.append(name)
        if unfinished is None:
            return
        for part in self.night.plan.parts:
            pieces = unfinished["pieces"].get(part.name, [])
            if not pieces:
                continue
            outcome = part_outcome(pieces, part.pieces)
            done = outcome.get("passed", outcome.get("tests_passed", 0))
            if "cases" not in outcome and "tests" not in outcome:
                done = int(outcome["status"] != "failed")
            bad = outcome.get("failed", 0) + outcome.get("errors", 0)
            self.state.history.append(
                {
                    "suite": part.name,
                    "date": unfinished["began"],
                    "commit": unfinished["commit"],
                    "passed": done,
                    "failed": bad or len(outcome["failures"]),
                    "rate": outcome.get("rate"),
                }
            )


@contextlib.contextmanager
def _heard_interrupts() -> Iterator[None]:
    """Start processes that SIGINT stops, also where this one ignores it (a shell's `&`)."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _goes_on(unfinished: Unfinished | None, commit: str | None) -> bool:
    """Whether a night that was killed is of these very sources."""
    if unfinished is None or commit is None or commit.endswith("+"):
        return False
    return unfinished["commit"] == commit
