# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Frozen, validated nodes of the integer graph.

A graph is a topologically ordered list of nodes in static single assignment form: every node
reads tensors by name (``inputs``; the nodes that read one also have ``input``) and defines one
new tensor (``output``). Adding an operator means: a frozen dataclass here, its shape in
:func:`output_shape`, its range in ``Graph.value_ranges`` of ``network.py``, an entry in
``_NODE_TYPES`` of ``files.py``, and an operator in ``corewright.golden``.

The order of this package's modules: nodes here, then ``analysis.py`` and ``files.py``, which read a
graph as a :class:`Network`, then ``network.py``, whose ``Graph`` uses all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign, largest, number_range, smallest
from corewright.graph.errors import GraphError

MAX_PRE_SHIFT = 15
MAX_SHIFT = 62
MAX_BITS = 32
MAX_FRACTION = 64
# What is known of each channel is kept in memory; no hardware comes near.
MAX_CHANNELS = 1 << 20
# Largest fraction that a quantised softmax may have, and the width of its sums.
MAX_SOFTMAX_FRACTION = 30
SOFTMAX_SUM_BITS = 48

IntArray = npt.NDArray[np.integer[Any]]


def _integer(where: str, what: str, value: object, low: int, high: int) -> int:
    """Return ``value`` as an int in [low, high]; raise :class:`GraphError` otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise GraphError(f"{where}: {what} is {value!r}, legal is an integer {low}..{high}")
    number = int(value)
    if not low <= number <= high:
        raise GraphError(f"{where}: {what} is {number}, legal is {low}..{high}")
    return number


def checked_integers(
    where: str, what: str, values: object, count: int, low: int, high: int
) -> tuple[int, ...]:
    """Return ``values`` as ``count`` ints in [low, high]; raise :class:`GraphError` otherwise."""
    if not isinstance(values, (tuple, list)) or len(values) != count:
        raise GraphError(f"{where}: {what} is {values!r}, legal are {count} integers {low}..{high}")
    return tuple(_integer(where, what, value, low, high) for value in values)


def checked_name(where: str, value: object) -> str:
    """Return ``value`` if it can be a name; raise :class:`GraphError` otherwise."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise GraphError(f"{where}: name is {value!r}, legal is a non-empty printable string")
    return value


@dataclass(frozen=True)
class Tensor:
    """A feature map of signed integers; the value of an integer ``i`` is ``i * 2**-fraction``.

    A vector has height = width = 1. Integers are two's complement, ``bits`` wide. A single bit is
    a sign: its integers are -1 and 1, never 0.
    """

    name: str
    height: int
    width: int
    channels: int
    bits: int
    fraction: int

    def __post_init__(self) -> None:
        checked_name("tensor", self.name)
        where = f"tensor '{self.name}'"
        for what, most in (("height", 1 << 30), ("width", 1 << 30), ("channels", MAX_CHANNELS)):
            value = _integer(where, what, getattr(self, what), 1, most)
            object.__setattr__(self, what, value)
        object.__setattr__(self, "bits", _integer(where, "bits", self.bits, 1, MAX_BITS))
        fraction = _integer(where, "fraction", self.fraction, -MAX_FRACTION, MAX_FRACTION)
        object.__setattr__(self, "fraction", fraction)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """Elements of one image."""
        return self.height * self.width * self.channels

    @property
    def low(self) -> int:
        """Smallest integer of the word."""
        return smallest(self.bits)

    @property
    def high(self) -> int:
        """Largest integer of the word."""
        return largest(self.bits)


