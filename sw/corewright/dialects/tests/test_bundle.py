# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The script-compatible API: bundles become exact integer graphs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import corewright
from corewright import flow
from corewright.frontends import FrontendError, agreement, convert, keras_layer_outputs
from corewright.frontends import tensorflow as lazy
from corewright.frontends.alignment import shortened_bias
from corewright.frontends.quantisers import ActivationFormat
from corewright.golden import dequantise, quantise_input, run
from corewright.graph import Add, Conv, Dense, Pool, value_bounds
from corewright.hardware import Hardware

pytestmark = pytest.mark.tensorflow

HW = SimpleNamespace(bits_input=4, bits_weights=4, bits_bias=8)


def conv(filters: int, kernel_size: Any, act: str, **options: Any) -> dict[str, Any]:
    return {
        "type": "conv",
        "filters": filters,
        "kernel_size": kernel_size,
        "strides": 1,
        "padding": "same",
        "kernel_quantizer": "quantized_bits(4,0,False,True,1)",
        "bias_quantizer": "quantized_bits(8,0,False,True,1)",
        "use_bias": True,
        "act_str": act,
        **options,
    }


def dense(units: int, act: str) -> dict[str, Any]:
    return {
        "type": "dense",
        "units": units,
        "kernel_quantizer": "quantized_bits(4,0,False,True,1)",
        "bias_quantizer": "quantized_bits(8,0,False,True,1)",
        "use_bias": True,
        "act_str": act,
    }


BITS = "quantized_bits(4,0,False,True,1)"


def bundle(**options: Any) -> corewright.Bundle:
    return corewright.Bundle(core=conv(2, 3, BITS), **options)


def image(channels: int = 2) -> corewright.QInput:
    return corewright.QInput((4, 4, channels), 1, HW)


def script_model(hw: Any = HW, int_bits: int = 0) -> corewright.QModel:
    """What a user's script writes: odd pools, a stride, leaky relu, flatten, softmax."""
    x = x_in = corewright.QInput(
        shape=(16, 8, 3), batch_size=5, hw=hw, int_bits=int_bits, name="input"
    )
    x = corewright.Bundle(
        core=conv(8, (3, 5), "quantized_relu(4,0,negative_slope=0)", strides=(2, 2)),
        pool={
            "type": "avg",
            "size": (3, 4),
            "strides": (2, 3),
            "padding": "same",
            "act_str": "quantized_bits(4,0,False,False,1)",
        },
    )(x)
    x = corewright.Bundle(
        core=conv(10, 1, "quantized_relu(4,1,negative_slope=0.125)"),
        pool={
            "type": "max",
            "size": 2,
            "strides": 1,
            "padding": "valid",
            "act_str": "quantized_bits(4,0,False,True,1)",
        },
        flatten=True,
    )(x)
    x = corewright.Bundle(core=dense(10, "quantized_bits(4,1,False,True,1)"), softmax=True)(x)
    model = corewright.QModel(inputs=x_in.raw, outputs=x)
    return randomised(model)


