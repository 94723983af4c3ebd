# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Innovus as an Edalize tool: layout of what the tool ``cw_genus`` has made, checks, summary."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from edalize.cw_asic.constraints import mmmc, script, settings, tcl_list
from edalize.tools.cw_genus import pdk_of
from edalize.tools.edatool import Edatool
from edalize.utils import EdaCommands


class Cw_innovus(Edatool):  # noqa: N801 - Edalize looks a class up by its module's name
    """Floorplan, power plan, placement, clock tree, routing, checks and results of a block."""

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        "pdk": {"type": "file", "desc": "The file that describes the process, see docs/asic.md"},
        "density": {"type": "real", "desc": "Share of the core that cells take (default: 0.7)"},
        "core_margin": {"type": "real", "desc": "Microns around the core (default: 10)"},
        "pin_layer": {"type": "str", "desc": "Layer of the pins (default: the lowest for signals)"},
        "gds_units": {"type": "int", "desc": "GDS units a micron (default: 1000)"},
        "cpus": {"type": "int", "desc": "Processors to use (default: 4)"},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        """List the commands.

        Raises:
            RuntimeError: an option is missing or wrong.
        """
        super().setup(edam)
        self.edam = edam.copy()
        options = self.tool_options
        self.pdk = pdk_of(options, self.work_root)
        density, margin = float(options.get("density", 0.7)), float(options.get("core_margin", 10))
        if not 0 < density <= 1:
            raise RuntimeError(f"density is {density}, legal are above 0 to 1")
        ring = self.pdk.power_plan.ring
        needed = 2 * ring.width + ring.spacing + ring.offset
        if margin < needed:
            raise RuntimeError(f"core_margin is {margin}, the PDK's ring needs {needed}")
        self.constraints = f"output/genus/{self.toplevel}.sdc"
        self.variables = {
            "Netlist": tcl_list([f"output/genus/{self.toplevel}.v"]),
            "Density": str(density),
            "CoreMargin": str(margin),
            "PinLayer": tcl_list([options.get("pin_layer", self.pdk.routing.bottom)]),
            "GdsUnits": str(int(options.get("gds_units", 1000))),
            "Cpus": str(int(options.get("cpus", 4))),
        }
        commands = EdaCommands()
        done = "innovus.done"
        call = ["innovus", "-stylus", "-batch", "-no_gui", "-overwrite", "-log", "innovus.log"]
        call += ["-files", "innovus.tcl", "< /dev/null"]
        clean = ["rm", "-rf", "output/innovus", "reports/innovus"]
        scripts = ["innovus.tcl", "innovus_settings.tcl", "innovus_mmmc.tcl"]
        commands.add([clean, call, ["touch", done]], [done], [*scripts, "genus.done"])
        summary = [sys.executable, "-m", "edalize.cw_asic", "innovus", "--top", self.toplevel]
        summary += ["--reports", "reports/innovus", "--out", "innovus.json", "--results"]
        summary += [f"output/innovus/{self.toplevel}.{kind}" for kind in ("gds", "def", "v", "sdf")]
        commands.add(summary, ["innovus.json"], [done])
        commands.set_default_target("innovus.json")
        self.commands = commands

    def write_config_files(self) -> None:
        """Write script, settings and corners."""
        self.update_config_file("innovus.tcl", script("innovus.tcl"))
        text = settings(self.pdk, self.toplevel, self.variables)
        self.update_config_file("innovus_settings.tcl", text)
        self.update_config_file("innovus_mmmc.tcl", mmmc(self.pdk, self.constraints))
