# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""From a graph's nodes to operations of the engine and the host.

Lowering decides, before any geometry is known, which tensors exist in memory and where:

- a node may be done by the layer that computes one of its operands (a residual addition is), where
  nobody else reads that operand: the operand then never exists in memory;
- inputs may be written straight into a part of an output (a concatenation's are): a tensor may be
  a slice of the channels of another one, and is read as such;
- an output may lie in an input (a slice of channels does), and is read there.

What an operator becomes is said in its room, in :mod:`corewright.compiler.lowering`.
"""

from __future__ import annotations

# It registers all lowerings.
import corewright.compiler.lowering  # noqa: F401
from corewright.compiler.operation import HostOperation, Lowered, Operation, TensorSlice
from corewright.compiler.order import host_last
from corewright.compiler.room import Context, lowering_of
from corewright.graph import Graph
from corewright.hardware import Hardware

_Copies = dict[str, list[tuple[str, TensorSlice, TensorSlice]]]


def operations(graph: Graph, hardware: Hardware) -> Lowered:
    """Lowers ``graph``; a final softmax is the host's.

    Raises:
        CompileError: a node that the engine has no operation for.
    """
    absorbed = {
        node.name: name
        for node in graph.compute_nodes
        if (name := lowering_of(node).absorbs(graph, node)) is not None
    }
    places, copies = _places(graph, set(absorbed.values()))
    context = Context(graph, hardware, places, copies, absorbed)
    result: list[Operation | HostOperation] = []
    for node in host_last(graph):
        result += lowering_of(node).lower(context, node)
    return Lowered(tuple(result), places)


def _places(graph: Graph, absent: set[str]) -> tuple[dict[str, TensorSlice], _Copies]:
    """Where tensors lie; by node (tensor, source, target) of the copies that it needs for that."""
    places: dict[str, TensorSlice] = {}
    targets: dict[str, list[tuple[str, TensorSlice]]] = {}
    views: dict[str, TensorSlice] = {}
    fixed = {graph.input.name, graph.output.name}
    fixed |= {node.output.name for node in graph.compute_nodes if lowering_of(node).whole}
    for node in reversed(graph.compute_nodes):
        own = TensorSlice.whole(node.output.name, node.output.channels)
        place = places.setdefault(node.output.name, own)
        for name, target in lowering_of(node).parts(graph, node, place):
            if name in fixed or name in places:
                targets.setdefault(node.name, []).append((name, target))
            else:
                places[name] = target
    places[graph.input.name] = TensorSlice.whole(graph.input.name, graph.input.channels)
    for node in graph.compute_nodes:
        name = node.inputs[0]
        view = lowering_of(node).view(node, places[name])
        if view is None:
            continue
        if node.output.name == graph.output.name:
            # The host reads whole tensors.
            targets[node.name] = [(name, places[node.output.name])]
            views[node.name] = view
        else:
            places[node.output.name] = view
    copies = {
        node: [(name, views.get(node, places[name]), target) for name, target in pairs]
        for node, pairs in targets.items()
    }
    return {name: place for name, place in places.items() if name not in absent}, copies
