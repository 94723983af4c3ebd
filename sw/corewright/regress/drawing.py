# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Random generators of cases, and what their results are described by."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from corewright.compiler import CompileError
from corewright.graph import Graph, WindowNode
from corewright.hardware import Hardware
from corewright.regress.case import CheckFailed

# A network that the hardware's buffers cannot hold is drawn again so often.
_ATTEMPTS = 40
_Made = TypeVar("_Made")


def generator(purpose: str, seed: int, number: int) -> np.random.Generator:
    """Return the generator of one thing: independent of all others, the same in any process."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), number])


def first_that_fits(draw: Callable[[], _Made]) -> tuple[_Made, list[str]]:
    """Call ``draw`` until what it draws fits its hardware.

    Only refusals that name a hardware parameter count: others are a fault of the compiler, or of
    the generator, and get out.

    Returns:
        What was drawn, and why the draws before were refused.

    Raises:
        CheckFailed: nothing fits.
        CompileError: a refusal that no hardware parameter would help.
    """
    refusals: list[str] = []
    for _ in range(_ATTEMPTS):
        try:
            return draw(), refusals
        except CompileError as error:
            if error.parameter is None:
                raise
            refusals.append(str(error))
    raise CheckFailed(
        "every network is refused", f"{_ATTEMPTS} were drawn; the last: {refusals[-1]}"
    )


def graph_summary(graph: Graph) -> list[str]:
    """Return a line a tensor: what makes it, from what, and its shape."""

    def shape(name: str) -> str:
        tensor = graph.tensor(name)
        return f"{name} {tensor.height}x{tensor.width}x{tensor.channels} ({tensor.bits} bits)"

    lines = [f"input {shape(graph.input.name)}"]
    for node in graph.compute_nodes:
        words = [f"{node.name}: {node.label}"]
        if isinstance(node, WindowNode):
            window, strides = node.window_size, node.strides
            words.append(f"{window[0]}x{window[1]}/{strides[0]}x{strides[1]} pad {node.padding}")
        words.append(f"of {', '.join(node.inputs)} -> {shape(node.output.name)}")
        lines.append(" ".join(words))
    return lines


def hardware_summary(hw: Hardware) -> dict[str, Any]:
    """Return all parameters of a hardware and its hash, JSON-compatible."""
    return {**hw.to_dict(), "hash": f"{hw.hash:08x}"}


def place_text(expected: np.ndarray, got: np.ndarray) -> str:
    """Return where two tensors (N, H, W, C) differ first, and how often."""
    wrong = np.argwhere(expected != got)
    at = tuple(int(i) for i in wrong[0])
    return (
        f"{len(wrong)} of {expected.size} elements differ, the first at (image, h, w, c) {at}: "
        f"expected {int(expected[at])}, got {int(got[at])}"
    )


def tensor_maker(graph: Graph, tensor: str) -> str:
    """Return what makes a tensor of the graph, as signatures name it."""
    producer = graph.producer(tensor)
    return "the input" if producer is None else producer.label


def facts(hw: Hardware, graph: Graph, batch: int, **more: Any) -> Mapping[str, Any]:
    """Return the summary of a case."""
    return {
        "hardware": hardware_summary(hw),
        "graph": graph_summary(graph),
        "batch": batch,
        **more,
    }
