# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QKeras models and their integer graphs agree exactly, layer by layer."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from corewright.frontends import (
    FrontendError,
    convert,
    from_keras,
    keras_layer_outputs,
    to_keras,
    with_quantised_output,
)
from corewright.frontends import tensorflow as lazy
from corewright.frontends.evaluation import _relu_in_float64
from corewright.frontends.order import ordered_nodes
from corewright.frontends.quantisers import activation_format, constants_on_grid
from corewright.frontends.refusals import NEAREST
from corewright.golden import dequantise, host_output, quantise_input, run
from corewright.graph import (
    Conv,
    Dense,
    Graph,
    GraphError,
    Pool,
    Requant,
    Tensor,
    accumulator_bits,
)

pytestmark = pytest.mark.tensorflow

KERNEL = "quantized_bits(4,0,False,True,1)"
BIAS = "quantized_bits(8,1,False,True,1)"
RELU = "quantized_relu(3,1)"
SIGNED = "quantized_bits(4,1,False,True,1)"
LEAKY = "quantized_relu(4,1,negative_slope=0.125)"


@pytest.fixture(scope="module")
def keras() -> Any:
    return lazy.load()[0].keras


@pytest.fixture(scope="module")
def qkeras() -> Any:
    return lazy.load()[1]


def randomise(model: Any, rng: np.random.Generator) -> None:
    """Random weights and batch-norm statistics; folded kernels stay near [-1, 1)."""
    for layer in model.layers:
        values = []
        for variable in layer.weights:
            shape, name = variable.shape, variable.name
            if "iteration" in name:
                value = np.asarray(variable)
            elif "variance" in name:
                value = rng.uniform(0.5, 1.5, shape)
            elif "gamma" in name:
                value = rng.uniform(0.5, 1.2, shape)
            else:
                value = rng.uniform(-1, 1, shape)
            values.append(value)
        layer.set_weights(values)


def agree(model: Any, graph: Graph, x: np.ndarray) -> None:
    """Keras in float64 equals the graph, exactly, in every tensor that the graph has."""
    outputs = keras_layer_outputs(model, x)
    values = run(graph, quantise_input(graph, x))
    compared = 0
    for name, value in values.items():
        if name.endswith("_quantised"):
            continue  # Keras has no such tensor: quantising and pooling were exchanged.
        real = outputs[name].reshape(value.shape)
        assert np.array_equal(real, dequantise(graph, name, value)), name
        compared += 1
    assert compared >= 2
    assert np.ptp(values[graph.output.name]) > 0


def agree_with_float32(model: Any, graph: Graph, x: np.ndarray, keras: Any) -> None:
    """Keras's own float32 forward pass equals the graph too (sums stay below 2**24)."""
    assert all(accumulator_bits(graph, node) < 22 for node in graph.compute_nodes)
    values = run(graph, quantise_input(graph, x))
    names = [name for name in list(values)[1:] if not name.endswith("_quantised")]
    outputs = [model.get_layer(name).output for name in names]
    results = keras.Model(model.inputs, outputs)(x.astype(np.float32))
    results = results if isinstance(results, list) else [results]
    for name, result in zip(names, results, strict=True):
        real = np.asarray(result, dtype=np.float64).reshape(values[name].shape)
        assert np.array_equal(real, dequantise(graph, name, values[name])), name


