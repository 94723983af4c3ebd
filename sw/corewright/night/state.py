# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What is remembered between nights, and within one that may be killed: ``state.json``.

========= =====================================================================================
night     the night that is not over: ``id``, ``commit``, ``seed``, ``began``, and by part the
          outcomes of its ``pieces``; null between nights
last      by part its last run: ``night``, ``date``, ``commit``, ``status``, ``seconds``,
          ``failures`` (keys), ``rate``
history   of each part and night ``suite``, ``date``, ``commit``, ``passed``, ``failed``, ``rate``
nights    those that have ended, oldest first
========= =====================================================================================
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from corewright.files import UnreadableFileError, read_json, writing
from corewright.flow.errors import FlowInputError

VERSION = 1
MOVED_BY = "--out FOLDER"
_NIGHT = re.compile(r"\d{8}-\d{6}(-\d+)?")
# Entries of the history that are kept.
_HISTORY = 5000


class Unfinished(TypedDict):
    """A night that is not over."""

    id: str
    commit: str | None
    seed: int
    began: str
    pieces: dict[str, list[dict[str, Any]]]


@dataclass
class State:
    """See this module."""

    night: Unfinished | None = None
    last: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    nights: list[str] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write the file of a folder; it is whole at any time.

        Raises:
            OutputError: it cannot be written.
        """
        self.history = self.history[-_HISTORY:]
        path = folder / "state.json"
        new = path.with_suffix(".new")
        with writing(path, MOVED_BY):
            text = json.dumps({"version": VERSION, **asdict(self)}, indent=1)
            with new.open("w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)


def load_state(folder: Path) -> State:
    """Read the file of a folder; a folder without is the first night's.

    Raises:
        FlowInputError: it is damaged, or of another version.
    """
    path = folder / "state.json"
    try:
        values = read_json(path)
    except FileNotFoundError:
        return State()
    except UnreadableFileError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise _damaged(path, f"legal is version {VERSION}")
    types: dict[str, type | tuple[type, ...]] = {
        "night": (dict, type(None)),
        "last": dict,
        "history": list,
        "nights": list,
    }
    wrong = [name for name, kind in types.items() if not isinstance(values.get(name), kind)]
    if wrong or set(values) != {"version", *types}:
        raise _damaged(path, f"legal are {', '.join(types)}")
    night = values["night"]
    if night is not None and set(night) != set(Unfinished.__annotations__):
        raise _damaged(path, f"legal in night are {', '.join(Unfinished.__annotations__)}")
    return State(night, values["last"], values["history"], values["nights"])


def _damaged(path: Path, why: str) -> FlowInputError:
    return FlowInputError(f"{path}: {why}: it may be removed, the next night is then the first")


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder for one night.

    Raises:
        FlowInputError: another one runs there.
        OutputError: the folder cannot be written.
    """
    with writing(folder, MOVED_BY):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w", encoding="utf-8")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FlowInputError(
                f"{folder}: a night runs there already, --out FOLDER names another place"
            ) from error
        yield


def prune(folder: Path, state: State, keep: int) -> None:
    """Remove the files of all nights but the last ones; state and history stay."""
    for name in state.nights[:-keep]:
        # The state is a file that anybody may have changed.
        if _NIGHT.fullmatch(name):
            with writing(folder, MOVED_BY):
                shutil.rmtree(folder / name, ignore_errors=True)
    state.nights = state.nights[-keep:]
