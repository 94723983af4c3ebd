# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What layers compute in float64: the register, and what its functions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError
from corewright.frontends.layers import is_linear, is_relu, is_softmax, kind_of
from corewright.frontends.quantisers import activation_format

F = TypeVar("F", bound=Callable[..., Any])
Evaluate = Callable[[Any, Any, list[Any]], Any]

_EVALUATIONS: dict[str, Evaluate] = {}
_SUMS: dict[str, Evaluate] = {}


def _register(table: dict[str, Evaluate], kinds: tuple[str, ...]) -> Callable[[F], F]:
    def register(function: F) -> F:
        for kind in kinds:
            if kind in table:
                raise ValueError(f"layers of type {kind} are computed by {table[kind]}")
            table[kind] = function
        return function

    return register


def evaluates(*kinds: str) -> Callable[[F], F]:
    """Register what layers of some types, by their classes' names, compute at inference.

    The function is given TensorFlow, the layer, and float64 tensors of what it reads.

    Raises:
        ValueError: one of the types has such a function.
    """
    return _register(_EVALUATIONS, kinds)


def sums_of(*kinds: str) -> Callable[[F], F]:
    """The same of a layer without its activation, for types that have one.

    Raises:
        ValueError: one of the types has such a function.
    """
    return _register(_SUMS, kinds)


def evaluated(tf: Any, layer: Any, inputs: list[Any], *, sums: bool = False) -> Any:
    """What a layer computes of float64 tensors, or its sums.

    Raises:
        FrontendError: its type has no function for that.
    """
    function = (_SUMS if sums else _EVALUATIONS).get(kind_of(layer))
    if function is None:
        raise FrontendError(f"layer '{layer.name}' of type {kind_of(layer)} is not supported")
    return function(tf, layer, inputs)


def called(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """What a layer computes that takes any type: as a Keras layer it would cast to its own."""
    return layer.call(inputs[0] if len(inputs) == 1 else inputs)


def activated(tf: Any, layer: Any, result: Any) -> Any:
    """What a layer's own activation makes of its sums."""
    activation = getattr(layer, "activation", None)
    if is_linear(activation):
        return result
    if is_relu(activation):
        return tf.nn.relu(result)
    if is_softmax(activation):
        return tf.nn.softmax(result)
    return apply_quantiser(tf, layer.name, activation, result)


def apply_quantiser(tf: Any, layer: str, quantiser: Any, x: Any) -> Any:
    """A QKeras activation quantiser in float64, on the exact grid of its words.

    quantized_relu always computes in float32: it is asked only about numbers that float32 holds,
    otherwise its formula (qkeras/quantizers.py, quantized_relu.__call__) is evaluated here.
    """
    word = activation_format(layer, quantiser, 64)
    if type(quantiser).__name__ == "quantized_relu":
        if np.array_equal(np.asarray(x, np.float32).astype(np.float64), np.asarray(x)):
            result = tf.cast(quantiser(tf.cast(x, tf.float32)), tf.float64)
        else:
            result = _relu_in_float64(tf, quantiser, x)
    else:
        # quantized_bits casts to Keras's default type.
        with lazy.default_float("float64"):
            result = tf.cast(quantiser(x), tf.float64)
    # The straight-through estimator computes x + (q - x), which for an average such as 1/3 can
    # miss q by a rounding error.
    scaled = np.ldexp(np.asarray(result), word.fraction)
    integers = np.rint(scaled)
    if np.abs(scaled - integers).max() > 2.0**-16:
        raise FrontendError(f"layer '{layer}': QKeras's output is off the grid of its quantiser")
    return tf.constant(np.ldexp(integers, -word.fraction))


def _relu_in_float64(tf: Any, quantiser: Any, x: Any) -> Any:
    if quantiser.use_sigmoid or (quantiser.relu_upper_bound and not quantiser.is_quantized_clip):
        raise FrontendError("quantized_relu with use_sigmoid or relu_upper_bound is not supported")
    slope = float(quantiser.negative_slope)
    levels = 2.0 ** (int(quantiser.bits) - (slope != 0.0))
    scale = 2.0 ** float(quantiser.integer)
    position = x * (levels / scale)
    result = scale * tf.clip_by_value(tf.round(position) / levels, 0.0, 1.0 - 1.0 / levels)
    if slope:
        negative = tf.round(position * slope) / (slope * levels)
        result += scale * slope * tf.clip_by_value(negative, -1.0, 0.0)
    return result