def random_model(seed: int, keras: Any, qkeras: Any, exact_in_float32: bool) -> Any:
    """A small network of random layers, kernels, strides, paddings, pools and activations."""
    rng = np.random.default_rng(seed)

    def pick(*options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    def activation() -> Any:
        bits = int(rng.integers(3, 9))
        integer = int(rng.integers(0, 3))
        slope = 2.0 ** -int(rng.integers(0, bits))
        return qkeras.QActivation(
            pick(
                f"quantized_bits({bits},{integer},{int(rng.integers(2))},True,1)",
                f"quantized_relu({bits - 1},{integer})",
                f"quantized_relu({bits},{integer},negative_slope={slope})",
            )
        )

    def options() -> dict[str, Any]:
        bits = int(rng.integers(2, 6))
        return {
            "kernel_quantizer": f"quantized_bits({bits},0,{int(rng.integers(2))},True,1)",
            "bias_quantizer": f"quantized_bits({int(rng.integers(4, 13))},1,False,True,1)",
            "use_bias": bool(rng.integers(2)),
        }

    x = raw = keras.Input((int(rng.integers(8, 13)), int(rng.integers(8, 13)), pick(1, 2, 3)))
    x = qkeras.QActivation(f"quantized_bits({int(rng.integers(2, 9))},0,False,True,1)")(x)
    for index in range(2):
        kernel = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
        strides = pick(1, 2, (2, 1)) if index == 0 else 1
        padding = pick("same", "valid") if min(x.shape[1:3]) >= 4 else "same"
        cls = pick(qkeras.QConv2D, qkeras.QConv2DBatchnorm)
        if cls is qkeras.QConv2DBatchnorm and isinstance(strides, tuple):
            strides = 2
        x = cls(pick(2, 3, 5), kernel, strides=strides, padding=padding, **options())(x)
        pool_first = bool(rng.integers(2))
        if pool_first:
            x = keras.layers.MaxPooling2D(2, padding="same")(x)
        x = activation()(x)
        if min(x.shape[1:3]) < 3:
            continue
        if exact_in_float32:
            # Averages of 2**n elements: float32 holds them exactly.
            x = keras.layers.AveragePooling2D((2, 1), strides=(1, 2))(x)
            x = activation()(x)
        else:
            pool = pick(keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
            window = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
            x = pool(window, strides=pick(None, 1, 2), padding=pick("same", "valid"))(x)
            if pool is keras.layers.AveragePooling2D or rng.integers(2):
                x = activation()(x)
    if not exact_in_float32 and rng.integers(3) == 0:
        x = keras.layers.GlobalAveragePooling2D()(x)
        x = activation()(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(0.5)(x)
    x = qkeras.QDense(7, **options())(x)
    x = activation()(x)
    x = qkeras.QDense(5, **options())(x)
    x = activation()(x)
    if rng.integers(2):
        x = keras.layers.Activation("softmax")(x)
    model = keras.Model(raw, x)
    randomise(model, rng)
    return model


@pytest.mark.parametrize("seed", range(12))
def test_random_models_agree_in_float64(seed: int, keras: Any, qkeras: Any) -> None:
    model = random_model(seed, keras, qkeras, exact_in_float32=False)
    graph = from_keras(model, bits_input=8)
    x = np.random.default_rng(seed).uniform(-1.2, 1.2, (3, *model.input_shape[1:]))
    agree(model, graph, x)


@pytest.mark.parametrize("seed", range(100, 106))
def test_random_models_agree_with_keras_itself(seed: int, keras: Any, qkeras: Any) -> None:
    model = random_model(seed, keras, qkeras, exact_in_float32=True)
    graph = from_keras(model, bits_input=8)
    shape = (3, *model.input_shape[1:])
    # On a grid, so that quantising in float32 and float64 is the same.
    x = np.random.default_rng(seed).integers(-256, 256, shape) / 256
    agree(model, graph, x)
    agree_with_float32(model, graph, x, keras)


def test_a_changed_weight_is_noticed(keras: Any, qkeras: Any) -> None:
    model = random_model(3, keras, qkeras, exact_in_float32=False)
    graph = from_keras(model, bits_input=8)
    layer = next(layer for layer in model.layers if layer.name.startswith("q_conv2d"))
    weights = layer.get_weights()
    layer.set_weights([-weights[0], *weights[1:]])
    x = np.random.default_rng(3).uniform(-1, 1, (3, *model.input_shape[1:]))
    with pytest.raises(AssertionError):
        agree(model, graph, x)


@pytest.mark.parametrize("pool", ["AveragePooling2D", "GlobalAveragePooling2D"])
def test_average_ties_round_to_even(pool: str, keras: Any, qkeras: Any) -> None:
    """Windows of 6 elements, all sums: among them many exact halves."""
    layer = getattr(keras.layers, pool)
    model = keras.Sequential(
        [
            keras.layers.InputLayer((2, 3, 1)),
            layer((2, 3)) if pool == "AveragePooling2D" else layer(),
            qkeras.QActivation("quantized_bits(4,0,False,True,1)", name="act"),
        ]
    )
    graph = from_keras(model, bits_input=4)
    x = np.random.default_rng(0).integers(-8, 8, (500, 2, 3, 1)) / 8
    agree(model, graph, x)
    sums = np.rint(x.sum(axis=(1, 2, 3)) * 8)
    assert np.count_nonzero(np.abs(sums) % 6 == 3) > 20


def chain(keras: Any, qkeras: Any, *layers: Any, shape: tuple[int, ...] = (6, 6, 2)) -> Any:
    model = keras.Sequential([keras.layers.InputLayer(shape, name="image"), *layers], name="chain")
    randomise(model, np.random.default_rng(0))
    return model


def test_input_without_quantiser_uses_bits_and_int_bits(keras: Any, qkeras: Any) -> None:
    model = chain(
        keras,
        qkeras,
        qkeras.QConv2D(2, 2, kernel_quantizer=KERNEL, bias_quantizer=BIAS),
        qkeras.QActivation(SIGNED, name="out"),
    )
    graph = from_keras(model, bits_input=6, int_bits_input=2)
    assert (graph.input.name, graph.input.bits, graph.input.fraction) == ("image", 6, 3)
    agree(model, graph, np.random.default_rng(1).integers(-32, 32, (4, 6, 6, 2)) / 8)


def test_relu_range_reaches_the_next_layer(keras: Any, qkeras: Any) -> None:
    model = chain(
        keras,
        qkeras,
        qkeras.QConv2D(2, 2, kernel_quantizer=KERNEL, bias_quantizer=BIAS),
        keras.layers.MaxPooling2D(2),
        qkeras.QActivation(RELU, name="act"),
        keras.layers.Flatten(),
        qkeras.QDense(3, kernel_quantizer=KERNEL, bias_quantizer=BIAS, activation=LEAKY, name="d"),
        keras.layers.Softmax(),
    )
    graph = from_keras(model, bits_input=4, name="net", metadata={"a": 1})
    conv, pool, dense = graph.compute_nodes
    assert isinstance(conv, Conv) and isinstance(pool, Pool) and isinstance(dense, Dense)
    assert (pool.requant.low, pool.requant.high, pool.output.bits) == (0, 7, 4)
    assert dense.requant.negative_shift == dense.requant.shift + 3
    assert (dense.requant.low, dense.requant.high) == (-1, 7)
    assert (graph.name, graph.metadata["a"], dense.output.name) == ("net", 1, "d")
    x = np.random.default_rng(2).integers(-8, 8, (9, 6, 6, 2)) / 8
    agree(model, graph, x)
    probabilities = host_output(graph, run(graph, quantise_input(graph, x)))[:, 0, 0, :]
    assert np.allclose(probabilities, model.predict(x, verbose=0), atol=1e-6)


def test_max_pool_with_its_own_activation_requantises(keras: Any, qkeras: Any) -> None:
    model = chain(
        keras,
        qkeras,
        qkeras.QConv2D(2, 2, kernel_quantizer=KERNEL, bias_quantizer=BIAS),
        qkeras.QActivation("quantized_bits(8,2,False,True,1)"),
        keras.layers.MaxPooling2D(2, strides=1),
        qkeras.QActivation("quantized_relu(4,0,negative_slope=0.25)", name="pooled"),
    )
    graph = from_keras(model, bits_input=8)
    pool = graph.compute_nodes[-1]
    assert isinstance(pool, Pool)
    assert (pool.requant.shift, pool.requant.negative_shift) == (2, 4)
    agree(model, graph, np.random.default_rng(1).integers(-128, 128, (4, 6, 6, 2)) / 128)


@pytest.mark.parametrize("quantiser", ["binary(alpha=1)", "ternary(alpha=1)", "quantized_po2(4)"])
def test_other_kernel_quantisers_become_the_narrowest_words(
    quantiser: str, keras: Any, qkeras: Any
) -> None:
    model = chain(
        keras,
        qkeras,
        qkeras.QConv2D(3, 2, kernel_quantizer=quantiser, use_bias=False, name="conv"),
        qkeras.QActivation("quantized_bits(8,3,False,True,1)", name="out"),
    )
    graph = from_keras(model, bits_input=8)
    conv = graph.node("conv")
    assert isinstance(conv, Conv)
    assert conv.weight_bits == (2 if "ary" in quantiser else conv.weight_bits) <= 16
    agree(model, graph, np.random.default_rng(1).integers(-128, 128, (4, 6, 6, 2)) / 128)


def test_power_of_two_alpha_moves_the_fraction(keras: Any, qkeras: Any) -> None:
    model = chain(
        keras,
        qkeras,
        qkeras.QDense(
            4,
            kernel_quantizer="quantized_bits(4,0,False,True,0.25)",
            bias_quantizer=BIAS,
            name="dense",
        ),
        qkeras.QActivation(SIGNED, name="out"),
        shape=(9,),
    )
    graph = from_keras(model, bits_input=4)
    dense = graph.node("dense")
    assert isinstance(dense, Dense)
    assert (dense.weight_bits, dense.weight_fraction) == (4, 5)
    agree(model, graph, np.random.default_rng(1).integers(-8, 8, (4, 9)) / 8)


@pytest.mark.parametrize("alpha", [0.25, 2.0])
def test_alpha_of_an_activation_multiplies_what_is_rounded(
    alpha: float, keras: Any, qkeras: Any
) -> None:
    model = chain(
        keras,
        qkeras,
        qkeras.QConv2D(3, 2, kernel_quantizer=KERNEL, bias_quantizer=BIAS),
        qkeras.QActivation(f"quantized_bits(4,1,False,True,{alpha})", name="core"),
        keras.layers.MaxPooling2D(2),
        qkeras.QActivation(f"quantized_bits(6,1,False,True,{alpha})", name="pooled"),
    )
    graph = from_keras(model, bits_input=8)
    assert graph.tensor("core").fraction == 2 - int(np.log2(alpha))
    agree(model, graph, np.random.default_rng(1).integers(-128, 128, (4, 6, 6, 2)) / 128)
    quantiser = f"quantized_bits(4,1,False,True,{alpha})"
    model = chain(keras, qkeras, qkeras.QActivation(quantiser), keras.layers.MaxPooling2D(2))
    with pytest.raises(FrontendError, match="slope or an alpha that is not 1"):
        from_keras(model, bits_input=8)


def test_output_quantiser_serves_a_model_without_one(keras: Any, qkeras: Any) -> None:
    dense = qkeras.QDense(4, kernel_quantizer=KERNEL, bias_quantizer=BIAS, name="dense")
    model = chain(keras, qkeras, dense, shape=(9,))
    graph = from_keras(model, bits_input=4, output_quantiser=SIGNED)
    x = np.random.default_rng(1).integers(-8, 8, (4, 9)) / 8
    expected = qkeras.get_quantizer(SIGNED)(model(x.astype(np.float32)))
    result = host_output(graph, run(graph, quantise_input(graph, x)))[:, 0, 0, :]
    assert np.array_equal(result, np.asarray(expected))


CONV = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS, "name": "c"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda k, q: [q.QConv2D(2, 2, **CONV)], "'c': the model's output is not quantised"),
        (
            lambda k, q: [q.QConv2D(2, 2, **CONV), q.QActivation("quantized_relu(4,0)", name="a")],
            r"'a': quantized_relu of 4 bits \(unsigned.*bits_input=4: use quantized_relu\(3",
        ),
        (
            lambda k, q: [q.QConv2D(2, 2, **CONV), q.QActivation("quantized_bits(5,0)", name="a")],
            r"'a': quantized_bits of 5 bits needs a 5-bit word.*use quantized_bits\(4",
        ),
        (
            lambda k, q: [q.QConv2D(2, 2, **CONV), q.QConv2D(2, 2, kernel_quantizer=KERNEL)],
            "reads 'c', whose output is not quantised",
        ),
        (
            lambda k, q: [q.QConv2D(2, 2, **CONV), k.layers.AveragePooling2D(2, name="p")],
            "'p' reads 'c', whose output is not quantised",
        ),
        (
            lambda k, q: [q.QConv2D(2, 2, kernel_quantizer=None, name="c"), q.QActivation(SIGNED)],
            "'c': kernel_quantizer is None",
        ),
        (
            lambda k, q: [
                q.QConv2D(2, 2, kernel_quantizer=KERNEL, name="c"),
                q.QActivation(SIGNED),
            ],
            "'c': bias_quantizer is None",
        ),
        (
            lambda k, q: [
                q.QConv2D(
                    2,
                    2,
                    kernel_quantizer="quantized_bits(4,0,1,alpha='auto')",
                    use_bias=False,
                    name="c",
                ),
                q.QActivation(SIGNED),
            ],
            "'c': kernel of quantized_bits with alpha='auto' lies on no power-of-two grid",
        ),
        (
            lambda k, q: [
                q.QConv2D(
                    2, 2, kernel_quantizer="quantized_bits(6,0,0,1,1)", use_bias=False, name="c"
                ),
                q.QActivation(SIGNED),
            ],
            "'c': kernel needs 6-bit words, legal is up to 4",
        ),
        (lambda k, q: [k.layers.Conv2D(2, 2, name="c")], "'c' of type Conv2D .* use QConv2D"),
        (lambda k, q: [k.layers.Activation("tanh", name="r")], r"'r' .*\(tanh\).* use QActivation"),
        (
            lambda k, q: [q.QConv2D(2, 2, dilation_rate=2, **CONV), q.QActivation(SIGNED)],
            r"'c': dilation_rate is \(2, 2\), legal is \(1, 1\)",
        ),
        (
            lambda k, q: [q.QDense(2, **CONV), q.QActivation(SIGNED)],
            "'c': QDense on input .* put a Flatten",
        ),
        (
            lambda k, q: [
                q.QConv2D(2, 2, **CONV),
                q.QActivation("quantized_tanh(4,0,0,1)", name="t"),
            ],
            "'t': quantized_tanh with use_real_tanh=True, legal is use_real_tanh=False",
        ),
        (
            lambda k, q: [
                q.QConv2D(2, 2, **CONV),
                q.QActivation("quantized_relu(3,0,negative_slope=0.125)", name="t"),
            ],
            "'t': quantized_relu with negative_slope=0.125; legal for 3 bits",
        ),
        (
            lambda k, q: [
                q.QConv2D(2, 2, **CONV),
                q.QActivation(SIGNED),
                q.QActivation("quantized_bits(1,0,False,True,1)", name="t"),
            ],
            r"'t': the one-bit quantized_bits\(1,...\), which is -1 or \+1 and never 0",
        ),
        (
            lambda k, q: [k.layers.Reshape((36, 2)), k.layers.LSTM(4, name="l")],
            "'l' of type LSTM .* use convolutions over a window",
        ),
        (
            lambda k, q: [k.Sequential([q.QConv2D(2, 2, **CONV)], name="block")],
            "'block' is a model in the model.*nearest is the same layers",
        ),
        (
            lambda k, q: [k.layers.Flatten(), q.QDense(2, **CONV), k.layers.Softmax(name="s")],
            r"'s': softmax of 'c', .* put a QActivation\('quantized_bits\(4,",
        ),
        (
            lambda k, q: [k.layers.Flatten(), q.QDense(2, activation="softmax", **CONV)],
            r"'c': activation softmax .* then QActivation\(.* and Activation\('softmax'\)",
        ),
        (
            lambda k, q: [q.QConv2D(2, 2, activation="sigmoid", **CONV)],
            r"'c': activation sigmoid is not supported; nearest is quantized_sigmoid\(bits",
        ),
        (
            lambda k, q: [k.layers.UpSampling2D(2, interpolation="bilinear", name="u")],
            "'u': interpolation is 'bilinear', legal is 'nearest'",
        ),
    ],
)
def test_unsupported_models_name_the_layer_and_the_remedy(
    make: Any, message: str, keras: Any, qkeras: Any
) -> None:
    model = keras.Sequential([keras.layers.InputLayer((6, 6, 2)), *make(keras, qkeras)])
    with pytest.raises(FrontendError, match=message):
        from_keras(model, bits_input=4, bits_weights=4)


