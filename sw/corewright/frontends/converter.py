# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The walk over a Keras model, and the register of the layers that it understands.

A layer that computes is followed by the quantiser of its output, so it waits as a ``Pending``
until that comes. What a layer means is said in its room, a module of
``corewright.frontends.handlers``, with

- :func:`handles`: what the layer makes of what it reads;
- :func:`emits`: the nodes of a pending layer, once its words are known;
- :func:`moves`: the node of a layer that may stand between the two, as it only moves values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from corewright.facts.widths import is_sign
from corewright.frontends.errors import FrontendError
from corewright.frontends.layers import kind_of, readers_of
from corewright.frontends.normalisation import Approximation
from corewright.frontends.options import check_options
from corewright.frontends.quantisers import ActivationFormat, activation_format
from corewright.frontends.refusals import no_offset, no_sign, unsupported
from corewright.frontends.states import (
    NO_PADDING,
    Padded,
    Padding,
    Pending,
    Probabilities,
    RawInput,
    State,
    Value,
)
from corewright.graph import Node, Tensor

F = TypeVar("F", bound=Callable[..., Any])
Handler = Callable[["Converter", Any, list[State]], State]
Emit = Callable[["Converter", Pending, ActivationFormat, str], Value]
Move = Callable[["Converter", Any, Value, str], Value]


@dataclass(frozen=True)
class _Handling:
    handler: Handler
    inputs: int | None


@dataclass(frozen=True)
class _Emission:
    emit: Emit
    adds: bool
    keeps_sign: Callable[[Pending, ActivationFormat], bool]


_HANDLERS: dict[str, _Handling] = {}
_EMITTERS: dict[str, _Emission] = {}
_MOVES: dict[str, Move] = {}


def _register(table: dict[str, Any], kinds: tuple[str, ...], entry: Any) -> None:
    for kind in kinds:
        if kind in table:
            raise ValueError(f"layers of type {kind} have {table[kind]}, so they cannot have more")
        table[kind] = entry


def handles(*kinds: str, inputs: int | None = 1) -> Callable[[F], F]:
    """Register what layers of some types make of what they read.

    The function is given the converter, the layer, and the states of what it reads.

    Args:
        kinds: names of the layers' classes.
        inputs: how many layers such a layer reads; None: the function looks itself.

    Raises:
        ValueError: one of the types has a handler.
    """

    def register(function: F) -> F:
        _register(_HANDLERS, kinds, _Handling(function, inputs))
        return function

    return register


def _never(pending: Pending, word: ActivationFormat) -> bool:
    return False


def emits(
    *kinds: str,
    adds: bool = False,
    keeps_sign: Callable[[Pending, ActivationFormat], bool] = _never,
) -> Callable[[F], F]:
    """Register the nodes of pending layers of some types, for words that are known.

    The function is given the converter, the pending layer, the words and the name of the tensor
    to make.

    Args:
        kinds: names of the layers' classes.
        adds: there is a bias, which an activation's offset goes to and which decides the sign of 0.
        keeps_sign: whether a layer that does not add makes signs of signs.

    Raises:
        ValueError: one of the types has such a function.
    """

    def register(function: F) -> F:
        _register(_EMITTERS, kinds, _Emission(function, adds, keeps_sign))
        return function

    return register


def moves(*kinds: str) -> Callable[[F], F]:
    """Register the node of layers of some types that only move values.

    The function is given the converter, the layer, what it reads and the name of the tensor.

    Raises:
        ValueError: one of the types has such a function.
    """

    def register(function: F) -> F:
        _register(_MOVES, kinds, function)
        return function

    return register


def is_supported(kind: str) -> bool:
    """Whether layers of a type have a handler."""
    return kind in _HANDLERS


