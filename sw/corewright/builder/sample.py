# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Crops of activations that stand for the whole maps when sums are measured.

A sample is int64 (N, h, w, C) with h <= H and w <= W of its tensor. Where it is smaller than the
map it stands for the inside of it: windows that reach beyond its border read it periodically,
instead of reading zeros that the whole map has at its rim only. Where it is as large, it is the
map.
"""

from __future__ import annotations

import numpy as np

from corewright.golden import random_words
from corewright.graph import Tensor
from corewright.graph.arithmetic import Int64Array

# A crop of 64 pixels still has 2 behind the five strides of an ImageNet network.
SIDE = 64
_POSITIONS = 16384
_MOST_IMAGES = 128


def random_sample(tensor: Tensor, rng: np.random.Generator) -> Int64Array:
    """Return (N, min(H, 64), min(W, 64), C) integers, uniform over the tensor's words."""
    height, width = min(tensor.height, SIDE), min(tensor.width, SIDE)
    images = min(max(_POSITIONS // (height * width), 1), _MOST_IMAGES)
    return random_words(rng, tensor.bits, (images, height, width, tensor.channels))


def pad_axis(
    x: Int64Array, axis: int, full: int, window: int, stride: int, padding: tuple[int, int]
) -> tuple[Int64Array, tuple[int, int], int]:
    """Prepare one axis of a sample for a sliding window.

    Args:
        x: the sample.
        axis: 1 or 2.
        full: length of the whole map.
        window: length of the window.
        stride: its step.
        padding: (before, after) of the whole map.

    Returns:
        The sample, extended periodically if it is a crop; the padding that is left to apply; the
        length of the result.
    """
    whole = (full + sum(padding) - window) // stride + 1
    length = x.shape[axis]
    if length == full:
        return x, padding, whole
    result = min(-(-length // stride), whole)
    missing = max((result - 1) * stride + window - length, 0)
    widths = [(0, 0)] * x.ndim
    widths[axis] = (missing // 2, missing - missing // 2)
    extended = np.pad(x, widths, mode="wrap")
    return extended, (0, 0), result


def whole_map(x: Int64Array, tensor: Tensor) -> Int64Array:
    """Repeat a sample periodically to the tensor's size."""
    missing = (tensor.height - x.shape[1], tensor.width - x.shape[2])
    return np.pad(x, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)), mode="wrap")


def common_crop(samples: list[Int64Array]) -> list[Int64Array]:
    """Crop samples to their common size."""
    height = min(x.shape[1] for x in samples)
    width = min(x.shape[2] for x in samples)
    return [x[:, :height, :width] for x in samples]
