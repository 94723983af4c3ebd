# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Graph-shaped QKeras models: additions, depthwise, concatenation, padding."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import corewright
from corewright.frontends import FrontendError, convert, keras_layer_outputs
from corewright.frontends import tensorflow as lazy
from corewright.frontends.order import ordered_nodes, with_equal_words
from corewright.golden import dequantise, host_output, quantise_input, run
from corewright.graph import Add, Concat, Conv, Depthwise, Graph, Pool, Tensor, Upsample

pytestmark = pytest.mark.tensorflow

HW = SimpleNamespace(bits_input=8, bits_weights=8)
KERNEL = "quantized_bits(4,0,False,True,1)"
BIAS = "quantized_bits(8,1,False,True,1)"
SIGNED = "quantized_bits(4,1,False,True,1)"
RELU = "quantized_relu(4,1)"
CORE = {"kernel_quantizer": KERNEL, "bias_quantizer": BIAS}
DEPTH = {"depthwise_quantizer": KERNEL, "bias_quantizer": BIAS}


@pytest.fixture(scope="module")
def keras() -> Any:
    return lazy.load()[0].keras


@pytest.fixture(scope="module")
def qkeras() -> Any:
    return lazy.load()[1]


def randomise(model: Any, seed: int) -> Any:
    """Random weights and batch-norm statistics; factors of layers behind others are exact ones."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        values = []
        exact = type(layer).__name__ == "BatchNormalization"
        for variable in layer.weights:
            shape, name = variable.shape, variable.name
            if "iteration" in name:
                values.append(np.asarray(variable))
            elif exact and "variance" in name:
                values.append(np.full(shape, 1 - layer.epsilon))
            elif exact and "gamma" in name:
                values.append(np.ldexp(rng.choice([-1.0, 1.0], shape), rng.integers(-1, 1, shape)))
            elif "variance" in name or "gamma" in name:
                values.append(rng.uniform(0.5, 1.3, shape))
            else:
                values.append(rng.uniform(-1, 1, shape))
        layer.set_weights(values)
    return model


def agree(model: Any, graph: Graph, seed: int = 0) -> dict[str, npt.NDArray[np.int64]]:
    """Keras in float64 equals the graph in every tensor; the integers are returned."""
    x = np.random.default_rng(seed).uniform(-1.2, 1.2, (3, *graph.input.shape))
    outputs = keras_layer_outputs(model, x)
    values = run(graph, quantise_input(graph, x))
    compared = 0
    for name, value in values.items():
        if not name.endswith("_quantised"):  # quantising and pooling were exchanged
            real = outputs[name].reshape(value.shape)
            assert np.array_equal(real, dequantise(graph, name, value)), name
            compared += 1
    assert compared >= 2
    assert np.ptp(values[graph.output.name]) > 0
    return values


def random_model(seed: int, keras: Any, qkeras: Any) -> Any:
    """Branches of random layers that meet in additions and concatenations."""
    rng = np.random.default_rng(seed)
    layers = keras.layers

    def pick(*options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    def act(x: Any) -> Any:
        bits, integer = int(rng.integers(2, 8)), int(rng.integers(0, 3))
        return qkeras.QActivation(
            pick(
                f"quantized_bits({bits},{integer},{int(rng.integers(2))},True,1)",
                f"quantized_relu({bits},{integer})",
                f"quantized_relu({bits},{integer},negative_slope=0.5)",
            )
        )(x)

    def maybe(layer: Any, x: Any) -> Any:
        return layer(x) if rng.integers(2) else x

    def branch(x: Any, filters: int) -> Any:
        """Keeps the image's size."""
        choice = int(rng.integers(5))
        if choice == 0:
            x = act(qkeras.QDepthwiseConv2D(3, padding="same", **DEPTH)(x))
            x = qkeras.QConv2D(filters, 1, **CORE)(x)
        elif choice == 1:
            x = layers.ZeroPadding2D(((2, 0), (1, 1)))(x)
            x = qkeras.QConv2D(filters, 3, **CORE)(x)
            x = maybe(layers.BatchNormalization(), x)
        elif choice == 2:
            x = layers.ZeroPadding2D(1)(x)
            x = qkeras.QConv2D(filters, 3, strides=2, **CORE)(x)
            x = maybe(layers.ReLU(), layers.UpSampling2D(2)(x))
        elif choice == 3:
            x = maybe(layers.BatchNormalization(), qkeras.QConv2D(filters, 1, **CORE)(x))
            x = maybe(layers.MaxPooling2D(3, strides=1, padding="same"), x)
        else:
            x = act(layers.AveragePooling2D((2, 3), strides=1, padding="same")(x))
            x = qkeras.QConv2DBatchnorm(filters, 3, padding="same", **CORE)(x)
        return act(x)

    raw = keras.Input((8, 6, int(rng.integers(1, 4))))
    x = qkeras.QActivation("quantized_bits(5,0,False,True,1)")(raw)
    filters = int(rng.integers(2, 5))
    x = branch(x, filters)
    for _ in range(2):
        skip = x if rng.integers(2) else branch(x, filters)
        parts = [branch(x, filters), skip]
        x = act(layers.Add()(parts if rng.integers(2) else parts[::-1]))
        x = maybe(layers.ReLU(), x)
    same = "quantized_bits(6,1,False,True,1)"
    left = qkeras.QActivation(same)(qkeras.QConv2D(3, 1, **CORE)(x))
    right = qkeras.QActivation("quantized_relu(4,0)")(qkeras.QConv2D(2, 1, **CORE)(x))
    x = layers.Concatenate()([left, right, left])
    x = act(layers.GlobalAveragePooling2D(keepdims=bool(rng.integers(2)))(x))
    x = layers.Flatten()(x) if len(x.shape) == 4 else x
    x = maybe(layers.Activation("softmax"), act(qkeras.QDense(5, **CORE)(x)))
    return randomise(keras.Model(raw, x), seed)


