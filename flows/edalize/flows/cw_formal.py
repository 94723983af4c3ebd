# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``flow: "cw_formal"``: proofs with SymbiYosys that end non-zero when one fails or none ran."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from edalize.flows.edaflow import Edaflow, FlowGraph

from corewright.environment import search_path


class Cw_formal(Edaflow):  # noqa: N801 - Edalize looks a class up by its module's name
    """Run the tasks of a core's ``.sby`` file; see :class:`edalize.tools.cw_formal.Cw_formal`."""

    argtypes: ClassVar[list[str]] = []

    @classmethod
    def get_tool_options(cls, flow_options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of SymbiYosys."""
        options: dict[str, Any] = cls.get_filtered_tool_options(["cw_formal"], {})
        return options

    def configure_flow(self, flow_options: dict[str, Any]) -> FlowGraph:
        """Return a graph of one tool."""
        return FlowGraph.fromdict({"cw_formal": {"deps": []}})

    def configure_tools(self, graph: FlowGraph) -> None:
        """Make the proofs the default target."""
        super().configure_tools(graph)
        self.tool = graph.get_node("cw_formal").inst
        self.commands.set_default_target(self.tool.commands.default_target)

    def build(self) -> None:
        """Prove.

        Raises:
            RuntimeError: a tool is not installed, or a task did not pass.
        """
        path = search_path(os.environ.get("PATH", os.defpath))
        missing = self.tool.missing(path)
        if missing:
            raise RuntimeError("; ".join(missing))
        command, arguments = self.build_runner.get_build_command()
        self._run_tool(command, args=arguments, cwd=self.work_root, env={"PATH": path})

    def run(self, args: Any = None) -> None:
        """Require that every task has passed, and say how many there were.

        Raises:
            RuntimeError: a task has not passed.
        """
        folder = Path(self.work_root)
        open_tasks = [
            task for task in self.tool.tasks if not (folder / self.tool.verdict(task)).is_file()
        ]
        if open_tasks:
            raise RuntimeError(f"cw_formal: not proven: {', '.join(open_tasks)}")
        print(f"cw_formal: {len(self.tool.tasks)} tasks passed")  # noqa: T201 - as Edalize does
