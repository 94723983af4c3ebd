# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Exit status, messages and JSON of the command line. What it simulates is tested in flow."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from corewright.cli import commands, main
from corewright.cli.tools import test_command as pytest_command
from corewright.flow import FlowError

# pytest would collect it by its name.
pytest_command.__test__ = False  # type: ignore[attr-defined]

COMMANDS = ("sim", "test", "export", "bench", "regress", "fusesoc", "shell")


def result(**changes: Any) -> dict[str, Any]:
    hardware = {"processing_elements": [2, 2], "bits_input": 8, "bits_weights": 8, "axi_width": 32}
    layer = {"name": "conv1", "type": "conv", "macs": 10, "cycles": 20, "utilisation": 0.5}
    return {
        "model": "lenet5",
        "hardware": {**hardware, "frequency_mhz": 250, "hash": "0"},
        "seed": 5,
        "stalls": "light",
        "images": 2,
        "batch": 1,
        "status": "OK",
        "passed": True,
        "bit_exact": True,
        "mismatches": 0,
        "first_mismatches": [],
        "counters_add_up": True,
        "emulator": {"bit_exact": True},
        "framework": {"bit_exact": True, "layers": 0, "images": 0, "different": []},
        "layers": [{**layer, "bit_exact": True}],
        "cycles": 40,
        "cycles_per_image": 20.0,
        "utilisation": 0.5,
        "images_per_second_at_clock": 1.0,
        "cycles_by_cause": {"compute": 40},
        "dram_bytes": {"weights": 1, "pixels_in": 2, "pixels_out": 3},
        "simulated_macs_per_second": 1.0,
        "simulated_cycles": 50,
        "simulation_seconds": 0.1,
        "notes": [],
        "folder": None,
        **changes,
    }