def test_words_too_wide_for_their_scales_are_named(qkeras: Any) -> None:
    quantiser = qkeras.quantized_bits(4, 0, alpha="auto_po2")
    values = np.array([0.875, 0.0078125])
    with pytest.raises(FrontendError, match="needs 8-bit words for the scales of alpha='auto_po2'"):
        constants_on_grid("c", "kernel", values, quantiser, 4)


def test_a_relu_of_the_layer_itself_is_one_behind_it(keras: Any, qkeras: Any) -> None:
    core = qkeras.QConv2D(
        3, 2, kernel_quantizer=KERNEL, bias_quantizer=BIAS, activation="relu", name="c"
    )
    model = chain(keras, qkeras, core, keras.layers.MaxPooling2D(2), qkeras.QActivation(SIGNED))
    graph = from_keras(model, bits_input=4)
    conv = graph.node("c")
    assert isinstance(conv, Conv) and (conv.requant.low, conv.requant.high) == (0, 7)
    agree(model, graph, np.random.default_rng(1).integers(-8, 8, (4, 6, 6, 2)) / 8)


def test_graph_shaped_mistakes_are_named(keras: Any, qkeras: Any) -> None:
    raw = keras.Input((4, 4, 2))
    core = qkeras.QConv2D(2, 1, **CONV)(raw)
    left, right = qkeras.QActivation(SIGNED)(core), qkeras.QActivation(RELU)(core)
    both = keras.layers.Add(name="sum")([left, right])
    with pytest.raises(FrontendError, match="both read 'c' before it is quantised"):
        from_keras(keras.Model(raw, both), bits_input=4)
    raw = keras.Input((4, 4, 2))
    with pytest.raises(FrontendError, match=r"'sum': the model's output is not quantised"):
        from_keras(keras.Model(raw, keras.layers.Add(name="sum")([raw, raw])), bits_input=4)
    a, b = (qkeras.QConv2D(2, 1, **{**CONV, "name": name})(raw) for name in "ab")
    x = qkeras.QActivation(SIGNED)(a) + qkeras.QActivation(SIGNED)(b)
    model = keras.Model(raw, qkeras.QActivation(SIGNED)(x))
    with pytest.raises(FrontendError, match=r"TensorFlow function 'add'.*nearest is Add\(\)"):
        from_keras(model, bits_input=4)
    with pytest.raises(FrontendError, match="has no inputs yet"):
        from_keras(keras.Sequential([qkeras.QConv2D(2, 1, **CONV)]), bits_input=4)
    model = chain(keras, qkeras, qkeras.QActivation(SIGNED))
    with pytest.raises(FrontendError, match="bits_input is 0, legal is"):
        from_keras(model, bits_input=0)


