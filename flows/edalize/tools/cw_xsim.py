# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Vivado's simulator as an Edalize tool: SystemVerilog, and C behind its DPI imports."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from edalize.cw_result import OPTION, check_result, result_file
from edalize.tools.edatool import Edatool
from edalize.utils import EdaCommands

LOG = "xsim.log"
# How lines begin that xsim writes for $error and $fatal, and for its own errors.
_FAILURE = re.compile(r"^(?:Error|Fatal|ERROR|FATAL_ERROR)\b.*", re.MULTILINE)
_FINISHED = "$finish called"


def for_make(words: Iterable[str]) -> list[str]:
    """Return words quoted for a shell that make starts."""
    return [shlex.quote(word).replace("$", "$$") for word in words]


def check_run(log: str, result: Path | None) -> None:
    """Require that a simulation came to its end and found nothing wrong.

    The exit status of xsim says neither in all versions.

    Args:
        log: what xsim wrote.
        result: a JSON file of the bench with ``"passed": true``; None: the log decides.

    Raises:
        RuntimeError: there was an error, no end, or no good result.
    """
    failure = _FAILURE.search(log)
    if failure:
        raise RuntimeError(f"cw_xsim: {failure[0]}")
    if _FINISHED not in log:
        raise RuntimeError(f"cw_xsim: the simulation did not come to $finish, see {LOG}")
    if result is not None:
        check_result(result, "cw_xsim")


class Cw_xsim(Edatool):  # noqa: N801 - Edalize looks a class up by its module's name
    """Batch simulation: ``xvlog``, ``xsc`` for the C sources, ``xelab``, ``xsim``."""

    argtypes: ClassVar[list[str]] = ["plusarg", "vlogdefine", "vlogparam"]
    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        "timescale": {"type": "str", "desc": "For modules without one (default: 1ns/1ps)"},
        "result_plusarg": OPTION,
        "xvlog_options": {"type": "str", "desc": "More options of xvlog", "list": True},
        "xsc_options": {"type": "str", "desc": "More options of xsc", "list": True},
        "xelab_options": {"type": "str", "desc": "More options of xelab", "list": True},
        "xsim_options": {"type": "str", "desc": "More options of xsim", "list": True},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        """Sort the files and list the commands.

        Raises:
            RuntimeError: there is no HDL.
        """
        super().setup(edam)
        self.edam = edam.copy()
        self.hdl: dict[str, list[str]] = {"systemVerilogSource": [], "verilogSource": []}
        self.hdl_folders: list[str] = []
        self.c_sources: list[str] = []
        c_folders: list[str] = []
        headers: list[str] = []
        for file in self.files:
            kind = file.get("file_type", "").partition("-")[0]
            is_c = kind in ("cSource", "cppSource")
            if kind not in self.hdl and not is_c:
                continue
            if self._add_include_dir(file, c_folders if is_c else self.hdl_folders):
                headers.append(file["name"])
            elif is_c:
                self.c_sources.append(file["name"])
            else:
                self.hdl[kind].append(file["name"])
        if not any(self.hdl.values()):
            raise RuntimeError("cw_xsim: the core has no Verilog or SystemVerilog")
        self._add_commands(headers, c_folders)

    def _options(self, name: str) -> list[str]:
        return list(self.tool_options.get(f"{name}_options", []))

    def _add_commands(self, headers: list[str], c_folders: list[str]) -> None:
        commands = EdaCommands()

        def add(step: str, calls: list[list[str]], depends: list[str]) -> None:
            # What the tools write differs from version to version: a step that is done leaves this.
            stamp = f"{step}.done"
            commands.add([*map(for_make, calls), ["touch", stamp]], [stamp], depends)

        self.lists: dict[str, list[str]] = {}
        calls, sources = [], []
        for kind, flags in (("systemVerilogSource", ["-sv"]), ("verilogSource", [])):
            if self.hdl[kind]:
                name = "xvlog_sv.f" if flags else "xvlog_v.f"
                words = ["xvlog", *flags, *self._options("xvlog"), "-f", name]
                calls.append([*words, "-log", name.replace(".f", ".log")])
                self.lists[name] = self._list(self.hdl[kind])
                sources += self.hdl[kind]
        add("xvlog", calls, [*self.lists, *sources, *headers])

        libraries = []
        depends = ["xvlog.done"]
        if self.c_sources:
            words = ["xsc", *self._options("xsc")]
            for folder in c_folders:
                words += ["--gcc_compile_options", f"-I{folder}"]
            add("xsc", [[*words, *self.c_sources]], [*self.c_sources, *headers])
            libraries = ["-sv_lib", "dpi"]  # what xsc calls its library
            depends.append("xsc.done")

        words = ["xelab", f"work.{self.toplevel}", "-s", self.toplevel, *libraries]
        words += ["-timescale", self.tool_options.get("timescale", "1ns/1ps")]
        for name, value in self.vlogparam.items():
            words += ["-generic_top", f"{name}={self._param_value_str(value)}"]
        add("xelab", [[*words, "-log", "xelab.log", *self._options("xelab")]], depends)
        commands.set_default_target("xelab.done")
        self.commands = commands

    def _list(self, sources: list[str]) -> list[str]:
        lines = [f"-i {folder}" for folder in self.hdl_folders]
        lines += [f"-d {k}={self._param_value_str(v)}" for k, v in self.vlogdefine.items()]
        return [*lines, *sources]

    def write_config_files(self) -> None:
        """Write the lists of sources."""
        for name, lines in self.lists.items():
            self.update_config_file(name, "\n".join(lines) + "\n")

    def result(self) -> Path | None:
        """Return the file that the bench writes; None when the log alone decides.

        Raises:
            RuntimeError: the core has no such plusarg, or it has no value.
        """
        return result_file(self)

    def run(self) -> tuple[str, list[str], str]:
        """Return command, arguments and folder of a simulation."""
        words = [self.toplevel, "-R", "-onfinish", "quit", "-onerror", "quit", "-log", LOG]
        for name, value in self.plusarg.items():
            words += ["-testplusarg", f"{name}={self._param_value_str(value)}"]
        return ("xsim", [*words, *self._options("xsim")], str(self.work_root))
