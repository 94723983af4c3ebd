# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""ResNet-50 (He et al., 2015) with strides in the 3x3 convolutions, as torchvision has it."""

from __future__ import annotations

from pathlib import Path

from corewright.builder import Builder
from corewright.graph import Graph, Tensor

BLOCKS = (3, 4, 6, 3)


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
        blocks: bottleneck blocks of each stage.
        bits: of activations and weights.
        seed: of random weights.
        weights: an .npz file of integer weights; see ``corewright.builder.load_weights``.
    """
    net = Builder("resnet50", size, size, 3, bits, seed, weights=weights)
    x = net.conv(net.input, width, 7, 2, 3, name="stem")
    x = net.pool(x, 3, 2, 1, name="stem_pool")
    for stage, count in enumerate(blocks):
        for block in range(count):
            strides = 2 if stage and not block else 1
            x = bottleneck(net, x, width << stage, strides, f"s{stage + 1}b{block + 1}")
    net.softmax(net.dense(net.global_average(x), classes, activation="linear", name="logits"))
    return net.graph()


def bottleneck(net: Builder, x: Tensor, channels: int, strides: int, name: str) -> Tensor:
    """Add 1x1, 3x3, 1x1 convolutions and the shortcut; 4 * ``channels`` come out."""
    y = net.conv(x, channels, 1, name=f"{name}_reduce")
    y = net.conv(y, channels, 3, strides, 1, name=f"{name}_conv")
    y = net.conv(y, 4 * channels, 1, activation="linear", name=f"{name}_expand")
    if strides > 1 or x.channels != 4 * channels:
        x = net.conv(x, 4 * channels, 1, strides, 0, activation="linear", name=f"{name}_shortcut")
    return net.add(y, x, name=f"{name}_add")
