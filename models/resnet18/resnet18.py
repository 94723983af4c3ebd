# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""ResNet-18 (He et al., 2015)."""

from __future__ import annotations

from pathlib import Path

from corewright.builder import Builder
from corewright.graph import Graph, Tensor

BLOCKS = (2, 2, 2, 2)


def build(
    size: int = 224,
    classes: int = 1000,
    width: int = 64,
    blocks: tuple[int, ...] = BLOCKS,
    bits: int = 8,
    seed: int = 1,
    weights: str | Path | None = None,
) -> Graph:
    """Return the graph.

    Args:
        size: rows and columns of the image.
        classes: outputs.
        width: channels of the first convolution; 64 is the original.
        blocks: basic blocks of each stage.
        bits: of activations and weights.
        seed: of random weights.
        weights: an .npz file of integer weights; see ``corewright.builder.load_weights``.
    """
    net = Builder("resnet18", size, size, 3, bits, seed, weights=weights)
    x = net.conv(net.input, width, 7, 2, 3, name="stem")
    x = net.pool(x, 3, 2, 1, name="stem_pool")
    for stage, count in enumerate(blocks):
        for block in range(count):
            strides = 2 if stage and not block else 1
            x = basic(net, x, width << stage, strides, f"s{stage + 1}b{block + 1}")
    net.softmax(net.dense(net.global_average(x), classes, activation="linear", name="logits"))
    return net.graph()


def basic(net: Builder, x: Tensor, channels: int, strides: int, name: str) -> Tensor:
    """Add two 3x3 convolutions and the shortcut."""
    y = net.conv(x, channels, 3, strides, 1, name=f"{name}_conv1")
    y = net.conv(y, channels, 3, 1, 1, activation="linear", name=f"{name}_conv2")
    if strides > 1 or x.channels != channels:
        x = net.conv(x, channels, 1, strides, 0, activation="linear", name=f"{name}_shortcut")
    return net.add(y, x, name=f"{name}_add")
