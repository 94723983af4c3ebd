# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The suites by name."""

from __future__ import annotations

import importlib

from corewright.flow.errors import FlowInputError
from corewright.regress.case import Suite
from corewright.regress.kinds import graphs, system

SUITES: dict[str, Suite] = {suite.name: suite for suite in (graphs.SUITE, system.SUITE)}


def find_suite(name: str) -> Suite:
    """Return the suite called ``name``.

    Raises:
        FlowInputError: there is none; the message lists those that there are.
    """
    if name not in SUITES:
        raise FlowInputError(f"there is no suite '{name}', legal are: {', '.join(SUITES)}")
    return SUITES[name]


def resolve(reference: str) -> Suite:
    """Return the suite that ``module:attribute`` names."""
    module, _, attribute = reference.partition(":")
    suite: Suite = getattr(importlib.import_module(module), attribute)
    return suite
