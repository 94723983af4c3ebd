# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A small U-Net (Ronneberger et al., 2015): down, up again, and skips between equal sizes."""

from __future__ import annotations

from pathlib import Path

from corewright.builder import Builder
from corewright.graph import Graph

SIZE = 32
WIDTHS = (16, 32, 64)


def build(
    size: int = SIZE,
    classes: int = 4,
    widths: tuple[int, ...] = WIDTHS,
    bits: int = 8,
    seed: int = 1,
    weights: str | Path | None = None,
) -> Graph:
    """Return the graph.

    Args:
        size: rows and columns of the image, a multiple of 2 ** (len(widths) - 1).
        classes: scores of each pixel.
        widths: channels of each size, from the whole image to the smallest.
        bits: of activations and weights.
        seed: of random weights.
        weights: an .npz file of integer weights; see ``corewright.builder.load_weights``.
    """
    net = Builder("unet", size, size, 3, bits, seed, weights=weights)
    x = net.input
    skips = []
    for level, width in enumerate(widths, start=1):
        x = net.conv(x, width, 3, name=f"down{level}a")
        x = net.conv(x, width, 3, name=f"down{level}b")
        if level < len(widths):
            skips.append(x)
            x = net.pool(x, 2, name=f"pool{level}")
    for level in range(len(widths) - 1, 0, -1):
        width = widths[level - 1]
        # The convolution behind it makes a transposed convolution of the repeated pixels.
        x = net.conv(net.upsample(x, 2, name=f"upsample{level}"), width, 2, name=f"up{level}")
        x = net.concat(skips.pop(), x, name=f"skip{level}")
        x = net.conv(x, width, 3, name=f"up{level}a")
        x = net.conv(x, width, 3, name=f"up{level}b")
    net.conv(x, classes, 1, activation="linear", name="scores")
    return net.graph()
