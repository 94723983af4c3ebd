# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What `./cw` says and does when it cannot go on, and that a ready environment is left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What the script itself needs of a system; no compiler and no Python among them.
POSIX_COMMANDS = [
    *("sh", "cat", "cmp", "cp", "date", "dirname", "grep"),
    *("mkdir", "mktemp", "mv", "readlink", "rm", "sed"),
]
BUILD_COMMANDS = ("g++", "make", "perl", "ccache", "flock")
# Stands for the interpreter of the environment: shows how the command line was called.
FAKE_PYTHON = """#!/bin/sh
case $* in
  *sysconfig*) printf '%s\\n' "${0%/*}"; exit ;;
  *install*) echo "cannot install" >&2; exit 1 ;;
esac
echo "called: $*"
echo "root: $COREWRIGHT_ROOT"
"""


def executable(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Make a folder for PATH: a user's (not root's) Debian without compiler and Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in POSIX_COMMANDS:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    executable(folder / "id", "#!/bin/sh\necho 1000\n")
    executable(folder / "apt-get", "#!/bin/sh\nexit 99\n")
    return folder


def add_build_commands(system: Path) -> None:
    for name in BUILD_COMMANDS:
        executable(system / name, "#!/bin/sh\nexit 0\n")


def clone(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(ROOT / "cw", folder / "cw")
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    return folder


def ready_clone(folder: Path) -> Path:
    """Make a clone in the state that a finished installation of the core set leaves."""
    clone(folder)
    stamps = folder / ".venv" / ".cw"
    stamps.mkdir(parents=True)
    (folder / ".venv" / "bin").mkdir()
    executable(folder / ".venv" / "bin" / "python", FAKE_PYTHON)
    (stamps / "home").write_text(f"{folder / '.venv'}\n", encoding="utf-8")
    (stamps / "system").touch()
    (folder / ".venv" / "FUSESOC_IGNORE").touch()
    shutil.copy(folder / "requirements" / "core.txt", stamps / "core.txt")
    return folder


def run(
    command: list[str | Path], system: Path, cwd: Path, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(system), "HOME": str(cwd), **(more or {})}
    return subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def test_white_space_in_the_path_is_refused_with_the_reason(tmp_path: Path, system: Path):
    place = clone(tmp_path / "my clone")
    done = run([place / "cw", "sim"], system, tmp_path)
    assert done.returncode == 2
    assert "white space" in done.stderr
    assert not (place / ".venv").exists()


def test_user_is_told_the_one_line_that_installs_what_is_missing(tmp_path: Path, system: Path):
    done = run([clone(tmp_path / "clone") / "cw", "sim"], system, tmp_path)
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert "sudo apt-get update && sudo apt-get install -y g++ make perl ccache" in lines[0]


def test_only_what_is_missing_is_named(tmp_path: Path, system: Path):
    add_build_commands(system)
    (system / "ccache").unlink()
    done = run([clone(tmp_path / "clone") / "cw", "sim"], system, tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("sudo apt-get install -y ccache")


def test_system_without_a_new_enough_python_is_refused(tmp_path: Path, system: Path):
    add_build_commands(system)
    executable(system / "python3", "#!/bin/sh\nexit 1\n")
    done = run([clone(tmp_path / "clone") / "cw", "sim"], system, tmp_path)
    assert done.returncode == 2
    assert "Python 3.11 or newer" in done.stderr


def test_missing_ensurepip_names_the_package_of_that_version(tmp_path: Path, system: Path):
    add_build_commands(system)
    answers = "case $2 in *ensurepip*) exit 1 ;; *'%d.%d'*) echo 3.12 ;; esac\n"
    executable(system / "python3", f"#!/bin/sh\n{answers}")
    done = run([clone(tmp_path / "clone") / "cw", "sim"], system, tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("sudo apt-get install -y python3.12-venv")


def test_unknown_set_is_bad_usage(tmp_path: Path, system: Path):
    place = ready_clone(tmp_path / "clone")
    done = run([place / "cw", "sim"], system, tmp_path, {"COREWRIGHT_SETS": "nonsense"})
    assert done.returncode == 2
    assert "nonsense" in done.stderr


def test_ready_environment_runs_the_command_line_at_once(tmp_path: Path, system: Path):
    add_build_commands(system)
    place = ready_clone(tmp_path / "clone")
    link = tmp_path / "link"
    link.symlink_to(place / "cw")
    for program in (place / "cw", link, Path(os.path.relpath(place / "cw", tmp_path))):
        command: list[str | Path] = ["sh", program, "sim", "two words", "*"]
        done = run(command, system, tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            "called: -P -m corewright.cli sim two words *",
            f"root: {place}",
        ]
        assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "sets"),
    [
        ("synth --rows", "synth"),
        ("synth", "synth"),
        ("fusesoc run --target ecp5 corewright:models:lenet5", "synth"),
        ("fusesoc run --target synth corewright:models:lenet5", "synth"),
        ("fusesoc run --target gls corewright:models:lenet5", "synth"),
        ("sim lenet5 --gates", "synth"),
        ("mutate axis_fifo", "synth test"),
        ("regress proofs", "synth test"),
        ("regress smoke --farm local:2", "farm"),
        ("bench farm", "farm"),
        ("nightly", "synth test train farm"),
        ("test", "synth test train farm"),
    ],
)
def test_a_command_installs_what_it_needs(words: str, sets: str, tmp_path: Path, system: Path):
    add_build_commands(system)
    place = ready_clone(tmp_path / "clone")
    command: list[str | Path] = [place / "cw", *words.split()]
    done = run(command, system, tmp_path)
    assert f"installing the pinned packages: {sets}\n" in done.stderr.replace(
        " (TensorFlow is a large download: this takes some minutes)", ""
    )


def test_changed_pin_and_moved_clone_are_noticed(tmp_path: Path, system: Path):
    add_build_commands(system)
    place = ready_clone(tmp_path / "clone")
    moved = place.rename(tmp_path / "moved")
    # Neither can be mended here, without a Python; that it is tried is what is asked for.
    assert "Python 3.11 or newer" in run([moved / "cw", "sim"], system, tmp_path).stderr

    other = ready_clone(tmp_path / "other")
    with (other / "requirements" / "core.txt").open("a", encoding="utf-8") as pins:
        pins.write("numpy==0.0.0\n")
    done = run([other / "cw", "sim"], system, tmp_path)
    assert done.returncode == 2
    assert "installing the pinned packages: core" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("state", ["an older cw's", "made by hand", "missing"])
def test_environment_is_hidden_from_fusesoc(state: str, tmp_path: Path, system: Path):
    add_build_commands(system)
    place = ready_clone(tmp_path / "clone")
    venv = place / ".venv"
    (venv / "FUSESOC_IGNORE").unlink()
    if state == "made by hand":
        shutil.rmtree(venv / ".cw")
        (venv / "pyvenv.cfg").write_text(f"command = /bin/python3 -m venv {venv}\n", "utf-8")
    elif state == "missing":
        # Stands for an interpreter whose module venv puts the saved environment into place.
        saved = venv.rename(tmp_path / "saved")
        shutil.rmtree(saved / ".cw")
        making = f"case $* in *'-m venv'*) mv {saved} {venv} ;; *'%d.%d'*) echo 3.12 ;; esac\n"
        executable(system / "python3", "#!/bin/sh\n" + making)
    done = run([place / "cw", "sim"], system, tmp_path)
    # What is missing cannot be installed here.
    assert done.returncode == (0 if state == "an older cw's" else 2), done.stderr
    assert (venv / "bin" / "python").is_file()
    assert (venv / "FUSESOC_IGNORE").is_file()


def test_clone_that_cannot_be_written_is_one_line_with_the_variable(tmp_path: Path, system: Path):
    add_build_commands(system)
    place = clone(tmp_path / "clone")
    # Stands for a read-only clone or a full disk, also where root runs this: no file can be there.
    (place / ".cw.lock").mkdir()
    done = run([place / "cw", "sim"], system, tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"{place}/.cw.lock cannot be written" in line
    assert "COREWRIGHT_VENV=FOLDER makes the environment elsewhere" in line


def test_environment_elsewhere_is_used_and_a_bad_one_is_named(tmp_path: Path, system: Path):
    add_build_commands(system)
    place = ready_clone(tmp_path / "clone")
    other = tmp_path / "other"
    (place / ".venv").rename(other)
    (other / ".cw" / "home").write_text(f"{other}\n", encoding="utf-8")
    for folder in (str(other), f"{other}/", "other"):
        done = run([place / "cw", "sim"], system, tmp_path, {"COREWRIGHT_VENV": folder})
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == ["called: -P -m corewright.cli sim", f"root: {place}"]
    assert not (place / ".cw.lock").exists() and not (place / ".venv").exists()

    (tmp_path / "file").touch()
    bad = tmp_path / "file" / "environment"
    done = run([place / "cw", "sim"], system, tmp_path, {"COREWRIGHT_VENV": str(bad)})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"{bad}.lock cannot be written" in line and "COREWRIGHT_VENV=FOLDER" in line
    done = run([place / "cw", "sim"], system, tmp_path, {"COREWRIGHT_VENV": "my environment"})
    assert done.returncode == 2 and "COREWRIGHT_VENV 'my environment'" in done.stderr
