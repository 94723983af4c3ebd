# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``flow: "cw_verilator"``: a simulation in Verilator that needs nothing set up around it.

Edalize's own ``sim`` takes what ``PATH`` and the environment hold. This one looks for a Verilator
that is new enough, also that of the installed wheel, gives make what the wheel leaves out, says in
one line which command is missing, and fails when the bench leaves no result that says it passed.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

from edalize.cw_result import check_result
from edalize.flows.edaflow import Edaflow, FlowGraph

from corewright.environment import require_build_tools, tool_environment


class VerilatorFlow(Edaflow):
    """Runs the commands of a graph of one tool, Verilator, in :func:`tool_environment`."""

    argtypes: ClassVar[list[str]] = ["vlogdefine", "vlogparam"]
    # Options that the flow gives, and no core may.
    GIVEN: ClassVar[dict[str, Any]] = {}
    COMPILES: ClassVar[bool] = False

    @classmethod
    def get_tool_options(cls, flow_options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of Verilator."""
        given = {"cw_verilator": cls.GIVEN}
        options: dict[str, Any] = cls.get_filtered_tool_options(["cw_verilator"], given)
        return options

    def configure_flow(self, flow_options: dict[str, Any]) -> FlowGraph:
        """Return a graph of one tool."""
        return FlowGraph.fromdict({"cw_verilator": {"deps": [], "fdto": dict(self.GIVEN)}})

    def configure_tools(self, graph: FlowGraph) -> None:
        """Make what Verilator makes the default target."""
        super().configure_tools(graph)
        self.tool = graph.get_node("cw_verilator").inst
        self.commands.set_default_target(self.tool.commands.default_target)

    def build(self) -> None:
        """Run Verilator, and the compiler.

        Raises:
            RuntimeError: a command is missing or failed.
        """
        environment = tool_environment()
        require_build_tools(environment, compiler=self.COMPILES)
        flags = environment.get("MAKEFLAGS", "")
        if not any(word.startswith(("-j", "--jobs")) for word in flags.split()):
            flags = f"-j{os.cpu_count() or 1} {flags}".strip()
        command, arguments = self.build_runner.get_build_command()
        environment["MAKEFLAGS"] = flags
        self._run_tool(command, args=arguments, cwd=self.work_root, env=environment)


class Cw_verilator(VerilatorFlow):  # noqa: N801 - Edalize looks a class up by its module's name
    """Compile a simulation and run it, see the module."""

    argtypes: ClassVar[list[str]] = ["plusarg", "vlogdefine", "vlogparam"]
    COMPILES: ClassVar[bool] = True

    def run(self, args: Any = None) -> None:
        """Simulate.

        Raises:
            RuntimeError: the simulation failed, or left no result that says it passed.
        """
        result = self.tool.result()
        if result is not None:
            result.unlink(missing_ok=True)
        command, arguments, folder = self.tool.run()
        self._run_tool(command, args=arguments, cwd=folder)
        if result is not None:
            check_result(result, "cw_verilator")
