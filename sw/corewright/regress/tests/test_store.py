# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The database of results: one row a case, whoever delivers it; history; what cannot be opened."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from corewright.cli import main
from corewright.files import OutputError
from corewright.flow.errors import FlowInputError
from corewright.regress.case import CaseResult, Verdict
from corewright.regress.store import SCHEMA, Store

PROVENANCE = {"commit": "0123456789abcdef+", "date": "2026-01-01", "python": "3.11"}
RESULT = CaseResult(
    "graphs", 7, 0, "failed", "mismatch in Conv", "at 3", {"graph": ["a", 1]}, ("rows:1",), 0.25
)


def filled(path: Path, runs: int = 1) -> Store:
    """A database with runs of five cases: two passed, two failed, one error."""
    store = Store(str(path))
    for _ in range(runs):
        run = store.begin("graphs", 7, 5, PROVENANCE)
        verdicts: tuple[Verdict, ...] = ("passed", "failed", "error", "failed", "passed")
        for index, verdict in enumerate(verdicts):
            assert store.record(run, replace(RESULT, index=index, verdict=verdict))
        store.finish(run, 1.75)
    return store


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    with filled(tmp_path / "new" / "r.sqlite") as store:
        (run,) = store.history()
        results = list(store.results(run.id))
    assert results[1] == replace(RESULT, index=1)
    assert [result.index for result in results] == list(range(5))


def test_a_case_that_is_delivered_twice_has_one_row_the_first(tmp_path: Path) -> None:
    with filled(tmp_path / "r.sqlite") as store:
        run = store.history()[0].id
        assert not store.record(run, replace(RESULT, index=0, verdict="error"))
        assert next(store.results(run)).verdict == "passed"
        # In another run it is another case.
        other = store.begin("graphs", 7, 5, PROVENANCE)
        assert store.record(other, RESULT)
        # What is wrong for other reasons is no duplicate.
        with pytest.raises(Exception, match="FOREIGN KEY"):
            store.record(other + 1, RESULT)


def test_history_counts_and_sorts(tmp_path: Path) -> None:
    with filled(tmp_path / "r.sqlite", runs=3) as store:
        open_run = store.begin("system", 9, 4, PROVENANCE, farm="slurm:4")
        store.record(open_run, replace(RESULT, index=3))
        latest = store.history()
        assert [run.id for run in latest] == [4, 3, 2, 1]
        assert [run.id for run in store.history("graphs", limit=2)] == [3, 2]
        assert (latest[0].state, latest[0].farm, latest[0].commit) == (
            *("open", "slurm:4"),
            PROVENANCE["commit"],
        )
        store.finish(open_run, 0.0)
        assert store.history()[0].state == "interrupted"
        values = latest[1].to_dict()
        assert (values["passed"], values["failed"], values["errors"]) == (2, 2, 1)
        # 5 cases in 5 * 0.25 + 1.75 seconds.
        assert values["cases_per_core_minute"] == 100.0 and values["state"] == "complete"


def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with filled(path) as first, Store(str(path)) as second:
        runs = [store.begin("graphs", 1, 40, PROVENANCE) for store in (first, second)]
        for index in range(20):
            for store, run in zip((first, second), runs, strict=True):
                assert store.record(run, replace(RESULT, index=index))
        assert [run.ran for run in first.history()[:2]] == [20, 20]


def test_a_killed_writer_loses_nothing_that_it_has_recorded(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from corewright.regress.store import Store\n"
        "from corewright.regress.case import CaseResult\n"
        "store = Store(sys.argv[1])\n"
        "run = store.begin('graphs', 7, 100, {})\n"
        "for index in range(30):\n"
        "    store.record(run, CaseResult('graphs', 7, index, 'passed'))\n"
        "print('done', flush=True)\n"
        "time.sleep(600)\n"
    )
    path = tmp_path / "r.sqlite"
    sw = str(Path(__file__).resolve().parents[3])
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": sw},
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"done\n"
        writer.send_signal(signal.SIGKILL)
    with Store(str(path)) as store:
        (run,) = store.history()
    assert (run.ran, run.state) == (30, "open")


def test_other_versions_of_the_tables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    filled(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE corewright_schema SET version = ?", (SCHEMA + 1,))
    with pytest.raises(FlowInputError, match=f"have version {SCHEMA + 1}, legal is {SCHEMA}"):
        Store(str(path))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nothing://host/x", "Can't load plugin"),
        ("::://", "legal is a path or a URL"),
        ("sqlite:////dev", "unable to open database file"),
    ],
)
def test_what_is_no_database_is_one_line(url: str, told: str) -> None:
    with pytest.raises(FlowInputError, match=told) as caught:
        Store(url)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are notes, " * 100)
    with pytest.raises(FlowInputError, match="file is not a database"):
        Store(str(path))
    assert path.read_text().startswith("these are notes")
    with pytest.raises(OutputError, match="--database URL names another place"):
        Store(str(path / "below" / "r.sqlite"))


def test_passwords_are_not_shown() -> None:
    with pytest.raises(FlowInputError) as caught:
        Store("postgresql+nothing://user:secret@host/name")
    assert "secret" not in str(caught.value)