def test_help_describes_every_command(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    listing = capsys.readouterr().out
    for name in COMMANDS:
        assert name in listing
        with pytest.raises(SystemExit) as stop:
            main([name, "--help"])
        assert stop.value.code == 0
        text = capsys.readouterr().out
        assert text.startswith(f"usage: cw {name}")
        assert "." in text


@pytest.mark.parametrize(
    "words", [["nonsense"], [], ["sim", "--stalls", "some"], ["sim", "--images", "0"]]
)
def test_bad_usage_is_status_2(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (None, "No such file"),
        ("{", "not a JSON file"),
        ("[]", "legal is a JSON object"),
        ('{"axi_width": 33}', "axi_width is 33"),
        ('{"nonsense": 1}', "unknown hardware parameter nonsense"),
        ('{"bits_input": 4}', "raise bits_input"),
    ],
)
@pytest.mark.parametrize("command", [["sim"], ["export", "lenet5"]])
def test_bad_hardware_is_one_line_and_status_2(
    command: list[str],
    contents: str | None,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    path = tmp_path / "hardware.json"
    if contents is not None:
        path.write_text(contents)
    words = [*command, "--hardware", str(path)]
    if command[0] == "export":
        words += ["--out", str(tmp_path / "out")]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert message in captured.err


def test_unknown_model_lists_the_models(capsys: pytest.CaptureFixture[str]):
    assert main(["sim", "resnet9000"]) == 2
    message = capsys.readouterr().err
    assert "resnet9000" in message and "lenet5, lenet5_w4a4" in message
    assert len(message.splitlines()) == 1


def test_more_images_than_there_are_is_status_2(capsys: pytest.CaptureFixture[str]):
    assert main(["sim", "--images", "5000"]) == 2
    assert "images is 5000, lenet5 has 359" in capsys.readouterr().err


def test_options_arrive_and_results_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    seen: dict[str, Any] = {}

    def simulate(system: Any, **options: Any) -> dict[str, Any]:
        seen.update(options, name=system.name)
        return result()

    monkeypatch.setattr(commands, "simulate_system", simulate)
    hardware = tmp_path / "hw.json"
    hardware.write_text('{"processing_elements": [2, 2], "bits_input": 8}')
    file = tmp_path / "deep" / "result.json"
    words = ["sim", "lenet5", "--hardware", str(hardware), "--seed", "5", "--images", "2"]
    words += ["--batch", "1", "--stalls", "light", "--json", str(file)]
    assert main(words) == 0
    assert (seen["name"], seen["seed"], seen["images"], seen["batch"]) == ("lenet5", 5, 2, 1)
    assert seen["stalls"] == "light" and seen["waves"] is None
    assert seen["hardware"].processing_elements == (2, 2)
    written = json.loads(file.read_text())
    assert written["bit_exact"] is True
    captured = capsys.readouterr()
    assert "conv1" in captured.out and "measured" in captured.out
    assert captured.err == ""


def test_mismatch_is_status_1_with_place_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    wrong = {"layer": "conv1", "image": 1, "h": 2, "w": 3, "c": 4, "expected": 5, "got": -6}
    bad = result(passed=False, bit_exact=False, mismatches=1, first_mismatches=[wrong])
    monkeypatch.setattr(commands, "simulate_system", lambda *_, **__: bad)
    file = tmp_path / "result.json"
    assert main(["sim", "--json", str(file)]) == 1
    text = capsys.readouterr().out
    assert "layer conv1 image 1 h 2 w 3 c 4: expected 5, got -6" in text
    command = "./cw sim lenet5 --seed 5 --stalls light --images 2 --batch 1"
    assert f"reproduce: {command}" in text
    assert json.loads(file.read_text())["command"] == command


def test_failing_tool_is_status_1_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def simulate(*_: Any, **__: Any) -> dict[str, Any]:
        raise FlowError("building the simulation failed")

    monkeypatch.setattr(commands, "simulate_system", simulate)
    assert main(["sim"]) == 1
    assert capsys.readouterr().err == f"cw: building the simulation failed{os.linesep}"


def test_results_that_cannot_be_written_are_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(commands, "simulate_system", lambda *_, **__: result())
    assert main(["sim", "--json", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_pytest_runs_on_all_cores_unless_told_otherwise():
    everywhere = ["-n", str(os.cpu_count()), "--dist", "worksteal"]
    start = [sys.executable, "-m", "pytest"]
    assert pytest_command([]) == [*start, *everywhere]
    assert pytest_command(["-m", "not slow"]) == [*start, "-m", "not slow", *everywhere]
    for words in (["-n", "4"], ["-n4"], ["--numprocesses=2"], ["-nauto", "x.py"], ["--pdb"]):
        assert pytest_command(words) == [*start, *words]


def test_shell_runs_a_command_in_the_environment(capfd: pytest.CaptureFixture[str]):
    code = "import os, corewright; print(os.environ['COREWRIGHT_ROOT']); raise SystemExit(7)"
    assert main(["shell", "python", "-c", code]) == 7
    assert capfd.readouterr().out.strip()
    assert main(["shell", "no-such-command-anywhere"]) == 127
    assert "no-such-command-anywhere" in capfd.readouterr().err


def test_fusesoc_sees_the_tree(capfd: pytest.CaptureFixture[str]):
    assert main(["fusesoc", "core", "list"]) == 0
    assert "corewright:models:lenet5" in capfd.readouterr().out
    assert main(["fusesoc", "run", "corewright:models:nothing"]) != 0


def test_benchmarks_are_found_run_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "regressions" / "benchmarks"
    folder.mkdir(parents=True)
    (folder / "speed.py").write_text(
        "def main(path):\n    path and path.write_text('{}')\n    return 0\n"
    )
    (folder / "_helper.py").write_text("")
    monkeypatch.setattr(commands, "repository_root", lambda: tmp_path)
    assert main(["bench"]) == 0
    assert capsys.readouterr().out.split() == ["speed"]
    assert main(["bench", "speed", "--json", str(tmp_path / "b.json")]) == 0
    assert (tmp_path / "b.json").read_text() == "{}"
    assert main(["bench", "taste"]) == 2
    assert "legal are: speed" in capsys.readouterr().err


# ------------------------------------------------------------------------------------- regress


def test_regression_reports_and_writes_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    files = tmp_path / "deep" / "result.json", tmp_path / "page.html"
    words = ["regress", "graphs", "--cases", "3", "--seed", "5", "--jobs", "1"]
    assert main([*words, "--json", str(files[0]), "--html", str(files[1])]) == 0
    captured = capsys.readouterr()
    assert "3 case(s), seed 5" in captured.out and "3 passed, 0 failed" in captured.out
    assert captured.err == ""
    written = json.loads(files[0].read_text())
    assert (written["suite"], written["seed"], written["passed"]) == ("graphs", 5, 3)
    assert files[1].read_text().startswith("<!DOCTYPE html>")


def test_seed_that_nobody_gave_is_told(capsys: pytest.CaptureFixture[str]):
    seeds = set()
    for _ in range(2):
        assert main(["regress", "graphs", "--cases", "1"]) == 0
        seeds.add(capsys.readouterr().out.split("seed ")[1].split(",")[0])
    assert len(seeds) == 2


def test_failures_are_status_1_and_their_command_repeats_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from corewright.regress import SUITES
    from corewright.regress.tests.faults import WRONG_EMULATOR

    monkeypatch.setitem(SUITES, "graphs", WRONG_EMULATOR)
    assert main(["regress", "graphs", "--cases", "4", "--seed", "7", "--jobs", "1"]) == 1
    text = capsys.readouterr().out
    assert "x mismatch in " in text and "hardware: processing_elements=" in text
    command = next(line for line in text.splitlines() if "reproduce: " in line).split()
    assert command[1:4] == ["./cw", "regress", "graphs"]
    case = command[-1]
    assert case.startswith("graphs-7-")
    assert main(command[2:]) == 1
    again = capsys.readouterr().out
    assert f"case {case}, seed 7: failed" in again and "input x" in again
    wrong = [line for line in again.splitlines() if line.startswith("  | ")]
    assert wrong and wrong[0] in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["graph"], "there is no suite 'graph', legal are: graphs, system"),
        (["graphs", "--replay", "7"], "SUITE-SEED-INDEX"),
        (["graphs", "--replay", "system-7-1"], "is a case of system, not of graphs"),
        (["graphs", "--replay", "graphs-7-1", "--seed", "7"], "leave out --seed"),
        (["graphs", "--seed", str(2**31)], "--seed is 2147483648"),
    ],
)
def test_bad_regressions_are_one_line_and_status_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["regress", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1 and message in captured.err
