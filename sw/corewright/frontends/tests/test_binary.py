# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Binary networks: tensors and weights of one bit, -1 and +1."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import corewright
from corewright.frontends import (
    FrontendError,
    convert,
    from_keras,
    keras_layer_outputs,
    layer_outputs,
    to_keras,
)
from corewright.frontends import tensorflow as lazy
from corewright.golden import dequantise, quantise_input, run
from corewright.graph import Conv, Dense, Graph, Requant

pytestmark = pytest.mark.tensorflow

BINARY = SimpleNamespace(bits_input=1, bits_weights=1, bits_bias=16)
SIGNS = ["quantized_bits(1,0,False,True,1)", "binary(alpha=1)"]
CONSTANTS = {"kernel_quantizer": SIGNS[0], "bias_quantizer": "quantized_bits(8,3,False,True,1)"}


def randomised(model: Any) -> Any:
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights(
            [
                np.asarray(w)
                if "iteration" in w.name
                else rng.uniform(0.3, 1, w.shape)
                if "variance" in w.name
                else rng.uniform(-1, 1, w.shape)
                for w in layer.weights
            ]
        )
    return model


def agree(model: Any, graph: Graph, x: npt.NDArray[Any]) -> None:
    """Keras in float64 equals the graph, and so does the model made of the graph."""
    outputs = keras_layer_outputs(model, x)
    values = run(graph, quantise_input(graph, x))
    again = layer_outputs(to_keras(graph), x)
    for name, value in values.items():
        expected = dequantise(graph, name, value)
        if not name.endswith("_quantised"):  # quantising and pooling were exchanged
            assert np.array_equal(outputs[name].reshape(value.shape), expected), name
        assert np.array_equal(again[name].reshape(value.shape), expected), name
        assert np.array_equal(np.unique(value), (-1, 1)), name
    assert all(tensor.bits == 1 for tensor in graph.tensors.values())


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("int_bits", [0, 2])
def test_bundles_of_one_bit_are_exact(sign: str, int_bits: int) -> None:
    def core(**options: Any) -> dict[str, Any]:
        return {**CONSTANTS, "kernel_quantizer": sign, "act_str": sign, **options}

    x = x_in = corewright.QInput((8, 6, 3), 4, BINARY, int_bits)
    pool = {"type": "max", "size": 2, "strides": 1, "padding": "same", "act_str": sign}
    x = corewright.Bundle(core(type="conv", filters=6, kernel_size=3, strides=(2, 1)), pool=pool)(x)
    x = corewright.Bundle(
        core(type="conv", filters=5, kernel_size=(2, 4), padding="valid"), flatten=True
    )(x)
    x = corewright.Bundle(core(type="dense", units=12, use_bias=False))(x)
    model = randomised(corewright.QModel(x_in.raw, x))
    graph = model.to_graph()
    # Real inputs are signs, too.
    x = model.random_input
    agree(model, graph, x)
    agree(model, graph, np.where(x < 0, -(2.0**int_bits), 2.0**int_bits))
    assert all(node.weight_bits == 1 for node in graph.nodes if hasattr(node, "weight_bits"))


def test_layers_of_one_bit_are_exact() -> None:
    tf, qkeras = lazy.load()
    layers = tf.keras.layers

    def act(scale: float = 1) -> Any:
        return qkeras.QActivation(f"binary(alpha={scale})")

    raw = tf.keras.Input((6, 6, 4))
    x = act(0.5)(raw)
    depthwise = qkeras.QDepthwiseConv2D(
        3, padding="same", depthwise_quantizer=SIGNS[1], use_bias=False
    )
    y = layers.UpSampling2D(2)(act(2)(depthwise(x)))
    z = layers.MaxPooling2D(3, strides=1, padding="same")(y)
    x = layers.Concatenate()([y, z])
    x = layers.BatchNormalization()(qkeras.QConv2D(5, 3, strides=2, **CONSTANTS)(x))
    x = layers.Flatten()(act()(x))
    x = qkeras.QDense(7, kernel_quantizer="binary(alpha=0.25)", use_bias=False)(x)
    model = randomised(tf.keras.Model(raw, act()(x)))
    graph = convert(model, BINARY)
    agree(model, graph, np.random.default_rng(0).uniform(-1, 1, (3, 6, 6, 4)))
    again = from_keras(to_keras(graph), bits_input=1, bits_weights=1, name=graph.name)
    assert again.digest() == graph.digest()