def randomised(model: corewright.QModel) -> corewright.QModel:
    """Random weights and statistics, always the same."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights(
            [
                np.asarray(w)
                if "iteration" in w.name
                else rng.uniform(0.3, 1, w.shape)
                if "variance" in w.name
                else rng.uniform(-0.8, 0.8, w.shape)
                for w in layer.weights
            ]
        )
    return model


@pytest.mark.parametrize("int_bits", [0, 2])
def test_a_script_model_is_exact(int_bits: int) -> None:
    model = script_model(int_bits=int_bits)
    graph = model.to_graph()
    x = model.random_input
    outputs = keras_layer_outputs(model, x)
    values = run(graph, quantise_input(graph, x))
    for name, value in values.items():
        real = outputs[name].reshape(value.shape)
        assert np.array_equal(real, dequantise(graph, name, value)), name
    assert np.ptp(values[graph.output.name]) > 4
    assert graph.softmax is not None
    probabilities = outputs[graph.softmax.name]
    assert np.allclose(probabilities.sum(axis=1), 1)


def residual_model(hw: Any = HW, int_bits: int = 0) -> corewright.QModel:
    """Skips from the input, from a bundle of another fraction, and into an average pool."""
    x = x_in = corewright.QInput(
        shape=(9, 10, 4), batch_size=3, hw=hw, int_bits=int_bits, name="input"
    )
    x = x_first = corewright.Bundle(
        core=conv(4, 3, "quantized_bits(4,1,False,True,1)"),
        add={"act_str": "quantized_relu(4,1,negative_slope=0.125)"},
    )(x_in, x_in)
    x = corewright.Bundle(core=conv(6, (2, 3), "quantized_relu(4,0)", strides=2))(x)
    x_skip = corewright.Bundle(core=conv(6, 1, BITS, strides=2, use_bias=False))(x_first)
    x = corewright.Bundle(
        core=conv(6, 3, "quantized_bits(3,2,False,True,1)", padding="same"),
        add={"act_str": "quantized_bits(4,2,False,True,1)"},
        pool={"type": "avg", "size": (3, 2), "strides": 2, "padding": "same", "act_str": BITS},
    )(x, x_skip)
    x = corewright.Bundle(
        core=conv(6, 1, "quantized_relu(3,0)"),
        add={"act_str": "quantized_relu(4,0)"},
        pool={"type": "max", "size": 2, "strides": 1, "act_str": "quantized_relu(3,0)"},
        flatten=True,
    )(x, x)
    x = corewright.Bundle(core=dense(5, BITS), add={"act_str": BITS}, softmax=True)(
        x, dense_skip(x)
    )
    return randomised(corewright.QModel(inputs=x_in.raw, outputs=x))


def dense_skip(x: Any) -> Any:
    return corewright.Bundle(core=dense(5, "quantized_bits(2,1,False,True,1)"))(x)


@pytest.mark.parametrize("int_bits", [0, 1])
def test_residual_bundles_are_exact(int_bits: int) -> None:
    model = residual_model(int_bits=int_bits)
    graph = model.to_graph()
    assert graph.digest() == convert(model, HW).digest()
    outputs = keras_layer_outputs(model, model.random_input)
    values = run(graph, quantise_input(graph, model.random_input))
    for name, value in values.items():
        real = outputs[name].reshape(value.shape)
        assert np.array_equal(real, dequantise(graph, name, value)), name
        assert np.ptp(value) > 0, name
    adds = [node for node in graph.nodes if isinstance(node, Add)]
    assert len(adds) == 4
    positions = {node.output.name: i for i, node in enumerate(graph.compute_nodes)}
    for add in adds:
        # The main operand comes directly before its addition.
        assert positions[add.inputs[0]] == positions[add.output.name] - 1
    # The average rounds to the fraction of the addition's activation.
    pool = next(node for node in graph.nodes if isinstance(node, Pool) and node.round_first)
    assert pool.input == adds[1].output.name
    assert {adds[1].own_shift, adds[1].other_shift} == {0, 3}


@pytest.mark.parametrize("bits", range(2, 9))
def test_all_widths_of_words_are_exact(bits: int) -> None:
    """Weights of 1..8 bits, those of one bit in words of two; activations of all widths."""
    hw = SimpleNamespace(bits_input=bits, bits_weights=bits)
    act = f"quantized_bits({bits},1,False,True,1)"
    x = x_in = corewright.QInput((5, 4, 3), 8, hw)
    for width in (1, bits):
        kernel = f"quantized_bits({width},0,False,True,1)"
        x = corewright.Bundle(core=conv(4, 2, act, kernel_quantizer=kernel))(x)
    x = corewright.Bundle(core=dense(6, f"quantized_relu({bits},2)"))(x)
    model = randomised(corewright.QModel(inputs=x_in.raw, outputs=x))
    model.layers[-2].kernel_quantizer_internal.bits = bits
    graph = convert(model, hw)
    outputs = keras_layer_outputs(model, model.random_input)
    values = run(graph, quantise_input(graph, model.random_input))
    for name, value in values.items():
        real = outputs[name].reshape(value.shape)
        assert np.array_equal(real, dequantise(graph, name, value)), name
    first, second = graph.compute_nodes[:2]
    assert isinstance(first, Conv) and isinstance(second, Conv)
    assert (first.weight_bits, second.weight_bits) == (2, bits)
    assert set(np.unique(first.weights)) == {-1, 1}
    with pytest.raises(FrontendError, match=f"needs {bits}-bit words, legal is up to 1; a bit"):
        convert(model, SimpleNamespace(bits_input=bits, bits_weights=1))
    with pytest.raises(FrontendError, match=f"needs a {bits}-bit word, legal is up to bits_in"):
        convert(model, SimpleNamespace(bits_input=1, bits_weights=1))


def test_average_pools_round_first_and_relus_lose_a_bit() -> None:
    graph = script_model().to_graph()
    pools = [node for node in graph.nodes if isinstance(node, Pool)]
    assert [(pool.kind, pool.round_first) for pool in pools] == [("average", True), ("max", False)]
    first = graph.compute_nodes[0]
    assert isinstance(first, Conv)
    # quantized_relu(4,0) is lowered to 3 bits: 0..7 in steps of 1/8.
    assert (first.requant.low, first.requant.high, first.output.bits) == (0, 7, 4)
    assert first.output.fraction == 3
    # quantized_bits(4,0,False,False,1) keeps all of its four bits, one of them a sign.
    pool = pools[0]
    assert (pool.requant.low, pool.requant.high, pool.output.fraction) == (-8, 7, 3)
    # The max pool's own activation has another fraction than its input.
    assert pools[1].output.fraction == 3
    assert graph.tensor(pools[1].input).fraction == 2


def test_quantized_bits_is_the_linear_activation_of_bundles() -> None:
    """Whatever ``keep_negative`` says, all bits stay; ``convert`` takes QKeras at its word."""
    from corewright.dialects.deepsocflow.bundle import bundle_tensors  # imports TensorFlow

    unsigned = "quantized_bits(4,0,False,False,1)"
    core = conv(6, 3, unsigned)
    pool = {"type": "max", "size": 1, "strides": 1, "act_str": unsigned}
    x = x_in = corewright.QInput((5, 4, 3), 8, HW)
    x = x_skip = corewright.Bundle(core=core)(x)
    x = corewright.Bundle(core=core, add={"act_str": unsigned}, pool=pool)(x, x_skip)
    model = randomised(corewright.QModel(inputs=x_in.raw, outputs=x))
    graph = model.to_graph()
    outputs = keras_layer_outputs(model, model.random_input)
    values = run(graph, quantise_input(graph, model.random_input))
    for name in bundle_tensors(model, graph):
        assert np.array_equal(outputs[name], dequantise(graph, name, values[name])), name
        assert (values[name].min(), values[name].max()) == (-8, 7), name
        assert graph.tensor(name).fraction == 3
    tf, qkeras = lazy.load()
    raw = tf.keras.Input((3,))
    x = qkeras.QDense(6, kernel_quantizer=BITS, bias_quantizer=BITS)(qkeras.QActivation(BITS)(raw))
    plain = tf.keras.Model(raw, qkeras.QActivation("quantized_bits(3,0,False,False,1)")(x))
    node = convert(plain, HW).compute_nodes[0]
    assert isinstance(node, Dense)
    assert (node.requant.low, node.requant.high, node.output.fraction) == (0, 7, 3)


def test_untrained_biases_are_drawn() -> None:
    """As Keras's glorot_uniform draws for a vector: uniformly up to sqrt(3 / its size)."""
    x = x_in = corewright.QInput((2, 2, 1), 1, HW)
    x = corewright.Bundle(core=conv(300, 1, BITS), flatten=True)(x)
    x = corewright.Bundle(core={**dense(300, BITS), "options": {"bias_initializer": "ones"}})(x)
    x = corewright.Bundle(core=dense(300, BITS))(x)
    layers = corewright.QModel(inputs=x_in.raw, outputs=x).layers
    drawn = [layer.bias.numpy() for layer in layers if hasattr(layer, "bias")]
    assert np.all(drawn[1] == 1)
    for bias in (drawn[0], drawn[2]):
        assert 0.09 < np.abs(bias).max() <= 0.1 and bias.min() < -0.09 and bias.max() > 0.09


