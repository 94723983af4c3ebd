# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Suites for farms: cases that do nothing, or something to the worker whose child they run in."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from corewright.environment import build_folder, processor
from corewright.regress.case import Observation

# A folder where cases leave notes.
NOTES = "COREWRIGHT_TEST_NOTES"
# Seconds that each case of WORKING takes.
SECONDS = "COREWRIGHT_TEST_SECONDS"


def note(name: str) -> bool:
    """Leave a note; False: it was there."""
    try:
        (Path(os.environ[NOTES]) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class Empty:
    """Cases that do nothing: what a run takes is what running takes."""

    name = "empty"
    reference = "corewright.regress.tests.farm_faults:EMPTY"
    default_cases = 1000
    bins: Mapping[str, tuple[str, ...]] = {"case": ("even", "odd")}

    def group(self, index: int) -> int | None:
        return None

    def prepare(self, seed: int, group: int) -> None:
        raise NotImplementedError

    def run(self, seed: int, index: int, observation: Observation) -> None:
        observation.describe(value=seed + index)
        observation.cover(f"case:{'odd' if index % 2 else 'even'}")


class Killing(Empty):
    """Case 2 kills its worker once, case 3 never ends, case 4 sees its own process killed once."""

    name = "killing"
    reference = "corewright.regress.tests.farm_faults:KILLING"

    def run(self, seed: int, index: int, observation: Observation) -> None:
        super().run(seed, index, observation)
        if index == 2 and note("killed"):
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600)
        if index == 3:
            (Path(os.environ[NOTES]) / "hanging").write_text(str(os.getpid()))
            time.sleep(600)
        if index == 4 and note("process"):
            os.kill(os.getpid(), signal.SIGKILL)


class Working(Empty):
    """Ten cases a group; preparations and cases write to the build folder, and take a while."""

    name = "working"
    reference = "corewright.regress.tests.farm_faults:WORKING"

    def group(self, index: int) -> int | None:
        return index // 10

    def prepare(self, seed: int, group: int) -> None:
        time.sleep(float(os.environ.get(SECONDS, "0")))
        _write(f"prepared-{seed}-{group}-{_processor()}")

    def run(self, seed: int, index: int, observation: Observation) -> None:
        super().run(seed, index, observation)
        prepared = build_folder() / "work" / f"prepared-{seed}-{index // 10}-{_processor()}"
        observation.describe(prepared=prepared.exists(), build=str(build_folder()))
        observation.describe(processor=_processor())
        time.sleep(float(os.environ.get(SECONDS, "0")))
        _write(f"case-{seed}-{index}")


def _processor() -> str:
    return processor().get("named", "its own")


def _write(name: str) -> None:
    folder = build_folder() / "work"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(64 << 10))


EMPTY = Empty()
KILLING = Killing()
WORKING = Working()
