# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Full-size networks with seeded random 8-bit weights: for the speed of tools and of programs."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from corewright.graph import (
    Add,
    ComputeNode,
    Conv,
    Dense,
    Depthwise,
    Graph,
    Pool,
    Requant,
    Tensor,
)

_LOW, _HIGH = -128, 127


class NetworkBuilder:
    """Adds layers one after the other; all integers have 8 bits.

    Shifts are chosen so that random pixels stay random pixels through all layers.
    """

    def __init__(self, name: str, height: int, width: int, channels: int, seed: int = 0) -> None:
        self.name = name
        self.input = Tensor("image", height, width, channels, 8, 0)
        self.nodes: list[ComputeNode] = []
        self.rng = np.random.default_rng(seed)

    def graph(self) -> Graph:
        """The network as built so far."""
        return Graph(self.name, self.input, tuple(self.nodes))

    def _name(self, kind: str) -> str:
        return f"{kind}{len(self.nodes)}"

    def _weights(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.rng.integers(_LOW, _HIGH + 1, shape, dtype=np.int8)

    def _requant(self, taps: int, *, relu: bool) -> Requant:
        shift = round(math.log2(math.sqrt(taps) * 74))
        return Requant(0, shift, shift, 0 if relu else _LOW, _HIGH)

    def _output(
        self, source: Tensor, name: str, kernel: int, stride: int, pad: int, co: int
    ) -> Tensor:
        height, width = (
            (size + 2 * pad - kernel) // stride + 1 for size in (source.height, source.width)
        )
        return Tensor(f"{name}_out", height, width, co, 8, 0)

    def _append(self, node: ComputeNode) -> Tensor:
        self.nodes.append(node)
        return node.output

    def conv(
        self, source: Tensor, filters: int, kernel: int, stride: int = 1, *, relu: bool = True
    ) -> Tensor:
        """A convolution with (kernel - 1) // 2 zeros on each side."""
        name, pad = self._name("conv"), (kernel - 1) // 2
        taps = kernel * kernel * source.channels
        return self._append(
            Conv(
                name,
                source.name,
                self._output(source, name, kernel, stride, pad, filters),
                self._weights((kernel, kernel, source.channels, filters)),
                self.rng.integers(-1000, 1000, filters),
                (stride, stride),
                (pad,) * 4,
                self._requant(taps, relu=relu),
                8,
                0,
            )
        )

    def depthwise(self, source: Tensor, kernel: int, stride: int = 1) -> Tensor:
        """A depthwise convolution with (kernel - 1) // 2 zeros on each side."""
        name, pad = self._name("depthwise"), (kernel - 1) // 2
        return self._append(
            Depthwise(
                name,
                source.name,
                self._output(source, name, kernel, stride, pad, source.channels),
                self._weights((kernel, kernel, source.channels)),
                self.rng.integers(-1000, 1000, source.channels),
                (stride, stride),
                (pad,) * 4,
                self._requant(kernel * kernel, relu=True),
                8,
                0,
            )
        )

    def dense(self, source: Tensor, units: int, *, relu: bool = True) -> Tensor:
        """A fully connected layer on the flattened source."""
        name = self._name("dense")
        return self._append(
            Dense(
                name,
                source.name,
                Tensor(f"{name}_out", 1, 1, units, 8, 0),
                self._weights((source.size, units)),
                self.rng.integers(-1000, 1000, units),
                self._requant(source.size, relu=relu),
                8,
                0,
            )
        )

    def pool(
        self,
        source: Tensor,
        window: int,
        stride: int,
        pad: int = 0,
        *,
        kind: Literal["max", "average"] = "max",
    ) -> Tensor:
        """A pool with ``pad`` elements left out on each side."""
        name = self._name("pool")
        return self._append(
            Pool(
                name,
                kind,
                source.name,
                self._output(source, name, window, stride, pad, source.channels),
                (window, window),
                (stride, stride),
                (pad,) * 4,
                Requant.identity(_LOW, _HIGH),
            )
        )

    def add(self, main: Tensor, other: Tensor) -> Tensor:
        """A residual addition with ReLU."""
        name = self._name("add")
        output = Tensor(f"{name}_out", *main.shape, 8, 0)
        requant = Requant(0, 0, 0, 0, _HIGH)
        return self._append(Add(name, (main.name, other.name), output, 0, 0, requant))


def resnet50(size: int = 224) -> Graph:
    """ResNet-50 (He et al., 2015; strides in the 3x3 convolutions, as in torchvision)."""
    net = NetworkBuilder("resnet50", size, size, 3)
    x = net.pool(net.conv(net.input, 64, 7, 2), 3, 2, 1)
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 64 << stage
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            y = net.conv(x, width, 1)
            y = net.conv(y, width, 3, stride)
            y = net.conv(y, 4 * width, 1, relu=False)
            if not block:
                x = net.conv(x, 4 * width, 1, stride, relu=False)
            x = net.add(y, x)
    net.dense(net.pool(x, x.height, 1, kind="average"), 1000, relu=False)
    return net.graph()


def vgg16(size: int = 224) -> Graph:
    """VGG-16 (Simonyan and Zisserman, 2014)."""
    net = NetworkBuilder("vgg16", size, size, 3)
    x = net.input
    for width, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            x = net.conv(x, width, 3)
        x = net.pool(x, 2, 2)
    for units in (4096, 4096, 1000):
        x = net.dense(x, units, relu=units != 1000)
    return net.graph()


def alexnet() -> Graph:
    """AlexNet (Krizhevsky, 2014: one tower), 227x227 so that the first layer needs no padding."""
    net = NetworkBuilder("alexnet", 227, 227, 3)
    x = _unpadded(net, 64, 11, 4)
    x = net.conv(net.pool(x, 3, 2), 192, 5)
    x = net.pool(x, 3, 2)
    for filters in (384, 256, 256):
        x = net.conv(x, filters, 3)
    x = net.pool(x, 3, 2)
    for units in (4096, 4096, 1000):
        x = net.dense(x, units, relu=units != 1000)
    return net.graph()


def _unpadded(net: NetworkBuilder, filters: int, kernel: int, stride: int) -> Tensor:
    name, source = net._name("conv"), net.input
    return net._append(
        Conv(
            name,
            source.name,
            net._output(source, name, kernel, stride, 0, filters),
            net._weights((kernel, kernel, source.channels, filters)),
            None,
            (stride, stride),
            (0, 0, 0, 0),
            net._requant(kernel * kernel * source.channels, relu=True),
            8,
            0,
        )
    )


def mobilenet(size: int = 224) -> Graph:
    """MobileNet (Howard et al., 2017), width 1."""
    net = NetworkBuilder("mobilenet", size, size, 3)
    x = net.conv(net.input, 32, 3, 2)
    strides = {128: 2, 256: 2, 512: 2, 1024: 2}
    for filters in (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024):
        x = net.conv(net.depthwise(x, 3, strides.pop(filters, 1)), filters, 1)
    net.dense(net.pool(x, x.height, 1, kind="average"), 1000, relu=False)
    return net.graph()