def test_a_sum_of_zero_is_plus_one() -> None:
    tf, qkeras = lazy.load()
    raw = tf.keras.Input((2,))
    dense = qkeras.QDense(1, kernel_quantizer=SIGNS[0], use_bias=False)
    x = dense(qkeras.QActivation(SIGNS[0], name="x")(raw))
    model = tf.keras.Model(raw, qkeras.QActivation(SIGNS[0], name="y")(x))
    dense.set_weights([np.array([[1.0], [1.0]])])
    graph = convert(model, BINARY)
    node = graph.compute_nodes[0]
    assert isinstance(node, Dense)
    assert node.output.bits == 1 and node.requant == Requant(0, 0, 0, -1, 1)
    x = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1], [0, 0]], dtype=float)
    y = run(graph, quantise_input(graph, x))["y"].ravel()
    assert y.tolist() == [1, 1, 1, -1, 1]
    assert to_keras(graph).predict(x, verbose=0).ravel().tolist() == y.tolist()


def test_one_bit_weights_alone_are_words_of_one_bit() -> None:
    """Wide activations on hardware of bits_weights=1, and on wider the two bits of before."""
    hw = SimpleNamespace(bits_input=4, bits_weights=1)
    x = x_in = corewright.QInput((4, 4, 2), 2, hw)
    core = {**CONSTANTS, "type": "conv", "filters": 3, "kernel_size": 3}
    x = corewright.Bundle({**core, "act_str": "quantized_bits(4,3,False,True,1)"})(x)
    model = randomised(corewright.QModel(x_in.raw, x))
    for bits, expected in ((1, 1), (2, 2), (8, 2)):
        graph = convert(model, SimpleNamespace(bits_input=4, bits_weights=bits))
        node = graph.compute_nodes[0]
        assert isinstance(node, Conv) and node.weight_bits == expected
        values = run(graph, quantise_input(graph, model.random_input))
        outputs = keras_layer_outputs(model, model.random_input)
        for name, value in values.items():
            assert np.array_equal(outputs[name], dequantise(graph, name, value))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda k, q, x: q.QActivation("quantized_bits(4,0,False,True,1)")(x),
            "needs a 4-bit word, legal is up to bits_input=1: use quantized_bits",
        ),
        (lambda k, q, x: q.QActivation("binary(use_01=1,alpha=1)")(x), "use_01=1.*alpha=1"),
        (lambda k, q, x: q.QActivation("binary(alpha='auto')")(x), "legal is binary.alpha=1"),
        (
            lambda k, q, x: q.QActivation(SIGNS[0])(k.layers.Add()([x, x])),
            "legal behind a convolution or dense layer only",
        ),
        (
            lambda k, q, x: q.QActivation(SIGNS[0])(k.layers.AveragePooling2D(2)(x)),
            "legal behind a convolution or dense layer only",
        ),
        (
            lambda k, q, x: q.QActivation(SIGNS[0])(
                q.QConv2D(2, 1, kernel_quantizer="ternary(alpha=1)", use_bias=False)(x)
            ),
            "needs 2-bit words, legal is up to 1; a bit holds",
        ),
    ],
)
def test_what_one_bit_cannot_hold_is_named(build: Any, message: str) -> None:
    tf, qkeras = lazy.load()
    raw = tf.keras.Input((4, 4, 4))
    result = build(tf.keras, qkeras, qkeras.QActivation(SIGNS[0])(raw))
    if len(result.shape) == 4 and result.shape[-1] == 4 and result.shape[1] == 4:
        result = qkeras.QActivation(SIGNS[0])(qkeras.QConv2D(2, 1, **CONSTANTS)(result))
    model = tf.keras.Model(raw, result)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights([rng.uniform(-1, 1, w.shape) for w in layer.weights])
    with pytest.raises(FrontendError, match=message):
        convert(model, BINARY)
