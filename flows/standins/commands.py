# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Makes commands of stand-ins, and finds the Tcl that those of Tcl run in."""

from __future__ import annotations

import importlib
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from corewright.environment import EnvironmentUnusableError

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


def tcl_command(script: Path, interpreter: str | None = None) -> list[str]:
    """Return the command that runs a stand-in's script; its arguments follow.

    Args:
        script: the stand-in.
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
    return [*found[name], str(script)]


def install(folder: Path, commands: Mapping[str, Sequence[str]]) -> Path:
    """Make commands in a folder, for makefiles that call tools by name; returns the folder.

    Args:
        folder: made when it is not there.
        commands: by the tool's name, what stands for it; the tool's arguments follow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, words in commands.items():
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    return folder
