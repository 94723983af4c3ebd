# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The file in which a bench says that it passed: a simulator's status alone is not enough."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

OPTION: dict[str, Any] = {
    "type": "str",
    "desc": 'Plusarg that names the JSON in which the bench says "passed": true',
}


def result_file(tool: Any) -> Path | None:
    """Return the file that a tool's bench writes; None when there is none to check.

    Args:
        tool: an Edalize tool with the option ``result_plusarg``, after its ``setup``.

    Raises:
        RuntimeError: the core has no such plusarg, or it has no value.
    """
    plusarg = tool.tool_options.get("result_plusarg")
    if not plusarg:
        return None
    if plusarg not in tool.plusarg:
        name = type(tool).__name__.lower()
        raise RuntimeError(f"{name}: result_plusarg is {plusarg}, a plusarg without a value")
    return Path(tool.work_root) / str(tool.plusarg[plusarg])


def check_result(result: Path, flow: str) -> None:
    """Require that a bench has written that it passed.

    Args:
        result: its file, which was removed before the run.
        flow: who says so.

    Raises:
        RuntimeError: there is no good result.
    """
    if not result.is_file():
        raise RuntimeError(f"{flow}: the bench wrote no {result.name}: no test ran")
    try:
        passed = json.loads(result.read_text(encoding="utf-8")).get("passed")
    except (ValueError, AttributeError) as error:
        raise RuntimeError(f"{flow}: {result.name} is no JSON object") from error
    if passed is not True:
        raise RuntimeError(f"{flow}: {result.name} says passed: {json.dumps(passed)}")
