# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Writes integer graphs in a few lines, without a training framework.

``Builder("net", 32, 32, 3)`` and its methods ``conv``, ``depthwise``, ``dense``, ``pool``,
``global_average``, ``add``, ``concat``, ``slice``, ``matmul``, ``attention``, ... make a
:class:`corewright.graph.Graph` with seeded random weights, or with weights from a file. See
:mod:`corewright.builder.builder` for how the requantisation shifts are chosen. Needs NumPy only.
"""

from corewright.builder.builder import Activation, Builder, Padding
from corewright.builder.errors import BuilderError
from corewright.builder.weights import load_weights

__all__ = ["Activation", "Builder", "BuilderError", "Padding", "load_weights"]
