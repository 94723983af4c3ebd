# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Softmax in floating point, at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corewright.graph.node import FinalNode, operator


@operator("softmax")
@dataclass(frozen=True)
class Softmax(FinalNode):
    """Softmax over the channels, in floating point on the host; only ever the last node."""

    input: str

    def evaluate(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Row by row."""
        exponent = np.exp(values - values.max(axis=-1, keepdims=True))
        result: npt.NDArray[np.float64] = exponent / exponent.sum(axis=-1, keepdims=True)
        return result
