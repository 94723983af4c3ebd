# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a netlist takes of a chip, in all and by block."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from corewright.silicon.cells import ASIC, Role
from corewright.silicon.netlist import TOP, Netlist, Part, block_of

KINDS = ("lut", "ff", "dsp", "bram36", "uram")
# Of a library of standard cells: area in um^2 and in gate equivalents, both without memories.
ASIC_KINDS = ("area_um2", "ge", "ff", "memory_bits")
# Passes over cells without a name of their own, each one asks those that the last one has placed.
_PASSES = 256


def kinds_of(family: str) -> tuple[str, ...]:
    """Return what is counted on a family: :data:`KINDS` or :data:`ASIC_KINDS`."""
    return ASIC_KINDS if family == ASIC else KINDS


def count(netlist: Netlist) -> dict[str, dict[str, float]]:
    """Return by block what it takes; the blocks add up to the whole.

    A block is an instance, down to three below the top. Registers, memories, carry chains and
    multipliers belong to the block that their name or source line is of. A LUT has neither: it
    belongs to the block of most of what it drives, so logic at a border counts where it is used.

    Returns:
        By block what :func:`kinds_of` says, sorted by block; half of a RAM of 36 kbit is 0.5, areas
        have one digit behind the point.
    """
    placed = _placed(netlist)
    kinds = kinds_of(netlist.family)
    found: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(kinds, 0))
    for part, block in zip(netlist.parts, placed, strict=True):
        for kind, amount in part.cell.counts.items():
            found[block][kind] += amount
    return {block: _whole(found[block]) for block in sorted(found)}


def total(blocks: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the sum of blocks."""
    listed = list(blocks)
    kinds = listed[0] if listed else KINDS
    return _whole({kind: sum(block[kind] for block in listed) for kind in kinds})


def cells(netlist: Netlist) -> dict[str, int]:
    """Return how many cells of each type there are, sorted by type."""
    return dict(sorted(Counter(part.kind for part in netlist.parts).items()))


def _whole(amounts: Mapping[str, float]) -> dict[str, float]:
    rounded = {kind: round(value, 1) for kind, value in amounts.items()}
    return {kind: int(value) if value == int(value) else value for kind, value in rounded.items()}


def _placed(netlist: Netlist) -> list[str]:
    """The block of each cell."""
    parts = netlist.parts
    own = [_named(netlist, part) for part in parts]
    # A file's registers without a name are where most of its registers with one are.
    homes: dict[str, Counter[str]] = defaultdict(Counter)
    for part, block in zip(parts, own, strict=True):
        if block is not None and part.cell.role is not Role.LUT:
            homes[_file(part)][block] += 1
    for index, part in enumerate(parts):
        logic = part.cell.role in (Role.LUT, Role.WIRE)
        if own[index] is None and not logic and homes.get(_file(part)):
            own[index] = _most(homes[_file(part)])
    readers: dict[int, list[int]] = defaultdict(list)
    for index, part in enumerate(parts):
        for _, bit in part.read():
            readers[bit].append(index)
    waiting = [index for index, block in enumerate(own) if block is None]
    for _ in range(_PASSES):
        if not waiting:
            break
        votes = {
            index: Counter(
                block
                for bit in parts[index].driven()
                for reader in readers[bit]
                if (block := own[reader]) is not None
            )
            for index in waiting
        }
        for index, vote in votes.items():
            if vote:
                own[index] = _most(vote)
        waiting = [index for index in waiting if own[index] is None]
    # What drives nothing but ports.
    return [TOP if block is None else block for block in own]


def _named(netlist: Netlist, part: Part) -> str | None:
    if part.cell.role is Role.LUT:
        return None
    if part.scope:
        return block_of(part.scope)
    if "." in part.name and not part.name.startswith("$"):
        return block_of(part.name.rpartition(".")[0])
    scopes = [
        netlist.names[bit].rpartition(".")[0] for bit in part.driven() if bit in netlist.names
    ]
    named = Counter(block_of(scope) for scope in scopes if scope)
    return _most(named) if named else None


def _file(part: Part) -> str:
    return part.source.partition(":")[0]


def _most(votes: Counter[str]) -> str:
    return min(votes, key=lambda block: (-votes[block], block))
