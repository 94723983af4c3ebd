# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Two dense layers, 4 bit, with seeded random weights."""

from corewright.builder import Builder
from corewright.graph import Graph


def build() -> Graph:
    """Return the graph: a vector of 16, three scores."""
    net = Builder("narrow", 1, 1, 16, 4, 2)
    x = net.dense(net.input, 12, activation="relu", name="fc1")
    net.dense(x, 3, name="fc2")
    return net.graph()
