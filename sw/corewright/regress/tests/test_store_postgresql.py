# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Results in a real PostgreSQL, which is started for the tests: the same as in SQLite."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from corewright.flow.errors import FlowInputError
from corewright.regress.case import CaseResult, Verdict
from corewright.regress.store import RunRecord, Store

pytestmark = pytest.mark.nightly

PROVENANCE = {"commit": "0123456789abcdef+", "date": "2026-01-01", "sources": "these"}
RESULT = CaseResult(
    "graphs",
    7,
    0,
    "failed",
    "mismatch in 'Conv' % é",
    "at 3\n",
    {"graph": ["a", 1.5]},
    ("r:1",),
    0.25,
)


def _programs() -> Path | None:
    """The folder of Debian's latest PostgreSQL, or of the one on the PATH."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return max(found, key=lambda path: float(path.parts[4])).parent
    name = shutil.which("initdb")
    return Path(name).resolve().parent if name else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server in a folder of its own, which belongs to an unprivileged user."""
    programs = _programs()
    if programs is None:
        pytest.skip("Debian's postgresql is not installed")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install 'psycopg[binary]'")
    # It refuses to run as root, and an ordinary user can be nobody else.
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="postgresql") as name:
        folder = Path(name)
        if user is not None:
            os.chown(folder, user, -1)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "-N"],
            user=user,
            cwd=folder,
            check=True,
            capture_output=True,
        )
        command: list[str | Path] = [
            programs / "pg_ctl",
            "-D",
            data,
            "-w",
            "-t",
            "120",
            "-l",
            folder / "log",
        ]
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        subprocess.run([*command, "-o", options, "start"], user=user, cwd=folder, check=True)
        try:
            yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*command, "-m", "fast", "stop"], user=user, cwd=folder, check=True)


def fill(store: Store) -> list[RunRecord]:
    """Two runs, one of them interrupted and taken up."""
    first = store.begin("graphs", 7, 5, PROVENANCE)
    verdicts: tuple[Verdict, ...] = ("passed", "failed", "error", "failed", "passed")
    for index, verdict in enumerate(verdicts):
        assert store.record(first, replace(RESULT, index=index, verdict=verdict))
        # Delivered twice.
        assert not store.record(first, replace(RESULT, index=index, verdict="error"))
    store.finish(first, 1.75)
    second = store.begin("graphs", 2**31 - 1, 3, PROVENANCE, farm="slurm:4")
    store.record(second, replace(RESULT, seed=2**31 - 1, index=2))
    store.finish(second, 0.5)
    assert store.resume("graphs", 2**31 - 1, "these").id == second
    with pytest.raises(FlowInputError, match="other sources"):
        store.resume("graphs", 2**31 - 1, "others")
    store.record(second, replace(RESULT, seed=2**31 - 1, index=0))
    store.finish(second, 0.25)
    return store.history("graphs")


def test_rows_and_history_are_those_of_sqlite(server: str, tmp_path: Path) -> None:
    with Store(server) as store, Store(str(tmp_path / "r.sqlite")) as other:
        runs, expected = fill(store), fill(other)
        assert len(runs) == len(expected) == 2
        for run, same in zip(runs, expected, strict=True):
            assert list(store.results(run.id)) == list(other.results(same.id))
            assert replace(run, id=same.id, started=same.started, ended=same.ended) == same
        assert (runs[0].state, runs[0].ran, runs[0].preparation_seconds) == ("interrupted", 2, 0.75)
        # What is wrong for other reasons is no duplicate.
        with pytest.raises(Exception, match="foreign key"):
            store.record(10_000, RESULT)


def test_two_runs_at_once_keep_their_own(server: str) -> None:
    """Each with a connection of its own, from its first look at the tables."""
    failures: list[BaseException] = []

    def write(suite: str) -> None:
        try:
            with Store(server) as store:
                run = store.begin(suite, 1, 100, PROVENANCE)
                for index in range(100):
                    assert store.record(run, replace(RESULT, suite=suite, index=index))
                store.finish(run, 0.0)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(f"at_once_{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with Store(server) as store:
        for number in range(4):
            (run,) = store.history(f"at_once_{number}")
            assert (run.state, run.ran) == ("complete", 100)
            assert [each.index for each in store.results(run.id)] == list(range(100))


def test_new_tables_are_made_once_by_several_at_once(server: str) -> None:
    """In a database that nobody has used."""
    import psycopg

    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("create database fresh")
    url = server.removesuffix("/postgres") + "/fresh"
    together = threading.Barrier(8)
    runs: list[int | BaseException] = []

    def begin() -> None:
        together.wait(60)
        try:
            with Store(url) as store:
                runs.append(store.begin("graphs", 1, 1, PROVENANCE))
        except BaseException as error:
            runs.append(error)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, runs)) == [str(number) for number in range(1, 9)]
