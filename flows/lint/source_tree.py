# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The source tree as the lint sees it: files, cores, waivers. Needs no git."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
# What .gitignore leaves out, and git itself.
SKIPPED_FOLDERS = frozenset(
    {".git", ".venv", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
    | {"__pycache__", "build", "obj_dir", "sim_build"}
)


class LintTarget(NamedTuple):
    """One lint target of one core: a test case."""

    core: str
    target: str
    file: Path

    def __str__(self) -> str:
        """Name the test case."""
        return f"{self.core}-{self.target}"


def source_files(*suffixes: str) -> Iterator[Path]:
    """Yield the tree's files in sorted order: those with one of the suffixes, or all."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = Path(folder) / name
            if not suffixes or path.suffix in suffixes:
                yield path


def relative(path: Path) -> str:
    """Return the path from the root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def load_core(path: Path) -> dict[str, Any]:
    """Return a .core file's contents; raises ValueError when it is not CAPI2."""
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    if first.strip() != "CAPI=2:":
        raise ValueError(f"{relative(path)}: the first line is not CAPI=2:")
    contents = yaml.safe_load(rest)
    if not isinstance(contents, dict) or not isinstance(contents.get("name"), str):
        raise ValueError(f"{relative(path)}: has no name")
    return contents


def lint_targets() -> list[LintTarget]:
    """Return all targets of all cores whose name is ``lint`` or begins with ``lint_``.

    Of systems with the same hardware and parts, which have the same sources but for names, one.
    """
    found = []
    systems = set()
    for path in source_files(".core"):
        contents = load_core(path)
        calls = contents.get("generate", {})
        if "system" in calls and path.with_name(f"{path.stem}.system.yaml").is_file():
            hardware = calls["system"]["parameters"]["hardware"]
            system = json.dumps([contents["filesets"], hardware], sort_keys=True)
            if system in systems:
                continue
            systems.add(system)
        for target in contents.get("targets", {}):
            if target == "lint" or target.startswith("lint_"):
                found.append(LintTarget(contents["name"], target, path))
    return found


def waivers() -> list[dict[str, str]]:
    """Return the waivers as written in waivers.toml."""
    text = (Path(__file__).parent / "waivers.toml").read_text(encoding="utf-8")
    listed: list[dict[str, str]] = tomllib.loads(text).get("waiver", [])
    return listed


def waived(check: str) -> frozenset[str]:
    """Return the files, from the root, that a check leaves out."""
    return frozenset(waiver["file"] for waiver in waivers() if waiver["check"] == check)