class Converter:
    """Gathers the nodes of a walk; one instance a conversion."""

    def __init__(
        self,
        layers: list[Any],
        bits_input: int,
        int_bits_input: int,
        bits_weights: int,
        bits_sum: int | None,
        output_quantiser: Any = None,
    ) -> None:
        self.output_quantiser = output_quantiser
        # What ``output_quantiser`` has made, for the graph's metadata.
        self.output: dict[str, Any] | None = None
        # Of layers first: names that are made up give way.
        self.names = {layer.name for layer in layers}
        self.bits_input = bits_input
        self.bits_sum = bits_sum
        self.int_bits_input = int_bits_input
        self.bits_weights = bits_weights
        self.readers = readers_of(layers)
        self.input: Value | None = None
        self.nodes: list[Node] = []
        # By node, where a normalisation is not exact.
        self.approximations: dict[str, Approximation] = {}

    def unique(self, name: str) -> str:
        """A name like ``name`` that neither a layer nor a tensor or node made before has.

        All names come from Keras's layers, which are unique, or from here.
        """
        result, number = name, 1
        while result in self.names:
            number += 1
            result = f"{name}_{number}"
        self.names.add(result)
        return result

    # Values ---------------------------------------------------------------------------------

    def value(self, layer: Any, state: State) -> Value:
        """The quantised tensor that ``layer`` reads; raises if there is none."""
        if isinstance(state, Value):
            return state
        if isinstance(state, RawInput):
            bits = self.bits_input
            half, sign = 1 << (bits - 1), is_sign(bits)
            high = 1 if sign else half - 1
            fraction = bits - 1 - self.int_bits_input
            word = ActivationFormat(bits, fraction, -half, high, binary=sign)
            return self.define_input(state, state.layer, word)
        if isinstance(state, Probabilities):
            raise FrontendError(
                f"layer '{layer.name}' follows the softmax '{state.layer}', legal is softmax last; "
                "nearest in the middle is QSoftmax(bits, fraction), a softmax in integers"
            )
        if isinstance(state, Padded):
            raise FrontendError(
                f"layer '{layer.name}' of type {kind_of(layer)} reads the zero padding "
                f"'{state.layer}', legal behind it are convolutions and max pools; put the padding "
                "directly in front of one"
            )
        raise FrontendError(
            f"layer '{layer.name}' reads '{state.layer.name}', whose output is not quantised; "
            "put a QActivation('quantized_bits(...)') or ('quantized_relu(...)') between them"
        )

    def padded(self, layer: Any, state: State) -> tuple[Value, Padding]:
        """What ``layer`` reads, with the explicit zeros around it."""
        if isinstance(state, Padded):
            return state.value, state.padding
        return self.value(layer, state), NO_PADDING

    def define_input(self, state: RawInput, name: str, word: ActivationFormat) -> Value:
        """The input in words, which are the same for all that read it."""
        tensor = Tensor(name, *state.shape, word.bits, word.fraction)
        value = Value(tensor, word.low, word.high)
        if self.input is not None and self.input != value:
            raise FrontendError(
                f"input '{state.layer}' is quantised in two ways, legal is one QActivation for all"
            )
        self.input = value
        return dataclasses.replace(value, flat=state.flat)

    # Layers ---------------------------------------------------------------------------------

    def convert(self, layer: Any, states: list[State]) -> State:
        """What ``layer`` makes of what it reads."""
        check_options(layer)
        handling = _HANDLERS.get(kind_of(layer))
        if handling is None or handling.inputs not in (None, len(states)):
            raise unsupported(layer)
        return handling.handler(self, layer, states)

    def quantise_output(self, layer: str, pending: Pending) -> Value:
        """What ``output_quantiser`` makes of the sums of ``layer``, a tensor that Keras has not."""
        name = self.unique(f"{layer}_quantised")
        word = activation_format(layer, self.output_quantiser, self.bits_input)
        value = self.emit(name, word, pending)
        self.output = {"layer": layer, "tensor": name, **dataclasses.asdict(word)}
        return value

    # Nodes ----------------------------------------------------------------------------------

    def emit(self, name: str, word: ActivationFormat, pending: Pending) -> Value:
        """The nodes of a pending layer, its quantiser and the moves in between.

        ``name`` is that of the tensor which they end with.
        """
        emission = _EMITTERS[kind_of(pending.layer)]
        if pending.rectified:
            if word.binary:
                raise no_sign(name)
            word = word.rectified()
        inner = self.unique(f"{pending.layer.name}_quantised") if pending.moves else name
        if not emission.adds:
            if word.offset:
                raise no_offset(name)
            if word.binary and not emission.keeps_sign(pending, word):
                raise no_sign(name)
        value = emission.emit(self, pending, word, inner)
        for index, move in enumerate(pending.moves):
            last = index == len(pending.moves) - 1
            output = name if last else self.unique(f"{move.name}_quantised")
            value = _MOVES[kind_of(move)](self, move, value, output)
        return dataclasses.replace(value, flat=pending.flat)
