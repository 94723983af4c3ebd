# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The generator's files: the same for the same parameters, whole, and errors that name a cause."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from corewright import emulator
from corewright.environment import repository_root
from corewright.export import configuration_package
from corewright.flow.errors import FlowInputError
from corewright.flow.vectors import FILES
from corewright.gen import SystemGenerator, configuration_name, main
from corewright.hardware import Hardware

VLNV = "corewright:models:lenet5-system:0.1.0"
NAME = configuration_name(VLNV)
LENET = repository_root() / "models" / "lenet5"
HARDWARE = {"processing_elements": [4, 6], "bits_input": 8, "bits_weights": 8, "bits_sum": 32}
MODEL = {
    "hardware": HARDWARE,
    "model": "lenet5_w8a8.cwgraph",
    "reference": "lenet5_w8a8_reference.npz",
    "batch": 2,
    "images": 3,
}
# What a call for MODEL writes, beside the core.
WRITTEN = {*FILES, f"{NAME}_config_pkg.sv", f"{NAME}.sv", f"{NAME}_fw.h"}
WRITTEN -= {"config_hw.svh", "config_fw.h"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path / "build"))


def generate(folder: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any]) -> Path:
    folder.mkdir()
    monkeypatch.chdir(folder)
    data = {
        "parameters": parameters,
        "files_root": str(LENET),
        "vlnv": VLNV,
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
    assert set(first) == WRITTEN | {"lenet5-system.core"}


def test_files_are_of_the_hardware_and_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = generate(tmp_path / "out", monkeypatch, MODEL)
    hw = Hardware.from_json(folder / "hardware.json")
    assert hw.processing_elements == (4, 6)
    package = f"{NAME}_config_pkg"
    assert (folder / f"{package}.sv").read_text() == configuration_package(hw, package)
    module = (folder / f"{NAME}.sv").read_text()
    assert f"\nmodule {NAME} #(" in module and f"Cfg = {package}::Cfg;" in module
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
    header = (folder / f"{NAME}_fw.h").read_text()
    assert f"#define {NAME.upper()}_PROGRAM_BYTES {len(program)}u" in header
    # Another system's header beside it gives no macro and no guard of the same name.
    macros = re.findall(r"^#(?:define|ifndef) (\w+)", header, re.M)
    assert len(macros) > 10 and all(m.startswith(f"{NAME.upper()}_") for m in macros), macros
    assert len((folder / "tensors.txt").read_text().splitlines()) == 1 + 7


def test_core_lists_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = generate(tmp_path / "out", monkeypatch, MODEL)
    core = yaml.safe_load((folder / "lenet5-system.core").read_text().partition("\n")[2])
    listed = {
        name: values
        for name, fileset in core["filesets"].items()
        if name != "rtl"
        for file in fileset["files"]
        for name, values in file.items()
    }
    assert set(listed) | set(core["filesets"]["rtl"]["files"]) == WRITTEN
    # The package before its user.
    assert core["filesets"]["rtl"]["files"] == [f"{NAME}_config_pkg.sv", f"{NAME}.sv"]
    assert listed[f"{NAME}_fw.h"]["is_include_file"]
    assert listed["program.bin"] == {"copyto": f"vectors/{NAME}/program.bin"}
    assert sorted(core["targets"]["default"]["filesets"]) == ["firmware", "rtl", "vectors"]


def test_without_a_model_there_is_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "hardware.json"
    path.write_text(json.dumps(HARDWARE))
    folder = generate(tmp_path / "out", monkeypatch, {"hardware": str(path)})
    assert set(contents(folder)) == {
        f"{NAME}_config_pkg.sv",
        f"{NAME}.sv",
        "config_hw.tcl",
        "hardware.json",
        "lenet5-system.core",
    }


def test_names_stay_apart_and_do_not_depend_on_the_parameters():
    cores = [
        *("corewright:models:lenet5-system:0.1.0", "corewright:models:lenet5-system:0.2.0"),
        *("corewright:models:lenet5-other:0.1.0", "other:models:lenet5-system:0.1.0"),
        *("corewright:boards:lenet5-system:0.1.0", "corewright:models:lenet-5-system:0.1.0"),
        *("corewright:models:lenet_5-system:0.1.0", "corewright:models:LeNet5-System:0.1.0"),
    ]
    names = [configuration_name(core) for core in cores]
    assert len(set(names)) == len(cores)
    for name in names:
        assert re.fullmatch(r"cw_[a-z0-9_]+_[0-9a-f]{8}", name), name
    assert names[0].startswith("cw_lenet5_system_")


@pytest.mark.parametrize(
    ("top", "module", "folder"),
    [
        ("accelerator", "cw_left", "vectors/cw_left"),
        ("bench", "cw_bench", "vectors"),
        ("board", "cw_accelerator_configured", "vectors"),
    ],
)
def test_a_module_is_called_what_its_user_expects(
    top: str, module: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    board = {"board": "zcu104"} if top == "board" else {}
    parameters = {"hardware": HARDWARE, "name": "cw_left", "top": top, **board}
    out = generate(tmp_path / "out", monkeypatch, parameters)
    core = yaml.safe_load((out / "lenet5-system.core").read_text().partition("\n")[2])
    scripts = [{"cw_board.tcl": {"file_type": "tclSource"}}] if top == "board" else []
    files = ["cw_left_config_pkg.sv", f"{module}.sv", *scripts]
    assert core["filesets"]["rtl"]["files"] == files
    text = (out / f"{module}.sv").read_text()
    assert f"\nmodule {module} " in text and "cw_left_config_pkg::Cfg" in text
    assert "cw_config_pkg" not in text.replace("cw_left_config_pkg", "")
    assert {"hardware.json": {"copyto": f"{folder}/hardware.json"}} in core["filesets"]["vectors"][
        "files"
    ]


def test_another_value_gives_other_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = contents(generate(tmp_path / "first", monkeypatch, MODEL))
    hardware = {**HARDWARE, "processing_elements": [5, 6]}
    second = contents(generate(tmp_path / "second", monkeypatch, {**MODEL, "hardware": hardware}))
    for name in ("program.bin", f"{NAME}_config_pkg.sv", "expected.bin", "tensors.txt"):
        assert first[name] != second[name], name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hardware": {"rows": 3}}, "unknown hardware parameter rows"),
        ({"hardware": {"axi_width": 33}}, "axi_width is 33"),
        ({"hardware": "nowhere.json"}, f"hardware {LENET / 'nowhere.json'}: No such file"),
        ({"model": "nothing.cwgraph"}, f"model {LENET / 'nothing.cwgraph'}: No such file"),
        ({"model": "README.md"}, "not a graph file"),
        ({"reference": "README.md"}, "README.md: cannot be read: not an archive"),
        ({"batch": 0}, "batch is 0"),
        ({"images": 100000}, "images is 100000"),
        ({"colour": "red"}, "unknown parameter colour"),
        ({"name": "my core"}, "name is 'my core', legal are lower-case letters"),
        ({"name": 7}, "name is 7, legal are"),
        ({"top": "chip"}, "top is 'chip', legal are accelerator, bench, gates, board"),
        ({"hardware": {**HARDWARE, "bits_input": 4}}, "raise bits_input"),
        ({"board": "zcu104"}, "top is 'accelerator', legal with a board is board"),
        ({"top": "board", "board": "zcu105"}, "board is 'zcu105' (did you mean zcu10"),
        ({"top": "board", "board": "board.tcl"}, "board board.tcl: No such file"),
        ({"top": "board", "board": "zcu104", "clock_mhz": 334}, "legal on zcu104 is up to 333"),
        (
            {"top": "board", "board": "zcu104", "processing_elements": [48, 40]},
            "48x40 units do not fit zcu104's xczu7ev-ffvc1156-2-e: ",
        ),
        ({"clock_mhz": 0}, "clock_mhz is 0, legal are numbers above 0"),
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
        "vlnv": VLNV,
    }
    (tmp_path / "input.yml").write_text(yaml.safe_dump(data))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cw_generate.py", "input.yml"])
    assert main() == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert not (tmp_path / "lenet5-system.core").exists()


def test_a_board_without_room_is_gone_on_with_where_the_target_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    board = {"top": "board", "board": "zcu104", "processing_elements": [48, 40], "oversize": True}
    data = {"parameters": {"hardware": HARDWARE, **board}, "files_root": str(LENET), "vlnv": VLNV}
    (tmp_path / "input.yml").write_text(yaml.safe_dump(data))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cw_generate.py", "input.yml"])
    assert main() == 0
    assert (tmp_path / "cw_board.tcl").is_file()
    assert "SET UP ALL THE SAME, AS oversize SAYS: 48x40 units do not fit zcu104's" in caplog.text


def test_script_of_the_core_runs_the_generator(tmp_path: Path):
    data = {
        "parameters": {"hardware": HARDWARE},
        "files_root": str(LENET),
        "vlnv": VLNV,
    }
    (tmp_path / "input.yml").write_text(yaml.safe_dump(data))
    script = repository_root() / "core" / "gen" / "cw_generate.py"
    from corewright.flow.compiled_bench import flow_environment

    subprocess.run(
        [sys.executable, script, "input.yml"], cwd=tmp_path, env=flow_environment(), check=True
    )
    assert (tmp_path / "lenet5-system.core").is_file()


def test_a_target_may_ask_for_fewer_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    parameters = {"hardware": HARDWARE, "processing_elements": [2, 4]}
    folder = generate(tmp_path / "small", monkeypatch, parameters)
    written = json.loads((folder / "hardware.json").read_text(encoding="utf-8"))
    assert written["processing_elements"] == [2, 4]
    assert written["bits_sum"] == HARDWARE["bits_sum"]
    with pytest.raises(FlowInputError, match=r"processing_elements\[0\] is 0"):
        generate(tmp_path / "none", monkeypatch, parameters | {"processing_elements": [0, 4]})
