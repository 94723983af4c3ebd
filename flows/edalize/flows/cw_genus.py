# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``flow: "cw_genus"``: synthesis in Genus."""

from __future__ import annotations

from typing import Any, ClassVar

from edalize.flows.edaflow import Edaflow, FlowGraph


class Cw_genus(Edaflow):  # noqa: N801 - Edalize looks a class up by its module's name
    """See the tools of the same names in ``edalize.tools``, and ``docs/asic.md``."""

    argtypes: ClassVar[list[str]] = ["vlogdefine"]

    @classmethod
    def get_tool_options(cls, flow_options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of the tools."""
        options: dict[str, Any] = cls.get_filtered_tool_options(["cw_genus"], {})
        return options

    def configure_flow(self, flow_options: dict[str, Any]) -> FlowGraph:
        """Return the graph of the tools."""
        return FlowGraph.fromdict({"cw_genus": {"deps": []}})

    def configure_tools(self, graph: FlowGraph) -> None:
        """Make the last tool's summary the default target."""
        super().configure_tools(graph)
        last = graph.get_node("cw_genus").inst
        self.commands.set_default_target(last.commands.default_target)
