# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The Edalize flow ``cw_cocotb``: a cocotb bench on Verilator whose failure is a failure.

A core's target::

    sim:
      filesets: ["rtl", "dv"]
      toplevel: "cw_axis_fifo"
      flow: "cw_cocotb"
      flow_options:
        cocotb_module: "tb_axis_fifo"
      parameters: ["Width", "Depth"]

``fusesoc run`` ends with a status other than 0 when the model cannot be built, a test fails, hangs
or crashes the simulator, and also when no test ran; Edalize's own ``sim`` flow ends with 0 in all
of these but the first. Models are compiled as the project's own tests compile them, and shared with
them; hooks run, also those around the run; ``make`` and ``make run`` in the work root do the same.

Edalize finds flows in the namespace package ``edalize.flows`` by the name of the module.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

from edalize.flows.edaflow import Edaflow, FlowGraph

_RUNNER = "corewright.testing.fusesoc_bench"
_SOURCES = ("systemVerilogSource", "verilogSource", "vlt")
_OPTIONS = ("cocotb_module", "cocotb_test_filter", "seed", "bench_options")


class BenchFlow(Edaflow):
    """Runs a cocotb bench on what the flow has built."""

    argtypes: ClassVar[list[str]] = ["vlogdefine", "vlogparam"]
    # What corewright.testing.fusesoc_bench is told.
    SIMULATOR: ClassVar[str]

    FLOW_OPTIONS: ClassVar[dict[str, Any]] = {
        **Edaflow.FLOW_OPTIONS,
        "cocotb_module": {
            "type": "str",
            "desc": "The bench: a Python module among the files of type user, without .py",
        },
        "cocotb_test_filter": {
            "type": "str",
            "desc": "Run only the tests whose names match this regular expression",
        },
        "seed": {
            "type": "int",
            "desc": "Seed of the run, 1 to 2^31 - 1 (default: always the same one)",
        },
        "bench_options": {
            "type": "str",
            "desc": "Further values for the bench's bench_parameters(), as NAME=JSON",
            "list": True,
        },
    }

    def configure_flow(self, flow_options: dict[str, Any]) -> FlowGraph:
        """Return the graph of the tools."""
        self._require_flow_option(flow_options, "cocotb_module")
        return self.graph()

    def graph(self) -> FlowGraph:
        """Return a graph without tools."""
        return FlowGraph.fromdict({})

    def set_run_command(self) -> None:
        """Add the command that runs the bench."""
        self.commands.add(self._command("run"), ["run"], ["pre_run"])

    def configure(self) -> None:
        """Write what the commands read, and the Makefile with the commands."""
        path = Path(self.work_root) / self._file()
        path.write_text(json.dumps(self.settings(), indent=2) + "\n", encoding="utf-8")
        super().configure()

    def run(self, args: list[str] | None = None) -> None:
        """Run the bench; raises RuntimeError when it fails or has no test."""
        command, options = self.build_runner.get_build_command()
        self._run_tool(command, args=[*options, "run"], cwd=self.work_root)

    @classmethod
    def _flow(cls) -> str:
        return cls.__name__.lower()

    @classmethod
    def _file(cls) -> str:
        return f"{cls._flow()}.json"

    def _command(self, step: str) -> list[str]:
        return [sys.executable, "-m", _RUNNER, step, self._file()]

    def settings(self) -> dict[str, Any]:
        """Return what the commands are told."""
        kinds: dict[str, dict[str, Any]] = {"vlogparam": {}, "vlogdefine": {}}
        for name, parameter in self.edam.get("parameters", {}).items():
            kind, value = parameter["paramtype"], parameter.get("default")
            if kind not in kinds:
                raise RuntimeError(f"Flow '{self._flow()}' has no {kind}, which {name} is")
            if value is None:
                continue
            if parameter["datatype"] == "bool":
                value = int(value)
            if kind == "vlogparam" and parameter["datatype"] in ("str", "file"):
                value = f'"{value}"'
            kinds[kind][name] = value
        return {
            "simulator": self.SIMULATOR,
            "name": self.edam["name"],
            "toplevel": self.edam["toplevel"],
            "parameters": kinds["vlogparam"],
            "defines": kinds["vlogdefine"],
            **{name: self.flow_options.get(name) for name in _OPTIONS},
        }


class Cw_cocotb(BenchFlow):  # noqa: N801 - the module's name, capitalised
    """Run a cocotb bench on Verilator, see the module."""

    SIMULATOR: ClassVar[str] = "verilator"

    FLOW_OPTIONS: ClassVar[dict[str, Any]] = {
        **BenchFlow.FLOW_OPTIONS,
        "verilator_options": {
            "type": "str",
            "desc": "Further options for Verilator",
            "list": True,
        },
    }

    def configure_tools(self, graph: FlowGraph) -> None:
        """Add the command that compiles the model."""
        super().configure_tools(graph)
        self.commands.add(self._command("build"), ["model"], [], ["pre_build"])
        self.commands.set_default_target("model")

    def settings(self) -> dict[str, Any]:
        """Return what the commands are told, with the sources that Verilator compiles."""
        sources = [
            file["name"]
            for file in self.edam["files"]
            if str(file.get("file_type", "")).startswith(_SOURCES)
        ]
        options = self.flow_options.get("verilator_options")
        return {**super().settings(), "sources": sources, "verilator_options": options}
