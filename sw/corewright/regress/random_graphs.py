# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Random small networks, hardware and images: one seed makes one case.

A network is a chain, a tree where a tensor is read twice, or branches that additions,
concatenations and products join again, of every node type and option that its hardware has the
words for. Hardware of 1-bit pixels gets networks of signs. The same generator state gives the
same network in any process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign
from corewright.golden import random_input, random_words
from corewright.graph import (
    Add,
    ComputeNode,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    MatMul,
    Pool,
    QuantisedSoftmax,
    Requant,
    RequantNode,
    Slice,
    Tensor,
    Upsample,
    WeightedNode,
    accumulator_bounds,
    same_padding,
    softmax_table,
)
from corewright.hardware import Hardware

__all__ = ["LAYER_NAMES", "WIDTHS", "random_graph", "random_hardware", "random_input"]

# Bits of words.
WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 16)
_KERNELS = (1, 1, 1, 2, 3, 3, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13)
_STRIDES = (1, 1, 1, 1, 2, 2, 3, 3, 4, 5)
_MAX_CHANNELS = 60
# Rows and columns that upsampling may reach.
_MAX_SIZE = 26
# Multiply-accumulates of a layer: what a small array simulates in seconds.
_MAX_WORK = 1 << 20
# Words that a softmax, and a product with it, make sense in.
_ATTENTION_BITS = 4

Layers = Callable[["_Network", Tensor], bool]


def random_hardware(rng: np.random.Generator) -> Hardware:
    """Any legal hardware, with buffers from too small for most layers to ample."""
    columns = int(rng.choice([1, 2, 3, 4, 5, 6, 8, 12, 24]))
    divisors = [d for d in range(1, columns + 1) if columns % d == 0]
    return Hardware(
        processing_elements=(int(rng.choice([1, 2, 3, 4, 5, 7, 8, 12, 21])), columns),
        bits_input=int(rng.choice(WIDTHS)),
        bits_weights=int(rng.choice(WIDTHS)),
        bits_sum=40,
        axi_width=int(rng.choice([32, 64, 128, 512])),
        drain_width=int(rng.choice(divisors)) if rng.integers(2) else None,
        ram_weights_depth=int(rng.choice([3, 20, 64, 200, 512])),
        pixel_buffer_depth=max(columns, int(rng.choice([24, 48, 128, 512, 4096]))),
        bias_buffer_depth=max(columns, int(rng.choice([1, 16, 64, 512, 512]))),
    )


def random_graph(
    rng: np.random.Generator,
    hw: Hardware,
    *,
    layers: int = 12,
    largest: int = 9,
    operators: Mapping[str, float] | None = None,
) -> Graph:
    """A network whose integers fit ``hw``.

    Args:
        rng: draws everything.
        hw: hardware whose words, sums, kernels and images the network keeps to; buffers may be
            too small for it.
        layers: at most as many; a whole attention counts as one.
        largest: rows and columns of the input, at most.
        operators: weights of the layers that are drawn, by ``LAYER_NAMES``, in the place of the
            usual ones; what a tensor does not allow becomes another layer in any case.

    Raises:
        ValueError: ``layers`` is below 1.
    """
    if layers < 1:
        raise ValueError(f"layers is {layers}, legal is at least 1")
    network = _Network(rng, hw, largest)
    kinds = _SIGN_LAYERS if is_sign(hw.bits_input) else _LAYERS
    if operators:
        named = {kind: operators.get(_name(kind), 0.0) for kind in kinds}
        # Signs have no additions, for one.
        kinds = named if any(named.values()) else kinds
    shares = np.array(list(kinds.values())) / sum(kinds.values())
    tensor = network.input
    for _ in range(int(rng.integers(1, layers + 1))):
        if rng.integers(4) == 0:
            tensor = network.any_of(list(network.tensors.values()))
        kind = list(kinds)[int(rng.choice(len(kinds), p=shares))]
        # What this tensor does not allow becomes a layer that every tensor does.
        if not kind(network, tensor) and not _conv(network, tensor):
            _identity(network, tensor)
        tensor = network.last
    return network.graph


