# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Exit status, messages and JSON of the command line. What it simulates is tested in flow."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from corewright.cli import commands, main
from corewright.cli.tools import test_command as pytest_command
from corewright.files import check_output
from corewright.flow import FlowError
from corewright.regress.tests.faults import MARKER
from corewright.testing.processes import ends

# pytest would collect it by its name.
pytest_command.__test__ = False  # type: ignore[attr-defined]

COMMANDS = (
    *("sim", "test", "export", "bench", "regress", "coverage", "nightly"),
    *("fusesoc", "shell"),
)


def result(**changes: Any) -> dict[str, Any]:
    hardware = {"processing_elements": [2, 2], "bits_input": 8, "bits_weights": 8, "axi_width": 32}
    layer = {"name": "conv1", "type": "conv", "macs": 10, "cycles": 20, "utilisation": 0.5}
    quiet = {"cycles": 32, "cycles_per_image": 16.0, "utilisation": 0.6}
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
        "images_per_second_at_clock_without_stalls": 1.25,
        **{f"{name}_without_stalls": value for name, value in quiet.items()},
        "cycles_by_cause": {"compute": 40},
        "netlist": None,
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


def test_cycles_say_under_which_stalls_they_were_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(commands, "simulate_system", lambda *_, **__: result())
    assert main(["sim", "--stalls", "light"]) == 0
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    cells = {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}
    assert cells["cycles an image"] == ["20.0", "measured in RTL, stalls light"]
    assert cells["cycles an image without stalls"] == ["16.0", "measured in RTL, a second run"]
    monkeypatch.setattr(commands, "simulate_system", lambda *_, **__: result(stalls="none"))
    assert main(["sim"]) == 0
    text = capsys.readouterr().out
    assert "measured in RTL, stalls none" in text and "without stalls" not in text


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
    words = ["regress", "graphs", "--cases", "3", "--seed", "6", "--jobs", "1"]
    assert main([*words, "--json", str(files[0]), "--html", str(files[1])]) == 0
    captured = capsys.readouterr()
    assert "3 case(s), seed 6" in captured.out and "3 passed, 0 failed" in captured.out
    assert captured.err == ""
    written = json.loads(files[0].read_text())
    assert (written["suite"], written["seed"], written["passed"]) == ("graphs", 6, 3)
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
    from corewright.regress import all_suites
    from corewright.regress.tests.faults import WRONG_EMULATOR

    monkeypatch.setitem(all_suites(), "graphs", WRONG_EMULATOR)
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
        (["graph"], "there is no suite 'graph' (did you mean graphs?), legal are: abort, "),
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


# --------------------------------------------------------------- no room, no right, interruption


