# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Blocks whose mutants can be judged, and what of them is named on the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from corewright.flow.block_benches import BlockBench, bench_files, block_benches, system_tests
from corewright.flow.errors import FlowInputError
from corewright.mutate.operators import Mutant, constant_functions, mutants_of
from corewright.regress.drawing import generator
from corewright.sources import sources_of

# Whose sources are those of a whole accelerator.
SYSTEM = ("corewright:core:accelerator", "lint")


@dataclass(frozen=True)
class Block:
    """A block and its benches.

    Attributes:
        folder: of the block.
        benches: what judges its mutants.
        in_system: sources that only whole accelerators test.
    """

    folder: Path
    benches: tuple[BlockBench, ...]
    in_system: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def sources(self) -> dict[str, Path]:
        """The sources that a bench answers for, by what mutants call them."""
        paths = [path for bench in self.benches for path in bench.tests]
        return {self.key(path): path for path in (*paths, *self.in_system)}

    def key(self, path: Path) -> str:
        """Return what mutants call a source: its path below ``rtl``, folders before dots."""
        return ".".join(path.relative_to(self.folder / "rtl").parts)

    def constant_functions(self) -> set[str]:
        """Return the functions in which no run can choose a mutant."""
        paths = {path for bench in self.benches for path in bench.sources if path.suffix == ".sv"}
        if self.in_system:
            paths.update(sources_of(*SYSTEM))
        texts = [path.read_text(encoding="utf-8") for path in sorted(paths)]
        return constant_functions(texts)

    def mutants(self) -> tuple[list[Mutant], Counter[str]]:
        """Return all mutants, in the order of the sources, and the number not made by reason."""
        found: list[Mutant] = []
        skipped: Counter[str] = Counter()
        constant = self.constant_functions()
        for key, path in self.sources.items():
            text = path.read_text(encoding="utf-8")
            own, reasons = mutants_of(self.name, key, text, constant)
            found += own
            skipped += reasons
        return found, skipped


def blocks(root: Path | None = None) -> dict[str, Block]:
    """Return the blocks that have a ``dv/bench.toml``, by name.

    Args:
        root: the clone; this one's when None.

    Raises:
        FlowInputError: such a file is wrong.
    """
    found = [
        Block(path.parents[1], tuple(block_benches(path.parent)), system_tests(path.parent))
        for path in bench_files(root)
    ]
    return {block.name: block for block in found}


def select(names: Sequence[str], known: dict[str, Block]) -> dict[str, set[str]]:
    """Return the sources that names mean, by block.

    Args:
        names: of blocks (``axis_fifo``, ``ip/axis_fifo``) or of sources (``cw_axi_reader``); none
            means all.
        known: see :func:`blocks`.

    Raises:
        FlowInputError: a name means nothing; the message lists the blocks.
    """
    if not names:
        return {name: set(block.sources) for name, block in known.items()}
    chosen: dict[str, set[str]] = {}
    for name in names:
        last = name.rstrip("/").rpartition("/")[2]
        found = False
        for block in known.values():
            keys = {
                key
                for key in block.sources
                if block.name == last or key.removesuffix(".sv") == last.removesuffix(".sv")
            }
            if keys:
                chosen.setdefault(block.name, set()).update(keys)
                found = True
        if not found:
            legal = ", ".join(known)
            raise FlowInputError(f"there is no block or source '{name}', blocks are: {legal}")
    return chosen


def sample(mutants: Sequence[Mutant], count: int | None, seed: int) -> list[Mutant]:
    """Return ``count`` of a block's mutants, or all, in their order; the seed says which.

    A greater count has those of a smaller one.
    """
    if count is None or count >= len(mutants):
        return list(mutants)
    block = mutants[0].block
    chosen = generator(f"mutants of {block}", seed, 0).permutation(len(mutants))[:count]
    return [mutants[index] for index in sorted(chosen)]


def find_mutant(identifier: str, known: Iterable[Block]) -> tuple[Block, Mutant]:
    """Return the mutant of this name.

    Raises:
        FlowInputError: there is none.
    """
    for block in known:
        if identifier.startswith(f"{block.name}-"):
            for mutant in block.mutants()[0]:
                if mutant.id == identifier:
                    return block, mutant
    raise FlowInputError(
        f"there is no mutant '{identifier}': legal is BLOCK-FILE-LINE-OPERATOR-DIGEST of a report"
        " about these sources"
    )
