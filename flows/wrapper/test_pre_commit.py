# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The hooks that CONTRIBUTING tells to install call the wrapper, and can stop a commit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from corewright.environment import tool_environment

ROOT = Path(__file__).resolve().parents[2]
# Stands for the wrapper: what is asked for, and a failure where the commit is to be stopped.
STUB = '#!/bin/sh\necho "$0 $*" >>calls\n[ ! -f broken ]\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the tree's hooks installed and stubs for what they call."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    (tmp_path / ".ci").mkdir()
    for name in ("cw", ".ci/run"):
        (tmp_path / name).write_text(STUB, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    run(["git", "init", "-q", "-b", "main"], tmp_path)
    (install,) = [
        line.partition("`")[2].partition("`")[0]
        for line in (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()
        if "pre-commit install" in line
    ]
    command = install.split()
    assert command[:3] == ["./cw", "shell", "pre-commit"]
    done = run(command[2:], tmp_path)
    assert done.returncode == 0, done.stdout
    run(["git", "add", ".pre-commit-config.yaml"], tmp_path)
    return tmp_path


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    # Git tells its hooks, which may have started this, about the repository that they are of.
    environment = {k: v for k, v in tool_environment().items() if not k.startswith("GIT_")}
    environment["PRE_COMMIT_HOME"] = str(folder / ".git" / "pre-commit")
    # Of no user: neither name nor signature nor hooks of his.
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "test", f"GIT_{role}_EMAIL": "test@example.org"}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_lint_runs_at_a_commit_and_can_stop_it(repository: Path):
    (repository / "broken").touch()
    assert run(["git", "commit", "-q", "-m", "first"], repository).returncode == 1
    (repository / "broken").unlink()
    done = run(["git", "commit", "-q", "-m", "first"], repository)
    assert done.returncode == 0, done.stdout
    calls = (repository / "calls").read_text(encoding="utf-8").splitlines()
    assert len(calls) == 2
    assert all(call.endswith("cw test -q flows/lint") for call in calls)


def test_everything_runs_before_a_push(repository: Path):
    assert run(["git", "commit", "-q", "-m", "first"], repository).returncode == 0
    (repository / "calls").unlink()
    run(["git", "init", "-q", "--bare", ".git/elsewhere"], repository)
    (repository / "broken").touch()
    push = ["git", "push", "-q", ".git/elsewhere", "main"]
    assert run(push, repository).returncode == 1
    (repository / "broken").unlink()
    done = run(push, repository)
    assert done.returncode == 0, done.stdout
    calls = (repository / "calls").read_text(encoding="utf-8").splitlines()
    assert len(calls) == 2
    assert all(call.strip().endswith(".ci/run") for call in calls)