@pytest.mark.parametrize("int_bits", [0, 1])
def test_the_random_input_is_the_references(int_bits: int) -> None:
    x_in = corewright.QInput((3, 1, 2), 4, HW, int_bits)
    model = corewright.QModel(
        inputs=x_in.raw, outputs=corewright.Bundle(core=conv(2, 1, BITS))(x_in)
    )
    x = model.random_input
    assert x.dtype == np.float64 and x.shape == model.input.shape == (4, 3, 1, 2)
    # NumPy's well-known first deviates of seed 0: 1.764, 0.400, 0.979, 2.241, 1.868, -0.977.
    first = [1.0, 0.4001572083672233, 0.9787379841057392, 1.0, 1.0, -0.977277879876411]
    assert x.ravel()[:6].tolist() == first
    assert (x.min(), x.max()) == (-1, 1) and np.array_equal(x, model.random_input)


def test_inputs_are_taken_as_keras_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float32: what lies next to the middle between two words is the middle, and goes to even.

    The integers are the reference's own for this input.
    """
    monkeypatch.chdir(tmp_path)
    hw = Hardware(processing_elements=(4, 4))
    x_in = corewright.QInput((4,), 1, hw)
    core = {**dense(3, BITS), "kernel_quantizer": "quantized_bits(4,1,False,True,1)"}
    model = corewright.QModel(x_in.raw, corewright.Bundle(core=core)(x_in))
    model.bundles[0].core["layer"].set_weights([np.eye(4, 3), np.zeros(3)])
    x = np.array([[0.43749999999, -0.31250000001, 0.0625 + 1e-12, 0.1]])
    model.export_inference(x=x)
    assert (tmp_path / "vectors" / "0_y_nhwc_exp.txt").read_text().split() == ["4", "-2", "0"]
    assert np.array_equal(8 * model.predict(x, verbose=0), [[4, -2, 0]])
    with lazy.default_float("float64"):
        assert agreement.as_predict_reads(x).dtype == np.float64
    assert agreement.as_predict_reads([[1, 2]]).dtype == np.int64


def test_bundles_know_each_other_and_the_model_knows_them() -> None:
    x = x_in = corewright.QInput((4, 4, 2), 2, HW)
    x = x_skip = (first := bundle(name="stem"))(x)
    unused = bundle()
    unused(x)
    x = (second := bundle(add={"act_str": BITS}))(x, x_1=x_skip)
    x = (third := bundle(add={"act_str": BITS}))(x, x_in)
    model = corewright.QModel(inputs=x_in.raw, outputs=x)
    assert model.bundles == [first, second, third] and first.name == "stem"
    numbers = [each.idx or 0 for each in (first, unused, second, third)]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert (first.prev_bundle, second.prev_bundle, third.prev_bundle) == (None, first, second)
    assert first.next_bundles == [unused, second] and third.next_bundles == []
    assert second.add is not None and third.add is not None
    assert (second.add["bundle"], third.add["bundle"]) == (first, None)
    assert second.core["layer"] is model.get_layer(f"bundle_{second.idx}_conv")
    assert Add in {type(node) for node in model.to_graph().nodes}


def test_training_for_no_epoch_is_taken() -> None:
    """As Keras 2.15 does and newer ones do not: scripts say fit(epochs=0, initial_epoch=1)."""
    model = script_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    before = model.to_graph().digest()
    x, y = model.random_input, np.arange(5)
    assert model.fit(x, y, 5, 0, initial_epoch=1, validation_split=0.2).history == {}
    assert model.fit(x, y, epochs=3, initial_epoch=3).history == {}
    assert model.to_graph().digest() == before
    assert len(model.fit(x, y, epochs=3, initial_epoch=2, verbose=0).history["loss"]) == 1


def test_the_batch_of_training_is_free() -> None:
    """The batch of a QInput is that of the hardware's runs."""
    model = script_model()
    assert model.input.shape[0] == 5
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (12, 16, 8, 3)), rng.integers(0, 10, 12)
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    assert model.predict(x[:7], verbose=0).shape == (7, 10)
    assert keras_layer_outputs(model, x)[model.layers[-1].name].shape == (12, 10)


