# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""MobileNet, version 1 (Howard et al., 2017): depthwise and pointwise convolutions."""

from __future__ import annotations

from pathlib import Path

from corewright.builder import Builder
from corewright.graph import Graph

# (channels behind the pointwise convolution, stride of the depthwise one)
LAYERS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)


def build(
    size: int = 224,
    classes: int = 1000,
    alpha: float = 1.0,
    layers: tuple[tuple[int, int], ...] = LAYERS,
    bits: int = 8,
    seed: int = 1,
    weights: str | Path | None = None,
) -> Graph:
    """Return the graph.

    Args:
        size: rows and columns of the image.
        classes: outputs.
        alpha: the width multiplier.
        layers: (channels, stride) of each depthwise-pointwise pair.
        bits: of activations and weights.
        seed: of random weights.
        weights: an .npz file of integer weights; see ``corewright.builder.load_weights``.
    """
    net = Builder("mobilenet", size, size, 3, bits, seed, weights=weights)
    x = net.conv(net.input, round(32 * alpha), 3, 2, name="stem")
    for index, (channels, strides) in enumerate(layers):
        x = net.depthwise(x, 3, strides, name=f"depthwise{index + 1}")
        x = net.conv(x, round(channels * alpha), 1, name=f"pointwise{index + 1}")
    net.softmax(net.dense(net.global_average(x), classes, activation="linear", name="logits"))
    return net.graph()