@pytest.mark.parametrize("act", [RELU, LEAKY, "quantized_relu(8,3,negative_slope=0.5)"])
def test_the_float64_relu_equals_qkeras(act: str, qkeras: Any) -> None:
    tf, _ = lazy.load()
    quantiser = qkeras.get_quantizer(act)
    word = activation_format("x", quantiser, 8)
    grid = np.arange(-(2**12), 2**12) * 2.0 ** -(word.fraction + 4)
    ours = np.asarray(_relu_in_float64(tf, quantiser, tf.constant(grid)))
    theirs = np.asarray(quantiser(tf.constant(grid, tf.float32)), dtype=np.float64)
    assert np.array_equal(ours, theirs)


# Quantisers that draw random numbers ----------------------------------------------------------

EIGHT_BITS = SimpleNamespace(bits_input=8, bits_weights=8)
# A kernel of as many channels as it has dimensions, which binary's stochastic rounding needs.
CHANNELS = 4


def quantiser_cases() -> dict[str, list[str]]:
    """By the name of each of QKeras's quantiser classes, what is tried of it."""
    ordinary = {
        name: [f"{name}()"]
        for name in ("binary", "ternary", "stochastic_binary", "stochastic_ternary", "bernoulli")
    }
    return {
        **ordinary,
        "binary": ["binary(alpha=1,use_stochastic_rounding=True)"],
        "ternary": ["ternary(alpha='auto_po2',use_stochastic_rounding=True)"],
        "quantized_bits": ["quantized_bits(4,0,1,alpha=1,use_stochastic_rounding=True)"],
        "quantized_relu": ["quantized_relu(4,0,use_stochastic_rounding=True)"],
        "quantized_ulaw": ["quantized_ulaw(4)"],
        "quantized_tanh": ["quantized_tanh(4,use_stochastic_rounding=True)"],
        "quantized_sigmoid": ["quantized_sigmoid(4,use_stochastic_rounding=True)"],
        "quantized_po2": ["quantized_po2(3,1,use_stochastic_rounding=True)"],
        "quantized_relu_po2": ["quantized_relu_po2(2,1,use_stochastic_rounding=True)"],
        "quantized_hswish": ["quantized_hswish(4,0,use_stochastic_rounding=True)"],
    }


def quantised_at(place: str, quantiser: Any, keras: Any, qkeras: Any) -> Any:
    """A model with ``quantiser`` of its kernel, depthwise kernel, bias or activation."""
    chosen = {
        "kernel": "quantized_bits(4,0,0,alpha=1)",
        "bias": "quantized_bits(8,2,0,alpha=1)",
        "activation": "quantized_bits(8,4,0,alpha=1)",
    }
    chosen["activation" if place == "activation" else place.replace("depthwise", "kernel")] = (
        quantiser
    )
    layer = qkeras.QConv2D(
        CHANNELS, 2, kernel_quantizer=chosen["kernel"], bias_quantizer=chosen["bias"], name="c"
    )
    if place == "depthwise":
        layer = qkeras.QDepthwiseConv2D(
            2, depthwise_quantizer=chosen["kernel"], bias_quantizer=chosen["bias"], name="c"
        )
    act = qkeras.QActivation(chosen["activation"], name="a")
    return chain(keras, qkeras, layer, act, shape=(4, 4, CHANNELS))


def equals_predict(model: Any, graph: Graph, x: np.ndarray, direct: bool = False) -> bool:
    """Whether the graph's output is Keras's; ``direct`` calls the model, which is faster."""
    values = run(graph, quantise_input(graph, x))
    output = dequantise(graph, graph.output.name, values[graph.output.name])
    if direct:
        expected = np.asarray(model(x.astype(np.float32), training=False))
    else:
        expected = model.predict(x.astype(np.float32), verbose=0)
    assert np.ptp(expected) > 0
    return np.array_equal(output.reshape(expected.shape), expected)


def test_every_quantiser_of_qkeras_is_repeatable_or_refused_by_name(
    keras: Any, qkeras: Any
) -> None:
    """Whatever QKeras draws at training: the graph is what predict() computes, every time."""
    cases = quantiser_cases()
    classes = {
        name
        for name, value in vars(qkeras.quantizers).items()
        if isinstance(value, type) and issubclass(value, qkeras.quantizers.BaseQuantizer)
    }
    assert classes - {"BaseQuantizer"} == set(cases)
    x = np.random.default_rng(0).integers(-128, 128, (4, 4, 4, CHANNELS)) / 128
    converted = set()
    for name, texts in cases.items():
        places = ["kernel", "activation", *(["bias"] if "stochastic_" in name else [])]
        for text, place in itertools.product(texts, places):
            try:
                model = quantised_at(place, qkeras.get_quantizer(text), keras, qkeras)
            except (ValueError, TypeError, keras_error()):
                continue  # QKeras itself cannot use it there.
            try:
                graph = convert(model, EIGHT_BITS)
            except FrontendError as error:
                assert name in str(error) and ("near" in str(error) or "legal" in str(error))
                continue
            assert graph.digest() == convert(model, EIGHT_BITS).digest(), (text, place)
            assert equals_predict(model, graph, x, direct=True), (text, place)
            converted.add((name, place))
    assert not {place for name, place in converted if name == "bernoulli"}
    constant = set(cases) - {"bernoulli", "quantized_ulaw"}
    assert converted >= set(itertools.product(constant, ("kernel",)))
    assert converted >= {("stochastic_binary", "bias"), ("stochastic_ternary", "bias")}
    rounding = ("quantized_bits", "quantized_relu", "quantized_tanh", "quantized_sigmoid")
    assert converted >= {(name, "activation") for name in (*rounding, "stochastic_binary")}


def keras_error() -> type[Exception]:
    error: type[Exception] = lazy.load()[0].errors.InvalidArgumentError
    return error


@pytest.mark.parametrize("place", ["kernel", "depthwise", "bias", "activation"])
def test_what_is_random_at_inference_is_refused_by_name(
    place: str, keras: Any, qkeras: Any
) -> None:
    tf, _ = lazy.load()

    class Coin(qkeras.bernoulli):
        pass

    def dice(values: Any) -> Any:
        return tf.round(values + tf.random.uniform(tf.shape(values)))

    dice.max = dice.min = lambda: 1.0  # type: ignore[attr-defined]
    dice.bits = 8  # type: ignore[attr-defined]
    for quantiser, message in (
        (qkeras.bernoulli(alpha=1), "bernoulli draws random numbers at inference"),
        (Coin(alpha=1), "bernoulli draws random numbers at inference"),
        (dice, "dice (draws random numbers at inference|is not supported)"),
    ):
        where = "'a'" if place == "activation" else f"'c': {place}_quantizer"
        with pytest.raises(FrontendError, match=f"{where}.*{message}"):
            convert(quantised_at(place, quantiser, keras, qkeras), EIGHT_BITS)


def test_the_learning_phase_of_a_script_changes_nothing(keras: Any, qkeras: Any) -> None:
    text = "quantized_bits(4,0,1,alpha=1,use_stochastic_rounding=True)"
    model = quantised_at("kernel", text, keras, qkeras)
    expected = convert(model, EIGHT_BITS)
    with keras.backend.learning_phase_scope(1):
        assert keras.backend.learning_phase() == 1
        assert convert(model, EIGHT_BITS).digest() == expected.digest()
        x = np.random.default_rng(0).integers(-128, 128, (4, 4, 4, CHANNELS)) / 128
        agree(model, expected, x)
        assert keras.backend.learning_phase() == 1


