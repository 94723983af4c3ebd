# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Execution of whole graphs, and the conversions at their borders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.graph import ComputeNode, Graph, GraphError, RequantNode, accumulator_bounds
from corewright.graph.arithmetic import Int64Array, sign


def run(graph: Graph, x: npt.ArrayLike) -> dict[str, Int64Array]:
    """Execute ``graph`` on integers ``x`` of shape (N, H, W, C).

    A vector input may be (N, C). Returns every tensor by name, the input included, as int64
    (N, H, W, C). A final softmax is the host's work: see :func:`host_output`. Raises
    :class:`GraphError` if the shape, the type or a value of ``x`` is not legal for the input.
    """
    values = {graph.input.name: _checked_input(graph, x)}
    for node in graph.compute_nodes:
        sources = [values[name] for name in node.inputs]
        values[node.output.name] = node.evaluate(sources, _largest_magnitude(graph, node))
    return values


def _largest_magnitude(graph: Graph, node: ComputeNode) -> int:
    """The largest magnitude of a partial sum, shifted or not, with its bias or without."""
    low, high = accumulator_bounds(graph, node)
    # Python integers: they cannot overflow.
    largest = max(int(high.max()), -int(low.min()))
    if not isinstance(node, RequantNode):
        return largest
    bias = 0 if node.added is None else int(np.abs(node.added).max())
    return (largest << node.requant.pre_shift) + bias


def _checked_input(graph: Graph, x: npt.ArrayLike) -> Int64Array:
    array = np.asarray(x)
    where = f"graph '{graph.name}': input '{graph.input.name}'"
    if array.ndim == 2 and graph.input.height == graph.input.width == 1:
        array = array[:, None, None, :]
    if array.ndim != 4 or array.shape[1:] != graph.input.shape or len(array) == 0:
        raise GraphError(
            f"{where} has shape {array.shape}, legal is N images of {graph.input.shape}"
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise GraphError(f"{where} has type {array.dtype}, legal are integers (see quantise_input)")
    low, high = graph.input_limits
    if int(array.min()) < low or int(array.max()) > high:
        raise GraphError(
            f"{where} spans {int(array.min())}..{int(array.max())}, legal is {low}..{high}"
        )
    if is_sign(graph.input.bits) and not array.all():
        raise GraphError(f"{where} holds 0, legal for 1 bit are -1 and 1")
    return array.astype(np.int64)


def random_words(
    rng: np.random.Generator,
    bits: int,
    shape: tuple[int, ...],
    limits: tuple[int, int] | None = None,
) -> Int64Array:
    """Uniform integers of a ``bits`` wide word, or of (low, high); of a single bit, -1 and 1."""
    if is_sign(bits):
        return 2 * rng.integers(0, 2, shape) - 1
    low, high = limits or (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    return rng.integers(low, high, shape, endpoint=True)


def random_input(rng: np.random.Generator, graph: Graph, batch: int) -> Int64Array:
    """Integers of the input's whole range, (batch, H, W, C)."""
    return random_words(rng, graph.input.bits, (batch, *graph.input.shape), graph.input_limits)


def quantise_input(graph: Graph, x: npt.ArrayLike) -> Int64Array:
    """Quantise real numbers (N, H, W, C) to the input's integers: half to even, saturating.

    Of an input of a single bit only the sign is kept: -1 below 0, else 1. A vector input may be
    (N, C). Raises :class:`GraphError` for a wrong shape or a value that is
    not finite.
    """
    array = np.asarray(x, dtype=np.float64)
    if not np.isfinite(array).all():
        raise GraphError(
            f"graph '{graph.name}': input '{graph.input.name}' has values that are not finite"
        )
    if is_sign(graph.input.bits):
        return _checked_input(graph, sign(array))
    # ldexp is exact: a power of two only changes the exponent.
    scaled = np.rint(np.ldexp(array, graph.input.fraction))
    return _checked_input(graph, np.clip(scaled, *graph.input_limits).astype(np.int64))


def dequantise(graph: Graph, tensor: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The real numbers that the integers ``values`` of ``tensor`` stand for; same shape."""
    integers = np.asarray(values, dtype=np.float64)
    return np.ldexp(integers, -graph.tensor(tensor).fraction)


def host_output(graph: Graph, values: dict[str, Int64Array]) -> npt.NDArray[np.float64]:
    """What the host makes of the tensors of :func:`run`: real outputs (N, H, W, C) in float64.

    Applies the final softmax over the channels, row by row, where the graph has one.
    """
    name = graph.output.name
    output = dequantise(graph, name, values[name])
    return output if graph.softmax is None else graph.softmax.evaluate(output)
