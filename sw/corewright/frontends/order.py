# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The order of a graph's nodes, and words that copies share. Imports no framework."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import TypeGuard

from corewright.frontends.errors import FrontendError
from corewright.graph import ComputeNode, CopyNode, GraphError, Node, RequantNode, Tensor


def ordered_nodes(nodes: Sequence[Node], output: str | None) -> tuple[Node, ...]:
    """``nodes`` (topologically ordered) depth first, so that operands come late.

    Keras orders by distance from the output, which interleaves branches. Here a branch is
    finished before the next begins, and the main operand of an addition comes directly before it
    wherever it can: the compiler adds while that operand is still in the engine. The main operand
    is one that only the addition reads and that is computed, not copied; of two such ones,
    Keras's first.

    ``output`` is the tensor to end at, None for the final softmax.

    Raises:
        FrontendError: ``output`` is no node's.
        GraphError: two nodes or tensors have one name, or a node reads what depends on it.
    """
    _check_names(nodes)
    position = {node.name: index for index, node in enumerate(nodes)}
    producers = {node.output.name: node for node in nodes if isinstance(node, ComputeNode)}
    uses = Counter(name for node in nodes for name in node.inputs)
    uses.update([output] if output is not None else [])

    def main_first(node: Node) -> Node:
        if not _is_residual(node):
            return node

        def rank(name: str) -> tuple[bool, int]:
            producer = producers.get(name)
            computed = isinstance(producer, RequantNode) and not producer.residual
            if computed and uses[name] == 1:
                return False, 0
            # Among the others the latest: it may depend on the other.
            return True, 0 if producer is None else -position[producer.name]

        own, other = node.inputs
        if rank(other) < rank(own):
            return node.exchanged() or node
        return node

    if output is not None and output not in producers:
        raise FrontendError(f"the model's output '{output}' is its input, legal is a layer's")
    last = producers[output] if output is not None else nodes[-1]
    done: set[str] = set()
    # Nodes whose inputs are being visited.
    opened: set[str] = set()
    result: list[Node] = []
    # (node, whether its inputs have been visited): a stack, as networks are deeper than Python's.
    stack: list[tuple[Node, bool]] = [(last, False)]
    while stack:
        node, ready = stack.pop()
        if node.name in done:
            continue
        if ready:
            done.add(node.name)
            result.append(node)
            continue
        if node.name in opened:
            raise GraphError(
                f"layer '{node.name}' reads what depends on its own output, legal is a graph "
                "without cycles"
            )
        opened.add(node.name)
        node = main_first(node)
        stack.append((node, True))
        # What is pushed last is visited first: an addition's main operand last, a
        # concatenation's inputs in order.
        names = node.inputs if _is_residual(node) else reversed(node.inputs)
        stack.extend((producers[name], False) for name in names if name in producers)
    return tuple(result)


def _is_residual(node: Node) -> TypeGuard[RequantNode]:
    """Whether a node adds what others have made."""
    return isinstance(node, RequantNode) and node.residual


def _check_names(nodes: Sequence[Node]) -> None:
    """Refuse a name that two nodes or two tensors have."""
    tensors = [node.output.name for node in nodes if isinstance(node, ComputeNode)]
    for what, names in (("layer", [node.name for node in nodes]), ("tensor", tensors)):
        name, count = Counter(names).most_common(1)[0] if names else ("", 0)
        if count > 1:
            raise GraphError(f"{what} '{name}': the name occurs {count} times, legal is once")


def with_equal_words(source: Tensor, nodes: Sequence[Node]) -> tuple[Tensor, tuple[Node, ...]]:
    """Input and nodes with tensors that are copied as wide as their copies.

    Copied by concatenations, slices and upsampling. A wider word holds the same integers, so that
    tensors of one fraction can be joined.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.get(name, name) != name:
            name = parent[name]
        return name

    bits = {source.name: source.bits}
    bits.update({n.output.name: n.output.bits for n in nodes if isinstance(n, ComputeNode)})
    for node in nodes:
        if isinstance(node, CopyNode):
            for name in node.inputs:
                parent[root(name)] = root(node.output.name)
    widest: Counter[str] = Counter()
    for name, width in bits.items():
        widest[root(name)] = max(widest[root(name)], width)

    def widened(tensor: Tensor) -> Tensor:
        return dataclasses.replace(tensor, bits=widest[root(tensor.name)])

    return widened(source), tuple(
        node.changed(output=widened(node.output)) if isinstance(node, ComputeNode) else node
        for node in nodes
    )
