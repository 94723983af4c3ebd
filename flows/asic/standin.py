# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs ``standin.tcl``, the strict stand-in for Genus and Innovus, like the tools themselves."""

from __future__ import annotations

from pathlib import Path

from standins.commands import install, tcl_command

STANDIN = Path(__file__).resolve().with_name("standin.tcl")
# What the placeholders of results say.
NOTE = "Placeholder of flows/asic/standin.tcl: no tool has run."


def install_asic(folder: Path, interpreter: str | None = None) -> Path:
    """Make commands ``genus`` and ``innovus`` in a folder; returns the folder.

    Args:
        folder: made when it is not there.
        interpreter: a name of :func:`standins.commands.interpreters`; None: the first.

    Raises:
        EnvironmentUnusableError: there is no Tcl.
    """
    words = tcl_command(STANDIN, interpreter)
    return install(folder, {tool: [*words, tool] for tool in ("genus", "innovus")})
