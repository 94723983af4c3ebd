# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Yosys as an Edalize tool that synthesises: a netlist as JSON, and a summary of it.

Edalize's own tool for Yosys writes Tcl, which YoWASP's build does not have, and reads no
SystemVerilog with packages.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any, ClassVar

from edalize.cw_copies import SOURCE_LIST, Copies, slang_options
from edalize.tools.cw_xsim import for_make
from edalize.tools.edatool import Edatool
from edalize.utils import EdaCommands

from corewright.environment import prepare_yowasp
from corewright.silicon.cells import ASIC, FAMILIES, NetlistError
from corewright.silicon.liberty import LIBRARY_FILE, LIBRARY_PACKAGE, read_library
from corewright.silicon.timing import SCRIPT as STA_SCRIPT
from corewright.silicon.timing import missing_for_asic, opensta

SCRIPT, LOG, NETLIST, SUMMARY = "cw_synth.ys", "yosys.log", "netlist.json", "synth.json"
_PARTIAL = "netlist.part"
# By family what maps a flat design to it.
SYNTHESIS = {
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad",
    "xcup": "synth_xilinx -family xcup -flatten -noiopad",
    "ecp5": "synth_ecp5",
}
# Of an ASIC: the library's copy, what ABC is told of its surroundings, and OpenSTA's report.
_LIBRARY, _ABC, _CONSTRAINTS, _TIMING = "library.lib", "abc.script", "abc.constr", "timing.rpt"
# Of a memory that is a macro, at most.
_READ_PORTS = 4
# The default script without dc2, which makes ripple carries of the adders that techmap has made,
# and with logic balanced by delay: tried on 4x4 units, 176 MHz for 133, at 3 % more area.
_ABC_COMMANDS = (
    *("strash", "&get -n", "&fraig -x", "&put", "scorr", "strash"),
    *("&get -n", "&st", "&if -g -K 6", "&dch -f", "&nf", "&put"),
    *("buffer", "upsize -D {period}", "dnsize -D {period}"),
)


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
        "family": {"type": "str", "desc": f"One of {', '.join(FAMILIES)} (default: xc7)"},
        "yosys": {
            "type": "str",
            "desc": "Command of a Yosys with read_slang (default: YoWASP's, with a deep stack)",
        },
        "liberty": {
            "type": "str",
            "desc": f"asic: library of cells (default: {LIBRARY_FILE}, of {LIBRARY_PACKAGE})",
        },
        "nand2": {
            "type": "str",
            "desc": "asic: its NAND of two inputs, a gate equivalent (default: NAND2X1)",
        },
        "inverter": {
            "type": "str",
            "desc": "asic: its inverter that drives like a flip-flop (default: INVX1)",
        },
        "clock_mhz": {"type": "real", "desc": "asic: clock that is mapped for (default: 200)"},
        "memory_words": {
            "type": "int",
            "desc": "asic: words from which a memory with registered reads is no flip-flops "
            "(default: 64)",
        },
        "memory_ns": {
            "type": "real",
            "desc": "asic: from the clock to a memory's output, assumed (default: 2)",
        },
    }

    def setup(self, edam: dict[str, Any]) -> None:
        """Find the sources and list the commands.

        Raises:
            RuntimeError: there is no HDL, two files share a name, there is no such family, or of an
                ASIC an option is wrong, or library or OpenSTA are missing.
        """
        super().setup(edam)
        self.edam = edam.copy()
        self.family = self._family()
        if self.family not in FAMILIES:
            legal = ", ".join(FAMILIES)
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
        read = [SCRIPT, SOURCE_LIST, *self.copies.all]
        if self.family == ASIC:
            read += self._library(commands)
        commands.add(words, [_PARTIAL], read)
        commands.add(["mv", _PARTIAL, NETLIST], [NETLIST], [_PARTIAL])
        words = [sys.executable, "-P", "-m", "corewright.silicon", NETLIST, "--top", self.toplevel]
        words += ["--family", self.family, "--out", SUMMARY]
        needed = [NETLIST]
        if self.family == ASIC:
            needed += self._timing(commands)
            words += ["--library", _LIBRARY, "--nand2", self.nand2, "--timing", _TIMING]
            words += ["--memory-ns", f"{self._memory_ns():g}"]
        commands.add(for_make(words), [SUMMARY], needed)
        commands.set_default_target(SUMMARY)
        self.commands = commands

    def _family(self) -> str:
        return str(self.tool_options.get("family") or "xc7")

    def write_config_files(self) -> None:
        """Write the list of sources and Yosys' script."""
        options = slang_options(self.vlogdefine, self.vlogparam)
        self.update_config_file(SOURCE_LIST, options + self.copies.listed())
        if self.family == ASIC:
            mapping = self._mapping()
            period = f"{1e6 / self._positive('clock_mhz', 200):.0f}"
            commands = "\n".join(_ABC_COMMANDS).format(period=period)
            self.update_config_file(_ABC, commands + "\n")
            # The load of an output is that of a flip-flop's input, in fF.
            constraints = f"set_driving_cell {self.inverter}\nset_load 9\n"
            self.update_config_file(_CONSTRAINTS, constraints)
        else:
            mapping = f"{SYNTHESIS[self.family]} -top {self.toplevel}\n"
        self.update_config_file(
            SCRIPT, f"{elaboration(self.toplevel)}{mapping}write_json {_PARTIAL}\n"
        )

    # ------------------------------------------------------------------------------------- ASIC

    def _positive(self, name: str, default: float) -> float:
        given = self.tool_options.get(name)
        value = float(default if given is None else given)
        if value <= 0:
            raise RuntimeError(f"cw_synth: {name} is {value:g}, legal are numbers above 0")
        return value

    def _memory_ns(self) -> float:
        return self._positive("memory_ns", 2)

    def _library(self, commands: EdaCommands) -> list[str]:
        """Copy the library, and return what Yosys reads."""
        given = self.tool_options.get("liberty")
        path = Path(given).absolute() if given else LIBRARY_FILE
        if given and not path.is_file():
            raise RuntimeError(f"cw_synth: liberty is {given}, which is no file")
        if absent := missing_for_asic(path if given else None):
            raise RuntimeError(f"cw_synth: {absent}")
        self.nand2 = str(self.tool_options.get("nand2") or "NAND2X1")
        self.inverter = str(self.tool_options.get("inverter") or "INVX1")
        try:
            library = read_library(path, self.nand2)
        except NetlistError as error:
            raise RuntimeError(f"cw_synth: {error}") from error
        if self.inverter not in library.cells:
            raise RuntimeError(f"cw_synth: {path}: has no {self.inverter}: the option inverter")
        commands.add(["cp", shlex.quote(str(path)), _LIBRARY], [_LIBRARY], [_escaped(path)])
        return [_LIBRARY, _ABC, _CONSTRAINTS]

    def _mapping(self) -> str:
        """Return the commands from a flat design to cells of the library."""
        words = int(self._positive("memory_words", 64))
        # Only what a macro can be: arrays of registers are $mem_v2, too.
        ports = (f"r:RD_CLK_ENABLE={count}'b{'1' * count}" for count in range(1, _READ_PORTS + 1))
        macros = f"t:$mem_v2 {' '.join(ports)} {'%u ' * (_READ_PORTS - 1)}%i r:SIZE>={words} %i"
        return (
            f"synth -top {self.toplevel} -run coarse:fine\n"
            f"setattr -set cw_macro 1 {macros}\n"
            "opt -fast -full\n"
            "memory_map t:$mem_v2 a:cw_macro=1 %d\n"
            "opt -full\ntechmap\nopt -fast\n"
            f"dfflibmap -liberty {_LIBRARY}\nopt -fast\n"
            f"abc -liberty {_LIBRARY} -constr {_CONSTRAINTS} -script {_ABC}\nopt_clean\n"
        )

    def _timing(self, commands: EdaCommands) -> list[str]:
        """Run OpenSTA, and return its report."""
        words = [sys.executable, "-P", "-m", "corewright.silicon.timing", NETLIST]
        words += ["--top", self.toplevel, "--library", _LIBRARY, "--nand2", self.nand2]
        words += ["--memory-ns", f"{self._memory_ns():g}"]
        # Written behind VERILOG and MEMORIES.
        commands.add(for_make(words), [STA_SCRIPT], [NETLIST, _LIBRARY])
        # Its status is 0 after an error: who reads the report looks for its end.
        call = ["rm", "-f", _TIMING, "&&", *for_make([str(opensta())])]
        call += ["-no_init", "-no_splash", "-exit", STA_SCRIPT, f"> {_TIMING}.part", "2>&1"]
        call += ["&&", "mv", f"{_TIMING}.part", _TIMING]
        commands.add(call, [_TIMING], [STA_SCRIPT])
        return [_LIBRARY, _TIMING]


def _escaped(path: Path) -> str:
    return str(path).replace(" ", "\\ ")
