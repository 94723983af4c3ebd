# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Residual additions: behind the layer of an operand, or an identity pass with one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from corewright.compiler.operation import (
    Addition,
    HostOperation,
    Operation,
    copy_operation,
    split,
)
from corewright.compiler.room import Context, LayerLowering, Lowering, lowering_of, lowers
from corewright.graph import Add, Graph


@lowers(Add)
class AddLowering(Lowering[Add]):
    """The layer of one operand adds the other."""

    def absorbs(self, graph: Graph, node: Add) -> str | None:
        """The operand that is computed last, of those that nobody else reads."""
        if node.inputs[0] == node.inputs[1]:
            return None
        order = {other.output.name: index for index, other in enumerate(graph.compute_nodes)}
        # Nobody else needs it, so that its layer may wait for the other operand.
        free = [
            name
            for name in node.inputs
            if (producer := graph.producer(name)) is not None
            and isinstance(lowering_of(producer), LayerLowering)
            and len(graph.consumers(name)) == 1
            and name != graph.output.name
        ]
        return max(free, key=lambda name: order[name]) if free else None

    def lower(self, context: Context, node: Add) -> Iterator[Operation | HostOperation]:
        """Yield the layer that adds: the producer of the absorbed operand, or an identity pass."""
        places, hw = context.places, context.hardware
        absorbed = context.absorbed.get(node.name)
        target, main = places[node.output.name], absorbed or node.inputs[0]
        shifts = node.own_shift, node.other_shift
        other = node.inputs[1]
        if main != node.inputs[0]:
            other, shifts = node.inputs[0], shifts[::-1]
        addition = Addition(node.name, places[other], *shifts, node.requant)
        producer = context.graph.producer(main)
        if absorbed is None or producer is None:
            copy = copy_operation(node.name, context.size(main), places[main], target, hw)
            layer = replace(copy, kind="add")
        else:
            lowering = lowering_of(producer)
            if not isinstance(lowering, LayerLowering):
                raise TypeError(f"'{producer.name}' is no layer that '{node.name}' could join")
            layer = lowering.layer(context, producer, places[producer.inputs[0]], target)
        yield from split(replace(layer, addition=addition), hw)
