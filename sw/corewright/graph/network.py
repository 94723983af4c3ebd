# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The graph itself: validated as a whole, with its file and digest."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from corewright.facts.widths import is_sign
from corewright.graph import files
from corewright.graph.analysis import macs, output_shape, value_bounds
from corewright.graph.checks import checked_integers, checked_name
from corewright.graph.errors import GraphError
from corewright.graph.node import ComputeNode, FinalNode, Node
from corewright.graph.tensor import Tensor
from corewright.graph.weighted import WeightedNode


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """A network: one input tensor and nodes in topological order.

    ``input_range`` is the (low, high) that input integers may take, by default the whole word of
    ``input``, and always the whole word of a single bit. ``metadata`` is any JSON-compatible
    dictionary; it travels in the file and takes no part in :meth:`digest`.
    """

    name: str
    input: Tensor
    nodes: tuple[Node, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    input_range: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        checked_name("graph", self.name)
        where = f"graph '{self.name}'"
        if not isinstance(self.input, Tensor):
            raise GraphError(f"{where}: input is {self.input!r}, legal is a Tensor")
        object.__setattr__(self, "nodes", tuple(self.nodes))
        span = self.input_range
        if span is None:
            span = (self.input.low, self.input.high)
        low, high = checked_integers(where, "input_range", span, 2, self.input.low, self.input.high)
        if low > high:
            raise GraphError(f"{where}: input_range {low}..{high} is empty")
        if is_sign(self.input.bits) and (low, high) != (-1, 1):
            raise GraphError(f"{where}: input_range is {low}..{high}, legal for 1 bit is -1..1")
        object.__setattr__(self, "input_range", (low, high))
        try:
            # A private deep copy: the caller may go on using its dictionary.
            metadata = json.loads(json.dumps(dict(self.metadata), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise GraphError(f"{where}: metadata is not JSON-compatible: {error}") from error
        object.__setattr__(self, "metadata", metadata)
        self._validate_nodes(where)

    def _validate_nodes(self, where: str) -> None:
        if not self.nodes:
            raise GraphError(f"{where}: has no nodes, legal is at least one")
        tensors = {self.input.name: self.input}
        names: set[str] = set()
        for index, node in enumerate(self.nodes):
            if not isinstance(node, Node):
                raise GraphError(f"{where}: node {index} is {node!r}, legal is a graph node")
            layer = f"layer '{node.name}'"
            if node.name in names:
                raise GraphError(f"{layer}: the name occurs twice, names must be unique")
            names.add(node.name)
            for name in node.inputs:
                if name not in tensors:
                    raise GraphError(
                        f"{layer}: input '{name}' is not defined before it; "
                        f"legal are {sorted(tensors)}"
                    )
            shape = output_shape(node, *(tensors[name] for name in node.inputs))
            if not isinstance(node, ComputeNode):
                if index != len(self.nodes) - 1 or index == 0:
                    raise GraphError(
                        f"{layer}: {node.type_name} is node {index}, legal is the last only"
                    )
                continue
            if node.output.name in tensors:
                raise GraphError(
                    f"{layer}: output '{node.output.name}' is defined twice, "
                    "each tensor has one producer"
                )
            if node.output.shape != shape:
                raise GraphError(
                    f"{layer}: output '{node.output.name}' has shape {node.output.shape}, "
                    f"legal is {shape}"
                )
            tensors[node.output.name] = node.output

        for node in self.compute_nodes:
            low_v, high_v = value_bounds(self, node)
            if min(int(low_v.min()), -int(high_v.max())) <= -(1 << 62):
                raise GraphError(
                    f"layer '{node.name}': shifted sums reach {int(low_v.min())}.."
                    f"{int(high_v.max())}, legal are 63 signed bits"
                )

    def __repr__(self) -> str:
        """Name, input and number of nodes; :meth:`summary` has the rest."""
        source = self.input
        size = f"{source.height}x{source.width}x{source.channels}, {source.bits} bit"
        return f"<Graph '{self.name}': input {size}, {len(self.nodes)} nodes>"

    def summary(self) -> str:
        """Return a table of the nodes: name, type, output, weights' shape and bits, and MACs."""
        rows = [("layer", "type", "reads", "output", "weights", "MACs")]
        for node in self.nodes:
            out = output_shape(node, *(self.tensors[name] for name in node.inputs))
            word = f", {node.output.bits} bit" if isinstance(node, ComputeNode) else ""
            weights = ""
            if isinstance(node, WeightedNode):
                weights = f"{'x'.join(map(str, node.weights.shape))}, {node.weight_bits} bit"
            rows.append(
                (
                    node.name,
                    type(node).__name__,
                    ", ".join(node.inputs),
                    "x".join(map(str, out)) + word,
                    weights,
                    f"{macs(node, self):,}",
                )
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([repr(self)[1:-1], *lines])

    @property
    def input_limits(self) -> tuple[int, int]:
        """(low, high) of the input's integers: ``input_range``, or else the whole word."""
        return self.input_range or (self.input.low, self.input.high)

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name, the graph's input first, then in order of definition."""
        result = {self.input.name: self.input}
        for node in self.compute_nodes:
            result[node.output.name] = node.output
        return result

    @cached_property
    def value_ranges(self) -> dict[str, tuple[int, int]]:
        """(low, high) that the integers of each tensor lie in, by tensor name.

        A node that rounds saturates to its limits; copies hold what their inputs hold; a softmax
        lies between its 0 and its 1.
        """
        result = {self.input.name: self.input_limits}
        for node in self.compute_nodes:
            spans = [result[name] for name in node.inputs]
            result[node.output.name] = node.output_range(*spans)
        return result

    @cached_property
    def compute_nodes(self) -> tuple[ComputeNode, ...]:
        """The nodes that define an integer tensor: all but a final softmax."""
        return tuple(node for node in self.nodes if isinstance(node, ComputeNode))

    @property
    def softmax(self) -> FinalNode | None:
        """The final softmax, if there is one."""
        last = self.nodes[-1]
        return last if isinstance(last, FinalNode) else None

    @property
    def output(self) -> Tensor:
        """The tensor that a final softmax reads, else the last node's output."""
        softmax = self.softmax
        return self.tensor(softmax.input) if softmax else self.compute_nodes[-1].output

    def tensor(self, name: str) -> Tensor:
        """The tensor called ``name``; raises :class:`GraphError` if there is none."""
        try:
            return self.tensors[name]
        except KeyError:
            raise GraphError(
                f"graph '{self.name}': no tensor '{name}', legal are {sorted(self.tensors)}"
            ) from None

    def node(self, name: str) -> Node:
        """The node called ``name``; raises :class:`GraphError` if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        legal = [node.name for node in self.nodes]
        raise GraphError(f"graph '{self.name}': no layer '{name}', legal are {legal}")

    def producer(self, name: str) -> ComputeNode | None:
        """The node that defines tensor ``name``; None for the graph's input."""
        self.tensor(name)
        return self._producers.get(name)

    @cached_property
    def _producers(self) -> dict[str, ComputeNode]:
        return {node.output.name: node for node in self.compute_nodes}

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read tensor ``name``, in order."""
        self.tensor(name)
        return tuple(node for node in self.nodes if name in node.inputs)

    def digest(self) -> str:
        """SHA-256 in hexadecimal of everything that determines the results (not the metadata)."""
        return files.digest(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one deterministic file (the same graph gives the same bytes); return its path."""
        return files.save(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Graph:
        """Read a file of :meth:`save`.

        Raises :class:`GraphError` if it is not one, FileNotFoundError if it does not exist.
        """
        return files.load(Path(path), cls)
