# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Users' scripts run as they stand, anywhere, to a bit-exact end."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from corewright.flow.model import flow_environment

pytestmark = pytest.mark.tensorflow

HERE = Path(__file__).parent
EXPORTED = (
    *("config_hw.svh", "config_hw.tcl", "config_tb.svh", "sources.txt", "hardware.json"),
    *("vivado_flow.tcl", "config_fw.h", "vectors/wbx.bin", "vectors/wb.bin", "vectors/x.bin"),
)


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
    # The seventh bundle's integers, then the host's softmax of them.
    integers = np.loadtxt(folder / "vectors" / "6_y_nhwc_exp.txt", dtype=np.int64)
    assert integers.shape == (10,) and integers.min() >= -8 and integers.max() <= 7
    exponentials = np.exp(integers / 8)
    probabilities = np.loadtxt(folder / "vectors" / "y_exp.txt")
    assert np.allclose(probabilities, exponentials / exponentials.sum(), atol=1e-6)
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
