# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``flow: "cw_xsim"``: a simulation in Vivado's simulator that ends non-zero when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from edalize.flows.edaflow import Edaflow, FlowGraph
from edalize.tools.cw_xsim import LOG, check_run


class Cw_xsim(Edaflow):  # noqa: N801 - Edalize looks a class up by its module's name
    """Build a snapshot and run it; see :class:`edalize.tools.cw_xsim.Cw_xsim`."""

    argtypes: ClassVar[list[str]] = ["plusarg", "vlogdefine", "vlogparam"]

    @classmethod
    def get_tool_options(cls, flow_options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of the simulator."""
        options: dict[str, Any] = cls.get_filtered_tool_options(["cw_xsim"], {})
        return options

    def configure_flow(self, flow_options: dict[str, Any]) -> FlowGraph:
        """Return a graph of one tool."""
        return FlowGraph.fromdict({"cw_xsim": {"deps": []}})

    def configure_tools(self, graph: FlowGraph) -> None:
        """Make the snapshot the default target."""
        super().configure_tools(graph)
        self.tool = graph.get_node("cw_xsim").inst
        self.commands.set_default_target(self.tool.commands.default_target)

    def run(self, args: Any = None) -> None:
        """Simulate.

        Raises:
            RuntimeError: the simulation failed, did not end, or no test ran.
        """
        log, result = Path(self.work_root) / LOG, self.tool.result()
        for old in filter(None, (log, result)):
            old.unlink(missing_ok=True)
        command, arguments, folder = self.tool.run()
        self._run_tool(command, args=arguments, cwd=folder)
        text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        check_run(text, result)
