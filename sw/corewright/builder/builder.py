# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The builder: layers one after the other, each calibrated as it is added.

**Weights** are uniform over the symmetric word, from a generator seeded by (seed, layer).
**Biases** and **shifts** come from statistics of the layer's sums. The builder carries a sample of
activations along (see :mod:`corewright.builder.sample`: crops of at most 64x64 of a few random
images, computed with the exact integer operators of ``corewright.golden``), and for each layer

- the bias takes each channel's mean away, as a folded batch norm does, and adds a random quarter
  of a standard deviation, so that neither channels die nor, over many layers, all pixels become
  alike;
- the shift is the smallest with which 99 % of the sums' magnitudes fit into the output word; of
  words narrower than 7 bits, all but a share of ``2**-bits``, lest most of them be zero. So about
  half of the word or more is used, and hardly anything saturates.

An addition is aligned by the operands' fractions and its shift chosen the same way; a product of
activations, too. The fraction of a softmax is the largest with which none of its results on the
sample saturates. Everything is computed in exact integers (but for the table of a softmax): the
same arguments give the same graph on every machine.

Fractions: an activation has ``bits - 1`` fraction bits; what the shift makes of the sums goes to
the weights' fraction, as random weights have no scale of their own. Additions and products have
none to hide it in: it moves the fraction of their result.

**One bit.** With ``bits=1`` all activations are signs, -1 and 1: nothing is shifted, the bias
balances them, and ``activation`` has no effect. Additions, averages, products and softmax need
words of two bits or more. Weights of ``weight_bits=1`` are -1 and 1.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from corewright.builder import sample
from corewright.builder.errors import BuilderError
from corewright.builder.weights import IntArray, layer_weights, load_weights
from corewright.facts.widths import is_sign
from corewright.golden import random_words, requantise
from corewright.graph import (
    MAX_SHIFT,
    MAX_SOFTMAX_FRACTION,
    Add,
    ComputeNode,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    MatMul,
    Node,
    Pool,
    QuantisedSoftmax,
    Requant,
    Slice,
    Softmax,
    Tensor,
    Upsample,
    WeightedNode,
    WindowNode,
    output_shape,
    same_padding,
    softmax_table,
)
from corewright.graph.arithmetic import Int64Array, sign

Activation = Literal["linear", "relu", "leaky"]
Size = int | tuple[int, int]
Padding = Literal["same", "valid"] | int | tuple[int, int, int, int]

# Share of sums that may saturate, if the word is not narrow.
_SATURATED = 0.01
# Standard deviation of random biases, in standard deviations of the sums.
_BIAS_SPREAD = 0.25
# A leaky ReLU has the slope 2**-3.
_LEAK = 3
# A word of attention scores spans -2**2..2**2.
_SCORE_BITS = 2
_MAX_BITS = 16
# Sums are measured in words of this many bits.
_PROBE_BITS = 32


