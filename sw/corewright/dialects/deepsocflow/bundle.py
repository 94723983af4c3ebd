# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The script-compatible model API: ``QInput``, ``Bundle``, ``QModel``.

A bundle becomes ordinary QKeras layers, so a model made of bundles trains, saves and converts like
any other. Importing this module imports TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright import flow
from corewright.facts.widths import is_sign
from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError
from corewright.frontends.layers import LayerUse, ordered_layers, sources_of
from corewright.frontends.operators import RoundToGrid
from corewright.frontends.qkeras import convert
from corewright.graph import Graph

tf, qkeras = lazy.load()
# As a variable, because type checkers know no classes of an untyped package.
_Model: Any = tf.keras.Model

_CORE_KEYS = {
    "conv": {"filters", "kernel_size", "strides", "padding"},
    "dense": {"units"},
}
_COMMON_KEYS = {"type", "kernel_quantizer", "bias_quantizer", "use_bias", "act_str", "options"}
# What biases are before training, as in the reference: they take part in untrained examples.
_BIASES = "glorot_uniform"
_POOL_KEYS = {"type", "size", "strides", "padding", "act_str"}
# How a Keras tensor knows the bundle that makes it.
_TAG = "_corewright_bundle"
# Of a bundle's QActivation layers: its number, and behind what the layer stands.
_QUANTISER_NAME = re.compile(r"bundle_(\d+)_(act|add_act|pool_act)")


