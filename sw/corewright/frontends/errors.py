# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The exception of the front ends."""


class FrontendError(ValueError):
    """A model that has no integer graph: names the layer and the nearest supported form."""
