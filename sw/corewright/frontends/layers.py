# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Keras layers as the front end sees them: order, sources, shapes, activations."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError
from corewright.frontends.quantisers import REQUANTISE

Float64Array = npt.NDArray[np.float64]

# Layers that do nothing at inference.
TRANSPARENT = ("Dropout", "SpatialDropout2D", "GaussianNoise", "ActivityRegularization")
POOLS: dict[str, tuple[Literal["max", "average"], bool]] = {
    "MaxPooling2D": ("max", False),
    "AveragePooling2D": ("average", False),
    "QAveragePooling2D": ("average", False),
    "GlobalMaxPooling2D": ("max", True),
    "GlobalAveragePooling2D": ("average", True),
    "QGlobalAveragePooling2D": ("average", True),
    "PaddedMaxPooling2D": ("max", False),
    "PaddedAveragePooling2D": ("average", False),
}
DEPTHWISE = ("QDepthwiseConv2D", "QDepthwiseConv2DBatchnorm", "QStridedDepthwiseConv2D")
CORES = ("QConv2D", "QConv2DBatchnorm", "QDense", *DEPTHWISE)
NORM = "BatchNormalization"
ADDITIONS = ("Add", "ScaledAdd")
# The Bundle API's marker layer behind an average pool that rounds to integers first.
ROUND_LAYER = "RoundToGrid"
# Layers that quantise their input, or the sums of the layer before them.
QUANTISERS = ("QActivation", REQUANTISE)
# Those of corewright.frontends.operators.
OWN_POOLS = ("PaddedMaxPooling2D", "PaddedAveragePooling2D")


class LayerUse:
    """A layer as one model uses it.

    Keras keeps the calls of a layer in the layer, those of all models that share it: its own
    ``input``, ``input_shape``, ``output_shape`` are then refused or another model's. Here they are
    those of the call in this model; everything else is the layer's.

    Attributes:
        keras_layer: the layer.
        nodes: its calls in this model.
    """

    def __init__(self, keras_layer: Any, nodes: list[Any]) -> None:
        self.keras_layer = keras_layer
        self.nodes = nodes

    def __getattr__(self, name: str) -> Any:
        # Only asked for what is not found here.
        return getattr(self.keras_layer, name)

    @cached_property
    def call_node(self) -> Any:
        """The one call in this model; raises FrontendError if there are several."""
        if len(self.nodes) != 1:
            raise FrontendError(
                f"layer '{self.name}' is used {len(self.nodes)} times in this model, legal is "
                "once: make a layer for each use"
            )
        return self.nodes[0]

    @property
    def input(self) -> Any:
        """The Keras tensor, or the list of them, that the layer reads."""
        tensors = list(self.call_node.keras_inputs)
        return tensors if len(tensors) != 1 else tensors[0]

    @property
    def input_shape(self) -> Any:
        """Of :attr:`input`, the batch first."""
        tensors = [tuple(tensor.shape) for tensor in self.call_node.keras_inputs]
        return tensors if len(tensors) != 1 else tensors[0]

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Of the first output, the batch first."""
        outputs = self.call_node.outputs
        first = outputs[0] if isinstance(outputs, (list, tuple)) else outputs
        return tuple(first.shape)

    @property
    def sources(self) -> list[str]:
        """Names of the layers that it reads."""
        return [tensor._keras_history.layer.name for tensor in self.call_node.keras_inputs]

    def check_call(self) -> None:
        """Refuse arguments of the call that a graph does not have: constants, training=True."""
        node = self.call_node
        known = {id(tensor) for tensor in node.keras_inputs}
        tf, _ = lazy.load()
        for name, value in (("an argument", node.call_args), *node.call_kwargs.items()):
            for part in tf.nest.flatten(value):
                if id(part) in known or part is None or part is False:
                    continue
                if part is True or (name == "training" and part):
                    raise FrontendError(
                        f"layer '{self.name}' is called with training={part}, legal is without: "
                        "a graph computes what the layer does at inference"
                    )
                if tf.is_tensor(part) or isinstance(part, np.ndarray):
                    raise FrontendError(
                        f"layer '{self.name}' reads a constant of shape {tuple(part.shape)}, legal "
                        "are layers' outputs; nearest is a bias in the layer before"
                    )


def kind_of(layer: Any) -> str:
    """The name of a layer's class."""
    return type(layer.keras_layer if isinstance(layer, LayerUse) else layer).__name__


