# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""AlexNet (Krizhevsky et al., 2012): the original's two towers, without its response norm."""

from __future__ import annotations

from pathlib import Path

from corewright.builder import Builder
from corewright.graph import Graph, Tensor


def build(
    size: int = 227,
    classes: int = 1000,
    width: int = 96,
    dense: int = 4096,
    towers: int = 2,
    bits: int = 8,
    seed: int = 1,
    weights: str | Path | None = None,
) -> Graph:
    """Return the graph.

    Args:
        size: rows and columns of the image, 67 or more.
        classes: outputs.
        width: channels of the first convolution, both towers together; 96 is the original.
        dense: units of the two hidden dense layers.
        towers: 2: the original's grouped convolutions (2, 4 and 5); 1: no groups, the shapes of
            "One weird trick" (Krizhevsky, 2014) at the original's 227 pixels.
        bits: of activations and weights.
        seed: of random weights.
        weights: an .npz file of integer weights; see ``corewright.builder.load_weights``.
    """
    net = Builder("alexnet", size, size, 3, bits, seed, weights=weights)
    x = _two_towers(net, width) if towers == 2 else _one_tower(net, width * 2 // 3)
    x = net.dense(x, dense, name="fc6")
    x = net.dense(x, dense, name="fc7")
    net.softmax(net.dense(x, classes, activation="linear", name="fc8"))
    return net.graph()


def _one_tower(net: Builder, width: int) -> Tensor:
    x = net.conv(net.input, width, 11, 4, 0, name="conv1")
    x = net.pool(x, 3, 2, name="pool1")
    x = net.conv(x, 3 * width, 5, 1, 2, name="conv2")
    x = net.pool(x, 3, 2, name="pool2")
    for index, filters in enumerate((6, 4, 4)):
        x = net.conv(x, filters * width, 3, 1, 1, name=f"conv{index + 3}")
    return net.pool(x, 3, 2, name="pool5")


def _two_towers(net: Builder, width: int) -> Tensor:
    # Channels of one tower: 48, 128, 192, 192, 128.
    second, third = width * 4 // 3, width * 2
    ends = []
    for tower in "ab":
        x = net.conv(net.input, width // 2, 11, 4, 0, name=f"conv1{tower}")
        x = net.pool(x, 3, 2, name=f"pool1{tower}")
        x = net.conv(x, second, 5, 1, 2, name=f"conv2{tower}")
        ends.append(net.pool(x, 3, 2, name=f"pool2{tower}"))
    both = net.concat(*ends, name="towers2")
    ends = []
    for tower in "ab":
        x = net.conv(both, third, 3, 1, 1, name=f"conv3{tower}")
        x = net.conv(x, third, 3, 1, 1, name=f"conv4{tower}")
        x = net.conv(x, second, 3, 1, 1, name=f"conv5{tower}")
        ends.append(net.pool(x, 3, 2, name=f"pool5{tower}"))
    return net.concat(*ends, name="towers5")
