# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Real Dask: workers that are killed, hang and come back; nightly ones on real machines' faults."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import distributed
import numpy as np
import pytest

from corewright.cli import main
from corewright.environment import repository_root
from corewright.flow.errors import FlowInputError
from corewright.regress import CaseResult, Report, find_suite, run_suite
from corewright.regress.case import Suite
from corewright.regress.farm import open_farm
from corewright.regress.farm.dask import DaskScheduler, _own_signals
from corewright.regress.store import Store
from corewright.regress.suites import suites_folder
from corewright.regress.tests import farm_faults, faults, one_machine_slurm
from corewright.testing.processes import ends, has_ended


def test_a_killed_worker_and_a_hanging_case_cost_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(farm_faults.NOTES, str(tmp_path))
    farm = open_farm("local:2", case_seconds=5)
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


def test_farms_of_jobs_leave_ctrl_c_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing dask_jobqueue sets handlers of signals."""
    monkeypatch.delitem(sys.modules, "dask_jobqueue", raising=False)
    monkeypatch.delitem(sys.modules, "dask_jobqueue.runner", raising=False)
    before = signal.getsignal(signal.SIGINT)
    with _own_signals():
        importlib.import_module("dask_jobqueue.runner")
        within = signal.getsignal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before is not within


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


# ------------------------------------------------------------------------------------- nightly


class Killer:
    """Kills one of the processes that a function finds, again and again, drawn by a seed."""

    def __init__(self, find: Callable[[], list[int]], seed: int, seconds: float) -> None:
        self.find, self.rng, self.seconds = find, np.random.default_rng(seed), seconds
        self.kills = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.wait(self.seconds):
            found = sorted(self.find())
            if found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(self.rng.choice(found)), signal.SIGKILL)
                    self.kills += 1

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def processes(*words: str) -> list[int]:
    """Processes in whose command line and environment all words stand."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if all(word.encode() in text for word in words):
            found.append(int(folder.name))
    return found


def children(command: str) -> list[int]:
    """This process's children with a word in their command line."""
    found = []
    for pid in processes(command):
        with contextlib.suppress(OSError):
            if f"PPid:\t{os.getpid()}\n" in Path(f"/proc/{pid}/status").read_text():
                found.append(pid)
    return found


def check(report: Report, cases: int, file: Path) -> None:
    """Each case has ended once, also in the database; an error is only what killed its workers."""
    assert [result.index for result in report.results] == list(range(cases))
    bad = {result.signature for result in report.failures}
    assert bad <= {"worker lost", "preparation: worker lost"}, report.groups
    with Store(str(file)) as store:
        (run,) = store.history()
        assert [result.index for result in store.results(run.id)] == list(range(cases))


def recorded(suite: Suite, cases: int, farm: DaskScheduler, file: Path, seen: list[int]) -> Report:
    """Run cases and keep them, as the command does."""
    with Store(str(file)) as store:
        run = store.begin(suite.name, 1, cases, {}, farm.name)

        def keep(result: CaseResult) -> None:
            seen.append(result.index)
            assert store.record(run, result)

        report = run_suite(suite, 1, range(cases), farm, keep)
        store.finish(run, report.preparation_seconds)
    return report


@pytest.mark.nightly
def test_200_cases_end_once_while_workers_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv(farm_faults.SECONDS, "0.4")
    farm = open_farm("local:4", case_seconds=300)
    seen: list[int] = []
    with Killer(lambda: children("dask_worker"), seed=1, seconds=2.0) as killer:
        report = recorded(farm_faults.WORKING, 200, farm, tmp_path / "r.sqlite", seen)
    check(report, 200, tmp_path / "r.sqlite")
    assert sorted(seen) == list(range(200))
    assert killer.kills >= 5 and farm.statistics.workers_lost >= 5
    # Cases that were killed three times are rare.
    assert len(report.failures) <= 10


