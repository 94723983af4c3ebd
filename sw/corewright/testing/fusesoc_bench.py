# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the Edalize flows ``cw_cocotb`` and ``cw_icarus`` run in their work root.

The first compiles a bench's model and runs it, the second runs what its own commands have compiled:
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
    missing_libpython,
    not_installed,
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
    from corewright.testing.cocotb_runner import build_cocotb, run_cocotb, run_on_icarus

    names = (settings["toplevel"], settings["cocotb_module"])
    parameters = settings["parameters"]
    options: dict[str, Any] = {
        "build_root": folder / "runs",
        "seed": settings["seed"],
        "bench_folder": folder,
        "bench_options": bench_options(settings["bench_options"] or []),
        "test_filter": settings["cocotb_test_filter"],
    }
    if settings["simulator"] == "icarus":
        if missing := missing_libpython():
            raise EnvironmentUnusableError(not_installed(missing))
        run = run_on_icarus(*names, folder, parameters, **options)
    else:
        require_build_tools(tool_environment(), libpython=True)
        sources = [(folder / name).resolve() for name in settings["sources"]]
        model: dict[str, Any] = {
            "extra_args": settings["verilator_options"] or [],
            "defines": settings["defines"],
        }
        if step == "build":
            built = build_cocotb(*names, sources, parameters, bench_folder=folder, **model)
            sys.stdout.write(f"model: {built}\n")
            return
        run = run_cocotb(*names, sources, parameters, **{**options, **model})
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
