# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A classifier of bundles in 4 bits: every option, small buffers, a memory that mostly stalls.

It asks for xsim as on its author's machine, and for hardware of a single weight buffer of 20 words.
"""

from corewright import Bundle, Hardware, QInput, QModel

hw = Hardware(
    processing_elements=(4, 6),
    frequency_mhz=250,
    bits_input=4,
    bits_weights=4,
    bits_sum=16,
    bits_bias=16,
    max_batch_size=64,
    max_channels_in=2048,
    max_kernel_size=13,
    max_image_size=512,
    ram_weights_depth=20,
    ram_edges_depth=288,
    axi_width=64,
    target_cpu_int_bits=32,
    valid_prob=0.1,
    ready_prob=0.1,
    data_dir="vectors",
)
hw.export_json()
hw = Hardware.from_json("hardware.json")
hw.export()
hw.export_vivado_tcl(board="zcu104")

kq = f"quantized_bits({hw.K_BITS},0,False,True,1)"
bq = f"quantized_bits({hw.B_BITS},0,False,True,1)"
relu = f"quantized_relu({hw.X_BITS},0,negative_slope=0)"
leaky = f"quantized_relu({hw.X_BITS},0,negative_slope=0.125)"
linear = f"quantized_bits({hw.X_BITS},0,False,True,1)"
unsigned = f"quantized_bits({hw.X_BITS},0,False,False,1)"
quantisers = {"kernel_quantizer": kq, "bias_quantizer": bq}


def conv(filters, kernel_size, act_str, strides=(1, 1), use_bias=True):  # noqa: ANN001, ANN201
    """The dictionary of a convolution."""
    return {
        "type": "conv",
        "filters": filters,
        "kernel_size": kernel_size,
        "strides": strides,
        "padding": "same",
        "use_bias": use_bias,
        "act_str": act_str,
        **quantisers,
    }


x = x_in = QInput(shape=(18, 18, 3), batch_size=1, hw=hw, int_bits=0, name="input")
x = x_skip1 = Bundle(
    core=conv(8, (11, 11), relu, (2, 1)),
    pool={
        "type": "avg",
        "size": (3, 4),
        "strides": (2, 3),
        "padding": "same",
        "act_str": unsigned,
    },
)(x)
x = x_skip2 = Bundle(core=conv(8, (1, 1), unsigned), add={"act_str": linear})(x, x_skip1)
x = Bundle(core=conv(8, (7, 7), linear, use_bias=False), add={"act_str": linear})(x, x_skip2)
x = Bundle(core=conv(8, (5, 5), leaky), add={"act_str": linear})(x, x_skip1)
x = Bundle(core=conv(24, (3, 3), relu))(x)
x = Bundle(core=conv(10, 1, leaky), flatten=True)(x)
x = Bundle(
    core={"type": "dense", "units": 10, "use_bias": True, "act_str": leaky, **quantisers},
    softmax=True,
)(x)

model = QModel(inputs=x_in.raw, outputs=x)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.summary()

SIM, SIM_PATH = "xsim", "F:/Xilinx/Vivado/2022.1/bin/"
model.export_inference(x=model.random_input, hw=hw)
report = model.verify_inference(SIM=SIM, SIM_PATH=SIM_PATH)
seconds, traffic = model.predict_performance()
