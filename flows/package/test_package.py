# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The installed package: what its wheel holds, and that it is enough without a clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from corewright.environment import repository_root
from corewright.flow.fit import basis, formula_of_tree
from corewright.flow.system import systems

ROOT = repository_root()
FOLDERS = ("boards", "core", "ip", "models", "sw/hal", "sw/runtime")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's wheel, built without a trace in the clone."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ["egg_info", "--egg-base", folder, "build", "--build-base", folder / "build"]
    words += ["bdist_wheel", "--bdist-dir", folder / "bdist", "--dist-dir", folder]
    command = [sys.executable, "setup.py", "--quiet", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    """A folder with what pip would put into site-packages."""
    folder = wheel.parent / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def files_of_cores(folder: Path) -> set[Path]:
    """Return the files that the cores below a folder name, generated ones left out."""
    found = set()
    for core in folder.rglob("*.core"):
        contents = yaml.safe_load(core.read_text(encoding="utf-8").partition("\n")[2])
        for fileset in contents.get("filesets", {}).values():
            for file in fileset.get("files", ()):
                name = file if isinstance(file, str) else next(iter(file))
                found.add(core.parent / name.rpartition("(")[2].rstrip(")"))
    return found


def test_all_cores_and_what_they_name_are_in_the_wheel(unpacked: Path):
    library = unpacked / "corewright" / "library"
    cores = {path.relative_to(library) for path in library.rglob("*.core")}
    ours = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.core")]
    assert cores == {path.relative_to(ROOT) for path in ours}
    files = files_of_cores(library)
    assert len(files) > 50
    assert [path for path in files if not path.is_file()] == []


def test_flows_are_in_the_wheel_and_tests_are_not(unpacked: Path):
    flows = {path.name for path in (ROOT / "flows/edalize/flows").glob("*.py")}
    assert flows <= {path.name for path in (unpacked / "edalize/flows").iterdir()}
    assert (unpacked / "edalize/cw_asic/genus.tcl").is_file()
    assert (unpacked / "corewright/flow/verilated_common.h").is_file()
    names = [path.name for path in unpacked.rglob("*")]
    assert [name for name in names if name.startswith("test_") or name == "tests"] == []


def python(site: Path, folder: Path, *words: str) -> str:
    """Run this interpreter with the unpacked package in the place of the clone's."""
    base = {k: v for k, v in os.environ.items() if not k.startswith("COREWRIGHT_")}
    environment = {**base, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-P", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installed_package_estimates_as_the_clone_does(unpacked: Path, tmp_path: Path):
    code = "from corewright.flow.fit import basis, formula_of_tree\nprint(basis(formula_of_tree()))"
    assert python(unpacked, tmp_path, "-c", code).strip() == basis(formula_of_tree())


def test_installed_package_knows_its_models_and_writes_elsewhere(unpacked: Path, tmp_path: Path):
    before = {path for path in unpacked.rglob("*") if "__pycache__" not in path.parts}
    library = str(unpacked / "corewright" / "library")
    assert python(unpacked, tmp_path, "-m", "corewright.cli", "library").strip() == library
    code = (
        "from corewright.environment import build_folder, fusesoc_config\n"
        "from corewright.flow import find_system\n"
        "from corewright.flow.system import systems\n"
        "from corewright.sources import sources_of\n"
        "print(build_folder(), fusesoc_config(), ' '.join(systems()), sep='\\n')\n"
        "print(sources_of('corewright:ip:axis_fifo')[0])\n"
        "from corewright.gen.systems import check_core\n"
        "check_core(find_system('jet').core_file)\n"
        "find_system('jet').graph\n"
    )
    build, config, models, source = python(unpacked, tmp_path, "-c", code).splitlines()
    assert build == str(tmp_path / "cache" / "corewright" / "build")
    assert config == f"{build}/fusesoc.conf"
    assert models.split() == list(systems())
    assert source == f"{library}/ip/axis_fifo/rtl/cw_axis_fifo.sv"
    assert list((Path(build) / "graphs").glob("jet-*"))
    assert {path for path in unpacked.rglob("*") if "__pycache__" not in path.parts} == before


def test_cores_of_an_environment_in_a_library_are_not_found_twice(unpacked: Path, tmp_path: Path):
    (tmp_path / "env").symlink_to(unpacked)
    # Without a core there is no list.
    (tmp_path / "own.core").write_text('CAPI=2:\nname: "me:own:core:1"\n', encoding="utf-8")
    words = ["-m", "fusesoc.main", "--cores-root", str(tmp_path), "core", "list"]
    listed = python(unpacked, tmp_path, *words)
    assert "me:own:core:1" in listed and "corewright:" not in listed
    words[3] = str(unpacked / "corewright" / "library")
    assert "corewright:models:lenet5" in python(unpacked, tmp_path, *words)


@pytest.mark.nightly
def test_commands_of_the_readme_from_nothing(wheel: Path, tmp_path: Path):
    venv.create(tmp_path / "env", with_pip=True)
    script = f"""
        set -e
        . {tmp_path}/env/bin/activate
        pip install --no-compile "{wheel}[simulator]"
        fusesoc library add corewright "$(corewright library)"
        fusesoc run --target sim corewright:ip:axis_fifo
        fusesoc run --target sim corewright:models:lenet5
        corewright sim lenet5
    """
    own = tmp_path / "own"
    own.mkdir()
    environment = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    (tmp_path / "home").mkdir()
    command = ["sh", "-c", script]
    done = subprocess.run(
        command, cwd=own, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
    expected = json.loads((ROOT / "models" / "lenet5" / "expected.json").read_text("utf-8"))
    assert f"{expected['lenet5']['cycles_per_image']:,}" in done.stdout
