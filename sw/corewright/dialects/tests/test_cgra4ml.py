# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Scripts of CGRA4ML's kinds: Keras, loaded Keras and the integer graph agree exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

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


def hardware(**options: Any) -> Hardware:
    return Hardware(
        processing_elements=(8, 24),
        bits_input=4,
        bits_weights=4,
        bits_sum=32,
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
    hw = hardware(data_dir=str(tmp_path / "vectors"), valid_prob=0.5, ready_prob=0.5)
    model = built("residual")
    cgra4ml.export_inference(model, hw, batch_size=2)
    report = cgra4ml.verify_inference(model, hw, SIM="verilator", SIM_PATH="", TRACE=False)
    assert report["passed"] and report["mismatches"] == 0
    assert (report["stalls"], report["valid_prob"], report["ready_prob"]) == ("hardware", 0.5, 0.5)
    assert report["cycles"] > report["cycles_without_stalls"] > 0


def test_hardware_takes_further_keywords(tmp_path: Path) -> None:
    hw = hardware(axi_max_burst_len=8, max_n_bundles=300, config_baseaddr="A0000000")
    assert (hw.max_burst_beats, hw.perf_layers, hw.config_baseaddr) == (8, 300, "A0000000")
    assert (Hardware().max_burst_beats, Hardware().perf_layers) == (16, 256)
    assert (Hardware().max_n_bundles, Hardware().header_width) == (64, 64)
    loaded = Hardware.from_json(hw.export_json(tmp_path / "hardware.json"))
    assert loaded == hw and loaded.hash == hw.hash


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Hardware(max_n_bundles=0), "max_n_bundles is 0, legal is an integer 1.."),
        (lambda: Hardware(header_width=0), "header_width is 0"),
        (lambda: Hardware(axi_max_burst_len=257), "axi_max_burst_len is 257"),
        (lambda: Hardware(config_baseaddr="G0"), "config_baseaddr is 'G0', legal are up to 16"),
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
