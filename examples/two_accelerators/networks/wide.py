# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A small convolutional network, 8 bit, with seeded random weights."""

from corewright.builder import Builder
from corewright.graph import Graph


def build() -> Graph:
    """Return the graph: an 8x8 image, five scores."""
    net = Builder("wide", 8, 8, 1, 8, 1)
    x = net.conv(net.input, 4, 3, activation="relu", name="conv")
    x = net.pool(x, 2, name="pool")
    net.dense(x, 5, name="fc")
    return net.graph()
