# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Train LeNet-5 with quantised weights and activations and write its integer graph.

NAME is lenet5_w<bits>a<bits>; what is written: see ``models/training.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training import main, qkeras, tf

# Integer bits of what follows conv1, conv2, dense1, dense2, dense3: chosen so that few values
# saturate. A layer's range is [0, 2**bits), the last layer's [-8, 8).
INTEGER_BITS = (2, 3, 3, 2, 3)
# The folded kernels of a layer have a standard deviation near 1/4 of their range with these.
GAMMA = (2.0, 4.0)
# Dense kernels are trained on [-1, 1) and scaled down by this power of two.
DENSE_SCALE = 0.25


def build_quantised(bits: int) -> Any:
    """LeNet-5 in QKeras: words of ``bits`` bits everywhere, batch norm folded into the kernels."""
    keras = tf.keras
    # A ReLU is unsigned in QKeras; one bit less keeps it in a signed word of `bits` bits.
    relu = [f"quantized_relu({bits - 1},{integer})" for integer in INTEGER_BITS[:4]]
    kernel = f"quantized_bits({bits},0,False,True,1)"
    dense_kernel = f"quantized_bits({bits},0,False,True,{DENSE_SCALE})"
    bias = f"quantized_bits({2 * bits},3,False,True,1)"

    def conv(name: str, filters: int, gamma: float) -> Any:
        return qkeras.QConv2DBatchnorm(
            filters,
            5,
            padding="valid",
            kernel_quantizer=kernel,
            bias_quantizer=bias,
            gamma_initializer=keras.initializers.Constant(gamma),
            momentum=0.9,
            name=name,
        )

    def dense(name: str, units: int) -> Any:
        return qkeras.QDense(
            units,
            kernel_quantizer=dense_kernel,
            bias_quantizer=bias,
            kernel_initializer=keras.initializers.RandomUniform(-0.55, 0.55),
            name=name,
        )

    return keras.Sequential(
        [
            keras.layers.InputLayer((28, 28, 1), name="image"),
            qkeras.QActivation(f"quantized_bits({bits},0,False,True,1)", name="input"),
            conv("conv1", 6, GAMMA[0]),
            qkeras.QActivation(relu[0], name="relu1"),
            keras.layers.MaxPooling2D(2, name="pool1"),
            conv("conv2", 16, GAMMA[1]),
            qkeras.QActivation(relu[1], name="relu2"),
            keras.layers.MaxPooling2D(2, name="pool2"),
            keras.layers.Flatten(name="flatten"),
            dense("dense1", 120),
            qkeras.QActivation(relu[2], name="relu3"),
            dense("dense2", 84),
            qkeras.QActivation(relu[3], name="relu4"),
            dense("dense3", 10),
            qkeras.QActivation(
                f"quantized_bits({bits},{INTEGER_BITS[4]},False,True,1)", name="logits"
            ),
            keras.layers.Activation("softmax", name="softmax"),
        ],
        name=f"lenet5_w{bits}a{bits}",
    )


def build_float() -> Any:
    """The same topology in plain float32 Keras: the baseline."""
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.InputLayer((28, 28, 1)),
            layers.Conv2D(6, 5),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="lenet5_float",
    )


if __name__ == "__main__":
    sys.exit(main(build_float, build_quantised, out=Path(__file__).resolve().parent, bits=(4, 8)))