@dataclass(frozen=True)
class Requant:
    """Rounds an accumulator ``a`` with an optional aligned bias ``b`` to an output word.

    ``v = (a << pre_shift) + b``; ``s = shift if v >= 0 else negative_shift``;
    ``y = clip(round_half_even(v / 2**s), low, high)``.

    ReLU is ``low = 0``; a leaky ReLU of slope ``2**-k`` is ``negative_shift = shift + k``. Where
    the output has a single bit, the shifts are 0, the limits -1 and 1, and ``y`` is the sign of
    ``v``: 1 where ``v >= 0``, else -1.
    """

    pre_shift: int
    shift: int
    negative_shift: int
    low: int
    high: int

    def __post_init__(self) -> None:
        limits = {
            "pre_shift": (0, MAX_PRE_SHIFT),
            "shift": (0, MAX_SHIFT),
            "negative_shift": (0, MAX_SHIFT),
            "low": (-(1 << (MAX_BITS - 1)), (1 << (MAX_BITS - 1)) - 1),
            "high": (-(1 << (MAX_BITS - 1)), (1 << (MAX_BITS - 1)) - 1),
        }
        for what, (low, high) in limits.items():
            value = _integer("requant", what, getattr(self, what), low, high)
            object.__setattr__(self, what, value)
        if self.low > self.high:
            raise GraphError(f"requant: low {self.low} is above high {self.high}")

    @classmethod
    def identity(cls, low: int, high: int) -> Requant:
        """The requantisation that changes no value in [low, high]."""
        return cls(0, 0, 0, low, high)


def _weights(where: str, value: object, dimensions: int, bits: int) -> npt.NDArray[np.int32]:
    """Validate weights and return a read-only contiguous int32 copy; a single bit is -1 or 1."""
    array = np.asarray(value)
    if array.ndim != dimensions or not np.issubdtype(array.dtype, np.integer) or array.size == 0:
        raise GraphError(
            f"{where}: weights have shape {array.shape} and type {array.dtype}, "
            f"legal are {dimensions} non-empty dimensions of integers"
        )
    low, high = number_range(bits)
    if int(array.min()) < low or int(array.max()) > high:
        raise GraphError(
            f"{where}: weights span {int(array.min())}..{int(array.max())}, "
            f"legal for weight_bits={bits} is {low}..{high}"
        )
    if is_sign(bits) and not array.all():
        raise GraphError(f"{where}: weights hold 0, legal for weight_bits=1 are -1 and 1")
    result = np.array(array, dtype=np.int32, order="C")
    result.flags.writeable = False
    return result


def _bias(where: str, value: object, channels: int) -> npt.NDArray[np.int64] | None:
    if value is None:
        return None
    array = np.asarray(value)
    if array.shape != (channels,) or not np.issubdtype(array.dtype, np.integer):
        raise GraphError(
            f"{where}: bias has shape {array.shape} and type {array.dtype}, "
            f"legal is None or ({channels},) integers"
        )
    limit = 1 << 47
    if int(array.min()) < -limit or int(array.max()) >= limit:
        raise GraphError(
            f"{where}: bias spans {int(array.min())}..{int(array.max())}, legal are 48 signed bits"
        )
    result = np.array(array, dtype=np.int64, order="C")
    result.flags.writeable = False
    return result


def _requant(where: str, requant: object, output: Tensor) -> None:
    if not isinstance(requant, Requant):
        raise GraphError(f"{where}: requant is {requant!r}, legal is a Requant")
    if requant.low < output.low or requant.high > output.high:
        raise GraphError(
            f"{where}: requant saturates to {requant.low}..{requant.high}, legal for the "
            f"{output.bits}-bit output '{output.name}' is {output.low}..{output.high}"
        )
    sign = (requant.shift, requant.negative_shift, requant.low, requant.high) == (0, 0, -1, 1)
    if is_sign(output.bits) and not sign:
        raise GraphError(
            f"{where}: requant has shifts {requant.shift} and {requant.negative_shift}, limits "
            f"{requant.low}..{requant.high}, legal for the 1-bit output '{output.name}' are "
            "shifts 0 and limits -1..1"
        )


def _border(node: ComputeNode) -> str:
    """Check the names that a node reads and the tensor that it defines."""
    checked_name(type(node).__name__.lower(), node.name)
    where = f"layer '{node.name}'"
    for name in node.inputs:
        checked_name(f"{where}: input", name)
    if not isinstance(node.output, Tensor):
        raise GraphError(f"{where}: output is {node.output!r}, legal is a Tensor")
    return where


def _common(node: RequantNode) -> str:
    where = _border(node)
    _requant(where, node.requant, node.output)
    return where


