# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What layers with weights share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.frontends.alignment import requantisation, shortened_bias, with_offset
from corewright.frontends.constants import quantised_constants, real_constants
from corewright.frontends.converter import Converter
from corewright.frontends.exporter import Exporter, Sums
from corewright.frontends.handlers.quantiser import quantised
from corewright.frontends.handlers.softmax import final_softmax
from corewright.frontends.handlers.window import padded_input, window_padding
from corewright.frontends.layers import (
    NORM,
    Float64Array,
    is_linear,
    is_relu,
    is_softmax,
    kind_of,
    pair,
    shape_of,
)
from corewright.frontends.normalisation import ChannelScale, ScaledLayer
from corewright.frontends.quantisers import MAX_BIAS_BITS, ActivationFormat, constants_on_grid
from corewright.frontends.states import Pending, State, Value
from corewright.graph import MAX_PRE_SHIFT, Node, Tensor, WeightedNode
from corewright.graph.kernel import KernelNode

_Int64Array = npt.NDArray[np.int64]
# Weights, their bits and fraction, bias and its fraction.
_Constants = tuple[_Int64Array, int, int, _Int64Array | None, int | None]

# By how many bits post-processing's sums are wider than accumulators.
_POST_BITS = 8
_BIAS_BITS = 32


def convert_weighted(converter: Converter, layer: Any, states: list[State]) -> State:
    """A layer with weights, which its activation follows or another quantiser."""
    (state,) = states
    source, padding = converter.padded(layer, state)
    pending = Pending(layer, (source,), padding)
    if is_linear(layer.activation):
        return pending
    if is_relu(layer.activation):
        pending.rectified = True
        return pending
    if is_softmax(layer.activation) and converter.output_quantiser is not None:
        return final_softmax(converter, layer, pending)
    return quantised(converter, layer, layer.activation, pending)


def emit_weighted(
    converter: Converter,
    pending: Pending,
    word: ActivationFormat,
    name: str,
    make: Callable[..., WeightedNode],
) -> Value:
    """The node that ``make`` makes of a layer with weights, for known words."""
    layer, source = pending.layer, pending.source
    if pending.scale is None:
        constants = _constants(converter, pending, word)
    else:
        constants = _scaled_constants(converter, pending, word, pending.scale)
    weights, weight_bits, weight_fraction, aligned, bias_fraction = constants
    fraction, accumulator_fraction = word.fraction, source.tensor.fraction + weight_fraction
    doubled = word.binary and not is_sign(word.bits)
    if doubled:
        # Only the sign counts: 2 v + 1 has the sign of v, +1 at zero, and saturates to it.
        finest = max(accumulator_fraction, bias_fraction or accumulator_fraction)
        word = dataclasses.replace(word, fraction=finest + 1)
    requant = requantisation(layer.name, accumulator_fraction, bias_fraction, word)
    if aligned is not None and bias_fraction is not None:
        aligned = aligned << (accumulator_fraction + requant.pre_shift - bias_fraction)
    if doubled:
        aligned = (0 if aligned is None else aligned) + np.ones(weights.shape[-1], np.int64)
    output = Tensor(name, *shape_of(layer, layer.output_shape), word.bits, fraction)
    node: Node = make(
        name=pending.name,
        input=source.tensor.name,
        output=output,
        weights=weights,
        bias=aligned,
        requant=requant,
        weight_bits=weight_bits,
        weight_fraction=weight_fraction,
    )
    converter.nodes.append(with_offset(node, output, word) if word.offset else node)
    return Value(output, word.low, word.high)


def window_of(pending: Pending) -> dict[str, Any]:
    """Strides and padding of a layer that slides a kernel."""
    strides = pair(pending.layer.strides)
    kernel = pair(pending.layer.kernel_size)
    return {"strides": strides, "padding": window_padding(pending, kernel, strides)}


def _constants(converter: Converter, pending: Pending, word: ActivationFormat) -> _Constants:
    """What a layer without a normalisation behind it multiplies with and adds."""
    layer, source = pending.layer, pending.source
    kernel, bias, kernel_quantiser, bias_quantiser = quantised_constants(layer)
    weights, weight_bits, weight_fraction = constants_on_grid(
        layer.name, "kernel", kernel, kernel_quantiser, converter.bits_weights
    )
    if bias is None:
        return weights, weight_bits, weight_fraction, None, None
    accumulator_fraction = source.tensor.fraction + weight_fraction
    aligned, _, bias_fraction = constants_on_grid(
        layer.name, "bias", bias, bias_quantiser, MAX_BIAS_BITS
    )
    extra = max(bias_fraction, word.fraction + word.gain) - accumulator_fraction
    # A sign takes a bit more: 2 v + 1 is never 0.
    extra += word.binary
    if extra > MAX_PRE_SHIFT or not _holds(converter, source, weights, aligned, extra):
        aligned, bias_fraction = shortened_bias(aligned, bias_fraction, accumulator_fraction, word)
    return weights, weight_bits, weight_fraction, aligned, bias_fraction