def test_a_quantised_model_trains() -> None:
    model = script_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    before = [np.array(w) for w in model.trainable_weights]
    model.fit(model.random_input, np.arange(5), epochs=2, verbose=0)
    assert any(
        not np.array_equal(old, np.array(new))
        for old, new in zip(before, model.trainable_weights, strict=True)
    )
    assert model.to_graph().digest() != script_model().to_graph().digest()


def test_methods_hand_over_to_the_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Any]] = []

    def export_inference(graph: Any, hw: Any, x: Any, **_: Any) -> None:
        calls.append(("export", (graph, hw, x.shape)))

    def verify_inference(graph: Any, hw: Any, **options: Any) -> bool:
        calls.append(("verify", options))
        return True

    def predict_performance(graph: Any, hw: Any, batch_size: int) -> tuple[float, int]:
        return 0.5, batch_size

    for function in (export_inference, verify_inference, predict_performance):
        monkeypatch.setattr(flow, function.__name__, function)
    model = script_model()
    with pytest.raises(FrontendError, match="verify_inference: call export_inference first"):
        model.verify_inference()
    model.export_inference(x=model.random_input, hw=HW)
    assert model.verify_inference(SIM="xsim", SIM_PATH="/opt/") is True
    assert model.predict_performance() == (0.5, 5)
    assert calls[0][1][1:] == (HW, (5, 16, 8, 3))
    assert calls[0][1][0].digest() == model.to_graph().digest()
    # As scripts of the reference expect: with the stalls that the hardware names.
    assert calls[1] == ("verify", {"SIM": "xsim", "SIM_PATH": "/opt/", "stalls": "hardware"})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: corewright.Bundle(core=conv(2, 3, "x"), add={}), r"add lacks \['act_str'\]"),
        (
            lambda: corewright.Bundle(core=conv(2, 3, "x"), add={"act": 1}),
            r"add has unknown \['act'\]",
        ),
        (lambda: bundle(add={"act_str": BITS})(image()), "x_skip is not; legal is Bundle"),
        (lambda: bundle()(image(), image()), "add is None but x_skip is given"),
        (
            lambda: bundle(add={"act_str": BITS})(image(), image(), x_1=image()),
            "x_skip and x_1 are given, legal is one",
        ),
        (
            lambda: [(twice := bundle())(image()), twice(image())],
            "Bundle: is called twice, legal is once",
        ),
        (lambda: bundle()(np.zeros((1, 4, 4, 2))), "x is of type ndarray, legal are a QInput"),
        (
            lambda: bundle(add={"act_str": BITS})(image(), image(3)),
            r"x_skip has shape \(4, 4, 3\), legal is the core's \(4, 4, 2\)",
        ),
        (
            lambda: corewright.Bundle(core=dense(2, "quantized_relu(1,0)"))(
                corewright.QInput((4,), 1, HW)
            ),
            "lowered by a bit .* legal is 2 bits or more",
        ),
        (
            lambda: corewright.Bundle(core={"type": "lstm"}),
            "core type is 'lstm', legal is 'conv' or 'dense'",
        ),
        (
            lambda: corewright.Bundle(core=conv(2, 3, "x", colour=1)),
            r"core has unknown \['colour'\]",
        ),
        (lambda: corewright.Bundle(core=conv(2, None, "x")), r"core lacks \['kernel_size'\]"),
        (
            lambda: corewright.Bundle(
                core=dense(2, "x"), pool={"type": "sum", "size": 2, "act_str": "quantized_bits(4)"}
            ),
            "pool type is 'sum', legal is 'max' or 'avg'",
        ),
        (
            lambda: corewright.QInput((4, 4), 1, HW),
            r"shape is \(4, 4\), legal is \(H, W, C\) or \(C,\)",
        ),
        (lambda: corewright.QInput((4,), 0, HW), "batch_size is 0, legal is 1 or more"),
        (
            lambda: corewright.Bundle(core=dense(2, "quantized_tanh(4)"))(
                corewright.QInput((4,), 1, HW)
            ),
            "act_str is 'quantized_tanh",
        ),
        (
            lambda: corewright.Bundle(core=conv(2, 3, "quantised_relu(4)")),
            "act_str is 'quantised_relu.*legal",
        ),
        (
            lambda: corewright.Bundle(core=conv(2, 3, "quantized_relu(4,0,negative_slope=0.3)")),
            "act_str is 'quantized_relu.*0.3.*legal are",
        ),
        (
            lambda: corewright.Bundle(core=conv(2, 3, BITS, kernel_quantizer="quantised_bits(4)")),
            "core kernel_quantizer is 'quantised_bits",
        ),
        (
            lambda: corewright.Bundle(core=conv(0, 3, BITS)),
            "core filters is 0, legal is an integer from 1",
        ),
        (
            lambda: corewright.Bundle(core=conv(2, (3, 3, 3), BITS)),
            r"kernel_size is \(3, 3, 3\), legal",
        ),
        (
            lambda: corewright.Bundle(core=conv(2, 3, BITS, strides=1.5)),
            "core strides is 1.5, legal",
        ),
        (
            lambda: corewright.Bundle(core=conv(2, 3, BITS, padding="full")),
            "core padding is 'full', legal",
        ),
        (
            lambda: bundle(pool={"type": "max", "size": 5, "act_str": BITS})(image()),
            "pool size is 5 with padding 'valid' on a feature map of 4x4",
        ),
        (
            lambda: bundle()(corewright.QInput((4,), 1, HW)),
            "kernel_size is 3 on a vector of 4, legal is a",
        ),
    ],
)
def test_bad_arguments_are_named(make: Any, message: str) -> None:
    with pytest.raises(FrontendError, match=message):
        make()


