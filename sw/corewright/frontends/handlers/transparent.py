# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Layers that do nothing to numbers: at inference, in memory, or but for a name."""

from __future__ import annotations

import dataclasses
from typing import Any

from corewright.frontends.converter import Converter, handles
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import called, evaluates
from corewright.frontends.layers import TRANSPARENT, sources_of
from corewright.frontends.states import Padded, Pending, Probabilities, State
from corewright.graph import ComputeNode


@handles(*TRANSPARENT)
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """Nothing."""
    return states[0]


@handles("TensorName")
def rename(converter: Converter, layer: Any, states: list[State]) -> State:
    """The tensor that the layer before has made, with the name of this one."""
    (state,) = states
    value = converter.value(layer, state)
    output = dataclasses.replace(value.tensor, name=layer.name)
    for index, node in enumerate(converter.nodes):
        if (
            isinstance(node, ComputeNode)
            and node.output == value.tensor
            and len(converter.readers[sources_of(layer)[0]]) == 1
        ):
            converter.nodes[index] = node.changed(output=output)
            return dataclasses.replace(value, tensor=output)
    raise FrontendError(
        f"layer '{layer.name}' names the tensor '{value.tensor.name}', legal is directly "
        "behind the layer that makes it, and as its only reader"
    )


@handles("Flatten", "Reshape")
def reshape(converter: Converter, layer: Any, states: list[State]) -> State:
    """A flatten, or a reshape that changes nothing in memory."""
    (state,) = states
    if isinstance(state, Padded):
        state = converter.value(layer, state)
    if isinstance(state, Probabilities):
        return state
    before, after = layer.input_shape[1:], layer.output_shape[1:]
    spread = len(before) == 3 and before[0] * before[1] > 1
    if len(after) == 1:
        flat = spread or state.flat
    elif before == after or (not state.flat and _vector(before) == _vector(after) != 0):
        flat = state.flat
    else:
        raise FrontendError(
            f"layer '{layer.name}': reshapes {before} to {after}, legal is to flatten, or to "
            "add or remove a height and width of 1; give the input its shape"
        )
    if isinstance(state, Pending):
        state.flat = flat
        return state
    return dataclasses.replace(state, flat=flat)


def _vector(shape: tuple[int, ...]) -> int:
    """Channels of a Keras shape (C,) or (1, 1, C); 0 for any other."""
    return shape[-1] if len(shape) == 1 or shape[:-1] == (1, 1) else 0


@handles("ZeroPadding2D")
def zero_padding(converter: Converter, layer: Any, states: list[State]) -> State:
    """Zeros, which wait for the layer whose window they belong to."""
    (state,) = states
    source, padding = converter.padded(layer, state)
    (top, bottom), (left, right) = layer.padding
    total = (padding[0] + top, padding[1] + bottom, padding[2] + left, padding[3] + right)
    return Padded(layer.name, source, total)


@evaluates(*TRANSPARENT)
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """Nothing."""
    return inputs[0]


evaluates("TensorName")(called)


@evaluates("Flatten", "Reshape")
def evaluate_shape(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """Another shape."""
    return tf.reshape(inputs[0], (inputs[0].shape[0], *layer.output_shape[1:]))


@evaluates("ZeroPadding2D")
def evaluate_padding(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """Zeros around each image."""
    return tf.pad(inputs[0], ((0, 0), *layer.padding, (0, 0)))
