# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""VGG-16 (Simonyan and Zisserman, 2014), configuration D."""

from __future__ import annotations

from pathlib import Path

from corewright.builder import Builder
from corewright.graph import Graph

# Convolutions of each stage.
STAGES = (2, 2, 3, 3, 3)


def build(
    size: int = 224,
    classes: int = 1000,
    width: int = 64,
    dense: int = 4096,
    bits: int = 8,
    seed: int = 1,
    weights: str | Path | None = None,
) -> Graph:
    """Return the graph.

    Args:
        size: rows and columns of the image, a multiple of 32.
        classes: outputs.
        width: channels of the first stage; 64 is the original.
        dense: units of the two hidden dense layers.
        bits: of activations and weights.
        seed: of random weights.
        weights: an .npz file of integer weights; see ``corewright.builder.load_weights``.
    """
    net = Builder("vgg16", size, size, 3, bits, seed, weights=weights)
    x = net.input
    for stage, count in enumerate(STAGES):
        for index in range(count):
            filters = min(width << stage, 8 * width)
            x = net.conv(x, filters, 3, 1, 1, name=f"conv{stage + 1}_{index + 1}")
        x = net.pool(x, 2, name=f"pool{stage + 1}")
    x = net.dense(x, dense, name="fc6")
    x = net.dense(x, dense, name="fc7")
    net.softmax(net.dense(x, classes, activation="linear", name="fc8"))
    return net.graph()
