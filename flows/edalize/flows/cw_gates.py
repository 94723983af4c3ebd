# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``flow: "cw_gates"``: a bench in Verilator around a netlist, in the place of a module's RTL.

A core's target::

    gls:
      filesets: ["rtl", "bench"]
      toplevel: "tb"
      flow: "cw_gates"
      flow_options:
        module: "mill"

``module`` is synthesised as by ``cw_synth``, and the bench gets its netlist and models of cells.
Where the bench instantiates it within, or with parameters, ``replaces`` names the module that it
does instantiate: one with the same ports, which ``module`` configures.
"""

from __future__ import annotations

from typing import Any, ClassVar

from edalize.flows.cw_verilator import Cw_verilator
from edalize.flows.edaflow import FlowGraph


class Cw_gates(Cw_verilator):  # noqa: N801 - Edalize looks a class up by its module's name
    """Synthesise, compile and simulate, see the module and ``docs/silicon.md``."""

    TOOLS: ClassVar[tuple[str, ...]] = ("cw_gates", "cw_verilator")

    @classmethod
    def get_tool_options(cls, flow_options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of Yosys and Verilator."""
        options: dict[str, Any] = cls.get_filtered_tool_options([*cls.TOOLS], {})
        return options

    def configure_flow(self, flow_options: dict[str, Any]) -> FlowGraph:
        """Return the graph of the two tools."""
        synthesis, simulator = self.TOOLS
        return FlowGraph.fromdict({synthesis: {"deps": []}, simulator: {"deps": [synthesis]}})
