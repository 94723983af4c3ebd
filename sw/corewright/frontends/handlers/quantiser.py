# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Quantisers: QActivation and Requantise, and activations of other layers."""

from __future__ import annotations

import dataclasses
from typing import Any

from corewright.facts.widths import is_sign
from corewright.frontends.alignment import requantisation
from corewright.frontends.converter import Converter, handles
from corewright.frontends.errors import FrontendError
from corewright.frontends.evaluation import apply_quantiser, called, evaluates
from corewright.frontends.handlers.rescaling import rescaled
from corewright.frontends.layers import QUANTISERS, kind_of
from corewright.frontends.quantisers import (
    REQUANTISE,
    WIDEST_WORD,
    ActivationFormat,
    activation_format,
)
from corewright.frontends.refusals import no_offset, no_sign
from corewright.frontends.states import Pending, RawInput, State, Value


@handles(*QUANTISERS)
def convert(converter: Converter, layer: Any, states: list[State]) -> State:
    """The words that a quantiser makes."""
    (state,) = states
    return quantised(converter, layer, getattr(layer, "quantizer", layer.keras_layer), state)


def quantised(converter: Converter, layer: Any, quantiser: Any, state: State) -> State:
    """What ``quantiser``, on behalf of ``layer``, makes of what that has or reads."""
    if isinstance(state, RawInput):
        word = _input_format(converter, layer, quantiser)
        if word.slope_shift or word.offset or (word.gain and not word.binary):
            raise FrontendError(
                f"layer '{layer.name}': the input's quantiser has a slope or an alpha that is "
                "not 1, or is quantized_sigmoid, legal is quantized_bits or quantized_relu"
            )
        if word.binary and not is_sign(word.bits):
            raise no_sign(layer.name)
        return converter.define_input(state, layer.name, word)
    word = activation_format(layer.name, quantiser, converter.bits_input)
    if isinstance(state, Pending):
        state.node = getattr(layer, "node", None)
        return converter.emit(layer.name, word, state)
    source = converter.value(layer, state)
    if word.offset:
        raise no_offset(layer.name)
    held = word.low <= source.low and source.high <= word.high
    if word.binary:
        held = keeps_sign(source, word)
        if not held:
            raise no_sign(layer.name)
    same = word.fraction == source.tensor.fraction and not (word.slope_shift or word.gain)
    if same and held and kind_of(layer) != REQUANTISE:
        return source
    requant = requantisation(layer.name, source.tensor.fraction, None, word)
    output = dataclasses.replace(source.tensor, bits=word.bits, fraction=word.fraction)
    return rescaled(converter, layer, source, output, requant)


def _input_format(converter: Converter, layer: Any, quantiser: Any) -> ActivationFormat:
    """The words of the model's input; of images without a sign the error says more."""
    word = activation_format(layer.name, quantiser, WIDEST_WORD)
    if word.low >= 0 and word.bits == converter.bits_input + 1:
        raise FrontendError(
            f"layer '{layer.name}': the input has {converter.bits_input} bits without a sign, so a "
            f"signed word needs {word.bits}, legal is up to bits_input={converter.bits_input}; "
            f"nearest is hardware of bits_input={2 * converter.bits_input}, or images shifted by "
            "half their range, such as uint8 - 128, and "
            f"quantized_bits({converter.bits_input},integer,0,1)"
        )
    return activation_format(layer.name, quantiser, converter.bits_input)


def keeps_sign(source: Value, word: ActivationFormat) -> bool:
    """Whether ``source`` has one bit, as ``word`` has, so that its sign is itself."""
    return is_sign(source.tensor.bits) and is_sign(word.bits)


@evaluates("QActivation")
def evaluate(tf: Any, layer: Any, inputs: list[Any]) -> Any:
    """Its quantiser in float64."""
    return apply_quantiser(tf, layer.name, layer.quantizer, inputs[0])


evaluates(REQUANTISE)(called)
