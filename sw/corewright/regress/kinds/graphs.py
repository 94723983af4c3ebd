# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Kind ``graphs``: random hardware, network and images; the emulated program against golden.

The emulator executes the program's bytes by the contract alone, so a case checks compiler, program
format and emulator against the integer graph: every tensor that is in memory after the run, every
lane of it that is a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from corewright import emulator, golden
from corewright.compiler import CompiledProgram, CompileError, compile_graph
from corewright.graph import Graph
from corewright.hardware import Hardware
from corewright.program import decode_stages
from corewright.regress.case import CheckFailed, Observation
from corewright.regress.coverage import (
    COMMON_BINS,
    cover_graph,
    cover_hardware,
    cover_program,
)
from corewright.regress.drawing import facts, first_that_fits, generator, place_text, tensor_maker
from corewright.regress.plan import GraphPlan
from corewright.regress.random_graphs import random_graph, random_hardware, random_input

# Each time, the pixel buffer grows to what a refusal asks for.
_GROWTHS = 12


@dataclass(frozen=True)
class GraphSuite:
    """See this module.

    Attributes:
        plan: the suite's file.
        name: as on the command line.
        reference: see :class:`Suite`.
        file: a user's own.
    """

    plan: GraphPlan
    name: str
    reference: str
    file: str = ""

    @property
    def default_cases(self) -> int:
        """See :class:`Suite`."""
        return self.plan.cases

    @property
    def bins(self) -> Mapping[str, tuple[str, ...]]:
        """See :class:`Suite`."""
        return COMMON_BINS

    def group(self, index: int) -> int | None:
        """Cases need no preparation."""
        return None

    def prepare(self, seed: int, group: int) -> None:
        """Nothing is shared."""

    def run(self, seed: int, index: int, observation: Observation) -> None:
        """Compile, emulate and compare a random network; see :class:`Suite`."""
        rng = generator(self.name, seed, index)
        # Memory that is used again holds fewer tensors at the end, but lifetimes matter.
        keep = bool(rng.integers(4))

        def draw() -> tuple[CompiledProgram, Graph]:
            hw = random_hardware(rng)
            network = self.plan.network
            graph = random_graph(
                rng, hw, layers=network.layers, largest=network.size, operators=network.operators
            )
            batch = int(rng.integers(1, network.batch + 1))
            observation.describe(**facts(hw, graph, batch, keep_tensors=keep))
            return _compile(graph, hw, batch, keep), graph

        (program, graph), refusals = first_that_fits(draw)
        poison = int(rng.integers(1 << 16))
        observation.describe(
            **facts(program.hardware, graph, program.batch, keep_tensors=keep),
            poison_seed=poison,
            refusals=len(refusals),
        )
        stages = decode_stages(program.program)
        observation.cover(
            *cover_graph(graph, program.batch),
            *cover_hardware(program.hardware),
            *cover_program(
                program, graph, len(stages), sum(len(s.host_operations) for s in stages)
            ),
        )
        images = random_input(rng, graph, program.batch)
        compare(program, graph, images, poison)


def _compile(graph: Graph, hw: Hardware, batch: int, keep: bool) -> CompiledProgram:
    """Compile, with a pixel buffer as large as the compiler's advice."""
    for _ in range(_GROWTHS):
        try:
            return compile_graph(graph, hw, batch, keep_tensors=keep)
        except CompileError as error:
            if error.parameter != "pixel_buffer_depth" or error.needed is None:
                raise
            if error.needed <= hw.pixel_rows * hw.drain:
                raise CheckFailed("advice that does not help", str(error)) from error
            hw = replace(hw, pixel_buffer_depth=error.needed)
    raise CheckFailed("advice that does not help", f"followed {_GROWTHS} times")


def compare(program: CompiledProgram, graph: Graph, images: np.ndarray, poison: int) -> None:
    """Emulate a program and compare every tensor in memory with the golden model's.

    Args:
        program: the compiled graph.
        graph: the graph.
        images: (batch, H, W, C) integers.
        poison: seed of what unspecified reads return and memory holds before.

    Raises:
        CheckFailed: a tensor differs; the signature names what makes the first one.
    """
    arena = program.make_arena(images, fill=poison % 256)
    emulator.run(program.program, arena, hardware=program.hardware, poison_seed=poison)
    values = golden.run(graph, images)
    for name, tensor in program.tensors.items():
        if not tensor.kept:
            continue
        expected, got = program.stored(name, values), program.unpack(name, arena)
        if not np.array_equal(expected, got):
            maker = tensor_maker(graph, tensor.values.tensor)
            raise CheckFailed(f"mismatch in {maker}", f"tensor {name}: {place_text(expected, got)}")
