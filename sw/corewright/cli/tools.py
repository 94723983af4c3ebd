# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Commands that start another program: its arguments, output and exit status are its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence

from corewright.environment import is_installed, repository_root
from corewright.flow.cache import build_folder, check_build_folder
from corewright.flow.compiled_bench import flow_environment, fusesoc_command
from corewright.flow.errors import FlowInputError

# The status of a command that was not found, as in a shell.
_NOT_FOUND = 127


def run(name: str, arguments: Sequence[str]) -> int:
    """Run ``test``, ``fusesoc`` or ``shell`` and return its exit status."""
    root = repository_root()
    # FuseSoC, pytest and ruff make the folder themselves, but without its mark.
    build_folder()
    if name == "fusesoc":
        return _call(fusesoc_command(*arguments))
    if name == "test" and is_installed():
        raise FlowInputError("the tests are part of a clone, not of the installed package")
    if name == "test":
        # Thousands of failures would say the same.
        check_build_folder()
        # Sets of strings are in the same order in each run; runs of tests are no history.
        variables = {"PYTHONHASHSEED": "0", "COREWRIGHT_DATABASE": "none"}
        return _call(test_command(arguments), cwd=str(root), **variables)
    words = list(arguments) or [os.environ.get("SHELL", "/bin/sh")]
    return _call(words)


def test_command(arguments: Sequence[str]) -> list[str]:
    """Return pytest's command line; without ``-n`` it runs a process on each core."""
    command = [sys.executable, "-m", "pytest", *arguments]
    chosen = any(
        word in ("-n", "--pdb") or re.match(r"-n\d|-n(auto|logical)$|--numprocesses", word)
        for word in arguments
    )
    if not chosen:
        command += ["-n", str(os.cpu_count() or 1), "--dist", "worksteal"]
    return command


def _call(command: Sequence[str], cwd: str | None = None, **variables: str) -> int:
    environment = {**flow_environment(), **variables}
    try:
        return subprocess.run(command, env=environment, cwd=cwd, check=False).returncode
    except FileNotFoundError as error:
        sys.stderr.write(f"cw: {error.filename}: not found\n")
        return _NOT_FOUND
    except PermissionError as error:
        sys.stderr.write(f"cw: {error.filename}: cannot be run\n")
        return _NOT_FOUND - 1
