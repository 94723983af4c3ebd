# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the hardware's widths hold of a node: pixels, weights, kernels, sums."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corewright.compiler.errors import CompileError
from corewright.compiler.operation import Pair
from corewright.facts.widths import POST_GUARD_BITS, is_sign
from corewright.graph import ComputeNode, Graph, accumulator_bounds, value_range
from corewright.hardware import Hardware

Int64Array = npt.NDArray[np.int64]


def check_pixels(graph: Graph, node: ComputeNode, hw: Hardware) -> None:
    """Refuse tensors wider than the hardware's pixels."""
    for name in (*node.inputs, node.output.name):
        low, high = value_range(graph, name)
        sign = is_sign(graph.tensor(name).bits) and is_sign(hw.bits_input)
        bits = 1 if sign else signed_bits(low, high)
        if is_sign(hw.bits_input) and not is_sign(bits):
            raise CompileError(
                node.name,
                f"tensor '{name}' spans {low}..{high}, pixels of one bit are -1 or 1",
                parameter="bits_input",
                needed=max(bits, 2),
            )
        if bits > hw.bits_input:
            raise CompileError(
                node.name,
                f"tensor '{name}' spans {low}..{high}, pixels have {hw.bits_input} bits",
                parameter="bits_input",
                needed=bits,
            )


def check_weights(layer: str, span: Pair, binary: bool, hw: Hardware) -> None:
    """Refuse weights, of which all are -1 or 1 if ``binary``, wider than the hardware's."""
    low, high = span
    bits = 1 if binary and is_sign(hw.bits_weights) else max(signed_bits(low, high), 2)
    if bits > hw.bits_weights:
        raise CompileError(
            layer,
            f"weights span {low}..{high}, the hardware's have {hw.bits_weights} "
            + ("bit, -1 or 1" if is_sign(hw.bits_weights) else "bits"),
            parameter="bits_weights",
            needed=bits,
        )


def check_kernel(layer: str, kernel: Pair, hw: Hardware) -> None:
    """Refuse kernels larger than the hardware's."""
    for what, size, limit in zip(("rows", "columns"), kernel, hw.max_kernel, strict=True):
        if size > limit:
            raise CompileError(
                layer,
                f"the kernel has {size} {what}, max_kernel_size allows {limit}",
                parameter="max_kernel_size",
                needed=size,
            )


def check_sums(graph: Graph, node: ComputeNode, hw: Hardware) -> tuple[Int64Array, Int64Array]:
    """Refuse sums wider than accumulators; returns their bounds."""
    lows, highs = accumulator_bounds(graph, node)
    low, high = int(lows.min()), int(highs.max())
    bits = signed_bits(low, high)
    if bits > hw.bits_sum:
        raise CompileError(
            node.name,
            f"sums reach {low}..{high}, accumulators have {hw.bits_sum} bits",
            parameter="bits_sum",
            needed=bits,
        )
    return lows, highs


def check_shifted_sums(
    layer: str,
    bounds: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    hw: Hardware,
    biases: npt.NDArray[np.int64] | None = None,
) -> None:
    """Refuse sums with pre-shift and bias, or biases, wider than post-processing's."""
    low, high = int(bounds[0].min()), int(bounds[1].max())
    least, largest = (0, 0) if biases is None else (int(biases.min()), int(biases.max()))
    # The bias by itself has to fit as well.
    bits = max(signed_bits(low, high), signed_bits(least, largest))
    if bits > hw.post_bits:
        raise CompileError(
            layer,
            f"sums with pre-shift and bias reach {low}..{high}, post-processing has "
            f"{hw.post_bits} bits (bits_sum + {POST_GUARD_BITS})",
            parameter="bits_sum",
            needed=bits - POST_GUARD_BITS,
        )


def signed_bits(low: int, high: int) -> int:
    """Bits of a two's complement word that holds low..high."""
    return max(max(high, 0).bit_length(), (-min(low, 0) - 1).bit_length() if low < 0 else 0) + 1
