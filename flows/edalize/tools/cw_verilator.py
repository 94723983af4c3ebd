# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Edalize's Verilator, with the option that names the bench's own verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from edalize.cw_result import OPTION, result_file
from edalize.tools.verilator import Verilator


class Cw_verilator(Verilator):  # noqa: N801 - Edalize looks a class up by its module's name
    """Verilator, see :mod:`edalize.flows.cw_verilator`."""

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {**Verilator.TOOL_OPTIONS, "result_plusarg": OPTION}

    def result(self) -> Path | None:
        """Return the file that the bench writes; None when the exit status alone decides."""
        return result_file(self)
