# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Scripts of CGRA4ML's kinds: Keras, loaded Keras and the integer graph agree exactly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import corewright
from corewright.dialects import cgra4ml
from corewright.dialects.cgra4ml import (
    SYS_BITS,
    Hardware,
    XActivation,
    XBundle,
    XConvBN,
    XDense,
    XModel,
    XPool,
)
from corewright.dialects.cgra4ml.inference import _default_input as default_input
from corewright.flow.compiled_bench import flow_environment
from corewright.frontends import FrontendError, convert, keras_layer_outputs
from corewright.frontends import tensorflow as lazy
from corewright.golden import dequantise, quantise_input, run
from corewright.graph import Add, Graph, Pool

pytestmark = pytest.mark.tensorflow

BITS = SYS_BITS(x=4, k=4, b=16)


def act(slope: float | None = 0, bits: SYS_BITS = BITS, integer: int = 0) -> XActivation:
    return XActivation(bits, integer, None if slope is None else "relu", slope or 0)


def conv(filters: int, kernel: Any, slope: float | None = 0, **keras: Any) -> XConvBN:
    return XConvBN(0, 0, act(slope), filters=filters, kernel_size=kernel, **keras)


def dense(units: int, slope: float | None = 0, **keras: Any) -> XDense:
    return XDense(k_int_bits=0, b_int_bits=0, units=units, act=act(slope), **keras)


