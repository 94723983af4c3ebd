# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Yosys as an Edalize tool that synthesises: a netlist as JSON, and a summary of it.

Edalize's own tool for Yosys writes Tcl, which YoWASP's build does not have, and reads no
SystemVerilog with packages.
"""

from __future__ import annotations

import shlex
import sys
from typing import Any, ClassVar

from edalize.cw_copies import SOURCE_LIST, Copies, slang_options
from edalize.tools.cw_xsim import for_make
from edalize.tools.edatool import Edatool
from edalize.utils import EdaCommands

from corewright.environment import prepare_yowasp

SCRIPT, LOG, NETLIST, SUMMARY = "cw_synth.ys", "yosys.log", "netlist.json", "synth.json"
_PARTIAL = "netlist.part"
# By family what maps a flat design to it.
SYNTHESIS = {
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad",
    "xcup": "synth_xilinx -family xcup -flatten -noiopad",
    "ecp5": "synth_ecp5",
}


def elaboration(top: str) -> str:
    """Return the commands that read the sources and flatten them.

    Instances are kept until then, so that each register knows its own: blocks are counted by it.
    """
    return (
        f"read_slang --threads 1 --keep-hierarchy --top {top} -f {SOURCE_LIST}\n"
        f"hierarchy -check -top {top}\nproc\nflatten -scopename\n"
    )


class Cw_synth(Edatool):  # noqa: N801 - Edalize looks a class up by its module's name
    """Synthesis of a core for a family of chips, see :mod:`edalize.flows.cw_synth`."""

    argtypes: ClassVar[list[str]] = ["vlogdefine", "vlogparam"]
    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        "family": {"type": "str", "desc": f"One of {', '.join(SYNTHESIS)} (default: xc7)"},
        "yosys": {
            "type": "str",
            "desc": "Command of a Yosys with read_slang (default: YoWASP's, with a deep stack)",
        },
    }

    def setup(self, edam: dict[str, Any]) -> None:
        """Find the sources and list the commands.

        Raises:
            RuntimeError: there is no HDL, two files share a name, or there is no such family.
        """
        super().setup(edam)
        self.edam = edam.copy()
        self.family = self._family()
        if self.family not in SYNTHESIS:
            legal = ", ".join(SYNTHESIS)
            raise RuntimeError(f"cw_synth: family is {self.family!r}, legal are {legal}")
        self.copies = Copies(self.files, "cw_synth")
        named = self.tool_options.get("yosys")
        deep = [sys.executable, "-P", "-m", "corewright.silicon.yowasp", "yosys"]
        self.yosys = shlex.split(named) if named else deep
        if not named:
            prepare_yowasp()
        commands = EdaCommands()
        self.copies.add_commands(commands)
        # The netlist gets its name when it is whole: what a killed run leaves is none.
        words = ["rm", "-f", _PARTIAL, "&&"]
        words += for_make([*self.yosys, "-q", "-l", LOG, "-s", SCRIPT])
        words += ["||", f"{{ tail -n 40 {LOG}; exit 1; }}"]
        commands.add(words, [_PARTIAL], [SCRIPT, SOURCE_LIST, *self.copies.all])
        commands.add(["mv", _PARTIAL, NETLIST], [NETLIST], [_PARTIAL])
        words = [sys.executable, "-P", "-m", "corewright.silicon", NETLIST, "--top", self.toplevel]
        words += ["--family", self.family, "--out", SUMMARY]
        commands.add(for_make(words), [SUMMARY], [NETLIST])
        commands.set_default_target(SUMMARY)
        self.commands = commands

    def _family(self) -> str:
        return str(self.tool_options.get("family") or "xc7")

    def write_config_files(self) -> None:
        """Write the list of sources and Yosys' script."""
        options = slang_options(self.vlogdefine, self.vlogparam)
        self.update_config_file(SOURCE_LIST, options + self.copies.listed())
        self.update_config_file(
            SCRIPT,
            f"{elaboration(self.toplevel)}{SYNTHESIS[self.family]} -top {self.toplevel}\n"
            f"write_json {_PARTIAL}\n",
        )