def one_line(captured: Any, *parts: str) -> None:
    (line,) = captured.err.splitlines()
    assert line.startswith("cw: ")
    for part in parts:
        assert part in line, line


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """Return a folder that not even root can make: it would lie in a file."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "folder"


COMMANDS_THAT_WRITE = [
    ["sim", "lenet5", "--images", "1"],
    ["export", "lenet5", "--out", "OUT"],
    ["bench"],
    ["regress", "graphs", "--cases", "1"],
]


@pytest.mark.parametrize("words", COMMANDS_THAT_WRITE)
@pytest.mark.parametrize("place", ["sealed", "/dev/full"])
def test_json_that_cannot_be_written_is_one_line_with_the_option(
    words: list[str],
    place: str,
    sealed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(commands, "simulate_system", lambda *_, **__: result())
    words = [str(tmp_path / "out") if word == "OUT" else word for word in words]
    file = str(sealed / "result.json") if place == "sealed" else place
    assert main([*words, "--json", file]) == 2
    captured = capsys.readouterr()
    one_line(captured, f"{file}: ", "--json FILE names another place")
    # Where that shows before the work, none is done; a disk that is full behind it loses nothing.
    assert bool(captured.out) == (place == "/dev/full")


def test_page_that_cannot_be_written_is_one_line(sealed: Path, capsys: pytest.CaptureFixture[str]):
    words = ["regress", "graphs", "--cases", "1", "--seed", "1", "--html"]
    assert main([*words, str(sealed / "page.html")]) == 2
    one_line(capsys.readouterr(), str(sealed), "Not a directory", "--html FILE names")
    assert main([*words, "/dev/full"]) == 2
    captured = capsys.readouterr()
    one_line(captured, "/dev/full: No space left on device (--html FILE names another place)")
    assert "1 passed" in captured.out


def test_asking_whether_a_file_can_be_written_leaves_it_as_it_was(tmp_path: Path):
    new, old = tmp_path / "deep" / "new", tmp_path / "old"
    old.write_text("before")
    for path in (new, old):
        check_output(path, "--json FILE")
    assert not new.exists() and old.read_text() == "before"


def test_export_to_a_bad_folder_is_one_line(
    sealed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    assert main(["export", "lenet5", "--out", str(sealed)]) == 2
    one_line(capsys.readouterr(), str(sealed), "--out DIR names another place")

    def full(*_: Any, **__: Any) -> Any:
        # As shutil reports it: the file that was read.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/elsewhere/program.bin")

    monkeypatch.setattr(commands, "export_model", full)
    assert main(["export", "lenet5", "--out", str(tmp_path / "out")]) == 2
    one_line(capsys.readouterr(), f"{tmp_path / 'out'}: No space left", "--out DIR")


@pytest.mark.parametrize(
    "words",
    [
        ["sim", "lenet5"],
        ["sim", "lenet5", "--trace"],
        ["export", "mlp", "--out", "OUT"],
        ["test", "sw/corewright/cli", "-k", "nothing"],
        ["bench", "zoo", "jet"],
        ["regress", "system", "--cases", "1"],
    ],
)
def test_build_folder_that_cannot_be_written_is_one_line_with_the_variable(
    words: list[str],
    sealed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("COREWRIGHT_BUILD", str(sealed))
    words = [str(tmp_path / "out") if word == "OUT" else word for word in words]
    assert main(words) == 2
    captured = capfd.readouterr()
    one_line(captured, str(sealed), "Not a directory", "COREWRIGHT_BUILD=FOLDER names another")
    assert captured.out == ""


def test_full_disk_is_one_line_with_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path / "build"))

    def full(*_: Any, **__: Any) -> int:
        # Python names no file when it is writing that fails.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    assert main(["sim", "mlp"]) == 2
    one_line(capsys.readouterr(), str(tmp_path / "build"), "No space left", "COREWRIGHT_BUILD=")
    # Nothing half is left behind.
    assert not list(tmp_path.rglob("making-*")) and not list(tmp_path.rglob("*.json"))


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from corewright.cli import main
from corewright.regress import all_suites
from corewright.regress.tests.faults import ENDLESS
all_suites()["graphs"] = ENDLESS
sys.exit(main(sys.argv[1:]))
"""


def test_interrupted_regression_keeps_what_was_done(tmp_path: Path):
    files = tmp_path / "result.json", tmp_path / "page.html"
    marker = tmp_path / "marker"
    words = ["regress", "graphs", "--cases", "9", "--seed", "5", "--jobs", "1"]
    words += ["--json", str(files[0]), "--html", str(files[1])]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *words],
        env={**os.environ, MARKER: str(marker)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not marker.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert err == "graphs-5-1 failed: mismatch\n"
    assert "interrupted: 6 case(s) did not run" in out and "2 passed, 1 failed, 0 errors" in out
    assert "./cw regress graphs --replay graphs-5-1" in out
    written = json.loads(files[0].read_text())
    assert (written["cases"], written["not_run"], written["interrupted"]) == (3, 6, True)
    assert (written["passed"], written["failed"], len(written["failures"])) == (2, 1, 1)
    assert "interrupted, 6 cases did not run" in files[1].read_text()
    # The case that ran was ended, with what it had started.
    assert ends(int(marker.read_text()))


def test_complete_regression_is_not_interrupted(tmp_path: Path):
    file = tmp_path / "result.json"
    assert main(["regress", "graphs", "--cases", "1", "--seed", "5", "--json", str(file)]) == 0
    written = json.loads(file.read_text())
    assert (written["not_run"], written["interrupted"]) == (0, False)
