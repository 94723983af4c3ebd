# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Suites with something to find, for the tests; workers import them by reference."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from corewright import emulator
from corewright.flow.vectors import VectorSet, prepare
from corewright.regress.case import CheckFailed, Observation
from corewright.regress.kinds import graphs, system
from corewright.regress.plan import read_plan
from corewright.regress.suites import suites_folder

# Where the hanging case notes the process that it has started.
PIDS = "COREWRIGHT_TEST_PIDS"
# Where the endless case does.
MARKER = "COREWRIGHT_TEST_MARKER"


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

    def run(self, seed: int, index: int, observation: Observation) -> None:
        right = emulator.run

        def wrong(program: bytes, arena: Any, **options: Any) -> Any:
            traces = right(program, arena, **options)
            arena[traces[0].output_offset] ^= 1
            return traces

        with mock.patch.object(graphs.emulator, "run", wrong):
            super().run(seed, index, observation)


class DamagedSystem(system.SystemSuite):
    """What the simulation reads is damaged: even cases the program, odd ones what is expected."""

    def run(self, seed: int, index: int, observation: Observation) -> None:
        def damaged(*arguments: Any) -> VectorSet:
            vectors = prepare(*arguments)
            place = vectors.info["output"]["offset"] if index % 2 else 100
            path = vectors.folder / ("expected.bin" if index % 2 else "program.bin")
            data = bytearray(path.read_bytes())
            data[place] ^= 1
            path.write_bytes(data)
            return vectors

        with mock.patch.object(system, "prepare", damaged):
            super().run(seed, index, observation)


MISBEHAVING = Misbehaving()
ENDLESS = Endless()
WRONG_EMULATOR = WrongEmulator(
    read_plan(suites_folder() / "graphs.toml"), "graphs", f"{__name__}:WRONG_EMULATOR"
)
DAMAGED_SYSTEM = DamagedSystem(
    read_plan(suites_folder() / "system.toml"), "system", f"{__name__}:DAMAGED_SYSTEM"
)
