# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The exception that every illegal graph raises."""


class GraphError(ValueError):
    """An illegal graph: the message names the layer, the value and what would be legal."""
