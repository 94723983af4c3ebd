# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Keras layers for what a graph has and neither Keras nor QKeras: exact in float64.

All are registered, so that models with them save and load, and have gradients: rounding passes
them straight through. :func:`corewright.frontends.convert` understands them, and
:func:`corewright.frontends.to_keras` makes them. Importing this module imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from corewright.facts.widths import is_sign, number_range
from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError
from corewright.frontends.quantisers import ActivationFormat
from corewright.graph import same_padding

tf, qkeras = lazy.load()
# As variables, because type checkers know no classes of an untyped package.
_Layer: Any = tf.keras.layers.Layer
_Depthwise: Any = qkeras.QDepthwiseConv2D

_register = tf.keras.utils.register_keras_serializable(package="corewright")


@tf.custom_gradient
def _straight_through(exact: Any, smooth: Any) -> Any:
    """``exact``, bit by bit, with the gradient of ``smooth``.

    The usual ``x + stop_gradient(q - x)`` rounds: for x = 1/3 it can miss q.
    """
    return tf.identity(exact), lambda gradient: (None, gradient)


@_register
class RoundToGrid(_Layer):
    """Rounds half to even to multiples of ``2**-fraction``: an average pool on integers."""

    def __init__(self, fraction: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fraction = int(fraction)

    def call(self, inputs: Any) -> Any:
        """Round in the type of ``inputs``."""
        scale = tf.cast(2.0**self.fraction, inputs.dtype)
        return _straight_through(tf.round(inputs * scale) / scale, inputs)

    def get_config(self) -> dict[str, Any]:
        """Keras configuration."""
        return {**super().get_config(), "fraction": self.fraction}


@_register
class Requantise(_Layer):
    """The requantisation of a graph's node, where no QKeras quantiser does the same.

    ``y = clip(round_half_even(x * 2**(fraction + gain)), low, high) * 2**-fraction``, where
    negative x are multiplied by ``2**-slope_shift``, too. With ``bits`` 1 it is the sign, -1 or +1,
    +1 at zero.

    Args:
        bits: width of the signed word.
        fraction: of the word.
        low: smallest integer; by default the word's.
        high: largest integer; by default the word's.
        gain: exponent of a factor: of networks whose fractions don't tell the values' scale.
        slope_shift: a leaky relu of slope ``2**-slope_shift``.
        pre_shift: the node's pre-shift (an addition's ``own_shift``); by default the smallest.
        node: name of the graph's node, by default that of the layer that makes the sums.
    """

    def __init__(
        self,
        bits: int,
        fraction: int,
        low: int | None = None,
        high: int | None = None,
        gain: int = 0,
        slope_shift: int = 0,
        pre_shift: int | None = None,
        node: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 1 <= bits <= 32:
            raise FrontendError(f"layer '{self.name}': bits is {bits}, legal is 1..32")
        word = number_range(bits)
        limits = (word[0] if low is None else int(low), word[1] if high is None else int(high))
        if not word[0] <= limits[0] <= limits[1] <= word[1] or (is_sign(bits) and limits != word):
            raise FrontendError(
                f"layer '{self.name}': low and high are {limits}, legal for {bits} bits is {word} "
                "or less"
            )
        self.word = ActivationFormat(
            int(bits),
            int(fraction),
            *limits,
            int(slope_shift),
            is_sign(bits),
            int(gain),
            None if pre_shift is None else int(pre_shift),
        )
        self.node = node

    @property
    def bits(self) -> int:
        """Width of the signed word."""
        return self.word.bits

    def call(self, inputs: Any) -> Any:
        """Round in the type of ``inputs``."""
        word = self.word

        def scaled(exponent: int) -> Any:
            return tf.cast(2.0**exponent, inputs.dtype)

        position = inputs * scaled(word.fraction + word.gain)
        if word.slope_shift:
            position = tf.where(inputs < 0, position * scaled(-word.slope_shift), position)
        low, high = (tf.cast(limit, inputs.dtype) for limit in (word.low, word.high))
        if word.binary:
            integers = tf.where(inputs < 0, low, high)
        else:
            integers = tf.clip_by_value(tf.round(position), low, high)
        unit = scaled(-word.fraction)
        return _straight_through(integers * unit, tf.clip_by_value(position, low, high) * unit)

    def get_config(self) -> dict[str, Any]:
        """Keras configuration."""
        word = self.word
        return {
            **super().get_config(),
            "bits": word.bits,
            "fraction": word.fraction,
            "low": word.low,
            "high": word.high,
            "gain": word.gain,
            "slope_shift": word.slope_shift,
            "pre_shift": word.pre_shift,
            "node": self.node,
        }


@_register
class TensorName(_Layer):
    """Does nothing: its name is that of the tensor which the layer before it makes."""

    def call(self, inputs: Any) -> Any:
        """Return ``inputs``."""
        return tf.identity(inputs)


@_register
class ScaledAdd(_Layer):
    """``a + b * 2**exponent``: a residual addition whose fractions don't tell the scale."""

    def __init__(self, exponent: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.exponent = int(exponent)

    def call(self, inputs: Any) -> Any:
        """Add a pair of tensors of one shape."""
        own, other = inputs
        return own + other * tf.cast(2.0**self.exponent, other.dtype)

    def get_config(self) -> dict[str, Any]:
        """Keras configuration."""
        return {**super().get_config(), "exponent": self.exponent}


@_register
class ChannelSlice(_Layer):
    """``channels`` consecutive channels, the first of them ``first_channel``."""

    def __init__(self, first_channel: int, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first_channel = int(first_channel)
        self.channels = int(channels)

    def build(self, input_shape: Any) -> None:
        """Check that the input has these channels."""
        present = input_shape[-1]
        if self.first_channel < 0 or not 0 < self.channels <= present - self.first_channel:
            raise FrontendError(
                f"layer '{self.name}': takes {self.channels} channels from {self.first_channel} "
                f"on, its input has {present}"
            )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Cut (..., C)."""
        return inputs[..., self.first_channel : self.first_channel + self.channels]

    def get_config(self) -> dict[str, Any]:
        """Keras configuration."""
        return {
            **super().get_config(),
            "first_channel": self.first_channel,
            "channels": self.channels,
        }


@_register
class QMatMul(_Layer):
    """Product of two quantised feature maps of an image; a quantiser follows.

    Called on [a, b], a of shape (batch, H, W, C). ``transpose_b``: b is (batch, Hb, Wb, C) and the
    result (batch, H, W, Hb*Wb) holds the products of a's pixels with b's. Else b is (batch, Hb, Wb,
    N) with Hb*Wb = C, and the result is (batch, H, W, N).
    """

    def __init__(self, transpose_b: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.transpose_b = bool(transpose_b)

    def build(self, input_shape: Any) -> None:
        """Check the shapes."""
        own, other = (tuple(shape)[1:] for shape in input_shape)
        legal = len(own) == len(other) == 3
        if not legal or own[2] != (other[2] if self.transpose_b else other[0] * other[1]):
            what = "equal channels" if self.transpose_b else "as many pixels of b as channels of a"
            raise FrontendError(
                f"layer '{self.name}': multiplies {own} and {other}, legal with "
                f"transpose_b={self.transpose_b} are feature maps with {what}"
            )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Multiply in the type of ``inputs``."""
        own, other = inputs
        height, width, channels = own.shape[1:]
        rows = other.shape[1] * other.shape[2]
        product = tf.matmul(
            tf.reshape(own, (-1, height * width, channels)),
            tf.reshape(other, (-1, rows, other.shape[3])),
            transpose_b=self.transpose_b,
        )
        return tf.reshape(product, (-1, height, width, product.shape[2]))

    def get_config(self) -> dict[str, Any]:
        """Keras configuration."""
        return {**super().get_config(), "transpose_b": self.transpose_b}


@_register
class QSoftmax(_Layer):
    """Softmax in integers over each of ``runs`` runs of consecutive channels of a pixel.

    With ``e = round(2**16 * exp(x - max))`` the result is ``e / sum(e)``, rounded half to even to
    words of ``bits`` and ``fraction``: see "SOFTMAX" in docs/architecture.md. It may stand anywhere
    in a network, behind a quantised tensor.

    Args:
        bits: width of the signed result: 2 or more.
        fraction: of the result: 0 to 30.
        runs: softmaxes side by side in the channels, such as the heads of an attention.
        table: integers instead of ``round(2**16 * exp(-i * 2**-input_fraction))``.
        input_fraction: fraction of the input's integers, which ``table`` needs.
        low: smallest integer of the result.
        high: largest integer of the result; by default the word's.
    """

    def __init__(
        self,
        bits: int,
        fraction: int,
        runs: int = 1,
        table: Sequence[int] | None = None,
        input_fraction: int | None = None,
        low: int = 0,
        high: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 2 <= bits <= 32 or not 0 <= fraction <= 30 or runs < 1:
            raise FrontendError(
                f"layer '{self.name}': bits, fraction, runs are {bits}, {fraction}, {runs}; "
                "legal are 2..32, 0..30, 1 or more"
            )
        if table is not None and input_fraction is None:
            raise FrontendError(f"layer '{self.name}': has a table, but no input_fraction")
        self.bits, self.fraction, self.runs = int(bits), int(fraction), int(runs)
        self.table = None if table is None else [int(entry) for entry in table]
        self.input_fraction = None if input_fraction is None else int(input_fraction)
        self.low = int(low)
        self.high = (1 << (bits - 1)) - 1 if high is None else int(high)

    def build(self, input_shape: Any) -> None:
        """Check that the channels split into the runs."""
        if input_shape[-1] % self.runs:
            raise FrontendError(
                f"layer '{self.name}': runs is {self.runs}, legal is a divisor of the input's "
                f"{input_shape[-1]} channels"
            )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Integers are computed in int64, whatever the type of ``inputs``."""
        split = (-1, *inputs.shape[1:-1], self.runs, inputs.shape[-1] // self.runs)
        x = tf.reshape(inputs, split)
        entries = self._exponentials(x)
        total = tf.reduce_sum(entries, axis=-1, keepdims=True)
        scaled = tf.bitwise.left_shift(entries, tf.constant(self.fraction, tf.int64))
        quotient = scaled // total
        twice = 2 * (scaled - quotient * total)
        up = (twice > total) | ((twice == total) & (quotient % 2 == 1))
        integers = tf.clip_by_value(quotient + tf.cast(up, tf.int64), self.low, self.high)
        exact = tf.cast(integers, inputs.dtype) * tf.cast(2.0**-self.fraction, inputs.dtype)
        result = _straight_through(exact, tf.nn.softmax(x, axis=-1))
        return tf.reshape(result, (-1, *inputs.shape[1:]))

    def _exponentials(self, x: Any) -> Any:
        """``table[max - x]`` over the last axis, int64."""
        below = tf.reduce_max(x, axis=-1, keepdims=True) - x
        if self.table is None:
            return tf.cast(tf.round(65536.0 * tf.exp(-tf.cast(below, tf.float64))), tf.int64)
        scale = tf.cast(2.0 ** (self.input_fraction or 0), x.dtype)
        steps = tf.cast(tf.round(below * scale), tf.int64)
        table = tf.constant([*self.table, 0], tf.int64)
        return tf.gather(table, tf.minimum(steps, len(self.table)))

    def get_config(self) -> dict[str, Any]:
        """Keras configuration."""
        names = ("bits", "fraction", "runs", "table", "input_fraction", "low", "high")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def depthwise(x: Any, kernel: Any, strides: tuple[int, int], padding: str) -> Any:
    """Convolve each channel of x (N, H, W, C) with its kernel (KH, KW, C, 1).

    TensorFlow's own takes equal strides only: others are cut out of the result of stride 1.
    """
    if strides[0] == strides[1]:
        return tf.nn.depthwise_conv2d(x, kernel, (1, *strides, 1), padding.upper())
    if padding == "same":
        window = (int(kernel.shape[0]), int(kernel.shape[1]))
        pads = same_padding((int(x.shape[1]), int(x.shape[2])), window, strides)
        x = tf.pad(x, ((0, 0), pads[:2], pads[2:], (0, 0)))
    full = tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "VALID")
    return full[:, :: strides[0], :: strides[1], :]


@_register
class QStridedDepthwiseConv2D(_Depthwise):
    """A QDepthwiseConv2D whose strides in rows and columns differ."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Convolve with the quantised kernel."""
        kernel = self.depthwise_quantizer_internal(self.depthwise_kernel)
        result = depthwise(inputs, kernel, tuple(self.strides), self.padding)
        if self.use_bias:
            result = result + self.bias_quantizer_internal(self.bias)
        return result if self.activation is None else self.activation(result)


class _PaddedPool(_Layer):
    """Windows over an image with any padding; what lies outside of it is left out."""

    def __init__(
        self,
        pool_size: Sequence[int],
        strides: Sequence[int],
        padding: Sequence[int],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(pool_size) != 2 or len(strides) != 2 or len(padding) != 4:
            raise FrontendError(
                f"layer '{self.name}': pool_size {pool_size}, strides {strides}, padding {padding};"
                " legal are two, two and four (top, bottom, left, right) integers"
            )
        self.pool_size = int(pool_size[0]), int(pool_size[1])
        self.strides = int(strides[0]), int(strides[1])
        self.padding = tuple(int(zeros) for zeros in padding)

    def _padded(self, x: Any, value: float) -> Any:
        pads = ((0, 0), self.padding[:2], self.padding[2:], (0, 0))
        return tf.pad(x, pads, constant_values=tf.cast(value, x.dtype))

    def get_config(self) -> dict[str, Any]:
        """Keras configuration."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }


@_register
class PaddedMaxPooling2D(_PaddedPool):
    """Maximum; ``padding`` is (top, bottom, left, right)."""

    def call(self, inputs: Any) -> Any:
        """Pool (N, H, W, C)."""
        x = self._padded(inputs, -np.inf)
        return tf.nn.max_pool2d(x, self.pool_size, self.strides, "VALID")


@_register
class PaddedAveragePooling2D(_PaddedPool):
    """Average of the elements inside the image; ``padding`` is (top, bottom, left, right)."""

    def call(self, inputs: Any) -> Any:
        """Pool (N, H, W, C)."""
        ones = tf.ones((*self.pool_size, inputs.shape[-1], 1), inputs.dtype)
        # Sums and counts are exact, so that the one division rounds an exact average.
        sums = depthwise(self._padded(inputs, 0.0), ones, self.strides, "valid")
        inside = self._padded(tf.ones_like(inputs[:1, :, :, :1]), 0.0)
        return sums / depthwise(inside, ones[:, :, :1], self.strides, "valid")
