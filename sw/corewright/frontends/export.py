# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Integer graphs to QKeras models: the same numbers, computed in float64.

A node becomes the QKeras or Keras layer of its kind with the quantiser that rounds as the node
does, wherever there is one that does so exactly: ``convert`` then gives back an equal graph.
Otherwise a small layer of :mod:`corewright.frontends.operators` takes its place:

- Requantise for the input (exact for any real number), for limits that no quantiser has, slopes
  with other limits, averages that are no dyadic fractions (QKeras's gradient trick misses the grid
  there), sums beyond float32 in front of a ``quantized_relu`` (which computes in it), fractions
  that do not tell the scale, and a name that node and tensor share;
- PaddedMaxPooling2D, PaddedAveragePooling2D for padding that is neither 'valid' nor 'same';
- QStridedDepthwiseConv2D for strides that differ, ScaledAdd for operands of other scales;
- QMatMul, QSoftmax and ChannelSlice for products of activations, softmax in integers and slices;
- TensorName where a tensor that is copied, or only maximised, has another name than its node.

Kernels are ``quantized_bits`` of the node's width. Where the fraction exceeds the width or its
integer bits are too many for QKeras, its ``alpha`` is a power of two: the variable then holds the
kernel divided by it. Biases have 32 bits, or more where they need them.

