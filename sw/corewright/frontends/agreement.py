# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""How near a graph is to the model that it was converted from, measured on inputs.

The judge is the model's own ``predict``. A graph equals it, but for the rounding errors of float32,
unless normalisations had to be approximated (see :mod:`corewright.frontends.normalisation`): then
the deviation is measured, said, and bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright import golden
from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError
from corewright.frontends.quantisers import ActivationFormat
from corewright.graph import Graph

# Of the root mean square of what predict gives, about its mean.
MAX_DEVIATION = 0.25
# Of a layer's weights, where no inputs tell more.
MAX_WEIGHT_ERROR = 0.2
# Where a graph's metadata has its approximations, by node.
APPROXIMATIONS = "approximations"
_REMEDY = (
    "train with QConv2DBatchnorm, whose folded kernel is what training sees; or take hardware with "
    "more bits_weights; or accept it with allow_deviation=True"
)


class ApproximationWarning(UserWarning):
    """A normalisation is not exact, and there are no inputs to measure with."""


class DeviationError(FrontendError):
    """A graph is further from the model's own results than is tolerated unasked."""


@dataclass(frozen=True)
class Clipping:
    """What the input's words do not hold.

    Attributes:
        share: of the inputs, that saturate: by more than the half step of any rounding.
        largest: magnitude of an input.
        low: smallest number that the input's words hold.
        high: largest number that they hold.
        off_grid: share of the other inputs that are rounded.
    """

    share: float
    largest: float
    low: float
    high: float
    off_grid: float

    @property
    def text(self) -> str:
        """A sentence."""
        return (
            f"{_percent(self.share)} of the inputs clip: they lie outside {self.low:g} .. "
            f"{self.high:g}, the largest magnitude is {self.largest:g}"
        )


@dataclass(frozen=True)
class Deviation:
    """A graph's outputs against ``predict``.

    Attributes:
        different: share of the outputs that are not equal, within half of the output's last bit
            (probabilities: within 1e-6).
        largest: magnitude of a difference.
        relative: root mean square of the differences over that of predict's outputs about their
            mean.
        same_class: share of the images with the same largest output; None of a single output.
    """

    different: float
    largest: float
    relative: float
    same_class: float | None

    @property
    def text(self) -> str:
        """A sentence."""
        same = "" if self.same_class is None else f", the same class in {_percent(self.same_class)}"
        return (
            f"{_percent(self.different)} of the outputs differ, by {self.largest:.3g} at most; RMS "
            f"{_percent(self.relative)} of the outputs' own{same}"
        )


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def as_predict_reads(x: npt.ArrayLike) -> npt.NDArray[Any]:
    """``x`` as ``predict`` reads it: real numbers in Keras's own precision, float32 by default.

    A number of float64 next to the middle between two words is the middle itself in float32, and
    rounds to the even one.
    """
    values = np.asarray(x)
    if values.dtype.kind != "f":
        return values
    tf, _ = lazy.load()
    # What is beyond its range is infinite, and no input.
    with np.errstate(over="ignore"):
        return values.astype(tf.keras.backend.floatx())


def clipping(graph: Graph, x: npt.ArrayLike) -> Clipping:
    """Which of the real inputs ``x`` the input's words do not hold."""
    values = np.asarray(x, dtype=np.float64)
    low, high = graph.input_limits
    scaled = np.ldexp(values, graph.input.fraction)
    beyond = (scaled < low - 0.5) | (scaled > high + 0.5)
    off = ~beyond & (scaled != np.rint(scaled))
    step = 2.0**-graph.input.fraction
    largest = float(np.abs(values).max(initial=0.0))
    return Clipping(float(beyond.mean()), largest, low * step, high * step, float(off.mean()))