def _no_sign(where: str, output: Tensor) -> None:
    """Refuse an output of a single bit."""
    if is_sign(output.bits):
        raise GraphError(
            f"{where}: output '{output.name}' has 1 bit, legal are 2 or more; the sign of a "
            "result is left to convolutions, dense layers and maxima"
        )


def _inputs(node: Add | Concat | MatMul, at_most: int) -> None:
    """Turn ``inputs`` into a tuple of two to ``at_most`` names."""
    values = node.inputs
    # A string is a sequence of strings, too.
    if not isinstance(values, (tuple, list)) or not 2 <= len(values) <= at_most:
        legal = "two names" if at_most == 2 else "two names or more"
        raise GraphError(f"layer '{node.name}': inputs is {values!r}, legal are {legal}")
    object.__setattr__(node, "inputs", tuple(values))


def _window(where: str, node: Conv | Depthwise | Pool, kernel: tuple[int, int]) -> None:
    strides = checked_integers(where, "strides", node.strides, 2, 1, 1 << 15)
    padding = checked_integers(where, "padding", node.padding, 4, 0, 1 << 15)
    object.__setattr__(node, "strides", strides)
    object.__setattr__(node, "padding", padding)
    top, bottom, left, right = padding
    if max(top, bottom) >= kernel[0] or max(left, right) >= kernel[1]:
        raise GraphError(
            f"{where}: padding (top, bottom, left, right) is {padding}, "
            f"legal is below the {kernel[0]}x{kernel[1]} window"
        )


@dataclass(frozen=True, eq=False)
class Conv:
    """2-D convolution (cross-correlation, as every framework means it), bias, requantisation.

    ``weights`` is int[KH, KW, CI, CO]; ``bias`` is int[CO] or None and is already aligned to the
    fraction ``input.fraction + weight_fraction + requant.pre_shift``. ``strides`` is (rows,
    columns), ``padding`` is (top, bottom, left, right) zeros.
    """

    name: str
    input: str
    output: Tensor
    weights: IntArray
    bias: IntArray | None
    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    requant: Requant
    weight_bits: int
    weight_fraction: int

    def __post_init__(self) -> None:
        where = _common(self)
        bits = _integer(where, "weight_bits", self.weight_bits, 1, 16)
        _integer(where, "weight_fraction", self.weight_fraction, -MAX_FRACTION, MAX_FRACTION)
        object.__setattr__(self, "weights", _weights(where, self.weights, 4, bits))
        object.__setattr__(self, "bias", _bias(where, self.bias, self.weights.shape[3]))
        _window(where, self, (self.weights.shape[0], self.weights.shape[1]))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)

    @property
    def kernel_size(self) -> tuple[int, int]:
        """(rows, columns) of the kernel."""
        return self.weights.shape[0], self.weights.shape[1]


@dataclass(frozen=True, eq=False)
class Depthwise:
    """2-D convolution of each channel with its own kernel, bias, requantisation.

    ``weights`` is int[KH, KW, C]: output channel c is input channel c, filtered by
    ``weights[:, :, c]``. ``bias`` (int[C] or None), ``strides`` and ``padding`` are as for
    :class:`Conv`.
    """

    name: str
    input: str
    output: Tensor
    weights: IntArray
    bias: IntArray | None
    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    requant: Requant
    weight_bits: int
    weight_fraction: int

    def __post_init__(self) -> None:
        where = _common(self)
        bits = _integer(where, "weight_bits", self.weight_bits, 1, 16)
        _integer(where, "weight_fraction", self.weight_fraction, -MAX_FRACTION, MAX_FRACTION)
        object.__setattr__(self, "weights", _weights(where, self.weights, 3, bits))
        object.__setattr__(self, "bias", _bias(where, self.bias, self.weights.shape[2]))
        _window(where, self, (self.weights.shape[0], self.weights.shape[1]))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)

    @property
    def kernel_size(self) -> tuple[int, int]:
        """(rows, columns) of the kernel."""
        return self.weights.shape[0], self.weights.shape[1]


