# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Train a small transformer encoder on 8x8 digits and write its integer graph.

NAME is transformer; what is written: see ``models/training.py``. The network is written once, for
two sets of layers: plain float32 Keras, the baseline, and QKeras.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training import main, qkeras, tf

from corewright.frontends import ChannelSlice, QMatMul, QSoftmax

SIZE = 8
CHANNELS = 32
HEADS = 2
HIDDEN = 64
BLOCKS = 2
# Tokens are the pixels of the embedded map.
TOKENS = (SIZE // 2) ** 2
# Integer bits of words: [-4, 4) for what is added up, [-2, 2) for queries, keys and values.
STREAM = 2
PROJECTED = 1
# A batch norm's scale is the standard deviation of what it makes.
GAMMA = 0.5
# Of queries: attention's 1 / sqrt(channels of a head) is part of their kernel.
QUERY_GAMMA = 0.5
# The classes' kernel is trained on [-1, 1) and scaled down by this power of two.
DENSE_SCALE = 0.25


class Float:
    """Layers of the float32 baseline."""

    def conv(
        self, x: Any, filters: int, name: str, *, kernel: int = 1, gamma: float = GAMMA, **more: Any
    ) -> Any:
        """Convolution and batch norm."""
        x = tf.keras.layers.Conv2D(filters, kernel, padding="same", name=name, **more)(x)
        scale = tf.keras.initializers.Constant(gamma)
        return tf.keras.layers.BatchNormalization(
            momentum=0.9, gamma_initializer=scale, name=f"{name}_norm"
        )(x)

    def word(self, x: Any, integer: int, name: str) -> Any:
        """Nothing: real numbers need no word."""
        return x

    def relu(self, x: Any, integer: int, name: str) -> Any:
        """A plain ReLU."""
        return tf.keras.layers.ReLU(name=name)(x)

    def softmax(self, x: Any, name: str) -> Any:
        """Softmax over each head's tokens."""
        heads = tf.keras.layers.Reshape((TOKENS, HEADS, TOKENS), name=f"{name}_heads")(x)
        shares = tf.keras.layers.Softmax(name=f"{name}_shares")(heads)
        return tf.keras.layers.Reshape(x.shape[1:], name=name)(shares)

    def dense(self, x: Any, units: int, name: str) -> Any:
        """Dense layer."""
        return tf.keras.layers.Dense(units, name=name)(x)


class Quantised(Float):
    """The same layers with words of ``bits`` bits; batch norms folded into the kernels."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.kernel = f"quantized_bits({bits},0,False,True,1)"
        self.bias = f"quantized_bits({2 * bits},3,False,True,1)"

    def conv(
        self, x: Any, filters: int, name: str, *, kernel: int = 1, gamma: float = GAMMA, **more: Any
    ) -> Any:
        """Convolution with the batch norm inside."""
        return qkeras.QConv2DBatchnorm(
            filters,
            kernel,
            padding="same",
            kernel_quantizer=self.kernel,
            bias_quantizer=self.bias,
            gamma_initializer=tf.keras.initializers.Constant(gamma),
            momentum=0.9,
            name=name,
            **more,
        )(x)

    def word(self, x: Any, integer: int, name: str) -> Any:
        """A signed word."""
        text = f"quantized_bits({self.bits},{integer},False,True,1)"
        return qkeras.QActivation(text, name=name)(x)

    def relu(self, x: Any, integer: int, name: str) -> Any:
        """A ReLU in a signed word: QKeras counts no sign."""
        return qkeras.QActivation(f"quantized_relu({self.bits - 1},{integer})", name=name)(x)

    def softmax(self, x: Any, name: str) -> Any:
        """Integers: a table of exponentials and a division, on the host."""
        return QSoftmax(self.bits, self.bits - 1, runs=HEADS, name=name)(x)

    def dense(self, x: Any, units: int, name: str) -> Any:
        """Dense layer with quantised kernel and bias."""
        return qkeras.QDense(
            units,
            kernel_quantizer=f"quantized_bits({self.bits},0,False,True,{DENSE_SCALE})",
            kernel_initializer=tf.keras.initializers.RandomUniform(-0.4, 0.4),
            bias_quantizer=self.bias,
            name=name,
        )(x)


def attention(layers: Float, x: Any, name: str) -> Any:
    """Multi-head self-attention over the pixels of x (N, H, W, CHANNELS)."""
    width = CHANNELS // HEADS

    def projected(part: str, gamma: float) -> list[Any]:
        made = layers.conv(x, CHANNELS, f"{name}_{part}_conv", gamma=gamma)
        word = layers.word(made, PROJECTED, f"{name}_{part}")
        return [
            ChannelSlice(head * width, width, name=f"{name}_{part}{head}")(word)
            for head in range(HEADS)
        ]

    query, key, value = (
        projected("query", QUERY_GAMMA),
        projected("key", 1.0),
        projected("value", GAMMA),
    )
    scores = []
    for head in range(HEADS):
        product = QMatMul(True, name=f"{name}_score{head}_sums")([query[head], key[head]])
        # Scores span [-8, 8).
        scores.append(layers.word(product, 3, f"{name}_score{head}"))
    joined = tf.keras.layers.Concatenate(name=f"{name}_scores")(scores)
    shares = layers.softmax(joined, f"{name}_softmax")
    mixed = []
    for head in range(HEADS):
        part = ChannelSlice(head * TOKENS, TOKENS, name=f"{name}_shares{head}")(shares)
        product = QMatMul(name=f"{name}_mix{head}_sums")([part, value[head]])
        mixed.append(layers.word(product, PROJECTED, f"{name}_mix{head}"))
    joined = tf.keras.layers.Concatenate(name=f"{name}_mixed")(mixed)
    return layers.word(layers.conv(joined, CHANNELS, f"{name}_conv"), STREAM, name)


def build(layers: Float, name: str) -> Any:
    """The network: embedding, encoder blocks, classes of all tokens."""
    keras = tf.keras.layers
    image = tf.keras.Input((SIZE, SIZE, 1), name="image")
    x = layers.word(image, 0, "input")
    x = layers.conv(x, CHANNELS, "embed_conv", kernel=3, strides=2)
    x = layers.word(x, STREAM, "embed")
    for index in range(1, BLOCKS + 1):
        block = f"block{index}"
        x = keras.Add(name=f"{block}_add1_sums")([attention(layers, x, f"{block}_attention"), x])
        x = layers.word(x, STREAM, f"{block}_add1")
        hidden = layers.conv(x, HIDDEN, f"{block}_hidden_conv", gamma=1.0)
        hidden = layers.relu(hidden, STREAM, f"{block}_hidden")
        out = layers.word(
            layers.conv(hidden, CHANNELS, f"{block}_out_conv"), STREAM, f"{block}_out"
        )
        x = keras.Add(name=f"{block}_add2_sums")([out, x])
        x = layers.word(x, STREAM, f"{block}_add2")
    x = keras.Flatten(name="flatten")(x)
    # Logits span [-8, 8).
    x = layers.word(layers.dense(x, 10, "classes"), 3, "logits")
    return tf.keras.Model(image, keras.Activation("softmax", name="softmax")(x), name=name)


def build_float() -> Any:
    """The baseline in plain float32 Keras."""
    return build(Float(), "transformer_float")


def build_quantised(bits: int) -> Any:
    """The network in QKeras, with words of ``bits`` bits everywhere."""
    return build(Quantised(bits), "transformer")


if __name__ == "__main__":
    sys.exit(
        main(
            build_float,
            build_quantised,
            out=Path(__file__).resolve().parent,
            bits=(8,),
            size=(SIZE, SIZE),
            pixels=0,
        )
    )
