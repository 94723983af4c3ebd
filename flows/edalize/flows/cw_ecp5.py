# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``flow: "cw_ecp5"``: place and route for ECP5, as ``route.json``."""

from __future__ import annotations

from typing import Any, ClassVar

from edalize.flows.edaflow import Edaflow, FlowGraph


class Cw_ecp5(Edaflow):  # noqa: N801 - Edalize looks a class up by its module's name
    """See the tool of the same name in ``edalize.tools``, and ``docs/silicon.md``."""

    argtypes: ClassVar[list[str]] = ["vlogdefine", "vlogparam"]

    @classmethod
    def get_tool_options(cls, flow_options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of the tools."""
        options: dict[str, Any] = cls.get_filtered_tool_options(["cw_ecp5"], {})
        return options

    def configure_flow(self, flow_options: dict[str, Any]) -> FlowGraph:
        """Return the graph of the tools."""
        return FlowGraph.fromdict({"cw_ecp5": {"deps": []}})

    def configure_tools(self, graph: FlowGraph) -> None:
        """Make the tool's summary the default target."""
        super().configure_tools(graph)
        tool = graph.get_node("cw_ecp5").inst
        self.commands.set_default_target(tool.commands.default_target)
