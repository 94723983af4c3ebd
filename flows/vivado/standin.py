# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs ``standin.tcl``, the strict stand-in for Vivado, like the tool itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from standins.commands import install, tcl_command

STANDIN = Path(__file__).resolve().with_name("standin.tcl")


def vivado_command(interpreter: str | None = None) -> list[str]:
    """Return the command that stands for ``vivado``; its arguments follow.

    Args:
        interpreter: a name of :func:`standins.commands.interpreters`; None: the first.

    Raises:
        EnvironmentUnusableError: there is no Tcl.
    """
    return tcl_command(STANDIN, interpreter)


def run_vivado(
    arguments: Sequence[str | Path],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    interpreter: str | None = None,
    alone: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run the stand-in in a folder.

    Args:
        arguments: as Vivado's.
        folder: the current directory.
        environment: variables beside those of ``os.environ``; see ``standin.tcl``.
        interpreter: see :func:`vivado_command`.
        alone: as on another machine: with no other variables than ``PATH``, and scripts that name a
            file outside of the folder fail.

    Returns:
        Status and output: each command with its arguments as they were after substitution, a line
        each; errors on stderr.

    Raises:
        EnvironmentUnusableError: there is no Tcl.
    """
    variables = dict(os.environ)
    if alone:
        variables = {"PATH": os.environ.get("PATH", os.defpath), "STANDIN_INSIDE": str(folder)}
    return subprocess.run(
        [*vivado_command(interpreter), *map(str, arguments)],
        cwd=folder,
        env={**variables, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def install_vivado(folder: Path) -> Path:
    """Make a command ``vivado`` in a folder, for makefiles that call it by name.

    Raises:
        EnvironmentUnusableError: there is no Tcl.
    """
    return install(folder, {"vivado": vivado_command()}) / "vivado"
