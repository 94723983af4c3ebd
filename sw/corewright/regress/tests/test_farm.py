# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Real Dask: workers that are killed, hang and come back; nightly ones on real machines' faults."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corewright.cli import main
from corewright.flow.errors import FlowInputError
from corewright.regress import run_suite
from corewright.regress.farm import open_farm
from corewright.regress.tests import farm_faults

pytest.importorskip("distributed", reason="`./cw regress --history` installs the farm's packages")


def has_ended(pid: int) -> bool:
    """Whether a process has, also if nobody has reaped it."""
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def ends(pid: int, seconds: float = 20.0) -> bool:
    """Whether a process ends within a time."""
    deadline = time.monotonic() + seconds
    while not has_ended(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return has_ended(pid)


def test_a_killed_worker_and_a_hanging_case_cost_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(farm_faults.NOTES, str(tmp_path))
    farm = open_farm("local:2", case_seconds=4)
    seen: list[int] = []
    report = run_suite(
        farm_faults.KILLING, 3, range(12), farm, lambda result: seen.append(result.index)
    )
    assert sorted(seen) == list(range(12))
    verdicts = {r.index: (r.verdict, r.signature) for r in report.results if r.verdict != "passed"}
    assert verdicts == {3: ("error", "timeout")}
    assert [result.summary["value"] for result in report.results] == list(range(3, 15))
    assert (tmp_path / "killed").exists() and (tmp_path / "process").exists()
    assert (farm.statistics.workers_lost, farm.statistics.repeated) == (1, 2)
    assert ends(int((tmp_path / "hanging").read_text()))


def test_what_a_killed_worker_has_started_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of a case, and that of its tool, whoever was killed above them."""
    monkeypatch.setenv(farm_faults.NOTES, str(tmp_path))
    code = (
        "from corewright.regress.farm.remote import perform\n"
        "reference = 'corewright.regress.tests.farm_faults:KILLING'\n"
        "perform('run', reference, 1, {'index': 3}, 600)\n"
    )
    sw = str(Path(__file__).resolve().parents[3])
    owner = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": sw})
    note = tmp_path / "hanging"
    deadline = time.monotonic() + 60
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int(note.read_text())
    assert not has_ended(pid)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert ends(pid)


@pytest.mark.parametrize("text", ["", "local", "local:0", "slurm:x", "host:1", "http://x", "lsf"])
def test_other_farms_are_refused(text: str) -> None:
    with pytest.raises(FlowInputError, match=r"--farm is '.*', legal is ADDRESS"):
        open_farm(text, case_seconds=1)


def test_bad_farms_are_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for farm, told in (
        ("tcp://127.0.0.1:9", "--farm: no Dask scheduler at tcp://127.0.0.1:9"),
        ("slurm:2", "--farm slurm: there is no sbatch on the PATH"),
        ("near", "--farm is 'near', legal is ADDRESS"),
    ):
        assert main(["regress", "graphs", "--cases", "1", "--farm", farm]) == 2
        error = capsys.readouterr().err
        assert told in error and error.count("\n") == 1, error
