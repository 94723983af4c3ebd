# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Train LeNet-5 with quantised weights and activations and write its integer graph.

Writes, into --out: NAME.h5 (Keras weights), NAME.cwgraph (the integer graph, with the
accuracies in its metadata) and NAME_reference.npz (all test images as integers, their labels, and
every layer's output of Keras in float64 for the first 16 of them); NAME is lenet5_w<bits>a<bits>.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
import qkeras
import tensorflow as tf

from corewright.datasets import Dataset, load_digits, load_mnist
from corewright.frontends import from_keras, keras_layer_outputs
from corewright.golden import dequantise, quantise_input, run
from corewright.graph import Graph

REFERENCE_IMAGES = 16
BATCH = 32
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


def shifted(
    images: npt.NDArray[np.float32], pixels: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Each image moved by up to ``pixels`` in both directions, black (-1) where it came from."""
    padded = np.pad(
        images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), constant_values=-1
    )
    result = np.empty_like(images)
    height, width = images.shape[1:3]
    for index, (row, column) in enumerate(rng.integers(0, 2 * pixels + 1, (len(images), 2))):
        result[index] = padded[index, row : row + height, column : column + width]
    return result


def train(model: Any, data: Dataset, epochs: int, rng: np.random.Generator) -> None:
    """Adam with a cosine schedule on randomly shifted images."""
    steps = epochs * math.ceil(len(data.x_train) / BATCH)
    schedule = tf.keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(schedule, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    for epoch in range(epochs):
        order = rng.permutation(len(data.x_train))
        images = shifted(data.x_train[order], 2, rng)
        history = model.fit(
            images, data.y_train[order], batch_size=BATCH, shuffle=False, verbose=0
        ).history
        if epoch % 10 == 9 or epoch == epochs - 1:
            print(
                f"{model.name} epoch {epoch + 1}/{epochs}: loss {history['loss'][0]:.4f} "
                f"accuracy {history['accuracy'][0]:.4f}",
                flush=True,
            )


def accuracy(scores: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float:
    """Share of images whose first largest score is at the label; 4 decimals."""
    return round(float(np.mean(np.argmax(scores.reshape(len(labels), -1), axis=1) == labels)), 4)


def write(model: Any, graph: Graph, data: Dataset, metadata: dict[str, Any], out: Path) -> bool:
    """Write the three files; return whether Keras in float64 and the integer graph agree."""
    integers = quantise_input(graph, data.x_test)
    values = run(graph, integers)
    metadata = {
        **metadata,
        "accuracy_quantised": accuracy(values[graph.output.name], data.y_test),
    }
    keras_outputs = keras_layer_outputs(model, data.x_test[:REFERENCE_IMAGES])
    arrays: dict[str, Any] = {
        "test_images": integers.astype(np.int8),
        "test_labels": data.y_test.astype(np.int8),
    }
    exact = True
    for name, tensor in graph.tensors.items():
        real = keras_outputs[name].reshape(REFERENCE_IMAGES, *tensor.shape)
        exact &= np.array_equal(real, dequantise(graph, name, values[name][:REFERENCE_IMAGES]))
        arrays[f"layer:{name}"] = np.rint(np.ldexp(real, tensor.fraction)).astype(np.int8)
    Graph(graph.name, graph.input, graph.nodes, metadata, graph.input_range).save(
        out / f"{graph.name}.cwgraph"
    )
    np.savez_compressed(out / f"{graph.name}_reference.npz", **arrays)
    model.save_weights(out / f"{graph.name}.h5")
    print(metadata)
    return exact


def main() -> int:
    """Command line: see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, choices=(4, 8), default=8)
    parser.add_argument("--data", default="digits", help="'digits', or a folder or file of MNIST")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    arguments = parser.parse_args()
    if arguments.epochs < 1:
        parser.error(f"--epochs is {arguments.epochs}, legal is 1 or more")

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    data = load_digits() if arguments.data == "digits" else load_mnist(arguments.data)
    metadata: dict[str, Any] = {
        "dataset": data.name,
        "classes": [str(digit) for digit in range(10)],
        "bits": arguments.bits,
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "test_images": len(data.y_test),
    }
    models = (("accuracy_float32_baseline", build_float), ("accuracy_float", build_quantised))
    for key, build in models:
        tf.keras.utils.set_random_seed(arguments.seed)
        model = build(arguments.bits) if build is build_quantised else build()  # type: ignore
        train(model, data, arguments.epochs, np.random.default_rng(arguments.seed))
        metadata[key] = accuracy(model.predict(data.x_test, verbose=0), data.y_test)
    graph = from_keras(model, bits_input=arguments.bits, bits_weights=arguments.bits)
    exact = write(model, graph, data, metadata, arguments.out)
    print("Keras in float64 and the integer graph agree" if exact else "MISMATCH")
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
