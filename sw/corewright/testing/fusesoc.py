# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs commands and targets of cores as a user does, in a folder of the test's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from corewright.environment import fusesoc_config, tool_environment


def run_command(
    command: Sequence[str | Path], folder: Path, *, tools: Path | None = None
) -> tuple[int, str]:
    """Run a command in the environment for tools.

    Args:
        command: program and arguments.
        folder: its current folder.
        tools: folder that comes first in ``PATH``.

    Returns:
        Its status, and what it wrote on standard output and standard error.
    """
    environment = tool_environment()
    if tools is not None:
        environment["PATH"] = os.pathsep.join([str(tools), environment["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def run_target(
    core: str,
    target: str,
    folder: Path,
    *arguments: str | Path,
    config: Path | None = None,
    options: Sequence[str] = (),
    tools: Path | None = None,
) -> tuple[int, str]:
    """Run a core's target with the build below ``folder``, where cores are looked for, too.

    Args:
        core: its name, with or without version.
        target: one of its targets.
        folder: the current folder of the run.
        arguments: what follows the core's name: parameters and options of the flow.
        config: FuseSoC's configuration; the tree's when None.
        options: further options of ``fusesoc run`` itself.
        tools: folder that comes first in ``PATH``.

    Returns:
        FuseSoC's status, and what it wrote.
    """
    command: list[str | Path] = ["fusesoc", "--config", config or fusesoc_config()]
    if config is None:
        command += ["--cores-root", folder]
    command += ["run", "--build-root", folder / "build", "--target", target, *options, core]
    return run_command([*command, *arguments], folder, tools=tools)
