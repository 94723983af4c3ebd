# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bugs that are put into copies of the sources, to prove that a bench or a proof finds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutation:
    """One bug to put into a copy of the sources.

    Attributes:
        file: name of the source, without folder.
        old: text that stands exactly once in it, but for spaces that align assignments.
        new: what to put there.
    """

    file: str
    old: str
    new: str

    def apply(self, name: str, text: str) -> str:
        """Return the text of a source with the bug, if it is the one.

        Raises:
            ValueError: ``old`` does not stand in it exactly once: the mutation is out of date.
        """
        if name != self.file:
            return text
        # An aligned block may be aligned anew without a change of meaning.
        text = re.sub(" +<=", " <=", text)
        if text.count(self.old) != 1:
            raise ValueError(f"{self.old!r} stands {text.count(self.old)} times in {name}")
        return text.replace(self.old, self.new)

    def sources(self, sources: Sequence[Path], folder: Path) -> list[Path]:
        """Return the sources with a copy that has the bug, in ``folder``, instead of the one.

        Raises:
            ValueError: no source has the name, or the mutation is out of date.
        """
        if self.file not in [source.name for source in sources]:
            raise ValueError(f"{self.file} is not among {[source.name for source in sources]}")
        mutated = []
        for source in sources:
            if source.name == self.file:
                text = self.apply(source.name, source.read_text(encoding="utf-8"))
                source = folder / source.name
                source.write_text(text, encoding="utf-8")
            mutated.append(source)
        return mutated
