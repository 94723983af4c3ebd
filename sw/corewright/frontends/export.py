# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Integer graphs to QKeras models: the same numbers, computed in float64.

A node becomes the QKeras or Keras layer of its kind with the quantiser that rounds as the node
does, wherever there is one that does so exactly: ``convert`` then gives back an equal graph.
Otherwise a small layer of :mod:`corewright.frontends.operators` takes its place:

- Requantise for the input (exact for any real number), for limits that no quantiser has, slopes
  with other limits, averages that are no dyadic fractions (QKeras's gradient trick misses the grid
  there), sums beyond float32 in front of a ``quantized_relu`` (which computes in it), fractions
  that do not tell the scale, and a name that node and tensor share;
- PaddedMaxPooling2D, PaddedAveragePooling2D for padding that is neither 'valid' nor 'same';
- QStridedDepthwiseConv2D for strides that differ, ScaledAdd for operands of other scales;
- QMatMul, QSoftmax and ChannelSlice for products of activations, softmax in integers and slices;
- TensorName where a tensor that is copied, or only maximised, has another name than its node.

Kernels are ``quantized_bits`` of the node's width. Where the fraction exceeds the width or its
integer bits are too many for QKeras, its ``alpha`` is a power of two: the variable then holds the
kernel divided by it. Biases have 32 bits, or more where they need them.

What the graph's output does not depend on is left out: Keras knows no such layers.
"""

from __future__ import annotations

import dataclasses
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# It registers what nodes become.
import corewright.frontends.handlers  # noqa: F401
from corewright.files import allowance, open_archive, reason, spend
from corewright.frontends import tensorflow as lazy
from corewright.frontends.constants import quantised_constants
from corewright.frontends.errors import FrontendError
from corewright.frontends.exporter import Exporter
from corewright.frontends.layers import Float64Array
from corewright.frontends.quantisers import MAX_BIAS_BITS, constants_on_grid
from corewright.graph import Graph, Node, WeightedNode


def to_keras(graph: Graph) -> Any:
    """The QKeras model of ``graph``: its predict() gives the golden model's output exactly.

    The model takes real inputs (N, H, W, C), or (N, C) where the input is a vector, quantises them
    as ``golden.quantise_input`` does, and computes in float64, whatever Keras's default type is.
    It trains, and its weights save and load. Tensors are named after their layers; characters that
    Keras refuses in a name become '_'. See the module's docstring for the layers, and
    :func:`layer_outputs` for all tensors.

    Raises:
        FrontendError: the graph's output does not depend on its input, or sums may reach 2**53,
            which float64 does not hold.
    """
    with lazy.default_float("float64"):
        exporter = Exporter(graph)
        raw, result = exporter.export()
        # Late: it defines a Keras model, so it needs TensorFlow when it is imported.
        from corewright.frontends.exact import ExactModel

        model = ExactModel(inputs=raw, outputs=result, name=exporter.unique(graph.name))
        for layer, values in exporter.weights:
            layer.set_weights(values)
    model.tensor_layers = dict(exporter.tensor_layers)
    model.node_layers = dict(exporter.node_layers)
    return model


def layer_outputs(model: Any, x: npt.ArrayLike) -> dict[str, Float64Array]:
    """Every tensor of a model of :func:`to_keras`, by its name in the graph, computed by Keras.

    ``x`` are real inputs (N, H, W, C) or (N, C). Vectors are given as (N, C) or (N, 1, 1, C).
    """
    tf, _ = lazy.load()
    names = model.tensor_layers
    with lazy.default_float("float64"):
        every = tf.keras.Model(
            model.inputs, {name: model.get_layer(layer).output for name, layer in names.items()}
        )
        # Tracing costs more than it saves in a model that runs once; exact sums are the same in
        # any order.
        every.run_eagerly = True
        source = np.asarray(x, dtype=np.float64).reshape(-1, *model.input_shape[1:])
        outputs = every.predict(source, verbose=0)
    return {name: np.asarray(outputs[name], dtype=np.float64) for name in names}


def load_weights(graph: Graph, path: str | os.PathLike[str]) -> Graph:
    """``graph`` with the weights and biases of a file that ``to_keras(graph)`` can load.

    Such files are those of ``to_keras(graph).save_weights(path)``: Keras's .h5, .weights.h5 or a
    TensorFlow checkpoint. Weights are rounded by the layers' quantisers.

    Raises:
        FileNotFoundError: there is no such file.
        FrontendError: it is none, or of another network; says what differs.
    """
    file = Path(path)
    # A checkpoint is a prefix of several files.
    if not file.is_file() and not file.with_name(file.name + ".index").is_file():
        raise FileNotFoundError(f"no weights '{file}'")
    model = to_keras(graph)
    try:
        if file.is_file():
            _check_declared_sizes(file)
        status = model.load_weights(file)
        if hasattr(status, "assert_existing_objects_matched"):
            status.assert_existing_objects_matched()
    # Keras has no error of its own for a file that it cannot read; h5py, zipfile and TensorFlow
    # have theirs, and what Keras does with a damaged description raises anything.
    except Exception as error:
        raise FrontendError(
            f"{file}: not the weights of graph '{graph.name}' (save them with "
            f"to_keras(graph).save_weights(path)): {reason(error)}"
        ) from error
    return with_weights(graph, model)


def _check_declared_sizes(file: Path) -> None:
    """Raise UnreadableFileError if a file of weights declares more than it can hold."""
    import h5py

    source: Any = file
    if zipfile.is_zipfile(file):
        with open_archive(file) as archive:
            inner = [name for name in archive.names if name.endswith(".h5")]
            # Keras unpacks all of it.
            contents = {name: archive.read(name) for name in archive.names}
        if not inner:
            return
        source = io.BytesIO(contents[inner[0]])
    elif not h5py.is_hdf5(file):
        return
    left = allowance(file.stat().st_size)

    def visit(_: str, item: Any) -> None:
        nonlocal left
        if isinstance(item, h5py.Dataset):
            left = spend(left, int(item.size or 0) * item.dtype.itemsize)

    with h5py.File(source, "r") as weights:
        weights.visititems(visit)


def with_weights(graph: Graph, model: Any) -> Graph:
    """``graph`` with the quantised weights of ``model``, a trained model of :func:`to_keras`.

    Raises:
        FrontendError: a weight is not finite, or a bias has too many bits.
    """
    nodes: list[Node] = []
    for node in graph.nodes:
        if not isinstance(node, WeightedNode) or node.name not in model.node_layers:
            nodes.append(node)
            continue
        layer = model.get_layer(model.node_layers[node.name])
        kernel, bias, kernel_quantiser, bias_quantiser = quantised_constants(layer)
        weights, _, _ = constants_on_grid(
            layer.name, "kernel", kernel, kernel_quantiser, node.weight_bits
        )
        aligned = None
        if bias is not None:
            aligned, _, _ = constants_on_grid(
                layer.name, "bias", bias, bias_quantiser, MAX_BIAS_BITS
            )
        nodes.append(node.changed(weights=weights, bias=aligned))
    return dataclasses.replace(graph, nodes=tuple(nodes))
