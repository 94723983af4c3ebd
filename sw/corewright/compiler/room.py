# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""How one operator runs on this accelerator: what a room of ``compiler/lowering`` implements.

A room is a class, registered for an operator by :func:`lowers`:

- a subclass of :class:`LayerLowering`, where the operator is one layer of the engine;
- of :class:`Lowering`, where it is several, none, or the host's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from corewright.compiler.errors import CompileError
from corewright.compiler.operation import HostOperation, Operation, Pair, TensorSlice, split
from corewright.graph import ComputeNode, Graph
from corewright.hardware import Hardware

N = TypeVar("N", bound=ComputeNode)
L = TypeVar("L", bound="type[Lowering[Any]]")


@dataclass(frozen=True)
class Context:
    """What is known when a node is lowered.

    Attributes:
        graph: the network.
        hardware: the accelerator.
        places: where the graph's tensors lie; those that never exist in memory are missing.
        copies: by node what has to be copied for it: (tensor, source, target).
        absorbed: by node the operand whose layer it joins.
    """

    graph: Graph
    hardware: Hardware
    places: Mapping[str, TensorSlice]
    copies: Mapping[str, Sequence[tuple[str, TensorSlice, TensorSlice]]]
    absorbed: Mapping[str, str]

    def size(self, tensor: str) -> Pair:
        """(H, W) of a tensor of the graph."""
        shape = self.graph.tensor(tensor)
        return shape.height, shape.width

    def own_name(self, name: str) -> str:
        """``name``, or one like it, of a tensor that the graph has not."""
        while name in self.graph.tensors:
            name += "'"
        return name


class Lowering(ABC, Generic[N]):
    """How an operator runs. Its objects have no state.

    Attributes:
        on_host: the host runs it, between two stages.
        whole: its output is never written as a part of another tensor.
    """

    on_host: ClassVar[bool] = False
    whole: ClassVar[bool] = False

    def check(self, graph: Graph, node: N, hw: Hardware) -> None:
        """Refuse what the hardware's widths do not hold; pixels are checked for all nodes.

        Raises:
            CompileError: names layer, cause and parameter.
        """

    def absorbs(self, graph: Graph, node: N) -> str | None:
        """The operand whose layer does this node's work, too, so that it needs no memory."""
        return None

    def parts(
        self,
        graph: Graph,
        node: N,
        place: TensorSlice,
    ) -> Iterator[tuple[str, TensorSlice]]:
        """Inputs that are best written straight to parts of the output at ``place``."""
        yield from ()

    def view(self, node: N, source: TensorSlice) -> TensorSlice | None:
        """The output as a part of the input, which lies at ``source``; None: it is none."""
        return None

    @abstractmethod
    def lower(self, context: Context, node: N) -> Iterator[Operation | HostOperation]:
        """Yield what is run for a node, in order.

        Raises:
            CompileError: the engine cannot do it.
        """


class LayerLowering(Lowering[N]):
    """An operator that is one layer of the engine, which an addition may join."""

    @abstractmethod
    def layer(
        self, context: Context, node: N, source: TensorSlice, target: TensorSlice
    ) -> Operation:
        """The layer that reads the first input at ``source`` and writes ``target``."""

    def lower(self, context: Context, node: N) -> Iterator[Operation | HostOperation]:
        """Yield the layer, in parts where its biases do not fit; nothing if another has it."""
        target = context.places.get(node.output.name)
        if target is not None:
            layer = self.layer(context, node, context.places[node.inputs[0]], target)
            yield from split(layer, context.hardware)


_LOWERINGS: dict[type[ComputeNode], Lowering[Any]] = {}


def lowers(operator: type[ComputeNode]) -> Callable[[L], L]:
    """Register a class of lowerings for an operator, and for no subclass of it.

    Raises:
        ValueError: the operator has one.
    """

    def register(cls: L) -> L:
        if operator in _LOWERINGS:
            raise ValueError(f"{operator} has the lowering {_LOWERINGS[operator]}")
        _LOWERINGS[operator] = cls()
        return cls

    return register


def lowering_of(node: ComputeNode) -> Lowering[Any]:
    """How a node runs.

    Raises:
        CompileError: its operator has no lowering.
    """
    found = _LOWERINGS.get(type(node))
    if found is None:
        raise CompileError(node.name, f"the engine has no operation for {type(node).__name__}")
    return found


def runs_on_host(node: ComputeNode) -> bool:
    """Whether the host runs a node, between two stages of the program.

    Raises:
        CompileError: its operator has no lowering.
    """
    return lowering_of(node).on_host