class QInput:
    """A model's input, quantised to the hardware's words.

    Args:
        shape: (H, W, C) or (C,) of one image.
        batch_size: images of one run.
        hw: hardware with the attribute ``bits_input``.
        int_bits: integer bits, so values lie in [-2**int_bits, 2**int_bits); inputs of one bit
            are -2**int_bits below zero and 2**int_bits from zero on.
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
        self.raw = tf.keras.Input(self.shape, batch_size=self.batch_size, name=f"{name}_raw")
        # QModel finds its hardware and batch size through the Keras tensor it is given.
        self.raw._corewright_input = self
        # QKeras's single bit has no integer bits but a factor.
        integer, alpha = (0, 2.0**self.int_bits) if is_sign(hw.bits_input) else (self.int_bits, 1)
        self.quantiser = f"quantized_bits({hw.bits_input},{integer},False,True,{alpha})"
        self.tensor = qkeras.QActivation(self.quantiser, name=name)(self.raw)


class Bundle:
    """Layers that the hardware runs in one go; call it on a QInput or a bundle's output.

    Order: core, bias, activation, residual add, activation, pool, activation, flatten, softmax. A
    convolution is followed by batch norm, which is folded into it.

    Args:
        core: ``{'type': 'conv', 'filters', 'kernel_size', 'strides', 'padding', ...}`` or
            ``{'type': 'dense', 'units', ...}``, both with ``'kernel_quantizer'``,
            ``'bias_quantizer'``, ``'use_bias'``, ``'act_str'`` and ``'options'``, a dictionary of
            further keywords of the QKeras layer, such as initialisers.
        add: ``{'act_str'}``: adds the second argument of the call, the output of any earlier
            bundle or the QInput, of the same shape; fractions may differ.
        pool: ``{'type': 'max'|'avg', 'size', 'strides', 'padding', 'act_str'}``. The average
            rounds to an integer of its input's fraction before its activation.
        flatten: flatten to a vector at the end.
        softmax: softmax last, on the host.
        name: kept as it is; layers are named after the bundle's number in any case.

    It is called once. Then ``idx`` is its number, ``core['layer']`` the Keras layer of the core,
    ``prev_bundle`` the bundle in front and ``add['bundle']`` the one whose output is added (None
    if they are the QInput), and ``next_bundles`` those that follow it.

    Everything is signed. A ``quantized_relu`` of slope 0 is lowered by one bit. A
    ``quantized_bits`` as ``act_str`` keeps negative values, whatever it says of them, and all of
    its bits: ``quantized_bits(b,i,False,False,1)`` is the linear activation of the reference's
    scripts. (:func:`corewright.convert` takes layers of QKeras at their word instead.) One-bit
    weights (``quantized_bits(1,...)`` and ``binary(alpha=1)``) are -1 and +1, and so are one-bit
    results behind a core: words of one bit on hardware of ``bits_weights=1`` and ``bits_input=1``,
    of 2 bits on other. Biases start as ``glorot_uniform``, unless ``'options'`` say otherwise.
    """

    def __init__(
        self,
        core: Mapping[str, Any],
        add: Mapping[str, Any] | None = None,
        pool: Mapping[str, Any] | None = None,
        flatten: bool = False,
        softmax: bool = False,
        name: str | None = None,
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
        for what, given in (("core", core), ("add", add), ("pool", pool)):
            _check_values(what, given or {})
        self.core = dict(core)
        self.add = None if add is None else dict(add)
        self.pool = None if pool is None else dict(pool)
        self.flatten = bool(flatten)
        self.softmax = bool(softmax)
        self.name = name
        self.idx: int | None = None
        self.prev_bundle: Bundle | None = None
        self.next_bundles: list[Bundle] = []

    def __call__(self, x: Any, x_skip: Any = None, *, x_1: Any = None) -> Any:
        """Apply the bundle to a QInput or a Keras tensor; returns a Keras tensor.

        ``x_skip`` is what a bundle with ``add`` adds, a QInput or a Keras tensor; it has the
        shape that the core makes. ``x_1`` is the reference's name of it. Raises FrontendError if
        it is missing, has another shape, or is given to a bundle without ``add``, and if the
        bundle was called before.
        """
        if self.idx is not None:
            raise FrontendError("Bundle: is called twice, legal is once: make a bundle a use")
        if x_1 is not None and x_skip is not None:
            raise FrontendError("Bundle: x_skip and x_1 are given, legal is one: they are the same")
        x_skip = x_1 if x_skip is None else x_skip
        if (x_skip is None) != (self.add is None):
            raise FrontendError(
                "Bundle: add is None but x_skip is given; legal is add={'act_str': ...} with it"
                if self.add is None
                else "Bundle: add is given but x_skip is not; legal is Bundle(...)(x, x_skip)"
            )
        x, x_skip = _tensor("x", x), None if x_skip is None else _tensor("x_skip", x_skip)
        self.prev_bundle = getattr(x, _TAG, None)
        if self.add is not None:
            self.add["bundle"] = getattr(x_skip, _TAG, None)
        activation = signed_activation(self.core["act_str"])
        # Keras counts names, too, and from 0 again after clear_session.
        self.idx = int(tf.keras.backend.get_uid("bundle")) - 1
        name = f"bundle_{self.idx}"
        if self.core["type"] == "conv":
            _check_window("core kernel_size", self.core["kernel_size"], self.core, x)
            self.core["layer"] = self._convolution(f"{name}_conv")
        else:
            if len(x.shape) == 4:
                x = tf.keras.layers.Flatten(name=f"{name}_input")(x)
            self.core["layer"] = self._dense(f"{name}_dense")
        x = _quantised(activation, self.core["layer"](x), f"{name}_act")
        if self.add is not None:
            if tuple(x.shape[1:]) != tuple(x_skip.shape[1:]):
                raise FrontendError(
                    f"Bundle: x_skip has shape {tuple(x_skip.shape[1:])}, legal is the core's "
                    f"{tuple(x.shape[1:])}"
                )
            activation = signed_activation(self.add["act_str"])
            x = tf.keras.layers.Add(name=f"{name}_add")([x, x_skip])
            x = _quantised(activation, x, f"{name}_add_act")
        if self.pool is not None:
            _check_window("pool size", self.pool["size"], {"padding": "valid", **self.pool}, x)
            x = self._pool(x, activation, f"{name}_pool")
        if self.flatten:
            x = tf.keras.layers.Flatten(name=f"{name}_flatten")(x)
        if self.softmax:
            x = tf.keras.layers.Activation("softmax", name=f"{name}_softmax")(x)
        setattr(x, _TAG, self)
        if self.prev_bundle is not None:
            self.prev_bundle.next_bundles.append(self)
        return x

    def _convolution(self, name: str) -> Any:
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
            **{"name": name, "bias_initializer": _BIASES, **core.get("options", {})},
        )

    def _dense(self, name: str) -> Any:
        core = self.core
        return qkeras.QDense(
            units=core["units"],
            kernel_quantizer=core["kernel_quantizer"],
            bias_quantizer=core.get("bias_quantizer"),
            use_bias=core.get("use_bias", True),
            **{"name": name, "bias_initializer": _BIASES, **core.get("options", {})},
        )

    def _pool(self, x: Any, source: Any, name: str) -> Any:
        pool = self.pool or {}
        options = {
            "pool_size": pool["size"],
            "strides": pool.get("strides"),
            "padding": pool.get("padding", "valid"),
            "name": name,
        }
        activation = signed_activation(pool["act_str"])
        if pool["type"] == "avg":
            x = tf.keras.layers.AveragePooling2D(**options)(x)
            x = RoundToGrid(_fraction(source), name=f"{name}_rounded")(x)
        else:
            x = tf.keras.layers.MaxPooling2D(**options)(x)
        return _quantised(activation, x, f"{name}_act")


def _tensor(what: str, value: Any) -> Any:
    """The Keras tensor of ``value``; FrontendError if it is none, or one of another Keras."""
    if isinstance(value, QInput):
        return value.tensor
    lazy.check_keras_2(f"Bundle: {what}", value)
    if not isinstance(value, tf.Tensor) and not hasattr(value, "_keras_history"):
        raise FrontendError(
            f"Bundle: {what} is of type {type(value).__name__}, legal are a QInput and a Keras "
            "tensor"
        )
    return value


def _check_keys(what: str, given: Mapping[str, Any], legal: set[str]) -> None:
    unknown = sorted(set(given) - legal)
    if unknown:
        raise FrontendError(f"Bundle: {what} has unknown {unknown}, legal are {sorted(legal)}")


def _require(what: str, given: Mapping[str, Any], needed: set[str]) -> None:
    missing = sorted(key for key in needed if given.get(key) is None)
    if missing:
        raise FrontendError(f"Bundle: {what} lacks {missing}")


def _check_values(what: str, given: Mapping[str, Any]) -> None:
    """Refuse values that have no meaning; what Keras would say of them names no parameter."""
    for key in {"filters", "units"} & set(given):
        _sizes(what, key, given[key], 1)
    for key in {"kernel_size", "size", "strides"} & set(given):
        if not (key == "strides" and given[key] is None):
            _sizes(what, key, given[key], 2)
    if given.get("padding", "same") not in ("same", "valid"):
        raise FrontendError(
            f"Bundle: {what} padding is {given['padding']!r}, legal is 'same' or 'valid'"
        )
    for key in {"kernel_quantizer", "bias_quantizer"} & set(given):
        _quantiser(f"{what} {key}", given[key], "'quantized_bits(bits,int,False,True,1)'")
    if "act_str" in given:
        signed_activation(given["act_str"])


def _sizes(what: str, key: str, value: Any, count: int) -> tuple[int, ...]:
    sizes = value if count == 2 and isinstance(value, (tuple, list)) else (value,) * count
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in sizes)
    if len(sizes) != count or not whole or min(sizes) < 1:
        legal = "an integer from 1" + (" or a pair of them" if count == 2 else "")
        raise FrontendError(f"Bundle: {what} {key} is {value!r}, legal is {legal}")
    return tuple(int(n) for n in sizes)


def _check_window(what: str, value: Any, given: Mapping[str, Any], x: Any) -> None:
    """Refuse a window that fits nowhere in the feature map ``x``, or a vector."""
    if len(x.shape) != 4:
        raise FrontendError(
            f"Bundle: {what} is {value!r} on a vector of {x.shape[-1]}, legal is a feature map "
            "(H, W, C)"
        )
    window = _sizes("", what, value, 2)
    image = tuple(x.shape[1:3])
    if given.get("padding", "same") == "valid" and any(
        size > limit for size, limit in zip(window, image, strict=True)
    ):
        raise FrontendError(
            f"Bundle: {what} is {value!r} with padding 'valid' on a feature map of "
            f"{image[0]}x{image[1]}, legal is up to {image}; or padding 'same'"
        )


def _quantiser(what: str, value: Any, legal: str) -> Any:
    """What QKeras makes of ``value``, a copy of an object; FrontendError if it is none."""
    try:
        quantiser = qkeras.get_quantizer(value)
        if quantiser is value and hasattr(value, "get_config"):
            quantiser = type(value).from_config(value.get_config())
    # Whatever Python makes of a string that QKeras evaluates.
    except Exception as error:
        reason = f" ({error})" if str(error) else ""
        raise FrontendError(f"Bundle: {what} is {value!r}{reason}, legal are {legal}") from error
    return quantiser


_ACTIVATIONS = (
    "'quantized_bits(bits,int,...)', 'quantized_relu(bits,int,negative_slope=0 or a power of two)' "
    "and 'binary(alpha=1)'"
)


def signed_activation(act_str: str) -> Any:
    """The quantiser of ``act_str``, made signed; see :class:`Bundle`.

    ``quantized_bits`` keeps negative values and all bits; a ``quantized_relu`` of slope 0 is
    lowered by a bit to fit a signed word. A quantiser object stays as it is; a copy is returned.
    Raises FrontendError for any other quantiser but ``binary``.
    """
    quantiser = _quantiser("act_str", act_str, _ACTIVATIONS)
    if not isinstance(quantiser, (qkeras.quantized_relu, qkeras.quantized_bits, qkeras.binary)):
        raise FrontendError(f"Bundle: act_str is {act_str!r}, legal are {_ACTIVATIONS}")
    if isinstance(quantiser, qkeras.quantized_bits):
        quantiser.keep_negative = True
    elif _is_unsigned(quantiser):
        if int(quantiser.bits) < 2:
            raise FrontendError(
                f"Bundle: act_str is {act_str!r}: unsigned, it is lowered by a bit to fit a signed "
                "word, and has none left; legal is 2 bits or more"
            )
        quantiser.bits -= 1
    return quantiser


def _quantised(quantiser: Any, x: Any, name: str) -> Any:
    """Behind a QActivation that survives saving and loading: that takes the quantiser's name."""
    integer = int(quantiser.integer) if hasattr(quantiser, "integer") else 0
    if isinstance(quantiser, qkeras.quantized_relu):
        text = (
            f"quantized_relu({quantiser.bits},{integer},negative_slope={quantiser.negative_slope})"
        )
    elif isinstance(quantiser, qkeras.quantized_bits):
        flags = f"{bool(quantiser.symmetric)},True,{quantiser.alpha!r}"
        text = f"quantized_bits({quantiser.bits},{integer},{flags})"
    else:
        text = f"binary(alpha={quantiser.alpha!r})"
    equal = qkeras.get_quantizer(text).get_config() == quantiser.get_config()
    return qkeras.QActivation(text if equal else quantiser, name=name)(x)


