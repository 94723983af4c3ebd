# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Keras layers and graph nodes, a module an operator: importing this package registers them all.

A room holds what a layer means (``handles``, ``emits``, ``moves`` of
``corewright.frontends.converter``), what it computes in float64 (``evaluates`` of
``corewright.frontends.evaluation``), and the layers that a node becomes (``exports`` of
``corewright.frontends.exporter``).
"""

from corewright.rooms import open_rooms

open_rooms(__name__, __path__)
