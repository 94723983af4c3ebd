# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A user's script with only the import line changed: Keras, integers, emulator and RTL agree."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.tensorflow


def test_script_exports_and_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from corewright import Bundle, Hardware, QInput, QModel

    monkeypatch.chdir(tmp_path)
    hw = Hardware(
        processing_elements=(3, 4),
        frequency_mhz=250,
        bits_input=8,
        bits_weights=8,
        bits_sum=32,
        bits_bias=16,
        axi_width=32,
        drain_width=2,
        max_kernel_size=32,
        valid_prob=0.5,
        ready_prob=0.5,
        data_dir="vectors/",
    )
    hw.export_json()
    hw = Hardware.from_json("hardware.json")
    hw.export()

    quantiser = "quantized_bits(8,0,False,True,1)"
    bias = "quantized_bits(16,0,False,True,1)"
    x = x_in = QInput(shape=(7, 6, 2), batch_size=2, hw=hw, int_bits=0, name="input")
    x = Bundle(
        core={
            "type": "conv",
            "filters": 5,
            "kernel_size": (3, 2),
            "strides": (2, 1),
            "padding": "same",
            "kernel_quantizer": quantiser,
            "bias_quantizer": bias,
            "use_bias": True,
            "act_str": "quantized_relu(8,1,negative_slope=0.125)",
        },
        pool={
            "type": "avg",
            "size": (2, 3),
            "strides": 2,
            "padding": "same",
            "act_str": "quantized_bits(8,1,False,False,1)",
        },
        flatten=True,
    )(x)
    x = Bundle(
        core={
            "type": "dense",
            "units": 10,
            "kernel_quantizer": quantiser,
            "bias_quantizer": bias,
            "use_bias": True,
            "act_str": "quantized_bits(8,3,False,True,1)",
        },
        softmax=True,
    )(x)
    model = QModel(inputs=x_in.raw, outputs=x)
    model.compile()
    exported = model.export_inference(x=model.random_input, hw=hw)
    assert exported.info["framework"]["bit_exact"] and exported.info["framework"]["layers"] >= 4
    report = model.verify_inference(SIM="verilator", SIM_PATH="")
    assert report["passed"] and report["images"] == 2
    assert report["status"] == "OK" and report["cycles"] > 0
    seconds, moved = model.predict_performance()
    assert 0 < seconds < 1e-3 and moved > 0
    names = "config_hw.svh config_hw.tcl config_tb.svh sources.txt hardware.json config_fw.h"
    for name in (*names.split(), "vectors/wbx.bin", "vectors/wb.bin", "vectors/x.bin"):
        assert (tmp_path / name).is_file(), name