class Builder:
    """Writes a graph; every method adds a layer and returns the tensor that it makes.

    Args:
        name: the graph's.
        height: rows of the input.
        width: columns of the input.
        channels: channels of the input.
        bits: of activations and, unless ``weight_bits`` says otherwise, of weights: 1 to 16.
        seed: of weights, biases and the activations that shifts are measured with.
        weight_bits: 1 to 16.
        weights: instead of random ones; an ``.npz`` file or its arrays, see
            :func:`corewright.builder.load_weights`.

    Raises:
        BuilderError: a value is out of range.
        GraphError: a layer does not fit the tensor that it reads (from the methods, too).
    """

    def __init__(
        self,
        name: str,
        height: int,
        width: int,
        channels: int,
        bits: int = 8,
        seed: int = 1,
        *,
        weight_bits: int | None = None,
        weights: str | os.PathLike[str] | Mapping[str, IntArray] | None = None,
    ) -> None:
        self.name = name
        self.bits = _in_range("bits", bits, 1, _MAX_BITS)
        wanted = bits if weight_bits is None else weight_bits
        self.weight_bits = _in_range("weight_bits", wanted, 1, _MAX_BITS)
        self.seed = _in_range("seed", seed, 0, (1 << 63) - 1)
        self.fraction = self.bits - 1
        self.input = Tensor("image", height, width, channels, self.bits, self.fraction)
        self._nodes: list[Node] = []
        self._given = (
            weights if weights is None or isinstance(weights, Mapping) else load_weights(weights)
        )
        first = sample.random_sample(self.input, np.random.default_rng(self.seed))
        self._samples: dict[str, Int64Array] = {self.input.name: first}

    # ------------------------------------------------------------------ the result
    def graph(self) -> Graph:
        """Return the graph of all layers so far.

        Raises:
            GraphError: there are none.
        """
        weights = "random" if self._given is None else "given"
        metadata = {"builder": {"weights": weights, "seed": self.seed}}
        return Graph(self.name, self.input, tuple(self._nodes), metadata)

    def sample(self, tensor: Tensor) -> Int64Array:
        """Return the (N, h, w, C) crop of activations that the builder carries along."""
        return self._samples[self._known(tensor).name]

    # ------------------------------------------------------------------ layers with weights
    def conv(
        self,
        source: Tensor,
        filters: int,
        kernel: Size,
        strides: Size = 1,
        padding: Padding = "same",
        *,
        activation: Activation = "relu",
        name: str | None = None,
    ) -> Tensor:
        """Add a convolution.

        Args:
            source: (H, W, CI).
            filters: output channels.
            kernel: an int or (rows, columns).
            strides: an int or (rows, columns).
            padding: TensorFlow's ``"same"``, ``"valid"``, zeros on all sides, or (top, bottom,
                left, right).
            activation: ``linear``, ``relu``, or ``leaky`` (slope 1/8); none matters to one bit.
            name: the layer's; left out: kind and number.
        """
        layer = self._name("conv", name)
        window, steps = _pair(layer, "kernel", kernel), _pair(layer, "strides", strides)
        channels = _in_range(f"layer '{layer}': filters", filters, 1, 1 << 16)
        weights, bias, shift = self._weights(layer, (*window, source.channels, channels))
        node = Conv(
            layer,
            self._known(source).name,
            Tensor(f"{layer}.out", 1, 1, channels, _PROBE_BITS, 0),
            weights,
            None,
            steps,
            _padding(layer, source, window, steps, padding),
            Requant(0, 0, 0, 0, 0),
            self.weight_bits,
            0,
        )
        return self._calibrated(node, source, bias, shift, activation)

    def depthwise(
        self,
        source: Tensor,
        kernel: Size,
        strides: Size = 1,
        padding: Padding = "same",
        *,
        activation: Activation = "relu",
        name: str | None = None,
    ) -> Tensor:
        """Add a convolution of each channel by itself; arguments as :meth:`conv`."""
        layer = self._name("depthwise", name)
        window, steps = _pair(layer, "kernel", kernel), _pair(layer, "strides", strides)
        weights, bias, shift = self._weights(layer, (*window, source.channels))
        node = Depthwise(
            layer,
            self._known(source).name,
            Tensor(f"{layer}.out", 1, 1, source.channels, _PROBE_BITS, 0),
            weights,
            None,
            steps,
            _padding(layer, source, window, steps, padding),
            Requant(0, 0, 0, 0, 0),
            self.weight_bits,
            0,
        )
        return self._calibrated(node, source, bias, shift, activation)

    def dense(
        self,
        source: Tensor,
        units: int,
        *,
        activation: Activation = "relu",
        name: str | None = None,
    ) -> Tensor:
        """Add a fully connected layer; a feature map is flattened in (h, w, channel) order."""
        layer = self._name("dense", name)
        channels = _in_range(f"layer '{layer}': units", units, 1, 1 << 16)
        weights, bias, shift = self._weights(layer, (self._known(source).size, channels))
        node = Dense(
            layer,
            source.name,
            Tensor(f"{layer}.out", 1, 1, channels, _PROBE_BITS, 0),
            weights,
            None,
            Requant(0, 0, 0, 0, 0),
            self.weight_bits,
            0,
        )
        return self._calibrated(node, source, bias, shift, activation)

    # ------------------------------------------------------------------ layers without weights
    def pool(
        self,
        source: Tensor,
        window: Size,
        strides: Size | None = None,
        padding: Padding = "valid",
        *,
        kind: Literal["max", "average"] = "max",
        name: str | None = None,
    ) -> Tensor:
        """Add a maximum or average of windows; strides left out are the window's size."""
        layer = self._name("pool", name)
        size = _pair(layer, "window", window)
        steps = size if strides is None else _pair(layer, "strides", strides)
        pads = _padding(layer, self._known(source), size, steps, padding)
        requant = Requant.identity(source.low, source.high)
        output = dataclasses.replace(source, name=f"{layer}.out", height=1, width=1)
        node = Pool(layer, kind, source.name, output, size, steps, pads, requant)
        node = dataclasses.replace(node, output=_shaped(node, output, source))
        x, pads, lengths = self._window(node, source)
        probe = dataclasses.replace(node, padding=pads, output=_resized(node.output, lengths))
        return self._append(node, probe.evaluate([x], 0))

    def global_average(self, source: Tensor, *, name: str | None = None) -> Tensor:
        """Add the average of each channel."""
        size = (source.height, source.width)
        return self.pool(source, size, kind="average", name=name or self._name("average", None))

    def add(
        self,
        own: Tensor,
        other: Tensor,
        *,
        activation: Activation = "relu",
        name: str | None = None,
    ) -> Tensor:
        """Add the sum of two tensors of one shape, aligned by their fractions."""
        layer = self._name("add", name)
        finest = max(self._known(own).fraction, self._known(other).fraction)
        shifts = [finest - tensor.fraction for tensor in (own, other)]
        for tensor, left in zip((own, other), shifts, strict=True):
            _in_range(f"layer '{layer}': left shift of '{tensor.name}'", left, 0, 15)
        output = Tensor(f"{layer}.out", *own.shape, _PROBE_BITS, 0)
        probe = Requant.identity(output.low, output.high)
        node = Add(layer, (own.name, other.name), output, shifts[0], shifts[1], probe)
        output_shape(node, own, other)
        operands = sample.common_crop([self._samples[own.name], self._samples[other.name]])
        value = node.evaluate(operands, 0)
        requant = self._requant(layer, self._shift(value), activation)
        fraction = finest - requant.shift
        node = dataclasses.replace(
            node,
            output=Tensor(output.name, *own.shape, self.bits, fraction),
            requant=requant,
        )
        return self._append(node, requantise(value, None, requant))

    def concat(self, *sources: Tensor, name: str | None = None) -> Tensor:
        """Add the tensors' channels, one after the other; their fractions have to be equal."""
        layer = self._name("concat", name)
        names = tuple(self._known(tensor).name for tensor in sources)
        if len(names) < 2:
            raise BuilderError(f"layer '{layer}': has {len(names)} inputs, legal are two or more")
        channels = sum(tensor.channels for tensor in sources)
        output = dataclasses.replace(sources[0], name=f"{layer}.out", channels=channels)
        node = Concat(layer, names, output)
        output_shape(node, *sources)
        crops = sample.common_crop([self._samples[name] for name in names])
        return self._append(node, np.concatenate(crops, axis=-1))

    def upsample(self, source: Tensor, factors: Size, *, name: str | None = None) -> Tensor:
        """Add a repetition of each pixel in rows and columns."""
        layer = self._name("upsample", name)
        pair = _pair(layer, "factors", factors)
        height, width = source.height * pair[0], source.width * pair[1]
        output = dataclasses.replace(source, name=f"{layer}.out", height=height, width=width)
        node = Upsample(layer, self._known(source).name, output, pair)
        return self._append(node, node.evaluate([self._samples[source.name]], 0))

    def slice(
        self, source: Tensor, first_channel: int, channels: int, *, name: str | None = None
    ) -> Tensor:
        """Add a copy of ``channels`` channels of a tensor, from ``first_channel`` on."""
        layer = self._name("slice", name)
        count = _in_range(f"layer '{layer}': channels", channels, 1, self._known(source).channels)
        output = dataclasses.replace(source, name=f"{layer}.out", channels=count)
        node = Slice(layer, source.name, output, first_channel)
        output_shape(node, source)
        return self._append(node, node.evaluate([self._samples[source.name]], 0))

    # ------------------------------------------------------------------ attention
    def matmul(
        self,
        own: Tensor,
        other: Tensor,
        *,
        transpose_b: bool = False,
        scale: int = 0,
        activation: Activation = "linear",
        name: str | None = None,
    ) -> Tensor:
        """Add the product of two activations of an image.

        Args:
            own: (H, W, C): H*W rows of C features.
            other: (Hb, Wb, N), Hb*Wb = C; or (Hb, Wb, C) with ``transpose_b``.
            transpose_b: multiply by the rows of ``other`` as columns; the result has Hb*Wb
                channels.
            scale: the result stands for ``2**-scale`` times the product; costs nothing.
            activation: as for :meth:`conv`.
            name: the layer's.
        """
        layer = self._name("matmul", name)
        return self._products([(layer, own, other)], transpose_b, scale, activation)[0]

    def quantised_softmax(
        self,
        source: Tensor,
        runs: int = 1,
        *,
        fraction: int | None = None,
        name: str | None = None,
    ) -> Tensor:
        """Add a softmax of integers over each of ``runs`` equal runs of channels, on the host.

        Args:
            source: (H, W, C), C a multiple of ``runs``.
            runs: softmaxes of a pixel.
            fraction: of the result; left out, the largest with which no result on the sample
                saturates, but for a one itself.
            name: the layer's.
        """
        layer = self._name("quantised_softmax", name)
        table = softmax_table(self._known(source).fraction, 1 << source.bits)
        x = self._samples[source.name]

        def node(fraction: int, bits: int) -> QuantisedSoftmax:
            output = Tensor(f"{layer}.out", *source.shape, bits, fraction)
            return QuantisedSoftmax(layer, source.name, output, runs, table, 0, output.high)

        if fraction is None:
            fine = MAX_SOFTMAX_FRACTION
            largest = int(node(fine, _PROBE_BITS).evaluate([x], 0).max())
            # A one would need another bit: it saturates.
            largest = min(largest, (1 << fine) - (1 << (fine - self.bits + 1)))
            fraction = max(fine - self._right_shift(largest), 0)
        final = node(fraction, self.bits)
        return self._append(final, final.evaluate([x], 0))

    def attention(
        self,
        source: Tensor,
        heads: int,
        key_channels: int | None = None,
        *,
        channels: int | None = None,
        name: str | None = None,
    ) -> Tensor:
        """Add multi-head self-attention; tokens are pixels, (1, T, C) or a map.

        Queries, keys and values are 1x1 convolutions, sliced by head. Random weights have no scale
        of their own, so the scores are scaled by the power of two with which their word spans
        -4..4: neither is all the attention one pixel's nor is it everywhere alike. The softmax of
        all heads is one node, so that the host is visited once; the heads' results are joined and
        projected by another 1x1 convolution. Layers are named ``NAME.query``, ``NAME.key``, ...,
        the projection ``NAME``.

        Args:
            source: (H, W, C).
            heads: number of heads.
            key_channels: of queries, keys and values of a head; left out, C / heads.
            channels: of the result; left out, C.
            name: the layer's.
        """
        layer = self._name("attention", name)
        _in_range(f"layer '{layer}': heads", heads, 1, 1 << 12)
        if key_channels is None:
            key_channels = self._known(source).channels // heads
        width = _in_range(f"layer '{layer}': key_channels", key_channels, 1, 1 << 16)

        def by_head(tensor: Tensor, part: str, size: int) -> list[Tensor]:
            if heads == 1:
                return [tensor]
            return [
                self.slice(tensor, head * size, size, name=f"{layer}.{part}{head}")
                for head in range(heads)
            ]

        def joined(parts: list[Tensor], part: str) -> Tensor:
            return parts[0] if heads == 1 else self.concat(*parts, name=f"{layer}.{part}")

        query, key, value = (
            by_head(
                self.conv(source, heads * width, 1, activation="linear", name=f"{layer}.{part}"),
                part,
                width,
            )
            for part in ("query", "key", "value")
        )
        scores = self._products(
            [(f"{layer}.score{h}", query[h], key[h]) for h in range(heads)], True, None, "linear"
        )
        weights = self.quantised_softmax(joined(scores, "scores"), heads, name=f"{layer}.softmax")
        mixed = self._products(
            [
                (f"{layer}.mix{h}", part, value[h])
                for h, part in enumerate(by_head(weights, "weights", scores[0].channels))
            ],
            False,
            0,
            "linear",
        )
        units = source.channels if channels is None else channels
        return self.conv(joined(mixed, "mixed"), units, 1, activation="linear", name=layer)

    def _products(
        self,
        operands: Sequence[tuple[str, Tensor, Tensor]],
        transpose_b: bool,
        scale: int | None,
        activation: Activation,
    ) -> list[Tensor]:
        """Add products of (layer, own, other) with one requantisation, so that they can be joined.

        The tensors of all layers have equal shapes and fractions. Without ``scale`` the results
        are scaled to words that span -4..4.
        """
        layer, first, second = operands[0]
        if scale is not None:
            _in_range(f"layer '{layer}': scale", scale, -MAX_SHIFT, MAX_SHIFT)
        for tensor in {t.name: t for _, own, other in operands for t in (own, other)}.values():
            self._known(tensor)
        pixels = second.height * second.width
        channels = pixels if transpose_b else second.channels
        bound = first.channels << (first.bits + second.bits - 2)
        # As for layers with weights: sums beyond 32 bits are measured without their last bits.
        coarse = max(bound.bit_length() + 1 - _PROBE_BITS, 0)
        output = Tensor("sums", first.height, first.width, channels, _PROBE_BITS, 0)
        probe = Requant(0, coarse, coarse, output.low, output.high)
        sums: list[Int64Array] = []
        for name, own, other in operands:
            node = MatMul(name, (own.name, other.name), output, transpose_b, probe)
            output_shape(node, own, other)
            x, y = self._samples[own.name], sample.whole_map(self._samples[other.name], other)
            sums.append(node.evaluate([x, y], bound))
        shift = self._shift(np.stack(sums)) + coarse
        requant = self._requant(layer, shift, activation)
        fraction = self.bits - 1 - _SCORE_BITS
        if scale is not None:
            fraction = first.fraction + second.fraction - shift + scale
        results = []
        for (name, own, other), values in zip(operands, sums, strict=True):
            final = Tensor(f"{name}.out", *output.shape, self.bits, fraction)
            node = MatMul(name, (own.name, other.name), final, transpose_b, requant)
            results.append(self._append(node, _requantised(values, requant, coarse)))
        return results

    def space_to_depth(self, source: Tensor, block: int, *, name: str | None = None) -> Tensor:
        """Add a rearrangement of blocks of pixels into channels, phase after phase.

        Channel ``(row * block + column) * C + c`` of the result is channel c of each block's pixel
        (row, column): one depthwise convolution with a single one for each phase, and a
        concatenation. H and W have to be multiples of ``block``, weights of two bits or more.
        """
        layer = self._name("space_to_depth", name)
        _in_range(f"layer '{layer}': block", block, 2, 1 << 8)
        if source.height % block or source.width % block:
            raise BuilderError(
                f"layer '{layer}': '{source.name}' is {source.height}x{source.width}, "
                f"legal are multiples of {block}"
            )
        phases = []
        for row, column in np.ndindex(block, block):
            weights = np.zeros((block, block, source.channels), dtype=np.int8)
            weights[row, column] = 1
            output = Tensor(
                f"{layer}.phase{row}{column}.out",
                source.height // block,
                source.width // block,
                source.channels,
                source.bits,
                source.fraction,
            )
            node = Depthwise(
                f"{layer}.phase{row}{column}",
                self._known(source).name,
                output,
                weights,
                None,
                (block, block),
                (0, 0, 0, 0),
                Requant.identity(source.low, source.high),
                self.weight_bits,
                0,
            )
            x, pads, lengths = self._window(node, source)
            probe = dataclasses.replace(node, padding=pads, output=_resized(output, lengths))
            phases.append(self._append(node, probe.evaluate([x], 1 << source.bits)))
        return self.concat(*phases, name=layer)

    def softmax(self, source: Tensor) -> None:
        """End the graph with a softmax, which is computed in floating point on the host."""
        self._nodes.append(Softmax(self._name("softmax", "softmax"), self._known(source).name))

    # ------------------------------------------------------------------ calibration
    @property
    def _high(self) -> int:
        return self.input.high

    def _calibrated(
        self,
        node: WeightedNode,
        source: Tensor,
        bias: IntArray | None,
        shift: int | None,
        activation: Activation,
    ) -> Tensor:
        """Append ``node``, of which bias, requantisation and output are still to be chosen."""
        # The largest magnitude of a sum, from the weights themselves.
        taps = node.weights.reshape(-1, node.weights.shape[-1])
        bound = int(np.abs(taps).sum(axis=0, dtype=np.int64).max()) << (source.bits - 1)
        # Sums beyond 32 bits (16-bit words) are measured without their last bits.
        coarse = max(bound.bit_length() + 1 - _PROBE_BITS, 0)
        low, high = -(1 << (_PROBE_BITS - 1)), (1 << (_PROBE_BITS - 1)) - 1
        output = _shaped(node, node.output, source)
        requant = Requant(0, coarse, coarse, low, high)
        changes: dict[str, Any] = {"requant": requant}
        if isinstance(node, WindowNode):
            x, changes["padding"], lengths = self._window(node, source)
            changes["output"] = _resized(output, lengths)
        else:
            x = sample.whole_map(self._samples[source.name], source)
        sums = node.changed(**changes).evaluate([x], bound)
        if self._given is None:
            bias = self._bias(node.name, sums) << coarse
        value = sums
        if bias is not None:
            if np.shape(bias) != (output.channels,):
                raise BuilderError(
                    f"layer '{node.name}': bias has shape {np.shape(bias)}, "
                    f"legal is ({output.channels},)"
                )
            value = sums + (np.asarray(bias, dtype=np.int64) >> coarse)
        if shift is None:
            shift = self._shift(value) + coarse
        final = self._requant(node.name, shift, activation)
        finished = node.changed(
            output=dataclasses.replace(output, bits=self.bits, fraction=self.fraction),
            bias=bias,
            requant=final,
            weight_fraction=shift + self.fraction - source.fraction,
        )
        kept = _requantised(value, final, coarse)
        return self._append(finished, sign(kept) if is_sign(self.bits) else kept)

    def _window(
        self, node: WindowNode, source: Tensor
    ) -> tuple[Int64Array, tuple[int, int, int, int], tuple[int, int]]:
        """Sample of ``source`` for a sliding window, padding left to do, size of the result."""
        window = node.window_size
        top, bottom, left, right = node.padding
        x = self._samples[source.name]
        x, rows, height = sample.pad_axis(
            x, 1, source.height, window[0], node.strides[0], (top, bottom)
        )
        x, columns, width = sample.pad_axis(
            x, 2, source.width, window[1], node.strides[1], (left, right)
        )
        return x, (*rows, *columns), (height, width)

    def _bias(self, layer: str, sums: Int64Array) -> npt.NDArray[np.int64]:
        """Take each channel's mean away and add a little noise; int64 (C,)."""
        flat = sums.reshape(-1, sums.shape[-1])
        # Integers: the mean does not depend on how NumPy orders floating-point sums.
        mean = flat.sum(axis=0) // len(flat)
        centred = flat - mean
        # 20 bits and the sign: squares of four million of them still sum up exactly.
        fine = max(int(np.abs(centred).max()).bit_length() - 20, 0)
        spread = math.isqrt(int(((centred >> fine) ** 2).sum()) // centred.size) << fine
        # Sums that do not vary (narrow words saturate) leave channels that differ by their bias.
        spread = spread or int(np.abs(mean).max())
        noise = self._rng(layer, 1).integers(-1000, 1000, len(mean), endpoint=True)
        # A uniform distribution of that width has 1/sqrt(3) of it as standard deviation.
        width = int(spread * _BIAS_SPREAD * 1.7320508)
        return np.asarray(-mean + noise * width // 1000, dtype=np.int64)

    def _shift(self, value: Int64Array) -> int:
        """The smallest right shift with which enough of the magnitudes fit into the word."""
        if is_sign(self.bits):
            return 0
        magnitudes = np.abs(value).ravel()
        share = 1 - max(_SATURATED, 2.0**-self.bits)
        index = min(int(len(magnitudes) * share), len(magnitudes) - 1)
        return self._right_shift(int(np.partition(magnitudes, index)[index]))

    def _right_shift(self, largest: int) -> int:
        """The smallest right shift with which ``largest`` fits into the word."""
        return max(-(-largest // self._high) - 1, 0).bit_length()

    def _requant(self, layer: str, shift: int, activation: Activation) -> Requant:
        _in_range(f"layer '{layer}': shift", shift, 0, MAX_SHIFT - _LEAK)
        if activation not in ("linear", "relu", "leaky"):
            raise BuilderError(
                f"layer '{layer}': activation is {activation!r}, legal are linear, relu, leaky"
            )
        if is_sign(self.bits):
            return Requant.identity(-1, 1)
        negative = shift + _LEAK if activation == "leaky" else shift
        low = 0 if activation == "relu" else -self._high - 1
        return Requant(0, shift, negative, low, self._high)

    # ------------------------------------------------------------------ bookkeeping
    def _weights(
        self, layer: str, shape: tuple[int, ...]
    ) -> tuple[IntArray, IntArray | None, int | None]:
        if self._given is not None:
            return layer_weights(self._given, layer, shape)
        kind: type[np.integer] = np.int8 if self.weight_bits <= 8 else np.int16
        if is_sign(self.weight_bits):
            return random_words(self._rng(layer, 0), 1, shape).astype(kind), None, None
        high = (1 << (self.weight_bits - 1)) - 1
        values = self._rng(layer, 0).integers(-high, high, shape, dtype=kind, endpoint=True)
        return values, None, None

    def _rng(self, layer: str, purpose: int) -> np.random.Generator:
        """Independent of what other layers draw."""
        return np.random.default_rng([self.seed, purpose, *layer.encode()])

    def _name(self, kind: str, name: str | None) -> str:
        # What a layer is made of has a dot in its name.
        whole = [node.name for node in self._nodes if "." not in node.name]
        result = name or f"{kind}{1 + sum(other.startswith(kind) for other in whole)}"
        if any(node.name == result for node in self._nodes):
            raise BuilderError(f"layer '{result}': the name occurs twice, names must be unique")
        return result

    def _known(self, tensor: Tensor) -> Tensor:
        if tensor.name not in self._samples:
            raise BuilderError(
                f"tensor '{tensor.name}' is not of graph '{self.name}', "
                f"legal are {sorted(self._samples)}"
            )
        return tensor

    def _append(self, node: ComputeNode, values: Int64Array) -> Tensor:
        self._nodes.append(node)
        height, width = node.output.height, node.output.width
        self._samples[node.output.name] = values[:, :height, :width]
        return node.output


def _requantised(sums: Int64Array, requant: Requant, coarse: int) -> Int64Array:
    """Requantise sums that lack their last ``coarse`` bits."""
    return requantise(
        sums,
        None,
        dataclasses.replace(
            requant,
            shift=max(requant.shift - coarse, 0),
            negative_shift=max(requant.negative_shift - coarse, 0),
        ),
    )


def _shaped(node: Node, output: Tensor, *sources: Tensor) -> Tensor:
    height, width, _ = output_shape(node, *sources)
    return _resized(output, (height, width))


def _resized(output: Tensor, size: Sequence[int]) -> Tensor:
    return dataclasses.replace(output, height=size[0], width=size[1])


def _in_range(what: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise BuilderError(f"{what} is {value!r}, legal is an integer {low}..{high}")
    if not low <= value <= high:
        raise BuilderError(f"{what} is {value}, legal is {low}..{high}")
    return int(value)


def _pair(layer: str, what: str, value: Size) -> tuple[int, int]:
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) != 2:
        raise BuilderError(f"layer '{layer}': {what} is {value!r}, legal is an int or a pair")
    where = f"layer '{layer}': {what}"
    return _in_range(where, pair[0], 1, 1 << 15), _in_range(where, pair[1], 1, 1 << 15)


def _padding(
    layer: str, source: Tensor, window: tuple[int, int], strides: tuple[int, int], padding: Padding
) -> tuple[int, int, int, int]:
    if padding == "same":
        return same_padding((source.height, source.width), window, strides)
    if padding == "valid":
        return 0, 0, 0, 0
    if isinstance(padding, tuple) and len(padding) == 4:
        return padding
    if isinstance(padding, int) and not isinstance(padding, bool):
        return padding, padding, padding, padding
    raise BuilderError(
        f"layer '{layer}': padding is {padding!r}, legal are 'same', 'valid', an int, or "
        "(top, bottom, left, right)"
    )