def deviation(
    graph: Graph,
    model: Any,
    x: npt.ArrayLike,
    values: Mapping[str, npt.NDArray[np.int64]] | None = None,
) -> Deviation:
    """Run ``graph``, and ``predict`` of the Keras model that it was converted from, on ``x``.

    ``values`` are the graph's tensors for ``x`` where they are known already. Raises FrontendError
    if their outputs have different sizes.
    """
    real = as_predict_reads(x)
    if values is None:
        values = golden.run(graph, golden.quantise_input(graph, real))
    unit = 1e-6
    if graph.softmax is not None:
        ours = golden.host_output(graph, dict(values))
    else:
        ours = golden.dequantise(graph, graph.output.name, values[graph.output.name])
        unit = 2.0 ** -(graph.output.fraction + 1)
    shape = (len(real), *model.inputs[0].shape[1:])
    theirs = np.asarray(model.predict(real.reshape(shape), verbose=0), dtype=np.float64)
    word = output_word(graph)
    if word is not None and graph.softmax is None:
        theirs = word.values(theirs)
    if theirs.size != ours.size:
        raise FrontendError(
            f"model makes outputs of shape {theirs.shape[1:]}, graph '{graph.name}' of "
            f"{graph.output.shape}; legal is the model that the graph was converted from"
        )
    ours, theirs = ours.reshape(len(real), -1), theirs.reshape(len(real), -1)
    difference = np.abs(ours - theirs)
    own = float(np.sqrt(np.square(theirs - theirs.mean(axis=0)).mean()))
    size = float(np.sqrt(np.square(difference).mean()))
    # Outputs that are all alike have no size of their own: any difference is beyond measure.
    relative = 0.0 if size == 0 else size / own if own > 0 else float("inf")
    same = None
    if ours.shape[1] > 1:
        same = float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean())
    return Deviation(
        float((difference > unit).mean()), float(difference.max(initial=0.0)), relative, same
    )


def output_word(graph: Graph) -> ActivationFormat | None:
    """The words of convert's ``output_quantiser``, where the model's output had none."""
    record = graph.metadata.get("output_quantiser")
    if record is None:
        return None
    return ActivationFormat(**{key: record[key] for key in ActivationFormat.__dataclass_fields__})


def approximations(graph: Graph) -> Mapping[str, Mapping[str, Any]]:
    """By node: the attributes of :class:`corewright.frontends.normalisation.Approximation`."""
    found: Mapping[str, Mapping[str, Any]] = graph.metadata.get(APPROXIMATIONS, {})
    return found


def approximated_tensors(graph: Graph) -> set[str]:
    """Tensors that need not equal Keras's: those behind a node with approximated weights."""
    inexact = approximations(graph)
    tensors: set[str] = set()
    for node in graph.compute_nodes:
        if node.name in inexact or not tensors.isdisjoint(node.inputs):
            tensors.add(node.output.name)
    return tensors


def describe_approximations(graph: Graph) -> list[str]:
    """A sentence for each node with approximated weights."""
    return [
        f"layer '{node}' with '{', '.join(how['norms'])}' is not exact in {how['weight_bits']}-bit "
        f"weights: {_percent(how['clipped'])} of them clip, {_percent(how['zeroed'])} round to "
        f"zero, their error is {_percent(how['error'])} (RMS)"
        for node, how in approximations(graph).items()
    ]


def check_weights(graph: Graph) -> None:
    """Raise DeviationError if weights are further off than ``MAX_WEIGHT_ERROR``."""
    worst = max(approximations(graph).items(), key=lambda item: item[1]["error"], default=None)
    if worst is not None and worst[1]["error"] > MAX_WEIGHT_ERROR:
        raise DeviationError(
            f"layer '{worst[0]}' with '{', '.join(worst[1]['norms'])}': its weights are "
            f"{_percent(worst[1]['error'])} (RMS) off those that the normalisation asks for "
            f"({_percent(worst[1]['clipped'])} clip, {_percent(worst[1]['zeroed'])} round to "
            f"zero), legal without inputs to measure with is {_percent(MAX_WEIGHT_ERROR)}; "
            f"nearest: give inputs; {_REMEDY}"
        )


def check_deviation(graph: Graph, found: Deviation) -> None:
    """Raise DeviationError if a graph's outputs are further off than ``MAX_DEVIATION``."""
    if found.relative > MAX_DEVIATION:
        raise DeviationError(
            f"graph '{graph.name}' against the model's predict: {found.text}; legal is "
            f"{_percent(MAX_DEVIATION)} (RMS). {'; '.join(describe_approximations(graph))}. "
            f"Nearest: {_REMEDY}"
        )
