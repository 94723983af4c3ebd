# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Mutants that a block's ``dv/equivalent.toml`` argues to be equivalent, where no solver can tell.

::

    [[equivalent]]
    file = "cw_axi_reader.sv"             # as mutants call it: below rtl/, folders before dots
    operator = "bound"
    old = "if (level_q < Depth) begin"    # the line, without the spaces around it
    new = "if (level_q <= Depth) begin"   # what the mutant makes of it
    reason = "a full queue never gets here: push is only given with room"

An entry means exactly one mutant, on whatever line it stands; one that means none is out of date.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

from corewright.flow.errors import FlowInputError
from corewright.mutate.blocks import Block
from corewright.mutate.operators import Mutant

FILE = "equivalent.toml"
# Of all mutants that the operators make, so many may be argued about, at most.
LARGEST_SHARE = 0.03
_KEYS = ("file", "operator", "old", "new", "reason")


def argued(block: Block, mutants: Sequence[Mutant]) -> dict[str, str]:
    """Return the reasons of a block's file, by the mutants' names.

    Args:
        block: the block.
        mutants: all of it.

    Raises:
        FlowInputError: the file is wrong, or an entry means not exactly one mutant.
    """
    path = block.folder / "dv" / FILE
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FlowInputError(f"{path}: {error}") from error
    entries = values.pop("equivalent", [])
    if values or not isinstance(entries, list):
        raise FlowInputError(f"{path}: legal is a list of tables [[equivalent]], nothing else")
    texts = {key: source.read_text(encoding="utf-8") for key, source in block.sources.items()}
    by_key: dict[tuple[str, ...], list[str]] = {}
    for mutant in mutants:
        by_key.setdefault(_key(mutant, texts[mutant.file]), []).append(mutant.id)
    found: dict[str, str] = {}
    for number, entry in enumerate(entries, start=1):
        where = f"{path}: entry {number}"
        if not isinstance(entry, dict) or set(entry) != set(_KEYS):
            raise FlowInputError(f"{where} has not exactly {', '.join(_KEYS)}")
        if not all(isinstance(value, str) and value.strip() for value in entry.values()):
            raise FlowInputError(f"{where}: each value is a text, and none is empty")
        means = by_key.get(tuple(entry[key].strip() for key in _KEYS[:-1]), [])
        if len(means) != 1:
            raise FlowInputError(
                f"{where} means {len(means)} mutants, not one: "
                + ("it is out of date" if not means else ", ".join(means))
            )
        if means[0] in found:
            raise FlowInputError(f"{where} means the same mutant as another")
        found[means[0]] = entry["reason"].strip()
    return found


def _key(mutant: Mutant, text: str) -> tuple[str, ...]:
    """What an entry names a mutant by: the changed lines, wherever they stand."""
    start = text.rfind("\n", 0, mutant.first) + 1
    end = text.find("\n", mutant.last)
    end = len(text) if end < 0 else end
    new = text[start : mutant.first] + mutant.new + text[mutant.last : end]
    return mutant.file, mutant.operator, text[start:end].strip(), new.strip()
