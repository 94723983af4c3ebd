# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QKeras models evaluated exactly, in float64, layer by layer: what a graph is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

# It registers what layers compute.
import corewright.frontends.handlers  # noqa: F401
from corewright.frontends import tensorflow as lazy
from corewright.frontends.agreement import output_word
from corewright.frontends.evaluation import evaluated
from corewright.frontends.layers import (
    Float64Array,
    is_softmax,
    kind_of,
    ordered_layers,
    sources_of,
)
from corewright.frontends.loading import as_model
from corewright.frontends.options import check_options
from corewright.graph import Graph


@lazy.inference()
def keras_layer_outputs(model: Any, x: npt.ArrayLike) -> dict[str, Float64Array]:
    """Every layer's inference output by layer name, computed by TensorFlow in float64.

    ``x`` is a batch of real inputs. Kernels and quantisers are QKeras's own (weights quantised in
    the precision the model was trained in), sums are float64: exact for all that fits the
    hardware, where Keras's float32 sums are not above 2**24.
    """
    tf, _ = lazy.load()
    values: dict[str, Any] = {}
    model = as_model(model)
    layers = ordered_layers(model)
    for layer in layers:
        if kind_of(layer) == "InputLayer":
            shape: Any = (-1, *layer.output_shape[1:])
            values[layer.name] = tf.constant(np.asarray(x, dtype=np.float64).reshape(shape))
            continue
        inputs = [values[name] for name in sources_of(layer)]
        if len(inputs) == 1:
            check_options(layer)
        values[layer.name] = evaluated(tf, layer, inputs)
    return {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}


@lazy.inference()
def with_quantised_output(
    graph: Graph, model: Any, outputs: Mapping[str, Float64Array]
) -> dict[str, Float64Array]:
    """``outputs`` and, by its name in ``graph``, what convert's ``output_quantiser`` makes of them.

    Args:
        graph: what ``model`` was converted to.
        model: the Keras model.
        outputs: of :func:`keras_layer_outputs`.
    """
    word = output_word(graph)
    if word is None:
        return dict(outputs)
    record = graph.metadata["output_quantiser"]
    layers = {layer.name: layer for layer in ordered_layers(as_model(model))}
    if record["layer"] not in layers:
        # Of another model.
        return dict(outputs)
    layer = layers[record["layer"]]
    sums = outputs[layer.name]
    if is_softmax(getattr(layer, "activation", None)):
        tf, _ = lazy.load()
        source = tf.constant(outputs[sources_of(layer)[0]])
        sums = np.asarray(evaluated(tf, layer, [source], sums=True), dtype=np.float64)
    return {**outputs, record["tensor"]: word.values(sums)}