def test_two_models_in_one_process_do_not_disturb_each_other() -> None:
    first = script_model().to_graph()
    wide = SimpleNamespace(bits_input=8, bits_weights=8, bits_bias=16)
    second = script_model(wide).to_graph()
    assert second.input.bits == 8
    assert [node.weights.tolist() for node in first.compute_nodes if hasattr(node, "weights")] == [
        node.weights.tolist() for node in second.compute_nodes if hasattr(node, "weights")
    ]


def test_layers_and_tensors_are_named_after_the_bundle() -> None:
    from corewright.dialects.deepsocflow.bundle import bundle_tensors  # imports TensorFlow

    model = residual_model()
    graph = model.to_graph()
    tensors = bundle_tensors(model, graph)
    bundles = [name.split("_")[1] for name in tensors]
    # In the script's order, although Keras's order of branches is another.
    assert len(bundles) >= 4 and bundles == sorted(bundles, key=int)
    assert all(name.startswith("bundle_") and name in graph.tensors for name in tensors)
    assert tensors[-1] == graph.output.name


def test_a_bundle_that_quantises_to_the_same_words_has_the_tensor_before() -> None:
    from corewright.dialects.deepsocflow.bundle import bundle_tensors  # imports TensorFlow

    x_in = image()
    pool = {"type": "max", "size": 2, "act_str": BITS}
    x = corewright.Bundle(core=conv(2, 3, BITS))(x_in)
    x = bundle(pool=pool)(x)
    graph = (model := corewright.QModel(inputs=x_in.raw, outputs=x)).to_graph()
    assert bundle_tensors(model, graph) == [graph.compute_nodes[0].output.name, graph.output.name]


