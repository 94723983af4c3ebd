# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Activations without words: relu, linear and softmax as layers."""

from __future__ import annotations

from typing import Any

from corewright.frontends.converter import Converter, handles
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import called, evaluates
from corewright.frontends.handlers.rescaling import rescaled
from corewright.frontends.handlers.softmax import final_softmax
from corewright.frontends.layers import activation_name, kind_of
from corewright.frontends.refusals import NEAREST_OF_ACTIVATIONS, SATURATING
from corewright.frontends.states import Pending, State
from corewright.graph import Requant


@handles("Softmax", "Activation", "ReLU")
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """Softmax, ReLU and Activation layers."""
    (state,) = states
    name = activation_name(layer)
    if name == "softmax":
        return final_softmax(converter, layer, state)
    if name == "linear":
        return state
    if name != "relu":
        nearest = NEAREST_OF_ACTIVATIONS.get(name, SATURATING)
        raise FrontendError(
            f"layer '{layer.name}' of type {kind_of(layer)} ({name}) is not supported; use "
            f"QActivation with {nearest}"
        )
    if isinstance(state, Pending):
        state.rectified = True
        return state
    source = converter.value(layer, state)
    if source.low >= 0:
        return source
    requant = Requant.identity(0, max(source.high, 0))
    return rescaled(converter, layer, source, source.tensor, requant)


evaluates("Softmax", "Activation", "ReLU")(called)
