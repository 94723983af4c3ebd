# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A user's own integer weights in the place of random ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.builder.errors import BuilderError
from corewright.files import UnreadableFileError, read_npz, reason

IntArray = npt.NDArray[np.integer[Any]]


def load_weights(path: str | os.PathLike[str]) -> dict[str, IntArray]:
    """Return the arrays of an ``.npz`` file: ``LAYER.weights``, ``LAYER.bias``, ``LAYER.shift``.

    Shapes and alignment of weights and biases are those of the graph's nodes; a layer without
    ``.bias`` has none, the shift of one without ``.shift`` is chosen from its sums.

    Raises:
        BuilderError: the file cannot be read, or holds something else than integers.
    """
    file = Path(path)
    try:
        arrays = read_npz(file)
    except (FileNotFoundError, UnreadableFileError) as error:
        raise BuilderError(f"weights {file}: cannot be read: {reason(error)}") from error
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.integer):
            raise BuilderError(
                f"weights {file}: '{name}' has type {array.dtype}, legal are integers"
            )
    return arrays


def layer_weights(
    arrays: Mapping[str, IntArray], layer: str, shape: tuple[int, ...]
) -> tuple[IntArray, IntArray | None, int | None]:
    """Return (weights, bias, shift) of one layer; bias and shift are None where left out.

    Raises:
        BuilderError: there are no weights of that name, or they have another shape.
    """
    weights = arrays.get(f"{layer}.weights")
    if weights is None:
        known = ", ".join(sorted(n for n in arrays if n.endswith(".weights"))) or "none"
        raise BuilderError(f"layer '{layer}': there is no '{layer}.weights', there are: {known}")
    if weights.shape != shape:
        raise BuilderError(f"layer '{layer}': weights have shape {weights.shape}, legal is {shape}")
    shift = arrays.get(f"{layer}.shift")
    if shift is not None and shift.size != 1:
        raise BuilderError(f"layer '{layer}': shift has shape {shift.shape}, legal is one integer")
    return weights, arrays.get(f"{layer}.bias"), None if shift is None else int(shift.item())