@pytest.mark.parametrize("seed", range(16))
def test_random_branches_agree_in_float64(seed: int, keras: Any, qkeras: Any) -> None:
    model = random_model(seed, keras, qkeras)
    graph = corewright.convert(model, HW)
    agree(model, graph, seed)
    kinds = [type(node) for node in graph.nodes]
    assert kinds.count(Add) == 2 and kinds.count(Concat) == 1


def functional(keras: Any, build: Any, shape: tuple[int, ...] = (6, 6, 2)) -> Any:
    raw = keras.Input(shape, name="image")
    return randomise(keras.Model(raw, build(raw)), 0)


def test_operands_of_other_fractions_are_aligned(keras: Any, qkeras: Any) -> None:
    def build(raw: Any) -> Any:
        x = qkeras.QActivation("quantized_bits(4,0,False,True,1)", name="skip")(raw)
        y = qkeras.QConv2D(2, 1, **CORE)(x)
        y = qkeras.QActivation("quantized_bits(5,2,False,True,1)", name="main")(y)
        return qkeras.QActivation("quantized_bits(8,1,False,True,1)", name="sum")(
            keras.layers.Add(name="add")([x, y])
        )

    model = functional(keras, build)
    graph = convert(model, HW)
    add = graph.node("add")
    assert isinstance(add, Add)
    # The main operand is the one that nothing else reads, whichever Keras names first. The sum
    # has a finer grid than both.
    assert add.inputs == ("main", "skip")
    assert (add.own_shift, add.other_shift, add.requant.shift) == (4, 3, 0)
    agree(model, graph)