class _Network:
    """A graph that grows, and what its nodes are drawn with."""

    def __init__(self, rng: np.random.Generator, hw: Hardware, largest: int) -> None:
        self.rng, self.hw = rng, hw
        height, width = (int(rng.integers(1, min(largest, m) + 1)) for m in hw.max_image)
        self.input = Tensor("x", height, width, int(rng.integers(1, 7)), hw.bits_input, 0)
        # Sometimes images without a sign.
        unsigned = not is_sign(hw.bits_input) and rng.integers(4) == 0
        self._limits = (0, self.input.high) if unsigned else None
        self._graph: Graph | None = None

    @property
    def graph(self) -> Graph:
        """The nodes so far."""
        if self._graph is None:
            raise ValueError("the network has no layers")
        return self._graph

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors so far, by name."""
        return {"x": self.input} if self._graph is None else self._graph.tensors

    @property
    def last(self) -> Tensor:
        """What the last layer made."""
        return self.graph.compute_nodes[-1].output

    @property
    def count(self) -> int:
        """Layers so far."""
        return 0 if self._graph is None else len(self._graph.nodes)

    def producer(self, name: str) -> ComputeNode | None:
        """The node that makes a tensor; None for the input."""
        return None if self._graph is None else self._graph.producer(name)

    def append(self, node: ComputeNode) -> Tensor:
        """Add a layer."""
        nodes = () if self._graph is None else self._graph.nodes
        self._graph = Graph("random", self.input, (*nodes, node), input_range=self._limits)
        return node.output

    def names(self, shape: tuple[int, int, int], fraction: int = 0) -> tuple[str, Tensor]:
        """Name and output of the next layer."""
        number, bits = self.count, self.hw.bits_input
        return f"layer{number}", Tensor(f"t{number}", *shape, bits, fraction)

    def span(self, tensor: Tensor) -> tuple[int, int]:
        """(low, high) of a tensor's integers."""
        if self._graph is not None:
            return self._graph.value_ranges[tensor.name]
        return self._limits or (tensor.low, tensor.high)

    def alone(self, tensor: Tensor, node: ComputeNode) -> Graph:
        """A graph of nothing but ``node``, which reads ``tensor``."""
        return Graph("alone", tensor, (node,), input_range=self.span(tensor))

    def is_weight(self, tensor: Tensor) -> bool:
        """Whether a tensor's integers can be weights."""
        limit = 1 << (self.hw.bits_weights - 1)
        low, high = self.span(tensor)
        return not is_sign(self.hw.bits_weights) and -limit <= low and high < limit

    def any_of(self, tensors: Sequence[Tensor]) -> Tensor:
        """One of several tensors."""
        return tensors[int(self.rng.integers(len(tensors)))]

    def choose(self, values: Sequence[int]) -> int:
        """One of several numbers."""
        return int(self.rng.choice(values))

    def requant(self, size: int, bits: int | None = None) -> Requant:
        """A requantisation that uses the output's word, for sums of about ``size``."""
        rng, bits = self.rng, bits or self.hw.bits_input
        if is_sign(bits):
            return Requant(self.choose([0, 0, 1, 3]), 0, 0, -1, 1)
        bottom, top = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        pre_shift = self.choose([0, 0, 1, 3])
        shift = max(0, size.bit_length() + pre_shift - bits + int(rng.integers(0, 3)))
        if rng.integers(2):
            bottom = 0
        elif rng.integers(4) == 0:
            # Limits that are no word's.
            bottom, top = -int(rng.integers(0, -bottom + 1)), int(rng.integers(1, top + 1))
        slope = self.choose([0, 0, 3]) if bottom else 0
        return Requant(pre_shift, shift, shift + slope, bottom, top)

    def bias(self, size: int, channels: int, pre_shift: int) -> np.ndarray | None:
        """No bias, or one of 8, 16 or 32 bits, for sums of about ``size``."""
        width = min(self.choose([0, 8, 16, 32]), self.hw.post_bits - 3)
        if width < 1:
            return None
        word = (1 << (width - 1)) - 1
        # About as large as the sums, lest they do not matter; one uses all of its bits.
        reach = min(max(1, size << pre_shift), word)
        bias = self.rng.integers(-reach, reach, channels, endpoint=True)
        if self.rng.integers(3) == 0:
            extreme = word if self.rng.integers(2) else -word - 1
            bias[int(self.rng.integers(channels))] = extreme
        return bias

    def fits(self, low: int, high: int) -> bool:
        """Whether an accumulator holds low..high."""
        return max(-low - 1, high).bit_length() < self.hw.bits_sum


