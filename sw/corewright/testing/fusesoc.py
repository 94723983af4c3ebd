# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs targets of cores as a user does: by plain ``fusesoc run``, in a folder of the test's."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from corewright.environment import fusesoc_config, tool_environment


def run_target(
    core: str,
    target: str,
    folder: Path,
    *arguments: str,
    config: Path | None = None,
    options: Sequence[str] = (),
) -> tuple[int, str]:
    """Run a core's target with the build below ``folder``, where cores are looked for, too.

    Args:
        core: its name, with or without version.
        target: one of its targets.
        folder: the current folder of the run.
        arguments: what follows the core's name: parameters and options of the flow.
        config: FuseSoC's configuration; the tree's when None.
        options: further options of ``fusesoc run`` itself.

    Returns:
        FuseSoC's status, and what it wrote.
    """
    command = ["fusesoc", "--config", str(config or fusesoc_config())]
    if config is None:
        command += ["--cores-root", str(folder)]
    command += ["run", "--build-root", str(folder / "build"), "--target", target, *options, core]
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=tool_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