class Mnist(XModel):
    """A conv net with odd pools, skips, flatten and softmax, as a user writes it."""

    def __init__(self, sys_bits: SYS_BITS, x_int_bits: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(sys_bits, x_int_bits, *args, **kwargs)
        average = XPool("avg", (3, 4), (2, 3), "same", act(None))
        self.b1 = XBundle(core=conv(6, 5, 0.125, strides=(2, 1)), pool=average)
        self.b2 = XBundle(core=conv(6, 1, None), add_act=act(0.125))
        self.b3 = XBundle(core=conv(6, (3, 5), 0), add_act=act(None, integer=1))
        self.b4 = XBundle(
            core=conv(8, 3, 1, padding="valid", kernel_initializer="he_normal"),
            pool=XPool(type="max", pool_size=2, strides=1, padding="valid", act=act(None)),
            flatten=True,
        )
        self.b5 = XBundle(core=dense(10, None), softmax=True)

    def call(self, x: Any) -> Any:
        x = self.input_quant_layer(x)
        x = skip = self.b1(x)
        x = self.b2(x, skip)
        return self.b5(self.b4(self.b3(x, skip)))


class Jets(XModel):
    """The jet tagger: 16, 64, 32, 32, 5."""

    def call(self, x: Any) -> Any:
        x = self.input_quant_layer(x)
        for units in (64, 32, 32):
            x = XBundle(core=dense(units))(x)
        return XBundle(core=dense(5, None, use_bias=False), softmax=True)(x)


class Residual(XModel):
    """A block of ResNet: a projection and a strided pair, added."""

    def call(self, x: Any) -> Any:
        x = self.input_quant_layer(x)
        shortcut = XBundle(core=conv(8, 1, None, strides=2))(x)
        x = XBundle(core=conv(8, 3, 0, strides=2))(x)
        x = XBundle(core=conv(8, 3, None), add_act=act(0))(x, shortcut)
        pool = XPool("avg", 4, 4, "valid", act(None))
        return XBundle(core=conv(4, 3), pool=pool, flatten=True)(x)


class Points(XModel):
    """PointNet: pixels are points, and a global average joins them."""

    def call(self, x: Any) -> Any:
        x = XBundle(core=conv(8, 1))(self.input_quant_layer(x))
        pool = XPool(type="avg", pool_size=(61, 1), strides=(61, 1), padding="valid", act=act(None))
        x = XBundle(core=conv(12, 1), pool=pool, flatten=True)(x)
        return XBundle(core=dense(3, None))(x)


MODELS: dict[str, tuple[type[XModel], tuple[int, ...]]] = {
    "mnist": (Mnist, (14, 12, 1)),
    "jets": (Jets, (16,)),
    "residual": (Residual, (8, 8, 3)),
    "points": (Points, (61, 1, 3)),
}


def hardware(*, bits_sum: int = 32, **options: Any) -> Hardware:
    return Hardware(
        processing_elements=(8, 24),
        bits_input=4,
        bits_weights=4,
        bits_sum=bits_sum,
        bits_bias=16,
        max_image_size=512,
        **options,
    )


def built(name: str, x_int_bits: int = 0) -> Any:
    """A Keras model with random weights and statistics, always the same."""
    keras = lazy.load()[0].keras
    kind, shape = MODELS[name]
    image = keras.Input(shape, name="input")
    model = keras.Model(inputs=[image], outputs=[kind(BITS, x_int_bits)(image)])
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


def agree(model: Any, graph: Graph) -> None:
    x = np.random.default_rng(1).uniform(-2.2, 2.2, (3, *model.input_shape[1:]))
    outputs = keras_layer_outputs(model, x)
    values = run(graph, quantise_input(graph, x.reshape(-1, *graph.input.shape)))
    for name, value in values.items():
        real = outputs[name].reshape(value.shape)
        assert np.array_equal(real, dequantise(graph, name, value)), name
        assert np.ptp(value) > 0, name


@pytest.mark.parametrize("name", MODELS)
def test_examples_are_exact_and_survive_saving(name: str, tmp_path: Path) -> None:
    _, qkeras = lazy.load()
    model = built(name, x_int_bits=1)
    graph = convert(model, hardware())
    assert graph.input.fraction == 2
    agree(model, graph)
    path = tmp_path / "model.h5"
    model.save(path)
    loaded = qkeras.utils.load_qmodel(path)
    assert convert(loaded, hardware()).digest() == graph.digest()
    kinds = [type(node) for node in graph.nodes]
    assert kinds.count(Add) == {"mnist": 2, "residual": 1}.get(name, 0)
    averages = [n for n in graph.nodes if isinstance(n, Pool) and n.kind == "average"]
    assert len(averages) == (name != "jets") and all(pool.round_first for pool in averages)


def test_a_model_trains() -> None:
    model = built("jets")
    before = convert(model, hardware()).digest()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    model.fit(rng.uniform(-1, 1, (32, 16)), rng.integers(0, 5, 32), epochs=2, verbose=0)
    assert convert(model, hardware()).digest() != before


def test_untrained_biases_are_zero_unless_the_script_says_otherwise() -> None:
    """CGRA4ML leaves them to Keras, unlike the reference before it."""
    x = lazy.load()[0].keras.Input((2, 2, 1))
    first = XBundle(core=conv(3, 1), flatten=True)
    model = lazy.load()[0].keras.Model(x, XBundle(core=dense(4, bias_initializer="ones"))(first(x)))
    biases = [layer.bias.numpy().tolist() for layer in model.layers if hasattr(layer, "bias")]
    assert biases == [[0, 0, 0], [1, 1, 1, 1]]


def test_the_default_input_is_uniform_and_follows_tensorflows_seed() -> None:
    tf, _ = lazy.load()
    shape = (3, 5, 4, 2)
    # Without a seed it is always the same.
    tf.random.set_seed(None)
    first, again = default_input(shape), default_input(shape)
    assert np.array_equal(first, again) and first.dtype == np.float32 and first.shape == shape
    assert 0 <= first.min() < 0.05 and 0.95 < first.max() < 1
    try:
        tf.random.set_seed(5)
        expected = [tf.random.uniform(shape).numpy() for _ in range(2)]
        tf.random.set_seed(5)
        assert np.array_equal([default_input(shape), default_input(shape)], expected)
    finally:
        tf.random.set_seed(None)


def test_functions_export_and_predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model, hw = built("jets"), hardware(data_dir=str(tmp_path / "vectors"))
    with pytest.raises(FileNotFoundError, match="call export_inference first"):
        cgra4ml.predict_model_performance(hw)
    cgra4ml.export_inference(model, hw, batch_size=2)
    assert (tmp_path / "config_fw.h").is_file() and (tmp_path / "vectors" / "wbx.bin").is_file()
    counts = [
        len((tmp_path / "vectors" / f"{bundle}_y_nhwc_exp.txt").read_text().split())
        for bundle in range(4)
    ]
    assert counts == [2 * 64, 2 * 32, 2 * 32, 2 * 5]
    predicted = cgra4ml.predict_model_performance(hw)
    assert predicted["batch_size"] == 2
    assert predicted["macs"] == 2 * (16 * 64 + 64 * 32 + 32 * 32 + 32 * 5)
    assert 0 < predicted["utilisation"] <= 1 and predicted["bytes"] > predicted["macs"] / 4
    assert predicted["frames_per_second"] == pytest.approx(2 / predicted["seconds"])
    with pytest.raises(FrontendError, match="has 4 bundles, legal is max_n_bundles=3"):
        cgra4ml.export_inference(model, hardware(max_n_bundles=3))
    (tmp_path / "vectors" / "model.cwgraph").write_bytes(b"no graph")
    with pytest.raises(FrontendError, match="call export_inference again"):
        cgra4ml.predict_model_performance(hw)


@pytest.mark.slow
def test_a_model_is_verified_in_simulation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # As the accelerator of lenet5_w4a4, which other tests compile.
    shared = {"bits_sum": 24, "axi_max_burst_len": 64}
    hw = hardware(data_dir=str(tmp_path / "vectors"), valid_prob=0.5, ready_prob=0.5, **shared)
    model = built("residual")
    cgra4ml.export_inference(model, hw, batch_size=2)
    report = cgra4ml.verify_inference(model, hw, SIM="verilator", SIM_PATH="", TRACE=False)
    assert report["passed"] and report["mismatches"] == 0
    assert (report["stalls"], report["valid_prob"], report["ready_prob"]) == ("hardware", 0.5, 0.5)
    assert report["cycles"] > report["cycles_without_stalls"] > 0


def test_hardware_takes_further_keywords(tmp_path: Path) -> None:
    hw = hardware(
        axi_max_burst_len=8,
        max_n_bundles=300,
        config_baseaddr="A0000000",
        tb_module="axi_int_reg_tb",
    )
    assert (hw.max_burst_beats, hw.perf_layers, hw.config_baseaddr) == (8, 300, "A0000000")
    assert (Hardware().max_burst_beats, Hardware().perf_layers) == (16, 256)
    assert (Hardware().max_n_bundles, Hardware().header_width) == (64, 64)
    loaded = Hardware.from_json(hw.export_json(tmp_path / "hardware.json"))
    assert loaded == hw and loaded.hash == hw.hash and loaded.params == hw.params
    assert (*(300, 64, "A0000000"),) == (
        loaded.MAX_N_BUNDLES,
        loaded.HEADER_WIDTH,
        loaded.CONFIG_BASEADDR,
    )
    assert (loaded.AXI_MAX_BURST_LEN, loaded.TB_MODULE) == (8, "axi_int_reg_tb")
    # The file is the accelerator's for everybody else, too.
    plain = corewright.Hardware.from_json(tmp_path / "hardware.json")
    assert plain.hash == hw.hash and plain.max_burst_beats == 8
    with pytest.raises(ValueError, match="unknown hardware parameter max_bundles"):
        Hardware.from_dict({"max_bundles": 3})


def test_hardware_by_position_is_in_the_references_order() -> None:
    hw = Hardware((4, 6), 100, 8, 4, 24, 16, 2, 64, 3, 28, 5, 48, 300, 128, 32, "B0", 4, 32, True)
    assert (hw.max_image_size, hw.max_n_bundles, hw.ram_weights_depth) == (28, 5, 48)
    assert (hw.ram_edges_depth, hw.axi_width, hw.config_baseaddr) == (300, 128, "B0")
    assert (hw.max_burst_beats, hw.async_resetn) == (4, True)
    with pytest.raises(TypeError, match="frequency_mhz is given twice"):
        Hardware((4, 6), 100, frequency_mhz=100)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Hardware(max_n_bundles=0), "max_n_bundles is 0, legal is an integer 1.."),
        (lambda: Hardware(header_width=0), "header_width is 0"),
        (lambda: Hardware(axi_max_burst_len=257), "axi_max_burst_len is 257"),
        (lambda: Hardware(config_baseaddr="G0"), "config_baseaddr is 'G0', legal are up to 16"),
        (lambda: Hardware(tb_module="a b"), "tb_module is 'a b', legal is a module's name"),
        (lambda: XActivation(BITS, 0, "tanh"), "type is 'tanh', legal are 'relu' and None"),
        (lambda: act(0.3), "slope is 0.3, legal are 0 and 1, 1/2"),
        (lambda: act(2), "slope is 2, legal are 0 and 1"),
    ],
)
def test_bad_arguments_are_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_misuse_is_named() -> None:
    keras = lazy.load()[0].keras
    x = keras.Input((4, 4, 2))
    bundle = XBundle(core=conv(2, 3))
    bundle(x)
    with pytest.raises(FrontendError, match="called twice, legal is once"):
        bundle(x)
    with pytest.raises(FrontendError, match="add is given but x_skip is not"):
        XBundle(core=conv(2, 3), add_act=act())(x)
    with pytest.raises(NotImplementedError, match="XModel has no method call"):
        XModel(BITS, 0)(x)
    assert XModel(BITS, 1).get_config() == {"sys_bits": BITS, "x_int_bits": 1}


