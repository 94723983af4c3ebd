# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""QKeras models to integer graphs.

Supported layers:

- QConv2D, QConv2DBatchnorm, QDepthwiseConv2D, QDepthwiseConv2DBatchnorm, QDense; a separable
  convolution is a pair of them with a QActivation in between;
- BatchNormalization behind one of these, its max pools, or a quantised tensor. It is exact where
  its factors are powers of two that the hardware's weights hold, and in front of a sign. Otherwise
  the scaled kernel is rounded anew to all the bits that the hardware's weights have: how far that
  is off is said, measured against the model's own ``predict`` where inputs are given, and refused
  beyond the bounds of :mod:`corewright.frontends.agreement`. QConv2DBatchnorm, which folds in
  training, too, is always exact;
- QActivation, ReLU, Activation of relu, linear or softmax, Softmax (last);
- MaxPooling2D, AveragePooling2D, UpSampling2D (nearest), their global forms, the QKeras averages
  without average_quantizer;
- Add of two tensors, aligned by shifts; Concatenate of tensors of one fraction, along channels;
- ZeroPadding2D in front of convolutions, and of max pools where nothing is negative;
- Flatten, Reshape that flattens or changes nothing; Dropout (ignored at inference);
- the layers of :mod:`corewright.frontends.operators`: QMatMul (a product of two activations),
  QSoftmax (a softmax in integers, anywhere), ChannelSlice, and those that ``to_keras`` makes of
  what Keras cannot say.

A convolution or dense layer, with any max pools or upsampling behind it, an average pool and an
addition are followed by the quantiser of their output: a QActivation, or the layer's own
``activation``. A QActivation behind a quantised tensor is a 1x1 pool.

Quantisers of one bit, ``quantized_bits(1,...)`` and ``binary(alpha=1)``, have the values -1 and +1:
tensors and weights of one bit on hardware of one bit, words of two on other. QKeras's stochastic
options and classes count as what they are at inference, ``stochastic_binary`` as ``binary``;
``bernoulli``, which is random then, too, is refused. ``quantized_tanh`` and, behind a convolution
or dense layer, ``quantized_sigmoid`` are exact with QKeras's hard sigmoid.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

# It registers what layers mean.
import corewright.frontends.handlers  # noqa: F401
from corewright.announce import announce
from corewright.frontends import agreement
from corewright.frontends import tensorflow as lazy
from corewright.frontends.converter import Converter, is_supported
from corewright.frontends.errors import FrontendError, first_line
from corewright.frontends.evaluate import keras_layer_outputs
from corewright.frontends.layers import kind_of, ordered_layers, shape_of, sources_of
from corewright.frontends.loading import as_model
from corewright.frontends.order import ordered_nodes, with_equal_words
from corewright.frontends.quantisers import MAX_WEIGHT_BITS, WIDEST_WORD
from corewright.frontends.refusals import unsupported
from corewright.frontends.states import Padded, Pending, RawInput, State, Value
from corewright.graph import Graph, GraphError


