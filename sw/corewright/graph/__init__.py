# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Integer intermediate representation of a quantised network.

Everything behind the front ends (golden model, compiler, predictor, generators) works on a
:class:`Graph`, which needs NumPy only: a saved graph is executed and compiled without TensorFlow.
"""

from corewright.graph import ops
from corewright.graph.analysis import (
    accumulator_bits,
    accumulator_bounds,
    macs,
    output_shape,
    value_bounds,
    value_range,
)
from corewright.graph.errors import GraphError
from corewright.graph.network import Graph
from corewright.graph.node import (
    ComputeNode,
    CopyNode,
    FinalNode,
    Node,
    RequantNode,
    operator,
    operators,
)
from corewright.graph.ops.add import Add
from corewright.graph.ops.concat import Concat
from corewright.graph.ops.conv import Conv
from corewright.graph.ops.dense import Dense
from corewright.graph.ops.depthwise import Depthwise
from corewright.graph.ops.matmul import MatMul
from corewright.graph.ops.pool import Pool, identity_pool, rescaling_pool
from corewright.graph.ops.quantised_softmax import (
    MAX_SOFTMAX_FRACTION,
    QuantisedSoftmax,
    softmax_table,
)
from corewright.graph.ops.slice import Slice
from corewright.graph.ops.softmax import Softmax
from corewright.graph.ops.upsample import Upsample
from corewright.graph.tensor import MAX_PRE_SHIFT, MAX_SHIFT, Requant, Tensor, same_padding
from corewright.graph.weighted import WeightedNode
from corewright.graph.window import WindowNode

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
    "FinalNode",
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
    "WeightedNode",
    "WindowNode",
    "accumulator_bits",
    "accumulator_bounds",
    "identity_pool",
    "macs",
    "operator",
    "operators",
    "ops",
    "output_shape",
    "rescaling_pool",
    "same_padding",
    "softmax_table",
    "value_bounds",
    "value_range",
]
