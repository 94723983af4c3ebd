# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``flow: "cw_lint"``: Verilator's lint, which needs nothing set up around it, as cw_verilator."""

from __future__ import annotations

from typing import Any, ClassVar

from edalize.flows.cw_verilator import VerilatorFlow


class Cw_lint(VerilatorFlow):  # noqa: N801 - Edalize looks a class up by its module's name
    """Check the design; what Verilator warns of fails it."""

    GIVEN: ClassVar[dict[str, Any]] = {"mode": "lint-only", "exe": "false", "make_options": []}