@lazy.inference()
def from_keras(
    model: Any,
    *,
    bits_input: int,
    int_bits_input: int = 0,
    bits_weights: int = MAX_WEIGHT_BITS,
    bits_sum: int | None = None,
    output_quantiser: Any = None,
    inputs: npt.ArrayLike | None = None,
    allow_deviation: bool = False,
    name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Graph:
    """Convert a built Sequential or functional QKeras model into an integer graph.

    Args:
        model: one input, one output, the layers listed in this module's docstring; or the path of
            a saved one, .h5 or a SavedModel folder.
        bits_input: width of the hardware's signed activation words; no tensor is wider. One bit is
            a sign, -1 or +1: then all quantisers have one bit.
        int_bits_input: integer bits of the input, where no QActivation quantises it.
        bits_weights: widest legal weight; one-bit weights (-1 and +1) have two bits, unless this
            is 1.
        bits_sum: width of the hardware's accumulators. A bias finer than sums of this width leave
            room for is shortened, without a change of any result.
        output_quantiser: quantiser (object or string) of an output that has none, or of what a
            final softmax reads, where that has none. The tensor that it makes, and its words, stand
            in the graph's metadata as ``output_quantiser``.
        inputs: (N, H, W, C) or (N, C) real inputs: it is printed which share of them the input's
            words cannot hold, and how far the graph is from the model's ``predict`` where it is
            not exact.
        allow_deviation: take a graph however far it is from the model.
        name: the graph's name, by default the model's.
        metadata: JSON-compatible, kept in the graph.

    Tensors are named after the Keras layer that quantises them: the names of
    :func:`keras_layer_outputs`, which the graph equals exactly. Tensors that Keras has not end with
    ``_quantised``, and a number where a layer has that name. Only behind a BatchNormalization that
    is not exact tensors differ; the graph's metadata has these as ``approximations``. Raises
    :class:`FrontendError` (a ValueError) for anything that has no exact integer equivalent,
    :class:`DeviationError` (a FrontendError) for a normalisation that is too far off, and
    GraphError for a graph that is not legal.
    """
    _, qkeras = lazy.load()
    model = as_model(model)
    for what, number, low, high in (
        ("bits_input", bits_input, 1, WIDEST_WORD),
        ("bits_weights", bits_weights, 1, MAX_WEIGHT_BITS),
    ):
        if not low <= number <= high:
            raise FrontendError(f"{what} is {number}, legal is {low}..{high}")
    layers = ordered_layers(model)
    for layer in layers:
        if kind_of(layer) != "InputLayer" and not is_supported(kind_of(layer)):
            raise unsupported(layer)
    if output_quantiser is not None:
        output_quantiser = _quantiser(qkeras, output_quantiser)
    converter = Converter(
        layers, bits_input, int_bits_input, bits_weights, bits_sum, output_quantiser
    )
    states: dict[str, State] = {}
    for layer in layers:
        if kind_of(layer) == "InputLayer":
            states[layer.name] = RawInput(layer.name, shape_of(layer, layer.output_shape))
            continue
        sources = sources_of(layer)
        for source in sources:
            readers = converter.readers[source]
            if isinstance(states[source], Pending) and len(readers) > 1:
                names = "' and '".join(reader.name for reader in readers[:2])
                raise FrontendError(
                    f"layers '{names}' both read '{source}' before it is quantised; "
                    "put one QActivation behind it for both"
                )
        states[layer.name] = converter.convert(layer, [states[source] for source in sources])
    output_layer = model.outputs[0]._keras_history.layer
    state = states[output_layer.name]
    if isinstance(state, Pending) and output_quantiser is not None:
        state = converter.quantise_output(output_layer.name, state)
    if isinstance(state, Pending):
        raise FrontendError(
            f"layer '{state.layer.name}': the model's output is not quantised; put a "
            "QActivation('quantized_bits(...)') behind it or pass output_quantiser"
        )
    if isinstance(state, Padded):
        raise FrontendError(f"layer '{state.layer}': zero padding is the model's output; remove it")
    if converter.input is None or not converter.nodes:
        raise FrontendError(f"model '{model.name}' has no layer that computes")
    final = state.tensor.name if isinstance(state, Value) else None
    nodes = ordered_nodes(converter.nodes, final)
    first, nodes = with_equal_words(converter.input.tensor, nodes)
    extra = {} if converter.output is None else {"output_quantiser": converter.output}
    if converter.approximations:
        extra[agreement.APPROXIMATIONS] = {
            node: dataclasses.asdict(how) for node, how in converter.approximations.items()
        }
    graph = Graph(
        name or model.name,
        first,
        nodes,
        {**(metadata or {}), **extra},
        (converter.input.low, converter.input.high),
    )
    _report(graph, model, inputs, allow_deviation)
    return graph


def _report(graph: Graph, model: Any, inputs: npt.ArrayLike | None, allow_deviation: bool) -> None:
    """Say what a conversion cannot hold, and refuse what is too far off."""
    inexact = agreement.describe_approximations(graph)
    if inputs is None:
        for line in inexact:
            warnings.warn(line, agreement.ApproximationWarning, stacklevel=5)
        if not allow_deviation:
            agreement.check_weights(graph)
        return
    clipping = agreement.clipping(graph, inputs)
    if clipping.share:
        announce(f"{graph.name}: {clipping.text}")
    if inexact:
        found = agreement.deviation(graph, model, inputs)
        announce(*inexact, f"{graph.name} against the model's predict: {found.text}")
        if not allow_deviation:
            agreement.check_deviation(graph, found)


def _quantiser(qkeras: Any, quantiser: Any) -> Any:
    """A quantiser of an object or string."""
    try:
        return qkeras.get_quantizer(quantiser)
    # A string is a Python expression, which can fail in any way.
    except Exception as error:
        raise FrontendError(
            f"output_quantiser is {quantiser!r}, legal is a QKeras quantiser or a string such as "
            f"'quantized_bits(8,3,alpha=1)': {first_line(error)}"
        ) from error


def _hardware_bits(hw: Any, name: str) -> int:
    """An attribute of the hardware; raises FrontendError if ``hw`` is none."""
    bits = getattr(hw, name, None)
    if isinstance(hw, type) or isinstance(bits, bool) or not isinstance(bits, (int, np.integer)):
        what = f"the class {hw.__name__}" if isinstance(hw, type) else f"{hw!r:.80}"
        raise FrontendError(
            f"hw is {what}, which has no {name}; legal is a Hardware, such as "
            "Hardware(bits_input=8) or Hardware.from_json(path)"
        )
    return int(bits)


def convert(
    model: Any,
    hw: Any,
    *,
    int_bits_input: int | None = None,
    output_quantiser: Any = None,
    inputs: npt.ArrayLike | None = None,
    allow_deviation: bool = False,
    name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Graph:
    """Convert a QKeras model into an integer graph for the hardware ``hw``.

    :func:`from_keras` with the widths of ``hw`` (attributes ``bits_input``, ``bits_weights`` and,
    if there is one, ``bits_sum``).
    ``int_bits_input`` is by default that of a QModel's QInput, else 0; the other arguments and
    what is raised are those of :func:`from_keras`.
    """
    bits_input, bits_weights = (_hardware_bits(hw, name) for name in ("bits_input", "bits_weights"))
    model = as_model(model)
    if int_bits_input is None:
        int_bits_input = int(getattr(getattr(model, "_corewright_source", None), "int_bits", 0))
    return from_keras(
        model,
        bits_input=bits_input,
        int_bits_input=int_bits_input,
        bits_weights=bits_weights,
        bits_sum=getattr(hw, "bits_sum", None),
        output_quantiser=output_quantiser,
        inputs=inputs,
        allow_deviation=allow_deviation,
        name=name,
        metadata=metadata,
    )


__all__ = ["FrontendError", "GraphError", "convert", "from_keras", "keras_layer_outputs"]