def test_joined_words_of_other_widths_become_equal(keras: Any, qkeras: Any) -> None:
    def build(raw: Any) -> Any:
        x = qkeras.QActivation("quantized_bits(4,0,False,True,1)", name="x")(raw)
        y = qkeras.QActivation("quantized_bits(6,2,False,True,1)", name="y")(
            qkeras.QConv2D(3, 1, **CORE)(x)
        )
        y = keras.layers.UpSampling2D((1, 2), name="up")(y)
        x = keras.layers.UpSampling2D((1, 2), name="up2")(x)
        return keras.layers.Concatenate(name="joined")([x, y])

    model = functional(keras, build)
    graph = convert(model, HW)
    assert {name: t.bits for name, t in graph.tensors.items()} == dict.fromkeys(graph.tensors, 6)
    assert graph.input_limits == (-8, 7)
    assert isinstance(graph.node("up"), Upsample)
    agree(model, graph)


def test_padding_is_merged_into_the_window_behind_it(keras: Any, qkeras: Any) -> None:
    def build(raw: Any) -> Any:
        x = qkeras.QActivation(SIGNED)(raw)
        x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        x = qkeras.QDepthwiseConv2D(3, strides=2, padding="valid", **DEPTH, name="d")(x)
        x = qkeras.QActivation(RELU)(x)
        x = keras.layers.ZeroPadding2D(1)(x)
        x = keras.layers.MaxPooling2D(2, strides=1, name="p")(x)
        x = keras.layers.ZeroPadding2D(((1, 0), (0, 0)))(x)
        x = qkeras.QConv2D(2, 3, padding="same", **CORE, name="c")(x)
        return qkeras.QActivation(SIGNED)(x)

    model = functional(keras, build)
    graph = convert(model, HW)
    depthwise, pool, conv = (graph.node(name) for name in "dpc")
    assert isinstance(depthwise, Depthwise) and depthwise.padding == (0, 1, 0, 1)
    assert isinstance(pool, Pool) and pool.padding == (1, 1, 1, 1)
    assert isinstance(conv, Conv) and conv.padding == (2, 1, 1, 1)
    agree(model, graph)


@pytest.mark.parametrize(("use_bias", "signs"), [(True, 4), (False, 4), (False, 3)])
def test_a_sign_is_minus_or_plus_one_and_never_zero(
    use_bias: bool, signs: int, keras: Any, qkeras: Any
) -> None:
    def build(raw: Any) -> Any:
        x = qkeras.QActivation("quantized_bits(2,0,False,True,1)")(raw)
        x = qkeras.QConv2D(signs, 2, use_bias=use_bias, **CORE)(x)
        x = keras.layers.MaxPooling2D(2)(x)
        x = qkeras.QActivation("quantized_bits(1,0,False,True,1)", name="sign")(x)
        x = qkeras.QConv2D(4, 1, use_bias=False, kernel_quantizer="quantized_bits(1,0,0,1,1)")(x)
        return qkeras.QActivation("quantized_bits(1,0,False,True,0.5)", name="out")(x)

    model = functional(keras, build)
    graph = convert(model, SimpleNamespace(bits_input=2, bits_weights=4))
    values = agree(model, graph)
    # Sums of four signs, zero among them, have the sign +1 there; sums of three reach -1.
    assert set(np.unique(values["out"])) == set(np.unique(values["sign"])) == {-1, 1}
    assert (graph.output.bits, graph.output.fraction) == (2, 1)


def test_a_second_quantiser_is_a_pass_of_its_own(keras: Any, qkeras: Any) -> None:
    def build(raw: Any) -> Any:
        x = qkeras.QActivation("quantized_bits(8,1,False,True,1)", name="wide")(raw)
        y = qkeras.QActivation("quantized_relu(4,0,negative_slope=0.25)", name="narrow")(x)
        z = keras.layers.ReLU(name="relu")(x)
        y = qkeras.QActivation("quantized_bits(7,1,0,True,1)", name="sum")(
            keras.layers.Add()([y, z])
        )
        return qkeras.QActivation("quantized_bits(7,1,0,True,1)", name="same")(y)

    model = functional(keras, build)
    graph = convert(model, HW)
    assert [type(node) for node in graph.nodes] == [Pool, Pool, Add]
    agree(model, graph)


