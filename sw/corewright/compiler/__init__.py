# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Compiles an integer graph to the accelerator's program binary (docs/architecture.md)."""

from corewright.compiler.compile import compile_graph
from corewright.compiler.errors import CompileError
from corewright.compiler.program import CompiledLayer, CompiledProgram, PlacedTensor
from corewright.compiler.room import runs_on_host

__all__ = [
    "CompileError",
    "CompiledLayer",
    "CompiledProgram",
    "PlacedTensor",
    "compile_graph",
    "runs_on_host",
]