class Outside:
    """A Dask scheduler and workers that somebody else has started, each its own process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.running: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
        sources = [str(path) for path in (repository_root() / "sw", repository_root() / "flows")]
        environment = {**os.environ, **variables}
        environment["PYTHONPATH"] = os.pathsep.join([*sources, os.environ.get("PYTHONPATH", "")])
        with (self.folder / f"{words[0]}-{len(self.running)}.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=self.folder
            )
        self.running.append(process)
        return process

    def scheduler(self) -> subprocess.Popen[bytes]:
        return self.start(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )

    def worker(self, build: Path, **variables: str) -> subprocess.Popen[bytes]:
        variables["COREWRIGHT_BUILD"] = str(build)
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        return self.start("worker", self.address, *options, **variables)

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    made = Outside(tmp_path)
    yield made
    made.end()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk with no room for a case."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.nightly
def test_a_full_disk_another_processor_and_a_lost_scheduler(
    tmp_path: Path,
    outside: Outside,
    full_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def start() -> list[subprocess.Popen[bytes]]:
        slow = {farm_faults.SECONDS: "0.3"}
        return [
            outside.scheduler(),
            outside.worker(full_disk, **slow),
            outside.worker(tmp_path / "build", **slow),
            outside.worker(tmp_path / "build", COREWRIGHT_PROCESSOR="another one", **slow),
        ]

    farm = open_farm(outside.address, case_seconds=300, patience=600)
    seen: list[int] = []
    first = start()
    await_port(outside.port)
    restarted = threading.Event()

    def lose() -> None:
        while len(seen) < 30:
            time.sleep(0.1)
        for process in first:
            process.kill()
            process.wait()
        start()
        restarted.set()

    thread = threading.Thread(target=lose)
    thread.start()
    report = recorded(farm_faults.WORKING, 120, farm, tmp_path / "r.sqlite", seen)
    thread.join()
    assert restarted.is_set()
    check(report, 120, tmp_path / "r.sqlite")
    assert report.passed, report.groups
    assert all(result.summary["prepared"] for result in report.results)
    assert {result.summary["build"] for result in report.results} == {str(tmp_path / "build")}
    text = caplog.text
    assert f"the connection to {outside.address} is lost" in text
    assert f"{outside.address}: connected again" in text
    assert "gets no more cases" in text and "No space left on device" in text
    # Each processor has had its own preparation of what ran there, see above.
    assert {result.summary["processor"] for result in report.results} == {"its own", "another one"}
    assert farm.statistics.workers >= 4


def await_port(port: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise TimeoutError("no scheduler")


@pytest.mark.nightly
def test_a_connection_that_breaks_without_its_scheduler(tmp_path: Path, outside: Outside) -> None:
    """The scheduler forgets the client, which connects again: what was on its way is sent again."""
    outside.scheduler()
    await_port(outside.port)
    outside.worker(tmp_path / "build", **{farm_faults.SECONDS: "0.1"})
    farm = open_farm(outside.address, case_seconds=300, patience=600)
    seen: list[int] = []
    cut = threading.Event()

    def close(dask_scheduler: Any = None) -> None:
        for comm in list(dask_scheduler.client_comms.values()):
            comm.abort()

    def lose() -> None:
        while len(seen) < 5:
            time.sleep(0.05)
        with (
            contextlib.suppress(Exception),
            distributed.Client(outside.address, set_as_default=False) as client,
        ):
            client.run_on_scheduler(close)
        cut.set()

    thread = threading.Thread(target=lose)
    thread.start()
    report = recorded(farm_faults.WORKING, 40, farm, tmp_path / "r.sqlite", seen)
    thread.join()
    assert cut.is_set()
    check(report, 40, tmp_path / "r.sqlite")
    assert report.passed and sorted(seen) == list(range(40))
    assert farm.statistics.workers_lost >= 1


@pytest.mark.nightly
def test_a_worker_with_other_sources_is_left_out(
    tmp_path: Path, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "clone"
    root.mkdir()
    (root / "sw").symlink_to(repository_root() / "sw")
    (root / "flows").symlink_to(repository_root() / "flows")
    outside.scheduler()
    await_port(outside.port)
    outside.worker(tmp_path / "build", COREWRIGHT_ROOT=str(root))
    farm = open_farm(outside.address, case_seconds=60, patience=60)
    report = run_suite(farm_faults.EMPTY, 1, range(3), farm)
    assert {result.signature for result in report.results} == {"no worker"}
    assert "its sources are not those here" in caplog.text


@pytest.mark.nightly
def test_interrupt_of_a_farm_reports_what_ran(tmp_path: Path) -> None:
    code = (
        "import signal, sys\n"
        "from corewright.cli import main\n"
        "from corewright.regress import all_suites\n"
        # Also where the tests run in the background.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from corewright.regress.tests.faults import ENDLESS\n"
        "all_suites()['graphs'] = ENDLESS\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(main(sys.argv[1:]))\n"
    )
    script = tmp_path / "run.py"
    script.write_text(code)
    report, marker = tmp_path / "r.json", tmp_path / "marker"
    words = ["regress", "graphs", "--cases", "9", "--seed", "5", "--farm", "local:1"]
    with subprocess.Popen(
        [sys.executable, str(script), *words, "--json", str(report)],
        env={**os.environ, faults.MARKER: str(marker)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A terminal sends it to all of them.
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 300
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        out, error = process.communicate(timeout=300)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    # A worker has a task more than it runs, and Dask may begin that one first.
    cases = json.loads(report.read_text())["cases"]
    assert cases in (3, 4) and f"interrupted: {9 - cases} case(s) did not run" in out
    assert ends(int(marker.read_text()))


def one_bench(folder: Path) -> Suite:
    """Systems on one small array: RTL and firmware, with a bench that is compiled once."""
    text = (suites_folder() / "smoke.toml").read_text(encoding="utf-8")
    path = folder / "one_bench.toml"
    path.write_text(re.sub(r"(\[hardware\]\ncases = )\d+", r"\g<1>200", text), encoding="utf-8")
    suite = find_suite(str(path))
    assert {suite.group(index) for index in range(200)} == {0}
    return suite


@pytest.mark.nightly
def test_200_systems_end_once_while_workers_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path / "build"))
    suite = one_bench(tmp_path)
    farm = open_farm("local:2", case_seconds=300)
    seen: list[int] = []

    def workers() -> list[int]:
        # Not while the bench is compiled: nobody would ever finish it.
        return children("dask_worker") if seen else []

    with Killer(workers, seed=3, seconds=4.0) as killer:
        report = recorded(suite, 200, farm, tmp_path / "r.sqlite", seen)
    check(report, 200, tmp_path / "r.sqlite")
    assert sorted(seen) == list(range(200))
    assert killer.kills >= 2 and farm.statistics.workers_lost >= 2
    assert len(report.failures) <= 5
    assert report.to_dict()["simulated_cycles"] > 0


@pytest.mark.nightly
def test_jobs_that_die_before_they_have_joined_are_submitted_again(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing := one_machine_slurm.missing():
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("slurm")
    with one_machine_slurm.running(folder) as environment:
        for variable in ("SLURM_CONF", "PATH"):
            monkeypatch.setenv(variable, environment[variable])
        monkeypatch.setenv("COREWRIGHT_BUILD", str(folder / "build"))
        killed: set[int] = set()
        over = threading.Event()

        def kill_the_first() -> None:
            # Python has not even imported Dask by then.
            while len(killed) < 2 and not over.wait(0.05):
                for pid in processes("dask_worker", str(folder / "slurm.conf")):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed.add(pid)

        thread = threading.Thread(target=kill_the_first)
        thread.start()
        farm = open_farm("slurm:2", case_seconds=300, patience=200)
        with dask.config.set({"jobqueue.slurm.interface": "lo", "jobqueue.slurm.memory": "500MB"}):
            report = run_suite(farm_faults.EMPTY, 1, range(20), farm)
        over.set()
        thread.join()
        assert len(killed) >= 2 and report.passed and len(report.results) == 20


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "jobs", "seconds"), [("working", 4, 12.0), ("one_bench", 2, 10.0)]
)
def test_200_cases_end_once_over_slurm_while_jobs_are_killed(
    name: str,
    jobs: int,
    seconds: float,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if missing := one_machine_slurm.missing():
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("slurm")
    suite = farm_faults.WORKING if name == "working" else one_bench(folder)
    with one_machine_slurm.running(folder) as environment:
        for variable in ("SLURM_CONF", "PATH"):
            monkeypatch.setenv(variable, environment[variable])
        monkeypatch.setenv("COREWRIGHT_BUILD", str(folder / "build"))
        monkeypatch.setenv(farm_faults.SECONDS, "1.0")
        farm = open_farm(f"slurm:{jobs}", case_seconds=300, patience=600)
        seen: list[int] = []

        def workers() -> list[int]:
            return processes("dask_worker", str(folder / "slurm.conf")) if len(seen) > 3 else []

        with (
            dask.config.set({"jobqueue.slurm.interface": "lo", "jobqueue.slurm.memory": "500MB"}),
            Killer(workers, seed=2, seconds=seconds) as killer,
        ):
            report = recorded(suite, 200, farm, folder / "r.sqlite", seen)
        check(report, 200, folder / "r.sqlite")
        assert sorted(seen) == list(range(200))
        assert killer.kills >= 2 and farm.statistics.workers_lost >= 1
        assert len(report.failures) <= 10
        done = subprocess.run(
            ["squeue", "-h", "-t", "R,PD"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert not done.stdout, "jobs are left behind"
