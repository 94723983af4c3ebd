# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The order in which nodes run: visits of the host as late, and so as few, as possible."""

from __future__ import annotations

from corewright.compiler.room import runs_on_host
from corewright.graph import ComputeNode, Graph


def host_last(graph: Graph) -> list[ComputeNode]:
    """The graph's nodes, ordered so that few host operations interrupt the engine.

    Whatever can run before a host operation runs before it; the order stays the graph's otherwise.
    """
    known = {graph.input.name}
    waiting = list(graph.compute_nodes)
    result: list[ComputeNode] = []
    while waiting:
        for wanted in (False, True):
            rest: list[ComputeNode] = []
            for node in waiting:
                host = runs_on_host(node)
                if host == wanted and known.issuperset(node.inputs):
                    result.append(node)
                    if not host:
                        known.add(node.output.name)
                else:
                    rest.append(node)
            waiting = rest
        known.update(node.output.name for node in result)
    return result
