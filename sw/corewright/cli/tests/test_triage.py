# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``regress --shrink``, ``--replay FILE``, ``--waves``, ``--junit``, and lines of progress."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from corewright.cli.main import main
from corewright.cli.progress import Lines
from corewright.regress import CaseResult, all_suites
from corewright.regress.tests.faults import WRONG_EMULATOR


def test_a_failing_case_is_shrunk_and_its_command_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(all_suites(), "graphs", WRONG_EMULATOR)
    monkeypatch.chdir(tmp_path)
    words = ["regress", "graphs", "--shrink", "graphs-7-1", "--out", "small.json"]
    assert main([*words, "--json", "result.json"]) == 1
    text = capsys.readouterr().out
    assert "failed: mismatch in Conv" in text and "layers: 5 -> 1" in text
    values = json.loads(Path("result.json").read_text())
    assert values["reproduced"] and values["after"]["layers"] == 1 < values["before"]["layers"]
    assert values["id"] == "graphs-7-1" and values["provenance"]["date"]
    command = text.split("reproduce: ")[1].split()
    assert command == ["./cw", "regress", "graphs", "--replay", "small.json"]
    assert values["command"].split() == command

    junit, page = tmp_path / "junit.xml", tmp_path / "page.html"
    more = ["--json", "again.json", "--junit", str(junit), "--html", str(page)]
    assert main([*command[1:], *more]) == 1
    again = capsys.readouterr().out
    assert "1 x mismatch in Conv" in again and f"reproduce: {' '.join(command)}" in again
    failures = json.loads(Path("again.json").read_text())["failures"]
    assert [failure["command"] for failure in failures] == [" ".join(command)]
    assert ElementTree.parse(junit).getroot().attrib["failures"] == "1"
    assert " ".join(command) in page.read_text()

    # Without the fault it passes.
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["regress", "graphs", "--shrink", "small.json"]) == 0
    assert "nothing to shrink" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shrink", "none.json"], "is no case, legal is SUITE-SEED-INDEX, or a file that"),
        (["--shrink", "system-7-1"], "is a case of system, not of graphs"),
        (["--shrink", "graphs-7-1", "--seed", "7"], "leave out --seed"),
        (["--shrink", "graphs-7-1", "--replay", "graphs-7-1"], "leave out --replay"),
        (["--shrink", "graphs-7-1", "--html", "a", "--junit", "b"], "leave out --html, --junit"),
        (["--replay", "case.json"], "case.json: not a JSON file"),
        (["--replay", "case.json", "--cases", "2"], "leave out --seed and --cases"),
        (["--replay", "graphs-7-1", "--waves", "a.fst"], "simulates nothing, it has no waves"),
        (["--waves", "a.fst"], "--waves FILE needs --replay"),
        (["--out", "a.json"], "--out FILE needs --shrink"),
    ],
)
def test_bad_triage_is_one_line_and_status_2(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("case.json").write_text("{")
    assert main(["regress", "graphs", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1 and message in captured.err


def test_progress_without_a_terminal_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [0.0]
    lines = Lines(1000, lambda: now[0])
    passed = CaseResult("graphs", 1, 0, "passed")
    for _ in range(500):
        lines.case(passed)
    # Within the first seconds there is nothing to say.
    assert capsys.readouterr().err == ""
    now[0] = 20.0
    lines.case(passed)
    assert capsys.readouterr().err == ("501 of 1000 done, no failures, 20 s, about 20 s left\n")
    now[0] = 40.0
    lines.case(passed)
    assert capsys.readouterr().err == ""
    now[0] = 81.0
    lines.case(passed)
    assert capsys.readouterr().err.startswith("503 of 1000 done")


def test_the_first_failure_of_each_kind_is_told_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines(10, lambda: 0.0)
    for index, signature in enumerate(["a", "a", "b"]):
        lines.case(CaseResult("graphs", 1, index, "failed", signature))
    assert capsys.readouterr().err == "graphs-1-0 failed: a\ngraphs-1-2 failed: b\n"
    assert lines.bad == 3


def test_interrupted_shrinking_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from corewright.regress.trial import Trials

    run: Any = Trials.run
    count = [0]

    def interrupted(self: Trials, *arguments: Any, **options: Any) -> CaseResult:
        count[0] += 1
        if count[0] == 4:
            raise KeyboardInterrupt
        result: CaseResult = run(self, *arguments, **options)
        return result

    monkeypatch.setitem(all_suites(), "graphs", WRONG_EMULATOR)
    monkeypatch.setattr(Trials, "run", interrupted)
    path = tmp_path / "small.json"
    words = ["regress", "graphs", "--shrink", "graphs-7-1", "--out", str(path)]
    assert main(words) == 130
    text = capsys.readouterr().out
    assert "ended by: interrupted" in text and path.is_file() and "reproduce: " in text