# As its scripts begin: all imports before the star import. Their Keras is Keras 3 where that is
# installed, as here, and nothing in the environment chooses.
SCRIPT = """
from tensorflow import keras
from keras.layers import Input
from keras.models import Model, save_model
from keras.optimizers import Adam
from keras.utils import to_categorical
from qkeras.utils import load_qmodel
import numpy as np
import tensorflow as tf
import keras as keras_3

foreign = keras_3.Input((4,))
foreign_model = keras_3.Model(foreign, keras_3.layers.Dense(2)(foreign))
from corewright.dialects.cgra4ml import *

bits = SYS_BITS(x=4, k=4, b=16)
act = XActivation(sys_bits=bits, o_int_bits=0, type="relu", slope=0)

@keras.saving.register_keras_serializable()
class UserModel(XModel):
    def __init__(self, sys_bits, x_int_bits, *args, **kwargs):
        super().__init__(sys_bits, x_int_bits, *args, **kwargs)
        self.b0 = XBundle(core=XConvBN(k_int_bits=0, b_int_bits=0, act=act, filters=4,
                                       kernel_size=3), flatten=True)
        self.b1 = XBundle(core=XDense(k_int_bits=0, b_int_bits=0, act=act, units=3), softmax=True)

    def call(self, x):
        return self.b1(self.b0(self.input_quant_layer(x)))

x = x_in = Input((4, 4, 1), name="input")
model = Model(inputs=[x_in], outputs=[UserModel(sys_bits=bits, x_int_bits=0)(x)])
model.compile(loss="categorical_crossentropy", optimizer=Adam(learning_rate=0.0001))
x, y = np.random.default_rng(0).uniform(0, 1, (8, 4, 4, 1)), to_categorical(np.arange(8) % 3, 3)
assert model.fit(x, y, epochs=0, initial_epoch=1, verbose=True, validation_split=0.1).history == {}
assert len(model.fit(x, y, epochs=2, initial_epoch=1, verbose=0).history["loss"]) == 1
save_model(model, "model.h5")
loaded = load_qmodel("model.h5")
assert loaded.evaluate(x, y, verbose=0) > 0
assert tf.keras.layers.Dense is keras.layers.Dense and issubclass(Model, tf.keras.Model)
assert Input(64).shape == (None, 64)
hw = Hardware(bits_sum=20, data_dir="vectors")
export_inference(loaded, hw, batch_size=2)
assert predict_model_performance(hw)["batch_size"] == 2

from corewright import convert
for use in (lambda: UserModel(bits, 0)(foreign), lambda: XBundle(core=UserModel(bits, 0).b1.core)(
        foreign), lambda: convert(foreign_model, hw)):
    try:
        use()
    except ValueError as error:
        assert "is of Keras 3" in str(error) and "import corewright" in str(error), error
    else:
        raise AssertionError("taken")
print("exported by one line changed")
"""


# The second has Keras 3 inside TensorFlow and QKeras, the first only beside them.
@pytest.mark.parametrize(
    "before",
    ["", pytest.param("import tensorflow as tf; tf.keras.layers.Dense", marks=pytest.mark.nightly)],
    ids=["beside", "inside"],
)
def test_a_script_imports_keras_before_its_star_import(before: str, tmp_path: Path) -> None:
    environment = flow_environment()
    del environment["TF_USE_LEGACY_KERAS"]
    script = f"{before}\n{SCRIPT}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "exported by one line changed" in done.stdout
