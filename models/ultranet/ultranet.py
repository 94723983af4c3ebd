# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""UltraNet (BJUT Runner, DAC-SDC 2020): single-object detection in nine small convolutions."""

from __future__ import annotations

from pathlib import Path

from corewright.builder import Builder
from corewright.graph import Graph

FILTERS = (16, 32, 64, 64, 64, 64, 64, 64)
# Anchors times (box, confidence).
OUTPUTS = 36


def build(
    height: int = 160,
    width: int = 320,
    filters: tuple[int, ...] = FILTERS,
    bits: int = 4,
    seed: int = 1,
    weights: str | Path | None = None,
) -> Graph:
    """Return the graph.

    Args:
        height: rows of the image, a multiple of 16.
        width: columns of the image, a multiple of 16.
        filters: channels of the 3x3 convolutions; the first four are pooled.
        bits: of activations and weights.
        seed: of random weights.
        weights: an .npz file of integer weights; see ``corewright.builder.load_weights``.
    """
    net = Builder("ultranet", height, width, 3, bits, seed, weights=weights)
    x = net.input
    for index, channels in enumerate(filters):
        x = net.conv(x, channels, 3, 1, 1, name=f"conv{index + 1}")
        if index < 4:
            x = net.pool(x, 2, name=f"pool{index + 1}")
    net.conv(x, OUTPUTS, 1, activation="linear", name=f"conv{len(filters) + 1}")
    return net.graph()
