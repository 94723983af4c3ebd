# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The class of the models of ``to_keras``. Importing this module imports TensorFlow."""

from __future__ import annotations

from typing import Any

from corewright.frontends import tensorflow as lazy

tf, _ = lazy.load()
# As a variable, because type checkers know no classes of an untyped package.
_Model: Any = tf.keras.Model


@tf.keras.utils.register_keras_serializable(package="corewright")
class ExactModel(_Model):
    """A functional model of float64 layers that runs in float64, whatever Keras's default is.

    QKeras's quantisers, and Keras's way with NumPy inputs, cast to that default.

    Attributes:
        tensor_layers: names of the graph's tensors, and of the layers that make them.
        node_layers: names of the graph's nodes with weights, and of the layers that hold them.
    """

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Run the layers."""
        with lazy.default_float("float64"):
            return super().call(inputs, training=training, mask=mask)

    def predict(self, *args: Any, **options: Any) -> Any:
        """Keras's predict, in float64."""
        with lazy.default_float("float64"):
            return super().predict(*args, **options)

    def evaluate(self, *args: Any, **options: Any) -> Any:
        """Keras's evaluate, in float64."""
        with lazy.default_float("float64"):
            return super().evaluate(*args, **options)

    def fit(self, *args: Any, **options: Any) -> Any:
        """Keras's fit, in float64."""
        with lazy.default_float("float64"):
            return super().fit(*args, **options)

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """Build the model of a file, in float64."""
        with lazy.default_float("float64"):
            return super().from_config(config, custom_objects)


# Keras's .h5 files name a model's class without its package.
tf.keras.utils.get_custom_objects()[ExactModel.__name__] = ExactModel