# ---------------------------------------------------------------------- windows
def _kernel(network: _Network) -> tuple[int, int]:
    rows, columns = (min(network.choose(_KERNELS), limit) for limit in network.hw.max_kernel)
    return (rows, rows if rows <= columns and network.rng.integers(2) else columns)


def _window(
    network: _Network, size: tuple[int, int], strided: bool
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """Kernel, strides and padding that fit an image; of stride 1 and its size, or not."""
    rng, kernel = network.rng, _kernel(network)
    strides = (network.choose(_STRIDES), network.choose(_STRIDES)) if strided else (1, 1)
    mode = int(rng.integers(4)) if strided else 0
    if mode == 0:
        return kernel, strides, same_padding(size, kernel, strides)
    if mode == 1:
        # Full windows of 2**k elements: averages without a division.
        rows, columns = (
            int(2 ** rng.integers(0, min(length, limit, 8).bit_length()))
            for length, limit in zip(size, network.hw.max_kernel, strict=True)
        )
        return (rows, columns), strides, (0, 0, 0, 0)
    pads = [0, 0, 0, 0]
    if mode == 2:
        pads = [int(rng.integers(0, k)) for k in (kernel[0], kernel[0], kernel[1], kernel[1])]
    kernel = (
        min(kernel[0], size[0] + pads[0] + pads[1]),
        min(kernel[1], size[1] + pads[2] + pads[3]),
    )
    limits = (kernel[0], kernel[0], kernel[1], kernel[1])
    fitted = [min(pad, limit - 1) for pad, limit in zip(pads, limits, strict=True)]
    kernel = (
        min(kernel[0], size[0] + fitted[0] + fitted[1]),
        min(kernel[1], size[1] + fitted[2] + fitted[3]),
    )
    return kernel, strides, (fitted[0], fitted[1], fitted[2], fitted[3])


def _output_size(
    size: tuple[int, int],
    kernel: tuple[int, int],
    strides: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> tuple[int, int]:
    return (
        (size[0] + padding[0] + padding[1] - kernel[0]) // strides[0] + 1,
        (size[1] + padding[2] + padding[3] - kernel[1]) // strides[1] + 1,
    )


# ---------------------------------------------------------------------- layers with weights
def _weighted(
    network: _Network,
    source: Tensor,
    shape: tuple[int, ...],
    build: Callable[[npt.NDArray[np.int64], np.ndarray | None, Requant], RequantNode],
    bits: int | None = None,
) -> bool:
    """Append a layer with random weights of ``shape``, if its sums fit; ``build`` makes it.

    ``bits`` are those of the results, if they are to be fewer than a pixel's.
    """
    word = network.hw.bits_weights
    weights = random_words(network.rng, word, shape)
    output = Requant.identity(-1, 1)
    while True:
        node = build(weights, None, output)
        low, high = _extremes(network.alone(source, node), node)
        if network.fits(low, high):
            break
        if word == 1 or not (np.abs(weights) > 1).any():
            return False
        weights = weights // 2
    size = _typical(low, high, weights.size // shape[-1])
    requant = network.requant(size, bits)
    bias = network.bias(size, shape[-1], requant.pre_shift)
    network.append(build(weights, bias, requant))
    return True


def _typical(low: int, high: int, terms: int) -> int:
    """How large sums of ``terms`` products are that could reach from low to high."""
    # Their signs are random: the sum grows as the root of their number.
    return max(-low, high, 1) // math.isqrt(terms)


def _extremes(graph: Graph, node: ComputeNode) -> tuple[int, int]:
    low, high = accumulator_bounds(graph, node)
    return int(low.min()), int(high.max())


def _filters(network: _Network, peers: Sequence[int]) -> int:
    """Any number of channels, or that of another tensor, so that they can be added."""
    if peers and network.rng.integers(2):
        return network.choose(peers)
    return int(network.rng.integers(1, 31))


def _conv(network: _Network, source: Tensor) -> bool:
    size = (source.height, source.width)
    strided = bool(network.rng.integers(3) == 0)
    kernel, strides, padding = _window(network, size, strided)
    out = _output_size(size, kernel, strides, padding)
    alike = [t.channels for t in network.tensors.values() if (t.height, t.width) == out]
    filters = _filters(network, alike)
    work = kernel[0] * kernel[1] * source.channels * out[0] * out[1]
    filters = max(min(filters, _MAX_WORK // work), 1)
    return _convolve(network, source, filters, kernel, strides, padding, out)


def _convolve(
    network: _Network,
    source: Tensor,
    filters: int,
    kernel: tuple[int, int] = (1, 1),
    strides: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    out: tuple[int, int] | None = None,
    bits: int | None = None,
) -> bool:
    out = out or (source.height, source.width)
    name, output = network.names((*out, filters))
    word = network.hw.bits_weights

    def build(weights: Any, bias: np.ndarray | None, requant: Requant) -> Conv:
        return Conv(name, source.name, output, weights, bias, strides, padding, requant, word, 0)

    return _weighted(network, source, (*kernel, source.channels, filters), build, bits)


def _depthwise(network: _Network, source: Tensor) -> bool:
    size = (source.height, source.width)
    kernel, strides, padding = _window(network, size, bool(network.rng.integers(2)))
    out = _output_size(size, kernel, strides, padding)
    name, output = network.names((*out, source.channels))
    word = network.hw.bits_weights

    def build(weights: Any, bias: np.ndarray | None, requant: Requant) -> Depthwise:
        return Depthwise(
            name, source.name, output, weights, bias, strides, padding, requant, word, 0
        )

    return _weighted(network, source, (*kernel, source.channels), build)


def _dense(network: _Network, source: Tensor) -> bool:
    units = max(min(int(network.rng.integers(1, 31)), _MAX_WORK // source.size), 1)
    name, output = network.names((1, 1, units))
    word = network.hw.bits_weights

    def build(weights: Any, bias: np.ndarray | None, requant: Requant) -> Dense:
        return Dense(name, source.name, output, weights, bias, requant, word, 0)

    return _weighted(network, source, (source.size, units), build)


# ---------------------------------------------------------------------- layers without weights
def _pool(network: _Network, source: Tensor) -> bool:
    rng = network.rng
    kind: Literal["max", "average"] = "max"
    if not is_sign(source.bits) and rng.integers(2):
        kind = "average"
    size = (source.height, source.width)
    kernel, strides, padding = _window(network, size, bool(rng.integers(3)))
    if rng.integers(6) == 0:
        # A global pool.
        kernel, strides, padding = size, (1, 1), (0, 0, 0, 0)
    name, output = network.names((*_output_size(size, kernel, strides, padding), source.channels))
    rounded = kind == "average" and bool(rng.integers(2))

    def build(requant: Requant) -> Pool:
        return Pool(name, kind, source.name, output, kernel, strides, padding, requant, rounded)

    identity = Requant.identity(output.low, output.high)
    node = build(identity)
    low, high = _extremes(network.alone(source, node), node)
    if not network.fits(low, high):
        return False
    if kind == "average":
        count = kernel[0] * kernel[1]
        low, high = low // count, high // count
    if not is_sign(source.bits) and rng.integers(2):
        node = build(network.requant(max(-low, high) // 2))
    network.append(node)
    return True


def _identity(network: _Network, source: Tensor) -> bool:
    """A maximum of single elements, which changes nothing."""
    name, output = network.names(source.shape)
    limits = Requant.identity(output.low, output.high)
    network.append(Pool(name, "max", source.name, output, (1, 1), (1, 1), (0,) * 4, limits))
    return True


def _add(network: _Network, source: Tensor) -> bool:
    rng = network.rng
    other = network.any_of([t for t in network.tensors.values() if t.shape == source.shape])
    if other.name == source.name and rng.integers(4):
        return False
    shifts = int(rng.integers(0, 4)), int(rng.integers(0, 4))
    shift = max(0, max(shifts) + int(rng.integers(-1, 2)))
    bottom = source.low if rng.integers(2) else 0
    slope = network.choose([0, 0, 2]) if bottom else 0
    requant = Requant(0, shift, shift + slope, bottom, source.high)
    inputs = (source.name, other.name) if rng.integers(2) else (other.name, source.name)
    name, output = network.names(source.shape)
    network.append(Add(name, inputs, output, *shifts, requant))
    return True


def _twins(network: _Network, source: Tensor) -> bool:
    """A layer, the same with its weights turned round, and the sum of the two."""
    kinds = (_dense, _pool, _depthwise, _conv)
    if not kinds[int(network.rng.integers(len(kinds)))](network, source):
        return False
    first = network.graph.compute_nodes[-1]
    name, output = network.names(first.output.shape, first.output.fraction)
    changes: dict[str, Any] = {"name": name, "output": output}
    # All of a source's pixels have one range: sums are as large as before.
    if isinstance(first, WeightedNode):
        changes["weights"] = first.weights[::-1]
    second = network.append(first.changed(**changes))
    name, output = network.names(first.output.shape, first.output.fraction)
    requant = Requant(0, 1, 1, output.low, output.high)
    network.append(Add(name, (first.output.name, second.name), output, 0, 0, requant))
    return True


def _concat(network: _Network, source: Tensor) -> bool:
    rng = network.rng
    peers = [
        tensor
        for tensor in network.tensors.values()
        if (tensor.shape[:2], tensor.fraction) == (source.shape[:2], source.fraction)
    ]
    count = int(rng.integers(1, 4))
    chosen = [network.any_of(peers) for _ in range(count)]
    chosen.insert(int(rng.integers(count + 1)), source)
    return _join(network, chosen)


def _join(network: _Network, parts: Sequence[Tensor]) -> bool:
    channels = sum(part.channels for part in parts)
    if channels > _MAX_CHANNELS:
        return False
    name, output = network.names((*parts[0].shape[:2], channels), parts[0].fraction)
    network.append(Concat(name, tuple(part.name for part in parts), output))
    return True


def _slice(network: _Network, source: Tensor) -> bool:
    channels = int(network.rng.integers(1, source.channels + 1))
    first = int(network.rng.integers(0, source.channels - channels + 1))
    _take(network, source, first, channels)
    return True


def _take(network: _Network, source: Tensor, first: int, channels: int) -> Tensor:
    name, output = network.names((*source.shape[:2], channels), source.fraction)
    return network.append(Slice(name, source.name, output, first))


def _upsample(network: _Network, source: Tensor) -> bool:
    limits = [min(limit, _MAX_SIZE) for limit in network.hw.max_image]
    down = [f for f in (1, 2, 3, 4, 5) if f * source.height <= limits[0]]
    right = [f for f in (1, 2, 3, 4, 6) if f * source.width <= limits[1]]
    if not down or not right:
        return False
    factors = network.choose(down), network.choose(right)
    shape = (source.height * factors[0], source.width * factors[1], source.channels)
    name, output = network.names(shape, source.fraction)
    network.append(Upsample(name, source.name, output, factors))
    return True


# ---------------------------------------------------------------------- attention
def _product(network: _Network, own: Tensor, other: Tensor, transpose: bool) -> bool:
    """Append the product of two tensors whose shapes agree, if its sums fit."""
    (a, b), (c, d) = network.span(own), network.span(other)
    reach = max(-a, b) * max(-c, d) * own.channels
    channels = other.height * other.width if transpose else other.channels
    name, output = network.names((own.height, own.width, channels))
    requant = network.requant(_typical(-reach, reach, own.channels))
    node = MatMul(name, (own.name, other.name), output, transpose, requant)
    if channels > _MAX_CHANNELS or own.size * channels > _MAX_WORK:
        return False
    if not network.fits(-reach, reach):
        return False
    network.append(node)
    return True


def _matmul(network: _Network, source: Tensor) -> bool:
    """A product with any tensor that agrees, itself among them."""
    transpose = bool(network.rng.integers(2))

    def agrees(other: Tensor) -> bool:
        terms = other.channels if transpose else other.height * other.width
        return terms == source.channels and network.is_weight(other)

    peers = [tensor for tensor in network.tensors.values() if agrees(tensor)]
    if network.hw.bits_input < _ATTENTION_BITS or not peers:
        return False
    return _product(network, source, network.any_of(peers), transpose)


def _softmax(network: _Network, source: Tensor) -> bool:
    """A softmax of what another layer has made, not of the input or a slice of it."""
    made = source.name
    while (producer := network.producer(made)) is not None and producer.selects:
        made = producer.inputs[0]
    if network.hw.bits_input < _ATTENTION_BITS or producer is None:
        return False
    # Of one channel a softmax is one.
    most = source.channels if network.rng.integers(8) == 0 else max(source.channels // 2, 1)
    runs = [n for n in range(1, most + 1) if source.channels % n == 0]
    _append_softmax(network, source, network.choose(runs))
    return True


def _append_softmax(network: _Network, source: Tensor, runs: int) -> Tensor:
    rng, bits = network.rng, network.hw.bits_input
    # The more channels, the smaller they are.
    share = (source.channels // runs).bit_length()
    fraction = network.choose([bits - 2, bits - 1, bits - 1, bits - 2 + share, bits - 1 + share])
    if rng.integers(3):
        table = softmax_table(int(rng.integers(0, bits)), 1 << min(bits, 10))
    else:
        # Any table that falls, of any size.
        entries = int(rng.integers(1, 1 << min(bits + 1, 10)))
        size = int(rng.integers(1, 33))
        table = np.sort(rng.integers(0, 1 << size, entries))[::-1]
        table = np.maximum(table, np.arange(entries) == 0)
    name, output = network.names(source.shape, fraction)
    low, high = 0, output.high
    if rng.integers(4) == 0:
        low, high = int(rng.integers(output.low, 2)), int(rng.integers(1, output.high + 1))
    return network.append(QuantisedSoftmax(name, source.name, output, runs, table, low, high))


def _attention(network: _Network, source: Tensor) -> bool:
    """Attention of one to three heads, to itself or to another tensor."""
    rng, hw = network.rng, network.hw
    memory = source
    if rng.integers(3) == 0:
        memory = network.any_of(list(network.tensors.values()))
    tokens, heads = memory.height * memory.width, int(rng.integers(1, 4))
    if hw.bits_input < _ATTENTION_BITS or hw.bits_weights < 2:
        return False
    # To a single token there is little to attend.
    if heads * tokens > _MAX_CHANNELS or (tokens == 1 and rng.integers(4)):
        return False
    keys, values = int(rng.integers(1, 7)), int(rng.integers(1, 7))
    # Keys and values are weights.
    narrow = min(hw.bits_input, hw.bits_weights)
    parts: list[list[Tensor]] = []
    for tensor, size, bits in (
        (source, keys, hw.bits_input),
        (memory, keys, narrow),
        (memory, values, narrow),
    ):
        if not _convolve(network, tensor, heads * size, bits=bits):
            return False
        parts.append(_by_head(network, network.last, heads, size))
    scores = _heads(network, parts[0], parts[1], True)
    if not scores:
        return False
    joint = heads > 1 and rng.integers(4) > 0
    if joint:
        _join(network, scores)
        soft = _by_head(network, _append_softmax(network, network.last, heads), heads, tokens)
    else:
        soft = [_append_softmax(network, tensor, 1) for tensor in scores]
    mixed = _heads(network, soft, parts[2], False)
    if not mixed:
        return False
    if heads > 1:
        _join(network, mixed)
    if rng.integers(3):
        _convolve(network, network.last, source.channels)
    return True


def _by_head(network: _Network, tensor: Tensor, heads: int, size: int) -> list[Tensor]:
    if heads == 1:
        return [tensor]
    return [_take(network, tensor, head * size, size) for head in range(heads)]


def _heads(
    network: _Network, own: Sequence[Tensor], other: Sequence[Tensor], transpose: bool
) -> list[Tensor]:
    """The product of each head; none if a sum does not fit."""
    result = []
    for left, right in zip(own, other, strict=True):
        if not _product(network, left, right, transpose):
            return []
        result.append(network.last)
    return result


# How often a layer is drawn.
_SIGN_LAYERS: dict[Layers, float] = {
    _conv: 4,
    _depthwise: 2,
    _pool: 2,
    _dense: 1,
    _concat: 2,
    _slice: 1,
    _upsample: 1,
}
_LAYERS: dict[Layers, float] = {
    **_SIGN_LAYERS,
    _add: 3,
    _matmul: 0.7,
    _softmax: 0.5,
    _attention: 1,
    # Only where a suite asks for them.
    _twins: 0,
}


def _name(kind: Layers) -> str:
    return getattr(kind, "__name__", "").removeprefix("_")


LAYER_NAMES = tuple(_name(kind) for kind in _LAYERS)
