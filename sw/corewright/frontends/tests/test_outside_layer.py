# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""A Keras layer that stands in no file of the package: registered, it converts like all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from corewright import golden
from corewright.frontends import FrontendError, convert, keras_layer_outputs, to_keras
from corewright.frontends import tensorflow as lazy
from corewright.frontends.alignment import requantisation
from corewright.frontends.converter import Converter, emits, handles, moves
from corewright.frontends.evaluation import evaluates
from corewright.frontends.exporter import Exporter, Sums, exports
from corewright.frontends.quantisers import ActivationFormat
from corewright.frontends.states import Pending, State, Value
from corewright.graph import Graph, Requant, RequantNode, Tensor, operator
from corewright.graph.arithmetic import Int64Array, requantise
from corewright.graph.node import Bounds, Range, ReadsOne, Shape
from corewright.hardware import Hardware

pytestmark = pytest.mark.tensorflow

HARDWARE = Hardware(processing_elements=(4, 4), bits_input=6, bits_weights=6, bits_sum=24)


@operator("toy_triple")
@dataclass(frozen=True)
class Triple(ReadsOne, RequantNode):
    """Three times each element, requantised."""

    input: str
    output: Tensor
    requant: Requant

    def __post_init__(self) -> None:
        self.check_common()

    def shape(self, *sources: Tensor) -> Shape:
        return sources[0].shape

    def accumulator_bounds(self, sources: Sequence[Tensor], ranges: Sequence[Range]) -> Bounds:
        low, high = ranges[0]
        channels = self.output.channels
        return np.full(channels, 3 * min(low, 0)), np.full(channels, 3 * max(high, 0))

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        return requantise(3 * sources[0], None, self.requant)


@operator("toy_unknown")
@dataclass(frozen=True)
class Unknown(Triple):
    """An operator that has no Keras layer."""


@handles("ToyTriple")
def wait(converter: Converter, layer: Any, states: list[State]) -> State:
    return Pending(layer, (converter.value(layer, states[0]),))


@emits("ToyTriple")
def emit(converter: Converter, pending: Pending, word: ActivationFormat, name: str) -> Value:
    tensor = pending.source.tensor
    requant = requantisation(pending.layer.name, tensor.fraction, None, word)
    output = Tensor(name, *tensor.shape, word.bits, word.fraction)
    converter.nodes.append(Triple(pending.name, tensor.name, output, requant))
    return Value(output, word.low, word.high)


@evaluates("ToyTriple")
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    return 3.0 * inputs[0]


@exports(Triple)
def export(exporter: Exporter, node: Triple) -> Any:
    layer = toy_layer()(name=exporter.sums(node), dtype="float64")
    fraction = exporter.graph.tensor(node.input).fraction
    return exporter.quantise(node, layer(exporter.map(node.input)), Sums.of(node, fraction))


def toy_layer() -> Any:
    """The layer's class, which needs TensorFlow."""
    tf, _ = lazy.load()

    class ToyTriple(tf.keras.layers.Layer):  # type: ignore[name-defined]
        def call(self, inputs: Any) -> Any:
            return 3.0 * inputs

    return ToyTriple


def model() -> Any:
    tf, qkeras = lazy.load()
    image = tf.keras.Input((4, 3, 2))
    x = qkeras.QActivation("quantized_bits(6,1,alpha=1)", name="in")(image)
    x = toy_layer()(name="triple")(x)
    return tf.keras.Model(image, qkeras.QActivation("quantized_relu(5,2)", name="out")(x))


def test_a_layer_from_outside_becomes_its_node_and_equals_keras() -> None:
    keras = model()
    graph = convert(keras, HARDWARE)
    (node,) = graph.nodes
    assert isinstance(node, Triple) and (node.name, node.output.name) == ("triple", "out")
    x = np.random.default_rng(3).uniform(-2, 2, (3, 4, 3, 2))
    values = golden.run(graph, golden.quantise_input(graph, x))
    outputs = keras_layer_outputs(keras, x)
    assert np.array_equal(golden.dequantise(graph, "out", values["out"]), outputs["out"])


def test_its_graph_becomes_a_keras_model_and_comes_back() -> None:
    graph = convert(model(), HARDWARE)
    back = convert(to_keras(graph), HARDWARE)
    assert back.digest() == graph.digest()


def test_an_operator_without_a_keras_layer_is_refused_by_name() -> None:
    source = Tensor("x", 2, 2, 1, 6, 0)
    requant = Requant.identity(-32, 31)
    node = Unknown("a", "x", Tensor("y", 2, 2, 1, 6, 0), requant)
    with pytest.raises(FrontendError, match="layer 'a': there is no Keras layer for Unknown"):
        to_keras(Graph("g", source, (node,)))


def test_what_has_a_handler_gets_no_other() -> None:
    for register in (handles, emits, evaluates):
        with pytest.raises(ValueError, match="layers of type ToyTriple"):
            register("ToyTriple")(wait)
    with pytest.raises(ValueError, match="layers of type UpSampling2D"):
        moves("UpSampling2D")(wait)
    with pytest.raises(ValueError, match="Triple'> has Keras layers"):
        exports(Triple)(export)
