# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What all commands do with results and progress."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from corewright.files import write_output

# Width of tables where there is no terminal to ask.
_PLAIN_WIDTH = 110


@contextlib.contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Show what is being done on standard error, if that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("starting") as shown:
        yield lambda text: shown.update(escape(text))


def output() -> Console:
    """Return the console of results, standard output."""
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def write_json(path: Path | None, value: Any) -> None:
    """Write JSON-compatible data where it was asked for; raises OutputError."""
    write_output(path, json.dumps(value, indent=2) + "\n", "--json FILE")
