# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QKeras models and their integer graphs agree exactly, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from corewright.frontends import FrontendError, from_keras, keras_layer_outputs
from corewright.frontends import tensorflow as lazy
from corewright.frontends.evaluate import _relu_in_float64
from corewright.frontends.quantisers import activation_format, constants_on_grid
from corewright.golden import dequantise, host_output, quantise_input, run
from corewright.graph import Conv, Dense, Graph, Pool, accumulator_bits

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
        (lambda k, q: [k.layers.BatchNormalization(name="b")], "'b': a BatchNorm.* is folded"),
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
            lambda k, q: [q.QConv2D(2, 2, **CONV), q.QActivation("quantized_tanh(4)", name="t")],
            "'t': activation quantized_tanh is not supported",
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
            "'c': activation sigmoid is not supported; nearest are quantized_bits",
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
