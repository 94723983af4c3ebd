# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Users' scripts run as they stand, anywhere, to a bit-exact end."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import corewright
from corewright import convert, golden
from corewright.dialects import cgra4ml
from corewright.dialects.cgra4ml.inference import _default_input as default_input
from corewright.environment import repository_root
from corewright.flow.compiled_bench import flow_environment
from corewright.frontends import tensorflow as lazy

pytestmark = pytest.mark.tensorflow

HERE = Path(__file__).parent
CASES = runpy.run_path(str(HERE / "reference_cases.py"))
REFERENCE = np.load(HERE / "reference_integers.npz")
EXPORTED = (
    *("config_hw.svh", "config_hw.tcl", "config_tb.svh", "sources.txt", "hardware.json"),
    *("vivado_flow.tcl", "config_fw.h", "vectors/wbx.bin", "vectors/wb.bin", "vectors/x.bin"),
    "vectors/x_all.bin",
)


@pytest.mark.nightly
def test_classifier_runs_without_asserts_from_a_folder_of_its_own(tmp_path: Path):
    folder = tmp_path / "my work"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-O", "-P", str(HERE / "classifier.py")],
        cwd=folder,
        env=flow_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "q_model on 4x6: 1 images bit exact; " in done.stdout
    assert " cycles under the simulated stalls (valid_prob " in done.stdout
    assert "SIM='xsim' does not run this bench: Verilator simulates instead" in done.stderr
    for name in EXPORTED:
        assert (folder / name).stat().st_size > 0, name
    # The seventh bundle's integers have its layer's name; its own file the host's softmax of them.
    integers = np.loadtxt(folder / "vectors" / "bundle_6_dense_y_nhwc_exp.txt", dtype=np.int64)
    assert integers.shape == (10,) and integers.min() >= -8 and integers.max() <= 7
    exponentials = np.exp(integers / 8)
    for name in ("y_exp.txt", "6_y_nhwc_exp.txt"):
        probabilities = np.loadtxt(folder / "vectors" / name)
        assert np.allclose(probabilities, exponentials / exponentials.sum(), atol=1e-6)
    # The input of the first layer, then what the others read.
    inputs = (folder / "vectors" / "x_all.bin").read_bytes()
    assert inputs.startswith((folder / "vectors" / "x.bin").read_bytes())
    assert not (folder / "vectors" / "7_y_nhwc_exp.txt").exists()


def test_residuals_two_models_share_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    script = runpy.run_path(str(HERE / "residuals.py"), run_name="__main__")
    first, second = script["first_report"], script["report"]
    assert first["passed"] and (first["images"], first["batch"], first["runs"]) == (8, 5, 2)
    assert first["framework"]["bit_exact"] and first["framework"]["images"] == 8
    assert second["passed"] and (second["images"], second["batch"]) == (64, 64)
    # The stalls that the script asks for cost time, which the estimate leaves out.
    assert 0 < script["seconds"] < second["cycles"] / 250e6
    # The folder has the second model's files only.
    left = sorted(path.name[0] for path in tmp_path.glob("results/first/[0-9]_y_nhwc_exp.txt"))
    assert left == ["0", "1", "2"]


def test_ordinary_qkeras_model_is_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    script = runpy.run_path(str(HERE / "ordinary.py"), run_name="__main__")
    report = script["report"]
    assert report["passed"] and (report["images"], report["runs"]) == (16, 4)
    assert report["framework"]["bit_exact"] and report["framework"]["images"] == 16
    kinds = {layer["type"] for layer in report["layers"]}
    assert {"conv", "max_pool", "depthwise", "sum_pool", "dense"} == kinds


