# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QKeras models evaluated exactly, in float64, layer by layer: what a graph is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.frontends import tensorflow as lazy
from corewright.frontends.agreement import output_word
from corewright.frontends.errors import FrontendError
from corewright.frontends.layers import (
    CORES,
    DEPTHWISE,
    NORM,
    OWN_JOINS,
    OWN_LAYERS,
    OWN_POOLS,
    POOLS,
    TRANSPARENT,
    Float64Array,
    check_options,
    is_linear,
    is_relu,
    is_softmax,
    kind_of,
    ordered_layers,
    pair,
    real_constants,
    sources_of,
)
from corewright.frontends.loading import as_model
from corewright.frontends.normalisation import ChannelScale
from corewright.frontends.quantisers import activation_format
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
        if len(inputs) > 1:
            values[layer.name] = _join(tf, layer, inputs)
        else:
            values[layer.name] = _evaluate(tf, layer, inputs[0])
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
        sums = np.asarray(_core(tf, layer, source), dtype=np.float64)
    return {**outputs, record["tensor"]: word.values(sums)}


def _join(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    kind = kind_of(layer)
    if kind == "Add":
        return tf.add_n(inputs)
    if kind == "Concatenate":
        return tf.concat(inputs, axis=layer.axis)
    if kind in OWN_JOINS:
        return layer.call(inputs)
    raise FrontendError(f"layer '{layer.name}' of type {kind} is not supported")


def _evaluate(tf: Any, layer: Any, x: Any) -> Any:
    """One layer on a float64 tensor."""
    kind = kind_of(layer)
    check_options(layer)
    if kind == "QActivation":
        return _apply_quantiser(tf, layer.name, layer.quantizer, x)
    if kind in CORES:
        result = _core(tf, layer, x)
    elif kind in POOLS:
        result = _pool(tf, layer, x)
    elif kind == NORM:
        scale = ChannelScale.of_norm(layer)
        return x * scale.factor + scale.offset
    elif kind in ("Flatten", "Reshape"):
        return tf.reshape(x, (x.shape[0], *layer.output_shape[1:]))
    elif kind == "ZeroPadding2D":
        return tf.pad(x, ((0, 0), *layer.padding, (0, 0)))
    elif kind == "UpSampling2D":
        rows, columns = pair(layer.size)
        return tf.repeat(tf.repeat(x, rows, axis=1), columns, axis=2)
    elif kind in TRANSPARENT:
        return x
    elif kind in (*OWN_LAYERS, "Softmax", "Activation", "ReLU"):
        # These compute in the type that they are given, but a Keras layer casts to its own.
        return layer.call(x)
    else:
        raise FrontendError(f"layer '{layer.name}' of type {kind} is not supported")
    activation = getattr(layer, "activation", None)
    if is_linear(activation):
        return result
    if is_relu(activation):
        return tf.nn.relu(result)
    if is_softmax(activation):
        return tf.nn.softmax(result)
    return _apply_quantiser(tf, layer.name, activation, result)


def _core(tf: Any, layer: Any, x: Any) -> Any:
    kind = kind_of(layer)
    kernel, bias = real_constants(layer)
    if kind == "QDense":
        result = tf.matmul(x, kernel)
    elif kind in DEPTHWISE:
        # Late: it defines Keras layers, so it needs TensorFlow when it is imported.
        from corewright.frontends.operators import depthwise

        result = depthwise(x, kernel[..., None], pair(layer.strides), layer.padding)
    else:
        result = tf.nn.conv2d(x, kernel, pair(layer.strides), layer.padding.upper())
    if bias is not None:
        result = result + bias
    return result


def _pool(tf: Any, layer: Any, x: Any) -> Any:
    if kind_of(layer) in OWN_POOLS:
        return layer.call(x)
    name, is_global = POOLS[kind_of(layer)]
    if is_global:
        reduce = tf.reduce_max if name == "max" else tf.reduce_mean
        return reduce(x, axis=(1, 2), keepdims=layer.keepdims)
    operate = tf.nn.max_pool2d if name == "max" else tf.nn.avg_pool2d
    return operate(x, pair(layer.pool_size), pair(layer.strides), layer.padding.upper())


def _apply_quantiser(tf: Any, layer: str, quantiser: Any, x: Any) -> Any:
    """A QKeras activation quantiser in float64, on the exact grid of its words.

    quantized_relu always computes in float32: it is asked only about numbers that float32 holds,
    otherwise its formula (qkeras/quantizers.py, quantized_relu.__call__) is evaluated here.
    """
    word = activation_format(layer, quantiser, 64)
    if type(quantiser).__name__ == "quantized_relu":
        if np.array_equal(np.asarray(x, np.float32).astype(np.float64), np.asarray(x)):
            result = tf.cast(quantiser(tf.cast(x, tf.float32)), tf.float64)
        else:
            result = _relu_in_float64(tf, quantiser, x)
    else:
        # quantized_bits casts to Keras's default type.
        with lazy.default_float("float64"):
            result = tf.cast(quantiser(x), tf.float64)
    # The straight-through estimator computes x + (q - x), which for an average such as 1/3 can
    # miss q by a rounding error.
    scaled = np.ldexp(np.asarray(result), word.fraction)
    integers = np.rint(scaled)
    if np.abs(scaled - integers).max() > 2.0**-16:
        raise FrontendError(f"layer '{layer}': QKeras's output is off the grid of its quantiser")
    return tf.constant(np.ldexp(integers, -word.fraction))


def _relu_in_float64(tf: Any, quantiser: Any, x: Any) -> Any:
    if quantiser.use_sigmoid or (quantiser.relu_upper_bound and not quantiser.is_quantized_clip):
        raise FrontendError("quantized_relu with use_sigmoid or relu_upper_bound is not supported")
    slope = float(quantiser.negative_slope)
    levels = 2.0 ** (int(quantiser.bits) - (slope != 0.0))
    scale = 2.0 ** float(quantiser.integer)
    position = x * (levels / scale)
    result = scale * tf.clip_by_value(tf.round(position) / levels, 0.0, 1.0 - 1.0 / levels)
    if slope:
        negative = tf.round(position * slope) / (slope * levels)
        result += scale * slope * tf.clip_by_value(negative, -1.0, 0.0)
    return result
