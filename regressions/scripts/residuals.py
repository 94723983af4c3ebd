# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Residual bundles in 8 bits: other fractions, biases of 32 bits, a batch of 5, two models."""

import numpy as np

from corewright import Bundle, Hardware, QInput, QModel

hw = Hardware(
    processing_elements=(3, 4),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    bits_bias=32,
    axi_width=32,
    drain_width=2,
    max_kernel_size=32,
    valid_prob=0.3,
    ready_prob=0.6,
    data_dir="results/first",
)
K, B = "quantized_bits(8,0,False,True,1)", f"quantized_bits({hw.B_BITS},0,False,True,1)"
core = {"kernel_quantizer": K, "bias_quantizer": B, "use_bias": True}
conv = {"type": "conv", "padding": "same", "strides": 1, **core}

x = x_in = QInput(shape=(7, 7, 4), batch_size=5, hw=hw, int_bits=3)
x = first = Bundle(
    core={**conv, "filters": 4, "kernel_size": 3, "act_str": "quantized_bits(8,3,False,True,1)"},
    add={"act_str": "quantized_relu(8,2,negative_slope=0.125)"},
)(x_in, x_in)
x = Bundle(
    core={**conv, "filters": 4, "kernel_size": (2, 5), "act_str": "quantized_relu(8,0)"},
    add={"act_str": "quantized_bits(8,5,False,True,1)"},
)(x, first)
x = Bundle(
    core={**conv, "filters": 6, "kernel_size": 1, "act_str": "quantized_bits(6,0,False,True,1)"},
    pool={
        "type": "avg",
        "size": 7,
        "strides": 7,
        "padding": "valid",
        "act_str": "quantized_bits(8,0,False,True,1)",
    },
    flatten=True,
)(x)
x = Bundle(
    core={"type": "dense", "units": 3, "act_str": "quantized_bits(8,1,False,True,1)", **core},
    softmax=True,
)(x)
model = QModel(inputs=x_in.raw, outputs=x)
model.compile()

images = np.random.default_rng(7).normal(0, 4, (8, 7, 7, 4)).astype(np.float32)
model.export_inference(x=images, hw=hw)
first_report = model.verify_inference(SIM="verilator", SIM_PATH="")

# Another one, of vectors, in the same process and on the same hardware.
x = x_in = QInput(shape=(16,), batch_size=64, hw=hw)
for units in (24, 12):
    x = Bundle(core={"type": "dense", "units": units, "act_str": "quantized_relu(8,0)", **core})(x)
x = Bundle(
    core={"type": "dense", "units": 5, "act_str": "quantized_bits(8,0,False,False,1)", **core},
    softmax=True,
)(x)
jets = QModel(inputs=x_in.raw, outputs=x)
for layer in jets.layers:
    layer.trainable = False
jets.compile()
seconds, traffic = jets.predict_performance()
jets.export_inference(x=jets.random_input, hw=hw)
report = jets.verify_inference("verilator", "")
