# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The walk over a graph that becomes a Keras model, and the register of what nodes become.

What a node becomes is said in the room of its operator, a module of
``corewright.frontends.handlers``, with :func:`exports`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.frontends import tensorflow as lazy
from corewright.frontends.alignment import requantisation
from corewright.frontends.errors import FrontendError
from corewright.frontends.layers import Float64Array
from corewright.frontends.quantisers import ActivationFormat, activation_format
from corewright.graph import (
    ComputeNode,
    Graph,
    Node,
    Requant,
    RequantNode,
    Tensor,
    value_bounds,
)

# Integers below are exact in float32, also after the sums and differences of a quantiser.
_FLOAT32_EXACT = 1 << 23
_FLOAT64_EXACT = 1 << 53
# QKeras computes 2**integer in signed 32-bit integers.
_MAX_INTEGER_BITS = 30
# What TensorFlow takes as a name's scope.
_LEGAL_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class _Exporting:
    export: Callable[[Exporter, Any], Any]
    flattens: bool


_EXPORTS: dict[type[Node], _Exporting] = {}


def exports(operator: type[Node], *, flattens: bool = False) -> Callable[[F], F]:
    """Register the Keras layers of an operator.

    The function is given the exporter and the node; it returns the Keras tensor of the result.

    Args:
        operator: class of the nodes.
        flattens: it reads vectors.

    Raises:
        ValueError: the operator has such a function.
    """

    def register(function: F) -> F:
        if operator in _EXPORTS:
            raise ValueError(f"{operator} has Keras layers: {_EXPORTS[operator]}")
        _EXPORTS[operator] = _Exporting(function, flattens)
        return function

    return register


def _exporting(node: Node) -> _Exporting:
    found = _EXPORTS.get(type(node))
    if found is None:
        raise FrontendError(
            f"layer '{node.name}': there is no Keras layer for {type(node).__name__}"
        )
    return found


@dataclass(frozen=True)
class Sums:
    """What a quantiser rounds.

    Attributes:
        fraction: of the sums, in front of the pre-shift.
        pre_shift: to the left.
        derive: the requantisation that ``convert`` derives from a quantiser's words; None where
            no quantiser does what the node does.
        expected: the node's own.
        rescale: nothing is summed: a tensor is rounded anew.
    """

    fraction: int
    pre_shift: int
    derive: Callable[[ActivationFormat], object] | None
    expected: object
    rescale: bool = False

    @classmethod
    def of(cls, node: RequantNode, fraction: int, bias_fraction: int | None = None) -> Sums:
        """Sums of products of one fraction, and a bias of another."""

        def derive(word: ActivationFormat) -> object:
            return requantisation(node.name, fraction, bias_fraction, word)

        return cls(fraction, node.requant.pre_shift, derive, node.requant)


def live_nodes(graph: Graph) -> list[Node]:
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


class Exporter:
    """Makes the layers, node by node; one instance an export."""

    def __init__(self, graph: Graph) -> None:
        self.tf, self.qkeras = lazy.load()
        # Late: it defines Keras layers, so it needs TensorFlow when it is imported.
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
        nodes = live_nodes(self.graph)
        source = self.graph.input
        for node in nodes:
            # Reserved first: names that are made up give way.
            self.names.update(
                (node.name, *((node.output.name,) if isinstance(node, ComputeNode) else ()))
            )
        vector = source.height == source.width == 1 and all(
            _exporting(node).flattens for node in nodes if source.name in node.inputs
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
        return _exporting(node).export(self, node)

    def copied(self, node: ComputeNode, layer: Callable[..., Any], value: Any, *args: Any) -> Any:
        """Apply a layer that rounds nothing, made of ``args``, to ``value``."""
        made = layer(*args, name=self.legal(node.name), dtype="float64")
        return self.named(node, made(value))

    def named(self, node: ComputeNode, value: Any) -> Any:
        """A tensor that its own layer's name does not name."""
        if node.name != node.output.name:
            name = self.legal(node.output.name)
            value = self.own.TensorName(name=name, dtype="float64")(value)
        return self.define(node.output, value)

    # Requantisation ----------------------------------------------------------------------------

    def sums(self, node: RequantNode) -> str:
        """The name of the layer that makes what a quantiser rounds."""
        if node.name == node.output.name:
            return self.unique(f"{node.name}_sums")
        return self.legal(node.name)

    def quantise(self, node: RequantNode, value: Any, sums: Sums) -> Any:
        """Round ``value``."""
        shared = node.name == node.output.name
        if shared == sums.rescale:
            activation = self.standard(node, sums)
            if activation is not None:
                name = self.legal(node.output.name)
                layer = self.qkeras.QActivation(activation, name=name, dtype="float64")
                return self.define(node.output, layer(value))
        requant, output = node.requant, node.output
        gain = sums.fraction + sums.pre_shift - requant.shift - output.fraction
        word = ActivationFormat(
            output.bits,
            output.fraction,
            requant.low,
            requant.high,
            requant.negative_shift - requant.shift,
            is_sign(output.bits),
            0 if is_sign(output.bits) else gain,
            sums.pre_shift,
        )
        layer = self.requantise(output, word, node.name if shared or sums.rescale else None)
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

    def standard(self, node: RequantNode, sums: Sums) -> str | None:
        """A QKeras quantiser from which ``convert`` derives the node's shifts and limits."""
        if sums.derive is None:
            return None
        source = self.graph.tensor(node.inputs[0])
        exact = self.largest(node) < _FLOAT32_EXACT and source.bits <= 16
        for text in _quantisers(node.output, node.requant, exact):
            quantiser = self.qkeras.get_quantizer(text)
            word = activation_format(node.name, quantiser, node.output.bits)
            if (word.bits, word.fraction) != (node.output.bits, node.output.fraction):
                continue
            try:
                if sums.derive(word) == sums.expected:
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