def ordered_layers(model: Any) -> list[LayerUse]:
    """All layers of a chain or graph model in topological order, the input layer first.

    They are those that the output depends on, as this model calls them.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise FrontendError(
            f"model '{model.name}' has {len(model.inputs)} inputs and {len(model.outputs)} "
            "outputs, legal is one of each"
        )
    uses: dict[int, LayerUse] = {}
    tensors = list(model.outputs)
    while tensors:
        tensor = tensors.pop()
        layer, node = tensor._keras_history.layer, _call_of(tensor)
        use = uses.setdefault(id(layer), LayerUse(layer, []))
        if node not in use.nodes:
            use.nodes.append(node)
            tensors += node.keras_inputs
    # Sequential.layers leaves its input layer out.
    first = model.inputs[0]._keras_history.layer
    layers = [first, *(layer for layer in model.layers if layer is not first)]
    return [uses[id(layer)] for layer in layers if id(layer) in uses]


def _call_of(tensor: Any) -> Any:
    """The call that made a Keras tensor."""
    layer = tensor._keras_history.layer
    # Not by the index that the tensor knows: Sequential takes calls away when it is built again.
    return next(node for node in layer.inbound_nodes if str(id(tensor)) in node.flat_output_ids)


def sources_of(layer: LayerUse) -> list[str]:
    """Names of the layers that ``layer`` reads."""
    return layer.sources


def readers_of(layers: list[Any]) -> dict[str, list[Any]]:
    """The layers among ``layers`` that read each of them, by its name."""
    result: dict[str, list[Any]] = {layer.name: [] for layer in layers}
    for layer in layers:
        if kind_of(layer) != "InputLayer":
            for name in sources_of(layer):
                result[name].append(layer)
    return result


def shape_of(layer: Any, shape: Any) -> tuple[int, int, int]:
    """(height, width, channels) of a Keras shape with its batch dimension."""
    if isinstance(shape, list):
        shape = shape[0]
    dimensions = tuple(shape[1:])
    if len(dimensions) not in (1, 3) or any(size is None for size in dimensions):
        raise FrontendError(
            f"layer '{layer.name}' has shape {tuple(shape)}, legal are (batch, channels) and "
            "(batch, height, width, channels) with known sizes"
        )
    return dimensions if len(dimensions) == 3 else (1, 1, dimensions[0])


def pair(value: Any) -> tuple[int, int]:
    """An int or a pair as a pair."""
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)


def is_linear(activation: Any) -> bool:
    """Whether a layer's ``activation`` does nothing."""
    return activation is None or getattr(activation, "__name__", "") == "linear"


def is_relu(activation: Any) -> bool:
    """Whether a layer's ``activation`` is Keras's own relu, which rounds nothing."""
    return getattr(activation, "__name__", "") == "relu"


def is_softmax(activation: Any) -> bool:
    """Whether a layer's ``activation`` is Keras's softmax."""
    return getattr(activation, "__name__", "") == "softmax"


def activation_name(layer: Any) -> str:
    """What an Activation, Softmax or ReLU layer computes: 'relu', 'softmax', 'linear', ...

    A ReLU with a slope, a threshold or a maximum is 'parametric'.
    """
    kind = kind_of(layer)
    if kind == "ReLU":
        plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
        return "relu" if plain else "parametric"
    if kind == "Activation":
        return str(getattr(layer.activation, "__name__", kind_of(layer.activation)))
    return kind.lower()
