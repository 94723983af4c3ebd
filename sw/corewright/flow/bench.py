# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs a compiled bench on a vector set."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corewright.flow.cache import build_folder, building, check_build_folder
from corewright.flow.compiled_bench import CompiledBench, flow_environment, tail
from corewright.flow.coverage_data import run_counted
from corewright.flow.errors import FlowError
from corewright.flow.vectors import VectorSet

STALLS = ("none", "light", "heavy")
MAX_SEED = 2**31 - 1
_MISMATCH = re.compile(
    r"^MISMATCH layer=(?P<layer>\S+) run=(?P<run>\d+) image=(?P<image>\d+) h=(?P<h>\d+) "
    r"w=(?P<w>\d+) c=(?P<c>\d+) expected=(?P<expected>-?\d+) got=(?P<got>-?\d+)$"
)


@dataclass(frozen=True)
class RunResult:
    """What a run left.

    Attributes:
        result: contents of ``result.json``.
        passed: exit status 0 and the bench's own verdict.
        mismatches: the first wrong elements of each layer: layer, image (of all), h, w, c,
            expected, got.
        notes: the bench's own lines about what went wrong, in order.
        folder: log, results and waves; removed if the run passed and nobody asked to keep it.
    """

    result: dict[str, Any]
    passed: bool
    mismatches: list[dict[str, Any]]
    notes: list[str]
    folder: Path
    kept: bool = field(default=False)


def run_bench(
    bench: CompiledBench,
    vectors: VectorSet,
    *,
    seed: int = 1,
    stalls: str = "none",
    waves: Path | None = None,
    plusargs: tuple[str, ...] = (),
    timeout: float | None = None,
) -> RunResult:
    """Simulate all runs of a vector set.

    What the run covers counts, if it passed and somebody asked, see :func:`run_counted`.

    Args:
        bench: what runs.
        vectors: program, inputs and what is expected.
        seed: 1 to 2^31 - 1: stalls, bus addresses, first contents of memory and registers.
        stalls: one of ``STALLS``.
        waves: the FST file to write; the bench needs ``trace``.
        plusargs: further plusargs of the bench, without ``+``.
        timeout: seconds after which the run counts as hung; None: the bench's own check only.

    Raises:
        FlowError: the simulation crashed or left no results.
        OutputError: the build folder cannot be written.
    """
    runs = build_folder() / "runs"
    with building(runs):
        runs.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{vectors.folder.name[:40]}-", dir=runs))
    log, result_file = folder / "run.log", folder / "result.json"
    command = [
        str(bench.executable),
        f"+dir={vectors.folder}",
        f"+result={result_file}",
        f"+seed={seed}",
        f"+stalls={stalls}",
        "+verilator+rand+reset+2",
        f"+verilator+seed+{seed}",
    ]
    if waves is not None:
        command.append(f"+trace={waves}")
    command += [f"+{argument}" for argument in plusargs]
    with building(log):
        opened = log.open("w", encoding="utf-8")
    with opened as file:
        try:
            status = run_counted(
                command,
                cwd=folder,
                env=flow_environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=timeout,
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise FlowError(f"the simulation did not end in {timeout} s\nlog: {log}") from error
    try:
        result = json.loads(result_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        check_build_folder()
        raise FlowError(
            f"the simulation left no results (exit status {status})\n{tail(log)}\nlog: {log}"
        ) from error
    passed = status == 0 and result["passed"] is True
    mismatches, notes = _read_log(log, vectors)
    keep = not passed or waves is not None
    if not keep:
        shutil.rmtree(folder)
    return RunResult(result, passed, mismatches, notes, folder, keep)


def _read_log(log: Path, vectors: VectorSet) -> tuple[list[dict[str, Any]], list[str]]:
    mismatches, notes = [], []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _MISMATCH.match(line)
        if match:
            image = int(match["run"]) * vectors.info["batch"] + int(match["image"])
            values = {name: int(match[name]) for name in ("h", "w", "c", "expected", "got")}
            mismatches.append({"layer": match["layer"], "image": image, **values})
        elif not line.startswith(("MISMATCH", "PASS", "model_run", "- ")):
            notes.append(line)
    return mismatches, notes
