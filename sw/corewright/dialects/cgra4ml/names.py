# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What CGRA4ML's scripts take from Keras, of the Keras that QKeras needs.

They import it before their star import: from Keras 3, if that is installed. Importing this module
imports TensorFlow.
"""

from __future__ import annotations

from typing import Any

from corewright.dialects.deepsocflow.bundle import ScriptModel
from corewright.frontends import tensorflow as lazy

_tf, _qkeras = lazy.load()

keras: Any = _tf.keras
Input: Any = keras.layers.Input
save_model: Any = keras.models.save_model
Adam: Any = keras.optimizers.Adam
to_categorical: Any = keras.utils.to_categorical
load_qmodel: Any = _qkeras.utils.load_qmodel


class Model(ScriptModel):
    """A functional Keras model; files call its class by this name, so that Keras loads them."""
