# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The exception of everything that cannot be compiled."""

from __future__ import annotations


class CompileError(ValueError):
    """A graph that a hardware cannot run; names layer, cause and the parameter to change.

    Attributes:
        layer: name of the layer at fault, or None for the whole graph.
        parameter: the hardware parameter to change, where one would help.
        needed: the value that it needs.
    """

    def __init__(
        self,
        layer: str | None,
        cause: str,
        *,
        parameter: str | None = None,
        needed: int | None = None,
    ) -> None:
        where = "graph" if layer is None else f"layer '{layer}'"
        advice = "" if parameter is None else f": raise {parameter} to at least {needed}"
        super().__init__(f"{where}: {cause}{advice}")
        self.layer = layer
        self.parameter = parameter
        self.needed = needed