@dataclass(frozen=True, eq=False)
class Dense:
    """Fully connected layer, bias, requantisation.

    ``weights`` is int[features, units]. An input that is a feature map is flattened in
    (height, width, channel) order; ``bias`` is aligned as for :class:`Conv`.
    """

    name: str
    input: str
    output: Tensor
    weights: IntArray
    bias: IntArray | None
    requant: Requant
    weight_bits: int
    weight_fraction: int

    def __post_init__(self) -> None:
        where = _common(self)
        bits = _integer(where, "weight_bits", self.weight_bits, 1, 16)
        _integer(where, "weight_fraction", self.weight_fraction, -MAX_FRACTION, MAX_FRACTION)
        object.__setattr__(self, "weights", _weights(where, self.weights, 2, bits))
        object.__setattr__(self, "bias", _bias(where, self.bias, self.weights.shape[1]))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


@dataclass(frozen=True)
class Pool:
    """Maximum or average over windows, then a requantisation.

    Both kinds look at the valid elements of a window only: padding is never a candidate for the
    maximum and is not counted by the average. The average of ``n`` elements of sum ``s`` rounds
    once, ``round_half_even(s * 2**pre_shift / n / 2**shift)``, unless ``round_first``: then
    ``round_half_even(s / n)`` is an integer of the input's fraction that is requantised like any
    accumulator (the semantics of the ``Bundle`` API). Maxima of a 1-bit input may have a 1-bit
    output.
    """

    name: str
    kind: Literal["max", "average"]
    input: str
    output: Tensor
    window: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    requant: Requant
    round_first: bool = False

    def __post_init__(self) -> None:
        where = _common(self)
        if self.kind not in ("max", "average"):
            raise GraphError(f"{where}: kind is {self.kind!r}, legal is 'max' or 'average'")
        if not isinstance(self.round_first, bool):
            raise GraphError(f"{where}: round_first is {self.round_first!r}, legal is a bool")
        if self.kind == "average":
            _no_sign(where, self.output)
        window = checked_integers(where, "window", self.window, 2, 1, 1 << 15)
        object.__setattr__(self, "window", window)
        _window(where, self, (window[0], window[1]))
        # The average's divisor, elements << shift, has to stay inside 63 bits.
        shift = max(self.requant.shift, self.requant.negative_shift)
        if self.kind == "average" and (window[0] * window[1]) << shift >= 1 << 62:
            raise GraphError(
                f"{where}: window {window} with shift {shift}, legal is "
                "elements * 2**shift below 2**62"
            )

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


@dataclass(frozen=True)
class Add:
    """Sum of two tensors of one shape (a residual), aligned by shifts, then a requantisation.

    With ``inputs = (a, b)``: ``v = (a << own_shift) + (b << other_shift)`` and
    ``y = clip(round_half_even(v / 2**s), low, high)`` with ``s`` as in :class:`Requant`, whose
    ``pre_shift`` is 0. ``a`` is the main operand: the one that a compiler adds ``b`` to while it
    still has it at hand. Both may name the same tensor.
    """

    name: str
    inputs: tuple[str, str]
    output: Tensor
    own_shift: int
    other_shift: int
    requant: Requant

    def __post_init__(self) -> None:
        _inputs(self, 2)
        where = _common(self)
        _no_sign(where, self.output)
        for what in ("own_shift", "other_shift"):
            value = _integer(where, what, getattr(self, what), 0, MAX_PRE_SHIFT)
            object.__setattr__(self, what, value)
        if self.requant.pre_shift != 0:
            raise GraphError(
                f"{where}: pre_shift is {self.requant.pre_shift}, legal for an addition is 0 "
                "(own_shift and other_shift align its operands)"
            )


@dataclass(frozen=True)
class MatMul:
    """Product of two activations of an image, requantised.

    With ``inputs = (a, b)``, a of shape (H, W, C) is H*W rows of C features. ``transpose_b``: b is
    (Hb, Wb, C) and row q of b gives channel q of the result (H, W, Hb*Wb),
    ``y[p, q] = requant(sum_c a[p, c] * b[q, c])``. Else b is (Hb, Wb, N) with Hb*Wb = C, and the
    result (H, W, N) is ``y[p, n] = requant(sum_q a[p, q] * b[q, n])``. Rows are in raster order.
    Both inputs may name the same tensor.
    """

    name: str
    inputs: tuple[str, str]
    output: Tensor
    transpose_b: bool
    requant: Requant

    def __post_init__(self) -> None:
        _inputs(self, 2)
        where = _common(self)
        _no_sign(where, self.output)
        if not isinstance(self.transpose_b, bool):
            raise GraphError(f"{where}: transpose_b is {self.transpose_b!r}, legal is a bool")


