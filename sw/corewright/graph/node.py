# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What all operators are: the interface of a node, its families, and the register of operators.

A node is frozen and validated. It reads tensors by name (``inputs``) and, unless it ends the
graph, defines one new tensor (``output``). An operator is a frozen dataclass in a module of
``corewright.graph.ops``, a subclass of one of these families, registered by :func:`operator`:

- :class:`RequantNode`: rounds what it computes with a ``requant``;
- ``WeightedNode`` of ``weighted.py``: such a one with constant weights and a bias;
- ``WindowNode`` of ``window.py``: such a one that slides a window over an image;
- :class:`CopyNode`: moves integers;
- :class:`FinalNode`: ends a graph, in real numbers;
- :class:`ComputeNode` itself: anything else that makes integers.

Methods are given the tensors of ``inputs``, or their ranges or integers, in order: a node knows
no graph.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.graph.checks import IntArray, checked_name
from corewright.graph.errors import GraphError
from corewright.graph.tensor import Requant, Tensor

Bounds = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
Int64Array = npt.NDArray[np.int64]
Range = tuple[int, int]
Shape = tuple[int, int, int]

N = TypeVar("N", bound="Node")

_OPERATORS: dict[str, type[Node]] = {}


def operator(kind: str) -> Callable[[type[N]], type[N]]:
    """Register a class of nodes; ``kind`` is its name in files.

    Raises:
        ValueError: another class has that name.
    """

    def register(cls: type[N]) -> type[N]:
        if kind in _OPERATORS:
            raise ValueError(f"operator '{kind}' is {_OPERATORS[kind]}, so it cannot be {cls}")
        cls.type_name = kind
        _OPERATORS[kind] = cls
        return cls

    return register


def operators() -> Mapping[str, type[Node]]:
    """All registered classes of nodes, by their names in files."""
    return MappingProxyType(_OPERATORS)


@dataclass(frozen=True, eq=False)
class Node(ABC):
    """Anything that reads tensors.

    Attributes:
        type_name: the operator's name in files, from :func:`operator`.
        arrays: fields that are arrays, each an entry of its own in files.
        simplest: values of fields with which the operator does the least, for those who look for
            a small network that fails.
    """

    name: str

    type_name: ClassVar[str]
    arrays: ClassVar[tuple[str, ...]] = ()
    simplest: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    # A field where it is one, else a property: at runtime it would be the field's default here.
    if TYPE_CHECKING:

        @property
        def inputs(self) -> tuple[str, ...]:
            """Names of the tensors read."""

    @property
    def where(self) -> str:
        """How errors begin."""
        return f"layer '{self.name}'"

    def changed(self, **fields: Any) -> Self:
        """The same with other values of some fields.

        Raises:
            TypeError: it has no such field.
            GraphError: a value is not legal.
        """
        return replace(self, **fields)

    @abstractmethod
    def shape(self, *sources: Tensor) -> Shape:
        """(height, width, channels) of what it makes.

        Raises:
            GraphError: it cannot take these tensors.
        """

    def macs(self, *sources: Tensor) -> int:
        """Multiply-accumulates of one image, padding taps included.

        Raises:
            TypeError: they depend on ``sources``, which are left out.
        """
        return 0


class ReadsOne:
    """A node that reads one tensor, its field ``input``."""

    if TYPE_CHECKING:

        @property
        def input(self) -> str:
            """Name of the tensor read."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors read."""
        return (self.input,)


