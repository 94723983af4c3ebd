# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Kind ``graphs``: random hardware, network and images; the emulated program against golden.

The emulator executes the program's bytes by the contract alone, so a case checks compiler, program
format and emulator against the integer graph: every tensor that is in memory after the run, every
lane of it that is a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from corewright import emulator, golden
from corewright.compiler import CompiledProgram, CompileError, compile_graph
from corewright.graph import Graph
from corewright.hardware import Hardware
from corewright.program import decode_stages
from corewright.regress.case import CaseId, CheckFailed, Observation
from corewright.regress.coverage import (
    COMMON_BINS,
    cover_graph,
    cover_hardware,
    cover_program,
)
from corewright.regress.drawing import facts, first_that_fits, generator, place_text, tensor_maker
from corewright.regress.drawn import Drawn, check_values
from corewright.regress.kinds.planned import PlannedSuite
from corewright.regress.plan import GraphPlan
from corewright.regress.random_graphs import random_graph, random_hardware, random_input

# Seeds of what unspecified reads return.
_POISONS = 1 << 16
# Each time, the pixel buffer grows to what a refusal asks for.
_GROWTHS = 12


class GraphSuite(PlannedSuite[GraphPlan]):
    """See this module."""

    @property
    def bins(self) -> Mapping[str, tuple[str, ...]]:
        """See :class:`Suite`."""
        return COMMON_BINS

    @property
    def simulates(self) -> bool:
        """See :class:`ExplicitSuite`."""
        return False

    @property
    def simplest(self) -> Mapping[str, Any]:
        """See :class:`ExplicitSuite`."""
        return {"keep_tensors": True, "poison_seed": 0}

    def group(self, index: int) -> int | None:
        """Cases need no preparation."""
        return None

    def prepare(self, seed: int, group: int) -> None:
        """Nothing is shared."""

    def draw(self, seed: int, index: int, observation: Observation) -> Drawn:
        """See :class:`ExplicitSuite`."""
        rng = generator(self.name, seed, index)
        # Memory that is used again holds fewer tensors at the end, but lifetimes matter.
        keep = bool(rng.integers(4))

        def draw() -> tuple[Graph, Hardware, int, CompiledProgram | None]:
            hw = random_hardware(rng)
            network = self.plan.network
            graph = random_graph(
                rng, hw, layers=network.layers, largest=network.size, operators=network.operators
            )
            batch = int(rng.integers(1, network.batch + 1))
            observation.describe(**facts(hw, graph, batch, keep_tensors=keep))
            return graph, *_compile(graph, hw, batch, keep)

        (graph, hw, batch, program), refusals = first_that_fits(draw)
        poison = int(rng.integers(_POISONS))
        observation.describe(
            **facts(hw, graph, batch, keep_tensors=keep),
            poison_seed=poison,
            refusals=len(refusals),
        )
        images = random_input(rng, graph, batch)
        options = {"keep_tensors": keep, "poison_seed": poison}
        name = str(CaseId(self.name, seed, index))
        return Drawn(name, graph, hw, batch, images, options, program)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """See :class:`ExplicitSuite`."""
        check_values(options, {"keep_tensors": (True, False), "poison_seed": range(_POISONS)})

    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        """Compile, emulate and compare; see :class:`ExplicitSuite`."""
        graph, hw, batch, options = drawn.graph, drawn.hardware, drawn.batch, drawn.options
        observation.describe(**facts(hw, graph, batch, **options))
        program = drawn.program or compile_graph(
            graph, hw, batch, keep_tensors=options["keep_tensors"]
        )
        stages = decode_stages(program.program)
        observation.cover(
            *cover_graph(graph, program.batch),
            *cover_hardware(program.hardware),
            *cover_program(
                program, graph, len(stages), sum(len(s.host_operations) for s in stages)
            ),
        )
        # The emulator runs once: what fills the last run of others is nothing here.
        filled = drawn.images[np.arange(batch) % len(drawn.images)]
        compare(program, graph, filled, options["poison_seed"])


def _compile(
    graph: Graph, hw: Hardware, batch: int, keep: bool
) -> tuple[Hardware, int, CompiledProgram | None]:
    """Compile, with a pixel buffer as large as the compiler's advice.

    Returns:
        The hardware, the batch, and the program: None where the compiler failed by a fault of its
        own, which whoever compiles the network again sees.
    """
    for _ in range(_GROWTHS):
        try:
            return hw, batch, compile_graph(graph, hw, batch, keep_tensors=keep)
        except CompileError as error:
            if error.parameter is None:
                return hw, batch, None
            if error.parameter != "pixel_buffer_depth" or error.needed is None:
                raise
            if error.needed <= hw.pixel_rows * hw.drain:
                raise CheckFailed("advice that does not help", str(error)) from error
            hw = replace(hw, pixel_buffer_depth=error.needed)
        except Exception:
            return hw, batch, None
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