@dataclass(frozen=True)
class Concat:
    """Joins tensors along the channels, in order; integers are copied unchanged.

    All inputs and the output have one height, width, bits and fraction.
    """

    name: str
    inputs: tuple[str, ...]
    output: Tensor

    def __post_init__(self) -> None:
        _inputs(self, 1 << 15)
        _border(self)


@dataclass(frozen=True)
class Upsample:
    """Repeats every pixel ``factors`` = (rows, columns) times; integers are copied unchanged."""

    name: str
    input: str
    output: Tensor
    factors: tuple[int, int]

    def __post_init__(self) -> None:
        where = _border(self)
        factors = checked_integers(where, "factors", self.factors, 2, 1, 1 << 15)
        object.__setattr__(self, "factors", factors)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


@dataclass(frozen=True)
class Slice:
    """Channels ``first_channel`` and up, as many as the output has; integers are unchanged."""

    name: str
    input: str
    output: Tensor
    first_channel: int

    def __post_init__(self) -> None:
        where = _border(self)
        first = _integer(where, "first_channel", self.first_channel, 0, 1 << 30)
        object.__setattr__(self, "first_channel", first)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


def _table(where: str, value: object) -> npt.NDArray[np.int64]:
    """Validate a softmax table and return a read-only int64 copy."""
    array = np.asarray(value)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer) or array.size == 0:
        raise GraphError(
            f"{where}: table has shape {array.shape} and type {array.dtype}, "
            "legal is one non-empty dimension of integers"
        )
    if int(array.min()) < 0 or int(array.max()) >= 1 << 32:
        raise GraphError(
            f"{where}: table spans {int(array.min())}..{int(array.max())}, legal is 0..2**32-1"
        )
    result = np.array(array, dtype=np.int64)
    if result[0] == 0 or (np.diff(result) > 0).any():
        raise GraphError(
            f"{where}: table starts with {result[0]} and falls or rises by "
            f"{np.diff(result, append=0).min()}..{np.diff(result, append=0).max()}, "
            "legal is a first entry above 0 and no rise"
        )
    result.flags.writeable = False
    return result


@dataclass(frozen=True, eq=False)
class QuantisedSoftmax:
    """Softmax in integers over each of ``runs`` runs of C/runs consecutive channels of a pixel.

    With m the largest integer of a run, ``e[c] = table[m - x[c]]`` (0 behind the table's end) and
    ``y[c] = clip(round_half_even(e[c] * 2**fraction / sum(e)), low, high)``, ``fraction`` the
    output's. ``table`` is int64[entries] of unsigned 32-bit integers that never rise, the first
    above 0; :func:`softmax_table` makes the one of the exponential.
    """

    name: str
    input: str
    output: Tensor
    runs: int
    table: IntArray
    low: int
    high: int

    def __post_init__(self) -> None:
        where = _border(self)
        _no_sign(where, self.output)
        channels = self.output.channels
        runs = _integer(where, "runs", self.runs, 1, channels)
        if channels % runs:
            raise GraphError(f"{where}: runs is {runs}, legal is a divisor of {channels} channels")
        object.__setattr__(self, "runs", runs)
        _integer(where, "fraction of the output", self.output.fraction, 0, MAX_SOFTMAX_FRACTION)
        for what in ("low", "high"):
            limit = _integer(where, what, getattr(self, what), self.output.low, self.output.high)
            object.__setattr__(self, what, limit)
        if self.low > self.high:
            raise GraphError(f"{where}: low {self.low} is above high {self.high}")
        object.__setattr__(self, "table", _table(where, self.table))
        if self.run_channels * int(self.table[0]) >= 1 << SOFTMAX_SUM_BITS:
            raise GraphError(
                f"{where}: {self.run_channels} channels of table[0] = {self.table[0]} sum up to "
                f"{self.run_channels * int(self.table[0])}, legal is below 2**{SOFTMAX_SUM_BITS}"
            )

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)

    @property
    def run_channels(self) -> int:
        """Channels that one softmax runs over."""
        return self.output.channels // self.runs

    @property
    def value_range(self) -> tuple[int, int]:
        """(low, high) of the results: those of 0 and of 1."""
        one = 1 << self.output.fraction
        return min(max(0, self.low), self.high), min(max(one, self.low), self.high)


