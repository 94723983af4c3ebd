# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The script-compatible model API: ``QInput``, ``Bundle``, ``QModel``.

A bundle becomes ordinary QKeras layers, so a model made of bundles trains, saves and converts like
any other. Importing this module imports TensorFlow.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError
from corewright.frontends.qkeras import convert
from corewright.graph import Graph

tf, qkeras = lazy.load()
# As variables, because type checkers know no classes of an untyped package.
_Layer: Any = tf.keras.layers.Layer
_Model: Any = tf.keras.Model

_CORE_KEYS = {
    "conv": {"filters", "kernel_size", "strides", "padding"},
    "dense": {"units"},
}
_COMMON_KEYS = {"type", "kernel_quantizer", "bias_quantizer", "use_bias", "act_str"}
_POOL_KEYS = {"type", "size", "strides", "padding", "act_str"}


@tf.keras.utils.register_keras_serializable(package="corewright")
class RoundToGrid(_Layer):
    """Rounds half to even to multiples of ``2**-fraction``: an average pool on integers.

    Straight-through gradient.
    """

    def __init__(self, fraction: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fraction = int(fraction)

    def call(self, inputs: Any) -> Any:
        """Round in the type of ``inputs``."""
        scale = tf.cast(2.0**self.fraction, inputs.dtype)
        return inputs + tf.stop_gradient(tf.round(inputs * scale) / scale - inputs)

    def get_config(self) -> dict[str, Any]:
        """Keras configuration."""
        return {**super().get_config(), "fraction": self.fraction}


class QInput:
    """A model's input, quantised to the hardware's words.

    Args:
        shape: (H, W, C) or (C,) of one image.
        batch_size: images of one run.
        hw: hardware with the attribute ``bits_input``.
        int_bits: integer bits, so values lie in [-2**int_bits, 2**int_bits).
        name: name of the input tensor.
    """

    def __init__(
        self,
        shape: Sequence[int],
        batch_size: int,
        hw: Any,
        int_bits: int = 0,
        name: str = "input",
    ) -> None:
        if len(shape) not in (1, 3) or any(int(size) < 1 for size in shape):
            raise FrontendError(f"QInput: shape is {shape!r}, legal is (H, W, C) or (C,), from 1")
        if isinstance(batch_size, bool) or int(batch_size) < 1:
            raise FrontendError(f"QInput: batch_size is {batch_size!r}, legal is 1 or more")
        self.shape = tuple(int(size) for size in shape)
        self.batch_size = int(batch_size)
        self.hw = hw
        self.int_bits = int(int_bits)
        self.raw = tf.keras.Input(self.shape, name=f"{name}_raw")
        # QModel finds its hardware and batch size through the Keras tensor it is given.
        self.raw._corewright_input = self
        self.quantiser = f"quantized_bits({hw.bits_input},{self.int_bits},False,True,1)"
        self.tensor = qkeras.QActivation(self.quantiser, name=name)(self.raw)


class Bundle:
    """Layers that the hardware runs in one go; call it on a QInput or a bundle's output.

    Order: core, bias, activation, residual add, activation, pool, activation, flatten, softmax. A
    convolution is followed by batch norm, which is folded into it.

    Args:
        core: ``{'type': 'conv', 'filters', 'kernel_size', 'strides', 'padding', ...}`` or
            ``{'type': 'dense', 'units', ...}``, both with ``'kernel_quantizer'``,
            ``'bias_quantizer'``, ``'use_bias'`` and ``'act_str'``.
        add: ``{'act_str'}``: adds the second argument of the call, the output of any earlier
            bundle or the QInput, of the same shape; fractions may differ.
        pool: ``{'type': 'max'|'avg', 'size', 'strides', 'padding', 'act_str'}``. The average
            rounds to an integer of its input's fraction before its activation.
        flatten: flatten to a vector at the end.
        softmax: softmax last, on the host.

    Everything is signed: a ``quantized_relu`` of slope 0, and a ``quantized_bits`` that keeps no
    negative values, is lowered by one bit. One-bit weights are -1 and +1, words of 2 bits on the
    hardware; so is the one-bit ``quantized_bits(1,...)`` behind a core.
    """

    def __init__(
        self,
        core: Mapping[str, Any],
        add: Mapping[str, Any] | None = None,
        pool: Mapping[str, Any] | None = None,
        flatten: bool = False,
        softmax: bool = False,
    ) -> None:
        kind = core.get("type")
        if kind not in _CORE_KEYS:
            raise FrontendError(f"Bundle: core type is {kind!r}, legal is 'conv' or 'dense'")
        _check_keys("core", core, _CORE_KEYS[kind] | _COMMON_KEYS)
        _require("core", core, {"kernel_quantizer", "act_str"})
        _require("core", core, {"filters", "kernel_size"} if kind == "conv" else {"units"})
        if add is not None:
            _check_keys("add", add, {"act_str"})
            _require("add", add, {"act_str"})
        if pool is not None:
            _check_keys("pool", pool, _POOL_KEYS)
            _require("pool", pool, {"type", "size", "act_str"})
            if pool["type"] not in ("max", "avg"):
                raise FrontendError(
                    f"Bundle: pool type is {pool['type']!r}, legal is 'max' or 'avg'"
                )
        self.core = dict(core)
        self.add = None if add is None else dict(add)
        self.pool = None if pool is None else dict(pool)
        self.flatten = bool(flatten)
        self.softmax = bool(softmax)

    def __call__(self, x: Any, x_skip: Any = None) -> Any:
        """Apply the bundle to a QInput or a Keras tensor; returns a Keras tensor.

        ``x_skip`` is what a bundle with ``add`` adds, a QInput or a Keras tensor; it has the
        shape that the core makes. Raises FrontendError if it is missing, has another shape, or is
        given to a bundle without ``add``.
        """
        if (x_skip is None) != (self.add is None):
            raise FrontendError(
                "Bundle: add is None but x_skip is given; legal is add={'act_str': ...} with it"
                if self.add is None
                else "Bundle: add is given but x_skip is not; legal is Bundle(...)(x, x_skip)"
            )
        x, x_skip = (t.tensor if isinstance(t, QInput) else t for t in (x, x_skip))
        activation = signed_activation(self.core["act_str"])
        if self.core["type"] == "conv":
            x = self._convolution()(x)
        else:
            if len(x.shape) == 4:
                x = tf.keras.layers.Flatten()(x)
            x = self._dense()(x)
        x = qkeras.QActivation(activation)(x)
        if self.add is not None:
            if tuple(x.shape[1:]) != tuple(x_skip.shape[1:]):
                raise FrontendError(
                    f"Bundle: x_skip has shape {tuple(x_skip.shape[1:])}, legal is the core's "
                    f"{tuple(x.shape[1:])}"
                )
            activation = signed_activation(self.add["act_str"])
            x = tf.keras.layers.Add()([x, x_skip])
            x = qkeras.QActivation(activation)(x)
        if self.pool is not None:
            x = self._pool(x, activation)
        if self.flatten:
            x = tf.keras.layers.Flatten()(x)
        if self.softmax:
            x = tf.keras.layers.Activation("softmax")(x)
        return x

    def _convolution(self) -> Any:
        core = self.core
        if core.get("bias_quantizer") is None:
            raise FrontendError(
                "Bundle: bias_quantizer is missing; a convolution has one, for the folded batch "
                "norm: for example 'quantized_bits(16,0,False,True,1)'"
            )
        return qkeras.QConv2DBatchnorm(
            filters=core["filters"],
            kernel_size=core["kernel_size"],
            strides=core.get("strides", 1),
            padding=core.get("padding", "same"),
            kernel_quantizer=core["kernel_quantizer"],
            bias_quantizer=core["bias_quantizer"],
            use_bias=core.get("use_bias", True),
        )

    def _dense(self) -> Any:
        core = self.core
        return qkeras.QDense(
            units=core["units"],
            kernel_quantizer=core["kernel_quantizer"],
            bias_quantizer=core.get("bias_quantizer"),
            use_bias=core.get("use_bias", True),
        )

    def _pool(self, x: Any, source: Any) -> Any:
        pool = self.pool or {}
        options = {
            "pool_size": pool["size"],
            "strides": pool.get("strides"),
            "padding": pool.get("padding", "valid"),
        }
        activation = signed_activation(pool["act_str"])
        if pool["type"] == "avg":
            x = tf.keras.layers.AveragePooling2D(**options)(x)
            x = RoundToGrid(_fraction(source))(x)
            return qkeras.QActivation(activation)(x)
        x = tf.keras.layers.MaxPooling2D(**options)(x)
        return qkeras.QActivation(activation)(x)


def _check_keys(what: str, given: Mapping[str, Any], legal: set[str]) -> None:
    unknown = sorted(set(given) - legal)
    if unknown:
        raise FrontendError(f"Bundle: {what} has unknown {unknown}, legal are {sorted(legal)}")


def _require(what: str, given: Mapping[str, Any], needed: set[str]) -> None:
    missing = sorted(key for key in needed if given.get(key) is None)
    if missing:
        raise FrontendError(f"Bundle: {what} lacks {missing}")


def signed_activation(act_str: str) -> Any:
    """The quantiser of ``act_str``; an unsigned one is lowered by a bit to fit a signed word.

    Unsigned are ``quantized_relu`` of slope 0 and ``quantized_bits`` with keep_negative False.
    Raises FrontendError for any other quantiser.
    """
    quantiser = qkeras.get_quantizer(act_str)
    if not isinstance(quantiser, (qkeras.quantized_relu, qkeras.quantized_bits)):
        raise FrontendError(
            f"Bundle: act_str is {act_str!r}, legal are 'quantized_bits(bits,int,...)' and "
            "'quantized_relu(bits,int,negative_slope=0 or a power of two)'"
        )
    if _is_unsigned(quantiser):
        if int(quantiser.bits) < 2:
            raise FrontendError(
                f"Bundle: act_str is {act_str!r}: unsigned, it is lowered by a bit to fit a signed "
                "word, and has none left; legal is 2 bits or more"
            )
        quantiser.bits -= 1
    return quantiser


def _is_unsigned(quantiser: Any) -> bool:
    if isinstance(quantiser, qkeras.quantized_bits):
        return not quantiser.keep_negative
    return bool(quantiser.negative_slope == 0)


def _fraction(quantiser: Any) -> int:
    """Fractional bits of the words that an activation makes."""
    sign = int(not _is_unsigned(quantiser))
    return int(quantiser.bits) - sign - int(quantiser.integer)


class QModel(_Model):
    """A Keras model from ``QInput.raw`` to a bundle's output, with the hardware's methods."""

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        first = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        source = getattr(first, "_corewright_input", None)
        if source is None:
            raise FrontendError("QModel: inputs is no QInput's '.raw'")
        self._corewright_source = source

    @property
    def hw(self) -> Any:
        """The hardware of the QInput."""
        return self._corewright_source.hw

    @property
    def batch_size(self) -> int:
        """Images of one run."""
        return int(self._corewright_source.batch_size)

    @property
    def random_input(self) -> npt.NDArray[np.float32]:
        """A batch of inputs on the input's grid, float32; always the same one."""
        source = self._corewright_source
        bits = int(source.hw.bits_input)
        half = 1 << (bits - 1)
        shape = (self.batch_size, *source.shape)
        integers = np.random.default_rng(0).integers(-half, half, shape)
        return np.ldexp(integers.astype(np.float32), source.int_bits + 1 - bits)

    def to_graph(self, hw: Any = None, name: str | None = None) -> Graph:
        """The integer graph for ``hw`` (by default the QInput's); raises FrontendError."""
        hw = self.hw if hw is None else hw
        return convert(self, hw, name=name)

    def export_inference(self, x: npt.ArrayLike | None = None, hw: Any = None) -> Any:
        """Write program, weights, vectors and headers for ``x``, a batch of real inputs."""
        x = self.random_input if x is None else x
        hw = self.hw if hw is None else hw
        graph = self.to_graph(hw)
        result = _flow().export_inference(graph, hw, np.asarray(x), model=self)
        self._corewright_graph, self._corewright_hardware = graph, hw
        return result

    def verify_inference(self, SIM: str = "verilator", SIM_PATH: str = "") -> Any:  # noqa: N803
        """Simulate what :meth:`export_inference` wrote and compare; raises if it has not run."""
        graph, hw = self._exported("verify_inference")
        return _flow().verify_inference(graph, hw, SIM=SIM, SIM_PATH=SIM_PATH)

    def predict_performance(self) -> Any:
        """(seconds, bytes) of one batch on the hardware."""
        graph, hw = self._exported("predict_performance")
        return _flow().predict_performance(graph, hw, batch_size=self.batch_size)

    def _exported(self, method: str) -> tuple[Graph, Any]:
        graph = getattr(self, "_corewright_graph", None)
        if graph is None:
            raise FrontendError(f"QModel.{method}: call export_inference first")
        return graph, self._corewright_hardware


def _flow() -> Any:
    # Loaded late: the flow needs the compiler and the simulator's driver, training does not.
    return importlib.import_module("corewright.flow")
