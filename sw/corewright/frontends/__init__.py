# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Front ends: from a training framework's model to the integer graph.

Only these import a training framework, and only when they are first used: importing this package
costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluate import keras_layer_outputs
from corewright.frontends.qkeras import convert, from_keras

if TYPE_CHECKING:
    from corewright.frontends.bundle import Bundle, QInput, QModel

__all__ = [
    "Bundle",
    "FrontendError",
    "QInput",
    "QModel",
    "convert",
    "from_keras",
    "keras_layer_outputs",
]

_LAZY = ("Bundle", "QInput", "QModel")


def __getattr__(name: str) -> Any:
    # QModel is a Keras model, so its module needs TensorFlow when it is imported.
    if name in _LAZY:
        from corewright.frontends import bundle

        return getattr(bundle, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