def test_small_weights_are_not_taken_for_zeros(qkeras: Any) -> None:
    quantiser = qkeras.quantized_relu_po2(4, 1)
    values = np.array([1.0, 2.0**-16])
    with pytest.raises(FrontendError, match="lies on no power-of-two grid of up to 16 bits"):
        constants_on_grid("c", "kernel", values, quantiser, 16)
    integers, bits, fraction = constants_on_grid("c", "kernel", values[:1], quantiser, 16)
    assert (integers.tolist(), bits, fraction) == ([1], 2, 0)


# Hard tanh and sigmoid ------------------------------------------------------------------------


@pytest.mark.parametrize("own", [True, False], ids=["own activation", "QActivation"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("symmetric", [0, 1])
@pytest.mark.parametrize("kind", ["quantized_tanh", "quantized_sigmoid"])
@pytest.mark.parametrize("bits", [1, 2, 5])
def test_hard_tanh_and_sigmoid_for_all_sums(
    bits: int, kind: str, symmetric: int, bias: bool, own: bool, keras: Any, qkeras: Any
) -> None:
    """All sums of a layer from -4 to 4 in steps finer than the words, so with all ties."""
    act = getattr(qkeras, kind)(bits, symmetric=bool(symmetric))
    layer = qkeras.QDense(
        3,
        kernel_quantizer="quantized_bits(4,3,0,alpha=1)",
        bias_quantizer="quantized_bits(8,1,0,alpha=1)",
        use_bias=bias,
        activation=act if own else None,
        name="d",
    )
    model = chain(keras, qkeras, layer, *([] if own else [qkeras.QActivation(act)]), shape=(2,))
    # Sums of x[0] + 2 x[1], of their negative, and of three times that, and the bias.
    kernel = np.array([[1, -1, 3], [2, -2, 6]], np.float32)
    layer.set_weights([kernel, *([np.array([0.5, -1 / 32, 0.25])] if bias else [])])
    graph = from_keras(model, bits_input=8)
    steps = np.arange(-128, 128)
    x = np.stack(np.meshgrid(steps, [-64, 0, 63]), axis=-1).reshape(-1, 2) / 128
    if bits == 1 and symmetric:
        # One value is all that is left.
        values = run(graph, quantise_input(graph, x))[graph.output.name]
        assert (values == (kind == "quantized_sigmoid")).all()
        return
    agree(model, graph, x)
    assert equals_predict(model, graph, x, direct=not own)
    assert from_keras(to_keras(graph), bits_input=8).digest() == graph.digest()


def test_a_relu_in_front_of_a_hard_sigmoid(keras: Any, qkeras: Any) -> None:
    core = qkeras.QConv2D(3, 2, kernel_quantizer=KERNEL, bias_quantizer=BIAS, name="c")
    layers = [core, keras.layers.MaxPooling2D(2), keras.layers.ReLU()]
    model = chain(keras, qkeras, *layers, qkeras.QActivation("quantized_sigmoid(5)"))
    x = np.random.default_rng(0).integers(-128, 128, (4, 6, 6, 2)) / 128
    graph = from_keras(model, bits_input=8)
    assert equals_predict(model, graph, x)
    assert graph.value_ranges[graph.output.name] == (16, 31)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quantized_tanh(4,use_real_tanh=True)", "use_real_tanh=True, legal is use_real_tanh=F"),
        ("quantized_sigmoid(4,use_real_sigmoid=True)", "use_real_sigmoid=True, legal is"),
        ("quantized_tanh(9)", r"needs a 9-bit word.*use quantized_tanh\(8"),
        ("quantized_sigmoid(8)", r"\(unsigned.*needs a 9-bit word.*use quantized_sigmoid\(7"),
    ],
)
def test_tanh_and_sigmoid_that_are_not_exact_are_refused(
    text: str, message: str, keras: Any, qkeras: Any
) -> None:
    core = qkeras.QConv2D(3, 2, kernel_quantizer=KERNEL, bias_quantizer=BIAS)
    with pytest.raises(FrontendError, match=f"'t': .*{message}"):
        convert(chain(keras, qkeras, core, qkeras.QActivation(text, name="t")), EIGHT_BITS)


def test_another_internal_sigmoid_is_refused(keras: Any, qkeras: Any) -> None:
    core = qkeras.QConv2D(3, 2, kernel_quantizer=KERNEL, bias_quantizer=BIAS)
    for act in ("quantized_tanh(4)", "quantized_sigmoid(4)"):
        model = chain(keras, qkeras, core, qkeras.QActivation(act, name="t"))
        qkeras.quantizers.set_internal_sigmoid("smooth")
        try:
            with pytest.raises(FrontendError, match=r"'t': .*internal sigmoid smooth_sigmoid"):
                convert(model, EIGHT_BITS)
        finally:
            qkeras.quantizers.set_internal_sigmoid("hard")


def test_a_sigmoid_without_a_bias_to_add_is_refused(keras: Any, qkeras: Any) -> None:
    act = qkeras.QActivation("quantized_sigmoid(4)", name="s")
    for before in (
        [qkeras.QActivation("quantized_bits(8,0,0,alpha=1)")],
        [qkeras.QActivation("quantized_bits(8,0,0,alpha=1)"), keras.layers.MaxPooling2D(2)],
        [keras.layers.AveragePooling2D(2)],
    ):
        with pytest.raises(FrontendError, match=r"'s': quantized_sigmoid adds 1/2.*QDepthwise"):
            convert(chain(keras, qkeras, *before, act), EIGHT_BITS)
    with pytest.raises(FrontendError, match="'s': the input's quantiser"):
        convert(chain(keras, qkeras, act, keras.layers.MaxPooling2D(2)), EIGHT_BITS)


# Hints ----------------------------------------------------------------------------------------


