# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs ``standin.tcl``, the strict stand-in for Vivado, like the tool itself."""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from corewright.environment import EnvironmentUnusableError

STANDIN = Path(__file__).resolve().with_name("standin.tcl")

# Tcl as Python's standard library brings it. Its interpreters lack the command `exit`.
_TKINTER = """\
import sys, tkinter
tcl = tkinter.Tcl()
tcl.call("set", "argv", tuple(sys.argv[2:]))
tcl.call("source", sys.argv[1])
sys.exit(int(tcl.getvar("::standin::status")))
"""


def interpreters() -> dict[str, list[str]]:
    """Return the commands, by name, that run a Tcl script on this machine: none, one or both."""
    found = {}
    if (tclsh := shutil.which("tclsh")) is not None:
        found["tclsh"] = [tclsh]
    try:
        importlib.import_module("_tkinter")
    except ImportError:
        pass
    else:
        found["tkinter"] = [sys.executable, "-c", _TKINTER]
    return found


def vivado_command(interpreter: str | None = None) -> list[str]:
    """Return the command that stands for ``vivado``; its arguments follow.

    Args:
        interpreter: a name of :func:`interpreters`; None: the first.

    Raises:
        EnvironmentUnusableError: there is no Tcl.
    """
    found = interpreters()
    if not found:
        raise EnvironmentUnusableError(
            "Tcl is needed: please install the Debian package tcl, or a Python with tkinter"
        )
    name = next(iter(found)) if interpreter is None else interpreter
    return [*found[name], str(STANDIN)]


def run_vivado(
    arguments: Sequence[str | Path],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    interpreter: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the stand-in in a folder.

    Args:
        arguments: as Vivado's.
        folder: the current directory.
        environment: variables beside those of ``os.environ``; see ``standin.tcl``.
        interpreter: see :func:`vivado_command`.

    Returns:
        Status and output: each command with its arguments as they were after substitution, a line
        each; errors on stderr.

    Raises:
        EnvironmentUnusableError: there is no Tcl.
    """
    return subprocess.run(
        [*vivado_command(interpreter), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def install_vivado(folder: Path) -> Path:
    """Make a command ``vivado`` in a folder, for makefiles that call it by name.

    Raises:
        EnvironmentUnusableError: there is no Tcl.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "vivado"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(vivado_command())} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return command
