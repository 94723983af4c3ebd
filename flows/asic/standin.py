# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs ``standin.tcl``, the strict stand-in for Genus and Innovus, like the tools themselves."""

from __future__ import annotations

import shlex
from pathlib import Path

from corewright.environment import EnvironmentUnusableError
from vivado.standin import interpreters

STANDIN = Path(__file__).resolve().with_name("standin.tcl")
# What the placeholders of results say.
NOTE = "Placeholder of flows/asic/standin.tcl: no tool has run."


def install(folder: Path) -> Path:
    """Make commands ``genus`` and ``innovus`` in a folder; returns the folder.

    Raises:
        EnvironmentUnusableError: there is no Tcl.
    """
    found = interpreters()
    if not found:
        raise EnvironmentUnusableError(
            "Tcl is needed: please install the Debian package tcl, or a Python with tkinter"
        )
    interpreter = next(iter(found.values()))
    folder.mkdir(parents=True, exist_ok=True)
    for tool in ("genus", "innovus"):
        call = shlex.join([*interpreter, str(STANDIN), tool])
        (folder / tool).write_text(f'#!/bin/sh\nexec {call} "$@"\n', encoding="utf-8")
        (folder / tool).chmod(0o755)
    return folder
