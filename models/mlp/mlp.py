# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A multi-layer perceptron for 28x28 digits, flattened."""

from __future__ import annotations

from pathlib import Path

from corewright.builder import Builder
from corewright.graph import Graph

INPUTS = 28 * 28
UNITS = (256, 256, 10)


def build(
    inputs: int = INPUTS,
    units: tuple[int, ...] = UNITS,
    bits: int = 8,
    seed: int = 1,
    weights: str | Path | None = None,
) -> Graph:
    """Return the graph.

    Args:
        inputs: length of the input vector.
        units: of the dense layers; all but the last have a ReLU.
        bits: of activations and weights.
        seed: of random weights.
        weights: an .npz file of integer weights; see ``corewright.builder.load_weights``.
    """
    net = Builder("mlp", 1, 1, inputs, bits, seed, weights=weights)
    x = net.input
    for index, count in enumerate(units):
        last = index == len(units) - 1
        x = net.dense(x, count, activation="linear" if last else "relu", name=f"fc{index + 1}")
    net.softmax(x)
    return net.graph()