def softmax_table(fraction: int, entries_limit: int = 1 << 16) -> npt.NDArray[np.int64]:
    """The table of ``exp`` for integers of ``fraction``: ``round(2**16 * exp(-i * 2**-fraction))``.

    It ends behind its last entry that is not 0, at most ``entries_limit`` entries: ``2**bits``
    are enough for an input of that many bits, as no difference of its integers is larger.

    Raises:
        GraphError: an argument out of range.
    """
    where = "softmax_table"
    fraction = _integer(where, "fraction", fraction, -MAX_FRACTION, MAX_FRACTION)
    limit = _integer(where, "entries_limit", entries_limit, 1, 1 << 24)
    # exp(-12) * 2**16 is below a half: what is behind is 0.
    entries = limit if fraction > 24 else min(limit, int(12 * 2.0**fraction) + 1)
    exponents = -np.ldexp(np.arange(entries, dtype=np.float64), -fraction)
    table: npt.NDArray[np.int64] = np.rint(np.exp(exponents) * (1 << 16)).astype(np.int64)
    return table[: np.count_nonzero(table)]


@dataclass(frozen=True)
class Softmax:
    """Softmax over the channels, in floating point on the host; only ever the last node."""

    name: str
    input: str

    def __post_init__(self) -> None:
        checked_name("softmax", self.name)
        checked_name(f"layer '{self.name}': input", self.input)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


# A node that rounds: it has a ``requant``.
RequantNode = Conv | Depthwise | Dense | Pool | Add | MatMul
# A node that moves integers: its output has the bits and the fraction of its inputs.
CopyNode = Concat | Slice | Upsample
ComputeNode = RequantNode | CopyNode | QuantisedSoftmax
Node = ComputeNode | Softmax


class Network(Protocol):
    """What is read of a ``Graph`` by the modules that it uses itself."""

    @property
    def name(self) -> str:
        """Of the network."""

    @property
    def input(self) -> Tensor:
        """The input tensor."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes in order."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """JSON-compatible, without influence on results."""

    @property
    def input_limits(self) -> tuple[int, int]:
        """(low, high) of the input's integers."""

    @property
    def value_ranges(self) -> Mapping[str, tuple[int, int]]:
        """(low, high) of each tensor's integers, by tensor name."""

    def tensor(self, name: str) -> Tensor:
        """The tensor called ``name``."""


