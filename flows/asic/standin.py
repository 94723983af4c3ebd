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


def install(folder: Path, interpreter: str | None = None) -> Path:
    """Make commands ``genus`` and ``innovus`` in a folder; returns the folder.

    Args:
        folder: made when it is not there.
        interpreter: a name of :func:`vivado.standin.interpreters`; None: the first.

    Raises:
        EnvironmentUnusableError: there is no Tcl.
    """
    found = interpreters()
    if not found:
        raise EnvironmentUnusableError(
            "Tcl is needed: please install the Debian package tcl, or a Python with tkinter"
        )
    words = next(iter(found.values())) if interpreter is None else found[interpreter]
    folder.mkdir(parents=True, exist_ok=True)
    for tool in ("genus", "innovus"):
        call = shlex.join([*words, str(STANDIN), tool])
        (folder / tool).write_text(f'#!/bin/sh\nexec {call} "$@"\n', encoding="utf-8")
        (folder / tool).chmod(0o755)
    return folder
