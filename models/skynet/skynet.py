# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""SkyNet, model C (Zhang et al., 2019): depthwise-pointwise detection with a bypass."""

from __future__ import annotations

from pathlib import Path

from corewright.builder import Builder
from corewright.graph import Graph, Tensor

CHANNELS = (48, 96, 192, 384, 512, 96)
# Two anchors times (box, confidence).
OUTPUTS = 10


def build(
    height: int = 160,
    width: int = 320,
    channels: tuple[int, int, int, int, int, int] = CHANNELS,
    bits: int = 8,
    seed: int = 1,
    weights: str | Path | None = None,
) -> Graph:
    """Return the graph.

    Args:
        height: rows of the image, a multiple of 8.
        width: columns of the image, a multiple of 8.
        channels: of the six bundles.
        bits: of activations and weights.
        seed: of random weights.
        weights: an .npz file of integer weights; see ``corewright.builder.load_weights``.
    """
    net = Builder("skynet", height, width, 3, bits, seed, weights=weights)
    x = net.input
    for index in (1, 2, 3):
        x = _bundle(net, x, channels[index - 1], index)
        if index < 3:
            x = net.pool(x, 2, name=f"pool{index}")
    bypass = net.space_to_depth(x, 2, name="reorder")
    x = net.pool(x, 2, name="pool3")
    x = _bundle(net, x, channels[3], 4)
    x = _bundle(net, x, channels[4], 5)
    x = net.concat(x, bypass, name="bypass")
    x = _bundle(net, x, channels[5], 6)
    net.conv(x, OUTPUTS, 1, activation="linear", name="boxes")
    return net.graph()


def _bundle(net: Builder, x: Tensor, channels: int, index: int) -> Tensor:
    x = net.depthwise(x, 3, 1, 1, name=f"depthwise{index}")
    return net.conv(x, channels, 1, name=f"pointwise{index}")
