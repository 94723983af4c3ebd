# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What running a case costs on a farm: cases that do nothing, over many Dask workers.

All workers are processes of this machine, so everything is paid here: scheduler and client, Dask's
workers, and the child process of each in which cases run. The database is written as in a real run.

Printed are, each measured: wall-clock time a case (what the limit is for), processor time a case of
the process that runs scheduler and database and of all the workers, the memory of that process in
the course of the run, and the size of the database. Starting the workers is measured apart.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from corewright.environment import provenance
from corewright.files import write_output
from corewright.flow.errors import FlowInputError
from corewright.regress.case import CaseResult
from corewright.regress.farm import open_farm
from corewright.regress.store import Store
from corewright.regress.tests.farm_faults import EMPTY

WORKERS, CASES = 32, 10_000
# Milliseconds of wall-clock time a case.
LIMIT = 50.0
# Growth of the scheduler's memory over the second half of the cases, MB.
GROWTH_LIMIT = 10.0
_SAMPLES = 10


def resident_megabytes(pid: str = "self") -> float:
    """Memory of a process that is in use now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(workers: int, cases: int, folder: Path) -> dict[str, Any]:
    """Run empty cases; the cases of the result are those that came back, once each."""
    farm = open_farm(f"local:{workers}", case_seconds=300)
    file = folder / "results.sqlite"
    samples: list[dict[str, float]] = []
    seen: set[int] = set()
    twice = failed = 0
    case_seconds = 0.0
    started = time.monotonic()
    first = own = others = 0.0
    with Store(str(file)) as store:
        run = store.begin(EMPTY.name, 1, cases, provenance(), farm.name)
        for item in farm.run(EMPTY, 1, range(cases)):
            if not isinstance(item, CaseResult):
                continue
            if not seen:
                first, own, others = time.monotonic(), time.process_time(), _others()
            twice += item.index in seen
            failed += item.verdict != "passed"
            seen.add(item.index)
            case_seconds += item.seconds
            store.record(run, item)
            if len(seen) % max(1, cases // _SAMPLES) == 0:
                samples.append(_sample(len(seen), file))
            if len(seen) == cases:
                # Before the workers end.
                last, own, others = time.monotonic(), time.process_time() - own, _others() - others
        store.finish(run, 0.0)
        rows = store.history()[0].ran
    # Closed: without what SQLite keeps beside it while somebody writes.
    size = file.stat().st_size
    half = samples[len(samples) // 2 - 1] if len(samples) > 1 else samples[-1]
    return {
        "workers": workers,
        "cases": len(seen),
        "cases_twice": twice,
        "cases_failed": failed,
        "rows": rows,
        "starting_seconds": round(first - started, 2),
        "seconds": round(last - first, 2),
        "milliseconds_a_case": round(1000 * (last - first) / cases, 3),
        "processor_milliseconds_a_case": {
            "scheduler": round(1000 * own / cases, 3),
            "workers": round(1000 * others / cases, 3),
            "the cases themselves": round(1000 * case_seconds / cases, 3),
        },
        "growth_megabytes": round(samples[-1]["megabytes"] - half["megabytes"], 2),
        "database_bytes_a_case": round(size / cases, 1),
        "samples": samples,
        "statistics": vars(farm.statistics),
    }


def _sample(cases: int, file: Path) -> dict[str, float]:
    size = sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))
    return {
        "cases": cases,
        "megabytes": round(resident_megabytes(), 2),
        "database_megabytes": round(size / 1e6, 3),
    }


def _others() -> float:
    """Processor seconds of all that this process has started and runs, with what those have."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(stat.parent.name)
        parents[pid], ticks[pid] = int(fields[1]), sum(int(field) for field in fields[11:15])
    mine = os.getpid()

    def is_ours(pid: int) -> bool:
        while pid in parents:
            pid = parents[pid]
            if pid == mine:
                return True
        return False

    return sum(ticks[pid] for pid in parents if is_ours(pid)) / os.sysconf("SC_CLK_TCK")


def problems(measured: Mapping[str, Any]) -> list[str]:
    """Return what misses its limit, each as one line."""
    found = []
    wanted = {"cases_twice": 0, "cases_failed": 0, "rows": measured["cases"]}
    for name, value in wanted.items():
        if measured[name] != value:
            found.append(f"{name} is {measured[name]}, not {value}")
    if measured["milliseconds_a_case"] > LIMIT:
        found.append(f"a case takes {measured['milliseconds_a_case']} ms, limit {LIMIT}")
    if measured["growth_megabytes"] > GROWTH_LIMIT:
        found.append(f"memory grew by {measured['growth_megabytes']} MB, limit {GROWTH_LIMIT}")
    return found


def _size(models: list[str]) -> tuple[int, int]:
    try:
        workers, cases = (int(word) for word in models) if models else (WORKERS, CASES)
    except ValueError:
        workers = cases = 0
    if not 1 <= workers <= 1000 or cases < _SAMPLES:
        raise FlowInputError(
            f"farm: legal are two numbers, WORKERS (1..1000) and CASES (from {_SAMPLES}), "
            f"not {' '.join(models)}"
        )
    return workers, cases


def main(json_path: Path | None = None, models: list[str] | None = None) -> int:
    """Measure, print, and return 1 if a case is missing or a limit is missed."""
    workers, cases = _size(models or [])
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(workers, cases, Path(folder))
    per = measured["processor_milliseconds_a_case"]
    console.print(
        f"{measured['cases']:,} empty cases over {workers} Dask workers on {os.cpu_count()} cores: "
        f"{measured['milliseconds_a_case']} ms of wall-clock time a case (limit {LIMIT:.0f}); "
        f"workers ready after {measured['starting_seconds']} s",
        soft_wrap=True,
        highlight=False,
    )
    console.print(
        "processor time a case: " + ", ".join(f"{name} {value} ms" for name, value in per.items()),
        soft_wrap=True,
        highlight=False,
    )
    console.print(
        f"memory grew by {measured['growth_megabytes']} MB over the second half (limit "
        f"{GROWTH_LIMIT:.0f}); the database has {measured['database_bytes_a_case']} bytes a case",
        soft_wrap=True,
        highlight=False,
    )
    for sample in measured["samples"]:
        console.print(
            f"after {sample['cases']:>7,} cases: scheduler {sample['megabytes']:.1f} MB, "
            f"database {sample['database_megabytes']:.2f} MB",
            highlight=False,
        )
    bad = problems(measured)
    for line in bad:
        console.print(line, style="red", soft_wrap=True, highlight=False)
    if json_path is not None:
        write_output(json_path, json.dumps(measured, indent=2) + "\n")
    return 1 if bad else 0
