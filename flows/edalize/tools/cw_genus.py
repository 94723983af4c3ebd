# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Genus as an Edalize tool: netlist, constraints, reports, and a summary of them as JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from edalize.cw_asic.constraints import Timing, mmmc, script, sdc, settings, tcl_list
from edalize.cw_asic.pdk import Pdk, read_pdk
from edalize.tools.edatool import Edatool
from edalize.utils import EdaCommands

_NUMBERS = {
    "input_share": (0.5, "part of a period that has passed when an input arrives"),
    "output_share": (0.5, "part of a period that is left for what follows an output"),
    "uncertainty_share": (0.05, "part of a period for jitter and skew"),
}


def pdk_of(options: dict[str, Any], work_root: Any) -> Pdk:
    """Return the PDK of the option ``pdk``.

    Raises:
        RuntimeError: the option is missing, or the file is wrong.
    """
    named = options.get("pdk")
    if not named:
        raise RuntimeError("the PDK is missing: --pdk FILE, see docs/asic.md")
    return read_pdk(Path(work_root) / named)


class Cw_genus(Edatool):  # noqa: N801 - Edalize looks a class up by its module's name
    """Synthesis of a block with one clock, for the process that a PDK file describes."""

    argtypes: ClassVar[list[str]] = ["vlogdefine"]
    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        "pdk": {"type": "file", "desc": "The file that describes the process, see docs/asic.md"},
        "clock_mhz": {"type": "real", "desc": "Frequency of the clock"},
        "clock_port": {"type": "str", "desc": "Port of the clock (default: clk_i)"},
        "reset_port": {"type": "str", "desc": "Port of the reset (default: rst_ni; none: none)"},
        "cpus": {"type": "int", "desc": "Processors to use (default: 4)"},
        **{
            name: {"type": "real", "desc": f"{what[0].upper()}{what[1:]} (default: {default})"}
            for name, (default, what) in _NUMBERS.items()
        },
    }

    def setup(self, edam: dict[str, Any]) -> None:
        """Sort the files and list the commands.

        Raises:
            RuntimeError: an option is missing or wrong, or there is no HDL.
        """
        super().setup(edam)
        self.edam = edam.copy()
        if self.vlogparam or self.generic:
            raise RuntimeError("cw_genus: parameters of the top are not supported: wrap it")
        self.pdk = pdk_of(self.tool_options, self.work_root)
        self.timing = self._timing()
        folders: list[str] = []
        hdl: dict[str, list[str]] = {"verilogSource": [], "systemVerilogSource": []}
        depends = []
        for file in self.files:
            kind = file.get("file_type", "").partition("-")[0]
            if kind not in hdl:
                continue
            depends.append(file["name"])
            if not self._add_include_dir(file, folders):
                hdl[kind].append(file["name"])
        if not any(hdl.values()):
            raise RuntimeError("cw_genus: the core has no Verilog or SystemVerilog")
        memory = [str(path) for path in self.pdk.memory.sources] if self.pdk.memory else []
        hdl["systemVerilogSource"] += memory
        # Genus defines SYNTHESIS by itself.
        defines = [f"{k}={self._param_value_str(v)}" for k, v in self.vlogdefine.items()]
        self.variables = {
            "Verilog": tcl_list(hdl["verilogSource"]),
            "SystemVerilog": tcl_list(hdl["systemVerilogSource"]),
            "Folders": tcl_list([".", *folders]),
            "Defines": tcl_list(defines),
            "Cpus": str(int(self.tool_options.get("cpus", 4))),
        }
        self._add_commands([*depends, *memory])

    def _timing(self) -> Timing:
        options = self.tool_options
        if "clock_mhz" not in options:
            raise RuntimeError("cw_genus: the option clock_mhz is missing")
        reset = options.get("reset_port", "rst_ni")
        shares = {name: float(options.get(name, _NUMBERS[name][0])) for name in _NUMBERS}
        return Timing(
            clock=options.get("clock_port", "clk_i"),
            reset=None if reset == "none" else reset,
            megahertz=float(options["clock_mhz"]),
            **shares,
        )

    def _add_commands(self, depends: list[str]) -> None:
        commands = EdaCommands()
        netlist = f"output/genus/{self.toplevel}.v"
        call = ["genus", "-batch", "-no_gui", "-overwrite", "-log", "genus.log"]
        call += ["-files", "genus.tcl", "< /dev/null"]
        scripts = ["genus.tcl", "genus_settings.tcl", "genus_mmmc.tcl", "genus.sdc"]
        # Not the netlist is the target: one that a run has left which failed later is none.
        clean = ["rm", "-rf", "output/genus", "reports/genus"]
        done = "genus.done"
        commands.add([clean, call, ["touch", done]], [done], [*scripts, *depends])
        summary = [sys.executable, "-m", "edalize.cw_asic", "genus", "--top", self.toplevel]
        summary += ["--reports", "reports/genus", "--out", "genus.json", "--results"]
        summary += [netlist, f"output/genus/{self.toplevel}.sdc"]
        commands.add(summary, ["genus.json"], [done])
        commands.set_default_target("genus.json")
        self.commands = commands

    def write_config_files(self) -> None:
        """Write script, settings, corners and constraints."""
        self.update_config_file("genus.tcl", script("genus.tcl"))
        text = settings(self.pdk, self.toplevel, self.variables)
        self.update_config_file("genus_settings.tcl", text)
        self.update_config_file("genus_mmmc.tcl", mmmc(self.pdk, "genus.sdc"))
        self.update_config_file("genus.sdc", sdc(self.timing, self.pdk))