def test_reshapes_that_change_nothing_are_free(keras: Any, qkeras: Any) -> None:
    def build(raw: Any) -> Any:
        x = qkeras.QActivation(SIGNED)(raw)
        x = qkeras.QActivation(SIGNED)(keras.layers.GlobalAveragePooling2D()(x))
        x = keras.layers.Reshape((1, 1, 2))(x)
        x = qkeras.QActivation(SIGNED)(qkeras.QConv2D(6, 1, **CORE)(x))
        x = keras.layers.Reshape((6,))(x)
        x = qkeras.QActivation(SIGNED)(qkeras.QDense(3, **CORE)(x))
        return keras.layers.Softmax()(x)

    model = functional(keras, build)
    graph = convert(model, HW)
    assert len(graph.compute_nodes) == 3
    agree(model, graph)


def test_averages_of_qkeras_take_their_own_activation(keras: Any, qkeras: Any) -> None:
    def build(raw: Any) -> Any:
        x = qkeras.QActivation(SIGNED)(raw)
        x = qkeras.QAveragePooling2D((2, 3), activation=qkeras.quantized_bits(6, 0, 0, alpha=1))(x)
        return qkeras.QGlobalAveragePooling2D(activation=qkeras.quantized_bits(8, 0, 0, alpha=1))(x)

    model = functional(keras, build)
    graph = convert(model, HW)
    assert [type(node) for node in graph.nodes] == [Pool, Pool]
    agree(model, graph)


def test_a_network_deeper_than_the_stack_is_ordered() -> None:
    word = Tensor("t0", 1, 1, 1, 4, 0)
    nodes = [
        Upsample(f"n{i}", f"t{i}", Tensor(f"t{i + 1}", 1, 1, 1, 4, 0), (1, 1)) for i in range(3000)
    ]
    assert ordered_nodes(nodes, "t3000") == tuple(nodes)
    assert ordered_nodes(nodes, "t10") == tuple(nodes[:10])
    assert with_equal_words(word, nodes) == (word, tuple(nodes))


def test_flattened_maps_add_and_multiply_in_order(keras: Any, qkeras: Any) -> None:
    def joined(raw: Any) -> Any:
        x = qkeras.QActivation(SIGNED)(raw)
        y = qkeras.QActivation(SIGNED)(qkeras.QConv2D(2, 3, padding="same", **CORE)(x))
        x, y = keras.layers.Flatten()(x), keras.layers.Flatten()(y)
        x = qkeras.QActivation(SIGNED)(keras.layers.Add()([x, y]))
        return qkeras.QActivation(SIGNED)(qkeras.QDense(3, **CORE)(x))

    model = functional(keras, joined)
    agree(model, convert(model, HW))
    flat = functional(
        keras,
        lambda raw: qkeras.QActivation(SIGNED)(
            qkeras.QDense(3, **CORE)(qkeras.QActivation(SIGNED)(keras.layers.Flatten()(raw)))
        ),
    )
    graph = convert(flat, HW)
    assert graph.input.shape == (6, 6, 2)
    agree(flat, graph)