def _is_unsigned(quantiser: Any) -> bool:
    return isinstance(quantiser, qkeras.quantized_relu) and quantiser.negative_slope == 0


def _fraction(quantiser: Any) -> int:
    """Fractional bits of the words that an activation makes."""
    sign = int(not _is_unsigned(quantiser))
    return int(quantiser.bits) - sign - int(quantiser.integer)


class ScriptModel(_Model):
    """A functional Keras model as the references' scripts use it.

    Its ``fit`` takes epochs that end before they begin, as Keras 2.15's does and newer ones refuse.
    A saved one is loaded as an ordinary Keras model.
    """

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        *options: Any,
        initial_epoch: int = 0,
        **keywords: Any,
    ) -> Any:
        """Train as Keras does; if no epoch is left, return an empty history."""
        if epochs > initial_epoch:
            keywords["initial_epoch"] = initial_epoch
            return super().fit(x, y, batch_size, epochs, *options, **keywords)
        self.history = tf.keras.callbacks.History()
        self.history.set_model(self)
        self.history.on_train_begin()
        return self.history

    def get_config(self) -> dict[str, Any]:
        """Keras configuration: that of the ordinary model of the same layers."""
        model = _Model(self.inputs, self.outputs, name=self.name)
        # Keras sets it on what it saves as .h5, which has another form.
        model.use_legacy_config = getattr(self, "use_legacy_config", None)
        config: dict[str, Any] = model.get_config()
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """The ordinary Keras model of a saved configuration."""
        return _Model.from_config(config, custom_objects)


