# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""BatchNormalization in integers, against the model's own ``predict``."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from corewright import golden
from corewright.flow import export_inference
from corewright.flow.errors import MismatchError
from corewright.frontends import (
    ApproximationWarning,
    DeviationError,
    FrontendError,
    agreement,
    convert,
    keras_layer_outputs,
)
from corewright.frontends import tensorflow as lazy
from corewright.graph import Depthwise, Graph
from corewright.hardware import Hardware

pytestmark = pytest.mark.tensorflow

HW = SimpleNamespace(bits_input=8, bits_weights=8, bits_sum=32)
INPUT = "quantized_bits(6,1,0,1,alpha=1)"
OUTPUT = "quantized_bits(8,3,0,1,alpha=1)"
BIAS = "quantized_bits(6,2,0,1,alpha=1)"
KERNEL = "quantized_bits(4,0,0,1,alpha=1)"
# With epsilon the factor is gamma, in float32, too.
EPSILON = 2.0**-10
VARIANCE = 1 - EPSILON


@pytest.fixture(scope="module")
def keras() -> Any:
    return lazy.load()[0].keras


@pytest.fixture(scope="module")
def qkeras() -> Any:
    return lazy.load()[1]


def core(qkeras: Any, kind: str, kernel: str = KERNEL, **options: Any) -> Any:
    common = {"bias_quantizer": BIAS, "name": "core", **options}
    if kind == "conv":
        return qkeras.QConv2D(6, 2, kernel_quantizer=kernel, **common)
    if kind == "depthwise":
        return qkeras.QDepthwiseConv2D(3, depthwise_quantizer=kernel, **common)
    return qkeras.QDense(6, kernel_quantizer=kernel, **common)


def chain(
    keras: Any, qkeras: Any, *layers: Any, shape: Any = (6, 6, 6), output: str = OUTPUT
) -> Any:
    x = inputs = keras.Input(shape)
    for layer in (qkeras.QActivation(INPUT, name="in"), *layers):
        x = layer(x)
    return keras.Model(inputs, qkeras.QActivation(output, name="out")(x))


def set_norm(norm: Any, **values: npt.ArrayLike) -> None:
    """Parameters by name; those that a layer does not have are left out."""
    for name, value in values.items():
        variable = getattr(norm, name)
        if variable is not None:
            variable.assign(np.broadcast_to(np.asarray(value, np.float32), variable.shape))


def randomise(model: Any, rng: np.random.Generator) -> None:
    for layer in model.layers:
        if not hasattr(layer, "moving_mean"):
            layer.set_weights([rng.uniform(-1, 1, w.shape) for w in layer.get_weights()])


def images(rng: np.random.Generator, model: Any, count: int = 8) -> Any:
    """On the input's grid, so that float32 holds every sum."""
    return rng.integers(-32, 32, (count, *model.input_shape[1:])) / 16


def results(graph: Graph, x: Any) -> Any:
    values = golden.run(graph, golden.quantise_input(graph, x))
    return golden.dequantise(graph, graph.output.name, values[graph.output.name])


def equals_predict(model: Any, graph: Graph, x: Any) -> None:
    theirs = model.predict(x, verbose=0)
    assert np.array_equal(results(graph, x).reshape(theirs.shape), theirs)
    exact = keras_layer_outputs(model, x)["out"]
    assert np.array_equal(exact, theirs)
    assert np.ptp(theirs) > 0


POWERS = [1, -0.5, 0.25, 2, -1, 0.5]