def test_a_quantiser_object_is_not_changed() -> None:
    import qkeras

    act = qkeras.quantized_relu(4, 1)
    x_in = image()
    x = corewright.Bundle(core=conv(2, 3, act))(x_in)
    x = corewright.Bundle(core=conv(2, 3, act))(x)
    assert act.bits == 4
    graph = corewright.QModel(inputs=x_in.raw, outputs=x).to_graph()
    assert [node.requant.high for node in graph.compute_nodes if isinstance(node, Conv)] == [7, 7]


@pytest.mark.parametrize("bias", [8, 16, 32])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_bias_of_any_width_is_exact(bits: int, bias: int) -> None:
    hw = SimpleNamespace(bits_input=bits, bits_weights=bits, bits_bias=bias, bits_sum=16)
    word = f"quantized_bits({bits},0,False,True,1)"
    options = {
        "kernel_quantizer": word,
        "bias_quantizer": f"quantized_bits({bias},0,False,True,1)",
    }
    x = x_in = corewright.QInput(shape=(6, 5, 3), batch_size=4, hw=hw)
    x = corewright.Bundle(core=conv(4, 3, word, **options))(x)
    leaky = word if bits < 4 else f"quantized_relu({bits},0,negative_slope=0.125)"
    x = corewright.Bundle(core=conv(4, 3, leaky, **options), flatten=True)(x)
    x = corewright.Bundle(core={**dense(7, word), **options})(x)
    model = randomised(corewright.QModel(inputs=x_in.raw, outputs=x))
    graph = model.to_graph()
    outputs = keras_layer_outputs(model, model.random_input)
    for name, value in run(graph, quantise_input(graph, model.random_input)).items():
        assert np.array_equal(outputs[name].reshape(value.shape), dequantise(graph, name, value))
    # What post-processing's sums of bits_sum + 8 bits can hold.
    for node in graph.compute_nodes:
        low, high = value_bounds(graph, node)
        assert low.min() >= -(1 << 23) and high.max() < 1 << 23