def followed_hints(keras: Any, qkeras: Any) -> dict[str, tuple[Any, Any, tuple[int, ...]]]:
    """By the layer that is refused: what its hint makes of a Keras tensor, what equals it.

    The second is NumPy's: None where the hint is no equal of the layer.
    """
    from corewright.frontends import operators

    layers = keras.layers

    def quantised(x: Any, text: str = "quantized_bits(8,3,0,alpha=1)") -> Any:
        return qkeras.QActivation(text)(x)

    def conv(x: Any, channels: int = 2, kernel: Any = 3, **options: Any) -> Any:
        constants = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS}
        return qkeras.QConv2D(channels, kernel, **constants, **options)(x)

    def difference(a: Any, b: Any, sign: int) -> Any:
        """``sign * (a - b)`` by a 1x1 convolution of what is joined, kept at zero or more."""
        kernel = np.zeros((1, 1, 4, 2), np.float32)
        kernel[0, 0, (0, 1), (0, 1)], kernel[0, 0, (2, 3), (0, 1)] = sign, -sign
        layer = qkeras.QConv2D(
            2, 1, kernel_quantizer="quantized_bits(2,1,0,alpha=1)", use_bias=False
        )
        result = layer(layers.Concatenate()([a, b]))
        layer.set_weights([kernel])
        return result

    def maximum(x: Any) -> Any:
        a, b = halves(x)
        rest = quantised(difference(a, b, 1), "quantized_relu(7,2)")
        return quantised(layers.Add()([rest, b]), INPUT)

    def minimum(x: Any) -> Any:
        a, b = halves(x)
        rest = quantised(difference(a, b, 1), "quantized_relu(7,2)")
        return quantised(difference(a, rest, 1), INPUT)

    def average(x: Any) -> Any:
        return quantised(layers.Add()(halves(x)), "quantized_bits(8,3,0,1,alpha=0.5)")

    def halves(x: Any) -> list[Any]:
        return [operators.ChannelSlice(0, 2)(x), operators.ChannelSlice(2, 2)(x)]

    def separable(x: Any) -> Any:
        constants = {"depthwise_quantizer": KERNEL, "bias_quantizer": BIAS}
        return quantised(conv(quantised(qkeras.QDepthwiseConv2D(3, **constants)(x)), kernel=1))

    def transposed(x: Any) -> Any:
        return quantised(conv(layers.UpSampling2D(2, interpolation="nearest")(x)))

    def dense(x: Any) -> Any:
        constants = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS}
        return quantised(qkeras.QDense(3, **constants)(layers.Flatten()(x)))

    def depthwise(x: Any) -> Any:
        constants = {"depthwise_quantizer": KERNEL, "bias_quantizer": BIAS}
        return quantised(qkeras.QDepthwiseConv2D(3, **constants)(x))

    def leaky(x: Any) -> Any:
        return quantised(conv(x), "quantized_relu(8,3,negative_slope=0.125)")

    def scores(x: Any) -> Any:
        own, other = halves(x)
        product = quantised(operators.QMatMul(transpose_b=True)([own, other]))
        return operators.QSoftmax(8, 7)(product)

    def product(x: Any) -> Any:
        own, other = halves(x)
        return quantised(operators.QMatMul(transpose_b=True)([own, other]))

    def sum_of_two(x: Any) -> Any:
        return quantised(layers.Add()(halves(x)))

    def numpy_halves(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return x[..., :2], x[..., 2:]

    def mean(x: np.ndarray) -> np.ndarray:
        # Behind the quantiser of 5 fractional bits.
        return np.rint(sum(numpy_halves(x)) * 16) / 32

    image, row = (6, 6, 4), (1, 8, 4)
    plain = (lambda x: quantised(conv(x, padding="valid")), None, image)
    return {
        **dict.fromkeys(("Conv2D", "Rescaling", "Normalization", "Cropping2D"), plain),
        **dict.fromkeys(("Conv2DTranspose", "QConv2DTranspose"), (transposed, None, image)),
        "Dense": (dense, None, image),
        "DepthwiseConv2D": (depthwise, None, image),
        **dict.fromkeys(("SeparableConv2D", "QSeparableConv2D"), (separable, None, image)),
        **dict.fromkeys(("LeakyReLU", "PReLU"), (leaky, None, image)),
        "Subtract": (sum_of_two, None, image),
        "Average": (average, mean, image),
        **dict.fromkeys(
            ("Conv1D", "QConv1D"), (lambda x: quantised(conv(x, kernel=(1, 3))), None, row)
        ),
        "MaxPooling1D": (lambda x: layers.MaxPooling2D((1, 2))(x), None, row),
        "AveragePooling1D": (
            lambda x: quantised(layers.AveragePooling2D((1, 2))(x)),
            None,
            row,
        ),
        **dict.fromkeys(("MultiHeadAttention", "Attention", "Dot"), (scores, None, image)),
        "Multiply": (product, None, image),
        "Maximum": (maximum, lambda x: np.maximum(*numpy_halves(x)), image),
        "Minimum": (minimum, lambda x: np.minimum(*numpy_halves(x)), image),
    }


# Hints that are advice about data or training, or another tool's, and those that batch norms'
# tests follow.
ADVICE = {
    *("LSTM", "GRU", "SimpleRNN", "QLSTM", "QGRU", "QSimpleRNN", "Bidirectional"),
    *("Embedding", "Permute", "PruneLowMagnitude"),
    *("QBatchNormalization", "QDenseBatchnorm", "LayerNormalization", "GroupNormalization"),
}
INPUT = "quantized_bits(7,1,0,1,alpha=1)"


def test_every_hint_that_names_a_layer_can_be_followed(keras: Any, qkeras: Any) -> None:
    hints = followed_hints(keras, qkeras)
    assert set(hints) | ADVICE == set(NEAREST)
    for make, expected, shape in dict.fromkeys(hints.values()):
        raw = keras.Input(shape)
        model = keras.Model(raw, make(qkeras.QActivation(INPUT)(raw)))
        if expected is None:
            randomise(model, np.random.default_rng(0))
        x = np.random.default_rng(1).integers(-64, 64, (3, *shape)) / 32
        graph = convert(model, EIGHT_BITS)
        agree(model, graph, x)
        assert equals_predict(model, graph, x, direct=True), model.to_json()
        if expected is not None:
            assert np.array_equal(np.asarray(model(x.astype(np.float32))), expected(x))


def test_hints_name_what_works(keras: Any, qkeras: Any) -> None:
    raw = keras.Input((4, 4, 2))
    for layer, words in (
        (keras.layers.Maximum(name="m"), "Concatenate, a QConv2D with a 1x1 kernel of 1 and -1"),
        (keras.layers.Average(name="m"), "alpha=0.5"),
    ):
        x = qkeras.QActivation(SIGNED)(raw)
        with pytest.raises(FrontendError, match=f"'m' of type .* is not supported.*{words}"):
            convert(keras.Model(raw, layer([x, x])), EIGHT_BITS)
    soft = keras.layers.Softmax(name="s")(qkeras.QActivation(SIGNED)(raw))
    model = keras.Model(raw, keras.layers.MaxPooling2D(2)(soft))
    with pytest.raises(FrontendError, match=r"follows the softmax 's'.*QSoftmax\("):
        convert(model, EIGHT_BITS)
    images = chain(
        keras, qkeras, qkeras.QActivation("quantized_relu(8,8)", name="u"), keras.layers.Flatten()
    )
    with pytest.raises(FrontendError, match=r"'u': the input has 8 bits .*bits_input=16.*uint8 -"):
        convert(images, EIGHT_BITS)
    for kind, hint in (("tanh", "quantized_tanh"), ("sigmoid", "quantized_sigmoid")):
        dense = qkeras.QDense(2, activation=kind, name="d", kernel_quantizer=KERNEL)
        with pytest.raises(FrontendError, match=rf"'d': activation {kind} .* nearest is {hint}\("):
            convert(chain(keras, qkeras, dense, shape=(4,)), EIGHT_BITS)
        last = keras.layers.Activation(kind, name="e")
        with pytest.raises(FrontendError, match=rf"'e' .*\({kind}\).* use QActivation with {hint}"):
            convert(chain(keras, qkeras, last, shape=(4,)), EIGHT_BITS)


# Names ----------------------------------------------------------------------------------------


def test_names_that_users_give_never_meet_those_that_are_made_up(keras: Any, qkeras: Any) -> None:
    """Layers called as the tensors between a convolution and its pools would be."""
    raw = keras.Input((8, 8, 2), name="pool_quantised")
    x = qkeras.QActivation(SIGNED, name="conv_quantised_3")(raw)
    for index, name in enumerate(("conv", "conv_quantised", "conv_quantised_quantised")):
        core = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS, "padding": "same"}
        x = qkeras.QConv2D(2, 2, name=name, **core)(x)
        x = keras.layers.MaxPooling2D(2, 1, name=("pool", "p/1", "p_1")[index])(x)
        x = keras.layers.UpSampling2D((1, 2), name=("up", "p_1_quantised", "u" * 90)[index])(x)
        act = ("conv_quantised_2", "up_quantised", "pool_quantised_quantised")[index]
        x = qkeras.QActivation(SIGNED, name=act)(x)
    model = keras.Model(raw, x)
    randomise(model, np.random.default_rng(0))
    graph = from_keras(model, bits_input=4, name="schönes Netz/1")
    made = [node.output.name for node in graph.compute_nodes]
    layers = {layer.name for layer in model.layers}
    assert len(set(made)) == len(made) == 9 and len(layers & set(made)) == 3
    x = np.random.default_rng(1).integers(-8, 8, (3, 8, 8, 2)) / 4
    outputs = keras_layer_outputs(model, x)
    values = run(graph, quantise_input(graph, x))
    for name in layers & set(values):
        real = outputs[name].reshape(values[name].shape)
        assert np.array_equal(real, dequantise(graph, name, values[name])), name
    assert equals_predict(model, graph, x)
    again = from_keras(to_keras(graph), bits_input=4, name=graph.name)
    assert again.digest() == graph.digest()


