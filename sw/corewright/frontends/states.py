# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""What a layer has made, as far as the walk over a model has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from corewright.frontends.normalisation import ChannelScale
from corewright.graph import Tensor

Padding = tuple[int, int, int, int]

NO_PADDING: Padding = (0, 0, 0, 0)


@dataclass(frozen=True)
class Value:
    """A quantised tensor with the range that its producer saturates to.

    ``flat``: Keras sees a vector of it, in (height, width, channel) order.
    """

    tensor: Tensor
    low: int
    high: int
    flat: bool = False


@dataclass(frozen=True)
class Padded:
    """A quantised tensor inside a frame of zeros (top, bottom, left, right)."""

    layer: str
    value: Value
    padding: Padding


@dataclass
class Pending:
    """A layer whose output quantiser has not come yet.

    ``moves`` are the max pools and upsamplings in between: they move values only, so quantising
    first gives the same.
    """

    layer: Any
    sources: tuple[Value, ...]
    padding: Padding = NO_PADDING
    scale: ChannelScale | None = None
    moves: list[Any] = field(default_factory=list)
    round_first: bool = False
    rectified: bool = False
    flat: bool = False
    node: str | None = None

    @property
    def source(self) -> Value:
        """The first of what it reads."""
        return self.sources[0]

    @property
    def name(self) -> str:
        """The node's."""
        return str(self.node or self.layer.name)


@dataclass(frozen=True)
class RawInput:
    """The model's input, which nothing has quantised yet."""

    layer: str
    shape: tuple[int, int, int]
    flat: bool = False


@dataclass(frozen=True)
class Probabilities:
    """What the final softmax makes."""

    layer: str


State = Value | Padded | Pending | RawInput | Probabilities