# ------------------------------------------------------------------------- on the command line


def test_runs_are_kept_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, report = tmp_path / "r.sqlite", tmp_path / "r.json"
    words = ["regress", "graphs", "--cases", "4", "--seed", "6", "--jobs", "1"]
    assert main([*words, "--database", str(path), "--json", str(report)]) == 0
    assert json.loads(report.read_text())["run"] == 1
    # The variable names it, too; a case that is repeated is no run.
    monkeypatch.setenv("COREWRIGHT_DATABASE", str(path))
    assert main(["regress", "graphs", "--replay", "graphs-6-1", "--jobs", "1"]) == 0
    capsys.readouterr()
    assert main(["regress", "--history", "--json", str(report)]) == 0
    out = capsys.readouterr().out
    assert "1 run(s) in sqlite" in out and "graphs" in out
    (run,) = json.loads(report.read_text())["runs"]
    assert (run["suite"], run["seed"], run["cases"], run["passed"]) == ("graphs", 6, 4, 4)
    assert run["cases_per_core_minute"] > 0 and run["state"] == "complete"
    assert main(["regress", "system", "--history", "--json", str(report)]) == 0
    assert json.loads(report.read_text())["runs"] == []


def test_a_database_that_fails_in_mid_run_does_not_end_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Store, "record", fail)
    words = ["regress", "graphs", "--cases", "2", "--seed", "6", "--jobs", "1", "--database"]
    assert main([*words, str(tmp_path / "r.sqlite")]) == 1
    printed = capsys.readouterr()
    assert "2 passed, 0 failed, 0 errors" in printed.out
    assert "not all results are in" in printed.err and "disk is full" in printed.err


def test_without_sqlalchemy_cases_run_and_who_asks_for_results_is_told_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "corewright.regress.store", None)
    monkeypatch.delenv("COREWRIGHT_DATABASE", raising=False)
    words = ["regress", "graphs", "--cases", "1", "--seed", "6", "--jobs", "1"]
    assert main(words) == 0
    assert capsys.readouterr().err == ""
    for asking in ([*words, "--database", str(tmp_path / "r.sqlite")], ["regress", "--history"]):
        assert main(asking) == 2
        error = capsys.readouterr().err
        assert "is missing, `./cw regress --history` installs it" in error
        assert error.count("\n") == 1


def test_a_build_folder_that_cannot_hold_the_default_database_is_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "build").write_text("no folder")
    monkeypatch.delenv("COREWRIGHT_DATABASE", raising=False)
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path / "build"))
    assert main(["regress", "graphs", "--cases", "1", "--seed", "6", "--jobs", "1"]) == 0
    assert "results are not kept" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no suite is named, legal are: "),
        (["nothing", "--history"], "there is no suite 'nothing'"),
        (["graphs", "--database", "x://y"], "Can't load plugin"),
    ],
)
def test_bad_words_are_one_line_and_status_2(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["regress", *words]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


# ------------------------------------------------------------------------------------ resuming


def test_a_run_is_taken_up_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, file = tmp_path / "r.sqlite", tmp_path / "r.json"
    words = ["regress", "graphs", "--seed", "7", "--jobs", "1", "--database", str(path)]
    whole = ["--cases", "4", "--json", str(file)]
    assert main([*words, *whole]) == 0
    expected = json.loads(file.read_text())
    # As of a run that was killed behind its second case.
    with sqlite3.connect(path) as connection:
        connection.execute("delete from cases where case_index > 1")
        connection.execute("update runs set ended = null")
    capsys.readouterr()
    assert main([*words, "--resume", "--json", str(file)]) == 0
    assert "graphs: 2 case(s), seed 7" in (out := capsys.readouterr().out)
    assert "run 1 goes on: 2 case(s) have run" in out and "4 passed" in out
    report = json.loads(file.read_text())
    for name in ("cases", "passed", "not_run", "coverage", "refusals", "run"):
        assert report[name] == expected[name], name
    with Store(str(path)) as store:
        (run,) = store.history()
        assert (run.state, run.ran) == ("complete", 4)
        assert [result.index for result in store.results(run.id)] == list(range(4))
    assert main([*words, "--resume"]) == 2
    assert "all cases of run 1: nothing is left to run" in capsys.readouterr().err


def test_what_cannot_be_taken_up_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.sqlite"
    with Store(str(path)) as store:
        store.begin("graphs", 7, 5, {**PROVENANCE, "sources": "of another day"})
    words = ["regress", "graphs", "--resume", "--database", str(path)]
    for more, told in (
        ([], "--resume needs the --seed S"),
        (["--seed", "8"], "has no run of graphs with seed 8"),
        (["--seed", "7", "--cases", "6"], "has 5 cases in run 1, not 6"),
        (["--seed", "7"], "has run 1, which is of other sources than these"),
        (["--seed", "7", "--coverage"], "--resume does not go with --coverage"),
    ):
        assert main([*words, *more]) == 2
        error = capsys.readouterr().err
        assert told in error and error.count("\n") == 1, error