def test_a_cycle_of_nodes_is_an_error() -> None:
    requant = Requant.identity(-8, 7)

    def pool(name: str, source: str, output: str) -> Pool:
        tensor = Tensor(output, 2, 2, 1, 4, 0)
        return Pool(name, "max", source, tensor, (1, 1), (1, 1), (0, 0, 0, 0), requant)

    own = pool("a", "t", "t")
    ring = [pool("a", "v", "t"), pool("b", "t", "u"), pool("c", "u", "v")]
    for nodes, output in (([own], "t"), (ring, "v"), ([pool("x", "image", "y"), *ring], "u")):
        with pytest.raises(GraphError, match="reads what depends on its own output"):
            ordered_nodes(nodes, output)
    twice = [pool("a", "image", "t"), pool("b", "t", "t")]
    with pytest.raises(GraphError, match="tensor 't': the name occurs 2 times"):
        ordered_nodes(twice, "t")
    with pytest.raises(GraphError, match="layer 'a': the name occurs 2 times"):
        ordered_nodes([pool("a", "image", "t"), pool("a", "t", "u")], "u")


# Layers that several models share --------------------------------------------------------------


def shared_parts(keras: Any, qkeras: Any) -> Any:
    core = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS}
    return chain(
        keras,
        qkeras,
        qkeras.QConv2D(3, 2, name="conv", **core),
        keras.layers.MaxPooling2D(2, 1, name="pool"),
        qkeras.QActivation(SIGNED, name="act"),
        keras.layers.Flatten(name="flat"),
        qkeras.QDense(4, name="dense", **core),
        qkeras.QActivation("quantized_bits(8,3,0,alpha=1)", name="out"),
    )


def test_layers_that_another_model_shares_count_once(keras: Any, qkeras: Any) -> None:
    model = shared_parts(keras, qkeras)
    before = convert(model, EIGHT_BITS).digest()
    beginning = keras.Model(model.input, model.layers[2].output)
    end = keras.Model(model.layers[2].output, model.output)
    clone = keras.models.clone_model(model, clone_function=lambda layer: layer)
    wider = keras.Input((9, 9, 2), name="wide")
    y = wider
    for layer in model.layers[:3]:
        y = layer(y)
    others = [
        *(beginning, end, clone, keras.Model(wider, y)),
        keras.Sequential([keras.layers.InputLayer((6, 6, 2)), *model.layers[:3]]),
        keras.Sequential([keras.layers.InputLayer((6, 6, 2)), *model.layers]),
    ]
    assert len(model.layers[0].inbound_nodes) > 3
    for other in [*others, model]:
        graph = convert(other, EIGHT_BITS)
        shape = (3, *other.input_shape[1:])
        images = np.random.default_rng(1).integers(-128, 128, shape) / 128
        agree(other, graph, images)
        assert equals_predict(other, graph, images)
    assert convert(model, EIGHT_BITS).digest() == before


def test_a_model_in_a_model_leaves_the_inner_one_as_it_is(keras: Any, qkeras: Any) -> None:
    model = shared_parts(keras, qkeras)
    before = convert(model, EIGHT_BITS).digest()
    nested = keras.Sequential([keras.layers.InputLayer((6, 6, 2)), model])
    with pytest.raises(FrontendError, match="is a model in the model"):
        convert(nested, EIGHT_BITS)
    assert convert(model, EIGHT_BITS).digest() == before


def test_a_layer_used_twice_in_one_model_stays_refused(keras: Any, qkeras: Any) -> None:
    raw = keras.Input((4, 4, 2))
    layer = qkeras.QConv2D(2, 1, activation=SIGNED, **CONV)
    model = keras.Model(raw, layer(layer(raw)))
    with pytest.raises(FrontendError, match="'c' is used 2 times in this model, legal is once"):
        convert(model, EIGHT_BITS)


def test_what_a_call_adds_to_a_layer_is_refused(keras: Any, qkeras: Any) -> None:
    tf, _ = lazy.load()
    raw = keras.Input((4, 4, 2))
    x = qkeras.QActivation(SIGNED)(raw)
    for arguments, options in (((x,), {"training": True}), ((x, True), {})):
        y = keras.layers.Dropout(0.5, name="d")(*arguments, **options)
        with pytest.raises(FrontendError, match="'d' is called with training=True"):
            convert(keras.Model(raw, keras.layers.MaxPooling2D(2)(y)), EIGHT_BITS)
    y = keras.layers.Dropout(0.5)(x, training=False)
    assert convert(keras.Model(raw, keras.layers.MaxPooling2D(2)(y)), EIGHT_BITS).nodes
    for join in (keras.layers.Concatenate(name="j"), keras.layers.Add(name="j")):
        y = join([x, tf.ones((1, 4, 4, 2))])
        with pytest.raises(FrontendError, match=r"'j' reads a constant of shape \(1, 4, 4, 2\)"):
            convert(keras.Model(raw, keras.layers.MaxPooling2D(2)(y)), EIGHT_BITS)


# What is given as a model ----------------------------------------------------------------------


def test_a_path_of_a_saved_model_is_a_model(keras: Any, qkeras: Any, tmp_path: Path) -> None:
    core = qkeras.QConv2D(3, 2, kernel_quantizer=KERNEL, bias_quantizer=BIAS)
    model = chain(keras, qkeras, core, qkeras.QActivation(SIGNED))
    expected = convert(model, EIGHT_BITS).digest()
    x = np.random.default_rng(1).integers(-128, 128, (3, 6, 6, 2)) / 128
    for name in ("model.h5", "folder"):
        path = tmp_path / name
        model.save(path)
        for given in (path, str(path)):
            assert convert(given, EIGHT_BITS).digest() == expected
        agree(path, from_keras(path, bits_input=8, bits_weights=8), x)


