# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Products of two activations: weights are read from a tensor in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from corewright.compiler.errors import CompileError
from corewright.compiler.limits import check_shifted_sums, check_sums, check_weights
from corewright.compiler.operation import (
    Contents,
    HostOperation,
    Operation,
    TensorSlice,
    pixel_limits,
)
from corewright.compiler.room import Context, Lowering, lowers
from corewright.facts.widths import is_sign
from corewright.graph import Graph, MatMul, Requant, macs, value_bounds, value_range
from corewright.hardware import Hardware
from corewright.program import Opcode


@lowers(MatMul)
class MatMulLowering(Lowering[MatMul]):
    """A convolution whose weights are a tensor, behind the transposition of that if need be.

    The weights' rows are output channels, so that the right factor of `A * B` is transposed first,
    by a product with the identity.
    """

    def check(self, graph: Graph, node: MatMul, hw: Hardware) -> None:
        """The right factor as weights, and sums."""
        right = node.inputs[1]
        binary = is_sign(graph.tensor(right).bits)
        check_weights(node.name, value_range(graph, right), binary, hw)
        check_sums(graph, node, hw)
        check_shifted_sums(node.name, value_bounds(graph, node), hw)

    def lower(self, context: Context, node: MatMul) -> Iterator[Operation | HostOperation]:
        """Yield the product, behind the transposition."""
        hw, places = context.hardware, context.places
        size, factor_size = (context.size(name) for name in node.inputs)
        factor = places[node.inputs[1]]
        common: dict[str, Any] = {
            "opcode": Opcode.CONV,
            "kernel": (1, 1),
            "strides": (1, 1),
            "padding": (0, 0),
            "weights": None,
            "bias": None,
            "round_first": False,
        }
        if not node.transpose_b:
            if is_sign(hw.bits_input) or is_sign(hw.bits_weights):
                raise CompileError(
                    node.name,
                    "a product whose right factor has to be transposed needs a number 0, which "
                    "words of one bit do not have: use transpose_b, or hardware of 2 bits",
                )
            right = context.graph.tensor(node.inputs[1])
            features, tokens = right.channels, right.height * right.width
            name = context.own_name(f"{node.name}.transposed")
            target = TensorSlice.whole(name, tokens)
            yield Operation(
                name=node.name,
                kind="transpose",
                source=TensorSlice.whole(target.tensor, features),
                target=target,
                size=(1, features),
                out_size=(1, features),
                requant=Requant.identity(*pixel_limits(hw)),
                macs=0,
                weights_from=factor,
                weights_size=factor_size,
                constant=np.eye(features, dtype=np.int8)[None],
                holds=Contents(factor, transposed=True),
                **common,
            )
            factor, factor_size = target, (1, features)
        yield Operation(
            name=node.name,
            kind="matmul",
            source=places[node.inputs[0]],
            target=places[node.output.name],
            size=size,
            out_size=size,
            requant=node.requant,
            macs=macs(node, context.graph),
            weights_from=factor,
            weights_size=factor_size,
            **common,
        )