What the graph's output does not depend on is left out: Keras knows no such layers.
"""

from __future__ import annotations

import dataclasses
import io
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.files import allowance, open_archive, reason, spend
from corewright.frontends import tensorflow as lazy
from corewright.frontends.alignment import addition, max_pool_requantisation, requantisation
from corewright.frontends.errors import FrontendError
from corewright.frontends.layers import Float64Array, quantised_constants
from corewright.frontends.quantisers import (
    MAX_BIAS_BITS,
    ActivationFormat,
    activation_format,
    constants_on_grid,
)
from corewright.graph import (
    Add,
    ComputeNode,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    MatMul,
    Node,
    Pool,
    QuantisedSoftmax,
    Requant,
    RequantNode,
    Slice,
    Softmax,
    Tensor,
    Upsample,
    same_padding,
    value_bounds,
)

_BIAS_BITS = 32
# Integers below are exact in float32, also after the sums and differences of a quantiser.
_FLOAT32_EXACT = 1 << 23
_FLOAT64_EXACT = 1 << 53
# QKeras computes 2**integer in signed 32-bit integers.
_MAX_INTEGER_BITS = 30
# What TensorFlow takes as a name's scope.
_LEGAL_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")

# The requantisation that ``convert`` derives for a node from a quantiser's words.
_Derive = Callable[[ActivationFormat], object]


def to_keras(graph: Graph) -> Any:
    """The QKeras model of ``graph``: its predict() gives the golden model's output exactly.

    The model takes real inputs (N, H, W, C), or (N, C) where the input is a vector, quantises them
    as ``golden.quantise_input`` does, and computes in float64, whatever Keras's default type is.
    It trains, and its weights save and load. Tensors are named after their layers; characters that
    Keras refuses in a name become '_'. See the module's docstring for the layers, and
    :func:`layer_outputs` for all tensors.

    Raises:
        FrontendError: the graph's output does not depend on its input, or sums may reach 2**53,
            which float64 does not hold.
    """
    with lazy.default_float("float64"):
        exporter = _Exporter(graph)
        raw, result = exporter.export()
        # Late: it defines a Keras model, so it needs TensorFlow when it is imported.
        from corewright.frontends.exact import ExactModel

        model = ExactModel(inputs=raw, outputs=result, name=exporter.unique(graph.name))
        for layer, values in exporter.weights:
            layer.set_weights(values)
    model.tensor_layers = dict(exporter.tensor_layers)
    model.node_layers = dict(exporter.node_layers)
    return model


def layer_outputs(model: Any, x: npt.ArrayLike) -> dict[str, Float64Array]:
    """Every tensor of a model of :func:`to_keras`, by its name in the graph, computed by Keras.

    ``x`` are real inputs (N, H, W, C) or (N, C). Vectors are given as (N, C) or (N, 1, 1, C).
    """
    tf, _ = lazy.load()
    names = model.tensor_layers
    with lazy.default_float("float64"):
        every = tf.keras.Model(
            model.inputs, {name: model.get_layer(layer).output for name, layer in names.items()}
        )
        # Tracing costs more than it saves in a model that runs once; exact sums are the same in
        # any order.
        every.run_eagerly = True
        source = np.asarray(x, dtype=np.float64).reshape(-1, *model.input_shape[1:])
        outputs = every.predict(source, verbose=0)
    return {name: np.asarray(outputs[name], dtype=np.float64) for name in names}


def load_weights(graph: Graph, path: str | os.PathLike[str]) -> Graph:
    """``graph`` with the weights and biases of a file that ``to_keras(graph)`` can load.

    Such files are those of ``to_keras(graph).save_weights(path)``: Keras's .h5, .weights.h5 or a
    TensorFlow checkpoint. Weights are rounded by the layers' quantisers.

    Raises:
        FileNotFoundError: there is no such file.
        FrontendError: it is none, or of another network; says what differs.
    """
    file = Path(path)
    # A checkpoint is a prefix of several files.
    if not file.is_file() and not file.with_name(file.name + ".index").is_file():
        raise FileNotFoundError(f"no weights '{file}'")
    model = to_keras(graph)
    try:
        if file.is_file():
            _check_declared_sizes(file)
        status = model.load_weights(file)
        if hasattr(status, "assert_existing_objects_matched"):
            status.assert_existing_objects_matched()
    # Keras has no error of its own for a file that it cannot read; h5py, zipfile and TensorFlow
    # have theirs, and what Keras does with a damaged description raises anything.
    except Exception as error:
        raise FrontendError(
            f"{file}: not the weights of graph '{graph.name}' (save them with "
            f"to_keras(graph).save_weights(path)): {reason(error)}"
        ) from error
    return with_weights(graph, model)


def _check_declared_sizes(file: Path) -> None:
    """Raise UnreadableFileError if a file of weights declares more than it can hold."""
    import h5py

    source: Any = file
    if zipfile.is_zipfile(file):
        with open_archive(file) as archive:
            inner = [name for name in archive.names if name.endswith(".h5")]
            # Keras unpacks all of it.
            contents = {name: archive.read(name) for name in archive.names}
        if not inner:
            return
        source = io.BytesIO(contents[inner[0]])
    elif not h5py.is_hdf5(file):
        return
    left = allowance(file.stat().st_size)

    def visit(_: str, item: Any) -> None:
        nonlocal left
        if isinstance(item, h5py.Dataset):
            left = spend(left, int(item.size or 0) * item.dtype.itemsize)

    with h5py.File(source, "r") as weights:
        weights.visititems(visit)


def with_weights(graph: Graph, model: Any) -> Graph:
    """``graph`` with the quantised weights of ``model``, a trained model of :func:`to_keras`.

    Raises:
        FrontendError: a weight is not finite, or a bias has too many bits.
    """
    nodes: list[Node] = []
    for node in graph.nodes:
        if not isinstance(node, (Conv, Depthwise, Dense)) or node.name not in model.node_layers:
            nodes.append(node)
            continue
        layer = model.get_layer(model.node_layers[node.name])
        kernel, bias, kernel_quantiser, bias_quantiser = quantised_constants(layer)
        weights, _, _ = constants_on_grid(
            layer.name, "kernel", kernel, kernel_quantiser, node.weight_bits
        )
        aligned = None
        if bias is not None:
            aligned, _, _ = constants_on_grid(
                layer.name, "bias", bias, bias_quantiser, MAX_BIAS_BITS
            )
        nodes.append(dataclasses.replace(node, weights=weights, bias=aligned))
    return dataclasses.replace(graph, nodes=tuple(nodes))


def _live(graph: Graph) -> list[Node]:
    """The nodes that the output depends on, in order."""
    last = graph.nodes[-1]
    needed = set(last.inputs)
    result: list[Node] = [last]
    for node in reversed(graph.nodes[:-1]):
        if isinstance(node, ComputeNode) and node.output.name in needed:
            needed.update(node.inputs)
            result.append(node)
    if graph.input.name not in needed:
        raise FrontendError(f"graph '{graph.name}': its output does not depend on its input")
    return result[::-1]


class _Exporter:
    """Makes the layers, node by node; one instance an export."""

    def __init__(self, graph: Graph) -> None:
        self.tf, self.qkeras = lazy.load()
        from corewright.frontends import operators

        self.own = operators
        self.keras = self.tf.keras.layers
        self.graph = graph
        # Names of the graph's tensors and nodes, which those that are made up leave free, and
        # names that layers have.
        self.names: set[str] = set()
        self.given: set[str] = set()
        # Keras tensors by name, as (N, H, W, C) and as (N, C): what has been asked for.
        self.maps: dict[str, Any] = {}
        self.vectors: dict[str, Any] = {}
        self.tensor_layers: dict[str, str] = {}
        self.node_layers: dict[str, str] = {}
        self.weights: list[tuple[Any, list[npt.NDArray[np.float64]]]] = []

    def export(self) -> tuple[Any, Any]:
        """(Keras input, Keras output)."""
        nodes = _live(self.graph)
        source = self.graph.input
        for node in nodes:
            # Reserved first: names that are made up give way.
            self.names.update(
                (node.name, *((node.output.name,) if isinstance(node, ComputeNode) else ()))
            )
        vector = source.height == source.width == 1 and all(
            isinstance(node, Dense) for node in nodes if source.name in node.inputs
        )
        self.names.add(source.name)
        shape = (source.channels,) if vector else source.shape
        raw = self.tf.keras.Input(shape, name=self.unique(f"{source.name}_raw"), dtype="float64")
        low, high = self.graph.input_limits
        word = ActivationFormat(source.bits, source.fraction, low, high)
        self.define(source, self.requantise(source, word)(raw))
        for node in nodes:
            result = self.layers(node)
        return raw, result

    # Names and shapes --------------------------------------------------------------------------

    def legal(self, name: str) -> str:
        """``name``, or what Keras takes instead of it: one that no layer has."""
        # A node may be called like another's tensor: both become layers.
        if _LEGAL_NAME.fullmatch(name) and name not in self.given:
            self.given.add(name)
            return name
        return self.unique(name)

    def unique(self, name: str) -> str:
        """A name like ``name`` that no layer has."""
        if not _LEGAL_NAME.fullmatch(name):
            name = "layer_" + re.sub(r"[^A-Za-z0-9_.-]", "_", name)
        result, number = name, 1
        while result in self.names or result in self.given:
            number += 1
            result = f"{name}_{number}"
        self.given.add(result)
        return result

    def define(self, tensor: Tensor, value: Any) -> Any:
        """Keep what the layer of ``tensor`` has made."""
        (self.maps if len(value.shape) == 4 else self.vectors)[tensor.name] = value
        self.tensor_layers[tensor.name] = value._keras_history.layer.name
        return value

    def map(self, name: str) -> Any:
        """The tensor as (N, H, W, C)."""
        if name not in self.maps:
            shape = self.graph.tensor(name).shape
            layer = self.keras.Reshape(shape, name=self.unique(f"{name}_map"), dtype="float64")
            self.maps[name] = layer(self.vectors[name])
        return self.maps[name]

    def vector(self, name: str) -> Any:
        """The tensor as (N, features)."""
        if name not in self.vectors:
            layer = self.keras.Flatten(name=self.unique(f"{name}_flat"), dtype="float64")
            self.vectors[name] = layer(self.maps[name])
        return self.vectors[name]

    def alike(self, names: tuple[str, ...]) -> list[Any]:
        """The tensors in one rank: vectors where all are."""
        if all(name in self.vectors and name not in self.maps for name in names):
            return [self.vectors[name] for name in names]
        return [self.map(name) for name in names]

    # Nodes -------------------------------------------------------------------------------------

    def layers(self, node: Node) -> Any:
        """Apply a node's layers."""
        if isinstance(node, RequantNode) and self.largest(node) >= _FLOAT64_EXACT:
            raise FrontendError(
                f"layer '{node.name}': its sums reach {self.largest(node)}, legal in float64 is "
                "below 2**53"
            )
        if isinstance(node, Softmax):
            layer = self.keras.Softmax(name=self.legal(node.name), dtype="float64")
            return layer(self.alike(node.inputs)[0])
        if isinstance(node, (Conv, Depthwise, Dense)):
            return self.core(node)
        if isinstance(node, Pool):
            return self.pool(node)
        if isinstance(node, Add):
            return self.add(node)
        if isinstance(node, MatMul):
            own, other = (self.graph.tensor(name).fraction for name in node.inputs)
            layer = self.own.QMatMul(node.transpose_b, name=self.sums(node), dtype="float64")
            product = layer([self.map(name) for name in node.inputs])
            return self.quantise(node, product, own + other, None)
        if isinstance(node, ComputeNode):
            return self.copy(node, self.alike(node.inputs))
        raise TypeError(f"layer '{node.name}' has no Keras layer")

    def copy(self, node: ComputeNode, sources: list[Any]) -> Any:
        """A node without requantisation."""
        common = {"name": self.legal(node.name), "dtype": "float64"}
        source: Any = sources[0]
        if isinstance(node, Concat):
            layer, source = self.keras.Concatenate(**common), sources
        elif isinstance(node, Slice):
            layer = self.own.ChannelSlice(node.first_channel, node.output.channels, **common)
        elif isinstance(node, QuantisedSoftmax):
            layer = self.own.QSoftmax(
                node.output.bits,
                node.output.fraction,
                node.runs,
                node.table.tolist(),
                self.graph.tensor(node.input).fraction,
                node.low,
                node.high,
                **common,
            )
        elif isinstance(node, Upsample):
            layer, source = self.keras.UpSampling2D(node.factors, **common), self.map(node.input)
        else:
            raise TypeError(f"layer '{node.name}' has no Keras layer")
        return self.named(node, layer(source))

    def named(self, node: ComputeNode, value: Any) -> Any:
        """A tensor that its own layer's name does not name."""
        if node.name != node.output.name:
            name = self.legal(node.output.name)
            value = self.own.TensorName(name=name, dtype="float64")(value)
        return self.define(node.output, value)

    def core(self, node: Conv | Depthwise | Dense) -> Any:
        source = self.graph.tensor(node.input)
        fraction = source.fraction + node.weight_fraction
        bias_fraction = None if node.bias is None else fraction + node.requant.pre_shift
        kernel_quantiser, kernel = self.constants(
            node.weights, node.weight_bits, node.weight_fraction
        )
        options: dict[str, Any] = {"use_bias": node.bias is not None, "dtype": "float64"}
        variables = [kernel]
        if node.bias is not None and bias_fraction is not None:
            bits = max(_BIAS_BITS, int(np.abs(node.bias).max()).bit_length() + 1)
            options["bias_quantizer"], bias = self.constants(
                node.bias, min(bits, MAX_BIAS_BITS), bias_fraction
            )
            variables.append(bias)
        activation = None
        if node.name == node.output.name:
            activation = self.standard(node, fraction, bias_fraction)
        own_name = self.legal(node.name) if activation is not None else self.sums(node)
        options |= {"name": own_name, "activation": activation}
        if isinstance(node, Dense):
            x = self.vector(node.input)
            layer = self.qkeras.QDense(
                node.output.channels,
                kernel_quantizer=kernel_quantiser,
                kernel_initializer="zeros",
                **options,
            )
        else:
            x, options["padding"] = self.padded(node, source, node.kernel_size)
            options |= {"kernel_size": node.kernel_size, "strides": node.strides}
            if isinstance(node, Conv):
                layer = self.qkeras.QConv2D(
                    node.output.channels,
                    kernel_quantizer=kernel_quantiser,
                    kernel_initializer="zeros",
                    **options,
                )
            else:
                equal = node.strides[0] == node.strides[1]
                make = self.qkeras.QDepthwiseConv2D if equal else self.own.QStridedDepthwiseConv2D
                layer = make(
                    depthwise_quantizer=kernel_quantiser,
                    depthwise_initializer="zeros",
                    **options,
                )
                variables[0] = kernel[..., None]
        value = layer(x)
        self.weights.append((layer, variables))
        self.node_layers[node.name] = layer.name
        if activation is not None:
            return self.define(node.output, value)
        return self.quantise(node, value, fraction, bias_fraction)

    def padded(
        self, node: Conv | Depthwise, source: Tensor, window: tuple[int, int]
    ) -> tuple[Any, str]:
        """What a window runs over, and Keras's padding around it."""
        x = self.map(node.input)
        if not any(node.padding):
            return x, "valid"
        if node.padding == same_padding((source.height, source.width), window, node.strides):
            return x, "same"
        top, bottom, left, right = node.padding
        name = self.unique(f"{node.name}_padding")
        zeros = self.keras.ZeroPadding2D(((top, bottom), (left, right)), name=name, dtype="float64")
        return zeros(x), "valid"

    def pool(self, node: Pool) -> Any:
        source = self.graph.tensor(node.input)
        identity = Requant.identity(*self.graph.value_ranges[node.input])
        kept = (source.bits, source.fraction) == (node.output.bits, node.output.fraction)
        maximum = node.kind == "max"
        plain = maximum and kept and node.requant == identity
        if node.name == node.output.name:
            # ``convert`` takes a quantiser that alone reads a pool for the pool's own.
            readers = self.graph.consumers(node.output.name)
            plain &= not any(isinstance(r, Pool) and r.window == (1, 1) for r in readers)
        if maximum and node.window == (1, 1) == node.strides and not plain:
            return self.quantise(node, self.alike((node.input,))[0], source.fraction, None)
        name = self.legal(node.name) if plain else self.sums(node)
        common = {"name": name, "dtype": "float64"}
        same = same_padding((source.height, source.width), node.window, node.strides)
        if any(node.padding) and node.padding != same:
            make = self.own.PaddedMaxPooling2D if maximum else self.own.PaddedAveragePooling2D
            layer = make(node.window, node.strides, node.padding, **common)
        else:
            make = self.keras.MaxPooling2D if maximum else self.keras.AveragePooling2D
            mode = "same" if any(node.padding) else "valid"
            layer = make(node.window, node.strides, mode, **common)
        value = layer(self.map(node.input))
        if plain:
            return self.named(node, value)
        if node.round_first:
            rounded = self.unique(f"{node.name}_rounded")
            value = self.own.RoundToGrid(source.fraction, name=rounded, dtype="float64")(value)
        return self.quantise(node, value, source.fraction, None)

    def add(self, node: Add) -> Any:
        own, other = (self.graph.tensor(name).fraction for name in node.inputs)
        # Both operands in units of 2**-finest.
        finest = own + node.own_shift
        exponent = node.other_shift + other - finest
        common = {"name": self.sums(node), "dtype": "float64"}
        layer = self.own.ScaledAdd(exponent, **common) if exponent else self.keras.Add(**common)
        return self.quantise(node, layer(self.alike(node.inputs)), finest, None)

    # Requantisation ----------------------------------------------------------------------------

    def sums(self, node: RequantNode) -> str:
        """The name of the layer that makes what a quantiser rounds."""
        if node.name == node.output.name:
            return self.unique(f"{node.name}_sums")
        return self.legal(node.name)

    def quantise(
        self, node: RequantNode, value: Any, fraction: int, bias_fraction: int | None
    ) -> Any:
        """Round ``value``, sums of ``fraction`` (an addition's: both operands aligned)."""
        shared = node.name == node.output.name
        rescale = isinstance(node, Pool) and value is self.alike((node.input,))[0]
        if shared == rescale:
            activation = self.standard(node, fraction, bias_fraction)
            if activation is not None:
                name = self.legal(node.output.name)
                layer = self.qkeras.QActivation(activation, name=name, dtype="float64")
                return self.define(node.output, layer(value))
        requant, output = node.requant, node.output
        pre_shift = requant.pre_shift
        if isinstance(node, Add):
            # ``fraction`` has the shift already.
            pre_shift, fraction = node.own_shift, fraction - node.own_shift
        word = ActivationFormat(
            output.bits,
            output.fraction,
            requant.low,
            requant.high,
            requant.negative_shift - requant.shift,
            is_sign(output.bits),
            0 if is_sign(output.bits) else fraction + pre_shift - requant.shift - output.fraction,
            pre_shift,
        )
        layer = self.requantise(output, word, node.name if shared or rescale else None)
        return self.define(output, layer(value))

    def requantise(self, tensor: Tensor, word: ActivationFormat, node: str | None = None) -> Any:
        """The layer that makes exactly these words."""
        return self.own.Requantise(
            word.bits,
            word.fraction,
            word.low,
            word.high,
            word.gain,
            word.slope_shift,
            word.pre_shift,
            node,
            name=self.legal(tensor.name),
            dtype="float64",
        )

    def standard(self, node: RequantNode, fraction: int, bias_fraction: int | None) -> str | None:
        """A QKeras quantiser from which ``convert`` derives the node's shifts and limits."""
        source = self.graph.tensor(node.inputs[0])
        expected: object = node.requant
        derive: _Derive
        if isinstance(node, Add):
            own, other = (self.graph.tensor(name).fraction for name in node.inputs)
            exponent = node.other_shift + other - fraction
            expected = node.own_shift, node.other_shift, node.requant

            def derive(word: ActivationFormat) -> object:
                return addition(node.name, (own, other - exponent), word)

        elif isinstance(node, Pool) and node.window == (1, 1) == node.strides:
            span = self.graph.value_ranges[node.input]

            def derive(word: ActivationFormat) -> object:
                # A quantiser that changes nothing makes no node.
                if word.fraction == fraction and word.low <= span[0] and span[1] <= word.high:
                    return None
                return requantisation(node.name, fraction, None, word)

        elif isinstance(node, Pool) and node.kind == "max":
            span = self.graph.value_ranges[node.input]

            def derive(word: ActivationFormat) -> object:
                return max_pool_requantisation(node.name, fraction, span, word)

        else:

            def derive(word: ActivationFormat) -> object:
                return requantisation(node.name, fraction, bias_fraction, word)

        if isinstance(node, Pool) and node.kind == "average" and not node.round_first:
            area = node.window[0] * node.window[1]
            if any(node.padding) or area & (area - 1):
                return None
        if is_sign(node.output.bits) and isinstance(node, Pool):
            # A maximum of signs is a sign: it has no use for a quantiser.
            return None
        exact = self.largest(node) < _FLOAT32_EXACT and source.bits <= 16
        for text in _quantisers(node.output, node.requant, exact):
            quantiser = self.qkeras.get_quantizer(text)
            word = activation_format(node.name, quantiser, node.output.bits)
            if (word.bits, word.fraction) != (node.output.bits, node.output.fraction):
                continue
            try:
                if derive(word) == expected:
                    return text
            except FrontendError:
                continue
        return None

    def largest(self, node: RequantNode) -> int:
        """The largest magnitude of what a node rounds."""
        low, high = value_bounds(self.graph, node)
        return max(-int(low.min()), int(high.max()))

    def constants(
        self, integers: npt.NDArray[np.integer[Any]], bits: int, fraction: int
    ) -> tuple[Any, Float64Array]:
        """The quantiser of weights or biases, and the variable that it rounds to them."""
        integer, exponent = bits - 1 - fraction, 0
        if is_sign(bits) or not 0 <= integer <= _MAX_INTEGER_BITS:
            integer, exponent = 0, integer
        quantiser = self.qkeras.quantized_bits(bits, integer, 0, True, alpha=2.0**exponent)
        return quantiser, np.ldexp(integers.astype(np.float64), -(fraction + exponent))


def _quantisers(output: Tensor, requant: Requant, float32: bool) -> list[str]:
    """QKeras quantisers that may make the words of ``output``, the most usual one first."""
    bits, integer = output.bits, output.bits - 1 - output.fraction
    if is_sign(bits):
        return [f"quantized_bits(1,0,False,True,{2.0**-output.fraction!r})"]
    if not 0 <= integer <= _MAX_INTEGER_BITS:
        return []
    if requant.low == 0:
        relu = [f"quantized_relu({bits - 1},{integer})"] if float32 else []
        return [*relu, f"quantized_bits({bits - 1},{integer},False,False,1)"]
    slope = requant.negative_shift - requant.shift
    if slope > 0:
        leaky = f"quantized_relu({bits},{integer},negative_slope={2.0**-slope!r})"
        return [leaky] if float32 and slope <= bits - 1 else []
    symmetric = requant.low != output.low
    return [f"quantized_bits({bits},{integer},{symmetric},True,1)"]