@pytest.mark.parametrize("kind", ["conv", "depthwise", "dense"])
def test_factors_that_are_powers_of_two_are_exact(kind: str, keras: Any, qkeras: Any) -> None:
    rng = np.random.default_rng(1)
    norm = keras.layers.BatchNormalization(epsilon=EPSILON)
    shape = (6,) if kind == "dense" else (6, 6, 6)
    model = chain(keras, qkeras, core(qkeras, kind), norm, shape=shape)
    randomise(model, rng)
    # Offsets finer than any quantiser's bias, and larger than the output's range.
    mean, beta = rng.integers(-(1 << 9), 1 << 9, (2, 6)) / 128
    set_norm(norm, gamma=POWERS, beta=beta, moving_mean=mean, moving_variance=VARIANCE)
    graph = convert(model, HW)
    assert not graph.metadata
    equals_predict(model, graph, images(rng, model))


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("behind", ["", "MaxPooling2D", "Dropout", "ReLU"])
def test_forms_of_the_layer(
    scale: bool, center: bool, behind: str, keras: Any, qkeras: Any
) -> None:
    """Without gamma or beta, frozen, behind a max pool or dropout, before a ReLU."""
    rng = np.random.default_rng(2)
    layers = keras.layers
    norm = layers.BatchNormalization(epsilon=EPSILON, scale=scale, center=center, trainable=False)
    between = {
        "": [norm],
        "MaxPooling2D": [layers.MaxPooling2D(2), norm],
        "Dropout": [layers.Dropout(0.5), norm],
        "ReLU": [norm, layers.ReLU()],
    }[behind]
    model = chain(keras, qkeras, core(qkeras, "conv", use_bias=center), *between)
    randomise(model, rng)
    gamma = np.abs(POWERS) if behind == "MaxPooling2D" else POWERS
    mean, beta = rng.integers(-64, 64, (2, 6)) / 64
    set_norm(norm, gamma=gamma, beta=beta, moving_mean=mean, moving_variance=VARIANCE)
    graph = convert(model, HW)
    assert not graph.metadata
    equals_predict(model, graph, images(rng, model))


def test_two_normalisations_and_one_of_a_quantised_tensor(keras: Any, qkeras: Any) -> None:
    rng = np.random.default_rng(3)
    norms = [keras.layers.BatchNormalization(epsilon=EPSILON) for _ in range(3)]
    sums = qkeras.QActivation(OUTPUT, name="sums")
    first = [core(qkeras, "conv"), norms[0], keras.layers.MaxPooling2D(2), norms[1]]
    model = chain(keras, qkeras, *first, sums, norms[2])
    randomise(model, rng)
    for norm in norms:
        gamma = 2.0 ** rng.integers(-1, 2, 6)
        mean, beta = rng.integers(-64, 64, (2, 6)) / 64
        set_norm(norm, gamma=gamma, beta=beta, moving_mean=mean, moving_variance=VARIANCE)
    set_norm(norms[2], gamma=POWERS)
    graph = convert(model, HW)
    assert not graph.metadata
    assert isinstance(graph.node(norms[2].name), Depthwise)
    equals_predict(model, graph, images(rng, model))


@pytest.mark.parametrize("bits", [1, 8])
@pytest.mark.parametrize("kind", ["conv", "dense"])
@pytest.mark.parametrize("kernel", ["binary(alpha=1)", "binary(alpha='auto')", KERNEL])
def test_in_front_of_a_sign_any_normalisation_is_exact(
    bits: int, kind: str, kernel: str, keras: Any, qkeras: Any
) -> None:
    rng = np.random.default_rng(4)
    norm = keras.layers.BatchNormalization()
    shape = (6,) if kind == "dense" else (6, 6, 6)
    x = inputs = keras.Input(shape)
    x = qkeras.QActivation("binary(alpha=1)" if bits == 1 else INPUT)(x)
    x = norm(core(qkeras, kind, kernel)(x))
    x = qkeras.QActivation("binary(alpha=1)", name="out")(x)
    model = keras.Model(inputs, x)
    randomise(model, rng)
    gamma = rng.uniform(-2, 2, 6)
    gamma[2] = 0
    set_norm(
        norm,
        gamma=gamma,
        beta=rng.uniform(-1, 1, 6),
        moving_mean=rng.uniform(-2, 2, 6),
        moving_variance=rng.uniform(0.01, 9, 6),
    )
    # The negative of a kernel's smallest weight takes a bit more.
    weights = 1 if kernel.startswith("binary") else 5
    hw = SimpleNamespace(bits_input=bits, bits_weights=weights, bits_sum=24)
    graph = convert(model, hw)
    assert not graph.metadata
    equals_predict(model, graph, images(rng, model, 200 if kind == "dense" else 8))