def test_probabilities_of_a_graph_model(keras: Any, qkeras: Any) -> None:
    model = random_model(3, keras, qkeras)
    model = keras.Model(model.input, keras.layers.Softmax()(model.layers[-2].output))
    graph = convert(model, HW)
    x = np.random.default_rng(0).integers(-16, 16, (3, *graph.input.shape)) / 16
    probabilities = host_output(graph, run(graph, quantise_input(graph, x)))[:, 0, 0, :]
    outputs = keras_layer_outputs(model, x)
    assert np.allclose(probabilities, outputs[model.layers[-1].name], atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda k, q, x: k.layers.Add(name="a")([x, x, x]),
            "'a' adds 3 tensors, legal are two",
        ),
        (
            lambda k, q, x: k.layers.Concatenate(name="j")(
                [x, q.QActivation("quantized_relu(4,0)")(x)]
            ),
            r"'j' joins 'x' of fraction 3 and 'q_act.*' of fraction 4, legal are equal fractions",
        ),
        (
            lambda k, q, x: k.layers.Concatenate(axis=1, name="j")([x, x]),
            "'j': axis is 1, legal is -1",
        ),
        (
            lambda k, q, x: k.layers.Concatenate(name="j")([k.layers.Flatten()(x)] * 2),
            r"'j': joins the flattened \(6, 6, 2\) tensor 'x'",
        ),
        (
            lambda k, q, x: k.layers.UpSampling2D(2, interpolation="bilinear", name="u")(x),
            "'u': interpolation is 'bilinear', legal is 'nearest'",
        ),
        (
            lambda k, q, x: k.layers.MaxPooling2D(2, name="p")(k.layers.ZeroPadding2D(1)(x)),
            "'p' pools explicit zeros .*they win over negatives.* padding='same'",
        ),
        (
            lambda k, q, x: k.layers.AveragePooling2D(2, name="p")(k.layers.ZeroPadding2D(1)(x)),
            "'p' pools explicit zeros .an average counts them",
        ),
        (
            lambda k, q, x: k.layers.Add(name="a")([k.layers.ZeroPadding2D(1, name="z")(x)] * 2),
            "'a' of type Add reads the zero padding 'z'",
        ),
        (lambda k, q, x: k.layers.ZeroPadding2D(1, name="z")(x), "'z': zero padding is the model"),
        (
            lambda k, q, x: q.QConv2D(2, 1, **CORE, name="c")(k.layers.ZeroPadding2D(1)(x)),
            r"'c': padding .* is \(1, 1, 1, 1\) .* below its 1x1 window",
        ),
        (
            lambda k, q, x: q.QDepthwiseConv2D(2, depth_multiplier=2, name="d", **DEPTH)(x),
            "'d': depth_multiplier is 2, legal is 1",
        ),
        (
            lambda k, q, x: q.QSeparableConv2D(2, 2, name="s")(x),
            "'s' of type QSeparableConv2D .* QDepthwiseConv2D, QActivation, QConv2D",
        ),
        (
            lambda k, q, x: k.layers.Reshape((3, 12, 2), name="r")(x),
            r"'r': reshapes \(6, 6, 2\) to \(3, 12, 2\), legal is to flatten",
        ),
        (
            lambda k, q, x: k.layers.Softmax(name="s")(k.layers.Flatten()(x)),
            r"'s': softmax over the flattened \(6, 6, 2\) tensor 'x'",
        ),
        (
            lambda k, q, x: q.QAveragePooling2D(2, average_quantizer=KERNEL, name="p")(x),
            "'p': average_quantizer multiplies",
        ),
        (
            lambda k, q, x: q.QActivation("quantized_bits(1,0,0,1,1)", name="t")(
                k.layers.Add()([x, x])
            ),
            "'t': the one-bit quantized_bits",
        ),
        (
            lambda k, q, x: k.layers.Subtract(name="s")([x, x]),
            "'s' of type Subtract is not supported; use Add",
        ),
        (lambda k, q, x: k.layers.ReLU(6.0, name="r")(x), "'r' of type ReLU .parametric. is not"),
    ],
)
def test_what_is_not_exact_names_layer_and_remedy(
    make: Any, message: str, keras: Any, qkeras: Any
) -> None:
    def build(raw: Any) -> Any:
        x = qkeras.QActivation("quantized_bits(5,1,False,True,1)", name="x")(raw)
        y = make(keras, qkeras, x)
        return y if "z" in message[:3] else qkeras.QActivation("quantized_bits(4,2,0,1,1)")(y)

    model = functional(keras, build)
    with pytest.raises(FrontendError, match=message):
        convert(model, HW, output_quantiser=None)
