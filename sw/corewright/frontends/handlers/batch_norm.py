# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""BatchNormalization: a factor for the layer before it, or a layer of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from corewright.frontends.converter import Converter, handles
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import evaluates
from corewright.frontends.layers import CORES, NORM, POOLS, kind_of, shape_of
from corewright.frontends.normalisation import ChannelScale
from corewright.frontends.states import Pending, State


@handles(NORM)
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """A normalisation of sums, or of a quantised tensor: a layer with weights of its own."""
    (state,) = states
    if not isinstance(state, Pending):
        source = converter.value(layer, state)
        if source.flat:
            raise FrontendError(
                f"layer '{layer.name}': normalises the flattened {source.tensor.shape} tensor "
                f"'{source.tensor.name}'; normalise feature maps before flattening them"
            )
        return Pending(layer, (source,), scale=ChannelScale.of_norm(layer))
    core = state.layer
    if kind_of(core) not in (*CORES, NORM) or state.rectified:
        what = "a ReLU" if state.rectified else f"'{core.name}' of type {kind_of(core)}"
        raise FrontendError(
            f"layer '{layer.name}': a BatchNormalization behind {what}, legal are one behind a "
            "convolution or dense layer, its max pools, or a quantised tensor; put a "
            "QActivation between them"
        )
    scale = ChannelScale.of_norm(layer)
    if state.flat and len(scale.factor) != shape_of(core, core.output_shape)[2]:
        raise FrontendError(
            f"layer '{layer.name}': normalises what '{core.name}' makes, after it was "
            "flattened; normalise feature maps before flattening them"
        )
    pools = [move.name for move in state.moves if kind_of(move) in POOLS]
    if pools and (scale.factor < 0).any():
        channels = np.flatnonzero(scale.factor < 0).tolist()
        raise FrontendError(
            f"layer '{layer.name}': gamma is negative in channels {channels[:8]} behind the "
            f"max pool '{pools[0]}', which it would make a minimum; legal there is 0 or "
            "more; put the normalisation in front of the pool, or a QActivation between them"
        )
    state.scale = scale.behind(state.scale)
    return state


@evaluates(NORM)
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """In float64."""
    scale = ChannelScale.of_norm(layer)
    return inputs[0] * scale.factor + scale.offset
