# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs a compiled program in the emulator and compares all of its memory with the golden model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from corewright import emulator, golden
from corewright.compiler import CompiledProgram, CompileError, compile_graph
from corewright.graph import Graph
from corewright.hardware import Hardware


def compile_with_room(
    graph: Graph, hw: Hardware, batch: int, *, keep_tensors: bool = True
) -> CompiledProgram:
    """Compiles, raising the parameter that an error names to the value that it asks for."""
    for _ in range(12):
        try:
            return compile_graph(graph, hw, batch, keep_tensors=keep_tensors)
        except CompileError as error:
            if error.parameter != "pixel_buffer_depth" or error.needed is None:
                raise
            assert error.needed > hw.pixel_rows * hw.drain
            hw = replace(hw, pixel_buffer_depth=error.needed)
    raise AssertionError("the advice of the errors does not lead to a program")


def check(program: CompiledProgram, graph: Graph, x: np.ndarray, seed: int = 0) -> None:
    """Emulates and compares all specified bits, and the accounts of steps and bytes."""
    arena = program.make_arena(x, fill=seed % 256)
    traces = emulator.run(program.program, arena, hardware=program.hardware, poison_seed=seed)
    expected, mask = program.expected_arena(golden.run(graph, x))
    assert mask.any()
    for name, tensor in program.tensors.items():
        span = slice(tensor.offset, tensor.offset + tensor.nbytes)
        wrong = np.count_nonzero((arena[span] ^ expected[span]) & mask[span])
        assert not tensor.kept or wrong == 0, f"{wrong} bytes of tensor {name} differ"
    for layer, trace in zip(program.layers, traces, strict=True):
        assert trace.steps == layer.compute_cycles
        assert trace.input_bytes == layer.input_bytes
        assert trace.weight_bytes == layer.weight_bytes
        assert trace.output_bytes == layer.output_bytes