class QModel(ScriptModel):
    """A Keras model from ``QInput.raw`` to a bundle's output, with the hardware's methods.

    A saved one is loaded as an ordinary Keras model, because files know no hardware: ``convert``
    it, or build the QModel again and ``load_weights``.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        first = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        source = getattr(first, "_corewright_input", None)
        if source is None:
            raise FrontendError("QModel: inputs is no QInput's '.raw'")
        self._corewright_source = source
        last = outputs[0] if isinstance(outputs, (list, tuple)) else outputs
        self._corewright_last = getattr(last, _TAG, None)

    @property
    def hw(self) -> Any:
        """The hardware of the QInput."""
        return self._corewright_source.hw

    @property
    def batch_size(self) -> int:
        """Images of one run."""
        return int(self._corewright_source.batch_size)

    @property
    def bundles(self) -> list[Bundle]:
        """The bundles that the output depends on, in the script's order."""
        found: dict[int, Bundle] = {}
        waiting = [self._corewright_last]
        while waiting:
            bundle = waiting.pop()
            if bundle is not None and id(bundle) not in found:
                found[id(bundle)] = bundle
                waiting += [bundle.prev_bundle, (bundle.add or {}).get("bundle")]
        return sorted(found.values(), key=lambda bundle: bundle.idx or 0)

    @property
    def random_input(self) -> npt.NDArray[np.float64]:
        """A batch of normal deviates, cut off at -1 and 1, float64; always the same one.

        They are the reference's numbers, whatever the input's integer bits: they lie between the
        input's grid, and a good part of them clips at the largest word.
        """
        source = self._corewright_source
        deviates = np.random.RandomState(0).randn(self.batch_size, *source.shape)
        return np.clip(deviates, -1.0, 1.0)

    def to_graph(self, hw: Any = None, name: str | None = None) -> Graph:
        """The integer graph for ``hw`` (by default the QInput's); raises FrontendError."""
        hw = self.hw if hw is None else hw
        return convert(self, hw, name=name)

    def export_inference(self, x: npt.ArrayLike | None = None, hw: Any = None) -> Any:
        """Write program, weights, vectors and headers for ``x``, a batch of real inputs."""
        x = self.random_input if x is None else x
        hw = self.hw if hw is None else hw
        graph = self.to_graph(hw)
        tensors = bundle_tensors(self, graph)
        if graph.softmax is not None:
            # The last bundle's file holds probabilities.
            tensors = [*tensors[:-1], graph.softmax.name]
        result = flow.export_inference(graph, hw, np.asarray(x), model=self, bundles=tensors)
        self._corewright_graph, self._corewright_hardware = graph, hw
        return result

    def verify_inference(self, SIM: str = "verilator", SIM_PATH: str = "") -> Any:  # noqa: N803
        """Simulate what :meth:`export_inference` wrote and compare; raises if it has not run.

        The memory stalls as the hardware's ``valid_prob`` and ``ready_prob`` say; the report has
        the cycles without stalls, too.
        """
        graph = getattr(self, "_corewright_graph", None)
        if graph is None:
            raise FrontendError("QModel.verify_inference: call export_inference first")
        hw = self._corewright_hardware
        return flow.verify_inference(graph, hw, SIM=SIM, SIM_PATH=SIM_PATH, stalls="hardware")

    def predict_performance(self) -> Any:
        """(seconds, bytes) of one batch on the hardware.

        Of what was exported; before that, of the model as it is.
        """
        graph, hw = getattr(self, "_corewright_graph", None), self.hw
        if graph is None:
            graph = self.to_graph()
        else:
            hw = self._corewright_hardware
        return flow.predict_performance(graph, hw, batch_size=self.batch_size)


# Keras writes a model's class without a package, so it is not found by a registered name.
tf.keras.utils.get_custom_objects()["QModel"] = QModel


def bundle_tensors(model: Any, graph: Graph) -> list[str]:
    """Names of the bundles' outputs in ``graph``, in the order in which the script made them.

    The layers' names tell, so that this holds for a saved and loaded model, too. A quantiser that
    changes nothing makes no tensor of its own: then it is the tensor before it.
    """
    found: dict[int, dict[str, LayerUse]] = {}
    by_name = {layer.name: layer for layer in ordered_layers(model)}
    for layer in by_name.values():
        match = _QUANTISER_NAME.fullmatch(layer.name)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = layer
    names = []
    for _, layers in sorted(found.items()):
        layer = next(layers[step] for step in ("pool_act", "add_act", "act") if step in layers)
        while layer.name not in graph.tensors:
            layer = by_name[sources_of(layer)[0]]
        names.append(str(layer.name))
    return names
