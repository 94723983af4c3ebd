# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The Edalize flow ``cw_icarus``: a cocotb bench on Icarus Verilog whose failure is a failure.

The bench is the one of ``cw_cocotb``. A core's target::

    icarus:
      filesets: ["rtl", "dv"]
      toplevel: "cw_axis_fifo"
      flow: "cw_icarus"
      flow_options:
        cocotb_module: "tb_axis_fifo"
      parameters: ["Width", "Depth"]

Yosys (``read_slang; proc; opt; write_verilog``) makes plain Verilog of the design with its
parameters, which any Icarus from 11 on takes. What is simulated is what is synthesised:
``SYNTHESIS`` is defined, so that assertions in the sources are left out, and what nobody has
written is X, so that a bench which reads it fails.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

from edalize.flows.cw_cocotb import BenchFlow
from edalize.flows.edaflow import FlowGraph

from corewright.environment import search_path


class Cw_icarus(BenchFlow):  # noqa: N801 - Edalize looks a class up by its module's name
    """Run a cocotb bench on Icarus Verilog, see the module."""

    SIMULATOR: ClassVar[str] = "icarus"

    @classmethod
    def get_tool_options(cls, flow_options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of Yosys and Icarus."""
        options: dict[str, Any] = cls.get_filtered_tool_options(["cw_icarus"], {})
        return options

    def graph(self) -> FlowGraph:
        """Return a graph of one tool."""
        return FlowGraph.fromdict({"cw_icarus": {"deps": []}})

    def configure_tools(self, graph: FlowGraph) -> None:
        """Make what Icarus compiles the default target."""
        super().configure_tools(graph)
        self.tool = graph.get_node("cw_icarus").inst
        self.commands.set_default_target(self.tool.commands.default_target)

    def build(self) -> None:
        """Make plain Verilog and compile it.

        Raises:
            RuntimeError: a tool is not installed, or refuses the design.
        """
        path = search_path(os.environ.get("PATH", os.defpath))
        missing = self.tool.missing(path)
        if missing:
            raise RuntimeError("; ".join(missing))
        command, arguments = self.build_runner.get_build_command()
        self._run_tool(command, args=arguments, cwd=self.work_root, env={"PATH": path})
