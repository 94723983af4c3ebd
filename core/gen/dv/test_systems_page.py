# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The templates of ``docs/systems.md`` for an own model and an own SoC work as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from corewright.environment import repository_root
from corewright.gen.systems import main
from corewright.testing.fusesoc import run_target

sys.path.insert(0, str(Path(__file__).parent))
from soc import TOP, soc_text


def templates() -> dict[str, str]:
    """Return the files that the page shows, by name."""
    page = (repository_root() / "docs" / "systems.md").read_text(encoding="utf-8")
    return dict(re.findall(r"\*\*([\w.]+)\*\*:\n\n```\w+\n(.*?)```", page, re.S))


def test_an_own_model_is_set_up(tmp_path: Path):
    for name in ("cat.py", "cat.system.yaml"):
        (tmp_path / name).write_text(templates()[name], encoding="utf-8")
    assert main([str(tmp_path / "cat.system.yaml")]) == 0
    status, log = run_target("mine:models:cat", "sim", tmp_path, options=["--setup"])
    assert status == 0, log
    (program,) = tmp_path.glob("build/*/sim/vectors/program.bin")
    assert program.stat().st_size > 0


def test_an_own_soc_elaborates(tmp_path: Path):
    (tmp_path / "soc.core").write_text(templates()["soc.core"], encoding="utf-8")
    chip = soc_text({"engine": "my_engine"}).replace(f"module {TOP} ", "module chip ")
    (tmp_path / "chip.sv").write_text(chip, encoding="utf-8")
    status, log = run_target("mine:soc:chip", "lint", tmp_path)
    assert status == 0, log