def test_files_that_are_no_models_are_named(keras: Any, qkeras: Any, tmp_path: Path) -> None:
    act = qkeras.quantized_bits(8, 3, alpha=1)
    model = chain(keras, qkeras, qkeras.QActivation(act), keras.layers.MaxPooling2D(2))
    model.save(tmp_path / "model.keras")
    model.save(tmp_path / "model.h5")
    model.save_weights(tmp_path / "weights.h5")
    good = (tmp_path / "model.h5").read_bytes()
    (tmp_path / "short.h5").write_bytes(good[: len(good) // 2])
    (tmp_path / "empty.h5").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "net.cwgraph").write_bytes(b"")
    for name, message in (
        ("model.keras", "lose QKeras's quantisers; save the model as .h5"),
        ("weights.h5", "a file of weights.*load_weights"),
        ("short.h5", "damaged"),
        ("empty.h5", "damaged"),
        ("folder", "damaged"),
        ("net.cwgraph", "an integer graph.*Graph.load"),
        ("missing.h5", "no model"),
    ):
        with pytest.raises(FrontendError, match=message) as caught:
            convert(tmp_path / name, EIGHT_BITS)
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_a_layer_that_keras_does_not_know_is_named(keras: Any, qkeras: Any, tmp_path: Path) -> None:
    class Homemade(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs

    chain(keras, qkeras, Homemade()).save(tmp_path / "own.h5")
    with pytest.raises(FrontendError, match=r"Unknown layer: '?Homemade.*custom_objects"):
        convert(tmp_path / "own.h5", EIGHT_BITS)


def test_what_is_neither_model_nor_hardware_is_named(keras: Any, qkeras: Any) -> None:
    model = shared_parts(keras, qkeras)
    graph = convert(model, EIGHT_BITS)
    for given, message in (
        (None, "model is None"),
        (7, "of type builtins.int"),
        ([model], "of type builtins.list"),
        (keras.Sequential, "model is the class Sequential"),
        (keras.layers.Flatten(), "of type .*Flatten.*nearest is keras.Sequential"),
        (graph, "of type .*Graph.*needs no conversion"),
    ):
        with pytest.raises(FrontendError, match=message):
            convert(given, EIGHT_BITS)
        with pytest.raises(FrontendError, match=message):
            keras_layer_outputs(given, np.zeros((1, 6, 6, 2)))
    for given in (None, "hw.json", 8, {"bits_input": 8}, SimpleNamespace, model):
        with pytest.raises(FrontendError, match=r"hw is .*, which has no bits_input.*Hardware"):
            convert(model, given)
    with pytest.raises(FrontendError, match="which has no bits_weights"):
        convert(model, SimpleNamespace(bits_input=8))
    for text in ("quantized_bits(8", "nothing(8)", 8):
        with pytest.raises(FrontendError, match=r"output_quantiser is .*legal is a QKeras quant"):
            convert(model, EIGHT_BITS, output_quantiser=text)


def test_the_advice_for_a_subclassed_model_works(keras: Any, qkeras: Any) -> None:
    core = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS}

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.core = qkeras.QConv2D(3, 2, **core)
            self.act = qkeras.QActivation(SIGNED)

        def call(self, inputs: Any) -> Any:
            return self.act(self.core(inputs))

    model = Own()
    images = np.random.default_rng(1).integers(-128, 128, (3, 6, 6, 2)) / 128
    for _ in range(2):
        with pytest.raises(FrontendError, match=r"is a subclassed model.*model\.call\(x\)"):
            convert(model, EIGHT_BITS)
        model.build((None, 6, 6, 2))
    x = keras.Input((6, 6, 2))
    followed = keras.Model(x, model.call(x))
    assert equals_predict(followed, convert(followed, EIGHT_BITS), images)
    with pytest.raises(FrontendError, match="has no inputs yet; build it"):
        convert(keras.Sequential([qkeras.QActivation(SIGNED)]), EIGHT_BITS)


# Quantisers of the output ----------------------------------------------------------------------

LOGITS = "quantized_bits(8,3,0,alpha=1)"


def ending(kind: str, keras: Any, qkeras: Any) -> Any:
    core = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS}
    tail: dict[str, list[Any]] = {
        "Activation": [keras.layers.Activation("softmax", name="soft")],
        "Softmax": [keras.layers.Softmax(name="soft")],
        "own": [],
        "Dropout": [keras.layers.Dropout(0.5), keras.layers.Softmax(name="soft")],
        "relu": [keras.layers.ReLU(), keras.layers.Softmax(name="soft")],
        "none": [],
    }
    own = {"activation": "softmax"} if kind == "own" else {}
    return chain(
        keras,
        qkeras,
        qkeras.QConv2D(3, 2, name="dense_quantised", activation="quantized_relu(4,1)", **core),
        keras.layers.Flatten(),
        qkeras.QDense(4, name="dense", **core, **own),
        *tail[kind],
    )


@pytest.mark.parametrize("kind", ["Activation", "Softmax", "own", "Dropout", "relu", "none"])
def test_an_output_quantiser_stands_in_front_of_the_final_softmax(
    kind: str, keras: Any, qkeras: Any
) -> None:
    model = ending(kind, keras, qkeras)
    message = "output_quantiser" if kind != "none" else "the model's output is not quantised"
    with pytest.raises(FrontendError, match=message):
        convert(model, EIGHT_BITS)
    graph = convert(model, EIGHT_BITS, output_quantiser=LOGITS)
    x = np.random.default_rng(1).integers(-128, 128, (5, 6, 6, 2)) / 128
    values = run(graph, quantise_input(graph, x))
    # Keras's own sums, through QKeras's quantiser.
    sums = keras.Sequential(model.layers[:2])(x.astype(np.float32)) @ np.asarray(
        model.get_layer("dense").kernel_quantizer_internal(model.get_layer("dense").kernel)
    )
    dense = model.get_layer("dense")
    sums = sums + dense.bias_quantizer_internal(dense.bias)
    logits = np.asarray(qkeras.get_quantizer(LOGITS)(keras.activations.relu(sums)))
    if kind != "relu":
        logits = np.asarray(qkeras.get_quantizer(LOGITS)(sums))
    output = dequantise(graph, graph.output.name, values[graph.output.name]).reshape(5, 4)
    assert np.array_equal(output, logits) and np.ptp(logits) > 0
    if kind != "none":
        probabilities = host_output(graph, values).reshape(5, 4)
        expected = np.asarray(keras.activations.softmax(lazy.load()[0].constant(logits)))
        assert np.allclose(probabilities, expected, atol=1e-6)
    assert graph.softmax is None if kind == "none" else graph.softmax is not None
    # What Keras computes, with the quantiser that it has not.
    outputs = with_quantised_output(graph, model, keras_layer_outputs(model, x))
    assert np.array_equal(outputs[graph.output.name], logits)
    before = {"Dropout": "dropout", "relu": "re_lu"}.get(kind, "dense_quantised_2")
    assert graph.output.name.startswith(before)


def test_a_softmax_without_sums_to_quantise_is_refused(keras: Any, qkeras: Any) -> None:
    model = ending("own", keras, qkeras)
    message = r"'dense': activation softmax .*Activation\('softmax'\), or output_quantiser"
    with pytest.raises(FrontendError, match=message):
        convert(model, EIGHT_BITS)


def test_export_compares_keras_with_the_quantiser_that_it_has_not(
    keras: Any, qkeras: Any, tmp_path: Path
) -> None:
    from corewright import Hardware
    from corewright.flow import FlowInputError, MismatchError, export_inference

    hw = Hardware(processing_elements=(4, 4), bits_input=8, bits_weights=8)
    x = np.random.default_rng(1).integers(-128, 128, (2, 6, 6, 2)) / 128
    for kind in ("own", "Softmax", "none"):
        model = ending(kind, keras, qkeras)
        graph = convert(model, hw, output_quantiser=LOGITS)
        saved = Graph.load(graph.save(tmp_path / "net.cwgraph"))
        folders: dict[str, Any] = {"data_dir": tmp_path / kind, "directory": tmp_path}
        vectors = export_inference(saved, hw, x, model=model, **folders)
        # All tensors but the input's: the first layer's and the output.
        assert vectors.info["framework"] == {
            "layers": 3,
            "images": 2,
            "bit_exact": True,
            "different": [],
        }
        dense = model.get_layer("dense")
        dense.set_weights([-weights for weights in dense.get_weights()])
        with pytest.raises(MismatchError, match=rf"Keras differs.* {graph.output.name}"):
            export_inference(saved, hw, x, model=model, **folders)
    other = chain(keras, qkeras, qkeras.QActivation(SIGNED), keras.layers.MaxPooling2D(2))
    with pytest.raises(FlowInputError, match="model has no layer that makes the graph's output"):
        export_inference(graph, hw, x, model=other, **folders)