@pytest.mark.parametrize("slope_shift", [0, 3])
@pytest.mark.parametrize(("target", "binary"), [(2, False), (6, False), (9, False), (0, True)])
def test_a_shortened_bias_rounds_every_sum_alike(
    target: int, binary: bool, slope_shift: int
) -> None:
    rng = np.random.default_rng(target)
    accumulator_fraction, fraction = 6, 20
    # Sums and biases whose total lies on, and just beside, the points where rounding turns.
    sums = rng.integers(-300, 300, 4000)
    turns = np.zeros(4000, np.int64)
    if not binary:
        turns = (2 * rng.integers(-9, 9, 4000) + 1) << (fraction - 1 - target)
        turns <<= rng.choice([0, slope_shift], 4000)
    biases = turns - (sums << (fraction - accumulator_fraction)) + rng.integers(-2, 3, 4000)
    word = ActivationFormat(8, target, -128, 127, slope_shift, binary)
    short, short_fraction = shortened_bias(biases, fraction, accumulator_fraction, word)
    assert accumulator_fraction <= short_fraction < fraction

    def rounded(bias: Any, bias_fraction: int) -> Any:
        total = (sums << (bias_fraction - accumulator_fraction)) + bias
        if binary:
            return total < 0
        shift = np.where(total < 0, slope_shift, 0) + bias_fraction - target
        # Exact: these doubles have 53 bits.
        return np.rint(total / 2.0**shift)

    assert np.array_equal(rounded(short, short_fraction), rounded(biases, fraction))
    cut = biases >> (fraction - short_fraction)
    assert binary or not np.array_equal(rounded(cut, short_fraction), rounded(biases, fraction))
    assert shortened_bias(short, short_fraction, accumulator_fraction, word)[0] is short


def test_a_saved_model_is_loaded_as_an_ordinary_one(tmp_path: Path) -> None:
    from qkeras.utils import load_qmodel

    from corewright.dialects.deepsocflow.bundle import bundle_tensors

    model = residual_model()
    model.compile()
    model.save(tmp_path / "model.h5")
    loaded = load_qmodel(tmp_path / "model.h5", compile=False)
    assert not isinstance(loaded, corewright.QModel)
    graph = model.to_graph()
    assert convert(loaded, HW, name=graph.name).digest() == graph.digest()
    assert bundle_tensors(loaded, graph) == bundle_tensors(model, graph)
