# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the Edalize flow ``cw_cocotb`` runs in its work root: compiles a bench's model, runs it.

``python -m corewright.testing.fusesoc_bench build|run SETTINGS``, where the flow has written the
settings. The status is 1, and one text says why, when the model cannot be built, a test fails, or
none ran.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corewright.environment import (
    EnvironmentUnusableError,
    require_build_tools,
    tool_environment,
)


def bench_options(words: Sequence[str]) -> dict[str, Any]:
    """Return the values of ``NAME=JSON`` words.

    Raises:
        ValueError: a word is none of these; the text names it.
    """
    values = {}
    for word in words:
        name, found, text = word.partition("=")
        try:
            if not found or not name:
                raise ValueError
            values[name] = json.loads(text)
        except ValueError:
            raise ValueError(
                f"bench_options: {word!r} is not NAME=JSON, such as full_rate=true"
            ) from None
    return values


def _run(step: str, settings: dict[str, Any], folder: Path) -> None:
    # Only now: without cocotb the caller gets one line, not a traceback.
    from corewright.testing.cocotb_runner import build_cocotb, run_cocotb

    require_build_tools(tool_environment(), libpython=True)
    sources = [(folder / name).resolve() for name in settings["sources"]]
    design = (settings["toplevel"], settings["cocotb_module"], sources, settings["parameters"])
    options = {
        "extra_args": settings["verilator_options"] or [],
        "bench_folder": folder,
        "defines": settings["defines"],
    }
    if step == "build":
        sys.stdout.write(f"model: {build_cocotb(*design, **options)}\n")
        return
    run = run_cocotb(
        *design,
        folder / "runs",
        settings["seed"],
        bench_options=bench_options(settings["bench_options"] or []),
        test_filter=settings["cocotb_test_filter"],
        **options,
    )
    sys.stdout.write((run / "run.log").read_text(encoding="utf-8", errors="replace"))
    if not any(run.glob("dump.*")):
        shutil.rmtree(run)


def main(arguments: Sequence[str]) -> int:
    """Run one step; returns the exit status."""
    step, file = arguments
    settings = json.loads(Path(file).read_text(encoding="utf-8"))
    try:
        _run(step, settings, Path(file).resolve().parent)
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{settings['name']}: please pip install {error.name}\n")
        return 1
    except (AssertionError, EnvironmentUnusableError, ValueError) as error:
        sys.stderr.write(f"{settings['name']}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
