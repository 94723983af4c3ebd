# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Integer intermediate representation of a quantised network.

Everything behind the front ends (golden model, compiler, predictor, generators) works on a
:class:`Graph`, which needs NumPy only: a saved graph is executed and compiled without TensorFlow.
"""

from corewright.graph.analysis import (
    accumulator_bits,
    accumulator_bounds,
    macs,
    value_bounds,
    value_range,
)
from corewright.graph.errors import GraphError
from corewright.graph.ir import (
    MAX_PRE_SHIFT,
    MAX_SHIFT,
    MAX_SOFTMAX_FRACTION,
    Add,
    ComputeNode,
    Concat,
    Conv,
    CopyNode,
    Dense,
    Depthwise,
    MatMul,
    Node,
    Pool,
    QuantisedSoftmax,
    Requant,
    RequantNode,
    Slice,
    Softmax,
    Tensor,
    Upsample,
    output_shape,
    same_padding,
    softmax_table,
)
from corewright.graph.network import Graph

__all__ = [
    "MAX_PRE_SHIFT",
    "MAX_SHIFT",
    "MAX_SOFTMAX_FRACTION",
    "Add",
    "ComputeNode",
    "Concat",
    "Conv",
    "CopyNode",
    "Dense",
    "Depthwise",
    "Graph",
    "GraphError",
    "MatMul",
    "Node",
    "Pool",
    "QuantisedSoftmax",
    "Requant",
    "RequantNode",
    "Slice",
    "Softmax",
    "Tensor",
    "Upsample",
    "accumulator_bits",
    "accumulator_bounds",
    "macs",
    "output_shape",
    "same_padding",
    "softmax_table",
    "value_bounds",
    "value_range",
]
