# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The generator's files: the same for the same parameters, whole, and errors that name a cause."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from corewright import emulator
from corewright.environment import repository_root
from corewright.flow.vectors import FILES
from corewright.gen import SystemGenerator, main
from corewright.hardware import Hardware, configuration_package

LENET = repository_root() / "models" / "lenet5"
HARDWARE = {"processing_elements": [4, 6], "bits_input": 8, "bits_weights": 8, "bits_sum": 32}
MODEL = {
    "hardware": HARDWARE,
    "model": "lenet5_w8a8.cwgraph",
    "reference": "lenet5_w8a8_reference.npz",
    "batch": 2,
    "images": 3,
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path / "build"))


def generate(folder: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any]) -> Path:
    folder.mkdir()
    monkeypatch.chdir(folder)
    data = {
        "parameters": parameters,
        "files_root": str(LENET),
        "vlnv": "corewright:models:lenet5-system:0.1.0",
        "gapi": "1.0",
    }
    generator = SystemGenerator(data)
    generator.run()
    generator.write()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_second_run_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = contents(generate(tmp_path / "first", monkeypatch, MODEL))
    # Without the first run's cache.
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path / "other"))
    second = contents(generate(tmp_path / "second", monkeypatch, MODEL))
    assert first == second
    assert set(first) == {*FILES, "lenet5-system.core"}


def test_files_are_of_the_hardware_and_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = generate(tmp_path / "out", monkeypatch, MODEL)
    hw = Hardware.from_json(folder / "hardware.json")
    assert hw.processing_elements == (4, 6)
    assert (folder / "config_hw.svh").read_text() == configuration_package(hw)
    info = json.loads((folder / "info.json").read_text())
    assert (info["batch"], info["images"], info["runs"]) == (2, 3, 2)
    assert info["emulator"] == {"bit_exact": True}
    assert info["framework"] == {"layers": 8, "images": 3, "bit_exact": True, "different": []}
    program = (folder / "program.bin").read_bytes()
    assert len(program) == info["program_bytes"]
    inputs = np.fromfile(folder / "inputs.bin", dtype=np.uint8)
    expected = np.fromfile(folder / "expected.bin", dtype=np.uint8)
    assert inputs.size == 2 * info["input"]["bytes"]
    assert expected.size == 2 * info["arena_bytes"]
    # The second run, from its files alone.
    arena = np.zeros(info["arena_bytes"], dtype=np.uint8)
    arena[: info["input"]["bytes"]] = inputs[info["input"]["bytes"] :]
    emulator.run(program, arena, hardware=hw)
    span = slice(info["output"]["offset"], info["output"]["offset"] + info["output"]["bytes"])
    # Lanes 2 and 3 of a word are no images of a batch of two.
    got = arena[span].reshape(-1, 4)[:, :2]
    want = expected[info["arena_bytes"] :][span].reshape(-1, 4)[:, :2]
    assert np.array_equal(got, want)
    assert np.ptp(want) > 0
    assert f"#define CW_MODEL_PROGRAM_BYTES {len(program)}u" in (folder / "config_fw.h").read_text()
    assert len((folder / "tensors.txt").read_text().splitlines()) == 1 + 7


def test_core_lists_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = generate(tmp_path / "out", monkeypatch, MODEL)
    core = yaml.safe_load((folder / "lenet5-system.core").read_text().partition("\n")[2])
    listed = {
        name: values
        for fileset in core["filesets"].values()
        for file in fileset["files"]
        for name, values in file.items()
    }
    assert set(listed) == set(FILES)
    assert listed["config_hw.svh"]["is_include_file"]
    assert listed["program.bin"] == {"copyto": "vectors/program.bin"}
    assert sorted(core["targets"]["default"]["filesets"]) == ["firmware", "rtl", "vectors"]


def test_without_a_model_there_is_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "hardware.json"
    path.write_text(json.dumps(HARDWARE))
    folder = generate(tmp_path / "out", monkeypatch, {"hardware": str(path)})
    assert set(contents(folder)) == {
        "config_hw.svh",
        "config_hw.tcl",
        "hardware.json",
        "lenet5-system.core",
    }


def test_another_value_gives_other_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = contents(generate(tmp_path / "first", monkeypatch, MODEL))
    hardware = {**HARDWARE, "processing_elements": [5, 6]}
    second = contents(generate(tmp_path / "second", monkeypatch, {**MODEL, "hardware": hardware}))
    for name in ("program.bin", "config_hw.svh", "expected.bin", "tensors.txt"):
        assert first[name] != second[name], name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hardware": {"rows": 3}}, "unknown hardware parameter rows"),
        ({"hardware": {"axi_width": 33}}, "axi_width is 33"),
        ({"hardware": "nowhere.json"}, "hardware nowhere.json"),
        ({"model": "nothing.cwgraph"}, "model nothing.cwgraph"),
        ({"model": "README.md"}, "not a graph file"),
        ({"reference": "README.md"}, "reference README.md"),
        ({"batch": 0}, "batch is 0"),
        ({"images": 100000}, "images is 100000"),
        ({"colour": "red"}, "unknown parameter colour"),
        ({"hardware": {**HARDWARE, "bits_input": 4}}, "raise bits_input"),
    ],
)
def test_errors_name_the_cause_in_one_line(
    change: dict[str, Any],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    data = {
        "parameters": {**MODEL, **change},
        "files_root": str(LENET),
        "vlnv": "corewright:models:lenet5-system:0.1.0",
    }
    (tmp_path / "input.yml").write_text(yaml.safe_dump(data))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cw_generate.py", "input.yml"])
    assert main() == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert not (tmp_path / "lenet5-system.core").exists()


def test_script_of_the_core_runs_the_generator(tmp_path: Path):
    data = {
        "parameters": {"hardware": HARDWARE},
        "files_root": str(LENET),
        "vlnv": "corewright:models:lenet5-system:0.1.0",
    }
    (tmp_path / "input.yml").write_text(yaml.safe_dump(data))
    script = repository_root() / "core" / "gen" / "cw_generate.py"
    from corewright.flow.model import flow_environment

    subprocess.run(
        [sys.executable, script, "input.yml"], cwd=tmp_path, env=flow_environment(), check=True
    )
    assert (tmp_path / "lenet5-system.core").is_file()