def test_a_threshold_on_a_sum_is_met(keras: Any, qkeras: Any) -> None:
    """Means so that many sums are exactly on the threshold, where the sign is +1."""
    norm = keras.layers.BatchNormalization(epsilon=EPSILON)
    model = chain(
        keras,
        qkeras,
        core(qkeras, "dense", use_bias=False),
        norm,
        shape=(6,),
        output="binary(alpha=1)",
    )
    randomise(model, np.random.default_rng(5))
    set_norm(norm, gamma=[3, -3, 0.7, -0.7, 1, -1], moving_mean=0, moving_variance=VARIANCE)
    hw = SimpleNamespace(bits_input=8, bits_weights=5, bits_sum=24)
    x = np.concatenate([np.zeros((2, 6)), images(np.random.default_rng(6), model, 100)])
    equals_predict(model, convert(model, hw), x)


def trained_statistics(model: Any, rng: np.random.Generator) -> None:
    """Random weights, and of each normalisation the statistics that training would find."""
    randomise(model, rng)
    x = images(rng, model, 32)
    for layer in model.layers:
        if hasattr(layer, "moving_mean"):
            sums = keras_layer_outputs(model, x)[layer.input.node.layer.name]
            channels = sums.shape[-1]
            flat = sums.reshape(-1, channels)
            set_norm(
                layer,
                gamma=rng.uniform(0.3, 1.5, channels) * rng.choice([-1, 1], channels),
                beta=rng.uniform(-1, 1, channels),
                moving_mean=flat.mean(axis=0),
                moving_variance=flat.var(axis=0) + 1e-3,
            )


def network(keras: Any, qkeras: Any, kernel: str, seed: int) -> Any:
    layers: list[Any] = []
    for name in "ab":
        layers += [
            qkeras.QConv2D(6, 3, kernel_quantizer=kernel, bias_quantizer=BIAS, name=name),
            keras.layers.BatchNormalization(name=f"{name}_norm"),
            qkeras.QActivation("quantized_relu(6,2)"),
        ]
    layers.append(keras.layers.Flatten())
    dense = qkeras.QDense(10, kernel_quantizer=kernel, bias_quantizer=BIAS, name="c")
    model = chain(keras, qkeras, *layers, dense, keras.layers.BatchNormalization(name="c_norm"))
    trained_statistics(model, np.random.default_rng(seed))
    return model


KERNELS = ["binary(alpha=1)", "binary(alpha='auto')", "ternary(alpha=1)", KERNEL]
WIDE = "quantized_bits(8,0,0,1,alpha=1)"


