# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Folders of ``export --board`` and ``export --ip``, taken to another place: see ``test_ip.py``."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from corewright.cli import main
from corewright.environment import repository_root
from corewright.export import find_board
from corewright.flow import find_system
from corewright.flow.system import core_text, structure_of
from vivado.folders import complaints, names_of, read
from vivado.standin import run_vivado

ROOT = repository_root()
BSP = Path(__file__).parent / "bsp"
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wmissing-declarations"]
BOARD = "zcu104"
SCRIPT = ["-mode", "batch", "-source", "vivado_flow.tcl"]
NETWORK = """
from corewright.builder import Builder

def build():
    network = Builder("small", 3, 5, 2, 8, seed=3)
    network.conv(network.input, 3, 3)
    return network.graph()
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ``export --board``, moved to where it was not written."""
    home = tmp_path_factory.mktemp("home")
    (home / "net.py").write_text(NETWORK, encoding="utf-8")
    words = ["export", str(home / "net.py"), "--out", str(home / "out"), "--board", BOARD]
    assert main([*words, "--images", "3", "--batch", "2"]) == 0
    return Path(shutil.move(home / "out", tmp_path_factory.mktemp("elsewhere") / "folder"))


def test_the_folder_builds_on_a_machine_without_the_clone(exported: Path, tmp_path: Path):
    folder = Path(shutil.copytree(exported, tmp_path / "folder"))
    done = run_vivado(SCRIPT, folder, alone=True)
    assert done.returncode == 0, done.stderr
    output = folder / f"vivado_{BOARD}" / "output"
    assert (output / "corewright.bit").is_file() and (output / "corewright.xsa").is_file()
    assert str(ROOT) not in done.stdout
    assert f"-part {find_board(BOARD).part} " in done.stdout


def test_a_file_outside_of_the_folder_is_noticed(exported: Path, tmp_path: Path):
    folder = Path(shutil.copytree(exported, tmp_path / "folder"))
    script = folder / "vivado_flow.tcl"
    for name, old in (("cw_vivado.tcl", "tcl/cw_vivado.tcl"), ("cw_engine.sv", "rtl/cw_engine.sv")):
        shutil.move(folder / old, tmp_path / name)
        changed = script if name.endswith(".tcl") else folder / "sources.txt"
        before = read(changed)
        changed.write_text(before.replace(old, f"../{name}"), encoding="utf-8")
        done = run_vivado(SCRIPT, folder, alone=True)
        assert done.returncode == 1
        assert f"{name}' is not below" in done.stderr
        changed.write_text(before, encoding="utf-8")
        shutil.move(tmp_path / name, folder / old)


def test_the_folder_says_what_is_in_it_and_names_nothing_outside(exported: Path):
    assert complaints(exported, whole={"rtl"}) == []
    page = read(exported / "README.md")
    assert page.startswith("<!-- SPDX") and "vivado -mode batch -source vivado_flow.tcl" in page
    for name in names_of(page) - {"cw_config_pkg", "standalone"}:
        if "." in name and "*" not in name and not name.startswith("corewright."):
            assert list(exported.rglob(name)), name
    # In the order of compilation, and nothing twice.
    listed = read(exported / "sources.txt").splitlines()
    assert sorted(listed) == sorted(f"rtl/{path.name}" for path in (exported / "rtl").iterdir())
    assert listed.index("rtl/cw_pkg.sv") < listed.index("rtl/cw_config_pkg.sv")
    assert listed[-1] == "rtl/cw_accelerator_bd.v"


def test_the_application_runs_the_vectors_and_finds_a_wrong_bit(exported: Path, tmp_path: Path):
    hardware = json.loads(read(exported / "hardware.json"))
    firmware = exported / "firmware"
    mock = [f"-DMOCK_ROWS={hardware['processing_elements'][0]}u"]
    mock += [f"-DMOCK_PIXEL_BITS={hardware['bits_input']}u"]
    command = ["gcc", *STRICT, *mock, "-Ifirmware", "-I.", f"-I{BSP}"]
    sources = [*sorted(firmware.glob("*.c")), firmware / "cw_vectors.S", BSP / "accelerator.c"]
    program = tmp_path / "application"
    subprocess.run([*command, *sources, "-o", program], cwd=exported, check=True)
    for spoiled, status, text in (
        ({}, 0, "corewright: 2 runs, every output bit as expected"),
        ({"SPOILED_BYTE": "0"}, 1, "run 1, byte 0 of the output: expected 0x"),
    ):
        done = subprocess.run(
            [program], cwd=exported, env=spoiled, capture_output=True, text=True, check=False
        )
        assert (done.returncode, text in done.stdout) == (status, True), done.stdout


