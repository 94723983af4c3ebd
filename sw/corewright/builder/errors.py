# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What goes wrong when a graph is written."""

from __future__ import annotations


class BuilderError(ValueError):
    """A layer cannot be built as asked; the message names it, the value and what is legal."""
