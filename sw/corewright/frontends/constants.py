# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights and biases of Keras layers, folded with a batch norm of their own and quantised."""

from __future__ import annotations

from typing import Any

import numpy as np

from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError, OffGridError, first_line
from corewright.frontends.layers import DEPTHWISE, Float64Array, kind_of
from corewright.frontends.quantisers import check_repeatable, constants_on_grid

# What layers quantise once, before they compute.
_CONSTANT_QUANTISERS = ("kernel", "depthwise", "bias")
_LEAST_DRAWS = 128
# More than any grid has.
_ANY_BITS = 64


def check_constants(layer: Any) -> None:
    """Refuse quantisers of weights and biases that have no fixed result at inference."""
    for option in _CONSTANT_QUANTISERS:
        quantiser = getattr(layer, f"{option}_quantizer_internal", None)
        if quantiser is None:
            continue
        where = f"layer '{layer.name}': {option}_quantizer"
        check_repeatable(where, quantiser)
        foreign = not type(quantiser).__module__.startswith("qkeras.")
        values = getattr(layer, "depthwise_kernel" if option == "depthwise" else option, None)
        if values is not None and (foreign or getattr(quantiser, "use_stochastic_rounding", False)):
            _check_draws(where, quantiser, values)


def _check_draws(where: str, quantiser: Any, values: Any) -> None:
    """Refuse a quantiser that makes of ``values`` another shape, or not the same every time."""
    tf, _ = lazy.load()
    name = getattr(quantiser, "__name__", kind_of(quantiser))
    shape = tuple(values.shape)
    # Few weights may be drawn alike: as many draws as tell a coin from a constant.
    draws = 2 + _LEAST_DRAWS // max(int(np.prod(shape)), 1)
    try:
        results = [np.asarray(quantiser(values)) for _ in range(draws)]
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise FrontendError(f"{where} {name} fails for {shape}: {first_line(error)}") from error
    if results[0].shape != shape:
        raise FrontendError(
            f"{where} {name} makes {results[0].shape} of {shape}, legal is the same shape"
        )
    if any(not np.array_equal(results[0], other, equal_nan=True) for other in results):
        raise FrontendError(
            f"{where} {name} draws random numbers at inference, legal is one with a fixed result; "
            "nearest is quantized_bits(8,0,0,1,alpha=1)"
        )


def quantised_constants(
    layer: Any, *, normalised: bool = False
) -> tuple[Float64Array, Float64Array | None, Any, Any]:
    """What a QKeras layer multiplies with: (kernel, bias or None, and their quantisers).

    The layer's own batch norm is folded into kernel and bias before its quantisers round them.
    Values are computed in the layer's own precision. A depthwise kernel is (KH, KW, C). Raises
    FrontendError if a quantiser is missing; the bias of a layer that a normalisation follows
    (``normalised``) needs none.
    """
    depthwise = kind_of(layer) in DEPTHWISE
    name = "depthwise" if depthwise else "kernel"
    kernel_quantiser = getattr(layer, f"{name}_quantizer_internal")
    bias_quantiser = layer.bias_quantizer_internal
    if kind_of(layer).endswith("Batchnorm"):
        kernel, bias = layer.get_folded_weights()
    else:
        kernel = layer.depthwise_kernel if depthwise else layer.kernel
        bias = layer.bias if layer.use_bias else None
    needed = {name: kernel_quantiser}
    if bias is not None and not normalised:
        needed["bias"] = bias_quantiser
    for what, quantiser in needed.items():
        if quantiser is None:
            raise FrontendError(
                f"layer '{layer.name}': {what}_quantizer is None; "
                f"nearest is {what}_quantizer='quantized_bits(8,0,0,1,alpha=1)'"
            )
    with lazy.default_float("float64" if kernel.dtype == "float64" else "float32"):
        kernel = np.asarray(kernel_quantiser(kernel), dtype=np.float64)
        if bias is not None:
            rounded = bias if bias_quantiser is None else bias_quantiser(bias)
            bias = np.asarray(rounded, dtype=np.float64)
    return kernel[..., 0] if depthwise else kernel, bias, kernel_quantiser, bias_quantiser


def real_constants(layer: Any) -> tuple[Float64Array, Float64Array | None]:
    """What a QKeras layer multiplies with and adds, in real numbers: (kernel, bias or None).

    Without the rounding errors of float32, wherever its quantisers have a grid; scales that are no
    powers of two have none. See :func:`quantised_constants`.
    """
    kernel, bias, kernel_quantiser, bias_quantiser = quantised_constants(layer, normalised=True)
    kernel = _snapped(layer.name, "kernel", kernel, kernel_quantiser)
    if bias is not None and bias_quantiser is not None:
        bias = _snapped(layer.name, "bias", bias, bias_quantiser)
    return kernel, bias


def _snapped(layer: str, what: str, values: Float64Array, quantiser: Any) -> Float64Array:
    """``values`` without the rounding error of the straight-through estimator."""
    try:
        integers, _, fraction = constants_on_grid(layer, what, values, quantiser, _ANY_BITS)
    except OffGridError:
        return values
    return np.ldexp(integers.astype(np.float64), -fraction)
