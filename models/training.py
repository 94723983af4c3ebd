# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What the training scripts of the models share: loop, accuracy, files.

A script gives two builders of one topology, plain float32 Keras and QKeras; :func:`main` trains
both, converts the quantised one and writes, into --out: NAME.h5 (Keras weights), NAME.cwgraph (the
integer graph, with the accuracies in its metadata) and NAME_reference.npz (all test images as
integers, their labels, and every layer's output of Keras in float64 for the first 16 of them).
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.datasets import Dataset, load_digits, load_mnist
from corewright.frontends import from_keras, keras_layer_outputs, tensorflow
from corewright.golden import dequantise, quantise_input, run
from corewright.graph import Graph

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf, qkeras = tensorflow.load()

REFERENCE_IMAGES = 16
BATCH = 32


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


def train(
    model: Any, data: Dataset, epochs: int, rng: np.random.Generator, pixels: int = 2
) -> None:
    """Adam with a cosine schedule on images shifted at random by up to ``pixels``."""
    steps = epochs * math.ceil(len(data.x_train) / BATCH)
    schedule = tf.keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(schedule, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    for epoch in range(epochs):
        order = rng.permutation(len(data.x_train))
        images = shifted(data.x_train[order], pixels, rng)
        history = model.fit(
            images, data.y_train[order], batch_size=BATCH, shuffle=False, verbose=0
        ).history
        if epoch % 5 == 4 or epoch == epochs - 1:
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


def main(
    build_float: Callable[[], Any],
    build_quantised: Callable[[int], Any],
    *,
    out: Path,
    bits: tuple[int, ...],
    size: tuple[int, int] = (28, 28),
    pixels: int = 2,
) -> int:
    """Command line of a training script: see ``--help``.

    Args:
        build_float: the float32 network.
        build_quantised: the network whose weights and activations have the given bits.
        out: default of ``--out``.
        bits: legal ``--bits``, the last one the default.
        size: rows and columns of the digits.
        pixels: by which images are shifted in training.
    """
    parser = argparse.ArgumentParser(description="Train a model and write its integer graph.")
    parser.add_argument("--bits", type=int, choices=bits, default=bits[-1])
    parser.add_argument("--data", default="digits", help="'digits', or a folder or file of MNIST")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=out)
    arguments = parser.parse_args()
    if arguments.epochs < 1:
        parser.error(f"--epochs is {arguments.epochs}, legal is 1 or more")

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    data = load_digits(size) if arguments.data == "digits" else load_mnist(arguments.data)
    metadata: dict[str, Any] = {
        "dataset": data.name,
        "classes": [str(digit) for digit in range(10)],
        "bits": arguments.bits,
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "test_images": len(data.y_test),
    }
    models: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("accuracy_float32_baseline", build_float),
        ("accuracy_float", lambda: build_quantised(arguments.bits)),
    )
    for key, build in models:
        tf.keras.utils.set_random_seed(arguments.seed)
        model = build()
        rng = np.random.default_rng(arguments.seed)
        train(model, data, arguments.epochs, rng, pixels)
        metadata[key] = accuracy(model.predict(data.x_test, verbose=0), data.y_test)
    graph = from_keras(model, bits_input=arguments.bits, bits_weights=arguments.bits)
    exact = write(model, graph, data, metadata, arguments.out)
    print("Keras in float64 and the integer graph agree" if exact else "MISMATCH")
    return 0 if exact else 1