def same_padding(
    size: tuple[int, int], window: tuple[int, int], strides: tuple[int, int]
) -> tuple[int, int, int, int]:
    """TensorFlow's 'same' padding as (top, bottom, left, right): the odd zero goes to the end.

    ``size`` and ``window`` are (rows, columns). Source: TensorFlow's "Notes on padding".
    """
    result: list[int] = []
    for length, taps, stride in zip(size, window, strides, strict=True):
        total = max((-(-length // stride) - 1) * stride + taps - length, 0)
        result += [total // 2, total - total // 2]
    return result[0], result[1], result[2], result[3]


def output_shape(node: Node, *sources: Tensor) -> tuple[int, int, int]:
    """(height, width, channels) that ``node`` makes of the tensors of its ``inputs``.

    Raises :class:`GraphError` if the node cannot take them.
    """
    where = f"layer '{node.name}'"
    if len(sources) != len(node.inputs):
        raise GraphError(f"{where}: got {len(sources)} tensors for its inputs {node.inputs}")
    source = sources[0]
    if isinstance(node, (Softmax, QuantisedSoftmax)):
        return source.shape
    if isinstance(node, (Add, Concat)):
        return _joined_shape(where, node, sources)
    if isinstance(node, MatMul):
        return _product_shape(where, node, sources)
    if isinstance(node, Slice):
        _check_copies(where, node, sources)
        last = node.first_channel + node.output.channels
        if last > source.channels:
            raise GraphError(
                f"{where}: takes channels {node.first_channel}..{last - 1}, "
                f"the input '{source.name}' has {source.channels}"
            )
        return source.height, source.width, node.output.channels
    if isinstance(node, Upsample):
        _check_copies(where, node, sources)
        height, width = source.height * node.factors[0], source.width * node.factors[1]
        return height, width, source.channels
    if isinstance(node, Dense):
        if source.size != node.weights.shape[0]:
            raise GraphError(
                f"{where}: weights expect {node.weights.shape[0]} features, "
                f"the input '{source.name}' of shape {source.shape} has {source.size}"
            )
        return 1, 1, node.weights.shape[1]
    if isinstance(node, Conv):
        window, channels = node.kernel_size, node.weights.shape[3]
        if source.channels != node.weights.shape[2]:
            raise GraphError(
                f"{where}: weights expect {node.weights.shape[2]} input channels, "
                f"the input '{source.name}' has {source.channels}"
            )
    elif isinstance(node, Depthwise):
        window, channels = node.kernel_size, node.weights.shape[2]
        if source.channels != channels:
            raise GraphError(
                f"{where}: weights expect {channels} channels, "
                f"the input '{source.name}' has {source.channels}"
            )
    else:
        window, channels = node.window, source.channels
        if is_sign(node.output.bits) and not is_sign(source.bits):
            raise GraphError(
                f"{where}: output '{node.output.name}' has 1 bit and the input '{source.name}' "
                f"{source.bits}, legal for a maximum of 1 bit is an input of 1 bit"
            )
    top, bottom, left, right = node.padding
    height = (source.height + top + bottom - window[0]) // node.strides[0] + 1
    width = (source.width + left + right - window[1]) // node.strides[1] + 1
    if height < 1 or width < 1:
        raise GraphError(
            f"{where}: a {window[0]}x{window[1]} window with padding {node.padding} does not fit "
            f"the {source.height}x{source.width} input '{source.name}'"
        )
    return height, width, channels


def _joined_shape(
    where: str, node: Add | Concat, sources: tuple[Tensor, ...]
) -> tuple[int, int, int]:
    first = sources[0]
    compared = 3 if isinstance(node, Add) else 2
    for other in sources[1:]:
        if other.shape[:compared] != first.shape[:compared]:
            legal = "equal shapes" if isinstance(node, Add) else "equal heights and widths"
            raise GraphError(
                f"{where}: inputs '{first.name}' {first.shape} and '{other.name}' {other.shape}, "
                f"legal are {legal}"
            )
    if isinstance(node, Add):
        return first.shape
    _check_copies(where, node, sources)
    return first.height, first.width, sum(source.channels for source in sources)


def _product_shape(where: str, node: MatMul, sources: tuple[Tensor, ...]) -> tuple[int, int, int]:
    own, other = sources
    rows = other.height * other.width
    terms, channels = (other.channels, rows) if node.transpose_b else (rows, other.channels)
    if terms != own.channels:
        legal = "equal channels" if node.transpose_b else "as many pixels of b as channels of a"
        raise GraphError(
            f"{where}: inputs '{own.name}' {own.shape} and '{other.name}' {other.shape}, "
            f"legal with transpose_b={node.transpose_b} are {legal}"
        )
    return own.height, own.width, channels


def _check_copies(where: str, node: CopyNode, sources: tuple[Tensor, ...]) -> None:
    """What is copied unchanged keeps its bits and fraction."""
    output = node.output
    for source in sources:
        if (source.bits, source.fraction) != (output.bits, output.fraction):
            raise GraphError(
                f"{where}: copies '{source.name}' of {source.bits} bits, fraction "
                f"{source.fraction}, into '{output.name}' of {output.bits} bits, fraction "
                f"{output.fraction}; legal are equal ones"
            )
