# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Hypothesis draws the same examples in each run, whatever earlier runs have found."""

from hypothesis import settings

# Hypothesis's own: derandomize=True, no database of examples, no deadline.
settings.load_profile("ci")
