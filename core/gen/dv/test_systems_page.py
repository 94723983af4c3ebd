# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The templates of ``docs/systems.md`` for an own model and an own SoC work as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from corewright.environment import fusesoc_config, repository_root, tool_environment
from corewright.gen.systems import main

sys.path.insert(0, str(Path(__file__).parent))
from soc import TOP, soc_text


def templates() -> dict[str, str]:
    """Return the files that the page shows, by name."""
    page = (repository_root() / "docs" / "systems.md").read_text(encoding="utf-8")
    return dict(re.findall(r"\*\*([\w.]+)\*\*:\n\n```\w+\n(.*?)```", page, re.S))


def fusesoc(folder: Path, *arguments: str) -> str:
    command = ["fusesoc", "--config", str(fusesoc_config()), "--cores-root", str(folder), "run"]
    done = subprocess.run(
        [*command, "--build-root", str(folder / "build"), *arguments],
        cwd=folder,
        env=tool_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_an_own_model_is_set_up(tmp_path: Path):
    for name in ("cat.py", "cat.system.yaml"):
        (tmp_path / name).write_text(templates()[name], encoding="utf-8")
    assert main([str(tmp_path / "cat.system.yaml")]) == 0
    fusesoc(tmp_path, "--setup", "--target", "sim", "mine:models:cat")
    (program,) = tmp_path.glob("build/*/sim/vectors/program.bin")
    assert program.stat().st_size > 0


def test_an_own_soc_elaborates(tmp_path: Path):
    (tmp_path / "soc.core").write_text(templates()["soc.core"], encoding="utf-8")
    chip = soc_text({"engine": "my_engine"}).replace(f"module {TOP} ", "module chip ")
    (tmp_path / "chip.sv").write_text(chip, encoding="utf-8")
    fusesoc(tmp_path, "--target", "lint", "mine:soc:chip")