@pytest.mark.parametrize("kernel", [*KERNELS, WIDE])
def test_other_factors_are_near_and_said(
    kernel: str, keras: Any, qkeras: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    model = network(keras, qkeras, kernel, 7)
    x = images(np.random.default_rng(8), model, 64)
    graph = convert(model, HW, inputs=x)
    printed = capsys.readouterr().out
    inexact = graph.metadata["approximations"]
    assert set(inexact) == {"a", "b", "c"}
    theirs = model.predict(x, verbose=0).astype(np.float64)
    ours = results(graph, x).reshape(theirs.shape)
    relative = np.sqrt(np.square(ours - theirs).mean()) / np.sqrt(
        np.square(theirs - theirs.mean(axis=0)).mean()
    )
    # Folding into the kernel's own quantiser is off by 100 % and more here.
    assert relative < 0.1
    assert agreement.deviation(graph, model, x).relative == pytest.approx(relative)
    assert f"RMS {100 * relative:.2f} % of the outputs' own" in printed
    assert "layer 'a' with 'a_norm' is not exact in 8-bit weights: " in printed
    # The shares are those of the weights that the graph holds.
    for name, norm in (("a", "a_norm"), ("b", "b_norm"), ("c", "c_norm")):
        layer = model.get_layer(norm)
        factor = layer.gamma / np.sqrt(layer.moving_variance + layer.epsilon)
        quantised = model.get_layer(name).kernel_quantizer_internal(model.get_layer(name).kernel)
        wanted = np.asarray(quantised, np.float64) * np.asarray(factor, np.float64)
        node: Any = graph.node(name)
        held = np.ldexp(node.weights.astype(float), -node.weight_fraction)
        step = 2.0**-node.weight_fraction
        assert inexact[name]["clipped"] == (np.abs(held - wanted) > 0.5001 * step).mean()
        assert inexact[name]["zeroed"] == ((held == 0) & (wanted != 0)).mean()
        error = np.sqrt(np.square(held - wanted).sum() / np.square(wanted).sum())
        assert inexact[name]["error"] == pytest.approx(error, rel=1e-3)


def test_too_far_off_is_refused_unless_allowed(
    keras: Any, qkeras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = network(keras, qkeras, "ternary(alpha=1)", 9)
    x = images(np.random.default_rng(10), model, 16)
    hw = Hardware(processing_elements=(4, 4), bits_input=8, bits_weights=2, bits_sum=24)
    with pytest.raises(DeviationError, match=r"'[abc]' with '[abc]_norm': its weights .*allow_dev"):
        convert(model, hw)
    with pytest.raises(DeviationError, match=r"predict: .*legal is 25.00 % .*QConv2DBatchnorm"):
        convert(model, hw, inputs=x)
    with pytest.warns(ApproximationWarning, match="'a' with 'a_norm' is not exact in 2-bit"):
        graph = convert(model, hw, allow_deviation=True)
    options: dict[str, Any] = {"model": model, "data_dir": tmp_path / "v", "directory": tmp_path}
    with pytest.raises(DeviationError, match="predict"):
        export_inference(graph, hw, x, **options)
    capsys.readouterr()
    export_inference(graph, hw, x, **options, allow_deviation=True)
    printed = capsys.readouterr().out
    assert "predict: " in printed and "'c_norm' is not exact in 2-bit weights" in printed
    assert "Keras in float64 agrees in every element in front of these" in printed
    # The file remembers.
    loaded = Graph.load(graph.save(tmp_path / "g.cwgraph"))
    with pytest.raises(DeviationError, match="predict"):
        export_inference(loaded, hw, x, **options)


def test_an_exact_graph_is_compared_with_predict(
    keras: Any, qkeras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    norm = keras.layers.BatchNormalization(epsilon=EPSILON)
    model = chain(keras, qkeras, core(qkeras, "dense"), norm, shape=(6,))
    randomise(model, np.random.default_rng(11))
    set_norm(norm, gamma=POWERS, moving_variance=VARIANCE)
    x = images(np.random.default_rng(12), model)
    hw = Hardware(processing_elements=(4, 4), bits_input=8, bits_weights=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph = convert(model, hw, inputs=x)
    options: dict[str, Any] = {"model": model, "data_dir": tmp_path / "v", "directory": tmp_path}
    export_inference(graph, hw, x, **options)
    assert "predict: 0.00 % of the outputs differ" in capsys.readouterr().out
    # The comparison is with the model as it is now.
    set_norm(norm, gamma=1)
    with pytest.raises(MismatchError, match="Keras differs"):
        export_inference(graph, hw, x, **options)


def test_sums_stay_inside_the_accumulators(keras: Any, qkeras: Any) -> None:
    model = network(keras, qkeras, WIDE, 13)
    x = images(np.random.default_rng(14), model, 16)
    narrow = SimpleNamespace(bits_input=8, bits_weights=16, bits_sum=17)
    graph = convert(model, narrow, inputs=x, allow_deviation=True)
    for name, low in (("a", 32), ("b", 63), ("c", 63)):
        node: Any = graph.node(name)
        weights = np.abs(node.weights).reshape(-1, node.weights.shape[-1])
        assert weights.sum(axis=0).max() * low < 1 << 16
    wide = SimpleNamespace(bits_input=8, bits_weights=16, bits_sum=32)
    fine = convert(model, wide, inputs=x)
    errors = [how["error"] for how in fine.metadata["approximations"].values()]
    assert max(errors) < 2.0**-12


def test_what_has_no_integer_form_is_refused(keras: Any, qkeras: Any) -> None:
    layers = keras.layers

    def norm() -> Any:
        return layers.BatchNormalization(name="n")

    negative = norm()
    cases = [
        (
            [core(qkeras, "conv"), layers.MaxPooling2D(2, name="p"), negative],
            "'n': gamma is negative .*'p'",
        ),
        ([core(qkeras, "conv"), layers.Flatten(), norm()], "'n': normalises what 'core'"),
        ([layers.Flatten(), norm()], "'n': normalises the flattened"),
        ([core(qkeras, "conv"), layers.ReLU(), norm()], "'n': a BatchNormalization behind a ReLU"),
        ([layers.AveragePooling2D(2, name="p"), norm()], "'n': .* behind 'p' of type Average"),
        (
            [core(qkeras, "conv"), layers.BatchNormalization(axis=1, name="n")],
            "'n': axis is .*legal is -1",
        ),
    ]
    for before, message in cases:
        model = chain(keras, qkeras, *before)
        if before[-1] is negative:
            set_norm(negative, gamma=-1)
        with pytest.raises(FrontendError, match=message):
            convert(model, HW)
    model = chain(keras, qkeras, core(qkeras, "conv"), norm())
    set_norm(model.get_layer("n"), moving_variance=np.nan)
    with pytest.raises(FrontendError, match="'n': its factors or offsets are not finite"):
        convert(model, HW)


def test_inputs_that_clip_are_said_and_named_as_the_cause(
    keras: Any, qkeras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = keras.Input((6,))
    raw = keras.Model(inputs, qkeras.QActivation(OUTPUT)(core(qkeras, "dense")(inputs)))
    model = chain(keras, qkeras, core(qkeras, "dense"), shape=(6,))
    hw = Hardware(processing_elements=(4, 4), bits_input=8, bits_weights=8)
    options: dict[str, Any] = {"data_dir": tmp_path / "v", "directory": tmp_path}
    # 60 numbers, 6 of them far outside the input's words.
    x = np.zeros((10, 6))
    x[0], x[1, 0] = 200, 0.3
    clipped = "10.00 % of the inputs clip: they lie outside"
    graph = convert(model, hw, inputs=x)
    assert f"{clipped} -2 .. 1.9375, the largest magnitude is 200" in capsys.readouterr().out
    export_inference(graph, hw, x, model=model, **options)
    assert clipped in capsys.readouterr().out
    # A model without a quantiser in front computes with 200.
    graph = convert(raw, hw)
    with pytest.raises(MismatchError, match=rf"Keras differs .*{clipped} -1 .*1.67% are rounded"):
        export_inference(graph, hw, x, model=raw, **options)
    capsys.readouterr()
    convert(model, hw, inputs=np.full((10, 6), 1.9375))
    assert "clip" not in capsys.readouterr().out


@pytest.mark.nightly
@pytest.mark.parametrize(
    "kernel",
    ["binary(alpha=1)", "ternary(alpha=1)", "quantized_bits(2,0,0,1,alpha=1)", KERNEL, WIDE],
)
def test_trained_networks_keep_their_accuracy(kernel: str, keras: Any, qkeras: Any) -> None:
    """Digits at 14x14, 12 epochs: the graph's accuracy is Keras's, within .015."""
    from sklearn.datasets import load_digits

    tf = lazy.load()[0]
    digits = load_digits()
    pixels = tf.image.resize(digits.images[..., None].astype(np.float32) / 16, (14, 14))
    order = np.random.default_rng(0).permutation(len(digits.target))
    x, y = np.asarray(pixels)[order] * 2 - 1, digits.target[order]
    keras.utils.set_random_seed(1)
    model_layers: list[Any] = []
    for channels, strides in ((16, 1), (32, 2), (32, 2)):
        conv = qkeras.QConv2D(
            channels, 3, strides=strides, kernel_quantizer=kernel, bias_quantizer=BIAS
        )
        relu = qkeras.QActivation("quantized_relu(6,2)")
        model_layers += [conv, keras.layers.BatchNormalization(), relu]
    dense = qkeras.QDense(10, kernel_quantizer=kernel, bias_quantizer=BIAS)
    model_layers += [keras.layers.Flatten(), dense, keras.layers.BatchNormalization()]
    model = chain(keras, qkeras, *model_layers, shape=(14, 14, 1))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss)
    model.fit(x[:1437], y[:1437], epochs=12, batch_size=64, verbose=0)
    test, labels = x[1437:], y[1437:]
    graph = convert(model, HW, inputs=test)
    theirs = (model.predict(test, verbose=0).argmax(axis=-1) == labels).mean()
    ours = (results(graph, test).reshape(len(labels), -1).argmax(axis=-1) == labels).mean()
    assert theirs > 0.8
    assert abs(theirs - ours) <= 0.015
