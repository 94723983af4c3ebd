# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Models in the words of two other systems' scripts, which their own packages can build, too.

``api`` is the module that a script imports its names from: ``corewright``, or what it stands for.
The weights of a case are a function of their places, so that both have the same.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt


def weight(bundle: int, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """The values of a bundle's weight called ``name``: kernel, bias, gamma, beta, ..."""
    rng = np.random.RandomState(zlib.crc32(f"{bundle} {name}".encode()))
    low, high = {"moving_variance": (0.3, 1), "gamma": (0.5, 1.5)}.get(name, (-0.8, 0.8))
    return rng.uniform(low, high, shape).astype(np.float32)


def _hardware(api: Any, bits: int, rows: int, columns: int, **options: Any) -> Any:
    return api.Hardware(
        processing_elements=(rows, columns),
        bits_input=bits,
        bits_weights=bits,
        bits_sum=32,
        bits_bias=16,
        max_batch_size=64,
        max_channels_in=512,
        max_kernel_size=13,
        max_image_size=512,
        ram_edges_depth=3584,
        axi_width=128,
        **options,
    )


def first_pools(api: Any) -> tuple[Any, Any]:
    """Strides, an average over a window that hangs over, skips, slopes, flatten, softmax."""
    hw = _hardware(api, 8, 8, 24)
    word = f"quantized_bits({hw.X_BITS},0,False,True,1)"
    linear = f"quantized_bits({hw.X_BITS},0,False,False,1)"
    ramp = f"quantized_relu({hw.X_BITS},0,negative_slope=0)"
    leaky = f"quantized_relu({hw.X_BITS},0,negative_slope=0.125)"

    def conv(filters: int, size: Any, act: str, strides: Any = (1, 1)) -> dict[str, Any]:
        core = {"type": "conv", "filters": filters, "kernel_size": size, "strides": strides}
        quantisers = {"kernel_quantizer": word, "bias_quantizer": word}
        return {**core, **quantisers, "padding": "same", "use_bias": True, "act_str": act}

    average = {"type": "avg", "size": (3, 4), "strides": (2, 3), "padding": "same"}
    largest = {"type": "max", "size": 2, "strides": 1, "padding": "valid", "act_str": leaky}
    x = x_in = api.QInput(shape=(15, 13, 3), batch_size=2, hw=hw, int_bits=0, name="input")
    x = x_skip = api.Bundle(
        core=conv(6, (7, 5), linear, (2, 1)), pool={**average, "act_str": linear}
    )(x)
    x = api.Bundle(core=conv(6, (3, 3), linear), add={"act_str": leaky})(x, x_skip)
    x = api.Bundle(core=conv(5, (1, 1), leaky), pool=largest)(x)
    x = api.Bundle(core=conv(7, (3, 3), ramp), flatten=True)(x)
    dense = {"type": "dense", "units": 10, "kernel_quantizer": word, "bias_quantizer": word}
    x = api.Bundle(core={**dense, "use_bias": True, "act_str": linear}, softmax=True)(x)
    return api.QModel(inputs=x_in.raw, outputs=x), hw


def first_projections(api: Any) -> tuple[Any, Any]:
    """Blocks of a residual network: linear projections, sums of another fraction, 4 bits."""
    hw = _hardware(api, 4, 7, 12)
    quantisers = {
        "kernel_quantizer": "quantized_bits(4,0,False,True,1)",
        "bias_quantizer": "quantized_bits(16,0,False,True,1)",
    }
    linear, ramp = "quantized_bits(4,0,False,False,1)", "quantized_relu(4,0,negative_slope=0)"

    def conv(filters: int, size: int, act: str, strides: int = 1) -> dict[str, Any]:
        core = {"type": "conv", "filters": filters, "kernel_size": size, "strides": strides}
        return {**core, **quantisers, "padding": "same", "use_bias": True, "act_str": act}

    pool = {"type": "max", "size": 3, "strides": 2, "padding": "same", "act_str": linear}
    x = x_in = api.QInput(shape=(24, 20, 3), batch_size=1, hw=hw, int_bits=0, name="input")
    x = api.Bundle(core=conv(8, 7, ramp, 2), pool=pool)(x)
    for filters, strides in ((12, 1), (16, 2)):
        x_skip = api.Bundle(core=conv(filters, 1, linear, strides))(x)
        x = api.Bundle(core=conv(6, 3, ramp, strides))(x)
        x = api.Bundle(
            core=conv(filters, 1, "quantized_bits(4,1,False,False,1)"), add={"act_str": ramp}
        )(x, x_skip)
    return api.QModel(inputs=x_in.raw, outputs=api.Bundle(core=conv(9, 3, linear))(x)), hw


def first_vectors(api: Any) -> tuple[Any, Any]:
    """Dense layers on a batch beyond max_batch_size, which the reference maps to an image."""
    hw = _hardware(api, 4, 8, 16)
    dense = {
        "type": "dense",
        "kernel_quantizer": "quantized_bits(4,0,False,True,1)",
        "bias_quantizer": "quantized_bits(16,0,False,True,1)",
        "use_bias": True,
        "act_str": "quantized_bits(4,0,False,False,1)",
    }
    x = x_in = api.QInput(shape=(12,), batch_size=96, hw=hw, int_bits=0, name="input")
    x = api.Bundle(core={**dense, "units": 20})(x)
    x = api.Bundle(core={**dense, "units": 5})(x)
    return api.QModel(inputs=x_in.raw, outputs=x), hw


def successor(api: Any, keras: Any) -> tuple[Any, Any]:
    """The successor's example in small: a convolution with a pool, a skip, a dense layer."""
    bits = api.SYS_BITS(x=4, k=4, b=16)

    def act(slope: float | None = None) -> Any:
        kind = None if slope is None else "relu"
        return api.XActivation(sys_bits=bits, o_int_bits=0, type=kind, slope=slope or 0)

    def conv(filters: int, size: int, slope: float | None, strides: Any = 1) -> Any:
        return api.XConvBN(
            k_int_bits=0,
            b_int_bits=0,
            filters=filters,
            kernel_size=size,
            strides=strides,
            act=act(slope),
        )

    class UserModel(api.XModel):  # type: ignore[misc]
        def __init__(self, sys_bits: Any, x_int_bits: int) -> None:
            super().__init__(sys_bits, x_int_bits)
            pool = api.XPool(
                type="avg", pool_size=(3, 4), strides=(2, 3), padding="same", act=act()
            )
            self.b1 = api.XBundle(core=conv(6, 7, 0, (2, 1)), pool=pool)
            self.b2 = api.XBundle(core=conv(6, 1, None), add_act=act(0.125))
            self.b3 = api.XBundle(core=conv(5, 3, 1), flatten=True)
            dense = api.XDense(k_int_bits=0, b_int_bits=0, units=10, use_bias=False, act=act())
            self.b4 = api.XBundle(core=dense, softmax=True)

        def call(self, x: Any) -> Any:
            x = x_skip = self.b1(self.input_quant_layer(x))
            return self.b4(self.b3(self.b2(x, x_skip)))

    x = keras.layers.Input((18, 17, 1), name="input")
    model = keras.models.Model(inputs=[x], outputs=[UserModel(bits, 0)(x)])
    return model, _hardware(api, 4, 8, 24)