def _scaled_constants(
    converter: Converter, pending: Pending, word: ActivationFormat, scale: ChannelScale
) -> _Constants:
    """The same with the normalisation behind it; what is not exact is noted."""
    layer, tensor = pending.layer, pending.source.tensor
    channels = shape_of(layer, layer.output_shape)[2]
    kernel, bias = np.ones((1, 1, channels)), None
    if kind_of(layer) != NORM:
        kernel, bias = real_constants(layer)
    scaled = ScaledLayer(
        layer.name,
        kernel,
        np.zeros(channels) if bias is None else bias,
        scale,
        tensor.fraction,
        max(abs(pending.source.low), abs(pending.source.high)),
    ).constants(word, converter.bits_weights, converter.bits_sum)
    if scaled.approximation is not None:
        converter.approximations[pending.name] = scaled.approximation
    return (
        scaled.weights,
        scaled.weight_bits,
        scaled.weight_fraction,
        scaled.bias,
        scaled.bias_fraction,
    )


def _holds(converter: Converter, source: Value, weights: Any, bias: Any, pre_shift: int) -> bool:
    """Whether post-processing's sums surely hold these, shifted to the bias's fraction."""
    if converter.bits_sum is None:
        return True
    largest = max(abs(source.low), abs(source.high))
    work = int(np.abs(weights).reshape(-1, weights.shape[-1]).sum(axis=0).max()) * largest
    reach = (work << max(pre_shift, 0)) + int(np.abs(bias).max(initial=0))
    return reach.bit_length() < converter.bits_sum + _POST_BITS


def export_weighted(
    exporter: Exporter,
    node: WeightedNode,
    make: Callable[..., Any],
    x: Any,
    options: dict[str, Any],
    *,
    depthwise: bool = False,
) -> Any:
    """The QKeras layer of a node, and its quantiser.

    Args:
        exporter: makes the layers.
        node: has the weights.
        make: the layer's class; ``options`` are arguments that others have not.
        x: what it reads.
        options: see there.
        depthwise: whether its weights are a depthwise kernel.
    """
    source = exporter.graph.tensor(node.input)
    fraction = source.fraction + node.weight_fraction
    bias_fraction = None if node.bias is None else fraction + node.requant.pre_shift
    sums = Sums.of(node, fraction, bias_fraction)
    kernel_quantiser, kernel = exporter.constants(
        node.weights, node.weight_bits, node.weight_fraction
    )
    common: dict[str, Any] = {"use_bias": node.bias is not None, "dtype": "float64"}
    variables = [kernel]
    if node.bias is not None and bias_fraction is not None:
        bits = max(_BIAS_BITS, int(np.abs(node.bias).max()).bit_length() + 1)
        common["bias_quantizer"], bias = exporter.constants(
            node.bias, min(bits, MAX_BIAS_BITS), bias_fraction
        )
        variables.append(bias)
    activation = None
    if node.name == node.output.name:
        activation = exporter.standard(node, sums)
    own_name = exporter.legal(node.name) if activation is not None else exporter.sums(node)
    common |= {"name": own_name, "activation": activation}
    kind = "depthwise" if depthwise else "kernel"
    if depthwise:
        variables[0] = kernel[..., None]
    layer = make(
        **{f"{kind}_quantizer": kernel_quantiser, f"{kind}_initializer": "zeros"},
        **common,
        **options,
    )
    value = layer(x)
    exporter.weights.append((layer, variables))
    exporter.node_layers[node.name] = layer.name
    if activation is not None:
        return exporter.define(node.output, value)
    return exporter.quantise(node, value, sums)


def kernel_options(exporter: Exporter, node: KernelNode) -> tuple[Any, dict[str, Any]]:
    """What a kernel slides over, and the options that say how."""
    x, padding = padded_input(exporter, node, exporter.graph.tensor(node.input), node.kernel_size)
    options = {"padding": padding, "kernel_size": node.kernel_size, "strides": node.strides}
    return x, options


def evaluate_weighted(layer: Any, multiply: Callable[[Float64Array], Any]) -> Any:
    """The sums of a layer in float64: the product that ``multiply`` makes of its kernel, a bias."""
    kernel, bias = real_constants(layer)
    result = multiply(kernel)
    return result if bias is None else result + bias
