# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Front ends: from a training framework's model to the integer graph, and back.

Only these import a training framework, and only when they are first used: importing this package
costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from corewright.frontends.agreement import ApproximationWarning, DeviationError
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluate import keras_layer_outputs, with_quantised_output
from corewright.frontends.export import layer_outputs, load_weights, to_keras, with_weights
from corewright.frontends.qkeras import convert, from_keras

if TYPE_CHECKING:
    from corewright.frontends.operators import ChannelSlice, QMatMul, QSoftmax, Requantise

__all__ = [
    "ApproximationWarning",
    "ChannelSlice",
    "DeviationError",
    "FrontendError",
    "QMatMul",
    "QSoftmax",
    "Requantise",
    "convert",
    "from_keras",
    "keras_layer_outputs",
    "layer_outputs",
    "load_weights",
    "to_keras",
    "with_quantised_output",
    "with_weights",
]

_OPERATORS = {"ChannelSlice", "QMatMul", "QSoftmax", "Requantise"}


def __getattr__(name: str) -> Any:
    # These are Keras layers, so their module needs TensorFlow when it is imported.
    if name in _OPERATORS:
        return getattr(importlib.import_module(f"{__name__}.operators"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