@dataclass(frozen=True, eq=False)
class FinalNode(ReadsOne, Node):
    """Ends a graph: computed by the host in floating point, of one tensor."""

    def __post_init__(self) -> None:
        checked_name(type(self).__name__.lower(), self.name)
        checked_name(f"{self.where}: input", self.input)

    def shape(self, *sources: Tensor) -> Shape:
        """That of what it reads."""
        return sources[0].shape

    @abstractmethod
    def evaluate(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What it makes of real numbers (N, H, W, C)."""


@dataclass(frozen=True, eq=False)
class ComputeNode(Node):
    """A node that makes an integer tensor.

    Attributes:
        labels: all values that ``label`` may have.
        selects: what it makes is a part of what it reads, nothing is computed or moved.
    """

    labels: ClassVar[tuple[str, ...]] = ()
    selects: ClassVar[bool] = False

    if TYPE_CHECKING:

        @property
        def output(self) -> Tensor:
            """What it makes."""

    def check_border(self) -> str:
        """Check the names that it reads and the tensor that it defines; return how errors begin.

        Raises:
            GraphError: one of them is not legal.
        """
        checked_name(type(self).__name__.lower(), self.name)
        for name in self.inputs:
            checked_name(f"{self.where}: input", name)
        if not isinstance(self.output, Tensor):
            raise GraphError(f"{self.where}: output is {self.output!r}, legal is a Tensor")
        return self.where

    def check_no_sign(self) -> None:
        """Refuse an output of a single bit."""
        if is_sign(self.output.bits):
            raise GraphError(
                f"{self.where}: output '{self.output.name}' has 1 bit, legal are 2 or more; the "
                "sign of a result is left to convolutions, dense layers and maxima"
            )

    @property
    def label(self) -> str:
        """What it does, as coverage and signatures name it."""
        return type(self).__name__

    @abstractmethod
    def output_range(self, *ranges: Range) -> Range:
        """(low, high) of its integers, from those of what it reads."""

    @abstractmethod
    def accumulator_bounds(self, sources: Sequence[Tensor], ranges: Sequence[Range]) -> Bounds:
        """Exact worst-case (low, high) of its sums before bias and shift, int64[channels].

        See ``corewright.graph.accumulator_bounds``.
        """

    @abstractmethod
    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        """Its integers, exactly: (N, H, W, C) of arrays (N, H, W, C).

        ``bound`` is the largest magnitude of a partial sum, shifted or not, with its bias or
        without.
        """

    @classmethod
    def bins(cls) -> dict[str, tuple[str, ...]]:
        """All bins of functional coverage that it may hit, by group."""
        return {"operator": cls.labels or (cls.__name__,)}

    def coverage(self, *sources: Tensor) -> set[str]:
        """The bins that it hits, each ``group:bin``."""
        return {f"operator:{self.label}"}

    # ------------------------------------------------------------------ variants of itself
    def cropped(self, *sources: Tensor) -> dict[str, Any]:
        """Fields that are too large for other tensors than its own, cropped to these."""
        return {}

    def fitted(self, *sources: Tensor) -> Self:
        """The same for other tensors, with the output that follows.

        Raises:
            GraphError: it cannot be fitted.
        """
        made = self.changed(**self.cropped(*sources))
        height, width, channels = made.shape(*sources)
        output = replace(made.output, height=height, width=width, channels=channels)
        return made.changed(output=output)

    def smaller(self) -> Iterator[Self]:
        """Yield variants that make or read less, each with an output that may no longer fit."""
        yield from ()

    def with_fewer_inputs(self) -> Iterator[Self]:
        """Yield variants that read fewer tensors."""
        yield from ()

    def narrowed(self, output: Tensor) -> Self:
        """The same with an output of fewer bits, its limits within."""
        return self.changed(output=output)


@dataclass(frozen=True, eq=False)
class RequantNode(ComputeNode):
    """A node that rounds what it computes.

    Attributes:
        residual: it adds what other nodes have made, and computes no sums of products or windows.
    """

    residual: ClassVar[bool] = False

    if TYPE_CHECKING:

        @property
        def requant(self) -> Requant:
            """How it rounds."""

    def check_common(self) -> str:
        """Check names, output and requantisation; return how errors begin.

        Raises:
            GraphError: one of them is not legal.
        """
        where, requant, output = self.check_border(), self.requant, self.output
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
        return where

    @property
    def added(self) -> IntArray | None:
        """The aligned bias, integers [channels]."""
        return None

    def output_range(self, *ranges: Range) -> Range:
        """It saturates to its limits."""
        return self.requant.low, self.requant.high

    @classmethod
    def bins(cls) -> dict[str, tuple[str, ...]]:
        """Those of its rounding, too."""
        names = ("pre-shift", "leaky slope", "lowest is 0", "lowest below 0", "identity")
        return {**super().bins(), "post-processing": names}

    def coverage(self, *sources: Tensor) -> set[str]:
        """Those of its rounding, too."""
        requant, source = self.requant, sources[0]
        flags = {
            "pre-shift": requant.pre_shift > 0,
            "leaky slope": requant.negative_shift > requant.shift,
            "lowest is 0": requant.low == 0,
            "lowest below 0": requant.low < 0,
            "identity": requant == Requant.identity(source.low, source.high),
        }
        return super().coverage(*sources) | {
            f"post-processing:{name}" for name, seen in flags.items() if seen
        }

    def exchanged(self) -> Self | None:
        """The same sum with its operands in the other order; None where there is no such."""
        return None

    def narrowed(self, output: Tensor) -> Self:
        """Its limits become the output's."""
        low, high = (
            min(max(limit, output.low), output.high)
            for limit in (self.requant.low, self.requant.high)
        )
        return self.changed(output=output, requant=replace(self.requant, low=low, high=high))


@dataclass(frozen=True, eq=False)
class CopyNode(ComputeNode):
    """A node that moves integers: its output has the bits and the fraction of its inputs."""

    def check_copies(self, *sources: Tensor) -> None:
        """Refuse tensors of other bits or another fraction than the output's."""
        output = self.output
        for source in sources:
            if (source.bits, source.fraction) != (output.bits, output.fraction):
                raise GraphError(
                    f"{self.where}: copies '{source.name}' of {source.bits} bits, fraction "
                    f"{source.fraction}, into '{output.name}' of {output.bits} bits, fraction "
                    f"{output.fraction}; legal are equal ones"
                )

    def output_range(self, *ranges: Range) -> Range:
        """Copies hold what their inputs hold."""
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    def accumulator_bounds(self, sources: Sequence[Tensor], ranges: Sequence[Range]) -> Bounds:
        """The elements themselves, by channel."""
        spans = [
            np.tile(span, (source.channels, 1))
            for span, source in zip(ranges, sources, strict=True)
        ]
        low_high = np.concatenate(spans).astype(np.int64)
        return low_high[:, 0], low_high[:, 1]

    def cropped(self, *sources: Tensor) -> dict[str, Any]:
        """Copies take the fraction of what they copy."""
        return {"output": replace(self.output, fraction=sources[0].fraction)}


def two_inputs(node: ComputeNode, at_most: int = 2) -> None:
    """Turn a field ``inputs`` into a tuple of two to ``at_most`` names.

    Raises:
        GraphError: it holds fewer or more, or no names.
    """
    values: object = node.inputs
    # A string is a sequence of strings, too.
    if not isinstance(values, (tuple, list)) or not 2 <= len(values) <= at_most:
        legal = "two names" if at_most == 2 else "two names or more"
        raise GraphError(f"{node.where}: inputs is {values!r}, legal are {legal}")
    object.__setattr__(node, "inputs", tuple(values))


def steps(value: int, least: int = 1) -> list[int]:
    """Smaller values, the smallest first: the least, the half, one less."""
    smaller = (least, (value + least) // 2, value - 1)
    return sorted({each for each in smaller if least <= each < value})