def test_bits_that_are_not_specified_are_not_compared(exported: Path):
    mask = (exported / "vectors" / "output_mask.bin").read_bytes()
    sizes = dict(re.findall(r"CW_MODEL_(\w+) (\d+)u", read(exported / "firmware" / "config_fw.h")))
    assert len(mask) == int(sizes["OUTPUT_BYTES"])
    outputs = (exported / "vectors" / "outputs.bin").read_bytes()
    assert len(outputs) == int(sizes["RUNS"]) * len(mask)
    # 2 images of 3 x 5 pixels, in 4 words of 8 lanes for each of 3 channels.
    assert mask.count(0xFF) == 2 * 3 * 5 * 3 and mask.count(0) == 2 * 3


def test_another_export_into_the_folder_is_the_same_and_leaves_other_files(tmp_path: Path):
    words = [
        "export",
        "--ip",
        "--hardware",
        str(tmp_path / "hw.json"),
        "--out",
        str(tmp_path / "o"),
    ]
    (tmp_path / "hw.json").write_text(json.dumps({"axi_width": 32}), encoding="utf-8")
    assert main(words) == 0
    (tmp_path / "o" / "notes.txt").write_text("mine", encoding="utf-8")
    before = {path: path.read_bytes() for path in (tmp_path / "o").rglob("*") if path.is_file()}
    assert main(words) == 0
    after = {path: path.read_bytes() for path in (tmp_path / "o").rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lenet5", "--board", "zcu114"], "board is 'zcu114' (did you mean zcu104?), legal are "),
        (["lenet5", "--ip", "--board", "zcu114"], "board is 'zcu114' (did you mean zcu104?)"),
        (["lenet5", "--board", BOARD, "--clock", "5000"], "legal on zcu104 is up to 333"),
        (["lenet5", "--ip", "--clock", "5000"], "legal on zcu104 is up to 333"),
        (["lenet5", "--clock", "100"], "--clock is a board's, legal is --board BOARD with it"),
        (["--ip"], "the hardware is missing, legal with --ip is MODEL or --hardware FILE"),
        (["--board", BOARD], "MODEL is missing; without it legal is --ip with --hardware FILE"),
        ([], "MODEL is missing; without it legal is --ip with --hardware FILE"),
        (["lenet5", "--ip", "--images", "2"], "--images belongs to a model's files"),
        (["lenet", "--ip"], "there is no model 'lenet' (did you mean lenet5?)"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["export", *words, "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_systems_own_memories_and_clock_are_taken(tmp_path: Path):
    structure = structure_of(None)
    # As corewright.gen.systems writes them for `ram` and `clocks`.
    ram = "corewright:prim_xilinx:ram_1r1w"
    design = structure["filesets"]["design"]["depend"]
    design[-1] = ram
    structure["targets"]["default"] = {"filesets": ["design"]}
    structure["targets"][BOARD] = {
        "generate": [{"system": {"top": "board", "board": BOARD, "clock_mhz": 77}}]
    }
    parameters = {"hardware": find_system("lenet5").hardware.to_dict()}
    core = {
        "name": "me:models:mine:1.0.0",
        **structure,
        "generate": {"system": {"generator": "system", "parameters": parameters}},
    }
    (tmp_path / "mine.core").write_text(core_text(core), encoding="utf-8")
    words = ["export", str(tmp_path / "mine.core"), "--ip", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    taken = read(tmp_path / "out" / "ip" / "rtl" / "cw_ram_1r1w.sv")
    assert taken == read(ROOT / "ip" / "prim_ram" / "rtl" / "xilinx" / "cw_ram_1r1w.sv")
    assert "set cw_clock_mhz 77\n" in read(tmp_path / "out" / "instantiate.tcl")
    core["filesets"]["design"]["depend"][-1] = "me:prim:ram"
    (tmp_path / "mine.core").write_text(core_text(core), encoding="utf-8")
    assert main(words) == 2
