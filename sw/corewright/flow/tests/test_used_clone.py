# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A clone that was used shows the cores that it showed before, whoever names it as a library."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from corewright.cli import tools
from corewright.environment import fusesoc_config, repository_root
from corewright.flow.cache import build_folder
from corewright.flow.compiled_bench import flow_environment

GENERATED = 'CAPI=2:\nname: "corewright:generated:leftover:0"\ntargets: {default: {}}\n'


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with this tree's sources, and builds of its own."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("boards", "core", "ip", "models", "sw"):
        (folder / name).symlink_to(repository_root() / name)
    # Not a link, which FuseSoC would follow to this tree's own folders.
    shutil.copy(fusesoc_config(), folder)
    monkeypatch.setenv("COREWRIGHT_ROOT", str(folder))
    monkeypatch.delenv("COREWRIGHT_BUILD", raising=False)
    return folder


def seen_by_a_consumer(clone: Path) -> str:
    """Return what FuseSoC lists for somebody whose own configuration names the clone."""
    consumer = clone.parent / "consumer.conf"
    library = f"[library.corewright]\nlocation = {clone}\nsync-type = local\nauto-sync = false\n"
    consumer.write_text(f"[main]\n{library}", encoding="utf-8")
    done = subprocess.run(
        ["fusesoc", "--config", consumer, "core", "list"],
        cwd=clone.parent,
        env=flow_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "corewright:models:lenet5:0.1.0" in done.stdout
    return done.stdout


def leave_a_core(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "leftover.core").write_text(GENERATED, encoding="utf-8")


def test_generated_cores_are_not_found(clone: Path):
    leave_a_core(build_folder() / "benches" / "4x4" / "core")
    assert (clone / "build" / "benches").is_dir()
    assert "corewright:generated" not in seen_by_a_consumer(clone)
    # Without the mark they would be.
    (clone / "build" / "FUSESOC_IGNORE").unlink()
    assert "corewright:generated:leftover:0" in seen_by_a_consumer(clone)


def test_commands_that_hand_on_make_the_mark_too(clone: Path):
    assert tools.run("shell", ["true"]) == 0
    leave_a_core(clone / "build" / "corewright_models_lenet5_0.1.0")
    assert "corewright:generated" not in seen_by_a_consumer(clone)


def test_fusesoc_builds_in_the_clones_build_wherever_it_is_called(
    clone: Path, monkeypatch: pytest.MonkeyPatch
):
    elsewhere = clone / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    arguments = ["run", "--setup", "--target", "lint", "corewright:core:config"]
    assert tools.run("fusesoc", arguments) == 0
    assert list(elsewhere.iterdir()) == []
    assert (clone / "build" / "corewright_core_config_0.1.0").is_dir()
    assert tools.run("fusesoc", ["core", "show", "corewright:core:config"]) == 0