@pytest.mark.parametrize("case", ["first_pools", "first_projections", "first_vectors"])
def test_every_bundle_has_the_references_integers(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """``reference_integers.npz`` is what the reference itself computed.

    Its packages (github.com/abarajithan11/deepsocflow 861ed565 and github.com/KastnerRG/cgra4ml
    ffb71e52, on TensorFlow 2.15.1 and QKeras 0.9) built the models of ``reference_cases`` with the
    same weights, and exported them for their own random input: each bundle's integers, those
    before the softmax where there is one, and the first image's probabilities.
    """
    from corewright.dialects.deepsocflow.bundle import bundle_tensors

    monkeypatch.chdir(tmp_path)
    model, hw = CASES[case](corewright)
    for index, bundle in enumerate(model.bundles):
        set_weights(index, bundle.core["layer"])
    model.export_inference(x=model.random_input, hw=hw)
    graph = model.to_graph()
    values = golden.run(graph, golden.quantise_input(graph, model.random_input))
    for index, name in enumerate(bundle_tensors(model, graph)):
        expected = REFERENCE[f"{case}/{index}"]
        assert np.array_equal(values[name].reshape(expected.shape), expected), name
        written = np.loadtxt(tmp_path / "vectors" / f"{index}_y_nhwc_exp.txt")
        if f"{case}/y" in REFERENCE and index == len(model.bundles) - 1:
            # Of the first image: in the reference the others share its sum.
            expected = REFERENCE[f"{case}/y"][:10]
            assert np.allclose(written[:10], expected, atol=1e-6)
        else:
            assert np.array_equal(written, expected.ravel()), name


def test_every_bundle_has_the_successors_integers():
    from corewright.dialects.deepsocflow.bundle import bundle_tensors

    tf, _ = lazy.load()
    model, hw = CASES["successor"](cgra4ml, tf.keras)
    bundles = sorted(
        (int(match[1]), layer)
        for layer in model.layers
        if (match := re.fullmatch(r"bundle_(\d+)_(conv|dense)", layer.name))
    )
    for index, (_, layer) in enumerate(bundles):
        set_weights(index, layer)
    graph = convert(model, hw)
    values = golden.run(graph, golden.quantise_input(graph, REFERENCE["successor/x"]))
    for index, name in enumerate(bundle_tensors(model, graph)):
        expected = REFERENCE[f"successor/{index}"]
        assert np.array_equal(values[name].reshape(expected.shape), expected), name
    # The input that it drew behind tf.random.set_seed(3).
    tf.random.set_seed(3)
    try:
        assert np.array_equal(default_input((1, 18, 17, 1)), REFERENCE["successor/x"])
    finally:
        tf.random.set_seed(None)


def set_weights(index: int, layer: Any) -> None:
    for variable in layer.weights:
        name = variable.name.split("/")[-1].split(":")[0]
        if name != "iteration":
            variable.assign(CASES["weight"](index, name, tuple(variable.shape)))


# In the reference's environment: TensorFlow 2.15, whose Keras is Keras 2 by itself.
OLD = """
import os, runpy, sys
import corewright
assert "TF_USE_LEGACY_KERAS" not in os.environ
from tensorflow import keras
from keras.layers import Input
from qkeras.utils import load_qmodel
import numpy as np
from corewright.dialects import cgra4ml
from corewright.dialects.cgra4ml import *
cases = runpy.run_path(sys.argv[1] + "/reference_cases.py")
expected = np.load(sys.argv[1] + "/reference_integers.npz")
model, hw = cases["first_projections"](corewright)
for index, bundle in enumerate(model.bundles):
    for variable in bundle.core["layer"].weights:
        name = variable.name.split("/")[-1].split(":")[0]
        if name != "iteration":
            variable.assign(cases["weight"](index, name, tuple(variable.shape)))
model.export_inference(x=model.random_input, hw=hw)
for index in range(len(model.bundles)):
    written = np.loadtxt(f"vectors/{index}_y_nhwc_exp.txt")
    assert np.array_equal(written, expected[f"first_projections/{index}"].ravel()), index
model, hw = cases["successor"](cgra4ml, keras)
save_model(model, "model.h5")
export_inference(load_qmodel("model.h5"), hw)
print("exact on TensorFlow", __import__("tensorflow").__version__)
"""


@pytest.mark.nightly
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="TensorFlow 2.15 needs Python 3.11")
def test_the_references_environment_is_left_alone(tmp_path: Path):
    environment = {**flow_environment(), "PYTHONPATH": str(repository_root() / "sw")}
    del environment["TF_USE_LEGACY_KERAS"]
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    packages = ["tensorflow-cpu==2.15.1", "numpy==1.26.4", "qkeras==0.9.0", "pyparsing<3.3"]
    packages += ["setuptools<81", "PyYAML", "pydantic", "rich", "fusesoc==2.4.7", "edalize==0.6.8"]
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    done = subprocess.run(
        [python, "-c", OLD, HERE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "exact on TensorFlow 2.15.1" in done.stdout
